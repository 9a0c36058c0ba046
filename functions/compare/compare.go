// Package compare is the operators that give BOOLEAN: comparisons, IS, NOT, LIKE.
package compare

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{
	comparison("=", true, func(c int) bool { return c == 0 }).Says(
		"Whether the two are equal; NULL if either is.", "1 = 1 -> TRUE", "CAST(NULL AS INT) = 1 -> NULL"),
	comparison("<>", true, func(c int) bool { return c != 0 }).Says("Whether the two differ; NULL if either is NULL.", "1 <> 2 -> TRUE"),
	comparison("<", false, func(c int) bool { return c < 0 }).Says(
		"Whether a comes before b in the type's order; NULL if either is.", "'a' < 'b' -> TRUE"),
	comparison("<=", false, func(c int) bool { return c <= 0 }).Says("Whether a doesn't come behind b; NULL if either is.", "2 <= 2 -> TRUE"),
	comparison(">", false, func(c int) bool { return c > 0 }).Says(
		"Whether a comes behind b; NULL if either is.", "DATE '2024-02-01' > DATE '2024-01-31' -> TRUE"),
	comparison(">=", false, func(c int) bool { return c >= 0 }).Says("Whether a doesn't come before b; NULL if either is.", "1.5 >= 1.50 -> TRUE"),
	distinct("IS DISTINCT FROM", 1).Says("Whether the two differ, where NULL is a value like others.", "1 IS DISTINCT FROM CAST(NULL AS INT) -> TRUE"),
	distinct("IS NOT DISTINCT FROM", 0).Says(
		"Whether the two are equal, where NULL is a value like others.", "CAST(NULL AS INT) IS NOT DISTINCT FROM CAST(NULL AS INT) -> TRUE"),
	is("IS NULL", func(null, _ bool) bool { return null }).Says("Whether the value is missing.", "CAST(NULL AS INT) IS NULL -> TRUE"),
	is("IS NOT NULL", func(null, _ bool) bool { return !null }).Says("Whether there is a value.", "1 IS NOT NULL -> TRUE"),
	is("IS TRUE", func(null, v bool) bool { return !null && v }).Says("Whether the condition holds; FALSE for NULL.", "(1 < 2) IS TRUE -> TRUE"),
	is("IS NOT TRUE", func(null, v bool) bool { return null || !v }).Says(
		"Whether the condition doesn't hold or is NULL.", "CAST(NULL AS BOOLEAN) IS NOT TRUE -> TRUE"),
	is("IS FALSE", func(null, v bool) bool { return !null && !v }).Says("Whether the condition is false; FALSE for NULL.", "(1 > 2) IS FALSE -> TRUE"),
	is("IS NOT FALSE", func(null, v bool) bool { return null || v }).Says(
		"Whether the condition holds or is NULL.", "CAST(NULL AS BOOLEAN) IS NOT FALSE -> TRUE"),
	is("IS UNKNOWN", func(null, _ bool) bool { return null }).Says("Whether the condition is NULL.", "CAST(NULL AS BOOLEAN) IS UNKNOWN -> TRUE"),
	is("IS NOT UNKNOWN", func(null, _ bool) bool { return !null }).Says("Whether the condition isn't NULL.", "(1 < 2) IS NOT UNKNOWN -> TRUE"),
	not, like, similar,
}

func two(result func([]functions.Arg) (types.Type, error)) []functions.Sig {
	return []functions.Sig{{Params: []functions.Param{functions.AnyParam, functions.AnyParam}, Result: result}}
}

func comparison(name string, anyType bool, holds func(int) bool) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "comparison", Usage: "a " + name + " b"}, Total: true,
		Sigs: two(functions.Strict(types.BooleanType)),
		Bind: func(c functions.Call) (functions.Kernel, error) {
			t := c.Args[0].Type
			if t.Kind == types.Null {
				t = c.Args[1].Type
			}
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				a, b := &args[0], &args[1]
				switch k := c.Args[1].Const; {
				case t.Layout() == types.LayoutI64 && k != nil && !k.Null(0):
					columnConst(name, out.I64[:n], a.I64[:n], k.I64[0])
					return 0, nil
				case t.Layout() == types.LayoutI64:
					columns(name, out.I64[:n], a.I64[:n], b.I64[:n])
					return 0, nil
				case t.Layout() == types.LayoutF64:
					columns(name, out.I64[:n], a.F64[:n], b.F64[:n])
					return 0, nil
				case plainText(t) && (name == "=" || name == "<>"):
					texts(n, sel, a, b, out, bit(name == "="))
					return 0, nil
				}
				functions.Each(n, sel, func(i int) {
					out.I64[i] = 0
					if out.Null(i) {
						return
					}
					if holds(compareOrEqual(t, a, b, i, anyType)) {
						out.I64[i] = 1
					}
				})
				return 0, nil
			}), nil
		},
	}
}

// plainText says that equality of a type is that of its bytes.
func plainText(t types.Type) bool { return t.Kind == types.VarChar || t.Kind == types.VarBinary }

// texts compares two columns of strings for equality; equal is the answer where
// they are.
func texts(n int, sel []int32, a, b, out *batch.Vector, equal int64) {
	functions.Each(n, sel, func(i int) {
		x, y := a.Str[i], b.Str[i]
		out.I64[i] = equal ^ bit(x.Len() != y.Len() || string(a.Bytes(i)) != string(b.Bytes(i)))
	})
}

// compareOrEqual orders, or for = and <> only tells equal from not: maps have no
// order, and NaN equals nothing. NULLs within arrays and maps are equal, as in Flink
// where both lie in its binary form.
func compareOrEqual(t types.Type, a, b *batch.Vector, i int, equality bool) int {
	if equality && t.Layout() >= types.LayoutList {
		return int(bit(!batch.Equal(t, a, i, b, i)))
	}
	return batch.Compare(t, a, i, b, i)
}

func distinct(name string, whenDifferent int64) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "comparison", Usage: "a " + name + " b"}, OwnNulls: true,
		Sigs: two(functions.Fixed(types.BooleanType.NotNullable())),
		Bind: func(c functions.Call) (functions.Kernel, error) {
			t := c.Args[0].Type
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) {
					out.I64[i] = whenDifferent
					if batch.Equal(t, &args[0], i, &args[1], i) {
						out.I64[i] = 1 - whenDifferent
					}
				})
				return 0, nil
			}), nil
		},
	}
}

func is(name string, holds func(null, v bool) bool) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "logical", Usage: "x " + name}, OwnNulls: true,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: functions.Fixed(types.BooleanType.NotNullable())}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				v := &args[0]
				if len(v.Valid) == 0 { // no NULLs, so that three answers are enough
					no, yes := bit(holds(false, false)), bit(holds(false, true))
					if no == yes {
						for i := range out.I64[:n] {
							out.I64[i] = no
						}
						return 0, nil
					}
				}
				null := bit(holds(true, false))
				if null != bit(holds(false, false)) && null != bit(holds(false, true)) { // IS [NOT] NULL
					for i := range out.I64[:n] {
						out.I64[i] = null ^ bit(!v.Null(i))
					}
					return 0, nil
				}
				functions.Each(n, sel, func(i int) {
					out.I64[i] = bit(holds(v.Null(i), i < len(v.I64) && v.I64[i] != 0))
				})
				return 0, nil
			}), nil
		},
	}
}

var not = &functions.Scalar{
	Name: "NOT", Doc: functions.Doc{Group: "logical", Usage: "NOT x", Text: "The opposite; NULL for NULL.", Example: []string{"NOT 1 > 2 -> TRUE"}}, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.BooleanParam}, Result: functions.Strict(types.BooleanType)}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) { out.I64[i] = 1 - args[0].I64[i]&1 })
			return 0, nil
		}), nil
	},
}
