package cdc

import (
	"context"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors/sqldb"
)

// chunk is rows of a table as one SELECT saw them.
type chunk struct {
	table   *Table
	after   string // the key it begins behind
	last    string // the last key; "" when it reaches to the table's end
	keys    []string
	rows    []line
	high    Pos // the log's end after the SELECT
	started time.Time
	err     error
}

// line is a row of a chunk; of is how its table was defined then.
type line struct {
	of    *Table
	cells []sqldb.Cell
}

// ask reads a chunk.
func (r *reader) ask(ctx context.Context, t *Table, after string, to chan<- *chunk) {
	c := &chunk{table: t, after: after, started: r.env.Now()}
	var key []byte
	for try := 0; ; try++ {
		c.keys, c.rows = c.keys[:0], c.rows[:0]
		c.high, c.err = r.db.Chunk(ctx, t, after, r.cfg.Chunk, func(cells []sqldb.Cell) error {
			var err error
			if key, err = r.db.KeyOf(key[:0], t, cells); err != nil {
				return err
			}
			c.keys = append(c.keys, string(key))
			c.rows = append(c.rows, line{t, own(cells)})
			return nil
		})
		if c.err == nil || try >= r.cfg.Tries || !(sqldb.MySQL{}).Transient(c.err) || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(time.Second << min(try, 4)):
		case <-ctx.Done():
		}
	}
	if n := len(c.keys); n >= r.cfg.Chunk {
		c.last = c.keys[n-1]
	}
	to <- c
}

// own copies borrowed cells.
func own(cells []sqldb.Cell) []sqldb.Cell {
	size := 0
	for i := range cells {
		size += len(cells[i].B)
	}
	out, buf := make([]sqldb.Cell, len(cells)), make([]byte, 0, size)
	for i, c := range cells {
		if c.Kind == sqldb.Text {
			n := len(buf)
			buf = append(buf, c.B...)
			c.B = buf[n:len(buf):len(buf)]
		}
		out[i] = c
	}
	return out
}

// snapshot reads what is left of the tables.
func (r *reader) snapshot(ctx context.Context) error {
	if len(r.tables) == 0 {
		return nil
	}
	wait := settle
	if r.cfg.settle > 0 {
		wait = r.cfg.settle
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan *chunk, 1)
	waiting := 1
	go r.ask(ctx, r.tables[r.at], r.state.After, answers)
	defer func() { // the goroutine is gone when the database is closed
		cancel()
		for ; waiting > 0; waiting-- {
			<-answers
		}
	}()
	for {
		var c *chunk
		for c == nil {
			select {
			case c = <-answers:
				waiting--
			case e := <-r.events:
				if err := r.take(e); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if c.err != nil {
			return r.errorf("%s: %w", c.table.ID, c.err)
		}
		next, after := r.at, c.last
		if c.last == "" {
			next++
		}
		asked := time.Time{}
		if next < len(r.tables) { // the next chunk is read while this one is sent
			waiting++
			asked = r.env.Now()
			go r.ask(ctx, r.tables[next], after, answers)
		}
		for !r.cfg.Only && r.seen.Before(c.high) {
			select {
			case e := <-r.events:
				if err := r.take(e); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := r.send(ctx, c, asked); err != nil {
			return err
		}
		if next >= len(r.tables) {
			return nil
		}
		if next > r.at {
			r.at, r.state.Left = next, r.state.Left[1:]
		}
		r.state.After = after
	}
}

// take keeps what the log says while a chunk is being read.
func (r *reader) take(e Event) error {
	if e.Err != nil {
		return r.logError(e.Err)
	}
	if e.Defs != nil {
		if err := r.reshape(e.Table); err != nil {
			return err
		}
		r.pend = append(r.pend, pended{defs: &e})
	}
	if e.Resume != nil {
		r.resume, r.seen, r.whole = *e.Resume, e.Reached, len(r.pend)
	}
	if e.Change == nil {
		return nil
	}
	if err := r.prepare(e.Change.Table); err != nil {
		return err
	}
	p := pended{c: e.Change, when: r.env.Now()}
	var err error
	if p.before, err = r.key(e.Change.Table, e.Change.Before); err == nil {
		p.after, err = r.key(e.Change.Table, e.Change.After)
	}
	if err != nil {
		return r.errorf("%s: %w", e.Change.Table.ID, err)
	}
	r.pend = append(r.pend, p)
	return nil
}

// reshape takes note of a table's new definition while tables are being read: it's
// read as it is now. What is read of one already was cut by its key.
func (r *reader) reshape(t *Table) error {
	if err := r.prepare(t); err != nil {
		return err
	}
	i, ok := r.index[t.ID]
	if !ok || i < r.at {
		return nil
	}
	if old := r.tables[i]; old.Order != t.Order || len(t.Key) == 0 {
		return r.errorf("%s: its key, or the order of it, changed while the table was being read along it; start a new job without this state", t.ID)
	}
	r.tables[i] = t
	return nil
}

func (r *reader) key(t *Table, row []sqldb.Cell) (string, error) {
	if row == nil {
		return "", nil
	}
	b, err := r.db.KeyOf(nil, t, row)
	return string(b), err
}

// send sends the changes that have come since the last chunk, then the chunk as it is
// after them. A transaction of which only a part has come waits for the next chunk: a
// restart goes on at its begin and hears all of it, and this chunk's SELECT has seen
// none of it, since it ends behind c.high.
func (r *reader) send(ctx context.Context, c *chunk, asked time.Time) error {
	all := append(r.recent, r.pend[:r.whole]...)
	r.recent, r.pend, r.whole = nil, r.pend[r.whole:], 0
	befores, afters, err := r.placesOf(ctx, c, all)
	if err != nil {
		return r.errorf("%w", err)
	}
	f := &fold{chunk: c}
	var keep []pended
	for i := range all {
		p := &all[i]
		if p.defs != nil {
			if err := r.redefine(p.defs); err != nil {
				return err
			}
			continue
		}
		b, a := befores[i], afters[i]
		if !p.old {
			if r.again && b != sent && p.c.Before != nil && (p.c.Kind == Delete || p.c.moved()) && !r.cfg.Append {
				if err := r.comeAndGone(p.c); err != nil {
					return err
				}
			}
			if err := r.change(p.c, b == sent && p.c.Before != nil, a == sent && p.c.After != nil); err != nil {
				return err
			}
		}
		if p.c.Table.ID == c.table.ID {
			if b == inChunk && p.c.Before != nil {
				f.remove(p.before)
			}
			if a == inChunk && p.c.After != nil {
				f.put(p.after, line{p.c.Table, p.c.After})
			}
		}
		if (b == ahead && p.c.Before != nil || a == ahead && p.c.After != nil) && !asked.IsZero() && p.when.After(asked.Add(-margin)) {
			p.old = true
			keep = append(keep, *p)
		}
	}
	r.recent = keep
	r.state.At = r.resume
	return r.sendRows(ctx, c, f)
}

// comeAndGone sends a row that was deleted before it was read as an insert and a
// delete. Before the restart it may have been read and sent behind the checkpoint:
// what was sent has to be sent again, or a sink that writes at once keeps the row for
// ever.
func (r *reader) comeAndGone(c *Change) error {
	half, at := c.At, c.At
	half.Half = true
	r.keyOnly = c.KeyOnly
	defer func() { r.keyOnly = false }()
	if !r.half.same(half) {
		if err := r.row(c.Table, batch.Insert, c.Before, c.Time, half); err != nil {
			return err
		}
	}
	at.Images++
	return r.row(c.Table, batch.Delete, c.Before, c.Time, at)
}

// placesOf is where each change's images lie.
func (r *reader) placesOf(ctx context.Context, c *chunk, all []pended) (befores, afters []place, err error) {
	befores, afters = make([]place, len(all)), make([]place, len(all))
	var keys []string
	var to []*place
	at := r.at
	for i := range all {
		if all[i].defs != nil {
			continue
		}
		ti, ok := r.index[all[i].c.Table.ID]
		if !ok { // a table made since: the log alone has it
			ti = -1
		}
		for _, x := range []struct {
			key string
			p   *place
		}{{all[i].before, &befores[i]}, {all[i].after, &afters[i]}} {
			switch {
			case x.key == "":
			case ti < at:
				*x.p = sent
			case ti > at:
				*x.p = ahead
			default:
				keys, to = append(keys, x.key), append(to, x.p)
			}
		}
	}
	if len(keys) == 0 {
		return befores, afters, nil
	}
	ps, err := r.places(ctx, c.table, keys, c.after, c.last)
	for i := range ps {
		*to[i] = ps[i]
	}
	return befores, afters, err
}

// fold is a chunk with the log's changes applied.
type fold struct {
	chunk *chunk
	at    map[string]int // made when the first change comes
	dead  map[int]bool
	n     int // rows the SELECT gave
}

func (f *fold) open() {
	if f.at != nil {
		return
	}
	f.n = len(f.chunk.keys)
	f.at, f.dead = make(map[string]int, f.n), map[int]bool{}
	for i, k := range f.chunk.keys {
		f.at[k] = i
	}
}

func (f *fold) remove(key string) {
	f.open()
	if i, ok := f.at[key]; ok {
		f.dead[i] = true
	}
}

func (f *fold) put(key string, row line) {
	f.open()
	if i, ok := f.at[key]; ok {
		f.chunk.rows[i] = row
		delete(f.dead, i)
		return
	}
	f.at[key] = len(f.chunk.keys)
	f.chunk.keys, f.chunk.rows = append(f.chunk.keys, key), append(f.chunk.rows, row)
}

// sendRows sends a chunk's rows in the key's order: the state behind each is its key.
func (r *reader) sendRows(ctx context.Context, c *chunk, f *fold) error {
	n := len(c.keys)
	if f.at != nil {
		n = f.n
	}
	order, err := r.merged(ctx, c.table, c.keys, n)
	if err != nil {
		return r.errorf("%s: %w", c.table.ID, err)
	}
	at := r.resume
	for _, i := range order {
		if f.dead[i] {
			continue
		}
		r.state.After = c.keys[i]
		r.state.Sent++
		if err := r.row(c.rows[i].of, batch.Insert, c.rows[i].cells, 0, at); err != nil {
			return err
		}
	}
	return nil
}
