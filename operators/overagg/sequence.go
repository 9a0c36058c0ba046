package overagg

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// sequence computes the calls for a whole partition, whose rows lie in order. The
// aggregates run over the rows that enter and leave the frame as it moves, on the
// one row of a scratch table.
type sequence struct {
	calls
	scratch state.Table
	id      [1]uint32
	first   []int32 // of each row: the first equal one, by the order
	last    []int32 // and behind the last one
	ops     []int32 // rows that enter and leave, and places where the frame is new
	live    []int32 // those of ops that are rows
	signs   []int8
	reset   []bool
	at      []int32 // of each row: its place in ops
	ids     []uint32
	cols    []batch.Vector
	values  []batch.Vector // the results, of spec.Calls
	again   bool           // a call can't take rows back: each frame anew
}

// openSequence binds the calls.
func (o *sequence) openSequence(env *operators.Env, out operators.Output) (err error) {
	moves := !o.spec.Lower.Unbounded
	for _, c := range o.spec.Calls {
		o.again = o.again || moves && c.Rank == "" && !c.Fn.Retract
	}
	if err := o.open(env, out, moves && !o.again); err != nil {
		return err
	}
	o.live = []int32{} // nil would be all
	o.values, o.cols = make([]batch.Vector, len(o.spec.Calls)), make([]batch.Vector, len(o.inTs))
	o.scratch, err = env.State.Table(state.Spec{Name: "scratch", Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists})
	return err
}

// evaluate computes values for rows 0..n-1 of cols.
func (o *sequence) evaluate(cols []batch.Vector, n int) error {
	o.peers(cols, n)
	if len(o.aggs) > 0 {
		o.frames(cols, n)
		if err := o.run(cols); err != nil {
			return err
		}
		for _, c := range o.aggs {
			o.values[c].Take(o.spec.Calls[c].Result, &o.after[c], o.at)
		}
	}
	for c, call := range o.spec.Calls {
		if call.Rank != "" {
			o.place(c, cols, n)
		}
	}
	return nil
}

// peers finds the rows that are equal by the order.
func (o *sequence) peers(cols []batch.Vector, n int) {
	o.first, o.last = resize(o.first, n), resize(o.last, n)
	for from := 0; from < n; {
		to := from + 1
		for to < n && batch.CompareRows(o.inTs, o.spec.By, cols, from, cols, to) == 0 {
			to++
		}
		for i := from; i < to; i++ {
			o.first[i], o.last[i] = int32(from), int32(to)
		}
		from = to
	}
}

func resize(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n, n+n/2)
	}
	return s[:n]
}

// frames lists what enters and leaves: the first entry starts afresh and stands for
// the empty frame.
func (o *sequence) frames(cols []batch.Vector, n int) {
	o.ops, o.signs, o.reset, o.at, o.live = o.ops[:0], o.signs[:0], o.reset[:0], o.at[:0], o.live[:0]
	lo, hi := 0, 0
	o.op(0, 0, true)
	for i := range n {
		from, to := o.frame(cols, n, i)
		if o.again {
			o.op(0, 0, true)
			lo, hi = from, from
		}
		for ; hi < max(from, to); hi++ {
			o.op(hi, 1, false)
		}
		for ; lo < from; lo++ {
			o.op(lo, -1, false)
		}
		o.at = append(o.at, int32(len(o.ops)-1))
	}
}

func (o *sequence) op(row int, sign int8, reset bool) {
	if !reset {
		o.live = append(o.live, int32(len(o.ops)))
	}
	o.ops, o.signs, o.reset = append(o.ops, int32(row)), append(o.signs, sign), append(o.reset, reset)
}

// frame is the rows of row i's frame, from inclusive, to exclusive.
func (o *sequence) frame(cols []batch.Vector, n, i int) (from, to int) {
	return o.clamp(o.border(o.spec.Lower, cols, n, i, true), n), o.clamp(o.border(o.spec.Upper, cols, n, i, false), n)
}

func (o *sequence) clamp(i, n int) int { return max(0, min(i, n)) }

// border is where a frame begins, or ends (exclusive).
func (o *sequence) border(b Bound, cols []batch.Vector, n, i int, lower bool) int {
	switch {
	case b.Unbounded && b.Following:
		return n
	case b.Unbounded:
		return 0
	case o.spec.Rows:
		d := int(min(b.N, int64(n)))
		if !b.Following {
			d = -d
		}
		if lower {
			return i + d
		}
		return i + d + 1
	case b.N == 0 && lower:
		return int(o.first[i])
	case b.N == 0:
		return int(o.last[i])
	}
	return o.reach(b, cols, n, i, lower)
}

// reach is the border of a RANGE at a distance from row i's value. NULLs lie
// beyond any distance from the rest, and a frame that leaves the current row out
// has none of them.
func (o *sequence) reach(b Bound, cols []batch.Vector, n, i int, lower bool) int {
	by := o.spec.By[0]
	v, t := &cols[by.Col], o.inTs[by.Col]
	if v.Null(i) {
		if b.Following {
			return int(o.last[i])
		}
		return int(o.first[i])
	}
	d := b.N
	if b.Following == by.Desc {
		d = -d
	}
	lo, hi := 0, n // the rows that aren't NULL
	for lo < n && v.Null(lo) {
		lo++
	}
	for hi > lo && v.Null(hi-1) {
		hi--
	}
	return lo + sort.Search(hi-lo, func(k int) bool {
		c := apart(t, v, lo+k, v, i, d)
		if by.Desc {
			c = -c
		}
		return c > 0 || lower && c == 0
	})
}

// apart compares row k's value, in u, with row i's, in v, moved by d: a number of the
// column, or ms of a time.
func apart(t types.Type, u *batch.Vector, k int, v *batch.Vector, i int, d int64) int {
	if t.Layout() == types.LayoutF64 {
		x, y := u.F64[k], v.F64[i]+float64(d)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	far := types.Int128{Hi: d >> 63, Lo: uint64(d)}
	switch {
	case t.Kind == types.Decimal:
		far, _ = far.Rescale(0, t.Scale)
		return u.Decimal(t, k).Cmp(v.Decimal(t, i).Add(far))
	case t.IsTimestamp():
		d *= 1000
	case t.Kind == types.Date:
		d /= 86_400_000
	}
	far = types.Int128{Hi: d >> 63, Lo: uint64(d)}
	at := types.Int128{Hi: v.I64[i] >> 63, Lo: uint64(v.I64[i])}
	return types.Int128{Hi: u.I64[k] >> 63, Lo: uint64(u.I64[k])}.Cmp(at.Add(far))
}

// run sends ops through the aggregates.
func (o *sequence) run(cols []batch.Vector) error {
	var hash [1]uint64
	var fresh [1]bool
	o.scratch.Upsert(nil, hash[:], o.id[:], fresh[:])
	n := len(o.ops)
	for len(o.ids) < n {
		o.ids = append(o.ids, 0)
	}
	for i := range n {
		o.ids[i] = o.id[0]
	}
	for _, c := range o.aggs {
		for _, a := range o.spec.Calls[c].Args {
			o.cols[a].Take(o.inTs[a], &cols[a], o.ops)
		}
	}
	signs := o.signs
	if o.spec.Lower.Unbounded || o.again {
		signs = nil // all come
	}
	return o.step(o.scratch, o.cols, n, o.ids[:n], signs, o.reset, o.live)
}

// place computes a ranking function.
func (o *sequence) place(c int, cols []batch.Vector, n int) {
	call := o.spec.Calls[c]
	out := &o.values[c]
	out.Prepare(o.outTs[len(o.inTs)+c], n)
	dense := int64(0)
	for i := range n {
		if int(o.first[i]) == i {
			dense++
		}
		switch call.Rank {
		case "ROW_NUMBER":
			out.I64[i] = int64(i + 1)
		case "RANK":
			out.I64[i] = int64(o.first[i]) + 1
		case "DENSE_RANK":
			out.I64[i] = dense
		case "PERCENT_RANK":
			out.F64[i] = 0
			if n > 1 {
				out.F64[i] = float64(o.first[i]) / float64(n-1)
			}
		case "CUME_DIST":
			out.F64[i] = float64(o.last[i]) / float64(n)
		case "NTILE":
			out.I64[i] = tile(int64(i), int64(n), call.Consts[0].Const.I64[0])
		case "LAG":
			o.shift(call, cols, out, i, i-int(min(distance(call), int64(n))), n)
		case "LEAD":
			o.shift(call, cols, out, i, i+int(min(distance(call), int64(n))), n)
		}
	}
}

// tile is the bucket of row i when n rows are dealt to k buckets, the first ones
// getting one more.
func tile(i, n, k int64) int64 {
	size, more := n/k, n%k
	if i < more*(size+1) {
		return i/(size+1) + 1
	}
	return more + (i-more*(size+1))/max(size, 1) + 1
}

// shift is the value of another row, or the default.
func (o *sequence) shift(call Call, cols []batch.Vector, out *batch.Vector, i, from, n int) {
	a := call.Args[0]
	switch {
	case from >= 0 && from < n:
		out.Set(o.inTs[a], i, &cols[a], from)
	case len(call.Args) > 2:
		out.Set(o.inTs[a], i, &cols[call.Args[2]], i)
	default:
		out.SetNull(i)
	}
}
