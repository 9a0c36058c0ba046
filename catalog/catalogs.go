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

// noCatalog is the error for a catalog that isn't there.
func (n *Names) noCatalog(name string, at sqlerr.Span) error {
	return sqlerr.New(sqlerr.NotFound, at, "Catalog %s does not exist%s", name, sqlerr.DidYouMean(name, n.Catalogs()))
}

// CreateCatalog is CREATE CATALOG.
func (n *Names) CreateCatalog(stmt *ast.CreateCatalog) error {
	name := stmt.Name.Name
	if n.catalogs[name] != nil {
		if stmt.IfNotExists {
			return nil
		}
		return sqlerr.New(sqlerr.Exists, stmt.Name.Span(), "Catalog %s already exists.", name)
	}
	info := &Info{Options: options(stmt.Options)}
	if stmt.Comment != nil {
		info.Comment = stmt.Comment.Value
	}
	e, err := n.open(name, info, stmt.Name.Span())
	if err == nil {
		n.catalogs[name] = e
	}
	return err
}

// Replace puts another catalog in the place of one.
func (n *Names) Replace(name string, c Catalog) { n.catalogs[name].Catalog = c }

// Detach makes what is changed from now on stay with the session: over gives for each
// catalog one that is changed in its place.
func (n *Names) Detach(over func(Catalog) (Catalog, error)) (err error) {
	n.over = over
	for _, e := range n.catalogs {
		if e.Catalog, err = over(e.Catalog); err != nil {
			return err
		}
	}
	return nil
}

// open makes the catalog that options describe.
func (n *Names) open(name string, info *Info, at sqlerr.Span) (*entry, error) {
	c := n.Config(name)
	c.Options = map[string]string{}
	where := map[string]sqlerr.Span{}
	for _, o := range info.Options {
		c.Options[o.Key], where[o.Key] = o.Value, o.At
	}
	typ, ok := c.Options["type"]
	if !ok {
		return nil, sqlerr.New(sqlerr.Option, at, "Catalog options do not contain an option key 'type' for discovering a catalog.").WithHint("types are: %s", strings.Join(n.kinds(), ", "))
	}
	i := slices.IndexFunc(n.Kinds, func(k *Kind) bool { return k.Type == typ })
	if i < 0 {
		if slices.Contains([]string{"hive", "iceberg", "paimon"}, typ) {
			return nil, sqlerr.Unsupported(where["type"], "catalogs of type "+typ)
		}
		return nil, sqlerr.New(sqlerr.Option, where["type"], "there is no catalog type %q%s", typ, sqlerr.DidYouMean(typ, n.kinds())).WithHint("types are: %s", strings.Join(n.kinds(), ", "))
	}
	k := n.Kinds[i]
	info.Type = typ
	names := []string{"type"}
	for _, o := range k.Options {
		names = append(names, o.Name)
		if _, ok := c.Options[o.Name]; o.Required && !ok {
			return nil, sqlerr.New(sqlerr.Option, at, "a catalog of type %q needs option '%s': %s", typ, o.Name, o.Doc)
		}
	}
	for _, o := range info.Options {
		if !slices.Contains(names, o.Key) {
			return nil, sqlerr.New(sqlerr.Option, o.At, "a catalog of type %q has no option '%s'%s", typ, o.Key, sqlerr.DidYouMean(o.Key, names)).WithHint("its options are: %s", strings.Join(names, ", "))
		}
	}
	opened, err := k.Open(context.Background(), c)
	if err == nil && n.over != nil {
		opened, err = n.over(opened)
	}
	if err != nil {
		return nil, sqlerr.At(err, at)
	}
	return &entry{Catalog: opened, info: info, database: c.Option(k, "default-database")}, nil
}

func (n *Names) kinds() []string {
	var out []string
	for _, k := range n.Kinds {
		out = append(out, k.Type)
	}
	return out
}

// options are WITH options as a catalog stores them.
func options(in []ast.Option) []Option {
	var out []Option
	for _, o := range in {
		out = append(out, Option{Key: o.Key.Value, Value: o.Value.Value, At: o.Span()})
	}
	return out
}

// Merged are options with others set over them and the last value of each kept.
func Merged(old []Option, set []Option) []Option {
	out := append([]Option(nil), old...)
	for _, o := range set {
		if i := slices.IndexFunc(out, func(x Option) bool { return x.Key == o.Key }); i >= 0 {
			out[i] = o
		} else {
			out = append(out, o)
		}
	}
	return out
}

// Without are the options but those of the keys.
func Without(old []Option, keys []ast.Text) []Option {
	return slices.DeleteFunc(append([]Option(nil), old...), func(o Option) bool {
		return slices.ContainsFunc(keys, func(k ast.Text) bool { return k.Value == o.Key })
	})
}

// AlterCatalog is ALTER CATALOG.
func (n *Names) AlterCatalog(stmt *ast.Alter) error {
	name := stmt.Name.Last().Name
	e := n.catalogs[name]
	if e == nil || e.info == nil {
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "Catalog %s does not exist in the catalog store.", name)
	}
	info := *e.info
	switch a := stmt.Action.(type) {
	case *ast.SetComment:
		info.Comment = a.Comment.Value
		e.info = &info
		return nil
	case *ast.SetOptions:
		info.Options = Merged(info.Options, options(a.Options))
	case *ast.ResetOptions:
		if len(a.Keys) == 0 {
			return sqlerr.New(sqlerr.Invalid, a.Span(), "ALTER CATALOG RESET does not support empty key")
		}
		for _, k := range a.Keys {
			if k.Value == "type" {
				return sqlerr.New(sqlerr.Invalid, k.Span(), "ALTER CATALOG RESET does not support changing 'type'")
			}
		}
		info.Options = Without(info.Options, a.Keys)
	}
	changed, err := n.open(name, &info, stmt.Name.Span())
	if err == nil {
		if info.Type == "generic_in_memory" {
			changed.Catalog = e.Catalog
		}
		n.catalogs[name] = changed
	}
	return err
}

// DropCatalog is DROP CATALOG.
func (n *Names) DropCatalog(stmt *ast.Drop) error {
	name := stmt.Name.Last().Name
	switch {
	case n.catalogs[name] == nil && stmt.IfExists:
		return nil
	case n.catalogs[name] == nil:
		return n.noCatalog(name, stmt.Name.Span())
	case name == n.Catalog:
		return sqlerr.New(sqlerr.Invalid, stmt.Name.Span(), "Cannot drop a catalog which is currently in use.").WithHint("USE CATALOG another one first")
	}
	delete(n.catalogs, name)
	return nil
}

// CatalogInfo is what CREATE CATALOG said; nil for the built-in one.
func (n *Names) CatalogInfo(name *ast.Name) (*Info, error) {
	e := n.catalogs[name.Last().Name]
	if e == nil {
		return nil, n.noCatalog(name.Last().Name, name.Span())
	}
	return e.info, nil
}

// Use is USE and USE CATALOG.
func (n *Names) Use(stmt *ast.Use) error {
	parts := stmt.Name.Parts
	if stmt.Kind == ast.Catalog {
		e := n.catalogs[parts[0].Name]
		if e == nil {
			return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "A catalog with name [%s] does not exist%s", parts[0].Name, sqlerr.DidYouMean(parts[0].Name, n.Catalogs()))
		}
		n.Catalog, n.Database = parts[0].Name, e.database
		return nil
	}
	name, db := n.split(stmt.Name)
	c := n.catalogs[name]
	if c == nil {
		return n.noCatalog(name, stmt.Name.Span())
	}
	if _, err := c.Catalog.Database(context.Background(), db); err != nil {
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		all, _ := c.Databases(context.Background())
		return sqlerr.New(sqlerr.NotFound, stmt.Name.Span(), "A database with name [%s] does not exist in the catalog: [%s].%s", db, name, sqlerr.DidYouMean(db, all))
	}
	n.Catalog, n.Database = name, db
	return nil
}

// CreateDatabase is CREATE DATABASE.
func (n *Names) CreateDatabase(stmt *ast.CreateDatabase) error {
	name, db := n.split(stmt.Name)
	c := n.catalogs[name]
	if c == nil {
		return n.noCatalog(name, stmt.Name.Span())
	}
	d := &Database{Options: options(stmt.Options)}
	if stmt.Comment != nil {
		d.Comment = stmt.Comment.Value
	}
	err := c.PutDatabase(context.Background(), db, d, false)
	if errors.Is(err, ErrExists) {
		if stmt.IfNotExists {
			return nil
		}
		return sqlerr.New(sqlerr.Exists, stmt.Name.Span(), "Database %s already exists in Catalog %s.", db, name)
	}
	return err
}

// AlterDatabase is ALTER DATABASE ... SET.
func (n *Names) AlterDatabase(stmt *ast.Alter) error {
	name, db := n.split(stmt.Name)
	c, d, err := n.database(name, db, stmt.Name.Span())
	if err != nil {
		return err
	}
	set, ok := stmt.Action.(*ast.SetOptions)
	if !ok {
		return sqlerr.Unsupported(stmt.Span(), "this ALTER DATABASE")
	}
	changed := *d
	changed.Options = Merged(d.Options, options(set.Options))
	return c.PutDatabase(context.Background(), db, &changed, true)
}

// DescribeDatabase finds a database: its catalog, its name and what is known of it.
func (n *Names) DescribeDatabase(at *ast.Name) (catalog, name string, d *Database, err error) {
	catalog, name = n.split(at)
	_, d, err = n.database(catalog, name, at.Span())
	return catalog, name, d, err
}

func (n *Names) database(name, db string, at sqlerr.Span) (Catalog, *Database, error) {
	c := n.catalogs[name]
	if c == nil {
		return nil, nil, n.noCatalog(name, at)
	}
	d, err := c.Catalog.Database(context.Background(), db)
	if errors.Is(err, ErrNotFound) {
		all, _ := c.Databases(context.Background())
		err = sqlerr.New(sqlerr.NotFound, at, "Database %s does not exist in Catalog %s%s", db, name, sqlerr.DidYouMean(db, all))
	}
	return c, d, err
}

// DropDatabase is DROP DATABASE.
func (n *Names) DropDatabase(stmt *ast.Drop) error {
	name, db := n.split(stmt.Name)
	at := stmt.Name.Span()
	c := n.catalogs[name]
	if c == nil {
		if stmt.IfExists {
			return nil
		}
		return n.noCatalog(name, at)
	}
	if name == n.Catalog && db == n.Database {
		return sqlerr.New(sqlerr.Invalid, at, "Cannot drop a database which is currently in use.").WithHint("USE another one first")
	}
	err := c.DropDatabase(context.Background(), db, stmt.Cascade)
	switch {
	case errors.Is(err, ErrNotEmpty):
		return sqlerr.New(sqlerr.Invalid, at, "Database %s in catalog %s is not empty.", db, name).WithHint("CASCADE drops its tables too")
	case errors.Is(err, ErrNotFound) && stmt.IfExists:
		return nil
	case errors.Is(err, ErrNotFound):
		_, _, err = n.database(name, db, at)
	}
	return err
}

// split is the catalog and the database that a name of one or two parts means.
func (n *Names) split(name *ast.Name) (catalog, db string) {
	if len(name.Parts) == 2 {
		return name.Parts[0].Name, name.Parts[1].Name
	}
	return n.Catalog, name.Last().Name
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
	name, at := n.Catalog, sqlerr.Span{}
	if in != nil {
		name, at = in.Last().Name, in.Span()
	}
	c := n.catalogs[name]
	if c == nil {
		return nil, n.noCatalog(name, at)
	}
	return c.Databases(ctx)
}
