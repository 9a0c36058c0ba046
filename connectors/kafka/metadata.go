package kafka

import (
	"bytes"
	"sort"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// metadata are the columns that a record offers beside key and value, with the
// kinds of types they may be declared as.
var metadata = map[string]func(t types.Type) bool{
	"topic":          isText,
	"partition":      isInteger,
	"offset":         func(t types.Type) bool { return t.Kind == types.BigInt },
	"leader-epoch":   isInteger,
	"timestamp":      func(t types.Type) bool { return t.Kind == types.Timestamp || t.Kind == types.TimestampLTZ },
	"timestamp-type": isText,
	"headers": func(t types.Type) bool {
		return t.Kind == types.Map && isText(t.Elem()) && isBinary(t.Value())
	},
	"header-list": func(t types.Type) bool {
		return t.Kind == types.Array && t.Elem().IsRow() && len(t.Elem().Fields) == 2 && isText(t.Elem().Fields[0].Type) && isBinary(t.Elem().Fields[1].Type)
	},
}

func isText(t types.Type) bool    { return t.Kind == types.VarChar && t.Length == types.MaxLength }
func isBinary(t types.Type) bool  { return t.Kind == types.VarBinary && t.Length == types.MaxLength }
func isInteger(t types.Type) bool { return t.Kind == types.Int || t.Kind == types.BigInt }

func metadataKeys() string {
	var k []string
	for n := range metadata {
		k = append(k, n)
	}
	sort.Strings(k)
	return strings.Join(k, ", ")
}

// fillMetadata writes a metadata column: origin says which record each row is of.
func (r *reader) fillMetadata(key string, t types.Type, v *batch.Vector, origin []int32) error {
	switch key {
	case "topic":
		return r.fillText(v, origin, func(int32) string { return r.at.Topic })
	case "timestamp-type":
		return r.fillText(v, origin, func(i int32) string {
			if r.spans[i].appendTime {
				return "LogAppendTime"
			}
			return "CreateTime"
		})
	case "partition":
		for k := range origin {
			v.I64[k] = int64(r.at.Partition)
		}
	case "offset":
		for k, i := range origin {
			v.I64[k] = r.records[i].offset
		}
	case "leader-epoch":
		for k, i := range origin {
			if v.I64[k] = int64(r.spans[i].epoch); v.I64[k] < 0 {
				v.SetNull(k)
			}
		}
	case "timestamp":
		for k, i := range origin {
			if v.I64[k] = r.records[i].time * 1000; t.Kind == types.Timestamp {
				v.I64[k] = types.ToLocal(v.I64[k], r.env.Session.Zone)
			}
		}
		if t.Layout() == types.LayoutWide {
			clear(v.Hi[:len(origin)])
		}
	case "headers", "header-list":
		return r.fillHeaders(key == "headers", v, origin)
	}
	return nil
}

// fillText writes texts that repeat: equal ones in a row are stored once.
func (r *reader) fillText(v *batch.Vector, origin []int32, text func(int32) string) error {
	last := ""
	for k, i := range origin {
		s := text(i)
		if k > 0 && s == last {
			v.Str[k] = v.Str[k-1]
			continue
		}
		v.SetString(k, s)
		last = s
	}
	return nil
}

// fillHeaders writes MAP<STRING, BYTES>, where the last of equal keys counts, or
// ARRAY<ROW<STRING, BYTES>>.
func (r *reader) fillHeaders(unique bool, v *batch.Vector, origin []int32) error {
	keys, values, rows := &v.Kids[0], (*batch.Vector)(nil), 0
	if unique {
		values = &v.Kids[1]
	} else {
		keys, values = &v.Kids[0].Kids[0], &v.Kids[0].Kids[1]
	}
	for k, i := range origin {
		rec := &r.records[i]
		r.headers = r.headers[:0]
		err := eachHeader(r.cur.block[rec.headers:rec.headerEnd], rec.headerCount, func(key, value []byte) {
			if unique {
				for h := range r.headers {
					if bytes.Equal(r.headers[h].key, key) {
						r.headers[h].value = value
						return
					}
				}
			}
			r.headers = append(r.headers, header{key, value})
		})
		if err != nil {
			return &damaged{rec.offset, err.Error()}
		}
		first := rows
		for _, h := range r.headers {
			keys.Str = append(keys.Str[:rows], 0)
			keys.SetBytes(rows, h.key)
			values.Str = append(values.Str[:rows], 0)
			if values.SetBytes(rows, h.value); h.value == nil {
				values.SetNull(rows)
			}
			rows++
		}
		v.Str[k] = batch.NewView(first, rows-first)
	}
	return nil
}
