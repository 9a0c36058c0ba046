package confluent

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Debezium is debezium-avro-confluent: change events as Avro records of before,
// after and op.
var Debezium = &formats.Format{
	Name: "debezium-avro-confluent", Doc: "Change events of Debezium in Avro, whose schemas lie in a registry.", Options: options(),
	Changes: func(formats.Values) batch.Changes { return batch.Changes{Kinds: batch.All} },
	Decoder: func(s formats.Spec) (formats.Decoder, error) {
		e := envelope(s.Schema)
		r, err := newReader("debezium-avro-confluent", s, e)
		return &events{reader: r, rows: s.Schema.Types(), types: e.Types()}, err
	},
	Encoder: func(s formats.Spec) (formats.Encoder, error) {
		e := envelope(s.Schema)
		w, err := newWriter("debezium-avro-confluent", s, e)
		return &eventWriter{writer: w, types: e.Types()}, err
	},
}

// envelope is an event's columns.
func envelope(s *types.Schema) *types.Schema {
	row := types.RowOf(s.Fields...)
	return types.NewSchema(types.Field{Name: "before", Type: row}, types.Field{Name: "after", Type: row}, types.Field{Name: "op", Type: types.StringType})
}

// events reads change events.
type events struct {
	*reader
	rows, types []types.Type
	one         batch.Batch
}

// Decode appends the rows of each event.
func (d *events) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for i, m := range in.Messages {
		in.Begin(i, to.Len)
		if m.Value == nil { // a tombstone
			continue
		}
		d.one.Reset(d.types)
		err, fatal := d.row(m.Value, d.one.Cols, 0)
		if fatal {
			return err
		}
		if err == nil {
			err = d.event(to)
		}
		if err != nil {
			if err := bad(m, fmt.Errorf("corrupt Debezium Avro message: %w", err)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *events) event(to *batch.Batch) error {
	before, after := &d.one.Cols[0], &d.one.Cols[1]
	op := ""
	if !d.one.Cols[2].Null(0) {
		op = string(d.one.Cols[2].Bytes(0))
	}
	need := func(v *batch.Vector, name, event string) error {
		if v.Null(0) {
			return fmt.Errorf("The \"%s\" field of %s message is null, if you are using Debezium Postgres Connector, please check the Postgres table has been set REPLICA IDENTITY to FULL level.", name, event)
		}
		return nil
	}
	switch op {
	case "c", "r":
		if err := need(after, "after", "INSERT"); err != nil {
			return err
		}
		d.append(to, batch.Insert, after)
	case "u":
		if err := need(before, "before", "UPDATE"); err != nil {
			return err
		}
		if err := need(after, "after", "UPDATE"); err != nil {
			return err
		}
		d.append(to, batch.UpdateBefore, before)
		d.append(to, batch.UpdateAfter, after)
	case "d":
		if err := need(before, "before", "DELETE"); err != nil {
			return err
		}
		d.append(to, batch.Delete, before)
	default:
		return fmt.Errorf("Unknown \"op\" value %q", op)
	}
	return nil
}

func (d *events) append(to *batch.Batch, kind batch.Kind, row *batch.Vector) {
	for c, t := range d.rows {
		to.Cols[c].Append(t, to.Len, &row.Kids[c], 0)
	}
	to.AppendKind(kind)
}

// eventWriter writes +I and +U as a creation, -U and -D as a deletion, as Flink
// does.
type eventWriter struct {
	*writer
	types []types.Type
}

// Encode makes an event per row.
func (e *eventWriter) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	if b.Rows() == 0 {
		return to, nil
	}
	if err := e.begin(); err != nil {
		return to, err
	}
	var before, after, op batch.Vector
	before.Kids, after.Kids = b.Cols, b.Cols
	op.Prepare(types.StringType, b.Len)
	words := (b.Len + 63) / 64
	before.Valid, after.Valid = make([]uint64, words), make([]uint64, words)
	for i := range b.Len {
		row, letter := &after, "c"
		if b.Kind(i).Sign() < 0 {
			row, letter = &before, "d"
		}
		row.Valid[i>>6] |= 1 << (i & 63)
		op.SetString(i, letter)
	}
	cols := []batch.Vector{before, after, op}
	for k := range b.Rows() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if err := e.append(cols, i); err != nil {
			return to, err
		}
	}
	return e.messages(to), nil
}
