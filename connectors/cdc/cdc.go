// Package cdc is the change stream of a database's tables: an incremental snapshot
// without locks that hands over to the log, the same for every database.
//
// A Database reads chunks of tables and opens its Log. The reader (reader.go) walks
// through the tables in the order of their keys, a chunk at a time, while the log
// runs beside it. Its state is a position in the log and the last key read: rows up
// to that key are as the log has them at that position, and no other row has been
// sent. A chunk read while the log went on is brought to the log's position by
// folding the changes of its rows into it (fold.go), so that a change is sent
// exactly when its row has been. After the last chunk the log's changes are all
// sent.
//
// The algorithm is that of "DBLog: A Watermark Based Change-Data-Capture Framework"
// (Andreakis, Papapanagiotou, 2020), with positions of the log in place of rows
// written as marks.
package cdc

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// Pos is a place in a database's log. Seg and Off order places; File is MySQL's name
// of Seg.
type Pos struct {
	File string `json:"file,omitempty"`
	Seg  uint64 `json:"seg,omitempty"`
	Off  uint64 `json:"off"`
}

// Before says whether p lies before q.
func (p Pos) Before(q Pos) bool { return p.Seg < q.Seg || p.Seg == q.Seg && p.Off < q.Off }

// Mark is where to go on: at the transaction that begins at Pos, behind its first
// Images row images (an update has two).
type Mark struct {
	Pos
	Images int `json:"images,omitempty"`
	// Done names every transaction before Pos, as all servers that replicate from each
	// other name them (MySQL's GTIDs); "" where that isn't known. Txn is the name of the
	// one that begins at Pos, when some of its images have been told. On another server
	// the two are the place, and Pos is empty.
	Done string `json:"done,omitempty"`
	Txn  string `json:"txn,omitempty"`
	// Half: the next image is the end of a row that comes and goes (see comeAndGone).
	Half bool `json:"half,omitempty"`
	// Prepared names what was prepared before Pos, hasn't ended, and touches no captured
	// table (MySQL's XA).
	Prepared string `json:"prepared,omitempty"`
}

// same says that two marks are one place.
func (m Mark) same(o Mark) bool {
	if m.Txn != "" && o.Txn != "" {
		return m.Txn == o.Txn && m.Images == o.Images && m.Half == o.Half
	}
	m.Prepared, o.Prepared = "", ""
	return m == o
}

// Table is a captured table.
type Table struct {
	ID               string // names it among the source's tables
	Database, Schema string
	Name             string
	Cols             []sqldb.Column
	Key              []int // columns of the key that chunks are cut by; nil: none
	// GoOrder says that keys are ordered as Compare does; otherwise the database is
	// asked.
	GoOrder bool
	// Order is equal for two definitions whose keys are written and ordered alike.
	Order string

	dec  *sqldb.Decoder
	pick []int // per target the column, -1 for one that is NULL
}

// Pick finds a schema's columns among the table's: what each is read as, and its
// place, -1 for one that the table no longer has. That is NULL with ignore, else an
// error.
func (t *Table) Pick(schema *types.Schema, ignore bool) (cols []sqldb.Target, pick []int, err error) {
	for _, f := range schema.Fields {
		col := sqldb.Find(t.Cols, f.Name)
		if col == nil && ignore && !f.Type.NotNull {
			cols, pick = append(cols, sqldb.Target{Name: f.Name, Type: f.Type}), append(pick, -1)
			continue
		}
		one, err := sqldb.Match(types.NewSchema(f), t.Cols)
		if err != nil {
			return nil, nil, err
		}
		cols = append(cols, one[0])
		for i := range t.Cols {
			if &t.Cols[i] == col {
				pick = append(pick, i)
			}
		}
	}
	return cols, pick, nil
}

// Reads says which columns are needed: those read and the key's.
func (t *Table) Reads() []bool {
	out := make([]bool, len(t.Cols))
	for _, c := range t.pick {
		if c >= 0 {
			out[c] = true
		}
	}
	for _, k := range t.Key {
		out[k] = true
	}
	return out
}

// ChunkQuery is the SELECT of at most limit rows of the table called from, in the
// key's order: the columns needed, NULL for the others and for those that are gone.
// after is the key, literals between zero bytes, that the rows lie behind, as behind
// says it of the key's columns and these; empty at the start.
func (t *Table) ChunkQuery(quote func(string) string, from, after string, behind func(names, values []string) string, limit int, gone map[string]bool) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, need := range t.Reads() {
		if i > 0 {
			b.WriteString(", ")
		}
		if need && !gone[t.Cols[i].Name] {
			b.WriteString(quote(t.Cols[i].Name))
		} else {
			b.WriteString("NULL")
		}
	}
	b.WriteString(" FROM " + from)
	names := make([]string, len(t.Key))
	for i, k := range t.Key {
		names[i] = quote(t.Cols[k].Name)
	}
	if after != "" {
		b.WriteString(" WHERE " + behind(names, strings.Split(after, "\x00")))
	}
	b.WriteString(" ORDER BY " + strings.Join(names, ", ") + " LIMIT " + strconv.Itoa(limit))
	return b.String()
}

// GreaterQuery asks for each pair of keys whether the first is greater; side writes a
// key as the server compares it.
func GreaterQuery(pairs [][2]string, side func(b *strings.Builder, key string)) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		side(&b, p[0])
		b.WriteByte('>')
		side(&b, p[1])
	}
	return b.String()
}

// Kind is what happened to a row.
type Kind uint8

const (
	Insert Kind = iota
	Update
	Delete
)

// Change is a changed row of the log.
type Change struct {
	Table         *Table
	Kind          Kind
	Before, After []sqldb.Cell // all columns; nil where there is none. Owned by the change.
	KeyOnly       bool         // Before has the key's columns alone
	At            Mark         // of its first image
	Time          int64        // ms since the epoch, of the commit
}

// Event is what a log says.
type Event struct {
	Change *Change
	// Resume and Reached are set where no transaction is open: where a reader may go
	// on, and up to where the log has been told.
	Resume  *Mark
	Reached Pos
	// Defs are the tables' definitions from From on, where Table has changed. They come
	// before the changes that they describe, or with the Resume behind the statement.
	Defs  []byte
	From  Mark
	Table *Table
	Err   error
}

// Tell sends e, and says whether it went: not where ctx has ended.
func Tell(ctx context.Context, to chan<- Event, e Event) bool {
	select {
	case to <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// Database is one database as the reader needs it. Chunk is called from a goroutine
// of its own, one at a time; everything else from the reader's.
type Database interface {
	// Tables are the captured tables, sorted by ID, and their definitions as the state
	// keeps them: the log must be read with those of its time. With defs, the tables
	// are those.
	Tables(ctx context.Context, defs []byte) ([]*Table, []byte, error)
	// Added are tables that match and that neither Tables nor the log has told of, and
	// the definitions with them. From then on the log tells of their changes; those
	// before are in what chunks read.
	Added(ctx context.Context) ([]*Table, []byte, error)
	// Server identifies the server whose log positions are of.
	Server() string
	// Follows says nil when the log of this server goes on behind the transactions that
	// done names, of another server.
	Follows(ctx context.Context, done string) error
	// Start is where the log begins for a start mode; snapshot says that the tables are
	// read first.
	Start(ctx context.Context) (at Mark, snapshot bool, err error)
	// Now is the log's end.
	Now(ctx context.Context) (Pos, error)
	// Chunk reads rows of a table behind the key after ("" for the first) in the key's
	// order, at most limit, and then answers the log's end.
	Chunk(ctx context.Context, t *Table, after string, limit int, row func([]sqldb.Cell) error) (high Pos, err error)
	// Greater says of each pair of keys whether the first lies behind the second, by
	// the database's order. Asked for tables without GoOrder.
	Greater(ctx context.Context, t *Table, pairs [][2]string) ([]bool, error)
	// KeyOf appends the cells of a row's key as literals, separated by \x00. It is called
	// from both goroutines.
	KeyOf(b []byte, t *Table, row []sqldb.Cell) ([]byte, error)
	// Log begins to read the log. Events come until ctx ends or one with Err.
	Log(ctx context.Context, from Mark) (<-chan Event, error)
	// Confirm says that the log before a mark won't be asked for again.
	Confirm(m Mark)
	Close() error
}

// Config is how a source reads.
type Config struct {
	Open   func(ctx context.Context) (Database, error)
	Name   string // of the connector, for messages
	Table  string // the table's path, for messages
	Decode func(t *Table) (*sqldb.Decoder, []int, error)
	Meta   []Meta // behind the decoder's columns
	Chunk  int
	Only   bool // the snapshot alone: the source ends behind it
	Append bool // every change is +I
	Upsert bool // no -U
	Purged string
	Tries  int // how often a chunk is read again after a lost connection
	Sends  batch.Changes
	// Look is for a dry run: the captured tables as far as they can be seen, without
	// writing, and whether their rows are read first. What it finds beside goes to f. logs:
	// the job needs the log from before.
	Look func(ctx context.Context, f *connectors.Findings, logs bool) (tables []*Table, snapshot bool)
	// Physical are the columns that are decoded, Key the declared key's names.
	Physical *types.Schema
	Key      []string
	// New is how often to look for tables that were added; 0: never, not at a restart
	// either.
	New time.Duration

	settle time.Duration // instead of the constant
}

// Meta is a metadata column.
type Meta uint8

const (
	MetaDatabase Meta = iota
	MetaSchema
	MetaTable
	MetaTime
	MetaKind
)

// margin is how long a transaction may take from the log to where queries see it:
// changes are folded into a chunk from so long before its SELECT on.
const margin = time.Second

// Switched says that another server answers than the one whose log was read.
type Switched struct{ Err error }

func (s *Switched) Error() string { return s.Err.Error() }
func (s *Switched) Unwrap() error { return s.Err }

// settle is how long a start waits for transactions that are in the log but not yet
// seen by queries.
const settle = 300 * time.Millisecond
