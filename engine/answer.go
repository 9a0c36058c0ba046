package engine

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// answer sends rows of strings as a result.
func answer(out Output, columns []string, rows [][]string) error {
	schema := &types.Schema{}
	for _, c := range columns {
		schema.Fields = append(schema.Fields, types.Field{Name: c, Type: types.StringType})
	}
	cells := make([][]any, len(rows))
	for i, r := range rows {
		for _, x := range r {
			cells[i] = append(cells[i], x)
		}
	}
	return answerRows(out, schema, cells)
}

// answerRows sends rows whose cells are strings, booleans or nil.
func answerRows(out Output, schema *types.Schema, rows [][]any) error {
	send, err := out.Rows(schema, batch.Changes{Kinds: batch.InsertOnly}, true)
	if err != nil {
		return err
	}
	var b batch.Batch
	ts := schema.Types()
	b.Reset(ts)
	for _, r := range rows {
		for c, cell := range r {
			v := &b.Cols[c]
			switch x := cell.(type) {
			case string:
				v.Str = append(v.Str, 0)
				v.SetString(b.Len, x)
			case bool:
				v.I64 = append(v.I64, 0)
				if x {
					v.I64[b.Len] = 1
				}
			default:
				v.AppendNull(ts[c], b.Len)
			}
		}
		b.AppendKind(batch.Insert)
		if b.Len == batch.MaxRows {
			if err := send(&b); err != nil {
				return err
			}
			b.Reset(ts)
		}
	}
	if b.Len > 0 {
		if err := send(&b); err != nil {
			return err
		}
	}
	return send(nil)
}
