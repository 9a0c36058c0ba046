package csv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/bytemask"
	"github.com/millrace/millrace/types"
)

type decoder struct {
	dialect
	schema                         *types.Schema
	to                             []int // column of each field of the file, or -1
	from                           []int // field of each column
	lenient, trailing, comma, fail bool
	emptyNull                      bool
	scalars                        formats.Scalars

	fields []field
	days   formats.Days
	text   []byte // the block, or a copy of it with unescaped fields behind
	copied bool
	own    []byte
	gather []byte

	// Of blocks of messages (block.go).
	plain bool // records may be read so
	tries formats.Blocks
	masks bytemask.Masks
	hits  []uint32 // where delimiters and quotes are
	spans []span   // of a block's fields, record by record
}

// field is a field's bytes in decoder.text.
type field struct {
	from, to int
	quoted   bool
	wide     bool // may have bytes that aren't ASCII
}

func newDecoder(s formats.Spec) (formats.Decoder, error) {
	d := &decoder{schema: s.Schema}
	v := s.Options
	var err error
	if d.dialect, err = newDialect(v); err != nil {
		return nil, err
	}
	d.lenient, d.trailing, d.comma = v.Bool("ignore-parse-errors"), v.Bool("ignore-trailing-unmappable"), v.Bool("allow-trailing-comma")
	d.fail, d.emptyNull = v.Bool("fail-on-missing-columns"), v.Bool("empty-string-as-null")
	for _, f := range s.Full.Fields {
		d.to = append(d.to, s.Schema.Index(f.Name))
	}
	d.plain = d.escape == 0 && !d.trim && !d.comments && d.delim != d.quote
	d.from = make([]int, s.Schema.Len())
	for i, c := range d.to {
		if c >= 0 {
			d.from[c] = i
		}
	}
	for _, f := range s.Schema.Fields {
		if err := supported(f.Type, true); err != nil {
			return nil, fmt.Errorf("column %s: %w", types.Ident(f.Name), err)
		}
	}
	return d, nil
}

// supported refuses what has no form in csv: maps, and lists within lists.
func supported(t types.Type, top bool) error {
	switch {
	case t.Kind == types.Time && t.Length > 3:
		return fmt.Errorf("csv does not support TIME type with precision: %d, it only supports precision 0 ~ 3", t.Length)
	case t.Kind == types.Map || t.Kind == types.Multiset || !top && (t.IsRow() || t.Kind == types.Array):
		return fmt.Errorf("csv doesn't support type %s here", t.Nullable())
	case t.IsRow() || t.Kind == types.Array:
		for _, f := range t.Fields {
			if err := supported(f.Type, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// Decode appends a row per record.
func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	in, d.gather = in.Gather(d.gather)
	d.text, d.copied = in.Block, false
	for i := 0; i < len(in.Messages); i++ {
		if i += d.blocks(in, i, to); i == len(in.Messages) {
			break
		}
		m := in.Messages[i]
		in.Begin(i, to.Len)
		if m.Value == nil || d.comments && bytes.HasPrefix(bytes.TrimLeft(m.Value, " \t"), []byte{'#'}) {
			continue
		}
		err := d.split(m.At, m.At+len(m.Value))
		if err == nil {
			err = d.row(to)
		}
		if err == nil {
			to.AppendKind(batch.Insert)
			continue
		}
		if d.lenient {
			err = formats.Ignored(err)
		}
		if err := bad(m, err); err != nil {
			return err
		}
	}
	for c, f := range d.schema.Fields {
		if f.Type.IsString() {
			to.Cols[c].Str = to.Cols[c].Str[:to.Len]
			to.Cols[c].ShareBuf(d.text, nil)
		}
	}
	return nil
}

// split finds the fields of the record text[at:end].
func (d *decoder) split(at, end int) error {
	d.fields = d.fields[:0]
	text := d.text
	for {
		for d.trim && at < end && (text[at] == ' ' || text[at] == '\t') {
			at++
		}
		if d.quote != 0 && at < end && text[at] == d.quote {
			n := d.closing(text[at+1 : end])
			if n < 0 {
				return errors.New("missing closing quote")
			}
			d.add(at+1, at+n, true)
			text = d.text
			for at += 1 + n; at < end && (text[at] == ' ' || text[at] == '\t') && text[at] != d.delim; at++ {
			}
			if at < end && text[at] != d.delim {
				return fmt.Errorf("unexpected character %q after the closing quote", text[at])
			}
		} else {
			from, wide := at, true
			if d.escape == 0 {
				at, wide = d.delimiter(text[:end], at)
			} else {
				for ; at < end && text[at] != d.delim; at++ {
					if text[at] == d.escape {
						at++
					}
				}
				at = min(at, end)
			}
			to := at
			for d.trim && to > from && (text[to-1] == ' ' || text[to-1] == '\t') {
				to--
			}
			if d.escape == 0 {
				d.fields = append(d.fields, field{from, to, false, wide})
			} else {
				d.add(from, to, false)
				text = d.text
			}
		}
		if at >= end {
			return nil
		}
		at++
	}
}

// delimiter is the next delimiter of text from at, or its end; wide says that there
// are bytes beyond ASCII before it.
func (d *decoder) delimiter(text []byte, at int) (int, bool) {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	all, seen := uint64(d.delim)*ones, uint64(0)
	for at+8 <= len(text) {
		w := binary.LittleEndian.Uint64(text[at:])
		x := w ^ all
		if x = (x - ones) &^ x & high; x != 0 {
			k := bits.TrailingZeros64(x) &^ 7
			return at + k>>3, (seen|w&(1<<k-1))&high != 0
		}
		seen |= w
		at += 8
	}
	for at < len(text) && text[at] != d.delim {
		seen |= uint64(text[at])
		at++
	}
	return at, seen&high != 0
}

// add takes a field up, without its escapes.
func (d *decoder) add(from, to int, quoted bool) {
	raw := d.text[from:to]
	doubled := quoted && d.escape != d.quote && bytes.IndexByte(raw, d.quote) >= 0
	if !doubled && (d.escape == 0 || bytes.IndexByte(raw, d.escape) < 0) {
		d.fields = append(d.fields, field{from, to, quoted, true})
		return
	}
	at := d.extend(nil)
	for i := from; i < to; i++ {
		c := d.text[i]
		if (d.escape != 0 && c == d.escape || doubled && c == d.quote) && i+1 < to {
			i++
			if c == d.escape {
				c = unescaped(d.text[i])
			} else {
				c = d.text[i]
			}
		}
		d.text = append(d.text, c)
	}
	d.own = d.text
	d.fields = append(d.fields, field{at, len(d.text), quoted, true})
}

// unescaped is the character behind an escape character.
func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	}
	return c
}

// extend appends bytes behind the block and returns where they begin. The first
// call copies the block, which isn't ours.
func (d *decoder) extend(b []byte) int {
	if !d.copied {
		d.own = append(d.own[:0], d.text...)
		d.text, d.copied = d.own, true
	}
	at := len(d.text)
	d.text = append(d.text, b...)
	d.own = d.text
	return at
}

var errMissing = errors.New("row length mismatch")

// row appends the fields to the columns.
func (d *decoder) row(to *batch.Batch) error {
	n := len(d.fields)
	want := len(d.to)
	if n == want+1 && d.comma {
		if f := d.fields[n-1]; f.from == f.to && !f.quoted {
			n--
		}
	}
	if n > want && !d.trailing {
		return fmt.Errorf("too many entries: expected at most %d, there are %d", want, n)
	}
	if n < want && (!d.lenient || d.fail) {
		return fmt.Errorf("%w: %d fields expected but was %d", errMissing, want, n)
	}
	for c := range d.from {
		v, f := &to.Cols[c], &d.schema.Fields[c]
		if d.from[c] >= n {
			v.AppendNull(f.Type, to.Len)
			continue
		}
		if err := d.value(v, &f.Type, to.Len, d.fields[d.from[c]]); err != nil {
			if !d.lenient {
				return fmt.Errorf("fail to deserialize at field: %s: %w", f.Name, err)
			}
			v.AppendNull(f.Type, to.Len)
		}
	}
	return nil
}

func (d *decoder) value(v *batch.Vector, t *types.Type, n int, f field) error {
	text := d.text[f.from:f.to]
	if d.hasNull && bytes.Equal(text, d.null) || d.emptyNull && len(text) == 0 {
		v.AppendNull(*t, n)
		return nil
	}
	switch t.Kind {
	case types.Char, types.VarChar:
		if f.wide && !ascii(text) && !utf8.Valid(text) {
			f.from = d.extend(bytes.ToValidUTF8(text, []byte("\uFFFD")))
			f.to = len(d.text)
		}
		v.Str = append(v.Str[:n], batch.NewView(f.from, f.to-f.from))
		v.SetValid(n)
		return nil
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		if x, ok := formats.ParseInt(text); ok && formats.InRange(x, t.Kind) {
			v.I64 = append(v.I64[:n], x)
			v.SetValid(n)
			return nil
		}
	case types.Timestamp:
		if text = bytes.TrimSpace(text); t.Length <= 6 {
			if micros, _, ok := d.days.Timestamp(text, ' '); ok {
				if t.Length < 6 {
					micros, _ = formats.Truncate(micros, 0, t.Length)
				}
				v.I64 = append(v.I64[:n], micros)
				v.SetValid(n)
				return nil
			}
		}
	case types.TimestampLTZ:
		text = bytes.TrimSpace(text)
	case types.Array:
		return d.list(v, *t, n, text)
	case types.Row, types.Structured:
		return d.record(v, *t, n, text)
	}
	return d.scalars.Append(v, *t, n, text)
}

func ascii(b []byte) bool {
	var x byte
	for _, c := range b {
		x |= c
	}
	return x < utf8.RuneSelf
}

func (d *decoder) list(v *batch.Vector, t types.Type, n int, text []byte) error {
	first, k := v.Kids[0].Size(t.Elem()), 0
	if len(text) > 0 {
		for _, e := range bytes.Split(text, []byte(d.elem)) {
			if err := d.scalars.Append(&v.Kids[0], t.Elem(), first+k, e); err != nil {
				if !d.lenient {
					return err
				}
				v.Kids[0].AppendNull(t.Elem(), first+k)
			}
			k++
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, k))
	v.SetValid(n)
	return nil
}

func (d *decoder) record(v *batch.Vector, t types.Type, n int, text []byte) error {
	if len(text) == 0 {
		v.AppendNull(t, n)
		return nil
	}
	parts := bytes.Split(text, []byte(d.elem))
	if len(parts) != len(t.Fields) && !d.lenient {
		return fmt.Errorf("%w: %d fields expected but was %d", errMissing, len(t.Fields), len(parts))
	}
	for k, f := range t.Fields {
		if k >= len(parts) || d.hasNull && bytes.Equal(parts[k], d.null) {
			v.Kids[k].AppendNull(f.Type, n)
			continue
		}
		if err := d.scalars.Append(&v.Kids[k], f.Type, n, parts[k]); err != nil {
			if !d.lenient {
				return err
			}
			v.Kids[k].AppendNull(f.Type, n)
		}
	}
	v.SetValid(n)
	return nil
}
