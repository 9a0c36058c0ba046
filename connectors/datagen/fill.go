package datagen

import (
	"math/bits"
	"strconv"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// stream is a splitmix64 generator.
type stream uint64

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is uniform over 0..n-1, over all of uint64 for n = 0.
func (s *stream) below(n uint64) uint64 {
	if n == 0 {
		return s.next()
	}
	hi, _ := bits.Mul64(s.next(), n)
	return hi
}

// unit is uniform over [0, 1).
func (s *stream) unit() float64 { return float64(s.next()>>11) / (1 << 53) }

// fill appends n values to the empty v: rows first, first+step, ...
func (g *gen) fill(v *batch.Vector, n int, first, step int64, seed uint64, now time.Time) {
	for i := 0; i < n; i++ {
		row := first + int64(i)*step
		if g.sequence {
			g.number(v, i, g.start+row)
			continue
		}
		s := stream(seed ^ g.salt ^ uint64(row)*0xd1342543de82ef95)
		s.next()
		g.append(v, i, &s, now)
	}
}

// append appends a random value to v, which has n rows.
func (g *gen) append(v *batch.Vector, n int, s *stream, now time.Time) {
	if g.nullRate > 0 && s.unit() < g.nullRate {
		v.AppendNull(g.t, n)
		return
	}
	switch g.t.Kind {
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalYM, types.IntervalDT:
		v.I64 = append(v.I64[:n], g.min+int64(s.below(uint64(g.max)-uint64(g.min)+1)))
	case types.Boolean:
		v.I64 = append(v.I64[:n], int64(s.next()>>63))
	case types.Float:
		v.F64 = append(v.F64[:n], batch.Float32(g.low+s.unit()*(g.high-g.low)))
	case types.Double:
		v.F64 = append(v.F64[:n], g.low+s.unit()*(g.high-g.low))
	case types.Decimal:
		g.decimal(v, n, g.low+s.unit()*(g.high-g.low))
	case types.Date, types.Time, types.Timestamp, types.TimestampLTZ:
		g.instant(v, n, s, now)
	case types.Char, types.VarChar, types.Binary, types.VarBinary:
		g.bytes(v, n, s)
	case types.Array, types.Map, types.Multiset:
		kt := g.t.KidTypes()
		at := v.Kids[0].Size(kt[0])
		for e := 0; e < g.length; e++ {
			for k := range g.kids {
				g.kids[k].append(&v.Kids[k], at+e, s, now)
			}
		}
		v.Str = append(v.Str[:n], batch.NewView(at, g.length))
	case types.Row, types.Structured:
		for k := range g.kids {
			g.kids[k].append(&v.Kids[k], n, s, now)
		}
	}
	v.SetValid(n)
}

// number appends x as a value of any numeric or string type.
func (g *gen) number(v *batch.Vector, n int, x int64) {
	switch g.t.Kind {
	case types.Char, types.VarChar:
		off := len(v.Buf)
		v.Buf = strconv.AppendInt(v.Buf, x, 10)
		v.Str = append(v.Str[:n], batch.NewView(off, len(v.Buf)-off))
	case types.Float, types.Double:
		v.F64 = append(v.F64[:n], float64(x))
	case types.Decimal:
		d, ok := types.Int128Of(x).Rescale(0, g.t.Scale)
		if !ok || !d.Fits(g.t.Length) {
			v.AppendNull(g.t, n)
			return
		}
		v.I64 = append(v.I64[:n], int64(d.Lo))
		if g.t.Length > 18 {
			v.Hi = append(v.Hi[:n], d.Hi)
		}
	default:
		v.I64 = append(v.I64[:n], x)
	}
}

func (g *gen) decimal(v *batch.Vector, n int, f float64) {
	d, ok := types.Int128FromFloat(f, g.t.Scale)
	if !ok || !d.Fits(g.t.Length) { // rounded up to the limit
		d = types.Pow10(g.t.Length).Sub(types.Int128Of(1))
	}
	v.I64 = append(v.I64[:n], int64(d.Lo))
	if g.t.Length > 18 {
		v.Hi = append(v.Hi[:n], d.Hi)
	}
}

// instant is now, or up to max-past before it.
func (g *gen) instant(v *batch.Vector, n int, s *stream, now time.Time) {
	micros := now.UnixMilli() * 1000
	if g.past > 0 {
		micros -= int64(s.below(uint64(g.past/time.Millisecond)+1)) * 1000
	}
	day, rest := types.SplitDay(micros)
	switch g.t.Kind {
	case types.Date:
		micros = day
	case types.Time:
		micros = rest / 1000
	}
	if v.I64 = append(v.I64[:n], micros); g.t.Layout() == types.LayoutWide {
		v.Hi = append(v.Hi[:n], 0)
	}
}

const hex = "0123456789abcdef"

func (g *gen) bytes(v *batch.Vector, n int, s *stream) {
	length, off := g.length, len(v.Buf)
	if g.varLen {
		length = 1 + int(s.below(uint64(max(length, 1))))
	}
	raw := g.t.IsBytes()
	for left := length; left > 0; {
		x := s.next()
		for k := 0; k < 8 && left > 0; k, left = k+1, left-1 {
			if raw {
				v.Buf = append(v.Buf, byte(x))
			} else {
				v.Buf = append(v.Buf, hex[x&15])
			}
			x >>= 8
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(off, len(v.Buf)-off))
}
