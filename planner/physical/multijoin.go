package physical

import (
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/multijoin"
	"github.com/millrace/millrace/types"
)

// multiJoins puts inner joins in a row that ask for the same key into one operator, if
// table.optimizer.multi-join.enabled says so or a MULTI_JOIN hint of their SELECT (whose
// tables aren't looked at: what comes out is the same): they share an index, and nothing is
// kept of what is only passed on from one to the next.
func multiJoins(g *Graph, c Config) error {
	if c.Session.Batch {
		return nil
	}
	all := strings.EqualFold(c.Session.Option("table.optimizer.multi-join.enabled", "false"), "true")
	used := map[*Node]int{}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			used[in.From]++
		}
	}
	gone := map[*Node]bool{}
	for _, n := range g.Nodes {
		s, ok := n.Spec.(*join.Spec)
		if !ok || !mergeable(s) || !all && !s.Together {
			continue
		}
		below, cols, between := n.Inputs[0].From, []int(nil), (*Node)(nil)
		if x, ok := below.Spec.(*calc.Spec); ok {
			if cols = plain(x); cols == nil {
				continue
			}
			between, below = below, below.Inputs[0].From
		}
		if used[n.Inputs[0].From] > 1 || used[below] > 1 {
			continue
		}
		m := asMulti(below)
		if b, ok := below.Spec.(*join.Spec); m == nil || ok && !all && !b.Together {
			continue
		}
		if cols == nil {
			cols = every(m.Out.Len())
		}
		keys := sharedKey(m, cols, s)
		if keys == nil {
			continue
		}
		out := &multijoin.Spec{In: append(slices.Clip(m.In), s.Right), Keys: append(slices.Clip(m.Keys), keys), Out: s.Out, One: make([]bool, len(m.In)+1)}
		width := 0
		for _, in := range m.In {
			width += in.Len()
		}
		for _, c := range cols {
			out.Cols = append(out.Cols, m.Cols[c])
		}
		for c := range s.Right.Fields {
			out.Cols = append(out.Cols, width+c)
		}
		if gone[below] = true; between != nil {
			gone[between] = true
		}
		n.Spec, n.Inputs = out, append(slices.Clip(below.Inputs), n.Inputs[1])
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return gone[n] })
	return nil
}

// mergeable says that a join asks for equal columns alone and keeps its rows for ever.
func mergeable(s *join.Spec) bool {
	return s.Kind == join.Inner && s.Rest == nil && len(s.Keys[0]) > 0 && s.TTL == [2]time.Duration{} && !slices.Contains(s.NullSafe, true)
}

// asMulti is a join, of two or already of several, as one of several; nil: it can't be.
func asMulti(n *Node) *multijoin.Spec {
	switch s := n.Spec.(type) {
	case *multijoin.Spec:
		return s
	case *join.Spec:
		if mergeable(s) {
			return &multijoin.Spec{In: []*types.Schema{s.Left, s.Right}, Keys: [][]int{s.Keys[0], s.Keys[1]}, Out: s.Out, Cols: every(s.Out.Len())}
		}
	}
	return nil
}

// plain is a calc's columns when it only picks some; nil: it does more.
func plain(s *calc.Spec) []int {
	if s.Filter != nil || s.Watermark {
		return nil
	}
	cols := []int{}
	for _, e := range s.Exprs {
		c, ok := e.(*expr.Column)
		if !ok {
			return nil
		}
		cols = append(cols, c.Index)
	}
	return cols
}

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// sharedKey is the right columns of a join, in the order of the key of the joins below,
// when it is by that key; else nil. cols are the columns of m's that the join reads.
func sharedKey(m *multijoin.Spec, cols []int, s *join.Spec) []int {
	if len(s.Keys[0]) != len(m.Keys[0]) {
		return nil
	}
	out := make([]int, len(m.Keys[0]))
	found := make([]bool, len(out))
	for i, l := range s.Keys[0] {
		at, first := m.Cols[cols[l]], 0
		for k, in := range m.In {
			if p := slices.Index(m.Keys[k], at-first); at >= first && p >= 0 && !found[p] {
				out[p], found[p] = s.Keys[1][i], true
				break
			}
			first += in.Len()
		}
	}
	if slices.Contains(found, false) {
		return nil
	}
	return out
}
