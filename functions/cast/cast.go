package cast

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// convert writes row i of in to row i of out; false means that the value can't be
// converted. A number that doesn't fit a DECIMAL becomes NULL instead.
type convert func(in *batch.Vector, i int, out *batch.Vector) bool

// Legacy says that the session asks for the casts of Flink before 1.15: a failure
// gives NULL where the type allows it, strings and bytes keep their length, booleans
// print in lower case.
func Legacy(s *types.Session) bool {
	return s != nil && s.Option("table.exec.legacy-cast-behaviour", "") == "ENABLED"
}

// Possible says whether there is a cast from one type to the other.
func Possible(from, to types.Type, session *types.Session) bool {
	return from.Kind == types.Null || choose(from, to, session) != nil
}

// Bind makes the kernel of a cast. With try a value that can't be converted gives
// NULL, else it fails.
func Bind(from, to types.Type, try bool, call functions.Call) (functions.Kernel, error) {
	f := choose(from, to, call.Session)
	if f == nil {
		return nil, sqlerr.New(sqlerr.Type, call.At, "Cast function cannot convert value of type %s to type %s", from.Nullable().Plain(), to.Nullable().Plain())
	}
	try = try || Legacy(call.Session) && !to.NotNull
	if k := column(from, to); k != nil {
		return k, nil
	}
	one := func(in *batch.Vector, i int, out *batch.Vector) error {
		if f(in, i, out) {
			return nil
		}
		if try {
			out.SetNull(i)
			return nil
		}
		text := AppendText(nil, from, in, i, call.Session)
		return fmt.Errorf("cast of '%s' to %s failed", text, to.Nullable().Plain())
	}
	if from.IsString() && to.Kind == types.Timestamp && to.Length >= 3 && to.Length <= 6 {
		return timestamps(to, one), nil
	}
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		return functions.Try(n, sel, func(i int) error { return one(&args[0], i, out) })
	}), nil
}

// column is a kernel over whole columns for the casts that every query has: of
// integers among themselves, to DOUBLE, and to a DECIMAL of up to 18 digits.
func column(from, to types.Type) functions.Kernel {
	switch {
	case from.IsInteger() && to.IsInteger() && to.Kind >= from.Kind:
		return functions.KernelFunc(func(n int, _ []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			copy(out.I64[:n], args[0].I64)
			return 0, nil
		})
	case from.IsInteger() && to.Kind == types.Double:
		return functions.KernelFunc(func(n int, _ []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			o := out.F64[:n]
			for i, x := range args[0].I64[:len(o)] {
				o[i] = float64(x)
			}
			return 0, nil
		})
	case from.IsInteger() && to.Kind == types.Decimal && to.Length <= 18 && to.Length-to.Scale >= from.AsDecimal().Length:
		by := int64(types.Pow10(to.Scale).Lo)
		return functions.KernelFunc(func(n int, _ []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			o := out.I64[:n]
			for i, x := range args[0].I64[:len(o)] {
				o[i] = x * by
			}
			return 0, nil
		})
	}
	return nil
}

// choose is the conversion of a pair of types, nil when there is none.
func choose(from, to types.Type, session *types.Session) convert {
	switch {
	case from.Kind == types.Variant:
		return fromVariant(to, session)
	case to.IsString():
		return toText(from, to, session)
	case from.IsString():
		return fromText(to, session)
	case from.IsBytes() && to.IsBytes():
		return bytesToBytes(to, session)
	case from.IsNumeric() && to.IsNumeric():
		return number(from, to)
	case from.Kind == types.Boolean && to.IsNumeric():
		return number(types.IntType, to)
	case from.IsNumeric() && to.Kind == types.Boolean:
		if from.IsApprox() {
			return func(in *batch.Vector, i int, out *batch.Vector) bool { out.I64[i] = truth(in.F64[i] != 0); return true }
		}
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			out.I64[i] = truth(in.Decimal(from, i).Sign() != 0)
			return true
		}
	case from.IsTemporal() && to.IsTemporal():
		return temporal(from, to, session)
	case from.IsRow() && to.IsRow() && len(from.Fields) == len(to.Fields):
		return nested(from, to, session)
	case from.Kind == to.Kind && (from.Layout() == types.LayoutI64 || from.Layout() == types.LayoutBytes):
		return func(in *batch.Vector, i int, out *batch.Vector) bool { out.Set(to, i, in, i); return true }
	case from.IsInteger() && to.IsInterval():
		return func(in *batch.Vector, i int, out *batch.Vector) bool { out.I64[i] = in.I64[i]; return true }
	case from.Kind == to.Kind && len(from.Fields) == len(to.Fields):
		return nested(from, to, session)
	}
	return nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
