package temporal

import (
	"time"

	"github.com/millrace/millrace/batch"
)

// printer writes wall clock readings by a pattern into a column of strings. Rows
// between which the pattern shows no difference (the seconds of a minute, for
// HH:mm) share one text. It belongs to one goroutine.
type printer struct {
	patterns
	last   *pattern
	lo, hi int64 // readings in [lo, hi) are printed as view
	view   batch.View
}

// begin forgets the texts of the last batch.
func (w *printer) begin() { w.lo, w.hi = 0, 0 }

// print writes row i: local is the reading in microseconds since the epoch, nano
// the rest, offset the zone's in seconds.
func (w *printer) print(pat []byte, local, nano int64, zone *time.Location, offset int, out *batch.Vector, i int) error {
	p, err := w.of(pat)
	if err != nil {
		return err
	}
	if p == w.last && local >= w.lo && local < w.hi {
		out.Str[i] = w.view
		return nil
	}
	day, off := floorDiv(local, microsPerDay), len(out.Buf)
	out.Buf = p.append(out.Buf, moment{day: day, micro: local - day*microsPerDay, nano: nano}, zone, offset)
	out.EndBytes(i, off)
	w.last, w.lo, w.hi = p, 0, 0
	if p.unit > 0 {
		w.lo = floorDiv(local, p.unit) * p.unit
		w.hi, w.view = w.lo+p.unit, out.Str[i]
	}
	return nil
}

// printAll is print for a column of readings, none of them NULL.
func (w *printer) printAll(pat []byte, local []int64, out *batch.Vector) (badRow int, err error) {
	str := out.Str[:len(local)]
	for i, x := range local {
		if x >= w.lo && x < w.hi {
			str[i] = w.view
			continue
		}
		if err := w.print(pat, x, 0, time.UTC, 0, out, i); err != nil {
			return i, err
		}
	}
	return 0, nil
}

// sameFor is the time in microseconds for which the text of a field stays the
// same, 0 for less than a second or where it depends on the zone.
func sameFor(letter byte) int64 {
	switch letter {
	case 's':
		return 1_000_000
	case 'm':
		return 60_000_000
	case 'H', 'h', 'K', 'k', 'a':
		return 3_600_000_000
	case 'S', 'n', 'N', 'A', 'X', 'x', 'Z', 'z', 'V':
		return 0
	}
	return microsPerDay
}
