package ast

import "strings"

// call writes a call in the syntax its name asks for.
func (p *printer) call(c *Call) {
	if c.NoParens {
		p.w(c.Name.String())
		return
	}
	name := strings.ToUpper(c.Name.String())
	if len(c.Name.Parts) > 1 || !Reserved(name) && !plainIdent(name) {
		name = ""
	}
	switch {
	case !specialForm(name, c):
		name = ""
		p.w("`", c.Name.String(), "`")
	case Reserved(name) && Callable(name):
		p.w(c.Name.Parts[0].Name)
	case p.flink != nil && name != "":
		p.w(name)
	default:
		p.w(p.path(c.Name))
	}
	p.w("(")
	if !p.specialArgs(name, c) {
		p.opt(c.Star, "*")
		p.opt(c.Distinct, "DISTINCT ")
		p.exprs(c.Args)
	}
	if c.JSON != nil {
		p.json(name, c.JSON)
	}
	if len(c.OrderBy) > 0 {
		p.w(" ORDER BY ")
		p.each(len(c.OrderBy), func(i int) { p.orderItem(c.OrderBy[i]) })
	}
	if c.JSON != nil && c.JSON.OnNull != "" {
		p.w(" ", c.JSON.OnNull, " ON NULL")
	}
	if c.JSON != nil && c.JSON.Unique {
		p.w(" WITH UNIQUE KEYS")
	}
	p.w(")")
	if c.Nulls != "" {
		p.w(" ", c.Nulls, " NULLS")
	}
	if len(c.WithinGroup) > 0 {
		p.w(" WITHIN GROUP (ORDER BY ")
		p.each(len(c.WithinGroup), func(i int) { p.orderItem(c.WithinGroup[i]) })
		p.w(")")
	}
	if c.Filter != nil {
		p.w(" FILTER (WHERE ")
		p.expr(c.Filter, 0)
		p.w(")")
	}
	if c.Over != nil {
		p.w(" OVER ")
		if c.Over.Bare {
			p.w(p.ident(c.Over.Name.Name))
		} else {
			p.window(c.Over)
		}
	}
}

// specialForm says whether c has what the syntax of its name needs; a call by a
// quoted name may not.
func specialForm(name string, c *Call) bool {
	switch name {
	case "EXTRACT":
		return c.Keyword != "" && len(c.Args) == 1
	case "TIMESTAMPADD", "TIMESTAMPDIFF":
		return c.Keyword != "" && len(c.Args) == 2
	case "TRIM", "FLOOR", "CEIL", "CEILING", "CONVERT", "TRANSLATE":
		return len(c.Args) > 0 && !c.Star && !c.Distinct
	case "POSITION":
		return len(c.Args) == 2 || len(c.Args) == 3
	case "OVERLAY":
		return len(c.Args) == 3 || len(c.Args) == 4
	case "JSON_OBJECT", "JSON_OBJECTAGG":
		return len(c.Args)%2 == 0
	}
	return true
}

// specialArgs writes the arguments of functions with a syntax of their own and
// says whether name is one.
func (p *printer) specialArgs(name string, c *Call) bool {
	arg := func(i int) { p.expr(c.Args[i], 0) }
	words := func(between ...string) {
		for i := range c.Args {
			if i > 0 && i <= len(between) {
				p.w(" ", between[i-1], " ")
			}
			arg(i)
		}
	}
	switch name {
	case "EXTRACT":
		p.w(c.Keyword, " FROM ")
		arg(0)
	case "FLOOR", "CEIL", "CEILING":
		p.exprs(c.Args)
		if c.Keyword != "" {
			p.w(" TO ", c.Keyword)
		}
	case "TIMESTAMPADD", "TIMESTAMPDIFF":
		p.w(c.Keyword, ", ")
		p.exprs(c.Args)
	case "TRIM":
		if p.flink != nil && c.Keyword == "" && len(c.Args) == 1 {
			p.w("BOTH ' ' FROM ")
			arg(0)
			return true
		}
		p.opt(c.Keyword != "", c.Keyword+" ")
		if len(c.Args) > 1 {
			arg(1)
			p.w(" ")
		}
		p.opt(c.Keyword != "" || len(c.Args) > 1, "FROM ")
		arg(0)
	case "POSITION":
		p.expr(c.Args[0], precRange+1)
		p.w(" IN ")
		arg(1)
		if len(c.Args) > 2 {
			p.w(" FROM ")
			arg(2)
		}
	case "OVERLAY":
		words("PLACING", "FROM", "FOR")
	case "CONVERT", "TRANSLATE":
		p.exprs(c.Args)
		if c.Keyword != "" {
			p.w(" USING ", c.Keyword)
		}
	case "JSON_OBJECT", "JSON_OBJECTAGG":
		p.each(len(c.Args)/2, func(i int) {
			p.w("KEY ")
			arg(2 * i)
			p.w(" VALUE ")
			arg(2*i + 1)
		})
	default:
		return false
	}
	return true
}

// json writes the clauses between the arguments and ORDER BY.
func (p *printer) json(name string, j *JSONClauses) {
	if j.Returning != nil {
		p.w(" RETURNING ")
		p.typeName(j.Returning)
	}
	if j.Wrapper != "" {
		p.w(" ", j.Wrapper, " ARRAY WRAPPER")
	}
	behavior := func(b *JSONBehavior, on string) {
		if b == nil {
			return
		}
		p.w(" ", b.Kind)
		if b.Default != nil {
			p.w(" ")
			p.expr(b.Default, 0)
		}
		p.w(" ON ", on)
	}
	behavior(j.OnEmpty, "EMPTY")
	behavior(j.OnError, "ERROR")
}

func (p *printer) orderItem(o OrderItem) {
	p.expr(o.Expr, 0)
	p.opt(o.Desc, " DESC")
	if o.Nulls != "" {
		p.w(" NULLS ", o.Nulls)
	}
}

func (p *printer) window(w *Window) {
	sep := ""
	p.w("(")
	if w.Name != nil {
		p.w(p.ident(w.Name.Name))
		sep = " "
	}
	if len(w.PartitionBy) > 0 {
		p.w(sep, "PARTITION BY ")
		p.exprs(w.PartitionBy)
		sep = " "
	}
	if len(w.OrderBy) > 0 {
		p.w(sep, "ORDER BY ")
		p.each(len(w.OrderBy), func(i int) { p.orderItem(w.OrderBy[i]) })
		sep = " "
	}
	if f := w.Frame; f != nil {
		p.w(sep, f.Unit, " ")
		p.opt(f.End != nil, "BETWEEN ")
		p.bound(f.Start)
		if f.End != nil {
			p.w(" AND ")
			p.bound(*f.End)
		}
		p.opt(f.Exclude != "", " EXCLUDE "+f.Exclude)
	}
	p.w(")")
}

func (p *printer) bound(b Bound) {
	if b.Expr != nil {
		p.expr(b.Expr, precAdd)
		p.w(" ")
	}
	p.w(string(b.Kind))
}
