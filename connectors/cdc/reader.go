package cdc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/feed"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// reader produces a split's rows.
type reader struct {
	cfg    *Config
	db     Database
	env    connectors.ReadEnv
	out    *feed.Out
	ts     []types.Type
	tables []*Table       // to be read, in that order
	index  map[string]int // their places
	at     int            // of the one being read
	state  state
	marks  *marks
	events <-chan Event
	seen   Pos // up to where the log has been told
	resume Mark
	pend   []pended // of the log, not yet sent
	whole  int      // pend[:whole] are of transactions that have ended
	recent []pended // of the log, passed over because their rows are ahead; a chunk may have missed them
	opened func(Database)
	half   Mark // where the state before the restart stood amid a row that comes and goes
	again  bool // the snapshot goes on after a restart
	open   bool // a part of a transaction has been sent
	// keyOnly: the row being sent is one of which the log has the key alone.
	keyOnly bool
}

// pended is a change that waits, or definitions that begin behind the changes before.
type pended struct {
	c    *Change
	defs *Event
	when time.Time
	// keys of its images, where the table's rows are still being read
	before, after string
	old           bool // it was pended when an earlier chunk was sent: only what is in the chunk counts
}

// Purged says that the log no longer holds what is needed.
type Purged struct{ Err error }

func (p *Purged) Error() string { return p.Err.Error() }
func (p *Purged) Unwrap() error { return p.Err }

// run reads until the end, which a change stream has only without its log.
func (r *reader) run(ctx context.Context, from []byte) error {
	var defs []byte
	started := from != nil
	if started {
		s, err := decodeState(from)
		if err != nil {
			return r.errorf("%w", err)
		}
		r.state, defs = *s, s.Defs
	}
	db, err := r.cfg.Open(ctx)
	if err != nil {
		return r.errorf("%w", err)
	}
	r.db = db
	r.opened(db)
	defer func() { r.db.Close() }()
	for {
		if started && r.state.Server != db.Server() {
			if r.state.At.Done == "" {
				return r.errorf("the position is of server %s, but %s answers now: a position in its log means nothing there; start anew without the state, or write to the old server", r.state.Server, db.Server())
			}
			if err := db.Follows(ctx, r.state.At.Done); err != nil {
				return r.errorf("the position is of server %s, and %s answers now: %w", r.state.Server, db.Server(), err)
			}
			r.state.Server, r.state.At.Pos = db.Server(), Pos{}
		}
		err := r.stream(ctx, started, defs)
		var other *Switched
		if errors.As(err, &other) {
			if r.state.At.Done == "" {
				return r.errorf("%w", err)
			}
			db.Close()
			if db, err = r.cfg.Open(ctx); err != nil {
				return r.errorf("%w", err)
			}
			r.db = db
			r.opened(db)
			started, defs = true, r.state.Defs
			continue
		}
		var gone *Purged
		if !errors.As(err, &gone) || !started {
			if gone != nil {
				return r.errorf("%w", err)
			}
			return err
		}
		switch r.cfg.Purged {
		case "re-snapshot":
			started, defs, r.state, r.recent = false, nil, state{}, nil
		case "skip":
			now, err := db.Now(ctx)
			if err != nil {
				return r.errorf("%w", err)
			}
			defs, r.state.At, r.recent = nil, Mark{Pos: now}, nil
		default:
			return r.errorf("%w. The changes since then are lost to this job. Choose: 'scan.purged-log' = 're-snapshot' reads the tables again (rows deleted meanwhile stay downstream), "+
				"'skip' goes on at the log's end (the changes between are missing), or start a new job without this state", err)
		}
	}
}

func (r *reader) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: table %s: "+format, append([]any{r.cfg.Name, r.cfg.Table}, args...)...)
}

// stream is the snapshot, as far as it's left, and the log.
func (r *reader) stream(parent context.Context, started bool, defs []byte) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	if !started {
		at, snapshot, err := r.db.Start(ctx)
		if err != nil {
			return r.errorf("%w", err)
		}
		r.state = state{Server: r.db.Server(), At: at, Log: !snapshot}
	}
	tables, kept, err := r.db.Tables(ctx, defs)
	if err != nil {
		return r.errorf("%w", err)
	}
	r.state.Defs = kept
	byID := map[string]*Table{}
	for _, t := range tables {
		byID[t.ID] = t
	}
	if !started && !r.state.Log {
		for _, t := range tables {
			r.state.Left = append(r.state.Left, t.ID)
		}
	}
	if started && !r.state.Log && len(r.state.Left) == 0 {
		return r.errorf("the position doesn't say which tables are left to read: start anew without the state")
	}
	left := make([]*Table, len(r.state.Left))
	for i, id := range r.state.Left {
		if left[i] = byID[id]; left[i] == nil {
			return r.errorf("%s, which was being read, is no longer among the tables", id)
		}
	}
	if started && r.cfg.New > 0 {
		more, kept, err := r.db.Added(ctx)
		if err != nil {
			return r.errorf("%w", err)
		}
		if len(more) > 0 {
			left, tables, r.state.Defs, r.state.Log = append(left, more...), append(tables, more...), kept, false
		}
	}
	for _, t := range tables {
		if err := r.prepare(t); err != nil {
			return err
		}
	}
	if err := r.readFrom(left); err != nil {
		return err
	}
	r.seen, r.resume, r.again, r.open = r.state.At.Pos, r.state.At, started, false
	r.pend, r.whole = nil, 0
	if r.half = (Mark{}); r.state.At.Half {
		r.half = r.state.At
	}
	if err := r.out.Send(r.state.encode()); err != nil { // the start counts from now on
		return err
	}
	r.fresh()
	if !r.cfg.Only {
		if r.events, err = r.db.Log(ctx, r.state.At); err != nil {
			return r.errorf("%w", err)
		}
	}
	for {
		if !r.state.Log {
			if err := r.snapshot(ctx); err != nil {
				return err
			}
			r.state.Log, r.state.Left, r.state.After = true, nil, ""
			if err := r.flush(); err != nil {
				return err
			}
			r.fresh()
		}
		if r.cfg.Only {
			return nil
		}
		r.recent = nil
		if err := r.tail(ctx); err != nil {
			return err
		}
	}
}

// readFrom makes tables those that are to be read.
func (r *reader) readFrom(tables []*Table) error {
	r.tables, r.index, r.at, r.state.Left = tables, map[string]int{}, 0, nil
	for i, t := range tables {
		r.index[t.ID] = i
		r.state.Left = append(r.state.Left, t.ID)
		if len(t.Key) == 0 {
			return r.errorf("%w", keyless(t))
		}
	}
	return nil
}

// keyless says why a table's rows can't be read.
func keyless(t *Table) error {
	return fmt.Errorf("%s has no primary key and no unique key of NOT NULL columns, so what changes while its rows are read can't be told apart ('scan.incremental.snapshot.chunk.key-column' doesn't help: rows may be equal); "+
		"add one (a column that numbers the rows will do), or start without a snapshot: 'scan.startup.mode' = 'latest-offset'", t.ID)
}

// tail sends the log's changes as they come, first those of a transaction that was
// open when the last chunk was sent. It ends with nil when tables were added.
func (r *reader) tail(ctx context.Context) error {
	for i := range r.pend {
		if err := r.send1(&r.pend[i]); err != nil {
			return err
		}
	}
	r.pend, r.whole = nil, 0
	var look <-chan time.Time
	if r.cfg.New > 0 {
		ticker := time.NewTicker(r.cfg.New)
		defer ticker.Stop()
		look = ticker.C
	}
	due := false
	for {
		if due && !r.open {
			due = false
			if added, err := r.added(ctx); err != nil || added {
				return err
			}
		}
		var e Event
		select {
		case e = <-r.events:
		default:
			if err := r.flush(); err != nil {
				return err
			}
			select {
			case e = <-r.events:
			case <-look:
				due = true
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if e.Err != nil {
			return r.logError(e.Err)
		}
		if e.Defs != nil {
			if err := r.prepare(e.Table); err != nil {
				return err
			}
			if err := r.redefine(&e); err != nil {
				return err
			}
		}
		if e.Resume != nil {
			r.resume, r.seen, r.state.At, r.open = *e.Resume, e.Reached, *e.Resume, false
			select {
			case <-look:
				due = true
			default:
			}
		}
		if e.Change == nil {
			continue
		}
		if err := r.prepare(e.Change.Table); err != nil {
			return err
		}
		if err := r.send1(&pended{c: e.Change}); err != nil {
			return err
		}
	}
}

// send1 sends what is pended as the log has it.
func (r *reader) send1(p *pended) error {
	if p.defs != nil {
		return r.redefine(p.defs)
	}
	r.open = true
	return r.change(p.c, true, true)
}

// added looks for new tables, which are then to be read while the log goes on.
func (r *reader) added(ctx context.Context) (bool, error) {
	tables, defs, err := r.db.Added(ctx)
	if err != nil && ctx.Err() == nil && (sqldb.MySQL{}).Transient(err) {
		return false, nil // the log says it when the server stays away
	}
	if err != nil {
		return false, r.errorf("tables added since: %w", err)
	}
	if len(tables) == 0 {
		return false, nil
	}
	if err := r.flush(); err != nil {
		return false, err
	}
	for _, t := range tables {
		if err := r.prepare(t); err != nil {
			return false, err
		}
	}
	if err := r.readFrom(tables); err != nil {
		return false, err
	}
	r.state.Log, r.state.Defs, r.again = false, defs, false
	r.fresh()
	return true, nil
}

// redefine makes definitions the state's from where they begin.
func (r *reader) redefine(e *Event) error {
	if err := r.flush(); err != nil {
		return err
	}
	r.state.Defs, r.state.At = e.Defs, e.From
	r.fresh()
	return nil
}

// prepare finds the columns read in a table.
func (r *reader) prepare(t *Table) (err error) {
	if t.dec != nil {
		return nil
	}
	if t.dec, t.pick, err = r.cfg.Decode(t); err != nil {
		return r.errorf("%s has %w", t.ID, err)
	}
	return nil
}

func (r *reader) logError(err error) error {
	var gone *Purged
	var other *Switched
	if errors.As(err, &gone) || errors.As(err, &other) {
		return err
	}
	return r.errorf("%w", err)
}

// change sends a change's images: those of rows that have been sent.
func (r *reader) change(c *Change, before, after bool) error {
	at := c.At
	insert, delete, old := batch.Insert, batch.Delete, before && c.Before != nil
	if c.Kind == Update && before && after && !c.moved() {
		insert, delete = batch.UpdateAfter, batch.UpdateBefore
	}
	if c.Before != nil {
		at.Images++
	}
	if old && !(delete == batch.UpdateBefore && r.cfg.Upsert) {
		r.keyOnly = c.KeyOnly
		err := r.row(c.Table, delete, c.Before, c.Time, at)
		if r.keyOnly = false; err != nil {
			return err
		}
	}
	if after && c.After != nil {
		at.Images++
		return r.row(c.Table, insert, c.After, c.Time, at)
	}
	return nil
}

// moved says that an update changed the row's key: to a reader that goes by keys it
// is a delete and an insert.
func (c *Change) moved() bool {
	if c.Before == nil || c.After == nil {
		return false
	}
	for _, k := range c.Table.Key {
		b, a := &c.Before[k], &c.After[k]
		if b.Kind != a.Kind || b.I != a.I || b.F != a.F || string(b.B) != string(a.B) {
			return true
		}
	}
	return false
}

// row appends a row whose state behind it is at, the snapshot's part unchanged.
func (r *reader) row(t *Table, kind batch.Kind, cells []sqldb.Cell, ms int64, at Mark) error {
	b := r.out.B
	shown := kind
	if r.cfg.Append {
		kind = batch.Insert
	}
	n := b.Len
	for c := range t.dec.Cols {
		col := &t.dec.Cols[c]
		x := sqldb.Cell{}
		if p := t.pick[c]; p >= 0 {
			x = cells[p]
		}
		if r.keyOnly && x.Kind == sqldb.Null && col.Type.NotNull { // not known, and not looked at
			b.Cols[c].AppendNull(col.Type, n)
			b.Cols[c].SetValid(n)
			continue
		}
		if err := t.dec.Value(&b.Cols[c], col, n, x); err != nil {
			err = fmt.Errorf("%s: column %q: %w", t.ID, col.Name, err)
			r.state.At = at
			return r.env.Bad(connectors.BadRow{Split: t.ID, Offset: int64(at.Off), Raw: sqldb.RowText(cells), Reason: err})
		}
	}
	r.meta(b, t, shown, ms)
	b.AppendKind(kind)
	r.state.At = at
	r.marks.rows = append(r.marks.rows, rowMark{at: at, left: len(r.state.Left), key: r.state.After, sent: r.state.Sent})
	if r.out.Full() {
		return r.flush()
	}
	return nil
}

// meta fills the metadata columns of the row being appended.
func (r *reader) meta(b *batch.Batch, t *Table, kind batch.Kind, ms int64) {
	for i, m := range r.cfg.Meta {
		c := len(t.dec.Cols) + i
		v := &b.Cols[c]
		if m == MetaTime {
			v.I64 = append(v.I64[:b.Len], ms*1000)
			if r.ts[c].Length > 6 {
				v.Hi = append(v.Hi[:b.Len], 0)
			}
			v.SetValid(b.Len)
			continue
		}
		s := ""
		switch m {
		case MetaDatabase:
			s = t.Database
		case MetaSchema:
			s = t.Schema
		case MetaTable:
			s = t.Name
		case MetaKind:
			s = kind.String()
		}
		v.Str = append(v.Str[:b.Len], 0)
		v.SetString(b.Len, s)
		v.SetValid(b.Len)
	}
}

// flush hands the batch over. Without rows it moves the position on, now and then.
func (r *reader) flush() error {
	if r.out.B.Len == 0 && r.marks.base.At == r.state.At && len(r.marks.base.Left) == len(r.state.Left) && r.marks.base.After == r.state.After && r.marks.base.Log == r.state.Log {
		return nil
	}
	m := r.marks
	if err := r.out.SendMarked(r.state.encode(), m); err != nil {
		return err
	}
	r.fresh()
	return nil
}

// fresh begins a batch's marks.
func (r *reader) fresh() {
	r.marks = &marks{base: r.state, rows: make([]rowMark, 0, 64)}
}
