package cast

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// convert writes row i of in to row i of out; false means that the value can't be
// converted.
type convert func(in *batch.Vector, i int, out *batch.Vector) bool

// Bind makes the kernel of a cast. With try a value that can't be converted gives
// NULL, else it fails.
func Bind(from, to types.Type, try bool, call functions.Call) (functions.Kernel, error) {
	f := choose(from, to, call.Session)
	if f == nil {
		return nil, sqlerr.New(sqlerr.Type, call.At, "Cast function cannot convert value of type %s to type %s", from.Nullable().Plain(), to.Nullable().Plain())
	}
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		in := &args[0]
		one := func(i int) error {
			if f(in, i, out) {
				return nil
			}
			if try {
				out.SetNull(i)
				return nil
			}
			text := AppendText(nil, from, in, i, call.Session)
			return fmt.Errorf("cast of '%s' to %s failed", text, to.Nullable().Plain())
		}
		if sel == nil {
			for i := 0; i < n; i++ {
				if err := one(i); err != nil {
					return i, err
				}
			}
			return 0, nil
		}
		for _, i := range sel {
			if err := one(int(i)); err != nil {
				return int(i), err
			}
		}
		return 0, nil
	}), nil
}

// choose is the conversion of a pair of types, nil when there is none.
func choose(from, to types.Type, session *types.Session) convert {
	switch {
	case to.IsString():
		return toText(from, to, session)
	case from.IsString():
		return fromText(to, session)
	case from.IsBytes() && to.IsBytes():
		return bytesToBytes(to)
	case from.IsNumeric() && to.IsNumeric():
		return number(from, to)
	case from.Kind == types.Boolean && to.IsNumeric():
		return number(types.IntType, to)
	case from.IsNumeric() && to.Kind == types.Boolean:
		if from.IsApprox() {
			return func(in *batch.Vector, i int, out *batch.Vector) bool { out.I64[i] = truth(in.F64[i] != 0); return true }
		}
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			out.I64[i] = truth(in.Decimal(from, i).Sign() != 0)
			return true
		}
	case from.IsTemporal() && to.IsTemporal():
		return temporal(from, to, session)
	case from.Kind == to.Kind && (from.Layout() == types.LayoutI64 || from.Layout() == types.LayoutBytes):
		return func(in *batch.Vector, i int, out *batch.Vector) bool { out.Set(to, i, in, i); return true }
	case from.Kind == types.Int && to.Kind == types.IntervalYM, from.Kind == types.BigInt && to.Kind == types.IntervalDT:
		return func(in *batch.Vector, i int, out *batch.Vector) bool { out.I64[i] = in.I64[i]; return true }
	case from.Kind == to.Kind && len(from.Fields) == len(to.Fields):
		return nested(from, to, session)
	}
	return nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// ranges of the integer types.
var ranges = map[types.Kind][2]int64{
	types.TinyInt: {math.MinInt8, math.MaxInt8}, types.SmallInt: {math.MinInt16, math.MaxInt16},
	types.Int: {math.MinInt32, math.MaxInt32}, types.BigInt: {math.MinInt64, math.MaxInt64},
}

// Wrap cuts x to the width of an integer type, as Java's arithmetic does.
func Wrap(k types.Kind, x int64) int64 {
	switch k {
	case types.TinyInt:
		return int64(int8(x))
	case types.SmallInt:
		return int64(int16(x))
	case types.Int:
		return int64(int32(x))
	}
	return x
}

func number(from, to types.Type) convert {
	setDecimal := func(out *batch.Vector, i int, x types.Int128) bool {
		if !x.Fits(to.Length) {
			return false
		}
		if to.Length > 18 {
			out.SetWide(i, x)
		} else {
			out.I64[i] = int64(x.Lo)
		}
		return true
	}
	switch {
	case from.IsInteger() && to.IsInteger():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			out.I64[i] = Wrap(to.Kind, in.I64[i]) // Flink wraps here and doesn't fail
			return true
		}
	case from.IsApprox() && to.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			out.F64[i] = in.F64[i]
			if to.Kind == types.Float {
				out.F64[i] = batch.Float32(in.F64[i])
			}
			return true
		}
	case from.IsApprox() && to.IsInteger():
		// As Java does: to INT or BIGINT with the nearest bound for what is outside,
		// from there wrapping to the narrower types; NaN is 0.
		r := ranges[max(to.Kind, types.Int)]
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			f, x := in.F64[i], int64(0)
			switch {
			case math.IsNaN(f):
			case f >= float64(r[1]):
				x = r[1]
			case f <= float64(r[0]):
				x = r[0]
			default:
				x = int64(f)
			}
			out.I64[i] = Wrap(to.Kind, x)
			return true
		}
	case from.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			x, ok := types.Int128FromFloat(in.F64[i], to.Scale)
			return ok && setDecimal(out, i, x)
		}
	case to.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			f := in.Decimal(from, i).Float64()
			if from.Kind == types.Decimal && from.Scale > 0 {
				f, _ = strconv.ParseFloat(string(types.AppendDecimal(nil, in.Decimal(from, i), from.Scale)), 64)
			}
			if to.Kind == types.Float {
				f = batch.Float32(f)
			}
			out.F64[i] = f
			return true
		}
	case to.IsInteger():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			q, _ := in.Decimal(from, i).QuoRem(types.Pow10(from.Scale))
			out.I64[i] = Wrap(to.Kind, int64(q.Lo))
			return true
		}
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		x, ok := in.Decimal(from, i).Rescale(from.Scale, to.Scale)
		return ok && setDecimal(out, i, x)
	}
}

// FromDouble casts row i of a DOUBLE column to a numeric type; false: it doesn't
// fit.
func FromDouble(to types.Type) func(in *batch.Vector, i int, out *batch.Vector) bool {
	return number(types.DoubleType, to)
}

func toText(from, to types.Type, session *types.Session) convert {
	var buf []byte
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		buf = AppendText(buf[:0], from, in, i, session)
		if from.IsBytes() && !utf8.Valid(buf) {
			buf = bytes.ToValidUTF8(buf, []byte("\uFFFD"))
		}
		if to.Length < types.MaxLength {
			buf = fit(buf, to)
		}
		out.SetBytes(i, buf)
		return true
	}
}

// fit cuts a string to the type's length in characters and pads CHAR.
func fit(b []byte, to types.Type) []byte {
	n := 0
	for at := range string(b) {
		if n == to.Length {
			return b[:at]
		}
		n++
	}
	for ; to.Kind == types.Char && n < to.Length; n++ {
		b = append(b, ' ')
	}
	return b
}

func bytesToBytes(to types.Type) convert {
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		b := in.Bytes(i)
		if len(b) > to.Length {
			b = b[:to.Length]
		}
		off := len(out.Buf)
		out.Buf = append(out.Buf, b...)
		for to.Kind == types.Binary && len(out.Buf)-off < to.Length {
			out.Buf = append(out.Buf, 0)
		}
		out.EndBytes(i, off)
		return true
	}
}

func fromText(to types.Type, session *types.Session) convert {
	switch {
	case to.IsBytes():
		return bytesToBytes(to)
	case to.Kind == types.Boolean:
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			switch string(bytes.ToLower(bytes.TrimSpace(in.Bytes(i)))) {
			case "t", "true", "y", "yes", "1":
				out.I64[i] = 1
			case "f", "false", "n", "no", "0":
				out.I64[i] = 0
			default:
				return false
			}
			return true
		}
	case to.IsInteger():
		r := ranges[to.Kind]
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			s := bytes.TrimSpace(in.Bytes(i))
			if whole, _, ok := bytes.Cut(s, []byte(".")); ok && len(whole) > 0 {
				if _, ok := types.ParseDecimal(s, 38, 0); !ok {
					return false
				}
				s = whole
			}
			x, err := strconv.ParseInt(string(s), 10, 64)
			out.I64[i] = x
			return err == nil && x >= r[0] && x <= r[1]
		}
	case to.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			f, err := strconv.ParseFloat(string(bytes.TrimSpace(in.Bytes(i))), 64)
			if to.Kind == types.Float {
				f = batch.Float32(f)
			}
			out.F64[i] = f
			return err == nil
		}
	case to.Kind == types.Decimal:
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			x, ok := types.ParseDecimal(bytes.TrimSpace(in.Bytes(i)), to.Length, to.Scale)
			if to.Length > 18 {
				out.SetWide(i, x)
			} else {
				out.I64[i] = int64(x.Lo)
			}
			return ok
		}
	case to.Kind == types.Date:
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			m, _, ok := types.ParseTimestamp(in.Bytes(i))
			out.I64[i], _ = types.SplitDay(m)
			return ok
		}
	case to.Kind == types.Time:
		return func(in *batch.Vector, i int, out *batch.Vector) (ok bool) {
			out.I64[i], ok = types.ParseTime(in.Bytes(i))
			return ok
		}
	case to.IsTimestamp():
		set := timestamp(to)
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			m, ns, ok := types.ParseTimestamp(in.Bytes(i))
			if to.Kind == types.TimestampLTZ {
				m = types.FromLocal(m, session.Zone)
			}
			set(out, i, m, int64(ns))
			return ok
		}
	}
	return nil
}

// timestamp stores microseconds and nanoseconds cut to the type's precision.
func timestamp(to types.Type) func(out *batch.Vector, i int, micros, nanos int64) {
	unit := int64(1)
	for p := to.Length; p < 6; p++ {
		unit *= 10
	}
	return func(out *batch.Vector, i int, micros, nanos int64) {
		q := micros % unit
		if q < 0 {
			q += unit
		}
		out.I64[i] = micros - q
		if to.Length > 6 {
			out.Hi[i] = nanos
		}
	}
}

func temporal(from, to types.Type, session *types.Session) convert {
	read := func(in *batch.Vector, i int) (micros, nanos int64) {
		switch from.Kind {
		case types.Date:
			return in.I64[i] * types.MicrosPerDay, 0
		case types.Time:
			return in.I64[i] * 1000, 0
		}
		if from.Length > 6 {
			nanos = in.Hi[i]
		}
		return in.I64[i], nanos
	}
	set := timestamp(to)
	fromInstant, toInstant := from.Kind == types.TimestampLTZ, to.Kind == types.TimestampLTZ
	if from.Kind == types.Date && to.Kind == types.Time || from.Kind == types.Time && to.Kind == types.Date {
		return nil
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		m, ns := read(in, i)
		if fromInstant && !toInstant {
			m = types.ToLocal(m, session.Zone)
		}
		if toInstant && !fromInstant {
			m = types.FromLocal(m, session.Zone)
		}
		day, rest := types.SplitDay(m)
		switch to.Kind {
		case types.Date:
			out.I64[i] = day
		case types.Time:
			out.I64[i] = rest / 1000
		default:
			set(out, i, m, ns)
		}
		return true
	}
}

// nested converts the parts of ARRAY, MAP and ROW.
func nested(from, to types.Type, session *types.Session) convert {
	ft, tt := from.KidTypes(), to.KidTypes()
	part := make([]convert, len(ft))
	for k := range ft {
		if ft[k].Nullable().Same(tt[k].Nullable()) {
			t := tt[k]
			part[k] = func(in *batch.Vector, i int, out *batch.Vector) bool { out.Set(t, i, in, i); return true }
		} else if part[k] = choose(ft[k], tt[k], session); part[k] == nil {
			return nil
		}
	}
	if from.IsRow() {
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			for k := range part {
				if in.Kids[k].Null(i) {
					out.Kids[k].SetNull(i)
				} else if !part[k](&in.Kids[k], i, &out.Kids[k]) {
					return false
				}
			}
			return true
		}
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		s := in.Str[i]
		first := out.Kids[0].Size(tt[0])
		for k := range part {
			var one, got batch.Vector
			for e := 0; e < s.Len(); e++ {
				one.Prepare(ft[k], 1)
				one.Set(ft[k], 0, &in.Kids[k], s.Off()+e)
				got.Prepare(tt[k], 1)
				if one.Null(0) {
					got.SetNull(0)
				} else if !part[k](&one, 0, &got) {
					return false
				}
				out.Kids[k].Append(tt[k], first+e, &got, 0)
			}
		}
		out.Str[i] = batch.NewView(first, s.Len())
		return true
	}
}
