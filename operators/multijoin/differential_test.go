package multijoin_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/multijoin"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// TestJoins compares joins of several tables that change with loops over what is in them:
// with NULL keys, with tables of one row a key that is known or not, and with columns left out.
func TestJoins(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		n := 3 + r.Intn(3)
		s := &multijoin.Spec{Out: &types.Schema{}, One: make([]bool, n)}
		keys := make([]operators.Keys, n)
		var in []batch.Changes
		var tables []*optest.Changing
		parts := make([][]int, n) // of Out, per table
		for i := range n {
			s.In, s.Keys, in = append(s.In, optest.Schema), append(s.Keys, []int{1}), append(in, optest.All)
			c := &optest.Changing{R: r, Keys: 6, Vals: 12, One: r.Intn(2) == 0}
			if tables = append(tables, c); c.One && r.Intn(4) > 0 {
				keys[i] = operators.Keys{Unique: [][]int{{1}}, Upsert: [][]int{{1}}}
			}
			for col, f := range optest.Schema.Fields {
				if r.Intn(4) > 0 {
					s.Cols, s.Out.Fields, parts[i] = append(s.Cols, i*optest.Schema.Len()+col), append(s.Out.Fields, f), append(parts[i], col)
				}
			}
		}
		if len(s.Cols) == 0 {
			return
		}
		s.SetKeys(keys, in)
		d := optest.New(t, s, optest.Session(), in...)
		var want func(i int, key *string, text []string) []string
		want = func(i int, key *string, text []string) (out []string) {
			if i == n {
				return []string{strings.Join(text, " ")}
			}
			for _, row := range tables[i].Live {
				if row.K == nil || key != nil && *key != *row.K {
					continue
				}
				more := slices.Clone(text)
				for _, c := range parts[i] {
					more = append(more, []string{fmt.Sprintf("@%d", row.Ms), row.Key(), row.Val()}[c])
				}
				out = append(out, want(i+1, row.K, more)...)
			}
			return out
		}
		var all []optest.Change
		for step := range 40 + r.Intn(60) {
			i := r.Intn(n)
			d.Process(i, tables[i].Next(false))
			if step%8 == 7 {
				all = append(all, d.Taken()...)
				optest.Equal(t, optest.Table(t, all), want(0, nil, nil))
			}
		}
		d.End(n)
		all = append(all, d.Taken()...)
		optest.Equal(t, optest.Table(t, all), want(0, nil, nil))
	})
}
