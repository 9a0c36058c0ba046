// Package sort orders rows: Flink's TemporalSort and Sort.
//
// A stream is ordered by a time attribute first: rows wait for the watermark, or
// for the end of their millisecond, and come out sorted (time.go). Batch mode
// sorts by anything, once (batch.go). A sort with a limit is package topn's.
package sort

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Order is what a sort waits for.
type Order uint8

const (
	Rowtime  Order = iota // By[0] is event time
	Proctime              // By[0] is processing time
	Final                 // batch mode
)

// Spec sorts by By, rows equal by it in the order they came.
type Spec struct {
	In     *types.Schema
	By     []batch.Order
	Order  Order
	Offset int64 // of Final: rows left out
}

// Name is TemporalSort, in batch mode Sort.
func (s *Spec) Name() string {
	if s.Order == Final {
		return "Sort"
	}
	return "TemporalSort"
}

// Args are the keys.
func (s *Spec) Args() []operators.Arg {
	var by []string
	for _, k := range s.By {
		dir := " ASC"
		if k.Desc {
			dir = " DESC"
		}
		by = append(by, s.In.Fields[k.Col].Name+dir)
	}
	return []operators.Arg{{Name: "orderBy", Value: "[" + strings.Join(by, ", ") + "]"}}
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes takes inserts.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	if s.Order != Final {
		if err := operators.RefuseUpdates("StreamPhysicalTemporalSort", in[0]); err != nil {
			return in[0], operators.Keys{}, err
		}
	}
	return batch.Changes{Kinds: batch.InsertOnly}, keys[0], nil
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution: all rows meet.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(nil) }

// Slice: any event time matters.
func (s *Spec) Slice() int64 {
	if s.Order == Rowtime {
		return 1
	}
	return 0
}

// New makes the operator.
func (s *Spec) New() operators.Operator {
	if s.Order == Final {
		return &final{spec: s}
	}
	return &timed{spec: s}
}
