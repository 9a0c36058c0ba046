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
	only    []ast.Expr // of a partition: the values of PARTITIONED BY, nil for any; else none
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
	}
	c := &counting{path: path, table: t}
	for _, name := range t.PartitionBy {
		for _, p := range stmt.Partition.Items {
			if !whole && p.Column.Name == name {
				c.only = append(c.only, p.Value)
			}
		}
	}
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
	// the partition's values as texts, a count of rows, and of each column
	keys, where, sql := []string{}, "", "SELECT "
	given := make([]*string, len(c.only))
	for i, v := range c.only {
		col := c.table.Column(c.table.PartitionBy[i])
		keys = append(keys, types.Ident(col.Name))
		sql += "CAST(" + keys[i] + " AS STRING), "
		if v == nil {
			continue
		}
		value := "CAST(" + ast.Print(v) + " AS " + col.Type.Nullable().String() + ")"
		text, err := s.count(ctx, "SELECT CAST("+value+" AS STRING)")
		if err != nil {
			return sqlerr.At(err, v.Span())
		}
		given[i] = &text[0].keys[0]
		if where != "" {
			where += " AND "
		}
		where += keys[i] + " = " + value
	}
	sql += "COUNT(*)"
	for _, col := range c.columns {
		name := types.Ident(col.Name)
		if sql += ", COUNT(*) - COUNT(" + name + ")"; comparable(col.Type) {
			sql += ", COUNT(DISTINCT " + name + ")"
		}
	}
	if sql += " FROM " + c.path.String(); len(keys) > 0 {
		sql += " WHERE " + where + " GROUP BY " + strings.Join(keys, ", ")
	}
	rows, err := s.count(ctx, sql)
	if err != nil {
		return err
	}
	var counted []catalog.PartitionStatistics
	for _, row := range rows {
		p, at := catalog.PartitionStatistics{Values: row.keys, Rows: row.numbers[0]}, 1
		for _, col := range c.columns {
			n := catalog.ColumnStatistics{Name: col.Name, Nulls: row.numbers[at]}
			if at++; comparable(col.Type) {
				n.Distinct = row.numbers[at]
				at++
			}
			p.Columns = append(p.Columns, n)
		}
		counted = append(counted, p)
	}
	var stats *catalog.Statistics
	if len(keys) > 0 {
		stats = c.table.Stats.With(given, counted)
	} else {
		stats = &catalog.Statistics{Rows: counted[0].Rows, Columns: counted[0].Columns}
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

// count runs a query for its texts and numbers.
func (s *Session) count(ctx context.Context, sql string) ([]counts, error) {
	stmts, err := s.Parse(&sqlerr.Source{Name: "ANALYZE TABLE", Text: sql})
	if err != nil {
		return nil, err
	}
	out := &numbers{}
	err = s.selectRows(ctx, stmts[0].(*ast.QueryStmt), out)
	return out.rows, err
}

// counts is a row: its columns of text, "" for NULL, and those of numbers.
type counts struct {
	keys    []string
	numbers []int64
}

// numbers takes rows of texts and BIGINTs.
type numbers struct{ rows []counts }

func (n *numbers) Rows(schema *types.Schema, _ batch.Changes, _ bool) (func(*batch.Batch) error, error) {
	ts := schema.Types()
	return func(b *batch.Batch) error {
		for i := 0; b != nil && i < b.Len; i++ {
			var row counts
			for c, t := range ts {
				switch v := &b.Cols[c]; {
				case !t.IsString():
					row.numbers = append(row.numbers, v.I64[i])
				case v.Null(i):
					row.keys = append(row.keys, "")
				default:
					row.keys = append(row.keys, string(v.Bytes(i)))
				}
			}
			n.rows = append(n.rows, row)
		}
		return nil
	}, nil
}
func (n *numbers) Note(string)           {}
func (n *numbers) Progress(job.Progress) {}
