package temporal

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// The functions of the present. In batch mode the query's start is the present,
// in streams the time when the rows are computed.
var (
	CurrentDate = present("CURRENT_DATE", nil, types.DateType, functions.PerQuery)
	LocalTime   = present("LOCALTIME", []string{"CURRENT_TIME"}, types.TimeType(0), functions.PerQuery)
	// LocalTimestamp is the session's wall clock.
	LocalTimestamp   = present("LOCALTIMESTAMP", nil, types.TimestampType(3), functions.PerQuery)
	CurrentTimestamp = present("CURRENT_TIMESTAMP", []string{"NOW"}, types.TimestampLTZType(3), functions.PerQuery)
	CurrentRow       = present("CURRENT_ROW_TIMESTAMP", nil, types.TimestampLTZType(3), functions.PerRow)
	ProcTime         = present("PROCTIME", nil, types.Type{Kind: types.TimestampLTZ, Length: 3, Attr: types.Proctime}, functions.PerRow)
)

func present(name string, aliases []string, t types.Type, class functions.Class) *functions.Scalar {
	t = t.NotNullable()
	return &functions.Scalar{Name: name, Aliases: aliases, Class: class, OwnNulls: true,
		Doc:  doc(name, "The present, as "+t.Nullable().String()+"."),
		Sigs: []functions.Sig{{Result: functions.Fixed(t)}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, _ []batch.Vector, out *batch.Vector) (int, error) {
				now := c.Session.Now
				if c.Session.Batch && class == functions.PerQuery {
					now = func() time.Time { return c.Session.Start }
				}
				x := now().UnixMilli() * 1000
				if t.Kind != types.TimestampLTZ {
					x = toLocal(x, c.Session.Zone)
				}
				switch t.Kind {
				case types.Date:
					x = floorDiv(x, microsPerDay)
				case types.Time:
					x = (x - floorDiv(x, microsPerDay)*microsPerDay) / 1_000_000 * 1000
				}
				functions.Each(n, sel, func(i int) { out.I64[i] = x })
				return 0, nil
			}), nil
		}}
}
