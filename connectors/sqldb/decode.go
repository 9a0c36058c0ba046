package sqldb

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Target is a column that cells are put into.
type Target struct {
	Name    string
	Type    types.Type
	Instant bool // the text is UTC's: Column.Instant
}

// Decoder puts the cells of rows into batches.
type Decoder struct {
	Cols []Target
	Zone *time.Location // wall clock of TIMESTAMP columns whose text is an instant, and the reverse
	Hex  bool           // binary values are written \x0123 (PostgreSQL)
}

// Append appends a row; to was Reset for the targets' types. On an error the row
// isn't there: the next one takes its place.
func (d *Decoder) Append(to *batch.Batch, kind batch.Kind, cells []Cell) error {
	for c := range d.Cols {
		if err := d.Value(&to.Cols[c], &d.Cols[c], to.Len, cells[c]); err != nil {
			return fmt.Errorf("column %q: %w", d.Cols[c].Name, err)
		}
	}
	to.AppendKind(kind)
	return nil
}

// Value makes row n of v the cell.
func (d *Decoder) Value(v *batch.Vector, col *Target, n int, c Cell) error {
	t := col.Type
	if c.Kind == Null {
		if t.NotNull {
			return fmt.Errorf("NULL in a column declared %s", t)
		}
		v.AppendNull(t, n)
		return nil
	}
	switch t.Kind {
	case types.Char, types.VarChar:
		v.Str = append(v.Str[:n], 0)
		off := len(v.Buf)
		switch {
		case c.Kind == Text && utf8.Valid(c.B):
			v.Buf = append(v.Buf, c.B...)
		case c.Kind == Text:
			v.Buf = append(v.Buf, bytes.ToValidUTF8(c.B, []byte("\uFFFD"))...)
		case c.Kind == Int:
			v.Buf = strconv.AppendInt(v.Buf, c.I, 10)
		case c.Kind == Uint:
			v.Buf = strconv.AppendUint(v.Buf, uint64(c.I), 10)
		default:
			v.Buf = strconv.AppendFloat(v.Buf, c.F, 'g', -1, 64)
		}
		v.EndBytes(n, off)
	case types.Binary, types.VarBinary:
		if c.Kind != Text {
			return misfit(c, t)
		}
		v.Str = append(v.Str[:n], 0)
		off := len(v.Buf)
		if d.Hex && bytes.HasPrefix(c.B, []byte(`\x`)) {
			var err error
			if v.Buf, err = hex.AppendDecode(v.Buf, c.B[2:]); err != nil {
				return misfit(c, t)
			}
		} else {
			v.Buf = append(v.Buf, c.B...)
		}
		v.EndBytes(n, off)
	case types.Float, types.Double:
		f, ok := c.float(t.Kind == types.Float)
		if !ok {
			return misfit(c, t)
		}
		v.F64 = append(v.F64[:n], f)
	case types.Decimal:
		x, ok := c.decimal(t)
		if !ok {
			return misfit(c, t)
		}
		if v.I64 = append(v.I64[:n], int64(x.Lo)); t.Length > 18 {
			v.Hi = append(v.Hi[:n], x.Hi)
		}
	case types.Timestamp, types.TimestampLTZ:
		m, nanos, ok := d.timestamp(c, col)
		if !ok {
			if bytes.HasPrefix(c.B, []byte("0000-00-00")) && !t.NotNull { // MySQL's zero date is no day
				v.AppendNull(t, n)
				return nil
			}
			return misfit(c, t)
		}
		if v.I64 = append(v.I64[:n], m); t.Length > 6 {
			v.Hi = append(v.Hi[:n], int64(nanos))
		}
	case types.Array:
		if c.Kind != Text {
			return misfit(c, t)
		}
		return d.array(v, col, n, c)
	default:
		x, ok := c.word(t)
		if !ok {
			if t.Kind == types.Date && bytes.HasPrefix(c.B, []byte("0000-00-00")) && !t.NotNull {
				v.AppendNull(t, n)
				return nil
			}
			return misfit(c, t)
		}
		v.I64 = append(v.I64[:n], x)
	}
	v.SetValid(n)
	return nil
}

func misfit(c Cell, t types.Type) error {
	s := c.String()
	return fmt.Errorf("%q doesn't fit %s", s[:min(len(s), 60)], t.Nullable().Plain())
}

// word reads the types that lie in one word.
func (c Cell) word(t types.Type) (int64, bool) {
	switch t.Kind {
	case types.Boolean:
		return c.bool()
	case types.Date:
		if c.Kind != Text || len(c.B) != 10 || c.B[4] != '-' {
			return 0, false
		}
		y, ok1 := formats.ParseInt(c.B[:4])
		m, ok2 := formats.ParseInt(c.B[5:7])
		d, ok3 := formats.ParseInt(c.B[8:])
		if !ok1 || !ok2 || !ok3 || m < 1 || m > 12 || d < 1 || d > 31 {
			return 0, false
		}
		return types.Days(int(y), int(m), int(d)), true
	case types.Time:
		if c.Kind != Text || len(c.B) < 8 || c.B[0] == '-' || c.B[2] != ':' {
			return 0, false
		}
		return types.ParseTime(c.B)
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		x, ok := c.int()
		return x, ok && formats.InRange(x, t.Kind)
	}
	return 0, false
}

func (c Cell) int() (int64, bool) {
	switch c.Kind {
	case Int:
		return c.I, true
	case Uint:
		return c.I, c.I >= 0
	case Float:
		return int64(c.F), c.F == math.Trunc(c.F) && math.Abs(c.F) < 1<<62
	}
	if len(c.B) == 1 && c.B[0] < 2 { // a bit
		return int64(c.B[0]), true
	}
	if x, ok := formats.ParseInt(c.B); ok {
		return x, true
	}
	if bytes.Equal(c.B, []byte("t")) || bytes.Equal(c.B, []byte("f")) {
		return int64(map[byte]int{'t': 1}[c.B[0]]), true
	}
	x, ok := types.ParseDecimal(c.B, 18, 0) // a DECIMAL without fraction
	if ok && bytes.ContainsAny(c.B, ".eE") {
		y, _ := types.ParseDecimal(c.B, 38, 10)
		z, _ := x.Rescale(0, 10)
		ok = y.Cmp(z) == 0
	}
	return int64(x.Lo), ok
}

func (c Cell) bool() (int64, bool) {
	if c.Kind == Text && len(c.B) > 1 {
		switch {
		case bytes.EqualFold(c.B, []byte("true")):
			return 1, true
		case bytes.EqualFold(c.B, []byte("false")):
			return 0, true
		}
	}
	x, ok := c.int()
	if ok && x != 0 {
		x = 1
	}
	return x, ok
}

func (c Cell) float(narrow bool) (float64, bool) {
	switch c.Kind {
	case Int:
		return float64(c.I), true
	case Uint:
		return float64(uint64(c.I)), true
	case Float:
		if narrow {
			return float64(float32(c.F)), true
		}
		return c.F, true
	}
	bits := 64
	if narrow {
		bits = 32
	}
	f, err := strconv.ParseFloat(string(c.B), bits)
	return f, err == nil
}

func (c Cell) decimal(t types.Type) (types.Int128, bool) {
	switch c.Kind {
	case Int:
		x, ok := types.Int128Of(c.I).Rescale(0, t.Scale)
		return x, ok && x.Fits(t.Length)
	case Uint:
		x, ok := types.Int128{Lo: uint64(c.I)}.Rescale(0, t.Scale)
		return x, ok && x.Fits(t.Length)
	case Float:
		x, ok := types.Int128FromFloat(c.F, t.Scale)
		return x, ok && x.Fits(t.Length)
	}
	return types.ParseDecimal(c.B, t.Length, t.Scale)
}

// timestamp reads a date and time, turned from an instant to wall clock or back
// where column and text differ.
func (d *Decoder) timestamp(c Cell, col *Target) (micros int64, nanos int, ok bool) {
	if c.Kind != Text {
		return 0, 0, false
	}
	s, instant := c.B, col.Instant
	if i := len(s) - 3; i > 10 && (s[i] == '+' || s[i] == '-') { // +00: the session's zone is UTC
		s, instant = s[:i], true
	}
	if len(s) == 10 { // a DATE column
		day, ok := Cell{Kind: Text, B: s}.word(types.DateType)
		if !ok {
			return 0, 0, false
		}
		micros = day * 86_400_000_000
	} else if micros, nanos, ok = formats.Timestamp(s, ' '); !ok {
		return 0, 0, false
	}
	switch {
	case instant && col.Type.Kind == types.Timestamp:
		micros = types.ToLocal(micros, d.Zone)
	case !instant && col.Type.Kind == types.TimestampLTZ:
		micros = types.FromLocal(micros, d.Zone)
	}
	m, n := formats.Truncate(micros, int64(nanos), col.Type.Length)
	return m, int(n), true
}

// array reads PostgreSQL's {1,NULL,"a b",{2}} or, for MySQL's SET, a,b.
func (d *Decoder) array(v *batch.Vector, col *Target, n int, c Cell) error {
	elem := Target{Name: col.Name, Type: col.Type.Elem(), Instant: col.Instant}
	kid := &v.Kids[0]
	first := kid.Size(elem.Type)
	count := 0
	add := func(x Cell) error {
		err := d.Value(kid, &elem, first+count, x)
		count++
		return err
	}
	var err error
	if d.Hex {
		err = eachElement(c.B, add)
	} else if len(c.B) > 0 {
		for _, p := range bytes.Split(c.B, []byte(",")) {
			if err = add(Cell{Kind: Text, B: p}); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	v.Str = append(v.Str[:n], batch.NewView(first, count))
	v.SetValid(n)
	return nil
}

// eachElement calls add for the elements of a PostgreSQL array's text, nested ones
// as text again.
func eachElement(s []byte, add func(Cell) error) error {
	if i := bytes.IndexByte(s, '='); len(s) > 0 && s[0] == '[' && i > 0 { // [0:2]={...}
		s = s[i+1:]
	}
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return fmt.Errorf("%q isn't an array", s)
	}
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); {
		var x []byte
		quoted := false
		switch s[i] {
		case '"':
			quoted = true
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
				if i < len(s) {
					x = append(x, s[i])
				}
			}
			i++
		case '{':
			depth, start := 0, i
			for inside := false; i < len(s); i++ {
				switch {
				case s[i] == '\\':
					i++
				case s[i] == '"':
					inside = !inside
				case inside:
				case s[i] == '{':
					depth++
				case s[i] == '}':
					depth--
				}
				if depth == 0 {
					i++
					break
				}
			}
			x = s[start:min(i, len(s))]
		default:
			start := i
			for i < len(s) && s[i] != ',' {
				i++
			}
			x = s[start:i]
		}
		cell := Cell{Kind: Text, B: x}
		if !quoted && bytes.Equal(x, []byte("NULL")) {
			cell = Cell{}
		}
		if err := add(cell); err != nil {
			return err
		}
		if i < len(s) {
			i++ // the comma
		}
	}
	return nil
}
