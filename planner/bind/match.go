package bind

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// matcher binds MATCH_RECOGNIZE. A column behind a pattern variable (A.price), an
// unqualified one (of any variable), FIRST, LAST and aggregates become navigations,
// which the conditions and measures refer to by number. What they read of a row is
// projected below the node.
type matcher struct {
	b     *Binder
	in    *relation
	plain *scope            // the input's columns, without a table's name
	vars  map[string]uint64 // by name of a variable or a SUBSET
	names []string
	all   uint64
	time  int // the column of Order[0] in below

	below []expr.Expr
	navs  []logical.Nav

	defines bool    // a condition is bound, not a measure
	inside  *nested // the operand of FIRST, LAST or an aggregate is bound
}

// nested is what an operand was seen to read.
type nested struct {
	of   string
	call sqlerr.Span
	vars uint64
	seen bool
	end  *logical.Nav // of FIRST and LAST: what each column becomes
}

const maxVariables = 60

// match binds MATCH_RECOGNIZE.
func (b *Binder) match(r *ast.MatchRecognize) *relation {
	if r.RowsPer == "ALL ROWS" {
		unsupported(r.Span(), "ALL ROWS PER MATCH")
	}
	if r.AnchorStart || r.AnchorEnd {
		unsupported(r.Pattern.Span(), "the anchors ^ and $ of a pattern")
	}
	m := &matcher{b: b, in: b.ref(r.Ref), vars: map[string]uint64{}, plain: &scope{}}
	for _, c := range m.in.scope.cols {
		c.table = ""
		m.plain.cols = append(m.plain.cols, c)
	}
	n := &logical.Match{Base: logical.Base{Out: &types.Schema{}, At: r.Span()}, Pattern: m.pattern(r.Pattern)}
	out := &scope{}
	add := func(name string, t types.Type, at sqlerr.Span) {
		for _, c := range out.cols {
			if c.name == name {
				failf(sqlerr.Invalid, at, "Columns ambiguously defined: {%s}", name)
			}
		}
		n.Out.Fields = append(n.Out.Fields, types.Field{Name: name, Type: t})
		out.cols = append(out.cols, scopeColumn{name: name, t: t})
	}
	x := &exprBinder{b: b, scope: m.in.scope}
	for _, p := range r.PartitionBy {
		name, ok := p.(*ast.Name)
		if !ok {
			unsupported(p.Span(), "PARTITION BY an expression")
		}
		e := x.bind(p)
		n.Partition = append(n.Partition, m.col(e))
		add(name.Last().Name, e.Type(), p.Span())
	}
	m.order(r, n, x)
	m.subsets(r.Subsets)
	n.Skip = m.skip(r.Skip)
	if r.Within != nil {
		n.Within = m.within(r.Within)
	}
	over := &exprBinder{b: b, scope: m.plain, match: m}
	m.define(r.Define, n, over)
	if len(r.Measures) == 0 {
		failf(sqlerr.Invalid, r.Span(), "MATCH_RECOGNIZE needs MEASURES")
	}
	for _, x := range r.Measures {
		e := over.bind(x.Expr)
		t := e.Type()
		if c, ok := e.(*expr.Column); !ok || c.T.Attr == types.NoTimeAttr {
			if t.Attr == types.Rowtime {
				t = t.Plain()
			}
		}
		n.Measures = append(n.Measures, e)
		add(x.Name.Name, t, x.Span())
	}
	names := make([]string, len(m.below))
	for i, e := range m.below {
		names[i] = "$" + strconv.Itoa(i)
		if c, ok := e.(*expr.Column); ok {
			names[i] = c.Name
		}
	}
	n.Input, n.Navs = project(m.in.node, m.below, unique(names), r.Span()), m.navs
	return &relation{node: n, scope: out}
}

// pattern flattens a pattern into variables, and refuses what isn't a sequence of
// quantified variables.
func (m *matcher) pattern(p ast.Pattern) []logical.PatternVar {
	var out []logical.PatternVar
	var walk func(p ast.Pattern)
	walk = func(p ast.Pattern) {
		switch p := p.(type) {
		case *ast.PatternSeq:
			for _, i := range p.Items {
				walk(i)
			}
			return
		case *ast.PatternVar:
			out = append(out, m.variable(p, 1, 1, true))
		case *ast.PatternRepeat:
			v, ok := p.Item.(*ast.PatternVar)
			if !ok {
				unsupported(p.Span(), "a quantifier behind a group of a pattern")
			}
			if p.Max == 0 {
				failf(sqlerr.Invalid, p.Span(), "%s can't occur: the quantifier's upper bound is 0", v.Name.Name)
			}
			if p.Reluctant && p.Min == 0 && p.Max == 1 {
				unsupported(p.Span(), "Reluctant optional variables")
			}
			before := len(out) - 1
			if optional := p.Min == 0 && (p.Max == 1 || p.Max < 0); optional && before >= 0 && blocks(out[before]) {
				failf(sqlerr.Invalid, p.Span(), "Optional pattern cannot be preceded by greedy pattern")
			}
			out = append(out, m.variable(v, p.Min, p.Max, !p.Reluctant))
		case *ast.PatternAlt:
			unsupported(p.Span(), "alternation in a pattern")
		case *ast.PatternPermute:
			unsupported(p.Span(), "PERMUTE in a pattern")
		case *ast.PatternExclude:
			unsupported(p.Span(), "exclusion {- -} in a pattern")
		default:
			unsupported(p.Span(), "this pattern")
		}
	}
	walk(p)
	least := 0
	for _, v := range out {
		least += v.Min
	}
	if least == 0 {
		failf(sqlerr.Invalid, p.Span(), "Patterns that can produce empty matches are not supported. There must be at least one non-optional state.")
	}
	if blocks(out[len(out)-1]) {
		failf(sqlerr.Invalid, p.Span(), "Greedy quantifiers are not allowed as the last element of a Pattern yet. Finish your pattern with either a simple variable or reluctant quantifier.")
	}
	m.all = 1<<len(out) - 1
	return out
}

// blocks says that a row which suits v isn't offered to the variable behind it.
func blocks(v logical.PatternVar) bool {
	return v.Greedy && v.Min != v.Max && !(v.Min == 0 && v.Max == 1)
}

func (m *matcher) variable(p *ast.PatternVar, least, most int, greedy bool) logical.PatternVar {
	if m.vars[p.Name.Name] != 0 {
		failf(sqlerr.Invalid, p.Span(), "Pattern variables must be unique. That might change in the future.")
	}
	if len(m.names) == maxVariables {
		unsupported(p.Span(), "more than "+strconv.Itoa(maxVariables)+" pattern variables")
	}
	m.vars[p.Name.Name] = 1 << len(m.names)
	m.names = append(m.names, p.Name.Name)
	return logical.PatternVar{Name: p.Name.Name, Min: least, Max: most, Greedy: greedy}
}

// order binds ORDER BY: a time, then anything.
func (m *matcher) order(r *ast.MatchRecognize, n *logical.Match, x *exprBinder) {
	if len(r.OrderBy) == 0 {
		failf(sqlerr.Invalid, r.Span(), "You must specify either rowtime or proctime for order by.")
	}
	for i, o := range r.OrderBy {
		e := x.bind(o.Expr)
		if i == 0 {
			t := e.Type()
			if _, ok := e.(*expr.Column); !ok || !t.IsTimestamp() || m.b.Streaming && t.Attr == types.NoTimeAttr {
				failf(sqlerr.Invalid, o.Span(), "You must specify either rowtime or proctime for order by as the first one.")
			}
			if o.Desc {
				failf(sqlerr.Invalid, o.Span(), "Primary sort order of a streaming table must be ascending on time.")
			}
			m.time = m.col(e)
		}
		last := o.Desc
		if o.Nulls != "" {
			last = o.Nulls == "LAST"
		}
		n.Order = append(n.Order, batch.Order{Col: m.col(e), Desc: o.Desc, NullsLast: last})
	}
}

func (m *matcher) subsets(list []ast.Subset) {
	for _, s := range list {
		var set uint64
		for _, v := range s.Vars {
			bit := m.vars[v.Name]
			if bit == 0 {
				failf(sqlerr.NotFound, v.Span(), "Unknown pattern '%s'%s", v.Name, sqlerr.DidYouMean(v.Name, m.names))
			}
			set |= bit
		}
		if m.vars[s.Name.Name] != 0 {
			failf(sqlerr.Invalid, s.Span(), "Pattern variable '%s' has already been defined", s.Name.Name)
		}
		m.vars[s.Name.Name] = set
	}
}

// skip binds AFTER MATCH; without one Flink goes on at the next row.
func (m *matcher) skip(s *ast.Skip) logical.Skip {
	if s == nil {
		return logical.Skip{}
	}
	kind := map[string]logical.SkipKind{"PAST LAST ROW": logical.SkipPastLastRow, "TO NEXT ROW": logical.SkipToNextRow,
		"TO FIRST": logical.SkipToFirst, "TO LAST": logical.SkipToLast}[s.Kind]
	out := logical.Skip{Kind: kind}
	if s.Var != nil {
		out.Var = -1
		for i, n := range m.names {
			if n == s.Var.Name {
				out.Var = i
			}
		}
		if out.Var < 0 {
			failf(sqlerr.NotFound, s.Var.Span(), "Unknown pattern '%s'%s", s.Var.Name, sqlerr.DidYouMean(s.Var.Name, m.names))
		}
	}
	return out
}

// within is the length of WITHIN in ms; one that isn't positive sets no limit, as
// in Flink.
func (m *matcher) within(e ast.Expr) int64 {
	b := (&exprBinder{b: m.b, scope: &scope{}}).bind(e)
	c, ok := b.(*expr.Const)
	if !ok || c.T.Kind != types.IntervalDT || c.Value.Null(0) {
		failf(sqlerr.Invalid, e.Span(), "Only constant intervals with millisecond resolution are supported as time constraints of patterns.")
	}
	return max(c.Value.I64[0], 0)
}

// define binds the conditions. A name that isn't in the pattern may be defined and
// never gets a row.
func (m *matcher) define(list []ast.Definition, n *logical.Match, x *exprBinder) {
	m.defines = true
	defer func() { m.defines = false }()
	seen := map[string]bool{}
	for _, d := range list {
		if seen[d.Var.Name] {
			failf(sqlerr.Invalid, d.Span(), "Pattern variable '%s' has already been defined", d.Var.Name)
		}
		seen[d.Var.Name] = true
		if m.vars[d.Var.Name] == 0 {
			m.vars[d.Var.Name] = 1 << 63
		}
	}
	for _, d := range list {
		cond := x.condition(d.Cond, "DEFINE")
		for i, v := range m.names {
			if v == d.Var.Name {
				n.Pattern[i].Cond = cond
			}
		}
	}
}

// col is the column of an expression below the node.
func (m *matcher) col(e expr.Expr) int {
	for i, b := range m.below {
		if expr.Equal(b, e) {
			return i
		}
	}
	m.below = append(m.below, e)
	return len(m.below) - 1
}

// nav is the reference to a navigation, made once.
func (m *matcher) nav(v logical.Nav, name string, t types.Type, at sqlerr.Span) expr.Expr {
	for i, n := range m.navs {
		if n.Vars == v.Vars && v.Agg == nil && n.Agg == nil && n.Col == v.Col && n.First == v.First && n.Offset == v.Offset {
			return &expr.Column{Index: i, Name: name, T: t, At: at}
		}
	}
	m.navs = append(m.navs, v)
	return &expr.Column{Index: len(m.navs) - 1, Name: name, T: t, At: at}
}

// name binds a column: a navigation to the last row of its variable, or within an
// operand the column itself.
func (m *matcher) name(n *ast.Name) expr.Expr {
	set, rest := m.all, n
	if len(n.Parts) > 1 {
		if s := m.vars[n.Parts[0].Name]; s != 0 {
			set, rest = s, &ast.Name{Pos: n.Pos, Parts: n.Parts[1:]}
		} else if m.plain.find("", n.Parts[0].Name, n.Span()) < 0 {
			fail(sqlerr.New(sqlerr.NotFound, n.Span(), "Table '%s' not found%s", n.Parts[0].Name, sqlerr.DidYouMean(n.Parts[0].Name, m.names)).
				WithHint("in MEASURES and DEFINE a column is qualified with a pattern variable"))
		}
	}
	e := m.plain.resolve(rest)
	if m.inside == nil {
		return m.nav(logical.Nav{Vars: set, Col: m.col(e)}, n.String(), e.Type().Plain().Nullable(), n.Span())
	}
	if m.inside.seen && m.inside.vars != set {
		failf(sqlerr.Invalid, m.inside.call, "Multiple pattern variables in '%s'", m.inside.of)
	}
	m.inside.seen, m.inside.vars = true, set
	if v := m.inside.end; v != nil {
		v.Vars, v.Col = set, m.col(e)
		return m.nav(*v, n.String(), e.Type().Plain().Nullable(), n.Span())
	}
	return e
}

// call binds what means something of its own here, nil for other functions.
func (m *matcher) call(x *exprBinder, name string, e *ast.Call) expr.Expr {
	at := e.Span()
	switch name {
	case "FIRST", "LAST":
		return m.end(x, name, e)
	case "PREV", "NEXT", "CLASSIFIER", "MATCH_NUMBER":
		unsupported(at, name+" in MATCH_RECOGNIZE")
	case "MATCH_ROWTIME":
		return m.rowtime(e)
	case "MATCH_PROCTIME":
		return x.call("PROCTIME", nil, at)
	}
	fn := m.b.Functions.Aggregate(name)
	if fn == nil || m.b.Functions.Scalar(name) != nil {
		return nil
	}
	if m.inside != nil {
		failf(sqlerr.Invalid, at, "Cannot use aggregation in navigation '%s'", m.inside.of)
	}
	if e.Distinct {
		failf(sqlerr.Invalid, at, "DISTINCT/ALL not allowed with %s function", name)
	}
	if e.Filter != nil {
		unsupported(e.Filter.Span(), "FILTER in MATCH_RECOGNIZE")
	}
	return m.aggregate(x, fn, e)
}

func (m *matcher) aggregate(x *exprBinder, fn *functions.Aggregate, e *ast.Call) expr.Expr {
	m.inside = &nested{of: fn.Name, call: e.Span(), vars: m.all}
	a := x.aggregate(fn, e)
	set := m.inside.vars
	m.inside = nil
	c := &logical.AggCall{Fn: fn, Filter: -1, Order: a.order, T: a.result, Consts: a.consts, Name: fn.Name, At: e.Span()}
	for _, v := range a.values {
		c.Args = append(c.Args, m.col(v))
	}
	if !fn.Total {
		c.T = c.T.Nullable()
	}
	for i, n := range m.navs {
		if n.Vars == set && n.Agg != nil && sameCall(logical.OverCall{AggCall: *n.Agg}, logical.OverCall{AggCall: *c}) {
			return &expr.Column{Index: i, Name: c.Name, T: c.T, At: e.Span()}
		}
	}
	return m.nav(logical.Nav{Vars: set, Agg: c}, c.Name, c.T, e.Span())
}

// end binds FIRST and LAST: each column of the operand is that of the row they
// find, NULL when there is none.
func (m *matcher) end(x *exprBinder, name string, e *ast.Call) expr.Expr {
	if m.inside != nil {
		unsupported(e.Span(), name+" inside "+m.inside.of)
	}
	v := logical.Nav{First: name == "FIRST"}
	if len(e.Args) == 0 || len(e.Args) > 2 {
		failf(sqlerr.Invalid, e.Span(), "Invalid number of arguments to function '%s'. Was expecting 1 or 2 arguments", name)
	}
	if len(e.Args) == 2 {
		n, ok := e.Args[1].(*ast.Number)
		k, err := 0, error(nil)
		if ok {
			k, err = strconv.Atoi(n.Text)
		}
		if !ok || err != nil || k < 0 {
			failf(sqlerr.Invalid, e.Args[1].Span(), "the offset of %s is a whole number", name)
		}
		v.Offset = k
	}
	m.inside = &nested{of: name, call: e.Span(), vars: m.all, end: &v}
	defer func() { m.inside = nil }()
	return x.bind(e.Args[0])
}

// rowtime is the time of the last row, a time attribute again.
func (m *matcher) rowtime(e *ast.Call) expr.Expr {
	t := m.below[m.time].Type()
	if t.Attr == types.Proctime {
		unsupported(e.Span(), "MATCH_ROWTIME where rows are ordered by processing time")
	}
	attr := types.TimestampType(3)
	switch len(e.Args) {
	case 0:
	case 1:
		n, ok := e.Args[0].(*ast.Name)
		var c *expr.Column
		if ok {
			m.inside = &nested{of: "MATCH_ROWTIME", call: e.Span(), vars: m.all}
			c, ok = m.name(n).(*expr.Column)
			m.inside = nil
		}
		if !ok || c.T.Attr != types.Rowtime && m.b.Streaming {
			failf(sqlerr.Type, e.Args[0].Span(), "The function MATCH_ROWTIME requires argument to be a row time attribute type.")
		}
		attr.Kind = c.T.Kind
	default:
		failf(sqlerr.Invalid, e.Span(), "Invalid number of arguments to function 'MATCH_ROWTIME'. Was expecting 0 or 1 arguments")
	}
	attr.Attr = t.Attr
	if m.inside != nil {
		unsupported(e.Span(), "MATCH_ROWTIME inside "+m.inside.of)
	}
	if m.defines {
		attr = attr.Plain()
	}
	return m.nav(logical.Nav{Vars: m.all, Col: m.time}, "MATCH_ROWTIME", attr, e.Span())
}

// unary binds FINAL, which changes nothing where a match has one row.
func (m *matcher) unary(x *exprBinder, e *ast.Unary) expr.Expr {
	if m.defines {
		failf(sqlerr.Invalid, e.Span(), "Cannot use RUNNING/FINAL in DEFINE")
	}
	if strings.EqualFold(e.Op, "RUNNING") {
		unsupported(e.Span(), "RUNNING")
	}
	return x.bind(e.X)
}
