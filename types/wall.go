package types

import (
	"encoding/binary"
	"time"
)

// WallReader reads timestamps in the one form that nearly all have,
// "yyyy-MM-dd HH:mm:ss[.f]", and remembers the last date: neighbours in a stream
// share it. The zero value is ready. It belongs to one goroutine.
type WallReader struct {
	head uint64 // "yyyy-MM-"
	tail uint16 // "dd"
	day  int64  // its midnight, in microseconds
}

// Read is a wall clock reading in microseconds and nanoseconds of the
// microsecond. sep stands between date and time. With ok false the text has
// another form, or none: the exact readers (ParseDateTime, ParseTimestamp) then
// say what it is.
func (r *WallReader) Read(s []byte, sep byte) (micros int64, nanos int, ok bool) {
	if len(s) < 19 || s[10] != sep {
		return 0, 0, false
	}
	head, tail := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint16(s[8:])
	if head != r.head || tail != r.tail {
		day, rest, ok := parseDate(s[:10])
		if !ok || len(rest) > 0 || s[4] != '-' || s[7] != '-' || head&0xFFFFFFFF == 0x30303030 {
			return 0, 0, false
		}
		r.head, r.tail, r.day = head, tail, day*MicrosPerDay
	}
	sec, ok := Clock(binary.LittleEndian.Uint64(s[11:]))
	if !ok {
		return 0, 0, false
	}
	micros = r.day + sec*MicrosPerSecond
	if len(s) == 19 {
		return micros, 0, true
	}
	if len(s) == 23 && s[19] == '.' { // milliseconds, as nearly all have them
		ms, ok := Thousandths(binary.LittleEndian.Uint32(s[19:]))
		return micros + ms*1000, 0, ok
	}
	if s[19] != '.' || len(s) == 20 || len(s) > 29 {
		return 0, 0, false
	}
	frac := int64(0)
	for _, c := range s[20:] {
		if c -= '0'; c > 9 {
			return 0, 0, false
		}
		frac = frac*10 + int64(c)
	}
	for k := len(s); k < 29; k++ {
		frac *= 10
	}
	return micros + frac/1000, int(frac % 1000), true
}

// Clock is "HH:mm:ss", the first byte lowest, in seconds; false: it isn't one.
func Clock(w uint64) (seconds int64, ok bool) {
	t := w ^ 0x30303A30303A3030                                  // "00:00:00"
	other := ((t + 0x0606060606060606) | t) & 0xF0F0F0F0F0F0F0F0 // of bytes that aren't digits
	colons := t & 0x0000FF0000FF0000
	t = t*10 + t>>8 // pairs of digits in bytes 0, 3 and 6
	h, m, s := int64(t&0xFF), int64(t>>24&0xFF), int64(t>>48&0xFF)
	return (h*60+m)*60 + s, other|colons == 0 && h < 24 && m < 60 && s < 60
}

// Thousandths is ".SSS", the first byte lowest; false: it isn't one.
func Thousandths(w uint32) (ms int64, ok bool) {
	t := w ^ 0x3030302E // ".000"
	other := ((t+0x06060600)|t)&0xF0F0F000 | t&0xFF
	return int64(t>>8&0xFF*100 + t>>16&0xFF*10 + t>>24), other == 0
}

// WallWriter appends timestamps as AppendTimestamp does, and remembers the last
// date's text. The zero value is ready. It belongs to one goroutine.
type WallWriter struct {
	day   int64
	date  [16]byte
	width int // of date; 0: none yet
}

// Append appends "yyyy-MM-dd HH:mm:ss" and precision fraction digits.
func (w *WallWriter) Append(b []byte, micros int64, nanos, precision int) []byte {
	day, rest := SplitDay(micros)
	if day != w.day || w.width == 0 {
		date := append(AppendDate(w.date[:0], day), ' ')
		if len(date) > len(w.date) {
			return AppendTimestamp(b, micros, nanos, precision)
		}
		w.day, w.width = day, len(date)
	}
	b = append(b, w.date[:w.width]...)
	s, frac := uint32(rest/MicrosPerSecond), uint32(rest%MicrosPerSecond)
	h, m := s/3600, s/60%60
	s %= 60
	b = append(b, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':', byte('0'+s/10), byte('0'+s%10))
	switch precision {
	case 0:
		return b
	case 3:
		frac /= 1000
		return append(b, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
	}
	b = append(b, '.')
	digits := uint32(frac)*1000 + uint32(nanos)
	for i, div := 0, uint32(100_000_000); i < precision; i, div = i+1, div/10 {
		b = append(b, byte('0'+digits/div%10))
	}
	return b
}

// ZoneClock is a zone that remembers the offset around the last instant: an
// offset holds for months. It belongs to one goroutine.
type ZoneClock struct {
	zone     *time.Location
	from, to int64 // the offset holds in [from, to), microseconds since the epoch
	offset   int64
}

// NewZoneClock makes one for a zone.
func NewZoneClock(zone *time.Location) *ZoneClock { return &ZoneClock{zone: zone} }

// Offset is what the wall clock is ahead of UTC at an instant, both in
// microseconds.
func (z *ZoneClock) Offset(micros int64) int64 {
	if micros < z.from || micros >= z.to {
		z.find(micros)
	}
	return z.offset
}

// ToLocal is the wall clock reading of an instant, both in microseconds.
func (z *ZoneClock) ToLocal(micros int64) int64 { return micros + z.Offset(micros) }

func (z *ZoneClock) find(micros int64) {
	t := time.UnixMicro(micros).In(z.zone)
	_, offset := t.Zone()
	z.offset = int64(offset) * MicrosPerSecond
	start, end := t.ZoneBounds()
	z.from, z.to = micros, micros+1
	if start.IsZero() {
		z.from = micros - MicrosPerDay
	} else {
		z.from = start.UnixMicro()
	}
	if end.IsZero() {
		z.to = micros + MicrosPerDay
	} else {
		z.to = end.UnixMicro()
	}
}
