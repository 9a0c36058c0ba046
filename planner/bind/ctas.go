package bind

import (
	"slices"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// as defines the columns of CREATE TABLE ... AS: those the statement lists and the
// query doesn't give, then the query's, which take the listed type where they are
// listed too. Names alone put the query's columns into another order. It returns the
// INSERT of the query.
func (d *definition) as(stmt *ast.CreateTable) *ast.Insert {
	r := d.b.query(stmt.Query)
	fields := r.node.Schema().Fields
	query := make([]catalog.Column, len(r.scope.cols))
	fill := &ast.Insert{Pos: stmt.Pos, Table: stmt.Name, Query: stmt.Query}
	seen := map[string]bool{}
	for i, c := range r.scope.cols {
		if seen[c.name] {
			failf(sqlerr.Invalid, stmt.Query.Span(), "A column with the same name `%s` has been defined", c.name)
		}
		seen[c.name] = true
		query[i] = catalog.Column{Name: c.name, Type: fields[i].Type.Plain()}
		fill.Columns = append(fill.Columns, &ast.Name{Pos: ast.Pos{At: stmt.Query.Span()}, Parts: []ast.Ident{{Name: c.name}}})
	}
	s := stmt.Schema
	if s == nil {
		d.t.Columns = query
		fill.Columns = nil
		return fill
	}
	if len(s.Columns) > 0 && s.Columns[0].Kind == ast.NamedColumn {
		d.reorder(stmt, query)
		d.rest(s)
		return fill
	}
	find := func(name string) int {
		return slices.IndexFunc(query, func(c catalog.Column) bool { return c.Name == name })
	}
	for _, c := range s.Columns {
		col := d.column(c)
		i := find(col.Name)
		if i < 0 {
			if c.Kind == ast.PhysicalColumn && col.Type.NotNull {
				failf(sqlerr.Invalid, c.Span(), "Column '%s' has no default value and does not allow NULLs.", col.Name)
			}
			if d.t.Column(col.Name) != nil {
				d.base.clash(c, d.t.Column(col.Name), col)
			}
			d.t.Columns = append(d.t.Columns, col)
			continue
		}
		if c.Kind == ast.ComputedColumn {
			failf(sqlerr.Invalid, c.Span(), "A column named '%s' already exists in the source schema. Computed columns cannot overwrite columns from source.", col.Name)
		}
		if !assignable(query[i].Type, col.Type) {
			failf(sqlerr.Type, c.Span(), "Incompatible types for sink column '%s': the query gives %s, the table wants %s", col.Name, query[i].Type, col.Type)
		}
		query[i] = col
	}
	d.t.Columns = append(d.t.Columns, query...)
	for _, c := range s.Constraints {
		for _, k := range c.Columns {
			if i := find(k.Name); i >= 0 && !query[i].Type.NotNull {
				failf(sqlerr.Invalid, k.Span(), "Invalid primary key 'PK_%s'. Column '%s' is nullable.", k.Name, k.Name)
			}
		}
	}
	d.rest(s)
	return fill
}

// reorder puts the query's columns into the order of names.
func (d *definition) reorder(stmt *ast.CreateTable, query []catalog.Column) {
	names := stmt.Schema.Columns
	if len(names) != len(query) {
		failf(sqlerr.Invalid, stmt.Schema.Span(), "The number of columns in the column list must match the number of columns in the source schema.")
	}
	for _, c := range names {
		if c.Kind != ast.NamedColumn {
			failf(sqlerr.Invalid, c.Span(), "names alone and columns with types can't be mixed")
		}
		i := slices.IndexFunc(query, func(q catalog.Column) bool { return q.Name == c.Name.Name })
		if i < 0 {
			var have []string
			for _, q := range query {
				have = append(have, q.Name)
			}
			failf(sqlerr.NotFound, c.Span(), "Column '%s' not found in the source schema%s", c.Name.Name, sqlerr.DidYouMean(c.Name.Name, have))
		}
		if d.t.Column(c.Name.Name) != nil {
			failf(sqlerr.Invalid, c.Span(), "column %q is listed twice", c.Name.Name)
		}
		d.t.Columns = append(d.t.Columns, query[i])
	}
}
