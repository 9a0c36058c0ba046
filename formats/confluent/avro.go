package confluent

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/avro"
	"github.com/millrace/millrace/types"
)

// Avro is avro-confluent.
var Avro = &formats.Format{
	Name: "avro-confluent", Doc: "Avro records whose schemas lie in a registry.", Options: options(),
	Decoder: func(s formats.Spec) (formats.Decoder, error) {
		r, err := newReader("avro-confluent", s, s.Schema)
		return &decoder{r}, err
	},
	Encoder: func(s formats.Spec) (formats.Encoder, error) {
		w, err := newWriter("avro-confluent", s, s.Schema)
		return &encoder{w}, err
	},
}

// reader reads records by the schema that each names.
type reader struct {
	registry *registry
	want     *types.Schema
	subject  string // "": not known
	plans    map[uint32]*avro.Plan
	bad      map[uint32]error // schemas that can't be read as the columns
}

func newReader(format string, s formats.Spec, want *types.Schema) (*reader, error) {
	r, err := newRegistry(format, s.Options)
	return &reader{registry: r, want: want, subject: either(s.Options, "subject"), plans: map[uint32]*avro.Plan{}, bad: map[uint32]error{}}, err
}

// row reads a message as row n. fatal says that the registry, not the message, is
// at fault.
func (r *reader) row(m []byte, cols []batch.Vector, n int) (err error, fatal bool) {
	if len(m) < 5 || m[0] != 0 {
		return errors.New("the message doesn't begin with a zero byte and the number of its schema"), false
	}
	id := binary.BigEndian.Uint32(m[1:])
	p := r.plans[id]
	if p == nil {
		if err := r.bad[id]; err != nil {
			return err, false
		}
		text, err := r.registry.schema(id)
		if err != nil && !errors.Is(err, errUnknown) {
			return err, true
		}
		var written *avro.Schema
		if err == nil {
			written, err = avro.Parse([]byte(text))
		}
		if err == nil {
			p, err = avro.NewPlan(written, r.want)
		}
		if err != nil {
			if !errors.Is(err, errUnknown) { // which has the number
				err = fmt.Errorf("schema %d: %w", id, err)
			}
			r.bad[id] = err
			return err, false
		}
		r.plans[id] = p
	}
	_, err = p.Row(m[5:], cols, n)
	return err, false
}

type decoder struct{ *reader }

// Decode appends a row per message.
func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for i, m := range in.Messages {
		in.Begin(i, to.Len)
		if m.Value == nil {
			continue
		}
		err, fatal := d.row(m.Value, to.Cols, to.Len)
		switch {
		case err == nil:
			to.AppendKind(batch.Insert)
		case fatal:
			return err
		default:
			if err := bad(m, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// writer writes records of one schema, which it registers before the first.
type writer struct {
	registry *registry
	subject  string
	schema   *avro.Schema
	text     string // the schema as it is registered
	*avro.Writer
	head []byte
	ends []int
}

func newWriter(format string, s formats.Spec, cols *types.Schema) (*writer, error) {
	r, err := newRegistry(format, s.Options)
	if err != nil {
		return nil, err
	}
	w := &writer{registry: r, subject: either(s.Options, "subject")}
	if w.subject == "" {
		return nil, fmt.Errorf("Option '%s.subject' is required for serialization", format)
	}
	if w.schema, err = avro.SchemaOf(cols, s.Options.Bool("timestamp_mapping.legacy")); err != nil {
		return nil, err
	}
	w.text = w.schema.String()
	if text := s.Options.String("schema"); text != "" {
		given, err := avro.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("'%s.schema': %w", format, err)
		}
		if err := same(given, w.schema, ""); err != nil {
			return nil, fmt.Errorf("'%s.schema': %w", format, err)
		}
		w.schema, w.text = given, text
	}
	w.Writer = avro.NewWriter(cols, w.schema)
	return w, nil
}

// same says in what a schema differs from the one that the columns make: names of
// records may.
func same(a, b *avro.Schema, where string) error {
	if a.Type != b.Type || len(a.Fields) != len(b.Fields) || len(a.Branches) != len(b.Branches) {
		return fmt.Errorf("%s is %s with %d fields, the table makes %s with %d", at(where), a.Type, len(a.Fields), b.Type, len(b.Fields))
	}
	if a.Logical != b.Logical || a.Precision != b.Precision || a.Scale != b.Scale || a.Size != b.Size {
		return fmt.Errorf("%s has the logical type %q, the table makes %q", at(where), a.Logical, b.Logical)
	}
	for i := range a.Fields {
		if a.Fields[i].Name != b.Fields[i].Name {
			return fmt.Errorf("field %q of %s is column %q of the table", a.Fields[i].Name, at(where), b.Fields[i].Name)
		}
		if err := same(a.Fields[i].Type, b.Fields[i].Type, where+"."+a.Fields[i].Name); err != nil {
			return err
		}
	}
	for i := range a.Branches {
		if err := same(a.Branches[i], b.Branches[i], where); err != nil {
			return err
		}
	}
	if a.Items != nil && b.Items != nil {
		return same(a.Items, b.Items, where+"[]")
	}
	return nil
}

func at(where string) string {
	if where == "" {
		return "the record"
	}
	return where[1:]
}

// begin starts a batch of messages.
func (w *writer) begin() error {
	w.Buf, w.ends = w.Buf[:0], w.ends[:0]
	if w.head != nil {
		return nil
	}
	id, err := w.registry.register(w.subject, w.text)
	if err == nil {
		w.head = binary.BigEndian.AppendUint32([]byte{0}, id)
	}
	return err
}

// append writes a row as a message.
func (w *writer) append(cols []batch.Vector, i int) error {
	w.Buf = append(w.Buf, w.head...)
	if err := w.Row(cols, i); err != nil {
		return err
	}
	w.ends = append(w.ends, len(w.Buf))
	return nil
}

func (w *writer) messages(to []formats.Message) []formats.Message {
	from := 0
	for _, end := range w.ends {
		to = append(to, formats.Message{Value: w.Buf[from:end:end]})
		from = end
	}
	return to
}

type encoder struct{ *writer }

// Encode makes a message per row.
func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	if b.Rows() == 0 {
		return to, nil
	}
	if err := e.begin(); err != nil {
		return to, err
	}
	for k := range b.Rows() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if err := e.append(b.Cols, i); err != nil {
			return to, err
		}
	}
	return e.messages(to), nil
}
