// Package avro is Avro's binary form: records of a topic, whose schema follows
// from the table, and object container files, which bring their own.
//
// schema.go reads and makes Avro schemas. plan.go binds the schema something was
// written with to the columns wanted from it; decode.go and encode.go run over
// bytes and columns; file.go is the container. avro-confluent and
// debezium-avro-confluent stand on NewPlan and Schema.
package avro

import (
	"fmt"
	"io"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Format is avro.
var Format = &formats.Format{
	Name: "avro", Doc: "Avro records; whole files are object containers.",
	Options: []formats.Option{
		{Name: "encoding", Type: formats.EnumOption, Default: "binary", Enum: []string{"binary"}, Doc: "binary; Avro's JSON encoding isn't supported."},
		{Name: "codec", Type: formats.EnumOption, Default: "snappy", Enum: []string{"snappy", "null", "deflate", "xz", "zstandard"}, Doc: "Of the blocks of files that are written."},
		{Name: "timestamp_mapping.legacy", Type: formats.BoolOption, Default: "true", Doc: "TIMESTAMP as timestamp-millis; false: as local-timestamp, TIMESTAMP_LTZ as timestamp."},
	},
	Decoder: func(s formats.Spec) (formats.Decoder, error) {
		written, err := SchemaOf(s.Full, s.Options.Bool("timestamp_mapping.legacy"))
		if err != nil {
			return nil, err
		}
		p, err := NewPlan(written, s.Schema)
		return &decoder{plan: p}, err
	},
	Encoder: func(s formats.Spec) (formats.Encoder, error) {
		written, err := SchemaOf(s.Schema, s.Options.Bool("timestamp_mapping.legacy"))
		return &encoder{NewWriter(s.Schema, written)}, err
	},
	Describe:   describe,
	OpenFile:   openFile,
	CreateFile: createFile,
}

type decoder struct{ plan *Plan }

func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for i, m := range in.Messages {
		in.Begin(i, to.Len)
		if m.Value == nil {
			continue
		}
		if _, err := d.plan.Row(m.Value, to.Cols, to.Len); err != nil {
			if err := bad(m, err); err != nil {
				return err
			}
			continue
		}
		to.AppendKind(batch.Insert)
	}
	return nil
}

type encoder struct{ *Writer }

func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.Buf = e.Buf[:0]
	var ends []int
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if err := e.Row(b.Cols, i); err != nil {
			return to, err
		}
		ends = append(ends, len(e.Buf))
	}
	from := 0
	for _, end := range ends {
		to = append(to, formats.Message{Value: e.Buf[from:end:end]})
		from = end
	}
	return to, nil
}

func openFile(s formats.Spec, r io.ReaderAt, size int64) (formats.FileReader, error) {
	f, err := newContainer(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	if f.plan, err = NewPlan(f.schema, s.Schema); err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	f.types = s.Schema.Types()
	return f, nil
}

// describe makes columns of a file's schema.
func describe(r io.ReaderAt, size int64) (*formats.Described, error) {
	f, err := newContainer(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	return Describe(f.schema)
}

func createFile(s formats.Spec, w io.Writer) (formats.FileWriter, error) {
	schema, err := SchemaOf(s.Schema, s.Options.Bool("timestamp_mapping.legacy"))
	if err != nil {
		return nil, err
	}
	return newContainerWriter(w, NewWriter(s.Schema, schema), schema, s.Options.String("codec"))
}

// wide says that a type's values take Hi as well.
func wide(t types.Type) bool { return t.Layout() == types.LayoutWide }
