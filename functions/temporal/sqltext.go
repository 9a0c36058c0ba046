package temporal

import "strings"

// sqlText reads "y-M-d" or "y-M-d H:m:s[.f]" as java.sql does, which Flink tries
// when a text doesn't fit its pattern: fields beyond their range count on into the
// next.
func sqlText(s string) (moment, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	date, clock, both := strings.Cut(s, " ")
	f := strings.Split(date, "-")
	if len(f) != 3 || len(f[0]) != 4 {
		return moment{}, false
	}
	var n [6]int64
	ok := true
	read := func(k int, s string, least, most int64) {
		x, isNumber := number(s, 9)
		n[k] = x
		ok = ok && isNumber && len(s) <= 2 && x >= least && x <= most
	}
	y, isYear := number(f[0], 4)
	read(1, f[1], 1, 12)
	read(2, f[2], 1, 31)
	nanos := int64(0)
	if both {
		whole, frac, dot := strings.Cut(clock, ".")
		h := strings.Split(whole, ":")
		if len(h) != 3 {
			return moment{}, false
		}
		for k := range h {
			read(3+k, h[k], 0, 99)
		}
		if dot {
			x, isNumber := number(frac, 9)
			ok = ok && isNumber
			for k := len(frac); k < 9; k++ {
				x *= 10
			}
			nanos = x
		}
	}
	if !ok || !isYear {
		return moment{}, false
	}
	us := (n[3]*3600+n[4]*60+n[5])*1_000_000 + nanos/1000
	day := dayOf(y, n[1], n[2]) + floorDiv(us, microsPerDay)
	return moment{day: day, micro: us % microsPerDay, nano: nanos % 1000}, true
}
