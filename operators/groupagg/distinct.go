package groupagg

import (
	"github.com/millrace/millrace/batch"
)

// set is the distinct values of one or more calls with the same arguments, over
// input that is never taken back. A bit beside each value says which filters have
// let it pass: what is new to a call is found for all of them with one look-up.
type set struct {
	index   int   // of the table's multisets
	args    []int // columns of the input
	filters []int // per bit: a BOOLEAN column, -1: all rows
	calls   []int // per call of the operator: its bit, -1: not of this set
	bits    []uint64
	fresh   []uint64
	values  []batch.Vector
}

// maxFilters is how many filters a set has bits for.
const maxFilters = 62

func newSets(calls []Call, distinct []int) []set {
	var sets []set
	for c, call := range calls {
		if !call.Distinct {
			continue
		}
		at := -1
		for i := range sets {
			if sets[i].index == distinct[c] {
				at = i
			}
		}
		if at < 0 {
			at = len(sets)
			s := set{index: distinct[c], args: call.Args, calls: make([]int, len(calls)), values: make([]batch.Vector, len(call.Args))}
			for i := range s.calls {
				s.calls[i] = -1
			}
			sets = append(sets, s)
		}
		sets[at].calls[c] = sets[at].bit(call.Filter)
	}
	return sets
}

// bit is the bit of a filter.
func (s *set) bit(filter int) int {
	for b, f := range s.filters {
		if f == filter {
			return b
		}
	}
	s.filters = append(s.filters, filter)
	return len(s.filters) - 1
}

// mark finds what is new in each set.
func (o *operator) mark(b *batch.Batch) {
	for i := range o.sets {
		s := &o.sets[i]
		s.bits, s.fresh = room(s.bits, b.Len), room(s.fresh, b.Len)
		clear(s.bits)
		for k, f := range s.filters {
			if f < 0 {
				for r := range s.bits {
					s.bits[r] |= 1 << k
				}
				continue
			}
			v := &b.Cols[f]
			if len(v.Valid) == 0 {
				for r, x := range v.I64[:b.Len] {
					s.bits[r] |= uint64(x&1) << k
				}
				continue
			}
			for r, x := range v.I64[:b.Len] {
				if !v.Null(r) {
					s.bits[r] |= uint64(x&1) << k
				}
			}
		}
		for k, c := range s.args {
			s.values[k] = b.Cols[c]
		}
		o.table.Multiset(s.index).Mark(o.ids, s.values, s.bits, s.fresh)
	}
}

// firsts are the rows that bring a call a value it hasn't had.
func (o *operator) firsts(c int) []int32 {
	if cap(o.sel) < len(o.ids)+1 {
		o.sel = make([]int32, 0, max(len(o.ids), batch.MaxRows)+1)
	}
	sel, n := o.sel[:len(o.ids)+1], 0
	for i := range o.sets {
		s := &o.sets[i]
		bit := s.calls[c]
		if bit < 0 {
			continue
		}
		for r, x := range s.fresh {
			sel[n] = int32(r)
			n += int(x >> bit & 1)
		}
	}
	o.sel = sel[:n]
	return o.sel
}
