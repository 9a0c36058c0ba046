// Package sqldb is what the connectors of SQL databases share: connections that
// answer with text, a description of a table's columns, values from the database's
// text into vectors and from vectors into SQL literals, and faults in words.
//
// A Dialect is one kind of server: MySQL (and MariaDB) or PostgreSQL. Open gives a
// Conn; Query hands each row over as Cells, which are borrowed until the next one.
// A Decoder, made for a table's columns, puts cells into a batch; an Encoder writes
// literals. Start with Dialect.
package sqldb

import (
	"context"
	"strings"
	"time"

	"github.com/millrace/millrace/types"
)

// Cell is a value as a server sent it.
type Cell struct {
	Kind CellKind
	I    int64 // Int; the bits of Uint
	F    float64
	B    []byte // Text: borrowed
}

// CellKind says which part of a Cell counts.
type CellKind uint8

const (
	Null CellKind = iota
	Int
	Uint
	Float
	Text
)

// Conn is one connection, used by one goroutine at a time.
type Conn interface {
	// Query runs a statement and calls row for each row; an error of row ends it and is
	// returned as it is. The cells are borrowed.
	Query(ctx context.Context, sql string, row func(cells []Cell) error) error
	// Exec runs statements without rows.
	Exec(ctx context.Context, sql string) error
	Close() error
}

// Server says where a database is and who asks.
type Server struct {
	Host     string
	Port     int
	Database string
	User     string
	Password string
	Schema   string // PostgreSQL: the first schema of the search path, "" for public
	TLS      string // sslmode or useSSL of the URL, "" for the driver's own way
	Timeout  time.Duration
}

// Dialect is a kind of server.
type Dialect interface {
	Name() string // "mysql", "postgresql"
	Open(ctx context.Context, s Server) (Conn, error)
	// Quote makes an identifier of a name.
	Quote(name string) string
	// Table is a table's identifier: name may be "schema.table" in PostgreSQL.
	Table(name string) string
	// Columns describe a table, in its order; none: there is no such table. key is its
	// primary key's, in the key's order.
	Columns(ctx context.Context, c Conn, s Server, table string) (cols []Column, key []string, err error)
	// Unique are a table's unique keys, the primary one first: column names.
	Unique(ctx context.Context, c Conn, table string) ([][]string, error)
	// Upsert is what follows the VALUES of an INSERT to make it an upsert.
	Upsert(cols, key []string) string
	// Lock waits until the connection holds a lock of that name, which it keeps until it
	// ends; false: not in time.
	Lock(ctx context.Context, c Conn, name string, wait time.Duration) (bool, error)
	// Transient says that an error may pass when the statement is run again.
	Transient(err error) bool
}

// Column is a column as the server describes it.
type Column struct {
	Name     string
	Declared string     // the server's type, as it writes it
	Type     types.Type // Kind Null: a type that no SQL type stands for
	Instant  bool       // MySQL's TIMESTAMP, PostgreSQL's timestamptz: the text is UTC's
	Default  bool       // a row may be written without it
}

// Of is the dialect of a name, nil for none.
func Of(name string) Dialect {
	switch name {
	case "mysql", "mariadb":
		return MySQL{}
	case "postgresql", "postgres":
		return Postgres{}
	}
	return nil
}

// closeTimeout bounds how long a connection is said goodbye to.
const closeTimeout = 2 * time.Second

// List are names as identifiers, separated by commas.
func List(d Dialect, names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(d.Quote(n))
	}
	return b.String()
}

// QueryAgain is Query on *c, and once more on a new connection when the error may
// pass: row may then be given the first rows again.
func QueryAgain(ctx context.Context, d Dialect, s Server, c *Conn, statement string, row func([]Cell) error) error {
	err := (*c).Query(ctx, statement, row)
	if err == nil || !d.Transient(err) {
		return err
	}
	(*c).Close()
	fresh, err := d.Open(ctx, s)
	if err != nil {
		return err
	}
	*c = fresh
	return (*c).Query(ctx, statement, row)
}

// RowText is a row's cells for a message.
func RowText(cells []Cell) (b []byte) {
	for i, c := range cells {
		if i > 0 {
			b = append(b, ", "...)
		}
		if c.Kind == Null {
			b = append(b, "NULL"...)
		} else {
			b = append(b, c.String()...)
		}
	}
	return b
}
