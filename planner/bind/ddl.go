package bind

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// CreateTable checks a CREATE TABLE and makes what the catalog stores.
func (b *Binder) CreateTable(stmt *ast.CreateTable) (path catalog.Path, t *catalog.Table, err error) {
	defer catch(&err)
	path = must(b.Names.Path(stmt.Name))
	t = &catalog.Table{At: stmt.Span()}
	if stmt.Like != nil {
		b.like(t, stmt.Like)
	}
	if stmt.Schema != nil {
		b.schema(t, stmt.Schema)
	}
	for _, p := range stmt.PartitionBy {
		if t.Column(p.Name) == nil {
			failf(sqlerr.NotFound, p.Span(), "partition column %q isn't a column of the table", p.Name)
		}
		t.PartitionBy = append(t.PartitionBy, p.Name)
	}
	for _, o := range stmt.Options {
		t.Options = append(t.Options, catalog.Option{Key: o.Key.Value, Value: o.Value.Value, At: o.Span()})
	}
	if stmt.Comment != nil {
		t.Comment = stmt.Comment.Value
	}
	if len(t.Columns) == 0 {
		failf(sqlerr.Invalid, stmt.Name.Span(), "table %s has no columns", path.Dotted())
	}
	b.complete(t)
	return path, t, nil
}

// like copies what LIKE includes: all, unless it says otherwise.
func (b *Binder) like(t *catalog.Table, l *ast.LikeClause) {
	_, from, err := b.Names.Resolve(l.Table)
	if err != nil {
		fail(err)
	}
	want := map[string]string{}
	for _, o := range l.Options {
		want[o.Feature] = o.Strategy
	}
	takes := func(feature string) bool {
		if s, ok := want[feature]; ok {
			return s != "EXCLUDING"
		}
		return want["ALL"] != "EXCLUDING"
	}
	for _, c := range from.Columns {
		if c.Computed != nil && !takes("GENERATED") || c.Metadata != nil && !takes("METADATA") {
			continue
		}
		t.Columns = append(t.Columns, c)
	}
	if takes("CONSTRAINTS") {
		t.Key, t.KeyName = from.Key, from.KeyName
	}
	if takes("WATERMARKS") {
		t.Watermark = from.Watermark
	}
	if takes("OPTIONS") {
		t.Options = append(t.Options, from.Options...)
	}
	if takes("PARTITIONS") {
		t.PartitionBy = from.PartitionBy
	}
}

func (b *Binder) schema(t *catalog.Table, s *ast.Schema) {
	for _, c := range s.Columns {
		if t.Column(c.Name.Name) != nil {
			failf(sqlerr.Invalid, c.Name.Span(), "column %q is defined twice", c.Name.Name)
		}
		col := catalog.Column{Name: c.Name.Name}
		if c.Comment != nil {
			col.Comment = c.Comment.Value
		}
		switch c.Kind {
		case ast.ComputedColumn:
			col.Computed = &catalog.Text{SQL: c.Expr.Span().Text(), At: c.Expr.Span()}
		case ast.NamedColumn:
			unsupported(c.Span(), "a column without a type")
		default:
			col.Type = b.typ(c.Type)
		}
		if c.Kind == ast.MetadataColumn {
			col.Metadata = &catalog.Metadata{Virtual: c.Virtual}
			if c.Key != nil {
				col.Metadata.Key = c.Key.Value
			}
		}
		t.Columns = append(t.Columns, col)
	}
	if len(s.Watermarks) > 1 {
		failf(sqlerr.Invalid, s.Watermarks[1].Span(), "a table has at most one WATERMARK")
	}
	for _, w := range s.Watermarks {
		t.Watermark = &catalog.Watermark{Column: w.Column.String(), Expr: catalog.Text{SQL: w.Expr.Span().Text(), At: w.Expr.Span()}}
		if t.Column(t.Watermark.Column) == nil {
			failf(sqlerr.NotFound, w.Column.Span(), "The rowtime attribute field '%s' is not defined in the table schema", w.Column)
		}
	}
	for _, c := range s.Constraints {
		b.constraint(t, c)
	}
}

func (b *Binder) constraint(t *catalog.Table, c *ast.Constraint) {
	if c.Kind != "PRIMARY KEY" {
		failf(sqlerr.Invalid, c.Span(), "%s constraints are not supported; Flink knows PRIMARY KEY alone", c.Kind)
	}
	if c.Enforced != "NOT ENFORCED" {
		failf(sqlerr.Invalid, c.Span(), "Flink doesn't support ENFORCED mode for PRIMARY KEY constraint: write PRIMARY KEY (...) NOT ENFORCED")
	}
	if len(t.Key) > 0 {
		failf(sqlerr.Invalid, c.Span(), "Duplicate primary key definition")
	}
	for _, k := range c.Columns {
		col := t.Column(k.Name)
		if col == nil {
			failf(sqlerr.NotFound, k.Span(), "Primary key column '%s' is not defined in the schema", k.Name)
		}
		if col.Computed != nil {
			failf(sqlerr.Invalid, k.Span(), "Could not create a PRIMARY KEY with column '%s': it must be a physical column", k.Name)
		}
		col.Type = col.Type.NotNullable()
		t.Key = append(t.Key, k.Name)
	}
}

// complete gives computed columns their types and the watermark's column its
// attribute.
func (b *Binder) complete(t *catalog.Table) {
	sc := &scope{}
	for _, c := range t.Columns {
		if c.Computed == nil {
			sc.cols = append(sc.cols, scopeColumn{name: c.Name, t: c.Type})
		}
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Computed != nil {
			c.Type = b.text(c.Computed.SQL, "computed column "+c.Name, sc).Type()
		}
	}
	if t.Watermark == nil {
		return
	}
	c := t.Column(t.Watermark.Column)
	if !c.Type.IsTimestamp() || c.Type.Length > 3 {
		failf(sqlerr.Type, t.Watermark.Expr.At, "Invalid data type of time field for watermark definition: the field must be of type TIMESTAMP(p) or TIMESTAMP_LTZ(p) with precision at most 3, but %q is %s", c.Name, c.Type.Nullable().Plain())
	}
	all := &scope{}
	for _, c := range t.Columns {
		all.cols = append(all.cols, scopeColumn{name: c.Name, t: c.Type})
	}
	if w := b.text(t.Watermark.Expr.SQL, "watermark", all).Type(); !w.IsTimestamp() {
		failf(sqlerr.Type, t.Watermark.Expr.At, "Invalid data type of expression for watermark definition: it must be a timestamp, but is %s", w)
	}
	c.Type.Attr = types.Rowtime
}

// CreateView binds a view's query and makes what the catalog stores.
func (b *Binder) CreateView(stmt *ast.CreateView) (path catalog.Path, t *catalog.Table, err error) {
	defer catch(&err)
	path = must(b.Names.Path(stmt.Name))
	r := b.query(stmt.Query)
	v := &catalog.View{Query: catalog.Text{SQL: stmt.Query.Span().Text(), At: stmt.Query.Span()}, Catalog: b.Names.Catalog, Database: b.Names.Database}
	if len(stmt.Columns) > 0 && len(stmt.Columns) != len(r.scope.cols) {
		failf(sqlerr.Invalid, stmt.Name.Span(), "view %s names %d columns, its query has %d", path.Dotted(), len(stmt.Columns), len(r.scope.cols))
	}
	t = &catalog.Table{View: v, At: stmt.Span()}
	for i, c := range r.scope.cols {
		name := c.name
		if len(stmt.Columns) > 0 {
			name = stmt.Columns[i].Name.Name
			v.Columns = append(v.Columns, name)
		}
		t.Columns = append(t.Columns, catalog.Column{Name: name, Type: r.node.Schema().Fields[i].Type})
	}
	return path, t, nil
}

// Describe is the columns of a table or view.
func (b *Binder) Describe(name *ast.Name) (s *types.Schema, t *catalog.Table, err error) {
	defer catch(&err)
	if _, t, err = b.Names.Resolve(name); err != nil {
		return nil, nil, err
	}
	s = &types.Schema{}
	for _, c := range t.Columns {
		s.Fields = append(s.Fields, types.Field{Name: c.Name, Type: c.Type})
	}
	return s, t, nil
}

// ResolveTable finds a table, its connector and format, and checks its options,
// with those of hints on top.
func (b *Binder) ResolveTable(name *ast.Name, hints []ast.Hint) (out *logical.Table, err error) {
	defer catch(&err)
	path, def, err := b.Names.Resolve(name)
	if err != nil {
		return nil, err
	}
	at := name.Span()
	t := &logical.Table{Path: path, Def: def, Options: def.Options, Full: &types.Schema{}, Columns: &types.Schema{}}
	for _, h := range hints {
		if !strings.EqualFold(h.Name.Name, "OPTIONS") {
			continue
		}
		for _, a := range h.Args {
			t.Options = append(t.Options[:len(t.Options):len(t.Options)], catalog.Option{Key: a.Key.Value, Value: a.Value.Value, At: a.Span()})
		}
	}
	for _, c := range def.Columns {
		f := types.Field{Name: c.Name, Type: c.Type}
		t.Columns.Fields = append(t.Columns.Fields, f)
		switch {
		case c.Metadata != nil:
			key := c.Metadata.Key
			if key == "" {
				key = c.Name
			}
			t.Meta = append(t.Meta, connectors.Metadata{Key: key, Type: c.Type.Plain(), Virtual: c.Metadata.Virtual})
			t.MetaNames = append(t.MetaNames, c.Name)
		case c.Computed == nil:
			f.Type = f.Type.Plain()
			t.Full.Fields = append(t.Full.Fields, f)
		}
	}
	for _, k := range def.Key {
		t.Key = append(t.Key, t.Columns.Index(k))
	}
	b.options(t, at)
	return t, nil
}

// options finds connector and format and checks every option against what they
// declare.
func (b *Binder) options(t *logical.Table, at sqlerr.Span) {
	set, where := map[string]string{}, map[string]sqlerr.Span{}
	for _, o := range t.Options {
		set[o.Key], where[o.Key] = o.Value, o.At
	}
	name, ok := set["connector"]
	if !ok {
		failf(sqlerr.Option, at, "table %s has no option 'connector'", t.Path.Dotted())
	}
	if t.Connector = b.Connector(name); t.Connector == nil {
		failf(sqlerr.Option, where["connector"], "connector %q is not known", name)
	}
	delete(set, "connector")
	declared := t.Connector.Options
	values := map[string]string{}
	take := func(option, prefix string) (*formats.Format, formats.Values) {
		f := set[option]
		format := b.Format(f)
		if format == nil {
			failf(sqlerr.Option, where[option], "format %q is not known", f)
		}
		own := map[string]string{}
		for k, v := range set {
			if rest, ok := strings.CutPrefix(k, prefix+f+"."); ok {
				own[rest] = v
				check(rest, v, format.Options, where[k], "format "+f)
				delete(set, k)
			}
		}
		return format, formats.Values{Set: own, Declared: format.Options}
	}
	keyed := declares(declared, "value.format")
	if set["format"] != "" && set["value.format"] != "" && keyed {
		failf(sqlerr.Option, where["value.format"], "options 'format' and 'value.format' can't both be set")
	}
	if _, ok := set["format"]; ok {
		t.Format.Format, t.Format.Spec.Options = take("format", "")
	} else if _, ok := set["value.format"]; ok && keyed {
		t.Format.Format, t.Format.Spec.Options = take("value.format", "value.")
	}
	if _, ok := set["key.format"]; ok && keyed {
		t.Format.KeyFormat, t.Format.KeySpec.Options = take("key.format", "key.")
	}
	for k, v := range set {
		if k == "format" || strings.HasPrefix(k, "scan.watermark.") {
			values[k] = v
			continue
		}
		check(k, v, declared, where[k], "connector "+name)
		values[k] = v
	}
	for _, o := range declared {
		if _, ok := values[o.Name]; o.Required && !ok {
			failf(sqlerr.Option, at, "table %s: connector %q needs option '%s'", t.Path.Dotted(), name, o.Name)
		}
	}
	t.Values = formats.Values{Set: values, Declared: declared}
}

func declares(options []formats.Option, name string) bool {
	return slices.ContainsFunc(options, func(o formats.Option) bool { return o.Name == name })
}

func check(key, value string, declared []formats.Option, at sqlerr.Span, who string) {
	var names []string
	for _, o := range declared {
		if o.Name == key || o.Prefix && strings.HasPrefix(key, o.Name) {
			if err := o.Check(value); err != nil {
				failf(sqlerr.Option, at, "%s", err)
			}
			return
		}
		names = append(names, o.Name)
	}
	fail(sqlerr.New(sqlerr.Option, at, "%s has no option '%s'%s", who, key, sqlerr.DidYouMean(key, names)).WithHint("its options are: %s", strings.Join(names, ", ")))
}

// assignable is Flink's implicit cast into a sink: within a family, widening or
// not by kind.
func assignable(from, to types.Type) bool {
	switch {
	case from.Kind == types.Null, from.Plain().Same(to.Plain()):
		return true
	case from.IsNumeric() && to.IsNumeric():
		return true
	case from.IsString() && to.IsString(), from.IsBytes() && to.IsBytes():
		return true
	case from.IsTimestamp() && to.IsTimestamp(), from.Kind == types.Date && to.IsTimestamp():
		return true
	case from.Kind == to.Kind && len(from.Fields) == len(to.Fields):
		for i := range from.Fields {
			if !assignable(from.Fields[i].Type, to.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return false
}
