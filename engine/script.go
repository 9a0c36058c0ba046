package engine

import (
	"context"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Script is a script that does what stmt would do in this session, run by another
// process: the settings, tables and views of the current database, and stmt. name is
// its job's.
func (s *Session) Script(stmt ast.Stmt) (script, name string, err error) {
	p, _, err := s.plan(stmt, nil)
	if err != nil {
		return "", "", err
	}
	s.number(p)
	if len(s.funcs.userNames()) > 0 {
		return "", "", sqlerr.Unsupported(stmt.Span(), "millrace.detached in a session with functions of its own")
	}
	quote := func(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }
	var b strings.Builder
	for _, kv := range s.Settings() {
		if kv[0] != "pipeline.name" && kv[0] != "millrace.detached" {
			b.WriteString("SET " + quote(kv[0]) + " = " + quote(kv[1]) + ";\n")
		}
	}
	b.WriteString("SET 'pipeline.name' = " + quote(p.graph.Job) + ";\n")
	list, err := s.names.Tables(context.Background(), nil)
	if err != nil {
		return "", "", err
	}
	for _, views := range []bool{false, true} {
		for _, t := range list {
			path, def, err := s.names.Resolve(&ast.Name{Parts: []ast.Ident{{Name: t}}})
			if err != nil {
				return "", "", err
			}
			if (def.View != nil) == views {
				b.WriteString(strings.TrimSuffix(catalog.DDL(path, def, s.names.Temporary(path)), "\n") + ";\n")
			}
		}
	}
	b.WriteString(stmt.Span().Text() + ";\n")
	return b.String(), p.graph.Job, nil
}
