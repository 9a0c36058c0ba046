package parquet

import (
	"errors"
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// shredder takes the values of a column, or of a part of one, apart.
type shredder struct {
	t        types.Type
	optional bool
	rep      int // repetition level of the second and later elements of a list
	first, n int // its leaves
	kids     []*shredder
}

type fileWriter struct {
	settings
	w       *pq.Writer
	columns []*shredder
	values  [][]pq.Value // by leaf
	bytes   []byte       // of wide decimals in values
	flushed int64        // Size at the last row group's end
	err     error
}

func createFile(s formats.Spec, w io.Writer) (formats.FileWriter, error) {
	f := &fileWriter{settings: newSettings(s)}
	root, err := f.groupOf(s.Schema.Fields, false)
	if err != nil {
		return nil, err
	}
	leaves := 0
	for _, c := range s.Schema.Fields {
		f.columns = append(f.columns, newShredder(c.Type, !c.Type.NotNull, 0, &leaves))
	}
	f.values = make([][]pq.Value, leaves)
	f.w = pq.NewWriter(w, pq.NewSchema("flink_schema", root), pq.Compression(f.codec), pq.PageBufferSize(f.page), pq.CreatedBy("millrace", "", ""))
	return f, nil
}

func newShredder(t types.Type, optional bool, rep int, leaves *int) *shredder {
	s := &shredder{t: t, optional: optional, rep: rep, first: *leaves}
	switch t.Layout() {
	case types.LayoutStruct:
		for _, k := range t.Fields {
			s.kids = append(s.kids, newShredder(k.Type, true, rep, leaves))
		}
	case types.LayoutList:
		s.rep++
		for i, k := range t.KidTypes() {
			key := i == 0 && t.Kind != types.Array
			s.kids = append(s.kids, newShredder(k, !key, s.rep, leaves))
		}
	default:
		*leaves++
	}
	s.n = *leaves - s.first
	return s
}

// Write takes the live rows of b apart and hands the leaves' values on.
func (f *fileWriter) Write(b *batch.Batch) (err error) {
	defer recovered(&err)
	for i := range f.values {
		f.values[i] = f.values[i][:0]
	}
	f.bytes = f.bytes[:0]
	for c, s := range f.columns {
		v := &b.Cols[c]
		if b.Sel == nil {
			for i := 0; i < b.Len; i++ {
				f.shred(s, v, i, 0, 0)
			}
			continue
		}
		for _, i := range b.Sel {
			f.shred(s, v, int(i), 0, 0)
		}
	}
	if f.err != nil {
		return f.err
	}
	for leaf, w := range f.w.ColumnWriters() {
		if _, err := w.WriteRowValues(f.values[leaf]); err != nil {
			return err
		}
	}
	if f.w.Size()-f.flushed < f.group {
		return nil
	}
	err = f.w.Flush()
	f.flushed = f.w.Size()
	return err
}

// shred appends row i of v to the leaves below s.
func (f *fileWriter) shred(s *shredder, v *batch.Vector, i, rep, def int) {
	if v.Null(i) {
		if !s.optional {
			f.err = errors.New("a NULL in a column or map key that is NOT NULL can't be written")
		}
		f.nulls(s, rep, def)
		return
	}
	if s.optional {
		def++
	}
	switch s.t.Layout() {
	case types.LayoutStruct:
		for k, kid := range s.kids {
			f.shred(kid, &v.Kids[k], i, rep, def)
		}
	case types.LayoutList:
		list := v.Str[i]
		if list.Len() == 0 {
			f.nulls(s, rep, def)
			return
		}
		for e := 0; e < list.Len(); e++ {
			for k, kid := range s.kids {
				f.shred(kid, &v.Kids[k], list.Off()+e, rep, def+1)
			}
			rep = s.rep
		}
	default:
		f.values[s.first] = append(f.values[s.first], f.value(s.t, v, i).Level(rep, def, s.first))
	}
}

func (f *fileWriter) nulls(s *shredder, rep, def int) {
	for leaf := s.first; leaf < s.first+s.n; leaf++ {
		f.values[leaf] = append(f.values[leaf], pq.NullValue().Level(rep, def, leaf))
	}
}

func (f *fileWriter) value(t types.Type, v *batch.Vector, i int) pq.Value {
	switch t.Kind {
	case types.Boolean:
		return pq.BooleanValue(v.I64[i] != 0)
	case types.Float:
		return pq.FloatValue(float32(v.F64[i]))
	case types.Double:
		return pq.DoubleValue(v.F64[i])
	case types.BigInt:
		return pq.Int64Value(v.I64[i])
	case types.Decimal:
		switch {
		case t.Length <= 9:
			return pq.Int32Value(int32(v.I64[i]))
		case t.Length <= 18:
			return pq.Int64Value(v.I64[i])
		}
		return f.wide(v.Wide(i), decimalBytes(t.Length))
	case types.Timestamp, types.TimestampLTZ:
		return f.timestamp(t, v, i)
	}
	if t.Layout() == types.LayoutBytes {
		return pq.ByteArrayValue(v.Bytes(i))
	}
	return pq.Int32Value(int32(v.I64[i]))
}

// wide is a decimal as big-endian bytes. The buffer may move while it grows; older
// values keep the old one.
func (f *fileWriter) wide(x types.Int128, n int) pq.Value {
	at := len(f.bytes)
	for k := n - 1; k >= 0; k-- {
		w := x.Lo
		shift := k * 8
		if k >= 8 {
			w, shift = uint64(x.Hi), shift-64
		}
		f.bytes = append(f.bytes, byte(w>>shift))
	}
	return pq.FixedLenByteArrayValue(f.bytes[at:len(f.bytes):len(f.bytes)])
}

const julianEpoch = 2440588 // the Julian day of 1970-01-01

func (f *fileWriter) timestamp(t types.Type, v *batch.Vector, i int) pq.Value {
	micros, nanos := v.I64[i], int64(0)
	if t.Length > 6 {
		nanos = v.Hi[i]
	}
	if t.Kind == types.Timestamp {
		micros = types.FromLocal(micros, f.zone)
	}
	if !f.int64 {
		day, rest := types.SplitDay(micros)
		n := uint64(rest*1000 + nanos)
		return pq.Int96Value(deprecated.Int96{uint32(n), uint32(n >> 32), uint32(day + julianEpoch)})
	}
	switch f.unit {
	case "millis":
		day, rest := types.SplitDay(micros)
		return pq.Int64Value(day*86_400_000 + rest/1000)
	case "nanos":
		return pq.Int64Value(micros*1000 + nanos)
	}
	return pq.Int64Value(micros)
}

func (f *fileWriter) Size() int64 { return f.w.Size() }

// Close writes the last row group and the footer.
func (f *fileWriter) Close() (err error) {
	defer recovered(&err)
	return f.w.Close()
}
