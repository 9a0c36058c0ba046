package ast

// Show is SHOW ... of any kind.
type Show struct {
	Pos
	// What is the words after SHOW, without names: CATALOGS DATABASES TABLES
	// VIEWS "MATERIALIZED TABLES" FUNCTIONS "USER FUNCTIONS" PROCEDURES MODULES
	// "FULL MODULES" MODELS CONNECTIONS JARS JOBS SPLITS COLUMNS PARTITIONS "CURRENT
	// CATALOG" "CURRENT DATABASE" "CREATE CATALOG" "CREATE TABLE" "CREATE VIEW"
	// "CREATE MATERIALIZED TABLE" "CREATE OR ALTER MATERIALIZED TABLE" "CREATE
	// MODEL" "CREATE FUNCTION" "CREATE CONNECTION".
	What      string
	In        *Name // FROM or IN: a catalog or database; the table of COLUMNS
	Name      *Name // of CREATE and PARTITIONS
	Like      *ShowLike
	Partition *Partition // of PARTITIONS
}

// ShowLike is [NOT] LIKE|ILIKE 'pattern'.
type ShowLike struct {
	Pos
	Not     bool
	ILike   bool
	Pattern Text
}

// Describe is DESCRIBE [kind] [EXTENDED] name. Kind is Table for tables and
// views; for Job, ID is set in place of Name.
type Describe struct {
	Pos
	Kind     ObjectKind
	Extended bool
	Name     *Name
	ID       *Text
}

// Use is USE [CATALOG] name.
type Use struct {
	Pos
	Kind ObjectKind // Catalog or Database
	Name *Name
}

// UseModules is USE MODULES a, b.
type UseModules struct {
	Pos
	Names []Ident
}

// LoadModule is LOAD MODULE name [WITH (...)].
type LoadModule struct {
	Pos
	Name    Ident
	Options []Option
}

// UnloadModule is UNLOAD MODULE name.
type UnloadModule struct {
	Pos
	Name Ident
}

// Set is SET, SET 'key' = 'value' or SET key = value. Both are nil for SET
// alone.
type Set struct {
	Pos
	Key   *Text
	Value *Text
}

// Reset is RESET or RESET 'key'.
type Reset struct {
	Pos
	Key *Text
}

// Jar is ADD JAR 'path' or REMOVE JAR 'path'.
type Jar struct {
	Pos
	Remove bool
	Path   Text
}

// Analyze is ANALYZE TABLE t COMPUTE STATISTICS ...
type Analyze struct {
	Pos
	Table      *Name
	Partition  *Partition
	Columns    []Ident
	AllColumns bool
}

// StopJob is STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN].
type StopJob struct {
	Pos
	ID        Text
	Savepoint bool
	Drain     bool
}

// ClientCommand is HELP, QUIT, EXIT or CLEAR.
type ClientCommand struct {
	Pos
	Command string
}

func (*Show) stmt()          {}
func (*Describe) stmt()      {}
func (*Use) stmt()           {}
func (*UseModules) stmt()    {}
func (*LoadModule) stmt()    {}
func (*UnloadModule) stmt()  {}
func (*Set) stmt()           {}
func (*Reset) stmt()         {}
func (*Jar) stmt()           {}
func (*Analyze) stmt()       {}
func (*StopJob) stmt()       {}
func (*ClientCommand) stmt() {}
