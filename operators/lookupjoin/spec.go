// Package lookupjoin joins each row with what a table holds under its key at that
// moment: Flink's LookupJoin.
//
// A batch's keys are asked for at once, then its rows go out in order beside the
// answers; changes of the table later revise nothing. What answers is an Asker: a
// table loaded into memory and loaded again now and then (loaded.go), or a connector
// that can be asked (native.go), with a cache (cache.go) before it. The join waits
// for the answers of a batch; or, with Async, it asks for the next ones meanwhile
// (async.go).
// Where questions without an answer are repeated, their rows wait and the others go
// on (waiting.go). Start with Spec, then Process.
package lookupjoin

import (
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/types"
)

// Asker answers what a table holds under keys.
type Asker interface {
	// Ask returns the rows under each key, and for each row the key it answers,
	// ascending. Both are borrowed until the next Ask.
	Ask(keys *batch.Batch) (rows *batch.Batch, origin []int32, err error)
	Close() error
}

// Spec joins left rows with the rows that a table holds under their keys.
type Spec struct {
	Table       string
	Left, Right *types.Schema
	Keys        [2][]int  // equal columns of the sides
	Pre         expr.Expr // over the left columns: other rows aren't asked for; nil: all
	Rest        expr.Expr // over the columns of both sides; nil: nothing
	Outer       bool
	Single      bool // a key has one row at most
	Out         *types.Schema
	Session     *types.Session
	// Open makes what answers.
	Open func(env *operators.Env) (Asker, error)
	How  string // of the answers, for EXPLAIN: "loaded", "sync"
	Asks any    // the connectors.Lookup that Open asks, or the connectors.Source that it loads
	// Retry repeats questions without an answer; nil: they aren't. Rows behind one
	// that waits wait too, unless Unordered.
	Retry     *Retry
	Async     *Async // nil: a batch's answers are waited for. What Open makes is Questions
	Unordered bool   // of rows that are only added
}

// Retry asks again for keys without rows: the LOOKUP hint's retry options.
type Retry struct {
	Delay    time.Duration
	Attempts int // beyond the first question
}

// Name is LookupJoin.
func (s *Spec) Name() string { return "LookupJoin" }

// Args are Flink's.
func (s *Spec) Args() []operators.Arg {
	var on []string
	for i, l := range s.Keys[0] {
		on = append(on, s.Right.Fields[s.Keys[1][i]].Name+"="+s.Left.Fields[l].Name)
	}
	args := []operators.Arg{{Name: "table", Value: "[" + s.Table + "]"}, {Name: "joinType", Value: map[bool]string{false: "[InnerJoin]", true: "[LeftOuterJoin]"}[s.Outer]},
		{Name: "lookup", Value: "[" + strings.Join(on, ", ") + "]"}, {Name: "mode", Value: "[" + s.How + "]"}}
	if s.Async != nil {
		mode := "ORDERED"
		if s.Unordered {
			mode = "UNORDERED"
		}
		args = append(args, operators.Arg{Name: "async", Value: "[" + mode + ", " + strconv.FormatInt(s.Async.Timeout.Milliseconds(), 10) + "ms, " + strconv.Itoa(s.Async.Capacity) + "]"})
	}
	if s.Retry != nil {
		args = append(args, operators.Arg{Name: "retry", Value: "[lookup_miss, FIXED_DELAY, " + strconv.FormatInt(s.Retry.Delay.Milliseconds(), 10) + "ms, " + strconv.Itoa(s.Retry.Attempts) + "]"})
	}
	if s.Pre != nil {
		args = append(args, operators.Arg{Name: "preFilter", Value: "[" + calc.Show(s.Pre, s.Left) + "]"})
	}
	if s.Rest != nil {
		args = append(args, operators.Arg{Name: "joinCondition", Value: "[" + calc.Show(s.Rest, s.Out) + "]"})
	}
	every := make([]int, s.Out.Len())
	for i := range every {
		every[i] = i
	}
	return append(args, operators.Arg{Name: "select", Value: operators.Columns(s.Out, every)})
}

// Schema is the left columns, then the table's.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are the left side's.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	s.Unordered = s.Unordered && in[0].InsertOnly() // changes of a row mayn't overtake one another
	if !s.Single {
		return in[0], operators.Keys{}, nil
	}
	return in[0], keys[0], nil
}

// Needs passes on what is wanted; a deletion is asked for by its key columns, so it
// needs them.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need {
	wanted.FullDeletes = true
	return wanted
}

// Distribution is by the key where rows may wait in state, else any.
func (s *Spec) Distribution(int) operators.Distribution {
	if s.Retry == nil {
		return operators.Distribution{}
	}
	return operators.Keyed(s.Keys[0])
}

// Placement is the left side's.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
