package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// cursor reads Avro's primitives. The first fault makes every later read give
// zero; err says what it was.
type cursor struct {
	b   []byte
	at  int
	err error
}

var errShort = errors.New("the record ends too early")

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.at = len(c.b)
}

func (c *cursor) long() int64 {
	u, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail(errShort)
		return 0
	}
	c.at += n
	return int64(u>>1) ^ -int64(u&1)
}

func (c *cursor) take(n int64) []byte {
	if n < 0 || n > int64(len(c.b)-c.at) {
		c.fail(errShort)
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at]
}

func (c *cursor) float() float64 {
	b := c.take(4)
	if b == nil {
		return 0
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

func (c *cursor) double() float64 {
	b := c.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// block is the number of items of the next block of an array or map, 0 at its end.
func (c *cursor) block() int64 {
	n := c.long()
	if n < 0 {
		c.long() // bytes, for who wants to skip
		n = -n
	}
	if n < 0 || n > int64(len(c.b)) && n > 1<<20 { // items of no bytes: null, empty records
		c.fail(fmt.Errorf("a block of %d items", n))
		return 0
	}
	return n
}

// skip passes over a value.
func (c *cursor) skip(s *Schema, depth int) {
	if depth > maxDepth {
		c.fail(errDeep)
	}
	if c.err != nil {
		return
	}
	switch s.Type {
	case "boolean":
		c.take(1)
	case "int", "long", "enum":
		c.long()
	case "float":
		c.take(4)
	case "double":
		c.take(8)
	case "bytes", "string":
		c.take(c.long())
	case "fixed":
		c.take(int64(s.Size))
	case "union":
		if i := c.long(); i >= 0 && i < int64(len(s.Branches)) {
			c.skip(s.Branches[i], depth+1)
		} else {
			c.fail(fmt.Errorf("branch %d of a union of %d", i, len(s.Branches)))
		}
	case "record":
		for _, f := range s.Fields {
			c.skip(f.Type, depth+1)
		}
	case "array", "map":
		for n := c.block(); n > 0 && c.err == nil; n = c.block() {
			for ; n > 0 && c.err == nil; n-- {
				if s.Type == "map" {
					c.take(c.long())
				}
				c.skip(s.Items, depth+1)
			}
		}
	}
}

// Row reads one record of b into row n of the columns and says how many bytes it
// had.
func (p *Plan) Row(b []byte, cols []batch.Vector, n int) (int, error) {
	c := cursor{b: b}
	root := p.root
	for root.op == opUnion {
		i := c.long()
		if i < 0 || i >= int64(len(root.kids)) {
			c.fail(fmt.Errorf("branch %d of a union of %d", i, len(root.kids)))
			return c.at, c.err
		}
		root = root.kids[i]
	}
	if root.op != opRecord {
		return c.at, errors.New("a NULL instead of a record")
	}
	root.fields(&c, cols, n, 0)
	return c.at, c.err
}

func (s *step) fields(c *cursor, cols []batch.Vector, n, depth int) {
	for i, k := range s.kids {
		if col := s.to[i]; col >= 0 {
			k.read(c, &cols[col], n, depth+1)
		} else {
			c.skip(k.schema, depth+1)
		}
	}
	for _, a := range s.absent {
		cols[a].AppendNull(s.t.Fields[a].Type, n)
	}
}

// read appends a value to v, which has n rows; after a fault it appends something
// all the same, so that columns stay in step.
func (s *step) read(c *cursor, v *batch.Vector, n, depth int) {
	if depth > maxDepth {
		c.fail(errDeep)
	}
	if c.err != nil && s.op != opRecord {
		v.AppendNull(s.t, n)
		return
	}
	switch s.op {
	case opNull:
		v.AppendNull(s.t, n)
		return
	case opUnion:
		i := c.long()
		if i < 0 || i >= int64(len(s.kids)) || s.kids[i].op == opSkip {
			c.fail(fmt.Errorf("branch %d of a union of %d doesn't fit", i, len(s.kids)))
			v.AppendNull(s.t, n)
			return
		}
		s.kids[i].read(c, v, n, depth+1)
		return
	case opRecord:
		s.fields(c, v.Kids, n, depth)
	case opArray, opMap:
		s.list(c, v, n, depth)
	case opFloat:
		v.F64 = append(v.F64[:n], c.float())
	case opDouble:
		v.F64 = append(v.F64[:n], c.double())
	case opBytes:
		appendBytes(v, n, c.take(c.long()))
	case opFixed:
		appendBytes(v, n, c.take(int64(s.size)))
	case opEnum:
		i := c.long()
		if i < 0 || i >= int64(len(s.schema.Symbols)) {
			c.fail(fmt.Errorf("symbol %d of an enum of %d", i, len(s.schema.Symbols)))
			v.AppendNull(s.t, n)
			return
		}
		appendBytes(v, n, []byte(s.schema.Symbols[i]))
	case opNumberText:
		appendBytes(v, n, strconv.AppendInt(nil, c.long(), 10))
	case opDecimal:
		s.decimal(c, v, n, bigEndian(c.take(c.long())))
	case opDecimalFixed:
		s.decimal(c, v, n, bigEndian(c.take(int64(s.size))))
	default:
		s.number(c, v, n)
	}
	v.SetValid(n)
}

// number reads what goes into I64.
const dayMillis = 24 * 60 * 60 * 1000

func (s *step) number(c *cursor, v *batch.Vector, n int) {
	var x, nanos int64
	switch s.op {
	case opBool:
		if b := c.take(1); b != nil && b[0] != 0 {
			x = 1
		}
	case opMillis:
		ms := c.long()
		if x = ms * 1000; x/1000 != ms {
			c.fail(fmt.Errorf("%d ms don't fit %s", ms, s.t.Nullable()))
		}
		x, nanos = formats.Truncate(x, 0, s.t.Length)
	case opMicros:
		x, nanos = formats.Truncate(c.long(), 0, s.t.Length)
	case opTimeMicros:
		if x = c.long() / 1000; x < 0 || x >= dayMillis {
			c.fail(fmt.Errorf("%d ms are no time of a day", x))
		}
	default:
		x = c.long()
		switch {
		case s.t.Kind == types.Time && (x < 0 || x >= dayMillis):
			c.fail(fmt.Errorf("%d ms are no time of a day", x))
		case s.t.Kind == types.Decimal:
			s.decimal(c, v, n, types.Int128Of(x))
			return
		case s.t.IsApprox():
			v.F64 = append(v.F64[:n], float64(x))
			return
		case !formats.InRange(x, s.t.Kind):
			c.fail(fmt.Errorf("%d doesn't fit %s", x, s.t.Nullable()))
		}
	}
	if v.I64 = append(v.I64[:n], x); wide(s.t) {
		v.Hi = append(v.Hi[:n], nanos)
	}
}

func (s *step) decimal(c *cursor, v *batch.Vector, n int, x types.Int128) {
	scale := s.schema.Scale
	if s.schema.Logical != "decimal" {
		scale = 0
	}
	if scale < 0 || scale > types.MaxPrecision {
		c.fail(fmt.Errorf("a decimal of scale %d", scale))
		scale = 0
	}
	x, ok := x.Rescale(scale, s.t.Scale)
	if !ok || !x.Fits(s.t.Length) {
		c.fail(fmt.Errorf("a decimal doesn't fit %s", s.t.Nullable()))
		x = types.Int128{}
	}
	if v.I64 = append(v.I64[:n], int64(x.Lo)); wide(s.t) {
		v.Hi = append(v.Hi[:n], x.Hi)
	}
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

func appendBytes(v *batch.Vector, n int, b []byte) {
	off := len(v.Buf)
	v.Buf = append(v.Buf, b...)
	v.Str = append(v.Str[:n], batch.NewView(off, len(b)))
}

func (s *step) list(c *cursor, v *batch.Vector, n, depth int) {
	kt := s.t.KidTypes()
	first, count := v.Kids[0].Size(kt[0]), 0
	item := &v.Kids[len(v.Kids)-1]
	for left := c.block(); left > 0 && c.err == nil; left = c.block() {
		for ; left > 0 && c.err == nil; left-- {
			if s.op == opMap {
				appendBytes(&v.Kids[0], first+count, c.take(c.long()))
				v.Kids[0].SetValid(first + count)
			}
			s.kids[0].read(c, item, first+count, depth+1)
			count++
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, count))
}
