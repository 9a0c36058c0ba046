package json

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

// blocks reads messages from the first'th on along the newest shape, a field of many
// of them at a time, as Blocks.Read does.
func (d *decoder) blocks(in formats.Input, first int, to *batch.Batch) int {
	if len(d.shapes) == 0 {
		return 0
	}
	return d.tries.Read(in, first, to, func(msgs []formats.Message) int { return d.blockOf(msgs, to) })
}

// blockOf reads the first of the messages, as many as have the newest shape and
// values that can be read, as rows behind to's.
func (d *decoder) blockOf(msgs []formats.Message, to *batch.Batch) int {
	pos := d.pos[:0]
	for i := range msgs {
		if len(msgs[i].Value) == 0 {
			break
		}
		pos = append(pos, msgs[i].At)
	}
	d.pos = pos
	if len(pos) == 0 {
		return 0
	}
	n, last := to.Len, &msgs[len(pos)-1]
	end := last.At + len(last.Value)
	for i := range pos { // messages lie one behind the other, as a file's lines do
		if i > 0 && pos[i] < pos[i-1] {
			return 0
		}
	}
	b := d.block[:end]
	d.masks.Fill(b, pos[0], end, '"', '\\')
	sh := &d.shapes[0]
	steps := sh.steps
	for k := range steps[:len(steps)-1] {
		s := &steps[k]
		pos = pos[:s.matchAll(b, pos)]
		if s.how == pass {
			pos = pos[:d.passAll(b, pos)]
			continue
		}
		v, c := &to.Cols[s.col], &d.top.kids[s.col]
		switch s.how {
		case asInt:
			pos = pos[:d.ints(v, c, n, b, pos)]
		case asString:
			pos = pos[:d.strings(v, c, n, b, pos)]
		case asTime:
			pos = pos[:d.times(v, c, n, b, pos)]
		default:
			pos = pos[:d.others(s, v, c, n, b, pos)]
		}
	}
	s := &steps[len(steps)-1]
	pos = pos[:s.matchAll(b, pos)]
	for i, at := range pos {
		if at > msgs[i].At+len(msgs[i].Value) {
			pos = pos[:i]
			break
		}
	}
	for _, c := range sh.absent {
		for i := range pos {
			to.Cols[c].AppendNull(d.top.kids[c].t, n+i)
		}
	}
	return len(pos)
}

// matchAll passes over the step's text at each place and returns how many have it,
// and something behind it, before the first that doesn't.
func (s *step) matchAll(b []byte, pos []int) int {
	n := len(s.text)
	for m, i := range pos {
		if s.long || i+16 > len(b) {
			if !s.match(b, i) {
				return m
			}
		} else if (binary.LittleEndian.Uint64(b[i:])^s.lo)&s.loMask|(binary.LittleEndian.Uint64(b[i+8:])^s.hi)&s.mask != 0 {
			return m
		}
		pos[m] = i + n
	}
	return len(pos)
}

// slow reads a value that isn't as most are. ok: it could be read.
func (d *decoder) slow(v *batch.Vector, c *converter, n int, b []byte, pos []int, m int) (ok bool) {
	if pos[m] >= len(b) {
		return false
	}
	next, err := d.value(v, c, n+m, b, pos[m])
	pos[m] = next
	return err == nil
}

// ints reads whole numbers at the places; like its siblings it returns how many
// could be read before the first that can't.
func (d *decoder) ints(v *batch.Vector, c *converter, n int, b []byte, pos []int) int {
	out := room(&v.I64, n, len(pos))
	wide := c.t.Kind == types.Int || c.t.Kind == types.BigInt // eight digits always fit
	for m, i := range pos {
		if i+8 <= len(b) {
			x, k := formats.Digits(binary.LittleEndian.Uint64(b[i:]))
			if uint(k-1) < 7 && (b[i] != '0' || k == 1) && b[i+k] != '.' && b[i+k]|0x20 != 'e' && (wide || formats.InRange(x, c.t.Kind)) {
				out[m] = x
				v.SetValid(n + m)
				pos[m] = i + k
				continue
			}
		}
		if i < len(b) {
			if next := d.fastInt(v, c, n+m, b, i); next > 0 {
				pos[m] = next
				continue
			}
		}
		if !d.slow(v, c, n, b, pos, m) {
			return m
		}
	}
	v.I64 = v.I64[:n+len(pos)]
	return len(pos)
}

// strings reads texts as views of the block.
func (d *decoder) strings(v *batch.Vector, c *converter, n int, b []byte, pos []int) int {
	out := room(&v.Str, n, len(pos))
	for m, i := range pos {
		if i < len(b) && b[i] == '"' {
			stop, wide := d.masks.Next(i + 1)
			if stop < len(b) && b[stop] == '"' && (!wide || utf8.Valid(b[i+1:stop])) {
				out[m] = batch.NewView(i+1, stop-i-1)
				v.SetValid(n + m)
				pos[m] = stop + 1
				continue
			}
		}
		if !d.slow(v, c, n, b, pos, m) {
			return m
		}
	}
	v.Str = v.Str[:n+len(pos)]
	return len(pos)
}

// times reads timestamps.
func (d *decoder) times(v *batch.Vector, c *converter, n int, b []byte, pos []int) int {
	out := room(&v.I64, n, len(pos))
	if c.t.Length > 6 {
		room(&v.Hi, n, len(pos))
	}
	sep, zone := byte(' '), 0
	if d.iso {
		sep = 'T'
	}
	if c.t.Kind == types.TimestampLTZ {
		zone = 1
	}
	for m, i := range pos {
		if i+32 <= len(b) && b[i] == '"' && c.t.Length >= 3 && c.t.Length <= 6 {
			x, size := d.days.Wall(b[i+1:], sep)
			stop := i + 1 + size + zone
			if size > 0 && b[stop] == '"' && (zone == 0 || b[stop-1] == 'Z') {
				out[m] = x
				v.SetValid(n + m)
				pos[m] = stop + 1
				continue
			}
		}
		if i < len(b) {
			if next := d.fastTime(v, c, n+m, b, i); next > 0 {
				pos[m] = next
				continue
			}
		}
		if !d.slow(v, c, n, b, pos, m) {
			return m
		}
	}
	v.I64 = v.I64[:n+len(pos)]
	if c.t.Length > 6 {
		v.Hi = v.Hi[:n+len(pos)]
	}
	return len(pos)
}

// others reads values of any other type.
func (d *decoder) others(s *step, v *batch.Vector, c *converter, n int, b []byte, pos []int) int {
	for m, i := range pos {
		next := 0
		switch s.how {
		case asFloat:
			next = d.fastFloat(v, n+m, b, i)
		case asBool:
			next = d.fastBool(v, n+m, b, i)
		}
		if next > 0 {
			pos[m] = next
		} else if !d.slow(v, c, n, b, pos, m) {
			return m
		}
	}
	return len(pos)
}

// passAll passes over values that nobody reads.
func (d *decoder) passAll(b []byte, pos []int) int {
	for m, i := range pos {
		if i < len(b) && b[i] == '"' {
			stop, wide := d.masks.Next(i + 1)
			if stop < len(b) && b[stop] == '"' && (!wide || utf8.Valid(b[i+1:stop])) {
				pos[m] = stop + 1
				continue
			}
		}
		if pos[m] = jsonscan.Skip(b, i); pos[m] < 0 {
			return m
		}
	}
	return len(pos)
}

// room makes s hold k values from the n'th on and returns these.
func room[T any](s *[]T, n, k int) []T {
	*s = slices.Grow((*s)[:n], k)[:n+k]
	return (*s)[n:]
}
