package sort

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// timed keeps rows sorted until their time has come.
type timed struct {
	operators.Stateless
	spec  *Spec
	env   *operators.Env
	table state.Table // one row: the last time sent, and the rows that wait
	id    [1]uint32
	ts    []types.Type
	all   []int
	list  []state.Entry
	out   batch.Batch
	probe [1]batch.Vector
	// by processing time alone the rows are in order
	atOnce bool
	late   *operators.Late
	wm     int64 // the last watermark
}

// Open opens the one row.
func (o *timed) Open(env *operators.Env, out operators.Output) error {
	o.env, o.Out, o.ts = env, out, o.spec.In.Types()
	o.late, o.wm = env.Late(o.spec.In), env.Heard
	o.atOnce = o.spec.Order == Proctime && len(o.spec.By) == 1
	var row []state.Column
	for c, t := range o.ts {
		o.all = append(o.all, c)
		row = append(row, state.Column{Type: t, Meaning: o.spec.In.Fields[c].Name})
	}
	o.list = make([]state.Entry, batch.MaxRows)
	o.out.Cols = make([]batch.Vector, len(o.ts))
	var err error
	o.table, err = env.State.Table(state.Spec{Name: "sorted", Row: []state.Column{{Type: types.BigIntType, Meaning: "last time"}},
		Sorted: []state.SortedSpec{{Row: row, By: o.spec.By}}})
	return err
}

// find is the one row.
func (o *timed) find() {
	var hash [1]uint64
	var fresh [1]bool
	o.table.Upsert(nil, hash[:], o.id[:], fresh[:])
	if fresh[0] {
		o.table.Touch(o.id[:])
		*o.table.I64(0).At(o.id[0]) = operators.MinWatermark
	}
}

// Process sorts rows in. A row is late when one of its time has been sent.
func (o *timed) Process(_ int, b *batch.Batch) error {
	if o.atOnce {
		return o.Out.Emit(b)
	}
	o.find()
	last, rows := *o.table.I64(0).At(o.id[0]), o.table.Sorted(0)
	col := &b.Cols[o.spec.By[0].Col]
	for i := range b.Len {
		switch {
		case col.Null(i):
			o.env.Metrics.Dropped.Add(1)
		case o.spec.Order == Rowtime && millis(col.I64[i]) <= last:
			at := millis(col.I64[i])
			o.late.Drop(b, i, at, at, max(o.wm, last))
		default:
			rows.Insert(o.id[0], b, i)
		}
	}
	return nil
}

// Watermark sends the rows it passes.
func (o *timed) Watermark(ms int64) (int64, error) {
	if o.spec.Order != Rowtime {
		return ms, nil
	}
	o.wm = ms
	return ms, o.send(ms)
}

// Tick sends the rows of past milliseconds.
func (o *timed) Tick(now time.Time) (int64, time.Time, error) {
	if o.spec.Order != Proctime || o.atOnce {
		return operators.MinWatermark, time.Time{}, nil
	}
	return operators.MinWatermark, time.Time{}, o.send(now.UnixMilli() - 1)
}

// End sends the rest.
func (o *timed) End(int) error {
	if o.atOnce {
		return nil
	}
	return o.send(operators.MaxWatermark)
}

// send emits the rows up to a time.
func (o *timed) send(ms int64) error {
	o.find()
	rows := o.table.Sorted(0)
	n := rows.Count(o.id[0])
	if ms != operators.MaxWatermark {
		n = o.upTo(ms, n)
	}
	for at := 0; at < n; {
		k := rows.Range(o.id[0], at, o.list[:min(len(o.list), n-at)])
		rows.Gather(o.list[:k], o.all, o.out.Cols)
		o.out.Len = k
		if err := o.Out.Emit(&o.out); err != nil {
			return err
		}
		at += k
	}
	if n == 0 {
		return nil
	}
	o.table.Touch(o.id[:])
	*o.table.I64(0).At(o.id[0]) = millis(o.out.Cols[o.spec.By[0].Col].I64[o.out.Len-1])
	rows.RemoveRange(o.id[0], 0, n)
	return nil
}

// upTo is the number of rows whose time isn't after ms: found by halving, since a
// probe's further columns would count.
func (o *timed) upTo(ms int64, n int) int {
	rows := o.table.Sorted(0)
	time := []int{o.spec.By[0].Col}
	lo, hi := 0, n
	for lo < hi {
		mid := (lo + hi) / 2
		rows.Range(o.id[0], mid, o.list[:1])
		rows.Gather(o.list[:1], time, o.probe[:])
		if millis(o.probe[0].I64[0]) <= ms {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func millis(micros int64) int64 {
	q := micros / 1000
	if micros%1000 < 0 {
		q--
	}
	return q
}
