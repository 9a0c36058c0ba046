package join

import (
	"time"

	"github.com/millrace/millrace/state"
)

// With a time to live a row carries when it was stored, and is forgotten that long
// afterwards, side by side: reading it doesn't keep it. A key goes when neither side
// has touched it for the longer of the two times.

// writtenCell is where the time of storing lies, in ms.
const writtenCell = 1

// expiring says that rows of a side are forgotten.
func (s *Spec) expiring(side int) bool { return s.TTL[side] > 0 }

// keyTTL is how long a key without rows is kept; 0: for ever.
func (s *Spec) keyTTL() time.Duration {
	if s.TTL[0] == 0 || s.TTL[1] == 0 {
		return 0
	}
	return max(s.TTL[0], s.TTL[1])
}

// stamps are the cells of new rows of a side that its partners aren't counted in.
func (o *operator) stamps(input int) []int64 {
	if !o.spec.expiring(input) {
		return nil
	}
	o.cells[writtenCell] = o.now().UnixMilli()
	return o.cells[:]
}

// stamp marks new entries of a side with the time.
func (o *operator) stamp(input int, entries []state.Entry) {
	if !o.spec.expiring(input) {
		return
	}
	now := o.now().UnixMilli()
	for _, e := range entries {
		if e != 0 {
			*o.sides[input].list.Cell(e, writtenCell) = now
		}
	}
}

// expire forgets the rows of the batch's keys whose time is over: the first of each
// list, which is in the order of storing.
func (o *operator) expire() {
	for side := range o.sides {
		if !o.spec.expiring(side) {
			continue
		}
		list, due := o.sides[side].list, o.now().Add(-o.spec.TTL[side]).UnixMilli()
		for i := range o.ids {
			for o.ids[i] != 0 {
				var at state.Cursor
				n := list.Match(o.ids[i:i+1], &at, o.probe[:1], o.entries[:1])
				if n == 0 || *list.Cell(o.entries[0], writtenCell) > due {
					break
				}
				list.Remove(o.ids[i], o.entries[0])
				o.meter.Expired.Add(1)
			}
		}
	}
}
