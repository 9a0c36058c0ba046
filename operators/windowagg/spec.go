// Package windowagg aggregates by window and key: Flink's WindowAggregate and the
// group windows of GROUP BY TUMBLE(...).
//
// TUMBLE, HOP and CUMULATE cut time into slices, the widest that no window's
// border divides; a row belongs to one slice, whose table in state holds a row per
// key. When the watermark passes a window's end, its slices are merged into a
// table of their own, which is sent and dropped (operator.go). Sessions are found
// row by row and keep a row of state each (session.go). Start with Spec.
package windowagg

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Prop is a window column of the output.
type Prop uint8

const (
	Start Prop = iota
	End
	Time
)

// Spec groups by window and Keys. Output: the keys, the calls, the props.
type Spec struct {
	In     *types.Schema
	Window window.Window
	Legacy bool
	Emit   Emit // of Legacy
	Keys   []int
	Calls  []groupagg.Call
	Props  []Prop
	Out    *types.Schema
	At     sqlerr.Span

	retract bool
	before  bool
}

// Name is WindowAggregate, GroupWindowAggregate for GROUP BY TUMBLE(...).
func (s *Spec) Name() string {
	if s.Legacy {
		return "GroupWindowAggregate"
	}
	return "WindowAggregate"
}

// Args are keys, window and calls.
func (s *Spec) Args() []operators.Arg {
	var sel []string
	for i, c := range s.Calls {
		sel = append(sel, c.Describe(s.In)+" AS "+s.Out.Fields[len(s.Keys)+i].Name)
	}
	return []operators.Arg{{Name: "groupBy", Value: operators.Columns(s.In, s.Keys)}, {Name: "window", Value: "[" + s.Window.Describe(s.In) + "]"},
		{Name: "select", Value: "[" + strings.Join(sel, ", ") + "]"}}
}

// Schema is keys, calls, props.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are inserts, whatever comes in, unless windows send early or late.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	s.retract = !in[0].InsertOnly()
	var key []int
	for i := range s.Keys {
		key = append(key, i)
	}
	for i, p := range s.Props {
		if p != Time {
			key = append(key, len(s.Keys)+len(s.Calls)+i)
		}
	}
	k := [][]int{key}
	kinds := batch.InsertOnly
	if s.Emit.On() {
		kinds |= batch.UpdateBefore.Set() | batch.UpdateAfter.Set()
		if s.retract {
			kinds = batch.All
		}
	}
	return batch.Changes{Kinds: kinds}, operators.Keys{Unique: k, Upsert: k}, nil
}

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

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

// Slice is how fine watermarks must cut a batch.
func (s *Spec) Slice() int64 { return s.Window.Cut() }

// New makes the operator.
func (s *Spec) New() operators.Operator {
	if s.Window.Kind == window.Session {
		return &session{calls: calls{spec: s}}
	}
	if s.Emit.On() {
		return &emitting{calls: calls{spec: s}}
	}
	return &operator{calls: calls{spec: s}}
}
