package agg

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/json"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// The JSON aggregates take values that are JSON text already: the binder wraps the
// argument in JSON_STRING. Their last argument is the keyword of ON NULL.

var jsonResult = types.VarCharType(2000).NotNullable()

func jsonAggregate(name, usage, about string, args int, make func(absent bool) kernel) *functions.Aggregate {
	return &functions.Aggregate{
		Name: name, Doc: functions.Doc{Group: "aggregate", Usage: usage, Text: about}, Retract: true, Merge: true, Total: true,
		Constant: func(arg int) bool { return arg == args },
		Sigs: []functions.Sig{{Infer: func(in []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
			if len(in) != args+1 {
				return nil, t, false, nil
			}
			for i, a := range in {
				if i < args && !a.Type.IsString() && a.Type.Kind != types.Null {
					return nil, t, false, nil
				}
				if as = append(as, a.Type); i < args {
					as[i] = types.StringType.WithNull(!a.Type.NotNull)
				}
			}
			return as, jsonResult, true, nil
		}}},
		Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
			if c.Distinct {
				return nil, sqlerr.New(sqlerr.Invalid, c.At, "%s takes no DISTINCT", name)
			}
			absent := symbol(c.Args[args]) == "ABSENT"
			return accumulator{make(absent), make(absent)}, nil
		},
	}
}

var (
	jsonObject = jsonAggregate("JSON_OBJECTAGG", "JSON_OBJECTAGG([KEY] key VALUE value [NULL | ABSENT ON NULL])",
		"A JSON object of the rows' keys and values; a key twice fails.", 2,
		func(absent bool) kernel { return &object{absent: absent} })
	jsonArray = jsonAggregate("JSON_ARRAYAGG", "JSON_ARRAYAGG(value [NULL | ABSENT ON NULL])", "A JSON array of the rows' values.", 1,
		func(absent bool) kernel { return &elements{absent: absent} })
)

// object keeps pairs, ordered by key; a key may occur once.
type object struct {
	absent bool
	pairs  functions.Multiset
	keys   functions.Multiset
	args   []batch.Vector
	err    error
}

func (k *object) failure() error { return k.err }
func (k *object) parts() []functions.Part {
	return []functions.Part{{Kind: functions.MultisetPart, Types: []types.Type{types.StringType, types.StringType}},
		{Kind: functions.MultisetPart, Types: []types.Type{types.StringType}}}
}
func (k *object) bind(c functions.Cells, args []batch.Vector) {
	k.pairs, k.keys, k.args = c.Multiset(0), c.Multiset(1), args
}
func (k *object) reset(id uint32) {
	k.pairs.Clear(id)
	k.keys.Clear(id)
}
func (k *object) put(id uint32, pair []batch.Vector, row int, sign int64) {
	switch {
	case pair[0].Null(row):
		k.err = fmt.Errorf("a key of JSON_OBJECTAGG is NULL")
	case k.keys.Add(id, pair[:1], row, sign) > 1:
		k.err = fmt.Errorf("Key '%s' is already present. Duplicate keys are not allowed in JSON_OBJECTAGG. Please ensure that keys are unique.", pair[0].Bytes(row))
	default:
		k.pairs.Add(id, pair, row, sign)
	}
}
func (k *object) add(id uint32, row int, sign int64) { k.put(id, k.args[:2], row, sign) }
func (k *object) merge(id uint32, other kernel, from uint32) {
	other.(*object).pairs.Each(from, func(v []batch.Vector, n int64) bool { k.put(id, v, 0, n); return true })
}
func (k *object) result(id uint32, out *batch.Vector, i int) {
	off := len(out.Buf)
	out.Buf = append(out.Buf, '{')
	k.pairs.Each(id, func(v []batch.Vector, n int64) bool {
		if n <= 0 || k.absent && v[1].Null(0) {
			return true
		}
		if len(out.Buf) > off+1 {
			out.Buf = append(out.Buf, ',')
		}
		out.Buf = append(json.AppendQuoted(out.Buf, v[0].Bytes(0)), ':')
		out.Buf = appendJSON(out.Buf, &v[1], 0)
		return true
	})
	out.Buf = append(out.Buf, '}')
	out.EndBytes(i, off)
}

func appendJSON(b []byte, v *batch.Vector, row int) []byte {
	if v.Null(row) {
		return append(b, "null"...)
	}
	return append(b, v.Bytes(row)...)
}

// elements keeps values in arrival order.
type elements struct {
	absent bool
	list   functions.List
	args   []batch.Vector
}

func (k *elements) parts() []functions.Part {
	return []functions.Part{{Kind: functions.ListPart, Types: []types.Type{types.StringType}}}
}
func (k *elements) bind(c functions.Cells, args []batch.Vector) { k.list, k.args = c.List(0), args }
func (k *elements) reset(id uint32)                             { k.list.Clear(id) }
func (k *elements) add(id uint32, row int, sign int64) {
	switch {
	case k.absent && k.args[0].Null(row):
	case sign > 0:
		k.list.Add(id, k.args[:1], row)
	default:
		k.list.Remove(id, k.args[:1], row)
	}
}
func (k *elements) merge(id uint32, other kernel, from uint32) {
	other.(*elements).list.Each(from, func(v []batch.Vector, row int) bool { k.list.Add(id, v, row); return true })
}
func (k *elements) result(id uint32, out *batch.Vector, i int) {
	off := len(out.Buf)
	out.Buf = append(out.Buf, '[')
	k.list.Each(id, func(v []batch.Vector, row int) bool {
		if len(out.Buf) > off+1 {
			out.Buf = append(out.Buf, ',')
		}
		out.Buf = appendJSON(out.Buf, &v[0], row)
		return true
	})
	out.Buf = append(out.Buf, ']')
	out.EndBytes(i, off)
}
