package statetest

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// model is what a table should hold: by slice, then by canonical key.
type model struct {
	spec   state.Spec
	slices map[int64]map[string]*mrow // 0 alone when not windowed
}

type mrow struct {
	hash    uint64
	written int64
	cells   []string // exact bytes
	lists   [][]mentry
	sets    []map[string]int64 // canonical bytes -> count
	sorted  [][]mentry
}

type mentry struct {
	enc, sort string
	cells     []int64
}

func typesOf(cols []state.Column) []types.Type {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = c.Type
	}
	return ts
}

func newModel(spec state.Spec) *model {
	return &model{spec: spec, slices: map[int64]map[string]*mrow{}}
}

// blank is what a fresh row's cell reads as.
func blank(t types.Type) string {
	var v batch.Vector
	v.Prepare(t, 1)
	switch t.Layout() {
	case types.LayoutI64:
		v.I64[0] = 0
	case types.LayoutF64:
		v.F64[0] = 0
	case types.LayoutWide:
		v.I64[0], v.Hi[0] = 0, 0
	case types.LayoutBytes:
		v.SetString(0, "")
	default:
		v.SetNull(0) // nothing was stored
	}
	return exact([]types.Type{t}, []batch.Vector{v}, 0)
}

func (m *model) newRow() *mrow {
	r := &mrow{}
	for _, c := range m.spec.Row {
		r.cells = append(r.cells, blank(c.Type))
	}
	r.lists = make([][]mentry, len(m.spec.Lists))
	for range m.spec.Multisets {
		r.sets = append(r.sets, map[string]int64{})
	}
	r.sorted = make([][]mentry, len(m.spec.Sorted))
	return r
}

func (m *model) slice(ns int64) map[string]*mrow {
	if m.slices[ns] == nil {
		m.slices[ns] = map[string]*mrow{}
	}
	return m.slices[ns]
}

// expire forgets what is too old at now.
func (m *model) expire(now int64) {
	if m.spec.TTL == 0 {
		return
	}
	for _, s := range m.slices {
		for k, r := range s {
			if r.written+m.spec.TTL.Milliseconds() <= now {
				delete(s, k)
			}
		}
	}
}

// clone copies the model, without slices that hold nothing: a restore doesn't
// bring those back.
func (m *model) clone() *model {
	c := newModel(m.spec)
	for ns, s := range m.slices {
		for k, r := range s {
			d := &mrow{hash: r.hash, written: r.written, cells: append([]string(nil), r.cells...), lists: make([][]mentry, len(r.lists)), sorted: make([][]mentry, len(r.sorted))}
			for i, l := range r.lists {
				for _, e := range l {
					e.cells = append([]int64(nil), e.cells...)
					d.lists[i] = append(d.lists[i], e)
				}
			}
			for _, set := range r.sets {
				copied := map[string]int64{}
				for v, n := range set {
					copied[v] = n
				}
				d.sets = append(d.sets, copied)
			}
			for i, s := range r.sorted {
				d.sorted[i] = append([]mentry(nil), s...)
			}
			c.slice(ns)[k] = d
		}
	}
	return c
}

// insert puts e behind its ties and returns its rank.
func insert(s []mentry, e mentry) ([]mentry, int) {
	at := sort.Search(len(s), func(i int) bool { return s[i].sort > e.sort })
	out := append(append(append([]mentry(nil), s[:at]...), e), s[at:]...)
	return out, at
}

func (r *mrow) move(from *mrow) {
	r.cells = from.cells
	for i := range r.lists {
		r.lists[i] = append(r.lists[i], from.lists[i]...)
	}
	for i := range r.sets {
		for v, n := range from.sets[i] {
			if r.sets[i][v] += n; r.sets[i][v] == 0 {
				delete(r.sets[i], v)
			}
		}
	}
	for i := range r.sorted {
		for _, e := range from.sorted[i] {
			r.sorted[i], _ = insert(r.sorted[i], e)
		}
	}
}
