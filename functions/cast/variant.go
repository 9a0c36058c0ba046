package cast

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// fromVariant converts the scalar in a VARIANT as the cast from the scalar's own
// type would: a whole number as a BIGINT or DECIMAL, one with a point as a DECIMAL,
// one with an exponent as a DOUBLE. JSON null is NULL; objects and arrays have no
// cast.
func fromVariant(to types.Type, session *types.Session) convert {
	if to.Kind == types.Variant {
		return func(in *batch.Vector, i int, out *batch.Vector) bool { out.Set(to, i, in, i); return true }
	}
	if !to.IsString() && !to.IsNumeric() && to.Kind != types.Boolean && !to.IsTemporal() && !to.IsBytes() {
		return nil
	}
	var one, text batch.Vector
	big, real, str := types.DecimalType(types.MaxPrecision, 0), types.DoubleType, types.StringType
	via := map[types.Kind]convert{types.Boolean: choose(types.BooleanType, to, session), types.Double: choose(real, to, session), types.VarChar: choose(str, to, session), types.BigInt: choose(types.BigIntType, to, session)}
	run := func(k types.Kind, t types.Type, i int, out *batch.Vector) bool {
		f := via[k]
		if k == types.Decimal {
			f = choose(t, to, session)
		}
		if f == nil {
			return false
		}
		// The converted value lies in row 0 and is copied to its row.
		text.Prepare(to, 1)
		if !f(&one, 0, &text) {
			return false
		}
		out.Set(to, i, &text, 0)
		return true
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		b := in.Bytes(i)
		if len(b) == 0 {
			return false
		}
		switch b[0] {
		case 'n':
			out.SetNull(i)
			return true
		case 't', 'f':
			one.Prepare(types.BooleanType, 1)
			one.I64[0] = truth(b[0] == 't')
			return run(types.Boolean, types.BooleanType, i, out)
		case '"':
			if to.IsNumeric() || to.Kind == types.Boolean || to.IsTemporal() {
				return false
			}
			one.Prepare(str, 1)
			one.SetBytes(0, unquote(b))
			return run(types.VarChar, str, i, out)
		case '{', '[':
			return false
		}
		if bytes.ContainsAny(b, "eE") {
			f, _ := strconv.ParseFloat(string(b), 64)
			one.Prepare(real, 1)
			one.F64[0] = f
			return run(types.Double, real, i, out)
		}
		t := big
		if dot := bytes.IndexByte(b, '.'); dot >= 0 {
			t = types.DecimalType(types.MaxPrecision, len(b)-dot-1)
		}
		x, ok := types.ParseDecimal(b, t.Length, t.Scale)
		if !ok {
			return false
		}
		one.Prepare(t, 1)
		one.SetWide(0, x)
		return run(types.Decimal, t, i, out)
	}
}

// unquote is the text of a JSON string.
func unquote(b []byte) []byte {
	b = b[1 : len(b)-1]
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	hex := func(at int) rune {
		x, _ := strconv.ParseUint(string(b[at:at+4]), 16, 32)
		return rune(x)
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		i++
		switch b[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			r := hex(i + 1)
			i += 4
			if utf16.IsSurrogate(r) && i+6 < len(b) && b[i+1] == '\\' {
				r = utf16.DecodeRune(r, hex(i+3))
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, b[i])
		}
	}
	return out
}
