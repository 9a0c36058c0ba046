// Package window is the arithmetic of time windows: which windows a time belongs
// to, and when a window has passed. The operators of windows share it.
//
// Times are ms of the windows' clock: wall clock of the session's zone for
// TIMESTAMP_LTZ, else the time as it is written. Windows are half open, named by
// their end. Start with Window, then Each.
package window

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/types"
)

// Kind is the kind of window.
type Kind uint8

const (
	Tumble Kind = iota
	Hop
	Cumulate
	Session
	// Attached rows carry their window's start and end in columns of their own:
	// they come from another window operator.
	Attached
)

func (k Kind) String() string {
	return [...]string{"TUMBLE", "HOP", "CUMULATE", "SESSION", "WINDOW"}[k]
}

// Window is a window function's parameters.
type Window struct {
	Kind       Kind
	Size       int64 // ms; SESSION's gap
	Slide      int64 // ms; CUMULATE's step
	Offset     int64 // ms
	Time       int   // the time column
	Start, End int   // of Attached: the columns of the window's borders
	Proctime   bool
	LTZ        bool
}

// Describe is Flink's form: TUMBLE(time_col=[ts], size=[10 s]).
func (w Window) Describe(in *types.Schema) string {
	if w.Kind == Attached {
		return fmt.Sprintf("WINDOW(win_start=[%s], win_end=[%s])", in.Fields[w.Start].Name, in.Fields[w.End].Name)
	}
	name := "size"
	switch w.Kind {
	case Cumulate:
		name = "max_size"
	case Session:
		name = "gap"
	}
	s := fmt.Sprintf("%s(time_col=[%s], %s=[%s]", w.Kind, in.Fields[w.Time].Name, name, duration(w.Size))
	switch w.Kind {
	case Hop:
		s += fmt.Sprintf(", slide=[%s]", duration(w.Slide))
	case Cumulate:
		s += fmt.Sprintf(", step=[%s]", duration(w.Slide))
	}
	if w.Offset != 0 {
		s += fmt.Sprintf(", offset=[%s]", duration(w.Offset))
	}
	return s + ")"
}

// duration is ms in the largest unit that divides it.
func duration(ms int64) string {
	for _, u := range []struct {
		ms   int64
		name string
	}{{86_400_000, "d"}, {3_600_000, "h"}, {60_000, "min"}, {1000, "s"}} {
		if ms != 0 && ms%u.ms == 0 {
			return fmt.Sprintf("%d %s", ms/u.ms, u.name)
		}
	}
	return fmt.Sprintf("%d ms", ms)
}

// Width is the widest slice that no window's border divides.
func (w Window) Width() int64 {
	switch w.Kind {
	case Hop:
		return GCD(w.Size, w.Slide)
	case Cumulate:
		return w.Slide
	case Session, Attached:
		return 1
	}
	return w.Size
}

// Cut is how fine a watermark must cut a batch for windows that fire by event
// time: they do at multiples of it, less one. 0: they don't fire by event time.
func (w Window) Cut() int64 {
	if w.Proctime {
		return 0
	}
	c := GCD(w.Width(), abs(w.Offset))
	if w.LTZ {
		c = GCD(c, 900_000) // zones are whole quarters of an hour apart
	}
	return c
}

// Clock is an instant in microseconds on the windows' clock.
func (w Window) Clock(micros int64, zone *time.Location) int64 {
	if w.LTZ {
		micros = types.ToLocal(micros, zone)
	}
	return Floor(micros, 1000)
}

// Slice is the end of the slice that t lies in.
func (w Window) Slice(t int64) int64 {
	width := w.Width()
	return Floor(t-w.Offset, width)*width + w.Offset + width
}

// Last is the end of the last window that a slice belongs to.
func (w Window) Last(slice int64) int64 {
	switch w.Kind {
	case Hop:
		return Floor(slice-w.Width()-w.Offset, w.Slide)*w.Slide + w.Offset + w.Size
	case Cumulate:
		return Floor(slice-w.Slide-w.Offset, w.Size)*w.Size + w.Offset + w.Size
	}
	return slice
}

// StartOf is the start of the window that ends at end.
func (w Window) StartOf(end int64) int64 {
	if w.Kind == Cumulate {
		return Floor(end-1-w.Offset, w.Size)*w.Size + w.Offset
	}
	return end - w.Size
}

// Each appends the windows t belongs to as (start, end) pairs, in the order a
// window function lists them: HOP from the latest, CUMULATE from the shortest.
func (w Window) Each(t int64, to []Span) []Span {
	switch w.Kind {
	case Hop:
		for s := Floor(t-w.Offset, w.Slide)*w.Slide + w.Offset; s > t-w.Size; s -= w.Slide {
			to = append(to, Span{s, s + w.Size})
		}
	case Cumulate:
		s := Floor(t-w.Offset, w.Size)*w.Size + w.Offset
		for e := w.Slice(t); e <= s+w.Size; e += w.Slide {
			to = append(to, Span{s, e})
		}
	case Tumble:
		s := Floor(t-w.Offset, w.Size)*w.Size + w.Offset
		to = append(to, Span{s, s + w.Size})
	case Session:
		to = append(to, Span{t, t + w.Size})
	}
	return to
}

// Span is a window: start inclusive, end exclusive.
type Span struct{ Start, End int64 }

// Deadline is the watermark in ms that a window ending at end waits for.
//
// With TIMESTAMP_LTZ the end is wall clock. One that occurs twice, when clocks go
// back, is the second: the window holds the rows of both hours. One that is
// skipped, when clocks go forward, is the instant they jump.
func (w Window) Deadline(end int64, zone *time.Location) int64 {
	t := end - 1
	if !w.LTZ || zone == time.UTC {
		return t
	}
	const hour = 3_600_000
	at := func(local int64) int64 { return Floor(types.FromLocal(local*1000, zone), 1000) }
	first, next := at(t), at(t+hour)
	switch {
	case next-first > hour:
		return first + hour
	case next == first:
		return first - first%hour
	}
	return first
}

// Floor is a/b rounded down.
func Floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// GCD is the greatest common divisor; of 0 and n it is n.
func GCD(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}
