package json

import (
	"encoding/binary"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

// shape is an object as it was read: the text before each of its values, and what
// the values are. Only the values differ in most streams of objects.
type shape struct {
	steps  []step
	absent []int // columns it doesn't have
}

// step is a text and the value behind it. The last step of a shape is the text
// that ends the object.
type step struct {
	text         []byte
	lo, hi       uint64 // its first 16 bytes, for texts up to 16 bytes
	loMask, mask uint64
	long         bool
	col          int // -1: a value nobody reads
	how          how
}

// how is the conversion that predict does itself.
type how uint8

const (
	exact how = iota
	pass
	asInt
	asFloat
	asString
	asTime
	asBool
)

// maxShapes is the most shapes that are kept: kinds of events in one stream.
const maxShapes = 8

func newStep(text []byte, col int, kids []converter) step {
	s := step{text: text, col: col}
	var pad [16]byte
	copy(pad[:], text)
	s.lo, s.hi, s.long = binary.LittleEndian.Uint64(pad[:]), binary.LittleEndian.Uint64(pad[8:]), len(text) > 16
	n := len(text)
	s.loMask, s.mask = ^uint64(0), ^uint64(0)>>(64-8*min(max(n-8, 0), 8))
	if n < 8 {
		s.loMask = 1<<(8*n) - 1
	}
	if n <= 8 {
		s.mask = 0
	}
	if col < 0 {
		s.how = pass
		return s
	}
	switch k := kids[col].t.Kind; k {
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		s.how = asInt
	case types.Double:
		s.how = asFloat
	case types.Char, types.VarChar:
		s.how = asString
	case types.Timestamp, types.TimestampLTZ:
		s.how = asTime
	case types.Boolean:
		s.how = asBool
	}
	return s
}

// match says that the step's text lies at b[i].
func (s *step) match(b []byte, i int) bool {
	if s.long || i+16 > len(b) {
		return len(b)-i >= len(s.text) && string(b[i:i+len(s.text)]) == string(s.text)
	}
	return binary.LittleEndian.Uint64(b[i:])&s.loMask == s.lo && binary.LittleEndian.Uint64(b[i+8:])&s.mask == s.hi
}

// remember keeps the shape of the row that was read from b.
func (r *Reader) remember(b []byte, next int) {
	if r.missed++; r.missed > 1000 && r.missed%64 != 0 {
		return // objects of ever new shapes: learning costs more than it gives
	}
	sh := shape{}
	has := make([]bool, len(r.top.kids))
	for _, s := range r.steps {
		s.text = append([]byte(nil), s.text...)
		if s.col >= 0 {
			has[s.col] = true
		}
		sh.steps = append(sh.steps, s)
	}
	for c, ok := range has {
		if !ok {
			sh.absent = append(sh.absent, c)
		}
	}
	if len(r.shapes) < maxShapes {
		r.shapes = append(r.shapes, shape{})
	}
	copy(r.shapes[1:], r.shapes)
	r.shapes[0] = sh
}

// predict reads the object at block[at:end] along a shape seen before, as row n.
// false: it has another shape, or something in it needs the exact way; nothing
// was appended then.
func (r *Reader) predict(cols []batch.Vector, n, at, end int) bool {
	for k := range r.shapes {
		ok, far := r.along(&r.shapes[k], cols, n, at, end)
		if ok {
			if k > 0 { // likely again
				s := r.shapes[k]
				copy(r.shapes[1:k+1], r.shapes[:k])
				r.shapes[0] = s
			}
			return true
		}
		if far {
			return false
		}
	}
	return false
}

// along reads an object of one shape. far says that the shape was right but a value
// isn't.
func (r *Reader) along(sh *shape, cols []batch.Vector, n, i, end int) (ok, far bool) {
	b := r.block // beyond end, so that strings are read by words; checked at the end
	steps := sh.steps
	last := len(steps) - 1
	for k := range steps[:last] {
		s := &steps[k]
		if !s.match(b, i) {
			return false, false
		}
		i += len(s.text)
		if i >= len(b) {
			return false, true
		}
		var next int
		switch s.how {
		case asInt:
			next = r.fastInt(&cols[s.col], &r.top.kids[s.col], n, b, i)
		case asString:
			if b[i] == '"' {
				if stop, escaped := jsonscan.String(b, i+1); stop >= 0 && !escaped {
					r.view(&cols[s.col], n, i+1, stop-i-1)
					i = stop + 1
					continue
				}
			}
		case asTime:
			next = r.fastTime(&cols[s.col], &r.top.kids[s.col], n, b, i)
		case asFloat:
			next = r.fastFloat(&cols[s.col], n, b, i)
		case asBool:
			next = r.fastBool(&cols[s.col], n, b, i)
		case pass:
			if next = jsonscan.Skip(b, i); next < 0 {
				return false, true
			}
		}
		if next <= 0 {
			var err error
			if next, err = r.value(&cols[s.col], &r.top.kids[s.col], n, b, i); err != nil {
				return false, true
			}
		}
		i = next
	}
	if !steps[last].match(b, i) || i+len(steps[last].text) > end {
		return false, false
	}
	for _, c := range sh.absent {
		cols[c].AppendNull(r.top.kids[c].t, n)
	}
	return true, true
}

// fastInt reads a whole number of up to 18 digits; 0: it isn't one.
func (r *Reader) fastInt(v *batch.Vector, c *converter, n int, b []byte, i int) int {
	neg := b[i] == '-'
	if neg {
		i++
	}
	from, x := i, int64(0)
	for i < len(b) && b[i]-'0' <= 9 {
		x = x*10 + int64(b[i]-'0')
		i++
	}
	if d := i - from; d == 0 || d > 18 || d > 1 && b[from] == '0' || i >= len(b) || b[i] == '.' || b[i]|0x20 == 'e' {
		return 0
	}
	if neg {
		x = -x
	}
	if !formats.InRange(x, c.t.Kind) {
		return 0
	}
	v.I64 = append(v.I64[:n], x)
	v.SetValid(n)
	return i
}

// fastFloat reads a number; 0: it isn't one.
func (r *Reader) fastFloat(v *batch.Vector, n int, b []byte, i int) int {
	stop, _ := jsonscan.Number(b, i)
	if stop < 0 {
		return 0
	}
	f, ok := formats.ParseFloat(b[i:stop], false)
	if !ok {
		return 0
	}
	v.F64 = append(v.F64[:n], f)
	v.SetValid(n)
	return stop
}

// fastBool reads true or false; 0: it isn't one.
func (r *Reader) fastBool(v *batch.Vector, n int, b []byte, i int) int {
	x, size := int64(1), 4
	if !jsonscan.Word(b, i, "true") {
		if x, size = 0, 5; !jsonscan.Word(b, i, "false") {
			return 0
		}
	}
	v.I64 = append(v.I64[:n], x)
	v.SetValid(n)
	return i + size
}

// fastTime reads a timestamp of 19 to 30 characters without escapes; 0: it isn't
// one.
func (r *Reader) fastTime(v *batch.Vector, c *converter, n int, b []byte, i int) int {
	if b[i] != '"' {
		return 0
	}
	stop := i + 20
	for stop < len(b) && b[stop] != '"' && stop < i+32 {
		stop++
	}
	if stop >= len(b) || b[stop] != '"' {
		return 0
	}
	micros, nanos, ok := r.timestamp(c.t, b[i+1:stop])
	if !ok {
		return 0
	}
	if v.I64 = append(v.I64[:n], micros); c.t.Length > 6 {
		v.Hi = append(v.Hi[:n], nanos)
	}
	v.SetValid(n)
	return stop + 1
}
