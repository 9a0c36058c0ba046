package ast

// QueryStmt is a query as a statement.
type QueryStmt struct {
	Pos
	Query Query
}

// Insert is INSERT INTO or INSERT OVERWRITE.
type Insert struct {
	Pos
	Overwrite  bool
	Table      *Name
	Hints      []Hint
	Partition  *Partition // static partition values
	Columns    []*Name    // nil: all columns by position
	Query      Query
	OnConflict string // "", "ERROR", "NOTHING" or "DEDUPLICATE"
}

// Partition is PARTITION (a = 1, b = 'x').
type Partition struct {
	Pos
	Items []PartitionItem
}

// PartitionItem is column [= value]; Value is nil where only the column is named
// (ANALYZE TABLE).
type PartitionItem struct {
	Pos
	Column Ident
	Value  Expr
}

// StatementSet is EXECUTE STATEMENT SET BEGIN insert; ... END, or BEGIN
// STATEMENT SET; insert; ... END. Stmts are *Insert; *CreateTable with AS also
// parses.
type StatementSet struct {
	Pos
	Stmts []Stmt
}

// BeginStatementSet is BEGIN STATEMENT SET alone at the end of a text, as a
// client sends it that collects the inserts itself. With the rest in the same
// text it is a StatementSet.
type BeginStatementSet struct{ Pos }

// EndStatementSet is END alone.
type EndStatementSet struct{ Pos }

// Update is UPDATE t SET a = 1 WHERE ...
type Update struct {
	Pos
	Table *Name
	Alias *Ident
	Set   []Assignment
	Where Expr
}

// Assignment is column = value.
type Assignment struct {
	Pos
	Column *Name
	Value  Expr
}

// Delete is DELETE FROM t WHERE ...
type Delete struct {
	Pos
	Table *Name
	Alias *Ident
	Where Expr
}

// Truncate is TRUNCATE TABLE t.
type Truncate struct {
	Pos
	Table *Name
}

// CallProcedure is CALL p(args).
type CallProcedure struct {
	Pos
	Call *Call
}

// Explain is EXPLAIN details stmt.
type Explain struct {
	Pos
	// Details are upper case: Flink's ESTIMATED_COST CHANGELOG_MODE
	// JSON_EXECUTION_PLAN PLAN_ADVICE, and Millrace's AST BOUND JSON ANALYZE.
	// PLAN FOR leaves no trace.
	Details []string
	Stmt    Stmt  // nil: Job is set
	Job     *Text // of EXPLAIN ANALYZE JOB 'id', Millrace's own
}

// CompilePlan is COMPILE [AND EXECUTE] PLAN ['file' [IF NOT EXISTS]] FOR stmt.
type CompilePlan struct {
	Pos
	File        *Text
	IfNotExists bool
	Execute     bool
	Stmt        Stmt
}

// ExecutePlan is EXECUTE PLAN 'file', or PLAN 'file' under EXPLAIN.
type ExecutePlan struct {
	Pos
	File Text
}

func (*QueryStmt) stmt()         {}
func (*Insert) stmt()            {}
func (*StatementSet) stmt()      {}
func (*BeginStatementSet) stmt() {}
func (*EndStatementSet) stmt()   {}
func (*Update) stmt()            {}
func (*Delete) stmt()            {}
func (*Truncate) stmt()          {}
func (*CallProcedure) stmt()     {}
func (*Explain) stmt()           {}
func (*CompilePlan) stmt()       {}
func (*ExecutePlan) stmt()       {}
