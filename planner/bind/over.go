package bind

import (
	"slices"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// overs collects the OVER calls of a SELECT. Their partition, order and argument
// expressions are projected below; a call is a placeholder column until finish.
type overs struct {
	s      *selection
	x      *exprBinder
	below  []expr.Expr
	groups []*logical.OverGroup
	keys   []string // what tells the groups apart
	calls  []placed
}

// placed is where a call went.
type placed struct{ group, call int }

const overBase = 1 << 22

var ranking = map[string]types.Type{
	"ROW_NUMBER": types.BigIntType, "RANK": types.BigIntType, "DENSE_RANK": types.BigIntType, "NTILE": types.BigIntType,
	"PERCENT_RANK": types.DoubleType, "CUME_DIST": types.DoubleType, "LAG": {}, "LEAD": {},
}

func (o *overs) call(x *exprBinder, name string, e *ast.Call) expr.Expr {
	w := o.windowOf(e.Over)
	g := &logical.OverGroup{Lower: logical.Bound{Unbounded: true}, Upper: logical.Bound{Current: true}}
	inner := *x
	inner.over = nil
	for _, p := range w.PartitionBy {
		g.Partition = append(g.Partition, o.col(inner.bind(p)))
	}
	for _, k := range w.OrderBy {
		last := k.Desc
		if k.Nulls != "" {
			last = k.Nulls == "LAST"
		}
		g.Order = append(g.Order, batch.Order{Col: o.col(inner.bind(k.Expr)), Desc: k.Desc, NullsLast: last})
	}
	if w.Frame != nil {
		o.frame(&inner, g, w.Frame)
	}
	c := logical.OverCall{AggCall: logical.AggCall{Name: name, Filter: -1, At: e.Span(), Distinct: e.Distinct}}
	var args []expr.Expr
	if t, ok := ranking[name]; ok {
		args = inner.all(e.Args)
		c.Rank, c.T, c.Consts = name, t.NotNullable(), argsOf(args)
		o.ranking(name, args, &c, e.Span())
		g.Rows, g.Lower, g.Upper = true, logical.Bound{Unbounded: true}, logical.Bound{Current: true}
	} else {
		fn := x.b.Functions.Aggregate(name)
		if fn == nil {
			failf(sqlerr.NotFound, e.Span(), "No match found for function signature %s", name)
		}
		if e.Filter != nil {
			failf(sqlerr.Invalid, e.Filter.Span(), "FILTER can't stand before OVER: OVER must be applied to aggregate function")
		}
		a := inner.aggregate(fn, e)
		args = a.values
		c.Fn, c.T, c.Consts, c.Order = fn, a.result, a.consts, a.order
	}
	for _, a := range args {
		c.Args = append(c.Args, o.col(a))
	}
	return o.place(g, c, e.Span())
}

// ranking checks the arguments of a ranking function and completes its type.
func (o *overs) ranking(name string, args []expr.Expr, c *logical.OverCall, at sqlerr.Span) {
	least, most := 0, 0
	switch name {
	case "LAG", "LEAD":
		least, most = 1, 3
	case "NTILE":
		least, most = 1, 1
	}
	if len(args) < least || len(args) > most {
		failf(sqlerr.Invalid, at, "Invalid number of arguments to function '%s'. Was expecting %d arguments", name, least)
	}
	if name == "NTILE" || len(args) > 1 {
		n := args[min(1, len(args)-1)]
		k, ok := wholeNumber(n)
		if !ok || k < 0 || name == "NTILE" && k == 0 {
			failf(sqlerr.Invalid, n.Span(), "%s takes a constant number of rows", name)
		}
		c.Consts[min(1, len(args)-1)].Const = whole(k)
	}
	if least == 1 && most == 3 {
		c.T = args[0].Type().Nullable()
		if len(args) == 3 {
			args[2] = coerce(args[2], c.T, o.s.b.Session)
			c.T = c.T.WithNull(!args[0].Type().NotNull || !args[2].Type().NotNull)
		}
	}
}

// whole is a vector of one BIGINT.
func whole(n int64) *batch.Vector {
	v := &batch.Vector{}
	v.Prepare(types.BigIntType, 1)
	v.I64[0] = n
	return v
}

// wholeNumber is the value of a constant of an integer or interval type, casts
// between such looked through.
func wholeNumber(e expr.Expr) (int64, bool) {
	for {
		switch x := e.(type) {
		case *expr.Cast:
			e = x.From
			if t := x.Type(); !t.IsInteger() {
				return 0, false
			}
			continue
		case *expr.Const:
			if x.T.Layout() != types.LayoutI64 || x.Value.Null(0) || !x.T.IsInteger() && x.T.Kind != types.IntervalDT {
				return 0, false
			}
			return x.Value.I64[0], true
		}
		return 0, false
	}
}

// windowOf is the window of a call, with the named window it refines.
func (o *overs) windowOf(w *ast.Window) *ast.Window {
	if w.Name == nil {
		return w
	}
	for _, n := range o.s.q.Windows {
		if n.Name.Name == w.Name.Name {
			out := *o.windowOf(n.Spec)
			if len(w.PartitionBy) > 0 {
				out.PartitionBy = w.PartitionBy
			}
			if len(w.OrderBy) > 0 {
				out.OrderBy = w.OrderBy
			}
			if w.Frame != nil {
				out.Frame = w.Frame
			}
			return &out
		}
	}
	failf(sqlerr.NotFound, w.Span(), "window %q not found", w.Name.Name)
	return nil
}

func (o *overs) frame(x *exprBinder, g *logical.OverGroup, f *ast.Frame) {
	g.Rows = f.Unit == "ROWS"
	bound := func(b ast.Bound) logical.Bound {
		out := logical.Bound{}
		switch b.Kind {
		case ast.UnboundedPreceding:
			out.Unbounded = true
		case ast.UnboundedFollowing:
			out.Unbounded, out.Following = true, true
		case ast.CurrentRow:
			out.Current = true
		default:
			e := x.bind(b.Expr)
			n, ok := wholeNumber(e)
			interval := e.Type().Kind == types.IntervalDT
			if !ok || g.Rows && interval || n < 0 {
				failf(sqlerr.Invalid, b.Span(), "a frame's bound is a constant: a number of rows, with RANGE a distance such as INTERVAL '1' MINUTE")
			}
			if !g.Rows && x.b.Streaming && !interval {
				failf(sqlerr.Invalid, b.Span(), "RANGE over a time takes an interval such as INTERVAL '1' MINUTE")
			}
			out.N, out.Following = n, b.Kind == ast.Following
		}
		return out
	}
	g.Lower = bound(f.Start)
	if f.End != nil {
		g.Upper = bound(*f.End)
	}
}

// col is the column of an expression below the OVER.
func (o *overs) col(e expr.Expr) int {
	for i, b := range o.below {
		if expr.Equal(b, e) {
			return i
		}
	}
	o.below = append(o.below, e)
	return len(o.below) - 1
}

func (o *overs) place(g *logical.OverGroup, c logical.OverCall, at sqlerr.Span) expr.Expr {
	key := (&logical.Over{Groups: []logical.OverGroup{*g}}).String()
	at2 := -1
	for i, k := range o.keys {
		if k == key {
			at2 = i
		}
	}
	if at2 < 0 {
		at2 = len(o.groups)
		o.groups, o.keys = append(o.groups, g), append(o.keys, key)
	}
	group := o.groups[at2]
	for i, p := range o.calls { // an equal call is computed once
		if p.group == at2 && sameCall(group.Calls[p.call], c) {
			return &expr.Column{Index: overBase + i, Name: c.Name, T: c.T, At: at}
		}
	}
	group.Calls = append(group.Calls, c)
	o.calls = append(o.calls, placed{at2, len(group.Calls) - 1})
	return &expr.Column{Index: overBase + len(o.calls) - 1, Name: c.Name, T: c.T, At: at}
}

func sameCall(a, b logical.OverCall) bool {
	return a.Rank == b.Rank && a.Fn == b.Fn && a.Distinct == b.Distinct && slices.Equal(a.Args, b.Args) && slices.Equal(a.Order, b.Order) &&
		a.T.Equal(b.T) && slices.EqualFunc(a.Consts, b.Consts, func(x, y functions.Arg) bool {
		return x.Type.Equal(y.Type) && (x.Const == nil) == (y.Const == nil) && (x.Const == nil || batch.Equal(x.Type, x.Const, 0, y.Const, 0))
	})
}

// finish puts the Over node between the relation and the expressions. Its input is
// the relation's columns, then what the windows need.
func (o *overs) finish(in logical.Node, exprs []expr.Expr, qualify expr.Expr) (logical.Node, []expr.Expr, expr.Expr) {
	at := o.s.q.Span()
	base := in.Schema().Len()
	all, names := columns(in.Schema()), in.Schema().Names()
	where := make([]int, len(o.below))
	for i, e := range o.below {
		if o.s.x.group != nil {
			e = expr.Remap(e, func(c int) int { return o.s.x.group.place(c) })
		}
		if c, ok := e.(*expr.Column); ok {
			where[i] = c.Index
			continue
		}
		where[i] = len(all)
		all, names = append(all, e), append(names, "$"+strconv.Itoa(len(all)))
	}
	if len(all) > base {
		in = project(in, all, names, at)
	}
	n := &logical.Over{Base: logical.Base{At: at, Out: &types.Schema{Fields: append([]types.Field(nil), in.Schema().Fields...)}}, Input: in}
	first := make([]int, len(o.groups))
	for i, g := range o.groups {
		c := *g
		c.Partition = moveAll(g.Partition, where)
		c.Order = append([]batch.Order(nil), g.Order...)
		for k := range c.Order {
			c.Order[k].Col = where[c.Order[k].Col]
		}
		c.Calls = append([]logical.OverCall(nil), g.Calls...)
		first[i] = len(n.Out.Fields)
		for k := range c.Calls {
			c.Calls[k].Args = moveAll(c.Calls[k].Args, where)
			n.Out.Fields = append(n.Out.Fields, types.Field{Name: "w" + strconv.Itoa(i) + "$o" + strconv.Itoa(k), Type: c.Calls[k].T})
		}
		n.Groups = append(n.Groups, c)
	}
	move := func(e expr.Expr) expr.Expr {
		if e == nil {
			return nil
		}
		return expr.Remap(e, func(i int) int {
			if i >= overBase {
				p := o.calls[i-overBase]
				return first[p.group] + p.call
			}
			return i
		})
	}
	out := make([]expr.Expr, len(exprs))
	for i := range exprs {
		out[i] = move(exprs[i])
	}
	return n, out, move(qualify)
}

func moveAll(cols, where []int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = where[c]
	}
	return out
}

// place is where a placeholder of the aggregation ended up.
func (g *grouper) place(i int) int {
	if i >= propBase && i < groupID {
		return len(g.keys) + len(g.calls) + i - propBase
	}
	return i
}
