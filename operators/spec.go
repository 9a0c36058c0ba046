package operators

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Spec is an operator as data: what the planner decided. It explains itself, says
// what changes it takes and produces, and makes the live operator.
type Spec interface {
	// Name is Flink's name for it: "GroupAggregate".
	Name() string
	// Args are printed by EXPLAIN in order.
	Args() []Arg
	// Schema is what it emits.
	Schema() *types.Schema
	// Changes says which changes it produces and by which keys its rows are
	// identified, given the same of its inputs; or why it can't take those.
	Changes(in []batch.Changes, keys []Keys) (batch.Changes, Keys, error)
	// Needs says what input i must send when the consumers want wanted.
	Needs(input int, wanted Need) Need
	// New makes a live operator, one per subtask.
	New() Operator
}

// Arg is a name and value for EXPLAIN.
type Arg struct{ Name, Value string }

// Keys identify rows: Unique keys hold at any time; Upsert keys are unique keys
// by which changes also stay in order.
type Keys struct {
	Unique [][]int
	Upsert [][]int
}

// Need is what a consumer needs of its input beyond the rows.
type Need struct {
	Before      bool // -U rows, each before its +U
	FullDeletes bool // -D with all columns
}

// Or joins the needs of several consumers.
func (n Need) Or(m Need) Need {
	return Need{Before: n.Before || m.Before, FullDeletes: n.FullDeletes || m.FullDeletes}
}

// BeforeAware is a Spec whose operator leaves out -U when nobody needs it. The
// planner calls SetBefore once, after it knows.
type BeforeAware interface{ SetBefore(emit bool) }

// Drift is how a column changes when the row of a key is updated.
type Drift uint8

const (
	Unknown Drift = iota
	Constant
	Rising
	Falling
)

// Drifting is a Spec that knows how its columns drift, given the same of its
// inputs (nil: nothing is known) and their changes. DriftAware is one that wants to
// know it of its first input: a Top-N ordered by a count has less to keep. The
// planner calls both before Changes.
type (
	Drifting interface {
		Drift(in [][]Drift, changes []batch.Changes) []Drift
	}
	DriftAware interface{ SetDrift(in []Drift) }
)

// KeyAware is a Spec that wants to know its inputs' keys before Changes is asked: those
// by which changes of its own key come in order, too, which Changes' upsert keys leave
// out when the rows are spread by more columns.
type KeyAware interface {
	SetKeys(in []Keys, changes []batch.Changes)
}

// Expiring is a Spec whose operator forgets what it hasn't touched for a time
// (table.exec.state.ttl): the planner calls SetTTL when it makes it, before Changes.
// Windows, interval joins and whatever else event time clears isn't.
type Expiring interface{ SetTTL(ttl time.Duration) }

// EventTimed is a Spec whose operator acts on event time. It tells scan how fine
// watermarks must cut a batch: the width in ms of the slices it fires by, 1 when
// any time matters, 0 when none does.
type EventTimed interface{ Slice() (ms int64) }

// HasKey says whether keys holds a key all of whose columns are in cols.
func HasKey(keys [][]int, cols []int) bool {
	for _, k := range keys {
		all := true
		for _, c := range k {
			found := false
			for _, x := range cols {
				found = found || x == c
			}
			all = all && found
		}
		if all {
			return true
		}
	}
	return false
}

// MapKeys renumbers the columns of keys; a key with a column that to has not (a
// negative number) is lost.
func MapKeys(keys [][]int, to func(int) int) [][]int {
	var out [][]int
	for _, k := range keys {
		n := make([]int, 0, len(k))
		for _, c := range k {
			if m := to(c); m >= 0 {
				n = append(n, m)
			}
		}
		if len(n) == len(k) {
			out = append(out, n)
		}
	}
	return out
}

// RefuseUpdates is the error of a spec that takes only inserts.
func RefuseUpdates(name string, in batch.Changes) error {
	if in.InsertOnly() {
		return nil
	}
	what := "update changes"
	switch {
	case in.Kinds.Has(batch.Delete) && in.Kinds.Has(batch.UpdateAfter):
		what = "update and delete changes"
	case in.Kinds.Has(batch.Delete):
		what = "delete changes"
	}
	return fmt.Errorf("%s doesn't support consuming %s", name, what)
}

// Columns prints columns by name for EXPLAIN: "[a, b]".
func Columns(s *types.Schema, cols []int) string {
	n := make([]string, len(cols))
	for i, c := range cols {
		n[i] = s.Fields[c].Name
	}
	return "[" + strings.Join(n, ", ") + "]"
}
