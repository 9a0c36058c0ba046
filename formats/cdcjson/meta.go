package cdcjson

import (
	"bytes"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// metadata fills the metadata columns of a row of the current event.
func (d *decoder) metadata(row int) error {
	for k, m := range d.meta {
		v := &d.to.Cols[d.columns+k]
		s := d.env.schema
		if m.as != asSchema {
			s = d.env.place(m.member)
		}
		if m.inner != "" && !s.empty() {
			outer := s
			s = span{}
			err := object(d.env.b[:outer.to], outer.from, func(key []byte, value span) {
				if string(key) == m.inner {
					s = value
				}
			})
			if err != nil {
				return err
			}
		}
		if s.empty() {
			v.AppendNull(m.t, row)
			continue
		}
		if err := m.append(v, row, d.env.b, s); err != nil {
			return fmt.Errorf("metadata of %q: %w", d.members[m.member], err)
		}
	}
	return nil
}

func (m metadata) append(v *batch.Vector, n int, b []byte, s span) error {
	raw := b[s.from:s.to]
	switch m.as {
	case asMillis:
		ms, ok := formats.ParseInt(textOf(raw))
		if !ok {
			return fmt.Errorf("%s isn't a number of milliseconds", raw)
		}
		v.I64 = append(v.I64[:n], ms*1000)
	case asTime:
		micros, _, ok := types.ParseTimestamp(bytes.TrimSuffix(textOf(raw), []byte("Z")))
		if !ok {
			return fmt.Errorf("%s isn't a timestamp", raw)
		}
		v.I64 = append(v.I64[:n], micros)
	case asTexts:
		parts, err := elements(b, s)
		if err != nil {
			return err
		}
		first := v.Kids[0].Size(textType)
		for k, p := range parts {
			appendText(&v.Kids[0], first+k, b, p)
		}
		v.Str = append(v.Str[:n], batch.NewView(first, len(parts)))
	case asMap:
		first, count := v.Kids[0].Size(textType), 0
		value := m.t.KidTypes()[1]
		var bad error
		err := object(b[:s.to], s.from, func(key []byte, p span) {
			setText(&v.Kids[0], first+count, key)
			if value.IsString() {
				appendText(&v.Kids[1], first+count, b, p)
			} else if x, ok := int64(0), p.empty(); ok {
				v.Kids[1].AppendNull(value, first+count)
			} else if x, ok = formats.ParseInt(textOf(b[p.from:p.to])); ok {
				v.Kids[1].I64 = append(v.Kids[1].I64[:first+count], x)
				v.Kids[1].SetValid(first + count)
			} else {
				bad = fmt.Errorf("%s isn't a number", b[p.from:p.to])
			}
			count++
		})
		if err == nil {
			err = bad
		}
		if err != nil {
			return err
		}
		v.Str = append(v.Str[:n], batch.NewView(first, count))
	default:
		setText(v, n, textOf(raw))
		return nil
	}
	v.SetValid(n)
	return nil
}

func appendText(v *batch.Vector, n int, b []byte, s span) {
	if s.empty() || b[s.from] == 'n' {
		v.AppendNull(textType, n)
		return
	}
	setText(v, n, textOf(b[s.from:s.to]))
}

func setText(v *batch.Vector, n int, s []byte) {
	off := len(v.Buf)
	v.Buf = append(v.Buf, s...)
	v.Str = append(v.Str[:n], batch.NewView(off, len(s)))
	v.SetValid(n)
}
