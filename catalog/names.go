package catalog

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Names is a session's view of all catalogs: the current catalog and database, and
// temporary objects, which hide others of their path. catalogs.go has what concerns
// catalogs and databases.
type Names struct {
	Catalog, Database string
	Config            func(name string) Config // what CREATE CATALOG opens a catalog with
	Kinds             []*Kind                  // the sorts of catalog there are
	// System answers tables that exist in every catalog, under the database sys; nil
	// for none of that name. A catalog's own come first.
	System func(name string) *Table
	// State answers the tables of catalog StateCatalog, what operators keep, if no other
	// catalog has that name; nil: there are none.
	State func(p Path) (*Table, error)

	catalogs  map[string]*entry
	temporary map[Path]*Table
	over      func(Catalog) (Catalog, error) // of Detach
}

// entry is a catalog with what CREATE CATALOG said; info is nil for the built-in
// one.
type entry struct {
	Catalog
	info     *Info
	database string // current after USE CATALOG
}

// Info is what CREATE CATALOG said of a catalog.
type Info struct {
	Type, Comment string
	Options       []Option // type included
}

// SystemDatabase is the database of the tables that System answers.
const SystemDatabase = "sys"

// StateCatalog is the catalog of the tables that State answers.
const StateCatalog = "state"

// NewNames makes names over one catalog.
func NewNames(name string, c Catalog, database string) *Names {
	return &Names{Catalog: name, Database: database, catalogs: map[string]*entry{name: {Catalog: c, database: database}}, temporary: map[Path]*Table{}}
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
	t, err := n.find(p)
	if err != nil {
		return p, nil, sqlerr.At(err, name.Span())
	}
	if t == nil {
		return p, nil, sqlerr.New(sqlerr.NotFound, name.Span(), "Object '%s' not found%s", name, n.near(p))
	}
	return p, t, nil
}

// find is the table or view of that path, nil if there is none.
func (n *Names) find(p Path) (*Table, error) {
	if t := n.temporary[p]; t != nil {
		return t, nil
	}
	c := n.catalogs[p.Catalog]
	if c == nil && p.Catalog == StateCatalog && n.State != nil {
		return n.State(p)
	}
	if c == nil {
		return nil, nil
	}
	t, err := c.Table(context.Background(), p.Database, p.Name)
	if errors.Is(err, ErrNotFound) {
		if p.Database == SystemDatabase && n.System != nil {
			return n.System(p.Name), nil
		}
		return nil, nil
	}
	return t, err
}

// Temporary says whether the path means a temporary object.
func (n *Names) Temporary(p Path) bool { return n.temporary[p] != nil }

// near is the nearest name, for messages.
func (n *Names) near(p Path) string {
	if n.catalogs[p.Catalog] == nil {
		return sqlerr.DidYouMean(p.Catalog, n.Catalogs())
	}
	all, err := n.list(context.Background(), p.Catalog, p.Database, nil)
	if err != nil {
		dbs, _ := n.catalogs[p.Catalog].Databases(context.Background())
		return sqlerr.DidYouMean(p.Database, dbs)
	}
	all = slices.DeleteFunc(all, func(x string) bool { return x == p.Name }) // there, but of another kind
	return sqlerr.DidYouMean(p.Name, all)
}

// Put stores a table or view.
func (n *Names) Put(p Path, t *Table, temporary, ifNotExists, replace bool) error {
	if temporary {
		if n.temporary[p] != nil && !replace {
			if ifNotExists {
				return nil
			}
			return sqlerr.New(sqlerr.Exists, sqlerr.Span{}, "Temporary table '%s' already exists", p)
		}
		n.temporary[p] = t
		return nil
	}
	c := n.catalogs[p.Catalog]
	if c == nil {
		return sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "Catalog %s does not exist%s", p.Catalog, sqlerr.DidYouMean(p.Catalog, n.Catalogs()))
	}
	err := c.Put(context.Background(), p.Database, p.Name, t, replace)
	switch {
	case errors.Is(err, ErrExists) && ifNotExists:
		return nil
	case errors.Is(err, ErrExists):
		return sqlerr.New(sqlerr.Exists, sqlerr.Span{}, "Could not execute CreateTable in path %s: Table (or view) %s.%s already exists in Catalog %s", p, p.Database, p.Name, p.Catalog)
	case errors.Is(err, ErrNoDatabase):
		return sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "Database %s does not exist in Catalog %s%s", p.Database, p.Catalog, n.near(Path{p.Catalog, p.Database, ""}))
	}
	return err
}

// Alterable finds the permanent table or view that ALTER TABLE or ALTER VIEW names.
func (n *Names) Alterable(stmt *ast.Alter) (Path, *Table, error) {
	p, err := n.Path(stmt.Name)
	if err != nil {
		return p, nil, err
	}
	var t *Table
	if !n.Temporary(p) {
		if t, err = n.find(p); err != nil {
			return p, nil, sqlerr.At(err, stmt.Name.Span())
		}
	}
	switch {
	case t == nil && stmt.IfExists:
		return p, nil, nil
	case t == nil:
		return p, nil, sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "%s %s doesn't exist or is a temporary %s%s", title(stmt.Kind), p, strings.ToLower(string(stmt.Kind)), n.near(p))
	case t.View != nil && stmt.Kind == ast.Table:
		return p, nil, sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "ALTER TABLE for a view is not allowed")
	case t.View == nil && stmt.Kind == ast.View:
		return p, nil, sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "ALTER VIEW for a table is not allowed")
	}
	return p, t, nil
}

func title(k ast.ObjectKind) string {
	s := string(k)
	return s[:1] + strings.ToLower(s[1:])
}

// Rename gives a permanent table or view another name in its database.
func (n *Names) Rename(p Path, t *Table, to string) error {
	c, ctx := n.catalogs[p.Catalog], context.Background()
	err := c.Put(ctx, p.Database, to, t, false)
	if errors.Is(err, ErrExists) {
		return sqlerr.New(sqlerr.Exists, sqlerr.Span{}, "Table (or view) %s.%s already exists in Catalog %s", p.Database, to, p.Catalog)
	}
	if err == nil {
		err = c.Drop(ctx, p.Database, p.Name)
	}
	return err
}

// Drop is DROP TABLE and DROP VIEW.
func (n *Names) Drop(stmt *ast.Drop) error {
	p, err := n.Path(stmt.Name)
	if err != nil {
		return err
	}
	t, hidden := n.temporary[p], false
	if !stmt.Temporary {
		hidden = t != nil
		t = nil
		if c := n.catalogs[p.Catalog]; c != nil {
			t, err = c.Table(context.Background(), p.Database, p.Name)
			if err != nil && !errors.Is(err, ErrNotFound) {
				if t = nil; !errors.Is(err, ErrNoDatabase) { // a broken definition can be dropped
					t = &Table{}
					if stmt.Kind == ast.View {
						t.View = &View{}
					}
				}
			}
		}
	}
	kind := string(stmt.Kind)
	kind = kind[:1] + strings.ToLower(kind[1:])
	switch {
	case hidden:
		return sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "Temporary %s with identifier '%s' exists. Drop it first before removing the permanent %s.", strings.ToLower(kind), p, strings.ToLower(kind)).
			WithHint("DROP TEMPORARY %s %s", stmt.Kind, stmt.Name)
	case t == nil || (t.View != nil) != (stmt.Kind == ast.View):
		if stmt.IfExists {
			return nil
		}
		if stmt.Temporary {
			kind = "Temporary table or view"
		}
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "%s with identifier '%s' does not exist%s", kind, p.Dotted(), n.near(p))
	case stmt.Temporary:
		delete(n.temporary, p)
		return nil
	}
	return n.catalogs[p.Catalog].Drop(context.Background(), p.Database, p.Name)
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
	out, err := n.list(ctx, catalog, db, keep)
	if err != nil && in != nil {
		return nil, sqlerr.At(err, in.Span())
	}
	return out, err
}

func (n *Names) list(ctx context.Context, catalog, db string, keep func(*Table) bool) ([]string, error) {
	c := n.catalogs[catalog]
	if c == nil {
		return nil, sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "Catalog %s does not exist%s", catalog, sqlerr.DidYouMean(catalog, n.Catalogs()))
	}
	all, err := c.Tables(ctx, db)
	if errors.Is(err, ErrNoDatabase) {
		dbs, _ := c.Databases(ctx)
		return nil, sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "Database '%s'.'%s' doesn't exist%s", catalog, db, sqlerr.DidYouMean(db, dbs))
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range all {
		if n.temporary[Path{catalog, db, name}] != nil {
			continue
		}
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
