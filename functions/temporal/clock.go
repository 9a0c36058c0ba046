package temporal

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

const (
	microsPerDay = 86_400_000_000
	millisPerDay = 86_400_000
)

// moment is a wall clock reading: days since the epoch, microseconds of the day
// and nanoseconds of the microsecond.
type moment struct{ day, micro, nano int64 }

// clock reads and writes values of one type as wall clock readings.
type clock struct {
	t     types.Type
	zone  *time.Location // of TIMESTAMP_LTZ; nil: UTC
	local *types.ZoneClock
}

func clockOf(t types.Type, s *types.Session) clock {
	c := clock{t: t}
	if t.Kind == types.TimestampLTZ && s != nil && s.Zone != time.UTC {
		c.zone, c.local = s.Zone, types.NewZoneClock(s.Zone)
	}
	return c
}

func (c clock) at(v *batch.Vector, i int) moment {
	x := v.I64[i]
	switch c.t.Kind {
	case types.Date:
		return moment{day: x}
	case types.Time:
		return moment{micro: x * 1000}
	}
	if c.zone != nil {
		x = c.local.ToLocal(x)
	}
	m := moment{day: floorDiv(x, microsPerDay)}
	m.micro = x - m.day*microsPerDay
	if c.t.Layout() == types.LayoutWide {
		m.nano = v.Hi[i]
	}
	return m
}

func (c clock) put(v *batch.Vector, i int, m moment) {
	switch c.t.Kind {
	case types.Date:
		v.I64[i] = m.day
		return
	case types.Time:
		v.I64[i] = m.micro / 1000
		return
	}
	x := m.day*microsPerDay + m.micro
	if c.zone != nil {
		x = toInstant(x, c.zone)
	}
	v.I64[i] = x
	if c.t.Layout() == types.LayoutWide {
		v.Hi[i] = m.nano
	}
}

// toLocal is the wall clock reading, in microseconds, of an instant.
func toLocal(us int64, zone *time.Location) int64 {
	return us + offset(us, zone)
}

func offset(us int64, zone *time.Location) int64 {
	_, s := time.UnixMicro(us).In(zone).Zone()
	return int64(s) * 1_000_000
}

// toInstant is the instant of a wall clock reading. Where the clock was set back
// the earlier one counts; a reading that was skipped is taken with the offset
// before the gap.
func toInstant(local int64, zone *time.Location) int64 {
	if zone == nil || zone == time.UTC {
		return local
	}
	before, after := offset(local-microsPerDay, zone), offset(local+microsPerDay, zone)
	if before == after {
		return local - before
	}
	if offset(local-before, zone) != before && offset(local-after, zone) == after {
		return local - after
	}
	return local - before
}

// laterInstant is toInstant by the rules of Java's old calendar, which some of
// Flink's functions use: where the clock was set back the later one counts.
func laterInstant(local int64, zone *time.Location) int64 {
	first := toInstant(local, zone)
	if zone == nil || zone == time.UTC {
		return first
	}
	if second := local - offset(local+microsPerDay, zone); second > first && toLocal(second, zone) == local {
		return second
	}
	return first
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil is the date of a day since the epoch, in the proleptic Gregorian
// calendar.
func civil(day int64) (y, m, d int64) {
	z := day + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

// dayOf is the inverse of civil. Days beyond the month's end count on.
func dayOf(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func leap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func monthLen(y, m int64) int64 {
	switch m {
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// addMonths moves a day by n months and clips it to the month's end.
func addMonths(day, n int64) int64 {
	y, m, d := civil(day)
	k := y*12 + m - 1 + n
	y = floorDiv(k, 12)
	m = k - y*12 + 1
	return dayOf(y, m, min(d, monthLen(y, m)))
}

// weekday is 1 (Monday) to 7 (Sunday).
func weekday(day int64) int64 {
	w := (day + 3) % 7
	if w < 0 {
		w += 7
	}
	return w + 1
}

// isoWeek is the ISO 8601 year and week of a day.
func isoWeek(day int64) (year, week int64) {
	thursday := day - weekday(day) + 4
	y, _, _ := civil(thursday)
	return y, (thursday-dayOf(y, 1, 1))/7 + 1
}
