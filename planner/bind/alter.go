package bind

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// AlterTable makes the table that an ALTER TABLE leaves. RENAME TO is the names'
// own.
func (b *Binder) AlterTable(stmt *ast.Alter, path catalog.Path, old *catalog.Table) (t *catalog.Table, err error) {
	defer catch(&err)
	t = clone(old)
	a := &alteration{definition: definition{b: b, t: t}, path: path}
	switch x := stmt.Action.(type) {
	case *ast.AddSchema:
		a.add(x.Schema)
	case *ast.ModifySchema:
		a.modify(x.Schema)
	case *ast.DropColumns:
		a.drop(x.Columns)
	case *ast.RenameColumn:
		a.rename(x)
	case *ast.DropPrimaryKey:
		if len(t.Key) == 0 {
			failf(sqlerr.Invalid, x.Span(), "The current table does not define any primary key.")
		}
		t.Key, t.KeyName = nil, ""
	case *ast.DropConstraint:
		if len(t.Key) == 0 {
			failf(sqlerr.Invalid, x.Span(), "The current table does not define any primary key.")
		}
		if t.ConstraintName() != x.Name.Name {
			failf(sqlerr.NotFound, x.Name.Span(), "The current table does not define a primary key constraint named '%s'. Available constraint name: ['%s'].", x.Name.Name, t.ConstraintName())
		}
		t.Key, t.KeyName = nil, ""
	case *ast.DropWatermark:
		if t.Watermark == nil {
			failf(sqlerr.Invalid, x.Span(), "The current table does not define any watermark strategy.")
		}
		t.Watermark = nil
	case *ast.SetDistribution:
		if !x.Modify && t.Distribution != nil {
			failf(sqlerr.Invalid, x.Span(), "The base table has already defined the distribution. You might want to drop it before adding a new one.")
		}
		if x.Modify && t.Distribution == nil {
			failf(sqlerr.Invalid, x.Span(), "The base table does not define any distribution. You might want to add a new one.")
		}
		t.Distribution = nil
		a.distribution(x.Distribution)
	case *ast.DropDistribution:
		if t.Distribution == nil {
			failf(sqlerr.Invalid, x.Span(), "Table %s does not have a distribution to drop.", path)
		}
		t.Distribution = nil
	case *ast.SetOptions:
		t.Options = catalog.Merged(t.Options, stored(x.Options))
	case *ast.ResetOptions:
		for _, k := range x.Keys {
			if k.Value == "connector" {
				failf(sqlerr.Invalid, k.Span(), "ALTER TABLE RESET does not support changing 'connector'")
			}
		}
		t.Options = catalog.Without(t.Options, x.Keys)
	case *ast.AddPartitions:
		a.addPartitions(x)
	case *ast.DropPartitions:
		a.dropPartitions(x)
	default:
		unsupported(stmt.Action.Span(), "this ALTER TABLE")
	}
	b.complete(t)
	return t, nil
}

// clone copies what an alteration may change. Time attributes come back when the
// table is completed.
func clone(t *catalog.Table) *catalog.Table {
	c := *t
	c.Columns = slices.Clone(t.Columns)
	for i := range c.Columns {
		c.Columns[i].Type = c.Columns[i].Type.Plain()
	}
	c.Key, c.PartitionBy, c.Partitions = slices.Clone(t.Key), slices.Clone(t.PartitionBy), slices.Clone(t.Partitions)
	return &c
}

// alteration is a table while ALTER TABLE changes it.
type alteration struct {
	definition
	path catalog.Path
}

func (a *alteration) index(name string) int {
	return slices.IndexFunc(a.t.Columns, func(c catalog.Column) bool { return c.Name == name })
}

// place puts a column where FIRST or AFTER says, else at i.
func (a *alteration) place(col catalog.Column, at *ast.Position, i int) {
	switch {
	case at == nil:
	case at.After == nil:
		i = 0
	default:
		if i = a.index(at.After.Name) + 1; i == 0 {
			failf(sqlerr.NotFound, at.After.Span(), "Referenced column `%s` by 'AFTER' does not exist in the table%s", at.After.Name, sqlerr.DidYouMean(at.After.Name, columnNames(a.t)))
		}
	}
	a.t.Columns = slices.Insert(a.t.Columns, i, col)
}

func (a *alteration) add(s *ast.Schema) {
	for _, c := range s.Columns {
		if a.index(c.Name.Name) >= 0 {
			failf(sqlerr.Exists, c.Name.Span(), "Column `%s` already exists in the table.", c.Name.Name)
		}
		a.place(a.column(c), c.Position, len(a.t.Columns))
	}
	for _, c := range s.Constraints {
		if len(a.t.Key) > 0 {
			failf(sqlerr.Invalid, c.Span(), "The current table has already defined the primary key constraint [`%s`]. You might want to drop it before adding a new one.", strings.Join(a.t.Key, "`, `"))
		}
		a.constraint(c)
	}
	for _, w := range s.Watermarks {
		if a.t.Watermark != nil {
			failf(sqlerr.Invalid, w.Span(), "The current table has already defined the watermark strategy `%s` AS %s. You might want to drop it before adding a new one.", a.t.Watermark.Column, a.t.Watermark.Expr.SQL)
		}
		a.watermark(w)
	}
}

func (a *alteration) modify(s *ast.Schema) {
	for _, c := range s.Columns {
		i := a.index(c.Name.Name)
		if i < 0 {
			failf(sqlerr.NotFound, c.Name.Span(), "Column `%s` does not exist in the table%s", c.Name.Name, sqlerr.DidYouMean(c.Name.Name, columnNames(a.t)))
		}
		col := a.column(c)
		if c.Comment == nil {
			col.Comment = a.t.Columns[i].Comment
		}
		if slices.Contains(a.t.Key, col.Name) {
			if col.Computed != nil || col.Metadata != nil {
				failf(sqlerr.Invalid, c.Span(), "The column `%s` is used as the primary key.", col.Name)
			}
			col.Type = col.Type.NotNullable()
		}
		a.t.Columns = slices.Delete(a.t.Columns, i, i+1)
		a.place(col, c.Position, i)
	}
	for _, c := range s.Constraints {
		if len(a.t.Key) == 0 {
			failf(sqlerr.Invalid, c.Span(), "The current table does not define any primary key constraint. You might want to add a new one.")
		}
		a.t.Key, a.t.KeyName = nil, ""
		a.constraint(c)
	}
	for _, w := range s.Watermarks {
		if a.t.Watermark == nil {
			failf(sqlerr.Invalid, w.Span(), "The current table does not define any watermark. You might want to add a new one.")
		}
		a.watermark(w)
	}
}

// existing is the column a name means.
func (a *alteration) existing(n *ast.Name) string {
	if a.index(n.String()) < 0 {
		failf(sqlerr.NotFound, n.Span(), "The column `%s` does not exist in the base table%s", n, sqlerr.DidYouMean(n.String(), columnNames(a.t)))
	}
	return n.String()
}

func (a *alteration) drop(names []*ast.Name) {
	going := map[string]bool{}
	for _, n := range names {
		name := a.existing(n)
		if going[name] {
			failf(sqlerr.Invalid, n.Span(), "Duplicate column `%s`.", name)
		}
		going[name] = true
	}
	for _, n := range names {
		a.unused(n, going, true)
	}
	a.t.Columns = slices.DeleteFunc(a.t.Columns, func(c catalog.Column) bool { return going[c.Name] })
}

// unused refuses a column that something else in the table needs.
func (a *alteration) unused(n *ast.Name, going map[string]bool, key bool) {
	name, t := n.String(), a.t
	for _, c := range t.Columns {
		if c.Computed != nil && !going[c.Name] && mentions(c.Computed.SQL, name) {
			failf(sqlerr.Invalid, n.Span(), "The column `%s` is referenced by computed column `%s`.", name, c.Name)
		}
	}
	switch {
	case slices.Contains(t.PartitionBy, name):
		failf(sqlerr.Invalid, n.Span(), "The column `%s` is used as the partition keys.", name)
	case t.Distribution != nil && slices.Contains(t.Distribution.Columns, name):
		failf(sqlerr.Invalid, n.Span(), "The column `%s` is used as a distribution key.", name)
	case key && slices.Contains(t.Key, name):
		failf(sqlerr.Invalid, n.Span(), "The column `%s` is used as the primary key.", name)
	case t.Watermark != nil && (t.Watermark.Column == name || mentions(t.Watermark.Expr.SQL, name)):
		failf(sqlerr.Invalid, n.Span(), "The column `%s` is referenced by watermark expression.", name)
	}
}

// mentions says whether an expression reads a column.
func mentions(sql, column string) bool {
	e, err := parser.ParseExpr(&sqlerr.Source{Name: "column", Text: sql})
	found := false
	if err == nil {
		ast.Walk(e, func(n ast.Node) bool {
			if x, ok := n.(*ast.Name); ok && x.Parts[0].Name == column {
				found = true
			}
			return true
		})
	}
	return found
}

func (a *alteration) rename(r *ast.RenameColumn) {
	name := a.existing(r.From)
	if a.index(r.To.Name) >= 0 {
		failf(sqlerr.Exists, r.To.Span(), "The column `%s` already existed in table schema.", r.To.Name)
	}
	a.unused(r.From, nil, false)
	a.t.Columns[a.index(name)].Name = r.To.Name
	for i, k := range a.t.Key {
		if k == name {
			a.t.Key[i] = r.To.Name
		}
	}
}

// values are a partition's values in the order of the partition columns.
func (a *alteration) values(p *ast.Partition) []string {
	x := &exprBinder{b: a.b, scope: &scope{}}
	got := map[string]string{}
	var spec []string
	for _, it := range p.Items {
		if it.Value == nil {
			failf(sqlerr.Invalid, it.Span(), "PARTITION needs a value for column %q", it.Column.Name)
		}
		v := ""
		switch lit := it.Value.(type) {
		case *ast.String:
			v = lit.Value
		case *ast.Time:
			v = lit.Value
		default:
			if _, ok := x.constant(x.bind(it.Value)).(*expr.Const); !ok {
				failf(sqlerr.Invalid, it.Value.Span(), "a partition's value is a constant")
			}
			v = it.Value.Span().Text()
		}
		got[it.Column.Name] = v
		spec = append(spec, it.Column.Name+"="+v)
	}
	if len(a.t.PartitionBy) == 0 {
		failf(sqlerr.Invalid, p.Span(), "Table %s.%s in catalog %s is not partitioned.", a.path.Database, a.path.Name, a.path.Catalog)
	}
	var out []string
	for _, k := range a.t.PartitionBy {
		v, ok := got[k]
		if !ok || len(got) != len(a.t.PartitionBy) {
			failf(sqlerr.Invalid, p.Span(), "PartitionSpec {%s} does not match partition keys [%s] of table %s.%s in catalog %s.", strings.Join(spec, ", "), strings.Join(a.t.PartitionBy, ", "), a.path.Database, a.path.Name, a.path.Catalog)
		}
		out = append(out, v)
	}
	return out
}

func (a *alteration) partition(values []string) int {
	return slices.IndexFunc(a.t.Partitions, func(p catalog.Partition) bool { return slices.Equal(p.Values, values) })
}

func (a *alteration) addPartitions(x *ast.AddPartitions) {
	for _, n := range x.Partitions {
		v := a.values(n.Partition)
		if a.partition(v) >= 0 {
			if x.IfNotExists {
				continue
			}
			failf(sqlerr.Exists, n.Partition.Span(), "Partition (%s) of table %s.%s in catalog %s already exists.", strings.Join(v, ", "), a.path.Database, a.path.Name, a.path.Catalog)
		}
		a.t.Partitions = append(a.t.Partitions, catalog.Partition{Values: v, Options: stored(n.Options)})
	}
}

func (a *alteration) dropPartitions(x *ast.DropPartitions) {
	for _, p := range x.Partitions {
		v := a.values(p)
		i := a.partition(v)
		switch {
		case i >= 0:
			a.t.Partitions = slices.Delete(a.t.Partitions, i, i+1)
		case !x.IfExists:
			failf(sqlerr.NotFound, p.Span(), "Partition (%s) of table %s.%s in catalog %s does not exist.", strings.Join(v, ", "), a.path.Database, a.path.Name, a.path.Catalog)
		}
	}
}
