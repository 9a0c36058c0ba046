package sort

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// final is batch mode: all rows, sorted once. What is compared is each row's sort
// key, bytes whose order is that of the rows.
type final struct {
	operators.Stateless
	spec *Spec
	env  *operators.Env
	ts   []types.Type
	rows batch.Batch
	keys []byte
	ends []int // of each row's key in keys
	out  batch.Batch
}

// Open prepares the rows.
func (o *final) Open(env *operators.Env, out operators.Output) error {
	o.env, o.Out, o.ts = env, out, o.spec.In.Types()
	o.rows.Reset(o.ts)
	o.out.Cols = make([]batch.Vector, len(o.ts))
	return nil
}

// Process keeps the rows.
func (o *final) Process(_ int, b *batch.Batch) error {
	before := len(o.keys)
	for i := range b.Len {
		o.rows.AppendRow(o.ts, batch.Insert, b, i)
		o.keys = batch.AppendSortKey(o.keys, o.ts, o.spec.By, b.Cols, i)
		o.ends = append(o.ends, len(o.keys))
	}
	return o.env.Memory.Grow(int64(len(o.keys)-before) + int64(b.Len)*int64(len(o.ts))*16)
}

func (o *final) key(i int32) []byte {
	from := 0
	if i > 0 {
		from = o.ends[i-1]
	}
	return o.keys[from:o.ends[i]]
}

// End sorts and sends.
func (o *final) End(int) error {
	order := make([]int32, o.rows.Len)
	for i := range order {
		order[i] = int32(i)
	}
	sort.SliceStable(order, func(i, j int) bool { return string(o.key(order[i])) < string(o.key(order[j])) })
	order = order[min(o.spec.Offset, int64(len(order))):]
	for len(order) > 0 {
		n := min(len(order), batch.MaxRows)
		for c, t := range o.ts {
			o.out.Cols[c].Take(t, &o.rows.Cols[c], order[:n])
		}
		o.out.Len = n
		if err := o.Out.Emit(&o.out); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}
