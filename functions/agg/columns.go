package agg

import (
	"bytes"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// columnar is a kernel with loops of its own over a batch of rows: the common
// aggregates over numbers. A call per row and per result costs several times what
// they do.
type columnar interface {
	// step does what Accumulator.Step does, once the kernel is bound; after is nil in
	// Fold. false: not for these types, nothing was done.
	step(r functions.Rows, before, after *batch.Vector) bool
}

// scratch is what the loops of a columnar kernel work with.
type scratch struct {
	ws     []int64
	never  []bool
	spare  []int64
	counts [2][]int64
}

func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, batch.MaxRows))
	}
	return s[:n]
}

// weights are the signs of the rows that count, 0 of the others: those outside the
// selection, and those whose argument is NULL.
func (s *scratch) weights(r functions.Rows, arg *batch.Vector) []int64 {
	w := room(s.ws, r.N)
	s.ws = w
	switch {
	case r.Sel != nil:
		clear(w)
		if r.Signs == nil {
			for _, i := range r.Sel {
				w[i] = 1
			}
		} else {
			for _, i := range r.Sel {
				w[i] = int64(r.Signs[i])
			}
		}
	case r.Signs != nil:
		for i, x := range r.Signs[:r.N] {
			w[i] = int64(x)
		}
	default:
		for i := range w {
			w[i] = 1
		}
	}
	if arg != nil && len(arg.Valid) > 0 {
		for i := range w {
			if arg.Null(i) {
				w[i] = 0
			}
		}
	}
	return w
}

func (s *scratch) resets(r functions.Rows) []bool {
	if r.Reset != nil {
		return r.Reset[:r.N]
	}
	s.never = room(s.never, r.N)
	return s.never
}

// ints is where results of v go, somewhere when nobody wants them.
func (s *scratch) ints(v *batch.Vector, n int) []int64 {
	if v != nil {
		return v.I64[:n]
	}
	s.spare = room(s.spare, n)
	return s.spare
}

func (k *counter) step(r functions.Rows, before, after *batch.Vector) bool {
	w, reset := k.weights(r, k.arg), k.resets(r)
	if after == nil {
		for i, id := range r.IDs[:r.N] {
			p := k.cell.At(id)
			if reset[i] {
				*p = 0
			}
			*p += w[i]
		}
		return true
	}
	had, has := k.ints(before, r.N), after.I64[:r.N]
	for i, id := range r.IDs[:r.N] {
		p := k.cell.At(id)
		x := *p
		if reset[i] {
			x = 0
		}
		had[i] = x
		x += w[i]
		has[i], *p = x, x
	}
	return true
}

func (k *summer) step(r functions.Rows, before, after *batch.Vector) bool {
	switch k.cellType().Layout() {
	case types.LayoutI64:
		k.stepInts(r, before, after)
	default:
		return false
	}
	return true
}

func (k *summer) stepInts(r functions.Rows, before, after *batch.Vector) {
	w, reset, v := k.weights(r, k.v), k.resets(r), k.v.I64[:r.N]
	if after == nil {
		for i, id := range r.IDs[:r.N] {
			n, sum := k.n.At(id), k.lo.At(id)
			if reset[i] {
				*n, *sum = 0, 0
			}
			*n += w[i]
			*sum += w[i] * v[i]
		}
		return
	}
	had, has := k.ints(before, r.N), after.I64[:r.N]
	for c := range k.counts {
		k.counts[c] = room(k.counts[c], r.N)
	}
	hadN, hasN := k.counts[0][:r.N], k.counts[1][:r.N]
	for i, id := range r.IDs[:r.N] {
		pn, ps := k.n.At(id), k.lo.At(id)
		n, sum := *pn, *ps
		had[i], hadN[i] = sum, n
		if reset[i] {
			n, sum = 0, 0
			hadN[i] = 1 // nobody reads this result: it needn't be NULL
		}
		n += w[i]
		sum += w[i] * v[i]
		has[i], hasN[i] = sum, n
		*pn, *ps = n, sum
	}
	if before != nil {
		k.finish(before, hadN)
	}
	k.finish(after, hasN)
}

// finish makes results of sums; n are the numbers of values in them.
func (k *summer) finish(v *batch.Vector, n []int64) {
	x := v.I64[:len(n)]
	switch {
	case k.average:
		for i, c := range n {
			if c != 0 {
				x[i] = wrap(k.out.Kind, x[i]/c)
			} else {
				v.SetNull(i)
			}
		}
		return
	case k.out.Kind != types.BigInt:
		for i := range x {
			x[i] = wrap(k.out.Kind, x[i])
		}
	}
	for i, c := range n {
		if c == 0 {
			v.SetNull(i)
		}
	}
}

func (k *zeroed) step(functions.Rows, *batch.Vector, *batch.Vector) bool { return false }

func (k *best) step(r functions.Rows, before, after *batch.Vector) bool {
	switch {
	case k.v == nil:
		return false
	case k.t.Layout() == types.LayoutBytes:
		k.stepBytes(r, before, after)
		return true
	case k.t.Layout() != types.LayoutI64:
		return false
	}
	reset, v := k.resets(r), k.v.I64[:r.N]
	had := k.ints(before, r.N)
	if after != nil && r.Sel == nil && r.Signs == nil && len(k.v.Valid) == 0 {
		k.stepAll(r.IDs[:r.N], reset, v, had, before, after)
		return true
	}
	w := k.weights(r, k.v)
	for i, id := range r.IDs[:r.N] {
		p := k.i64.At(id)
		x, some := *p, k.valid.Get(id)
		if reset[i] {
			some = false
			k.valid.Set(id, false)
		}
		had[i] = x
		if !some && before != nil && !reset[i] {
			before.SetNull(i)
		}
		if y := v[i]; w[i] != 0 && (!some || (y < x) == k.min) {
			x, *p = y, y
			if !some {
				some = true
				k.valid.Set(id, true)
			}
		}
		if after == nil {
			continue
		}
		if after.I64[i] = x; !some {
			after.SetNull(i)
		}
	}
	return true
}

// stepAll is step where every row counts.
func (k *best) stepAll(ids []uint32, reset []bool, v, had []int64, before, after *batch.Vector) {
	has := after.I64[:len(ids)]
	for i, id := range ids {
		p := k.i64.At(id)
		x, y := *p, v[i]
		had[i] = x
		switch {
		case reset[i] || !k.valid.Get(id):
			if before != nil && !reset[i] {
				before.SetNull(i)
			}
			k.valid.Set(id, true)
		case k.min:
			y = min(x, y)
		default:
			y = max(x, y)
		}
		has[i], *p = y, y
	}
}

// stepBytes is step for texts.
func (k *best) stepBytes(r functions.Rows, before, after *batch.Vector) {
	w, reset := k.weights(r, k.v), k.resets(r)
	for i, id := range r.IDs[:r.N] {
		var cur []byte
		some := k.valid.Get(id)
		if reset[i] {
			some = false
			k.valid.Set(id, false)
		}
		if some {
			cur = k.c.Bytes(k.part, id)
		}
		switch {
		case before == nil:
		case reset[i]:
			before.Str[i] = 0 // nobody reads it
		default:
			setBytes(before, i, cur, some)
		}
		if w[i] != 0 {
			x := k.v.Bytes(i)
			if c := bytes.Compare(x, cur); !some || c != 0 && (c < 0) == k.min {
				k.c.SetBytes(k.part, id, x)
				k.valid.Set(id, true)
				cur, some = x, true
			}
		}
		if after != nil {
			setBytes(after, i, cur, some)
		}
	}
}

// setBytes is a text or NULL in row i. One that is the row's before isn't copied.
func setBytes(v *batch.Vector, i int, b []byte, some bool) {
	switch {
	case !some:
		v.SetNull(i)
	case i > 0 && !v.Null(i-1) && bytes.Equal(v.Bytes(i-1), b):
		v.Str[i] = v.Str[i-1]
	default:
		v.SetBytes(i, b)
	}
}
