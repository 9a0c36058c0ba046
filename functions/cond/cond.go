// Package cond is the functions that choose among their arguments: COALESCE,
// IFNULL, IF. All is the list.
package cond

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{
	coalesce("COALESCE", 1, 1<<30).Says("The first argument that isn't NULL; NULL if all are.", "COALESCE(CAST(NULL AS INT), 7, 8) -> 7"),
	coalesce("IFNULL", 2, 2).Says("The first argument, or the second where the first is NULL.", "IFNULL(CAST(NULL AS STRING), 'none') -> 'none'"),
	choose,
	extreme("GREATEST", 1).Shown("GREATEST(1, 7, 3) -> 7"),
	extreme("LEAST", -1).Shown("LEAST('b', 'a') -> 'a'"),
}

// coalesce is the first argument that isn't NULL, all brought to their common
// type.
func coalesce(name string, least, most int) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "conditional", Usage: name + "(value, ...)"}, OwnNulls: true,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Variadic: true,
			Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
				if len(args) < least || len(args) > most {
					return nil, types.Type{}, false, nil
				}
				null := true
				for _, a := range args {
					null = null && !a.Type.NotNull
				}
				as, t, ok := together(args, merged)
				// An IFNULL of what can't be NULL is its first argument; numbers widen.
				if first := args[0].Type.Plain(); ok && name == "IFNULL" && first.NotNull && args[1].Type.Kind != types.Null && ownType(first) {
					return []types.Type{first, args[1].Type}, first, true, nil
				}
				return as, t.WithNull(null), ok, nil
			}}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			t := c.Result
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				if t.Layout() == types.LayoutI64 {
					copy(out.I64[:n], args[0].I64)
					if len(args[0].Valid) == 0 {
						return 0, nil
					}
				}
				functions.Each(n, sel, func(i int) {
					for k := range args {
						if !args[k].Null(i) {
							out.Set(t, i, &args[k], i)
							return
						}
					}
					out.SetNull(i)
				})
				return 0, nil
			}), nil
		},
	}
}

// choose is IF: the second argument where the first is true, else the third.
var choose = &functions.Scalar{
	Name: "IF", Doc: functions.Doc{Group: "conditional", Usage: "IF(condition, value, otherwise)", Text: "The second argument where the condition is TRUE, else the third.", Example: []string{"IF(1 < 2, 'yes', 'no') -> 'yes'"}}, OwnNulls: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.BooleanParam, functions.AnyParam, functions.AnyParam},
		Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
			if len(args) != 3 || args[0].Type.Kind != types.Boolean {
				return nil, types.Type{}, false, nil
			}
			as, t, ok := together(args[1:], types.Common)
			return append([]types.Type{args[0].Type}, as...), t.WithNull(functions.AnyNull(args)), ok, nil
		}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		t := c.Result
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			if t.Layout() == types.LayoutI64 && len(args[0].Valid)+len(args[1].Valid)+len(args[2].Valid) == 0 {
				o := out.I64[:n]
				cond, a, b := args[0].I64[:n], args[1].I64[:n], args[2].I64[:n]
				for i := range o {
					v := b[i]
					if cond[i] != 0 {
						v = a[i]
					}
					o[i] = v
				}
				return 0, nil
			}
			functions.Each(n, sel, func(i int) {
				from := &args[2]
				if !args[0].Null(i) && args[0].I64[i] != 0 {
					from = &args[1]
				}
				if from.Null(i) {
					out.SetNull(i)
				} else {
					out.Set(t, i, from, i)
				}
			})
			return 0, nil
		}), nil
	},
}

// ownType says of which types an IFNULL that is never NULL stays its first
// argument's.
func ownType(t types.Type) bool {
	return t.IsString() || t.IsBytes() || len(t.Fields) > 0
}

// merged is the type of COALESCE: a DATE beside a TIMESTAMP makes it a DATE, as
// in Flink.
func merged(ts ...types.Type) (types.Type, bool) {
	date, null := false, false
	for _, t := range ts {
		date, null = date || t.Kind == types.Date, null || !t.NotNull
	}
	for _, t := range ts {
		if t.Kind != types.Date && t.Kind != types.Null && !t.IsTimestamp() {
			date = false
		}
	}
	if date {
		return types.DateType.WithNull(null), true
	}
	return types.Merged(ts...)
}

// together gives each argument the type they have in common by the given rule.
func together(args []functions.Arg, common func(...types.Type) (types.Type, bool)) ([]types.Type, types.Type, bool) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	t, ok := common(ts...)
	for i, a := range args {
		ts[i] = t.WithNull(!a.Type.NotNull)
	}
	return ts, t, ok
}
