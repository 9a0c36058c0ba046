package mysql

import (
	"fmt"
	"strconv"
	"strings"

	tast "github.com/pingcap/tidb/pkg/parser/ast"
	tmysql "github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/parser/opcode"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
	ttypes "github.com/pingcap/tidb/pkg/parser/types"

	"github.com/millrace/millrace/parser/ast"
)

func (t *translator) exprs(ns []tast.ExprNode) []ast.Expr {
	var out []ast.Expr
	for _, n := range ns {
		out = append(out, t.expr(n))
	}
	return out
}

var operators = map[opcode.Op]string{opcode.LogicAnd: "AND", opcode.LogicOr: "OR", opcode.EQ: "=", opcode.NE: "<>", opcode.LT: "<", opcode.LE: "<=",
	opcode.GT: ">", opcode.GE: ">=", opcode.Plus: "+", opcode.Minus: "-", opcode.Mul: "*", opcode.Div: "/", opcode.Mod: "%"}

// expr translates an expression.
func (t *translator) expr(n tast.ExprNode) ast.Expr {
	near := t.near
	t.move(n)
	defer func() { t.near = near }()
	pos := t.at("")
	switch n := n.(type) {
	case *driver.ValueExpr:
		return t.literal(n)
	case *tast.ColumnNameExpr:
		return t.column(n.Name)
	case *tast.ParenthesesExpr:
		return t.expr(n.Expr)
	case *tast.BinaryOperationExpr:
		l, r := t.expr(n.L), t.expr(n.R)
		pos = ast.Pos{At: l.Span().To(r.Span())}
		if n.Op == opcode.NullEQ {
			return &ast.Distinct{Pos: pos, L: l, R: r, Not: true}
		}
		op, ok := operators[n.Op]
		if !ok {
			t.unsupported("operator " + n.Op.String())
		}
		return &ast.Binary{Pos: pos, Op: op, L: l, R: r}
	case *tast.UnaryOperationExpr:
		op := map[opcode.Op]string{opcode.Minus: "-", opcode.Plus: "+", opcode.Not: "NOT", opcode.Not2: "NOT"}[n.Op]
		if op == "" {
			t.unsupported("operator " + n.Op.String())
		}
		x := t.expr(n.V)
		if e, ok := x.(*ast.Exists); ok && op == "NOT" {
			return &ast.Unary{Pos: pos, Op: op, X: e}
		}
		return &ast.Unary{Pos: pos, Op: op, X: x}
	case *tast.BetweenExpr:
		return &ast.Between{Pos: pos, X: t.expr(n.Expr), Lo: t.expr(n.Left), Hi: t.expr(n.Right), Not: n.Not}
	case *tast.PatternInExpr:
		in := &ast.In{Pos: pos, X: t.expr(n.Expr), Not: n.Not}
		if n.Sel != nil {
			in.Query = t.query(n.Sel)
		} else {
			in.List = t.exprs(n.List)
		}
		return in
	case *tast.PatternLikeOrIlikeExpr:
		l := &ast.Like{Pos: pos, Op: "LIKE", X: t.expr(n.Expr), Pattern: t.expr(n.Pattern), Not: n.Not}
		if n.EscapeExplicit {
			l.Escape = &ast.String{Pos: pos, Value: string(rune(n.Escape))}
		}
		return l
	case *tast.PatternRegexpExpr:
		return t.negated(n.Not, pos, t.call(pos, "REGEXP", t.expr(n.Expr), t.expr(n.Pattern)))
	case *tast.IsNullExpr:
		return &ast.Is{Pos: pos, X: t.expr(n.Expr), Not: n.Not, Kind: "NULL"}
	case *tast.IsTruthExpr:
		return &ast.Is{Pos: pos, X: t.expr(n.Expr), Not: n.Not, Kind: map[bool]string{true: "TRUE", false: "FALSE"}[n.True != 0]}
	case *tast.CaseExpr:
		c := &ast.Case{Pos: pos}
		if n.Value != nil {
			c.Operand = t.expr(n.Value)
		}
		for _, w := range n.WhenClauses {
			c.Whens = append(c.Whens, ast.When{Pos: pos, Conds: []ast.Expr{t.expr(w.Expr)}, Result: t.expr(w.Result)})
		}
		if n.ElseClause != nil {
			c.Else = t.expr(n.ElseClause)
		}
		return c
	case *tast.SubqueryExpr:
		return &ast.Subquery{Pos: pos, Query: t.query(n.Query)}
	case *tast.ExistsSubqueryExpr:
		return t.negated(n.Not, pos, &ast.Exists{Pos: pos, Query: t.query(n.Sel)})
	case *tast.CompareSubqueryExpr:
		return &ast.Quantified{Pos: pos, X: t.expr(n.L), Op: operators[n.Op], All: n.All, Query: t.query(n.R)}
	case *tast.RowExpr:
		return &ast.Row{Pos: pos, Items: t.exprs(n.Values)}
	case *tast.DefaultExpr:
		return &ast.Default{Pos: pos}
	case *tast.FuncCastExpr:
		return &ast.Cast{Pos: pos, X: t.expr(n.Expr), Type: t.castType(pos, n.Tp)}
	case *tast.FuncCallExpr:
		return t.function(n)
	case *tast.AggregateFuncExpr:
		return t.aggregate(pos, n)
	case *tast.WindowFuncExpr:
		c := t.call(pos, strings.ToUpper(n.Name), t.exprs(n.Args)...)
		c.Distinct, c.Over = n.Distinct, t.window(&n.Spec)
		if n.IgnoreNull {
			c.Nulls = "IGNORE"
		}
		t.countStar(c)
		return c
	}
	t.unsupported(fmt.Sprintf("%T", n)[len("*ast."):])
	return nil
}

func (t *translator) negated(not bool, pos ast.Pos, x ast.Expr) ast.Expr {
	if not {
		return &ast.Unary{Pos: pos, Op: "NOT", X: x}
	}
	return x
}

func (t *translator) call(pos ast.Pos, name string, args ...ast.Expr) *ast.Call {
	return &ast.Call{Pos: pos, Name: &ast.Name{Pos: pos, Parts: []ast.Ident{{Pos: pos, Name: name}}}, Args: args}
}

func (t *translator) literal(v *driver.ValueExpr) ast.Expr {
	pos := t.at("")
	number := func(s string) ast.Expr { return &ast.Number{Pos: t.at(s), Text: s} }
	signed := func(s string) ast.Expr {
		if rest, neg := strings.CutPrefix(s, "-"); neg {
			return &ast.Unary{Pos: pos, Op: "-", X: number(rest)}
		}
		return number(s)
	}
	switch x := v.GetValue().(type) {
	case nil:
		return &ast.Null{Pos: t.at("NULL")}
	case int64:
		if v.GetType().GetFlag()&tmysql.IsBooleanFlag != 0 {
			return &ast.Bool{Pos: pos, Value: x != 0}
		}
		return signed(strconv.FormatInt(x, 10))
	case uint64:
		return number(strconv.FormatUint(x, 10))
	case float64:
		s := strings.Replace(strings.Replace(strconv.FormatFloat(x, 'E', -1, 64), "E+0", "E", 1), "E-0", "E-", 1)
		return signed(strings.Replace(s, "E+", "E", 1))
	case *driver.MyDecimal:
		return signed(x.String())
	case string:
		return &ast.String{Pos: pos, Value: x}
	case driver.BinaryLiteral:
		return &ast.Bytes{Pos: pos, Hex: fmt.Sprintf("%X", []byte(x))}
	}
	t.unsupported("this literal")
	return nil
}

// castType is the target of MySQL's CAST.
func (t *translator) castType(pos ast.Pos, f *ttypes.FieldType) ast.TypeName {
	s := &ast.ScalarType{TypePos: ast.TypePos{Pos: pos}}
	length := func(def string, named string) {
		s.Name = def
		if n := f.GetFlen(); n > 0 && named != "" {
			s.Name, s.Args = named, []int{n}
		}
	}
	switch f.GetType() {
	case tmysql.TypeLonglong, tmysql.TypeLong:
		s.Name = "BIGINT"
		if f.GetFlag()&tmysql.UnsignedFlag != 0 {
			s.Name, s.Args = "DECIMAL", []int{20, 0}
		}
	case tmysql.TypeNewDecimal:
		s.Name, s.Args = "DECIMAL", []int{max(f.GetFlen(), 1), max(f.GetDecimal(), 0)}
	case tmysql.TypeDouble:
		s.Name = "DOUBLE"
	case tmysql.TypeFloat:
		s.Name = "FLOAT"
	case tmysql.TypeDate:
		s.Name = "DATE"
	case tmysql.TypeDuration:
		s.Name = "TIME"
	case tmysql.TypeDatetime, tmysql.TypeTimestamp:
		s.Name, s.Args = "TIMESTAMP", []int{max(f.GetDecimal(), 0)}
	case tmysql.TypeString, tmysql.TypeVarString, tmysql.TypeVarchar:
		if f.GetCharset() == "binary" {
			length("BYTES", "VARBINARY")
		} else {
			length("STRING", "VARCHAR")
		}
	case tmysql.TypeJSON:
		s.Name = "STRING"
	default:
		t.unsupported("CAST to " + f.String())
	}
	return s
}

// keywords are functions that MySQL calls with parentheses and Flink without.
var keywords = map[string]string{"current_timestamp": "CURRENT_TIMESTAMP", "current_date": "CURRENT_DATE", "curdate": "CURRENT_DATE",
	"current_time": "CURRENT_TIME", "curtime": "CURRENT_TIME", "localtime": "LOCALTIMESTAMP", "localtimestamp": "LOCALTIMESTAMP"}

// renamed are functions that Flink has by another name.
var renamed = map[string]string{"lcase": "LOWER", "ucase": "UPPER", "substr": "SUBSTRING", "mid": "SUBSTRING", "ceiling": "CEIL", "pow": "POWER",
	"length": "OCTET_LENGTH", "character_length": "CHAR_LENGTH", "rlike": "REGEXP", "regexp_like": "REGEXP"}

func (t *translator) function(n *tast.FuncCallExpr) ast.Expr {
	name := n.FnName.L
	if i := strings.LastIndexByte(name, '('); i >= 0 { // how the parser marks literals of time
		name = name[i+1:]
	}
	pos := t.at(n.FnName.O)
	switch name {
	case "dateliteral", "timeliteral", "timestampliteral":
		s, _ := t.expr(n.Args[0]).(*ast.String)
		if s == nil {
			break
		}
		return &ast.Time{Pos: s.Pos, Kind: strings.ToUpper(strings.TrimSuffix(name, "literal")), Value: s.Value}
	case "date_add", "adddate", "date_sub", "subdate":
		if len(n.Args) != 3 {
			break
		}
		op := map[bool]string{true: "+", false: "-"}[strings.Contains(name, "add")]
		return &ast.Binary{Pos: pos, Op: op, L: t.expr(n.Args[0]), R: t.interval(n.Args[1], n.Args[2])}
	case "extract":
		c := t.call(pos, "EXTRACT", t.expr(n.Args[1]))
		c.Keyword = t.unit(n.Args[0])
		return c
	case "timestampdiff", "timestampadd":
		c := t.call(pos, strings.ToUpper(name), t.exprs(n.Args[1:])...)
		c.Keyword = t.unit(n.Args[0])
		return c
	case "trim":
		c := t.call(pos, "TRIM", t.expr(n.Args[0]))
		if len(n.Args) > 1 {
			if v, ok := n.Args[1].(*driver.ValueExpr); !ok || v.GetValue() != nil {
				c.Args = append(c.Args, t.expr(n.Args[1]))
			}
		}
		if len(n.Args) > 2 {
			if d, ok := n.Args[2].(*tast.TrimDirectionExpr); ok {
				c.Keyword = map[tast.TrimDirectionType]string{tast.TrimBoth: "BOTH", tast.TrimLeading: "LEADING", tast.TrimTrailing: "TRAILING"}[d.Direction]
			}
		}
		return c
	}
	if k := keywords[name]; k != "" && len(n.Args) == 0 {
		c := t.call(pos, k)
		c.NoParens = true
		return c
	}
	if r := renamed[name]; r != "" {
		return t.call(pos, r, t.exprs(n.Args)...)
	}
	return t.call(pos, n.FnName.O, t.exprs(n.Args)...)
}

func (t *translator) unit(n tast.ExprNode) string {
	u, ok := n.(*tast.TimeUnitExpr)
	if !ok || strings.Contains(u.Unit.String(), "_") {
		t.unsupported("this unit of time")
	}
	return u.Unit.String()
}

func (t *translator) interval(value, unit tast.ExprNode) ast.Expr {
	u := t.unit(unit)
	v := t.expr(value)
	if n, ok := v.(*ast.Number); ok {
		v = &ast.String{Pos: n.Pos, Value: n.Text}
	}
	return &ast.Interval{Pos: ast.Pos{At: v.Span()}, Value: v, Unit: ast.IntervalUnit{Pos: ast.Pos{At: v.Span()}, From: u, Precision: -1, Fraction: -1}}
}

func (t *translator) aggregate(pos ast.Pos, n *tast.AggregateFuncExpr) ast.Expr {
	name := strings.ToUpper(n.F)
	if name == "GROUP_CONCAT" {
		name = "LISTAGG" // its last argument is the separator there too
	}
	c := t.call(pos, name, t.exprs(n.Args)...)
	c.Distinct = n.Distinct
	if n.Order != nil {
		c.OrderBy = t.items(n.Order.Items)
	}
	t.countStar(c)
	return c
}

// countStar makes COUNT(1), as the parser reads COUNT(*), COUNT(*) again.
func (t *translator) countStar(c *ast.Call) {
	if c.Name.Last().Name == "COUNT" && len(c.Args) == 1 && !c.Distinct {
		if n, ok := c.Args[0].(*ast.Number); ok && n.Text == "1" {
			c.Args, c.Star = nil, true
		}
	}
}

// window translates an OVER clause or a WINDOW definition.
func (t *translator) window(s *tast.WindowSpec) *ast.Window {
	w := &ast.Window{Pos: t.at("")}
	if s.OnlyAlias {
		id := t.ident(s.Name.O)
		w.Name, w.Bare = &id, true
		return w
	}
	if s.Ref.O != "" {
		id := t.ident(s.Ref.O)
		w.Name = &id
	}
	if s.PartitionBy != nil {
		for _, x := range s.PartitionBy.Items {
			w.PartitionBy = append(w.PartitionBy, t.expr(x.Expr))
		}
	}
	if s.OrderBy != nil {
		w.OrderBy = t.items(s.OrderBy.Items)
	}
	if f := s.Frame; f != nil {
		frame := &ast.Frame{Pos: t.at(""), Unit: map[tast.FrameType]string{tast.Rows: "ROWS", tast.Ranges: "RANGE", tast.Groups: "GROUPS"}[f.Type]}
		frame.Start = t.bound(&f.Extent.Start)
		end := t.bound(&f.Extent.End)
		frame.End = &end
		w.Frame = frame
	}
	return w
}

func (t *translator) bound(b *tast.FrameBound) ast.Bound {
	out := ast.Bound{Pos: t.at("")}
	switch {
	case b.Type == tast.CurrentRow:
		out.Kind = ast.CurrentRow
	case b.Type == tast.Preceding && b.UnBounded:
		out.Kind = ast.UnboundedPreceding
	case b.Type == tast.Following && b.UnBounded:
		out.Kind = ast.UnboundedFollowing
	default:
		out.Kind = map[bool]ast.BoundKind{true: ast.Preceding, false: ast.Following}[b.Type == tast.Preceding]
		if b.Unit != tast.TimeUnitInvalid {
			out.Expr = t.interval(b.Expr, &tast.TimeUnitExpr{Unit: b.Unit})
		} else {
			out.Expr = t.expr(b.Expr)
		}
	}
	return out
}
