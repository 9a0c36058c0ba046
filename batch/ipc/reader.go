package ipc

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Reader reads an Arrow IPC stream as batches of a schema's columns. They are
// found by name; integers may be of any width that holds the value, timestamps of
// any unit, and texts large, views or dictionaries. What isn't in the stream is
// NULL.
type Reader struct {
	in     io.Reader
	schema *types.Schema
	types  []types.Type
	kinds  bool
	r      *ipc.Reader
	at     []int // column of the stream for each of the schema, or -1
	op     int
	meta   arrow.Metadata

	rec  arrow.RecordBatch
	from int
	out  batch.Batch
}

// NewReader reads r. With kinds, the column "op", if there is one, says each row's
// kind. The stream's head is read with the first batch.
func NewReader(r io.Reader, s *types.Schema, kinds bool) *Reader {
	return &Reader{in: r, schema: s, types: s.Types(), kinds: kinds, op: -1}
}

// Next returns the next rows, at most batch.MaxRows, or io.EOF. They are valid
// until the next call. A damaged stream is an error.
func (r *Reader) Next() (b *batch.Batch, err error) {
	defer func() { // the library panics at some damaged streams
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("arrow stream: damaged: %v", p)
		}
	}()
	if r.r == nil {
		if r.r, err = ipc.NewReader(&guard{in: r.in}); err != nil {
			return nil, fmt.Errorf("arrow stream: %w", err)
		}
		if err := r.columns(); err != nil {
			return nil, err
		}
	}
	if r.rec == nil || r.from >= int(r.rec.NumRows()) {
		r.rec, r.from = nil, 0
		if !r.r.Next() {
			if err := r.r.Err(); err != nil && !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("arrow stream: %w", err)
			}
			return nil, io.EOF
		}
		r.rec = r.r.RecordBatch()
		r.meta = arrow.Metadata{}
		if m, ok := r.rec.(interface{ Metadata() arrow.Metadata }); ok {
			r.meta = m.Metadata()
		}
	}
	n := min(batch.MaxRows, int(r.rec.NumRows())-r.from)
	r.out.Reset(r.types)
	for c, t := range r.types {
		v := &r.out.Cols[c]
		if r.at[c] < 0 {
			for i := range n {
				v.AppendNull(t, i)
			}
			continue
		}
		if err := load(v, t, r.rec.Column(r.at[c]), r.from, n, 0); err != nil {
			return nil, fmt.Errorf("column %s: %w", r.schema.Fields[c].Name, err)
		}
	}
	for i := range n {
		k := batch.Insert
		if r.op >= 0 {
			text, _ := bytesAt(r.rec.Column(r.op), r.from+i)
			var ok bool
			if k, ok = batch.ParseKind(string(text)); !ok {
				return nil, fmt.Errorf("column %s: %q is no row kind", KindColumn, text)
			}
		}
		r.out.AppendKind(k)
	}
	r.from += n
	return &r.out, nil
}

// Meta is a value of the metadata of the message that Next's rows came with.
func (r *Reader) Meta(key string) string {
	if i := r.meta.FindKey(key); i >= 0 {
		return r.meta.Values()[i]
	}
	return ""
}

// Missing are the schema's columns that the stream doesn't have, known with the
// first rows.
func (r *Reader) Missing() (names []string) {
	for c, at := range r.at {
		if at < 0 {
			names = append(names, r.schema.Fields[c].Name)
		}
	}
	return names
}

// More says that the message of Next's rows has further ones.
func (r *Reader) More() bool { return r.rec != nil && r.from < int(r.rec.NumRows()) }

func (r *Reader) columns() error {
	s := r.r.Schema()
	for _, f := range r.schema.Fields {
		at := -1
		if found := s.FieldIndices(f.Name); len(found) > 0 {
			at = found[0]
			if have := s.Field(at).Type; !loadable(have, f.Type) {
				return fmt.Errorf("column %s: arrow's %s can't be read as %s", f.Name, have, f.Type.Plain())
			}
		}
		r.at = append(r.at, at)
	}
	if found := s.FieldIndices(KindColumn); r.kinds && len(found) > 0 {
		r.op = found[0]
		if !loadable(s.Field(r.op).Type, types.StringType) {
			return fmt.Errorf("column %s: must be text", KindColumn)
		}
	}
	return nil
}

// loadable says that a column of Arrow's type a can be read as t.
func loadable(a arrow.DataType, t types.Type) bool {
	if e, ok := a.(arrow.ExtensionType); ok {
		a = e.StorageType()
	}
	if d, ok := a.(*arrow.DictionaryType); ok {
		a = d.ValueType
	}
	id := a.ID()
	if id == arrow.NULL {
		return true
	}
	switch t.Kind {
	case types.Boolean:
		return id == arrow.BOOL
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalYM:
		return arrow.IsInteger(id) || id == arrow.INTERVAL_MONTHS && t.Kind == types.IntervalYM
	case types.IntervalDT:
		return id == arrow.DURATION
	case types.Float, types.Double:
		return id == arrow.FLOAT32 || id == arrow.FLOAT64 || id == arrow.FLOAT16 || arrow.IsInteger(id)
	case types.Decimal:
		return id == arrow.DECIMAL128 || arrow.IsInteger(id)
	case types.Date:
		return id == arrow.DATE32 || id == arrow.DATE64
	case types.Time:
		return id == arrow.TIME32 || id == arrow.TIME64
	case types.Timestamp, types.TimestampLTZ:
		return id == arrow.TIMESTAMP
	case types.Array:
		l, ok := a.(arrow.ListLikeType)
		return ok && id != arrow.MAP && id != arrow.LIST_VIEW && id != arrow.LARGE_LIST_VIEW && loadable(l.Elem(), t.Elem())
	case types.Map, types.Multiset:
		m, ok := a.(*arrow.MapType)
		kt := t.KidTypes()
		return ok && loadable(m.KeyType(), kt[0]) && loadable(m.ItemType(), kt[1])
	case types.Row, types.Structured:
		s, ok := a.(*arrow.StructType)
		for _, f := range t.Fields {
			if ok {
				if g, have := s.FieldByName(f.Name); have {
					ok = loadable(g.Type, f.Type)
				}
			}
		}
		return ok
	case types.Null:
		return false
	}
	switch id {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return true
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return !t.IsString()
	}
	return false
}

// load appends rows from..from+n of a to v, which has at rows.
func load(v *batch.Vector, t types.Type, a arrow.Array, from, n, at int) error {
	for i := range n {
		if err := loadOne(v, t, a, from+i, at+i); err != nil {
			return err
		}
	}
	return nil
}

func loadOne(v *batch.Vector, t types.Type, a arrow.Array, i, n int) error {
	switch x := a.(type) {
	case array.ExtensionArray:
		return loadOne(v, t, x.Storage(), i, n)
	case *array.Dictionary:
		if x.IsNull(i) {
			v.AppendNull(t, n)
			return nil
		}
		return loadOne(v, t, x.Dictionary(), x.GetValueIndex(i), n)
	}
	if a.IsNull(i) {
		v.AppendNull(t, n)
		return nil
	}
	switch t.Layout() {
	case types.LayoutBytes:
		b, _ := bytesAt(a, i)
		off := len(v.Buf)
		v.Buf = append(v.Buf, b...)
		v.Str = append(v.Str[:n], batch.NewView(off, len(b)))
	case types.LayoutF64:
		f, ok := floatAt(a, i)
		if !ok {
			k, _, err := intAt(a, i)
			if err != nil {
				return err
			}
			f = float64(k)
		}
		if t.Kind == types.Float {
			f = batch.Float32(f)
		}
		v.F64 = append(v.F64[:n], f)
	case types.LayoutList:
		return loadList(v, t, a, i, n)
	case types.LayoutStruct:
		s, ok := a.(*array.Struct)
		if !ok {
			return fmt.Errorf("arrow's %s can't be read as %s", a.DataType(), t.Plain())
		}
		for k, f := range t.Fields {
			c, ok := s.DataType().(*arrow.StructType).FieldIdx(f.Name)
			if !ok {
				v.Kids[k].AppendNull(f.Type, n)
			} else if err := loadOne(&v.Kids[k], f.Type, s.Field(c), i, n); err != nil {
				return err
			}
		}
	default:
		return loadInt(v, t, a, i, n)
	}
	v.SetValid(n)
	return nil
}

// loadInt appends what lies in one or two words.
func loadInt(v *batch.Vector, t types.Type, a arrow.Array, i, n int) error {
	if d, ok := a.(*array.Decimal128); ok {
		x := types.Int128{Hi: d.Value(i).HighBits(), Lo: d.Value(i).LowBits()}
		y, ok := fit(x, int(d.DataType().(*arrow.Decimal128Type).Scale), t)
		if !ok {
			return fmt.Errorf("%s has too many digits for %s", d.ValueStr(i), t.Plain())
		}
		if v.I64 = append(v.I64[:n], int64(y.Lo)); t.Length > 18 {
			v.Hi = append(v.Hi[:n], y.Hi)
		}
		v.SetValid(n)
		return nil
	}
	x, nanos, err := intAt(a, i)
	if err != nil {
		return err
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	switch t.Kind {
	case types.TinyInt:
		lo, hi = math.MinInt8, math.MaxInt8
	case types.SmallInt:
		lo, hi = math.MinInt16, math.MaxInt16
	case types.Int, types.IntervalYM, types.Date:
		lo, hi = math.MinInt32, math.MaxInt32
	case types.Time:
		lo, hi = 0, 86_399_999
	case types.Decimal:
		y, ok := fit(types.Int128Of(x), 0, t)
		if !ok {
			return fmt.Errorf("%d has too many digits for %s", x, t.Plain())
		}
		x = int64(y.Lo)
		if t.Length > 18 {
			v.Hi = append(v.Hi[:n], y.Hi)
		}
	case types.Timestamp, types.TimestampLTZ:
		if t.Length > 6 {
			v.Hi = append(v.Hi[:n], nanos)
		}
		unit := int64(1)
		for k := t.Length; k < 6; k++ {
			unit *= 10
		}
		x = floor(x, unit) * unit
	}
	if x < lo || x > hi {
		return fmt.Errorf("%d isn't a %s", x, t.Plain())
	}
	v.I64 = append(v.I64[:n], x)
	v.SetValid(n)
	return nil
}

// fit is a DECIMAL of the scale in the type t, rounded; false when it has too many
// digits.
func fit(x types.Int128, scale int, t types.Type) (types.Int128, bool) {
	y, ok := x.Rescale(scale, t.Scale)
	return y, ok && y.Fits(t.Length)
}

func loadList(v *batch.Vector, t types.Type, a arrow.Array, i, n int) error {
	l, ok := a.(array.ListLike)
	if !ok {
		return fmt.Errorf("arrow's %s can't be read as %s", a.DataType(), t.Plain())
	}
	from, to := l.ValueOffsets(i)
	kt := t.KidTypes()
	first := v.Kids[0].Size(kt[0])
	values := []arrow.Array{l.ListValues()}
	if m, ok := a.(*array.Map); ok {
		values = []arrow.Array{m.Keys(), m.Items()}
	}
	for k := range kt {
		if from > to || from < 0 || to > int64(values[k].Len()) {
			return fmt.Errorf("row %d is elements %d to %d of %d", i, from, to, values[k].Len())
		}
		if err := load(&v.Kids[k], kt[k], values[k], int(from), int(to-from), first); err != nil {
			return err
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, int(to-from)))
	v.SetValid(n)
	return nil
}

func bytesAt(a arrow.Array, i int) ([]byte, bool) {
	switch x := a.(type) {
	case *array.String:
		return []byte(x.Value(i)), true
	case *array.LargeString:
		return []byte(x.Value(i)), true
	case *array.StringView:
		return []byte(x.Value(i)), true
	case *array.Binary:
		return x.Value(i), true
	case *array.LargeBinary:
		return x.Value(i), true
	case *array.BinaryView:
		return x.Value(i), true
	case *array.FixedSizeBinary:
		return x.Value(i), true
	case *array.Dictionary:
		return bytesAt(x.Dictionary(), x.GetValueIndex(i))
	}
	return nil, false
}

func floatAt(a arrow.Array, i int) (float64, bool) {
	switch x := a.(type) {
	case *array.Float64:
		return x.Value(i), true
	case *array.Float32:
		return float64(x.Value(i)), true
	case *array.Float16:
		return float64(x.Value(i).Float32()), true
	}
	return 0, false
}

// intAt is a whole number, or a time in the engine's unit and the nanoseconds
// beyond it.
func intAt(a arrow.Array, i int) (x, nanos int64, err error) {
	switch a := a.(type) {
	case *array.Boolean:
		if a.Value(i) {
			return 1, 0, nil
		}
		return 0, 0, nil
	case *array.Int8:
		return int64(a.Value(i)), 0, nil
	case *array.Int16:
		return int64(a.Value(i)), 0, nil
	case *array.Int32:
		return int64(a.Value(i)), 0, nil
	case *array.Int64:
		return a.Value(i), 0, nil
	case *array.Uint8:
		return int64(a.Value(i)), 0, nil
	case *array.Uint16:
		return int64(a.Value(i)), 0, nil
	case *array.Uint32:
		return int64(a.Value(i)), 0, nil
	case *array.Uint64:
		if u := a.Value(i); u > math.MaxInt64 {
			return 0, 0, fmt.Errorf("%d is too large", u)
		}
		return int64(a.Value(i)), 0, nil
	case *array.MonthInterval:
		return int64(a.Value(i)), 0, nil
	case *array.Date32:
		return int64(a.Value(i)), 0, nil
	case *array.Date64:
		return floor(int64(a.Value(i)), 86_400_000), 0, nil
	case *array.Time32:
		return scaled(int64(a.Value(i)), a.DataType().(*arrow.Time32Type).Unit, arrow.Millisecond)
	case *array.Time64:
		return scaled(int64(a.Value(i)), a.DataType().(*arrow.Time64Type).Unit, arrow.Millisecond)
	case *array.Duration:
		return scaled(int64(a.Value(i)), a.DataType().(*arrow.DurationType).Unit, arrow.Millisecond)
	case *array.Timestamp:
		return scaled(int64(a.Value(i)), a.DataType().(*arrow.TimestampType).Unit, arrow.Microsecond)
	}
	return 0, 0, fmt.Errorf("arrow's %s isn't a number", a.DataType())
}

// scaled converts between units; the rest is what is lost, in the smaller one.
func scaled(x int64, from, to arrow.TimeUnit) (int64, int64, error) {
	f, t := int64(from.Multiplier()), int64(to.Multiplier())
	if f <= t {
		q := floor(x, t/f)
		return q, (x - q*(t/f)) * f, nil
	}
	if y := x * (f / t); y/(f/t) == x {
		return y, 0, nil
	}
	return 0, 0, fmt.Errorf("%d %s is beyond what a time can hold", x, from)
}
