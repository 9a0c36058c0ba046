package ast

// Star is * or t.*.
type Star struct {
	Pos
	Qualifier []Ident
}

// Unary is Op X with Op one of + - NOT, or FINAL and RUNNING in
// MATCH_RECOGNIZE.
type Unary struct {
	Pos
	Op string
	X  Expr
}

// Binary is L Op R. Op is one of OR AND = <> < <= > >= + - * / % ||, a period
// comparison (OVERLAPS, CONTAINS, EQUALS, PRECEDES, SUCCEEDS, IMMEDIATELY
// PRECEDES, IMMEDIATELY SUCCEEDS) or a multiset operation (MULTISET UNION [ALL],
// MULTISET EXCEPT [ALL], MULTISET INTERSECT [ALL], MEMBER OF, SUBMULTISET OF).
// != is read as <>.
type Binary struct {
	Pos
	Op   string
	L, R Expr
}

// Is is X IS [NOT] Kind.
type Is struct {
	Pos
	X    Expr
	Not  bool
	Kind string // NULL TRUE FALSE UNKNOWN, JSON VALUE|OBJECT|ARRAY|SCALAR, A SET, EMPTY
}

// Distinct is L IS [NOT] DISTINCT FROM R.
type Distinct struct {
	Pos
	L, R Expr
	Not  bool
}

// Between is X [NOT] BETWEEN [SYMMETRIC] Lo AND Hi.
type Between struct {
	Pos
	X, Lo, Hi Expr
	Not       bool
	Symmetric bool
}

// In is X [NOT] IN (list) or X [NOT] IN (query): exactly one of List and Query
// is set.
type In struct {
	Pos
	X     Expr
	Not   bool
	List  []Expr
	Query Query
}

// Quantified is X Op ANY|ALL (list or query). SOME is ANY.
type Quantified struct {
	Pos
	X     Expr
	Op    string // = <> < <= > >=
	All   bool
	List  []Expr
	Query Query
}

// Like is X [NOT] Op Pattern [ESCAPE Escape].
type Like struct {
	Pos
	Op      string // LIKE or SIMILAR TO
	X       Expr
	Not     bool
	Pattern Expr
	Escape  Expr
}

// Case is CASE [Operand] WHEN ... [ELSE Else] END.
type Case struct {
	Pos
	Operand Expr // nil in the searched form
	Whens   []When
	Else    Expr
}

// When is one WHEN c1, c2 THEN Result; several conditions only with an operand.
type When struct {
	Pos
	Conds  []Expr
	Result Expr
}

// Cast is CAST(X AS Type) or TRY_CAST.
type Cast struct {
	Pos
	X    Expr
	Type TypeName
	Try  bool
}

// Call is a function or aggregate call in any of its syntaxes. Special
// syntaxes become arguments in this order, with the keyword kept in Keyword:
//
//	EXTRACT(u FROM x)                  EXTRACT, [x], u
//	FLOOR(x TO u), CEIL(x TO u)        FLOOR, [x], u
//	TIMESTAMPADD(u, n, t)              TIMESTAMPADD, [n t], u (TIMESTAMPDIFF alike)
//	TRIM([BOTH] [c FROM] s)            TRIM, [s] or [s c], BOTH|LEADING|TRAILING|""
//	SUBSTRING(s FROM a FOR n)          SUBSTRING, [s a n]
//	POSITION(x IN s [FROM a])          POSITION, [x s] or [x s a]
//	OVERLAY(s PLACING r FROM a FOR n)  OVERLAY, [s r a] or [s r a n]
//	CONVERT, TRANSLATE(x USING c)      TRANSLATE, [x], c
//	JSON_OBJECT(KEY k VALUE v, ...)    JSON_OBJECT, [k v k v ...] (JSON_OBJECTAGG alike)
//
// CURRENT_DATE and its kin, written without parentheses, have NoParens set.
type Call struct {
	Pos
	Name     *Name
	Args     []Expr
	Star     bool // COUNT(*)
	Distinct bool
	Keyword  string // upper case
	NoParens bool

	OrderBy     []OrderItem // ARRAY_AGG(x ORDER BY y)
	WithinGroup []OrderItem
	Nulls       string // "", "IGNORE" or "RESPECT"
	Filter      Expr
	Over        *Window
	JSON        *JSONClauses // nil when none is written
}

// JSONClauses are the clauses inside the parentheses of a JSON function. Empty
// fields were not written.
type JSONClauses struct {
	Pos
	Returning TypeName
	Wrapper   string // "WITHOUT", "WITH CONDITIONAL" or "WITH UNCONDITIONAL" (ARRAY WRAPPER)
	OnEmpty   *JSONBehavior
	OnError   *JSONBehavior
	OnNull    string // "NULL" or "ABSENT": what JSON_OBJECT and JSON_ARRAY do with NULLs
	Unique    bool   // WITH UNIQUE KEYS
}

// JSONBehavior is what comes before ON EMPTY or ON ERROR.
type JSONBehavior struct {
	Pos
	Kind    string // NULL ERROR DEFAULT EMPTY ARRAY, EMPTY OBJECT, TRUE FALSE UNKNOWN
	Default Expr
}

// NamedArg is name => value.
type NamedArg struct {
	Pos
	Name  Ident
	Value Expr
}

// TableArg is a table argument: TABLE t or (query), with PARTITION BY and ORDER
// BY. Exactly one of Table and Query is set.
type TableArg struct {
	Pos
	Table       *TableName
	Query       Query
	PartitionBy []Expr
	OrderBy     []OrderItem
}

// ModelArg is MODEL m.
type ModelArg struct {
	Pos
	Name *Name
}

// Descriptor is DESCRIPTOR(a, b).
type Descriptor struct {
	Pos
	Columns []*Name
}

// Default is DEFAULT in place of an argument or of a value of VALUES.
type Default struct{ Pos }

// Row is ROW(a, b) or (a, b), which mean the same.
type Row struct {
	Pos
	Items []Expr
}

// Array is ARRAY[a, b] or ARRAY(query).
type Array struct {
	Pos
	Items []Expr
	Query Query
}

// Map is MAP[k, v, ...] or MAP(query); Items alternate.
type Map struct {
	Pos
	Items []Expr
	Query Query
}

// Multiset is MULTISET[a, b] or MULTISET(query).
type Multiset struct {
	Pos
	Items []Expr
	Query Query
}

// Index is X[I]: an array's element, a map's value, a VARIANT's field.
type Index struct {
	Pos
	X, I Expr
}

// Field is X.Name where X isn't a Name: f(x).a, a[1].b, (r).c.
type Field struct {
	Pos
	X    Expr
	Name Ident
}

// Exists is EXISTS (query); Unique is UNIQUE (query).
type Exists struct {
	Pos
	Unique bool
	Query  Query
}

// Subquery is a query used as a scalar.
type Subquery struct {
	Pos
	Query Query
}

// MinusInterval is (L - R) unit: the difference of two times.
type MinusInterval struct {
	Pos
	L, R Expr
	Unit IntervalUnit
}

// Param is ?.
type Param struct{ Pos }

func (*Name) expr()          {}
func (*Star) expr()          {}
func (*Unary) expr()         {}
func (*Binary) expr()        {}
func (*Is) expr()            {}
func (*Distinct) expr()      {}
func (*Between) expr()       {}
func (*In) expr()            {}
func (*Quantified) expr()    {}
func (*Like) expr()          {}
func (*Case) expr()          {}
func (*Cast) expr()          {}
func (*Call) expr()          {}
func (*NamedArg) expr()      {}
func (*TableArg) expr()      {}
func (*ModelArg) expr()      {}
func (*Descriptor) expr()    {}
func (*Default) expr()       {}
func (*Row) expr()           {}
func (*Array) expr()         {}
func (*Map) expr()           {}
func (*Multiset) expr()      {}
func (*Index) expr()         {}
func (*Field) expr()         {}
func (*Exists) expr()        {}
func (*Subquery) expr()      {}
func (*MinusInterval) expr() {}
func (*Param) expr()         {}
