package text

import (
	"bytes"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// trim takes the given characters, spaces by default, off one end or both. A
// symbol BOTH, LEADING or TRAILING as the last argument says which.
func trim(name string, left, right bool) *functions.Scalar {
	result := func(args []functions.Arg) (types.Type, error) {
		null := false
		for _, a := range args {
			null = null || a.Type.Kind != types.Symbol && !a.Type.NotNull
		}
		t := types.StringType
		if name != "BTRIM" {
			t = varying(args[0].Type)
		}
		return t.WithNull(null), nil
	}
	f := strict(name, name+"(string[, characters])", result, []functions.Param{functions.StringParam, functions.StringParam.Opt()}, nil)
	if name == "TRIM" {
		f.Doc.Usage = "TRIM([BOTH | LEADING | TRAILING] [characters] FROM string)"
		side := functions.Param{Type: "<SYMBOL>", Accept: func(a functions.Arg) (types.Type, bool) { return a.Type, a.Type.Kind == types.Symbol }}
		f.Sigs = []functions.Sig{
			{Params: []functions.Param{functions.StringParam}, Result: result},
			{Params: []functions.Param{functions.StringParam, side}, Result: result},
			{Params: []functions.Param{functions.StringParam, functions.StringParam, side}, Result: result},
		}
	}
	f.Bind = func(c functions.Call) (functions.Kernel, error) {
		left, right, chars := left, right, len(c.Args) > 1
		if k := len(c.Args) - 1; k > 0 && c.Args[k].Type.Kind == types.Symbol {
			chars = k > 1
			if c.Args[k].Const != nil {
				side := string(c.Args[k].Const.Bytes(0))
				left, right = side != "TRAILING", side != "LEADING"
			}
		}
		return views(func(args []batch.Vector, i int) (from, to int) {
			s := args[0].Bytes(i)
			to = len(s)
			if !chars {
				for left && from < to && s[from] == ' ' {
					from++
				}
				for right && from < to && s[to-1] == ' ' {
					to--
				}
				return from, to
			}
			set := string(args[1].Bytes(i))
			if left {
				from = to - len(bytes.TrimLeft(s, set))
			}
			if right {
				to = from + len(bytes.TrimRight(s[from:], set))
			}
			return from, to
		}), nil
	}
	return f
}
