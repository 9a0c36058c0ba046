package agg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// listAgg is LISTAGG: texts joined by a separator, in arrival order.
var listAgg = &functions.Aggregate{
	Name: "LISTAGG", Doc: functions.Doc{Group: "aggregate", Usage: "LISTAGG([DISTINCT] x [, separator])", Text: "The texts joined, NULLs left out; the separator is ',' unless given."},
	Retract: true, Merge: true, Constant: func(arg int) bool { return arg == 1 },
	Sigs: []functions.Sig{{Params: []functions.Param{functions.StringParam, functions.StringParam.Opt()}, Result: func(args []functions.Arg) (types.Type, error) {
		return types.StringType.WithNull(!args[0].Type.NotNull), nil
	}}},
	Check: func(c functions.Call) error {
		if len(c.Args) > 1 && c.Args[1].Const == nil {
			return sqlerr.New(sqlerr.Type, c.Args[1].At, "Argument to function 'LISTAGG' must be a literal")
		}
		return nil
	},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		sep := []byte{','}
		if len(c.Args) > 1 {
			sep = append([]byte(nil), c.Args[1].Const.Bytes(0)...)
		}
		if c.Retract {
			return accumulator{&listed{sep: sep}, &listed{sep: sep}}, nil
		}
		return accumulator{&joined{cell: cell{t: types.StringType}, sep: sep}, &joined{cell: cell{t: types.StringType}, sep: sep}}, nil
	},
}

// joined keeps the text so far: for rows that stay.
type joined struct {
	cell
	sep  []byte
	v    *batch.Vector
	text []byte
}

func (k *joined) parts() []functions.Part { return []functions.Part{fixed(k.t)} }
func (k *joined) bind(c functions.Cells, args []batch.Vector) {
	if k.open(c, 0); len(args) > 0 {
		k.v = &args[0]
	}
}
func (k *joined) reset(id uint32) { k.clear(id) }
func (k *joined) append(id uint32, b []byte) {
	k.text = k.text[:0]
	if k.has(id) {
		k.text = append(append(k.text, k.c.Bytes(0, id)...), k.sep...)
	}
	k.text = append(k.text, b...)
	k.valid.Set(id, true)
	k.c.SetBytes(0, id, k.text)
}
func (k *joined) add(id uint32, row int, _ int64) {
	if !k.v.Null(row) {
		k.append(id, k.v.Bytes(row))
	}
}
func (k *joined) merge(id uint32, other kernel, from uint32) {
	if o := other.(*joined); o.has(from) {
		k.append(id, o.c.Bytes(0, from))
	}
}
func (k *joined) result(id uint32, out *batch.Vector, i int) { k.to(id, out, i) }

// listed keeps the texts: for rows that may be taken back.
type listed struct {
	sep  []byte
	list functions.List
	args []batch.Vector
}

func (k *listed) parts() []functions.Part {
	return []functions.Part{{Kind: functions.ListPart, Types: []types.Type{types.StringType}}}
}
func (k *listed) bind(c functions.Cells, args []batch.Vector) { k.list, k.args = c.List(0), args }
func (k *listed) reset(id uint32)                             { k.list.Clear(id) }
func (k *listed) add(id uint32, row int, sign int64) {
	switch {
	case k.args[0].Null(row):
	case sign > 0:
		k.list.Add(id, k.args[:1], row)
	default:
		k.list.Remove(id, k.args[:1], row)
	}
}
func (k *listed) merge(id uint32, other kernel, from uint32) {
	other.(*listed).list.Each(from, func(v []batch.Vector, row int) bool { k.list.Add(id, v, row); return true })
}
func (k *listed) result(id uint32, out *batch.Vector, i int) {
	if k.list.Len(id) == 0 {
		out.SetNull(i)
		return
	}
	off := len(out.Buf)
	n := 0
	k.list.Each(id, func(v []batch.Vector, row int) bool {
		if n > 0 {
			out.Buf = append(out.Buf, k.sep...)
		}
		out.Buf = append(out.Buf, v[0].Bytes(row)...)
		n++
		return true
	})
	out.EndBytes(i, off)
}
