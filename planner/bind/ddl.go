package bind

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// CreateTable checks a CREATE TABLE and makes what the catalog stores.
func (b *Binder) CreateTable(stmt *ast.CreateTable) (catalog.Path, *catalog.Table, error) {
	path, t, _, err := b.CreateTableAs(stmt)
	return path, t, err
}

// CreateTableAs is CreateTable; of CREATE TABLE ... AS it also makes the INSERT that
// fills the table.
func (b *Binder) CreateTableAs(stmt *ast.CreateTable) (path catalog.Path, t *catalog.Table, fill *ast.Insert, err error) {
	defer catch(&err)
	path = must(b.Names.Path(stmt.Name))
	t = &catalog.Table{At: stmt.Span()}
	d := &definition{b: b, t: t}
	if stmt.Like != nil {
		d.like(stmt)
	}
	switch {
	case stmt.Query != nil:
		fill = d.as(stmt)
	case stmt.Schema != nil:
		d.schema(stmt.Schema)
	}
	d.partitions(stmt.PartitionBy)
	if stmt.Distributed != nil {
		d.distribution(stmt.Distributed)
	}
	d.options(stmt.Options)
	if stmt.Comment != nil {
		t.Comment = stmt.Comment.Value
	}
	b.complete(t)
	return path, t, fill, nil
}

// definition is a table while it is defined.
type definition struct {
	b    *Binder
	t    *catalog.Table
	base baseTable
}

func (d *definition) partitions(by []ast.Ident) {
	if len(by) > 0 && len(d.t.PartitionBy) > 0 {
		failf(sqlerr.Invalid, by[0].Span(), "The base table already has partitions defined. You might want to specify EXCLUDING PARTITIONS.")
	}
	for _, p := range by {
		c := d.t.Column(p.Name)
		if c == nil {
			failf(sqlerr.NotFound, p.Span(), "Partition column '%s' not defined in the table schema. Available columns: [%s]%s", p.Name, quotedNames(d.t), sqlerr.DidYouMean(p.Name, columnNames(d.t)))
		}
		if c.Computed != nil {
			failf(sqlerr.Invalid, p.Span(), "Partition column '%s' must be a physical column", p.Name)
		}
		d.t.PartitionBy = append(d.t.PartitionBy, p.Name)
	}
}

func columnNames(t *catalog.Table) []string {
	var out []string
	for _, c := range t.Columns {
		out = append(out, c.Name)
	}
	return out
}

func quotedNames(t *catalog.Table) string { return "'" + strings.Join(columnNames(t), "', '") + "'" }

func (d *definition) distribution(x *ast.Distribution) {
	if d.t.Distribution != nil {
		failf(sqlerr.Invalid, x.Span(), "The base table already has a distribution defined. You might want to specify EXCLUDING DISTRIBUTION.")
	}
	to := &catalog.Distribution{Kind: x.Kind}
	for _, c := range x.Columns {
		if d.t.Column(c.Name) == nil {
			failf(sqlerr.NotFound, c.Span(), "Distribution column '%s' not defined in the table schema%s", c.Name, sqlerr.DidYouMean(c.Name, columnNames(d.t)))
		}
		to.Columns = append(to.Columns, c.Name)
	}
	if x.Buckets != nil {
		n, err := strconv.Atoi(x.Buckets.Text)
		if err != nil || n < 1 {
			failf(sqlerr.Invalid, x.Buckets.Span(), "Bucket count must be a positive integer, not %s", x.Buckets.Text)
		}
		to.Buckets = n
	}
	d.t.Distribution = to
}

// options sets options over those of LIKE. One given twice counts by its last value.
func (d *definition) options(set []ast.Option) {
	for _, o := range set {
		if v, ok := d.t.Option(o.Key.Value); ok && d.base.takes("OPTIONS") == "INCLUDING" && d.base.has(o.Key.Value) {
			failf(sqlerr.Invalid, o.Span(), "There already exists an option ['%s' -> '%s']  in the base table. You might want to specify EXCLUDING OPTIONS or OVERWRITING OPTIONS.", o.Key.Value, v)
		}
	}
	d.t.Options = catalog.Merged(d.t.Options, stored(set))
}

// stored are options as a catalog stores them.
func stored(in []ast.Option) []catalog.Option {
	var out []catalog.Option
	for _, o := range in {
		out = append(out, catalog.Option{Key: o.Key.Value, Value: o.Value.Value, At: o.Span()})
	}
	return out
}

// column makes what the catalog stores of a column.
func (d *definition) column(c *ast.Column) catalog.Column {
	col := catalog.Column{Name: c.Name.Name}
	if c.Comment != nil {
		col.Comment = c.Comment.Value
	}
	switch c.Kind {
	case ast.ComputedColumn:
		col.Computed = &catalog.Text{SQL: ast.Flink(c.Expr, nil), At: c.Expr.Span()}
	case ast.NamedColumn:
		failf(sqlerr.Invalid, c.Span(), "column %q needs a type; names alone are for CREATE TABLE ... AS", c.Name.Name)
	default:
		col.Type = d.b.typ(c.Type)
	}
	if c.Kind == ast.MetadataColumn {
		col.Metadata = &catalog.Metadata{Virtual: c.Virtual}
		if c.Key != nil {
			col.Metadata.Key = c.Key.Value
		}
	}
	return col
}

func (d *definition) schema(s *ast.Schema) {
	for _, c := range s.Columns {
		d.add(c)
	}
	d.rest(s)
}

// add appends a column; one of the base table may be overwritten.
func (d *definition) add(c *ast.Column) {
	col := d.column(c)
	if old := d.t.Column(col.Name); old != nil {
		d.base.clash(c, old, col)
		*old = col
		return
	}
	d.t.Columns = append(d.t.Columns, col)
}

// rest defines the watermark and the key.
func (d *definition) rest(s *ast.Schema) {
	if len(s.Watermarks) > 1 {
		failf(sqlerr.Invalid, s.Watermarks[1].Span(), "Multiple WATERMARK declarations are not supported yet.")
	}
	for _, w := range s.Watermarks {
		if d.t.Watermark != nil && d.base.takes("WATERMARKS") != "OVERWRITING" {
			failf(sqlerr.Invalid, w.Span(), "There already exists a watermark spec for column '%s' in the base table. You might want to specify EXCLUDING WATERMARKS or OVERWRITING WATERMARKS.", d.t.Watermark.Column)
		}
		d.watermark(w)
	}
	for _, c := range s.Constraints {
		if d.base.key && len(d.t.Key) > 0 {
			failf(sqlerr.Invalid, c.Span(), "The base table already has a primary key. You might want to specify EXCLUDING CONSTRAINTS.")
		}
		d.constraint(c)
	}
}

func (d *definition) watermark(w *ast.Watermark) {
	d.t.Watermark = &catalog.Watermark{Column: w.Column.String(), Expr: catalog.Text{SQL: ast.Flink(w.Expr, nil), At: w.Expr.Span()}}
	if d.t.Column(d.t.Watermark.Column) == nil {
		failf(sqlerr.NotFound, w.Column.Span(), "The rowtime attribute field '%s' is not defined in the table schema%s", w.Column, sqlerr.DidYouMean(w.Column.String(), columnNames(d.t)))
	}
}

func (d *definition) constraint(c *ast.Constraint) {
	if c.Kind != "PRIMARY KEY" {
		failf(sqlerr.Invalid, c.Span(), "%s constraint is not supported yet; Flink knows PRIMARY KEY alone", c.Kind)
	}
	if c.Enforced != "NOT ENFORCED" {
		failf(sqlerr.Invalid, c.Span(), "Flink doesn't support ENFORCED mode for PRIMARY KEY constraint: write PRIMARY KEY (...) NOT ENFORCED")
	}
	if len(d.t.Key) > 0 {
		failf(sqlerr.Invalid, c.Span(), "Duplicate primary key definition")
	}
	if c.Name != nil {
		d.t.KeyName = c.Name.Name
	}
	for _, k := range c.Columns {
		col := d.t.Column(k.Name)
		if col == nil {
			failf(sqlerr.NotFound, k.Span(), "Primary key column '%s' is not defined in the schema%s", k.Name, sqlerr.DidYouMean(k.Name, columnNames(d.t)))
		}
		if col.Computed != nil || col.Metadata != nil {
			failf(sqlerr.Invalid, k.Span(), "Could not create a PRIMARY KEY with column '%s': it must be a physical column", k.Name)
		}
		col.Type = col.Type.NotNullable()
		d.t.Key = append(d.t.Key, k.Name)
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
