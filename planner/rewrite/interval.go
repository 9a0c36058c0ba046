package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// intervalJoin recognises a join whose condition bounds the distance of the two
// sides' time attributes from both ends, in any arithmetic form:
// a.t BETWEEN b.t - INTERVAL '1' HOUR AND b.t, a.t = b.t, b.t + i > a.t - j.
func intervalJoin(n logical.Node, session *types.Session) (logical.Node, error) {
	j, ok := n.(*logical.Join)
	if !ok || j.Temporal || j.Kind > logical.Full || session.Batch {
		return n, nil
	}
	left := j.Left.Schema().Len()
	var rest []expr.Expr
	b := bounds{lower: -1 << 62, upper: 1 << 62, left: -1}
	for _, c := range expr.Conjuncts(j.Cond) {
		if !b.take(c, left, session) {
			rest = append(rest, c)
		}
	}
	if b.left < 0 || b.lower == -1<<62 || b.upper == 1<<62 {
		return n, nil
	}
	c := *j
	c.Interval = &logical.Interval{Left: b.left, Right: b.right - left, Lower: b.lower, Upper: b.upper, Proctime: b.attr == types.Proctime}
	c.Cond = all(rest)
	return &c, nil
}

// bounds gathers what conditions say of left time - right time.
type bounds struct {
	left, right  int // -1: none yet
	attr         types.TimeAttr
	lower, upper int64
}

// take adds a condition, if it is about the time attributes that the others are
// about.
func (b *bounds) take(c expr.Expr, left int, session *types.Session) bool {
	call, ok := c.(*expr.Call)
	if !ok || len(call.Args) != 2 {
		return false
	}
	x, xo, ok1 := moment(call.Args[0], session)
	y, yo, ok2 := moment(call.Args[1], session)
	if !ok1 || !ok2 || (x.Index < left) == (y.Index < left) || x.T.Attr != y.T.Attr || x.T.Kind != y.T.Kind {
		return false
	}
	op, d := call.Fn.Name, yo-xo // x - y op d
	if x.Index >= left {
		x, y, d = y, x, -d
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	if b.left >= 0 && (b.left != x.Index || b.right != y.Index) {
		return false
	}
	switch op {
	case "<":
		b.upper = min(b.upper, d-1)
	case "<=":
		b.upper = min(b.upper, d)
	case ">":
		b.lower = max(b.lower, d+1)
	case ">=":
		b.lower = max(b.lower, d)
	case "=":
		b.lower, b.upper = max(b.lower, d), min(b.upper, d)
	default:
		return false
	}
	b.left, b.right, b.attr = x.Index, y.Index, x.T.Attr
	return true
}

// moment reads a time attribute plus and minus constant intervals: the column and
// the sum in ms.
func moment(e expr.Expr, session *types.Session) (*expr.Column, int64, bool) {
	switch e := e.(type) {
	case *expr.Column:
		return e, 0, e.T.Attr != types.NoTimeAttr
	case *expr.Cast:
		if e.From.Type().Kind == e.T.Kind {
			return moment(e.From, session)
		}
	case *expr.Call:
		if len(e.Args) != 2 || e.Fn.Name != "TIME_PLUS" && e.Fn.Name != "TIME_MINUS" {
			return nil, 0, false
		}
		col, ms, ok := moment(e.Args[0], session)
		by := e.Args[1]
		if !ok || by.Type().Kind != types.IntervalDT || sideOf(by, 0) != onNeither {
			return nil, 0, false
		}
		v, err := expr.Eval1(by, session)
		if err != nil || v.Null(0) {
			return nil, 0, false
		}
		if e.Fn.Name == "TIME_MINUS" {
			return col, ms - v.I64[0], true
		}
		return col, ms + v.I64[0], true
	}
	return nil, 0, false
}
