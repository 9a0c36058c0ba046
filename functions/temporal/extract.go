package temporal

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Extract is EXTRACT(unit FROM t).
var Extract = &functions.Scalar{
	Name: "EXTRACT",
	Doc: functions.Doc{Group: "temporal", Usage: "EXTRACT(unit FROM value)",
		Text:    "A field of a date, time, timestamp or interval. WEEK, ISODOW and ISOYEAR follow ISO 8601; DOW is 1 on Sunday; MILLISECOND, MICROSECOND and NANOSECOND are of the second's fraction.",
		Example: []string{"EXTRACT(YEAR FROM DATE '2020-02-29') -> 2020"}},
	Sigs:  []functions.Sig{{Params: []functions.Param{unitParam, anyTimeParam}, Result: strict(types.BigIntType)}},
	Total: true,
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return bindField(c, unitOf(c.Args[0]), 1)
	},
}

// field makes the shorthand of EXTRACT for a unit.
func field(name, unit string) *functions.Scalar {
	return &functions.Scalar{
		Name: name,
		Doc: functions.Doc{Group: "temporal", Usage: name + "(value)", Text: "EXTRACT(" + unit + " FROM value).",
			Example: nil},
		Sigs:  []functions.Sig{{Params: []functions.Param{anyTimeParam}, Result: strict(types.BigIntType)}},
		Total: true,
		Bind:  func(c functions.Call) (functions.Kernel, error) { return bindField(c, unit, 0) },
	}
}

func bindField(c functions.Call, unit string, arg int) (functions.Kernel, error) {
	t := c.Args[arg].Type
	if t.IsInterval() {
		get := intervalField(t, unit)
		if get == nil {
			return nil, sqlerr.New(sqlerr.Type, c.At, "%s can't take %s of %s", c.Name, unit, t.Nullable())
		}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) { out.I64[i] = get(args[arg].I64[i]) })
			return 0, nil
		}), nil
	}
	get := momentField(unit)
	if get == nil || t.Kind == types.Time && !timeUnits[unit] || unit == "NANOSECOND" && !t.IsTimestamp() {
		return nil, sqlerr.New(sqlerr.Type, c.At, "%s can't take %s of %s", c.Name, unit, t.Nullable())
	}
	from := clockOf(t, c.Session)
	if unit == "EPOCH" {
		from.zone = nil
	}
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		functions.Each(n, sel, func(i int) { out.I64[i] = get(from.at(&args[arg], i)) })
		return 0, nil
	}), nil
}

var timeUnits = map[string]bool{"HOUR": true, "MINUTE": true, "SECOND": true, "MILLISECOND": true, "MICROSECOND": true, "NANOSECOND": true, "EPOCH": true}

// momentField is the function that reads a unit, nil when there is no such unit.
func momentField(unit string) func(moment) int64 {
	switch unit {
	case "YEAR":
		return func(m moment) int64 { y, _, _ := civil(m.day); return y }
	case "MONTH":
		return func(m moment) int64 { _, x, _ := civil(m.day); return x }
	case "DAY":
		return func(m moment) int64 { _, _, d := civil(m.day); return d }
	case "QUARTER":
		return func(m moment) int64 { _, x, _ := civil(m.day); return (x + 2) / 3 }
	case "WEEK":
		return func(m moment) int64 { _, w := isoWeek(m.day); return w }
	case "ISOYEAR":
		return func(m moment) int64 { y, _ := isoWeek(m.day); return y }
	case "DOY":
		return func(m moment) int64 { y, _, _ := civil(m.day); return m.day - dayOf(y, 1, 1) + 1 }
	case "DOW":
		return func(m moment) int64 { return weekday(m.day)%7 + 1 }
	case "ISODOW":
		return func(m moment) int64 { return weekday(m.day) }
	case "DECADE":
		return func(m moment) int64 { y, _, _ := civil(m.day); return floorDiv(y, 10) }
	case "CENTURY":
		return func(m moment) int64 { y, _, _ := civil(m.day); return floorDiv(y+99, 100) }
	case "MILLENNIUM":
		return func(m moment) int64 { y, _, _ := civil(m.day); return floorDiv(y+999, 1000) }
	case "EPOCH":
		return func(m moment) int64 { return m.day*86400 + m.micro/1_000_000 }
	case "HOUR":
		return func(m moment) int64 { return m.micro / 3_600_000_000 }
	case "MINUTE":
		return func(m moment) int64 { return m.micro / 60_000_000 % 60 }
	case "SECOND":
		return func(m moment) int64 { return m.micro / 1_000_000 % 60 }
	case "MILLISECOND":
		return func(m moment) int64 { return m.micro / 1000 % 1000 }
	case "MICROSECOND":
		return func(m moment) int64 { return m.micro % 1_000_000 }
	case "NANOSECOND":
		return func(m moment) int64 { return m.micro%1_000_000*1000 + m.nano }
	}
	return nil
}

func intervalField(t types.Type, unit string) func(int64) int64 {
	per, mod := int64(0), int64(1<<62)
	if t.Kind == types.IntervalYM {
		switch unit {
		case "MILLENNIUM":
			per = 12000
		case "CENTURY":
			per, mod = 1200, 10
		case "DECADE":
			per, mod = 120, 10
		case "YEAR":
			per = 12
		case "QUARTER":
			return func(x int64) int64 { return x%12/3 + 1 }
		case "MONTH":
			per, mod = 1, 12
		}
	} else {
		switch unit {
		case "DAY":
			per = millisPerDay
		case "HOUR":
			per, mod = 3_600_000, 24
		case "MINUTE":
			per, mod = 60_000, 60
		case "SECOND":
			per, mod = 1000, 60
		case "MILLISECOND":
			per, mod = 1, 1000
		case "MICROSECOND":
			return func(x int64) int64 { return x % 1000 * 1000 }
		case "NANOSECOND":
			return func(x int64) int64 { return x % 1000 * 1_000_000 }
		case "EPOCH":
			per = 1000
		}
	}
	if per == 0 {
		return nil
	}
	return func(x int64) int64 { return x / per % mod }
}
