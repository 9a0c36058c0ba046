package optest

import (
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Calls are those that Values computes, over the columns of Schema, and the fields
// of their results.
func Calls() (calls []groupagg.Call, fields []types.Field) {
	add := func(name string, distinct bool, args ...int) {
		var fn *functions.Aggregate
		for _, f := range agg.All {
			if f.Name == name {
				fn = f
			}
		}
		var given []functions.Arg
		for _, a := range args {
			given = append(given, functions.Arg{Type: Schema.Fields[a].Type})
		}
		_, result, err := functions.Match(name, fn.Sigs, given, sqlerr.Span{})
		if err != nil {
			panic(err)
		}
		calls = append(calls, groupagg.Call{Fn: fn, Args: args, Distinct: distinct, Filter: -1, Result: result, Consts: given})
		fields = append(fields, types.Field{Name: name, Type: result})
	}
	add("COUNT", false)
	add("COUNT", false, 2)
	add("SUM", false, 2)
	add("MIN", false, 2)
	add("MAX", false, 2)
	add("COUNT", true, 2)
	return calls, fields
}
