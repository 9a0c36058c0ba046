package formats

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String is the option's text or its default.
func (v Values) String(name string) string {
	if s, ok := v.Set[name]; ok {
		return s
	}
	for _, o := range v.Declared {
		if o.Name == name {
			return o.Default
		}
	}
	return ""
}

// Int is the option as an integer.
func (v Values) Int(name string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(v.String(name)), 10, 64)
	return n
}

// Float is the option as a number.
func (v Values) Float(name string) float64 {
	f, _ := strconv.ParseFloat(strings.TrimSpace(v.String(name)), 64)
	return f
}

// Bool is the option as a boolean.
func (v Values) Bool(name string) bool {
	return strings.EqualFold(strings.TrimSpace(v.String(name)), "true")
}

// Bytes is the option as a size in bytes.
func (v Values) Bytes(name string) int64 { n, _ := ParseMemory(v.String(name)); return n }

// List is the option split at ";".
func (v Values) List(name string) []string {
	s := v.String(name)
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}

// Map is the option read as "k:v,k:v".
func (v Values) Map(name string) map[string]string {
	m := map[string]string{}
	for _, kv := range strings.Split(v.String(name), ",") {
		if k, x, ok := strings.Cut(kv, ":"); ok {
			m[strings.TrimSpace(k)] = strings.TrimSpace(x)
		}
	}
	return m
}

// Sub is the options with the prefix, which is taken off.
func (v Values) Sub(prefix string, declared []Option) Values {
	out := Values{Set: map[string]string{}, Declared: declared}
	for k, x := range v.Set {
		if s, ok := strings.CutPrefix(k, prefix); ok {
			out.Set[s] = x
		}
	}
	return out
}

// Check says what is wrong with a value for the option, nil for nothing.
func (o Option) Check(value string) error {
	var err error
	switch s := strings.TrimSpace(value); o.Type {
	case IntOption:
		_, err = strconv.ParseInt(s, 10, 64)
	case FloatOption:
		_, err = strconv.ParseFloat(s, 64)
	case BoolOption:
		if !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
			err = fmt.Errorf("expected true or false")
		}
	case DurationOption:
		_, err = ParseDuration(s)
	case MemoryOption:
		_, err = ParseMemory(s)
	case EnumOption:
		for _, e := range o.Enum {
			if strings.EqualFold(e, s) {
				return nil
			}
		}
		err = fmt.Errorf("expected one of %s", strings.Join(o.Enum, ", "))
	}
	if err != nil {
		if n, ok := err.(*strconv.NumError); ok {
			err = fmt.Errorf("not a number: %w", n.Err)
		}
		return fmt.Errorf("bad value %q for option %q: %w", value, o.Name, err)
	}
	return nil
}

// ParseDuration reads Flink's durations: a number and a unit (d h min s ms us
// µs ns and their long forms; none means ms), or ISO 8601's PT10S.
func ParseDuration(s string) (time.Duration, error) {
	if strings.HasPrefix(s, "P") || strings.HasPrefix(s, "p") {
		return isoDuration(s)
	}
	n, unit, err := numberUnit(s)
	if err != nil {
		return 0, fmt.Errorf("duration %q: %w", s, err)
	}
	var u time.Duration
	switch unit {
	case "d", "day", "days":
		u = 24 * time.Hour
	case "h", "hour", "hours":
		u = time.Hour
	case "m", "min", "minute", "minutes":
		u = time.Minute
	case "s", "sec", "secs", "second", "seconds":
		u = time.Second
	case "", "ms", "milli", "millis", "millisecond", "milliseconds":
		u = time.Millisecond
	case "us", "µs", "micro", "micros", "microsecond", "microseconds":
		u = time.Microsecond
	case "ns", "nano", "nanos", "nanosecond", "nanoseconds":
		u = time.Nanosecond
	default:
		return 0, fmt.Errorf("duration %q: unknown unit %q", s, unit)
	}
	if d := time.Duration(n) * u; d/u == time.Duration(n) {
		return d, nil
	}
	return 0, fmt.Errorf("duration %q is too long", s)
}

// isoDuration reads P[nD][T[nH][nM][nS]].
func isoDuration(s string) (time.Duration, error) {
	days, clock, _ := strings.Cut(strings.ToUpper(s[1:]), "T")
	total := time.Duration(0)
	for _, part := range [2]struct {
		text  string
		units string
	}{{days, "D"}, {clock, "HMS"}} {
		for part.text != "" {
			i := strings.IndexAny(part.text, part.units)
			if i <= 0 {
				return 0, fmt.Errorf("duration %q: expected ISO 8601, such as PT10S", s)
			}
			n, err := strconv.ParseFloat(part.text[:i], 64)
			if err != nil {
				return 0, fmt.Errorf("duration %q: %q is no number", s, part.text[:i])
			}
			u := map[byte]time.Duration{'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}[part.text[i]]
			total += time.Duration(n * float64(u))
			part.text = part.text[i+1:]
		}
	}
	return total, nil
}

// ParseMemory reads Flink's sizes: a number and a unit (b kb mb gb tb and their
// long forms; none means bytes). The result is in bytes.
func ParseMemory(s string) (int64, error) {
	n, unit, err := numberUnit(s)
	if err != nil {
		return 0, fmt.Errorf("size %q: %w", s, err)
	}
	shift := map[string]uint{"": 0, "b": 0, "bytes": 0, "k": 10, "kb": 10, "kibibytes": 10, "m": 20, "mb": 20, "mebibytes": 20,
		"g": 30, "gb": 30, "gibibytes": 30, "t": 40, "tb": 40, "tebibytes": 40}
	k, ok := shift[unit]
	if !ok {
		return 0, fmt.Errorf("size %q: unknown unit %q", s, unit)
	}
	if n<<k>>k != n {
		return 0, fmt.Errorf("size %q is too large", s)
	}
	return n << k, nil
}

func numberUnit(s string) (n int64, unit string, err error) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 {
		return 0, "", fmt.Errorf("expected a number and a unit")
	}
	if n, err = strconv.ParseInt(s[:i], 10, 64); err != nil {
		return 0, "", fmt.Errorf("the number is too large")
	}
	return n, strings.ToLower(strings.TrimSpace(s[i:])), nil
}
