package plain

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// sorted is rows in order.
type sorted struct {
	rows
	by  []batch.Order
	key [][]byte // sort bytes by entry
	of  map[uint32][]state.Entry
}

func newSorted(s state.SortedSpec) *sorted {
	return &sorted{rows: newRows(s.Row), by: s.By, key: make([][]byte, 1), of: map[uint32][]state.Entry{}}
}

func (s *sorted) Insert(id uint32, b *batch.Batch, row int) int {
	at := s.Seek(id, b, row, true)
	e := s.insert(b, row)
	for len(s.key) <= int(e) {
		s.key = append(s.key, nil)
	}
	s.key[e] = batch.AppendSortKey(nil, s.ts, s.by, b.Cols, row)
	of := append(s.of[id], 0)
	copy(of[at+1:], of[at:])
	of[at] = e
	s.of[id] = of
	return at
}

func (s *sorted) Among(ids []uint32, b *batch.Batch, most int, sel []int32) []int32 {
	for k, id := range ids {
		if s.Seek(id, b, k, true) < most {
			sel = append(sel, int32(k))
		}
	}
	return sel
}

func (s *sorted) Top(id uint32, b *batch.Batch, row, most int) (rank int, in, out state.Entry) {
	if rank = s.Seek(id, b, row, true); rank >= most {
		return rank, 0, 0
	}
	if s.Insert(id, b, row); len(s.of[id]) > most {
		out = s.of[id][most]
		in = s.of[id][rank]
		s.RemoveRange(id, most, len(s.of[id]))
		return rank, in, out
	}
	return rank, s.of[id][rank], 0
}

func (s *sorted) Seek(id uint32, b *batch.Batch, row int, after bool) int {
	key := batch.AppendSortKey(nil, s.ts, s.by, b.Cols, row)
	of := s.of[id]
	return sort.Search(len(of), func(i int) bool {
		c := bytes.Compare(s.key[of[i]], key)
		return c > 0 || c == 0 && !after
	})
}

func (s *sorted) RemoveEqual(id uint32, b *batch.Batch, row int) (int, state.Entry) {
	enc := batch.AppendRow(nil, s.ts, b.Cols, row)
	of := s.of[id]
	for at := s.Seek(id, b, row, false); at < len(of); at++ {
		if e := of[at]; bytes.Equal(s.enc[e], enc) {
			s.RemoveRange(id, at, at+1)
			return at, e
		}
	}
	return 0, 0
}

// Fetch is of no use here.
func (s *sorted) Fetch([]uint32) {}

func (s *sorted) RemoveRange(id uint32, from, to int) {
	of := s.of[id]
	for _, e := range of[from:to] {
		s.drop(e)
	}
	s.of[id] = append(of[:from:from], of[to:]...)
	if len(s.of[id]) == 0 {
		delete(s.of, id)
	}
}

func (s *sorted) Range(id uint32, from int, entries []state.Entry) int {
	of := s.of[id]
	if from >= len(of) {
		return 0
	}
	return copy(entries, of[from:])
}

func (s *sorted) Count(id uint32) int { return len(s.of[id]) }

func (s *sorted) clear(id uint32) {
	for _, e := range s.of[id] {
		s.drop(e)
	}
	delete(s.of, id)
}

func (s *sorted) move(into, from uint32) {
	all := append(append([]state.Entry(nil), s.of[into]...), s.of[from]...)
	sort.SliceStable(all, func(i, j int) bool { return bytes.Compare(s.key[all[i]], s.key[all[j]]) < 0 })
	if len(all) > 0 {
		s.of[into] = all
	}
	delete(s.of, from)
}

// timers is a heap, with a map for identity.
type timers struct {
	spec state.Spec
	ts   []types.Type
	heap timerHeap
	live map[string]*timer
	seq  uint64
	buf  []byte
}

type timer struct {
	key    []byte
	hash   uint64 // of the key, for its group
	ns, ms int64
	seq    uint64
	gone   bool
}

func newTimers(name string, ts []types.Type) *timers {
	return &timers{spec: state.TimerSpec(name, ts), ts: ts, live: map[string]*timer{}}
}

// encodedKey is the timer's key in a block.
func (x *timer) encodedKey() string {
	b := append([]byte(nil), x.key...)
	for _, n := range [2]int64{x.ns, x.ms} {
		b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(n))
	}
	return string(b)
}

func (t *timers) id(keys []batch.Vector, row int, ns, ms int64) []byte {
	b := t.buf[:0]
	for c := range t.ts {
		b = batch.AppendKey(b, t.ts[c], &keys[c], row)
	}
	t.buf = b
	return identity(b, ns, ms)
}

func identity(key []byte, ns, ms int64) []byte {
	b := append([]byte(nil), key...)
	for _, x := range [2]int64{ns, ms} {
		for s := 0; s < 64; s += 8 {
			b = append(b, byte(x>>s))
		}
	}
	return b
}

func (t *timers) Add(keys []batch.Vector, row int, ns, ms int64) {
	id := t.id(keys, row, ns, ms)
	if t.live[string(id)] != nil {
		return
	}
	t.seq++
	x := &timer{key: id[:len(id)-16], hash: t.hash(keys, row), ns: ns, ms: ms, seq: t.seq}
	t.live[string(id)] = x
	heap.Push(&t.heap, x)
}

func (t *timers) hash(keys []batch.Vector, row int) uint64 {
	one, h := make([]batch.Vector, len(t.ts)), make([]uint64, 1)
	for c := range one {
		one[c].Prepare(t.ts[c], 0)
		one[c].Append(t.ts[c], 0, &keys[c], row)
	}
	batch.Hash(t.ts, one, 1, h)
	return h[0]
}

func (t *timers) Delete(keys []batch.Vector, row int, ns, ms int64) {
	id := t.id(keys, row, ns, ms)
	if x := t.live[string(id)]; x != nil {
		x.gone = true
		delete(t.live, string(id))
	}
}

func (t *timers) skip() {
	for len(t.heap) > 0 && t.heap[0].gone {
		heap.Pop(&t.heap)
	}
}

func (t *timers) Fire(upTo int64, f func(key []batch.Vector, ns, ms int64) error) error {
	for t.skip(); len(t.heap) > 0 && t.heap[0].ms <= upTo; t.skip() {
		x := heap.Pop(&t.heap).(*timer)
		delete(t.live, string(identity(x.key, x.ns, x.ms)))
		key := make([]batch.Vector, len(t.ts))
		b := x.key
		for c := range key {
			key[c].Prepare(t.ts[c], 0)
			b = batch.DecodeValue(b, t.ts[c], &key[c], 0)
		}
		if err := f(key, x.ns, x.ms); err != nil {
			return err
		}
	}
	return nil
}

// AddAll and FireAll are for speed, which isn't asked of plain.
func (t *timers) AddAll(keys []batch.Vector, _ []uint64, rows []int32, ns, ms []int64) {
	for i, r := range rows {
		t.Add(keys, int(r), ns[i], ms[i])
	}
}

func (t *timers) FireAll(upTo int64, f func(keys []batch.Vector, ns, ms []int64) error) error {
	return t.Fire(upTo, func(key []batch.Vector, ns, ms int64) error { return f(key, []int64{ns}, []int64{ms}) })
}

func (t *timers) Next() (int64, bool) {
	if t.skip(); len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].ms, true
}

func (t *timers) Len() int { return len(t.live) }

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	return h[i].ms < h[j].ms || h[i].ms == h[j].ms && h[i].seq < h[j].seq
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(*timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
