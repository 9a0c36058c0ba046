package mysqlcdc

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
)

// database is one server as package cdc needs it.
type database struct {
	*config
	id      string // of the server
	maria   bool
	control sqldb.Conn // of the reader's goroutine
	chunks  sqldb.Conn // of the chunks' goroutine, nil until the first

	gtids bool // the server names its transactions
	other bool // the state is of another server

	mu     sync.Mutex
	tables map[string]*table     // by ID: as the log has them now
	all    map[*cdc.Table]*table // and as they were
}

// table is a captured table with what its values need beside their SQL types.
type table struct {
	*cdc.Table
	Def  def
	info []column
}

// def is a table's definition as the state keeps it.
type def struct {
	DB   string   `json:"db"`
	Name string   `json:"name"`
	Cols []colDef `json:"cols"`
	Key  []string `json:"key,omitempty"`
	// Unique: the key isn't the primary one.
	Unique    bool   `json:"u,omitempty"`
	Collation string `json:"c,omitempty"` // of new text columns
	// Asof is where the server's log ended when the definition was read, or behind the
	// statement that made it: statements before are in it.
	Asof *cdc.Pos `json:"asof,omitempty"`
	// Since is where the log ended when the table was found, whose rows are read from
	// then on: changes before may be of another structure.
	Since *cdc.Pos `json:"since,omitempty"`
	// Start is where the log ended when the source began, where the log is read from
	// before that: statements up to there make the structure that was found then.
	Start *cdc.Pos `json:"start,omitempty"`
	// Told: rows of before that have been told.
	Told bool `json:"told,omitempty"`
}

func (x *def) asof() cdc.Pos {
	if x.Asof == nil {
		return cdc.Pos{}
	}
	return *x.Asof
}

type colDef struct {
	Name      string `json:"n"`
	Type      string `json:"t"` // as information_schema writes it
	Null      bool   `json:"null,omitempty"`
	Collation string `json:"c,omitempty"`
}

func open(ctx context.Context, c *config) (cdc.Database, error) {
	d := &database{config: c, tables: map[string]*table{}, all: map[*cdc.Table]*table{}}
	var err error
	tries := 0
	for {
		if d.control, err = (sqldb.MySQL{}).Open(ctx, c.server); err == nil || tries >= c.retries || !(sqldb.MySQL{}).Transient(err) {
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
	if err := d.check(ctx); err != nil {
		d.control.Close()
		return nil, err
	}
	return d, nil
}

// check compares the server's settings with what a change stream needs.
func (d *database) check(ctx context.Context) error {
	faults, err := d.settings(ctx)
	if err == nil && faults != nil {
		err = faults[0]
	}
	return err
}

// settings are all that the server's settings lack.
func (d *database) settings(ctx context.Context) (faults []error, err error) {
	var version, bin, format, image string
	err = d.control.Query(ctx, "SELECT @@version, @@log_bin, @@binlog_format, @@binlog_row_image, @@server_id", func(r []sqldb.Cell) error {
		version, bin, format, image, d.id = r[0].String(), r[1].String(), r[2].String(), r[3].String(), r[4].String()
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.maria = strings.Contains(strings.ToLower(version), "maria")
	if d.mode != "snapshot" {
		if bin != "1" {
			faults = append(faults, fmt.Errorf("%s writes no binary log: set log_bin", d.server))
		}
		if format != "ROW" {
			faults = append(faults, fmt.Errorf("%s has binlog_format %s: set it to ROW", d.server, format))
		}
		if image != "FULL" {
			faults = append(faults, fmt.Errorf("%s has binlog_row_image %s: set it to FULL", d.server, image))
		}
	}
	if !d.maria {
		err = d.control.Query(ctx, "SELECT @@server_uuid, @@gtid_mode", func(r []sqldb.Cell) error {
			d.id, d.gtids = r[0].String(), r[1].String() == "ON"
			return nil
		})
	}
	return faults, err
}

func (d *database) Server() string { return d.id }

// Start is where the log begins for the start mode.
func (d *database) Start(ctx context.Context) (cdc.Mark, bool, error) {
	switch d.mode {
	case "earliest-offset", "timestamp":
		first := ""
		err := d.control.Query(ctx, "SHOW BINARY LOGS", func(r []sqldb.Cell) error {
			if first == "" {
				first = r[0].String()
			}
			return nil
		})
		if err != nil {
			return cdc.Mark{}, false, fmt.Errorf("where does the log begin: %w", err)
		}
		return cdc.Mark{Pos: place(first, 4)}, false, nil
	case "specific-offset":
		if d.file == "" {
			if !d.maria && !d.gtids {
				return cdc.Mark{}, false, fmt.Errorf("'scan.startup.specific-offset.gtid-set': %s has gtid_mode off", d.server)
			}
			return cdc.Mark{Done: d.set}, false, nil // the log says where that is
		}
		return cdc.Mark{Pos: place(d.file, d.pos)}, false, nil
	}
	if d.mode == "snapshot" {
		return cdc.Mark{}, true, nil
	}
	now, err := d.Now(ctx)
	if err != nil {
		return cdc.Mark{}, false, err
	}
	m, err := d.executed(ctx, now)
	return m, d.mode == "initial", err
}

// Now is the log's end.
func (d *database) Now(ctx context.Context) (cdc.Pos, error) { return end(ctx, d.control) }

func end(ctx context.Context, c sqldb.Conn) (p cdc.Pos, err error) {
	read := func(r []sqldb.Cell) error {
		n, err := strconv.ParseUint(r[1].String(), 10, 64)
		p = place(r[0].String(), n)
		return err
	}
	err = c.Query(ctx, "SHOW MASTER STATUS", read)
	if err != nil && strings.Contains(err.Error(), "1064") { // gone since 8.4
		err = c.Query(ctx, "SHOW BINARY LOG STATUS", read)
	}
	if err != nil {
		return p, fmt.Errorf("where is the log's end: %w", err)
	}
	if p.File == "" {
		return p, fmt.Errorf("the server says no log position: is log_bin on?")
	}
	return p, nil
}

// place is a position in a log file, whose number is behind its last dot.
func place(file string, off uint64) cdc.Pos {
	p := cdc.Pos{File: file, Off: off}
	p.Seg, _ = strconv.ParseUint(file[strings.LastIndexByte(file, '.')+1:], 10, 64)
	return p
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
		if list, err = d.read(ctx, ""); err != nil {
			return nil, nil, err
		}
		if len(list) == 0 {
			return nil, nil, d.none()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*cdc.Table
	for _, x := range list {
		switch {
		case d.other: // places in another server's log
			x.Asof, x.Since, x.Start = nil, nil, nil
		case defs == nil && d.mode == "initial":
			x.Since = x.Asof
		}
		t, err := d.table(x)
		if err != nil {
			return nil, nil, err
		}
		d.know(t)
		out = append(out, t.Table)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, d.defs(), nil
}

// none says that no table matches.
func (d *database) none() error {
	return &sqldb.Fault{Kind: sqldb.NoTable, Server: d.server, Err: fmt.Errorf("none matches database-name %q and table-name %q", d.names[0], d.names[1]), Hint: "check the names, or the user can't see it"}
}

// defs are the tables' definitions. mu is held.
func (d *database) defs() []byte {
	var list []def
	for _, t := range d.tables {
		list = append(list, t.Def)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].DB+"."+list[i].Name < list[j].DB+"."+list[j].Name })
	b, _ := json.Marshal(list)
	return b
}

// know makes a table the one of its name. mu is held.
func (d *database) know(t *table) { d.tables[t.ID], d.all[t.Table] = t, t }

// Added are the matching tables that aren't known yet.
func (d *database) Added(ctx context.Context) ([]*cdc.Table, []byte, error) {
	d.mu.Lock()
	have := map[string]bool{}
	for id := range d.tables {
		have[id] = true
	}
	d.mu.Unlock()
	c, err := (sqldb.MySQL{}).Open(ctx, d.server) // the old connection may be long lost
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	look := &database{config: d.config, control: c, maria: d.maria}
	names, err := look.list(ctx)
	if err != nil {
		return nil, nil, err
	}
	var out []*cdc.Table
	for _, id := range names {
		if have[id] {
			continue
		}
		list, err := look.read(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		for _, x := range list {
			x.Since = x.Asof
			t, err := d.table(x)
			if err != nil {
				return nil, nil, err
			}
			d.mu.Lock()
			if d.tables[t.ID] == nil { // else the log has told of it meanwhile
				d.know(t)
				out = append(out, t.Table)
			}
			d.mu.Unlock()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return out, d.defs(), nil
}

// read reads definitions, and where the log ends that they are of: nothing changes
// them between two looks.
func (d *database) read(ctx context.Context, id string) ([]def, error) {
	list, err := d.find(ctx, id)
	if err != nil || d.mode == "snapshot" {
		return list, err
	}
	for range 10 {
		at, err := end(ctx, d.control)
		if err != nil {
			return nil, err
		}
		again, err := d.find(ctx, id)
		if err != nil {
			return nil, err
		}
		same := reflect.DeepEqual(list, again)
		list = again
		if same {
			for i := range list {
				list[i].Asof = &at
			}
			break
		}
	}
	return list, nil
}

// tablesQuery lists base tables with their collations.
const tablesQuery = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'" +
	" AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"

// list is the IDs of the matching tables.
func (d *database) list(ctx context.Context) (ids []string, err error) {
	err = d.control.Query(ctx, tablesQuery, func(r []sqldb.Cell) error {
		if d.captured(r[0].String(), r[1].String()) {
			ids = append(ids, r[0].String()+"."+r[1].String())
		}
		return nil
	})
	sort.Strings(ids)
	return ids, err
}

// find reads the definitions of the matching tables, of one alone when id isn't "".
func (d *database) find(ctx context.Context, id string) ([]def, error) {
	lit := (&sqldb.Encoder{Dialect: sqldb.MySQL{}}).String
	var list []def
	err := d.control.Query(ctx, tablesQuery, func(r []sqldb.Cell) error {
		x := def{DB: r[0].String(), Name: r[1].String(), Collation: r[2].String()}
		if d.captured(x.DB, x.Name) && (id == "" || id == x.DB+"."+x.Name) {
			list = append(list, x)
		}
		return nil
	})
	for i := 0; err == nil && i < len(list); i++ {
		x := &list[i]
		where := " WHERE TABLE_SCHEMA = " + lit(x.DB) + " AND TABLE_NAME = " + lit(x.Name)
		nulls := map[string]bool{}
		err = d.control.Query(ctx, "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME FROM information_schema.COLUMNS"+where+" ORDER BY ORDINAL_POSITION", func(r []sqldb.Cell) error {
			c := colDef{Name: r[0].String(), Type: r[1].String(), Null: r[2].String() == "YES", Collation: r[3].String()}
			nulls[c.Name] = c.Null
			x.Cols = append(x.Cols, c)
			return nil
		})
		if err != nil {
			break
		}
		// The primary key, else the first unique key without NULL and prefixes.
		keys := map[string][]string{}
		var names []string
		fits := map[string]bool{}
		err = d.control.Query(ctx, "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NULL FROM information_schema.STATISTICS"+where+" AND NON_UNIQUE = 0"+
			" ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX", func(r []sqldb.Cell) error {
			n, c := r[0].String(), r[1].String()
			if _, ok := fits[n]; !ok {
				fits[n] = true
				names = append(names, n)
			}
			keys[n] = append(keys[n], c)
			fits[n] = fits[n] && r[2].String() == "1" && c != "" && !nulls[c]
			return nil
		})
		for _, n := range names {
			if fits[n] && orderly(x, keys[n]) {
				x.Key, x.Unique = keys[n], n != "PRIMARY"
				break
			}
		}
	}
	return list, err
}

func (d *database) captured(db, name string) bool {
	return d.database.MatchString(db) && d.config.table.MatchString(name) && !(d.online && d.shadowOf(db, name) != "")
}

// orderly says that a key's columns compare as their literals do: not an ENUM, whose
// order is its number's, nor an inexact number.
func orderly(x *def, key []string) bool {
	for _, k := range key {
		for _, c := range x.Cols {
			if c.Name != k {
				continue
			}
			switch newColumn(c).base {
			case "enum", "set", "float", "double", "real", "bit", "json", "geometry", "point":
				return false
			}
		}
	}
	return true
}

// table makes a table of its definition.
func (d *database) table(x def) (*table, error) {
	t := &table{Def: x, Table: &cdc.Table{ID: x.DB + "." + x.Name, Database: x.DB, Name: x.Name, GoOrder: true}}
	for _, c := range x.Cols {
		col := sqldb.Column{Name: c.Name, Declared: c.Type}
		col.Type, col.Instant = sqldb.MySQLType(c.Type)
		col.Type = col.Type.WithNull(c.Null)
		t.Cols = append(t.Cols, col)
		t.info = append(t.info, newColumn(c))
	}
	for _, k := range x.Key {
		for i, c := range t.Cols {
			if c.Name == k {
				t.Key = append(t.Key, i)
				t.GoOrder = t.GoOrder && t.info[i].ordered()
			}
		}
	}
	if len(t.Key) != len(x.Key) {
		return nil, fmt.Errorf("%s: its key (%s) isn't among its columns", t.ID, strings.Join(x.Key, ", "))
	}
	for _, k := range t.Key {
		form := plain(x.Cols[k].Type)
		if typ := t.Cols[k].Type; typ.IsInteger() {
			form = "integer"
		} else if texts[t.info[k].base] || t.info[k].base == "varbinary" {
			form = t.info[k].base + " " + x.Cols[k].Collation
		}
		t.Order += x.Cols[k].Name + " " + form + ","
	}
	return t, nil
}

func (d *database) of(t *cdc.Table) *table {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[t]
}

// Chunk is one SELECT in the key's order, and the log's end after it.
func (d *database) Chunk(ctx context.Context, t *cdc.Table, after string, limit int, row func([]sqldb.Cell) error) (cdc.Pos, error) {
	if d.chunks == nil {
		c, err := (sqldb.MySQL{}).Open(ctx, d.server)
		if err != nil {
			return cdc.Pos{}, err
		}
		if err := d.same(ctx, c); err != nil {
			c.Close()
			return cdc.Pos{}, err
		}
		d.chunks = c
	}
	my := sqldb.MySQL{}
	info := d.of(t).info
	query := func(gone map[string]bool) error {
		return d.chunks.Query(ctx, t.ChunkQuery(my.Quote, my.Quote(t.Database)+"."+my.Quote(t.Name), after, sqldb.After, limit, gone), func(cells []sqldb.Cell) error {
			for i := range cells {
				info[i].queried(&cells[i])
			}
			return row(cells)
		})
	}
	err := query(nil)
	if sqldb.KindOf(err) == sqldb.NoColumn { // the log hasn't told of it yet
		var gone map[string]bool
		if gone, err = d.gone(ctx, t); err == nil {
			err = query(gone)
		}
	}
	var high cdc.Pos
	if err == nil && d.mode != "snapshot" {
		high, err = end(ctx, d.chunks)
	}
	if err != nil {
		d.chunks.Close()
		d.chunks = nil
	}
	return high, err
}

// gone are the columns that a table no longer has, where that may be.
func (d *database) gone(ctx context.Context, t *cdc.Table) (map[string]bool, error) {
	look := &database{config: d.config, control: d.chunks}
	list, err := look.find(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s was dropped or renamed while it was read", t.ID)
	}
	old := d.of(t).Def
	what, _ := difference(&old, &list[0])
	if d.change != "ignore" {
		return nil, fmt.Errorf("%s changed its structure while it was read: %s. 'scan.schema-change' = 'ignore' reads columns that are gone as NULL", t.ID, what)
	}
	out := map[string]bool{}
	for _, c := range t.Cols {
		if !slices.ContainsFunc(list[0].Cols, func(n colDef) bool { return n.Name == c.Name }) {
			out[c.Name] = true
		}
	}
	for _, k := range t.Key {
		if out[t.Cols[k].Name] {
			return nil, fmt.Errorf("%s lost column %q of its key while it was read", t.ID, t.Cols[k].Name)
		}
	}
	return out, nil
}

// Greater compares keys as the server does: by the columns' collations.
func (d *database) Greater(ctx context.Context, t *cdc.Table, pairs [][2]string) ([]bool, error) {
	info := d.of(t)
	statement := cdc.GreaterQuery(pairs, func(b *strings.Builder, key string) {
		b.WriteByte('(')
		for i, lit := range strings.Split(key, "\x00") {
			if i > 0 {
				b.WriteByte(',')
			}
			if col := &info.info[t.Key[i]]; col.collation != "" && lit[0] == '\'' {
				b.WriteString("CONVERT(" + lit + " USING " + col.charset() + ") COLLATE " + col.collation)
			} else {
				b.WriteString(lit)
			}
		}
		b.WriteByte(')')
	})
	out := make([]bool, len(pairs))
	err := sqldb.QueryAgain(ctx, sqldb.MySQL{}, d.server, &d.control, statement, func(r []sqldb.Cell) error {
		for i := range out {
			out[i] = r[i].String() == "1"
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
		var err error
		if b, err = keyLiteral(b, &t.Cols[k], row[k]); err != nil {
			return b, err
		}
	}
	return b, nil
}

// Confirm has nothing to tell a server of MySQL's kind.
func (d *database) Confirm(cdc.Mark) {}

// Close closes the connections.
func (d *database) Close() error {
	if d.chunks != nil {
		d.chunks.Close()
	}
	return d.control.Close()
}
