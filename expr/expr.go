// Package expr is typed expressions over the columns of a batch: the tree the
// binder makes and the planner rewrites, and Program, which compiles trees to a
// list of steps over whole columns.
//
// A tree is data: Column, Const, Call, Cast, Logic, Case, Field. It refers to
// functions by value, so nothing is looked up by name at run time. Compile turns
// several trees into one Program, sharing equal deterministic parts; Eval and
// Filter run it over a batch under a selection.
//
// Start with Expr, then Program in program.go.
package expr

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Expr is an expression over the columns of one relation (of two, side by side,
// in a join's condition).
type Expr interface {
	Type() types.Type
	Span() sqlerr.Span
	// String is the expression as EXPLAIN prints it; equal strings mean equal
	// expressions over the same input.
	String() string
}

// Column is a reference to column Index of the input.
type Column struct {
	Index int
	Name  string // for display
	T     types.Type
	At    sqlerr.Span
}

// Const is a value known at plan time: row 0 of Value.
type Const struct {
	Value batch.Vector
	T     types.Type
	At    sqlerr.Span
}

// Call is a call of a scalar function; arguments have the types its signature
// asked for.
type Call struct {
	Fn   *functions.Scalar
	Args []Expr
	T    types.Type
	At   sqlerr.Span
}

// Cast is an explicit or implicit conversion. Try gives NULL where it fails.
type Cast struct {
	From     Expr
	T        types.Type
	Try      bool
	Implicit bool
	At       sqlerr.Span
}

// Logic is AND or OR of two or more conditions, in three-valued logic. The next
// argument is evaluated only for the rows that the ones before left open.
type Logic struct {
	Or   bool
	Args []Expr
	At   sqlerr.Span
}

// Case is a searched CASE: the first When whose condition is TRUE, else Else
// (nil: NULL). Results already have type T. Only rows that reach a branch
// evaluate it.
type Case struct {
	Whens []When
	Else  Expr
	T     types.Type
	At    sqlerr.Span
}

// When is a branch of a Case.
type When struct{ Cond, Then Expr }

// Field is field Index of a ROW.
type Field struct {
	Of    Expr
	Index int
	T     types.Type
	At    sqlerr.Span
}

func (e *Column) Type() types.Type { return e.T }
func (e *Const) Type() types.Type  { return e.T }
func (e *Call) Type() types.Type   { return e.T }
func (e *Cast) Type() types.Type   { return e.T }
func (e *Case) Type() types.Type   { return e.T }
func (e *Field) Type() types.Type  { return e.T }

// Type is BOOLEAN, nullable iff an argument is.
func (e *Logic) Type() types.Type {
	for _, a := range e.Args {
		if !a.Type().NotNull {
			return types.BooleanType
		}
	}
	return types.BooleanType.NotNullable()
}

func (e *Column) Span() sqlerr.Span { return e.At }
func (e *Const) Span() sqlerr.Span  { return e.At }
func (e *Call) Span() sqlerr.Span   { return e.At }
func (e *Cast) Span() sqlerr.Span   { return e.At }
func (e *Logic) Span() sqlerr.Span  { return e.At }
func (e *Case) Span() sqlerr.Span   { return e.At }
func (e *Field) Span() sqlerr.Span  { return e.At }

func (e *Column) String() string { return fmt.Sprintf("$%d", e.Index) }
func (e *Cast) String() string {
	name := "CAST"
	if e.Try {
		name = "TRY_CAST"
	}
	return fmt.Sprintf("%s(%s AS %s)", name, e.From, e.T)
}
func (e *Field) String() string { return fmt.Sprintf("%s.%d", e.Of, e.Index) }
func (e *Call) String() string  { return e.Fn.Name + "(" + join(e.Args, ", ") + ")" }
func (e *Logic) String() string {
	if e.Or {
		return "OR(" + join(e.Args, ", ") + ")"
	}
	return "AND(" + join(e.Args, ", ") + ")"
}

func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("CASE(")
	for _, w := range e.Whens {
		fmt.Fprintf(&b, "%s, %s, ", w.Cond, w.Then)
	}
	if e.Else == nil {
		b.WriteString("NULL)")
	} else {
		b.WriteString(e.Else.String() + ")")
	}
	return b.String()
}

// String shows the value by its canonical bytes' reading: enough to tell
// constants apart and to recognise them.
func (e *Const) String() string {
	v := &e.Value
	if v.Null(0) {
		return "NULL:" + e.T.Nullable().String()
	}
	switch e.T.Layout() {
	case types.LayoutI64:
		return fmt.Sprintf("%d:%s", v.I64[0], e.T.Nullable())
	case types.LayoutF64:
		return fmt.Sprintf("%v:%s", v.F64[0], e.T.Nullable())
	case types.LayoutBytes:
		if e.T.IsString() {
			return "'" + strings.ReplaceAll(string(v.Bytes(0)), "'", "''") + "'"
		}
	}
	return fmt.Sprintf("x'%x':%s", batch.AppendValue(nil, e.T, v, 0), e.T.Nullable())
}

func join(args []Expr, sep string) string {
	s := make([]string, len(args))
	for i, a := range args {
		s[i] = a.String()
	}
	return strings.Join(s, sep)
}

// Equal says that two expressions are the same.
func Equal(a, b Expr) bool { return a.String() == b.String() && a.Type().Equal(b.Type()) }

// Children are the direct parts of e.
func Children(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *Logic:
		return e.Args
	case *Cast:
		return []Expr{e.From}
	case *Field:
		return []Expr{e.Of}
	case *Case:
		var c []Expr
		for _, w := range e.Whens {
			c = append(c, w.Cond, w.Then)
		}
		if e.Else != nil {
			c = append(c, e.Else)
		}
		return c
	}
	return nil
}

// Map rebuilds e bottom-up: f gets each node, its children mapped already, and
// returns what takes its place. Nodes aren't changed in place.
func Map(e Expr, f func(Expr) Expr) Expr {
	switch x := e.(type) {
	case *Call:
		c := *x
		c.Args = mapAll(x.Args, f)
		return f(&c)
	case *Logic:
		c := *x
		c.Args = mapAll(x.Args, f)
		return f(&c)
	case *Cast:
		c := *x
		c.From = Map(x.From, f)
		return f(&c)
	case *Field:
		c := *x
		c.Of = Map(x.Of, f)
		return f(&c)
	case *Case:
		c := *x
		c.Whens = make([]When, len(x.Whens))
		for i, w := range x.Whens {
			c.Whens[i] = When{Map(w.Cond, f), Map(w.Then, f)}
		}
		if x.Else != nil {
			c.Else = Map(x.Else, f)
		}
		return f(&c)
	}
	return f(e)
}

func mapAll(args []Expr, f func(Expr) Expr) []Expr {
	out := make([]Expr, len(args))
	for i, a := range args {
		out[i] = Map(a, f)
	}
	return out
}

// Columns adds the column indexes that e reads to set.
func Columns(e Expr, set map[int]bool) {
	if c, ok := e.(*Column); ok {
		set[c.Index] = true
	}
	for _, c := range Children(e) {
		Columns(c, set)
	}
}

// Remap replaces column i by column to[i].
func Remap(e Expr, to func(i int) int) Expr {
	return Map(e, func(e Expr) Expr {
		if c, ok := e.(*Column); ok {
			n := *c
			n.Index = to(c.Index)
			return &n
		}
		return e
	})
}

// Class is the most volatile class of any call in e.
func Class(e Expr) functions.Class {
	var class functions.Class
	if c, ok := e.(*Call); ok {
		class = c.Fn.Class
	}
	for _, c := range Children(e) {
		class = max(class, Class(c))
	}
	return class
}

// Conjuncts are the parts of an AND, e itself when it is none, nothing for nil.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	if l, ok := e.(*Logic); ok && !l.Or {
		var out []Expr
		for _, a := range l.Args {
			out = append(out, Conjuncts(a)...)
		}
		return out
	}
	return []Expr{e}
}
