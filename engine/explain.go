package engine

import (
	"context"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
)

// explain answers one row: the relations and the graph, in Flink's sections.
func (s *Session) explain(stmt *ast.Explain, out Output) error {
	var o physical.Details
	asJSON := false
	for i, d := range stmt.Details {
		for _, e := range stmt.Details[:i] {
			if d == e {
				return sqlerr.New(sqlerr.Invalid, stmt.Span(), "Duplicate EXPLAIN DETAIL is not allowed.")
			}
		}
		switch d {
		case "CHANGELOG_MODE":
			o.Changes = true
		case "ESTIMATED_COST":
			o.Cost = true
		case "PLAN_ADVICE":
			o.Advice = true
		case "JSON_EXECUTION_PLAN":
			asJSON = true
		case "ANALYZE":
			return s.explainAnalyze(context.Background(), stmt, out)
		default:
			return sqlerr.Unsupported(stmt.Span(), "EXPLAIN "+d)
		}
	}
	p, err := s.explained(stmt.Stmt)
	if err != nil {
		return err
	}
	text := sections(p, o)
	if asJSON {
		text += "\n== Physical Execution Plan ==\n" + p.graph.JSON() + "\n"
	}
	return answer(out, []string{"result"}, [][]string{{text}})
}

// explained plans a statement and keeps what EXPLAIN shows of the way there.
func (s *Session) explained(stmt ast.Stmt) (*planned, error) {
	s.explaining = true
	defer func() { s.explaining = false }()
	p, _, err := s.plan(stmt, func(*batch.Batch) error { return nil })
	return p, err
}

// Explain is the plan of a statement as text.
func (s *Session) Explain(stmt ast.Stmt, changes bool) (string, error) {
	p, err := s.explained(stmt)
	if err != nil {
		return "", err
	}
	return sections(p, physical.Details{Changes: changes}) + s.delivery(p), nil
}

// ExplainJSON is the graph of a script's last query as Flink's JSON.
func (s *Session) ExplainJSON(src *sqlerr.Source) (string, error) {
	last, err := s.lastQuery(src)
	if err != nil {
		return "", err
	}
	p, _, err := s.plan(last, func(*batch.Batch) error { return nil })
	if err != nil {
		return "", err
	}
	return p.graph.JSON() + "\n", nil
}

// sections are a plan's, named as Flink names them: the relations as they are written,
// then as the rewrites leave them (a section of ours), the operators with what was asked
// about them, the operators alone.
func sections(p *planned, o physical.Details) string {
	var b strings.Builder
	b.WriteString("== Abstract Syntax Tree ==\n")
	b.WriteString(p.bound)
	b.WriteString("\n== Optimized Logical Plan ==\n")
	for _, r := range p.rewritten {
		b.WriteString(logical.Print(r))
	}
	if o.Advice {
		b.WriteString("\n== Optimized Physical Plan With Advice ==\n")
	} else {
		b.WriteString("\n== Optimized Physical Plan ==\n")
	}
	b.WriteString(p.graph.Draw(o))
	b.WriteString("\n== Optimized Execution Plan ==\n")
	b.WriteString(p.graph.Draw(physical.Details{}))
	return b.String()
}

// ExplainScript executes a script's definitions and explains its last query,
// INSERT or statement set; analyze runs it, as EXPLAIN ANALYZE does.
func (s *Session) ExplainScript(ctx context.Context, src *sqlerr.Source, changes, analyze bool) (string, error) {
	last, err := s.lastQuery(src)
	if err != nil {
		return "", err
	}
	if analyze {
		return s.analyzed(ctx, last)
	}
	return s.Explain(last, changes)
}

// lastQuery executes a script's definitions and returns its last query, INSERT or
// statement set.
func (s *Session) lastQuery(src *sqlerr.Source) (ast.Stmt, error) {
	stmts, err := s.parse(src)
	if err != nil {
		return nil, err
	}
	var last ast.Stmt
	for _, stmt := range stmts {
		switch stmt.(type) {
		case *ast.QueryStmt, *ast.Insert, *ast.StatementSet:
			last = stmt
		default:
			if err := s.define(stmt, nopOutput{}); err != nil {
				return nil, sqlerr.At(err, stmt.Span())
			}
		}
	}
	if last == nil {
		return nil, sqlerr.New(sqlerr.Invalid, sqlerr.Span{}, "%s has no query to explain", src.Name)
	}
	return last, nil
}
