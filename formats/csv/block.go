package csv

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// span is a field's place in the block.
type span struct{ from, to uint32 }

// blocks reads records from the first'th message on, a field of many of them at a
// time, as Blocks.Read does.
func (d *decoder) blocks(in formats.Input, first int, to *batch.Batch) int {
	if !d.plain || len(in.Block) > math.MaxUint32-64 {
		return 0
	}
	return d.tries.Read(in, first, to, func(msgs []formats.Message) int { return d.blockOf(msgs, in.Block, to) })
}

// blockOf reads the first of the messages, as many as have all fields and no more,
// with values that can be read, as rows behind to's.
func (d *decoder) blockOf(msgs []formats.Message, b []byte, to *batch.Batch) int {
	rows := 0
	for rows < len(msgs) && msgs[rows].Value != nil && (rows == 0 || msgs[rows].At >= msgs[rows-1].At) {
		rows++
	}
	if rows == 0 || len(d.to) == 0 {
		return 0
	}
	last := &msgs[rows-1]
	b = b[:last.At+len(last.Value)]
	other := d.quote
	if other == 0 {
		other = d.delim
	}
	d.masks.Fill(b, msgs[0].At, len(b), d.delim, other)
	wide, quotes := d.masks.Seen()
	rows = d.cut(b, msgs[:rows], quotes && d.quote != 0)
	for f, c := range d.to {
		if c >= 0 && rows > 0 {
			rows = d.convert(&to.Cols[c], &d.schema.Fields[c].Type, to.Len, b, d.spans[f:], rows, wide)
		}
	}
	return rows
}

// cut notes the fields of the records and returns how many it could cut before the
// first that needs a closer look.
func (d *decoder) cut(b []byte, msgs []formats.Message, quotes bool) int {
	fields := len(d.to)
	d.hits = d.masks.Places(d.hits[:0])
	for range fields + 1 {
		d.hits = append(d.hits, math.MaxUint32)
	}
	d.spans = slices.Grow(d.spans[:0], len(msgs)*fields)[:len(msgs)*fields]
	hits, spans := d.hits, d.spans
	for m := range msgs {
		from := uint32(msgs[m].At)
		end := from + uint32(len(msgs[m].Value))
		for hits[0] < from { // between messages
			hits = hits[1:]
		}
		row := spans[:fields]
		spans = spans[fields:]
		h := hits[:len(row)]
		if h[len(h)-1] >= end && (len(h) == 1 || h[len(h)-2] < end) {
			at := from
			for f, p := range h[:len(h)-1] {
				row[f] = span{at, p}
				at = p + 1
			}
			row[len(row)-1] = span{at, end}
			if !quotes || d.delimiters(b, h[:len(h)-1]) { // nearly always
				hits = hits[len(row)-1:]
				continue
			}
		}
		if hits = d.quoted(b, row, from, end, hits); hits == nil {
			return m
		}
	}
	return len(msgs)
}

// delimiters says that nothing else lies at the places.
func (d *decoder) delimiters(b []byte, places []uint32) bool {
	other := byte(0)
	for _, p := range places {
		other |= b[p] ^ d.delim
	}
	return other == 0
}

// quoted notes the fields of the record at from, of which some are in quotes but hold
// none. It returns the hits behind the record, nil: it must be read alone.
func (d *decoder) quoted(b []byte, row []span, from, end uint32, hits []uint32) []uint32 {
	if d.quote == 0 {
		return nil
	}
	for f := range row {
		stop := min(hits[0], end)
		row[f] = span{from, stop}
		if stop == from && stop < end && b[stop] == d.quote {
			for hits = hits[1:]; hits[0] < end && b[hits[0]] != d.quote; {
				hits = hits[1:]
			}
			if hits[0] >= end {
				return nil
			}
			row[f] = span{from + 1, hits[0]}
			stop = hits[0] + 1 // a doubled quote there is no delimiter
			hits = hits[1:]
		}
		if f == len(row)-1 {
			if stop != end {
				return nil
			}
			break
		}
		if stop >= end || b[stop] != d.delim {
			return nil
		}
		from, hits = stop+1, hits[1:]
	}
	return hits
}

// convert appends the values of a field of the first rows behind the n'th row of its
// column and returns how many it could. Rows' spans lie a record apart.
func (d *decoder) convert(v *batch.Vector, t *types.Type, n int, b []byte, spans []span, rows int, wide bool) int {
	kind, step := t.Kind, len(d.to)
	if d.hasNull || d.emptyNull {
		kind = types.Null // each is compared first
	}
	v.SetAllValid(n, n+rows)
	switch kind {
	case types.Char, types.VarChar:
		out := room(&v.Str, n, rows)
		for m := range out {
			f := spans[m*step]
			if wide && !utf8.Valid(b[f.from:f.to]) {
				if !d.one(v, t, n+m, f) {
					return m
				}
				continue
			}
			out[m] = batch.NewView(int(f.from), int(f.to-f.from))
		}
		v.Str = v.Str[:n+rows]
		return rows
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		out := room(&v.I64, n, rows)
		fits := kind == types.Int || kind == types.BigInt // eight digits always do
		for m := range out {
			f := spans[m*step]
			if size := f.to - f.from; size-1 < 8 && int(f.from)+8 <= len(b) {
				if x, ok := formats.Number(binary.LittleEndian.Uint64(b[f.from:]), int(size)); ok && (fits || formats.InRange(x, kind)) {
					out[m] = x
					continue
				}
			}
			if !d.one(v, t, n+m, f) {
				return m
			}
		}
		v.I64 = v.I64[:n+rows]
		return rows
	case types.Timestamp:
		if t.Length < 3 || t.Length > 6 {
			break
		}
		out := room(&v.I64, n, rows)
		for m := range out {
			f := spans[m*step]
			if x, size := d.days.Wall(b[f.from:], ' '); size > 0 && size == int(f.to-f.from) {
				out[m] = x
			} else if !d.one(v, t, n+m, f) {
				return m
			}
		}
		v.I64 = v.I64[:n+rows]
		return rows
	}
	for m := range rows {
		if !d.one(v, t, n+m, spans[m*step]) {
			return m
		}
	}
	return rows
}

// room makes s hold k values from the n'th on and returns these.
func room[T any](s *[]T, n, k int) []T {
	*s = slices.Grow((*s)[:n], k)[:n+k]
	return (*s)[n:]
}

// one reads a value as for a single record, as row n of v.
func (d *decoder) one(v *batch.Vector, t *types.Type, n int, f span) bool {
	return d.value(v, t, n, field{from: int(f.from), to: int(f.to), wide: true}) == nil
}
