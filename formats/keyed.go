package formats

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Keyed says how a table's columns lie in the key and the value of a message.
type Keyed struct {
	Fields    []string // key.fields: physical columns, in the order they have in the key
	Prefix    string   // key.fields-prefix: taken off the columns' names in the key
	ExceptKey bool     // value.fields-include = EXCEPT_KEY: the value has none of them
	// Upsert says that a message is the last state of its key: with a value it is +U,
	// without one -D of the key alone.
	Upsert bool
}

// KeyedOf reads key.fields, key.fields-prefix and value.fields-include, which the
// connector declares; upsert connectors set Fields to the primary key.
func KeyedOf(v Values) Keyed {
	return Keyed{Fields: v.List("key.fields"), Prefix: v.String("key.fields-prefix"), ExceptKey: strings.EqualFold(v.String("value.fields-include"), "EXCEPT_KEY")}
}

// Options are the options of a connector whose messages have keys.
func KeyedOptions() []Option {
	return []Option{
		{Name: "format", Doc: "Encoding of values."},
		{Name: "value.format", Doc: "Another name of 'format'; its options begin with value.FORMAT."},
		{Name: "key.format", Doc: "Encoding of keys; its options begin with key.FORMAT."},
		{Name: "key.fields", Type: ListOption, Doc: "Columns that lie in the key: a;b."},
		{Name: "key.fields-prefix", Doc: "Begins the names of the key's columns, in the table alone."},
		{Name: "value.fields-include", Type: EnumOption, Default: "ALL", Enum: []string{"ALL", "EXCEPT_KEY"}, Doc: "Whether the value has the key's columns too."},
	}
}

// Subject gives formats of a schema registry the subjects of a topic, TOPIC-value and
// TOPIC-key, where the table names none. A connector calls it before it makes an
// encoder.
func (t *Table) Subject(topic string) {
	set := func(f *Format, v *Values, subject string) {
		if f == nil || v.Has("subject") || v.Has("schema-registry.subject") {
			return
		}
		for _, o := range f.Options {
			if o.Name != "subject" {
				continue
			}
			all := map[string]string{"subject": subject}
			for k, x := range v.Set {
				all[k] = x
			}
			v.Set = all
		}
	}
	set(t.Format, &t.Spec.Options, topic+"-value")
	set(t.KeyFormat, &t.KeySpec.Options, topic+"-key")
}

// split finds the key's and the value's columns among all physical ones. Messages
// are Flink's.
func (k Keyed) split(t Table, full *types.Schema) (key, value *types.Schema, inKey, inValue []int, err error) {
	key, value = &types.Schema{}, &types.Schema{}
	if t.KeyFormat == nil && len(k.Fields) > 0 {
		return nil, nil, nil, nil, fmt.Errorf("The option 'key.fields' can only be declared if a key format is defined using 'key.format'.")
	}
	if t.KeyFormat != nil && len(k.Fields) == 0 {
		return nil, nil, nil, nil, fmt.Errorf("A key format 'key.format' requires the declaration of one or more of key fields using 'key.fields'.")
	}
	if t.KeyFormat == nil && k.Upsert {
		return nil, nil, nil, nil, fmt.Errorf("the table needs a 'key.format'")
	}
	if k.Prefix != "" && !k.ExceptKey {
		return nil, nil, nil, nil, fmt.Errorf("A key prefix is not allowed when option 'value.fields-include' is set to 'ALL'. Set it to 'EXCEPT_KEY' instead to avoid field overlaps.")
	}
	isKey := map[int]bool{}
	for _, name := range k.Fields {
		c := full.Index(name)
		if c < 0 {
			return nil, nil, nil, nil, fmt.Errorf("Could not find the field '%s' in the table schema for usage in the key format. A key field must be a regular, physical column. The following columns can be selected in the 'key.fields' option: %s", name, strings.Join(full.Names(), ", "))
		}
		if !strings.HasPrefix(name, k.Prefix) {
			return nil, nil, nil, nil, fmt.Errorf("All fields in 'key.fields' must be prefixed with '%s' when option 'key.fields-prefix' is set but field '%s' is not prefixed.", k.Prefix, name)
		}
		f := full.Fields[c]
		f.Name = name[len(k.Prefix):]
		key.Fields, inKey, isKey[c] = append(key.Fields, f), append(inKey, c), true
	}
	for c, f := range full.Fields {
		if !k.ExceptKey || !isKey[c] {
			value.Fields, inValue = append(value.Fields, f), append(inValue, c)
		}
	}
	return key, value, inKey, inValue, nil
}

// KeyedDecoder decodes messages with keys and metadata. As in Flink, a message
// makes a row for each pair of a row of its key and a row of its value: where the
// table has a key format, a message whose key decodes to nothing makes none.
type KeyedDecoder struct {
	keyed      Keyed
	key, value Decoder
	cols       []source // by column of the result
	types      []types.Type
	valueTypes []types.Type
	keyTypes   []types.Type

	keyMsgs, valueMsgs []Message
	which              []int32 // message of each of valueMsgs
	keyEnds, ends      []int32
	bad                []bool
	keys, values, out  batch.Batch
	origin, ki, vi     []int32
	kinds              []batch.Kind
}

// source is where a column comes from.
type source struct {
	key, value int // column of keys or values, or -1; both -1: the connector's
}

// NewKeyedDecoder makes a decoder for the columns of schema, whose last len(meta)
// ones are metadata: those named value.K where the value's format has K are
// decoded, the others are the connector's to fill. full is all physical columns.
func NewKeyedDecoder(t Table, k Keyed, schema, full *types.Schema, meta []string) (*KeyedDecoder, error) {
	if t.Format == nil || t.Format.Decoder == nil {
		return nil, fmt.Errorf("the table needs a 'format' whose messages can be read")
	}
	key, value, inKey, inValue, err := k.split(t, full)
	if err != nil {
		return nil, err
	}
	d := &KeyedDecoder{keyed: k, types: schema.Types()}
	valueSpec, keySpec := t.Spec, t.KeySpec
	valueSpec.Full, valueSpec.Schema, valueSpec.Meta, valueSpec.Key = value, &types.Schema{}, nil, nil
	keySpec.Full, keySpec.Schema, keySpec.Meta, keySpec.Key, keySpec.Session = key, &types.Schema{}, nil, nil, t.Spec.Session
	physical := schema.Len() - len(meta)
	for c, f := range schema.Fields {
		s := source{-1, -1}
		if c < physical {
			for i, at := range inKey {
				if full.Fields[at].Name == f.Name {
					s.key = keySpec.Schema.Len()
					g := key.Fields[i]
					keySpec.Schema.Fields = append(keySpec.Schema.Fields, g)
				}
			}
			for i, at := range inValue {
				if full.Fields[at].Name == f.Name {
					s.value = valueSpec.Schema.Len()
					valueSpec.Schema.Fields = append(valueSpec.Schema.Fields, value.Fields[i])
				}
			}
		}
		d.cols = append(d.cols, s)
	}
	for c := physical; c < schema.Len(); c++ {
		name, ok := strings.CutPrefix(meta[c-physical], "value.")
		if _, known := t.Format.Metadata[name]; ok && known {
			d.cols[c].value = valueSpec.Schema.Len()
			valueSpec.Schema.Fields = append(valueSpec.Schema.Fields, schema.Fields[c])
			valueSpec.Meta = append(valueSpec.Meta, name)
		}
	}
	d.valueTypes, d.keyTypes = valueSpec.Schema.Types(), keySpec.Schema.Types()
	if d.value, err = t.Format.Decoder(valueSpec); err != nil {
		return nil, err
	}
	if t.KeyFormat != nil {
		if t.KeyFormat.Decoder == nil {
			return nil, fmt.Errorf("format %q can't read keys", t.KeyFormat.Name)
		}
		if d.key, err = t.KeyFormat.Decoder(keySpec); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Decode returns the messages' rows and the message each came from. The
// connector's own metadata columns are Prepared for as many rows, for it to fill.
// Both are valid until the next Decode.
func (d *KeyedDecoder) Decode(in Input, bad func(Message, error) error) (*batch.Batch, []int32, error) {
	n := len(in.Messages)
	d.ends = size(d.ends, n)
	if d.key == nil && !d.keyed.Upsert {
		in.First = d.ends
		d.values.Reset(d.valueTypes)
		if err := d.value.Decode(in, &d.values, bad); err != nil {
			return nil, nil, err
		}
		ends(d.ends, d.values.Len)
		d.origin = d.origin[:0]
		for i, end := range d.ends {
			for int32(len(d.origin)) < end {
				d.origin = append(d.origin, int32(i))
			}
		}
		d.out = batch.Batch{Len: d.values.Len, Kinds: d.values.Kinds, Cols: d.columns()}
		for c, s := range d.cols {
			if s.value >= 0 {
				d.out.Cols[c] = d.values.Cols[s.value]
			} else {
				d.out.Cols[c].Prepare(d.types[c], d.out.Len)
			}
		}
		return &d.out, d.origin, nil
	}
	if err := d.decodeKeys(in, bad); err != nil {
		return nil, nil, err
	}
	if err := d.decodeValues(in, bad); err != nil {
		return nil, nil, err
	}
	d.pair(in)
	return &d.out, d.origin, nil
}

// columns are the result's columns; those not the connector's are replaced.
func (d *KeyedDecoder) columns() []batch.Vector {
	if len(d.out.Cols) != len(d.cols) {
		return make([]batch.Vector, len(d.cols))
	}
	return d.out.Cols
}

func size(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n, 2*n)
	}
	return s[:n]
}

func (d *KeyedDecoder) decodeKeys(in Input, bad func(Message, error) error) error {
	d.keyMsgs, d.bad = d.keyMsgs[:0], d.bad[:0]
	for i, m := range in.Messages {
		d.keyMsgs = append(d.keyMsgs, Message{Value: m.Key, Offset: int64(i)})
		d.bad = append(d.bad, false)
	}
	d.keys.Reset(d.keyTypes)
	d.keyEnds = size(d.keyEnds, len(in.Messages))
	err := d.key.Decode(Input{Messages: d.keyMsgs, First: d.keyEnds}, &d.keys, func(m Message, reason error) error {
		d.bad[m.Offset] = true
		return bad(in.Messages[m.Offset], fmt.Errorf("key: %w", reason))
	})
	ends(d.keyEnds, d.keys.Len)
	return err
}

func (d *KeyedDecoder) decodeValues(in Input, bad func(Message, error) error) error {
	d.valueMsgs, d.which = d.valueMsgs[:0], d.which[:0]
	for i, m := range in.Messages {
		if !d.bad[i] && (m.Value != nil || !d.keyed.Upsert) {
			d.valueMsgs = append(d.valueMsgs, m)
			d.which = append(d.which, int32(i))
		}
	}
	d.values.Reset(d.valueTypes)
	first := d.ends[:len(d.valueMsgs)]
	err := d.value.Decode(Input{Messages: d.valueMsgs, Block: in.Block, First: first}, &d.values, bad)
	ends(first, d.values.Len)
	return err
}

// ends turns the row at which each message begins into that at which it ends.
func ends(first []int32, n int) {
	if len(first) > 0 {
		copy(first, first[1:])
		first[len(first)-1] = int32(n)
	}
}

// pair makes the rows of each message.
func (d *KeyedDecoder) pair(in Input) {
	d.origin, d.ki, d.vi, d.kinds = d.origin[:0], d.ki[:0], d.vi[:0], d.kinds[:0]
	var key, value, w int32
	inserts := true
	for i := range in.Messages {
		keyEnd := d.keyEnds[i]
		switch {
		case int(w) < len(d.which) && d.which[w] == int32(i):
			for ; value < d.ends[w]; value++ {
				kind := d.values.Kind(int(value))
				if d.keyed.Upsert {
					kind = batch.UpdateAfter
				}
				inserts = inserts && kind == batch.Insert
				for k := key; k < keyEnd; k++ {
					d.origin, d.ki, d.vi, d.kinds = append(d.origin, int32(i)), append(d.ki, k), append(d.vi, value), append(d.kinds, kind)
				}
			}
			w++
		case !d.bad[i]: // no value
			inserts = false
			for k := key; k < keyEnd; k++ {
				d.origin, d.ki, d.vi, d.kinds = append(d.origin, int32(i)), append(d.ki, k), append(d.vi, -1), append(d.kinds, batch.Delete)
			}
		}
		key = keyEnd
	}
	d.out = batch.Batch{Len: len(d.origin), Kinds: d.kinds, Cols: d.columns()}
	if inserts {
		d.out.Kinds = nil
	}
	for c, s := range d.cols {
		v, t := &d.out.Cols[c], d.types[c]
		switch {
		case s.value >= 0 && s.key >= 0 && !inserts && d.keyed.Upsert: // the key's, where there is no value
			v.Prepare(t, 0)
			for r := range d.origin {
				if d.vi[r] >= 0 {
					v.Append(t, r, &d.values.Cols[s.value], int(d.vi[r]))
				} else {
					v.Append(t, r, &d.keys.Cols[s.key], int(d.ki[r]))
				}
			}
		case s.value >= 0:
			v.Take(t, &d.values.Cols[s.value], d.vi)
		case s.key >= 0:
			v.Take(t, &d.keys.Cols[s.key], d.ki)
		default:
			v.Prepare(t, len(d.origin))
		}
	}
}

// KeyedEncoder encodes rows as messages with keys.
type KeyedEncoder struct {
	keyed          Keyed
	key, value     Encoder
	inKey, inValue []int
	keyMsgs        []Message
	sub            batch.Batch
}

// NewKeyedEncoder makes an encoder for batches that begin with all physical
// columns of the table (full).
func NewKeyedEncoder(t Table, k Keyed, full *types.Schema) (*KeyedEncoder, error) {
	if t.Format == nil || t.Format.Encoder == nil {
		return nil, fmt.Errorf("the table needs a 'format' whose messages can be written")
	}
	key, value, inKey, inValue, err := k.split(t, full)
	if err != nil {
		return nil, err
	}
	e := &KeyedEncoder{keyed: k, inKey: inKey, inValue: inValue}
	spec := t.Spec
	spec.Schema, spec.Full, spec.Meta, spec.Key = value, value, nil, nil
	if e.value, err = t.Format.Encoder(spec); err != nil {
		return nil, err
	}
	if t.KeyFormat != nil {
		if t.KeyFormat.Encoder == nil {
			return nil, fmt.Errorf("format %q can't write keys", t.KeyFormat.Name)
		}
		spec := t.KeySpec
		spec.Schema, spec.Full, spec.Session = key, key, t.Spec.Session
		if e.key, err = t.KeyFormat.Encoder(spec); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Encode appends a message per live row; they are valid until the next Encode. An
// upsert's -U and -D have no value.
func (e *KeyedEncoder) Encode(b *batch.Batch, to []Message) ([]Message, error) {
	from := len(to)
	to, err := e.value.Encode(e.part(b, e.inValue), to)
	if err != nil || e.key == nil {
		return to, err
	}
	if e.keyMsgs, err = e.key.Encode(e.part(b, e.inKey), e.keyMsgs[:0]); err != nil {
		return to, err
	}
	if len(e.keyMsgs) != len(to)-from {
		return to, fmt.Errorf("the key's format made %d messages and the value's %d", len(e.keyMsgs), len(to)-from)
	}
	for k, m := range e.keyMsgs {
		to[from+k].Key = m.Value
		if e.keyed.Upsert {
			i := k
			if b.Sel != nil {
				i = int(b.Sel[k])
			}
			if b.Kind(i).Sign() < 0 {
				to[from+k].Value = nil
			}
		}
	}
	return to, nil
}

// part is the batch with some of its columns.
func (e *KeyedEncoder) part(b *batch.Batch, cols []int) *batch.Batch {
	e.sub = batch.Batch{Len: b.Len, Sel: b.Sel, Kinds: b.Kinds, Cols: e.sub.Cols[:0]}
	if e.keyed.Upsert {
		e.sub.Kinds = nil
	}
	for _, c := range cols {
		e.sub.Cols = append(e.sub.Cols, b.Cols[c])
	}
	return &e.sub
}

// Probe asks the decoders of key and value that are Probers.
func (d *KeyedDecoder) Probe() (seen []string, faults []error) { return probe(d.key, d.value) }

// Probe asks the encoders of key and value that are Probers.
func (e *KeyedEncoder) Probe() (seen []string, faults []error) { return probe(e.key, e.value) }

func probe(parts ...any) (seen []string, faults []error) {
	for _, x := range parts {
		p, ok := x.(Prober)
		if !ok {
			continue
		}
		if s, err := p.Probe(); err != nil {
			faults = append(faults, err)
		} else {
			seen = append(seen, s)
		}
	}
	return seen, faults
}
