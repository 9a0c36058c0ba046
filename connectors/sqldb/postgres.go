package sqldb

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/types"
)

// Postgres is PostgreSQL. A session's time zone is UTC, so that the text of a
// timestamptz is an instant's.
type Postgres struct{}

// Name is postgresql.
func (Postgres) Name() string { return "postgresql" }

// PostgresConfig is the driver's configuration for a server.
func PostgresConfig(s Server) (*pgconn.Config, error) {
	mode := s.TLS
	if mode == "" {
		mode = "prefer"
	}
	cfg, err := pgconn.ParseConfig("sslmode=" + mode)
	if err != nil {
		return nil, err
	}
	cfg.Host, cfg.Port, cfg.Database, cfg.User, cfg.Password = s.Host, uint16(s.Port), s.Database, s.User, s.Password
	fallbacks := cfg.Fallbacks[:0]
	for _, f := range cfg.Fallbacks {
		f.Host, f.Port = s.Host, uint16(s.Port)
		fallbacks = append(fallbacks, f)
	}
	cfg.Fallbacks = fallbacks
	cfg.ConnectTimeout = s.Timeout
	cfg.RuntimeParams = map[string]string{"timezone": "UTC", "datestyle": "ISO", "intervalstyle": "postgres", "extra_float_digits": "3",
		"client_encoding": "UTF8", "standard_conforming_strings": "on", "bytea_output": "hex", "application_name": "millrace"}
	if s.Schema != "" {
		cfg.RuntimeParams["search_path"] = s.Schema
	}
	return cfg, nil
}

// Open connects.
func (Postgres) Open(ctx context.Context, s Server) (Conn, error) {
	cfg, err := PostgresConfig(s)
	if err != nil {
		return nil, fault(s, err)
	}
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fault(s, err)
	}
	return &pgConn{server: s, c: c}, nil
}

// PostgresFault puts a driver's error in words.
func PostgresFault(s Server, err error) error { return fault(s, err) }

type pgConn struct {
	server Server
	c      *pgconn.PgConn
	cells  []Cell
}

func (p *pgConn) Query(ctx context.Context, sql string, row func([]Cell) error) error {
	res := p.c.Exec(ctx, sql)
	var stop error
	for stop == nil && res.NextResult() {
		r := res.ResultReader()
		for r.NextRow() {
			vals := r.Values()
			p.cells = p.cells[:0]
			for _, v := range vals {
				if v == nil {
					p.cells = append(p.cells, Cell{})
				} else {
					p.cells = append(p.cells, Cell{Kind: Text, B: v})
				}
			}
			if stop = row(p.cells); stop != nil {
				break
			}
		}
		if stop != nil {
			break
		}
	}
	err := res.Close()
	if stop != nil {
		return stop
	}
	return fault(p.server, err)
}

func (p *pgConn) Exec(ctx context.Context, sql string) error {
	_, err := p.c.Exec(ctx, sql).ReadAll()
	return fault(p.server, err)
}

func (p *pgConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return p.c.Close(ctx)
}

// Quote is in double quotes.
func (Postgres) Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Table is a name, or schema.name.
func (d Postgres) Table(name string) string {
	if s, t, ok := strings.Cut(name, "."); ok {
		return d.Quote(s) + "." + d.Quote(t)
	}
	return d.Quote(name)
}

// Upsert is ON CONFLICT DO UPDATE.
func (d Postgres) Upsert(cols, key []string) string {
	var b strings.Builder
	b.WriteString(" ON CONFLICT (" + List(d, key) + ") DO ")
	n := 0
	for _, c := range cols {
		if contains(key, c) {
			continue
		}
		if n++; n > 1 {
			b.WriteString(", ")
		} else {
			b.WriteString("UPDATE SET ")
		}
		q := d.Quote(c)
		b.WriteString(q + "=EXCLUDED." + q)
	}
	if n == 0 {
		b.WriteString("NOTHING")
	}
	return b.String()
}

// Transient is a lost connection or a deadlock.
func (Postgres) Transient(err error) bool { return transient(err) }

func (Postgres) text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Columns come from the catalogue.
func (d Postgres) Columns(ctx context.Context, c Conn, s Server, table string) (cols []Column, key []string, err error) {
	class := "to_regclass(" + d.text(d.Table(table)) + ")"
	err = c.Query(ctx, "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' FROM pg_attribute a"+
		" WHERE a.attrelid = "+class+" AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum", func(r []Cell) error {
		col := Column{Name: r[0].String(), Declared: r[1].String()}
		col.Type, col.Instant = PostgresType(col.Declared)
		col.Type = col.Type.WithNull(r[2].String() != "t")
		col.Default = !col.Type.NotNull || r[3].String() == "t"
		cols = append(cols, col)
		return nil
	})
	if err == nil && len(cols) > 0 {
		err = c.Query(ctx, "SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(n, o), pg_attribute a WHERE i.indrelid = "+class+
			" AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.o", func(r []Cell) error {
			key = append(key, r[0].String())
			return nil
		})
	}
	return cols, key, err
}

// Unique are the keys of whole indexes over columns, without conditions.
func (d Postgres) Unique(ctx context.Context, c Conn, table string) ([][]string, error) {
	return unique(ctx, c, "SELECT i.indexrelid, a.attname, true FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(n, o), pg_attribute a WHERE i.indrelid = to_regclass("+d.text(d.Table(table))+
		") AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.o <= i.indnkeyatts AND a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY NOT i.indisprimary, i.indexrelid, k.o")
}

// PostgresType is the SQL type that stands for a type as format_type writes it
// ("character varying(20)[]"); instant for timestamptz.
func PostgresType(declared string) (t types.Type, instant bool) {
	if elem, ok := strings.CutSuffix(declared, "[]"); ok {
		e, instant := PostgresType(elem)
		if e.Kind == types.Null {
			return e, false
		}
		return types.ArrayOf(e), instant
	}
	base, rest, args := declared, "", ""
	if i := strings.IndexByte(declared, '('); i >= 0 {
		if j := strings.IndexByte(declared, ')'); j > i {
			base, args, rest = declared[:i], declared[i+1:j], declared[j+1:]
		}
	}
	base = strings.TrimSpace(base) + rest
	p, q := -1, 0
	if a, b, ok := strings.Cut(args, ","); args != "" {
		p, _ = strconv.Atoi(strings.TrimSpace(a))
		if ok {
			q, _ = strconv.Atoi(strings.TrimSpace(b))
		}
	}
	or := func(d int) int {
		if p < 0 {
			return d
		}
		return p
	}
	switch base {
	case "boolean":
		return types.BooleanType, false
	case "smallint":
		return types.SmallIntType, false
	case "integer":
		return types.IntType, false
	case "bigint":
		return types.BigIntType, false
	case "real":
		return types.FloatType, false
	case "double precision":
		return types.DoubleType, false
	case "numeric":
		switch {
		case p < 0:
			return types.DecimalType(38, 18), false
		case p > 38 || q < 0:
			return types.StringType, false
		}
		return types.DecimalType(p, q), false
	case "date":
		return types.DateType, false
	case "time without time zone":
		return types.TimeType(or(6)), false
	case "timestamp without time zone":
		return types.TimestampType(or(6)), false
	case "timestamp with time zone":
		return types.TimestampLTZType(or(6)), true
	case "character":
		return types.CharType(or(1)), false
	case "character varying":
		if p > 0 {
			return types.VarCharType(p), false
		}
		return types.StringType, false
	case "text", "name", "uuid", "json", "jsonb", "xml", "inet", "cidr", "macaddr", "interval", "citext", "time with time zone", "\"char\"", "tsvector", "money", "point", "geometry", "hstore", "ltree":
		return types.StringType, false
	case "bytea":
		return types.BytesType, false
	case "bit", "bit varying":
		return types.StringType, false
	}
	return types.Type{}, false
}
