package optest

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
)

// BenchmarkFloor is what operators' work costs at the least: the same rows as in their
// benchmarks go through one loop over a hash table of integers and arrays, which
// knows nothing of NULLs, late rows, time to live, checkpoints or other types, and
// writes what it sends into columns. Figures of operators are held beside it.
func BenchmarkFloor(b *testing.B) {
	for _, x := range []struct {
		name  string
		perMs int
		cols  int
		open  func(keys int) func(f *floor, id uint32, t, k, v int64, input int)
	}{
		{"dedup last", 20, 3, floorLast}, {"topn append", 20, 3, floorTop(2)}, {"topn latest", 20, 3, floorTop(0)}, {"over", 20, 5, floorOver},
		{"session", 20, 4, floorSession}, {"match", 10, 3, floorMatch}, {"join", 20, 6, floorJoin}, {"interval join", 20, 6, floorInterval}, {"temporal join", 20, 6, floorTemporal},
	} {
		for _, keys := range Sizes {
			b.Run(fmt.Sprintf("%s/%dk", x.name, keys/1000), func(b *testing.B) {
				f := &floor{out: make([][batch.MaxRows]int64, x.cols)}
				for f.mask = 1; f.mask < uint64(keys)*2; f.mask *= 2 {
				}
				f.slots = make([]floorSlot, f.mask)
				f.mask--
				row := x.open(keys + 1)
				load := LoadOf(keys, x.perMs)
				load = load[:len(load)/2*2]
				span := load[len(load)-1].Cols[0].I64[batch.MaxRows-1] + 1000
				step := func(n int) {
					ts, ks, vs := load[n].Cols[0].I64, load[n].Cols[1].I64, load[n].Cols[2].I64
					for i, k := range ks {
						row(f, f.find(k), ts[i], k, vs[i], n%2)
					}
					for i := range ts {
						ts[i] += span
					}
				}
				for n := range load {
					step(n)
				}
				sent, report := f.sent, CPU(b)
				for n := 0; n < b.N; n += batch.MaxRows {
					step(n / batch.MaxRows % len(load))
				}
				report()
				b.ReportMetric(float64(f.sent-sent)/float64(b.N), "sent/row")
			})
		}
	}
}

// floor is a table of keys, and the rows sent last.
type floor struct {
	slots []floorSlot
	mask  uint64
	n     uint32
	out   [][batch.MaxRows]int64
	sent  int
}

type floorSlot struct {
	key int64
	id  uint32
}

// find is the number of a key, from 1.
func (f *floor) find(k int64) uint32 {
	for p := uint64(k) * 0x9e3779b97f4a7c15 >> 20; ; p++ {
		switch s := &f.slots[p&f.mask]; {
		case s.id == 0:
			f.n++
			*s = floorSlot{k, f.n}
			return f.n
		case s.key == k:
			return s.id
		}
	}
}

func (f *floor) send(row ...int64) {
	at := f.sent % batch.MaxRows
	for c, x := range row {
		f.out[c][at] = x
	}
	f.sent++
}

// floorLast keeps a key's last row and sends the one before and the new one.
func floorLast(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	rows := make([][2]int64, keys)
	return func(f *floor, id uint32, t, k, v int64, _ int) {
		r := &rows[id]
		if t < r[0] {
			return
		}
		if r[0] > 0 {
			f.send(r[0], k, r[1])
		}
		*r = [2]int64{t, v}
		f.send(t, k, v)
	}
}

// floorTop keeps the ten greatest values, or latest times, in an array.
func floorTop(by int) func(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	return func(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
		type top struct {
			n    int
			rows [10][2]int64
		}
		tops := make([]top, keys)
		return func(f *floor, id uint32, t, k, v int64, _ int) {
			x, o := v, t
			if by == 0 {
				x, o = t, v
			}
			p := &tops[id]
			i := p.n
			if i == 10 {
				if i--; x <= p.rows[i][0] {
					return
				}
				f.send(p.rows[i][1], k, p.rows[i][0])
			} else {
				p.n++
			}
			for ; i > 0 && p.rows[i-1][0] < x; i-- {
				p.rows[i] = p.rows[i-1]
			}
			p.rows[i] = [2]int64{x, o}
			f.send(t, k, v)
		}
	}
}

// floorOver sends each row with the count and sum so far.
func floorOver(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	sums := make([][2]int64, keys)
	return func(f *floor, id uint32, t, k, v int64, _ int) {
		s := &sums[id]
		s[0]++
		s[1] += v
		f.send(t, k, v, s[0], s[1])
	}
}

// floorSession keeps a key's count and sum until a second without rows; a queue in
// the order of time says which are over.
func floorSession(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	type session struct{ start, last, n, sum int64 }
	type end struct {
		t, k int64
		id   uint32
	}
	const gap = 1_000_000
	open, queue, head, tail := make([]session, keys), make([]end, 1<<16), 0, 0
	return func(f *floor, id uint32, t, k, v int64, _ int) {
		for ; head < tail && queue[head%len(queue)].t+gap <= t; head++ {
			e := &queue[head%len(queue)]
			if s := &open[e.id]; s.last == e.t && s.n > 0 {
				f.send(e.k, s.start, s.n, s.sum)
				*s = session{}
			}
		}
		s := &open[id]
		if s.n == 0 {
			s.start = t
		}
		s.last = t
		s.n++
		s.sum += v
		queue[tail%len(queue)] = end{t, k, id}
		tail++
	}
}

// floorMatch follows runs of rising values, which a smaller one ends.
func floorMatch(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	type run struct{ first, value, n int64 }
	runs := make([]run, keys)
	return func(f *floor, id uint32, t, k, v int64, _ int) {
		switch r := &runs[id]; {
		case r.n == 0 || t-r.first > 1_000_000:
			*r = run{t, v, 1}
		case v > r.value:
			r.value = v
			r.n++
		default:
			f.send(k, r.first, t)
			*r = run{}
		}
	}
}

// floorJoin keeps a key's first row as the right side's and the chain of those that
// follow as the left side's, each of which is sent with the right one.
func floorJoin(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	type row struct {
		t, v int64
		next uint32
	}
	right, heads, rows, n := make([][2]int64, keys), make([]uint32, keys), make([]row, 1<<22), uint32(0)
	return func(f *floor, id uint32, t, k, v int64, _ int) {
		r := &right[id]
		if r[1] == 0 {
			*r = [2]int64{t, v + 1}
			return
		}
		n++
		rows[n%uint32(len(rows))] = row{t, v, heads[id]}
		heads[id] = n
		f.send(t, k, v, r[0], k, r[1])
	}
}

// floorInterval chains each side's rows, newest first, and walks the other side's
// chain for five seconds.
func floorInterval(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	type row struct {
		t, v int64
		next uint32
	}
	var heads [2][]uint32
	var rows [2][]row
	for i := range heads {
		heads[i], rows[i] = make([]uint32, keys), make([]row, 1<<20)
	}
	n := uint32(0)
	return func(f *floor, id uint32, t, k, v int64, input int) {
		n++
		me, you := rows[input], rows[1-input]
		me[n%uint32(len(me))] = row{t, v, heads[input][id]}
		heads[input][id] = n
		for at := heads[1-input][id]; at > 0; {
			r := &you[at%uint32(len(you))]
			if r.t < t-5_000_000 {
				break
			}
			f.send(t, k, v, r.t, k, r.v)
			at = r.next
		}
	}
}

// floorTemporal keeps a key's two newest versions and sends rows with the one that
// holds at their time.
func floorTemporal(keys int) func(f *floor, id uint32, t, k, v int64, input int) {
	versions := make([][2][2]int64, keys)
	return func(f *floor, id uint32, t, k, v int64, input int) {
		x := &versions[id]
		if input == 1 {
			x[1], x[0] = x[0], [2]int64{t, v}
			return
		}
		r := &x[0]
		if r[0] > t {
			r = &x[1]
		}
		if r[0] > 0 {
			f.send(t, k, v, r[0], k, r[1])
		}
	}
}
