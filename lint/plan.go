package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/dedup"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/multijoin"
	"github.com/millrace/millrace/operators/normalize"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/topn"
	"github.com/millrace/millrace/operators/upsertmat"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// ttlHint is the way out of state that grows.
const ttlHint = "SET 'table.exec.state.ttl' = '1 d' forgets what hasn't changed for a day; or group and join by windows"

// Graph looks at a streaming plan; at is its statement.
func Graph(g *physical.Graph, at sqlerr.Span) (out []Finding) {
	for _, n := range g.Nodes {
		f := look(n)
		if f == nil {
			continue
		}
		if f.At = n.At; f.At.IsZero() {
			f.At = at
		}
		if !slices.ContainsFunc(out, func(x Finding) bool { return x.Code == f.Code && x.At == f.At }) {
			out = append(out, *f)
		}
	}
	return out
}

// unbounded says that a node's rows may come for ever.
func unbounded(n *physical.Node) bool {
	if s, ok := n.Spec.(*scan.Spec); ok {
		return !s.Source.Bounded()
	}
	return slices.ContainsFunc(n.Inputs, func(in physical.Input) bool { return unbounded(in.From) })
}

func look(n *physical.Node) *Finding {
	switch s := n.Spec.(type) {
	case *join.Spec:
		return lookJoin(n, s)
	case *multijoin.Spec:
		for _, in := range n.Inputs {
			if !unbounded(in.From) {
				return nil
			}
		}
		return &Finding{Code: UnboundedState, Msg: "these joins keep the rows of all sides for ever", Hint: ttlHint}
	case *groupagg.Spec:
		if s.TTL > 0 || len(s.Keys) == 0 || !unbounded(n) {
			return nil
		}
		for _, k := range s.Keys {
			if t := s.In.Fields[k].Type; t.Kind == types.Timestamp || t.Kind == types.TimestampLTZ {
				name := "a time"
				if n := s.In.Fields[k].Name; !strings.HasPrefix(n, "$") {
					name = fmt.Sprintf("the time %q", n)
				}
				return &Finding{Code: TimeGroup, Msg: "grouping by " + name + " keeps a group per time for ever, and sends a change per row",
					Hint: "a window sends each result once and forgets it: FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end"}
			}
		}
		return &Finding{Code: UnboundedState, Msg: fmt.Sprintf("this aggregation keeps a group per %s for ever", operators.Columns(s.In, s.Keys)), Hint: ttlHint}
	case *dedup.Spec:
		if s.TTL == 0 && unbounded(n) {
			return &Finding{Code: UnboundedState, Msg: fmt.Sprintf("this deduplication keeps every key %s for ever", operators.Columns(n.Inputs[0].From.Spec.Schema(), s.Keys)), Hint: ttlHint}
		}
	case *topn.Spec:
		if s.TTL == 0 && len(s.Partition) > 0 && unbounded(n) {
			return &Finding{Code: UnboundedState, Msg: fmt.Sprintf("this Top-N keeps a list per %s for ever", operators.Columns(n.Inputs[0].From.Spec.Schema(), s.Partition)), Hint: ttlHint}
		}
	case *upsertmat.Spec:
		key := operators.Columns(s.In, s.Key)
		msg := fmt.Sprintf("the sink's primary key %s isn't the key %s of the query: every row is kept in state to put changes in order", key, operators.Columns(s.In, s.From))
		if len(s.From) == 0 {
			msg = fmt.Sprintf("the query has no key that its rows are updated by, and the sink has %s: every row is kept in state to put changes in order", key)
		}
		return &Finding{Code: KeyMismatch, Msg: msg, Hint: "make the sink's PRIMARY KEY the columns the query groups or joins by"}
	case *normalize.Spec:
		if s.TTL == 0 && unbounded(n) {
			return &Finding{Code: NormalizeCost, Msg: fmt.Sprintf("changes of this table come without what was there before: its last row per %s is kept in state for ever", operators.Columns(s.In, s.Key)),
				Hint: "a source with full changes (a change stream with before images) needs no such state; else SET 'table.exec.state.ttl'"}
		}
	case *calc.Spec:
		return lookCalc(n, s)
	}
	return nil
}

func lookJoin(n *physical.Node, s *join.Spec) *Finding {
	left, right := n.Inputs[0].From, n.Inputs[1].From
	if !unbounded(left) || !unbounded(right) {
		return nil
	}
	if c := timeRange(s); c != "" {
		return &Finding{Code: MissingWatermark, Msg: "this join compares times that have no watermark (" + c + "): it keeps all rows of both sides for ever",
			Hint: "declare WATERMARK FOR on the time columns of both tables: the join then forgets rows when their time has passed"}
	}
	if len(s.Keys[0]) == 0 && s.Kind == join.Inner && !single(left) && !single(right) {
		return &Finding{Code: CrossJoin, Msg: "no condition of this join says that columns are equal: each row meets every row of the other side, on one task", Hint: "join ON a.x = b.y"}
	}
	if s.TTL[0] > 0 && s.TTL[1] > 0 || single(left) || single(right) {
		return nil
	}
	return &Finding{Code: UnboundedState, Msg: "this join keeps the rows of both sides for ever", Hint: ttlHint + "; or join on a time range, or with FOR SYSTEM_TIME AS OF"}
}

// single says that a node sends one row at most: a global aggregate.
func single(n *physical.Node) bool {
	if s, ok := n.Spec.(*groupagg.Spec); ok {
		return len(s.Keys) == 0
	}
	return len(n.Inputs) == 1 && single(n.Inputs[0].From)
}

// timeRange is a condition of the join that compares times of both sides by < or >.
func timeRange(s *join.Spec) string {
	if s.Rest == nil {
		return ""
	}
	both := &types.Schema{Fields: append(append([]types.Field(nil), s.Left.Fields...), s.Right.Fields...)}
	for _, c := range expr.Conjuncts(s.Rest) {
		call, ok := c.(*expr.Call)
		if !ok || !slices.Contains([]string{"<", "<=", ">", ">="}, call.Fn.Name) {
			continue
		}
		set := map[int]bool{}
		expr.Columns(c, set)
		l, r := false, false
		for i := range set {
			if k := both.Fields[i].Type.Kind; k != types.Timestamp && k != types.TimestampLTZ {
				l, r = false, false
				break
			}
			l, r = l || i < s.Left.Len(), r || i >= s.Left.Len()
		}
		if l && r {
			return calc.Show(c, both)
		}
	}
	return ""
}

// lookCalc: values that differ each time they are computed, over rows that are
// taken back: the row that is taken back isn't the one that was sent.
func lookCalc(n *physical.Node, s *calc.Spec) *Finding {
	if n.Inputs[0].From.Changes.InsertOnly() {
		return nil
	}
	for i, e := range s.Exprs {
		if expr.Class(e) > functions.Deterministic && e.Type().Attr != types.Proctime {
			return &Finding{Code: NonDeterministic, Msg: fmt.Sprintf("column %q is computed by %s, which gives another value each time, over rows that are updated: a row can't be taken back", s.Out.Fields[i].Name, strings.TrimSpace(calc.Show(e, s.In))),
				Hint: "compute it before the rows are grouped or joined, or leave it out"}
		}
	}
	if s.Filter != nil && expr.Class(s.Filter) > functions.Deterministic {
		return &Finding{Code: NonDeterministic, Msg: "the condition " + calc.Show(s.Filter, s.In) + " gives another answer each time, over rows that are updated: a row that was let through may be held back when it is taken back",
			Hint: "put the condition before the rows are grouped or joined"}
	}
	return nil
}
