package ast

// CreateTable is CREATE TABLE in all its forms: plain, LIKE, CTAS (Query set),
// and [CREATE OR] REPLACE TABLE ... AS.
type CreateTable struct {
	Pos
	Temporary   bool
	Create      bool // false for REPLACE TABLE
	Replace     bool // REPLACE or CREATE OR REPLACE
	IfNotExists bool
	Name        *Name
	Schema      *Schema // nil without a column list
	Comment     *Text
	Distributed *Distribution
	PartitionBy []Ident
	Options     []Option
	Like        *LikeClause
	Query       Query
}

// Schema is a list of columns with what else stands between the parentheses. A
// PRIMARY KEY written at a column is a Constraint over that column.
type Schema struct {
	Pos
	Columns     []*Column
	Watermarks  []*Watermark // Flink takes at most one
	Constraints []*Constraint
}

// ColumnKind tells the forms of a column apart.
type ColumnKind string

// The kinds of column.
const (
	PhysicalColumn ColumnKind = "PHYSICAL" // name type
	MetadataColumn ColumnKind = "METADATA" // name type METADATA [FROM 'key'] [VIRTUAL]
	ComputedColumn ColumnKind = "COMPUTED" // name AS expr
	NamedColumn    ColumnKind = "NAMED"    // name alone, in CTAS and materialized tables
)

// Column defines one column.
type Column struct {
	Pos
	Name     Ident
	Kind     ColumnKind
	Type     TypeName // nil for computed and named columns
	Expr     Expr     // of a computed column
	Key      *Text    // METADATA FROM; nil: the column's name
	Virtual  bool
	Comment  *Text
	Position *Position // in ALTER TABLE only
}

// Position is FIRST or AFTER column.
type Position struct {
	Pos
	After *Ident // nil: FIRST
}

// Watermark is WATERMARK FOR column AS expr.
type Watermark struct {
	Pos
	Column *Name
	Expr   Expr
}

// Constraint is a PRIMARY KEY or UNIQUE constraint.
type Constraint struct {
	Pos
	Name     *Ident
	Kind     string // "PRIMARY KEY" or "UNIQUE"
	Columns  []Ident
	Enforced string // "", "ENFORCED" or "NOT ENFORCED"; Flink wants NOT ENFORCED
}

// Distribution is DISTRIBUTED [BY [HASH|RANGE] (cols)] [INTO n BUCKETS].
type Distribution struct {
	Pos
	Kind    string // "", "HASH" or "RANGE"
	Columns []Ident
	Buckets *Number
}

// LikeClause is the LIKE clause of CREATE TABLE.
type LikeClause struct {
	Pos
	Table   *Name
	Options []LikeOption
}

// LikeOption is a strategy for a feature of the LIKE clause.
type LikeOption struct {
	Pos
	Strategy string // INCLUDING EXCLUDING OVERWRITING
	Feature  string // ALL CONSTRAINTS DISTRIBUTION PARTITIONS GENERATED METADATA OPTIONS WATERMARKS
}

// CreateMaterializedTable is CREATE [OR ALTER] MATERIALIZED TABLE.
type CreateMaterializedTable struct {
	Pos
	OrAlter     bool
	IfNotExists bool
	Name        *Name
	Schema      *Schema
	Comment     *Text
	Distributed *Distribution
	PartitionBy []Ident
	Options     []Option
	Freshness   *Interval
	RefreshMode string // "", "CONTINUOUS" or "FULL"
	Query       Query
}

// CreateView is CREATE VIEW. The text to store is Query.Span().Text().
type CreateView struct {
	Pos
	Temporary   bool
	OrReplace   bool // a Millrace extension; Flink has no OR REPLACE for views
	IfNotExists bool
	Name        *Name
	Columns     []ViewColumn
	Comment     *Text
	Query       Query
}

// ViewColumn names a column of a view.
type ViewColumn struct {
	Pos
	Name    Ident
	Comment *Text
}

// CreateCatalog is CREATE CATALOG.
type CreateCatalog struct {
	Pos
	IfNotExists bool
	Name        Ident
	Comment     *Text
	Options     []Option
}

// CreateDatabase is CREATE DATABASE.
type CreateDatabase struct {
	Pos
	IfNotExists bool
	Name        *Name
	Comment     *Text
	Options     []Option
}

// CreateFunction is Flink's CREATE FUNCTION f AS 'class' and Millrace's CREATE
// FUNCTION f(a INT) RETURNS INT LANGUAGE SQL|EXEC AS '...'.
type CreateFunction struct {
	Pos
	Temporary   bool
	System      bool
	OrReplace   bool
	IfNotExists bool
	Name        *Name
	HasParams   bool // a parameter list was written, perhaps ()
	Params      []FieldDef
	Returns     TypeName
	Rows        []FieldDef // RETURNS TABLE (..)
	Language    string     // upper case; "" when absent, which means JAVA
	As          *Text
	Using       []Resource
	Options     []Option
}

// Resource is JAR 'path' or ARTIFACT 'path'.
type Resource struct {
	Pos
	Kind string
	Path Text
}

// CreateModel is CREATE MODEL.
type CreateModel struct {
	Pos
	Temporary   bool
	IfNotExists bool
	Name        *Name
	Input       *Schema
	Output      *Schema
	Comment     *Text
	Options     []Option
	Query       Query
}

// CreateConnection is CREATE CONNECTION.
type CreateConnection struct {
	Pos
	Temporary   bool
	System      bool
	IfNotExists bool
	Name        *Name
	Comment     *Text
	Options     []Option
}

func (*CreateTable) stmt()             {}
func (*CreateMaterializedTable) stmt() {}
func (*CreateView) stmt()              {}
func (*CreateCatalog) stmt()           {}
func (*CreateDatabase) stmt()          {}
func (*CreateFunction) stmt()          {}
func (*CreateModel) stmt()             {}
func (*CreateConnection) stmt()        {}
