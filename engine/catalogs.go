package engine

import (
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/catalog/file"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// KeepTables makes the default catalog one on disk, in dir.
func (s *Session) KeepTables(dir string) error {
	c, err := file.Open(dir, s.names.Database, s.catalogConfig(s.names.Catalog).Define)
	if err != nil {
		return err
	}
	s.names.Replace(s.names.Catalog, c)
	return nil
}

// catalogConfig is what a catalog of this session is opened with. A catalog that
// keeps SQL has it read here: names in it are relative to the catalog's database.
func (s *Session) catalogConfig(name string) catalog.Config {
	return catalog.Config{Name: name, Define: func(src *sqlerr.Source, database string) (*catalog.Table, error) {
		stmts, err := parser.Parse(src)
		if err != nil {
			return nil, err
		}
		q, err := s.query()
		if err != nil {
			return nil, err
		}
		b := s.binder(q)
		b.Names = s.names.At(name, database)
		var t *catalog.Table
		for _, stmt := range stmts {
			switch x := stmt.(type) {
			case *ast.CreateTable:
				if x.Query != nil || x.Temporary {
					return nil, sqlerr.New(sqlerr.Invalid, x.Span(), "a table's file holds a CREATE TABLE without AS and TEMPORARY")
				}
				_, t, err = b.CreateTable(x)
			case *ast.CreateView:
				_, t, err = b.CreateView(x)
			case *ast.Alter:
				if t == nil {
					return nil, sqlerr.New(sqlerr.Invalid, x.Span(), "ALTER TABLE stands before CREATE TABLE")
				}
				var p catalog.Path
				if p, err = b.Names.Path(x.Name); err == nil {
					t, err = b.AlterTable(x, p, t)
				}
			default:
				err = sqlerr.New(sqlerr.Invalid, stmt.Span(), "expected CREATE TABLE or CREATE VIEW")
			}
			if err != nil {
				return nil, err
			}
		}
		if t == nil {
			return nil, sqlerr.New(sqlerr.Invalid, sqlerr.Span{Src: src}, "%s holds no CREATE TABLE or CREATE VIEW", src.Name)
		}
		return t, nil
	}}
}
