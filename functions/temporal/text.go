package temporal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

const wallPattern = "yyyy-MM-dd HH:mm:ss"

var (
	str       = functions.StringParam
	timestamp = functions.TimestampParam
)

// DateFormat is DATE_FORMAT(t, pattern).
var DateFormat = &functions.Scalar{
	Name: "DATE_FORMAT",
	Doc:  doc("DATE_FORMAT(timestamp, pattern)", "The timestamp as text by a Java date pattern.", "DATE_FORMAT(TIMESTAMP '2020-01-02 03:04:05', 'yyyy/MM') -> '2020/01'"),
	Sigs: []functions.Sig{
		{Params: []functions.Param{timestamp, str}, Result: functions.Nullable(types.StringType)},
		{Params: []functions.Param{str, str}, Result: functions.Nullable(types.StringType)},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		from := clockOf(c.Args[0].Type, c.Session)
		isText := c.Args[0].Type.IsString()
		wall, err := compile(wallPattern)
		if err != nil {
			return nil, err
		}
		var w printer
		var usual types.WallReader
		wide := c.Args[0].Type.Layout() == types.LayoutWide
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			w.begin()
			if sel == nil && !isText && !wide && from.local == nil && c.Args[1].Const != nil {
				return w.printAll(args[1].Bytes(0), args[0].I64[:n], out)
			}
			return functions.Try(n, sel, func(i int) error {
				local, nano, offset := int64(0), int64(0), 0
				switch {
				case isText:
					us, ok := readLenient(wall, &usual, args[0].Bytes(i))
					if !ok {
						out.SetNull(i)
						return nil
					}
					local = us
				case from.local != nil:
					shift := from.local.Offset(args[0].I64[i])
					local, offset = args[0].I64[i]+shift, int(shift/1_000_000)
				default:
					local = args[0].I64[i]
				}
				if wide {
					nano = args[0].Hi[i]
				}
				return w.print(args[1].Bytes(i), local, nano, zoneOf(from), offset, out, i)
			})
		}), nil
	},
}

func zoneOf(c clock) *time.Location {
	if c.zone == nil {
		return time.UTC
	}
	return c.zone
}

// readLenient reads a text by wallPattern as Java's old calendar does: fields may
// run over, what follows the seconds doesn't count..
func readLenient(wall *pattern, usual *types.WallReader, s []byte) (micros int64, ok bool) {
	if us, _, ok := usual.Read(s, ' '); ok {
		return floorDiv(us, 1_000_000) * 1_000_000, true
	}
	r, ok := wall.parse(string(s), true)
	if !ok {
		return 0, false
	}
	m, _ := r.moment(true)
	return m.day*microsPerDay + m.micro, true
}

// FromUnixTime is FROM_UNIXTIME(seconds[, pattern]).
var FromUnixTime = &functions.Scalar{
	Name: "FROM_UNIXTIME",
	Doc:  doc("FROM_UNIXTIME(seconds[, pattern])", "Seconds since the epoch as text in the session's zone.", "FROM_UNIXTIME(44) -> '1970-01-01 00:00:44'"),
	Sigs: []functions.Sig{{Params: []functions.Param{functions.BigIntParam, str.Opt()}, Result: functions.Nullable(types.StringType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		local := types.NewZoneClock(c.Session.Zone)
		var w printer
		wall := []byte(wallPattern)
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			w.begin()
			return functions.Try(n, sel, func(i int) error {
				pat := wall
				if len(args) > 1 {
					pat = args[1].Bytes(i)
				}
				us := args[0].I64[i] * 1_000_000
				shift := local.Offset(us)
				return w.print(pat, us+shift, 0, c.Session.Zone, int(shift/1_000_000), out, i)
			})
		}), nil
	},
}

// UnixTimestamp is UNIX_TIMESTAMP([text[, pattern]]).
var UnixTimestamp = &functions.Scalar{
	Name: "UNIX_TIMESTAMP", Class: functions.PerRow,
	Doc:  doc("UNIX_TIMESTAMP([text[, pattern]])", "Seconds since the epoch: now, or of a text read in the session's zone. Text that can't be read gives the least BIGINT.", "UNIX_TIMESTAMP('1970-01-02 00:00:00') -> 86400"),
	Sigs: []functions.Sig{{Params: []functions.Param{str.Opt(), str.Opt()}, Result: functions.Strict(types.BigIntType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		var ps patterns
		var usual types.WallReader
		wall := []byte(wallPattern)
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (bad int, err error) {
			now := int64(0)
			if len(args) == 0 {
				now = c.Session.Now().Unix()
			}
			functions.Each(n, sel, func(i int) {
				if len(args) == 0 {
					out.I64[i] = now
					return
				}
				pat := wall
				if len(args) > 1 {
					pat = args[1].Bytes(i)
				}
				p, e := ps.of(pat)
				if e != nil {
					if err == nil {
						bad, err = i, e
					}
					return
				}
				if p.iso == 0 {
					us, ok := readLenient(p, &usual, args[0].Bytes(i))
					out.I64[i] = floorDiv(laterInstant(us, c.Session.Zone), 1_000_000)
					if !ok {
						out.I64[i] = math.MinInt64
					}
					return
				}
				r, ok := p.parse(string(args[0].Bytes(i)), true)
				if !ok {
					out.I64[i] = math.MinInt64
					return
				}
				m, _ := r.moment(true)
				us := m.day*microsPerDay + m.micro
				if r.zoned {
					us -= r.offset * 1_000_000
				} else {
					us = laterInstant(us, c.Session.Zone)
				}
				out.I64[i] = floorDiv(us, 1_000_000)
			})
			return bad, err
		}), nil
	},
}

// ToDate is TO_DATE(text[, pattern]).
var ToDate = &functions.Scalar{
	Name: "TO_DATE",
	Doc:  doc("TO_DATE(text[, pattern])", "The date a text names, NULL if it names none.", "TO_DATE('2020-1-2') -> 2020-01-02"),
	Sigs: []functions.Sig{{Params: []functions.Param{str, str.Opt()}, Result: functions.Nullable(types.DateType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		var ps patterns
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				if len(args) == 1 {
					d, ok := types.ParseDate(args[0].Bytes(i))
					if out.I64[i] = d; !ok {
						out.SetNull(i)
					}
					return
				}
				p, err := ps.of(args[1].Bytes(i))
				if err != nil {
					out.SetNull(i)
					return
				}
				r, ok := p.parse(string(args[0].Bytes(i)), true)
				m, _ := r.moment(true)
				if out.I64[i] = m.day; !ok {
					out.SetNull(i)
				}
			})
			return 0, nil
		}), nil
	},
}

// wallText reads texts by a pattern, or in the default form. It belongs to one
// goroutine.
type wallText struct {
	patterns
	usual types.WallReader
}

// read is the reading a text names. parsed has the zone if it names one, too.
func (w *wallText) read(s, pat []byte) (m moment, r parsed, ok bool) {
	digits := len(s) - len("yyyy-MM-dd HH:mm:ss.")
	if pat != nil {
		if p, err := w.of(pat); err != nil || max(digits, 0) != p.iso {
			digits = -2
		}
	}
	if digits > -2 {
		if us, ns, ok := w.usual.Read(s, ' '); ok {
			day := floorDiv(us, microsPerDay)
			return moment{day: day, micro: us - day*microsPerDay, nano: int64(ns)}, r, true
		}
	}
	if pat == nil {
		m, ok = isoText(s)
		return m, r, ok
	}
	p, err := w.of(pat)
	if err != nil {
		return m, r, false
	}
	if r, ok = p.parse(string(s), false); ok {
		m, _ = r.moment(false)
		return m, r, true
	}
	m, ok = sqlText(string(s))
	return m, parsed{}, ok
}

// usualAll is TO_TIMESTAMP of a column in the default form.
func (w *wallText) usualAll(texts batch.Vector, out *batch.Vector, n int) {
	for i := range n {
		s := texts.Bytes(i)
		if us, _, ok := w.usual.Read(s, ' '); ok {
			out.I64[i] = types.FloorMillis(us) * 1000
			continue
		}
		m, ok := isoText(s)
		if out.I64[i] = m.day*microsPerDay + m.micro/1000*1000; !ok {
			out.SetNull(i)
		}
	}
}

// ToTimestamp is TO_TIMESTAMP(text[, pattern]).
var ToTimestamp = &functions.Scalar{
	Name: "TO_TIMESTAMP",
	Doc:  doc("TO_TIMESTAMP(text[, pattern])", "The timestamp a text names, to the millisecond; NULL if it names none.", "TO_TIMESTAMP('2020-01-02 03:04:05') -> 2020-01-02 03:04:05.000"),
	Sigs: []functions.Sig{{Params: []functions.Param{str, str.Opt()}, Result: functions.Nullable(types.TimestampType(3))}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		var w wallText
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			if len(args) == 1 && sel == nil {
				w.usualAll(args[0], out, n)
				return 0, nil
			}
			functions.Each(n, sel, func(i int) {
				var pat []byte
				if len(args) > 1 {
					pat = args[1].Bytes(i)
				}
				m, _, ok := w.read(args[0].Bytes(i), pat)
				if out.I64[i] = m.day*microsPerDay + m.micro/1000*1000; !ok {
					out.SetNull(i)
				}
			})
			return 0, nil
		}), nil
	},
}

// ToTimestampLTZ is TO_TIMESTAMP_LTZ(number[, precision]) and
// TO_TIMESTAMP_LTZ(text[, pattern[, zone]]).
var ToTimestampLTZ = &functions.Scalar{
	Name: "TO_TIMESTAMP_LTZ",
	Doc:  doc("TO_TIMESTAMP_LTZ(number[, precision]), TO_TIMESTAMP_LTZ(text[, pattern[, zone]])", "An instant: a number of seconds (precision 0), milliseconds (3) or microseconds (6) since the epoch, or a text read in the zone, UTC if none is given.", "TO_TIMESTAMP_LTZ(1000, 3) -> 1970-01-01 00:00:01.000"),
	Sigs: []functions.Sig{
		{Params: []functions.Param{functions.NumericParam, functions.IntegerParam.Opt()}, Result: ltzOfNumber},
		{Params: []functions.Param{str, str.Opt(), str.Opt()}, Result: func(args []functions.Arg) (types.Type, error) {
			// As in Flink, only an S that ends the pattern says how precise it is.
			digits := 3
			if len(args) > 1 {
				pat := text(args[1])
				if args[1].Const != nil && !args[1].Const.Null(0) {
					if _, err := compile(pat); err != nil {
						return types.Type{}, sqlerr.New(sqlerr.Type, args[1].At, "Invalid pattern for parsing TIMESTAMP_LTZ: %v", err)
					}
				}
				digits = min(9, max(3, len(pat)-len(strings.TrimRight(pat, "S"))))
			}
			if len(args) > 2 && args[2].Const != nil && !args[2].Const.Null(0) {
				if _, err := loadZone(text(args[2])); err != nil {
					return types.Type{}, sqlerr.New(sqlerr.Type, args[2].At, "Invalid timezone for parsing TIMESTAMP_LTZ: %v", err)
				}
			}
			return types.TimestampLTZType(digits), nil
		}},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		if c.Args[0].Type.IsString() {
			return ltzOfText(c), nil
		}
		return ltzKernel(c), nil
	},
}

func ltzOfNumber(args []functions.Arg) (types.Type, error) {
	p := 3
	if len(args) > 1 && args[1].Const != nil && !args[1].Const.Null(0) {
		p = int(args[1].Const.I64[0])
		if p < 0 || p > 9 {
			return types.Type{}, fmt.Errorf("the precision of TO_TIMESTAMP_LTZ is 0 to 9, not %d", p)
		}
	}
	return types.TimestampLTZType(max(p, 3)), nil
}

// year0 and year9999 are the bounds of a TIMESTAMP_LTZ, in microseconds.
var year0, year9999 = dayOf(0, 1, 1) * microsPerDay, dayOf(10000, 1, 1)*microsPerDay - 1

func ltzKernel(c functions.Call) functions.Kernel {
	t := c.Args[0].Type
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (bad int, err error) {
		functions.Each(n, sel, func(i int) {
			p := int64(3)
			if len(args) > 1 {
				p = args[1].I64[i]
			}
			if p < 0 || p > 18 {
				if err == nil {
					bad, err = i, fmt.Errorf("the precision of TO_TIMESTAMP_LTZ is 0 to 9, not %d", p)
				}
				return
			}
			x, ok := micros(t, &args[0], i, int(p))
			if !ok || x < year0 || x > year9999 {
				out.SetNull(i)
				return
			}
			out.I64[i] = x
			if c.Result.Layout() == types.LayoutWide {
				out.Hi[i] = 0
				if t.IsInteger() && p > 6 {
					per := int64(math.Pow10(int(p - 6)))
					out.Hi[i] = (args[0].I64[i] - x*per) * 1000 / per
				}
			}
		})
		return bad, err
	})
}

// micros is a number of units of 10^-p seconds as microseconds.
func micros(t types.Type, v *batch.Vector, i, p int) (int64, bool) {
	if t.IsExact() {
		x := v.I64[i]
		if t.Kind == types.Decimal { // whole units count, as in Flink
			q, _ := v.Decimal(t, i).QuoRem(types.Pow10(t.Scale))
			var ok bool
			if x, ok = q.Int64(); !ok {
				return 0, false
			}
		}
		if p > 6 {
			return floorDiv(x, int64(math.Pow10(p-6))), true
		}
		per := int64(math.Pow10(6 - p))
		return x * per, x <= math.MaxInt64/per && x >= math.MinInt64/per
	}
	f := v.F64[i]
	f = math.Trunc(f*math.Pow10(3-p)) * 1000 // to the millisecond
	if f != f || math.Abs(f) > 1e18 {
		return 0, false
	}
	return int64(f), true
}

func ltzOfText(c functions.Call) functions.Kernel {
	var w wallText
	zone, zoneName, badZone := time.UTC, "", false
	unit := int64(math.Pow10(max(0, 6-c.Result.Length)))
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (bad int, err error) {
		functions.Each(n, sel, func(i int) {
			var pat []byte
			if len(args) > 1 {
				pat = args[1].Bytes(i)
			}
			if len(args) > 2 && zoneName != string(args[2].Bytes(i)) {
				zoneName = string(args[2].Bytes(i))
				z, e := loadZone(zoneName)
				zone, badZone = z, e != nil
			}
			m, r, ok := w.read(args[0].Bytes(i), pat)
			if !ok || badZone {
				if len(args) > 1 {
					out.SetNull(i)
				} else if err == nil {
					bad, err = i, fmt.Errorf("TO_TIMESTAMP_LTZ can't read the text '%s'", args[0].Bytes(i))
				}
				return
			}
			us := m.day*microsPerDay + m.micro
			if r.zoned {
				us -= r.offset * 1_000_000
			} else {
				us = toInstant(us, zone)
			}
			out.I64[i] = floorDiv(us, unit) * unit
			if c.Result.Layout() == types.LayoutWide {
				out.Hi[i] = m.nano
			}
		})
		return bad, err
	})
}

// loadZone finds a zone by its name (Asia/Shanghai) or offset (GMT+08:00, +8).
func loadZone(name string) (*time.Location, error) {
	rest := name
	if len(name) > 3 && (name[:3] == "GMT" || name[:3] == "UTC") {
		rest = name[3:]
	}
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		if len(rest) == 2 {
			rest = rest[:1] + "0" + rest[1:]
		}
		var r parsed
		if tail, ok := r.readZone(rest); ok && tail == "" {
			return time.FixedZone(name, int(r.offset)), nil
		}
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return time.UTC, fmt.Errorf("unknown time zone %s", strconv.Quote(name))
	}
	return z, nil
}

// ConvertTZ is CONVERT_TZ(text, from, to).
var ConvertTZ = &functions.Scalar{
	Name: "CONVERT_TZ",
	Doc:  doc("CONVERT_TZ(text, from zone, to zone)", "A wall clock text moved to another zone. An unknown zone counts as UTC.", "CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles') -> '1969-12-31 16:00:00'"),
	Sigs: []functions.Sig{{Params: []functions.Param{str, str, str}, Result: functions.Nullable(types.StringType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		zones := map[string]*time.Location{}
		find := func(b []byte) *time.Location {
			z, ok := zones[string(b)]
			if len(b) == 0 {
				return time.UTC
			}
			if !ok {
				z = time.UTC
				if b[0] != '+' && b[0] != '-' { // Java's older zones know offsets behind GMT only
					z, _ = loadZone(string(b))
				}
				zones[string(b)] = z
			}
			return z
		}
		wall, err := compile(wallPattern)
		if err != nil {
			return nil, err
		}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				r, ok := wall.parse(string(args[0].Bytes(i)), true)
				if !ok {
					out.SetNull(i)
					return
				}
				m, _ := r.moment(true)
				us := toLocal(laterInstant(m.day*microsPerDay+m.micro, find(args[1].Bytes(i))), find(args[2].Bytes(i)))
				day := floorDiv(us, microsPerDay)
				off := len(out.Buf)
				out.Buf = wall.append(out.Buf, moment{day: day, micro: us - day*microsPerDay}, time.UTC, 0)
				out.EndBytes(i, off)
			})
			return 0, nil
		}), nil
	},
}
