// Package memory is a catalog that lives as long as its session.
package memory

import (
	"context"
	"sort"

	"github.com/millrace/millrace/catalog"
)

// Catalog is databases of tables in maps.
type Catalog struct {
	databases map[string]*database
}

type database struct {
	catalog.Database
	tables map[string]*catalog.Table
}

// New makes a catalog with one empty database.
func New(name string) *Catalog {
	return &Catalog{databases: map[string]*database{name: {tables: map[string]*catalog.Table{}}}}
}

// Copy is a catalog with what another one has.
func Copy(ctx context.Context, of catalog.Catalog) (*Catalog, error) {
	c := &Catalog{databases: map[string]*database{}}
	names, err := of.Databases(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		d, err := of.Database(ctx, name)
		if err != nil {
			return nil, err
		}
		has := &database{Database: *d, tables: map[string]*catalog.Table{}}
		c.databases[name] = has
		tables, err := of.Tables(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			if has.tables[t], err = of.Table(ctx, name, t); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// Kind is CREATE CATALOG ... WITH ('type' = 'generic_in_memory').
var Kind = &catalog.Kind{Type: "generic_in_memory", Doc: "Databases and tables that live as long as the session.",
	Options: []catalog.KindOption{{Name: "default-database", Default: "default", Doc: "The database that is current after USE CATALOG."}},
	Open: func(_ context.Context, c catalog.Config) (catalog.Catalog, error) {
		db := c.Options["default-database"]
		if db == "" {
			db = "default"
		}
		return New(db), nil
	},
}

func keys[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Databases are the names, sorted.
func (c *Catalog) Databases(context.Context) ([]string, error) { return keys(c.databases), nil }

// Database finds one.
func (c *Catalog) Database(_ context.Context, db string) (*catalog.Database, error) {
	if d := c.databases[db]; d != nil {
		return &d.Database, nil
	}
	return nil, catalog.ErrNotFound
}

// PutDatabase makes a database, or changes what is known of it.
func (c *Catalog) PutDatabase(_ context.Context, db string, d *catalog.Database, replace bool) error {
	old := c.databases[db]
	switch {
	case old == nil:
		c.databases[db] = &database{Database: *d, tables: map[string]*catalog.Table{}}
	case !replace:
		return catalog.ErrExists
	default:
		old.Database = *d
	}
	return nil
}

// DropDatabase forgets a database; one with tables only with cascade.
func (c *Catalog) DropDatabase(_ context.Context, db string, cascade bool) error {
	d := c.databases[db]
	if d == nil {
		return catalog.ErrNotFound
	}
	if len(d.tables) > 0 && !cascade {
		return catalog.ErrNotEmpty
	}
	delete(c.databases, db)
	return nil
}

// Tables are the names of tables and views, sorted.
func (c *Catalog) Tables(_ context.Context, db string) ([]string, error) {
	d := c.databases[db]
	if d == nil {
		return nil, catalog.ErrNoDatabase
	}
	return keys(d.tables), nil
}

// Table finds one.
func (c *Catalog) Table(_ context.Context, db, name string) (*catalog.Table, error) {
	if d := c.databases[db]; d != nil && d.tables[name] != nil {
		return d.tables[name], nil
	}
	return nil, catalog.ErrNotFound
}

// Put stores one.
func (c *Catalog) Put(_ context.Context, db, name string, t *catalog.Table, replace bool) error {
	d := c.databases[db]
	if d == nil {
		return catalog.ErrNoDatabase
	}
	if d.tables[name] != nil && !replace {
		return catalog.ErrExists
	}
	d.tables[name] = t
	return nil
}

// Drop forgets one.
func (c *Catalog) Drop(_ context.Context, db, name string) error {
	d := c.databases[db]
	if d == nil || d.tables[name] == nil {
		return catalog.ErrNotFound
	}
	delete(d.tables, name)
	return nil
}
