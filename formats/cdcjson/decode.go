package cdcjson

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/json"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

var textType = types.StringType

// span is where a value lies in the block; a missing or null one is empty.
type span struct{ from, to int }

func (s span) empty() bool { return s.to <= s.from }

// envelope is where the members of a message lie.
type envelope struct {
	b       []byte
	members []span
	schema  span
}

// scan finds the members of the object at b[at:end].
func (e *envelope) scan(names []string, b []byte, at, end int) error {
	for k := range e.members {
		e.members[k] = span{}
	}
	return object(b[:end], at, func(key []byte, value span) {
		for k, n := range names {
			if n == string(key) {
				e.members[k] = value
			}
		}
	})
}

// object calls each for the members of the object at b[at]; null values are empty
// spans.
func object(b []byte, at int, each func(key []byte, value span)) error {
	if at >= len(b) || b[at] != '{' {
		return fmt.Errorf("expected a JSON object, found %q", b[min(at, len(b)):min(at+40, len(b))])
	}
	bad := func(i int) error {
		return fmt.Errorf("not valid JSON at %q", b[min(max(i, 0), len(b)):min(max(i, 0)+40, len(b))])
	}
	i := jsonscan.Blank(b, at+1)
	for first := true; i < len(b) && (!first || b[i] != '}'); first = false {
		value := jsonscan.Key(b, i)
		if value < 0 {
			return bad(i)
		}
		close, escaped := jsonscan.String(b, i+1)
		key := b[i+1 : close]
		if escaped {
			key, _ = jsonscan.Unescape(nil, key)
		}
		next := jsonscan.Skip(b, value)
		if next < 0 {
			return bad(value)
		}
		v := span{value, next}
		if b[value] == 'n' {
			v = span{}
		}
		each(key, v)
		if i = jsonscan.Blank(b, next); i >= len(b) || b[i] != ',' {
			break
		}
		i = jsonscan.Blank(b, i+1)
	}
	if i >= len(b) || b[i] != '}' {
		return bad(i)
	}
	return nil
}

func (e *envelope) place(member int) span { return e.members[member] }

// text is a member as text.
func (e *envelope) text(member int) (string, bool) {
	s := e.members[member]
	if s.empty() {
		return "", false
	}
	return string(textOf(e.b[s.from:s.to])), true
}

// textOf is a value as text: what a string says, anything else as it stands.
func textOf(raw []byte) []byte {
	if raw[0] != '"' {
		return raw
	}
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw, _ = jsonscan.Unescape(nil, raw)
	}
	return raw
}

// decoder reads change events.
type decoder struct {
	*dialect
	rows    *json.Reader
	columns int // of rows; metadata follows
	meta    []metadata
	payload bool // events are wrapped with their schema
	include [2]*regexp.Regexp

	env    envelope
	to     *batch.Batch
	gather []byte
}

func newDecoder(l *dialect, s formats.Spec) (formats.Decoder, error) {
	if l.check != nil {
		if err := l.check(s, false); err != nil {
			return nil, err
		}
	}
	d := &decoder{dialect: l, columns: s.Schema.Len() - len(s.Meta), payload: s.Options.Bool("schema-include")}
	cols := make([]int, d.columns)
	for c := range cols {
		cols[c] = c
	}
	var err error
	if d.rows, err = json.NewReader(s.Schema.Select(cols), s.Options); err != nil {
		return nil, err
	}
	for _, name := range s.Meta {
		m, ok := l.meta[name]
		if !ok {
			return nil, fmt.Errorf("format %s has no metadata column '%s'", l.name, name)
		}
		d.meta = append(d.meta, m)
	}
	for k, name := range [...]string{"database.include", "table.include"} {
		if text := s.Options.String(name); text != "" {
			if d.include[k], err = regexp.Compile("^(?:" + text + ")$"); err != nil {
				return nil, fmt.Errorf("option '%s.%s': %w", l.name, name, err)
			}
		}
	}
	d.env.members = make([]span, len(l.members))
	return d, nil
}

// Decode appends the rows of each event.
func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	in, d.gather = in.Gather(d.gather)
	d.rows.Begin(in.Block)
	d.to, d.env.b = to, in.Block
	for i := range in.Messages {
		m := &in.Messages[i]
		in.Begin(i, to.Len)
		if len(m.Value) == 0 { // a tombstone
			continue
		}
		before := to.Len
		err := d.event(m.At, m.At+len(m.Value))
		if err == nil {
			for row := before; row < to.Len && err == nil; row++ {
				err = d.metadata(row)
			}
		}
		if err == nil {
			continue
		}
		if to.Len = before; to.Kinds != nil {
			to.Kinds = to.Kinds[:before]
		}
		err = fmt.Errorf("corrupt %s JSON message: %w", d.title, err)
		if d.rows.Lenient() {
			err = formats.Ignored(err)
		}
		if err := bad(*m, err); err != nil {
			return err
		}
	}
	d.rows.Finish(to.Cols[:d.columns])
	return nil
}

func (d *decoder) event(at, end int) error {
	b := d.env.b
	at = json.Start(b[:end], at)
	if d.payload {
		var payload span
		d.env.schema = span{}
		err := object(b[:end], at, func(key []byte, v span) {
			switch string(key) {
			case "payload":
				payload = v
			case "schema":
				d.env.schema = v
			}
		})
		if err != nil {
			return err
		}
		if payload.empty() {
			return fmt.Errorf("the message has no \"payload\"")
		}
		at, end = payload.from, payload.to
	}
	if err := d.env.scan(d.members, b, at, end); err != nil {
		return err
	}
	return d.dialect.rows(d, &d.env)
}

// row appends the object at s.
func (d *decoder) row(s span, kind batch.Kind) error {
	if err := d.rows.Object(d.to.Cols[:d.columns], d.to.Len, s.from, s.to); err != nil {
		return err
	}
	d.to.AppendKind(kind)
	return nil
}

// image appends a member as a row.
func (d *decoder) image(e *envelope, member int, kind batch.Kind, event string) error {
	s := e.place(member)
	if s.empty() {
		if event != "" {
			return d.noBefore(event)
		}
		return fmt.Errorf("the message has no %q", d.members[member])
	}
	return d.row(s, kind)
}

func (d *decoder) noBefore(event string) error {
	return fmt.Errorf("The \"before\" field of %s message is null, if you are using %s Postgres Connector, please check the Postgres table has been set REPLICA IDENTITY to FULL level.", event, d.title)
}

// update appends the images before and after.
func (d *decoder) update(e *envelope, before, after int) error {
	if e.place(before).empty() {
		return d.noBefore("UPDATE")
	}
	if err := d.image(e, before, batch.UpdateBefore, ""); err != nil {
		return err
	}
	return d.image(e, after, batch.UpdateAfter, "")
}

// changed appends the images of a row of which old holds what has changed.
func (d *decoder) changed(data, old span) error {
	if data.empty() || old.empty() {
		return fmt.Errorf("the message of an update has no data or no old values")
	}
	cols, n := d.to.Cols[:d.columns], d.to.Len
	if err := d.rows.Object(cols, n, data.from, data.to); err != nil {
		return err
	}
	if err := d.rows.Overlay(cols, n, old.from, old.to); err != nil {
		return err
	}
	d.to.AppendKind(batch.UpdateBefore)
	return d.row(data, batch.UpdateAfter)
}

// images appends the rows of an array; with old, the array of what has changed.
func (d *decoder) images(e *envelope, data, old int, kind batch.Kind) error {
	rows, err := elements(e.b, e.place(data))
	if err != nil || rows == nil {
		return fmt.Errorf("the message has no array \"data\"")
	}
	var was []span
	if old >= 0 {
		if was, err = elements(e.b, e.place(old)); err != nil || len(was) != len(rows) {
			return fmt.Errorf("\"data\" has %d rows and \"old\" %d", len(rows), len(was))
		}
	}
	for i, s := range rows {
		if old >= 0 {
			err = d.changed(s, was[i])
		} else {
			err = d.row(s, kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// elements are the places of an array's elements.
func elements(b []byte, s span) (out []span, err error) {
	if s.empty() || b[s.from] != '[' {
		return nil, fmt.Errorf("no array")
	}
	out = []span{}
	for i := jsonscan.Blank(b, s.from+1); b[i] != ']'; {
		end := jsonscan.Skip(b, i)
		out = append(out, span{i, end})
		if i = jsonscan.Blank(b, end); b[i] == ',' {
			i = jsonscan.Blank(b, i+1)
		}
	}
	return out, nil
}
