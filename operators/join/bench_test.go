package join_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

func benchSpec(kind join.Kind, one ...bool) *join.Spec {
	in := optest.LoadSchema
	return &join.Spec{One: [2]bool(one), Left: in, Right: in, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{false}, Kind: kind, Session: optest.Session(),
		Out: types.NewSchema(append(append([]types.Field(nil), in.Fields...), in.Fields...)...)}
}

// BenchmarkJoin is ns per row of either input. "once": the right side has one row a
// key, the left side's rows come and meet it. "update": the left side, of one row a
// key, changes: -U and +U, the right side has one row a key. "hot": a thousand
// rows of the left side share a key, told apart by the other columns, and change. "one":
// the sides of one row a key are known to be.
// Budget of an inner join with both sides kept: 90 ns a row.
func BenchmarkJoin(b *testing.B) {
	for _, kind := range []join.Kind{join.Inner, join.Left} {
		for _, keys := range optest.Sizes {
			for _, one := range []bool{false, true} {
				name := fmt.Sprintf("/%dk", keys/1000)
				if one {
					name += "/one"
				}
				b.Run(kind.String()+"/once"+name, func(b *testing.B) { once(b, benchSpec(kind, false, one), keys) })
				b.Run(kind.String()+"/update"+name, func(b *testing.B) { update(b, benchSpec(kind, one, one), keys, 1) })
			}
		}
		b.Run(kind.String()+"/hot/1000k", func(b *testing.B) { update(b, benchSpec(kind, false, false), 1_000_000, 1000) })
	}
}

func once(b *testing.B, spec *join.Spec, keys int) {
	in := batch.Changes{Kinds: batch.InsertOnly}
	d := optest.New(b, spec, optest.Session(), in, in).Discard()
	rows := newRows(keys)
	for n := 0; n < keys; n += batch.MaxRows {
		d.Process(1, rows.all(n, nil))
	}
	bytes := d.Bytes()
	defer func() { b.ReportMetric(float64(bytes)/float64(keys), "B/key") }()
	defer optest.CPU(b)()
	for n := 0; n < b.N; n += batch.MaxRows {
		d.Process(0, rows.random())
	}
}

func update(b *testing.B, spec *join.Spec, keys, perKey int) {
	in := batch.Changes{Kinds: batch.InsertOnly | batch.UpdateBefore.Set() | batch.UpdateAfter.Set() | batch.Delete.Set()}
	d := optest.New(b, spec, optest.Session(), in, in).Discard()
	rows := newRows(keys)
	rows.perKey = perKey
	for n := 0; n < keys; n += batch.MaxRows {
		d.Process(0, rows.all(n, nil))
	}
	for n := 0; n < keys/perKey; n += batch.MaxRows {
		rows.perKey = 1
		d.Process(1, rows.all(n, nil))
		rows.perKey = perKey
	}
	bytes := d.Bytes()
	defer func() { b.ReportMetric(float64(bytes)/float64(keys), "B/key") }()
	defer optest.CPU(b)()
	for n := 0; n < b.N; n += batch.MaxRows {
		d.Process(0, rows.changes())
	}
}

// rows makes batches: row number n has n in its time, n / perKey as its key.
type rows struct {
	b      batch.Batch
	keys   int
	perKey int
	at     uint64
	values []int32
}

func newRows(keys int) *rows {
	r := &rows{keys: keys, perKey: 1, values: make([]int32, keys)}
	r.b.Cols = make([]batch.Vector, 3)
	return r
}

func (r *rows) set(i, n int, v int64) {
	r.b.Cols[0].I64[i], r.b.Cols[1].I64[i], r.b.Cols[2].I64[i] = int64(n)*1000, int64(n/r.perKey), v
}

func (r *rows) prepare(n int, kinds []batch.Kind) *batch.Batch {
	for c, t := range optest.LoadSchema.Types() {
		r.b.Cols[c].Prepare(t, n)
	}
	r.b.Len, r.b.Kinds = n, kinds
	return &r.b
}

func (r *rows) all(from int, kinds []batch.Kind) *batch.Batch {
	b := r.prepare(min(batch.MaxRows, r.keys-from), kinds)
	for i := range b.Len {
		r.set(i, from+i, 0)
	}
	return b
}

func (r *rows) next() int {
	r.at++
	return int(r.at * 0x9e3779b97f4a7c15 >> 20 % uint64(r.keys))
}

func (r *rows) random() *batch.Batch {
	b := r.prepare(batch.MaxRows, nil)
	for i := range b.Len {
		r.set(i, r.next(), int64(i))
	}
	return b
}

// changes are pairs of -U and +U.
func (r *rows) changes() *batch.Batch {
	kinds := make([]batch.Kind, batch.MaxRows)
	b := r.prepare(batch.MaxRows, kinds)
	for i := 0; i < b.Len; i += 2 {
		n := r.next()
		r.set(i, n, int64(r.values[n]))
		r.values[n]++
		r.set(i+1, n, int64(r.values[n]))
		kinds[i], kinds[i+1] = batch.UpdateBefore, batch.UpdateAfter
	}
	return b
}
