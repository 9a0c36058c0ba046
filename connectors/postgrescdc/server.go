package postgrescdc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// database is one database as package cdc needs it.
type database struct {
	*config
	id      string
	control sqldb.Conn // of the reader's goroutine
	chunks  sqldb.Conn // of the chunks' goroutine, nil until the first
	safe    atomic.Uint64

	mu     sync.Mutex
	tables map[string]*table     // by ID: as the log has them now
	all    map[*cdc.Table]*table // and as they were
	waits  map[string]bool       // new ones without REPLICA IDENTITY FULL
}

// table is a captured table.
type table struct {
	*cdc.Table
	Def def
}

// def is a table's definition as the state keeps it.
type def struct {
	Schema string   `json:"schema"`
	Name   string   `json:"name"`
	Cols   []colDef `json:"cols"`
	Key    []string `json:"key,omitempty"`
	full   bool     // REPLICA IDENTITY FULL
}

type colDef struct {
	Name      string `json:"n"`
	Type      string `json:"t"` // as format_type writes it
	OID       uint32 `json:"o"`
	Null      bool   `json:"null,omitempty"`
	Collation string `json:"c,omitempty"` // "": the default, or none
}

var dialect = sqldb.Postgres{}

func text(s string) string { return (&sqldb.Encoder{Dialect: dialect}).String(s) }

func open(ctx context.Context, c *config) (cdc.Database, error) {
	d := &database{config: c, tables: map[string]*table{}, all: map[*cdc.Table]*table{}, waits: map[string]bool{}}
	var err error
	tries := 0
	for {
		if d.control, err = dialect.Open(ctx, c.server); err == nil || tries >= c.retries || !dialect.Transient(err) {
			break
		}
		if tries++; !pause(ctx, tries) {
			break
		}
	}
	if err != nil {
		if tries > 0 {
			err = fmt.Errorf("given up after %d tries: %w", tries+1, err)
		}
		return nil, err
	}
	if err := d.level(ctx); err != nil {
		d.control.Close()
		return nil, err
	}
	return d, nil
}

// level finds the database's id, and refuses a server whose log says too little.
func (d *database) level(ctx context.Context) error {
	level := ""
	err := d.control.Query(ctx, "SELECT current_setting('wal_level'), oid::text FROM pg_database WHERE datname = current_database()", func(r []sqldb.Cell) error {
		level, d.id = r[0].String(), d.server.Database+"/"+r[1].String()
		return nil
	})
	if err == nil && level != "logical" && d.mode != "snapshot" {
		err = fmt.Errorf("%s has wal_level %s: set it to logical and restart the server", d.server, level)
	}
	return err
}

func pause(ctx context.Context, n int) bool {
	select {
	case <-time.After(200 * time.Millisecond << min(n-1, 5)):
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *database) Server() string { return d.id }

// Start makes the slot when there is none.
func (d *database) Start(ctx context.Context) (cdc.Mark, bool, error) {
	if d.mode == "snapshot" {
		return cdc.Mark{}, true, nil
	}
	// The publication comes first: the log is decoded with what was published then.
	list, err := find(ctx, d.config, d.control)
	if err == nil {
		err = d.publish(ctx, list)
	}
	if err != nil {
		return cdc.Mark{}, false, err
	}
	at, err := d.slotAt(ctx)
	var gone *cdc.Purged
	if errors.As(err, &gone) {
		if d.mode == "committed-offset" {
			return cdc.Mark{}, false, fmt.Errorf("'scan.startup.mode' = 'committed-offset': %w", err)
		}
		made := ""
		err = d.control.Query(ctx, "SELECT lsn FROM pg_create_logical_replication_slot("+text(d.slot)+", 'pgoutput')", func(r []sqldb.Cell) error {
			made = r[0].String()
			return nil
		})
		if err != nil {
			return cdc.Mark{}, false, fmt.Errorf("replication slot %q can't be made: %w", d.slot, err)
		}
		at, err = lsn(made)
	} else if err == nil && d.mode != "committed-offset" {
		at, err = d.now(ctx, d.control) // what the slot holds from before doesn't count
	}
	if err != nil {
		return cdc.Mark{}, false, err
	}
	return cdc.Mark{Pos: cdc.Pos{Off: at}}, d.mode == "initial", nil
}

// slotAt is what the slot holds from; Purged when it is gone or has lost it.
func (d *database) slotAt(ctx context.Context) (at uint64, err error) {
	found, plugin, db, status, confirmed, active := false, "", "", "", "", ""
	err = d.control.Query(ctx, "SELECT plugin, database, COALESCE(to_jsonb(s)->>'wal_status', ''), confirmed_flush_lsn, active FROM pg_replication_slots s WHERE slot_name = "+text(d.slot), func(r []sqldb.Cell) error {
		found, plugin, db, status, confirmed, active = true, r[0].String(), r[1].String(), r[2].String(), r[3].String(), r[4].String()
		return nil
	})
	_ = active
	switch {
	case err != nil:
		return 0, err
	case !found:
		return 0, &cdc.Purged{Err: fmt.Errorf("%s has no replication slot %q", d.server, d.slot)}
	case plugin != "pgoutput" || db != d.server.Database:
		return 0, fmt.Errorf("%s: replication slot %q is of plugin %q in database %q: use another 'slot.name'", d.server, d.slot, plugin, db)
	case status == "lost":
		return 0, &cdc.Purged{Err: fmt.Errorf("%s: replication slot %q has lost its log (max_slot_wal_keep_size): drop it", d.server, d.slot)}
	}
	return lsn(confirmed)
}

func lsn(s string) (uint64, error) {
	a, b, ok := strings.Cut(s, "/")
	hi, err1 := strconv.ParseUint(a, 16, 32)
	lo, err2 := strconv.ParseUint(b, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%q isn't a position in the log", s)
	}
	return hi<<32 | lo, nil
}

// Now is the log's end.
func (d *database) Now(ctx context.Context) (cdc.Pos, error) {
	at, err := d.now(ctx, d.control)
	return cdc.Pos{Off: at}, err
}

// now is the log's end, behind which something is written at once: the reader hears
// of a place when the log goes beyond it.
func (d *database) now(ctx context.Context, c sqldb.Conn) (at uint64, err error) {
	s := ""
	err = c.Query(ctx, "SELECT pg_current_wal_insert_lsn(), pg_logical_emit_message(true, 'millrace', '')", func(r []sqldb.Cell) error {
		s = r[0].String()
		return nil
	})
	if err != nil {
		return 0, err
	}
	return lsn(s)
}

// Tables are those whose names match.
func (d *database) Tables(ctx context.Context, defs []byte) ([]*cdc.Table, []byte, error) {
	var list []def
	if defs != nil {
		if err := json.Unmarshal(defs, &list); err != nil {
			return nil, nil, fmt.Errorf("the tables' definitions in the state can't be read: %w", err)
		}
	} else {
		var err error
		if list, err = find(ctx, d.config, d.control); err != nil {
			return nil, nil, err
		}
		if len(list) == 0 {
			return nil, nil, d.none()
		}
		if err := d.identities(list); err != nil {
			return nil, nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*cdc.Table
	for _, x := range list {
		t, err := newTable(d.server.Database, x)
		if err != nil {
			return nil, nil, err
		}
		d.know(t)
		out = append(out, t.Table)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	if d.mode != "snapshot" {
		if err := d.publish(ctx, list); err != nil {
			return nil, nil, err
		}
	}
	return out, d.defs(), nil
}

// none says that no table matches.
func (d *database) none() error {
	return &sqldb.Fault{Kind: sqldb.NoTable, Server: d.server, Err: fmt.Errorf("none matches schema-name %q and table-name %q", d.names[0], d.names[1]), Hint: "check the names, or the user can't see it"}
}

// identities says whether the log will hold what is needed of tables.
func (d *database) identities(list []def) error {
	for _, x := range list {
		if !x.full && !d.upsert && d.mode != "snapshot" {
			return fmt.Errorf("%s.%s has no REPLICA IDENTITY FULL, so its log lacks the rows before a change: ALTER TABLE %s REPLICA IDENTITY FULL, or 'changelog-mode' = 'upsert'", x.Schema, x.Name, dialect.Quote(x.Schema)+"."+dialect.Quote(x.Name))
		}
	}
	return nil
}

// know makes a table the one of its name. mu is held.
func (d *database) know(t *table) { d.tables[t.ID], d.all[t.Table] = t, t }

// Added are the matching tables that aren't known yet. They are published, and then
// every transaction that may have changed them before is waited for: what they did
// isn't in the log, but a SELECT sees it from now on.
func (d *database) Added(ctx context.Context) ([]*cdc.Table, []byte, error) {
	c, err := dialect.Open(ctx, d.server) // the old connection may be long lost
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	list, err := find(ctx, d.config, c)
	if err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	var fresh, every []def
	for _, x := range list {
		id := x.Schema + "." + x.Name
		if d.tables[id] == nil {
			if !x.full && !d.upsert && !d.waits[id] { // ALTER TABLE may be about to come: once
				d.waits[id] = true
				continue
			}
			fresh = append(fresh, x)
		}
		every = append(every, x)
	}
	d.mu.Unlock()
	if err := d.identities(fresh); err != nil || len(fresh) == 0 {
		return nil, nil, err
	}
	var out []*cdc.Table
	d.mu.Lock()
	for _, x := range fresh { // known before the log tells of them
		t, err := newTable(d.server.Database, x)
		if err != nil {
			d.mu.Unlock()
			return nil, nil, err
		}
		d.know(t)
		out = append(out, t.Table)
	}
	defs := d.defs()
	d.mu.Unlock()
	look := &database{config: d.config, control: c}
	if err := look.publish(ctx, every); err != nil {
		return nil, nil, err
	}
	id := ""
	if err := c.Query(ctx, "SELECT txid_current()", func(r []sqldb.Cell) error { id = r[0].String(); return nil }); err != nil {
		return nil, nil, err
	}
	for over := false; !over; {
		err := c.Query(ctx, "SELECT txid_snapshot_xmin(txid_current_snapshot()) > "+id, func(r []sqldb.Cell) error { over = r[0].String() == "t"; return nil })
		if err != nil {
			return nil, nil, err
		}
		if !over {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
	}
	return out, defs, nil
}

// Follows is no: a place in the log means nothing to another server.
func (d *database) Follows(context.Context, string) error {
	return errors.New("a slot's place can't be carried over")
}

// published are the publication's name, whether it's ours to make, whether it's there,
// and which of the tables it lacks, as identifiers.
func (d *database) published(ctx context.Context, list []def) (name string, ours, found bool, missing []string, err error) {
	name, ours = d.publication, d.publication == "" || d.publication == "millrace_"+d.slot
	if ours {
		name = "millrace_" + d.slot
	}
	have := map[string]bool{}
	err = d.control.Query(ctx, "SELECT 1 FROM pg_publication WHERE pubname = "+text(name), func([]sqldb.Cell) error { found = true; return nil })
	if err == nil && found {
		err = d.control.Query(ctx, "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = "+text(name), func(r []sqldb.Cell) error {
			have[r[0].String()+"."+r[1].String()] = true
			return nil
		})
	}
	for _, x := range list {
		if !have[x.Schema+"."+x.Name] {
			missing = append(missing, dialect.Quote(x.Schema)+"."+dialect.Quote(x.Name))
		}
	}
	return name, ours, found, missing, err
}

func unpublished(name, table string) error {
	return fmt.Errorf("publication %q doesn't publish %s", name, table)
}

// publish makes the publication when it's ours to make.
func (d *database) publish(ctx context.Context, list []def) error {
	name, ours, found, missing, err := d.published(ctx, list)
	if ours {
		d.publication = name
	}
	switch {
	case err != nil || len(missing) == 0:
		return err
	case !ours:
		return unpublished(name, missing[len(missing)-1])
	}
	var names []string
	for _, x := range list {
		names = append(names, dialect.Quote(x.Schema)+"."+dialect.Quote(x.Name))
	}
	if found {
		err = d.control.Exec(ctx, "ALTER PUBLICATION "+dialect.Quote(name)+" SET TABLE "+strings.Join(names, ", "))
	} else {
		err = d.control.Exec(ctx, "CREATE PUBLICATION "+dialect.Quote(name)+" FOR TABLE "+strings.Join(names, ", "))
	}
	if err != nil {
		return fmt.Errorf("publication %q can't be made: %w; or make it and name it in 'publication.name'", name, err)
	}
	return nil
}

// defs are the tables' definitions. mu is held.
func (d *database) defs() []byte {
	var list []def
	for _, t := range d.tables {
		list = append(list, t.Def)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Schema+"."+list[i].Name < list[j].Schema+"."+list[j].Name })
	b, _ := json.Marshal(list)
	return b
}

// find reads the definitions of the matching tables.
func find(ctx context.Context, c *config, conn sqldb.Conn) ([]def, error) {
	var list []def
	var oids []string
	err := conn.Query(ctx, "SELECT n.nspname, c.relname, c.oid, c.relreplident FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"+
		" WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'", func(r []sqldb.Cell) error {
		if c.schema.MatchString(r[0].String()) && c.table.MatchString(r[1].String()) {
			list = append(list, def{Schema: r[0].String(), Name: r[1].String(), full: r[3].String() == "f"})
			oids = append(oids, r[2].String())
		}
		return nil
	})
	for i := 0; err == nil && i < len(list); i++ {
		x := &list[i]
		nulls := map[string]bool{}
		err = conn.Query(ctx, "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid, NOT a.attnotnull,"+
			" (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation AND l.collname <> 'default')"+
			" FROM pg_attribute a WHERE a.attrelid = "+oids[i]+" AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum", func(r []sqldb.Cell) error {
			oid, err := strconv.ParseUint(r[2].String(), 10, 32)
			x.Cols = append(x.Cols, colDef{Name: r[0].String(), Type: r[1].String(), OID: uint32(oid), Null: r[3].String() == "t", Collation: r[4].String()})
			nulls[r[0].String()] = r[3].String() == "t"
			return err
		})
		if err != nil {
			break
		}
		keys := map[string][]string{}
		var names []string
		err = conn.Query(ctx, "SELECT i.indexrelid, a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(n, o), pg_attribute a"+
			" WHERE i.indrelid = "+oids[i]+" AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.o <= i.indnkeyatts AND a.attrelid = i.indrelid AND a.attnum = k.n"+
			" ORDER BY NOT i.indisprimary, i.indexrelid, k.o", func(r []sqldb.Cell) error {
			n := r[0].String()
			if keys[n] == nil {
				names = append(names, n)
			}
			keys[n] = append(keys[n], r[1].String())
			return nil
		})
		for _, n := range names {
			ok := true
			for _, k := range keys[n] {
				ok = ok && !nulls[k] && orderly(x, k)
			}
			if ok {
				x.Key = keys[n]
				break
			}
		}
	}
	return list, err
}

// orderly says that a key column's text stands for its value exactly.
func orderly(x *def, key string) bool {
	for _, c := range x.Cols {
		if c.Name == key {
			switch t, _ := sqldb.PostgresType(c.Type); t.Kind {
			case types.Float, types.Double, types.Array, types.Null:
				return false
			}
			return true
		}
	}
	return false
}

func newTable(db string, x def) (*table, error) {
	t := &table{Def: x, Table: &cdc.Table{ID: x.Schema + "." + x.Name, Database: db, Schema: x.Schema, Name: x.Name, GoOrder: true}}
	for _, c := range x.Cols {
		col := sqldb.Column{Name: c.Name, Declared: c.Type}
		col.Type, col.Instant = sqldb.PostgresType(c.Type)
		col.Type = col.Type.WithNull(c.Null)
		t.Cols = append(t.Cols, col)
	}
	for _, k := range x.Key {
		for i, c := range t.Cols {
			if c.Name == k {
				t.Key = append(t.Key, i)
				t.GoOrder = t.GoOrder && (c.Type.IsInteger() || c.Declared == "uuid")
			}
		}
	}
	if len(t.Key) != len(x.Key) {
		return nil, fmt.Errorf("%s: its key (%s) isn't among its columns", t.ID, strings.Join(x.Key, ", "))
	}
	for _, k := range t.Key {
		form := x.Cols[k].Type
		switch typ := t.Cols[k].Type; {
		case typ.IsInteger():
			form = "integer"
		case typ.Kind == types.VarChar:
			form = "text " + x.Cols[k].Collation
		}
		t.Order += x.Cols[k].Name + " " + form + ","
	}
	return t, nil
}

// Chunk is one SELECT in the key's order, and the log's end after it.
func (d *database) Chunk(ctx context.Context, t *cdc.Table, after string, limit int, row func([]sqldb.Cell) error) (cdc.Pos, error) {
	if d.chunks == nil {
		c, err := dialect.Open(ctx, d.server)
		if err != nil {
			return cdc.Pos{}, err
		}
		d.chunks = c
	}
	query := func(gone map[string]bool) error {
		return d.chunks.Query(ctx, t.ChunkQuery(dialect.Quote, dialect.Quote(t.Schema)+"."+dialect.Quote(t.Name), after, behind, limit, gone), row)
	}
	err := query(nil)
	if sqldb.KindOf(err) == sqldb.NoColumn { // the log hasn't told of it yet
		var gone map[string]bool
		if gone, err = d.gone(ctx, t); err == nil {
			err = query(gone)
		}
	}
	var high uint64
	if err == nil && d.mode != "snapshot" {
		high, err = d.now(ctx, d.chunks)
	}
	if err != nil {
		d.chunks.Close()
		d.chunks = nil
	}
	return cdc.Pos{Off: high}, err
}

// gone are the columns that a table no longer has, where that may be.
func (d *database) gone(ctx context.Context, t *cdc.Table) (map[string]bool, error) {
	list, err := find(ctx, d.config, d.chunks)
	if err != nil {
		return nil, err
	}
	out, first := map[string]bool{}, ""
	for _, x := range list {
		if x.Schema+"."+x.Name != t.ID {
			continue
		}
		for _, c := range t.Cols {
			if slices.ContainsFunc(x.Cols, func(n colDef) bool { return n.Name == c.Name }) {
				continue
			}
			if out[c.Name] = true; first == "" {
				first = c.Name
			}
		}
	}
	if d.change != "ignore" {
		return nil, fmt.Errorf("%s changed its structure while it was read: column %q was dropped or renamed. 'scan.schema-change' = 'ignore' reads columns that are gone as NULL", t.ID, first)
	}
	for _, k := range t.Key {
		if out[t.Cols[k].Name] {
			return nil, fmt.Errorf("%s lost column %q of its key while it was read", t.ID, t.Cols[k].Name)
		}
	}
	return out, nil
}

// behind is the condition that a row lies behind a key.
func behind(names, values []string) string {
	return "(" + strings.Join(names, ", ") + ") > (" + strings.Join(values, ", ") + ")"
}

// Greater compares keys as the server does: by the columns' collations.
func (d *database) Greater(ctx context.Context, t *cdc.Table, pairs [][2]string) ([]bool, error) {
	d.mu.Lock()
	cols := d.all[t].Def.Cols
	d.mu.Unlock()
	collation := map[string]string{}
	for _, c := range cols {
		collation[c.Name] = c.Collation
	}
	statement := cdc.GreaterQuery(pairs, func(b *strings.Builder, key string) {
		b.WriteString("ROW(")
		for i, lit := range strings.Split(key, "\x00") {
			if i > 0 {
				b.WriteByte(',')
			}
			col := &t.Cols[t.Key[i]]
			b.WriteString("CAST(" + lit + " AS " + col.Declared + ")")
			if c := collation[col.Name]; c != "" {
				b.WriteString(" COLLATE " + c)
			}
		}
		b.WriteByte(')')
	})
	out := make([]bool, len(pairs))
	err := sqldb.QueryAgain(ctx, dialect, d.server, &d.control, statement, func(r []sqldb.Cell) error {
		for i := range out {
			out[i] = r[i].String() == "t"
		}
		return nil
	})
	return out, err
}

// KeyOf appends a row's key.
func (d *database) KeyOf(b []byte, t *cdc.Table, row []sqldb.Cell) ([]byte, error) {
	for i, k := range t.Key {
		if i > 0 {
			b = append(b, 0)
		}
		switch c := row[k]; {
		case c.Kind == sqldb.Null:
			return b, fmt.Errorf("key column %q is NULL in the log", t.Cols[k].Name)
		case t.Cols[k].Type.IsExact():
			b = append(b, c.B...)
		default:
			b = append(b, text(string(c.B))...)
		}
	}
	return b, nil
}

// Confirm lets the slot go on to a mark.
func (d *database) Confirm(m cdc.Mark) { d.safe.Store(m.Off) }

// Close closes the connections.
func (d *database) Close() error {
	if d.chunks != nil {
		d.chunks.Close()
	}
	return d.control.Close()
}
