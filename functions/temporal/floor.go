package temporal

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Floor is FLOOR(t TO unit).
var Floor = rounding("FLOOR_TIME", "FLOOR", "The last start of a unit at or before the value. Weeks start on Sunday.", false).
	Shown("FLOOR(TIMESTAMP '2020-02-29 12:30:00' TO HOUR) -> 2020-02-29 12:00:00")

// Ceil is CEIL(t TO unit).
var Ceil = rounding("CEIL_TIME", "CEIL", "The first start of a unit at or after the value. Weeks start on Sunday.", true).
	Shown("CEIL(TIMESTAMP '2020-02-29 12:30:00' TO HOUR) -> 2020-02-29 13:00:00")

func rounding(name, shown, doc string, up bool) *functions.Scalar {
	return &functions.Scalar{
		Name:  name,
		Doc:   functions.Doc{Group: "temporal", Usage: shown + "(value TO unit)", Text: doc},
		Sigs:  []functions.Sig{{Params: []functions.Param{anyTimeParam, unitParam}, Result: like(0)}},
		Total: true,
		Bind: func(c functions.Call) (functions.Kernel, error) {
			unit := unitOf(c.Args[1])
			floor, next := truncation(unit)
			t := c.Args[0].Type
			if floor == nil || t.IsInterval() || t.Kind == types.Time && !timeUnits[unit] {
				return nil, sqlerr.New(sqlerr.Type, c.At, "%s can't round %s to %s", shown, t.Nullable(), unit)
			}
			if t.Kind == types.Date && timeUnits[unit] {
				floor, next = func(m moment) moment { return m }, func(m moment) moment { return m }
			}
			always := up && t.Kind == types.Date && unit == "DAY" // Flink's own rule: the next day
			k := clockOf(t, c.Session)
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) {
					m := k.at(&args[0], i)
					f := floor(m)
					if up && f != m || always {
						f = next(f)
					}
					k.put(out, i, f)
				})
				return 0, nil
			}), nil
		},
	}
}

// truncation is how to find the start of a unit and the start of the next one;
// nil for an unknown unit.
func truncation(unit string) (floor, next func(moment) moment) {
	if us, ok := fixedUnits[unit]; ok && us <= microsPerDay {
		return func(m moment) moment { return moment{day: m.day, micro: m.micro - m.micro%us} },
			func(m moment) moment {
				m.micro += us
				m.day += m.micro / microsPerDay
				m.micro %= microsPerDay
				return m
			}
	}
	if unit == "NANOSECOND" {
		return func(m moment) moment { return m }, func(m moment) moment { return m }
	}
	if unit == "WEEK" {
		return func(m moment) moment { return moment{day: m.day - weekday(m.day)%7} },
			func(m moment) moment { return moment{day: m.day + 7} }
	}
	months, base := int64(0), int64(0)
	switch unit {
	case "MONTH":
		months = 1
	case "QUARTER":
		months = 3
	case "YEAR":
		months = 12
	case "DECADE":
		months = 120
	case "CENTURY":
		months, base = 1200, 12
	case "MILLENNIUM":
		months, base = 12000, 12
	default:
		return nil, nil
	}
	return func(m moment) moment {
			y, mo, _ := civil(m.day)
			k := floorDiv(y*12+mo-1-base, months)*months + base
			return moment{day: dayOf(floorDiv(k, 12), k-floorDiv(k, 12)*12+1, 1)}
		},
		func(m moment) moment { return moment{day: addMonths(m.day, months)} }
}

// fixedUnits are the microseconds of the units that have always as many.
var fixedUnits = map[string]int64{"WEEK": 7 * microsPerDay, "DAY": microsPerDay, "HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000, "MILLISECOND": 1000, "MICROSECOND": 1}

// monthUnits are the months of the others.
var monthUnits = map[string]int64{"MONTH": 1, "QUARTER": 3, "YEAR": 12, "DECADE": 120, "CENTURY": 1200, "MILLENNIUM": 12000}
