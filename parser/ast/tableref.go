package ast

// TableName is a table or view by name.
type TableName struct {
	Pos
	Name  *Name
	Hints []Hint // /*+ OPTIONS(...) */
	AsOf  Expr   // FOR SYSTEM_TIME AS OF; nil without: a temporal or lookup join, or time travel
}

// Aliased gives another reference a name and perhaps new column names. The
// reference is itself Aliased only where parentheses said so.
type Aliased struct {
	Pos
	Ref     TableRef
	Name    Ident
	Columns []Ident
}

// Derived is a query in FROM. (VALUES ...) is Derived with a *Values.
type Derived struct {
	Pos
	Lateral bool
	Query   Query
}

// TableFunc is a call in FROM: f(...), TABLE(f(...)) or LATERAL TABLE(f(...)).
// TABLE( ) around the call leaves no trace.
type TableFunc struct {
	Pos
	Lateral bool
	Call    *Call
}

// Unnest is UNNEST(e) [WITH ORDINALITY].
type Unnest struct {
	Pos
	Exprs      []Expr // Flink takes exactly one
	Ordinality bool
}

// Sample is ref TABLESAMPLE method(percentage) [REPEATABLE (seed)].
type Sample struct {
	Pos
	Ref        TableRef
	Method     string // BERNOULLI or SYSTEM
	Percentage *Number
	Seed       *Number
}

// JoinKind is the word before JOIN.
type JoinKind string

// The kinds of join. A comma is an inner join without a condition of its own.
const (
	InnerJoin JoinKind = "INNER"
	LeftJoin  JoinKind = "LEFT"
	RightJoin JoinKind = "RIGHT"
	FullJoin  JoinKind = "FULL"
	CrossJoin JoinKind = "CROSS"
	CommaJoin JoinKind = "COMMA"
)

// Join joins two references. At most one of Natural, On and Using is set.
type Join struct {
	Pos
	Kind    JoinKind
	Natural bool
	L, R    TableRef
	On      Expr
	Using   []Ident
}

// MatchRecognize is ref MATCH_RECOGNIZE ( ... ).
type MatchRecognize struct {
	Pos
	Ref         TableRef
	PartitionBy []Expr
	OrderBy     []OrderItem
	Measures    []Measure
	RowsPer     string // "", "ONE ROW" or "ALL ROWS"
	Skip        *Skip  // nil: SKIP TO NEXT ROW in Flink
	Pattern     Pattern
	AnchorStart bool // PATTERN (^ ...)
	AnchorEnd   bool // PATTERN (... $)
	Within      Expr // an *Interval
	Subsets     []Subset
	Define      []Definition
}

// Measure is one output column of MATCH_RECOGNIZE.
type Measure struct {
	Pos
	Expr Expr
	Name Ident
}

// Skip is AFTER MATCH SKIP ...
type Skip struct {
	Pos
	Kind string // "PAST LAST ROW", "TO NEXT ROW", "TO FIRST" or "TO LAST"; TO v is TO LAST v
	Var  *Ident // for TO FIRST and TO LAST
}

// Subset is name = (a, b) of SUBSET.
type Subset struct {
	Pos
	Name Ident
	Vars []Ident
}

// Definition is var AS condition of DEFINE.
type Definition struct {
	Pos
	Var  Ident
	Cond Expr
}

// Pattern is a row pattern: *PatternVar, *PatternSeq, *PatternAlt,
// *PatternRepeat, *PatternPermute or *PatternExclude.
type Pattern interface {
	Node
	pattern()
}

// PatternVar is one pattern variable.
type PatternVar struct {
	Pos
	Name Ident
}

// PatternSeq is a concatenation of at least two patterns.
type PatternSeq struct {
	Pos
	Items []Pattern
}

// PatternAlt is a | b.
type PatternAlt struct {
	Pos
	Items []Pattern
}

// PatternRepeat is a quantified pattern: * + ? {n} {n,} {,m} {n,m}.
type PatternRepeat struct {
	Pos
	Item      Pattern
	Min, Max  int // Max < 0: no bound
	Reluctant bool
}

// PatternPermute is PERMUTE(a, b).
type PatternPermute struct {
	Pos
	Items []Pattern
}

// PatternExclude is {- a -}.
type PatternExclude struct {
	Pos
	Item Pattern
}

func (*TableName) tableRef()      {}
func (*Aliased) tableRef()        {}
func (*Derived) tableRef()        {}
func (*TableFunc) tableRef()      {}
func (*Unnest) tableRef()         {}
func (*Sample) tableRef()         {}
func (*Join) tableRef()           {}
func (*MatchRecognize) tableRef() {}

func (*PatternVar) pattern()     {}
func (*PatternSeq) pattern()     {}
func (*PatternAlt) pattern()     {}
func (*PatternRepeat) pattern()  {}
func (*PatternPermute) pattern() {}
func (*PatternExclude) pattern() {}
