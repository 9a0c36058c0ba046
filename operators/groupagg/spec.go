// Package groupagg aggregates by key for ever: Flink's GroupAggregate.
//
// A key's state is one row: the number of rows in the group, then each call's
// cells. A batch's keys are resolved at once; each aggregate goes through the rows
// in order and gives the result before and after each, from which the changes are
// made. Start with Spec, then Process.
package groupagg

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Call is an aggregate over columns of the input.
type Call struct {
	Fn       *functions.Aggregate
	Args     []int
	Distinct bool
	Filter   int // a BOOLEAN column, -1: none
	Result   types.Type
	Consts   []functions.Arg
	Order    []batch.Order // inside the call, over Args
	At       sqlerr.Span
}

// Bind makes the accumulator of a call.
func (c Call) Bind(retract bool, session *types.Session) (functions.Accumulator, error) {
	return c.Fn.Bind(functions.AggregateCall{Retract: retract, Distinct: c.Distinct, Order: c.Order,
		Call: functions.Call{Name: c.Fn.Name, Args: c.Consts, Result: c.Result, Session: session, At: c.At}})
}

// Describe is the call with the names of its arguments.
func (c Call) Describe(in *types.Schema) string {
	var a []string
	for _, x := range c.Args {
		a = append(a, in.Fields[x].Name)
	}
	s := strings.Join(a, ", ")
	if len(a) == 0 {
		s = "*"
	}
	if c.Distinct {
		s = "DISTINCT " + s
	}
	s = c.Fn.Name + "(" + s + c.Fn.Constants(c.Consts) + ")"
	if len(c.Order) > 0 {
		s += fmt.Sprintf(" ORDER %v", c.Order)
	}
	if c.Filter >= 0 {
		s += " FILTER " + in.Fields[c.Filter].Name
	}
	return s
}

// Spec groups by Keys. Output: the keys, then one column per call.
type Spec struct {
	In    *types.Schema
	Keys  []int
	Calls []Call
	Out   *types.Schema
	TTL   time.Duration // of a group without rows; 0: for ever

	retract bool
	before  bool
}

// Name is GroupAggregate.
func (s *Spec) Name() string { return "GroupAggregate" }

// Args are the keys and the calls.
func (s *Spec) Args() []operators.Arg {
	sel := make([]string, 0, len(s.Calls))
	for i, c := range s.Calls {
		sel = append(sel, c.Describe(s.In)+" AS "+s.Out.Fields[len(s.Keys)+i].Name)
	}
	return []operators.Arg{{Name: "groupBy", Value: operators.Columns(s.In, s.Keys)}, {Name: "select", Value: fmt.Sprintf("[%s]", strings.Join(sel, ", "))}}
}

// Schema is keys and results.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes: it updates, and deletes when its input does.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	s.retract = !in[0].InsertOnly()
	kinds := batch.InsertOnly
	if len(s.Calls) > 0 || s.TTL > 0 { // a repeated row refreshes what is kept of it downstream
		kinds |= batch.UpdateBefore.Set() | batch.UpdateAfter.Set()
	}
	if s.retract {
		kinds |= batch.Delete.Set()
		for _, c := range s.Calls {
			if !c.Fn.Retract {
				return batch.Changes{}, operators.Keys{}, sqlerr.New(sqlerr.NotSupported, c.At, "not supported yet: %s over an updating input", c.Fn.Name)
			}
		}
	}
	key := make([]int, len(s.Keys))
	for i := range key {
		key[i] = i
	}
	k := [][]int{key}
	return batch.Changes{Kinds: kinds}, operators.Keys{Unique: k, Upsert: k}, nil
}

// Needs: rows are taken back by value.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution is by the group's key.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Keys) }

// Placement: the keys come first.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution {
	return operators.First(in[0], len(s.Keys))
}

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

// SetTTL sets how long a group is kept.
func (s *Spec) SetTTL(ttl time.Duration) { s.TTL = ttl }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
