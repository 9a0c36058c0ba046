package match

import (
	"encoding/binary"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// partition is one partition while it is visited: its partial matches, the matches
// that wait for those that began before them, and its rows. Rows that were kept are
// numbered from base and loaded as they are needed, those of this visit from fresh.
type partition struct {
	id       uint32
	base     int64
	fresh    int64
	partial  queue
	complete queue

	rows   batch.Batch // of this visit
	times  []int64
	chunks []chunk
	counts []int32 // scratch
}

// chunk is rows that were kept, loaded.
type chunk struct {
	cols   []batch.Vector
	loaded bool
}

const chunkRows = 64

// decode reads what encode wrote; nothing is a partition without rows yet.
func (p *partition) decode(b []byte, vars int) {
	counts := p.counts[:0]
	defer func() { p.counts = counts }()
	p.partial.vars, p.complete.vars = vars, vars
	p.partial.reset()
	p.complete.reset()
	p.base, p.fresh = 0, 0
	if len(b) == 0 {
		for range vars {
			counts = append(counts, 0)
		}
		p.partial.put(run{start: none}, counts)
		return
	}
	next := func() int64 {
		v, n := binary.Varint(b)
		b = b[n:]
		return v
	}
	p.base, p.fresh = next(), next()
	for _, q := range []*queue{&p.partial, &p.complete} {
		for n := next(); n > 0; n-- {
			r := run{start: none}
			if back := next(); back > 0 {
				r.start, r.time = p.fresh-back, next()
			}
			counts = counts[:0]
			for range vars {
				c := int64(0)
				if r.start != none {
					c = next()
				}
				counts = append(counts, int32(c))
			}
			q.put(r, counts)
		}
	}
}

// encode writes the runs, with end as the number of the next row.
func (p *partition) encode(b []byte, end int64) []byte {
	b = binary.AppendVarint(binary.AppendVarint(b, p.base), end)
	for _, q := range []*queue{&p.partial, &p.complete} {
		b = binary.AppendVarint(b, int64(len(q.runs)))
		for _, r := range q.runs {
			if r.start == none {
				b = binary.AppendVarint(b, 0)
				continue
			}
			b = binary.AppendVarint(binary.AppendVarint(b, end-r.start), r.time)
			for _, c := range q.of(r) {
				b = binary.AppendVarint(b, int64(c))
			}
		}
	}
	return b
}

// needs is the number of the first row that a run still has.
func (p *partition) needs() int64 { return min(p.partial.first(), p.complete.first()) }

// row finds a row by its number.
func (o *operator) row(n int64) ([]batch.Vector, int) {
	p := &o.part
	if n >= p.fresh {
		return p.rows.Cols, int(n - p.fresh)
	}
	at := int(n - p.base)
	for len(p.chunks) <= at/chunkRows {
		p.chunks = append(p.chunks, chunk{cols: make([]batch.Vector, len(o.ts))})
	}
	c := &p.chunks[at/chunkRows]
	if !c.loaded {
		kept := o.table.Sorted(keptRows)
		k := kept.Range(p.id, at/chunkRows*chunkRows, o.list[:chunkRows])
		kept.Gather(o.list[:k], o.all, c.cols)
		c.loaded = true
	}
	return c.cols, at % chunkRows
}

// begin loads a partition.
func (o *operator) begin(id uint32) {
	p := &o.part
	p.id = id
	p.decode(o.table.Bytes(cellRuns, id), len(o.spec.Vars))
	p.rows.Reset(o.ts)
	p.times = p.times[:0]
	for i := range p.chunks {
		p.chunks[i].loaded = false
	}
}

// take adds a row to the visit.
func (o *operator) take(cols []batch.Vector, i int, ms int64) {
	p := &o.part
	for c, t := range o.ts[:o.msCol] {
		p.rows.Cols[c].Append(t, p.rows.Len, &cols[c], i)
	}
	v := &p.rows.Cols[o.msCol]
	v.AppendNull(types.BigIntType, p.rows.Len)
	v.SetValid(p.rows.Len)
	v.I64[p.rows.Len] = ms
	p.rows.Len++
	p.times = append(p.times, ms)
}

// save puts a partition back, and forgets it when nothing of it is left: no run has
// a row and none waits. It answers whether the partition is still there.
func (o *operator) save() bool {
	p := &o.part
	end := p.fresh + int64(p.rows.Len)
	keep := min(p.needs(), end)
	kept := o.table.Sorted(keptRows)
	if drop := min(keep, p.fresh) - p.base; drop > 0 {
		kept.RemoveRange(p.id, 0, int(drop))
	}
	for n := max(keep, p.fresh); n < end; n++ {
		kept.Insert(p.id, &p.rows, int(n-p.fresh))
	}
	if keep == end && len(p.complete.runs) == 0 {
		if o.waits && o.table.Sorted(waitingRows).Count(p.id) > 0 {
			o.table.SetBytes(cellRuns, p.id, nil)
			return true
		}
		o.ids1[0] = p.id
		o.table.Delete(o.ids1[:])
		return false
	}
	p.base = keep
	o.buf = p.encode(o.buf[:0], end)
	o.table.SetBytes(cellRuns, p.id, o.buf)
	return true
}
