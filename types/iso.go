package types

// AppendISO appends microseconds and nanoseconds as ISO 8601 text as Java's
// LocalDateTime prints itself: no seconds when they are 0, a fraction of 3, 6 or 9
// digits.
func AppendISO(b []byte, micros, nanos int64) []byte {
	day, rest := SplitDay(micros)
	b = append(AppendDate(b, day), 'T')
	secs, frac := rest/MicrosPerSecond, rest%MicrosPerSecond*1000+nanos
	b = append(two(b, int(secs/3600)), ':')
	b = two(b, int(secs/60%60))
	if secs%60 == 0 && frac == 0 {
		return b
	}
	b = two(append(b, ':'), int(secs%60))
	n := 9
	for ; n > 3 && frac%1000 == 0 && frac > 0; n -= 3 {
		frac /= 1000
	}
	if frac == 0 {
		return b
	}
	b = append(b, '.')
	for p := n - 1; p >= 0; p-- {
		q := int64(1)
		for k := 0; k < p; k++ {
			q *= 10
		}
		b = append(b, byte('0'+frac/q%10))
	}
	return b
}
