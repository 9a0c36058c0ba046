package ast

import (
	"strings"
)

// Print writes a statement, query, expression, table reference or type as Flink
// SQL on one line. Parsing the result gives the same tree but for the spans.
func Print(n Node) string { return print(&printer{}, n) }

func print(p *printer, n Node) string {
	switch n := n.(type) {
	case Stmt:
		p.stmt(n)
	case Query:
		p.query(n)
	case Expr:
		p.expr(n, 0)
	case TableRef:
		p.tableRef(n)
	case TypeName:
		p.typeName(n)
	case *SelectItem:
		p.selectItem(*n)
	case *OrderItem:
		p.orderItem(*n)
	case *Window:
		p.window(n)
	case *Schema:
		p.schema(n, "")
	case *Column:
		p.column(n)
	case *Ident:
		p.w(p.ident(n.Name))
	case Ident:
		p.w(p.ident(n.Name))
	case *Text:
		p.w(quote(n.Value))
	}
	return p.b.String()
}

type printer struct {
	b       strings.Builder
	flink   *Expansion // not nil: every name quoted, lines broken and words as Flink prints them
	aliased bool       // the table that follows has a name of its own
}

func (p *printer) w(s ...string) {
	for _, x := range s {
		p.b.WriteString(x)
	}
}

// opt writes s if on.
func (p *printer) opt(on bool, s string) {
	if on {
		p.b.WriteString(s)
	}
}

// each calls f for 0..n-1 with commas between.
func (p *printer) each(n int, f func(i int)) {
	for i := range n {
		p.opt(i > 0, ", ")
		f(i)
	}
}

func (p *printer) exprs(xs []Expr) { p.each(len(xs), func(i int) { p.expr(xs[i], 0) }) }

// ident quotes a name if it needs to be.
func (p *printer) ident(s string) string {
	if p.flink != nil {
		return "`" + strings.ReplaceAll(s, "`", "``") + "`"
	}
	if plainIdent(s) && !Reserved(s) {
		return s
	}
	return "`" + strings.ReplaceAll(s, "`", "``") + "`"
}

func plainIdent(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
		case i > 0 && (c == '$' || c >= '0' && c <= '9'):
		default:
			return false
		}
	}
	return s != ""
}

func (p *printer) idents(ids []Ident) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = p.ident(id.Name)
	}
	return strings.Join(s, ", ")
}

func (p *printer) path(n *Name) string {
	s := make([]string, len(n.Parts))
	for i, id := range n.Parts {
		s[i] = p.ident(id.Name)
	}
	return strings.Join(s, ".")
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (p *printer) options(opts []Option) {
	p.w("(")
	p.each(len(opts), func(i int) { p.w(quote(opts[i].Key.Value), " = ", quote(opts[i].Value.Value)) })
	p.w(")")
}

func (p *printer) with(opts []Option) {
	if len(opts) > 0 {
		p.w(" WITH ")
		p.options(opts)
	}
}

func (p *printer) comment(t *Text) {
	if t != nil {
		p.w(" COMMENT ", quote(t.Value))
	}
}

func (p *printer) hints(hints []Hint) {
	if len(hints) == 0 {
		return
	}
	p.w(" /*+ ")
	p.each(len(hints), func(i int) {
		h := hints[i]
		p.w(p.ident(h.Name.Name))
		if len(h.Args) == 0 {
			return
		}
		p.w("(")
		p.each(len(h.Args), func(i int) {
			a := h.Args[i]
			if a.Key.Value != "" {
				p.w(quote(a.Key.Value), " = ")
			}
			if !a.Ident {
				p.w(quote(a.Value.Value))
				return
			}
			p.w("`", strings.ReplaceAll(a.Value.Value, "`", "``"), "`")
		})
		p.w(")")
	})
	p.w(" */")
}

func (p *printer) typeName(t TypeName) {
	switch t := t.(type) {
	case *ScalarType:
		if p.flink != nil && t.Name == "INT" {
			p.w("INTEGER")
			break
		}
		p.w(t.Name)
		if len(t.Args) > 0 {
			p.w("(")
			p.each(len(t.Args), func(i int) { p.w(itoa(t.Args[i])) })
			p.w(")")
		}
	case *IntervalType:
		p.w("INTERVAL ")
		p.unit(t.Unit)
	case *ArrayType:
		p.w("ARRAY<")
		p.typeName(t.Elem)
		p.w(">")
	case *MultisetType:
		p.w("MULTISET<")
		p.typeName(t.Elem)
		p.w(">")
	case *MapType:
		p.w("MAP<")
		p.typeName(t.Key)
		p.w(", ")
		p.typeName(t.Value)
		p.w(">")
	case *RowType:
		p.w("ROW<")
		p.each(len(t.Fields), func(i int) { p.field(t.Fields[i]) })
		p.w(">")
	case *StructuredType:
		p.w("STRUCTURED<", quote(t.Class.Value))
		for _, f := range t.Fields {
			p.w(", ")
			p.field(f)
		}
		p.w(">")
	case *RawType:
		p.w("RAW(", quote(t.Class.Value), ", ", quote(t.Snapshot.Value), ")")
	}
	if n := t.Nullability(); n != NullUnspecified {
		p.w(" ", string(n))
	}
}

func (p *printer) field(f FieldDef) {
	p.w(p.ident(f.Name.Name), " ")
	p.typeName(f.Type)
	if f.Comment != nil {
		p.w(" ", quote(f.Comment.Value))
	}
}

func (p *printer) unit(u IntervalUnit) {
	p.w(u.From)
	switch {
	case u.From == "SECOND" && u.Fraction >= 0:
		p.w("(", itoa(u.Precision), ", ", itoa(u.Fraction), ")")
	case u.Precision >= 0:
		p.w("(", itoa(u.Precision), ")")
	}
	if u.To != "" {
		p.w(" TO ", u.To)
		if u.From != "SECOND" && u.Fraction >= 0 {
			p.w("(", itoa(u.Fraction), ")")
		}
	}
}
