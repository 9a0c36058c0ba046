package ast

// ObjectKind is the sort of thing a statement is about.
type ObjectKind string

// The kinds of object.
const (
	Catalog           ObjectKind = "CATALOG"
	Database          ObjectKind = "DATABASE"
	Table             ObjectKind = "TABLE"
	View              ObjectKind = "VIEW"
	MaterializedTable ObjectKind = "MATERIALIZED TABLE"
	Function          ObjectKind = "FUNCTION"
	Model             ObjectKind = "MODEL"
	Connection        ObjectKind = "CONNECTION"
	Job               ObjectKind = "JOB"
)

// Drop is DROP kind [IF EXISTS] name.
type Drop struct {
	Pos
	Kind      ObjectKind
	Temporary bool
	System    bool // TEMPORARY SYSTEM FUNCTION
	IfExists  bool
	Name      *Name
	Cascade   bool
	Restrict  bool
}

// Alter is ALTER kind name action, for everything but functions. Which actions
// a kind takes is checked by the parser.
type Alter struct {
	Pos
	Kind     ObjectKind
	IfExists bool
	Name     *Name
	Action   AlterAction
}

// AlterFunction is ALTER FUNCTION f AS 'class'.
type AlterFunction struct {
	Pos
	Temporary bool
	System    bool
	IfExists  bool
	Name      *Name
	As        Text
	Language  string
}

// AlterAction is what ALTER does: one of the types below.
type AlterAction interface {
	Node
	alterAction()
}

// AddSchema is ADD column, ADD (columns, keys, watermark).
type AddSchema struct {
	Pos
	Schema *Schema
}

// ModifySchema is MODIFY with the same forms as AddSchema.
type ModifySchema struct {
	Pos
	Schema *Schema
}

// AddPartitions is ADD [IF NOT EXISTS] PARTITION (...) [WITH (...)] ...
type AddPartitions struct {
	Pos
	IfNotExists bool
	Partitions  []NewPartition
}

// NewPartition is one partition of AddPartitions.
type NewPartition struct {
	Pos
	Partition *Partition
	Options   []Option
}

// SetDistribution is ADD or MODIFY DISTRIBUTION.
type SetDistribution struct {
	Pos
	Modify       bool
	Distribution *Distribution
}

// DropColumns is DROP column or DROP (a, b).
type DropColumns struct {
	Pos
	Columns []*Name
}

// DropPrimaryKey is DROP PRIMARY KEY.
type DropPrimaryKey struct{ Pos }

// DropConstraint is DROP CONSTRAINT name.
type DropConstraint struct {
	Pos
	Name Ident
}

// DropWatermark is DROP WATERMARK.
type DropWatermark struct{ Pos }

// DropDistribution is DROP DISTRIBUTION.
type DropDistribution struct{ Pos }

// DropPartitions is DROP [IF EXISTS] PARTITION (...), ...
type DropPartitions struct {
	Pos
	IfExists   bool
	Partitions []*Partition
}

// RenameColumn is RENAME a TO b.
type RenameColumn struct {
	Pos
	From *Name
	To   Ident
}

// RenameTo is RENAME TO name.
type RenameTo struct {
	Pos
	Name *Name
}

// SetOptions is SET ('k' = 'v', ...).
type SetOptions struct {
	Pos
	Options []Option
}

// ResetOptions is RESET ('k', ...).
type ResetOptions struct {
	Pos
	Keys []Text
}

// SetComment is COMMENT 'text' (catalogs).
type SetComment struct {
	Pos
	Comment Text
}

// SetQuery is AS query (views, materialized tables).
type SetQuery struct {
	Pos
	Query Query
}

// Suspend is SUSPEND (materialized tables).
type Suspend struct{ Pos }

// Resume is RESUME [WITH (...)] (materialized tables).
type Resume struct {
	Pos
	Options []Option
}

// Refresh is REFRESH [PARTITION (...)] (materialized tables).
type Refresh struct {
	Pos
	Partition *Partition
}

func (*Drop) stmt()          {}
func (*Alter) stmt()         {}
func (*AlterFunction) stmt() {}

func (*AddSchema) alterAction()        {}
func (*ModifySchema) alterAction()     {}
func (*AddPartitions) alterAction()    {}
func (*SetDistribution) alterAction()  {}
func (*DropColumns) alterAction()      {}
func (*DropPrimaryKey) alterAction()   {}
func (*DropConstraint) alterAction()   {}
func (*DropWatermark) alterAction()    {}
func (*DropDistribution) alterAction() {}
func (*DropPartitions) alterAction()   {}
func (*RenameColumn) alterAction()     {}
func (*RenameTo) alterAction()         {}
func (*SetOptions) alterAction()       {}
func (*ResetOptions) alterAction()     {}
func (*SetComment) alterAction()       {}
func (*SetQuery) alterAction()         {}
func (*Suspend) alterAction()          {}
func (*Resume) alterAction()           {}
func (*Refresh) alterAction()          {}
