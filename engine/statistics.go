package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// counting is ANALYZE TABLE, understood: the table, and the columns to look at.
type counting struct {
	path    catalog.Path
	table   *catalog.Table
	columns []catalog.Column
}

// counted checks an ANALYZE TABLE.
func (s *Session) counted(stmt *ast.Analyze, q *types.Session) (*counting, error) {
	path, t, err := s.names.Resolve(stmt.Table)
	if err != nil {
		return nil, err
	}
	invalid := func(at sqlerr.Span, format string, args ...any) *sqlerr.Error {
		return sqlerr.New(sqlerr.Invalid, at, format, args...)
	}
	if !q.Batch {
		return nil, invalid(stmt.Span(), "ANALYZE TABLE is not supported for streaming mode now").WithHint("SET 'execution.runtime-mode' = 'batch'")
	}
	if t.View != nil {
		return nil, invalid(stmt.Table.Span(), "ANALYZE TABLE for a view is not allowed")
	}
	var given []string
	whole := true
	if stmt.Partition != nil {
		for _, p := range stmt.Partition.Items {
			given = append(given, p.Column.Name)
			whole = whole && p.Value == nil
		}
	}
	switch {
	case len(t.PartitionBy) == 0 && given != nil:
		return nil, invalid(stmt.Span(), "Invalid ANALYZE TABLE statement. Table: %s is not a partition table, while partition values are given.", path)
	case len(given) != len(t.PartitionBy) || slices.ContainsFunc(given, func(g string) bool { return !slices.Contains(t.PartitionBy, g) }):
		return nil, invalid(stmt.Span(), "Invalid ANALYZE TABLE statement. For partition table, all partition keys should be specified explicitly. The given partition keys: [%s] are not match the target partition keys: [%s].",
			strings.Join(given, ","), strings.Join(t.PartitionBy, ","))
	case !whole:
		return nil, sqlerr.Unsupported(stmt.Partition.Span(), "ANALYZE TABLE of one partition")
	}
	c := &counting{path: path, table: t}
	for _, name := range stmt.Columns {
		col := t.Column(name.Name)
		switch {
		case col == nil:
			return nil, invalid(name.Span(), "Column: %s does not exist in the table: %s.", name.Name, path)
		case col.Computed != nil:
			return nil, invalid(name.Span(), "Column: %s is a computed column, ANALYZE TABLE does not support computed column.", name.Name)
		case col.Metadata != nil:
			return nil, invalid(name.Span(), "Column: %s is a metadata column, ANALYZE TABLE does not support metadata column.", name.Name)
		}
		c.columns = append(c.columns, *col)
	}
	for _, col := range t.Columns {
		if stmt.AllColumns && col.Computed == nil && col.Metadata == nil {
			c.columns = append(c.columns, col)
		}
	}
	return c, nil
}

// analyze counts a table's rows, and of columns the different values and the NULLs,
// and keeps the numbers in its catalog.
func (s *Session) analyze(ctx context.Context, stmt *ast.Analyze) error {
	q, err := s.query()
	if err != nil {
		return err
	}
	c, err := s.counted(stmt, q)
	if err != nil {
		return err
	}
	sql := "SELECT COUNT(*)"
	for _, col := range c.columns {
		name := types.Ident(col.Name)
		if sql += ", COUNT(*) - COUNT(" + name + ")"; comparable(col.Type) {
			sql += ", COUNT(DISTINCT " + name + ")"
		}
	}
	stmts, err := s.Parse(&sqlerr.Source{Name: "ANALYZE TABLE", Text: sql + " FROM " + c.path.String()})
	if err != nil {
		return err
	}
	out := &numbers{}
	if err := s.selectRows(ctx, stmts[0].(*ast.QueryStmt), out); err != nil {
		return err
	}
	stats, at := &catalog.Statistics{Rows: out.row[0]}, 1
	for _, col := range c.columns {
		n := catalog.ColumnStatistics{Name: col.Name, Nulls: out.row[at]}
		if at++; comparable(col.Type) {
			n.Distinct = out.row[at]
			at++
		}
		stats.Columns = append(stats.Columns, n)
	}
	t := *c.table
	t.Stats = stats
	return s.put(c.path, &t, s.names.Temporary(c.path), false, true, stmt.Table.Span())
}

// comparable says that DISTINCT can be asked of a type.
func comparable(t types.Type) bool {
	switch t.Layout() {
	case types.LayoutList, types.LayoutStruct:
		return false
	}
	return t.Kind != types.Variant && t.Kind != types.Raw
}

// numbers takes a row of BIGINTs.
type numbers struct{ row []int64 }

func (n *numbers) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(b *batch.Batch) error {
		if b == nil || b.Len == 0 {
			return nil
		}
		n.row = n.row[:0]
		for c := range b.Cols {
			n.row = append(n.row, b.Cols[c].I64[b.Len-1])
		}
		return nil
	}, nil
}
func (n *numbers) Note(string)           {}
func (n *numbers) Progress(job.Progress) {}
