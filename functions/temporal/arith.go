package temporal

import (
	"errors"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

func doc(usage, text string, example ...string) functions.Doc {
	return functions.Doc{Group: "temporal", Usage: usage, Text: text, Example: example}
}

// Add is TIMESTAMPADD(unit, n, t).
var Add = &functions.Scalar{
	Name: "TIMESTAMPADD",
	Doc:  doc("TIMESTAMPADD(unit, n, value)", "The value moved by n units. Months are clipped to the month's end; hours and less make a TIMESTAMP of a DATE.", "TIMESTAMPADD(MONTH, 1, DATE '2020-01-31') -> 2020-02-29"),
	Sigs: []functions.Sig{{
		Params: []functions.Param{unitParam, functions.BigIntParam, pointParam},
		Result: func(args []functions.Arg) (types.Type, error) {
			t := args[2].Type.Plain()
			if t.Kind == types.Date && fixedUnits[unitOf(args[0])] != 0 && fixedUnits[unitOf(args[0])] < microsPerDay {
				t = types.TimestampType(6)
			}
			if t.IsTimestamp() {
				switch unitOf(args[0]) {
				case "MILLISECOND":
					t.Length = max(t.Length, 3)
				case "MICROSECOND":
					t.Length = max(t.Length, 6)
				}
			}
			return t.WithNull(nullable(args)), nil
		},
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		unit := unitOf(c.Args[0])
		step := stepOf(unit)
		if step == nil {
			return nil, sqlerr.New(sqlerr.Type, c.At, "TIMESTAMPADD has no unit %s", unit)
		}
		return moving(c, 2, 1, step, 1), nil
	},
}

// stepOf is how to move a moment by n units.
func stepOf(unit string) func(moment, int64) moment {
	if us, ok := fixedUnits[unit]; ok {
		return func(m moment, n int64) moment { return m.add(n, us) }
	}
	if months, ok := monthUnits[unit]; ok {
		return func(m moment, n int64) moment { m.day = addMonths(m.day, n*months); return m }
	}
	return nil
}

// add moves m by n times us microseconds.
func (m moment) add(n, us int64) moment {
	perDay := microsPerDay / us
	if us > microsPerDay {
		m.day += n * (us / microsPerDay)
		return m
	}
	days := n / perDay
	m.micro += (n - days*perDay) * us
	over := floorDiv(m.micro, microsPerDay)
	m.micro -= over * microsPerDay
	m.day += days + over
	return m
}

// moving is the kernel that moves argument point by argument amount. Instants
// move in UTC.
func moving(c functions.Call, point, amount int, step func(moment, int64) moment, sign int64) functions.Kernel {
	from, to := clockOf(c.Args[point].Type, nil), clockOf(c.Result, nil)
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		functions.Each(n, sel, func(i int) {
			to.put(out, i, step(from.at(&args[point], i), sign*args[amount].I64[i]))
		})
		return 0, nil
	})
}

// shiftMicros is moving for timestamps that are nothing but microseconds.
func shiftMicros(point, amount int, by int64) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		to, from, move := out.I64[:n], args[point].I64[:n], args[amount].I64[:n]
		if sel == nil {
			for i := range to {
				to[i] = from[i] + by*move[i]
			}
			return 0, nil
		}
		for _, i := range sel {
			to[i] = from[i] + by*move[i]
		}
		return 0, nil
	})
}

// Plus and Minus move a point in time by an interval.
var (
	Plus  = shift("TIME_PLUS", "value + interval", "The value moved by the interval; months are clipped to the month's end.", 1).Shown("DATE '2024-01-31' + INTERVAL '1' MONTH -> 2024-02-29")
	Minus = shift("TIME_MINUS", "value - interval", "The value moved back by the interval; months are clipped to the month's end.", -1).Shown("TIMESTAMP '2024-03-01 00:00:00' - INTERVAL '1' SECOND -> 2024-02-29 23:59:59")
)

func shift(name, usage, text string, sign int64) *functions.Scalar {
	forms := []functions.Sig{{Params: []functions.Param{pointParam, intervalParam}, Result: like(0)}}
	if sign > 0 {
		forms = append(forms, functions.Sig{Params: []functions.Param{intervalParam, pointParam}, Result: like(1)})
	}
	return &functions.Scalar{Name: name, Doc: doc(usage, text), Sigs: forms,
		Bind: func(c functions.Call) (functions.Kernel, error) {
			point, amount := 0, 1
			if c.Args[0].Type.IsInterval() {
				point, amount = 1, 0
			}
			if c.Args[point].Type.IsTimestamp() && c.Args[point].Type.Layout() == types.LayoutI64 && c.Args[amount].Type.Kind != types.IntervalYM && c.Result.Layout() == types.LayoutI64 {
				return shiftMicros(point, amount, sign*1000), nil
			}
			step := stepOf("MILLISECOND")
			switch {
			case c.Args[amount].Type.Kind == types.IntervalYM:
				step = stepOf("MONTH")
			case c.Args[point].Type.Kind == types.Date: // whole days of the interval count
				step = func(m moment, n int64) moment { m.day += n / millisPerDay; return m }
			}
			return moving(c, point, amount, step, sign), nil
		}}
}

// Diff is TIMESTAMPDIFF(unit, a, b).
var Diff = &functions.Scalar{
	Name: "TIMESTAMPDIFF",
	Doc:  doc("TIMESTAMPDIFF(unit, from, to)", "The whole units from the first to the second point in time.", "TIMESTAMPDIFF(MONTH, DATE '2020-01-31', DATE '2020-02-29') -> 1"),
	Sigs: []functions.Sig{{Params: []functions.Param{unitParam, pointParam, pointParam}, Result: strict(types.IntType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		unit := unitOf(c.Args[0])
		between, err := distance(c, unit)
		if err != nil {
			return nil, err
		}
		from, to := diffClocks(c)
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) { out.I64[i] = int64(int32(between(from.at(&args[1], i), to.at(&args[2], i)))) })
			return 0, nil
		}), nil
	},
}

// diffClocks reads two points: both in the session's zone when only one of them
// is an instant.
func diffClocks(c functions.Call) (from, to clock) {
	a, b := c.Args[1].Type, c.Args[2].Type
	if a.Kind == types.TimestampLTZ && b.Kind == types.TimestampLTZ {
		return clockOf(a, nil), clockOf(b, nil)
	}
	return clockOf(a, c.Session), clockOf(b, c.Session)
}

func distance(c functions.Call, unit string) (func(a, b moment) int64, error) {
	if us, ok := fixedUnits[unit]; ok {
		return func(a, b moment) int64 {
			if us >= microsPerDay {
				days := b.day - a.day
				switch { // a day that isn't full doesn't count
				case days > 0 && b.micro < a.micro:
					days--
				case days < 0 && b.micro > a.micro:
					days++
				}
				return days / (us / microsPerDay)
			}
			return ((b.day-a.day)*microsPerDay + b.micro - a.micro) / us
		}, nil
	}
	if months, ok := monthUnits[unit]; ok {
		return func(a, b moment) int64 { return monthsBetween(a, b) / months }, nil
	}
	return nil, sqlerr.New(sqlerr.Type, c.At, "%s has no unit %s", c.Name, unit)
}

// monthsBetween counts the months from a to b as Flink does: by their days, one
// less where the days meet but b's time of day is earlier.
func monthsBetween(a, b moment) int64 {
	n := monthsOfDays(a.day, b.day)
	if addMonths(a.day, n) == b.day && b.micro < a.micro {
		n--
	}
	return n
}

// monthsOfDays is the greatest number of months that day a can move without
// passing b, negative when b is before a.
func monthsOfDays(a, b int64) int64 {
	if b < a {
		return -monthsOfDays(b, a)
	}
	ay, am, _ := civil(a)
	by, bm, _ := civil(b)
	n := (by-ay)*12 + bm - am
	if n > 0 && addMonths(a, n) > b {
		n--
	}
	return n
}

func (m moment) before(o moment) bool {
	return m.day < o.day || m.day == o.day && (m.micro < o.micro || m.micro == o.micro && m.nano < o.nano)
}

// Between is (a - b) DAY: an interval.
var Between = &functions.Scalar{
	Name: "TIME_DIFF",
	Doc:  doc("(a - b) unit", "The interval between two points in time.", "(DATE '2024-03-01' - DATE '2024-02-28') DAY -> +2 00:00:00.000"),
	Sigs: []functions.Sig{{Params: []functions.Param{unitParam, pointParam, pointParam},
		Result: func(args []functions.Arg) (types.Type, error) {
			t := types.MillisType
			if monthUnits[unitOf(args[0])] != 0 {
				t = types.MonthsType
			}
			return t.WithNull(nullable(args)), nil
		}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		from, to := diffClocks(c)
		months := c.Result.Kind == types.IntervalYM
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				a, b := from.at(&args[1], i), to.at(&args[2], i)
				if months {
					out.I64[i] = monthsBetween(b, a)
				} else {
					out.I64[i] = (a.day-b.day)*millisPerDay + floorDiv(a.micro, 1000) - floorDiv(b.micro, 1000)
				}
			})
			return 0, nil
		}), nil
	},
}

// Arithmetic on intervals.
var (
	IntervalPlus   = intervals("INTERVAL_PLUS", "i + j", func(a, b int64) int64 { return a + b }).Shown("INTERVAL '1' HOUR + INTERVAL '30' MINUTE -> +0 01:30:00.000")
	IntervalMinus  = intervals("INTERVAL_MINUS", "i - j", func(a, b int64) int64 { return a - b }).Shown("INTERVAL '1' HOUR - INTERVAL '30' MINUTE -> +0 00:30:00.000")
	IntervalNegate = &functions.Scalar{Name: "INTERVAL_NEGATE", Doc: doc("-i", "The interval the other way.", "-(INTERVAL '1' DAY) -> -1 00:00:00.000"), Total: true,
		Sigs: []functions.Sig{{Params: []functions.Param{intervalParam}, Result: like(0)}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) { out.I64[i] = -args[0].I64[i] })
				return 0, nil
			}), nil
		}}
	IntervalTimes  = scaling("INTERVAL_TIMES", "i * n").Shown("INTERVAL '1' HOUR * 3 -> +0 03:00:00.000")
	IntervalDivide = scaling("INTERVAL_DIVIDE", "i / n").Shown("INTERVAL '3' HOUR / 2 -> +0 01:30:00.000")
)

func intervals(name, usage string, f func(a, b int64) int64) *functions.Scalar {
	return &functions.Scalar{Name: name, Doc: doc(usage, "Arithmetic on intervals of one family."), Total: true,
		Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
			if len(args) != 2 || !args[0].Type.IsInterval() || args[0].Type.Kind != args[1].Type.Kind {
				return nil, types.Type{}, false, nil
			}
			return []types.Type{args[0].Type, args[1].Type}, args[0].Type.WithNull(functions.AnyNull(args)), true, nil
		}}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) { out.I64[i] = f(args[0].I64[i], args[1].I64[i]) })
				return 0, nil
			}), nil
		}}
}

var errDivision = errors.New("division of an interval by zero")

func scaling(name, usage string) *functions.Scalar {
	forms := []functions.Sig{{Params: []functions.Param{intervalParam, functions.DoubleParam}, Result: like(0)}}
	divide := name == "INTERVAL_DIVIDE"
	if divide {
		forms[0].Params[1] = functions.BigIntParam
	} else {
		forms = []functions.Sig{
			{Params: []functions.Param{intervalParam, functions.BigIntParam}, Result: like(0)},
			{Params: []functions.Param{functions.BigIntParam, intervalParam}, Result: like(1)},
		}
	}
	return &functions.Scalar{Name: name, Doc: doc(usage, "The interval times, or divided by, a whole number."), Sigs: forms,
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (bad int, err error) {
				functions.Each(n, sel, func(i int) {
					a, b := args[0].I64[i], args[1].I64[i]
					switch {
					case !divide:
						out.I64[i] = a * b
					case b != 0:
						out.I64[i] = a / b
					case err == nil:
						bad, err = i, errDivision
					}
				})
				return bad, err
			}), nil
		}}
}

// Overlaps is (a, b) OVERLAPS (c, d); each period's second half is its end or its
// length, and the halves may be swapped.
var Overlaps = &functions.Scalar{
	Name: "OVERLAPS",
	Doc:  doc("(a, b) OVERLAPS (c, d)", "Whether two periods share a point in time, their ends included.", "(DATE '2024-01-01', DATE '2024-02-01') OVERLAPS (DATE '2024-01-15', DATE '2024-03-01') -> TRUE"),
	Sigs: []functions.Sig{{Params: []functions.Param{pointParam, anyTimeParam, pointParam, anyTimeParam}, Result: strict(types.BooleanType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		period := func(first int) func(args []batch.Vector, i int) (moment, moment) {
			k := clockOf(c.Args[first].Type, nil)
			end := c.Args[first+1].Type
			step, other := stepOf("MILLISECOND"), clockOf(end, nil)
			if end.Kind == types.IntervalYM {
				step = stepOf("MONTH")
			}
			return func(args []batch.Vector, i int) (moment, moment) {
				a := k.at(&args[first], i)
				var b moment
				if end.IsInterval() {
					b = step(a, args[first+1].I64[i])
				} else {
					b = other.at(&args[first+1], i)
				}
				if b.before(a) {
					return b, a
				}
				return a, b
			}
		}
		one, two := period(0), period(2)
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				a, b := one(args, i)
				x, y := two(args, i)
				out.I64[i] = 1
				if b.before(x) || y.before(a) {
					out.I64[i] = 0
				}
			})
			return 0, nil
		}), nil
	},
}
