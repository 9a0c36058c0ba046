package mysql

import (
	"fmt"

	tast "github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millrace/millrace/parser/ast"
)

// stmt translates a statement.
func (t *translator) stmt(n tast.StmtNode) ast.Stmt {
	switch n := n.(type) {
	case *tast.SelectStmt, *tast.SetOprStmt:
		return &ast.QueryStmt{Pos: t.whole(), Query: t.query(n)}
	case *tast.InsertStmt:
		return t.insert(n)
	}
	t.unsupported(fmt.Sprintf("%T", n)[len("*ast."):])
	return nil
}

func (t *translator) insert(n *tast.InsertStmt) ast.Stmt {
	if n.IsReplace || n.IgnoreErr || len(n.OnDuplicate) > 0 {
		t.unsupported("REPLACE, INSERT IGNORE and ON DUPLICATE KEY UPDATE")
	}
	src, ok := n.Table.TableRefs.Left.(*tast.TableSource)
	if !ok {
		t.unsupported("this INSERT")
	}
	name, ok := src.Source.(*tast.TableName)
	if !ok {
		t.unsupported("this INSERT")
	}
	i := &ast.Insert{Pos: t.whole(), Table: t.tableName(name)}
	for _, c := range n.Columns {
		i.Columns = append(i.Columns, t.column(c))
	}
	if n.Select != nil {
		i.Query = t.query(n.Select)
		return i
	}
	v := &ast.Values{Pos: t.at("")}
	for _, row := range n.Lists {
		v.Rows = append(v.Rows, &ast.Row{Pos: t.at(""), Items: t.exprs(row)})
	}
	i.Query = v
	return i
}

// query translates a SELECT, a set operation or VALUES.
func (t *translator) query(n tast.Node) ast.Query {
	switch n := n.(type) {
	case *tast.SelectStmt:
		q := t.ordered(t.selectOf(n), n.OrderBy, n.Limit)
		return t.with(n.With, q)
	case *tast.SetOprStmt:
		q := t.setOps(n.SelectList.Selects)
		return t.with(n.With, t.ordered(q, n.OrderBy, n.Limit))
	case *tast.SetOprSelectList:
		return t.with(n.With, t.ordered(t.setOps(n.Selects), n.OrderBy, n.Limit))
	case *tast.SubqueryExpr:
		return t.query(n.Query)
	}
	t.unsupported(fmt.Sprintf("%T", n)[len("*ast."):])
	return nil
}

func (t *translator) with(w *tast.WithClause, body ast.Query) ast.Query {
	if w == nil {
		return body
	}
	out := &ast.With{Pos: t.whole(), Recursive: w.IsRecursive, Body: body}
	for _, c := range w.CTEs {
		cte := ast.CTE{Pos: t.at(c.Name.O), Name: t.ident(c.Name.O), Query: t.query(c.Query)}
		for _, x := range c.ColNameList {
			cte.Columns = append(cte.Columns, t.ident(x.O))
		}
		out.CTEs = append(out.CTEs, cte)
	}
	return out
}

// setOps combines queries from the left; INTERSECT comes grouped by the parser.
func (t *translator) setOps(list []tast.Node) ast.Query {
	var out ast.Query
	for _, n := range list {
		q := t.query(n)
		var after *tast.SetOprType
		switch x := n.(type) {
		case *tast.SelectStmt:
			after = x.AfterSetOperator
		case *tast.SetOprSelectList:
			after = x.AfterSetOperator
		}
		if out == nil || after == nil {
			out = q
			continue
		}
		op := &ast.SetOp{Pos: t.whole(), L: out, R: q}
		switch *after {
		case tast.Union, tast.UnionAll:
			op.Op, op.All = ast.Union, *after == tast.UnionAll
		case tast.Except, tast.ExceptAll:
			op.Op, op.All = ast.Except, *after == tast.ExceptAll
		default:
			op.Op, op.All = ast.Intersect, *after == tast.IntersectAll
		}
		out = op
	}
	return out
}

func (t *translator) ordered(q ast.Query, by *tast.OrderByClause, limit *tast.Limit) ast.Query {
	if by == nil && limit == nil {
		return q
	}
	o := &ast.Ordered{Pos: t.at(""), Query: q}
	if by != nil {
		o.OrderBy = t.items(by.Items)
	}
	if limit != nil {
		o.Limit = t.count(limit.Count)
		if limit.Offset != nil {
			o.Offset = t.count(limit.Offset)
		}
	}
	return o
}

func (t *translator) count(n tast.ExprNode) *ast.Number {
	x, ok := t.expr(n).(*ast.Number)
	if !ok {
		t.unsupported("a LIMIT that isn't a number")
	}
	return x
}

func (t *translator) items(items []*tast.ByItem) []ast.OrderItem {
	var out []ast.OrderItem
	for _, x := range items {
		out = append(out, ast.OrderItem{Pos: t.at(""), Expr: t.expr(x.Expr), Desc: x.Desc})
	}
	return out
}

func (t *translator) selectOf(n *tast.SelectStmt) ast.Query {
	if n.Kind == tast.SelectStmtKindValues {
		v := &ast.Values{Pos: t.at("VALUES")}
		for _, r := range n.Lists {
			v.Rows = append(v.Rows, &ast.Row{Pos: t.at(""), Items: t.exprs(r.Values)})
		}
		return v
	}
	if n.LockInfo != nil && n.LockInfo.LockType != tast.SelectLockNone {
		t.unsupported("SELECT ... FOR UPDATE")
	}
	if n.SelectIntoOpt != nil {
		t.unsupported("SELECT ... INTO")
	}
	s := &ast.Select{Pos: t.whole(), Distinct: n.Distinct}
	if n.From != nil {
		s.From = t.ref(n.From.TableRefs)
	}
	for _, f := range n.Fields.Fields {
		if f.Offset > 0 && f.Offset < len(t.text) {
			t.near = f.Offset
		}
		item := ast.SelectItem{Pos: t.at("")}
		if w := f.WildCard; w != nil {
			star := &ast.Star{Pos: t.at("*")}
			for _, part := range []string{w.Schema.O, w.Table.O} {
				if part != "" {
					star.Qualifier = append(star.Qualifier, t.ident(part))
				}
			}
			item.Expr = star
		} else {
			item.Expr = t.expr(f.Expr)
		}
		if f.AsName.O != "" {
			id := t.ident(f.AsName.O)
			item.Alias = &id
		}
		s.Items = append(s.Items, item)
	}
	if n.Where != nil {
		s.Where = t.expr(n.Where)
	}
	if g := n.GroupBy; g != nil {
		s.GroupBy = &ast.GroupBy{Pos: t.at("")}
		var list []ast.GroupItem
		for _, x := range g.Items {
			list = append(list, ast.GroupItem{Pos: t.at(""), Kind: ast.GroupExpr, Exprs: []ast.Expr{t.expr(x.Expr)}})
		}
		if g.Rollup {
			list = []ast.GroupItem{{Pos: t.at(""), Kind: ast.Rollup, Items: list}}
		}
		s.GroupBy.Items = list
	}
	if n.Having != nil {
		s.Having = t.expr(n.Having.Expr)
	}
	for i := range n.WindowSpecs {
		w := &n.WindowSpecs[i]
		s.Windows = append(s.Windows, ast.NamedWindow{Pos: t.at(w.Name.O), Name: t.ident(w.Name.O), Spec: t.window(w)})
	}
	return s
}

func (t *translator) ident(name string) ast.Ident { return ast.Ident{Pos: t.at(name), Name: name} }

func (t *translator) name(parts ...string) *ast.Name {
	n := &ast.Name{}
	for _, p := range parts {
		if p != "" {
			n.Parts = append(n.Parts, t.ident(p))
		}
	}
	n.Pos = ast.Pos{At: n.Parts[0].Span().To(n.Last().Span())}
	return n
}

func (t *translator) tableName(n *tast.TableName) *ast.Name { return t.name(n.Schema.O, n.Name.O) }

func (t *translator) column(c *tast.ColumnName) *ast.Name {
	return t.name(c.Schema.O, c.Table.O, c.Name.O)
}

// ref translates a table reference.
func (t *translator) ref(n tast.ResultSetNode) ast.TableRef {
	switch n := n.(type) {
	case *tast.Join:
		if n.Right == nil {
			return t.ref(n.Left)
		}
		j := &ast.Join{Natural: n.NaturalJoin, L: t.ref(n.Left), R: t.ref(n.Right)}
		j.Pos = ast.Pos{At: j.L.Span().To(j.R.Span())}
		switch {
		case n.Tp == tast.LeftJoin:
			j.Kind = ast.LeftJoin
		case n.Tp == tast.RightJoin:
			j.Kind = ast.RightJoin
		case n.On == nil && len(n.Using) == 0 && !n.NaturalJoin:
			j.Kind = ast.CrossJoin
		default:
			j.Kind = ast.InnerJoin
		}
		if n.On != nil {
			j.On = t.expr(n.On.Expr)
		}
		for _, c := range n.Using {
			j.Using = append(j.Using, t.ident(c.Name.O))
		}
		return j
	case *tast.TableSource:
		var r ast.TableRef
		if name, ok := n.Source.(*tast.TableName); ok {
			r = t.ref(name)
		} else {
			r = &ast.Derived{Pos: t.at(""), Lateral: n.Lateral, Query: t.query(n.Source)}
		}
		if n.AsName.O == "" {
			return r
		}
		a := &ast.Aliased{Pos: ast.Pos{At: r.Span()}, Ref: r, Name: t.ident(n.AsName.O)}
		for _, c := range n.ColumnNames {
			a.Columns = append(a.Columns, t.ident(c.O))
		}
		return a
	case *tast.TableName:
		name := t.tableName(n)
		return &ast.TableName{Pos: name.Pos, Name: name}
	case *tast.SelectStmt, *tast.SetOprStmt:
		return &ast.Derived{Pos: t.at(""), Query: t.query(n)}
	}
	t.unsupported(fmt.Sprintf("%T", n)[len("*ast."):])
	return nil
}
