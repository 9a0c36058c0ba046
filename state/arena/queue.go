package arena

import "slices"

// queue is timers in their order. As a rule they come nearly in order, of a few kinds
// (the time of a row, the end of something): each is put behind the last one of a run
// that it follows, the nearest, and into a heap where there is none.
type queue struct {
	runs [4]run
	heap []timer
	n    int
	at   int // where the first one is, a run or len(runs) for the heap; -1: to be found
}

// run is timers in order, from at on.
type run struct {
	items []timer
	at    int
}

// fill makes the queue anew of timers in any order.
func (q *queue) fill(all []timer) {
	for i := range q.runs {
		q.runs[i] = run{items: q.runs[i].items[:0]}
	}
	slices.SortFunc(all, func(a, b timer) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	q.runs[0].items = all
	q.heap, q.n, q.at = q.heap[:0], len(all), -1
}

func (q *queue) push(t timer) {
	q.n++
	q.at = -1
	best, free := -1, -1
	for i := range q.runs {
		r := &q.runs[i]
		switch {
		case r.at == len(r.items):
			free = i
		case t.before(r.last()):
		case best < 0 || q.runs[best].last().before(r.last()):
			best = i
		}
	}
	if best < 0 {
		best = free
	}
	if best < 0 {
		q.rise(t)
		return
	}
	r := &q.runs[best]
	if r.at > 0 && (r.at == len(r.items) || len(r.items) == cap(r.items) && r.at >= len(r.items)/2) {
		r.items, r.at = r.items[:copy(r.items, r.items[r.at:])], 0
	}
	r.items = append(r.items, t)
}

func (r *run) last() timer { return r.items[len(r.items)-1] }

// first is the timer that pop takes.
func (q *queue) first() (t timer, ok bool) {
	if q.n == 0 {
		return t, false
	}
	if q.at >= 0 {
		return q.of(q.at), true
	}
	for i := range q.runs {
		if r := &q.runs[i]; r.at < len(r.items) && (!ok || r.items[r.at].before(t)) {
			t, ok, q.at = r.items[r.at], true, i
		}
	}
	if len(q.heap) > 0 && (!ok || q.heap[0].before(t)) {
		t, ok, q.at = q.heap[0], true, len(q.runs)
	}
	return t, ok
}

func (q *queue) of(at int) timer {
	if at == len(q.runs) {
		return q.heap[0]
	}
	return q.runs[at].items[q.runs[at].at]
}

// pop takes out the one that first has told.
func (q *queue) pop() {
	at := q.at
	q.at = -1
	if q.n--; at == len(q.runs) {
		q.sink()
		return
	}
	q.runs[at].at++
}

type timer struct {
	ms, seq int64
	id      uint32
}

func (a timer) before(b timer) bool {
	switch {
	case a.ms != b.ms:
		return a.ms < b.ms
	case a.seq != b.seq:
		return a.seq < b.seq
	}
	return a.id < b.id
}

// rise puts a timer into the heap.
func (q *queue) rise(t timer) {
	h := append(q.heap, t)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !t.before(h[up]) {
			break
		}
		h[i], i = h[up], up
	}
	h[i], q.heap = t, h
}

// sink takes the first one out of the heap.
func (q *queue) sink() {
	h := q.heap
	last := h[len(h)-1]
	h = h[:len(h)-1]
	q.heap = h
	i := 0
	for len(h) > 0 {
		best := 4*i + 1
		if best >= len(h) {
			break
		}
		for c := best + 1; c < min(4*i+5, len(h)); c++ {
			if h[c].before(h[best]) {
				best = c
			}
		}
		if !h[best].before(last) {
			break
		}
		h[i], i = h[best], best
	}
	if len(h) > 0 {
		h[i] = last
	}
}
