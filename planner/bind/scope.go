package bind

import (
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// scope is the columns that names may mean, in order, with the table alias each
// came from.
type scope struct {
	cols []scopeColumn
}

type scopeColumn struct {
	table  string // "" when it can't be qualified
	name   string
	t      types.Type
	hidden bool // reachable by qualified name only (the right column of USING)
}

// named makes a scope of a schema under a table alias.
func named(s *types.Schema, table string) *scope {
	out := &scope{}
	for _, f := range s.Fields {
		out.cols = append(out.cols, scopeColumn{table: table, name: f.Name, t: f.Type})
	}
	return out
}

// beside is the columns of both scopes, s first.
func (s *scope) beside(t *scope) *scope {
	return &scope{cols: append(append([]scopeColumn(nil), s.cols...), t.cols...)}
}

func (s *scope) names() []string {
	var out []string
	for _, c := range s.cols {
		out = append(out, c.name)
	}
	return out
}

// find looks a column up; -1 for none. Two matches are an error.
func (s *scope) find(table, name string, at sqlerr.Span) int {
	found := -1
	for i, c := range s.cols {
		if c.name != name || table != "" && c.table != table || c.hidden && table == "" {
			continue
		}
		if found >= 0 {
			failf(sqlerr.Invalid, at, "column %q is ambiguous", name)
		}
		found = i
	}
	return found
}

// has says that a dotted name means something here.
func (s *scope) has(n *ast.Name) bool {
	for _, c := range s.cols {
		if c.name == n.Parts[0].Name && !c.hidden {
			return true
		}
		for q := 1; q < len(n.Parts); q++ {
			if c.name == n.Parts[q].Name && c.table == n.Parts[q-1].Name {
				return true
			}
		}
	}
	return false
}

// resolve binds a dotted name: [table.]column[.field...].
func (s *scope) resolve(n *ast.Name) expr.Expr {
	parts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = p.Name
	}
	at, rest := -1, 0
	for q := len(parts) - 1; q >= 1 && at < 0; q-- { // the longest table qualifier first: a.b.c as table
		if i := s.find(parts[q-1], parts[q], n.Span()); i >= 0 && q == 1 {
			at, rest = i, 2
		}
	}
	if at < 0 {
		if at = s.find("", parts[0], n.Span()); at >= 0 {
			rest = 1
		}
	}
	if at < 0 && len(parts) >= 3 { // cat.db.t.c
		for q := 2; q < len(parts) && at < 0; q++ {
			if i := s.find(parts[q-1], parts[q], n.Span()); i >= 0 {
				at, rest = i, q+1
			}
		}
	}
	if at < 0 {
		s.missing(n, parts)
	}
	c := s.cols[at]
	var e expr.Expr = &expr.Column{Index: at, Name: c.name, T: c.t, At: n.Span()}
	for _, f := range n.Parts[rest:] {
		e = field(e, f)
	}
	return e
}

// field is the access to a field of a ROW by name.
func field(e expr.Expr, f ast.Ident) expr.Expr {
	t := e.Type()
	if !t.IsRow() {
		failf(sqlerr.Type, f.Span(), "%s has no fields: it is a %s", f.Name, t)
	}
	var names []string
	for i, x := range t.Fields {
		if x.Name == f.Name {
			ft := x.Type
			if !t.NotNull {
				ft = ft.Nullable()
			}
			return &expr.Field{Of: e, Index: i, T: ft, At: f.Span()}
		}
		names = append(names, x.Name)
	}
	failf(sqlerr.NotFound, f.Span(), "field %q not found in %s%s", f.Name, t, sqlerr.DidYouMean(f.Name, names))
	return nil
}

func (s *scope) missing(n *ast.Name, parts []string) {
	name := parts[len(parts)-1]
	where := ""
	tables := map[string]bool{}
	for _, c := range s.cols {
		if c.table != "" {
			tables[c.table] = true
		}
	}
	if len(parts) > 1 {
		if !tables[parts[len(parts)-2]] {
			var all []string
			for t := range tables {
				all = append(all, t)
			}
			failf(sqlerr.NotFound, n.Span(), "table %q not found%s", strings.Join(parts[:len(parts)-1], "."), sqlerr.DidYouMean(parts[len(parts)-2], all))
		}
		where = " in table " + parts[len(parts)-2]
	} else if len(tables) == 1 {
		for t := range tables {
			where = " in table " + t
		}
	}
	failf(sqlerr.NotFound, n.Span(), "column %q not found%s%s", name, where, sqlerr.DidYouMean(name, s.names()))
}
