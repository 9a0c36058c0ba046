package parquet

import (
	"math"
	"slices"

	pq "github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// flat appends the next n values of a column that isn't nested, as many at a time as
// lie ready.
func (a *assembler) flat(v *batch.Vector, n int) error {
	l := a.leaf
	for at := 0; at < n; {
		x, err := l.peek()
		if err != nil {
			return err
		}
		if x == nil {
			return errShort
		}
		xs := l.buf[l.at:min(l.n, l.at+n-at)]
		if err := l.appendAll(v, at, xs, a.def); err != nil {
			return err
		}
		l.at, at = l.at+len(xs), at+len(xs)
	}
	return nil
}

// appendAll appends values to v, which has n rows; those whose level is below def are
// NULL.
func (l *leaf) appendAll(v *batch.Vector, n int, xs []pq.Value, def int) error {
	if !l.plain(v, n, xs, def) {
		for i := range xs {
			if xs[i].DefinitionLevel() < def {
				v.AppendNull(l.t, n+i)
			} else if err := l.append(v, n+i, &xs[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(v.Valid) > 0 {
		for i := range xs {
			v.SetValid(n + i)
		}
	}
	return nil
}

// plain appends values of the common kinds, all but the marks of validity. It says no,
// and has done nothing, when some value is NULL, needs more than a copy or doesn't fit.
func (l *leaf) plain(v *batch.Vector, n int, xs []pq.Value, def int) bool {
	for i := range xs {
		if xs[i].DefinitionLevel() < def {
			return false
		}
	}
	switch l.conv {
	case fromInt32, fromInt64, fromDecimal32, fromDecimal64:
		if l.least >= l.most {
			return false
		}
		to := slices.Grow(v.I64[:n], len(xs))[:n+len(xs)]
		fits := true
		if l.conv == fromInt32 || l.conv == fromDecimal32 {
			for i := range xs {
				x := int64(xs[i].Int32())
				to[n+i], fits = x, fits && x >= l.least && x <= l.most
			}
		} else {
			for i := range xs {
				x := xs[i].Int64()
				to[n+i], fits = x, fits && x >= l.least && x <= l.most
			}
		}
		if !fits {
			return false
		}
		v.I64 = to
	case fromDouble:
		to := slices.Grow(v.F64[:n], len(xs))[:n+len(xs)]
		for i := range xs {
			to[n+i] = xs[i].Double()
		}
		v.F64 = to
	case fromBytes:
		to, buf := slices.Grow(v.Str[:n], len(xs))[:n+len(xs)], v.Buf
		for i := range xs {
			off := len(buf)
			buf = append(buf, xs[i].ByteArray()...)
			to[n+i] = batch.NewView(off, len(buf)-off)
		}
		v.Str, v.Buf = to, buf
	default:
		return false
	}
	return true
}

// bound sets what a whole number may be that needs no more than a copy.
func (l *leaf) bound() {
	switch l.conv {
	case fromInt32, fromInt64:
		l.least, l.most = math.MinInt64, math.MaxInt64
		switch l.t.Kind {
		case types.TinyInt:
			l.least, l.most = math.MinInt8, math.MaxInt8
		case types.SmallInt:
			l.least, l.most = math.MinInt16, math.MaxInt16
		case types.Int, types.IntervalYM:
			l.least, l.most = math.MinInt32, math.MaxInt32
		}
		if l.plus {
			l.least = 0
		}
	case fromDecimal32, fromDecimal64:
		if l.t.Length <= 18 && l.scale == l.t.Scale {
			l.most = int64(types.Pow10(l.t.Length).Lo) - 1
			l.least = -l.most
		}
	}
}
