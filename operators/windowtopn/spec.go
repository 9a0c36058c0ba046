// Package windowtopn keeps the first rows of each window by some order: Flink's
// WindowRank, and WindowDeduplicate where the order is by time and one row is
// kept.
//
// Rows carry their window. Each window is a slice of a table in state, with a
// sorted list per partition that is cut off behind the last rank; when the
// watermark passes the window's end the lists are sent and the slice dropped.
package windowtopn

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/types"
)

// Spec keeps ranks From to To, counted from 1, of each window and Partition, which
// holds the window's start.
type Spec struct {
	In        *types.Schema
	Window    window.Window // attached
	Partition []int
	By        []batch.Order
	From, To  int64
	WithRank  bool
	// Dedup: By is a time attribute and one row is kept. Of the latest rows the one
	// that came last is it, not the first.
	Dedup bool
	Out   *types.Schema
}

func (s *Spec) last() bool { return s.Dedup && s.By[0].Desc }

// Name is WindowRank or WindowDeduplicate.
func (s *Spec) Name() string {
	if s.Dedup {
		return "WindowDeduplicate"
	}
	return "WindowRank"
}

// Args are window, partition, order and ranks.
func (s *Spec) Args() []operators.Arg {
	var by []string
	for _, k := range s.By {
		dir := " ASC"
		if k.Desc {
			dir = " DESC"
		}
		by = append(by, s.In.Fields[k.Col].Name+dir)
	}
	return []operators.Arg{{Name: "window", Value: "[" + s.Window.Describe(s.In) + "]"}, {Name: "partitionBy", Value: operators.Columns(s.In, s.Partition)},
		{Name: "orderBy", Value: "[" + strings.Join(by, ", ") + "]"}, {Name: "rankRange", Value: fmt.Sprintf("[%d, %d]", s.From, s.To)}}
}

// Schema is the input, with the rank behind it.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are inserts.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	if err := operators.RefuseUpdates("StreamPhysical"+s.Name(), in[0]); err != nil {
		return in[0], operators.Keys{}, err
	}
	k := keys[0]
	own := append(append([]int(nil), s.Partition...), s.Window.End)
	switch {
	case s.From == s.To:
	case s.WithRank:
		own = append(own, s.In.Len())
	default:
		own = nil
	}
	if own != nil {
		k.Unique = append(append([][]int(nil), k.Unique...), own)
		k.Upsert = append(append([][]int(nil), k.Upsert...), own)
	}
	return batch.Changes{Kinds: batch.InsertOnly}, k, nil
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution is by the partition.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Partition) }

// Placement: the input's columns keep their places.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// Slice is how fine watermarks must cut.
func (s *Spec) Slice() int64 { return s.Window.Cut() }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
