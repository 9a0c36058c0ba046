package cast

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// timestamp stores microseconds and nanoseconds cut to the type's precision.
func timestamp(to types.Type) func(out *batch.Vector, i int, micros, nanos int64) {
	unit := int64(1)
	for p := to.Length; p < 6; p++ {
		unit *= 10
	}
	return func(out *batch.Vector, i int, micros, nanos int64) {
		q := micros % unit
		if q < 0 {
			q += unit
		}
		out.I64[i] = micros - q
		if to.Length > 6 {
			out.Hi[i] = nanos
		}
	}
}

func temporal(from, to types.Type, session *types.Session) convert {
	read := func(in *batch.Vector, i int) (micros, nanos int64) {
		switch from.Kind {
		case types.Date:
			return in.I64[i] * types.MicrosPerDay, 0
		case types.Time:
			return in.I64[i] * 1000, 0
		}
		if from.Length > 6 {
			nanos = in.Hi[i]
		}
		return in.I64[i], nanos
	}
	set := timestamp(to)
	fromInstant, toInstant := from.Kind == types.TimestampLTZ, to.Kind == types.TimestampLTZ
	if from.Kind == types.Date && to.Kind == types.Time || from.Kind == types.Time && to.Kind == types.Date {
		return nil
	}
	var zone *types.ZoneClock
	if fromInstant && !toInstant {
		zone = types.NewZoneClock(session.Zone)
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		m, ns := read(in, i)
		if zone != nil {
			m = zone.ToLocal(m)
		}
		if toInstant && !fromInstant {
			m = types.FromLocal(m, session.Zone)
		}
		day, rest := types.SplitDay(m)
		switch to.Kind {
		case types.Date:
			out.I64[i] = day
		case types.Time:
			out.I64[i] = rest / 1000
			if to.Length < 3 { // a TIME has no digits beyond its own
				out.I64[i] -= out.I64[i] % int64(types.Pow10(3-to.Length).Lo)
			}
		default:
			set(out, i, m, ns)
		}
		return true
	}
}
