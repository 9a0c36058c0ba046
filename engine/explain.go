package engine

import (
	"context"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
)

// explain answers one row: the optimized logical plan and the graph, in Flink's
// sections.
func (s *Session) explain(stmt *ast.Explain, out Output) error {
	changes := false
	for _, d := range stmt.Details {
		switch d {
		case "CHANGELOG_MODE":
			changes = true
		case "ANALYZE":
			return s.explainAnalyze(context.Background(), stmt, out)
		case "ESTIMATED_COST", "PLAN_ADVICE":
		default:
			return sqlerr.Unsupported(stmt.Span(), "EXPLAIN "+d)
		}
	}
	text, err := s.Explain(stmt.Stmt, changes)
	if err != nil {
		return err
	}
	return answer(out, []string{"result"}, [][]string{{text}})
}

// Explain is the plan of a statement as text.
func (s *Session) Explain(stmt ast.Stmt, changes bool) (string, error) {
	p, _, err := s.plan(stmt, func(*batch.Batch) error { return nil })
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("== Optimized Logical Plan ==\n")
	for _, r := range p.rewritten {
		b.WriteString(logical.Print(r))
	}
	b.WriteString("\n== Optimized Execution Plan ==\n")
	b.WriteString(p.graph.Explain(changes))
	return b.String(), nil
}

// ExplainScript executes a script's definitions and explains its last query,
// INSERT or statement set; analyze runs it, as EXPLAIN ANALYZE does.
func (s *Session) ExplainScript(ctx context.Context, src *sqlerr.Source, changes, analyze bool) (string, error) {
	stmts, err := parser.Options{Lookup: s.cfg.Lookup}.Parse(src)
	if err != nil {
		return "", err
	}
	var last ast.Stmt
	for _, stmt := range stmts {
		switch stmt.(type) {
		case *ast.QueryStmt, *ast.Insert, *ast.StatementSet:
			last = stmt
		default:
			if err := s.define(stmt, nopOutput{}); err != nil {
				return "", sqlerr.At(err, stmt.Span())
			}
		}
	}
	if last == nil {
		return "", sqlerr.New(sqlerr.Invalid, sqlerr.Span{}, "%s has no query to explain", src.Name)
	}
	if analyze {
		return s.analyzed(ctx, last)
	}
	return s.Explain(last, changes)
}
