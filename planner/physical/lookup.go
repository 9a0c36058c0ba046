package physical

import (
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/lookupjoin"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// lookupJoin is a join with what a table holds at the moment: through its connector
// when that can be asked by key, else read whole.
func (b *builder) lookupJoin(n *logical.Join) (*Node, error) {
	left, err := b.node(n.Left)
	if err != nil {
		return nil, err
	}
	right := &builder{cfg: b.cfg, g: &Graph{}, made: map[logical.Node]*Node{}, ask: true}
	top, err := right.node(n.Right)
	if err != nil {
		return nil, err
	}
	if err := settled(top); err != nil {
		return nil, err
	}
	table, err := loadable(right.g, n)
	if err != nil {
		return nil, err
	}
	spec := &lookupjoin.Spec{Table: table.Scan.Table, Left: n.Left.Schema(), Right: n.Right.Schema(), Outer: n.Kind == logical.Left, Out: n.Schema(), Session: b.cfg.Session}
	var rest expr.Expr
	spec.Keys, _, rest = equalities(n)
	if len(spec.Keys[0]) == 0 {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "Temporal table join requires an equality condition on fields of table [%s]", table.Scan.Table)
	}
	var pre, others []expr.Expr
	for _, c := range expr.Conjuncts(rest) {
		if readsBelow(c, n.Left.Schema().Len()) {
			pre = append(pre, c)
		} else {
			others = append(others, c)
		}
	}
	spec.Pre, spec.Rest = conjunction(pre), conjunction(others)
	spec.Single = operators.HasKey(top.Keys.Unique, spec.Keys[1])
	if len(top.Keys.Unique) > 0 {
		table.Primary = top.Keys.Unique[0]
	}
	if err := b.answers(spec, table, n); err != nil {
		return nil, err
	}
	return b.add(spec, n.Span(), Input{From: left}), nil
}

// loadable is the table on the right: a scan and projections and filters of it.
func loadable(g *Graph, n *logical.Join) (lookupjoin.Table, error) {
	var t lookupjoin.Table
	for i, x := range g.Nodes {
		switch s := x.Spec.(type) {
		case *scan.Spec:
			if i == 0 {
				c := *s
				c.Watermark, c.Rowtime = nil, nil
				t.Scan = &c
				continue
			}
		case *calc.Spec:
			t.Rest = append(t.Rest, s)
			continue
		}
		t.Scan = nil
		break
	}
	if t.Scan == nil {
		return t, sqlerr.New(sqlerr.Invalid, n.Span(), "Processing-time temporal join is not supported yet.").
			WithHint("the right side of a join by processing time is a table, or a view that projects and filters one")
	}
	return t, nil
}

// answers decides what the join asks: with a cache and repeated questions as the
// table and the LOOKUP hint want it.
func (b *builder) answers(spec *lookupjoin.Spec, table lookupjoin.Table, n *logical.Join) error {
	s := scanOf(n.Right)
	retry, err := retryOf(n.Hints)
	if err != nil {
		return err
	}
	async, unordered, err := asyncOf(n.Hints, b.cfg.Session)
	if err != nil {
		return err
	}
	keys, rows := make([]types.Type, len(spec.Keys[1])), n.Right.Schema().Types()
	for i, k := range spec.Keys[1] {
		keys[i] = rows[k]
	}
	values := s.Table.Values
	if s.Table.Connector.Lookup == nil {
		if !table.Scan.Source.Bounded() {
			return sqlerr.New(sqlerr.Invalid, n.Span(), "Processing-time temporal join is not supported yet.").
				WithHint("connector %q can neither be asked by key nor read to an end", s.Table.Connector.Name)
		}
		table.Keys = spec.Keys[1]
		if table.Reload, err = durationOf(values, "lookup.full-cache.periodic-reload.interval"); err != nil {
			return err
		}
		spec.Asks = table.Scan.Source
		spec.How, spec.Open = "loaded", table.Open // a full cache is never asked twice
		return nil
	}
	native, err := b.native(s, n, spec.Keys[1])
	if err != nil {
		return err
	}
	spec.How, spec.Retry, spec.Asks = "sync", retry, native.Lookup
	spec.Async, spec.Unordered, native.Async = async, unordered, async
	if async != nil {
		spec.How = "async"
	}
	cache, err := cacheOf(values)
	if err != nil {
		return err
	}
	spec.Open = func(env *operators.Env) (lookupjoin.Asker, error) {
		a, err := native.Open(env)
		if err != nil {
			return nil, err
		}
		if cache != nil {
			a = cache.Over(a, keys, rows, env)
		}
		return a, nil
	}
	return nil
}

// native is the table behind its connector's own look-up.
func (b *builder) native(s *logical.Scan, n *logical.Join, keys []int) (lookupjoin.Connector, error) {
	exprs, filter := s.Exprs, []expr.Expr(nil)
	node := n.Right
	if p, ok := node.(*logical.Project); ok {
		node = p.Input
		exprs = make([]expr.Expr, len(p.Exprs))
		for i, e := range p.Exprs {
			exprs[i] = over(e, s.Exprs)
		}
	}
	if f, ok := node.(*logical.Filter); ok {
		filter = append(filter, over(f.Cond, s.Exprs))
	}
	if s.Filter != nil {
		filter = append(filter, s.Filter)
	}
	schema, meta := delivered(s)
	out := lookupjoin.Connector{Table: s.Table.Path.Dotted(), Delivered: schema, Exprs: exprs, Filter: conjunction(filter)}
	for _, k := range keys {
		c, ok := exprs[k].(*expr.Column)
		if !ok {
			return out, sqlerr.Unsupported(n.Span(), "a look-up by a computed column")
		}
		out.Keys = append(out.Keys, c.Index)
	}
	t := s.Table
	var err error
	out.Lookup, err = t.Connector.Lookup(connectors.Table{Path: t.Path.Dotted(), Schema: schema, Full: t.Full, Meta: meta, Key: physicalKey(t), Parts: t.Def.PartitionBy,
		Options: t.Values, Format: bound(t, schema, b.cfg.Session), Session: b.cfg.Session})
	return out, err
}

// over puts the expressions in place of the columns that refer to them.
func over(e expr.Expr, by []expr.Expr) expr.Expr {
	return expr.Map(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Column); ok {
			return by[c.Index]
		}
		return e
	})
}

func scanOf(n logical.Node) *logical.Scan {
	for {
		if s, ok := n.(*logical.Scan); ok {
			return s
		}
		n = n.Inputs()[0]
	}
}

func readsBelow(e expr.Expr, n int) bool {
	set := map[int]bool{}
	expr.Columns(e, set)
	for c := range set {
		if c >= n {
			return false
		}
	}
	return true
}

func conjunction(es []expr.Expr) expr.Expr {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	return &expr.Logic{Args: es, At: es[0].Span()}
}

func durationOf(v formats.Values, name string) (time.Duration, error) {
	if !v.Has(name) {
		return 0, nil
	}
	return formats.ParseDuration(v.String(name))
}

// cacheOf reads lookup.cache and lookup.partial-cache.*.
func cacheOf(v formats.Values) (*lookupjoin.Cache, error) {
	if !strings.EqualFold(v.String("lookup.cache"), "PARTIAL") {
		return nil, nil
	}
	c := &lookupjoin.Cache{MaxRows: v.Int("lookup.partial-cache.max-rows"), Missing: !strings.EqualFold(v.String("lookup.partial-cache.cache-missing-key"), "false")}
	var err error
	if c.ExpireAfterWrite, err = durationOf(v, "lookup.partial-cache.expire-after-write"); err != nil {
		return nil, err
	}
	c.ExpireAfterAccess, err = durationOf(v, "lookup.partial-cache.expire-after-access")
	return c, err
}

// connections is how many questions are out at a time, each over a connection of its own,
// when nobody says how many may be.
const connections = 8

// asyncOf reads the LOOKUP hint's async, capacity, timeout and output-mode, with
// table.exec.async-lookup.* for what it leaves out.
func asyncOf(hints []logical.Hint, session *types.Session) (_ *lookupjoin.Async, unordered bool, err error) {
	if len(hints) == 0 {
		return nil, false, nil
	}
	h := hints[0]
	get := func(name, option, def string) string {
		if v, ok := h.KV[name]; ok {
			return v
		}
		return session.Option("table.exec.async-lookup."+option, def)
	}
	invalid := func(name, what string) error {
		return sqlerr.New(sqlerr.Invalid, h.At, "Invalid LOOKUP hint: %s %s", name, what)
	}
	switch mode := get("output-mode", "output-mode", "ordered"); {
	case strings.EqualFold(mode, "allow_unordered"):
		unordered = true
	case !strings.EqualFold(mode, "ordered"):
		return nil, false, invalid("output-mode", "is ordered or allow_unordered, not "+mode)
	}
	switch async := h.KV["async"]; {
	case strings.EqualFold(async, "true"):
	case async == "", strings.EqualFold(async, "false"):
		return nil, unordered, nil
	default:
		return nil, false, invalid("async", "is true or false, not "+async)
	}
	a := &lookupjoin.Async{}
	capacity := get("capacity", "buffer-capacity", strconv.Itoa(connections))
	if a.Capacity, err = strconv.Atoi(capacity); err != nil || a.Capacity < 1 {
		return nil, false, invalid("capacity", "is a number of questions, at least 1, not "+capacity)
	}
	if a.Timeout, err = formats.ParseDuration(get("timeout", "timeout", "3 min")); err != nil {
		return nil, false, invalid("timeout", err.Error())
	}
	return a, unordered, nil
}

// retryOf reads the retry options of a LOOKUP hint, which come together.
func retryOf(hints []logical.Hint) (*lookupjoin.Retry, error) {
	if len(hints) == 0 {
		return nil, nil
	}
	h := hints[0]
	known := map[string]bool{"table": true, "async": true, "output-mode": true, "capacity": true, "timeout": true, "retry-predicate": true,
		"retry-strategy": true, "fixed-delay": true, "max-attempts": true, "shuffle": true}
	given := 0
	for k, v := range h.KV {
		if !known[k] {
			return nil, sqlerr.New(sqlerr.Invalid, h.At, "Invalid LOOKUP hint: unknown option %q", k)
		}
		if k == "retry-predicate" || k == "retry-strategy" || k == "fixed-delay" || k == "max-attempts" {
			given++
		}
		if k == "timeout" || k == "fixed-delay" {
			if _, err := formats.ParseDuration(v); err != nil {
				return nil, sqlerr.New(sqlerr.Invalid, h.At, "Invalid LOOKUP hint: option %q: %v", k, err)
			}
		}
	}
	if given == 0 {
		return nil, nil
	}
	attempts, err := strconv.Atoi(h.KV["max-attempts"])
	if given < 4 || err != nil || attempts < 1 || h.KV["retry-predicate"] != "lookup_miss" || h.KV["retry-strategy"] != "fixed_delay" {
		return nil, sqlerr.New(sqlerr.Invalid, h.At, "Invalid LOOKUP hint: retry options should be all or none: 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay', 'max-attempts'")
	}
	delay, err := formats.ParseDuration(h.KV["fixed-delay"])
	return &lookupjoin.Retry{Delay: delay, Attempts: attempts}, err
}
