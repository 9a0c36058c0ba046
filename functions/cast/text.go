// Package cast converts values between types: CAST, TRY_CAST and implicit casts,
// and the printed form of every type. Start with Bind; AppendText prints.
package cast

import (
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// AppendText appends the printed form of row i, which isn't NULL: what CAST to
// STRING gives and the table renderers show.
func AppendText(b []byte, t types.Type, v *batch.Vector, i int, session *types.Session) []byte {
	switch t.Kind {
	case types.Boolean:
		switch {
		case Legacy(session):
			return strconv.AppendBool(b, v.I64[i] != 0)
		case v.I64[i] != 0:
			return append(b, "TRUE"...)
		}
		return append(b, "FALSE"...)
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		return types.AppendDecimal(b, types.Int128Of(v.I64[i]), 0)
	case types.Decimal:
		return types.AppendDecimal(b, v.Decimal(t, i), t.Scale)
	case types.Float:
		return types.AppendFloat(b, v.F64[i])
	case types.Double:
		return types.AppendDouble(b, v.F64[i])
	case types.Date:
		return types.AppendDate(b, v.I64[i])
	case types.Time:
		b = types.AppendTime(b, v.I64[i], t.Length)
		for t.Length > 1 && b[len(b)-1] == '0' && b[len(b)-2] != '.' {
			b = b[:len(b)-1] // Flink ends a TIME's fraction at its last digit that counts
		}
		return b
	case types.Timestamp, types.TimestampLTZ:
		micros, nanos := v.I64[i], 0
		if t.Length > 6 {
			nanos = int(v.Hi[i])
		}
		if t.Kind == types.TimestampLTZ && session != nil {
			micros = types.ToLocal(micros, session.Zone)
		}
		return types.AppendTimestamp(b, micros, nanos, t.Length)
	case types.IntervalYM:
		return types.AppendMonths(b, v.I64[i])
	case types.IntervalDT:
		return types.AppendMillis(b, v.I64[i])
	case types.Array, types.Multiset, types.Map:
		return list(b, t, v, i, session)
	case types.Row, types.Structured:
		b = append(b, '(')
		for k, f := range t.Fields {
			if k > 0 {
				b = append(b, ", "...)
			}
			if t.Kind == types.Structured {
				b = append(append(b, f.Name...), '=')
			}
			b = cell(b, f.Type, &v.Kids[k], i, session)
		}
		return append(b, ')')
	case types.Bitmap:
		return types.AppendBitmap(b, v.Bytes(i))
	}
	if t.IsBytes() {
		return AppendValidUTF8(b, v.Bytes(i))
	}
	return append(b, v.Bytes(i)...)
}

func cell(b []byte, t types.Type, v *batch.Vector, i int, session *types.Session) []byte {
	if v.Null(i) {
		return append(b, "NULL"...)
	}
	return AppendText(b, t, v, i, session)
}

func list(b []byte, t types.Type, v *batch.Vector, i int, session *types.Session) []byte {
	open, end := byte('{'), byte('}')
	if t.Kind == types.Array {
		open, end = '[', ']'
	}
	b = append(b, open)
	kt, s := t.KidTypes(), v.Str[i]
	for e := s.Off(); e < s.Off()+s.Len(); e++ {
		if e > s.Off() {
			b = append(b, ", "...)
		}
		b = cell(b, kt[0], &v.Kids[0], e, session)
		if len(kt) > 1 {
			b = append(b, '=')
			b = cell(b, kt[1], &v.Kids[1], e, session)
		}
	}
	return append(b, end)
}
