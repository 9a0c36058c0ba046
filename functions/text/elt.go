package text

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// elt picks one of its arguments by number.
var elt = &functions.Scalar{
	Name: "ELT", OwnNulls: true,
	Doc: functions.Doc{Group: "string", Usage: "ELT(index, value, ...)", Text: "The value with that number, counted from 1; NULL when there is none. All values are strings or all are byte strings.", Example: []string{"ELT(2, 'a', 'b') -> 'b'"}},
	Sigs: []functions.Sig{{
		Params: []functions.Param{functions.IntegerParam, functions.StringOrBytes}, Variadic: true,
		Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
			if len(args) < 2 || !args[0].Type.IsInteger() && args[0].Type.Kind != types.Null {
				return nil, types.Type{}, false, nil
			}
			if k := args[0].Const; k != nil && !k.Null(0) && k.I64[0] < 0 {
				return nil, types.Type{}, false, sqlerr.New(sqlerr.Type, args[0].At, "Index must be an integer starting from '0', but was '%d'.", k.I64[0])
			}
			as := []types.Type{args[0].Type.Plain()}
			if args[0].Type.Kind == types.Null {
				as[0] = types.IntType
			}
			ts := make([]types.Type, 0, len(args))
			for _, a := range args[1:] {
				ts = append(ts, a.Type)
			}
			t, ok := types.Common(ts...)
			if t.Kind == types.Null {
				t = types.StringType
			}
			for _, a := range args[1:] {
				as = append(as, t.WithNull(!a.Type.NotNull))
			}
			return as, t.Nullable(), ok && (t.IsString() || t.IsBytes()), nil
		},
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		t := c.Result
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			k := int64(0)
			if !args[0].Null(i) {
				k = args[0].I64[i]
			}
			if k < 1 || k >= int64(len(args)) || args[k].Null(i) {
				out.SetNull(i)
				return
			}
			out.Set(t, i, &args[k], i)
		}), nil
	},
}
