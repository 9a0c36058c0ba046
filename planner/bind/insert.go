package bind

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Insert binds an INSERT: the query's columns go to the table's by position, or to
// those listed; what isn't written is NULL, and PARTITION gives constants.
func (b *Binder) Insert(stmt *ast.Insert) (sink *logical.Sink, err error) {
	defer catch(&err)
	var t *logical.Table
	var r *relation
	both(func() {
		t = must(b.ResolveTable(stmt.Table, stmt.Hints))
		if t.Def.View != nil {
			failf(sqlerr.Invalid, stmt.Table.Span(), "%s is a view", t.Path.Dotted())
		}
	}, func() { r = b.query(stmt.Query) })
	in := &insertion{b: b, stmt: stmt, t: t, target: &types.Schema{Fields: append([]types.Field(nil), t.Full.Fields...)}}
	for i, m := range t.Meta {
		if !m.Virtual {
			in.target.Fields = append(in.target.Fields, types.Field{Name: t.MetaNames[i], Type: m.Type})
		}
	}
	in.out = make([]expr.Expr, in.target.Len())
	in.partition()
	where := in.where()
	if len(where) != len(r.scope.cols) {
		failf(sqlerr.Invalid, stmt.Query.Span(), "Column types of query result and sink for '%s' do not match. Cause: Different number of columns. The query has %d, the sink %d", t.Path.Dotted(), len(r.scope.cols), len(where))
	}
	in.assign(where, columns(r.node.Schema()))
	in.oneRowtime()
	n := project(r.node, in.out, in.target.Names(), stmt.Span())
	for i := range n.Out.Fields {
		n.Out.Fields[i].Type = in.target.Fields[i].Type
	}
	return &logical.Sink{Base: logical.Base{Out: n.Out, At: stmt.Span()}, Input: n, Table: t, Overwrite: stmt.Overwrite, Static: in.static, Conflict: stmt.OnConflict, Rowtime: in.rowtime}, nil
}

// oneRowtime refuses a query with several time attributes, those cast to the sink's
// type left aside: one alone can be a record's timestamp.
func (in *insertion) oneRowtime() {
	if !in.b.Streaming || strings.EqualFold(in.b.Session.Option("table.exec.sink.rowtime-inserter", "ENABLED"), "DISABLED") {
		return
	}
	var names []string
	for i, e := range in.out {
		if c, ok := e.(*expr.Column); ok && c.T.Attr == types.Rowtime {
			names, in.rowtime = append(names, c.Name), i+1
		}
	}
	if len(names) > 1 {
		fail(sqlerr.New(sqlerr.Invalid, in.stmt.Query.Span(), "The query contains more than one rowtime attribute column [%s] for writing into table '%s'", strings.Join(unique(names), ", "), in.t.Path.Dotted()).
			WithHint("cast all but the one that is to be the record's time to TIMESTAMP(3), or SET 'table.exec.sink.rowtime-inserter' = 'DISABLED'"))
	}
}

// insertion is an INSERT while it is bound.
type insertion struct {
	b      *Binder
	stmt   *ast.Insert
	t      *logical.Table
	target *types.Schema
	out    []expr.Expr // of each target column, nil: not written
	static map[string]string

	rowtime int // the column that is the rows' event time, from 1; 0: none
}

// partition gives the columns of PARTITION (...) their constants.
func (in *insertion) partition() {
	if in.stmt.Partition == nil {
		return
	}
	in.static = map[string]string{}
	x := &exprBinder{b: in.b, scope: &scope{}}
	for _, p := range in.stmt.Partition.Items {
		name := p.Column.Name
		i := in.column(&ast.Name{Pos: p.Column.Pos, Parts: []ast.Ident{p.Column}})
		if !slices.Contains(in.t.Def.PartitionBy, name) {
			failf(sqlerr.Invalid, p.Span(), "Static partition column '%s' should be in the partition keys list [%s] for table '%s'", name, strings.Join(in.t.Def.PartitionBy, ", "), in.t.Path.Dotted())
		}
		if p.Value == nil {
			failf(sqlerr.Invalid, p.Span(), "PARTITION needs a value for column %q", name)
		}
		if in.out[i] != nil {
			failf(sqlerr.Invalid, p.Span(), "Target column '%s' is assigned more than once", name)
		}
		v, ok := x.constant(x.bind(p.Value)).(*expr.Const)
		if !ok {
			failf(sqlerr.Invalid, p.Span(), "a partition's value is a constant")
		}
		in.out[i] = coerce(v, in.target.Fields[i].Type.WithNull(!v.T.NotNull), in.b.Session)
		in.static[name] = p.Value.Span().Text()
	}
}

// column is the target column of a name.
func (in *insertion) column(n *ast.Name) int {
	i := in.target.Index(n.String())
	if i < 0 {
		failf(sqlerr.NotFound, n.Span(), "Unknown target column '%s' of table %s%s", n, in.t.Path.Dotted(), sqlerr.DidYouMean(n.String(), in.target.Names()))
	}
	return i
}

// where is the target column of each of the query's.
func (in *insertion) where() []int {
	var where []int
	if in.stmt.Columns == nil {
		for i := range in.target.Fields {
			if in.out[i] == nil {
				where = append(where, i)
			}
		}
		return where
	}
	for _, c := range in.stmt.Columns {
		i := in.column(c)
		if in.out[i] != nil || slices.Contains(where, i) {
			failf(sqlerr.Invalid, c.Span(), "Target column '%s' is assigned more than once", c)
		}
		where = append(where, i)
	}
	for i, f := range in.target.Fields {
		if f.Type.NotNull && in.out[i] == nil && !slices.Contains(where, i) {
			failf(sqlerr.Invalid, in.stmt.Table.Span(), "Column '%s' has no default value and does not allow NULLs", f.Name)
		}
	}
	return where
}

// assign casts the query's columns to the target's and makes the rest NULL.
func (in *insertion) assign(where []int, exprs []expr.Expr) {
	for i, w := range where {
		from, to := exprs[i].Type(), in.target.Fields[w].Type
		if !assignable(from, to) {
			failf(sqlerr.Type, in.stmt.Query.Span(), "Column types of query result and sink for '%s' do not match. Cause: Incompatible types for sink column '%s' at position %d. The query gives %s, the sink wants %s",
				in.t.Path.Dotted(), in.target.Fields[w].Name, i+1, from.Plain(), to)
		}
		in.out[w] = coerce(exprs[i], to.WithNull(!from.NotNull), in.b.Session)
	}
	for i := range in.out {
		if in.out[i] == nil {
			in.out[i] = null(in.target.Fields[i].Type, in.stmt.Table.Span())
		}
	}
}
