package overagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// rank is a ranking function over rows that pass in order. Its state: the number
// of rows, the time of the last, and the rank and dense rank of its time; for LAG
// the values of the last rows.
type rank struct {
	call int
	name string
	cell int // the first of its cells
	list int // of LAG: index of its list
	back int64
	one  batch.Batch
	got  [1]batch.Vector
	vs   [1]types.Type
	at   [1]int32
	e    [1]state.Entry
}

// The cells of a rank.
const (
	rowsCell = iota
	timeCell
	rankCell
	denseCell
	rankCells
)

// openRanks lays out the ranks' state behind the aggregates'.
func (o *calls) openRanks() {
	for i, c := range o.spec.Calls {
		if c.Rank == "" {
			continue
		}
		r := rank{call: i, name: c.Rank, cell: len(o.layout.Row), list: len(o.layout.Lists)}
		if c.Rank == "LAG" {
			r.back = distance(c)
			r.vs[0] = o.inTs[c.Args[0]]
			o.layout.Lists = append(o.layout.Lists, state.ListSpec{Row: []state.Column{{Type: r.vs[0], Meaning: "lag"}}})
			r.one.Reset(r.vs[:])
		} else {
			for range rankCells {
				o.layout.Row = append(o.layout.Row, state.Column{Type: types.BigIntType, Meaning: c.Rank})
			}
		}
		o.ranks = append(o.ranks, r)
	}
}

// distance is how far LAG and LEAD look.
func distance(c Call) int64 {
	if len(c.Consts) > 1 && c.Consts[1].Const != nil {
		return c.Consts[1].Const.I64[0]
	}
	return 1
}

// rankAll computes the ranks of rows 0..n-1, in order; rows of one time are equal,
// none are without times.
func (o *calls) rankAll(t state.Table, cols []batch.Vector, n int, ids []uint32, time []int64) {
	for i := range o.ranks {
		r := &o.ranks[i]
		out := &o.after[r.call]
		out.Prepare(o.outTs[len(o.inTs)+r.call], n)
		if r.name == "LAG" {
			r.lag(t.List(r.list), cols, o.spec.Calls[r.call], ids[:n], out)
			continue
		}
		t.Touch(ids[:n])
		rows, last, place, dense := t.I64(r.cell+rowsCell), t.I64(r.cell+timeCell), t.I64(r.cell+rankCell), t.I64(r.cell+denseCell)
		for i, id := range ids[:n] {
			*rows.At(id)++
			if *rows.At(id) == 1 || time == nil || *last.At(id) != time[i] {
				*place.At(id) = *rows.At(id)
				*dense.At(id)++
				if time != nil {
					*last.At(id) = time[i]
				}
			}
			switch r.name {
			case "RANK":
				out.I64[i] = *place.At(id)
			case "DENSE_RANK":
				out.I64[i] = *dense.At(id)
			default:
				out.I64[i] = *rows.At(id)
			}
		}
	}
}

// lag keeps the last values of each partition: the oldest is the answer once there
// are enough.
func (r *rank) lag(list state.List, cols []batch.Vector, call Call, ids []uint32, out *batch.Vector) {
	value := &cols[call.Args[0]]
	for i := range ids {
		id := ids[i : i+1]
		if r.back == 0 {
			out.Set(r.vs[0], i, value, i)
			continue
		}
		full := int64(list.Count(id[0])) >= r.back
		switch {
		case full:
			var at state.Cursor
			list.Match(id, &at, r.at[:], r.e[:])
			list.Gather(r.e[:], []int{0}, r.got[:])
			out.Set(r.vs[0], i, &r.got[0], 0)
			list.Remove(id[0], r.e[0])
		case len(call.Args) > 2:
			out.Set(r.vs[0], i, &cols[call.Args[2]], i)
		default:
			out.SetNull(i)
		}
		r.one.Reset(r.vs[:])
		r.one.Cols[0].Append(r.vs[0], 0, value, i)
		r.one.AppendKind(batch.Insert)
		list.Append(id, &r.one, r.e[:])
	}
}
