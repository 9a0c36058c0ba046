package bind

import (
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

func upper(n *ast.Name) string { return strings.ToUpper(n.Last().Name) }

// from binds FROM; without one it is a single row of no columns.
func (b *Binder) from(q *ast.Select) *relation {
	if q.From == nil {
		one := &logical.Values{Base: logical.Base{Out: &types.Schema{Fields: []types.Field{{Name: "ZERO", Type: types.IntType.NotNullable()}}}, At: q.Span()},
			Rows: [][]expr.Expr{{integer(0, types.IntType, q.Span())}}}
		return &relation{node: one, scope: &scope{}}
	}
	return b.ref(q.From)
}

func (b *Binder) ref(r ast.TableRef) *relation {
	if f := b.rowFunction(r); f != nil {
		return b.alone(f)
	}
	switch r := r.(type) {
	case *ast.TableName:
		return b.table(r)
	case *ast.Aliased:
		return renamed(b.ref(r.Ref), r.Name.Name, r.Columns, r.Span())
	case *ast.Derived:
		return renamed(b.query(r.Query), "", nil, r.Span())
	case *ast.Join:
		return b.join(r)
	case *ast.TableFunc:
		return b.tableFunc(r)
	case *ast.MatchRecognize:
		return b.match(r)
	case *ast.Sample:
		unsupported(r.Span(), "TABLESAMPLE")
	}
	unsupported(r.Span(), "this table reference")
	return nil
}

// table binds a table, a view or a name of WITH.
func (b *Binder) table(t *ast.TableName) *relation {
	if len(t.Name.Parts) == 1 {
		if r := b.ctes[t.Name.Parts[0].Name]; r != nil {
			return r
		}
	}
	if t.AsOf != nil {
		unsupported(t.AsOf.Span(), "FOR SYSTEM_TIME AS OF outside a join")
	}
	path, def := b.resolve(t.Name)
	if def.View != nil {
		if len(t.Hints) > 0 {
			failf(sqlerr.Invalid, t.Span(), "View '%s' cannot be enriched with new options. Hints can only be applied to tables.", path.Dotted())
		}
		return b.view(path.Name, t)
	}
	table := must(b.ResolveTable(t.Name, t.Hints))
	n := b.scan(table, t.Span())
	return &relation{node: n, scope: named(n.Schema(), path.Name)}
}

// view inlines a view's query, bound with the names of its making.
func (b *Binder) view(alias string, t *ast.TableName) *relation {
	path, def := b.resolve(t.Name)
	if b.depth > 50 {
		failf(sqlerr.Invalid, t.Span(), "view %q is defined by itself", path.Dotted())
	}
	q, err := parser.ParseQuery(&sqlerr.Source{Name: "view " + path.Name, Text: def.View.Query.SQL})
	if err != nil {
		fail(err)
	}
	inner := *b
	inner.ctes, inner.depth, inner.outer, inner.expanded = nil, b.depth+1, nil, nil
	inner.Names = b.Names.At(def.View.Catalog, def.View.Database)
	r := inner.query(q)
	var names []ast.Ident
	for _, c := range def.View.Columns {
		names = append(names, ast.Ident{Name: c})
	}
	return renamed(r, alias, names, t.Span())
}

// scan makes the scan of all columns of a table.
func (b *Binder) scan(t *logical.Table, at sqlerr.Span) logical.Node {
	n := &logical.Scan{Base: logical.Base{Out: t.Columns, At: at}, Table: t, Rowtime: -1}
	delivered := &types.Schema{Fields: append([]types.Field(nil), t.Full.Fields...)}
	for i := range t.Full.Fields {
		n.Physical = append(n.Physical, i)
	}
	for i, m := range t.Meta {
		n.Meta = append(n.Meta, i)
		delivered.Fields = append(delivered.Fields, types.Field{Name: t.MetaNames[i], Type: m.Type})
	}
	sc := named(delivered, "")
	for i, c := range t.Def.Columns {
		var e expr.Expr
		if c.Computed != nil {
			e = b.text(c.Computed.SQL, "computed column "+c.Name, sc)
		} else {
			e = column(delivered, delivered.Index(c.Name))
		}
		n.Exprs = append(n.Exprs, e)
		if t.Def.Watermark != nil && t.Def.Watermark.Column == c.Name {
			n.Rowtime, n.RowtimeExpr = i, e
		}
	}
	if t.Def.Watermark != nil && n.RowtimeExpr != nil {
		w := &scope{}
		for i, c := range t.Def.Columns {
			w.cols = append(w.cols, scopeColumn{name: c.Name, t: n.Exprs[i].Type()})
		}
		over := b.text(t.Def.Watermark.Expr.SQL, "watermark of "+t.Path.Name, w)
		n.Watermark = expr.Map(over, func(e expr.Expr) expr.Expr {
			if c, ok := e.(*expr.Column); ok {
				return n.Exprs[c.Index]
			}
			return e
		})
	}
	return n
}

// text binds an expression kept as text.
func (b *Binder) text(sql, name string, sc *scope) expr.Expr {
	e, err := parser.ParseExpr(&sqlerr.Source{Name: name, Text: sql})
	if err != nil {
		fail(err)
	}
	return (&exprBinder{b: b, scope: sc}).bind(e)
}

// tableFunc binds a window table-valued function.
func (b *Binder) tableFunc(f *ast.TableFunc) *relation {
	kinds := map[string]logical.WindowKind{"TUMBLE": logical.Tumble, "HOP": logical.Hop, "CUMULATE": logical.Cumulate, "SESSION": logical.Session}
	kind, ok := kinds[upper(f.Call.Name)]
	if !ok {
		unsupported(f.Span(), "table function "+f.Call.Name.String())
	}
	order := map[logical.WindowKind][]string{logical.Tumble: {"DATA", "TIMECOL", "SIZE", "OFFSET"}, logical.Hop: {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
		logical.Cumulate: {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"}, logical.Session: {"DATA", "TIMECOL", "GAP"}}[kind]
	args := map[string]ast.Expr{}
	for i, a := range f.Call.Args {
		if n, ok := a.(*ast.NamedArg); ok {
			args[strings.ToUpper(n.Name.Name)] = n.Value
			continue
		}
		if i >= len(order) {
			failf(sqlerr.Invalid, a.Span(), "Invalid number of arguments to function '%s'. Was expecting %d arguments", upper(f.Call.Name), len(order)-1)
		}
		args[order[i]] = a
	}
	for _, name := range order {
		if args[name] == nil && name != "OFFSET" {
			failf(sqlerr.Invalid, f.Span(), "%s: argument %s is missing", upper(f.Call.Name), name)
		}
	}
	return b.window(f, kind, args)
}

func (b *Binder) window(f *ast.TableFunc, kind logical.WindowKind, args map[string]ast.Expr) *relation {
	data, ok := args["DATA"].(*ast.TableArg)
	if !ok {
		failf(sqlerr.Invalid, args["DATA"].Span(), "the first argument of %s is TABLE name or a query in parentheses", kind)
	}
	var in *relation
	if data.Query != nil {
		in = b.query(data.Query)
	} else {
		in = b.table(data.Table)
	}
	d, ok := args["TIMECOL"].(*ast.Descriptor)
	if !ok || len(d.Columns) != 1 {
		failf(sqlerr.Invalid, args["TIMECOL"].Span(), "the time column is given as DESCRIPTOR(column)")
	}
	x := &exprBinder{b: b, scope: in.scope}
	col, ok := x.scope.resolve(d.Columns[0]).(*expr.Column)
	if !ok {
		failf(sqlerr.Invalid, d.Span(), "the time column can't be a field of a row")
	}
	if !col.T.IsTimestamp() || b.Streaming && col.T.Attr == types.NoTimeAttr {
		fail(sqlerr.New(sqlerr.Invalid, d.Span(), "The window function requires the timecol is a time attribute type, but is %s.", col.T.Nullable()).
			WithHint("declare it in the table it comes from: WATERMARK FOR %s AS %s - INTERVAL '5' SECOND", d.Span().Text(), d.Span().Text()))
	}
	w := logical.Window{Kind: kind, Time: col.Index, Proctime: col.T.Attr == types.Proctime, LTZ: col.T.Kind == types.TimestampLTZ}
	duration := func(name string) int64 {
		if args[name] == nil {
			return 0
		}
		return millis(x.bind(args[name]))
	}
	w.Size, w.Slide, w.Offset = duration("SIZE")+duration("GAP"), duration("SLIDE")+duration("STEP"), duration("OFFSET")
	if w.Size <= 0 || w.Slide < 0 || (kind == logical.Hop || kind == logical.Cumulate) && w.Slide == 0 {
		failf(sqlerr.Invalid, f.Span(), "%s table function needs sizes above 0", kind)
	}
	if abs(w.Offset) >= w.Size && w.Offset != 0 {
		failf(sqlerr.Invalid, f.Span(), "%s table function parameters must satisfy abs(offset) < size, but got size %d ms and offset %d ms.", kind, w.Size, w.Offset)
	}
	if kind == logical.Cumulate && w.Size%w.Slide != 0 {
		failf(sqlerr.Invalid, f.Span(), "CUMULATE table function based aggregate requires maxSize must be an integral multiple of step, but got maxSize %d ms and step %d ms", w.Size, w.Slide)
	}
	if kind != logical.Session && len(data.PartitionBy) > 0 {
		failf(sqlerr.Invalid, data.PartitionBy[0].Span(), "Only tables with set semantics may be partitioned. Invalid PARTITION BY clause in the 0-th operand of table function '%s'", kind)
	}
	for _, p := range data.PartitionBy {
		c, ok := x.bind(p).(*expr.Column)
		if !ok {
			unsupported(p.Span(), "PARTITION BY an expression")
		}
		w.Partition = append(w.Partition, c.Index)
	}
	out := &types.Schema{Fields: append([]types.Field(nil), in.node.Schema().Fields...)}
	sc := &scope{cols: append([]scopeColumn(nil), in.scope.cols...)}
	attr := col.T
	if attr.Attr == types.NoTimeAttr {
		attr = attr.Plain()
	}
	attr.Length = 3
	for _, c := range []scopeColumn{{name: "window_start", t: types.TimestampType(3).NotNullable()}, {name: "window_end", t: types.TimestampType(3).NotNullable()}, {name: "window_time", t: attr.NotNullable()}} {
		out.Fields = append(out.Fields, types.Field{Name: c.name, Type: c.t})
		sc.cols = append(sc.cols, c)
	}
	return &relation{node: &logical.WindowTVF{Base: logical.Base{Out: out, At: f.Span()}, Input: in.node, Window: w}, scope: sc}
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
