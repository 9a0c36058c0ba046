// Package scan reads a table: it owns everything a table's definition says beyond
// its physical columns.
//
// The task's loop calls Next. The operator takes a batch from the open reader,
// computes rowtime and watermark over all its rows, applies the pushed-down
// filter, computes the output columns, and emits the batch, or a first part of it:
// event time must not depend on batch size, so a batch is cut before a row that a
// watermark not yet sent would make late (cut.go).
package scan

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Spec is a scan. Expressions are over the columns the connector delivers.
type Spec struct {
	Table     string
	Source    connectors.Source
	Delivered *types.Schema
	Exprs     []expr.Expr
	Filter    expr.Expr // nil: none
	Rowtime   expr.Expr // the rowtime column's value, nil: no event time
	Watermark expr.Expr // nil: no watermark
	Out       *types.Schema
	Key       []int // primary key, columns of Out; nil when pruned
	Cut       int64 // width in ms at which something downstream may act; 0: nothing does
	Raises    bool  // something downstream reads the watermark: a batch is cut wherever it is raised
	Idle      time.Duration
	Startup   string // scan.startup.mode, if the table has one: for messages
	OnBad     OnBad
	MaxBad    int64 // millrace.on-error.<table>.max: more bad rows fail the job; -1: any number
	lost      *tally
	Rows      float64 // of the table, about, in batch mode; 0: unknown
	Session   *types.Session
	At        sqlerr.Span
}

// OnBad is what becomes of a row that can't be decoded: millrace.on-error.<table>.
type OnBad uint8

const (
	FailBad OnBad = iota
	SkipBad
	SendBad // to the side output
)

// Name is TableSourceScan.
func (s *Spec) Name() string { return "TableSourceScan" }

// Args are the table, what is pushed down and the columns.
func (s *Spec) Args() []operators.Arg {
	all := make([]int, s.Out.Len())
	for i := range all {
		all[i] = i
	}
	args := []operators.Arg{{Name: "table", Value: "[[" + s.Table + "]]"}, {Name: "fields", Value: operators.Columns(s.Out, all)}}
	if s.Filter != nil {
		args = append(args, operators.Arg{Name: "filter", Value: "[" + calc.Show(s.Filter, s.Delivered) + "]"})
	}
	if s.Watermark != nil {
		args = append(args, operators.Arg{Name: "watermark", Value: "[" + calc.Show(s.Watermark, s.Delivered) + "]"})
	}
	return args
}

// Schema is the output columns.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are the source's.
func (s *Spec) Changes([]batch.Changes, []operators.Keys) (batch.Changes, operators.Keys, error) {
	var k operators.Keys
	if len(s.Key) > 0 {
		k = operators.Keys{Unique: [][]int{s.Key}, Upsert: [][]int{s.Key}}
	}
	return s.Source.Changes(), k, nil
}

// Needs is never asked: there is no input.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// New makes the operator.
func (s *Spec) New() operators.Operator {
	if s.lost == nil {
		s.lost = &tally{}
	}
	return &Operator{spec: s}
}

func (s *Spec) bad(b connectors.BadRow) *sqlerr.Error {
	raw := b.Raw
	if len(raw) > 200 {
		raw = raw[:200]
	}
	return sqlerr.New(sqlerr.Runtime, s.At, "table %s: %s at offset %d can't be decoded: %v", s.Table, b.Split, b.Offset, b.Reason).
		WithHint("the row was %q; SET 'millrace.on-error.%s' = 'skip' leaves such rows out, 'table:<name>' writes them to a table", raw, short(s.Table))
}

func short(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return path[i+1:]
		}
	}
	return path
}

func (s *Spec) splitError(split string, err error) error {
	return sqlerr.New(sqlerr.Runtime, s.At, "%v", connectors.OfTable("table", s.Table, fmt.Errorf("split %s: %w", split, err)))
}

func (s *Spec) errorf(format string, args ...any) error {
	return sqlerr.New(sqlerr.Runtime, s.At, "table %s: %s", s.Table, fmt.Sprintf(format, args...))
}
