package parquet

import (
	"errors"
	"fmt"
	"io"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// leaf walks over the values of one leaf column of a row group.
type leaf struct {
	column *pq.Column
	t      types.Type
	conv   conversion
	unit   time.Duration  // of timestamps and times in the file
	scale  int            // of decimals in the file
	plus   bool           // whole numbers have no sign in the file
	zone   *time.Location // of timestamps without a zone, nil: UTC
	// What a stored whole number may be to be a value as it is; equal: none may.
	least, most int64

	pages  pq.Pages
	page   pq.Page
	values pq.ValueReader
	buf    [256]pq.Value
	at, n  int
	end    bool
}

// conversion is how a stored value becomes the column's.
type conversion uint8

const (
	fromBool conversion = iota
	fromInt32
	fromInt64
	fromFloat
	fromDouble
	fromBytes
	fromDecimal32
	fromDecimal64
	fromDecimalBytes
	fromTimestamp
	fromInt96
	fromTime
)

// newLeaf decides how values of a stored column become values of type t.
func newLeaf(c *pq.Column, t types.Type, zone *time.Location) (*leaf, error) {
	l := &leaf{column: c, t: t}
	mismatch := fmt.Errorf("column %q is %s in the file, %s in the table", c.Name(), c.Type(), t.Nullable())
	kind := c.Type().Kind()
	var decimal *format.DecimalType
	adjusted := false
	if lt := c.Type().LogicalType(); lt != nil {
		switch x := lt.Value.(type) {
		case *format.DecimalType:
			decimal, l.scale = x, int(x.Scale)
		case *format.TimestampType:
			l.unit, adjusted = x.Unit.Value.Duration(), x.IsAdjustedToUTC
		case *format.TimeType:
			l.unit = x.Unit.Value.Duration()
		case *format.IntType:
			l.plus = !x.IsSigned
		}
	}
	if t.Kind == types.Timestamp && !adjusted {
		l.zone = zone
	}
	switch {
	case t.Kind == types.Boolean && kind == pq.Boolean:
		l.conv = fromBool
	case t.Kind == types.Decimal && (decimal != nil || kind == pq.Int32 || kind == pq.Int64):
		switch kind {
		case pq.Int32:
			l.conv = fromDecimal32
		case pq.Int64:
			l.conv = fromDecimal64
		case pq.ByteArray, pq.FixedLenByteArray:
			l.conv = fromDecimalBytes
		default:
			return nil, mismatch
		}
	case t.IsTimestamp() && kind == pq.Int96:
		l.conv = fromInt96
	case t.IsTimestamp() && kind == pq.Int64:
		l.conv = fromTimestamp
		if l.unit == 0 {
			return nil, mismatch
		}
	case t.Kind == types.Time && (kind == pq.Int32 || kind == pq.Int64):
		if l.conv = fromTime; l.unit == 0 {
			l.unit = time.Millisecond
		}
	case (t.IsInteger() || t.Kind == types.Date || t.IsInterval()) && kind == pq.Int32 && decimal == nil:
		l.conv = fromInt32
	case (t.IsInteger() || t.IsInterval()) && kind == pq.Int64 && decimal == nil && l.unit == 0:
		l.conv = fromInt64
	case t.IsApprox() && kind == pq.Float:
		l.conv = fromFloat
	case t.Kind == types.Double && kind == pq.Double:
		l.conv = fromDouble
	case t.Layout() == types.LayoutBytes && (kind == pq.ByteArray || kind == pq.FixedLenByteArray) && decimal == nil:
		l.conv = fromBytes
	default:
		return nil, mismatch
	}
	l.bound()
	return l, nil
}

// open begins a row group at a row.
func (l *leaf) open(chunk pq.ColumnChunk, row int64) error {
	l.close()
	l.pages, l.at, l.n, l.end = chunk.Pages(), 0, 0, false
	if row > 0 {
		return l.pages.SeekToRow(row)
	}
	return nil
}

func (l *leaf) close() {
	if l.page != nil {
		pq.Release(l.page)
	}
	if l.pages != nil {
		l.pages.Close()
	}
	l.pages, l.page, l.values = nil, nil, nil
}

// peek is the next value, nil at the end of the row group.
func (l *leaf) peek() (*pq.Value, error) {
	for l.at == l.n {
		if l.end {
			return nil, nil
		}
		if l.values == nil {
			p, err := l.pages.ReadPage()
			if errors.Is(err, io.EOF) {
				l.end = true
				continue
			}
			if err != nil {
				return nil, err
			}
			l.page, l.values = p, p.Values()
		}
		n, err := l.values.ReadValues(l.buf[:])
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if l.at, l.n = 0, n; n == 0 { // the page's bytes may go only now
			pq.Release(l.page)
			l.page, l.values = nil, nil
		}
	}
	return &l.buf[l.at], nil
}

// append appends a value that isn't null to v, which has n rows.
func (l *leaf) append(v *batch.Vector, n int, x *pq.Value) error {
	switch l.conv {
	case fromBool:
		var b int64
		if x.Boolean() {
			b = 1
		}
		v.I64 = append(v.I64[:n], b)
	case fromInt32:
		if l.plus {
			return l.integer(v, n, int64(uint32(x.Int32())))
		}
		return l.integer(v, n, int64(x.Int32()))
	case fromInt64:
		if l.plus && x.Int64() < 0 {
			return fmt.Errorf("column %q: %d doesn't fit %s", l.column.Name(), uint64(x.Int64()), l.t.Nullable())
		}
		return l.integer(v, n, x.Int64())
	case fromFloat:
		v.F64 = append(v.F64[:n], float64(x.Float()))
	case fromDouble:
		v.F64 = append(v.F64[:n], x.Double())
	case fromBytes:
		off := len(v.Buf)
		v.Buf = append(v.Buf, x.ByteArray()...)
		v.Str = append(v.Str[:n], batch.NewView(off, len(v.Buf)-off))
	case fromDecimal32:
		return l.decimal(v, n, types.Int128Of(int64(x.Int32())))
	case fromDecimal64:
		return l.decimal(v, n, types.Int128Of(x.Int64()))
	case fromDecimalBytes:
		return l.decimal(v, n, bigEndian(x.ByteArray()))
	case fromTimestamp:
		return l.instant(v, n, x.Int64())
	case fromInt96:
		i := x.Int96()
		nanos := int64(uint64(i[0]) | uint64(i[1])<<32)
		l.timestamp(v, n, (int64(int32(i[2]))-julianEpoch)*86_400_000_000+nanos/1000, nanos%1000)
	case fromTime:
		t := int64(x.Int32())
		if x.Kind() == pq.Int64 {
			t = x.Int64()
		}
		v.I64 = append(v.I64[:n], t*int64(l.unit)/int64(time.Millisecond))
	}
	v.SetValid(n)
	return nil
}

func (l *leaf) integer(v *batch.Vector, n int, x int64) error {
	if !formats.InRange(x, l.t.Kind) {
		return fmt.Errorf("column %q: %d doesn't fit %s", l.column.Name(), x, l.t.Nullable())
	}
	v.I64 = append(v.I64[:n], x)
	v.SetValid(n)
	return nil
}

func (l *leaf) decimal(v *batch.Vector, n int, x types.Int128) error {
	x, ok := x.Rescale(l.scale, l.t.Scale)
	if !ok || !x.Fits(l.t.Length) {
		return fmt.Errorf("column %q: a value doesn't fit %s", l.column.Name(), l.t.Nullable())
	}
	if v.I64 = append(v.I64[:n], int64(x.Lo)); l.t.Length > 18 {
		v.Hi = append(v.Hi[:n], x.Hi)
	}
	v.SetValid(n)
	return nil
}

// bigEndian reads a signed number of up to 16 bytes.
func bigEndian(b []byte) (x types.Int128) {
	if len(b) > 0 && b[0] >= 0x80 {
		x = types.Int128{Hi: -1, Lo: ^uint64(0)}
	}
	for _, c := range b {
		x.Hi = x.Hi<<8 | int64(x.Lo>>56)
		x.Lo = x.Lo<<8 | uint64(c)
	}
	return x
}

func (l *leaf) instant(v *batch.Vector, n int, x int64) error {
	switch l.unit {
	case time.Millisecond:
		l.timestamp(v, n, x*1000, 0)
	case time.Microsecond:
		l.timestamp(v, n, x, 0)
	default:
		micros, nanos := x/1000, x%1000
		if nanos < 0 {
			micros, nanos = micros-1, nanos+1000
		}
		l.timestamp(v, n, micros, nanos)
	}
	v.SetValid(n)
	return nil
}

func (l *leaf) timestamp(v *batch.Vector, n int, micros, nanos int64) {
	if l.zone != nil && l.zone != time.UTC {
		micros = types.ToLocal(micros, l.zone)
	}
	micros, nanos = formats.Truncate(micros, nanos, l.t.Length)
	if v.I64 = append(v.I64[:n], micros); l.t.Length > 6 {
		v.Hi = append(v.Hi[:n], nanos)
	}
}
