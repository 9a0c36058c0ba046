package parquet

import (
	"fmt"

	pq "github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/types"
)

// group is a Parquet group whose fields keep their order.
type group struct {
	pq.Group
	fields []pq.Field
}

func (g group) Fields() []pq.Field { return g.fields }
func (g group) String() string     { return "group" }

// newGroup makes a group of nodes in order.
func newGroup(names []string, nodes []pq.Node) group {
	g := group{Group: pq.Group{}}
	for i, n := range nodes {
		g.Group[names[i]] = n
	}
	byName := map[string]pq.Field{}
	for _, f := range g.Group.Fields() {
		byName[f.Name()] = f
	}
	for _, n := range names {
		g.fields = append(g.fields, byName[n])
	}
	return g
}

// nodeOf is the Parquet form of a type, without its optionality.
func (o settings) nodeOf(t types.Type) (pq.Node, error) {
	switch t.Kind {
	case types.Boolean:
		return pq.Leaf(pq.BooleanType), nil
	case types.TinyInt:
		return pq.Int(8), nil
	case types.SmallInt:
		return pq.Int(16), nil
	case types.Int:
		return pq.Int(32), nil
	case types.BigInt:
		return pq.Int(64), nil
	case types.Float:
		return pq.Leaf(pq.FloatType), nil
	case types.Double:
		return pq.Leaf(pq.DoubleType), nil
	case types.Decimal:
		return pq.Decimal(t.Scale, t.Length, decimalType(t.Length)), nil
	case types.Char, types.VarChar, types.Variant:
		return pq.Encoded(pq.String(), &pq.RLEDictionary), nil
	case types.Binary, types.VarBinary:
		return pq.Leaf(pq.ByteArrayType), nil
	case types.Date:
		return pq.Date(), nil
	case types.Time:
		return pq.Time(pq.Millisecond), nil
	case types.Timestamp, types.TimestampLTZ:
		if !o.int64 {
			return pq.Leaf(pq.Int96Type), nil
		}
		unit := map[string]pq.TimeUnit{"millis": pq.Millisecond, "micros": pq.Microsecond, "nanos": pq.Nanosecond}[o.unit]
		return pq.TimestampAdjusted(unit, t.Kind == types.TimestampLTZ), nil
	case types.Array:
		e, err := o.nodeOf(t.Elem())
		if err != nil {
			return nil, err
		}
		return pq.List(pq.Optional(e)), nil
	case types.Map, types.Multiset:
		kt := t.KidTypes()
		k, err := o.nodeOf(kt[0])
		if err != nil {
			return nil, err
		}
		v, err := o.nodeOf(kt[1])
		if err != nil {
			return nil, err
		}
		return pq.Map(k, pq.Optional(v)), nil
	case types.Row, types.Structured:
		return o.groupOf(t.Fields, true)
	}
	return nil, fmt.Errorf("parquet has no form for type %s", t.Nullable())
}

// decimalType is the smallest physical type of a precision.
func decimalType(precision int) pq.Type {
	switch {
	case precision <= 9:
		return pq.Int32Type
	case precision <= 18:
		return pq.Int64Type
	}
	return pq.FixedLenByteArrayType(decimalBytes(precision))
}

// decimalBytes is how many bytes a signed number of so many digits needs.
func decimalBytes(precision int) int {
	limit, n := types.Pow10(precision), 1
	for half := types.Int128Of(1 << 7); n < 16 && half.Cmp(limit) < 0; n++ {
		half, _ = half.Mul(types.Int128Of(1 << 8))
		if half.Sign() <= 0 {
			return 16
		}
	}
	return n
}

// groupOf is the form of named fields. nested ones are always optional: only the
// table's own columns are checked for NULL.
func (o settings) groupOf(fields []types.Field, nested bool) (pq.Node, error) {
	var names []string
	var nodes []pq.Node
	for _, f := range fields {
		n, err := o.nodeOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", types.Ident(f.Name), err)
		}
		if nested || !f.Type.NotNull {
			n = pq.Optional(n)
		}
		names, nodes = append(names, f.Name), append(nodes, n)
	}
	return newGroup(names, nodes), nil
}
