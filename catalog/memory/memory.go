// Package memory is a catalog that lives as long as its session.
package memory

import (
	"context"
	"fmt"
	"sort"

	"github.com/millrace/millrace/catalog"
)

// Catalog is databases of tables in maps.
type Catalog struct {
	databases map[string]map[string]*catalog.Table
}

// New makes a catalog with one empty database.
func New(database string) *Catalog {
	return &Catalog{databases: map[string]map[string]*catalog.Table{database: {}}}
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

// CreateDatabase makes an empty database.
func (c *Catalog) CreateDatabase(_ context.Context, db string, _ *catalog.Database, ifNotExists bool) error {
	if _, ok := c.databases[db]; ok {
		if ifNotExists {
			return nil
		}
		return catalog.ErrExists
	}
	c.databases[db] = map[string]*catalog.Table{}
	return nil
}

// DropDatabase forgets a database; one with tables only with cascade.
func (c *Catalog) DropDatabase(_ context.Context, db string, cascade bool) error {
	t, ok := c.databases[db]
	if !ok {
		return catalog.ErrNotFound
	}
	if len(t) > 0 && !cascade {
		return fmt.Errorf("database %q is not empty; add CASCADE to drop its tables too", db)
	}
	delete(c.databases, db)
	return nil
}

// Tables are the names of tables and views, sorted.
func (c *Catalog) Tables(_ context.Context, db string) ([]string, error) {
	t, ok := c.databases[db]
	if !ok {
		return nil, catalog.ErrNotFound
	}
	return keys(t), nil
}

// Table finds one.
func (c *Catalog) Table(_ context.Context, db, name string) (*catalog.Table, error) {
	if t := c.databases[db][name]; t != nil {
		return t, nil
	}
	return nil, catalog.ErrNotFound
}

// Put stores one.
func (c *Catalog) Put(_ context.Context, db, name string, t *catalog.Table, replace bool) error {
	d, ok := c.databases[db]
	if !ok {
		return catalog.ErrNotFound
	}
	if d[name] != nil && !replace {
		return catalog.ErrExists
	}
	d[name] = t
	return nil
}

// Drop forgets one.
func (c *Catalog) Drop(_ context.Context, db, name string) error {
	if c.databases[db][name] == nil {
		return catalog.ErrNotFound
	}
	delete(c.databases[db], name)
	return nil
}
