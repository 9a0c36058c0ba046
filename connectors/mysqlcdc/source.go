package mysqlcdc

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// config is the options, read.
type config struct {
	path      string
	server    sqldb.Server
	database  *regexp.Regexp
	table     *regexp.Regexp
	names     [2]string // the two as they were written
	idLow     uint32
	idHigh    uint32 // 0: random
	zone      *time.Location
	mode      string
	file      string
	pos       uint64
	set       string // of GTIDs
	added     bool
	online    bool
	from      int64 // ms
	change    string
	truncate  string
	retries   int
	heartbeat time.Duration
	nullable  map[string]bool // target columns that may be NULL
}

func newSource(t connectors.Table) (connectors.Source, error) {
	o := t.Options
	bad := func(format string, args ...any) (connectors.Source, error) {
		return nil, fmt.Errorf("mysql-cdc: table %s: "+format, append([]any{t.Path}, args...)...)
	}
	c := &config{path: t.Path, names: [2]string{o.String("database-name"), o.String("table-name")},
		server: sqldb.Server{Host: o.String("hostname"), Port: int(o.Int("port")), User: o.String("username"), Password: o.String("password"), Timeout: o.Duration("connect.timeout")},
		zone:   time.UTC, mode: o.String("scan.startup.mode"), file: o.String("scan.startup.specific-offset.file"), pos: uint64(o.Int("scan.startup.specific-offset.pos")),
		set: strings.Join(strings.Fields(o.String("scan.startup.specific-offset.gtid-set")), ""), added: o.Bool("scan.newly-added-table.enabled"), online: o.Bool("scan.parse.online.schema.changes.enabled"),
		from: o.Int("scan.startup.timestamp-millis"), change: o.String("scan.schema-change"),
		truncate: o.String("scan.truncate"), retries: int(o.Int("connect.max-retries")), heartbeat: o.Duration("heartbeat.interval"), nullable: map[string]bool{}}
	var err error
	if c.database, err = regexp.Compile("^(?:" + c.names[0] + ")$"); err != nil {
		return bad("'database-name': %w", err)
	}
	if c.table, err = regexp.Compile("^(?:" + c.names[1] + ")$"); err != nil {
		return bad("'table-name': %w", err)
	}
	if t.Session != nil {
		c.zone = t.Session.Zone
	}
	if z := o.String("server-time-zone"); z != "" {
		if c.zone, err = time.LoadLocation(z); err != nil {
			return bad("'server-time-zone' is %q: %w", z, err)
		}
	}
	if id := o.String("server-id"); id != "" {
		low, high, isRange := strings.Cut(id, "-")
		if !isRange {
			high = low
		}
		a, err1 := strconv.ParseUint(strings.TrimSpace(low), 10, 32)
		b, err2 := strconv.ParseUint(strings.TrimSpace(high), 10, 32)
		if err1 != nil || err2 != nil || a == 0 || b < a {
			return bad("'server-id' is %q; write a number or a range, as 5400 or 5400-5408", id)
		}
		c.idLow, c.idHigh = uint32(a), uint32(b)
	}
	for _, name := range []string{"scan.startup.specific-offset.skip-events", "scan.startup.specific-offset.skip-rows"} {
		if o.Int(name) != 0 {
			return bad("not supported yet: '%s'", name)
		}
	}
	switch c.mode {
	case "specific-offset":
		if _, err := gomysql.ParseMysqlGTIDSet(c.set); err != nil && c.file == "" {
			if _, err := gomysql.ParseMariadbGTIDSet(c.set); err != nil {
				return bad("'scan.startup.specific-offset.gtid-set' is %q; write uuid:1-100,... (MySQL) or domain-server-number,... (MariaDB)", c.set)
			}
		}
		if c.file == "" && c.set == "" {
			return bad("'scan.startup.mode' = 'specific-offset' needs 'scan.startup.specific-offset.file' and '.pos', or '.gtid-set'")
		}
	case "timestamp":
		if !o.Has("scan.startup.timestamp-millis") {
			return bad("'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp-millis'")
		}
	}
	size := int(o.Int("scan.incremental.snapshot.chunk.size"))
	if size < 1 {
		return bad("'scan.incremental.snapshot.chunk.size' is %d, must be positive", size)
	}
	physical := &types.Schema{Fields: t.Schema.Fields[:t.Schema.Len()-len(t.Meta)]}
	if err := (&sqldb.Encoder{Dialect: sqldb.MySQL{}, Cols: targetsOf(physical)}).Check(); err != nil {
		for _, f := range physical.Fields { // SET is an array of texts
			if f.Type.Kind == types.Array && f.Type.Elem().IsString() {
				err = nil
			}
		}
		if err != nil {
			return bad("%w", err)
		}
	}
	var meta []cdc.Meta
	for _, m := range t.Meta {
		k, ok := map[string]cdc.Meta{"table_name": cdc.MetaTable, "database_name": cdc.MetaDatabase, "op_ts": cdc.MetaTime, "row_kind": cdc.MetaKind}[m.Key]
		if !ok {
			return bad("no metadata column '%s'; there are table_name, database_name, op_ts, row_kind", m.Key)
		}
		if want := m.Type.IsString(); want != (k != cdc.MetaTime) || !want && m.Type.Kind != types.TimestampLTZ {
			return bad("metadata column '%s' can't be %s; op_ts is TIMESTAMP_LTZ(3), the others are STRING", m.Key, m.Type)
		}
		meta = append(meta, k)
	}
	s := &cdc.Source{Types: t.Schema.Types()}
	only := c.mode == "snapshot"
	s.Config = cdc.Config{Name: "mysql-cdc", Table: t.Path, Chunk: size, Only: only, Append: o.Bool("scan.read-changelog-as-append-only.enabled"),
		Purged: o.String("scan.purged-log"), Meta: meta, Tries: c.retries,
		Open:     func(ctx context.Context) (cdc.Database, error) { return open(ctx, c) },
		Look:     func(ctx context.Context, f *connectors.Findings, _ bool) ([]*cdc.Table, bool) { return see(ctx, c, f) },
		Physical: physical, Key: cdc.KeyNames(t),
		Decode: func(tb *cdc.Table) (*sqldb.Decoder, []int, error) {
			return c.decoder(physical, tb)
		}}
	if c.added && !only {
		s.New = max(min(c.heartbeat, look), time.Second)
	}
	s.Sends = batch.Changes{Kinds: batch.All}
	if only || s.Append {
		s.Sends.Kinds = batch.InsertOnly
	}
	return s, nil
}

// look is how often the server is asked for new tables.
const look = 10 * time.Second

func targetsOf(s *types.Schema) []sqldb.Target {
	out := make([]sqldb.Target, s.Len())
	for i, f := range s.Fields {
		out[i] = sqldb.Target{Name: f.Name, Type: f.Type}
	}
	return out
}

// decoder finds the declared columns in a table.
func (c *config) decoder(schema *types.Schema, t *cdc.Table) (*sqldb.Decoder, []int, error) {
	cols, pick, err := t.Pick(schema, c.change == "ignore")
	return &sqldb.Decoder{Cols: cols, Zone: c.zone}, pick, err
}

// serverID is this reader's id.
func (c *config) serverID(subtask int) uint32 {
	if c.idLow > 0 {
		return c.idLow + uint32(subtask)%(c.idHigh-c.idLow+1)
	}
	var b [4]byte
	_, _ = rand.Read(b[:])
	return 5400 + binary.LittleEndian.Uint32(b[:])%1000
}
