// Package connectors is the contract of the outside: a Connector is a struct of
// functions and an option table, in a folder of its own; nil means "can't".
//
// A Source lists splits and opens a Reader for each; package operators/scan owns
// watermarks, computed columns and bad rows, so a reader only turns its split
// into batches. A Sink opens a Writer per subtask; what a two-phase sink leaves
// pending is committed through the Sink, because after a crash no writer exists.
//
// A connector never imports a format: its Table hands it a decoder or encoder.
// connectors/all is the list, connectors/conntest the checks each must pass.
// Start with Connector; datagen is the plainest example.
package connectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Connector is one kind of outside system.
type Connector struct {
	Name    string
	Doc     string
	Options []formats.Option // those of a table that name it; a format's come on top
	Source  func(Table) (Source, error)
	Sink    func(Table) (Sink, error)
	Lookup  func(Table) (Lookup, error)
	// Own: Flink doesn't have it; Instead says what it has, as in formats.Option.
	Own     bool
	Instead string
	// NoWatermarkPushDown refuses the scan.watermark.* options, as Flink does for
	// sources that can't take them (datagen).
	NoWatermarkPushDown bool
	// Pushes says that its Source takes filters and limits (FilterPusher, LimitPusher).
	Pushes bool
	// Narrows says that its Source reads any of the table's columns alone, and that
	// reading fewer costs less.
	Narrows bool
	// Inner says that rows are made, or end, in this process: there is nothing outside.
	Inner bool
}

// Table is a table as its connector sees it.
type Table struct {
	Path    string        // `cat`.`db`.`t`, for messages
	Schema  *types.Schema // a source: the physical columns the plan reads, then the metadata columns; a sink: all columns it writes
	Full    *types.Schema // all physical columns in declared order
	Meta    []Metadata    // for columns len(Schema)-len(Meta)...: which metadata key each is
	Key     []int         // primary key, columns of Full
	Rowtime int           // a sink: the column that is the rows' event time, counted from 1; 0: none
	Parts   []string      // PARTITIONED BY
	Options formats.Values
	Format  formats.Table // decoder and encoder; nil functions when the table names no format
	Session *types.Session
	Stats   Stats
}

// Metadata is a METADATA column.
type Metadata struct {
	Key     string // the connector's name of it
	Type    types.Type
	Virtual bool
}

// Stats is what is known of a table's size, for join sides in batch mode.
type Stats struct{ Rows int64 } // 0: unknown

// Split is a part of a source that is read in order: a file, a partition.
type Split struct {
	Name    string
	Data    []byte
	Bounded bool
}

// SplitState is a split's progress as the coordinator keeps it.
type SplitState struct {
	Split  Split
	From   []byte
	Done   bool
	Result []byte
}

// ErrNotReady says that there is nothing now; wake follows.
var ErrNotReady = errors.New("not ready")

// Source reads a table.
type Source interface {
	// Changes are the kinds its batches may hold.
	Changes() batch.Changes
	// Bounded says that it ends.
	Bounded() bool
	// Splits lists the splits; known are those listed before, perhaps by an earlier
	// run with another parallelism. Asked at the start and, for unbounded sources, now
	// and then again: a split whose name isn't known is read as a new one.
	// parallelism is a hint for sources that can split at will; these return known
	// when there are any.
	Splits(ctx context.Context, known []Split, parallelism int) ([]Split, error)
	// Read opens a split at a position, nil for its beginning.
	Read(ctx context.Context, s Split, from []byte, env ReadEnv) (Reader, error)
}

// Watched is a Source that says how often it is asked for new splits; 0: as the job
// thinks fit, every few seconds.
type Watched interface {
	Source
	Interval() time.Duration
}

// ReadEnv is what a reader may use.
type ReadEnv struct {
	Wake        func()             // from any goroutine, after ErrNotReady
	Bad         func(BadRow) error // a row that can't be decoded, in row order, called by Next; an error must be returned
	Now         func() time.Time
	Session     *types.Session
	Rows        int // the most rows a batch may have
	Subtask, Of int
}

// BadRow is a row that could not be decoded.
type BadRow struct {
	Split  string
	Offset int64
	Raw    []byte
	Reason error
}

// Reader reads one split.
type Reader interface {
	// Next returns rows of the split in Table.Schema, ErrNotReady, or io.EOF. It
	// never blocks. The batch is valid until the next Next.
	Next() (*batch.Batch, error)
	// Position is where the next Next starts: Source.Read takes it back. After
	// io.EOF it is the split's result.
	Position() []byte
	Close() error
}

// Timed is a Reader that knows event time beside its rows: the split's watermark is
// at least what it says. Asked when it has no rows. Optional.
type Timed interface{ Watermark() (ms int64) }

// Within is a Reader that can be taken up amid a batch: the position behind the
// first n rows of the last one, nil when it can't. A reader whose rows may differ
// when they are read again needs it, for a batch may be half sent at a checkpoint.
type Within interface{ Within(n int) []byte }

// Predicate is a condition on a row: a comparison of a column with a constant ("=",
// "<>", "<", "<=", ">", ">="), "IS NULL" or "IS NOT NULL" of a column, or "AND" or
// "OR" of Args.
type Predicate struct {
	Op    string
	Args  []Predicate
	Col   int           // of Table.Schema
	Type  types.Type    // of Value
	Value *batch.Vector // row 0; not NULL
}

// Optional abilities of a Source, found by assertion before Splits is called.
type (
	// LimitPusher stops after n rows per split; the plan still limits.
	LimitPusher interface{ PushLimit(n int64) }
	// FilterPusher may leave out rows for which the conditions aren't all TRUE; the
	// plan filters again. Only for a Connector that Pushes.
	FilterPusher interface{ PushFilter(all []Predicate) }
	// RowCounter knows its number of rows without reading them.
	RowCounter interface{ RowCount() (int64, bool) }
	// Confirmer hears of checkpoints that exist: Kafka's group offsets.
	Confirmer interface {
		Confirmed(ctx context.Context, n uint64, at []SplitState) error
	}
	// Enumerator is a source whose splits depend on one another. It has no memory
	// of its own: state lies in every checkpoint.
	Enumerator interface {
		More(ctx context.Context, known []Split, done []SplitState, state []byte) (add []Split, next []byte, err error)
	}
)

// ErrLost says that the outside gave a prepared transaction up.
var ErrLost = errors.New("a prepared transaction is lost")

// Sink writes a table.
type Sink interface {
	// Changes says which of the query's changes it can take; asking for fewer kinds
	// than the query has refuses the plan. A sink that takes no -U is given some all the
	// same, where the +U behind it was filtered out: the row goes.
	Changes(query batch.Changes) batch.Changes
	Open(ctx context.Context, env WriterEnv) (Writer, error)
	// Commit makes pending results visible. Harmless when repeated. It returns what
	// isn't due yet.
	Commit(ctx context.Context, c Commit, pending [][]byte) (keep [][]byte, err error)
	// Abandon ends what a dead run of the job left open.
	Abandon(ctx context.Context, job string, keep [][]byte) error
}

// WriterEnv is what a writer may use.
type WriterEnv struct {
	Job         string
	Subtask, Of int
	Restored    uint64 // the checkpoint the job started from, 0 for none
	Session     *types.Session
	Now         func() time.Time
}

// Commit is the checkpoint being committed.
type Commit struct {
	N         uint64
	Watermark int64 // least over all subtasks at N, in ms
	Final     bool  // the job's last: its input has ended
	Closing   bool  // the run ends here, whether or not its input has: no writer writes on
	Now       time.Time
}

// Writer writes one subtask's rows, in order.
type Writer interface {
	// Write takes rows; it copies what it keeps.
	Write(b *batch.Batch) error
	// Flush returns when all written rows are durable.
	Flush(ctx context.Context) error
	// Prepare closes the transaction n; what it returns is what Commit needs. nil:
	// nothing to commit. Sinks without transactions do what Flush does.
	Prepare(ctx context.Context, n uint64) ([]byte, error)
	Close() error
}

// Idempotent is a Sink that ends at the same table when rows are written again: an
// upsert by key. A job may then fall back behind a checkpoint. Optional.
type Idempotent interface{ Idempotent() bool }

// Guarantor is a Sink that says what a crash may do to its rows; EXPLAIN shows it.
// Optional.
type Guarantor interface{ Guarantee() string }

// Teller is a Sink that tells what Commit and Abandon did when a job went on from a
// checkpoint: what it found of the run before. Optional.
type Teller interface {
	// Told is what was done since it was last asked, a sentence each.
	Told() []string
}

// Truncater is a Sink that INSERT OVERWRITE and TRUNCATE can empty. Optional.
type Truncater interface {
	Overwrite(ctx context.Context) error
}

// Lookup answers point queries by key.
type Lookup interface {
	// Start copies the keys and begins asking; ErrBusy beyond its capacity.
	Start(keys *batch.Batch, wake func()) (ticket uint64, err error)
	// Poll returns an answer, or ErrNotReady; origin says which key each row
	// answers.
	Poll() (ticket uint64, rows *batch.Batch, origin []int32, err error)
	Close() error
}

// Prober is a Source, Sink or Lookup that can look at the outside before a job is
// started, for a dry run: whether the system answers, has the table with these columns,
// and lets this user do what the job will do. Optional.
type Prober interface {
	// Probe connects and only reads. It waits for nothing that may come up later, and
	// goes on behind a fault as far as that makes sense.
	Probe(ctx context.Context, env ProbeEnv) Findings
}

// ProbeEnv is what is known of the job that would run.
type ProbeEnv struct {
	Job     string
	Resumes bool // it goes on from a checkpoint: where a source begins doesn't count
}

// Findings are what a Prober has found.
type Findings struct {
	Seen    []string // what is there and fits
	Unknown []string // what can't be known without writing, or without a right
	Faults  []error  // what the job would fail of, and what to do
}

// See notes what is there.
func (f *Findings) See(format string, args ...any) {
	f.Seen = append(f.Seen, fmt.Sprintf(format, args...))
}

// Wonder notes what can't be known.
func (f *Findings) Wonder(format string, args ...any) {
	f.Unknown = append(f.Unknown, fmt.Sprintf(format, args...))
}

// Fail notes what is wrong; nil is nothing.
func (f *Findings) Fail(errs ...error) {
	for _, err := range errs {
		if err != nil {
			f.Faults = append(f.Faults, err)
		}
	}
}

// ErrBusy says that a Lookup has as many calls in flight as it may.
var ErrBusy = errors.New("busy")

// LookupOpener is what Connector.Lookup's result for a table may implement to be
// told the key columns (of Table.Schema). Required.
type LookupOpener interface {
	OpenLookup(ctx context.Context, keys []int) (Lookup, error)
}
