package postgrescdc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// logReader reads a slot's changes, and begins again where it was when the connection
// is lost.
type logReader struct {
	*database
	out  chan<- cdc.Event
	mark cdc.Mark
	conn *pgconn.PgConn

	rels    map[uint32]*table // nil: not captured
	open    bool
	begin   uint64 // the open transaction's commit record
	images  int
	skip    int
	stamp   int64
	flowing bool
}

// Log begins to read.
func (d *database) Log(ctx context.Context, from cdc.Mark) (<-chan cdc.Event, error) {
	if _, err := d.slotAt(ctx); err != nil {
		return nil, err
	}
	out := make(chan cdc.Event, 1024)
	l := &logReader{database: d, out: out, mark: from}
	d.safe.Store(0)
	go func() {
		if err := l.run(ctx); err != nil && ctx.Err() == nil {
			l.tell(ctx, cdc.Event{Err: err})
		}
	}()
	return out, nil
}

func (l *logReader) tell(ctx context.Context, e cdc.Event) bool { return cdc.Tell(ctx, l.out, e) }

// run streams, again and again while connections are lost.
func (l *logReader) run(ctx context.Context) error {
	for tries := 0; ; tries++ {
		l.flowing = false
		err := l.stream(ctx)
		if ctx.Err() != nil {
			return nil
		}
		err = sqldb.PostgresFault(l.server, err)
		var pg *pgconn.PgError
		busy := errors.As(err, &pg) && pg.Code == "55006" // the slot is still held by the connection that was lost
		if errors.As(err, &pg) && (pg.Code == "42704" && strings.Contains(pg.Message, "replication slot") || pg.Code == "58P01") {
			return &cdc.Purged{Err: fmt.Errorf("%s: replication slot %q: %s", l.server, l.slot, pg.Message)}
		}
		if !busy && sqldb.KindOf(err) != sqldb.Lost && sqldb.KindOf(err) != sqldb.Down {
			return err
		}
		if l.flowing {
			tries = 0
		}
		limit := l.retries
		if busy {
			limit += 10
		}
		if tries > limit {
			if busy {
				return fmt.Errorf("%s: replication slot %q is in use by another reader: give each its own 'slot.name'", l.server, l.slot)
			}
			return fmt.Errorf("the log: given up after %d tries to connect again: %w", tries, err)
		}
		if !pause(ctx, min(tries+1, 4)) {
			return nil
		}
	}
}

// quiet is how long nothing may come before the server is asked where it is.
const quiet = 250 * time.Millisecond

// stream reads until an error.
func (l *logReader) stream(ctx context.Context) error {
	cfg, err := sqldb.PostgresConfig(l.server)
	if err != nil {
		return err
	}
	cfg.RuntimeParams["replication"] = "database"
	if l.conn, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		return err
	}
	defer func() {
		c, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.conn.Close(c)
	}()
	l.rels, l.open, l.images, l.skip = map[uint32]*table{}, false, 0, l.mark.Images
	l.conn.Frontend().Send(&pgproto3.Query{String: fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL %X/%X (proto_version '1', publication_names '%s')",
		dialect.Quote(l.slot), l.mark.Off>>32, uint32(l.mark.Off), `"`+l.publication+`"`)})
	if err := l.conn.Frontend().Flush(); err != nil {
		return err
	}
	told := time.Duration(0)
	for {
		wait, cancel := context.WithTimeout(ctx, quiet)
		msg, err := l.conn.ReceiveMessage(wait)
		cancel()
		if err != nil {
			if pgconn.Timeout(err) && ctx.Err() == nil {
				if err := l.status(true); err != nil {
					return err
				}
				told = 0
				continue
			}
			return err
		}
		switch m := msg.(type) {
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		case *pgproto3.CopyData:
			if len(m.Data) == 0 {
				continue
			}
			switch m.Data[0] {
			case 'w':
				if len(m.Data) < 25 {
					return errShort
				}
				l.flowing = true
				if err := l.message(ctx, m.Data[25:]); err != nil {
					return err
				}
				if told++; told > 5000 { // a busy stream answers too
					told = 0
					if err := l.status(false); err != nil {
						return err
					}
				}
			case 'k':
				if len(m.Data) < 18 {
					return errShort
				}
				if !l.open {
					if err := l.settled(ctx, binary.BigEndian.Uint64(m.Data[1:])); err != nil {
						return err
					}
				}
				if m.Data[17] != 0 {
					if err := l.status(false); err != nil {
						return err
					}
				}
			}
		case *pgproto3.CopyDone, *pgproto3.CommandComplete:
			return fmt.Errorf("conn closed by the server")
		}
	}
}

var errShort = errors.New("the server sent a message that ends too early")

// status tells the server what is safe, and may ask it where it is.
func (l *logReader) status(ask bool) error {
	b := make([]byte, 34)
	b[0] = 'r'
	safe := l.safe.Load()
	binary.BigEndian.PutUint64(b[1:], safe)
	binary.BigEndian.PutUint64(b[9:], safe)
	binary.BigEndian.PutUint64(b[17:], safe)
	if ask {
		b[33] = 1
	}
	l.conn.Frontend().Send(&pgproto3.CopyData{Data: b})
	return l.conn.Frontend().Flush()
}

// settled says that no transaction is open at a position.
func (l *logReader) settled(ctx context.Context, at uint64) error {
	if at < l.mark.Off {
		return nil
	}
	if at != l.mark.Off {
		l.mark = cdc.Mark{Pos: cdc.Pos{Off: at}}
	}
	m := l.mark
	l.tell(ctx, cdc.Event{Resume: &m, Reached: m.Pos})
	return ctx.Err()
}

// epoch is 2000-01-01 in milliseconds: PostgreSQL counts from there.
const epoch = 946_684_800_000

// message takes a message of pgoutput, version 1.
func (l *logReader) message(ctx context.Context, b []byte) error {
	p := &parser{b: b}
	switch kind := p.byte(); kind {
	case 'B':
		l.begin = p.u64()
		l.stamp = int64(p.u64())/1000 + epoch
		l.open, l.images = true, 0
		if l.begin != l.mark.Off {
			l.skip = 0
		}
		l.mark = cdc.Mark{Pos: cdc.Pos{Off: l.begin}, Images: l.skip}
	case 'C':
		p.byte()
		p.u64()
		end := p.u64()
		l.open, l.skip = false, 0
		if p.short {
			return errShort
		}
		return l.settled(ctx, end)
	case 'R':
		return l.relation(ctx, p)
	case 'I', 'U', 'D':
		return l.row(ctx, kind, p)
	case 'T':
		n := p.u32()
		p.byte()
		for range n {
			if t := l.rels[p.u32()]; t != nil && l.truncate != "ignore" {
				return fmt.Errorf("%s was truncated, and the log doesn't list the rows that went; 'scan.truncate' = 'ignore' goes on with the rows kept downstream", t.ID)
			}
		}
	}
	if p.short {
		return errShort
	}
	return nil
}

// parser reads the parts of a message.
type parser struct {
	b     []byte
	short bool
}

func (p *parser) take(n int) []byte {
	if n < 0 || n > len(p.b) {
		p.short, p.b = true, nil
		return make([]byte, min(max(n, 0), 8))
	}
	x := p.b[:n]
	p.b = p.b[n:]
	return x
}

func (p *parser) byte() byte  { return p.take(1)[0] }
func (p *parser) u16() uint16 { return binary.BigEndian.Uint16(p.take(2)) }
func (p *parser) u32() uint32 { return binary.BigEndian.Uint32(p.take(4)) }
func (p *parser) u64() uint64 { return binary.BigEndian.Uint64(p.take(8)) }

func (p *parser) text() string {
	for i, c := range p.b {
		if c == 0 {
			s := string(p.b[:i])
			p.b = p.b[i+1:]
			return s
		}
	}
	p.short, p.b = true, nil
	return ""
}

// relation takes a table's definition, which comes before its first row and after
// each change of it.
func (l *logReader) relation(ctx context.Context, p *parser) error {
	id, schema, name := p.u32(), p.text(), p.text()
	p.byte()
	type col struct {
		name string
		oid  uint32
		mod  int32
	}
	var cols []col
	for range p.u16() {
		p.byte()
		c := col{name: p.text()}
		c.oid, c.mod = p.u32(), int32(p.u32())
		cols = append(cols, c)
	}
	if p.short {
		return errShort
	}
	l.mu.Lock()
	t := l.tables[schema+"."+name]
	l.mu.Unlock()
	l.rels[id] = t
	if t == nil {
		return nil
	}
	what, safe, same := "", true, len(cols) == len(t.Def.Cols)
	now := def{Schema: schema, Name: name, Key: t.Def.Key}
	for i, c := range cols {
		x := colDef{Name: c.name, OID: c.oid, Null: true}
		var old *colDef
		for k := range t.Def.Cols {
			if t.Def.Cols[k].Name == c.name {
				old = &t.Def.Cols[k]
			}
		}
		same = same && i < len(t.Def.Cols) && t.Def.Cols[i].Name == c.name && t.Def.Cols[i].OID == c.oid
		if old != nil && old.OID == c.oid {
			x = *old
		} else if err := l.describe(ctx, &x, c.mod); err != nil {
			return err
		}
		switch {
		case old == nil && what == "":
			what = fmt.Sprintf("column %q %s was added", c.name, x.Type)
		case old != nil && old.OID != c.oid:
			safe = safe && wider(old.Type, x.Type)
			if what == "" {
				what = fmt.Sprintf("column %q was %s and is %s", c.name, old.Type, x.Type)
			}
		}
		now.Cols = append(now.Cols, x)
	}
	if same {
		return nil
	}
	for _, old := range t.Def.Cols {
		gone := true
		for _, c := range cols {
			gone = gone && c.name != old.Name
		}
		if gone {
			safe = false
			what = fmt.Sprintf("column %q was dropped or renamed", old.Name)
		}
	}
	if what == "" {
		what = "its columns have another order"
	}
	if l.change == "fail" || l.change == "widen" && !safe {
		return fmt.Errorf("%s changed its structure: %s. 'scan.schema-change' = 'widen' or 'ignore' goes on where the declared columns allow it; else change the CREATE TABLE and start from the position kept", t.ID, what)
	}
	nt, err := newTable(l.server.Database, now)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.know(nt)
	defs := l.defs()
	l.mu.Unlock()
	l.rels[id] = nt
	if !l.tell(ctx, cdc.Event{Defs: defs, From: l.mark, Table: nt.Table}) {
		return ctx.Err()
	}
	return nil
}

// describe finds a type's name, on a connection of its own: this is the log's
// goroutine.
func (l *logReader) describe(ctx context.Context, x *colDef, mod int32) error {
	c, err := dialect.Open(ctx, l.server)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Query(ctx, fmt.Sprintf("SELECT format_type(%d, %d)", x.OID, mod), func(r []sqldb.Cell) error {
		x.Type = r[0].String()
		return nil
	})
}

// wider says that every value of a type is one of the other.
func wider(old, now string) bool {
	a, _ := sqldb.PostgresType(old)
	b, _ := sqldb.PostgresType(now)
	switch {
	case a.IsInteger() && b.IsInteger():
		return b.Kind >= a.Kind
	case a.IsString() && b.IsString():
		return b.Length >= a.Length
	case a.Kind == b.Kind:
		return b.Length >= a.Length && b.Scale >= a.Scale
	}
	return false
}

// row takes a changed row.
func (l *logReader) row(ctx context.Context, kind byte, p *parser) error {
	t := l.rels[p.u32()]
	if t == nil {
		return nil
	}
	c := &cdc.Change{Table: t.Table, Time: l.stamp, At: cdc.Mark{Pos: cdc.Pos{Off: l.begin}, Images: l.images}}
	var err error
	which := p.byte()
	if which == 'K' || which == 'O' {
		if c.Before, err = l.tuple(p, t, nil); err != nil {
			return err
		}
		if kind == 'U' {
			p.byte()
		}
	}
	if kind != 'D' {
		if c.After, err = l.tuple(p, t, c.Before); err != nil {
			return err
		}
	}
	if p.short {
		return errShort
	}
	step := 1
	switch kind {
	case 'U':
		c.Kind, c.KeyOnly, step = cdc.Update, which == 'K', 2
		if c.Before == nil { // no REPLICA IDENTITY FULL, and the key stayed
			if !l.upsert {
				return fmt.Errorf("%s: the log lacks the row before an update: ALTER TABLE %s REPLICA IDENTITY FULL, or 'changelog-mode' = 'upsert'", t.ID, dialect.Quote(t.Schema)+"."+dialect.Quote(t.Name))
			}
			c.Before = c.After
		}
	case 'D':
		c.Kind, c.KeyOnly = cdc.Delete, which == 'K'
		if which == 'K' && !l.upsert {
			return fmt.Errorf("%s: the log lacks the row before a delete: ALTER TABLE %s REPLICA IDENTITY FULL, or 'changelog-mode' = 'upsert'", t.ID, dialect.Quote(t.Schema)+"."+dialect.Quote(t.Name))
		}
	}
	l.images += step
	if l.images <= l.skip {
		return nil
	}
	if step == 2 && l.images-1 <= l.skip {
		c.Before = nil
		c.At.Images++
	}
	l.mark = cdc.Mark{Pos: cdc.Pos{Off: l.begin}, Images: l.images}
	if !l.tell(ctx, cdc.Event{Change: c}) {
		return ctx.Err()
	}
	return nil
}

// tuple reads a row. A large value that an update left alone isn't in the log: it is
// the old row's.
func (l *logReader) tuple(p *parser, t *table, old []sqldb.Cell) ([]sqldb.Cell, error) {
	n := int(p.u16())
	out := make([]sqldb.Cell, len(t.Cols))
	if n != len(out) && !p.short {
		return nil, fmt.Errorf("%s: the log has a row of %d columns, %d are known", t.ID, n, len(out))
	}
	for i := range out {
		switch p.byte() {
		case 'n':
		case 'u':
			if old == nil {
				return nil, fmt.Errorf("%s: column %q: the log lacks a large value that an update left alone: ALTER TABLE %s REPLICA IDENTITY FULL", t.ID, t.Cols[i].Name, dialect.Quote(t.Schema)+"."+dialect.Quote(t.Name))
			}
			out[i] = old[i]
		case 't':
			out[i] = sqldb.Cell{Kind: sqldb.Text, B: append([]byte{}, p.take(int(p.u32()))...)}
		default:
			return nil, fmt.Errorf("%s: the log has a value of an unknown form", t.ID)
		}
		if p.short {
			return nil, errShort
		}
	}
	return out, nil
}
