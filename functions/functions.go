// Package functions declares what a SQL function is: one value with its names,
// its signatures, its documentation, and Bind, which makes the columnar kernel
// for a call whose types and constants are known.
//
// The binder matches a call against the signatures (Match), which gives the type
// each argument is cast to and the result type; expr calls Bind once per query
// and the Kernel once per batch. Functions live in groups (functions/text,
// functions/math, ...), a file per function or small family; functions/builtin is
// the list. The same values feed completion, DESCRIBE FUNCTION and the generated
// pages.
//
// Start with Scalar and Kernel, then Aggregate and Accumulator in aggregate.go.
package functions

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Class says how often a function's value changes.
type Class uint8

const (
	Deterministic Class = iota
	PerQuery            // NOW, CURRENT_DATE: one value per query in batch mode, per row in streams
	PerRow              // RAND, UUID, PROCTIME: never folded, never shared
)

// Doc is what a user reads about a function.
type Doc struct {
	Group   string   // "string", "temporal", ...: the page it is on
	Usage   string   // "SUBSTRING(string FROM start [FOR length])"
	Text    string   // one to five sentences
	Example []string // "UPPER('abc') -> 'ABC'"
}

// Scalar is a function of one row.
type Scalar struct {
	Name    string   // upper case
	Aliases []string // other names for it
	Doc     Doc
	Class   Class
	// Sigs are tried in order; the first whose parameters accept the arguments
	// wins.
	Sigs []Sig
	// OwnNulls means that Bind's kernel sees NULL arguments and decides itself.
	// Otherwise the function is strict: a NULL argument gives NULL, out is marked
	// so before Eval, and Eval gets only rows without a NULL argument (unless
	// Total).
	OwnNulls bool
	// Total means that Eval can't fail and costs little on any input: it may then
	// be run over NULL rows' harmless values instead of a selection.
	Total bool
	// Unstable: the value for the same arguments may be another one later, so that a
	// row can't be taken back: refused over changes other than inserts. Flink allows
	// it for its own functions (RAND, UUID); it is for those of the user.
	Unstable bool
	Bind     func(Call) (Kernel, error)
}

// Arg is an argument as the binder sees it.
type Arg struct {
	Type types.Type
	// Const holds the value in row 0 when it is known at bind time, else nil.
	Const *batch.Vector
	At    sqlerr.Span
}

// Call is a call that has been matched: what Bind is given.
type Call struct {
	Name    string
	Args    []Arg // after the casts the signature asked for
	Result  types.Type
	Session *types.Session
	At      sqlerr.Span
}

// Kernel computes a column.
type Kernel interface {
	// Eval writes out's rows listed in sel (all of 0..n-1 when nil) from the same
	// rows of args. out has been prepared for n rows of the result type; for strict
	// functions its NULLs are marked already. A failure names the row and what was
	// wrong with it; the caller adds the place in the SQL. Kernels belong to one
	// goroutine and may keep buffers.
	Eval(n int, sel []int32, args []batch.Vector, out *batch.Vector) (badRow int, err error)
}

// KernelFunc is a Kernel without resources.
type KernelFunc func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (badRow int, err error)

// Eval calls f.
func (f KernelFunc) Eval(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
	return f(n, sel, args, out)
}

// Closer is a Kernel that holds something outside: a child process.
type Closer interface{ Close() error }

// Table is a function of one row that gives rows: UNNEST, or one of the user's.
type Table struct {
	Name string
	Doc  Doc
	// Params are what the arguments are cast to; nil: as they are.
	Params   []Param
	Unstable bool // as a Scalar's
	// Result gives the produced columns for the argument types.
	Result func(args []Arg) (*types.Schema, error)
	Bind   func(Call) (TableKernel, error)
}

// TableKernel produces rows.
type TableKernel interface {
	// Eval appends what each row of sel produces to out and, to origin, the row it
	// came from. It returns the extended origin.
	Eval(n int, sel []int32, args []batch.Vector, out *batch.Batch, origin []int32) ([]int32, error)
}

// Says gives f its text and examples, and returns f: for functions that come from
// a constructor.
func (f *Scalar) Says(text string, examples ...string) *Scalar {
	f.Doc.Text = text
	return f.Shown(examples...)
}

// Shown gives f its examples, "CALL -> value", and returns f.
func (f *Scalar) Shown(examples ...string) *Scalar {
	f.Doc.Example = examples
	return f
}
