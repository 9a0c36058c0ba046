package ast

import (
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Binding powers as in the parser; a node of a weaker one gets parentheses.
const (
	precOr = iota + 1
	precAnd
	precNot
	precIs
	precCompare
	precRange
	precSet
	precAdd
	precMul
	precUnary
	precPrimary
)

func prec(x Expr) int {
	switch x := x.(type) {
	case *Binary:
		switch x.Op {
		case "OR":
			return precOr
		case "AND":
			return precAnd
		case "+", "-":
			return precAdd
		case "*", "/", "%", "||":
			return precMul
		}
		if strings.HasPrefix(x.Op, "MULTISET ") {
			return precSet
		}
		return precCompare
	case *Unary:
		if x.Op == "NOT" {
			return precNot
		}
		return precUnary
	case *Is, *Distinct:
		return precIs
	case *Quantified:
		return precCompare
	case *Between, *In, *Like:
		return precRange
	}
	return precPrimary
}

// expr writes x, in parentheses if it binds more weakly than least.
func (p *printer) expr(x Expr, least int) {
	if prec(x) < least {
		p.w("(")
		p.bare(x)
		p.w(")")
		return
	}
	p.bare(x)
}

func (p *printer) not(on bool) { p.opt(on, "NOT ") }

func (p *printer) bare(x Expr) {
	switch x := x.(type) {
	case *Name:
		p.w(p.path(x))
	case *Star:
		if p.flink.star(p, x) {
			break
		}
		for _, q := range x.Qualifier {
			p.w(p.ident(q.Name), ".")
		}
		p.w("*")
	case *Unary:
		p.w(x.Op)
		p.opt(len(x.Op) > 1 || p.flink != nil, " ")
		if x.Op == "NOT" {
			p.expr(x.X, precNot)
		} else if u, ok := x.X.(*Unary); ok && u.Op != "NOT" { // --x would be a comment
			p.w("(")
			p.bare(u)
			p.w(")")
		} else {
			p.expr(x.X, precUnary)
		}
	case *Binary:
		q := prec(x)
		p.expr(x.L, q)
		p.w(" ", x.Op, " ")
		p.expr(x.R, q+1)
	case *Is:
		p.expr(x.X, precIs)
		p.w(" IS ")
		p.not(x.Not)
		p.w(x.Kind)
	case *Distinct:
		p.expr(x.L, precIs)
		p.w(" IS ")
		p.not(x.Not)
		p.w("DISTINCT FROM ")
		p.expr(x.R, precCompare)
	case *Between:
		p.expr(x.X, precRange)
		p.w(" ")
		p.not(x.Not)
		p.w("BETWEEN ")
		p.opt(x.Symmetric, "SYMMETRIC ")
		p.opt(!x.Symmetric && p.flink != nil, "ASYMMETRIC ")
		p.expr(x.Lo, precRange+1)
		p.w(" AND ")
		p.expr(x.Hi, precRange+1)
	case *In:
		p.expr(x.X, precRange)
		p.w(" ")
		p.not(x.Not)
		p.w("IN (")
		p.listOrQuery(x.List, x.Query)
		p.w(")")
	case *Quantified:
		p.expr(x.X, precCompare)
		p.w(" ", x.Op, " ", map[bool]string{true: "ALL", false: "ANY"}[x.All], " (")
		p.listOrQuery(x.List, x.Query)
		p.w(")")
	case *Like:
		p.expr(x.X, precRange)
		p.w(" ")
		p.not(x.Not)
		p.w(x.Op, " ")
		p.expr(x.Pattern, precRange+1)
		if x.Escape != nil {
			p.w(" ESCAPE ")
			p.expr(x.Escape, precRange+1)
		}
	case *Case:
		p.caseExpr(x)
	case *Cast:
		p.opt(x.Try, "TRY_")
		p.w("CAST(")
		p.expr(x.X, 0)
		p.w(" AS ")
		p.typeName(x.Type)
		p.w(")")
	case *Call:
		p.call(x)
	default:
		p.leaf(x)
	}
}

// leaf writes the forms that never need parentheses.
func (p *printer) leaf(x Expr) {
	switch x := x.(type) {
	case *NamedArg:
		p.w(p.ident(x.Name.Name), " => ")
		p.expr(x.Value, 0)
	case *TableArg:
		p.tableArg(x)
	case *ModelArg:
		p.w("MODEL ", p.path(x.Name))
	case *Descriptor:
		p.w("DESCRIPTOR(")
		p.each(len(x.Columns), func(i int) { p.w(p.path(x.Columns[i])) })
		p.w(")")
	case *Default:
		p.w("DEFAULT")
	case *Row:
		p.w("ROW(")
		p.exprs(x.Items)
		p.w(")")
	case *Array:
		p.collection("ARRAY", x.Items, x.Query)
	case *Map:
		p.collection("MAP", x.Items, x.Query)
	case *Multiset:
		p.collection("MULTISET", x.Items, x.Query)
	case *Index:
		p.expr(x.X, precPrimary)
		p.w("[")
		p.expr(x.I, 0)
		p.w("]")
	case *Field:
		if n, ok := x.X.(*Name); ok {
			p.w("(", p.path(n), ")")
		} else if _, ok := x.X.(*Number); ok {
			p.w("(")
			p.bare(x.X)
			p.w(")")
		} else {
			p.expr(x.X, precPrimary)
		}
		p.w(".", p.ident(x.Name.Name))
	case *Exists:
		p.w(map[bool]string{true: "UNIQUE (", false: "EXISTS ("}[x.Unique])
		p.query(x.Query)
		p.w(")")
	case *Subquery:
		p.w("(")
		p.query(x.Query)
		p.w(")")
	case *MinusInterval:
		p.w("(")
		p.expr(x.L, precAdd)
		p.w(" - ")
		p.expr(x.R, precAdd+1)
		p.w(") ")
		p.unit(x.Unit)
	default:
		p.literal(x)
	}
}

func (p *printer) literal(x Expr) {
	switch x := x.(type) {
	case *Param:
		p.w("?")
	case *Number:
		if p.flink != nil {
			p.w(strings.ToUpper(x.Text))
			break
		}
		p.w(x.Text)
	case *String:
		p.w(quote(x.Value))
	case *Bytes:
		p.w("X'", x.Hex, "'")
	case *Bool:
		p.w(map[bool]string{true: "TRUE", false: "FALSE"}[x.Value])
	case *Null:
		p.w("NULL")
	case *Unknown:
		p.w("UNKNOWN")
	case *Time:
		kind := x.Kind
		if kind == "TIMESTAMP_LTZ" || kind == "TIME_LTZ" {
			kind = strings.TrimSuffix(kind, "_LTZ") + " WITH LOCAL TIME ZONE"
		}
		p.w(kind, " ", quote(x.Value))
	case *Interval:
		p.w("INTERVAL ")
		p.opt(x.Neg, "-")
		switch x.Value.(type) {
		case *String, *Number, *Name:
			p.bare(x.Value)
		case *Subquery, *Row:
			p.bare(x.Value)
		default:
			p.w("(")
			p.bare(x.Value)
			p.w(")")
		}
		p.w(" ")
		p.unit(x.Unit)
	}
}

func (p *printer) listOrQuery(list []Expr, q Query) {
	if q != nil {
		p.query(q)
		return
	}
	p.exprs(list)
}

func (p *printer) collection(word string, items []Expr, q Query) {
	if q != nil {
		p.w(word, "(")
		p.query(q)
		p.w(")")
		return
	}
	p.w(word, "[")
	p.exprs(items)
	p.w("]")
}

func (p *printer) caseExpr(x *Case) {
	p.w("CASE")
	if x.Operand != nil {
		p.w(" ")
		p.expr(x.Operand, 0)
	}
	for _, w := range x.Whens {
		p.w(" WHEN ")
		p.exprs(w.Conds)
		p.w(" THEN ")
		p.expr(w.Result, 0)
	}
	if x.Else != nil {
		p.w(" ELSE ")
		p.expr(x.Else, 0)
	}
	p.w(" END")
}

func (p *printer) tableArg(x *TableArg) {
	if x.Query != nil {
		p.w("(")
		p.query(x.Query)
		p.w(")")
	} else {
		p.w("TABLE ")
		p.aliased = true
		p.tableRef(x.Table)
		p.aliased = false
	}
	if len(x.PartitionBy) > 0 {
		p.w(" PARTITION BY (")
		p.exprs(x.PartitionBy)
		p.w(")")
	}
	if len(x.OrderBy) > 0 {
		p.w(" ORDER BY (")
		p.each(len(x.OrderBy), func(i int) { p.orderItem(x.OrderBy[i]) })
		p.w(")")
	}
}
