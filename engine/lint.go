package engine

import (
	"fmt"
	"slices"
	"sort"

	"github.com/millrace/millrace/lint"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Lint checks a script as Check does, and finds what it may do that its author
// hardly means. all adds the lints that are shown only when asked for. Statements
// that fail to plan are in the error, and aren't linted.
func (s *Session) Lint(src *sqlerr.Source, all bool) ([]lint.Finding, error) {
	stmts, err := s.Parse(src)
	if err != nil {
		return nil, err
	}
	var out []lint.Finding
	var faults sqlerr.List
	keep := func(stmt ast.Stmt, found []lint.Finding) {
		for _, f := range found {
			if !lint.Allowed(f.Code, stmt.Span()) && (all || !slices.Contains(lint.Info, f.Code)) {
				out = append(out, f)
			}
		}
	}
	for _, stmt := range stmts {
		keep(stmt, lint.Statement(stmt))
		switch stmt := stmt.(type) {
		case *ast.QueryStmt, *ast.Insert, *ast.StatementSet:
			p, _, err := s.plan(stmt, nil)
			if err != nil {
				faults = append(faults, sqlerr.All(sqlerr.At(err, stmt.Span()))...)
				continue
			}
			if !p.session.Batch {
				keep(stmt, lint.Graph(p.graph, stmt.Span()))
			}
			keep(stmt, s.columnOrder(stmt))
			continue
		}
		if _, err := s.check(stmt); err != nil {
			faults = append(faults, sqlerr.All(sqlerr.At(err, stmt.Span()))...)
		}
	}
	if all {
		for _, f := range lint.Unused(stmts) {
			keep(f.In, []lint.Finding{f.Finding})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].At.Start < out[j].At.Start })
	return out, faults.Sort().Err()
}

// columnOrder finds an INSERT whose columns have the sink's names in another order:
// they are written by position.
func (s *Session) columnOrder(stmt ast.Stmt) (out []lint.Finding) {
	inserts := []ast.Stmt{stmt}
	if set, ok := stmt.(*ast.StatementSet); ok {
		inserts = set.Stmts
	}
	for _, x := range inserts {
		ins, ok := x.(*ast.Insert)
		if !ok || ins.Columns != nil {
			continue
		}
		q, err := s.query()
		if err != nil {
			return nil
		}
		n, err := s.binder(q).Query(ins.Query)
		if err != nil {
			continue
		}
		_, t, err := s.names.Resolve(ins.Table)
		if err != nil {
			continue
		}
		var sink []string
		for _, c := range t.Columns {
			if c.Computed == nil && (c.Metadata == nil || !c.Metadata.Virtual) {
				sink = append(sink, c.Name)
			}
		}
		names := n.Schema().Names()
		a, b := slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(sink))
		if slices.Equal(a, b) && !slices.Equal(names, sink) {
			out = append(out, lint.Finding{Code: lint.ColumnOrder, Msg: fmt.Sprintf("the query's columns %v have the names of the sink's %v in another order: they are written by position", names, sink),
				Hint: "name the columns: INSERT INTO " + ins.Table.Span().Text() + " (a, b) SELECT ..., or put them in the sink's order", At: ins.Table.Span()})
		}
	}
	return out
}
