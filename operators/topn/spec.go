// Package topn keeps the first rows of each partition in an order: Top-N, and
// ORDER BY with LIMIT, Flink's Rank.
//
// The rows of a partition hang sorted from one state row. Insert-only input keeps
// as many rows as ranks are wanted; input that takes rows back keeps all. A change
// shifts the ranks behind it: what comes out is the difference between the ranks
// before and after, in the forms Flink gives it (emit.go).
package topn

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec keeps ranks From..To, counted from 1.
type Spec struct {
	In        *types.Schema
	Partition []int
	By        []batch.Order
	From, To  int64
	WithRank  bool // a BIGINT rank follows the input's columns
	Out       *types.Schema

	retract bool // the input takes rows back
	before  bool
	upsert  []int // input key, when the input sends updates without -U
}

// Name is Rank.
func (s *Spec) Name() string { return "Rank" }

// Args are Flink's.
func (s *Spec) Args() []operators.Arg {
	by := ""
	for i, o := range s.By {
		if i > 0 {
			by += ", "
		}
		by += s.In.Fields[o.Col].Name + map[bool]string{true: " DESC", false: " ASC"}[o.Desc]
	}
	return []operators.Arg{{Name: "rankType", Value: "[ROW_NUMBER]"}, {Name: "rankRange", Value: fmt.Sprintf("[rankStart=%d, rankEnd=%d]", s.From, s.To)},
		{Name: "partitionBy", Value: operators.Columns(s.In, s.Partition)}, {Name: "orderBy", Value: "[" + by + "]"}}
}

// Schema is the input's columns, then the rank.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes updates; the partition with the rank is a key.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	s.retract = !in[0].InsertOnly()
	k := operators.Keys{Unique: keys[0].Unique, Upsert: keys[0].Upsert}
	switch {
	case s.WithRank:
		key := append(append([]int(nil), s.Partition...), s.In.Len())
		k.Unique, k.Upsert = append([][]int{key}, k.Unique...), append([][]int{key}, k.Upsert...)
	case s.From == s.To:
		k.Unique, k.Upsert = append([][]int{s.Partition}, k.Unique...), append([][]int{s.Partition}, k.Upsert...)
	}
	return batch.Changes{Kinds: batch.All}, k, nil
}

// Needs: a row that leaves is found by all its columns.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution is by the partition.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Partition) }

// Placement is the input's: its columns come first.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
