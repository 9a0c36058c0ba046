package ast

func (p *printer) query(q Query) {
	switch q := q.(type) {
	case *Select:
		p.selectQuery(q)
	case *Values:
		p.w("VALUES ")
		p.each(len(q.Rows), func(i int) {
			p.w("(")
			p.exprs(q.Rows[i].Items)
			p.w(")")
		})
	case *TableQuery:
		p.w("TABLE ", p.table(q.Name))
	case *SetOp:
		p.operand(q.L, q.Op, false)
		p.w(p.line(), string(q.Op))
		p.opt(q.All, " ALL")
		p.w(p.line())
		p.operand(q.R, q.Op, true)
	case *Ordered:
		p.ordered(q)
	case *With:
		p.w("WITH ")
		p.opt(q.Recursive, "RECURSIVE ")
		p.each(len(q.CTEs), func(i int) {
			c := q.CTEs[i]
			p.w(p.ident(c.Name.Name))
			if len(c.Columns) > 0 {
				p.w(" (", p.idents(c.Columns), ")")
			}
			p.w(" AS (")
			p.query(c.Query)
			p.w(")")
		})
		p.w(" ")
		if _, nested := q.Body.(*With); nested {
			p.parens(q.Body)
		} else {
			p.query(q.Body)
		}
	}
}

func (p *printer) parens(q Query) {
	p.w("(")
	p.query(q)
	p.w(")")
}

// operand writes one side of a set operation.
func (p *printer) operand(q Query, op SetOpKind, right bool) {
	switch q := q.(type) {
	case *Ordered, *With:
		p.parens(q)
		return
	case *SetOp:
		tighter := q.Op == Intersect && op != Intersect
		if right && !tighter || !right && op == Intersect && q.Op != Intersect {
			p.parens(q)
			return
		}
	}
	p.query(q)
}

func (p *printer) ordered(o *Ordered) {
	switch o.Query.(type) {
	case *Ordered, *With:
		p.parens(o.Query)
	default:
		p.query(o.Query)
	}
	if len(o.OrderBy) > 0 {
		p.w(p.line(), "ORDER BY ")
		p.each(len(o.OrderBy), func(i int) { p.orderItem(o.OrderBy[i]) })
	}
	if o.Limit != nil {
		p.w(p.line(), "LIMIT ", o.Limit.Text)
	}
	if o.Offset != nil {
		p.w(p.line(), "OFFSET ", o.Offset.Text)
	}
}

func (p *printer) selectQuery(s *Select) {
	p.w("SELECT")
	p.hints(s.Hints)
	p.w(" ")
	p.opt(s.Distinct, "DISTINCT ")
	p.each(len(s.Items), func(i int) { p.selectItem(s.Items[i]) })
	if s.From != nil {
		p.w(p.line(), "FROM ")
		p.tableRef(s.From)
	}
	p.clause(p.line()+"WHERE ", s.Where)
	if s.GroupBy != nil {
		p.w(p.line(), "GROUP BY ")
		p.opt(s.GroupBy.Distinct, "DISTINCT ")
		p.each(len(s.GroupBy.Items), func(i int) { p.groupItem(s.GroupBy.Items[i]) })
	}
	p.clause(p.line()+"HAVING ", s.Having)
	if len(s.Windows) > 0 {
		p.w(" WINDOW ")
		p.each(len(s.Windows), func(i int) {
			p.w(p.ident(s.Windows[i].Name.Name), " AS ")
			p.window(s.Windows[i].Spec)
		})
	}
	p.clause(p.line()+"QUALIFY ", s.Qualify)
}

// clause writes word and x unless x is nil.
func (p *printer) clause(word string, x Expr) {
	if x != nil {
		p.w(word)
		p.expr(x, 0)
	}
}

func (p *printer) selectItem(it SelectItem) {
	p.expr(it.Expr, 0)
	if it.Alias != nil {
		p.w(" AS ", p.ident(it.Alias.Name))
	}
}

func (p *printer) groupItem(g GroupItem) {
	switch g.Kind {
	case GroupExpr:
		p.exprs(g.Exprs)
	case GroupSet:
		p.w("(")
		p.exprs(g.Exprs)
		p.w(")")
	default:
		p.w(string(g.Kind), " (")
		p.each(len(g.Items), func(i int) { p.groupItem(g.Items[i]) })
		p.w(")")
	}
}

func (p *printer) tableRef(r TableRef) {
	switch r := r.(type) {
	case *TableName:
		p.w(p.table(r.Name))
		p.hints(r.Hints)
		if r.AsOf != nil {
			p.w(" FOR SYSTEM_TIME AS OF ")
			p.expr(r.AsOf, 0)
		}
		p.opt(p.flink != nil && !p.aliased, " AS "+p.ident(r.Name.Last().Name))
	case *Aliased:
		_, p.aliased = r.Ref.(*TableName)
		p.refOperand(r.Ref)
		p.aliased = false
		p.w(" AS ", p.ident(r.Name.Name))
		if len(r.Columns) > 0 {
			p.w(" (", p.idents(r.Columns), ")")
		}
	case *Derived:
		p.opt(r.Lateral, "LATERAL ")
		p.parens(r.Query)
	case *TableFunc:
		p.opt(r.Lateral, "LATERAL ")
		p.w("TABLE(")
		p.call(r.Call)
		p.w(")")
	case *Unnest:
		p.w("UNNEST(")
		p.exprs(r.Exprs)
		p.w(")")
		p.opt(r.Ordinality, " WITH ORDINALITY")
	case *Sample:
		if _, ok := r.Ref.(*Aliased); ok {
			p.tableRef(r.Ref)
		} else {
			p.refOperand(r.Ref)
		}
		p.w(" TABLESAMPLE ", r.Method, "(", r.Percentage.Text, ")")
		if r.Seed != nil {
			p.w(" REPEATABLE (", r.Seed.Text, ")")
		}
	case *Join:
		p.join(r)
	case *MatchRecognize:
		p.refOperand(r.Ref)
		p.matchRecognize(r)
	}
}

// refOperand writes a reference that something is attached to.
func (p *printer) refOperand(r TableRef) {
	switch r.(type) {
	case *Join, *Aliased, *Sample:
		p.w("(")
		p.tableRef(r)
		p.w(")")
		return
	}
	p.tableRef(r)
}

func (p *printer) join(j *Join) {
	if l, ok := j.L.(*Join); ok && l.Kind == CommaJoin && j.Kind != CommaJoin {
		p.refOperand(l)
	} else {
		p.tableRef(j.L)
	}
	if j.Kind == CommaJoin {
		p.w(", ")
		if r, ok := j.R.(*Join); ok && r.Kind == CommaJoin {
			p.refOperand(r)
			return
		}
		p.tableRef(j.R)
		return
	}
	p.w(p.line())
	p.opt(j.Natural, "NATURAL ")
	p.opt(j.Kind != InnerJoin || p.flink != nil, string(j.Kind)+" ")
	p.w("JOIN ")
	if _, ok := j.R.(*Join); ok {
		p.refOperand(j.R)
	} else {
		p.tableRef(j.R)
	}
	p.clause(" ON ", j.On)
	if len(j.Using) > 0 {
		p.w(" USING (", p.idents(j.Using), ")")
	}
}

func (p *printer) matchRecognize(m *MatchRecognize) {
	p.w(" MATCH_RECOGNIZE (")
	if len(m.PartitionBy) > 0 {
		p.w("PARTITION BY ")
		p.exprs(m.PartitionBy)
		p.w(" ")
	}
	if len(m.OrderBy) > 0 {
		p.w("ORDER BY ")
		p.each(len(m.OrderBy), func(i int) { p.orderItem(m.OrderBy[i]) })
		p.w(" ")
	}
	if len(m.Measures) > 0 {
		p.w("MEASURES ")
		p.each(len(m.Measures), func(i int) {
			p.expr(m.Measures[i].Expr, 0)
			p.w(" AS ", p.ident(m.Measures[i].Name.Name))
		})
		p.w(" ")
	}
	p.opt(m.RowsPer != "", m.RowsPer+" PER MATCH ")
	if s := m.Skip; s != nil {
		p.w("AFTER MATCH SKIP ", s.Kind, " ")
		if s.Var != nil {
			p.w(p.ident(s.Var.Name), " ")
		}
	}
	p.w("PATTERN (")
	p.opt(m.AnchorStart, "^ ")
	p.pattern(m.Pattern, 0)
	p.opt(m.AnchorEnd, " $")
	p.w(")")
	p.clause(" WITHIN ", m.Within)
	if len(m.Subsets) > 0 {
		p.w(" SUBSET ")
		p.each(len(m.Subsets), func(i int) {
			p.w(p.ident(m.Subsets[i].Name.Name), " = (", p.idents(m.Subsets[i].Vars), ")")
		})
	}
	p.w(" DEFINE ")
	p.each(len(m.Define), func(i int) {
		p.w(p.ident(m.Define[i].Var.Name), " AS ")
		p.expr(m.Define[i].Cond, 0)
	})
	p.w(")")
}

// pattern writes a row pattern; level 1 is inside a sequence or an alternative,
// level 2 under a quantifier.
func (p *printer) pattern(x Pattern, level int) {
	group := func(on bool, f func()) {
		p.opt(on, "(")
		f()
		p.opt(on, ")")
	}
	items := func(items []Pattern, sep string) {
		for i, it := range items {
			p.opt(i > 0, sep)
			p.pattern(it, 1)
		}
	}
	switch x := x.(type) {
	case *PatternVar:
		p.w(p.ident(x.Name.Name))
	case *PatternSeq:
		group(level > 0, func() { items(x.Items, " ") })
	case *PatternAlt:
		group(level > 0, func() { items(x.Items, " | ") })
	case *PatternPermute:
		p.w("PERMUTE(")
		p.each(len(x.Items), func(i int) { p.pattern(x.Items[i], 0) })
		p.w(")")
	case *PatternExclude:
		p.w("{- ")
		p.pattern(x.Item, 0)
		p.w(" -}")
	case *PatternRepeat:
		group(level > 1, func() {
			p.pattern(x.Item, 2)
			switch {
			case x.Min == 0 && x.Max < 0:
				p.w("*")
			case x.Min == 1 && x.Max < 0:
				p.w("+")
			case x.Min == 0 && x.Max == 1:
				p.w("?")
			case x.Max < 0:
				p.w("{", itoa(x.Min), ",}")
			case x.Min == x.Max:
				p.w("{", itoa(x.Min), "}")
			default:
				p.w("{", itoa(x.Min), ",", itoa(x.Max), "}")
			}
			p.opt(x.Reluctant, "?")
		})
	}
}
