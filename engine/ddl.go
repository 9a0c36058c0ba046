package engine

import (
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// createTable puts a table into its catalog. Of CREATE TABLE AS it returns the
// INSERT that fills the table.
func (s *Session) createTable(stmt *ast.CreateTable, q *types.Session) (*ast.Insert, error) {
	path, t, fill, err := s.binder(q).CreateTableAs(stmt)
	if err != nil {
		return nil, err
	}
	replace := stmt.Replace && stmt.Query != nil
	if !stmt.Create {
		if _, _, err := s.names.Resolve(stmt.Name); err != nil {
			return nil, sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "The table %s to be replaced doesn't exist. You can try to use CREATE TABLE AS statement or CREATE OR REPLACE TABLE AS statement.", path)
		}
	}
	return fill, s.put(path, t, stmt.Temporary, stmt.IfNotExists, replace, stmt.Name.Span())
}

func (s *Session) put(path catalog.Path, t *catalog.Table, temporary, ifNotExists, replace bool, at sqlerr.Span) error {
	err := s.names.Put(path, t, temporary, ifNotExists, replace)
	return sqlerr.At(err, at)
}

// alter is ALTER for all but functions.
func (s *Session) alter(stmt *ast.Alter, q *types.Session) error {
	switch stmt.Kind {
	case ast.Catalog:
		return s.names.AlterCatalog(stmt)
	case ast.Database:
		return s.names.AlterDatabase(stmt)
	case ast.Table, ast.View:
	default:
		return sqlerr.Unsupported(stmt.Span(), "ALTER "+string(stmt.Kind))
	}
	path, t, err := s.names.Alterable(stmt)
	if err != nil || t == nil {
		return err
	}
	switch a := stmt.Action.(type) {
	case *ast.RenameTo:
		return sqlerr.At(s.names.Rename(path, t, a.Name.Last().Name), a.Name.Span())
	case *ast.SetQuery:
		t, err = s.binder(q).AlterView(t, a.Query)
	default:
		if stmt.Kind == ast.View {
			return sqlerr.Unsupported(a.Span(), "this ALTER VIEW")
		}
		t, err = s.binder(q).AlterTable(stmt, path, t)
	}
	if err != nil {
		return err
	}
	return s.put(path, t, false, false, true, stmt.Name.Span())
}

// batchOnly refuses what Flink does in batch mode alone, and Millrace not yet.
func batchOnly(q *types.Session, at sqlerr.Span, msg, name string) error {
	if !q.Batch {
		return sqlerr.New(sqlerr.Invalid, at, "%s", msg).WithHint("SET 'execution.runtime-mode' = 'batch'")
	}
	return sqlerr.Unsupported(at, name)
}
