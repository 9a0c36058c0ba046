package physical

import (
	"strconv"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/expand"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// groupingSets plans an aggregation over several grouping sets: each row is copied
// per set, the set's id becomes one more key, and a projection puts it where the
// logical node has it, behind calls and properties.
func (b *builder) groupingSets(n *logical.Aggregate, in Input) (*Node, error) {
	schema := n.Input.Schema()
	ex := &expand.Spec{In: schema, Keys: n.Keys, Out: &types.Schema{Fields: append([]types.Field(nil), schema.Fields...)}}
	for i, set := range n.Sets {
		s := expand.Set{Has: make([]bool, len(n.Keys)), ID: n.SetIDs[i]}
		for _, k := range set {
			s.Has[k] = true
		}
		ex.Sets = append(ex.Sets, s)
	}
	plain := *n
	plain.Sets, plain.SetIDs, plain.Keys = nil, nil, nil
	for i := range n.Keys {
		plain.Keys = append(plain.Keys, ex.Out.Len())
		f := n.Out.Fields[i]
		f.Name += "_" + strconv.Itoa(i)
		ex.Out.Fields = append(ex.Out.Fields, f)
	}
	plain.Keys = append(plain.Keys, ex.Out.Len())
	ex.Out.Fields = append(ex.Out.Fields, types.Field{Name: "$e", Type: types.BigIntType.NotNullable()})
	plain.Input = &schemaOnly{logical.Base{Out: ex.Out, At: n.At}}

	last, keys := len(n.Out.Fields)-1, len(n.Keys)
	out := &types.Schema{Fields: append([]types.Field(nil), n.Out.Fields[:keys]...)}
	out.Fields = append(append(out.Fields, n.Out.Fields[last]), n.Out.Fields[keys:last]...)
	plain.Out = out
	agg, err := b.aggregate(&plain, Input{From: b.add(ex, n.Span(), in)})
	if err != nil {
		return nil, err
	}
	var exprs []expr.Expr
	for i := range n.Out.Fields {
		c := i
		switch {
		case i == last:
			c = keys
		case i >= keys:
			c = i + 1
		}
		exprs = append(exprs, &expr.Column{Index: c, Name: out.Fields[c].Name, T: out.Fields[c].Type})
	}
	return b.add(&calc.Spec{In: out, Exprs: exprs, Out: n.Out, Session: b.cfg.Session}, n.Span(), Input{From: agg}), nil
}

// schemaOnly stands for an input that is a graph node already.
type schemaOnly struct{ logical.Base }

func (s *schemaOnly) Inputs() []logical.Node           { return nil }
func (s *schemaOnly) With([]logical.Node) logical.Node { return s }
func (s *schemaOnly) String() string                   { return "Expand" }
