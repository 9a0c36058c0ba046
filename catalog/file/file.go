// Package file is a catalog on disk: tables outlive the process, and can be read,
// edited and kept under version control.
//
// A database is a directory of the catalog's, a table or view a file NAME.sql in it
// that holds its CREATE statement with the bare name; names in it are relative to
// the database. Characters that file names can't hold are written %xx. What a
// database has beside tables is in _database.sql. A file is replaced whole, by
// renaming, so that a reader never sees half of one; every look reads it anew, so
// that several processes see each other's tables. Start with Catalog.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Kind is CREATE CATALOG ... WITH ('type' = 'file').
var Kind = &catalog.Kind{Type: "file", Doc: "Databases as directories and tables as files of SQL, so that they outlive the process.",
	Options: []catalog.KindOption{
		{Name: "path", Required: true, Doc: "The catalog's directory; made if it isn't there."},
		{Name: "default-database", Default: "default", Doc: "The database that is current after USE CATALOG; made if it isn't there."},
	},
	Open: func(_ context.Context, c catalog.Config) (catalog.Catalog, error) {
		db := c.Options["default-database"]
		if db == "" {
			db = "default"
		}
		return Open(c.Options["path"], db, c.Define)
	},
}

// Catalog is a directory.
type Catalog struct {
	dir    string
	define func(src *sqlerr.Source, database string) (*catalog.Table, error)
	open   map[string]bool // files being read: a view that needs itself
}

const (
	ext       = ".sql"
	aboutFile = "_database.sql"
)

// Open opens a catalog and makes its directory and its database if they aren't
// there. define reads a CREATE statement.
func Open(dir, database string, define func(*sqlerr.Source, string) (*catalog.Table, error)) (*Catalog, error) {
	c := &Catalog{dir: strings.TrimPrefix(dir, "file://"), define: define, open: map[string]bool{}}
	if c.dir == "" {
		return nil, errors.New("file catalog: option 'path' is empty")
	}
	if err := os.MkdirAll(c.path(database), 0o755); err != nil {
		return nil, fmt.Errorf("file catalog: %w", err)
	}
	return c, nil
}

// escape makes a name a file's name: what isn't a letter, digit, dash or inner
// underscore or dot is %xx.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || i > 0 && (c == '_' || c == '.') || c >= 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (c *Catalog) path(db string, name ...string) string {
	p := filepath.Join(c.dir, escape(db))
	for _, n := range name {
		p = filepath.Join(p, escape(n)+ext)
	}
	return p
}

// list are the names in a directory that keep takes, unescaped and sorted.
func list(dir string, keep func(fs.DirEntry) (string, bool)) ([]string, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range all {
		name, ok := keep(e)
		if !ok || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
			continue
		}
		if plain, err := url.PathUnescape(name); err == nil {
			out = append(out, plain)
		}
	}
	sort.Strings(out)
	return out, nil
}

// Databases are the directories.
func (c *Catalog) Databases(context.Context) ([]string, error) {
	out, err := list(c.dir, func(e fs.DirEntry) (string, bool) { return e.Name(), e.IsDir() })
	return out, wrap(err)
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("file catalog: %w", err)
	}
	return nil
}

// Database reads what is known of one.
func (c *Catalog) Database(_ context.Context, db string) (*catalog.Database, error) {
	if i, err := os.Stat(c.path(db)); err != nil || !i.IsDir() {
		return nil, catalog.ErrNotFound
	}
	name := filepath.Join(c.path(db), aboutFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &catalog.Database{}, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	stmts, err := parser.Parse(&sqlerr.Source{Name: name, Text: string(text)})
	if err != nil {
		return nil, err
	}
	d := &catalog.Database{}
	for _, s := range stmts {
		stmt, ok := s.(*ast.CreateDatabase)
		if !ok {
			return nil, sqlerr.New(sqlerr.Invalid, s.Span(), "expected CREATE DATABASE")
		}
		if stmt.Comment != nil {
			d.Comment = stmt.Comment.Value
		}
		for _, o := range stmt.Options {
			d.Options = append(d.Options, catalog.Option{Key: o.Key.Value, Value: o.Value.Value, At: o.Span()})
		}
	}
	return d, nil
}

// PutDatabase makes a directory, and writes what is known of it.
func (c *Catalog) PutDatabase(_ context.Context, db string, d *catalog.Database, replace bool) error {
	err := os.Mkdir(c.path(db), 0o755)
	switch {
	case errors.Is(err, fs.ErrExist) && !replace:
		return catalog.ErrExists
	case err != nil && !errors.Is(err, fs.ErrExist):
		return wrap(err)
	case d.Comment == "" && len(d.Options) == 0 && !replace:
		return nil
	}
	return write(filepath.Join(c.path(db), aboutFile), catalog.DatabaseDDL(db, d), true)
}

// DropDatabase removes a directory and its files of ours; others stay, and with them
// the directory.
func (c *Catalog) DropDatabase(ctx context.Context, db string, cascade bool) error {
	tables, err := c.Tables(ctx, db)
	if err != nil {
		if errors.Is(err, catalog.ErrNoDatabase) {
			return catalog.ErrNotFound
		}
		return err
	}
	if len(tables) > 0 && !cascade {
		return catalog.ErrNotEmpty
	}
	for _, t := range tables {
		if err := os.Remove(c.path(db, t)); err != nil {
			return wrap(err)
		}
	}
	if err := os.Remove(filepath.Join(c.path(db), aboutFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap(err)
	}
	return wrap(os.Remove(c.path(db)))
}

// Tables are the files' names.
func (c *Catalog) Tables(_ context.Context, db string) ([]string, error) {
	out, err := list(c.path(db), func(e fs.DirEntry) (string, bool) {
		name, ok := strings.CutSuffix(e.Name(), ext)
		return name, ok && !e.IsDir()
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, catalog.ErrNoDatabase
	}
	return out, wrap(err)
}

// Table reads one. Errors in it point into its file.
func (c *Catalog) Table(_ context.Context, db, name string) (*catalog.Table, error) {
	file := c.path(db, name)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, catalog.ErrNotFound
	}
	if err != nil {
		return nil, wrap(err)
	}
	if c.open[file] {
		return nil, fmt.Errorf("file catalog: %s is defined by itself", file)
	}
	c.open[file] = true
	defer delete(c.open, file)
	t, err := c.define(&sqlerr.Source{Name: file, Text: string(text)}, db)
	if err == nil {
		t.Stats = readStatistics(string(text))
	}
	return t, err
}

// Put writes one.
func (c *Catalog) Put(_ context.Context, db, name string, t *catalog.Table, replace bool) error {
	if i, err := os.Stat(c.path(db)); err != nil || !i.IsDir() {
		return catalog.ErrNoDatabase
	}
	text := catalog.Local(name, t)
	for _, p := range t.Partitions {
		text += partition(name, t.PartitionBy, p)
	}
	return write(c.path(db, name), withStatistics(text, t.Stats), replace)
}

// write puts a file in place whole.
func write(name, text string, replace bool) error {
	if !replace {
		if _, err := os.Stat(name); err == nil {
			return catalog.ErrExists
		}
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return wrap(err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return wrap(err)
}

// Drop removes one.
func (c *Catalog) Drop(_ context.Context, db, name string) error {
	err := os.Remove(c.path(db, name))
	if errors.Is(err, fs.ErrNotExist) {
		return catalog.ErrNotFound
	}
	return wrap(err)
}
