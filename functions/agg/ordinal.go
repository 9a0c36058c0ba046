package agg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// ordinal is FIRST_VALUE and LAST_VALUE: the first or last value that isn't NULL,
// by arrival. Over rows that may be taken back it keeps them all; taking back
// removes the oldest equal one.
func ordinal(name string, first bool) *functions.Aggregate {
	return &functions.Aggregate{
		Name: name, Doc: functions.Doc{Group: "aggregate", Usage: name + "(x)", Text: "The value that arrived first or last, NULLs left out."}, Retract: true, Merge: true,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: func(args []functions.Arg) (types.Type, error) { return args[0].Type.Plain(), nil }}},
		Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
			k := func() *edge { return &edge{cell: cell{t: c.Args[0].Type}, first: first, keep: c.Retract} }
			return accumulator{k(), k()}, nil
		},
	}
}

// edge is the value at one end of a group.
type edge struct {
	cell
	first bool
	keep  bool // all values are in list
	list  functions.List
	args  []batch.Vector
}

func (k *edge) parts() []functions.Part {
	p := []functions.Part{fixed(k.t)}
	if k.keep {
		p = append(p, functions.Part{Kind: functions.ListPart, Types: []types.Type{k.t}})
	}
	return p
}

func (k *edge) bind(c functions.Cells, args []batch.Vector) {
	k.open(c, 0)
	k.args = args
	if k.keep {
		k.list = c.List(1)
	}
}

func (k *edge) reset(id uint32) {
	if k.clear(id); k.keep {
		k.list.Clear(id)
	}
}

func (k *edge) add(id uint32, row int, sign int64) {
	v := &k.args[0]
	switch {
	case v.Null(row):
	case sign > 0:
		if k.keep {
			k.list.Add(id, k.args[:1], row)
		}
		if !k.first || !k.has(id) {
			k.store(id, v, row)
		}
	case k.list.Remove(id, k.args[:1], row) && k.has(id) && batch.Equal(k.t, v, row, k.load(id), 0):
		k.find(id)
	}
}

// find looks the value up in the list again.
func (k *edge) find(id uint32) {
	k.clear(id)
	k.list.Each(id, func(values []batch.Vector, row int) bool {
		k.store(id, &values[0], row)
		return !k.first
	})
}

func (k *edge) merge(id uint32, other kernel, from uint32) {
	o := other.(*edge)
	if !o.has(from) {
		return
	}
	if k.keep {
		o.list.Each(from, func(values []batch.Vector, row int) bool { k.list.Add(id, values, row); return true })
	}
	if !k.first || !k.has(id) {
		k.store(id, o.load(from), 0)
	}
}

func (k *edge) result(id uint32, out *batch.Vector, i int) { k.to(id, out, i) }
