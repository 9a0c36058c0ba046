package temporal

import (
	"fmt"
	"strings"
	"time"
)

// pattern is a compiled date pattern: fields (a letter, how often it stands) and
// literal text between them.
type pattern struct {
	parts  []patternPart
	digits int // the S in it
	zoned  bool
	unit   int64 // the text stays the same so long, in microseconds; 0: not
	iso    int   // wallPattern with so many S behind; -1: another pattern
}

type patternPart struct {
	letter byte // 0: literal text
	count  int
	text   string
	// tight: another number follows at once, so exactly count digits are read.
	tight bool
}

const letters = "yuYMLdDHhkKmsSaEeFwWQqXxZzVnNAG"

// compile reads a pattern of Java's letters.
func compile(s string) (*pattern, error) {
	p := &pattern{unit: microsPerDay, iso: -1}
	if rest, ok := strings.CutPrefix(s, wallPattern); ok {
		switch frac, dot := strings.CutPrefix(rest, "."); {
		case rest == "":
			p.iso = 0
		case dot && frac != "" && len(frac) <= 9 && strings.Trim(frac, "S") == "":
			p.iso = len(frac)
		}
	}
	lit := func(t string) {
		if n := len(p.parts); n > 0 && p.parts[n-1].letter == 0 {
			p.parts[n-1].text += t
			return
		}
		p.parts = append(p.parts, patternPart{text: t})
	}
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'':
			if strings.HasPrefix(s[i:], "''") {
				lit("'")
				i += 2
				continue
			}
			text, width, ok := quoted(s[i+1:])
			if !ok {
				return nil, fmt.Errorf("pattern '%s' ends inside quotes", s)
			}
			lit(text)
			i += 1 + width
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			j := i
			for j < len(s) && s[j] == c {
				j++
			}
			if strings.IndexByte(letters, c) < 0 {
				return nil, fmt.Errorf("unknown pattern letter: %c", c)
			}
			p.add(c, j-i)
			i = j
		default:
			lit(s[i : i+1])
			i++
		}
	}
	return p, nil
}

func (p *pattern) add(c byte, count int) {
	if n := len(p.parts); n > 0 && numeric(p.parts[n-1]) && numeric(patternPart{letter: c, count: count}) {
		p.parts[n-1].tight = true
	}
	switch c {
	case 'S':
		p.digits += count
	case 'X', 'x', 'Z', 'z', 'V':
		p.zoned = true
	}
	p.unit = min(p.unit, sameFor(c))
	p.parts = append(p.parts, patternPart{letter: c, count: count})
}

// quoted reads text up to the closing quote; two quotes are one.
func quoted(s string) (text string, width int, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '\'' {
			text += s[i : i+1]
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			text += "'"
			i++
			continue
		}
		return text, i + 1, true
	}
	return "", 0, false
}

func numeric(p patternPart) bool {
	switch p.letter {
	case 'y', 'u', 'd', 'D', 'H', 'h', 'k', 'K', 'm', 's', 'S', 'n', 'N', 'A', 'e', 'w', 'W', 'Y', 'F':
		return true
	case 'M', 'L', 'Q', 'q':
		return p.count < 3
	}
	return false
}

// append appends the text of a moment; offset is the zone's, in seconds.
func (p *pattern) append(b []byte, m moment, zone *time.Location, offset int) []byte {
	y, mo, d := civil(m.day)
	hour := m.micro / 3_600_000_000
	for _, x := range p.parts {
		n := x.count
		switch x.letter {
		case 0:
			b = append(b, x.text...)
		case 'y', 'u':
			if n == 2 {
				b = pad(b, y%100, 2)
			} else {
				b = pad(b, y, n)
			}
		case 'M', 'L':
			switch {
			case n == 3:
				b = append(b, time.Month(mo).String()[:3]...)
			case n == 4:
				b = append(b, time.Month(mo).String()...)
			case n > 4:
				b = append(b, time.Month(mo).String()[0])
			default:
				b = pad(b, mo, n)
			}
		case 'Q', 'q':
			b = appendQuarter(b, (mo+2)/3, n)
		case 'd':
			b = pad(b, d, n)
		case 'D':
			b = pad(b, m.day-dayOf(y, 1, 1)+1, n)
		case 'w':
			_, w := sundayWeek(m.day)
			b = pad(b, w, n)
		case 'Y':
			wy, _ := sundayWeek(m.day)
			if n == 2 {
				wy %= 100
			}
			b = pad(b, wy, n)
		case 'W':
			b = pad(b, (sunday(m.day)-sunday(dayOf(y, mo, 1)))/7+1, n)
		case 'F':
			b = pad(b, (d-1)%7+1, n)
		case 'A':
			b = pad(b, m.micro/1000, n)
		case 'N':
			b = pad(b, m.micro*1000+m.nano, n)
		case 'E':
			name := time.Weekday(weekday(m.day) % 7).String()
			switch {
			case n < 4:
				name = name[:3]
			case n > 4:
				name = name[:1]
			}
			b = append(b, name...)
		case 'e':
			b = pad(b, weekday(m.day)%7+1, n)
		case 'H':
			b = pad(b, hour, n)
		case 'h':
			b = pad(b, (hour+11)%12+1, n)
		case 'K':
			b = pad(b, hour%12, n)
		case 'k':
			b = pad(b, (hour+23)%24+1, n)
		case 'm':
			b = pad(b, m.micro/60_000_000%60, n)
		case 's':
			b = pad(b, m.micro/1_000_000%60, n)
		case 'S':
			b = appendFraction(b, m.micro%1_000_000*1000+m.nano, n)
		case 'n':
			b = pad(b, m.micro%1_000_000*1000+m.nano, n)
		case 'a':
			b = append(b, [2]string{"AM", "PM"}[hour/12]...)
		case 'G':
			b = append(b, [...]string{"AD", "Anno Domini", "A"}[max(min(n, 5)-3, 0)]...)
		case 'z':
			name, _ := time.UnixMicro(m.day*microsPerDay + m.micro).In(zone).Zone()
			b = append(b, name...)
		case 'V':
			b = append(b, zone.String()...)
		default:
			b = appendOffset(b, x, offset)
		}
	}
	return b
}

// sunday is the day on which the week of a day begins, in America.
func sunday(day int64) int64 { return day - weekday(day)%7 }

// sundayWeek is the year and number of a day's week, which begins on a Sunday; the
// first is that of the first of January.
func sundayWeek(day int64) (year, week int64) {
	year, _, _ = civil(sunday(day) + 6)
	return year, (sunday(day)-sunday(dayOf(year, 1, 1)))/7 + 1
}

func appendQuarter(b []byte, q int64, count int) []byte {
	switch count {
	case 3:
		return append(b, 'Q', byte('0'+q))
	case 4:
		return append(append(b, [...]string{"1st", "2nd", "3rd", "4th"}[q-1]...), " quarter"...)
	}
	return pad(b, q, min(count, 2))
}

func pad(b []byte, n int64, width int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	if width == 2 && n < 100 {
		return append(b, byte('0'+n/10), byte('0'+n%10))
	}
	var t [20]byte
	i := len(t)
	for n > 0 || i == len(t) {
		i--
		t[i] = byte('0' + n%10)
		n /= 10
	}
	for k := len(t) - i; k < width; k++ {
		b = append(b, '0')
	}
	return append(b, t[i:]...)
}

func appendFraction(b []byte, nanos int64, n int) []byte {
	for k := int64(100_000_000); n > 0; n-- {
		if k == 0 {
			b = append(b, '0')
			continue
		}
		b = append(b, byte('0'+nanos/k%10))
		k /= 10
	}
	return b
}

func appendOffset(b []byte, x patternPart, offset int) []byte {
	if x.letter == 'X' && offset == 0 {
		return append(b, 'Z')
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	b = pad(append(b, sign), int64(offset/3600), 2)
	if x.letter == 'Z' && x.count < 4 || x.count == 2 || x.count == 1 && offset%3600 != 0 {
		return pad(b, int64(offset/60%60), 2)
	}
	if x.count >= 3 {
		b = pad(append(b, ':'), int64(offset/60%60), 2)
	}
	return b
}

// parsed is what a text said.
type parsed struct {
	y, mo, d, h, mi, s, nano int64
	doy, ampm                int64 // ampm: 0 not said, 1 AM, 2 PM
	offset                   int64 // seconds, when zoned
	zoned                    bool
}

// parse reads s by the pattern. lenient lets fields run over (day 32), as
// SimpleDateFormat does, and text follow.
func (p *pattern) parse(s string, lenient bool) (r parsed, ok bool) {
	r = parsed{y: 1970, mo: 1, d: 1}
	for _, x := range p.parts {
		if x.letter == 0 {
			if !strings.HasPrefix(s, x.text) {
				return r, false
			}
			s = s[len(x.text):]
			continue
		}
		if s, ok = r.read(x, s, lenient); !ok {
			return r, false
		}
	}
	return r, (s == "" || lenient) && (lenient || r.valid())
}

func (r *parsed) valid() bool {
	midnight := r.h == 24 && r.mi == 0 && r.s == 0 && r.nano == 0 // the next day's start
	return r.mo >= 1 && r.mo <= 12 && r.d >= 1 && r.d <= 31 && (r.h < 24 || midnight) && r.mi < 60 && r.s < 60
}

func (r *parsed) read(x patternPart, s string, lenient bool) (rest string, ok bool) {
	switch {
	case x.letter == 'M' && x.count >= 3 || x.letter == 'L' && x.count >= 3:
		for m := time.January; m <= time.December; m++ {
			if rest, ok := cutName(s, m.String(), x.count); ok {
				r.mo = int64(m)
				return rest, true
			}
		}
		return s, false
	case x.letter == 'E':
		for d := time.Sunday; d <= time.Saturday; d++ {
			if rest, ok := cutName(s, d.String(), x.count); ok {
				return rest, true
			}
		}
		return s, false
	case x.letter == 'a':
		for k, name := range [...]string{"AM", "PM"} {
			if len(s) >= 2 && strings.EqualFold(s[:2], name) {
				r.ampm = int64(k + 1)
				return s[2:], true
			}
		}
		return s, false
	case !numeric(x):
		return r.readZone(s)
	}
	n, width := int64(0), 0
	most := 19
	if x.tight || x.count == 2 && !lenient || x.count == 4 && !lenient && x.letter != 'S' {
		most = x.count
	}
	for width < len(s) && width < most && s[width] >= '0' && s[width] <= '9' {
		n = n*10 + int64(s[width]-'0')
		width++
	}
	if width == 0 || x.tight && width < x.count || !lenient && x.letter != 'S' && width < x.count {
		return s, false
	}
	r.set(x, n, width)
	return s[width:], true
}

func (r *parsed) set(x patternPart, n int64, width int) {
	switch x.letter {
	case 'y', 'u':
		if x.count == 2 && width == 2 {
			n += 2000
		}
		r.y = n
	case 'M', 'L':
		r.mo = n
	case 'd':
		r.d = n
	case 'D':
		r.doy = n
	case 'H':
		r.h = n
	case 'h', 'K', 'k':
		r.h = n % map[bool]int64{true: 24, false: 12}[x.letter == 'k']
	case 'm':
		r.mi = n
	case 's':
		r.s = n
	case 'S':
		for ; width < 9; width++ {
			n *= 10
		}
		for ; width > 9; width-- {
			n /= 10
		}
		r.nano = n
	case 'n':
		r.nano = n
	}
}

// cutName takes an English name, or its first three letters, off s.
func cutName(s, name string, count int) (string, bool) {
	if count >= 4 && len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
		return s[len(name):], true
	}
	if count < 4 && len(s) >= 3 && strings.EqualFold(s[:3], name[:3]) {
		return s[3:], true
	}
	return s, false
}

// readZone reads Z, +hh, +hhmm, +hh:mm, UTC or GMT.
func (r *parsed) readZone(s string) (string, bool) {
	r.zoned = true
	for _, name := range [...]string{"UTC", "GMT", "Z"} {
		if strings.HasPrefix(s, name) {
			return s[len(name):], true
		}
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	sign := int64(1)
	if s[0] == '-' {
		sign = -1
	}
	var v [2]int64
	s = s[1:]
	for k := 0; k < 2; k++ {
		t := s
		if k == 1 {
			t = strings.TrimPrefix(t, ":")
		}
		if len(t) < 2 || t[0] < '0' || t[0] > '9' || t[1] < '0' || t[1] > '9' {
			if k == 0 {
				return s, false
			}
			break
		}
		v[k], s = int64(t[0]-'0')*10+int64(t[1]-'0'), t[2:]
	}
	r.offset = sign * (v[0]*3600 + v[1]*60)
	return s, true
}

// moment is the point the text named, and whether its day exists; a day beyond
// the month's end is moved to it unless the fields run over.
func (r *parsed) moment(lenient bool) (m moment, exists bool) {
	exists = true
	switch {
	case lenient:
		k := r.y*12 + r.mo - 1
		y := floorDiv(k, 12)
		m.day = dayOf(y, k-y*12+1, 1) + r.d - 1
	default:
		exists = r.d <= monthLen(r.y, r.mo)
		m.day = dayOf(r.y, r.mo, min(r.d, monthLen(r.y, r.mo)))
	}
	if r.doy > 0 {
		m.day = dayOf(r.y, 1, 1) + r.doy - 1
	}
	h := r.h
	if r.ampm == 2 && h < 12 {
		h += 12
	}
	us := ((h*60+r.mi)*60+r.s)*1_000_000 + r.nano/1000
	over := floorDiv(us, microsPerDay)
	m.day, m.micro, m.nano = m.day+over, us-over*microsPerDay, r.nano%1000
	return m, exists
}

// patterns compiles a pattern argument: at bind time if it is constant, else
// when it changes from row to row.
type patterns struct {
	last string
	p    *pattern
	err  error
}

func (c *patterns) of(s []byte) (*pattern, error) {
	if c.p == nil && c.err == nil || c.last != string(s) {
		c.last = string(s)
		c.p, c.err = compile(c.last)
	}
	return c.p, c.err
}

// isoText reads the default form of a timestamp, "yyyy-MM-dd[ HH:mm:ss[.f]]". A
// day that its month hasn't is moved to the month's end.
func isoText(s []byte) (moment, bool) {
	t := string(s)
	date, clock, both := strings.Cut(t, " ")
	f := strings.Split(date, "-")
	if len(f) != 3 || f[0] == "" {
		return moment{}, false
	}
	var r parsed
	var ok [6]bool
	r.y, ok[0] = number(f[0], 4)
	r.mo, ok[1] = number(f[1], 2)
	r.d, ok[2] = number(f[2], 2)
	ok[3], ok[4], ok[5] = true, true, true
	if both {
		whole, frac, dot := strings.Cut(clock, ".")
		h := strings.Split(whole, ":")
		if len(h) != 3 || dot && (frac == "" || len(frac) > 9) {
			return moment{}, false
		}
		r.h, ok[3] = number(h[0], 2)
		r.mi, ok[4] = number(h[1], 2)
		r.s, ok[5] = number(h[2], 2)
		if dot {
			n, okf := number(frac, 9)
			if !okf {
				return moment{}, false
			}
			r.set(patternPart{letter: 'S'}, n, len(frac))
		}
	}
	if ok != [6]bool{true, true, true, true, true, true} || !r.valid() {
		return moment{}, false
	}
	m, _ := r.moment(false)
	return m, true
}

func number(s string, most int) (n int64, ok bool) {
	if s == "" || len(s) > most {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// WallReader reads texts by a pattern of Java's letters, as LocalDateTime.parse does:
// microseconds since the epoch by the wall clock. What the pattern leaves out is the
// beginning of 1970. ok: the text is what the pattern says.
func WallReader(s string) (read func(text string) (micros int64, ok bool), err error) {
	p, err := compile(s)
	if err != nil {
		return nil, err
	}
	return func(text string) (int64, bool) {
		r, ok := p.parse(text, false)
		if !ok {
			return 0, false
		}
		m, _ := r.moment(false)
		return m.day*microsPerDay + m.micro, true
	}, nil
}
