package collection

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// Tables is the package's table functions.
var Tables = []*functions.Table{unnest("UNNEST", false), unnest("UNNEST WITH ORDINALITY", true)}

// unnest gives the elements of an array, the entries of a map, or the elements of a
// multiset, each as often as it occurs. Elements that are rows come out as their
// fields, a NULL row not at all. A NULL collection gives nothing.
func unnest(name string, ordinality bool) *functions.Table {
	return &functions.Table{
		Name: name, Doc: functions.Doc{Group: "collection", Usage: "UNNEST(collection) [WITH ORDINALITY]", Text: "The elements of an array, map or multiset as rows."},
		Result: func(args []functions.Arg) (*types.Schema, error) {
			if len(args) != 1 || !args[0].Type.IsCollection() {
				return nil, nil
			}
			s := &types.Schema{Fields: produced(args[0].Type)}
			if ordinality {
				s.Fields = append(s.Fields, types.Field{Name: "ORDINALITY", Type: types.IntType.NotNullable()})
			}
			return s, nil
		},
		Bind: func(c functions.Call) (functions.TableKernel, error) {
			t := c.Args[0].Type
			return &unnester{t: t, rows: t.Kind != types.Map && t.Elem().IsRow(), ts: (&types.Schema{Fields: produced(t)}).Types(), ordinality: ordinality}, nil
		},
	}
}

// produced are the columns that a collection's entries have.
func produced(t types.Type) []types.Field {
	switch {
	case t.Kind == types.Map:
		return []types.Field{{Name: "KEY", Type: t.Elem()}, {Name: "VALUE", Type: t.Value()}}
	case t.Elem().IsRow():
		return append([]types.Field(nil), t.Elem().Fields...)
	}
	return []types.Field{{Name: "EXPR$0", Type: t.Elem()}}
}

type unnester struct {
	t          types.Type
	rows       bool
	ts         []types.Type
	ordinality bool
}

// Eval appends the entries of each row's collection.
func (k *unnester) Eval(n int, sel []int32, args []batch.Vector, out *batch.Batch, origin []int32) ([]int32, error) {
	v := &args[0]
	functions.Each(n, sel, func(i int) {
		if v.Null(i) {
			return
		}
		s := v.Str[i]
		nth := int64(0)
		for e := s.Off(); e < s.Off()+s.Len(); e++ {
			times := int64(1)
			if k.t.Kind == types.Multiset {
				times = v.Kids[1].I64[e]
			}
			for ; times > 0; times-- {
				nth++
				if k.rows && v.Kids[0].Null(e) {
					continue
				}
				k.entry(v, e, nth, out)
				origin = append(origin, int32(i))
			}
		}
	})
	return origin, nil
}

func (k *unnester) entry(v *batch.Vector, e int, nth int64, out *batch.Batch) {
	from := v.Kids
	if k.rows {
		from = v.Kids[0].Kids
	}
	for c, t := range k.ts {
		out.Cols[c].Append(t, out.Len, &from[c], e)
	}
	if k.ordinality {
		out.Cols[len(k.ts)].I64 = append(out.Cols[len(k.ts)].I64[:out.Len], nth)
	}
	out.AppendKind(batch.Insert)
}
