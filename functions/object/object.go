// Package object is OBJECT_OF and OBJECT_UPDATE, which make values of structured
// types. All is the list.
package object

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{of, update}

// name is the text of an argument that must be a constant.
func name(a functions.Arg, what string) (string, error) {
	if a.Const == nil || a.Const.Null(0) || !a.Type.IsString() {
		return "", sqlerr.New(sqlerr.Type, a.At, "the %s must be a text written out", what)
	}
	return string(a.Const.Bytes(0)), nil
}

// plain gives the arguments the types they have.
func plain(args []functions.Arg) []types.Type {
	as := make([]types.Type, len(args))
	for i, a := range args {
		as[i] = a.Type.Plain()
	}
	return as
}

var of = &functions.Scalar{
	Name: "OBJECT_OF", OwnNulls: true,
	Doc: functions.Doc{Group: "value construction", Usage: "OBJECT_OF('class', 'field', value, ...)", Text: "A value of a structured type. The class needn't exist.", Example: []string{"OBJECT_OF('a.B', 'x', 1) -> (x=1)"}},
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		if len(args)%2 == 0 {
			return nil, t, false, nil
		}
		class, err := name(args[0], "class of OBJECT_OF")
		if err != nil {
			return nil, t, false, err
		}
		t = types.Type{Kind: types.Structured, Name: class}
		seen := map[string]bool{}
		for i := 1; i < len(args); i += 2 {
			f, err := name(args[i], "field of OBJECT_OF")
			if err != nil {
				return nil, t, false, err
			}
			if seen[f] {
				return nil, t, false, sqlerr.New(sqlerr.Type, args[i].At, "The field name '%s' at position %d is repeated.", f, i+1)
			}
			seen[f] = true
			t.Fields = append(t.Fields, types.Field{Name: f, Type: args[i+1].Type.Plain()})
		}
		return plain(args), t, true, nil
	}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		fields := c.Result.KidTypes()
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			for k := range fields {
				functions.Each(n, sel, func(i int) { out.Kids[k].Set(fields[k], i, &args[2+2*k], i) })
			}
			return 0, nil
		}), nil
	},
}

var update = &functions.Scalar{
	Name: "OBJECT_UPDATE",
	Doc:  functions.Doc{Group: "value construction", Usage: "OBJECT_UPDATE(object, 'field', value, ...)", Text: "The object with some of its fields replaced; their types may change.", Example: []string{"OBJECT_UPDATE(OBJECT_OF('a.B', 'x', 1), 'x', 2) -> (x=2)"}},
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		if len(args) < 3 || len(args)%2 == 0 {
			return nil, t, false, nil
		}
		t = args[0].Type.Plain()
		if t.Kind != types.Structured {
			return nil, t, false, sqlerr.New(sqlerr.Type, args[0].At, "The first argument must be a structured type, but was %s.", t)
		}
		t.Fields = append([]types.Field(nil), t.Fields...)
		for i := 1; i < len(args); i += 2 {
			f, err := name(args[i], "field of OBJECT_UPDATE")
			if err != nil {
				return nil, t, false, err
			}
			k := index(t, f)
			if k < 0 {
				return nil, t, false, sqlerr.New(sqlerr.Type, args[i].At, "The field name '%s' at position %d is not part of the structured type attributes.", f, i+1)
			}
			t.Fields[k].Type = args[i+1].Type.Plain()
		}
		return plain(args), t, true, nil
	}}},
	OwnNulls: true,
	Bind: func(c functions.Call) (functions.Kernel, error) {
		fields, from := c.Result.KidTypes(), make([]int, len(c.Result.Fields))
		for i := 1; i < len(c.Args); i += 2 {
			f, err := name(c.Args[i], "field of OBJECT_UPDATE")
			if err != nil {
				return nil, err
			}
			from[index(c.Result, f)] = i + 1
		}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				if args[0].Null(i) {
					out.SetNull(i)
					return
				}
				for k := range fields {
					v := &args[0].Kids[k]
					if from[k] > 0 {
						v = &args[from[k]]
					}
					out.Kids[k].Set(fields[k], i, v, i)
				}
			})
			return 0, nil
		}), nil
	},
}

func index(t types.Type, field string) int {
	for k, f := range t.Fields {
		if f.Name == field {
			return k
		}
	}
	return -1
}
