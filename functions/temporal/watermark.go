package temporal

import (
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// CurrentWatermark is CURRENT_WATERMARK(rowtime). It has no kernel: the planner
// puts a column in its place that the operator fills.
var CurrentWatermark = &functions.Scalar{Name: "CURRENT_WATERMARK", Class: functions.PerRow, OwnNulls: true,
	Doc: doc("CURRENT_WATERMARK(rowtime)", "The watermark of the operator that computes it, NULL before the first. The argument is a time attribute of event time. WHERE CURRENT_WATERMARK(ts) IS NULL OR ts > CURRENT_WATERMARK(ts) leaves late rows out."),
	Sigs: []functions.Sig{{
		Params: []functions.Param{{Name: "rowtime", Type: "<ROWTIME>"}},
		Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
			if len(args) != 1 || args[0].Type.Attr != types.Rowtime {
				return nil, types.Type{}, false, nil
			}
			t := args[0].Type
			out := t.Plain().Nullable()
			out.Length = 3
			return []types.Type{t}, out, true, nil
		},
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return nil, sqlerr.Unsupported(c.At, "CURRENT_WATERMARK outside of SELECT and WHERE")
	},
}
