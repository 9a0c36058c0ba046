package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// splitAggregates puts the parts of aggregates that Flink splits (variances) beside
// them, and leaves them out again above: a group is sent when a part has changed,
// as Flink sends it, though the result may be the same. Windows send each result
// once, so there it makes no difference.
func splitAggregates(n logical.Node, session *types.Session) (logical.Node, error) {
	a, ok := n.(*logical.Aggregate)
	if !ok || a.Window != nil || session.Batch {
		return n, nil
	}
	split := false
	for _, c := range a.Calls {
		split = split || c.Fn.Split
	}
	if !split {
		return n, nil
	}
	m := *a
	m.Calls = a.Calls[:len(a.Calls):len(a.Calls)]
	seen := map[string]bool{}
	for _, c := range a.Calls {
		for _, part := range c.Fn.Parts {
			p := c
			p.Fn = part
			t, err := part.Sigs[0].Result(p.Consts)
			if err != nil {
				return nil, err
			}
			if p.T = t; !seen[p.String()] {
				seen[p.String()] = true
				m.Calls = append(m.Calls, p)
			}
		}
	}
	before := len(a.Keys) + len(a.Calls)
	hidden := len(m.Calls) - len(a.Calls)
	fields := a.Out.Fields[:before:before]
	for _, c := range m.Calls[len(a.Calls):] {
		fields = append(fields, types.Field{Name: "$" + c.Fn.Name, Type: c.T})
	}
	m.Out = types.NewSchema(append(fields, a.Out.Fields[before:]...)...)
	out := &logical.Project{Base: a.Base, Input: &m}
	for i, f := range a.Out.Fields {
		at := i
		if i >= before {
			at += hidden
		}
		out.Exprs = append(out.Exprs, &expr.Column{Index: at, Name: f.Name, T: f.Type, At: a.At})
	}
	return out, nil
}
