package cdcjson

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/json"
)

// encoder writes an event per change: +I and +U as an insertion, -U and -D as a
// deletion, as Flink does.
type encoder struct {
	*dialect
	insert, delete [2]string
	rows           *json.Printer
	buf            []byte
	ends           []int
}

func newEncoder(l *dialect, s formats.Spec) (formats.Encoder, error) {
	if l.check != nil {
		if err := l.check(s, true); err != nil {
			return nil, err
		}
	}
	e := &encoder{dialect: l, insert: l.insert, delete: l.delete}
	if s.Options.Bool("encode.ignore-null-fields") {
		for k := range e.insert {
			e.insert[k] = strings.ReplaceAll(e.insert[k], `"before":null,`, "")
			e.delete[k] = strings.ReplaceAll(e.delete[k], `"after":null,`, "")
		}
	}
	var err error
	e.rows, err = json.NewPrinter(s.Schema, s.Options)
	return e, err
}

// Encode makes an event per row.
func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf, e.ends = e.buf[:0], e.ends[:0]
	for k := range b.Rows() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		around := &e.insert
		if b.Kind(i).Sign() < 0 {
			around = &e.delete
		}
		var err error
		if e.buf, err = e.rows.Append(append(e.buf, around[0]...), b.Cols, i); err != nil {
			return to, err
		}
		e.buf = append(e.buf, around[1]...)
		e.ends = append(e.ends, len(e.buf))
	}
	from := 0
	for _, end := range e.ends {
		to = append(to, formats.Message{Value: e.buf[from:end:end]})
		from = end
	}
	return to, nil
}
