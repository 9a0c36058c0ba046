package bind

import (
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// baseTable is the table a LIKE clause names, and what the clause takes of it.
type baseTable struct {
	table    *catalog.Table    // nil without LIKE
	strategy map[string]string // by feature
	key      bool              // its primary key was taken
}

// takes is INCLUDING, EXCLUDING or OVERWRITING for a feature, "" without LIKE.
func (l *baseTable) takes(feature string) string { return l.strategy[feature] }

// has says whether the base table has an option.
func (l *baseTable) has(key string) bool {
	_, ok := l.table.Option(key)
	return ok
}

// clash refuses a column whose name is taken, unless it overwrites one of the base
// table of its own sort.
func (l *baseTable) clash(at *ast.Column, old *catalog.Column, col catalog.Column) {
	if l.table == nil || l.table.Column(old.Name) == nil {
		kind := "regular Column"
		switch {
		case col.Computed != nil:
			kind = "generated Column"
		case col.Metadata != nil:
			kind = "metadata Column"
		}
		failf(sqlerr.Invalid, at.Name.Span(), "A %s named '%s' already exists in the table.", kind, old.Name)
	}
	for _, x := range []struct {
		feature, word string
		is            func(*catalog.Column) bool
	}{
		{"GENERATED", "generated", func(c *catalog.Column) bool { return c.Computed != nil }},
		{"METADATA", "metadata", func(c *catalog.Column) bool { return c.Metadata != nil }},
	} {
		if x.is(old) && x.is(&col) {
			if l.takes(x.feature) == "OVERWRITING" {
				return
			}
			failf(sqlerr.Invalid, at.Name.Span(), "A %s column named '%s' already exists in the base table. You might want to specify EXCLUDING %s or OVERWRITING %s.", x.word, old.Name, x.feature, x.feature)
		}
	}
	failf(sqlerr.Invalid, at.Name.Span(), "A column named '%s' already exists in the base table.", old.Name)
}

// like copies what LIKE takes: all, unless it says otherwise. Options and columns
// of the statement come after and may overwrite some.
func (d *definition) like(stmt *ast.CreateTable) {
	l := stmt.Like
	_, from, err := d.b.Names.Resolve(l.Table)
	if err != nil {
		fail(err)
	}
	if from.View != nil {
		failf(sqlerr.Invalid, l.Table.Span(), "Source table '%s' of the LIKE clause can not be a VIEW", l.Table)
	}
	d.base = baseTable{table: from, strategy: map[string]string{"OPTIONS": "OVERWRITING"}}
	features := []string{"CONSTRAINTS", "DISTRIBUTION", "PARTITIONS", "GENERATED", "METADATA", "WATERMARKS"}
	for _, f := range features {
		d.base.strategy[f] = "INCLUDING"
	}
	for _, o := range l.Options {
		if o.Feature == "ALL" {
			for _, f := range append(features, "OPTIONS") {
				d.base.strategy[f] = o.Strategy
			}
		}
	}
	for _, o := range l.Options {
		if o.Feature != "ALL" {
			d.base.strategy[o.Feature] = o.Strategy
		}
	}
	takes := func(f string) bool { return d.base.takes(f) != "EXCLUDING" }
	t := d.t
	for _, c := range from.Columns {
		if c.Computed != nil && !takes("GENERATED") || c.Metadata != nil && !takes("METADATA") {
			continue
		}
		c.Type = c.Type.Plain()
		t.Columns = append(t.Columns, c)
	}
	if takes("CONSTRAINTS") {
		t.Key, t.KeyName, d.base.key = append([]string(nil), from.Key...), from.KeyName, len(from.Key) > 0
	}
	if takes("WATERMARKS") {
		t.Watermark = from.Watermark
	}
	if takes("OPTIONS") {
		t.Options = append([]catalog.Option(nil), from.Options...)
	}
	if takes("PARTITIONS") {
		t.PartitionBy = append([]string(nil), from.PartitionBy...)
	}
	if takes("DISTRIBUTION") {
		t.Distribution = from.Distribution
	}
}
