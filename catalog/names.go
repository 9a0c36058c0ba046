package catalog

import (
	"context"
	"errors"
	"sort"
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Names is a session's view of all catalogs: the current catalog and database, and
// temporary objects, which hide others of their path.
type Names struct {
	Catalog, Database string
	catalogs          map[string]Catalog
	temporary         map[Path]*Table
}

// NewNames makes names over one catalog.
func NewNames(name string, c Catalog, database string) *Names {
	return &Names{Catalog: name, Database: database, catalogs: map[string]Catalog{name: c}, temporary: map[Path]*Table{}}
}

// At is the same names with another current catalog and database: how a view's
// text is read.
func (n *Names) At(catalog, database string) *Names {
	c := *n
	c.Catalog, c.Database = catalog, database
	return &c
}

// Path completes a name with the current catalog and database.
func (n *Names) Path(name *ast.Name) (Path, error) {
	p := Path{Catalog: n.Catalog, Database: n.Database}
	switch parts := name.Parts; len(parts) {
	case 1:
		p.Name = parts[0].Name
	case 2:
		p.Database, p.Name = parts[0].Name, parts[1].Name
	case 3:
		p.Catalog, p.Database, p.Name = parts[0].Name, parts[1].Name, parts[2].Name
	default:
		return p, sqlerr.New(sqlerr.Invalid, name.Span(), "a table's name has at most three parts: catalog.database.table")
	}
	return p, nil
}

// Resolve finds a table or view.
func (n *Names) Resolve(name *ast.Name) (Path, *Table, error) {
	p, err := n.Path(name)
	if err != nil {
		return p, nil, err
	}
	if t := n.temporary[p]; t != nil {
		return p, t, nil
	}
	if c := n.catalogs[p.Catalog]; c != nil {
		t, err := c.Table(context.Background(), p.Database, p.Name)
		if err == nil {
			return p, t, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return p, nil, sqlerr.At(err, name.Span())
		}
	}
	near := ""
	if all, err := n.list(context.Background(), p.Catalog, p.Database, nil); err == nil {
		near = sqlerr.DidYouMean(p.Name, all)
	}
	return p, nil, sqlerr.New(sqlerr.NotFound, name.Span(), "Object '%s' not found%s", name, near)
}

// Put stores a table or view.
func (n *Names) Put(p Path, t *Table, temporary, ifNotExists, replace bool) error {
	if temporary {
		if n.temporary[p] != nil && !replace {
			if ifNotExists {
				return nil
			}
			return sqlerr.New(sqlerr.Exists, sqlerr.Span{}, "Temporary table %s already exists", p.Dotted())
		}
		n.temporary[p] = t
		return nil
	}
	c := n.catalogs[p.Catalog]
	if c == nil {
		return sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "catalog %q not found", p.Catalog)
	}
	err := c.Put(context.Background(), p.Database, p.Name, t, replace)
	switch {
	case errors.Is(err, ErrExists) && ifNotExists:
		return nil
	case errors.Is(err, ErrExists):
		return sqlerr.New(sqlerr.Exists, sqlerr.Span{}, "Could not execute CreateTable in path %s: it already exists", p)
	case errors.Is(err, ErrNotFound):
		return sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "database %q not found", p.Database)
	}
	return err
}

// Drop is DROP TABLE and DROP VIEW.
func (n *Names) Drop(stmt *ast.Drop) error {
	p, err := n.Path(stmt.Name)
	if err != nil {
		return err
	}
	_, t, err := n.Resolve(stmt.Name)
	if err != nil {
		if stmt.IfExists {
			return nil
		}
		return err
	}
	if (t.View != nil) != (stmt.Kind == ast.View) {
		return sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "%s is not a %s", p.Dotted(), strings.ToLower(string(stmt.Kind)))
	}
	if n.temporary[p] != nil {
		delete(n.temporary, p)
		return nil
	}
	return n.catalogs[p.Catalog].Drop(context.Background(), p.Database, p.Name)
}

// Use is USE and USE CATALOG.
func (n *Names) Use(stmt *ast.Use) error {
	parts := stmt.Name.Parts
	if stmt.Kind == ast.Catalog {
		if n.catalogs[parts[0].Name] == nil {
			return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "catalog %q not found%s", parts[0].Name, sqlerr.DidYouMean(parts[0].Name, n.Catalogs()))
		}
		n.Catalog, n.Database = parts[0].Name, "default_database"
		return nil
	}
	catalog, db := n.Catalog, parts[len(parts)-1].Name
	if len(parts) == 2 {
		catalog = parts[0].Name
	}
	c := n.catalogs[catalog]
	if c == nil {
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "catalog %q not found", catalog)
	}
	all, err := c.Databases(context.Background())
	if err != nil {
		return err
	}
	for _, x := range all {
		if x == db {
			n.Catalog, n.Database = catalog, db
			return nil
		}
	}
	return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "database %q not found%s", db, sqlerr.DidYouMean(db, all))
}

// CreateDatabase is CREATE DATABASE.
func (n *Names) CreateDatabase(stmt *ast.CreateDatabase) error {
	c, db := n.split(stmt.Name)
	if c == nil {
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "catalog of %s not found", stmt.Name)
	}
	err := c.CreateDatabase(context.Background(), db, &Database{}, stmt.IfNotExists)
	if errors.Is(err, ErrExists) {
		return sqlerr.New(sqlerr.Exists, stmt.Name.Span(), "database %q already exists", db)
	}
	return err
}

// DropDatabase is DROP DATABASE.
func (n *Names) DropDatabase(stmt *ast.Drop) error {
	c, db := n.split(stmt.Name)
	err := ErrNotFound
	if c != nil {
		err = c.DropDatabase(context.Background(), db, stmt.Cascade)
	}
	if errors.Is(err, ErrNotFound) {
		if stmt.IfExists {
			return nil
		}
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "database %q not found", db)
	}
	return err
}

func (n *Names) split(name *ast.Name) (Catalog, string) {
	if len(name.Parts) == 2 {
		return n.catalogs[name.Parts[0].Name], name.Parts[1].Name
	}
	return n.catalogs[n.Catalog], name.Last().Name
}

// Catalogs are the catalogs' names, sorted.
func (n *Names) Catalogs() []string {
	var out []string
	for c := range n.catalogs {
		out = append(out, c)
	}
	sort.Strings(out)
	return out
}

// Databases lists the databases of a catalog, nil for the current one.
func (n *Names) Databases(ctx context.Context, in *ast.Name) ([]string, error) {
	c := n.catalogs[n.Catalog]
	if in != nil {
		c = n.catalogs[in.Last().Name]
	}
	if c == nil {
		return nil, sqlerr.New(sqlerr.NotFound, in.Span(), "catalog %q not found", in)
	}
	return c.Databases(ctx)
}

// Tables lists tables and views of a database, nil for the current one.
func (n *Names) Tables(ctx context.Context, in *ast.Name) ([]string, error) {
	return n.in(ctx, in, nil)
}

// Views lists the views alone.
func (n *Names) Views(ctx context.Context, in *ast.Name) ([]string, error) {
	return n.in(ctx, in, func(t *Table) bool { return t.View != nil })
}

func (n *Names) in(ctx context.Context, in *ast.Name, keep func(*Table) bool) ([]string, error) {
	catalog, db := n.Catalog, n.Database
	if in != nil {
		db = in.Last().Name
		if len(in.Parts) == 2 {
			catalog = in.Parts[0].Name
		}
	}
	return n.list(ctx, catalog, db, keep)
}

func (n *Names) list(ctx context.Context, catalog, db string, keep func(*Table) bool) ([]string, error) {
	c := n.catalogs[catalog]
	if c == nil {
		return nil, sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "catalog %q not found", catalog)
	}
	all, err := c.Tables(ctx, db)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range all {
		if keep == nil {
			out = append(out, name)
		} else if t, err := c.Table(ctx, db, name); err == nil && keep(t) {
			out = append(out, name)
		}
	}
	for p, t := range n.temporary {
		if p.Catalog == catalog && p.Database == db && (keep == nil || keep(t)) {
			out = append(out, p.Name)
		}
	}
	sort.Strings(out)
	return out, nil
}
