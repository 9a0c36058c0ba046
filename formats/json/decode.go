package json

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/bytemask"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

type decoder struct {
	*Reader
	gather []byte

	// Of blocks of messages (block.go).
	tries formats.Blocks
	pos   []int // where reading goes on in each message
	masks bytemask.Masks
}

// Decode appends a row per object; an array's elements are objects.
func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	in, d.gather = in.Gather(d.gather)
	d.Begin(in.Block)
	for i := 0; i < len(in.Messages); i++ {
		if i += d.blocks(in, i, to); i == len(in.Messages) {
			break
		}
		m := &in.Messages[i]
		in.Begin(i, to.Len)
		if len(m.Value) == 0 {
			continue
		}
		if err := d.message(m, to); err != nil {
			if d.lenient {
				err = formats.Ignored(err)
			}
			if err := bad(*m, err); err != nil {
				return err
			}
		}
	}
	d.Finish(to.Cols)
	return nil
}

func (d *decoder) message(m *formats.Message, to *batch.Batch) error {
	at, end := m.At, m.At+len(m.Value)
	if d.predict(to.Cols, to.Len, at, end) {
		to.AppendKind(batch.Insert)
		return nil
	}
	b := d.block[:end]
	at = Start(b, at)
	if at < end && b[at] == '[' {
		return d.array(b, at, to)
	}
	if _, err := d.Row(to.Cols, to.Len, at, end); err != nil {
		return err
	}
	to.AppendKind(batch.Insert)
	return nil
}

// Start is where a message's value begins: behind a byte order mark and blanks.
func Start(b []byte, at int) int {
	if bytes.HasPrefix(b[at:], []byte("\xEF\xBB\xBF")) {
		at += 3
	}
	return jsonscan.Blank(b, at)
}

// array reads the objects of an array. What stands before an element that is bad
// is kept only when bad rows are left out.
func (d *decoder) array(b []byte, at int, to *batch.Batch) error {
	before, kinds := to.Len, len(to.Kinds)
	fail := func(err error) error {
		if !d.lenient {
			to.Len, to.Kinds = before, to.Kinds[:kinds]
		}
		return err
	}
	at = jsonscan.Blank(b, at+1)
	for first := true; at < len(b) && (!first || b[at] != ']'); first = false {
		next, err := d.Row(to.Cols, to.Len, at, len(b))
		if err != nil {
			return fail(err)
		}
		to.AppendKind(batch.Insert)
		at = jsonscan.Blank(b, next)
		if at >= len(b) || b[at] != ',' {
			break
		}
		at = jsonscan.Blank(b, at+1)
	}
	if at >= len(b) || b[at] != ']' {
		return fail(errSyntax(b, at))
	}
	return nil
}

// Reader turns objects into rows. Between Begin and Finish all objects lie in one
// block, and string columns hold views of it.
type Reader struct {
	top     *converter
	lenient bool
	missing bool // a missing field is an error
	iso     bool
	javaNum bool // texts of numbers as Java prints them

	block   []byte
	escape  []byte // texts that had escapes; their views begin behind the block
	own     []byte // block and escape together
	seen    []uint64
	members []member
	shapes  []shape
	steps   []step // of the row being read, when it can be learned
	learn   bool
	missed  int
	days    formats.Days
}

// converter is a type with what its conversion needs.
type converter struct {
	t    types.Type
	name string
	kids []converter
}

// NewReader makes a reader for the columns of a schema.
func NewReader(s *types.Schema, v formats.Values) (*Reader, error) {
	for _, f := range s.Fields {
		if err := supported(f.Type); err != nil {
			return nil, fmt.Errorf("column %s: %w", types.Ident(f.Name), err)
		}
	}
	r := &Reader{lenient: v.Bool("ignore-parse-errors"), missing: v.Bool("fail-on-missing-field"), iso: isISO(v)}
	r.javaNum = v.String("decode.json-parser.enabled") == "false"
	if r.lenient && r.missing {
		return nil, errors.New("fail-on-missing-field and ignore-parse-errors shouldn't both be true.")
	}
	top := newConverter(s.Row(), "")
	r.top = &top
	return r, nil
}

func newConverter(t types.Type, name string) converter {
	c := converter{t: t, name: name}
	switch t.Kind {
	case types.Row:
		for _, f := range t.Fields {
			c.kids = append(c.kids, newConverter(f.Type, f.Name))
		}
	case types.Array, types.Map, types.Multiset:
		for _, k := range t.KidTypes() {
			c.kids = append(c.kids, newConverter(k, ""))
		}
	}
	return c
}

// Begin starts a batch whose objects lie in block.
func (r *Reader) Begin(block []byte) { r.block, r.escape = block, r.escape[:0] }

// Row appends the object at block[at:end] as row n of the columns, and returns the
// index behind it. On an error the row counts as not appended.
func (r *Reader) Row(cols []batch.Vector, n, at, end int) (next int, err error) {
	b := r.block[:end]
	if at >= end || b[at] != '{' {
		if at < end && jsonscan.Skip(b, at) < 0 {
			return -1, errSyntax(b, at)
		}
		return -1, fmt.Errorf("expected a JSON object, found %s", clip(b[at:]))
	}
	r.steps, r.learn = r.steps[:0], true
	next, err = r.object(cols, r.top.kids, n, b, at, true, false)
	if err == nil && r.learn {
		r.remember(b, next)
	}
	return next, err
}

// Object is Row for the object at block[at:end], along a shape that was seen before
// where there is one. Nothing but the object may lie there.
func (r *Reader) Object(cols []batch.Vector, n, at, end int) error {
	if r.predict(cols, n, at, end) {
		return nil
	}
	_, err := r.Row(cols, n, at, end)
	return err
}

// Overlay puts the members of the object at block[at:end] over row n, the last one.
func (r *Reader) Overlay(cols []batch.Vector, n, at, end int) error {
	b := r.block[:end]
	if at >= end || b[at] != '{' {
		return fmt.Errorf("expected a JSON object, found %s", clip(b[at:]))
	}
	_, err := r.object(cols, r.top.kids, n, b, at, false, true)
	return err
}

// Lenient says that errors are ignored.
func (r *Reader) Lenient() bool { return r.lenient }

// Finish ends the batch: the string columns view the block.
func (r *Reader) Finish(cols []batch.Vector) {
	buf := r.block
	if len(r.escape) > 0 {
		r.own = append(append(r.own[:0], r.block...), r.escape...)
		buf = r.own
	}
	for c := range cols {
		share(&cols[c], &r.top.kids[c], buf)
	}
}

// share makes the strings of a column views of buf.
func share(v *batch.Vector, c *converter, buf []byte) {
	if c.t.IsString() {
		v.ShareBuf(buf, nil)
	}
	for k := range c.kids {
		share(&v.Kids[k], &c.kids[k], buf)
	}
}

func errSyntax(b []byte, at int) error {
	if at < 0 || at >= len(b) {
		return errors.New("not valid JSON: the text ends too early")
	}
	return fmt.Errorf("not valid JSON at %q", clip(b[at:]))
}

func clip(b []byte) []byte { return b[:min(len(b), 40)] }
