package groupagg_test

import (
	"fmt"
	"math/rand"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// schema is a key, a number, a text, and whether the row passes the filter.
var schema = types.NewSchema(types.Field{Name: "k", Type: types.StringType}, types.Field{Name: "v", Type: types.BigIntType},
	types.Field{Name: "s", Type: types.StringType}, types.Field{Name: "f", Type: types.BooleanType})

// row is a random row; "-" is NULL.
type row struct {
	k, v, s string
	f       bool
}

func spec(ttl time.Duration) *groupagg.Spec {
	g := &groupagg.Spec{In: schema, Keys: []int{0}, TTL: ttl}
	fields := []types.Field{schema.Fields[0]}
	add := func(name string, distinct bool, filter int, args ...int) {
		at := slices.IndexFunc(agg.All, func(f *functions.Aggregate) bool { return f.Name == name })
		var given []functions.Arg
		for _, a := range args {
			given = append(given, functions.Arg{Type: schema.Fields[a].Type})
		}
		if fn := agg.All[at]; fn.Constant != nil && len(args) == 1 && name != "LISTAGG" {
			word := &batch.Vector{}
			word.Prepare(types.StringType, 1)
			word.SetString(0, "")
			given = append(given, functions.Arg{Type: types.Type{Kind: types.Symbol}, Const: word})
		}
		_, result, err := functions.Match(name, agg.All[at].Sigs, given, sqlerr.Span{})
		if err != nil {
			panic(err)
		}
		g.Calls = append(g.Calls, groupagg.Call{Fn: agg.All[at], Args: args, Distinct: distinct, Filter: filter, Result: result.Nullable(), Consts: given})
		fields = append(fields, types.Field{Name: name, Type: result.Nullable()})
	}
	add("COUNT", false, -1)
	add("COUNT", false, -1, 1)
	add("SUM", false, -1, 1)
	add("AVG", false, 3, 1)
	add("MIN", false, -1, 1)
	add("MAX", false, -1, 2)
	add("COUNT", true, -1, 1)
	add("SUM", true, 3, 1)
	add("FIRST_VALUE", false, -1, 1)
	add("LAST_VALUE", false, 3, 2)
	add("LISTAGG", false, -1, 2)
	add("ARRAY_AGG", false, -1, 1)
	add("COLLECT", false, -1, 2)
	g.Out = types.NewSchema(fields...)
	return g
}

// group is a naive group: the values that each call has, in order of arrival. What
// is taken back is the first equal one.
type group struct {
	n                  int
	v, s, vf, sf, vAll []string
}

func (g *group) change(r row, sign int) {
	g.n += sign
	put := func(to *[]string, x string, counts bool) {
		switch at := slices.Index(*to, x); {
		case !counts:
		case sign > 0:
			*to = append(*to, x)
		case at >= 0:
			*to = slices.Delete(*to, at, at+1)
		}
	}
	put(&g.v, r.v, r.v != "-")
	put(&g.s, r.s, r.s != "-")
	put(&g.vf, r.v, r.v != "-" && r.f)
	put(&g.sf, r.s, r.s != "-" && r.f)
	put(&g.vAll, r.v, true)
}

func numbers(list []string) (all []int64, sum int64) {
	for _, x := range list {
		n, _ := strconv.ParseInt(x, 10, 64)
		all, sum = append(all, n), sum+n
	}
	return all, sum
}

func distinct(list []string) []string {
	var out []string
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// text is the group's result as optest prints it.
func (g *group) text(k string) string {
	or := func(empty bool, x any) string {
		if empty {
			return "-"
		}
		return fmt.Sprint(x)
	}
	v, sum := numbers(g.v)
	vf, sumf := numbers(g.vf)
	_, sumd := numbers(distinct(g.vf))
	first, last, least, most := "-", "-", "-", "-"
	if len(v) > 0 {
		first, least = g.v[0], fmt.Sprint(slices.Min(v))
	}
	if len(g.sf) > 0 {
		last = g.sf[len(g.sf)-1]
	}
	if len(g.s) > 0 {
		most = slices.Max(g.s)
	}
	average := "-"
	if len(vf) > 0 {
		average = fmt.Sprint(sumf / int64(len(vf)))
	}
	set, array := "", ""
	each := distinct(g.s)
	sort.Strings(each)
	for _, x := range each {
		n := 0
		for _, y := range g.s {
			if y == x {
				n++
			}
		}
		set += fmt.Sprintf("[%s %d]", x, n)
	}
	for _, x := range g.vAll {
		array += "[" + x + "]"
	}
	return strings.Join([]string{k, fmt.Sprint(g.n), fmt.Sprint(len(v)), or(len(v) == 0, sum), average, least, most,
		fmt.Sprint(len(distinct(g.v))), or(len(vf) == 0, sumd), first, last, or(len(g.s) == 0, strings.Join(g.s, ",")), array, set}, " ")
}

// table is every group's result.
func table(groups map[string]*group) []string {
	var out []string
	for k, g := range groups {
		if g.n > 0 {
			out = append(out, g.text(k))
		}
	}
	return out
}

func random(r *rand.Rand) row {
	pick := func(n int, of func(int) string) string {
		if r.Intn(7) == 0 {
			return "-"
		}
		return of(r.Intn(n))
	}
	letter := func(i int) string { return string(rune('a' + i)) }
	return row{k: pick(4, letter), v: pick(6, func(i int) string { return fmt.Sprint(i*3 - 5) }), s: pick(3, letter), f: r.Intn(3) > 0}
}

// changes is a batch of random changes of live rows: new ones, removals, updates,
// and removals of groups that don't exist.
func changes(r *rand.Rand, live *[]row, retract bool) (rows []row, kinds []batch.Kind) {
	add := func(x row, k batch.Kind) { rows, kinds = append(rows, x), append(kinds, k) }
	for n := 1 + r.Intn(8); n > 0; n-- {
		if !retract || len(*live) == 0 || r.Intn(5) < 2 {
			x := random(r)
			*live = append(*live, x)
			add(x, batch.Insert)
			continue
		}
		at := r.Intn(len(*live))
		x := (*live)[at]
		*live = slices.Delete(*live, at, at+1)
		switch r.Intn(4) {
		case 0:
			y := random(r)
			*live = append(*live, y)
			add(x, batch.UpdateBefore)
			add(y, batch.UpdateAfter)
		case 1:
			add(row{k: "nobody", v: "1", s: "x"}, batch.Delete)
			fallthrough
		default:
			add(x, batch.Delete)
		}
	}
	return rows, kinds
}

func input(rows []row, kinds []batch.Kind) *batch.Batch {
	b, ts := &batch.Batch{}, schema.Types()
	b.Reset(ts)
	one := batch.Batch{Len: 1, Cols: make([]batch.Vector, len(ts))}
	for i, x := range rows {
		for c, t := range ts {
			one.Cols[c].Prepare(t, 1)
		}
		for c, text := range []string{x.k, x.v, x.s} {
			switch {
			case text == "-":
				one.Cols[c].SetNull(0)
			case c == 1:
				one.Cols[c].I64[0], _ = strconv.ParseInt(text, 10, 64)
			default:
				one.Cols[c].SetString(0, text)
			}
		}
		one.Cols[3].I64[0] = 0
		if x.f {
			one.Cols[3].I64[0] = 1
		}
		b.AppendRow(ts, kinds[i], &one, 0)
	}
	return b
}

func apply(groups map[string]*group, rows []row, kinds []batch.Kind) {
	for i, x := range rows {
		g := groups[x.k]
		if g == nil {
			g = &group{}
			groups[x.k] = g
		}
		if sign := int(kinds[i].Sign()); g.n > 0 || sign > 0 {
			g.change(x, sign)
		}
		if g.n == 0 { // its state goes
			delete(groups, x.k)
		}
	}
}

// TestChanges compares the table that the changes leave with groups kept naively,
// after every batch: with and without retraction, with mini-batch and without.
func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name          string
		retract, mini bool
	}{{"inserts", false, false}, {"changes", true, false}, {"inserts, mini-batch", false, true}, {"changes, mini-batch", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
				kinds := batch.Changes{Kinds: batch.InsertOnly}
				if c.retract {
					kinds.Kinds = batch.All
				}
				open := optest.New
				if c.mini {
					open = optest.NewMini
				}
				d := open(t, spec(0), optest.Session(), kinds)
				groups, live := map[string]*group{}, []row(nil)
				var sent []optest.Change
				for n := 0; n < 25; n++ {
					rows, kinds := changes(r, &live, c.retract)
					apply(groups, rows, kinds)
					d.Process(0, input(rows, kinds))
					if c.mini && n < 24 && r.Intn(3) > 0 {
						continue
					}
					d.Flush()
					got := d.Taken()
					if c.mini {
						once(t, got)
					}
					sent = append(sent, got...)
					optest.Equal(t, optest.Table(t, sent), table(groups))
				}
			})
		})
	}
}

// once checks that a flush sends one change of a key at most.
func once(t *testing.T, sent []optest.Change) {
	seen := map[string]int{}
	for _, c := range sent {
		k, _, _ := strings.Cut(c.Row, " ")
		if c.Kind != batch.UpdateBefore {
			if seen[k]++; seen[k] > 1 {
				t.Fatalf("two changes of %q in one flush", k)
			}
		}
	}
}

// TestExpiry: a group that nothing touches for the time to live is forgotten, and
// begins anew; equal results are sent again.
func TestExpiry(t *testing.T) {
	now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	session := types.NewSession(func() time.Time { return now })
	d := optest.New(t, spec(time.Minute), session, batch.Changes{Kinds: batch.All})
	one := []row{{k: "a", v: "-", s: "-"}}
	for _, step := range []struct {
		wait  time.Duration
		kind  batch.Kind
		want  string
		kinds []batch.Kind
	}{
		{0, batch.Insert, "a 1 ", []batch.Kind{batch.Insert}},
		{59 * time.Second, batch.Insert, "a 2 ", []batch.Kind{batch.UpdateBefore, batch.UpdateAfter}},
		{59 * time.Second, batch.Insert, "a 3 ", []batch.Kind{batch.UpdateBefore, batch.UpdateAfter}},
		{61 * time.Second, batch.Insert, "a 1 ", []batch.Kind{batch.Insert}},
		{61 * time.Second, batch.Delete, "", nil},
	} {
		now = now.Add(step.wait)
		d.Process(0, input(one, []batch.Kind{step.kind}))
		sent := d.Taken()
		var kinds []batch.Kind
		for _, c := range sent {
			kinds = append(kinds, c.Kind)
		}
		if !slices.Equal(kinds, step.kinds) || len(sent) > 0 && !strings.HasPrefix(sent[len(sent)-1].Row, step.want) {
			t.Fatalf("after %s: sent %v, want kinds %v and a last row of %q", step.wait, sent, step.kinds, step.want)
		}
	}
}
