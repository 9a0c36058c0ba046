package parquet

import (
	"fmt"
	"io"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// describe makes columns of a file's schema: what is optional may be NULL, logical types
// decide before physical ones.
func describe(r io.ReaderAt, size int64) (*formats.Described, error) {
	f, err := footer(r, size)
	if err != nil {
		return nil, err
	}
	d := &describer{out: &formats.Described{}}
	for _, c := range f.Root().Columns() {
		t, err := d.column(c, 0)
		if err != nil {
			d.out.Left = append(d.out.Left, fmt.Sprintf("column %q: %v", c.Name(), err))
			continue
		}
		d.out.Fields = append(d.out.Fields, types.Field{Name: c.Name(), Type: t})
	}
	if d.local { // else they are taken for the session zone's
		d.out.Options = []string{"utc-timezone", "true"}
	}
	return d.out, nil
}

type describer struct {
	out   *formats.Described
	local bool // there are timestamps without a zone
}

func (d *describer) column(c *pq.Column, deep int) (types.Type, error) {
	t, err := d.present(c, deep)
	if c.Repeated() && err == nil { // the old form of a list
		return types.ArrayOf(t.WithNull(false)).WithNull(false), nil
	}
	return t.WithNull(c.Optional()), err
}

// present is the type of a column's values that are there; of a repeated one that of
// its elements.
func (d *describer) present(c *pq.Column, deep int) (types.Type, error) {
	if deep > maxDeep {
		return types.Type{}, fmt.Errorf("it is nested too deep")
	}
	if c.Leaf() {
		return d.leaf(c), nil
	}
	kids := c.Columns()
	if len(kids) == 0 {
		return types.Type{}, fmt.Errorf("it is a group of nothing")
	}
	if inner := kids[0]; len(kids) == 1 && inner.Repeated() && !c.Repeated() {
		parts := inner.Columns()
		if len(parts) == 2 && (isA[*format.MapType](c) || inner.Name() == "key_value" || inner.Name() == "map") {
			k, err := d.column(parts[0], deep+1)
			if err != nil {
				return k, err
			}
			v, err := d.column(parts[1], deep+1)
			return types.MapOf(k.Nullable(), v), err
		}
		if isA[*format.ListType](c) || inner.Name() == "list" || inner.Name() == "bag" || inner.Name() == "array" {
			if inner.Leaf() || len(parts) > 1 || inner.Name() == "array" { // the repeated node is the element
				t, err := d.present(inner, deep+1)
				return types.ArrayOf(t.WithNull(false)), err
			}
			t, err := d.column(parts[0], deep+1)
			return types.ArrayOf(t), err
		}
	}
	var fields []types.Field
	for _, k := range kids {
		t, err := d.column(k, deep+1)
		if err != nil {
			return t, fmt.Errorf("%q: %w", k.Name(), err)
		}
		fields = append(fields, types.Field{Name: k.Name(), Type: t})
	}
	return types.RowOf(fields...), nil
}

// isA says whether a group is annotated so.
func isA[T any](c *pq.Column) bool {
	lt := c.Type().LogicalType()
	if lt == nil {
		return false
	}
	_, ok := lt.Value.(T)
	return ok
}

func (d *describer) leaf(c *pq.Column) types.Type {
	kind := c.Type().Kind()
	if lt := c.Type().LogicalType(); lt != nil {
		switch x := lt.Value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return types.StringType
		case *format.DecimalType:
			if x.Precision <= 38 {
				return types.DecimalType(int(x.Precision), int(x.Scale))
			}
			return types.BytesType
		case *format.DateType:
			return types.DateType
		case *format.TimeType:
			return types.TimeType(3)
		case *format.TimestampType:
			digits := map[time.Duration]int{time.Millisecond: 3, time.Microsecond: 6, time.Nanosecond: 9}[x.Unit.Value.Duration()]
			if x.IsAdjustedToUTC {
				return types.TimestampLTZType(digits)
			}
			d.local = true
			return types.TimestampType(digits)
		case *format.IntType:
			bits := int(x.BitWidth)
			if !x.IsSigned {
				bits++
			}
			switch {
			case bits <= 8:
				return types.TinyIntType
			case bits <= 16:
				return types.SmallIntType
			case bits <= 32:
				return types.IntType
			}
			return types.BigIntType
		}
	}
	switch kind {
	case pq.Boolean:
		return types.BooleanType
	case pq.Int32:
		return types.IntType
	case pq.Int64:
		return types.BigIntType
	case pq.Int96:
		return types.TimestampType(9)
	case pq.Float:
		return types.FloatType
	case pq.Double:
		return types.DoubleType
	}
	return types.BytesType
}
