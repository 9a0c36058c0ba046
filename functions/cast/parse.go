package cast

import (
	"bytes"
	"math"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// fromText reads values out of strings.
func fromText(to types.Type, session *types.Session) convert {
	switch {
	case to.IsBytes():
		return bytesToBytes(to, session)
	case to.Kind == types.Boolean:
		return parseBoolean
	case to.IsInteger():
		r := ranges[to.Kind]
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			x, ok := ParseInteger(in.Bytes(i))
			out.I64[i] = x
			return ok && x >= r[0] && x <= r[1]
		}
	case to.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) (ok bool) {
			f, ok := ParseDouble(in.Bytes(i))
			if to.Kind == types.Float {
				f = batch.Float32(f)
			}
			out.F64[i] = f
			return ok
		}
	case to.Kind == types.Decimal:
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			x, ok := types.ParseDecimal(bytes.Trim(in.Bytes(i), " "), to.Length, to.Scale)
			if to.Length > 18 {
				out.SetWide(i, x)
			} else {
				out.I64[i] = int64(x.Lo)
			}
			return ok
		}
	case to.Kind == types.Date:
		return func(in *batch.Vector, i int, out *batch.Vector) (ok bool) {
			out.I64[i], ok = types.ParseDate(in.Bytes(i))
			return ok
		}
	case to.Kind == types.Time:
		unit := int64(1)
		for p := to.Length; p < 3; p++ {
			unit *= 10
		}
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			ms, ok := types.ParseTime(in.Bytes(i))
			out.I64[i] = ms - ms%unit
			return ok
		}
	case to.IsTimestamp():
		set := timestamp(to)
		var usual types.WallReader
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			m, ns, ok := usual.Read(in.Bytes(i), ' ')
			if !ok {
				m, ns, ok = types.ParseDateTime(in.Bytes(i))
			}
			if to.Kind == types.TimestampLTZ {
				m = types.FromLocal(m, session.Zone)
			}
			set(out, i, m, int64(ns))
			return ok
		}
	}
	return nil
}

// timestamps casts texts to a TIMESTAMP of 3 to 6 digits: those in the usual form
// in one loop, others by one.
func timestamps(to types.Type, one func(in *batch.Vector, i int, out *batch.Vector) error) functions.Kernel {
	unit := int64(1)
	for p := to.Length; p < 6; p++ {
		unit *= 10
	}
	var usual types.WallReader
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		in := &args[0]
		if sel != nil {
			return functions.Try(n, sel, func(i int) error { return one(in, i, out) })
		}
		for i := range n {
			us, _, ok := usual.Read(in.Bytes(i), ' ')
			if !ok || us < 0 && us%unit != 0 {
				if err := one(in, i, out); err != nil {
					return i, err
				}
				continue
			}
			out.I64[i] = us - us%unit
		}
		return 0, nil
	})
}

func parseBoolean(in *batch.Vector, i int, out *batch.Vector) bool {
	var room [8]byte
	s := in.Bytes(i)
	if len(s) > 5 {
		return false
	}
	for k, c := range s {
		if c >= 'A' && c <= 'Z' {
			c |= 32
		}
		room[k] = c
	}
	switch string(room[:len(s)]) {
	case "t", "true", "y", "yes", "1":
		out.I64[i] = 1
	case "f", "false", "n", "no", "0":
		out.I64[i] = 0
	default:
		return false
	}
	return true
}

// ParseInteger reads a whole number; blanks around it and digits behind a point
// don't count.
func ParseInteger(s []byte) (x int64, ok bool) {
	s = bytes.Trim(s, " ")
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, false
	}
	k := 0
	for ; k < len(s) && s[k] != '.'; k++ {
		d := int64(s[k] - '0')
		if d < 0 || d > 9 || x < (math.MinInt64+d)/10 {
			return 0, false
		}
		x = x*10 - d // below zero, where there is room for one more
	}
	for k++; k < len(s); k++ {
		if s[k] < '0' || s[k] > '9' {
			return 0, false
		}
	}
	if neg {
		return x, true
	}
	return -x, x != math.MinInt64
}

// ParseDouble reads what Java's Double.parseDouble reads: blanks around, a letter
// f or d behind, NaN and Infinity in just this spelling.
func ParseDouble(s []byte) (f float64, ok bool) {
	s = bytes.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	body := s
	if len(body) > 0 && (body[0] == '-' || body[0] == '+') {
		body = body[1:]
	}
	switch string(body) {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case "":
		return 0, false
	}
	hex := len(body) > 1 && body[1]|32 == 'x'
	if n := len(s); !hex || bytes.ContainsAny(body, "pP") {
		if c := s[n-1] | 32; (c == 'd' || c == 'f') && len(body) > 1 {
			s = s[:n-1]
		}
	}
	if c := body[0]; c != '.' && (c < '0' || c > '9') || bytes.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(s), 64)
	return f, err == nil || err.(*strconv.NumError).Err == strconv.ErrRange
}
