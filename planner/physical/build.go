package physical

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/limit"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/setop"
	"github.com/millrace/millrace/operators/sort"
	"github.com/millrace/millrace/operators/topn"
	"github.com/millrace/millrace/operators/union"
	"github.com/millrace/millrace/operators/values"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Config is what the choice of operators depends on beside the plan.
type Config struct {
	Session *types.Session
	Job     string
	Collect func(*batch.Batch) error // where a SELECT's rows go
	// Parallelism is the number of subtasks of what can be spread; 0 is 1.
	Parallelism int
	Stdout      io.Writer
}

// Build makes the graph of the plans, which may share nodes.
func Build(roots []logical.Node, cfg Config) (*Graph, error) {
	ttl, err := formats.ParseDuration(cfg.Session.Option("table.exec.state.ttl", "0 ms"))
	if err != nil {
		return nil, sqlerr.New(sqlerr.Option, sqlerr.Span{}, "table.exec.state.ttl: %v", err)
	}
	if cfg.Session.Batch {
		ttl = 0
	}
	b := &builder{cfg: cfg, g: &Graph{Job: cfg.Job, TTL: ttl}, made: map[logical.Node]*Node{}}
	for _, r := range share(roots, cfg.Session) {
		if _, err := b.node(r); err != nil {
			return nil, err
		}
	}
	for _, p := range Passes {
		if err := p.Apply(b.g, cfg); err != nil {
			return nil, err
		}
	}
	return b.g, nil
}

// Bounded says that every scan below the plans ends.
func Bounded(roots []logical.Node) bool {
	for _, n := range roots {
		if s, ok := n.(*logical.Scan); ok && !boundedScan(s) {
			return false
		}
		if !Bounded(n.Inputs()) {
			return false
		}
	}
	return true
}

func boundedScan(n *logical.Scan) bool {
	src, err := source(n, types.NewSession(func() time.Time { return time.Time{} }))
	return err != nil || src.Bounded()
}

// Changing says that the rows of a scan may be changed and taken away.
func Changing(n *logical.Scan) bool {
	src, err := source(n, types.NewSession(func() time.Time { return time.Time{} }))
	return err != nil || !src.Changes().InsertOnly()
}

// builder turns logical nodes into graph nodes, each once.
type builder struct {
	cfg  Config
	g    *Graph
	made map[logical.Node]*Node
	ask  bool // what is built is asked by key where its connector can be
}

func (b *builder) node(n logical.Node) (*Node, error) {
	if x := b.made[n]; x != nil {
		return x, nil
	}
	x, err := b.choose(n)
	if err != nil {
		return nil, sqlerr.At(err, n.Span())
	}
	b.made[n] = x
	return x, nil
}

// add appends a node to the graph.
func (b *builder) add(spec operators.Spec, at sqlerr.Span, inputs ...Input) *Node {
	n := &Node{Spec: spec, Inputs: inputs, Parallelism: 1, At: at, ID: len(b.g.Nodes) + 1, final: b.cfg.Session.Batch}
	if s, ok := spec.(operators.Expiring); ok {
		s.SetTTL(b.g.TTL)
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return n
}

func (b *builder) inputs(n logical.Node) ([]Input, error) {
	var out []Input
	for _, in := range n.Inputs() {
		x, err := b.node(in)
		if err != nil {
			return nil, err
		}
		out = append(out, Input{From: x})
	}
	return out, nil
}

// choose picks the operator of a logical node.
func (b *builder) choose(n logical.Node) (*Node, error) {
	switch n := n.(type) {
	case *logical.Project:
		if f, ok := n.Input.(*logical.Filter); ok {
			return b.calc(n, f.Input, f.Cond, n.Exprs)
		}
		return b.calc(n, n.Input, nil, n.Exprs)
	case *logical.Filter:
		return b.calc(n, n.Input, n.Cond, identity(n.Schema()))
	case *logical.Join:
		if n.Temporal && n.Left.Schema().Fields[n.AsOf].Type.Attr == types.Proctime {
			return b.lookupJoin(n)
		}
	}
	in, err := b.inputs(n)
	if err != nil {
		return nil, err
	}
	at := n.Span()
	switch n := n.(type) {
	case *logical.Scan:
		return b.scan(n)
	case *logical.BadRows:
		return b.add(&scan.BadSpec{Table: n.Scan.Table.Path.Dotted()}, at, Input{From: in[0].From, Side: true}), nil
	case *logical.Values:
		return b.add(&values.Spec{Rows: n.Rows, Out: n.Schema()}, at), nil
	case *logical.Union:
		return b.add(&union.Spec{Out: n.Schema()}, at, in...), nil
	case *logical.SetOp:
		return b.add(&setop.Spec{Except: n.Kind == logical.Except, All: n.AllRows, Out: n.Schema()}, at, in...), nil
	case *logical.Aggregate:
		return b.aggregate(n, in[0])
	case *logical.WindowTVF:
		return b.windowTVF(n, in[0])
	case *logical.Join:
		return b.join(n, in)
	case *logical.TopN:
		return b.topN(n, in[0])
	case *logical.Sort:
		return b.sort(n, in[0])
	case *logical.Correlate:
		return b.correlate(n, in[0])
	case *logical.Match:
		return b.match(n, in[0])
	case *logical.Over:
		return b.over(n, in[0])
	case *logical.Sink:
		return b.sink(n, in[0])
	}
	return nil, sqlerr.Unsupported(at, strings.TrimSuffix(fmt.Sprintf("%T", n), "")[len("*logical."):])
}

func identity(s *types.Schema) []expr.Expr {
	out := make([]expr.Expr, s.Len())
	for i, f := range s.Fields {
		out[i] = &expr.Column{Index: i, Name: f.Name, T: f.Type}
	}
	return out
}

func (b *builder) calc(n, input logical.Node, cond expr.Expr, exprs []expr.Expr) (*Node, error) {
	in, err := b.node(input)
	if err != nil {
		return nil, err
	}
	spec := &calc.Spec{In: input.Schema(), Filter: cond, Exprs: exprs, Out: n.Schema(), Session: b.cfg.Session}
	currentWatermark(spec)
	return b.add(spec, n.Span(), Input{From: in}), nil
}

// delivered is the schema a connector is asked for.
func delivered(n *logical.Scan) (*types.Schema, []connectors.Metadata) {
	s := n.Table.Full.Select(n.Physical)
	var meta []connectors.Metadata
	for _, m := range n.Meta {
		meta = append(meta, n.Table.Meta[m])
		s.Fields = append(s.Fields, types.Field{Name: n.Table.MetaNames[m], Type: n.Table.Meta[m].Type})
	}
	return s, meta
}

func source(n *logical.Scan, session *types.Session) (connectors.Source, error) {
	t := n.Table
	if t.Connector.Source == nil && t.Connector.Lookup != nil {
		return asked{}, nil
	}
	if t.Connector.Source == nil {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "connector %q can't be read", t.Connector.Name)
	}
	schema, meta := delivered(n)
	ct := connectors.Table{Path: t.Path.Dotted(), Schema: schema, Full: t.Full, Meta: meta, Key: physicalKey(t), Parts: t.Def.PartitionBy,
		Options: t.Values, Format: bound(t, schema, session), Session: session}
	return t.Connector.Source(ct)
}

// asked stands for the source of a table that can only be asked by key.
type asked struct{}

var errAsked = errors.New("the table can only be looked up") // the plan never lets it be read

func (asked) Changes() batch.Changes { return batch.Changes{Kinds: batch.InsertOnly} }
func (asked) Bounded() bool          { return true }
func (asked) Splits(context.Context, []connectors.Split, int) ([]connectors.Split, error) {
	return nil, errAsked
}
func (asked) Read(context.Context, connectors.Split, []byte, connectors.ReadEnv) (connectors.Reader, error) {
	return nil, errAsked
}

// bound is the table's format for the columns that are moved.
func bound(t *logical.Table, schema *types.Schema, session *types.Session) formats.Table {
	f := t.Format
	f.Spec.Schema, f.Spec.Full, f.Spec.Session, f.Spec.Key = schema, t.Full, session, physicalKey(t)
	return f
}

// physicalKey is the primary key as columns of the table's physical schema.
func physicalKey(t *logical.Table) []int {
	var out []int
	for _, k := range t.Key {
		out = append(out, t.Full.Index(t.Columns.Fields[k].Name))
	}
	return out
}

func (b *builder) scan(n *logical.Scan) (*Node, error) {
	src, err := source(n, b.cfg.Session)
	if err != nil {
		return nil, err
	}
	if _, ok := src.(asked); ok && !b.ask {
		return nil, sqlerr.Unsupported(n.Span(), "reading table "+n.Table.Path.Dotted()+" from "+n.Table.Connector.Name+"; it can be looked up").
			WithHint("JOIN it FOR SYSTEM_TIME AS OF the other side's processing time")
	}
	if b.cfg.Session.Batch {
		if !src.Bounded() {
			return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "querying an unbounded table %q in batch mode is not allowed: the table source is unbounded", n.Table.Path.Dotted())
		}
		if !src.Changes().InsertOnly() {
			return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "querying a table in batch mode is only possible for insert-only sources, but %q produces other changes", n.Table.Path.Dotted())
		}
	}
	push(n, src)
	schema, _ := delivered(n)
	spec := &scan.Spec{Table: n.Table.Path.Dotted(), Source: src, Delivered: schema, Exprs: n.Exprs, Filter: n.Filter, Out: n.Schema(),
		Session: b.cfg.Session, At: n.Span(), Key: scanKey(n), Rows: n.Rows}
	for _, o := range n.Table.Values.Declared {
		if o.Name == "scan.startup.mode" {
			spec.Startup = n.Table.Values.String(o.Name)
		}
	}
	if err := b.onBad(n, spec); err != nil {
		return nil, err
	}
	if n.Watermark != nil && !b.cfg.Session.Batch {
		spec.Watermark, spec.Rowtime = n.Watermark, n.RowtimeExpr
	}
	if d, err := formats.ParseDuration(b.cfg.Session.Option("table.exec.source.idle-timeout", "0 ms")); err == nil {
		spec.Idle = d
	}
	return b.add(spec, n.Span()), nil
}

// scanKey is where the table's primary key lies in the scan's output, nil when a
// column of it was pruned.
func scanKey(n *logical.Scan) []int {
	var out []int
	for _, k := range n.Table.Key {
		name, at := n.Table.Columns.Fields[k].Name, -1
		for i, f := range n.Schema().Fields {
			if f.Name == name {
				at = i
			}
		}
		if at < 0 {
			return nil
		}
		out = append(out, at)
	}
	return out
}

func (b *builder) sort(n *logical.Sort, in Input) (*Node, error) {
	at := n.Span()
	switch {
	case len(n.By) == 0 && n.Limit >= 0 || len(n.By) == 0 && b.cfg.Session.Batch:
		return b.add(&limit.Spec{In: n.Input.Schema(), Offset: n.Offset, Limit: n.Limit}, at, in), nil
	case n.Limit >= 0:
		spec := &topn.Spec{In: n.Input.Schema(), By: n.By, From: n.Offset + 1, To: n.Offset + n.Limit, ToCol: -1, Out: n.Schema(), Limit: true}
		return b.add(spec, at, in), nil
	case b.cfg.Session.Batch:
		return b.add(&sort.Spec{In: n.Input.Schema(), By: n.By, Order: sort.Final, Offset: n.Offset}, at, in), nil
	case len(n.By) > 0 && n.Offset == 0 && !n.By[0].Desc:
		switch n.Input.Schema().Fields[n.By[0].Col].Type.Attr {
		case types.Rowtime:
			return b.add(&sort.Spec{In: n.Input.Schema(), By: n.By, Order: sort.Rowtime}, at, in), nil
		case types.Proctime:
			return b.add(&sort.Spec{In: n.Input.Schema(), By: n.By, Order: sort.Proctime}, at, in), nil
		}
	}
	if len(n.By) == 0 || n.Offset > 0 {
		return nil, sqlerr.New(sqlerr.Invalid, at, "FETCH is missed, which on streaming table is not supported currently").WithHint("add LIMIT n")
	}
	return nil, sqlerr.New(sqlerr.Invalid, at, "Sort on a non-time-attribute field is not supported").
		WithHint("add LIMIT n, order by a time attribute, or SET 'execution.runtime-mode' = 'batch'")
}
