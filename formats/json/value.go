package json

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

// object appends the object at b[at], a '{', to the fields' columns as row n. The
// last of equal keys counts. With overlay, fields that it doesn't have stay as they
// are.
func (r *Reader) object(cols []batch.Vector, kids []converter, n int, b []byte, at int, top, overlay bool) (int, error) {
	mark := len(r.seen)
	for range (len(kids) + 63) / 64 {
		r.seen = append(r.seen, 0)
	}
	defer func() { r.seen = r.seen[:mark] }()
	guess, from := 0, at
	i := jsonscan.Blank(b, at+1)
	for first := true; i < len(b) && (!first || b[i] != '}'); first = false {
		if b[i] != '"' {
			return -1, errSyntax(b, i)
		}
		end, escaped := jsonscan.String(b, i+1)
		if end < 0 {
			return -1, errSyntax(b, i)
		}
		key := b[i+1 : end]
		if escaped {
			r.learn = r.learn && !top
			var ok bool
			if key, ok = jsonscan.Unescape(nil, key); !ok {
				return -1, errSyntax(b, i)
			}
		}
		i = jsonscan.Blank(b, end+1)
		if i >= len(b) || b[i] != ':' {
			return -1, errSyntax(b, i)
		}
		i = jsonscan.Blank(b, i+1)
		k := find(kids, key, guess)
		if top && r.learn {
			r.steps = append(r.steps, newStep(b[from:i], k, kids))
		}
		if k < 0 {
			if from = jsonscan.Skip(b, i); from < 0 {
				return -1, errSyntax(b, i)
			}
		} else {
			guess = k + 1
			w, bit := mark+k>>6, uint64(1)<<(k&63)
			if r.seen[w]&bit != 0 && top {
				r.learn = false
			}
			r.seen[w] |= bit
			var err error
			if from, err = r.value(&cols[k], &kids[k], n, b, i); err != nil {
				return from, fmt.Errorf("field %q: %w", kids[k].name, err)
			}
		}
		if i = jsonscan.Blank(b, from); i >= len(b) || b[i] != ',' {
			break
		}
		i = jsonscan.Blank(b, i+1)
	}
	if i >= len(b) || b[i] != '}' {
		return -1, errSyntax(b, i)
	}
	if top && r.learn {
		r.steps = append(r.steps, newStep(b[from:i+1], -1, nil))
	}
	for k := range kids {
		if overlay {
			break
		}
		if r.seen[mark+k>>6]>>(k&63)&1 == 0 {
			if r.missing {
				return -1, fmt.Errorf("field %q is missing", kids[k].name)
			}
			cols[k].AppendNull(kids[k].t, n)
		}
	}
	return i + 1, nil
}

// find is the field of that name, -1 for none; it is probably at guess.
func find(kids []converter, key []byte, guess int) int {
	if guess < len(kids) && kids[guess].name == string(key) {
		return guess
	}
	for k := range kids {
		if kids[k].name == string(key) {
			return k
		}
	}
	return -1
}

// value appends the value at b[i] to v as row n and returns the index behind it,
// -1 when it isn't JSON. A value that can't be converted is NULL when errors are
// ignored.
func (r *Reader) value(v *batch.Vector, c *converter, n int, b []byte, i int) (int, error) {
	if i < len(b) && b[i] == 'n' && jsonscan.Word(b, i, "null") {
		v.AppendNull(c.t, n)
		return i + 4, nil
	}
	var next int
	var err error
	switch c.t.Kind {
	case types.Row:
		next, err = r.nested(v, c, n, b, i)
	case types.Array:
		next, err = r.list(v, c, n, b, i)
	case types.Map, types.Multiset:
		next, err = r.pairs(v, c, n, b, i)
	case types.Char, types.VarChar:
		if i < len(b) && b[i] == '"' {
			return r.text(v, n, b, i)
		}
		fallthrough
	default:
		if next = jsonscan.Skip(b, i); next < 0 {
			return -1, errSyntax(b, i)
		}
		err = r.scalar(v, c, n, b[i:next])
	}
	if err != nil && next >= 0 && r.lenient {
		v.AppendNull(c.t, n)
		err = nil
	}
	return next, err
}

// wrong is the error of a value of another kind, behind which reading goes on.
func wrong(b []byte, i int, t types.Type) (int, error) {
	next := jsonscan.Skip(b, i)
	if next < 0 {
		return -1, errSyntax(b, i)
	}
	return next, fmt.Errorf("%s isn't a %s", clip(b[i:next]), t.Nullable().Plain())
}

func (r *Reader) nested(v *batch.Vector, c *converter, n int, b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '{' {
		return wrong(b, i, c.t)
	}
	next, err := r.object(v.Kids, c.kids, n, b, i, false, false)
	if err != nil && next < 0 {
		if skip := jsonscan.Skip(b, i); skip >= 0 { // JSON, but a field is missing
			next = skip
		}
	}
	if err == nil {
		v.SetValid(n)
	}
	return next, err
}

// list appends an array.
func (r *Reader) list(v *batch.Vector, c *converter, n int, b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '[' {
		return wrong(b, i, c.t)
	}
	start, count, kid := i, 0, &c.kids[0]
	first := v.Kids[0].Size(kid.t)
	i = jsonscan.Blank(b, i+1)
	for i < len(b) && (count == 0 || b[i] != ']') {
		if count == 0 && b[i] == ']' {
			break
		}
		next, err := r.value(&v.Kids[0], kid, first+count, b, i)
		if err != nil {
			return resume(b, start, next, err)
		}
		count++
		if i = jsonscan.Blank(b, next); i >= len(b) || b[i] != ',' {
			break
		}
		i = jsonscan.Blank(b, i+1)
		if i < len(b) && b[i] == ']' {
			return -1, errSyntax(b, i)
		}
	}
	if i >= len(b) || b[i] != ']' {
		return -1, errSyntax(b, i)
	}
	v.Str = append(v.Str[:n], batch.NewView(first, count))
	v.SetValid(n)
	return i + 1, nil
}

// resume is where reading goes on behind a collection with a bad element.
func resume(b []byte, start, next int, err error) (int, error) {
	if next < 0 {
		return next, err
	}
	if next = jsonscan.Skip(b, start); next < 0 {
		return -1, errSyntax(b, start)
	}
	return next, err
}

// member is a member of an object that is read as a map.
type member struct {
	key     []byte // unescaped
	at      int    // of the key's text
	close   int    // the quote behind it
	escaped bool
	value   int
}

// pairs appends an object as a map, in which the last of equal keys counts. Keys
// that aren't texts are read out of texts, or come as {"$map": [[key, value], ...]}:
// Flink has no form for them.
func (r *Reader) pairs(v *batch.Vector, c *converter, n int, b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '{' {
		return wrong(b, i, c.t)
	}
	texts := c.kids[0].t.IsString()
	if !texts && bytes.HasPrefix(b[jsonscan.Blank(b, i+1):], []byte(`"$map"`)) {
		return r.spelled(v, c, n, b, i)
	}
	end := jsonscan.Skip(b, i)
	if end < 0 {
		return -1, errSyntax(b, i)
	}
	mark := len(r.members)
	defer func() { r.members = r.members[:mark] }()
	for i = jsonscan.Blank(b, i+1); b[i] != '}'; {
		close, escaped := jsonscan.String(b, i+1)
		m := member{key: b[i+1 : close], at: i + 1, close: close, escaped: escaped, value: jsonscan.Key(b, i)}
		if escaped {
			m.key, _ = jsonscan.Unescape(nil, m.key)
		}
		same := slices.IndexFunc(r.members[mark:], func(o member) bool { return string(o.key) == string(m.key) })
		if same >= 0 {
			r.members[mark+same] = m
		} else {
			r.members = append(r.members, m)
		}
		if i = jsonscan.Blank(b, jsonscan.Skip(b, m.value)); b[i] == ',' {
			i = jsonscan.Blank(b, i+1)
		}
	}
	first, count := v.Kids[0].Size(c.kids[0].t), len(r.members)-mark
	for k := range count {
		m := r.members[mark+k]
		if !texts {
			if err := r.scalar(&v.Kids[0], &c.kids[0], first+k, b[m.at-1:m.close+1]); err != nil {
				return end, fmt.Errorf("key %q: %w", m.key, err)
			}
		} else if m.escaped {
			r.made(&v.Kids[0], first+k, m.key)
		} else {
			r.view(&v.Kids[0], first+k, m.at, len(m.key))
		}
		if _, err := r.value(&v.Kids[1], &c.kids[1], first+k, b, m.value); err != nil {
			return end, err
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, count))
	v.SetValid(n)
	return end, nil
}

// spelled appends the pairs of {"$map": [[key, value], ...]}.
func (r *Reader) spelled(v *batch.Vector, c *converter, n int, b []byte, start int) (int, error) {
	end := jsonscan.Skip(b, start)
	if end < 0 {
		return -1, errSyntax(b, start)
	}
	bad := fmt.Errorf("%s isn't a %s: expected {\"$map\": [[key, value], ...]}", clip(b[start:end]), c.t.Nullable().Plain())
	i := jsonscan.Blank(b, start+1)
	i = jsonscan.Key(b, i)
	if b[i] != '[' || b[jsonscan.Blank(b, jsonscan.Skip(b, i))] != '}' {
		return end, bad
	}
	first, count := v.Kids[0].Size(c.kids[0].t), 0
	for i = jsonscan.Blank(b, i+1); b[i] != ']'; count++ {
		if b[i] != '[' {
			return end, bad
		}
		at := jsonscan.Blank(b, i+1)
		for k := range v.Kids {
			if k > 0 && b[at] == ',' {
				at = jsonscan.Blank(b, at+1)
			}
			if b[at] == ']' {
				return end, bad
			}
			var err error
			if at, err = r.value(&v.Kids[k], &c.kids[k], first+count, b, at); err != nil {
				return end, err
			}
			at = jsonscan.Blank(b, at)
		}
		if b[at] != ']' {
			return end, bad
		}
		if i = jsonscan.Blank(b, at+1); b[i] == ',' {
			i = jsonscan.Blank(b, i+1)
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, count))
	v.SetValid(n)
	return end, nil
}

// text appends the string at b[i], a quote; plain ones as views.
func (r *Reader) text(v *batch.Vector, n int, b []byte, i int) (int, error) {
	end, escaped := jsonscan.String(b, i+1)
	if end < 0 {
		return -1, errSyntax(b, i)
	}
	if !escaped {
		r.view(v, n, i+1, end-i-1)
		return end + 1, nil
	}
	at := len(r.escape)
	var ok bool
	if r.escape, ok = jsonscan.Unescape(r.escape, b[i+1:end]); !ok {
		r.escape = r.escape[:at]
		return -1, errSyntax(b, i)
	}
	r.view(v, n, len(r.block)+at, len(r.escape)-at)
	return end + 1, nil
}

func (r *Reader) view(v *batch.Vector, n, at, size int) {
	v.Str = append(v.Str[:n], batch.NewView(at, size))
	v.SetValid(n)
}

// made appends a text that doesn't lie in the block.
func (r *Reader) made(v *batch.Vector, n int, s []byte) {
	r.escape = append(r.escape, s...)
	r.view(v, n, len(r.block)+len(r.escape)-len(s), len(s))
}

// scalar appends the value raw, which is valid JSON of any kind but null.
func (r *Reader) scalar(v *batch.Vector, c *converter, n int, raw []byte) error {
	text := raw // of strings: what they say
	isText, isNumber := raw[0] == '"', raw[0] == '-' || raw[0]-'0' <= 9
	if isText {
		text = raw[1 : len(raw)-1]
		if escaped := slices.Contains(text, '\\'); escaped {
			var buf [64]byte
			text, _ = jsonscan.Unescape(buf[:0], text)
		}
	}
	t := c.t
	refuse := func() error { return fmt.Errorf("%s isn't a %s", clip(raw), t.Nullable().Plain()) }
	switch t.Kind {
	case types.Char, types.VarChar:
		r.made(v, n, r.asText(raw, isNumber))
		return nil
	case types.Null:
		v.AppendNull(t, n)
		return nil
	case types.Binary, types.VarBinary:
		off := len(v.Buf)
		b, ok := appendBase64(v.Buf, text)
		if !ok || !isText {
			return refuse()
		}
		v.Buf = b
		v.Str = append(v.Str[:n], batch.NewView(off, len(b)-off))
	case types.Float, types.Double:
		f, ok := formats.ParseFloat(trim(text), t.Kind == types.Float)
		if !ok || !isText && !isNumber {
			return refuse()
		}
		v.F64 = append(v.F64[:n], f)
	case types.Decimal:
		if text = trim(text); !isDecimal(text) {
			return refuse()
		}
		x, ok := types.ParseDecimal(text, t.Length, t.Scale)
		if !ok { // too many digits
			v.AppendNull(t, n)
			return nil
		}
		if v.I64 = append(v.I64[:n], int64(x.Lo)); t.Length > 18 {
			v.Hi = append(v.Hi[:n], x.Hi)
		}
	case types.Timestamp, types.TimestampLTZ:
		micros, nanos, ok := r.timestamp(t, text)
		if !ok || !isText {
			return refuse()
		}
		if v.I64 = append(v.I64[:n], micros); t.Length > 6 {
			v.Hi = append(v.Hi[:n], nanos)
		}
	default:
		x, ok := r.word(t, text, isText, isNumber)
		if !ok {
			return refuse()
		}
		v.I64 = append(v.I64[:n], x)
	}
	v.SetValid(n)
	return nil
}

// asText is any value but a string as a STRING: numbers and booleans as they stand, objects and
// arrays without blanks.
func (r *Reader) asText(raw []byte, isNumber bool) []byte {
	switch {
	case raw[0] == '{' || raw[0] == '[':
		return appendCompact(nil, raw)
	case isNumber && r.javaNum:
		return appendJavaNumber(nil, raw)
	}
	return raw
}

// word reads the types that lie in one word.
func (r *Reader) word(t types.Type, text []byte, isText, isNumber bool) (int64, bool) {
	switch t.Kind {
	case types.Boolean:
		return map[bool]int64{true: 1}[strings.EqualFold(string(trim(text)), "true")], true
	case types.Date:
		return date(text)
	case types.Time:
		return clock(text, t.Length)
	case types.Int, types.BigInt, types.IntervalYM, types.IntervalDT:
		if isNumber {
			if x, ok := formats.ParseInt(text); ok {
				return x, formats.InRange(x, t.Kind)
			}
			return truncated(text, t.Kind)
		}
	}
	x, ok := formats.ParseInt(trim(text))
	return x, ok && formats.InRange(x, t.Kind)
}

// truncated is a number with a fraction or an exponent as a whole one.
func truncated(text []byte, k types.Kind) (int64, bool) {
	if !slices.ContainsFunc(text, func(c byte) bool { return c == '.' || c|0x20 == 'e' }) {
		return 0, false // whole, but too large
	}
	f, ok := formats.ParseFloat(text, false)
	if f = math.Trunc(f); !ok || f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), formats.InRange(int64(f), k)
}

func (r *Reader) timestamp(t types.Type, text []byte) (micros, nanos int64, ok bool) {
	if t.Kind == types.TimestampLTZ {
		if len(text) == 0 || text[len(text)-1] != 'Z' {
			return 0, 0, false
		}
		text = text[:len(text)-1]
	}
	sep := byte(' ')
	if r.iso {
		sep = 'T'
	}
	micros, n, ok := r.days.Timestamp(text, sep)
	if !ok {
		return 0, 0, false
	}
	if t.Length == 6 {
		return micros, 0, true
	}
	micros, nanos = formats.Truncate(micros, int64(n), t.Length)
	return micros, nanos, true
}
