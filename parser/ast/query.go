package ast

// Select is SELECT without ORDER BY and LIMIT, which Ordered adds.
type Select struct {
	Pos
	Hints    []Hint
	Distinct bool
	Items    []SelectItem
	From     TableRef // nil: one row without columns; commas are JoinComma
	Where    Expr
	GroupBy  *GroupBy // nil without GROUP BY
	Having   Expr
	Windows  []NamedWindow
	Qualify  Expr
}

// SelectItem is an expression with an optional alias, or a *Star.
type SelectItem struct {
	Pos
	Expr  Expr
	Alias *Ident
}

// GroupBy is the GROUP BY clause.
type GroupBy struct {
	Pos
	Distinct bool // GROUP BY DISTINCT
	Items    []GroupItem
}

// GroupKind tells the forms of a GroupItem apart.
type GroupKind string

// The kinds of grouping item.
const (
	GroupExpr GroupKind = "EXPR"          // Exprs is one expression
	GroupSet  GroupKind = "SET"           // (a, b) or (): Exprs
	GroupSets GroupKind = "GROUPING SETS" // Items
	Rollup    GroupKind = "ROLLUP"        // Items, each GroupExpr or GroupSet
	Cube      GroupKind = "CUBE"          // Items, each GroupExpr or GroupSet
)

// GroupItem is one item of GROUP BY.
type GroupItem struct {
	Pos
	Kind  GroupKind
	Exprs []Expr
	Items []GroupItem
}

// NamedWindow is one definition of the WINDOW clause.
type NamedWindow struct {
	Pos
	Name Ident
	Spec *Window
}

// Window is what follows OVER. `OVER w` has only Name and Bare set; `OVER (w
// ORDER BY x)` has Name as the window it refines.
type Window struct {
	Pos
	Bare        bool
	Name        *Ident
	PartitionBy []Expr
	OrderBy     []OrderItem
	Frame       *Frame
}

// Frame is ROWS or RANGE BETWEEN Start AND End. End is nil in the short form
// `ROWS n PRECEDING`, which ends at the current row.
type Frame struct {
	Pos
	Unit    string // ROWS, RANGE or GROUPS
	Start   Bound
	End     *Bound
	Exclude string // "", "CURRENT ROW", "GROUP", "TIES", "NO OTHERS"
}

// BoundKind is one of the five ends of a frame.
type BoundKind string

// The ends of a frame; Preceding and Following have an expression.
const (
	UnboundedPreceding BoundKind = "UNBOUNDED PRECEDING"
	Preceding          BoundKind = "PRECEDING"
	CurrentRow         BoundKind = "CURRENT ROW"
	Following          BoundKind = "FOLLOWING"
	UnboundedFollowing BoundKind = "UNBOUNDED FOLLOWING"
)

// Bound is one end of a Frame.
type Bound struct {
	Pos
	Kind BoundKind
	Expr Expr
}

// OrderItem is one key of ORDER BY.
type OrderItem struct {
	Pos
	Expr  Expr
	Desc  bool
	Nulls string // "", "FIRST" or "LAST"; the default is FIRST for ASC, LAST for DESC
}

// SetOpKind is UNION, EXCEPT or INTERSECT.
type SetOpKind string

// The set operations; MINUS is read as EXCEPT.
const (
	Union     SetOpKind = "UNION"
	Except    SetOpKind = "EXCEPT"
	Intersect SetOpKind = "INTERSECT"
)

// SetOp combines two queries. INTERSECT binds tighter than the others.
type SetOp struct {
	Pos
	Op   SetOpKind
	All  bool
	L, R Query
}

// Values is VALUES (1, 'a'), (2, 'b'). A row without parentheses has one item.
type Values struct {
	Pos
	Rows []*Row
}

// TableQuery is the query TABLE t, short for SELECT * FROM t.
type TableQuery struct {
	Pos
	Name *Name
}

// Ordered is a query with ORDER BY, LIMIT (or FETCH FIRST) and OFFSET; absent
// parts are nil. LIMIT ALL leaves no trace.
type Ordered struct {
	Pos
	Query   Query
	OrderBy []OrderItem
	Limit   *Number
	Offset  *Number
}

// With is WITH ctes Body. Body may be Ordered.
type With struct {
	Pos
	Recursive bool
	CTEs      []CTE
	Body      Query
}

// CTE is one named query of WITH.
type CTE struct {
	Pos
	Name    Ident
	Columns []Ident
	Query   Query
}

func (*Select) query()     {}
func (*SetOp) query()      {}
func (*Values) query()     {}
func (*TableQuery) query() {}
func (*Ordered) query()    {}
func (*With) query()       {}
