package match_test

import (
	"fmt"
	"math/rand"
	"sort"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/functions/builtin"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/match"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// pattern is a random pattern over rows of a time, a key and a value, with the
// conditions as functions for the naive matcher.
type pattern struct {
	vars    []match.Variable
	conds   []func(own, all []optest.Row, row optest.Row) bool
	navs    []match.Nav
	skip    match.SkipKind
	skipVar int
	within  int64
}

func (p *pattern) nav(n match.Nav) *expr.Column {
	p.navs = append(p.navs, n)
	return &expr.Column{Index: len(p.navs) - 1, T: n.T}
}

func call(name string, t types.Type, args ...expr.Expr) expr.Expr {
	return &expr.Call{Fn: builtin.Lookup(name), Args: args, T: t}
}

func number(n int64) expr.Expr {
	v := batch.Vector{}
	v.Prepare(types.BigIntType, 1)
	v.I64[0] = n
	return &expr.Const{Value: v, T: types.BigIntType.NotNullable()}
}

// condition gives variable i one: by its own value, against its row before or the
// first row of the match, or by a sum over its rows.
func (p *pattern) condition(r *rand.Rand, i, n int) {
	own, every := uint64(1)<<i, uint64(1)<<n-1
	limit := 2 + r.Int63n(9)
	value := p.nav(match.Nav{Vars: own, Col: 2, T: types.BigIntType})
	compare := func(l, r expr.Expr, f func(own, all []optest.Row, row optest.Row) bool) {
		p.vars[i].Cond = call("<", types.BooleanType, l, r)
		p.conds[i] = f
	}
	switch r.Intn(5) {
	case 0:
		compare(value, number(limit), func(_, _ []optest.Row, row optest.Row) bool { return row.V != nil && *row.V < limit })
	case 1:
		before := p.nav(match.Nav{Vars: own, Col: 2, Offset: 1, T: types.BigIntType})
		p.vars[i].Cond = &expr.Logic{Or: true, Args: []expr.Expr{call("IS NULL", types.BooleanType.NotNullable(), before), call("<", types.BooleanType, before, value)}}
		p.conds[i] = func(own, _ []optest.Row, row optest.Row) bool {
			if len(own) == 0 || own[len(own)-1].V == nil {
				return true
			}
			return row.V != nil && *own[len(own)-1].V < *row.V
		}
	case 2:
		first := p.nav(match.Nav{Vars: every, Col: 2, First: true, T: types.BigIntType})
		compare(first, value, func(_, all []optest.Row, row optest.Row) bool {
			if len(all) == 0 {
				all = []optest.Row{row}
			}
			return all[0].V != nil && row.V != nil && *all[0].V < *row.V
		})
	case 3:
		fn := aggregate("SUM")
		c := groupagg.Call{Fn: fn, Args: []int{2}, Filter: -1, Result: types.BigIntType, Consts: []functions.Arg{{Type: types.BigIntType}}}
		compare(p.nav(match.Nav{Vars: own, Agg: c, T: types.BigIntType}), number(2*limit), func(own, _ []optest.Row, row optest.Row) bool {
			sum, any := int64(0), false
			for _, x := range append(append([]optest.Row(nil), own...), row) {
				if x.V != nil {
					sum, any = sum+*x.V, true
				}
			}
			return any && sum < 2*limit
		})
	default:
		p.conds[i] = func(_, _ []optest.Row, _ optest.Row) bool { return true }
	}
}

func aggregate(name string) *functions.Aggregate {
	for _, f := range agg.All {
		if f.Name == name {
			return f
		}
	}
	panic(name)
}

// random is a pattern. A definite one has at most one way to map the rows that
// follow a start, so that it says which match each start has.
func random(r *rand.Rand, definite bool) *pattern {
	n := 1 + r.Intn(4)
	p := &pattern{vars: make([]match.Variable, n), conds: make([]func(own, all []optest.Row, row optest.Row) bool, n)}
	for i := range p.vars {
		v := match.Variable{Name: string(rune('A' + i)), Min: 1, Max: 1, Greedy: true}
		switch k := r.Intn(5); {
		case k == 0:
			v.Min = 2
			v.Max = 2
		case k < 3 && definite && i < n-1 && (i == 0 || p.vars[i-1].Min == p.vars[i-1].Max):
			v.Min, v.Max = 1+r.Intn(2), -1
			if r.Intn(2) == 0 {
				v.Max = v.Min + 1 + r.Intn(2)
			}
		case k < 4 && !definite:
			v.Min, v.Max, v.Greedy = r.Intn(3), -1, false
			if r.Intn(2) == 0 {
				v.Max = v.Min + 1 + r.Intn(2)
			}
			if v.Min == 0 && v.Max == 1 {
				v.Greedy = true
			}
		}
		p.vars[i] = v
	}
	if least := p.vars[n-1]; least.Min == 0 {
		p.vars[n-1].Min, p.vars[n-1].Max = 1, 1
	}
	for i := range p.vars {
		p.condition(r, i, n)
	}
	p.skip = match.SkipKind(r.Intn(4))
	if p.skip == match.ToFirst || p.skip == match.ToLast {
		p.skipVar = n - 1
		if n == 1 || p.least() == 0 { // the skip would find the same match again
			p.skip = match.PastLastRow
		}
	}
	if r.Intn(2) == 0 {
		p.within = 20 + r.Int63n(300)
	}
	return p
}

// least is the number of rows that stand before the last variable at least.
func (p *pattern) least() (n int) {
	for _, v := range p.vars[:len(p.vars)-1] {
		n += v.Min
	}
	return n
}

// blocks: a greedy quantifier's variable keeps the rows that suit it.
func blocks(v match.Variable) bool {
	return v.Greedy && v.Min != v.Max && (v.Min != 0 || v.Max != 1)
}

// found is a match: where it starts and the counts of its variables.
type found struct {
	from, end int
	counts    []int
}

// all enumerates the matches that start at rows[from], by trying every mapping;
// open says that one of them isn't over when the rows are.
func (p *pattern) all(rows []optest.Row, from int) (out []found, open bool) {
	counts := make([]int, len(p.vars))
	var walk func(v, at int)
	walk = func(v, at int) { // row at may go to v, when there is room
		switch {
		case v == len(p.vars):
			return
		case at >= len(rows):
			open = open || p.within == 0
			return
		case p.within > 0 && rows[at].Ms-rows[from].Ms >= p.within:
			return
		}
		x := p.vars[v]
		if counts[v] == 0 && v > 0 && blocks(p.vars[v-1]) && p.suits(rows, from, at, v-1, counts) {
			return
		}
		if (x.Max < 0 || counts[v] < x.Max) && p.suits(rows, from, at, v, counts) {
			held := p.held(rows, from, at, counts)
			counts[v]++
			if p.whole(v, counts[v], held) {
				out = append(out, found{from, at + 1, append([]int(nil), counts...)})
			}
			if counts[v] == x.Max {
				walk(v+1, at+1)
			} else {
				walk(v, at+1)
			}
			counts[v]--
		}
		if counts[v] >= x.Min && counts[v] != x.Max {
			walk(v+1, at)
		}
	}
	walk(0, from)
	return out, open
}

// suits says that v's condition holds for the row at.
func (p *pattern) suits(rows []optest.Row, from, at, v int, counts []int) bool {
	return p.conds[v](rows[at-counts[v]:at], rows[from:at], rows[at])
}

// held is which blocking variables the row at suits.
func (p *pattern) held(rows []optest.Row, from, at int, counts []int) []bool {
	out := make([]bool, len(p.vars))
	for v := range p.vars {
		if blocks(p.vars[v]) {
			out[v] = p.suits(rows, from, at, v, counts)
		}
	}
	return out
}

// whole says that with c rows of v the match may end: what follows is optional.
func (p *pattern) whole(v, c int, held []bool) bool {
	if c < p.vars[v].Min {
		return false
	}
	for w := v + 1; w < len(p.vars); w++ {
		if blocks(p.vars[w-1]) && held[w-1] || p.vars[w].Min > 0 {
			return false
		}
	}
	return true
}

// resume is the first start that a match leaves.
func (p *pattern) resume(f found) int {
	at := f.from
	switch p.skip {
	case match.ToNextRow:
		return f.from + 1
	case match.PastLastRow:
		return f.end
	}
	for _, c := range f.counts[:p.skipVar] {
		at += c
	}
	if p.skip == match.ToLast {
		at += f.counts[p.skipVar] - 1
	}
	return at
}

func (p *pattern) spec() *match.Spec {
	s := &match.Spec{In: optest.Schema, Partition: []int{1}, By: []batch.Order{{Col: 0}}, Vars: p.vars, Navs: p.navs, Skip: p.skip, SkipVar: p.skipVar, Within: p.within,
		Out: types.NewSchema(optest.Schema.Fields[1])}
	count := groupagg.Call{Fn: aggregate("COUNT"), Filter: -1, Result: types.BigIntType.NotNullable()}
	every := uint64(1)<<len(p.vars) - 1
	add := func(n match.Nav, name string) {
		s.Navs = append(s.Navs, n)
		s.Measures = append(s.Measures, &expr.Column{Index: len(s.Navs) - 1, T: n.T})
		s.Out.Fields = append(s.Out.Fields, types.Field{Name: name, Type: n.T})
	}
	add(match.Nav{Vars: every, Col: 0, First: true, T: types.TimestampType(3)}, "start")
	add(match.Nav{Vars: every, Col: 0, T: types.TimestampType(3)}, "end")
	for i := range p.vars {
		add(match.Nav{Vars: 1 << i, Agg: count, T: types.BigIntType.NotNullable()}, "n")
	}
	return s
}

func (f found) text(rows []optest.Row) string {
	s := fmt.Sprintf("%s @%d @%d", rows[f.from].Key(), rows[f.from].Ms, rows[f.end-1].Ms)
	for _, c := range f.counts {
		s += fmt.Sprint(" ", c)
	}
	return s
}

// partitions are the rows of each key that aren't late, in order of time.
func partitions(steps []optest.Step) map[string][]optest.Row {
	out := map[string][]optest.Row{}
	for _, s := range steps {
		for _, row := range s.Rows {
			if row.Ms > row.WM {
				out[row.Key()] = append(out[row.Key()], row)
			}
		}
	}
	for _, rows := range out {
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].Ms < rows[j].Ms })
	}
	return out
}

// TestDefinite compares patterns without a choice with a search over each start.
func TestDefinite(t *testing.T) {
	total := 0
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		p := random(r, true)
		steps := optest.Steps(r, 150, 15, 60, 30)
		var want []string
		for _, rows := range partitions(steps) {
			for from := 0; from < len(rows); {
				m, open := p.all(rows, from)
				if len(m) == 0 && open { // it holds those behind it back
					break
				}
				if len(m) > 1 {
					t.Fatalf("%d matches from one start: %v", len(m), m)
				}
				from++
				if len(m) == 1 {
					want = append(want, m[0].text(rows))
					from = p.resume(m[0])
				}
			}
		}
		total += len(want)
		d := optest.New(t, p.spec(), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
	if total == 0 {
		t.Error("no match in any run")
	}
}

// TestAny compares patterns with reluctant quantifiers: which of the matches of a
// start is sent depends on how far others had come, but each is one that the search
// finds, each start that no match skipped has one exactly if the search finds any,
// and they come in the order of their starts.
func TestAny(t *testing.T) {
	total := 0
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		p := random(r, false)
		steps := optest.Steps(r, 100, 15, 60, 30)
		d := optest.New(t, p.spec(), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		sent := map[string][]string{}
		for _, c := range d.Taken() {
			k, _, _ := strings.Cut(c.Row, " ")
			sent[k] = append(sent[k], c.Row)
			total++
		}
		for k, rows := range partitions(steps) {
			got := sent[k]
			for from := 0; from < len(rows); {
				m, open := p.all(rows, from)
				if len(m) == 0 && open {
					break
				}
				if len(m) == 0 {
					from++
					continue
				}
				if len(got) == 0 {
					t.Fatalf("missing: %s (%s)", m[0].text(rows), p.text())
				}
				at := -1
				for i := range m {
					if m[i].text(rows) == got[0] {
						at = i
					}
				}
				if at < 0 {
					t.Fatalf("got %s, want one of %v (%s)", got[0], m, p.text())
				}
				got, from = got[1:], p.resume(m[at])
			}
			if len(got) > 0 {
				t.Fatalf("too many: %v", got)
			}
		}
	})
	if total == 0 {
		t.Error("no match in any run")
	}
}

func (p *pattern) text() string {
	for _, a := range p.spec().Args() {
		if a.Name == "pattern" {
			return a.Value
		}
	}
	return ""
}
