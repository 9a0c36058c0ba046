package types

import "time"

// Units of the values in vectors.
const (
	MicrosPerSecond = 1_000_000
	MicrosPerDay    = 86_400 * MicrosPerSecond
	MillisPerDay    = 86_400_000
)

// Days is the day number (since 1970-01-01) of a civil date, by H. Hinnant's
// days_from_civil.
func Days(year, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	if year < 0 && year%400 != 0 {
		era--
	}
	yoe := year - era*400
	mp := (month + 9) % 12
	doy := (153*mp+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

// Civil is the date of a day number, by H. Hinnant's civil_from_days.
func Civil(days int64) (year, month, day int) {
	z := days + 719468
	era := z / 146097
	if z < 0 && z%146097 != 0 {
		era--
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// SplitDay cuts microseconds since the epoch into a day number and the
// microseconds of that day.
func SplitDay(micros int64) (day, rest int64) {
	day = micros / MicrosPerDay
	if rest = micros % MicrosPerDay; rest < 0 {
		day, rest = day-1, rest+MicrosPerDay
	}
	return day, rest
}

func two(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// AppendDate appends yyyy-MM-dd.
func AppendDate(b []byte, days int64) []byte {
	y, m, d := Civil(days)
	if y < 0 {
		b = append(b, '-')
		y = -y
	}
	if y > 9999 {
		b = append(b, byte('0'+y/10000%10))
	}
	b = two(two(b, y/100%100), y%100)
	b = two(append(b, '-'), m)
	return two(append(b, '-'), d)
}

// clock appends HH:mm:ss and precision fraction digits of micros and nanos.
func clock(b []byte, micros int64, nanos, precision int) []byte {
	s := micros / MicrosPerSecond
	b = two(b, int(s/3600))
	b = two(append(b, ':'), int(s/60%60))
	b = two(append(b, ':'), int(s%60))
	if precision == 0 {
		return b
	}
	b = append(b, '.')
	frac := micros%MicrosPerSecond*1000 + int64(nanos)
	for i, div := 0, int64(100_000_000); i < precision; i, div = i+1, div/10 {
		b = append(b, byte('0'+frac/div%10))
	}
	return b
}

// AppendTime appends HH:mm:ss with precision fraction digits.
func AppendTime(b []byte, ms int64, precision int) []byte { return clock(b, ms*1000, 0, precision) }

// AppendTimestamp appends yyyy-MM-dd HH:mm:ss with precision fraction digits.
func AppendTimestamp(b []byte, micros int64, nanos, precision int) []byte {
	day, rest := SplitDay(micros)
	b = append(AppendDate(b, day), ' ')
	return clock(b, rest, nanos, precision)
}

// digits reads 1 to most digits.
func digits(s []byte, most int) (n, width int) {
	for width < len(s) && width < most && s[width] >= '0' && s[width] <= '9' {
		n = n*10 + int(s[width]-'0')
		width++
	}
	return n, width
}

// parseDate reads y-M-d from the front of s.
func parseDate(s []byte) (days int64, rest []byte, ok bool) {
	y, w := digits(s, 4)
	if w == 0 {
		return 0, s, false
	}
	s = s[w:]
	if len(s) == 0 {
		return Days(y, 1, 1), s, true
	}
	if s[0] != '-' {
		return 0, s, false
	}
	m, w := digits(s[1:], 2)
	if w == 0 || m < 1 || m > 12 {
		return 0, s, false
	}
	s = s[1+w:]
	if len(s) == 0 {
		return Days(y, m, 1), s, true
	}
	if s[0] != '-' {
		return 0, s, false
	}
	d, w := digits(s[1:], 2)
	if w == 0 || d < 1 || d > monthDays(y, m) {
		return 0, s, false
	}
	return Days(y, m, d), s[1+w:], true
}

func monthDays(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// ParseDate reads "yyyy[-M[-d]]", blanks around it; what follows a blank doesn't
// count.
func ParseDate(s []byte) (days int64, ok bool) {
	d, rest, ok := parseDate(trim(s))
	return d, ok && (len(rest) == 0 || rest[0] == ' ')
}

// parseClock reads H:m:s[.f] from the front of s, in nanoseconds.
func parseClock(s []byte) (ns int64, rest []byte, ok bool) {
	h, w := digits(s, 2)
	if w == 0 || h > 23 {
		return 0, s, false
	}
	s = s[w:]
	var part [2]int
	for k := range part {
		if len(s) == 0 {
			break
		}
		if s[0] != ':' {
			return 0, s, false
		}
		if part[k], w = digits(s[1:], 2); w == 0 || part[k] > 59 {
			return 0, s, false
		}
		s = s[1+w:]
	}
	ns = (int64(h)*3600 + int64(part[0])*60 + int64(part[1])) * 1_000_000_000
	if len(s) > 0 && s[0] == '.' {
		s = s[1:]
		unit := int64(100_000_000)
		for len(s) > 0 && s[0] >= '0' && s[0] <= '9' {
			ns += int64(s[0]-'0') * unit
			unit /= 10
			s = s[1:]
		}
	}
	return ns, s, true
}

// ParseTime reads a time of day in ms.
func ParseTime(s []byte) (ms int64, ok bool) {
	ns, rest, ok := parseClock(trim(s))
	return ns / 1_000_000, ok && len(rest) == 0
}

// ParseDateTime reads what CAST takes for a timestamp: "yyyy-M-d[ H:m:s[.f]]",
// nothing around it. A day beyond its month's end is the last one, 24:00:00 the
// next day's start.
func ParseDateTime(s []byte) (micros int64, nanos int, ok bool) {
	y, w := digits(s, 4)
	if w != 4 || y == 0 || len(s) < 8 || s[4] != '-' {
		return 0, 0, false
	}
	m, w := digits(s[5:], 2)
	s = s[5+w:]
	if w == 0 || m < 1 || m > 12 || len(s) == 0 || s[0] != '-' {
		return 0, 0, false
	}
	d, w := digits(s[1:], 2)
	if s = s[1+w:]; w == 0 || d < 1 || d > 31 {
		return 0, 0, false
	}
	day := Days(y, m, min(d, monthDays(y, m)))
	if len(s) == 0 {
		return day * MicrosPerDay, 0, true
	}
	if s[0] != ' ' {
		return 0, 0, false
	}
	s = s[1:]
	var part [3]int
	for k := range part {
		if k > 0 {
			if len(s) == 0 || s[0] != ':' {
				return 0, 0, false
			}
			s = s[1:]
		}
		if part[k], w = digits(s, 2); w == 0 || part[k] > 59 || k == 0 && part[k] > 24 {
			return 0, 0, false
		}
		s = s[w:]
	}
	if len(s) > 0 {
		n, w := digits(s[1:], 9)
		if s[0] != '.' || 1+w < len(s) {
			return 0, 0, false
		}
		for ; w < 9; w++ {
			n *= 10
		}
		nanos = n
	}
	if part[0] == 24 && (part[1] > 0 || part[2] > 0 || nanos > 0) {
		return 0, 0, false
	}
	secs := int64(part[0])*3600 + int64(part[1])*60 + int64(part[2])
	return day*MicrosPerDay + secs*MicrosPerSecond + int64(nanos/1000), nanos % 1000, true
}

// ParseTimestamp reads "yyyy-MM-dd[ HH:mm:ss[.f]]", with a T for the blank too.
func ParseTimestamp(s []byte) (micros int64, nanos int, ok bool) {
	days, rest, ok := parseDate(trim(s))
	if !ok {
		return 0, 0, false
	}
	if len(rest) == 0 {
		return days * MicrosPerDay, 0, true
	}
	if rest[0] != ' ' && rest[0] != 'T' {
		return 0, 0, false
	}
	ns, rest, ok := parseClock(rest[1:])
	if !ok || len(rest) > 0 {
		return 0, 0, false
	}
	return days*MicrosPerDay + ns/1000, int(ns % 1000), true
}

func trim(s []byte) []byte {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// ToLocal is the wall clock of an instant in a zone, both in microseconds.
func ToLocal(micros int64, zone *time.Location) int64 {
	if zone == time.UTC {
		return micros
	}
	_, offset := time.UnixMicro(micros).In(zone).Zone()
	return micros + int64(offset)*MicrosPerSecond
}

// FromLocal is the instant of a wall clock in a zone. A time in a gap moves
// forward by the gap's length, one that occurs twice is the first, as java.time
// has it.
func FromLocal(micros int64, zone *time.Location) int64 {
	if zone == time.UTC {
		return micros
	}
	_, before := time.UnixMicro(micros - MicrosPerDay).In(zone).Zone()
	instant := micros - int64(before)*MicrosPerSecond
	if ToLocal(instant, zone) == micros {
		return instant
	}
	_, after := time.UnixMicro(micros + MicrosPerDay).In(zone).Zone()
	if second := micros - int64(after)*MicrosPerSecond; ToLocal(second, zone) == micros {
		return second
	}
	return instant
}

// AppendMonths appends a year-month interval: "+1-02".
func AppendMonths(b []byte, months int64) []byte {
	sign := byte('+')
	if months < 0 {
		sign, months = '-', -months
	}
	b = append(b, sign)
	b = appendInt(b, months/12)
	return two(append(b, '-'), int(months%12))
}

// FloorMillis is microseconds since the epoch in ms, rounded down.
func FloorMillis(micros int64) int64 {
	q := micros / 1000
	if micros%1000 < 0 {
		q--
	}
	return q
}

// AppendMillis appends a day-time interval: "+1 02:03:04.005".
func AppendMillis(b []byte, ms int64) []byte {
	sign := byte('+')
	if ms < 0 {
		sign, ms = '-', -ms
	}
	b = append(b, sign)
	b = appendInt(b, ms/MillisPerDay)
	return clock(append(b, ' '), ms%MillisPerDay*1000, 0, 3)
}

func appendInt(b []byte, n int64) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}
