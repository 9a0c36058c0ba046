package avro

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Writer encodes rows with the schema that follows from their columns.
type Writer struct {
	Buf    []byte // records are appended here
	schema *Schema
	types  []types.Type
	err    error
}

// NewWriter makes one; written is SchemaOf of the same columns.
func NewWriter(s *types.Schema, written *Schema) *Writer {
	return &Writer{schema: written, types: s.Types()}
}

// Row appends row i as a record.
func (w *Writer) Row(cols []batch.Vector, i int) error {
	for c := range w.types {
		w.value(w.schema.Fields[c].Type, w.types[c], &cols[c], i)
	}
	err := w.err
	w.err = nil
	return err
}

func (w *Writer) long(x int64) {
	w.Buf = binary.AppendUvarint(w.Buf, uint64(x)<<1^uint64(x>>63))
}

func (w *Writer) bytes(b []byte) {
	w.long(int64(len(b)))
	w.Buf = append(w.Buf, b...)
}

func (w *Writer) value(s *Schema, t types.Type, v *batch.Vector, i int) {
	if s.Type == "union" {
		if v.Null(i) {
			w.long(0)
			return
		}
		w.long(1)
		s = s.Branches[1]
	} else if v.Null(i) {
		w.err = errors.New("a NULL in a part that is NOT NULL can't be written")
	}
	switch s.Type {
	case "boolean":
		w.Buf = append(w.Buf, byte(v.I64[i]))
	case "int":
		w.long(v.I64[i])
	case "long":
		x := v.I64[i]
		switch s.Logical {
		case "timestamp-millis", "local-timestamp-millis":
			day, rest := types.SplitDay(x)
			x = day*86_400_000 + rest/1000
		}
		w.long(x)
	case "float":
		w.Buf = binary.LittleEndian.AppendUint32(w.Buf, math.Float32bits(float32(v.F64[i])))
	case "double":
		w.Buf = binary.LittleEndian.AppendUint64(w.Buf, math.Float64bits(v.F64[i]))
	case "bytes":
		if s.Logical == "decimal" {
			w.decimal(v.Decimal(t, i))
			return
		}
		w.bytes(v.Bytes(i))
	case "string":
		w.bytes(v.Bytes(i))
	case "record":
		for k, f := range s.Fields {
			w.value(f.Type, t.Fields[k].Type, &v.Kids[k], i)
		}
	case "array", "map":
		w.list(s, t, v, v.Str[i])
	}
}

func (w *Writer) list(s *Schema, t types.Type, v *batch.Vector, list batch.View) {
	kt := t.KidTypes()
	if list.Len() > 0 {
		w.long(int64(list.Len()))
	}
	for e := list.Off(); e < list.Off()+list.Len(); e++ {
		if s.Type == "map" {
			if v.Kids[0].Null(e) {
				w.err = errors.New("a map with a NULL key has no form in Avro")
			}
			w.bytes(v.Kids[0].Bytes(e))
		}
		w.value(s.Items, kt[len(kt)-1], &v.Kids[len(kt)-1], e)
	}
	w.long(0)
}

// decimal appends the fewest big-endian bytes that hold x.
func (w *Writer) decimal(x types.Int128) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(x.Hi))
	binary.BigEndian.PutUint64(b[8:], x.Lo)
	from := 0
	for from < 15 && (b[from] == 0 && b[from+1] < 0x80 || b[from] == 0xff && b[from+1] >= 0x80) {
		from++
	}
	w.bytes(b[from:])
}
