// Package tables writes the SQL that copies a database's tables to another database,
// to files or to Kafka, once or for ever.
//
// Open connects to the source and lists the tables that are asked for; Script is the
// statements, which are ordinary ones: a table of the source and one of the target
// for each, and one statement set. Prepare makes what is missing at a target
// database, and Counts compares afterwards. Passwords aren't in the script: it names
// ${SOURCE_PASSWORD} and ${TARGET_PASSWORD}.
package tables

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/url"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// Request is what to copy.
type Request struct {
	From   string // mysql://user:password@host:port/database, mariadb://..., postgres://...
	To     string // the same, kafka://host:port[,host:port][/prefix], or a folder
	Tables string // regular expressions of whole names, separated by commas; "" for all
	Follow bool   // go on with changes
	As     string // the format of files and messages; "" for the usual one
}

// Copy is a request with the source's tables.
type Copy struct {
	Request
	from, to database
	brokers  string
	prefix   string
	dir      string
	tables   []*table
}

type database struct {
	dialect sqldb.Dialect // nil: not a database
	server  sqldb.Server
}

// table is a source's table.
type table struct {
	name string
	cols []sqldb.Column
	key  []string
}

const timeout = 20 * time.Second

// Open reads the request and describes the tables. Errors say which part is wrong.
func Open(ctx context.Context, r Request) (*Copy, error) {
	c := &Copy{Request: r}
	var err error
	if c.from, err = parse(r.From); err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	if c.from.dialect == nil {
		return nil, fmt.Errorf("the source is %q; write mysql://user@host:3306/database, mariadb://... or postgres://...", r.From)
	}
	switch rest, isKafka := strings.CutPrefix(r.To, "kafka://"); {
	case r.To == "":
		return nil, fmt.Errorf("where to? --to mysql://user@host/database, postgres://..., kafka://host:9092 or a folder")
	case isKafka:
		c.brokers, c.prefix, _ = strings.Cut(rest, "/")
	case strings.Contains(r.To, "://"):
		if c.to, err = parse(r.To); err != nil {
			return nil, fmt.Errorf("the target: %w", err)
		}
		if c.to.server == c.from.server {
			return nil, fmt.Errorf("source and target are one database")
		}
	default:
		c.dir = r.To
	}
	if c.to.dialect != nil && r.As != "" {
		return nil, fmt.Errorf("a format is for files and Kafka, not for a database")
	}
	conn, err := c.from.dialect.Open(ctx, c.from.server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return c, c.find(ctx, conn)
}

func parse(text string) (d database, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return d, fmt.Errorf("%q isn't a URL", redacted(text))
	}
	switch u.Scheme {
	case "mysql", "mariadb", "postgresql", "postgres":
	default:
		return d, fmt.Errorf("not supported yet: %q; mysql, mariadb and postgres are", u.Scheme)
	}
	scheme := strings.Replace(u.Scheme, "postgres", "postgresql", 1)
	scheme = strings.Replace(scheme, "postgresqlql", "postgresql", 1)
	d.dialect, d.server, err = sqldb.ParseURL("jdbc:" + scheme + strings.TrimPrefix(text, u.Scheme))
	if err == nil && d.server.Database == "" {
		err = fmt.Errorf("%s names no database: write %s://user@host:port/database", redacted(text), u.Scheme)
	}
	if d.server.User == "" {
		d.server.User = map[string]string{"mysql": "root", "postgresql": "postgres"}[d.dialect.Name()]
	}
	d.server.Timeout = timeout
	return d, err
}

// redacted is a URL without its password.
func redacted(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return "it"
}

// find lists the tables that match, and describes them.
func (c *Copy) find(ctx context.Context, conn sqldb.Conn) error {
	list := "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
	if c.from.dialect.Name() != "mysql" {
		list = "SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" +
			" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
	}
	var names []string
	if err := conn.Query(ctx, list, func(r []sqldb.Cell) error { names = append(names, r[0].String()); return nil }); err != nil {
		return err
	}
	sort.Strings(names)
	var patterns []*regexp.Regexp
	if c.Tables != "" {
		for _, p := range strings.Split(c.Tables, ",") {
			re, err := regexp.Compile("^(?:" + strings.TrimSpace(p) + ")$")
			if err != nil {
				return fmt.Errorf("--tables: %w", err)
			}
			patterns = append(patterns, re)
		}
	}
	used := make([]bool, len(patterns))
	for _, n := range names {
		ok := patterns == nil
		for i, p := range patterns {
			if p.MatchString(n) {
				ok, used[i] = true, true
			}
		}
		if !ok {
			continue
		}
		t := &table{name: n}
		var err error
		if t.cols, t.key, err = c.from.dialect.Columns(ctx, conn, c.from.server, n); err != nil {
			return err
		}
		for _, col := range t.cols {
			if col.Type.Kind == types.Null {
				return fmt.Errorf("not supported yet: column %q of type %s in %s: leave the table out with --tables, or take --sql and leave the column out there", col.Name, col.Declared, n)
			}
		}
		if c.Follow && len(t.key) == 0 {
			return fmt.Errorf("table %s has no primary key, so its changes can't be followed: leave it out with --tables, or copy it without --follow", n)
		}
		c.tables = append(c.tables, t)
	}
	for i, p := range patterns {
		if !used[i] {
			return fmt.Errorf("--tables: no table of %s matches %q; there are %s", c.from.server, strings.TrimSuffix(strings.TrimPrefix(p.String(), "^(?:"), ")$"), strings.Join(names[:min(len(names), 20)], ", "))
		}
	}
	if len(c.tables) == 0 {
		return fmt.Errorf("%s has no tables", c.from.server)
	}
	return nil
}

// Vars are the variables that the script names.
func (c *Copy) Vars() map[string]string {
	out := map[string]string{"SOURCE_PASSWORD": c.from.server.Password}
	if c.to.dialect != nil {
		out["TARGET_PASSWORD"] = c.to.server.Password
	}
	return out
}

func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// plain is a name of small letters, digits and underscores.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return '_'
	}, s)
}

// Script is the SQL that copies.
func (c *Copy) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "SET 'pipeline.name' = %s;\n", text(c.job()))
	for i, t := range c.tables {
		b.WriteString("\n" + c.declared(i, "from "+t.name))
		fmt.Fprintf(&b, "CREATE TABLE %s WITH (%s) LIKE %s (EXCLUDING OPTIONS);\n", types.Ident("to "+t.name), Options(c.target(t)), types.Ident("from "+t.name))
	}
	b.WriteString("\nEXECUTE STATEMENT SET BEGIN\n")
	for _, t := range c.tables {
		fmt.Fprintf(&b, "INSERT INTO %s SELECT * FROM %s;\n", types.Ident("to "+t.name), types.Ident("from "+t.name))
	}
	b.WriteString("END;\n")
	return b.String()
}

// Sources is a CREATE TABLE for each of the source's tables, by its own name.
func (c *Copy) Sources() string {
	var b strings.Builder
	for i, t := range c.tables {
		b.WriteString(c.declared(i, t.name))
	}
	return b.String()
}

// declared is the CREATE TABLE of the source's table i.
func (c *Copy) declared(i int, name string) string {
	t := c.tables[i]
	var parts []string
	for _, col := range t.cols {
		parts = append(parts, fmt.Sprintf("  %s %s", types.Ident(col.Name), col.Type))
	}
	if len(t.key) > 0 {
		parts = append(parts, fmt.Sprintf("  PRIMARY KEY (%s) NOT ENFORCED", keys(t.key)))
	}
	return fmt.Sprintf("CREATE TABLE %s (\n%s\n) WITH (%s);\n", types.Ident(name), strings.Join(parts, ",\n"), Options(c.source(i, t)))
}

func keys(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, types.Ident(n))
	}
	return strings.Join(out, ", ")
}

// Options are names and values, in turn, as WITH has them.
func Options(kv []string) string {
	var out []string
	for i := 0; i < len(kv); i += 2 {
		out = append(out, text(kv[i])+" = "+text(kv[i+1]))
	}
	return strings.Join(out, ", ")
}

// job names the job, the same for the same tables of the same place: with a state
// directory it goes on.
func (c *Copy) job() string {
	h := fnv.New32a()
	fmt.Fprint(h, c.from.server.Host, c.from.server.Port, c.To, c.Tables, c.Follow, c.As)
	return fmt.Sprintf("copy_%s_%08x", plain(c.from.server.Database), h.Sum32())
}

func (c *Copy) source(i int, t *table) []string {
	s := c.from.server
	port := fmt.Sprint(s.Port)
	if !c.Follow {
		return []string{"connector", "jdbc", "url", "jdbc:" + c.from.dialect.Name() + "://" + s.Host + ":" + port + "/" + s.Database, "table-name", t.name, "username", s.User, "password", "${SOURCE_PASSWORD}"}
	}
	out := []string{"connector", "mysql-cdc", "hostname", s.Host, "port", port, "username", s.User, "password", "${SOURCE_PASSWORD}", "database-name", regexp.QuoteMeta(s.Database)}
	if c.from.dialect.Name() == "mysql" {
		h := fnv.New32a()
		fmt.Fprint(h, c.job())
		return append(out, "table-name", regexp.QuoteMeta(t.name), "server-id", fmt.Sprint(1_000_000+h.Sum32()%1_000_000*1000+uint32(i)), "scan.schema-change", "widen")
	}
	schema, name, ok := strings.Cut(t.name, ".")
	if !ok {
		schema, name = "public", t.name
	}
	out[1], out[11] = "postgres-cdc", s.Database
	slot := c.job() + "_" + plain(t.name)
	return append(out, "schema-name", regexp.QuoteMeta(schema), "table-name", regexp.QuoteMeta(name), "slot.name", slot[:min(len(slot), 60)], "changelog-mode", "upsert", "scan.schema-change", "widen")
}

func (c *Copy) target(t *table) []string {
	as := func(def string) string {
		if c.As != "" {
			return c.As
		}
		return def
	}
	switch {
	case c.to.dialect != nil:
		s := c.to.server
		return []string{"connector", "jdbc", "url", fmt.Sprintf("jdbc:%s://%s:%d/%s", c.to.dialect.Name(), s.Host, s.Port, s.Database), "table-name", t.name, "username", s.User, "password", "${TARGET_PASSWORD}"}
	case c.brokers != "" && (c.Follow || len(t.key) > 0):
		return []string{"connector", "upsert-kafka", "topic", c.prefix + t.name, "properties.bootstrap.servers", c.brokers, "key.format", "json", "value.format", as("json")}
	case c.brokers != "":
		return []string{"connector", "kafka", "topic", c.prefix + t.name, "properties.bootstrap.servers", c.brokers, "format", as("json")}
	case c.Follow:
		return []string{"connector", "filesystem", "path", c.dir + "/" + t.name, "format", as("changelog-json")}
	}
	return []string{"connector", "filesystem", "path", c.dir + "/" + t.name, "format", as("parquet")}
}

// Tables are the statements that make a target database's tables, where they are
// missing.
func (c *Copy) TargetTables() (out []string, err error) {
	if c.to.dialect == nil {
		return nil, nil
	}
	same := c.to.dialect.Name() == c.from.dialect.Name()
	for _, t := range c.tables {
		var parts []string
		for _, col := range t.cols {
			key := false
			for _, k := range t.key {
				key = key || k == col.Name
			}
			typ := col.Declared
			if !same {
				if typ, err = declare(c.to.dialect.Name(), col.Type, key); err != nil {
					return nil, fmt.Errorf("column %q of %s: %w", col.Name, t.name, err)
				}
			}
			if col.Type.NotNull || key {
				typ += " NOT NULL"
			} else if c.to.dialect.Name() == "mysql" {
				typ += " NULL"
			}
			parts = append(parts, c.to.dialect.Quote(col.Name)+" "+typ)
		}
		if len(t.key) > 0 {
			parts = append(parts, "PRIMARY KEY ("+sqldb.List(c.to.dialect, t.key)+")")
		}
		out = append(out, "CREATE TABLE IF NOT EXISTS "+c.to.dialect.Table(t.name)+" ("+strings.Join(parts, ", ")+")")
	}
	return out, nil
}

// declare is a type as a database declares it.
func declare(dialect string, t types.Type, key bool) (string, error) {
	my := dialect == "mysql"
	pick := func(mysql, postgres string) (string, error) {
		if my {
			return mysql, nil
		}
		return postgres, nil
	}
	precise := func(mysql, postgres string) (string, error) {
		return pick(fmt.Sprintf("%s(%d)", mysql, min(t.Length, 6)), fmt.Sprintf("%s(%d)", postgres, min(t.Length, 6)))
	}
	switch t.Kind {
	case types.Boolean:
		return pick("TINYINT(1)", "BOOLEAN")
	case types.TinyInt:
		return pick("TINYINT", "SMALLINT")
	case types.SmallInt:
		return "SMALLINT", nil
	case types.Int:
		return "INTEGER", nil
	case types.BigInt:
		return "BIGINT", nil
	case types.Float:
		return pick("FLOAT", "REAL")
	case types.Double:
		return pick("DOUBLE", "DOUBLE PRECISION")
	case types.Decimal:
		return pick(fmt.Sprintf("DECIMAL(%d,%d)", t.Length, min(t.Scale, 30)), fmt.Sprintf("NUMERIC(%d,%d)", t.Length, t.Scale))
	case types.Date:
		return "DATE", nil
	case types.Time:
		return precise("TIME", "TIME")
	case types.Timestamp:
		return precise("DATETIME", "TIMESTAMP")
	case types.TimestampLTZ:
		return precise("TIMESTAMP", "TIMESTAMPTZ")
	case types.Char, types.VarChar:
		switch {
		case !my && t.Length < types.MaxLength:
			return fmt.Sprintf("VARCHAR(%d)", max(t.Length, 1)), nil
		case !my:
			return "TEXT", nil
		case t.Length <= 1000:
			return fmt.Sprintf("VARCHAR(%d)", max(t.Length, 1)), nil
		case key:
			return "VARCHAR(255)", nil
		}
		return "LONGTEXT", nil
	case types.Binary, types.VarBinary:
		if my && key {
			return "VARBINARY(255)", nil
		}
		return pick("LONGBLOB", "BYTEA")
	}
	return "", fmt.Errorf("not supported yet: a column of %s for %s: make the table yourself", t, dialect)
}

// Prepare makes the target's tables.
func (c *Copy) Prepare(ctx context.Context) error {
	stmts, err := c.TargetTables()
	if err != nil || len(stmts) == 0 {
		return err
	}
	conn, err := c.to.dialect.Open(ctx, c.to.server)
	if err != nil {
		return err
	}
	defer conn.Close()
	made := map[string]bool{}
	for i, s := range stmts {
		if schema, _, ok := strings.Cut(c.tables[i].name, "."); ok && c.to.dialect.Name() == "postgresql" && !made[schema] {
			made[schema] = true
			if err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+c.to.dialect.Quote(schema)); err != nil {
				return err
			}
		}
		if err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%w (%s)", err, s)
		}
	}
	return nil
}

// Count is how many rows a table has, -1 where the target isn't a database.
type Count struct {
	Table          string
	Source, Target int64
}

// Counts asks both sides.
func (c *Copy) Counts(ctx context.Context) (out []Count, err error) {
	ask := func(d database) (list []int64, err error) {
		conn, err := d.dialect.Open(ctx, d.server)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		for _, t := range c.tables {
			n := int64(0)
			_, err := fmt.Sscan(one(ctx, conn, "SELECT COUNT(*) FROM "+d.dialect.Table(t.name)), &n)
			if err != nil {
				return nil, fmt.Errorf("the rows of %s in %s can't be counted", t.name, d.server)
			}
			list = append(list, n)
		}
		return list, nil
	}
	from, err := ask(c.from)
	if err != nil {
		return nil, err
	}
	var to []int64
	if c.to.dialect != nil {
		if to, err = ask(c.to); err != nil {
			return nil, err
		}
	}
	for i, t := range c.tables {
		x := Count{Table: t.name, Source: from[i], Target: -1}
		if to != nil {
			x.Target = to[i]
		}
		out = append(out, x)
	}
	return out, nil
}

func one(ctx context.Context, conn sqldb.Conn, query string) (s string) {
	_ = conn.Query(ctx, query, func(r []sqldb.Cell) error { s = r[0].String(); return nil })
	return s
}
