package optest

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// LoadSchema is that of Load's rows: a time, a key of 64 bits, a value.
var LoadSchema = types.NewSchema(types.Field{Name: "ts", Type: types.TimestampType(3)}, types.Field{Name: "k", Type: types.BigIntType}, types.Field{Name: "v", Type: types.BigIntType})

// Load is full batches for a benchmark: times in order, perMs rows to the
// millisecond, keys spread over so many.
func Load(batches, keys, perMs int) []*batch.Batch {
	out := make([]*batch.Batch, batches)
	n := 0
	for i := range out {
		b := &batch.Batch{Len: batch.MaxRows, Cols: make([]batch.Vector, 3)}
		for c, t := range LoadSchema.Types() {
			b.Cols[c].Prepare(t, batch.MaxRows)
		}
		for k := range batch.MaxRows {
			b.Cols[0].I64[k] = int64(n/perMs) * 1000
			b.Cols[1].I64[k] = int64(uint64(n) * 0x9e3779b97f4a7c15 >> 20 % uint64(keys))
			b.Cols[2].I64[k] = int64(n % 1000)
			n++
		}
		out[i] = b
	}
	return out
}

// CPU resets b's timer and returns what is to be called at the end: it reports the
// process's CPU time per row, which other work on the machine changes less than the
// wall clock.
func CPU(b *testing.B) (report func()) {
	b.ReportAllocs()
	b.ResetTimer()
	from := cpuNs()
	return func() { b.ReportMetric(float64(cpuNs()-from)/float64(b.N), "cpu-ns/row") }
}

// Sizes are the numbers of keys that benchmarks of state run with: those of BENCH_KEYS,
// separated by blanks.
var Sizes = sizes(os.Getenv("BENCH_KEYS"))

func sizes(env string) (out []int) {
	for _, text := range strings.Fields(env) {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			panic("BENCH_KEYS is to be numbers of keys, such as 10000000")
		}
		out = append(out, n)
	}
	if out == nil {
		return []int{10_000, 1_000_000}
	}
	return out
}

// LoadOf is Load with batches enough that all keys occur.
func LoadOf(keys, perMs int) []*batch.Batch { return Load(keys/batch.MaxRows+64, keys, perMs) }

// LoadChanges is a load in which every other row takes back one that came as long ago
// as all of it takes, so that as many rows live throughout: perKey of each key, about.
func LoadChanges(keys, perKey, perMs int) []*batch.Batch {
	rows := LoadOf(keys*perKey, perMs)
	ts := LoadSchema.Types()
	span := rows[len(rows)-1].Cols[0].I64[batch.MaxRows-1] + 1000
	var out []*batch.Batch
	for _, b := range rows {
		for k := range b.Cols[1].I64 {
			b.Cols[1].I64[k] %= int64(keys)
		}
		for from := 0; from < batch.MaxRows; from += batch.MaxRows / 2 {
			c := &batch.Batch{Len: batch.MaxRows, Cols: make([]batch.Vector, 3), Kinds: make([]batch.Kind, batch.MaxRows)}
			for col, t := range ts {
				c.Cols[col].Prepare(t, batch.MaxRows)
				for k := range batch.MaxRows {
					c.Cols[col].I64[k] = b.Cols[col].I64[from+k/2]
				}
			}
			for k := 1; k < batch.MaxRows; k += 2 {
				c.Kinds[k] = batch.Delete
				c.Cols[0].I64[k] -= span
			}
			out = append(out, c)
		}
	}
	return out
}

// Bench runs the batches through an operator, over and over with times that go on,
// a watermark after each, and reports nanoseconds, CPU time and allocations per row.
// The first time through isn't measured.
func Bench(b *testing.B, d *Driver, load []*batch.Batch) { b.Helper(); BenchOf(b, d, 1, load) }

// BenchOf is Bench of an operator whose inputs take turns.
func BenchOf(b *testing.B, d *Driver, inputs int, load []*batch.Batch) {
	span := load[len(load)-1].Cols[0].I64[batch.MaxRows-1] + 1000
	d.Discard()
	step := func(i int) {
		d.Process(i%inputs, load[i])
		d.Watermark(load[i].Cols[0].I64[batch.MaxRows-1]/1000 - 1)
		for k := range load[i].Cols[0].I64 {
			load[i].Cols[0].I64[k] += span
		}
	}
	for i := range load {
		step(i)
	}
	load = load[:len(load)/inputs*inputs]
	sent := d.out.rows
	report := CPU(b)
	for n := 0; n < b.N; n += batch.MaxRows {
		step(n / batch.MaxRows % len(load))
	}
	report()
	b.ReportMetric(float64(d.out.rows-sent)/float64(b.N), "sent/row")
}

// Allocations is the number of allocations per row of a driver that has run warm
// over the load.
func Allocations(d *Driver, load []*batch.Batch) float64 {
	span := load[len(load)-1].Cols[0].I64[batch.MaxRows-1] + 1000
	d.Discard()
	n := 0
	step := func() {
		b := load[n%len(load)]
		n++
		d.Process(0, b)
		d.Watermark(b.Cols[0].I64[batch.MaxRows-1]/1000 - 1)
		for k := range b.Cols[0].I64 {
			b.Cols[0].I64[k] += span
		}
	}
	for range 4 * len(load) {
		step()
	}
	return testing.AllocsPerRun(2*len(load), step) / batch.MaxRows
}
