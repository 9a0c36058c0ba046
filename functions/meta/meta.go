// Package meta is the functions that tell about values rather than compute with
// them: TYPEOF, HASH_CODE. All is the list.
package meta

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{typeOf, hashCode}

// typeOf gives the type of its argument as text; only a constant may say whether
// it is to be one that can be written in SQL.
var typeOf = &functions.Scalar{
	Name: "TYPEOF", OwnNulls: true,
	Doc: functions.Doc{Group: "type", Usage: "TYPEOF(value[, TRUE])", Text: "The type of a value.", Example: []string{"TYPEOF(1) -> 'INT NOT NULL'"}},
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam, functions.BooleanParam.Opt()}, Result: func(args []functions.Arg) (types.Type, error) {
		if len(args) > 1 && args[1].Const == nil {
			return types.Type{}, sqlerr.New(sqlerr.Type, args[1].At, "the second argument of TYPEOF must be TRUE or FALSE")
		}
		return types.StringType, nil
	}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		name := c.Args[0].Type.Plain().String()
		return functions.KernelFunc(func(n int, sel []int32, _ []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) { out.SetString(i, name) })
			return 0, nil
		}), nil
	},
}

// hashCode is Java's hash of a value, without its sign for strings, as Flink has it.
var hashCode = &functions.Scalar{
	Name: "HASH_CODE",
	Doc:  functions.Doc{Group: "type", Usage: "HASH_CODE(value)", Text: "The hash that Java has of a value; of a string without its sign.", Example: []string{"HASH_CODE('a') -> 97"}},
	Sigs: []functions.Sig{{Params: []functions.Param{{Type: "<ANY>", Accept: func(a functions.Arg) (types.Type, bool) {
		return a.Type.Plain(), a.Type.Layout() < types.LayoutList
	}}}, Result: functions.Strict(types.IntType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		t := c.Args[0].Type
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				h := functions.JavaHash(t, &args[0], i)
				if t.IsString() && h < 0 {
					h = -h // -2147483648 has no other
				}
				out.I64[i] = int64(h)
			})
			return 0, nil
		}), nil
	},
}
