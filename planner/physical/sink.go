package physical

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/compact"
	"github.com/millrace/millrace/operators/enforce"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/operators/upsertmat"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// sink plans the end of a query: its rows are held to the columns' types, brought
// to the table's primary key where the query's is another, and written.
func (b *builder) sink(n *logical.Sink, in Input) (*Node, error) {
	if n.Table == nil {
		in, err := b.enforced(n, n.Input.Schema(), in, true)
		if err != nil {
			return nil, err
		}
		return b.add(&sink.Collect{In: n.Input.Schema(), To: b.cfg.Collect}, n.Span(), in), nil
	}
	t := n.Table
	if t.Connector.Sink == nil {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "connector %q can't be written", t.Connector.Name)
	}
	if n.Overwrite && !b.cfg.Session.Batch {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "Streaming mode not support overwrite").WithHint("SET 'execution.runtime-mode' = 'batch'")
	}
	schema := &types.Schema{Fields: append([]types.Field(nil), n.Input.Schema().Fields...)}
	for i := range schema.Fields {
		schema.Fields[i].Type = schema.Fields[i].Type.Plain()
	}
	key, err := sinkKey(n, schema)
	if err != nil {
		return nil, err
	}
	s, err := t.Connector.Sink(connectors.Table{Path: t.Path.Dotted(), Schema: schema, Full: t.Full, Meta: written(t), Rowtime: n.Rowtime, Key: key, Parts: t.Def.PartitionBy,
		Options: t.Values, Format: bound(t, schema, b.cfg.Session), Session: b.cfg.Session})
	if err != nil {
		return nil, err
	}
	if in, err = b.enforced(n, schema, in, false); err != nil {
		return nil, err
	}
	if in, err = b.keyed(n, s, key, in); err != nil {
		return nil, err
	}
	spec := &sink.Spec{Table: t.Path.Dotted(), Sink: s, In: schema, Key: key, Overwrite: n.Overwrite, Job: b.cfg.Job, At: n.Span()}
	return b.add(spec, n.Span(), in), nil
}

// written are the metadata columns that a sink writes; they follow the physical ones.
func written(t *logical.Table) []connectors.Metadata {
	var out []connectors.Metadata
	for _, m := range t.Meta {
		if !m.Virtual {
			out = append(out, m)
		}
	}
	return out
}

// sinkKey is where the table's primary key lies in what is written.
func sinkKey(n *logical.Sink, schema *types.Schema) ([]int, error) {
	var out []int
	for _, k := range n.Table.Key {
		i := schema.Index(n.Table.Columns.Fields[k].Name)
		if i < 0 {
			return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "primary key column %q of %q isn't written", n.Table.Columns.Fields[k].Name, n.Table.Path.Dotted())
		}
		out = append(out, i)
	}
	return out, nil
}

// choice is a setting that may have one of the given values, the first by default.
func (b *builder) choice(key string, values ...string) (string, error) {
	v := strings.ToUpper(b.cfg.Session.Option(key, values[0]))
	if !slices.Contains(values, v) {
		return "", sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s is %q; it can be %s", key, v, strings.Join(values, ", "))
	}
	return v, nil
}

// enforced puts in front of a sink what holds rows to the types of its columns. A
// SELECT's rows are only held to them when a setting asks for it: a table is
// promised something, a reader isn't.
func (b *builder) enforced(n *logical.Sink, schema *types.Schema, in Input, collect bool) (Input, error) {
	nulls, err := b.choice("table.exec.sink.not-null-enforcer", "ERROR", "DROP")
	if err != nil {
		return in, err
	}
	lengths, err := b.choice("table.exec.sink.type-length-enforcer", "IGNORE", "TRIM_PAD", "ERROR")
	if err != nil {
		return in, err
	}
	nested, err := b.choice("table.exec.sink.nested-constraint-enforcer", "IGNORE", "ROWS", "ROWS_AND_COLLECTIONS")
	if err != nil {
		return in, err
	}
	depth := map[string]enforce.Depth{"ROWS": enforce.Rows, "ROWS_AND_COLLECTIONS": enforce.Collections}[nested]
	if collect && nulls == "ERROR" && lengths == "IGNORE" && depth == enforce.Columns {
		return in, nil
	}
	if lengths == "TRIM_PAD" {
		if in, err = b.trimmed(n, schema, depth, in); err != nil {
			return in, err
		}
	}
	spec := &enforce.Spec{In: schema, DropNulls: nulls == "DROP", Lengths: lengths == "ERROR", Depth: depth, At: n.Span()}
	if !spec.Useful() {
		return in, nil
	}
	return Input{From: b.add(spec, n.Span(), in)}, nil
}

// trimmed casts texts and binaries to their own types, which cuts and pads values
// that a source has read longer or shorter than it declares.
func (b *builder) trimmed(n *logical.Sink, schema *types.Schema, depth enforce.Depth, in Input) (Input, error) {
	exprs := identity(schema)
	any := false
	for i, f := range schema.Fields {
		loose, found := loosened(f.Type, depth)
		if depth == enforce.Collections && f.Type.IsRow() && collectionOfLengths(f.Type) || depth == enforce.Collections && f.Type.IsCollection() && collectionOfLengths(f.Type) {
			return in, sqlerr.New(sqlerr.Invalid, n.Span(), "Trimming and/or padding is not supported if constraint checking is enabled on types nested in collections")
		}
		if found {
			any = true
			exprs[i] = &expr.Cast{From: &expr.Column{Index: i, Name: f.Name, T: loose}, T: f.Type, At: n.Span()}
		}
	}
	if !any {
		return in, nil
	}
	spec := &calc.Spec{In: schema, Exprs: exprs, Out: schema, Session: b.cfg.Session}
	return Input{From: b.add(spec, n.Span(), in)}, nil
}

// loosened is t without the lengths of its texts and binaries, as deep as asked.
func loosened(t types.Type, depth enforce.Depth) (types.Type, bool) {
	switch {
	case t.IsString() && t.Length < types.MaxLength:
		return types.StringType.WithNull(!t.NotNull), true
	case t.IsBytes() && t.Length < types.MaxLength:
		return types.BytesType.WithNull(!t.NotNull), true
	case t.IsRow() && depth >= enforce.Rows:
		out, any := t, false
		out.Fields = append([]types.Field(nil), t.Fields...)
		for i := range out.Fields {
			found := false
			out.Fields[i].Type, found = loosened(out.Fields[i].Type, depth)
			any = any || found
		}
		return out, any
	}
	return t, false
}

// collectionOfLengths says that a collection within t holds texts or binaries of
// limited length.
func collectionOfLengths(t types.Type) bool {
	if t.IsCollection() {
		for _, k := range t.KidTypes() {
			if _, found := loosened(k, enforce.Rows); found || collectionOfLengths(k) {
				return true
			}
		}
		return false
	}
	for _, k := range t.KidTypes() {
		if collectionOfLengths(k) {
			return true
		}
	}
	return false
}

// keyed brings changes to the sink's primary key. Where the query's rows aren't
// identified by columns of it, several of them may meet under one primary key:
// ON CONFLICT says what then, and without it the query is refused.
func (b *builder) keyed(n *logical.Sink, s connectors.Sink, key []int, in Input) (Input, error) {
	if err := settled(in.From); err != nil {
		return in, err
	}
	t, changes := n.Table.Path.Dotted(), in.From.Changes
	takes := s.Changes(batch.Changes{Kinds: changes.Kinds &^ batch.UpdateBefore.Set()})
	retract := takes.Kinds.Has(batch.UpdateBefore)
	if n.Conflict != "" {
		switch {
		case retract:
			return in, sqlerr.New(sqlerr.Invalid, n.Span(), "ON CONFLICT clause is only allowed for upsert sinks. The sink '%s' is not an upsert sink because it requires UPDATE_BEFORE (retract mode).", t)
		case takes.InsertOnly() || len(key) == 0:
			return in, sqlerr.New(sqlerr.Invalid, n.Span(), "ON CONFLICT clause is only allowed for upsert sinks. The sink '%s' is not an upsert sink because it only accepts INSERT (append-only) changes.", t)
		}
	}
	mode, err := b.choice("table.exec.sink.upsert-materialize", "AUTO", "NONE", "FORCE")
	if err != nil || b.cfg.Session.Batch || len(key) == 0 || retract || takes.InsertOnly() {
		return in, err
	}
	if n.Conflict == "NOTHING" || n.Conflict == "ERROR" {
		if lacking := withoutWatermark(n.Input); len(lacking) > 0 {
			return in, sqlerr.New(sqlerr.Invalid, n.Span(), "ON CONFLICT DO %s requires all source tables to define watermarks, but the following source(s) do not: %s", n.Conflict, strings.Join(lacking, ", ")).
				WithHint("add a WATERMARK declaration to these tables")
		}
	}
	from, same := upsertKey(in.From.Keys.Upsert, key)
	schema := in.From.Spec.Schema()
	switch {
	case mode == "NONE", same && mode != "FORCE":
		return in, nil
	case mode == "FORCE" && n.Conflict != "NOTHING" && n.Conflict != "ERROR":
	case n.Conflict == "NOTHING", n.Conflict == "ERROR":
		spec := &compact.Spec{In: schema, Key: key, From: from, Fail: n.Conflict == "ERROR", At: n.Span()}
		return Input{From: b.add(spec, n.Span(), in)}, nil
	case n.Conflict == "" && !strings.EqualFold(b.cfg.Session.Option("table.exec.sink.require-on-conflict", "true"), "false"):
		return in, b.differs(n, schema, key, from)
	case n.Conflict == "DEDUPLICATE" && changes.InsertOnly():
		return in, nil
	}
	return Input{From: b.add(&upsertmat.Spec{In: schema, Key: key, From: from}, n.Span(), in)}, nil
}

// upsertKey is the key by which a query's rows are identified, best one within the
// primary key: then the two agree.
func upsertKey(keys [][]int, primary []int) (key []int, within bool) {
	for _, k := range keys {
		switch {
		case len(k) == 0: // a single row: it identifies nothing by its columns
		case operators.HasKey([][]int{k}, primary):
			return k, true
		case key == nil:
			key = k
		}
	}
	return key, false
}

// differs refuses a query whose key isn't the table's.
func (b *builder) differs(n *logical.Sink, schema *types.Schema, key, from []int) error {
	upsert := "none"
	if from != nil {
		upsert = operators.Columns(schema, from)
	}
	return sqlerr.New(sqlerr.Invalid, n.Span(), "The query has an upsert key that differs from the primary key of the sink table '%s'. Primary key: %s, upsert key: %s. "+
		"This can lead to non-deterministic results when multiple records with different upsert keys map to the same primary key", n.Table.Path.Dotted(), operators.Columns(schema, key), upsert).
		WithHint("say what happens then: ON CONFLICT DO DEDUPLICATE, NOTHING or ERROR behind the query; or SET 'table.exec.sink.require-on-conflict' = 'false'")
}

// withoutWatermark lists the tables below n that define no watermark.
func withoutWatermark(n logical.Node) []string {
	if s, ok := n.(*logical.Scan); ok && s.Watermark == nil {
		return []string{s.Table.Path.Dotted()}
	}
	var out []string
	for _, in := range n.Inputs() {
		for _, t := range withoutWatermark(in) {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}
