package ipc

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Writer writes batches as an Arrow IPC stream.
type Writer struct {
	w      *ipc.Writer
	schema *arrow.Schema
	types  []types.Type
	kinds  bool
	cols   []column
	dense  batch.Batch
	op     batch.Vector
	opCol  column
}

// NewWriter writes batches of the schema's columns to w; with kinds, the column
// "op" comes first. The stream's head is written with the first batch, or by Close.
func NewWriter(w io.Writer, s *types.Schema, kinds bool) *Writer {
	schema := Schema(s, kinds)
	return &Writer{w: ipc.NewWriter(w, ipc.WithSchema(schema)), schema: schema, types: s.Types(), kinds: kinds, cols: make([]column, s.Len())}
}

// Write writes the live rows of b. The batch may be reused afterwards.
func (w *Writer) Write(b *batch.Batch) error { return w.WriteWith(b, nil) }

// WriteWith is Write with metadata of the message, key and value in turn.
func (w *Writer) WriteWith(b *batch.Batch, meta []string) error {
	d := b.Compact(w.types, &w.dense)
	cols := make([]arrow.Array, 0, len(w.cols)+1)
	if w.kinds {
		w.op.Prepare(types.StringType, d.Len)
		for i := range d.Len {
			w.op.SetString(i, d.Kind(i).String())
		}
		data, err := w.opCol.data(types.StringType, &w.op, d.Len)
		if err != nil {
			return err
		}
		cols = append(cols, array.MakeFromData(data))
	}
	for c, t := range w.types {
		data, err := w.cols[c].data(t, &d.Cols[c], d.Len)
		if err != nil {
			return fmt.Errorf("column %s: %w", w.schema.Field(len(cols)).Name, err)
		}
		cols = append(cols, array.MakeFromData(data))
	}
	var md arrow.Metadata
	if len(meta) > 0 {
		var keys, values []string
		for i := 0; i+1 < len(meta); i += 2 {
			keys, values = append(keys, meta[i]), append(values, meta[i+1])
		}
		md = arrow.NewMetadata(keys, values)
	}
	return w.w.Write(array.NewRecordBatchWithMetadata(w.schema, cols, int64(d.Len), md))
}

// Close ends the stream; the writer below stays open.
func (w *Writer) Close() error { return w.w.Close() }

// column holds the buffers of a column that need a form of their own.
type column struct {
	valid, fixed, bytes []byte
	idx                 []int32
	gathered            []batch.Vector
	kids                []column
}

// data wraps the first n rows of v.
func (c *column) data(t types.Type, v *batch.Vector, n int) (arrow.ArrayData, error) {
	at := Type(t)
	nulls := 0
	var valid *memory.Buffer
	if t.Kind == types.Null {
		return array.NewData(at, n, []*memory.Buffer{nil}, nil, n, 0), nil
	}
	if v.HasNulls(n) {
		words := (n + 63) / 64
		c.valid = c.valid[:0]
		for w := range words {
			x := ^uint64(0)
			if w < len(v.Valid) {
				x = v.Valid[w]
			}
			c.valid = binary.LittleEndian.AppendUint64(c.valid, x)
		}
		valid = memory.NewBufferBytes(c.valid)
		for i := range n {
			if v.Null(i) {
				nulls++
			}
		}
	}
	if t.Layout() == types.LayoutStruct {
		var kids []arrow.ArrayData
		c.kids = extend(c.kids, len(t.Fields))
		for k, f := range t.Fields {
			data, err := c.kids[k].data(f.Type, &v.Kids[k], n)
			if err != nil {
				return nil, err
			}
			kids = append(kids, data)
		}
		return array.NewData(at, n, []*memory.Buffer{valid}, kids, nulls, 0), nil
	}
	if t.Layout() == types.LayoutList {
		kids, err := c.list(t, v, n)
		if err != nil {
			return nil, err
		}
		return array.NewData(at, n, []*memory.Buffer{valid, memory.NewBufferBytes(c.fixed)}, kids, nulls, 0), nil
	}
	if t.Layout() == types.LayoutBytes {
		if err := c.text(v, n); err != nil {
			return nil, err
		}
		return array.NewData(at, n, []*memory.Buffer{valid, memory.NewBufferBytes(c.fixed), memory.NewBufferBytes(c.bytes)}, nil, nulls, 0), nil
	}
	b, err := c.values(t, v, n)
	if err != nil {
		return nil, err
	}
	return array.NewData(at, n, []*memory.Buffer{valid, memory.NewBufferBytes(b)}, nil, nulls, 0), nil
}

func extend(c []column, n int) []column {
	for len(c) < n {
		c = append(c, column{})
	}
	return c
}

// text lays strings one behind another.
func (c *column) text(v *batch.Vector, n int) error {
	c.fixed, c.bytes = binary.LittleEndian.AppendUint32(c.fixed[:0], 0), c.bytes[:0]
	for i := range n {
		if !v.Null(i) {
			c.bytes = append(c.bytes, v.Bytes(i)...)
		}
		if len(c.bytes) > math.MaxInt32 {
			return fmt.Errorf("the texts of a batch are longer than 2 GB")
		}
		c.fixed = binary.LittleEndian.AppendUint32(c.fixed, uint32(len(c.bytes)))
	}
	return nil
}

// list lays elements one behind another.
func (c *column) list(t types.Type, v *batch.Vector, n int) ([]arrow.ArrayData, error) {
	c.fixed, c.idx = binary.LittleEndian.AppendUint32(c.fixed[:0], 0), c.idx[:0]
	for i := range n {
		if !v.Null(i) {
			s := v.Str[i]
			for e := range s.Len() {
				c.idx = append(c.idx, int32(s.Off()+e))
			}
		}
		c.fixed = binary.LittleEndian.AppendUint32(c.fixed, uint32(len(c.idx)))
	}
	kt := t.KidTypes()
	c.kids = extend(c.kids, len(kt))
	for len(c.gathered) < len(kt) {
		c.gathered = append(c.gathered, batch.Vector{})
	}
	var kids []arrow.ArrayData
	for k := range kt {
		c.gathered[k].Take(kt[k], &v.Kids[k], c.idx)
		data, err := c.kids[k].data(kt[k], &c.gathered[k], len(c.idx))
		if err != nil {
			return nil, err
		}
		kids = append(kids, data)
	}
	if t.Kind == types.Array {
		return kids, nil
	}
	if kids[0].NullN() > 0 {
		return nil, fmt.Errorf("a %s with a NULL key has no form in Arrow", t.Plain())
	}
	entries := Type(t).(*arrow.MapType).Elem()
	return []arrow.ArrayData{array.NewData(entries, len(c.idx), []*memory.Buffer{nil}, kids, 0, 0)}, nil
}

// values are the bytes of a fixed-width column.
func (c *column) values(t types.Type, v *batch.Vector, n int) ([]byte, error) {
	b := c.fixed[:0]
	defer func() { c.fixed = b }()
	switch t.Kind {
	case types.Boolean:
		for at := 0; at < n; at += 8 {
			x := byte(0)
			for k := 0; k < 8 && at+k < n; k++ {
				x |= byte(v.I64[at+k]&1) << k
			}
			b = append(b, x)
		}
	case types.TinyInt:
		for _, x := range v.I64[:n] {
			b = append(b, byte(x))
		}
	case types.SmallInt:
		for _, x := range v.I64[:n] {
			b = binary.LittleEndian.AppendUint16(b, uint16(x))
		}
	case types.Int, types.Date, types.Time, types.IntervalYM:
		for _, x := range v.I64[:n] {
			b = binary.LittleEndian.AppendUint32(b, uint32(x))
		}
	case types.Float:
		for _, x := range v.F64[:n] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		}
	case types.Double:
		return words(v.F64[:n]), nil
	case types.Decimal:
		for i := range n {
			x := v.Decimal(t, i)
			b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, x.Lo), uint64(x.Hi))
		}
	case types.Timestamp, types.TimestampLTZ:
		return c.times(b, t, v, n)
	default:
		return words(v.I64[:n]), nil
	}
	return b, nil
}

// times are timestamps in the unit of their precision.
func (c *column) times(b []byte, t types.Type, v *batch.Vector, n int) ([]byte, error) {
	u := unit(t.Length)
	if u == arrow.Microsecond {
		return words(v.I64[:n]), nil
	}
	for i, x := range v.I64[:n] {
		switch u {
		case arrow.Second:
			x = floor(x, 1_000_000)
		case arrow.Millisecond:
			x = floor(x, 1000)
		default:
			if x > math.MaxInt64/1000-1 || x < math.MinInt64/1000+1 {
				return b, fmt.Errorf("%s is beyond the years 1678 to 2261, which Arrow's nanoseconds hold; cast it to TIMESTAMP(6)", types.AppendTimestamp(nil, x, 0, 6))
			}
			x = x*1000 + v.Hi[i]
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	c.fixed = b
	return b, nil
}

func floor(a, b int64) int64 {
	if q := a / b; a%b < 0 {
		return q - 1
	} else {
		return q
	}
}

// words are numbers' bytes where they lie.
func words[T int64 | float64](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*8)
}
