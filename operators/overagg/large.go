package overagg

import (
	"fmt"
	"math"
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/external"
)

// large computes the calls for a partition on disk. All places that are looked at
// (the frame's ends, the last equal row, the row that LAG or LEAD is about) move
// forward with the row, so each has a block of its own in memory and goes through the
// file once. A call that can't take rows back has its whole frame read for each row.
type large struct {
	*sequence
	rows *external.Rows
	n    int

	now   batch.Batch
	enter [8]window // of rows that enter the frame, by the number of the block
	leave window    // of those that leave it
	peer  window    // of the last equal row
	far   [2]window // of the borders of a RANGE at a distance
	back  []window  // of LAG and LEAD

	i, f, l int    // the row, its first equal one, and behind the last one
	dense   int64  // its dense rank
	lo, hi  int    // the frame
	nulls   [2]int // the rows whose value isn't NULL, from inclusive, to exclusive
	border  [2]int // how far the borders of a RANGE at a distance have come

	args  batch.Batch    // of the entries of ops
	carry []batch.Vector // results of the last entry before those in ops
	due   []int32        // of rows without results: their places in ops, -1: carry
	given int            // rows of the block with results
}

// window is a block of the rows that is in memory.
type window struct {
	b     *batch.Batch
	into  batch.Batch
	first int
}

// largeOps is how many entries of ops go through the aggregates at a time.
const largeOps = 4 * batch.MaxRows

// at is row k: the columns of its block, and its place there.
func (l *large) at(w *window, k int) ([]batch.Vector, int, error) {
	if w.b == nil || k < w.first || k >= w.first+w.b.Len {
		i, first := l.rows.Of(k)
		b, err := l.rows.Block(i, &w.into)
		if err != nil {
			return nil, 0, err
		}
		w.b, w.first = b, first
	}
	return w.b.Cols, k - w.first, nil
}

// run computes and sends a partition.
func (l *large) run(o *sequence, rows *external.Rows) error {
	if rows.Len() > math.MaxInt32 {
		return fmt.Errorf("a partition of %d rows; there can be 2147483647", rows.Len())
	}
	*l = large{sequence: o, rows: rows, n: rows.Len(), carry: make([]batch.Vector, len(o.spec.Calls)), back: make([]window, len(o.spec.Calls))}
	if err := l.split(); err != nil {
		return err
	}
	l.clear()
	o.op(0, 0, true)
	for i := range rows.Blocks() {
		b, err := rows.Block(i, &l.now)
		if err != nil {
			return err
		}
		if err := l.block(b); err != nil {
			return err
		}
	}
	return nil
}

// clear empties ops.
func (l *large) clear() {
	l.ops, l.signs, l.reset, l.live = l.ops[:0], l.signs[:0], l.reset[:0], l.live[:0]
}

// split finds the rows whose value isn't NULL: the others lie before or behind them.
func (l *large) split() (err error) {
	l.nulls = [2]int{0, l.n}
	if len(l.spec.By) == 0 {
		return nil
	}
	by := l.spec.By[0]
	at := sort.Search(l.n, func(k int) bool {
		cols, i, e := l.at(&l.peer, k)
		if e != nil {
			err = e
			return true
		}
		return cols[by.Col].Null(i) == by.NullsLast
	})
	if by.NullsLast {
		l.nulls[1] = at
	} else {
		l.nulls[0] = at
	}
	return err
}

// block computes and sends the rows of a block, the next ones.
func (l *large) block(b *batch.Batch) error {
	from := l.i
	l.given, l.due = 0, l.due[:0]
	for _, c := range l.aggs {
		l.values[c].Prepare(l.spec.Calls[c].Result, 0)
	}
	for c, call := range l.spec.Calls {
		if call.Rank != "" {
			l.values[c].Prepare(l.outTs[len(l.inTs)+c], b.Len)
		}
	}
	for k := range b.Len {
		l.i = from + k
		if err := l.peers(b.Cols, k); err != nil {
			return err
		}
		if len(l.aggs) > 0 {
			if err := l.move(b.Cols, k); err != nil {
				return err
			}
		}
		for c, call := range l.spec.Calls {
			if call.Rank != "" {
				if err := l.place(c, call, b.Cols, k); err != nil {
					return err
				}
			}
		}
	}
	l.i = from + b.Len
	if err := l.step(); err != nil {
		return err
	}
	return l.emit(b.Cols, l.values, b.Len, nil)
}

// peers finds the rows equal to row k of the block, if they're others than before.
func (l *large) peers(cols []batch.Vector, k int) error {
	if l.i < l.l {
		return nil
	}
	l.f, l.l = l.i, l.i+1
	l.dense++
	for ; l.l < l.n; l.l++ {
		other, at, err := l.at(&l.peer, l.l)
		if err != nil {
			return err
		}
		if batch.CompareRows(l.inTs, l.spec.By, cols, k, other, at) != 0 {
			return nil
		}
	}
	return nil
}

// move lists what enters and leaves for row k of the block.
func (l *large) move(cols []batch.Vector, k int) error {
	from, err := l.end(l.spec.Lower, cols, k, true)
	if err != nil {
		return err
	}
	to, err := l.end(l.spec.Upper, cols, k, false)
	if err != nil {
		return err
	}
	from, to = l.clamp(from, l.n), l.clamp(to, l.n)
	if l.again {
		l.op(0, 0, true)
		l.lo, l.hi = from, from
	}
	for ; l.hi < max(from, to); l.hi++ {
		l.op(l.hi, 1, false)
		if len(l.ops) >= largeOps {
			if err := l.step(); err != nil {
				return err
			}
		}
	}
	for ; l.lo < from; l.lo++ {
		l.op(l.lo, -1, false)
		if len(l.ops) >= largeOps {
			if err := l.step(); err != nil {
				return err
			}
		}
	}
	l.due = append(l.due, int32(len(l.ops)-1))
	return nil
}

// end is where the frame of row k of the block begins, or ends (exclusive).
func (l *large) end(b Bound, cols []batch.Vector, k int, lower bool) (int, error) {
	switch {
	case b.Unbounded && b.Following:
		return l.n, nil
	case b.Unbounded:
		return 0, nil
	case l.spec.Rows:
		d := int(min(b.N, int64(l.n)))
		if !b.Following {
			d = -d
		}
		if lower {
			return l.i + d, nil
		}
		return l.i + d + 1, nil
	case b.N == 0 && lower:
		return l.f, nil
	case b.N == 0:
		return l.l, nil
	}
	by := l.spec.By[0]
	v, t := &cols[by.Col], l.inTs[by.Col]
	if v.Null(k) {
		if b.Following {
			return l.l, nil
		}
		return l.f, nil
	}
	d := b.N
	if b.Following == by.Desc {
		d = -d
	}
	side := 1
	if lower {
		side = 0
	}
	for p := max(l.border[side], l.nulls[0]); ; p++ {
		l.border[side] = p
		if p >= l.nulls[1] {
			return p, nil
		}
		other, at, err := l.at(&l.far[side], p)
		if err != nil {
			return 0, err
		}
		c := apart(t, &other[by.Col], at, v, k, d)
		if by.Desc {
			c = -c
		}
		if c > 0 || lower && c == 0 {
			return p, nil
		}
	}
}

// step sends ops through the aggregates and gives the rows that are due their
// results.
func (l *large) step() error {
	n := len(l.ops)
	if n > 0 {
		if err := l.fold(n); err != nil {
			return err
		}
	}
	for _, c := range l.aggs {
		t := l.spec.Calls[c].Result
		for k, at := range l.due {
			from, i := &l.after[c], int(at)
			if at < 0 {
				from, i = &l.carry[c], 0
			}
			l.values[c].Append(t, l.given+k, from, i)
		}
		if n > 0 {
			l.carry[c].Prepare(t, 0)
			l.carry[c].Append(t, 0, &l.after[c], n-1)
		}
	}
	l.given += len(l.due)
	l.due = l.due[:0]
	l.clear()
	return nil
}

// fold sends the n entries of ops through the aggregates.
func (l *large) fold(n int) error {
	var hash [1]uint64
	var fresh [1]bool
	l.scratch.Upsert(nil, hash[:], l.id[:], fresh[:])
	for len(l.ids) < n {
		l.ids = append(l.ids, 0)
	}
	for i := range n {
		l.ids[i] = l.id[0]
	}
	l.args.Reset(l.inTs)
	for k, row := range l.ops {
		w := &l.leave
		switch {
		case l.reset[k]: // counts for nothing
			for _, c := range l.aggs {
				for _, a := range l.spec.Calls[c].Args {
					l.args.Cols[a].AppendNull(l.inTs[a], k)
				}
			}
			continue
		case l.signs[k] > 0:
			i, _ := l.rows.Of(int(row))
			w = &l.enter[i%len(l.enter)]
		}
		cols, at, err := l.at(w, int(row))
		if err != nil {
			return err
		}
		for _, c := range l.aggs {
			for _, a := range l.spec.Calls[c].Args {
				l.args.Cols[a].Append(l.inTs[a], k, &cols[a], at)
			}
		}
	}
	signs := l.signs
	if l.spec.Lower.Unbounded || l.again {
		signs = nil // all come
	}
	return l.sequence.step(l.scratch, l.args.Cols, n, l.ids[:n], signs, l.reset, l.live)
}

// place computes a ranking function for row k of the block.
func (l *large) place(c int, call Call, cols []batch.Vector, k int) error {
	out := &l.values[c]
	switch call.Rank {
	case "ROW_NUMBER":
		out.I64[k] = int64(l.i + 1)
	case "RANK":
		out.I64[k] = int64(l.f + 1)
	case "DENSE_RANK":
		out.I64[k] = l.dense
	case "PERCENT_RANK":
		out.F64[k] = 0
		if l.n > 1 {
			out.F64[k] = float64(l.f) / float64(l.n-1)
		}
	case "CUME_DIST":
		out.F64[k] = float64(l.l) / float64(l.n)
	case "NTILE":
		out.I64[k] = tile(int64(l.i), int64(l.n), call.Consts[0].Const.I64[0])
	case "LAG", "LEAD":
		d := int(min(distance(call), int64(l.n)))
		if call.Rank == "LAG" {
			d = -d
		}
		a := call.Args[0]
		if from := l.i + d; from >= 0 && from < l.n {
			other, at, err := l.at(&l.back[c], from)
			if err != nil {
				return err
			}
			out.Set(l.inTs[a], k, &other[a], at)
			return nil
		}
		if len(call.Args) > 2 {
			out.Set(l.inTs[a], k, &cols[call.Args[2]], k)
			return nil
		}
		out.SetNull(k)
	}
	return nil
}
