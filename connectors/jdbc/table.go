package jdbc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// table is a table and where it is.
type table struct {
	path    string
	dialect sqldb.Dialect
	server  sqldb.Server
	name    string // table-name
	retry   time.Duration
	zone    *time.Location
}

func newTable(t connectors.Table) (*table, error) {
	d, s, err := sqldb.ParseURL(t.Options.String("url"))
	if err != nil {
		return nil, fmt.Errorf("jdbc: table %s: %w", t.Path, err)
	}
	if t.Options.Has("username") != t.Options.Has("password") {
		return nil, fmt.Errorf("jdbc: table %s: give both username and password, or neither", t.Path)
	}
	if t.Options.Has("username") {
		s.User, s.Password = t.Options.String("username"), t.Options.String("password")
	}
	s.Timeout = 30 * time.Second
	zone := time.UTC
	if t.Session != nil {
		zone = t.Session.Zone
	}
	out := &table{path: t.Path, dialect: d, server: s, name: t.Options.String("table-name"), retry: t.Options.Duration("connection.max-retry-timeout"), zone: zone}
	if out.retry < time.Second {
		return nil, fmt.Errorf("jdbc: table %s: 'connection.max-retry-timeout' is %v, must be at least 1s", t.Path, out.retry)
	}
	return out, nil
}

func (t *table) errorf(format string, args ...any) error {
	return fmt.Errorf("jdbc: table %s: "+format, append([]any{t.path}, args...)...)
}

// open connects, trying again for a while when nothing answers.
func (t *table) open(ctx context.Context) (sqldb.Conn, error) {
	c, err := sqldb.Retry(ctx, t.retry, func() (sqldb.Conn, error) { return t.dialect.Open(ctx, t.server) })
	if err != nil {
		return nil, t.errorf("%w", err)
	}
	return c, nil
}

// targets are the columns of schema as the database has them; a column it lacks is
// an error that names it.
func (t *table) targets(ctx context.Context, c sqldb.Conn, schema *types.Schema) ([]sqldb.Target, []sqldb.Column, error) {
	cols, _, err := t.columns(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	targets, err := sqldb.Match(schema, cols)
	if err != nil {
		return nil, nil, t.errorf("%s has %w", t.name, err)
	}
	return targets, cols, nil
}

// columns are the table's, and its primary key; having none is an error.
func (t *table) columns(ctx context.Context, c sqldb.Conn) ([]sqldb.Column, []string, error) {
	cols, key, err := t.dialect.Columns(ctx, c, t.server, t.name)
	if err != nil {
		return nil, nil, t.errorf("%w", err)
	}
	if len(cols) == 0 {
		return nil, nil, t.errorf("%w", &sqldb.Fault{Kind: sqldb.NoTable, Server: t.server, Err: fmt.Errorf("%q", t.name), Hint: "check table-name, or the user can't see it"})
	}
	return cols, key, nil
}

// selectList is SELECT and the columns, or a constant where none is read.
func selectList(d sqldb.Dialect, targets []sqldb.Target) string {
	if len(targets) == 0 {
		return "SELECT 1"
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range targets {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(d.Quote(c.Name))
	}
	return b.String()
}
