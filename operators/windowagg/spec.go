// Package windowagg aggregates by window and key: Flink's WindowAggregate and the
// aligned group windows TUMBLE, HOP and CUMULATE.
//
// Time is cut into slices, the widest that no window's border divides; a row
// belongs to one slice, whose table in state holds a row per key. When the
// watermark passes a window's end, its slices are merged into a table of their
// own, which is sent and dropped. Start with Spec, then slices.go.
package windowagg

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Kind is the kind of window.
type Kind uint8

const (
	Tumble Kind = iota
	Hop
	Cumulate
)

func (k Kind) String() string { return [...]string{"TUMBLE", "HOP", "CUMULATE"}[k] }

// Prop is a window column of the output.
type Prop uint8

const (
	Start Prop = iota
	End
	Time
)

// Spec groups by window and Keys. Output: the keys, the calls, the props.
type Spec struct {
	In                  *types.Schema
	Kind                Kind
	Size, Slide, Offset int64 // ms; Slide is CUMULATE's step
	Time                int   // the time column
	Proctime, LTZ       bool
	Legacy              bool
	Keys                []int
	Calls               []groupagg.Call
	Props               []Prop
	Out                 *types.Schema
	At                  sqlerr.Span

	retract bool
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
	w := fmt.Sprintf("%s(time_col=[%s], size=[%d ms]", s.Kind, s.In.Fields[s.Time].Name, s.Size)
	if s.Slide > 0 {
		w += fmt.Sprintf(", slide=[%d ms]", s.Slide)
	}
	if s.Offset != 0 {
		w += fmt.Sprintf(", offset=[%d ms]", s.Offset)
	}
	return []operators.Arg{{Name: "groupBy", Value: operators.Columns(s.In, s.Keys)}, {Name: "window", Value: "[" + w + ")]"},
		{Name: "select", Value: "[" + strings.Join(sel, ", ") + "]"}}
}

// Schema is keys, calls, props.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are inserts, whatever comes in.
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
	return batch.Changes{Kinds: batch.InsertOnly}, operators.Keys{Unique: k, Upsert: k}, nil
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

// Slice is the width of a slice: the windows fire at its multiples.
func (s *Spec) Slice() int64 {
	if s.Proctime {
		return 0
	}
	w := gcd(s.slice(), abs(s.Offset))
	if s.LTZ {
		w = gcd(w, 900_000) // zones are whole quarters of an hour apart
	}
	return w
}

func (s *Spec) slice() int64 {
	switch s.Kind {
	case Hop:
		return gcd(s.Size, s.Slide)
	case Cumulate:
		return s.Slide
	}
	return s.Size
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
