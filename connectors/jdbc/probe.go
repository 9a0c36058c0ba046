package jdbc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// A dry run has the database EXPLAIN the statements that the job will run: both kinds
// of server ask for a statement's rights before they explain it, and PostgreSQL looks
// for the key of an ON CONFLICT too.

// look connects once, compares the columns and hands on the connection with the
// columns; nil after a fault that leaves nothing to ask.
func (t *table) look(ctx context.Context, f *connectors.Findings, schema *types.Schema) (sqldb.Conn, []sqldb.Target, []sqldb.Column) {
	c, err := t.dialect.Open(ctx, t.server)
	if err != nil {
		f.Fail(t.errorf("%w", err))
		return nil, nil, nil
	}
	cols, key, err := t.columns(ctx, c)
	if err != nil {
		f.Fail(err)
		c.Close()
		return nil, nil, nil
	}
	shown := "no primary key"
	if len(key) > 0 {
		shown = "primary key (" + strings.Join(key, ", ") + ")"
	}
	f.See("%s answers; %s has %d columns, %s", t.server, t.name, len(cols), shown)
	if faults := sqldb.Mismatches(schema, cols); faults != nil {
		for _, err := range faults {
			f.Fail(t.errorf("%s has %w", t.name, err))
		}
		return c, nil, cols
	}
	targets, err := sqldb.Match(schema, cols)
	if err != nil {
		f.Fail(t.errorf("%s has %w", t.name, err))
	}
	return c, targets, cols
}

// may has statements explained. Every fault of the user's rights, or of the statement,
// is one.
func (t *table) may(ctx context.Context, c sqldb.Conn, f *connectors.Findings, what string, statements ...string) {
	for _, s := range statements {
		err := c.Query(ctx, "EXPLAIN "+s, func([]sqldb.Cell) error { return nil })
		if err != nil {
			f.Fail(t.errorf("this user can't %s %s: %w", what, t.name, err))
			return
		}
	}
	f.See("this user may %s it", what)
}

// lookToRead is look, and whether this user may read the columns.
func (t *table) lookToRead(ctx context.Context, f *connectors.Findings, schema *types.Schema) (sqldb.Conn, []sqldb.Target, []sqldb.Column) {
	c, targets, cols := t.look(ctx, f, schema)
	if targets != nil {
		t.may(ctx, c, f, "read", selectList(t.dialect, targets)+" FROM "+t.dialect.Table(t.name))
	}
	return c, targets, cols
}

// Probe looks at the table that is read.
func (s *source) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	c, targets, cols := s.lookToRead(ctx, &f, s.schema)
	if c == nil {
		return f
	}
	defer c.Close()
	if targets != nil && s.key != nil {
		why, err := s.unique(ctx, c, s.schema, s.key, cols)
		f.Fail(err)
		if why != "" {
			f.Wonder("whether the key is one: %s; reading goes on by the key after a crash", why)
		}
	}
	return f
}

// unique says why rows of the table may share the declared key, which is of a schema's
// columns; "": they can't.
func (t *table) unique(ctx context.Context, c sqldb.Conn, schema *types.Schema, key []int, cols []sqldb.Column) (string, error) {
	keys, err := t.dialect.Unique(ctx, c, t.name)
	if err != nil {
		return "", t.errorf("its keys: %w", err)
	}
	var want, have []string
	for _, k := range key {
		name := schema.Fields[k].Name
		if col := sqldb.Find(cols, name); col != nil {
			name = col.Name
		}
		want = append(want, name)
	}
	for _, k := range keys {
		if slices.Equal(slices.Sorted(slices.Values(k)), slices.Sorted(slices.Values(want))) {
			return "", nil
		}
		have = append(have, "("+strings.Join(k, ", ")+")")
	}
	there := "none"
	if have != nil {
		there = strings.Join(have, ", ")
	}
	return fmt.Sprintf("the PRIMARY KEY (%s) isn't a unique key of %s, which has %s", strings.Join(want, ", "), t.name, there), nil
}

// Probe looks at the table that is asked.
func (l *lookup) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	if c, _, _ := l.lookToRead(ctx, &f, l.schema); c != nil {
		c.Close()
	}
	return f
}

// Probe looks at the table that is written, and at that of commits.
func (s *sink) Probe(ctx context.Context, _ connectors.ProbeEnv) (f connectors.Findings) {
	c, targets, cols := s.look(ctx, &f, s.schema)
	if c == nil {
		return f
	}
	defer c.Close()
	why := ""
	if len(s.key) > 0 {
		var err error
		if why, err = s.unique(ctx, c, s.schema, s.key, cols); why != "" {
			err = s.errorf("%s: rows of one key would be kept twice, or refused; make it one, or declare another", why)
		}
		f.Fail(err)
	}
	if targets != nil {
		f.Fail(s.unwritten(targets, cols)...)
		for i, t := range targets {
			if col := sqldb.Find(cols, t.Name); col.Type.NotNull && !s.schema.Fields[i].Type.NotNull && !slices.Contains(s.key, i) {
				f.See("column %q is NOT NULL there: a row with NULL would end the job", t.Name)
			}
		}
		if why == "" {
			q := newSQL(s.dialect, s.name, targets, s.key)
			nulls := func(n int) [][]byte {
				return [][]byte{[]byte("(" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")")}
			}
			statements := []string{q.statement(false, nulls(len(targets)))}
			if len(s.key) > 0 {
				statements = append(statements, q.statement(true, nulls(len(s.key))))
			}
			s.may(ctx, c, &f, "write", statements...)
		}
	}
	if !s.exact {
		return f
	}
	at := *s.table
	at.name = commitTable
	there, _, err := s.dialect.Columns(ctx, c, s.server, commitTable)
	switch {
	case err != nil:
		f.Fail(s.errorf("exactly-once needs the table %s: %w", commitTable, err))
	case len(there) == 0:
		f.Wonder("whether this user may create the table %s, which exactly-once needs and which isn't there yet", commitTable)
	default:
		at.may(ctx, c, &f, "write", fmt.Sprintf("INSERT INTO %s (id, checkpoint, job, sink) VALUES ('', 0, '', '')", s.dialect.Quote(commitTable)),
			fmt.Sprintf("UPDATE %s SET checkpoint = 0 WHERE id = ''", s.dialect.Quote(commitTable)))
	}
	return f
}
