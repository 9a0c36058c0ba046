package bind

import (
	"context"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// CreateView binds a view's query and makes what the catalog stores: its text with
// tables named in full and stars replaced by their columns.
func (b *Binder) CreateView(stmt *ast.CreateView) (path catalog.Path, t *catalog.Table, err error) {
	defer catch(&err)
	path = must(b.Names.Path(stmt.Name))
	t = b.viewOf(stmt.Query, stmt.Columns, stmt.Name.Span())
	t.At = stmt.Span()
	if stmt.Comment != nil {
		t.Comment = stmt.Comment.Value
	}
	return path, t, nil
}

// AlterView is ALTER VIEW ... AS.
func (b *Binder) AlterView(old *catalog.Table, q ast.Query) (t *catalog.Table, err error) {
	defer catch(&err)
	t = b.viewOf(q, nil, q.Span())
	t.At, t.Comment = q.Span(), old.Comment
	return t, nil
}

func (b *Binder) viewOf(q ast.Query, names []ast.ViewColumn, at sqlerr.Span) *catalog.Table {
	inner := *b
	inner.expanded = &ast.Expansion{Tables: map[*ast.Name]*ast.Name{}, Stars: map[*ast.Star][][2]string{}}
	r := inner.query(q)
	v := &catalog.View{Query: catalog.Text{SQL: ast.Flink(q, inner.expanded), At: q.Span()}, Catalog: b.Names.Catalog, Database: b.Names.Database}
	if _, err := parser.ParseQuery(&sqlerr.Source{Name: "view", Text: v.Query.SQL}); err != nil {
		v.Query.SQL = q.Span().Text()
	}
	if len(names) > 0 && len(names) != len(r.scope.cols) {
		failf(sqlerr.Invalid, at, "VIEW definition and input fields not match: the view names %d columns, its query has %d", len(names), len(r.scope.cols))
	}
	if len(names) == 0 {
		b.distinctNames(q, inner.expanded.Stars)
	}
	t := &catalog.Table{View: v}
	for i, c := range r.scope.cols {
		name, where := c.name, q.Span()
		if len(names) > 0 {
			name, where = names[i].Name.Name, names[i].Span()
			v.Columns = append(v.Columns, name)
		}
		if t.Column(name) != nil {
			failf(sqlerr.Invalid, where, "A column with the same name `%s` has been defined", name)
		}
		col := catalog.Column{Name: name, Type: r.node.Schema().Fields[i].Type}
		if len(names) > 0 && names[i].Comment != nil {
			col.Comment = names[i].Comment.Value
		}
		t.Columns = append(t.Columns, col)
	}
	return t
}

// distinctNames refuses a view's query that names a column of its list like another
// one. Columns of stars may share a name among themselves: they're renamed.
func (b *Binder) distinctNames(q ast.Query, stars map[*ast.Star][][2]string) {
	switch x := q.(type) {
	case *ast.Ordered:
		b.distinctNames(x.Query, stars)
	case *ast.With:
		b.distinctNames(x.Body, stars)
	case *ast.SetOp:
		b.distinctNames(x.L, stars)
	case *ast.Select:
		had := map[string]bool{} // names, true: one was written
		for _, item := range x.Items {
			if star, ok := item.Expr.(*ast.Star); ok {
				for _, c := range stars[star] {
					if had[c[1]] {
						failf(sqlerr.Invalid, star.Span(), "A column with the same name `%s` has been defined", c[1])
					}
					had[c[1]] = false
				}
				continue
			}
			name, at := b.written(item), item.Expr.Span()
			if item.Alias != nil {
				at = item.Alias.Span()
			}
			if _, twice := had[name]; twice && name != "" {
				failf(sqlerr.Invalid, at, "A column with the same name `%s` has been defined", name)
			}
			had[name] = true
		}
	}
}

// resolve finds a table or view, and notes its full name for the view that is being
// made.
func (b *Binder) resolve(name *ast.Name) (catalog.Path, *catalog.Table) {
	path, t, err := b.Names.Resolve(name)
	if err != nil {
		fail(err)
	}
	if b.expanded != nil {
		part := func(s string) ast.Ident { return ast.Ident{Pos: name.Pos, Name: s} }
		b.expanded.Tables[name] = &ast.Name{Pos: name.Pos, Parts: []ast.Ident{part(path.Catalog), part(path.Database), part(path.Name)}}
	}
	return path, t
}

// Describe is the columns of a table or view.
func (b *Binder) Describe(name *ast.Name) (s *types.Schema, t *catalog.Table, err error) {
	defer catch(&err)
	path, t, err := b.Names.Resolve(name)
	if err != nil {
		if at := sqlerr.All(err); len(at) == 1 && at[0].Code == sqlerr.NotFound {
			failf(sqlerr.NotFound, name.Span(), "Tables or views with the identifier '%s' doesn't exist%s", path.Dotted(), sqlerr.DidYouMean(path.Name, b.tableNames(path)))
		}
		return nil, nil, err
	}
	s = &types.Schema{}
	for _, c := range t.Columns {
		s.Fields = append(s.Fields, types.Field{Name: c.Name, Type: c.Type})
	}
	return s, t, nil
}

func (b *Binder) tableNames(p catalog.Path) []string {
	in := &ast.Name{Parts: []ast.Ident{{Name: p.Catalog}, {Name: p.Database}}}
	all, _ := b.Names.Tables(context.Background(), in)
	return all
}
