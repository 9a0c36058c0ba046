// Package ast is the tree of the Flink SQL dialect: what the text says, nothing
// about what it means. Names are unresolved, types unchecked, views unexpanded.
//
// package parser makes the tree from text, package parser/mysql makes the same
// tree from the MySQL dialect, the binder turns it into a logical plan. Nodes
// are pointers to plain structs, each with the Span of the text it came from.
// Synonyms are gone (INTEGER is INT, plural interval units are singular, SOME is
// ANY) and special call forms such as TRIM(BOTH x FROM y) are ordinary Calls
// with their arguments in one canonical order.
//
// Start with the interfaces below; Select in query.go is the centre. Print
// writes a tree as SQL, Equal compares two ignoring spans, Walk visits, Dump is
// for tests.
package ast

import (
	"strings"

	"github.com/millrace/millrace/sqlerr"
)

// Node is anything with a place in the text.
type Node interface {
	Span() sqlerr.Span
}

// Stmt is a statement: *QueryStmt, *Insert, *CreateTable, ...
type Stmt interface {
	Node
	stmt()
}

// Query is a query form: *Select, *Values, *TableQuery, *SetOp, *Ordered or
// *With. Parentheses leave no node.
type Query interface {
	Node
	query()
}

// Expr is a scalar expression, or something that stands where one may, such as
// the TABLE and DESCRIPTOR arguments of a table function.
type Expr interface {
	Node
	expr()
}

// TableRef is an item of FROM: *TableName, *Derived, *TableFunc, *Unnest,
// *Join, *MatchRecognize, *Sample, or *Aliased around one of them.
type TableRef interface {
	Node
	tableRef()
}

// TypeName is a type as written: *ScalarType, *IntervalType, *ArrayType,
// *MultisetType, *MapType, *RowType, *StructuredType or *RawType.
type TypeName interface {
	Node
	// Nullability is what follows the type: nothing, NULL or NOT NULL.
	Nullability() Nullability
	typeName()
}

// Pos is embedded in every node and keeps its place.
type Pos struct{ At sqlerr.Span }

// Span is the text the node was made from; zero for a node made by hand.
func (p Pos) Span() sqlerr.Span { return p.At }

// Ident is one identifier with its quotes removed. Case matters.
type Ident struct {
	Pos
	Name string
}

// Name is a dotted name: a column, field access on a column, or the path of a
// table, function, database, ... As an expression the binder decides where the
// table ends and the fields begin.
type Name struct {
	Pos
	Parts []Ident
}

// String is the name with dots and no quotes, for messages.
func (n *Name) String() string {
	s := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		s[i] = p.Name
	}
	return strings.Join(s, ".")
}

// Last is the last part: the table of a path, the column of a reference.
func (n *Name) Last() Ident { return n.Parts[len(n.Parts)-1] }

// Text is a string literal in a place where the grammar wants one and no
// expression: an option's key or value, a comment, a file's path.
type Text struct {
	Pos
	Value string
}

// Option is one 'key' = 'value' of WITH, SET or an OPTIONS hint.
type Option struct {
	Pos
	Key   Text
	Value Text
}

// Hint is one hint of /*+ A('k'='v'), B(t, u) */.
type Hint struct {
	Pos
	Name Ident
	Args []HintArg
}

// HintArg is one argument of a hint. Key is empty for a plain argument. Ident
// says that Value was written as a name (BROADCAST(t)), not as a literal.
type HintArg struct {
	Pos
	Key   Text
	Value Text
	Ident bool
}
