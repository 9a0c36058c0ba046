package postgrescdc

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/cdc"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// config is the options, read.
type config struct {
	server      sqldb.Server
	schema      *regexp.Regexp
	table       *regexp.Regexp
	names       [2]string
	slot        string
	publication string // "": ours
	zone        *time.Location
	mode        string
	upsert      bool
	change      string
	truncate    string
	retries     int
}

func newSource(t connectors.Table) (connectors.Source, error) {
	o := t.Options
	bad := func(format string, args ...any) (connectors.Source, error) {
		return nil, fmt.Errorf("postgres-cdc: table %s: "+format, append([]any{t.Path}, args...)...)
	}
	c := &config{names: [2]string{o.String("schema-name"), o.String("table-name")}, slot: o.String("slot.name"), publication: o.String("publication.name"),
		server: sqldb.Server{Host: o.String("hostname"), Port: int(o.Int("port")), Database: o.String("database-name"), User: o.String("username"), Password: o.String("password"), Timeout: o.Duration("connect.timeout")},
		zone:   time.UTC, mode: o.String("scan.startup.mode"), upsert: o.String("changelog-mode") == "upsert", change: o.String("scan.schema-change"),
		truncate: o.String("scan.truncate"), retries: int(o.Int("connect.max-retries"))}
	if p, ok := o.Set["debezium.publication.name"]; ok && c.publication == "" {
		c.publication = p
	}
	var err error
	if c.schema, err = regexp.Compile("^(?:" + c.names[0] + ")$"); err != nil {
		return bad("'schema-name': %w", err)
	}
	if c.table, err = regexp.Compile("^(?:" + c.names[1] + ")$"); err != nil {
		return bad("'table-name': %w", err)
	}
	if p := o.String("decoding.plugin.name"); p != "pgoutput" {
		return bad("not supported yet: 'decoding.plugin.name' = '%s'; pgoutput is, and needs nothing installed", p)
	}
	if o.Bool("scan.include-partitioned-tables.enabled") {
		return bad("not supported yet: 'scan.include-partitioned-tables.enabled' = 'true'")
	}
	if !regexp.MustCompile(`^[a-z0-9_]{1,63}$`).MatchString(c.slot) {
		return bad("'slot.name' is %q; a slot's name is of small letters, digits and underscores", c.slot)
	}
	if t.Session != nil {
		c.zone = t.Session.Zone
	}
	size := int(o.Int("scan.incremental.snapshot.chunk.size"))
	if size < 1 {
		return bad("'scan.incremental.snapshot.chunk.size' is %d, must be positive", size)
	}
	if c.upsert && len(t.Key) == 0 {
		return bad("'changelog-mode' = 'upsert' needs a PRIMARY KEY")
	}
	physical := &types.Schema{Fields: t.Schema.Fields[:t.Schema.Len()-len(t.Meta)]}
	var targets []sqldb.Target
	for _, f := range physical.Fields {
		targets = append(targets, sqldb.Target{Name: f.Name, Type: f.Type})
	}
	if err := (&sqldb.Encoder{Dialect: sqldb.Postgres{}, Cols: targets}).Check(); err != nil {
		return bad("%w", err)
	}
	var meta []cdc.Meta
	for _, m := range t.Meta {
		k, ok := map[string]cdc.Meta{"table_name": cdc.MetaTable, "schema_name": cdc.MetaSchema, "database_name": cdc.MetaDatabase, "op_ts": cdc.MetaTime, "row_kind": cdc.MetaKind}[m.Key]
		if !ok {
			return bad("no metadata column '%s'; there are table_name, schema_name, database_name, op_ts, row_kind", m.Key)
		}
		if want := m.Type.IsString(); want != (k != cdc.MetaTime) || !want && m.Type.Kind != types.TimestampLTZ {
			return bad("metadata column '%s' can't be %s; op_ts is TIMESTAMP_LTZ(3), the others are STRING", m.Key, m.Type)
		}
		meta = append(meta, k)
	}
	only := c.mode == "snapshot"
	s := &cdc.Source{Types: t.Schema.Types()}
	s.Config = cdc.Config{Name: "postgres-cdc", Table: t.Path, Chunk: size, Only: only, Append: o.Bool("scan.read-changelog-as-append-only.enabled"), Upsert: c.upsert,
		Purged: o.String("scan.purged-log"), Meta: meta, Tries: c.retries,
		Open: func(ctx context.Context) (cdc.Database, error) { return open(ctx, c) },
		Look: func(ctx context.Context, f *connectors.Findings, logs bool) ([]*cdc.Table, bool) {
			return see(ctx, c, f, logs)
		},
		Physical: physical, Key: cdc.KeyNames(t),
		Decode: func(tb *cdc.Table) (*sqldb.Decoder, []int, error) { return c.decoder(physical, tb) }}
	if o.Bool("scan.newly-added-table.enabled") && !only {
		s.New = look
	}
	s.Sends = batch.Changes{Kinds: batch.All}
	switch {
	case only, s.Append:
		s.Sends.Kinds = batch.InsertOnly
	case c.upsert:
		s.Sends = batch.Changes{Kinds: batch.Upsert, DeletesByKey: true}
	}
	return s, nil
}

// look is how often the server is asked for new tables.
const look = 10 * time.Second

// decoder finds the declared columns in a table.
func (c *config) decoder(schema *types.Schema, t *cdc.Table) (*sqldb.Decoder, []int, error) {
	cols, pick, err := t.Pick(schema, c.change == "ignore")
	return &sqldb.Decoder{Cols: cols, Zone: c.zone, Hex: true}, pick, err
}
