// Package calc filters and projects: Flink's Calc. Stateless; every row keeps its
// kind, -U and +U are judged independently.
//
// A batch is filtered to a selection, the columns that the projection reads are
// gathered by it, and what is computed of them is dense.
package calc

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec is a filter and a projection over one input.
type Spec struct {
	In      *types.Schema
	Filter  expr.Expr // nil: all rows
	Exprs   []expr.Expr
	Out     *types.Schema
	Session *types.Session
	// Watermark says that the expressions read, behind the columns of In, one with
	// the operator's watermark.
	Watermark bool

	byKey bool // the filter reads nothing but an upsert key of the input
}

// Name is Calc.
func (s *Spec) Name() string { return "Calc" }

// Args are the projection and the condition.
func (s *Spec) Args() []operators.Arg {
	sel := make([]string, len(s.Exprs))
	for i, e := range s.Exprs {
		sel[i] = Show(e, s.In)
		if sel[i] != s.Out.Fields[i].Name {
			sel[i] += " AS " + s.Out.Fields[i].Name
		}
	}
	args := []operators.Arg{{Name: "select", Value: "[" + strings.Join(sel, ", ") + "]"}}
	if s.Filter != nil {
		args = append(args, operators.Arg{Name: "where", Value: "[" + Show(s.Filter, s.In) + "]"})
	}
	return args
}

// Show prints e with the names of the columns it reads.
func Show(e expr.Expr, in *types.Schema) string {
	switch x := e.(type) {
	case *expr.Column:
		if x.Index < len(in.Fields) {
			return in.Fields[x.Index].Name
		}
	case *expr.Call:
		args := make([]string, len(x.Args))
		for i, a := range x.Args {
			args[i] = Show(a, in)
		}
		if len(args) == 2 && strings.Trim(x.Fn.Name, "=<>+-*/%|") == "" {
			return "(" + args[0] + " " + x.Fn.Name + " " + args[1] + ")"
		}
		return x.Fn.Name + "(" + strings.Join(args, ", ") + ")"
	case *expr.Cast:
		return "CAST(" + Show(x.From, in) + " AS " + x.T.Nullable().String() + ")"
	case *expr.Logic:
		args := make([]string, len(x.Args))
		for i, a := range x.Args {
			args[i] = Show(a, in)
		}
		return "(" + strings.Join(args, map[bool]string{true: " OR ", false: " AND "}[x.Or]) + ")"
	case *expr.Field:
		return fmt.Sprintf("%s.%s", Show(x.Of, in), x.Of.Type().Fields[x.Index].Name)
	}
	return e.String()
}

// Schema is the projection.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes passes kinds and the keys whose columns survive.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	if err := expr.Stable(in[0], append(s.Exprs[:len(s.Exprs):len(s.Exprs)], s.Filter)...); err != nil {
		return batch.Changes{}, operators.Keys{}, err
	}
	s.byKey = false
	if s.Filter != nil {
		set, reads := map[int]bool{}, []int(nil)
		expr.Columns(s.Filter, set)
		for c := range set {
			reads = append(reads, c)
		}
		for _, k := range keys[0].Upsert {
			s.byKey = s.byKey || operators.HasKey([][]int{reads}, k)
		}
	}
	to := s.Mapping()
	for i, e := range s.Exprs {
		if c, ok := e.(*expr.Cast); ok && faithful(c) {
			if col, ok := c.From.(*expr.Column); ok {
				to[col.Index] = append(to[col.Index], i)
			}
		}
	}
	first := func(c int) int {
		if len(to[c]) == 0 {
			return -1
		}
		return to[c][0]
	}
	return in[0], operators.Keys{Unique: operators.MapKeys(keys[0].Unique, first), Upsert: operators.MapKeys(keys[0].Upsert, first)}, nil
}

// faithful says that a cast gives different values for different values: a key
// stays one.
func faithful(c *expr.Cast) bool {
	from, to := c.From.Type(), c.T
	switch {
	case to.Kind == types.VarChar && to.Length == types.MaxLength:
		return !from.IsCollection() && !from.IsRow() && !from.IsBytes() && from.Kind != types.Char
	case from.IsString() && to.Kind == types.VarChar, from.IsBytes() && to.Kind == types.VarBinary:
		return from.Length <= to.Length
	case from.IsInteger() && to.IsInteger():
		return from.Kind <= to.Kind
	}
	return false
}

// Mapping says where each input column is passed on unchanged.
func (s *Spec) Mapping() map[int][]int {
	to := map[int][]int{}
	for i, e := range s.Exprs {
		if c, ok := e.(*expr.Column); ok {
			to[c.Index] = append(to[c.Index], i)
		}
	}
	return to
}

// Placement is the input's, where its columns are passed on.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution {
	to := s.Mapping()
	out := operators.Distribution{Kind: in[0].Kind}
	for _, c := range in[0].Cols {
		if len(to[c]) == 0 {
			return operators.Distribution{}
		}
		out.Cols = append(out.Cols, to[c][0])
	}
	return out
}

// Needs is what the consumers want; a filter on an updating input needs -U and
// full deletes, since a row may leave the result, unless it judges all rows of a
// key alike.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need {
	if s.Filter != nil && !s.byKey {
		wanted.Before, wanted.FullDeletes = true, true
	}
	return wanted
}

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec    *Spec
	filter  *expr.Program
	project *expr.Program
	sel     []int32
	cols    []batch.Vector
	out     batch.Batch
	kinds   []batch.Kind
	wm      int64
	wide    batch.Batch // the input with the watermark behind it
}

func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.wm = out, operators.MinWatermark
	if o.spec.Filter != nil {
		if o.filter, err = expr.Compile([]expr.Expr{o.spec.Filter}, env.Session); err != nil {
			return err
		}
	}
	o.project, err = expr.Compile(o.spec.Exprs, env.Session)
	o.cols = make([]batch.Vector, len(o.spec.Exprs))
	return err
}

// Watermark keeps the time for CURRENT_WATERMARK.
func (o *operator) Watermark(ms int64) (int64, error) {
	o.wm = ms
	return ms, nil
}

// widened is b with a column of the watermark. One at or before the epoch is none
// yet, as in Flink.
func (o *operator) widened(b *batch.Batch) *batch.Batch {
	k := len(b.Cols)
	if len(o.wide.Cols) != k+1 {
		o.wide.Cols = make([]batch.Vector, k+1)
	}
	copy(o.wide.Cols, b.Cols)
	v := &o.wide.Cols[k]
	v.Prepare(types.TimestampType(3), b.Len)
	for i := range b.Len {
		if o.wm <= 0 {
			v.SetNull(i)
		} else {
			v.I64[i] = o.wm * 1000
		}
	}
	o.wide.Len, o.wide.Sel, o.wide.Kinds = b.Len, b.Sel, b.Kinds
	return &o.wide
}

func (o *operator) Process(_ int, b *batch.Batch) error {
	if o.spec.Watermark {
		b = o.widened(b)
	}
	sel := b.Sel
	if o.filter != nil {
		s, err := o.filter.Filter(b, sel, o.sel[:0])
		if err != nil {
			return err
		}
		if o.sel = s; len(s) == 0 {
			return nil
		}
		if len(s) < b.Len {
			sel = s
		}
	}
	o.out = batch.Batch{Len: b.Len, Cols: o.cols, Kinds: b.Kinds}
	if sel == nil {
		if err := o.project.Eval(b, nil, o.cols); err != nil {
			return err
		}
		return o.Out.Emit(&o.out)
	}
	if err := o.project.Dense(b, sel, o.cols); err != nil {
		return err
	}
	if o.out.Len = len(sel); b.Kinds != nil {
		o.kinds = o.kinds[:0]
		for _, i := range sel {
			o.kinds = append(o.kinds, b.Kinds[i])
		}
		o.out.Kinds = o.kinds
	}
	return o.Out.Emit(&o.out)
}

func (o *operator) Close() error {
	if o.filter != nil {
		_ = o.filter.Close()
	}
	if o.project != nil {
		return o.project.Close()
	}
	return nil
}
