package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
)

// where filters the relation below. Each condition of a top-level AND that is
// [NOT] IN (query) or [NOT] EXISTS (query) becomes a semi or anti join; the others
// are one filter.
func (s *selection) where(e ast.Expr) {
	var plain []expr.Expr
	for _, c := range ands(e) {
		not := false
		inner := c
		for {
			u, ok := inner.(*ast.Unary)
			if !ok || u.Op != "NOT" {
				break
			}
			not, inner = !not, u.X
		}
		switch q := inner.(type) {
		case *ast.In:
			if q.Query != nil {
				s.in(q, q.Not != not)
				continue
			}
		case *ast.Exists:
			if !q.Unique {
				s.exists(q, not)
				continue
			}
		}
		plain = append(plain, s.x.condition(c, "WHERE"))
	}
	switch len(plain) {
	case 0:
	case 1:
		s.node = filter(s.node, plain[0])
	default:
		s.node = filter(s.node, &expr.Logic{Args: plain, At: e.Span()})
	}
}

// ands are the parts of an AND.
func ands(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.Binary); ok && b.Op == "AND" {
		return append(ands(b.L), ands(b.R)...)
	}
	return []ast.Expr{e}
}

// in joins with the query's one column.
func (s *selection) in(q *ast.In, not bool) {
	r := s.inner(q.Query)
	if len(r.scope.cols) != 1 {
		failf(sqlerr.Invalid, q.Span(), "Values passed to IN operator must have compatible types: the sub-query has %d columns", len(r.scope.cols))
	}
	left := s.node.Schema().Len()
	v := s.x.bind(q.X)
	right := &expr.Column{Index: left, Name: r.scope.cols[0].name, T: r.node.Schema().Fields[0].Type, At: q.Span()}
	if not && (!v.Type().NotNull || !right.T.NotNull) {
		unsupported(q.Span(), "NOT IN (query) over columns that may be NULL")
	}
	s.semi(r, s.x.compare("=", v, right, q.Span()), not, q.Span())
}

// exists joins with a query that doesn't read the columns outside.
func (s *selection) exists(q *ast.Exists, not bool) { s.semi(s.inner(q.Query), nil, not, q.Span()) }

func (s *selection) semi(r *relation, cond expr.Expr, not bool, at sqlerr.Span) {
	kind := logical.Semi
	if not {
		kind = logical.Anti
	}
	out := *s.node.Schema()
	s.node = &logical.Join{Base: logical.Base{Out: &out, At: at}, Left: s.node, Right: r.node, Kind: kind, Cond: cond}
}

// inner binds a sub-query; one that reads the columns outside is refused by name.
func (s *selection) inner(q ast.Query) *relation {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, ok := r.(failure); ok && s.outside(q) {
			unsupported(q.Span(), "a correlated sub-query")
		}
		panic(r)
	}()
	return s.b.query(q)
}

// outside says whether a name in q is qualified by a table of this query.
func (s *selection) outside(q ast.Query) bool {
	tables := map[string]bool{}
	for _, c := range s.x.scope.cols {
		tables[c.table] = true
	}
	found := false
	ast.Walk(q, func(n ast.Node) bool {
		if name, ok := n.(*ast.Name); ok && len(name.Parts) > 1 && tables[name.Parts[0].Name] {
			found = true
		}
		return !found
	})
	return found
}
