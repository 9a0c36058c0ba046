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
// time, as Blocks.Read does.
func (d *decoder) blocks(in formats.Input, first int, to *batch.Batch) int {
	if !d.plain {
		return 0
	}
	return d.tries.Read(in, first, to, func(msgs []formats.Message) int { return d.blockOf(msgs, in.Block, to) })
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
// returns how many are whole before the first that isn't.
//
// Only the last field of a record is held against its end: where fields are missing,
// those of the next record were taken for them, and the last one begins behind it.
func (d *decoder) cut(b []byte, msgs []formats.Message, pos []int, last bool) int {
	delim := d.delim
	spans := d.spans[:len(pos)]
	end := len(b)
	for m, i := range pos {
		if last {
			end = msgs[m].At + len(msgs[m].Value)
		}
		if i > end {
			return m
		}
		stop, wide := d.masks.Next(i)
		if !last && stop < end && b[stop] == delim { // nearly always
			spans[m] = span{i, stop, wide}
			pos[m] = stop + 1
			continue
		}
		switch {
		case stop >= end:
			stop = end
			spans[m] = span{i, end, wide}
		case stop == i && b[i] == d.quote && d.quote != 0:
			for stop++; ; stop++ {
				var more bool
				if stop, more = d.masks.Next(stop); stop >= end {
					return m
				}
				if wide = wide || more; b[stop] == d.quote {
					break
				}
			}
			spans[m] = span{i + 1, stop, wide}
			stop++ // behind the closing quote; a doubled one is no delimiter
		default:
			return m // one field too many, or a quote within a field
		}
		if last && stop != end || !last && (stop >= end || b[stop] != delim) {
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
