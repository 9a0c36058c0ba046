package physical

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/dropbefore"
	"github.com/millrace/millrace/operators/normalize"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/sqlerr"
)

// normalizes puts ChangelogNormalize behind sources that don't send what is needed
// of them: an upsert source whose rows before an update are wanted, or whole rows
// where its deletions carry the key alone, and any changing source with a key under
// table.exec.source.cdc-events-duplicate. Behind a source whose -U nobody needs it
// puts DropUpdateBefore. Changes and needs are then settled again.
func normalizes(g *Graph, cfg Config) error {
	duplicates := strings.EqualFold(cfg.Session.Option("table.exec.source.cdc-events-duplicate", "false"), "true")
	added := false
	for _, n := range slices.Clone(g.Nodes) {
		s, ok := n.Spec.(*scan.Spec)
		if !ok || n.Changes.InsertOnly() {
			continue
		}
		k := n.Changes.Kinds
		upsert := k.Has(batch.UpdateAfter) && !k.Has(batch.UpdateBefore)
		if upsert && len(s.Key) == 0 {
			return sqlerr.New(sqlerr.Invalid, n.At, "table %q produces a changelog stream that contains UPDATE_AFTER but no UPDATE_BEFORE; this requires defining a primary key constraint on the table", s.Table)
		}
		switch {
		case duplicates && len(s.Key) > 0, upsert && n.Need.Before, upsert && n.Need.FullDeletes && n.Changes.DeletesByKey:
			in := n
			if k.Has(batch.UpdateBefore) { // it would read as a deletion
				in = g.behind(n, &dropbefore.Spec{In: s.Out})
			}
			g.behind(in, normalized(g, in, s.Key))
		case k.Has(batch.UpdateBefore) && !n.Need.Before:
			g.behind(n, &dropbefore.Spec{In: s.Out})
		default:
			continue
		}
		added = true
	}
	if !added {
		return nil
	}
	if err := changes(g, cfg); err != nil {
		return err
	}
	return needs(g, cfg)
}

// behind puts a node between n and all its consumers.
func (g *Graph) behind(n *Node, spec operators.Spec) *Node {
	x := &Node{Spec: spec, Inputs: []Input{{From: n}}, Parallelism: 1, At: n.At, ID: len(g.Nodes) + 1}
	for _, c := range g.Nodes {
		for i := range c.Inputs {
			if c.Inputs[i].From == n {
				c.Inputs[i].From = x
			}
		}
	}
	g.Nodes = slices.Insert(g.Nodes, slices.Index(g.Nodes, n)+1, x)
	return x
}

// normalized is the normalisation of a source, with what its only consumer allows:
// a filter on columns that aren't the key moves into it, and columns that aren't
// read needn't be kept.
func normalized(g *Graph, n *Node, key []int) *normalize.Spec {
	spec := &normalize.Spec{In: n.Spec.Schema(), Key: key, TTL: g.TTL, Used: make([]bool, n.Spec.Schema().Len())}
	c := onlyCalc(g, n)
	if c == nil {
		for i := range spec.Used {
			spec.Used[i] = true
		}
		return spec
	}
	used := map[int]bool{}
	for _, e := range append([]expr.Expr{c.Filter}, c.Exprs...) {
		if e != nil {
			expr.Columns(e, used)
		}
	}
	for i := range spec.Used {
		spec.Used[i] = used[i] || slices.Contains(key, i)
	}
	var inside, outside []expr.Expr
	for _, e := range expr.Conjuncts(c.Filter) {
		if onColumns(e, key) || expr.Class(e) != functions.Deterministic || readsWatermark(e, c) {
			outside = append(outside, e)
		} else {
			inside = append(inside, e)
		}
	}
	spec.Cond, c.Filter = all(inside), all(outside)
	return spec
}

// onlyCalc is the calc that alone reads n, nil when something else does.
func onlyCalc(g *Graph, n *Node) *calc.Spec {
	var found *calc.Spec
	readers := 0
	for _, c := range g.Nodes {
		for _, in := range c.Inputs {
			if in.From == n {
				readers++
				found, _ = c.Spec.(*calc.Spec)
			}
		}
	}
	if readers != 1 {
		return nil
	}
	return found
}

// onColumns says that e reads no column outside cols.
func onColumns(e expr.Expr, cols []int) bool {
	set := map[int]bool{}
	expr.Columns(e, set)
	for c := range set {
		if !slices.Contains(cols, c) {
			return false
		}
	}
	return true
}

// all is the AND of conditions, nil for none.
func all(es []expr.Expr) expr.Expr {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	return &expr.Logic{Args: es, At: es[0].Span()}
}

// befores tells the specs that can leave out -U whether they must send it.
func befores(g *Graph, _ Config) error {
	for _, n := range g.Nodes {
		if s, ok := n.Spec.(operators.BeforeAware); ok {
			s.SetBefore(n.Need.Before)
		}
	}
	return nil
}
