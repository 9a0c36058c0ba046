package arena_test

import (
	"bytes"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/types"
)

// updates is a table of n keys and batches that touch them in a random order.
type updates struct {
	table  state.Table
	store  state.Store
	n      int
	next   uint64
	keys   batch.Vector
	hashes []uint64
	ids    []uint32
	fresh  []bool
}

func newUpdates(t types.Type, n int) *updates {
	u := &updates{store: arena.New(state.Options{}), n: n, hashes: make([]uint64, batch.MaxRows), ids: make([]uint32, batch.MaxRows), fresh: make([]bool, batch.MaxRows)}
	i64 := state.Column{Type: types.BigIntType.NotNullable()}
	u.table, _ = u.store.Open(state.Identity{}).Table(state.Spec{Name: "t", Key: []state.Column{{Type: t}}, Row: []state.Column{i64, i64, i64, i64}})
	return u
}

func (u *updates) key(t types.Type, i int, x uint64) {
	if t.Layout() == types.LayoutI64 {
		u.keys.I64[i] = int64(x)
		return
	}
	off := len(u.keys.Buf)
	u.keys.Buf = strconv.AppendUint(append(u.keys.Buf, "customer-"...), x, 10)
	u.keys.EndBytes(i, off)
}

// batch upserts a batch and updates a count, a sum, a least and a greatest.
func (u *updates) batch(t types.Type, fill bool) {
	u.keys.Prepare(t, batch.MaxRows)
	for i := range u.ids {
		x := u.next
		if u.next++; !fill {
			x = x * 0x9e3779b97f4a7c15 >> 20 % uint64(u.n)
		}
		u.key(t, i, x)
	}
	u.apply(t)
}

func (u *updates) apply(t types.Type) {
	keys := [1]batch.Vector{u.keys}
	batch.Hash([]types.Type{t}, keys[:], batch.MaxRows, u.hashes)
	u.table.Upsert(keys[:], u.hashes, u.ids, u.fresh)
	u.table.Touch(u.ids)
	count, sum, least, most := u.table.I64(0), u.table.I64(1), u.table.I64(2), u.table.I64(3)
	for i, id := range u.ids {
		x := int64(i)
		*count.At(id)++
		*sum.At(id) += x
		*least.At(id) = min(*least.At(id), x)
		*most.At(id) = max(*most.At(id), x)
	}
	u.store.Release()
}

// cpu is the process's CPU time so far: other processes disturb it less than the
// clock.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkUpdate is the cost of a row: hash, Upsert, and four cells. The keys are made
// before, a million at the least.
func BenchmarkUpdate(b *testing.B) {
	str := types.StringType.NotNullable()
	for _, c := range []struct {
		name   string
		t      types.Type
		n      int
		budget float64
	}{
		{"int64/10k", types.BigIntType.NotNullable(), 10_000, 20}, {"int64/1M", types.BigIntType.NotNullable(), 1_000_000, 70},
		{"int64/10M", types.BigIntType.NotNullable(), 10_000_000, 130}, {"string/1M", str, 1_000_000, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			u := newUpdates(c.t, c.n)
			defer u.store.Close()
			for u.next < uint64(c.n) {
				u.batch(c.t, true)
			}
			made := make([]batch.Vector, max(1<<20, c.n)/batch.MaxRows)
			for i := range made {
				u.keys = batch.Vector{}
				u.batch(c.t, false)
				made[i] = u.keys
			}
			b.ReportAllocs()
			before, at := cpu(), 0
			for b.Loop() {
				u.keys = made[at%len(made)]
				u.apply(c.t)
				at++
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/batch.MaxRows, "cpu-ns/row")
			b.ReportMetric(c.budget, "budget")
			b.ReportMetric(float64(u.store.Usage()[0].Bytes)/float64(c.n), "bytes/key")
		})
	}
}

// BenchmarkCheckpoint is the cost per row of writing and of reading a full one.
func BenchmarkCheckpoint(b *testing.B) {
	t, n := types.BigIntType.NotNullable(), 1_000_000
	u := newUpdates(t, n)
	for u.next < uint64(n) {
		u.batch(t, true)
	}
	var blocks []state.Block
	b.Run("save", func(b *testing.B) {
		before := cpu()
		for b.Loop() {
			blocks = blocks[:0]
			p, _ := u.store.Freeze(1)
			_ = p.Save(false, func(x state.Block) error { x.Data = bytes.Clone(x.Data); blocks = append(blocks, x); return nil })
			p.Release()
			u.store.Abort(1)
		}
		b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/row")
		b.ReportMetric(60, "budget")
	})
	b.Run("restore", func(b *testing.B) {
		i64, before := state.Column{Type: t}, cpu()
		for b.Loop() {
			s := arena.New(state.Options{})
			_ = s.Restore(func(f func(state.Block) error) error {
				for _, x := range blocks {
					if err := f(x); err != nil {
						return err
					}
				}
				return nil
			})
			if _, err := s.Open(state.Identity{}).Table(state.Spec{Name: "t", Key: []state.Column{i64}, Row: []state.Column{i64, i64, i64, i64}}); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
		b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/row")
		b.ReportMetric(100, "budget")
	})
}

// TestNoAllocations: updating known keys allocates nothing.
func TestNoAllocations(t *testing.T) {
	for _, key := range []types.Type{types.BigIntType.NotNullable(), types.StringType.NotNullable()} {
		u := newUpdates(key, 5000)
		for u.next < 6000 {
			u.batch(key, true)
		}
		if n := testing.AllocsPerRun(50, func() { u.apply(key) }); n > 2 { // the test's own slices
			t.Errorf("%v: %v allocations for a batch of known keys", key, n)
		}
	}
}
