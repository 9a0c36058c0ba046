// Package values emits constant rows and ends: VALUES, and SELECT without FROM.
package values

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec is rows of constant expressions of the schema's types.
type Spec struct {
	Rows [][]expr.Expr
	Out  *types.Schema
}

// Name is Values.
func (s *Spec) Name() string { return "Values" }

// Args are the number of rows.
func (s *Spec) Args() []operators.Arg {
	return []operators.Arg{{Name: "tuples", Value: fmt.Sprintf("[%d]", len(s.Rows))}}
}

// Schema is the rows' columns.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are inserts.
func (s *Spec) Changes([]batch.Changes, []operators.Keys) (batch.Changes, operators.Keys, error) {
	return batch.Changes{Kinds: batch.InsertOnly}, operators.Keys{}, nil
}

// Needs is never asked: there is no input.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

// operator is a Head with one split of its own, whose position is a row number.
type operator struct {
	operators.Stateless
	spec    *Spec
	session *types.Session
	next    int
	out     batch.Batch
}

func (o *operator) Open(env *operators.Env, out operators.Output) error {
	o.session, o.Out = env.Session, out
	if env.Subtask > 0 {
		o.next = len(o.spec.Rows)
	}
	return nil
}

func (o *operator) Process(int, *batch.Batch) error { return nil }
func (o *operator) NoMoreSplits()                   {}

// Assign goes on where a checkpoint was taken.
func (o *operator) Assign(add []operators.Assigned) error {
	for _, a := range add {
		o.next = a.Skip
	}
	return nil
}

// Positions is the one split, whose position is the number of rows sent.
func (o *operator) Positions() []operators.SplitState {
	return []operators.SplitState{{Split: operators.SplitRef{Name: "values", Bounded: true}, Skip: o.next, MaxTs: operators.MinWatermark}}
}

func (o *operator) Low() (int64, bool) { return operators.MinWatermark, false }

func (o *operator) Next(rows int) (operators.Status, error) {
	if o.next >= len(o.spec.Rows) {
		return operators.Ended, nil
	}
	ts := o.spec.Out.Types()
	o.out.Reset(ts)
	for ; o.next < len(o.spec.Rows) && o.out.Len < rows; o.next++ {
		for c, e := range o.spec.Rows[o.next] {
			v, err := expr.Eval1(e, o.session)
			if err != nil {
				return operators.Ended, err
			}
			o.out.Cols[c].Append(ts[c], o.out.Len, &v, 0)
		}
		o.out.AppendKind(batch.Insert)
	}
	return operators.Emitted, o.Out.Emit(&o.out)
}
