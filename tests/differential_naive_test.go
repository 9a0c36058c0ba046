package tests

import (
	"slices"
)

// differentialQueries are queries over the inputs of TestDifferential with their
// meaning written out.
var differentialQueries = []struct {
	sql   string
	naive func(in inputs) []drow
}{
	{"SELECT l.*, r.* FROM l JOIN r ON l.k = r.k", joined(eqKeys, false, false)},
	{"SELECT l.*, r.* FROM l LEFT JOIN r ON l.k = r.k", joined(eqKeys, true, false)},
	{"SELECT l.*, r.* FROM l RIGHT JOIN r ON l.k = r.k", joined(eqKeys, false, true)},
	{"SELECT l.*, r.* FROM l FULL JOIN r ON l.k = r.k", joined(eqKeys, true, true)},
	{"SELECT l.*, r.* FROM l FULL JOIN r ON l.k = r.k AND l.v < r.w", joined(func(l, r drow) bool { return eqKeys(l, r) && less(l[2], r[1]) }, true, true)},
	{"SELECT l.*, r.* FROM l LEFT JOIN r ON l.k = r.k AND l.v > 1 AND r.w > 1", joined(func(l, r drow) bool { return eqKeys(l, r) && less(1, l[2]) && less(1, r[1]) }, true, false)},
	{"SELECT l.*, r.* FROM l LEFT JOIN r ON l.v < r.w", joined(func(l, r drow) bool { return less(l[2], r[1]) }, true, false)},
	{"SELECT l.*, r.* FROM l FULL JOIN r ON l.k IS NOT DISTINCT FROM r.k", joined(func(l, r drow) bool { return l[1] == r[0] }, true, true)},
	{"SELECT l.*, r.* FROM l JOIN r ON l.k + 1 = r.k", joined(func(l, r drow) bool { k, ok := l.n(1); return ok && r[0] == k+1 }, false, false)},
	{"SELECT l.*, r.* FROM l, r WHERE l.k = r.k AND l.v >= r.w", joined(func(l, r drow) bool { return eqKeys(l, r) && (less(r[1], l[2]) || same(l[2], r[1])) }, false, false)},
	{"SELECT l.*, r.* FROM l LEFT JOIN r ON l.k = r.k WHERE r.w > 2", joined(func(l, r drow) bool { return eqKeys(l, r) && less(2, r[1]) }, false, false)},
	{"SELECT * FROM l WHERE k IN (SELECT k FROM r)", kept(func(l drow, in inputs) bool { return some(l, in, eqKeys) })},
	{"SELECT * FROM l WHERE EXISTS (SELECT * FROM r WHERE r.k = l.k AND r.w > l.v)", kept(func(l drow, in inputs) bool {
		return some(l, in, func(l, r drow) bool { return eqKeys(l, r) && less(l[2], r[1]) })
	})},
	{"SELECT * FROM l WHERE NOT EXISTS (SELECT * FROM r WHERE r.k = l.k)", kept(func(l drow, in inputs) bool { return !some(l, in, eqKeys) })},
	{"SELECT * FROM l WHERE k NOT IN (SELECT k FROM r)", kept(func(l drow, in inputs) bool {
		return !some(l, in, func(l, r drow) bool { return l[1] == nil || r[0] == nil || l[1] == r[0] })
	})},
	{"SELECT * FROM l WHERE v > ALL (SELECT w FROM r WHERE r.k = l.k)", kept(func(l drow, in inputs) bool {
		return !some(l, in, func(l, r drow) bool { return eqKeys(l, r) && !less(r[1], l[2]) })
	})},
	{"SELECT id, k IN (SELECT k FROM r) AS c FROM l", mapped(func(l drow, in inputs) any {
		null := func(l, r drow) bool { return l[1] == nil || r[0] == nil }
		switch {
		case some(l, in, eqKeys):
			return true
		case some(l, in, null):
			return nil
		}
		return false
	})},
	{"SELECT id, (SELECT COUNT(*) FROM r WHERE r.k = l.k) AS c FROM l", mapped(func(l drow, in inputs) any { return len(with(l, in, eqKeys)) })},
	{"SELECT id, (SELECT MAX(w) FROM r WHERE r.k = l.k AND r.w <> l.v) AS c FROM l", mapped(func(l drow, in inputs) any {
		return greatest(with(l, in, func(l, r drow) bool { return eqKeys(l, r) && (less(l[2], r[1]) || less(r[1], l[2])) }))
	})},
	{"SELECT id, (SELECT MAX(w) FROM r WHERE r.w < l.v) AS c FROM l", mapped(func(l drow, in inputs) any {
		return greatest(with(l, in, func(l, r drow) bool { return less(r[1], l[2]) }))
	})},
	{"SELECT k FROM l INTERSECT SELECT k FROM r", sets(func(l, r int) int { return min(l, r, 1) })},
	{"SELECT k FROM l EXCEPT SELECT k FROM r", sets(func(l, r int) int {
		if r > 0 {
			return 0
		}
		return min(l, 1)
	})},
	{"SELECT k FROM l INTERSECT ALL SELECT k FROM r", sets(func(l, r int) int { return min(l, r) })},
	{"SELECT k FROM l EXCEPT ALL SELECT k FROM r", sets(func(l, r int) int { return max(l-r, 0) })},
	{"SELECT k FROM l UNION SELECT k FROM r", sets(func(l, r int) int { return min(l+r, 1) })},
	{"SELECT id, k, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM l) WHERE rn <= 2", ranked(2, 1, 2, true, true)},
	{"SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM l) WHERE rn <= 2", ranked(2, 1, 2, true, false)},
	{"SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS rn FROM l) WHERE rn = 1", ranked(2, 1, 1, false, false)},
	{"SELECT id, k, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS rn FROM l) WHERE rn BETWEEN 2 AND 3", ranked(2, 2, 3, false, true)},
	{"SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS rn FROM l) WHERE rn BETWEEN 2 AND 3", ranked(2, 2, 3, false, false)},
	{"SELECT k, c, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY c DESC, k) AS rn FROM (SELECT k, COUNT(*) AS c FROM a GROUP BY k)) WHERE rn <= 2", counts},
	{"SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY t DESC) AS rn FROM a) WHERE rn = 1", timedRow(true)},
	{"SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY t) AS rn FROM a) WHERE rn = 1", timedRow(false)},
	{"SELECT a.id, b.w FROM a JOIN b ON a.k = b.k AND a.t BETWEEN b.t - INTERVAL '5' SECOND AND b.t + INTERVAL '3' SECOND", near(-5, 3, false, false)},
	{"SELECT a.id, b.w FROM a LEFT JOIN b ON a.k = b.k AND a.t >= b.t AND a.t < b.t + INTERVAL '10' SECOND", near(0, 9, true, false)},
	{"SELECT a.id, b.w FROM a FULL JOIN b ON a.k = b.k AND a.t > b.t - INTERVAL '4' SECOND AND b.t + INTERVAL '4' SECOND > a.t", near(-3, 3, true, true)},
	{"SELECT a.id, v.w FROM a JOIN ver FOR SYSTEM_TIME AS OF a.t AS v ON a.k = v.k", versioned(false)},
	{"SELECT a.id, v.w FROM a LEFT JOIN ver FOR SYSTEM_TIME AS OF a.t AS v ON a.k = v.k", versioned(true)},
}

func eqKeys(l, r drow) bool { return same(l[1], r[0]) }

// same and less are = and <: never true of NULL.
func same(a, b any) bool { return a != nil && a == b }

func less(a, b any) bool {
	x, ok1 := a.(int)
	y, ok2 := b.(int)
	return ok1 && ok2 && x < y
}

// joined joins l and r.
func joined(on func(l, r drow) bool, left, right bool) func(inputs) []drow {
	return func(in inputs) []drow { return pairs(in.l, in.r, 3, 2, on, left, right) }
}

func pairs(ls, rs []drow, lw, rw int, on func(l, r drow) bool, left, right bool) []drow {
	var out []drow
	met := make([]bool, len(rs))
	for _, l := range ls {
		found := false
		for i, r := range rs {
			if on(l, r) {
				out, found, met[i] = append(out, append(slices.Clone(l[:lw]), r[:rw]...)), true, true
			}
		}
		if !found && left {
			out = append(out, append(slices.Clone(l[:lw]), make(drow, rw)...))
		}
	}
	for i, r := range rs {
		if !met[i] && right {
			out = append(out, append(make(drow, lw), r[:rw]...))
		}
	}
	return out
}

func with(l drow, in inputs, on func(l, r drow) bool) []drow {
	var out []drow
	for _, r := range in.r {
		if on(l, r) {
			out = append(out, r)
		}
	}
	return out
}

func some(l drow, in inputs, on func(l, r drow) bool) bool { return len(with(l, in, on)) > 0 }

func greatest(rs []drow) any {
	var m any
	for _, r := range rs {
		if m == nil || less(m, r[1]) {
			m = r[1]
		}
	}
	return m
}

func kept(keep func(l drow, in inputs) bool) func(inputs) []drow {
	return func(in inputs) []drow {
		var out []drow
		for _, l := range in.l {
			if keep(l, in) {
				out = append(out, l)
			}
		}
		return out
	}
}

func mapped(value func(l drow, in inputs) any) func(inputs) []drow {
	return func(in inputs) []drow {
		var out []drow
		for _, l := range in.l {
			out = append(out, drow{l[0], value(l, in)})
		}
		return out
	}
}

// sets counts the keys of both sides.
func sets(times func(l, r int) int) func(inputs) []drow {
	return func(in inputs) []drow {
		n := map[any][2]int{}
		for _, l := range in.l {
			c := n[l[1]]
			c[0]++
			n[l[1]] = c
		}
		for _, r := range in.r {
			c := n[r[0]]
			c[1]++
			n[r[0]] = c
		}
		var out []drow
		for k, c := range n {
			for range times(c[0], c[1]) {
				out = append(out, drow{k})
			}
		}
		return out
	}
}

// ranked numbers l by column by within k; equal rows in the order they came, NULL
// the least.
func ranked(by, from, to int, desc, number bool) func(inputs) []drow {
	return func(in inputs) []drow {
		parts := map[any][]drow{}
		for _, l := range in.l {
			parts[l[1]] = append(parts[l[1]], l)
		}
		var out []drow
		for _, rows := range parts {
			slices.SortStableFunc(rows, func(x, y drow) int {
				c := 0
				switch {
				case x[by] == y[by]:
				case x[by] == nil || less(x[by], y[by]):
					c = -1
				default:
					c = 1
				}
				if desc {
					c = -c
				}
				return c
			})
			for i := from - 1; i < min(to, len(rows)); i++ {
				r := slices.Clone(rows[i])
				if number {
					r = append(r, i+1)
				}
				out = append(out, r)
			}
		}
		return out
	}
}

// counts are the two most frequent keys of a.
func counts(in inputs) []drow {
	n := map[any]int{}
	for _, a := range in.a {
		n[a[1]]++
	}
	var rows []drow
	for k, c := range n {
		rows = append(rows, drow{k, c})
	}
	slices.SortFunc(rows, func(x, y drow) int {
		if x[1] != y[1] {
			return y[1].(int) - x[1].(int)
		}
		if x[0] == nil || less(x[0], y[0]) {
			return -1
		}
		return 1
	})
	for i := range rows {
		rows[i] = append(rows[i], i+1)
	}
	return rows[:min(2, len(rows))]
}

// timedRow is the latest or earliest row of a of each key: of equal times the last
// or the first that came.
func timedRow(last bool) func(inputs) []drow {
	return func(in inputs) []drow {
		best := map[any]drow{}
		for _, a := range in.a {
			b := best[a[1]]
			if b == nil || last && !less(a[2], b[2]) || !last && less(a[2], b[2]) {
				best[a[1]] = a
			}
		}
		var out []drow
		for _, a := range best {
			out = append(out, a[:2])
		}
		return out
	}
}

// near joins a and b with lower <= a.t - b.t <= upper.
func near(lower, upper int, left, right bool) func(inputs) []drow {
	return func(in inputs) []drow {
		on := func(a, b drow) bool {
			d := a[2].(int) - b[2].(int)
			return same(a[1], b[0]) && d >= lower && d <= upper
		}
		var out []drow
		for _, r := range pairs(in.a, in.b, 3, 3, on, left, right) {
			out = append(out, drow{r[0], r[4]})
		}
		return out
	}
}

// versioned joins a with the version of its key at its time.
func versioned(left bool) func(inputs) []drow {
	return func(in inputs) []drow {
		var out []drow
		for _, a := range in.a {
			var at drow
			for _, v := range in.versions {
				if same(a[1], v[1]) && v[3].(int) <= a[2].(int) && (at == nil || v[3].(int) > at[3].(int)) {
					at = v
				}
			}
			switch {
			case at != nil && at[0] != "-D":
				out = append(out, drow{a[0], at[2]})
			case left:
				out = append(out, drow{a[0], nil})
			}
		}
		return out
	}
}
