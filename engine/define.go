package engine

import (
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// define executes a statement that changes or shows the session: DDL, SET, USE,
// SHOW, DESCRIBE, EXPLAIN.
func (s *Session) define(stmt ast.Stmt, out Output) error {
	q, err := s.query()
	if err != nil {
		return err
	}
	switch stmt := stmt.(type) {
	case *ast.CreateTable:
		_, err := s.createTable(stmt, q)
		return err
	case *ast.CreateView:
		path, view, err := s.binder(q).CreateView(stmt)
		if err != nil {
			return err
		}
		return s.put(path, view, stmt.Temporary, stmt.IfNotExists, stmt.OrReplace, stmt.Name.Span())
	case *ast.CreateDatabase:
		return s.names.CreateDatabase(stmt)
	case *ast.CreateCatalog:
		return s.names.CreateCatalog(stmt)
	case *ast.Alter:
		return s.alter(stmt, q)
	case *ast.AlterFunction:
		return s.alterFunction(stmt)
	case *ast.LoadModule:
		return s.modules.load(stmt)
	case *ast.UnloadModule:
		return s.modules.unload(stmt)
	case *ast.UseModules:
		return s.modules.use(stmt)
	case *ast.CreateFunction:
		return s.createFunction(stmt, q)
	case *ast.Drop:
		return s.drop(stmt)
	case *ast.Use:
		return s.names.Use(stmt)
	case *ast.Set:
		return s.setOption(stmt, out)
	case *ast.Reset:
		if stmt.Key == nil {
			clear(s.set)
		} else {
			delete(s.set, stmt.Key.Value)
		}
		return nil
	case *ast.StopJob:
		return s.stopJob(stmt, out)
	case *ast.Show:
		return s.show(stmt, q, out)
	case *ast.Describe:
		return s.describe(stmt, q, out)
	case *ast.Explain:
		return s.explain(stmt, out)
	case *ast.Analyze:
		_, err := s.counted(stmt, q)
		return err
	case *ast.Truncate:
		return batchOnly(q, stmt.Span(), "TRUNCATE TABLE statement is not supported in streaming mode.", "TRUNCATE TABLE")
	case *ast.Update:
		return batchOnly(q, stmt.Span(), "UPDATE statement is not supported for streaming mode now.", "UPDATE")
	case *ast.Delete:
		return batchOnly(q, stmt.Span(), "DELETE statement is not supported for streaming mode now.", "DELETE")
	case *ast.Jar:
		out.Note("ADD JAR is ignored: every connector is built in")
		return nil
	}
	return sqlerr.Unsupported(stmt.Span(), firstWords(stmt.Span().Text()))
}

// firstWords names a statement by its first words, for messages.
func firstWords(text string) string {
	w := strings.Fields(text)
	if len(w) > 2 {
		w = w[:2]
	}
	return strings.ToUpper(strings.Join(w, " "))
}

func (s *Session) drop(stmt *ast.Drop) error {
	switch stmt.Kind {
	case ast.Table, ast.View:
		return s.names.Drop(stmt)
	case ast.Database:
		return s.names.DropDatabase(stmt)
	case ast.Catalog:
		return s.names.DropCatalog(stmt)
	case ast.Function:
		name := strings.ToUpper(stmt.Name.Last().Name)
		if !s.funcs.user(name) && !stmt.IfExists {
			return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "function %q not found", stmt.Name.Last().Name)
		}
		s.funcs.forget(name)
		return nil
	}
	return sqlerr.Unsupported(stmt.Span(), "DROP "+string(stmt.Kind))
}

func (s *Session) setOption(stmt *ast.Set, out Output) error {
	if stmt.Key == nil {
		var rows [][]string
		for _, kv := range s.Settings() {
			rows = append(rows, []string{kv[0], sqlerr.Shown(kv[0], kv[1])})
		}
		return answer(out, []string{"key", "value"}, rows)
	}
	if stmt.Key.Value == dialectKey {
		if err := checkDialect(stmt.Value.Value, stmt.Value.Span()); err != nil {
			return err
		}
	}
	if err := CheckSetting(stmt.Key.Value, stmt.Value.Value); err != nil {
		return sqlerr.New(sqlerr.Option, stmt.Value.Span(), "%v", err)
	}
	s.set[stmt.Key.Value] = stmt.Value.Value
	return nil
}
