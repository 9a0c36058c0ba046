package sqldb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/types"
)

// MySQL is MySQL and MariaDB. A session's time zone is UTC, so that a TIMESTAMP's
// text is an instant's; its strict mode is on, so that nothing is cut off silently.
type MySQL struct{}

// Name is mysql.
func (MySQL) Name() string { return "mysql" }

// Open connects.
func (MySQL) Open(ctx context.Context, s Server) (Conn, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = s.User, s.Password, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), s.Database
	cfg.Timeout, cfg.MultiStatements = s.Timeout, true
	cfg.AllowNativePasswords = true
	cfg.Logger = quiet{}
	cfg.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"}
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, fault(s, err)
	}
	switch strings.ToLower(s.TLS) {
	case "require", "required":
		cfg.TLSConfig = "skip-verify"
	case "verify_ca", "verify_identity", "verify-ca", "verify-full", "true":
		cfg.TLSConfig = "true"
	case "preferred", "prefer":
		cfg.TLSConfig = "preferred"
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fault(s, err)
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, fault(s, err)
	}
	return &mysqlConn{server: s, c: c}, nil
}

// quiet swallows what the driver would write to standard error.
type quiet struct{}

func (quiet) Print(...any) {}

type mysqlConn struct {
	server Server
	c      driver.Conn
	dest   []driver.Value
	cells  []Cell
}

func (m *mysqlConn) Query(ctx context.Context, sql string, row func([]Cell) error) error {
	rows, err := m.c.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		return fault(m.server, err)
	}
	n := len(rows.Columns())
	if cap(m.dest) < n {
		m.dest, m.cells = make([]driver.Value, n), make([]Cell, n)
	}
	dest, cells := m.dest[:n], m.cells[:n]
	for {
		if err := rows.Next(dest); err != nil {
			_ = rows.Close()
			if err == io.EOF {
				return nil
			}
			return fault(m.server, err)
		}
		for i, v := range dest {
			switch v := v.(type) {
			case nil:
				cells[i] = Cell{}
			case int64:
				cells[i] = Cell{Kind: Int, I: v}
			case uint64:
				cells[i] = Cell{Kind: Uint, I: int64(v)}
			case float32:
				cells[i] = Cell{Kind: Float, F: float64(v)}
			case float64:
				cells[i] = Cell{Kind: Float, F: v}
			case []byte:
				cells[i] = Cell{Kind: Text, B: v}
			default:
				cells[i] = Cell{Kind: Text, B: fmt.Append(nil, v)}
			}
		}
		if err := row(cells); err != nil {
			_ = rows.Close()
			return err
		}
	}
}

func (m *mysqlConn) Exec(ctx context.Context, sql string) error {
	_, err := m.c.(driver.ExecerContext).ExecContext(ctx, sql, nil)
	return fault(m.server, err)
}

func (m *mysqlConn) Close() error { return m.c.Close() }

// Quote is in back-ticks.
func (MySQL) Quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Table is a name, or database.name.
func (d MySQL) Table(name string) string {
	if db, t, ok := strings.Cut(name, "."); ok {
		return d.Quote(db) + "." + d.Quote(t)
	}
	return d.Quote(name)
}

// Upsert is ON DUPLICATE KEY UPDATE.
func (d MySQL) Upsert(cols, key []string) string {
	var b strings.Builder
	b.WriteString(" ON DUPLICATE KEY UPDATE ")
	n := 0
	for _, c := range cols {
		if contains(key, c) {
			continue
		}
		if n++; n > 1 {
			b.WriteString(", ")
		}
		q := d.Quote(c)
		b.WriteString(q + "=VALUES(" + q + ")")
	}
	if n == 0 { // only the key: nothing to change
		q := d.Quote(key[0])
		b.WriteString(q + "=" + q)
	}
	return b.String()
}

// Transient is a lost connection or a deadlock.
func (MySQL) Transient(err error) bool { return transient(err) }

// Columns come from information_schema.
func (d MySQL) Columns(ctx context.Context, c Conn, s Server, table string) (cols []Column, key []string, err error) {
	db, name := "DATABASE()", table
	if a, b, ok := strings.Cut(table, "."); ok {
		db, name = d.text(a), b
	}
	err = c.Query(ctx, "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT IS NOT NULL OR EXTRA LIKE '%auto_increment%' OR EXTRA LIKE '%GENERATED%', COLUMN_KEY, CHARACTER_SET_NAME"+
		" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+db+" AND TABLE_NAME = "+d.text(name)+" ORDER BY ORDINAL_POSITION", func(r []Cell) error {
		col := Column{Name: r[0].String(), Declared: r[1].String()}
		col.Type, col.Instant = MySQLType(col.Declared)
		col.Type = col.Type.WithNull(r[2].String() == "YES")
		col.Default = !col.Type.NotNull || r[3].String() == "1"
		cols = append(cols, col)
		return nil
	})
	if err == nil && len(cols) > 0 {
		err = c.Query(ctx, "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = "+db+" AND TABLE_NAME = "+d.text(name)+
			" AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION", func(r []Cell) error {
			key = append(key, r[0].String())
			return nil
		})
	}
	return cols, key, err
}

// Unique are the keys of whole columns.
func (d MySQL) Unique(ctx context.Context, c Conn, table string) ([][]string, error) {
	db, name := "DATABASE()", table
	if a, b, ok := strings.Cut(table, "."); ok {
		db, name = d.text(a), b
	}
	return unique(ctx, c, "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NULL FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = "+db+
		" AND TABLE_NAME = "+d.text(name)+" AND NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX")
}

// unique gathers rows of index, column, and whether the column is fit for a key.
func unique(ctx context.Context, c Conn, query string) (keys [][]string, err error) {
	last, unfit := "", map[int]bool{}
	err = c.Query(ctx, query, func(r []Cell) error {
		if n := r[0].String(); n != last || keys == nil {
			last, keys = n, append(keys, nil)
		}
		at := len(keys) - 1
		keys[at] = append(keys[at], r[1].String())
		if fit := r[2].String(); fit != "1" && fit != "t" {
			unfit[at] = true
		}
		return nil
	})
	var out [][]string
	for i, k := range keys {
		if !unfit[i] {
			out = append(out, k)
		}
	}
	return out, err
}

// Text is a string literal.
func (MySQL) text(s string) string { return string(appendMySQLString(nil, []byte(s))) }

func appendMySQLString(b, s []byte) []byte {
	b = append(b, '\'')
	for _, c := range s {
		switch c {
		case '\'':
			b = append(b, '\'', '\'')
		case '\\':
			b = append(b, '\\', '\\')
		case 0:
			b = append(b, '\\', '0')
		default:
			b = append(b, c)
		}
	}
	return append(b, '\'')
}

// MySQLType is the SQL type that stands for a column type as information_schema
// writes it ("int(11) unsigned"); instant for TIMESTAMP. The zero Type: none.
func MySQLType(declared string) (t types.Type, instant bool) {
	s := strings.ToLower(declared)
	base := s
	if i := strings.IndexAny(s, " ("); i >= 0 {
		base = s[:i]
	}
	unsigned := strings.Contains(s, "unsigned") || strings.Contains(s, "zerofill")
	var p, q int
	if i := strings.IndexByte(s, '('); i >= 0 {
		_, _ = fmt.Sscanf(s[i:], "(%d,%d)", &p, &q)
	}
	pick := func(signed, uns types.Type) types.Type {
		if unsigned {
			return uns
		}
		return signed
	}
	switch base {
	case "tinyint":
		if p == 1 && !unsigned {
			return types.BooleanType, false
		}
		return pick(types.TinyIntType, types.SmallIntType), false
	case "bool", "boolean":
		return types.BooleanType, false
	case "smallint":
		return pick(types.SmallIntType, types.IntType), false
	case "mediumint", "year":
		return types.IntType, false
	case "int", "integer":
		return pick(types.IntType, types.BigIntType), false
	case "bigint", "serial":
		return pick(types.BigIntType, types.DecimalType(20, 0)), false
	case "float":
		return types.FloatType, false
	case "double", "real":
		return types.DoubleType, false
	case "decimal", "numeric", "fixed":
		if p == 0 {
			p = 10
		}
		if p > 38 {
			return types.StringType, false
		}
		return types.DecimalType(p, q), false
	case "bit":
		if p <= 1 {
			return types.BooleanType, false
		}
		return types.Type{Kind: types.Binary, Length: (p + 7) / 8}, false
	case "date":
		return types.DateType, false
	case "time":
		return types.TimeType(p), false
	case "datetime":
		return types.TimestampType(p), false
	case "timestamp":
		return types.TimestampType(p), true
	case "char":
		return types.CharType(max(p, 1)), false
	case "varchar":
		return types.VarCharType(max(p, 1)), false
	case "tinytext", "text", "mediumtext", "longtext", "enum", "json", "uuid", "inet4", "inet6", "set":
		return types.StringType, false
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return types.BytesType, false
	}
	return types.Type{}, false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// String is a cell's text.
func (c Cell) String() string {
	switch c.Kind {
	case Int:
		return strconv.FormatInt(c.I, 10)
	case Uint:
		return strconv.FormatUint(uint64(c.I), 10)
	case Float:
		return strconv.FormatFloat(c.F, 'g', -1, 64)
	case Text:
		return string(c.B)
	}
	return ""
}
