package sqldb

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Encoder writes values as SQL literals.
type Encoder struct {
	Dialect Dialect
	Cols    []Target
	Zone    *time.Location
}

// Check says which column's type a database can't take.
func (e *Encoder) Check() error {
	for _, c := range e.Cols {
		if !e.takes(c.Type) {
			return fmt.Errorf("not supported yet: column %q of type %s in %s", c.Name, c.Type.Nullable(), e.Dialect.Name())
		}
	}
	return nil
}

func (e *Encoder) takes(t types.Type) bool {
	switch t.Kind {
	case types.Array:
		return e.Dialect.Name() == "postgresql" && e.takes(t.Elem())
	case types.Multiset, types.Map, types.Row, types.Structured, types.Raw, types.Bitmap, types.Variant:
		return false
	}
	return true
}

// Append appends column c's value in row i of v.
func (e *Encoder) Append(b []byte, c int, v *batch.Vector, i int) ([]byte, error) {
	if v.Null(i) {
		return append(b, "NULL"...), nil
	}
	col := &e.Cols[c]
	my := e.Dialect.Name() == "mysql"
	switch t := col.Type; t.Kind {
	case types.Boolean:
		switch {
		case my:
			return append(b, byte('0'+v.I64[i])), nil
		case v.I64[i] != 0:
			return append(b, "TRUE"...), nil
		}
		return append(b, "FALSE"...), nil
	case types.Float, types.Double:
		f := v.F64[i]
		if math.IsNaN(f) || math.IsInf(f, 0) {
			if my {
				return b, fmt.Errorf("column %q: MySQL has no %v", col.Name, f)
			}
			return append(append(append(b, '\''), map[bool]string{true: "NaN", false: strconv.FormatFloat(f, 'g', -1, 64)}[math.IsNaN(f)]...), '\''), nil
		}
		bits := 64
		if t.Kind == types.Float {
			bits = 32
		}
		return strconv.AppendFloat(b, f, 'g', -1, bits), nil
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalYM, types.IntervalDT:
		return strconv.AppendInt(b, v.I64[i], 10), nil
	case types.Decimal:
		return types.AppendDecimal(b, v.Decimal(t, i), t.Scale), nil
	case types.Binary, types.VarBinary:
		if my {
			b = append(b, "x'"...)
		} else {
			b = append(b, `'\x`...)
		}
		return append(hex.AppendEncode(b, v.Bytes(i)), '\''), nil
	case types.Char, types.VarChar:
		s := v.Bytes(i)
		if my {
			return appendMySQLString(b, s), nil
		}
		return appendPostgresString(b, s, col.Name)
	case types.Array:
		b = append(b, '\'')
		var err error
		if b, err = e.elements(b, t, v, i, col); err != nil {
			return b, err
		}
		return append(b, '\''), nil
	}
	b = append(b, '\'')
	b = e.plain(b, col, v, i)
	return append(b, '\''), nil
}

func appendPostgresString(b, s []byte, name string) ([]byte, error) {
	b = append(b, '\'')
	for _, c := range s {
		switch c {
		case 0:
			return b, fmt.Errorf("column %q: PostgreSQL can't store the character 0 in a text", name)
		case '\'':
			b = append(b, '\'')
		}
		b = append(b, c)
	}
	return append(b, '\''), nil
}

// plain is the text of a value of the types of time.
func (e *Encoder) plain(b []byte, col *Target, v *batch.Vector, i int) []byte {
	t := col.Type
	switch t.Kind {
	case types.Date:
		return types.AppendDate(b, v.I64[i])
	case types.Time:
		return types.AppendTime(b, v.I64[i], min(t.Length, 3))
	}
	m, nanos := v.I64[i], 0
	if t.Length > 6 {
		nanos = int(v.Hi[i])
	}
	switch {
	case t.Kind == types.Timestamp && col.Instant:
		m = types.FromLocal(m, e.Zone)
	case t.Kind == types.TimestampLTZ && !col.Instant:
		m = types.ToLocal(m, e.Zone)
	}
	b = types.AppendTimestamp(b, m, nanos, min(t.Length, 6))
	if col.Instant && e.Dialect.Name() == "postgresql" {
		b = append(b, "+00"...)
	}
	return b
}

// elements is a PostgreSQL array's text, within a string literal.
func (e *Encoder) elements(b []byte, t types.Type, v *batch.Vector, i int, col *Target) ([]byte, error) {
	elem, kid, view := t.Elem(), &v.Kids[0], v.Str[i]
	at := Target{Name: col.Name, Type: elem, Instant: col.Instant}
	b = append(b, '{')
	for k := range view.Len() {
		if k > 0 {
			b = append(b, ',')
		}
		j := view.Off() + k
		if kid.Null(j) {
			b = append(b, "NULL"...)
			continue
		}
		var err error
		switch elem.Kind {
		case types.Array:
			if b, err = e.elements(b, elem, kid, j, &at); err != nil {
				return b, err
			}
		case types.Boolean:
			b = append(b, "ft"[kid.I64[j]])
		case types.Binary, types.VarBinary:
			b = append(b, `"\\x`...)
			b = append(hex.AppendEncode(b, kid.Bytes(j)), '"')
		case types.Char, types.VarChar:
			b = append(b, '"')
			for _, c := range kid.Bytes(j) {
				switch c {
				case 0:
					return b, fmt.Errorf("column %q: PostgreSQL can't store the character 0 in a text", col.Name)
				case '"', '\\':
					b = append(b, '\\')
				case '\'':
					b = append(b, '\'')
				}
				b = append(b, c)
			}
			b = append(b, '"')
		case types.Date, types.Time, types.Timestamp, types.TimestampLTZ:
			b = append(e.plain(append(b, '"'), &at, kid, j), '"')
		default:
			one := Encoder{Dialect: e.Dialect, Cols: []Target{at}, Zone: e.Zone}
			n := len(b)
			if b, err = one.Append(b, 0, kid, j); err != nil {
				return b, err
			}
			if b[n] == '\'' { // 'NaN'
				b = append(b[:n], b[n+1:len(b)-1]...)
			}
		}
	}
	return append(b, '}'), nil
}

// String is a text as a literal.
func (e *Encoder) String(s string) string {
	if e.Dialect.Name() == "mysql" {
		return string(appendMySQLString(nil, []byte(s)))
	}
	b, _ := appendPostgresString(nil, []byte(s), "")
	return string(b)
}
