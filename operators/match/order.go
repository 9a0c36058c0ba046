package match

import "math"

// run is a partial or whole match: where it starts and, at counts in its queue, how
// many rows each variable has. The run that waits for a first row starts at none.
type run struct {
	start  int64 // number of the first row
	time   int64 // its time, ms
	counts int32 // index of the first count
}

const none = math.MaxInt64

// queue is runs by their start, in the places of a binary heap. Flink keeps its own
// so (in Java's PriorityQueue), and which of the matches with one start comes first
// follows from it: the places are part of the state.
type queue struct {
	vars   int
	runs   []run
	counts []int32
	spare  []run
}

func (q *queue) reset() { q.runs, q.counts = q.runs[:0], q.counts[:0] }

// of is the counts of a run of this queue.
func (q *queue) of(r run) []int32 { return q.counts[r.counts : int(r.counts)+q.vars] }

// put appends a run without moving any: restoring what was kept.
func (q *queue) put(r run, counts []int32) {
	r.counts = int32(len(q.counts))
	q.counts = append(q.counts, counts...)
	q.runs = append(q.runs, r)
}

// add puts a run in, behind those that start with it.
func (q *queue) add(r run, counts []int32) {
	q.put(r, counts)
	k := len(q.runs) - 1
	for r = q.runs[k]; k > 0; {
		up := (k - 1) >> 1
		if q.runs[up].start <= r.start {
			break
		}
		q.runs[k] = q.runs[up]
		k = up
	}
	q.runs[k] = r
}

// poll takes the first run out.
func (q *queue) poll() {
	n := len(q.runs) - 1
	last := q.runs[n]
	q.runs = q.runs[:n]
	if n > 0 {
		q.down(0, last)
	}
}

func (q *queue) down(k int, r run) {
	n := len(q.runs)
	for k < n>>1 {
		c := 2*k + 1
		if c+1 < n && q.runs[c].start > q.runs[c+1].start {
			c++
		}
		if r.start <= q.runs[c].start {
			break
		}
		q.runs[k] = q.runs[c]
		k = c
	}
	q.runs[k] = r
}

// prune takes out the runs that start before the row numbered to.
func (q *queue) prune(to int64) {
	kept := q.runs[:0]
	for _, r := range q.runs {
		if r.start >= to {
			kept = append(kept, r)
		}
	}
	if len(kept) == len(q.runs) {
		return
	}
	q.runs = kept
	for k := len(kept)>>1 - 1; k >= 0; k-- {
		q.down(k, q.runs[k])
	}
}

// expire takes out the runs whose first row is at or before ms.
func (q *queue) expire(ms int64) bool {
	old := q.runs
	n := 0
	for _, r := range old {
		if r.start != none && r.time <= ms {
			n++
		}
	}
	if n == 0 {
		return false
	}
	q.runs, q.spare = q.spare[:0], old
	for _, r := range old {
		if r.start == none || r.time > ms {
			k := len(q.runs)
			q.runs = append(q.runs, r)
			for k > 0 && q.runs[(k-1)>>1].start > r.start {
				q.runs[k] = q.runs[(k-1)>>1]
				k = (k - 1) >> 1
			}
			q.runs[k] = r
		}
	}
	return true
}

// first is the smallest start, none when there is no run with rows.
func (q *queue) first() int64 {
	if len(q.runs) == 0 {
		return none
	}
	return q.runs[0].start
}
