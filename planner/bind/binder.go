// Package bind turns a tree into a logical plan: every name, type and function is
// resolved, views are inlined, and what Flink refuses for its meaning is refused
// here, with its place.
//
// Query binds a query form to a relation and the scope of its columns; an
// exprBinder binds expressions over a scope. Aggregates, OVER calls and
// sub-queries met in an expression are put into the relation below it and replaced
// by a column. Start with Binder, then selectQuery in select.go.
package bind

import (
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Functions finds functions by name in any case, nil when there is none.
type Functions interface {
	Scalar(name string) *functions.Scalar
	Aggregate(name string) *functions.Aggregate
	Table(name string) *functions.Table
}

// Binder binds the statements of a session.
type Binder struct {
	Names     *catalog.Names
	Functions Functions
	Connector func(name string) *connectors.Connector
	Format    func(name string) *formats.Format
	Session   *types.Session
	Streaming bool

	ctes     map[string]*relation // WITH, by name
	depth    int                  // of inlined views
	expanded *ast.Expansion       // what names of the view being made mean
	hints    []logical.Hint       // of the SELECT being bound
	outer    *outerRef            // what a sub-query may read around it; nil: nothing
}

// relation is a bound query or table: a plan and the names of its columns.
type relation struct {
	node  logical.Node
	scope *scope
}

// Query binds a query.
func (b *Binder) Query(q ast.Query) (n logical.Node, err error) {
	defer catch(&err)
	return b.query(q).node, nil
}

// failure carries an error up through the recursive binder; catch takes it out at
// the package's edge.
type failure struct{ err error }

func catch(err *error) {
	if r := recover(); r != nil {
		f, ok := r.(failure)
		if !ok {
			panic(r)
		}
		*err = f.err
	}
}

func fail(err error) { panic(failure{err}) }

func failf(code string, at sqlerr.Span, format string, args ...any) {
	fail(sqlerr.New(code, at, format, args...))
}

func unsupported(at sqlerr.Span, what string) { fail(sqlerr.Unsupported(at, what)) }

func must[T any](v T, err error) T {
	if err != nil {
		fail(err)
	}
	return v
}

// column is a reference to column i of a schema.
func column(s *types.Schema, i int) expr.Expr {
	return &expr.Column{Index: i, Name: s.Fields[i].Name, T: s.Fields[i].Type}
}

func columns(s *types.Schema) []expr.Expr {
	out := make([]expr.Expr, s.Len())
	for i := range out {
		out[i] = column(s, i)
	}
	return out
}

// project makes a Project of named expressions.
func project(in logical.Node, exprs []expr.Expr, names []string, at sqlerr.Span) *logical.Project {
	s := &types.Schema{}
	for i, e := range exprs {
		t := e.Type()
		if _, plain := e.(*expr.Column); !plain && t.Attr == types.Rowtime {
			t = t.Plain()
		}
		s.Fields = append(s.Fields, types.Field{Name: names[i], Type: t})
	}
	return &logical.Project{Base: logical.Base{Out: s, At: at}, Input: in, Exprs: exprs}
}

// Type resolves a type name.
func (b *Binder) Type(t ast.TypeName) (out types.Type, err error) {
	defer catch(&err)
	return b.typ(t), nil
}

func (b *Binder) typ(t ast.TypeName) types.Type {
	out := b.base(t)
	return out.WithNull(t.Nullability() != ast.NotNull)
}

func (b *Binder) base(t ast.TypeName) types.Type {
	switch t := t.(type) {
	case *ast.ScalarType:
		return b.scalarType(t)
	case *ast.ArrayType:
		return types.ArrayOf(b.typ(t.Elem))
	case *ast.MultisetType:
		return types.MultisetOf(b.typ(t.Elem))
	case *ast.MapType:
		return types.MapOf(b.typ(t.Key), b.typ(t.Value))
	case *ast.RowType:
		return types.RowOf(b.fields(t.Fields)...)
	case *ast.StructuredType:
		return types.Type{Kind: types.Structured, Name: t.Class.Value, Fields: b.fields(t.Fields)}
	case *ast.IntervalType:
		if t.Unit.From == "YEAR" || t.Unit.From == "MONTH" || t.Unit.From == "QUARTER" {
			return types.MonthsType
		}
		return types.MillisType
	}
	unsupported(t.Span(), "this type")
	return types.Type{}
}

func (b *Binder) fields(in []ast.FieldDef) []types.Field {
	var f []types.Field
	for _, x := range in {
		field := types.Field{Name: x.Name.Name, Type: b.typ(x.Type)}
		if x.Comment != nil {
			field.Doc = x.Comment.Value
		}
		f = append(f, field)
	}
	return f
}

func (b *Binder) scalarType(t *ast.ScalarType) types.Type {
	arg := func(i, def, lo, hi int) int {
		if i >= len(t.Args) {
			return def
		}
		if t.Args[i] < lo || t.Args[i] > hi {
			failf(sqlerr.Type, t.Span(), "%s takes a number from %d to %d, not %d", t.Name, lo, hi, t.Args[i])
		}
		return t.Args[i]
	}
	switch t.Name {
	case "CHAR":
		return types.CharType(arg(0, 1, 1, types.MaxLength))
	case "VARCHAR":
		return types.VarCharType(arg(0, types.MaxLength, 1, types.MaxLength))
	case "STRING":
		return types.StringType
	case "BOOLEAN":
		return types.BooleanType
	case "BINARY":
		return types.Type{Kind: types.Binary, Length: arg(0, 1, 1, types.MaxLength)}
	case "VARBINARY":
		return types.Type{Kind: types.VarBinary, Length: arg(0, types.MaxLength, 1, types.MaxLength)}
	case "BYTES":
		return types.BytesType
	case "DECIMAL":
		p := arg(0, 10, 1, 38)
		return types.DecimalType(p, arg(1, 0, 0, p))
	case "TINYINT":
		return types.TinyIntType
	case "SMALLINT":
		return types.SmallIntType
	case "INT":
		return types.IntType
	case "BIGINT":
		return types.BigIntType
	case "FLOAT":
		return types.FloatType
	case "DOUBLE":
		return types.DoubleType
	case "DATE":
		return types.DateType
	case "TIME":
		return types.TimeType(arg(0, 0, 0, 9))
	case "TIMESTAMP":
		return types.TimestampType(arg(0, 6, 0, 9))
	case "TIMESTAMP_LTZ":
		return types.TimestampLTZType(arg(0, 6, 0, 9))
	case "VARIANT":
		return types.VariantType
	case "BITMAP":
		return types.Type{Kind: types.Bitmap}
	}
	unsupported(t.Span(), "type "+t.Name)
	return types.Type{}
}
