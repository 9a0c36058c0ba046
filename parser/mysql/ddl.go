package mysql

import (
	"fmt"
	"slices"
	"strings"

	tast "github.com/pingcap/tidb/pkg/parser/ast"
	tmysql "github.com/pingcap/tidb/pkg/parser/mysql"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
	ttypes "github.com/pingcap/tidb/pkg/parser/types"

	"github.com/millrace/millrace/types"
)

// Column is a column of a MySQL table with the SQL type its values have here:
// unsigned integers take the next wider type, BIGINT UNSIGNED is DECIMAL(20, 0),
// TINYINT(1) and BIT(1) are BOOLEAN, DATETIME is TIMESTAMP and TIMESTAMP is
// TIMESTAMP_LTZ, ENUM, JSON and geometries are STRING, SET is ARRAY<STRING>.
type Column struct {
	Name      string
	Type      types.Type // NOT NULL where the column is
	MySQL     string     // the type as MySQL writes it: "int unsigned"
	Elements  []string   // of ENUM and SET
	Unsigned  bool
	Generated bool
	Comment   string
	// Charset and Collation are those that the definition of a text column names.
	Charset, Collation string
}

// Table is what a CREATE TABLE says.
type Table struct {
	Schema, Name string
	Columns      []Column
	Key          []string   // primary key
	Unique       [][]string // other unique keys
	Comment      string
	// Charset and Collation are the table's own, "" where the statement names none.
	Charset, Collation string
}

// ParseTable reads a CREATE TABLE, such as SHOW CREATE TABLE gives.
func ParseTable(sql string) (*Table, error) {
	n, err := parse(sql)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	c, ok := n.(*tast.CreateTableStmt)
	if !ok {
		return nil, fmt.Errorf("mysql: expected CREATE TABLE, not %q", head(sql))
	}
	return table(c), nil
}

func head(sql string) string {
	if len(sql) > 40 {
		return sql[:40] + "..."
	}
	return sql
}

// ChangeKind is what a Change does.
type ChangeKind int

// The kinds of change.
const (
	Create       ChangeKind = iota // a table: Table
	CreateLike                     // a table like another: Like
	Drop                           // a table
	Rename                         // a table: NewSchema (may be "") and NewName
	Truncate                       // a table's rows, or those of some partitions
	Add                            // a column: Column, and First or After (neither: last)
	Modify                         // a column: Column, From is its old name; First or After may move it
	RenameColumn                   // a column: From and Column.Name
	DropColumn                     // a column: From
	SetKey                         // the primary key: Key
	DropKey                        // the primary key
	Retext                         // character sets or collations of existing columns, or of those to come
	Rekey                          // unique keys
	Other                          // nothing a reader of rows must know: indexes, options
)

// Change is one step of a DDL statement, to the table Schema.Name. Schema may be "":
// the current one.
type Change struct {
	Kind               ChangeKind
	Schema, Name       string
	Table              *Table
	IfNotExists        bool   // of a Create or CreateLike, which then may have done nothing
	Like               string // dotted
	NewSchema, NewName string
	Column             Column
	From               string
	First              bool
	After              string
	Key                []string
}

// ParseDDL reads a DDL statement of a binary log as the changes it makes, in order;
// none for statements about something else than tables.
func ParseDDL(sql string) ([]Change, error) {
	n, err := parse(sql)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	switch n := n.(type) {
	case *tast.CreateTableStmt:
		c := Change{Kind: Create, Schema: n.Table.Schema.O, Name: n.Table.Name.O}
		if n.ReferTable != nil {
			c.Kind, c.Like = CreateLike, strings.TrimPrefix(n.ReferTable.Schema.O+"."+n.ReferTable.Name.O, ".")
		} else {
			c.Table = table(n)
		}
		c.IfNotExists = n.IfNotExists
		return []Change{c}, nil
	case *tast.DropTableStmt:
		if n.IsView {
			return nil, nil
		}
		var out []Change
		for _, t := range n.Tables {
			out = append(out, Change{Kind: Drop, Schema: t.Schema.O, Name: t.Name.O})
		}
		return out, nil
	case *tast.RenameTableStmt:
		var out []Change
		for _, t := range n.TableToTables {
			out = append(out, Change{Kind: Rename, Schema: t.OldTable.Schema.O, Name: t.OldTable.Name.O, NewSchema: t.NewTable.Schema.O, NewName: t.NewTable.Name.O})
		}
		return out, nil
	case *tast.TruncateTableStmt:
		return []Change{{Kind: Truncate, Schema: n.Table.Schema.O, Name: n.Table.Name.O}}, nil
	case *tast.CreateIndexStmt:
		return []Change{{Kind: Rekey, Schema: n.Table.Schema.O, Name: n.Table.Name.O}}, nil
	case *tast.DropIndexStmt:
		return []Change{{Kind: Rekey, Schema: n.Table.Schema.O, Name: n.Table.Name.O}}, nil
	case *tast.AlterTableStmt:
		var out []Change
		for _, s := range n.Specs {
			for _, c := range spec(s) {
				c.Schema, c.Name = n.Table.Schema.O, n.Table.Name.O
				out = append(out, c)
			}
		}
		return out, nil
	}
	return nil, nil
}

// spec is one clause of ALTER TABLE.
func spec(s *tast.AlterTableSpec) []Change {
	place := func(c Change) Change {
		if p := s.Position; p != nil {
			c.First = p.Tp == tast.ColumnPositionFirst
			if p.Tp == tast.ColumnPositionAfter {
				c.After = p.RelativeColumn.Name.O
			}
		}
		return c
	}
	switch s.Tp {
	case tast.AlterTableAddColumns:
		var out []Change
		var key []string
		for _, d := range s.NewColumns {
			c, primary := column(d)
			if primary {
				key = append(key, c.Name)
			}
			out = append(out, place(Change{Kind: Add, Column: c}))
		}
		for _, k := range s.NewConstraints {
			if k.Tp == tast.ConstraintPrimaryKey {
				key = keyColumns(k)
			}
		}
		if key != nil {
			out = append(out, Change{Kind: SetKey, Key: key})
		}
		return out
	case tast.AlterTableModifyColumn, tast.AlterTableChangeColumn:
		c, primary := column(s.NewColumns[0])
		x := place(Change{Kind: Modify, Column: c, From: c.Name})
		if s.OldColumnName != nil {
			x.From = s.OldColumnName.Name.O
		}
		if primary {
			return []Change{x, {Kind: SetKey, Key: []string{c.Name}}}
		}
		return []Change{x}
	case tast.AlterTableRenameColumn:
		return []Change{{Kind: RenameColumn, From: s.OldColumnName.Name.O, Column: Column{Name: s.NewColumnName.Name.O}}}
	case tast.AlterTableDropColumn:
		return []Change{{Kind: DropColumn, From: s.OldColumnName.Name.O}}
	case tast.AlterTableRenameTable:
		return []Change{{Kind: Rename, NewSchema: s.NewTable.Schema.O, NewName: s.NewTable.Name.O}}
	case tast.AlterTableAddConstraint:
		if s.Constraint.Tp == tast.ConstraintPrimaryKey {
			return []Change{{Kind: SetKey, Key: keyColumns(s.Constraint)}}
		}
		return []Change{{Kind: Rekey}}
	case tast.AlterTableDropIndex:
		return []Change{{Kind: Rekey}}
	case tast.AlterTableOption:
		for _, o := range s.Options {
			if o.Tp == tast.TableOptionCharset || o.Tp == tast.TableOptionCollate {
				return []Change{{Kind: Retext}}
			}
		}
	case tast.AlterTableDropPartition, tast.AlterTableTruncatePartition, tast.AlterTableExchangePartition:
		return []Change{{Kind: Truncate}}
	case tast.AlterTableDropPrimaryKey:
		return []Change{{Kind: DropKey}}
	}
	return []Change{{Kind: Other}}
}

func keyColumns(c *tast.Constraint) []string {
	var out []string
	for _, k := range c.Keys {
		if k.Column != nil {
			out = append(out, k.Column.Name.O)
		}
	}
	return out
}

func table(n *tast.CreateTableStmt) *Table {
	t := &Table{Schema: n.Table.Schema.O, Name: n.Table.Name.O}
	for _, d := range n.Cols {
		c, primary := column(d)
		if primary {
			t.Key = []string{c.Name}
		}
		t.Columns = append(t.Columns, c)
		for _, o := range d.Options {
			if o.Tp == tast.ColumnOptionUniqKey {
				t.Unique = append(t.Unique, []string{c.Name})
			}
		}
	}
	for _, k := range n.Constraints {
		switch k.Tp {
		case tast.ConstraintPrimaryKey:
			t.Key = keyColumns(k)
		case tast.ConstraintUniq, tast.ConstraintUniqKey, tast.ConstraintUniqIndex:
			t.Unique = append(t.Unique, keyColumns(k))
		}
	}
	for _, o := range n.Options {
		switch o.Tp {
		case tast.TableOptionComment:
			t.Comment = o.StrValue
		case tast.TableOptionCharset:
			t.Charset = o.StrValue
		case tast.TableOptionCollate:
			t.Collation = o.StrValue
		}
	}
	for i := range t.Columns {
		if slices.Contains(t.Key, t.Columns[i].Name) {
			t.Columns[i].Type = t.Columns[i].Type.NotNullable()
		}
	}
	return t
}

// column reads a column's definition and says whether it is the primary key.
func column(d *tast.ColumnDef) (c Column, primary bool) {
	f := d.Tp
	c = Column{Name: d.Name.Name.O, Type: sqlType(f), MySQL: f.CompactStr(), Unsigned: f.GetFlag()&tmysql.UnsignedFlag != 0, Elements: f.GetElems()}
	if c.Unsigned {
		c.MySQL += " unsigned"
	}
	switch f.GetType() {
	case tmysql.TypeString, tmysql.TypeVarchar, tmysql.TypeVarString, tmysql.TypeTinyBlob, tmysql.TypeBlob, tmysql.TypeMediumBlob, tmysql.TypeLongBlob, tmysql.TypeEnum, tmysql.TypeSet:
		if f.GetCharset() != "binary" {
			c.Charset, c.Collation = f.GetCharset(), f.GetCollate()
		}
	}
	for _, o := range d.Options {
		switch o.Tp {
		case tast.ColumnOptionPrimaryKey:
			primary = true
			c.Type = c.Type.NotNullable()
		case tast.ColumnOptionNotNull:
			c.Type = c.Type.NotNullable()
		case tast.ColumnOptionCollate:
			c.Collation = o.StrValue
		case tast.ColumnOptionGenerated:
			c.Generated = true
		case tast.ColumnOptionComment:
			if v, ok := o.Expr.(*driver.ValueExpr); ok {
				c.Comment = v.GetString()
			}
		}
	}
	return c, primary
}

// sqlType is the type a MySQL type's values have here.
func sqlType(f *ttypes.FieldType) types.Type {
	unsigned := f.GetFlag()&tmysql.UnsignedFlag != 0
	wider := func(signed, other types.Type) types.Type {
		if unsigned {
			return other
		}
		return signed
	}
	fraction := min(max(f.GetDecimal(), 0), 6)
	binary := f.GetCharset() == "binary"
	length := f.GetFlen()
	switch f.GetType() {
	case tmysql.TypeTiny:
		if length == 1 && !unsigned {
			return types.BooleanType
		}
		return wider(types.TinyIntType, types.SmallIntType)
	case tmysql.TypeShort:
		return wider(types.SmallIntType, types.IntType)
	case tmysql.TypeYear, tmysql.TypeInt24:
		return types.IntType
	case tmysql.TypeLong:
		return wider(types.IntType, types.BigIntType)
	case tmysql.TypeLonglong:
		return wider(types.BigIntType, types.DecimalType(20, 0))
	case tmysql.TypeFloat:
		return types.FloatType
	case tmysql.TypeDouble:
		return types.DoubleType
	case tmysql.TypeNewDecimal:
		p, s := length, max(f.GetDecimal(), 0)
		if p <= 0 {
			p = 10
		}
		if p > 38 {
			return types.StringType
		}
		return types.DecimalType(p, s)
	case tmysql.TypeDate, tmysql.TypeNewDate:
		return types.DateType
	case tmysql.TypeDuration:
		return types.TimeType(fraction)
	case tmysql.TypeDatetime:
		return types.TimestampType(fraction)
	case tmysql.TypeTimestamp:
		return types.TimestampLTZType(fraction)
	case tmysql.TypeString:
		if binary {
			return types.Type{Kind: types.Binary, Length: max(length, 1)}
		}
		return types.CharType(max(length, 1))
	case tmysql.TypeVarchar, tmysql.TypeVarString:
		if binary {
			return types.Type{Kind: types.VarBinary, Length: max(length, 1)}
		}
		return types.VarCharType(max(length, 1))
	case tmysql.TypeTinyBlob, tmysql.TypeBlob, tmysql.TypeMediumBlob, tmysql.TypeLongBlob:
		if binary {
			return types.BytesType
		}
		return types.StringType
	case tmysql.TypeBit:
		if length <= 1 {
			return types.BooleanType
		}
		return types.Type{Kind: types.Binary, Length: (length + 7) / 8}
	case tmysql.TypeSet:
		return types.ArrayOf(types.StringType)
	}
	return types.StringType // ENUM, JSON, geometries
}
