package csv

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// span is a field's place in the block. wide: it may have bytes beyond ASCII.
type span struct {
	from, to int
	wide     bool
}

// blocks reads records from the first'th message on, a field of many of them at a
// time, and returns how many it has read. The next one needs the way for single
// records.
func (d *decoder) blocks(in formats.Input, first int, to *batch.Batch) (done int) {
	for d.plain && first+done < len(in.Messages) {
		msgs := in.Messages[first+done:]
		msgs = msgs[:d.tries.Next(len(msgs))]
		if len(msgs) == 0 {
			break
		}
		n := d.blockOf(msgs, in.Block, to)
		for i := range n {
			in.Begin(first+done+i, to.Len)
			to.AppendKind(batch.Insert)
		}
		done += n
		if d.tries.Got(n, len(msgs)); n < len(msgs) {
			break
		}
	}
	return done
}

// blockOf reads the first of the messages, as many as have all fields and no more,
// with values that can be read, as rows behind to's.
func (d *decoder) blockOf(msgs []formats.Message, b []byte, to *batch.Batch) int {
	pos := d.pos[:0]
	for i := range msgs {
		if msgs[i].Value == nil || i > 0 && msgs[i].At < pos[i-1] {
			break
		}
		pos = append(pos, msgs[i].At)
	}
	d.pos = pos
	if len(pos) == 0 {
		return 0
	}
	last := &msgs[len(pos)-1]
	b = b[:last.At+len(last.Value)]
	other := d.quote
	if other == 0 {
		other = d.delim
	}
	d.masks.Fill(b, pos[0], len(b), d.delim, other)
	d.spans = slices.Grow(d.spans[:0], len(pos))[:len(pos)]
	for f, c := range d.to {
		spans := d.spans[:d.cut(b, msgs, pos, f == len(d.to)-1)]
		pos = pos[:len(spans)]
		if c >= 0 {
			pos = pos[:d.convert(&to.Cols[c], &d.schema.Fields[c].Type, to.Len, b, spans)]
		}
	}
	return len(pos)
}

// cut finds the fields that begin at the places and moves these behind them. It
// returns how many are whole before the first that isn't: the last field of a record
// must end it and the others mustn't.
func (d *decoder) cut(b []byte, msgs []formats.Message, pos []int, last bool) int {
	quote, delim := d.quote, d.delim
	spans := d.spans[:len(pos)]
	msgs = msgs[:len(pos)]
	for m, i := range pos {
		end := msgs[m].At + len(msgs[m].Value)
		from, quoted := i, false
		if quote != 0 && i < end && b[i] == quote {
			from, quoted = i+1, true
		}
		stop, wide := d.masks.Next(from)
		if quoted {
			for stop < end && b[stop] != quote {
				var more bool
				stop, more = d.masks.Next(stop + 1)
				wide = wide || more
			}
			if stop >= end {
				return m
			}
			spans[m] = span{from, stop, wide}
			stop++ // behind the closing quote; a doubled one is no delimiter
		} else {
			stop = min(stop, end)
			spans[m] = span{from, stop, wide}
		}
		if stop == end {
			if !last {
				return m
			}
		} else if last || b[stop] != delim {
			return m
		}
		pos[m] = stop + 1
	}
	return len(pos)
}

// convert makes the fields rows of v from n on, and returns how many could be before
// the first that can't.
func (d *decoder) convert(v *batch.Vector, t *types.Type, n int, b []byte, spans []span) int {
	kind := t.Kind
	if d.hasNull || d.emptyNull {
		kind = types.Null // each is compared first
	}
	switch kind {
	case types.Char, types.VarChar:
		v.Str = slices.Grow(v.Str[:n], len(spans))[:n+len(spans)]
		out := v.Str[n:]
		for m, f := range spans {
			if f.wide && !utf8.Valid(b[f.from:f.to]) {
				if !d.one(v, t, n+m, f) {
					return m
				}
				continue
			}
			out[m] = batch.NewView(f.from, f.to-f.from)
			v.SetValid(n + m)
		}
		v.Str = v.Str[:n+len(spans)]
		return len(spans)
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		v.I64 = slices.Grow(v.I64[:n], len(spans))[:n+len(spans)]
		out := v.I64[n:]
		wide := kind == types.Int || kind == types.BigInt // eight digits always fit
		for m, f := range spans {
			if f.from+8 <= len(b) {
				x, k := formats.Digits(binary.LittleEndian.Uint64(b[f.from:]))
				if size := f.to - f.from; uint(size-1) < 8 && k >= size {
					if k > size {
						x, _ = formats.Digits(binary.LittleEndian.Uint64(b[f.from:]) & (1<<(8*size) - 1))
					}
					if wide || formats.InRange(x, kind) {
						out[m] = x
						v.SetValid(n + m)
						continue
					}
				}
			}
			if !d.one(v, t, n+m, f) {
				return m
			}
		}
		v.I64 = v.I64[:n+len(spans)]
		return len(spans)
	case types.Timestamp:
		if t.Length < 3 || t.Length > 6 {
			break
		}
		v.I64 = slices.Grow(v.I64[:n], len(spans))[:n+len(spans)]
		out := v.I64[n:]
		for m, f := range spans {
			if x, size := d.days.Wall(b[f.from:], ' '); size > 0 && size == f.to-f.from {
				out[m] = x
				v.SetValid(n + m)
			} else if !d.one(v, t, n+m, f) {
				return m
			}
		}
		v.I64 = v.I64[:n+len(spans)]
		return len(spans)
	}
	for m, f := range spans {
		if !d.one(v, t, n+m, f) {
			return m
		}
	}
	return len(spans)
}

// one converts a field as single records' are.
func (d *decoder) one(v *batch.Vector, t *types.Type, n int, f span) bool {
	return d.value(v, t, n, field{from: f.from, to: f.to, wide: true}) == nil
}
