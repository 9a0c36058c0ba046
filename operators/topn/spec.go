// Package topn keeps the first rows of each partition in an order: Top-N, and
// ORDER BY with LIMIT, Flink's Rank.
//
// The rows of a partition hang sorted from one state row. Insert-only input keeps
// as many rows as ranks are wanted, and so does input with a key whose rows can only
// climb (updatefast.go); other input that takes rows back keeps all. A change shifts
// the ranks behind it: what comes out is the difference between the ranks before and
// after, in the forms Flink gives it (emit.go).
package topn

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Strategy is what is kept of the input.
type Strategy uint8

const (
	AppendFast Strategy = iota
	UpdateFast          // input with a key that sends no -U, whose rows only climb
	Retract
)

func (s Strategy) String() string {
	return [...]string{"AppendFastStrategy", "UpdateFastStrategy", "RetractStrategy"}[s]
}

// Function is what numbers the rows. Streaming has RowNumber alone.
type Function uint8

const (
	RowNumber Function = iota
	Rank
	DenseRank
)

func (f Function) String() string { return [...]string{"ROW_NUMBER", "RANK", "DENSE_RANK"}[f] }

// Spec keeps ranks From..To, counted from 1.
type Spec struct {
	In        *types.Schema
	Partition []int
	By        []batch.Order
	From, To  int64
	// ToCol is the column that holds To, -1 for none: the first row of a partition
	// counts. ToLess says that the rank must be below it.
	ToCol    int
	ToLess   bool
	Fn       Function
	WithRank bool // a BIGINT rank follows the input's columns
	Out      *types.Schema
	Limit    bool          // it is ORDER BY with LIMIT, for EXPLAIN
	TTL      time.Duration // how long a partition is kept; 0: for ever

	strategy Strategy
	rowKey   []int // of UpdateFast
	drift    []operators.Drift
	before   bool
}

// Name is Rank, or SortLimit.
func (s *Spec) Name() string {
	if s.Limit {
		return "SortLimit"
	}
	return "Rank"
}

// Args are Flink's.
func (s *Spec) Args() []operators.Arg {
	by := ""
	for i, o := range s.By {
		if i > 0 {
			by += ", "
		}
		by += s.In.Fields[o.Col].Name + map[bool]string{true: " DESC", false: " ASC"}[o.Desc]
	}
	strategy := s.strategy.String()
	if s.strategy == UpdateFast {
		strategy += strings.ReplaceAll(fmt.Sprint(s.rowKey), " ", ",")
	}
	how := operators.Arg{Name: "strategy", Value: "[" + strategy + "]"}
	order := operators.Arg{Name: "orderBy", Value: "[" + by + "]"}
	if s.Limit {
		return []operators.Arg{order, {Name: "offset", Value: fmt.Sprintf("[%d]", s.From-1)}, {Name: "fetch", Value: fmt.Sprintf("[%d]", s.To-s.From+1)}, how}
	}
	ranks := fmt.Sprintf("[rankStart=%d, rankEnd=%d]", s.From, s.To)
	if s.ToCol >= 0 {
		ranks = fmt.Sprintf("[rankEnd=%s]", s.In.Fields[s.ToCol].Name)
	}
	return []operators.Arg{how, {Name: "rankType", Value: "[" + s.Fn.String() + "]"}, {Name: "rankRange", Value: ranks},
		{Name: "partitionBy", Value: operators.Columns(s.In, s.Partition)}, order}
}

// Schema is the input's columns, then the rank.
func (s *Spec) Schema() *types.Schema { return s.Out }

// SetDrift tells how the input's columns drift.
func (s *Spec) SetDrift(in []operators.Drift) { s.drift = in }

// Changes updates; the partition with the rank is a key.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	s.choose(in[0], keys[0])
	k := operators.Keys{Unique: keys[0].Unique, Upsert: keys[0].Upsert}
	switch {
	case s.WithRank && s.Fn == RowNumber:
		key := append(append([]int(nil), s.Partition...), s.In.Len())
		k.Unique, k.Upsert = append([][]int{key}, k.Unique...), append([][]int{key}, k.Upsert...)
	case s.From == s.To && s.Fn == RowNumber && s.ToCol < 0:
		k.Unique, k.Upsert = append([][]int{s.Partition}, k.Unique...), append([][]int{s.Partition}, k.Upsert...)
	}
	return batch.Changes{Kinds: batch.All}, k, nil
}

// choose picks the strategy: updates are fast when some key of the input holds the
// partition and no row of it can sink.
func (s *Spec) choose(in batch.Changes, keys operators.Keys) {
	s.strategy, s.rowKey = AppendFast, nil
	if in.InsertOnly() {
		return
	}
	s.strategy = Retract
	if in.Kinds.Has(batch.Delete) || s.drift == nil || s.ToCol >= 0 {
		return
	}
	for _, o := range s.By {
		switch d := s.drift[o.Col]; {
		case d == operators.Constant, d == operators.Rising && o.Desc, d == operators.Falling && !o.Desc:
		default:
			return
		}
	}
	for _, k := range keys.Upsert {
		if operators.HasKey([][]int{s.Partition}, k) {
			s.strategy, s.rowKey = UpdateFast, k
			return
		}
	}
}

// Needs: a row that leaves is found by all its columns, or by its key.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	if s.strategy == UpdateFast {
		return operators.Need{}
	}
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution is by the partition.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Partition) }

// Placement is the input's: its columns come first.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

// SetTTL sets how long a partition is kept.
func (s *Spec) SetTTL(ttl time.Duration) { s.TTL = ttl }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
