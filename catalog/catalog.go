// Package catalog is where tables, views and functions are found by name: the
// Catalog contract, what it stores, and Names, the session's view of all
// catalogs with the current one and the temporary objects.
//
// A catalog stores computed columns, watermarks and views as SQL text; it needs
// no parser. planner/bind parses that text when a query uses it. memory, file and
// jdbc are implementations, a folder each. Start with Catalog and Table, then
// Names in names.go.
package catalog

import (
	"context"
	"errors"
	"strings"

	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// What a Catalog answers; Names adds the names. ErrNoDatabase is for a database
// that should hold a table.
var (
	ErrNotFound   = errors.New("not found")
	ErrExists     = errors.New("already exists")
	ErrNotEmpty   = errors.New("not empty")
	ErrNoDatabase = errors.New("database not found")
	ErrReadOnly   = errors.New("the catalog is read-only")
)

// Catalog stores databases of tables. Its calls come from a session's goroutine;
// what it returns isn't changed by the caller, nor what it was given.
type Catalog interface {
	Databases(ctx context.Context) ([]string, error)
	Database(ctx context.Context, db string) (*Database, error)                  // ErrNotFound
	PutDatabase(ctx context.Context, db string, d *Database, replace bool) error // ErrExists
	DropDatabase(ctx context.Context, db string, cascade bool) error             // ErrNotFound, ErrNotEmpty
	Tables(ctx context.Context, db string) ([]string, error)                     // ErrNoDatabase
	Table(ctx context.Context, db, name string) (*Table, error)                  // ErrNotFound
	Put(ctx context.Context, db, name string, t *Table, replace bool) error      // ErrExists, ErrNoDatabase
	Drop(ctx context.Context, db, name string) error                             // ErrNotFound
}

// Kind is a sort of catalog, as CREATE CATALOG's option type names it.
type Kind struct {
	Type    string
	Doc     string
	Options []KindOption
	Open    func(ctx context.Context, c Config) (Catalog, error)
}

// KindOption is an option of CREATE CATALOG for a Kind.
type KindOption struct {
	Name, Default, Doc string
	Required           bool
}

// Config is what a catalog is opened with.
type Config struct {
	Name    string
	Options map[string]string
	// Define reads a CREATE TABLE or CREATE VIEW whose names are relative to the
	// given database of this catalog: what catalogs that keep SQL need.
	Define func(src *sqlerr.Source, database string) (*Table, error)
}

// Option is an option's value, or its default.
func (c Config) Option(k *Kind, name string) string {
	if v, ok := c.Options[name]; ok {
		return v
	}
	for _, o := range k.Options {
		if o.Name == name {
			return o.Default
		}
	}
	return ""
}

// Database is what is known of a database beside its tables.
type Database struct {
	Comment string
	Options []Option
}

// Path is a full name.
type Path struct{ Catalog, Database, Name string }

// String is the quoted form: `c`.`d`.`n`.
func (p Path) String() string {
	return types.Ident(p.Catalog) + "." + types.Ident(p.Database) + "." + types.Ident(p.Name)
}

// Dotted is the form EXPLAIN and messages use: c.d.n.
func (p Path) Dotted() string { return strings.Join([]string{p.Catalog, p.Database, p.Name}, ".") }

// Table is a table or, when View isn't nil, a view.
type Table struct {
	Columns      []Column
	Watermark    *Watermark
	Key          []string // PRIMARY KEY NOT ENFORCED
	KeyName      string
	PartitionBy  []string
	Distribution *Distribution
	Partitions   []Partition // registered by ALTER TABLE ADD PARTITION
	Options      []Option
	Comment      string
	View         *View
	Stats        *Statistics // of ANALYZE TABLE; nil: none
	At           sqlerr.Span // the statement that made it
}

// Distribution is DISTRIBUTED BY Kind(Columns) INTO Buckets BUCKETS.
type Distribution struct {
	Kind    string // "", HASH or RANGE
	Columns []string
	Buckets int // 0: not said
}

// Partition is a registered partition: the values of the partition columns, in
// their order.
type Partition struct {
	Values  []string
	Options []Option
}

// Column is a column of a table.
type Column struct {
	Name    string
	Type    types.Type // of a computed column: known once bound
	Comment string
	// Computed is the text of a computed column's expression.
	Computed *Text
	// Metadata is set for METADATA columns.
	Metadata *Metadata
}

// Metadata is METADATA [FROM Key] [VIRTUAL].
type Metadata struct {
	Key     string // "": the column's name
	Virtual bool
}

// Text is SQL kept as text, with the source that errors in it point at.
type Text struct {
	SQL string
	At  sqlerr.Span // where it stands in its source
}

// Watermark is WATERMARK FOR Column AS Expr. Column may name a nested field,
// dotted.
type Watermark struct {
	Column string
	Expr   Text
}

// View is the query of a view, expanded so that it means the same whatever the
// current database is.
type View struct {
	Query    Text
	Columns  []string // names given in CREATE VIEW, else empty
	Catalog  string   // current catalog and database when it was made: its names
	Database string   // are resolved there
}

// Option is a key and value of WITH.
type Option struct {
	Key, Value string
	At         sqlerr.Span // the value's
}

// Option is the value of a WITH option.
func (t *Table) Option(key string) (string, bool) {
	for i := len(t.Options) - 1; i >= 0; i-- {
		if t.Options[i].Key == key {
			return t.Options[i].Value, true
		}
	}
	return "", false
}

// Column is the column of that name, nil if there is none.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Function is a user's function.
type Function struct {
	Path      Path
	Temporary bool
	System    bool   // CREATE TEMPORARY SYSTEM FUNCTION: found by bare name everywhere
	Language  string // JAVA, SQL, EXEC, ...
	Body      string // class name, SQL text or command
	Params    []types.Field
	Returns   types.Type
	At        sqlerr.Span
}
