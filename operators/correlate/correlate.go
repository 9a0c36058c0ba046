// Package correlate applies a table function to each row: Flink's Correlate, which
// is UNNEST and LATERAL TABLE(f(...)). Stateless; what a row produces has its kind.
//
// The function's arguments are evaluated for a batch, the function appends what
// each row produces and says from which row it came, and both sides are gathered
// into the output. A left one keeps rows without a result, padded.
package correlate

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Spec is a table function beside its input. Output: the input's columns, then the
// function's.
type Spec struct {
	In      *types.Schema
	Fn      *functions.Table
	Exprs   []expr.Expr // the function's arguments
	Cond    expr.Expr   // over the output's columns; nil: TRUE
	Left    bool
	Out     *types.Schema
	Session *types.Session
	At      sqlerr.Span
}

// Name is Correlate.
func (s *Spec) Name() string { return "Correlate" }

// Args are the call, the kind of join and the condition.
func (s *Spec) Args() []operators.Arg {
	a := make([]string, len(s.Exprs))
	for i, e := range s.Exprs {
		a[i] = calc.Show(e, s.In)
	}
	kind := "INNER"
	if s.Left {
		kind = "LEFT"
	}
	out := []operators.Arg{{Name: "invocation", Value: "[" + s.Fn.Name + "(" + strings.Join(a, ", ") + ")]"}, {Name: "joinType", Value: "[" + kind + "]"}}
	if s.Cond != nil {
		out = append(out, operators.Arg{Name: "condition", Value: "[" + calc.Show(s.Cond, s.Out) + "]"})
	}
	return out
}

// Schema is the input's columns and the function's.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes pass; a row may come out several times, so no key identifies it.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	if s.Fn.Unstable && !in[0].InsertOnly() {
		return batch.Changes{}, operators.Keys{}, expr.ErrUnstable(s.Fn.Name, s.At)
	}
	if err := expr.Stable(in[0], append(s.Exprs[:len(s.Exprs):len(s.Exprs)], s.Cond)...); err != nil {
		return batch.Changes{}, operators.Keys{}, err
	}
	return batch.Changes{Kinds: in[0].Kinds}, operators.Keys{}, nil
}

// Needs whole rows: what an old row had produced is produced again to be taken
// back.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Placement is the input's: its columns come first.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec     *Spec
	args     *expr.Program
	cond     *expr.Program
	kernel   functions.TableKernel
	outTs    []types.Type
	fnTs     []types.Type
	vals     []batch.Vector
	produced batch.Batch
	origin   []int32
	left     []int32 // row of the input of each row of output
	right    []int32 // row produced, -1: none
	sel      []int32
	out      batch.Batch
}

// Open compiles the arguments and binds the function.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	s := o.spec
	o.Out, o.outTs = out, s.Out.Types()
	o.fnTs = o.outTs[s.In.Len():]
	o.vals, o.out.Cols = make([]batch.Vector, len(s.Exprs)), make([]batch.Vector, len(o.outTs))
	if o.args, err = expr.Compile(s.Exprs, env.Session); err != nil {
		return err
	}
	if s.Cond != nil {
		if o.cond, err = expr.Compile([]expr.Expr{s.Cond}, env.Session); err != nil {
			return err
		}
	}
	call := functions.Call{Name: s.Fn.Name, Session: env.Session, At: s.At}
	for _, e := range s.Exprs {
		call.Args = append(call.Args, functions.Arg{Type: e.Type(), At: e.Span()})
	}
	o.kernel, err = s.Fn.Bind(call)
	return err
}

// Process sends, row by row, what each row produces.
func (o *operator) Process(_ int, b *batch.Batch) error {
	if err := o.args.Eval(b, nil, o.vals); err != nil {
		return err
	}
	o.produced.Reset(o.fnTs)
	var err error
	if o.origin, err = o.kernel.Eval(b.Len, nil, o.vals, &o.produced, o.origin[:0]); err != nil {
		return sqlerr.At(err, o.spec.At)
	}
	if err := o.pair(b); err != nil {
		return err
	}
	for from := 0; from < len(o.left); from += batch.MaxRows {
		to := min(from+batch.MaxRows, len(o.left))
		if err := o.Out.Emit(o.gather(b, o.left[from:to], o.right[from:to])); err != nil {
			return err
		}
	}
	return nil
}

// pair lists what comes out: the pairs for which the condition holds and, for a
// left one, the rows without any.
func (o *operator) pair(b *batch.Batch) error {
	o.sel = o.sel[:0]
	if o.cond == nil {
		for k := range o.origin {
			o.sel = append(o.sel, int32(k))
		}
	} else if len(o.origin) > 0 {
		o.right = o.right[:0]
		for k := range o.origin {
			o.right = append(o.right, int32(k))
		}
		var err error
		if o.sel, err = o.cond.Filter(o.gather(b, o.origin, o.right), nil, o.sel); err != nil {
			return err
		}
	}
	o.left, o.right = o.left[:0], o.right[:0]
	next := int32(0) // the first row of b that has not come out
	pad := func(to int32) {
		for ; o.spec.Left && next < to; next++ {
			o.left, o.right = append(o.left, next), append(o.right, -1)
		}
	}
	for _, k := range o.sel {
		pad(o.origin[k])
		o.left, o.right = append(o.left, o.origin[k]), append(o.right, k)
		next = o.origin[k] + 1
	}
	pad(int32(b.Len))
	return nil
}

// gather makes the output of pairs of rows.
func (o *operator) gather(b *batch.Batch, left, right []int32) *batch.Batch {
	in := o.spec.In.Len()
	for c := range o.outTs {
		if c < in {
			o.out.Cols[c].Take(o.outTs[c], &b.Cols[c], left)
		} else {
			o.out.Cols[c].Take(o.outTs[c], &o.produced.Cols[c-in], right)
		}
	}
	o.out.Len, o.out.Kinds = len(left), nil
	if b.Kinds != nil {
		kinds := make([]batch.Kind, len(left))
		for k, i := range left {
			kinds[k] = b.Kinds[i]
		}
		o.out.Kinds = kinds
	}
	return &o.out
}

// Close ends the programs.
func (o *operator) Close() error {
	for _, p := range []*expr.Program{o.args, o.cond} {
		if p != nil {
			if err := p.Close(); err != nil {
				return err
			}
		}
	}
	if c, ok := o.kernel.(functions.Closer); ok {
		return c.Close()
	}
	return nil
}
