// Package jdbc is a catalog that shows the databases of a MySQL, MariaDB or
// PostgreSQL server: each of their tables is a table of connector jdbc.
//
// It reads the server's own catalogue whenever it's asked and writes nothing: CREATE
// TABLE and the like are refused. PostgreSQL's tables are named schema.table in
// back-ticks, those of schema public by their name alone. One connection per
// database is kept. Start with Kind.
package jdbc

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// Kind is CREATE CATALOG ... WITH ('type' = 'jdbc').
var Kind = &catalog.Kind{Type: "jdbc", Doc: "The tables of a MySQL, MariaDB or PostgreSQL server, read-only.",
	Options: []catalog.KindOption{
		{Name: "base-url", Required: true, Doc: "jdbc:mysql://host:port, jdbc:mariadb://host:port or jdbc:postgresql://host:port, without a database"},
		{Name: "default-database", Required: true, Doc: "The database that is connected to first, and current after USE CATALOG"},
		{Name: "username", Required: true, Doc: "User"},
		{Name: "password", Required: true, Doc: "Password"},
		{Name: "compatible-mode", Doc: "Taken and not used"},
	},
	Open: open,
}

// Catalog is a server's tables.
type Catalog struct {
	dialect sqldb.Dialect
	server  sqldb.Server
	base    string
	options map[string]string

	mu    sync.Mutex
	conns map[string]sqldb.Conn // by database
}

const timeout = 20 * time.Second

func open(ctx context.Context, c catalog.Config) (catalog.Catalog, error) {
	base := strings.TrimSuffix(c.Options["base-url"], "/")
	d, s, err := sqldb.ParseURL(base + "/")
	if err != nil {
		return nil, fmt.Errorf("catalog %s: %w", c.Name, err)
	}
	if s.Database != "" {
		return nil, fmt.Errorf("catalog %s: 'base-url' is %q; leave the database out: it's 'default-database'", c.Name, base)
	}
	s.User, s.Password, s.Timeout = c.Options["username"], c.Options["password"], timeout
	out := &Catalog{dialect: d, server: s, base: base, options: c.Options, conns: map[string]sqldb.Conn{}}
	// As Flink does: what is wrong shows here, not at the first query.
	if _, err := out.Database(ctx, c.Options["default-database"]); err != nil {
		if errors.Is(err, catalog.ErrNotFound) {
			err = fmt.Errorf("%s has no database %q", s, c.Options["default-database"])
		}
		return nil, fmt.Errorf("catalog %s: %w", c.Name, err)
	}
	return out, nil
}

// query runs a statement in a database, on a new connection when the kept one is
// lost. mu is held.
func (c *Catalog) query(ctx context.Context, db string, run func(sqldb.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 0; ; try++ {
		conn := c.conns[db]
		if conn == nil {
			at := c.server
			at.Database = db
			var err error
			if conn, err = c.dialect.Open(ctx, at); err != nil {
				if sqldb.KindOf(err) == sqldb.NoDatabase {
					return catalog.ErrNotFound
				}
				return err
			}
			c.conns[db] = conn
		}
		err := run(conn)
		if err == nil || !c.dialect.Transient(err) || try > 0 {
			return err
		}
		conn.Close()
		delete(c.conns, db)
	}
}

func (c *Catalog) names(ctx context.Context, db, sql string) (out []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.query(ctx, db, func(conn sqldb.Conn) error {
		out = nil
		return conn.Query(ctx, sql, func(r []sqldb.Cell) error {
			out = append(out, r[0].String())
			return nil
		})
	})
	sort.Strings(out)
	return out, err
}

// Databases are the server's, without its own.
func (c *Catalog) Databases(ctx context.Context) ([]string, error) {
	db := c.options["default-database"]
	if c.dialect.Name() == "mysql" {
		return c.names(ctx, db, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')")
	}
	return c.names(ctx, db, "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate")
}

// Database says whether there is one.
func (c *Catalog) Database(ctx context.Context, db string) (*catalog.Database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.query(ctx, db, func(sqldb.Conn) error { return nil }); err != nil {
		return nil, err
	}
	return &catalog.Database{}, nil
}

// Tables are a database's tables and views.
func (c *Catalog) Tables(ctx context.Context, db string) ([]string, error) {
	list := "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
	if c.dialect.Name() != "mysql" {
		list = "SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" +
			" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
	}
	out, err := c.names(ctx, db, list)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, catalog.ErrNoDatabase
	}
	return out, err
}

// Table is a table as connector jdbc reads it. A column of a type that no SQL type
// stands for is an error that names it.
func (c *Catalog) Table(ctx context.Context, db, name string) (*catalog.Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var cols []sqldb.Column
	var key []string
	err := c.query(ctx, db, func(conn sqldb.Conn) (err error) {
		cols, key, err = c.dialect.Columns(ctx, conn, c.server, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(cols) == 0 {
		return nil, catalog.ErrNotFound
	}
	t := &catalog.Table{Key: key}
	if len(key) > 0 {
		t.KeyName = "pk_" + strings.Join(key, "_")
	}
	for _, col := range cols {
		if col.Type.Kind == types.Null {
			return nil, fmt.Errorf("not supported yet: column %q of type %s in %s", col.Name, col.Declared, name)
		}
		t.Columns = append(t.Columns, catalog.Column{Name: col.Name, Type: col.Type})
	}
	for _, o := range [][2]string{{"connector", "jdbc"}, {"url", c.base + "/" + db}, {"table-name", name}, {"username", c.options["username"]}, {"password", c.options["password"]}} {
		t.Options = append(t.Options, catalog.Option{Key: o[0], Value: o[1]})
	}
	return t, nil
}

// PutDatabase, DropDatabase, Put and Drop are refused.
func (c *Catalog) PutDatabase(context.Context, string, *catalog.Database, bool) error {
	return catalog.ErrReadOnly
}

// DropDatabase is refused.
func (c *Catalog) DropDatabase(context.Context, string, bool) error { return catalog.ErrReadOnly }

// Put is refused.
func (c *Catalog) Put(context.Context, string, string, *catalog.Table, bool) error {
	return catalog.ErrReadOnly
}

// Drop is refused.
func (c *Catalog) Drop(context.Context, string, string) error { return catalog.ErrReadOnly }
