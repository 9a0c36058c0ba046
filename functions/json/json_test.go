package json

import (
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// call runs a function over one row of constant arguments; a leading # makes one
// a keyword.
func call(t *testing.T, f *functions.Scalar, texts ...string) (string, error) {
	t.Helper()
	var args []functions.Arg
	var in []batch.Vector
	for _, s := range texts {
		typ := types.StringType.NotNullable()
		if s[0] == '#' {
			typ, s = types.Type{Kind: types.Symbol, NotNull: true}, s[1:]
		}
		if f == Item && len(in) == 0 {
			typ = types.VariantType
		}
		var v batch.Vector
		v.Prepare(typ, 1)
		v.SetString(0, s)
		in = append(in, v)
	}
	for i := range texts {
		typ := types.StringType.NotNullable()
		if texts[i][0] == '#' {
			typ = types.Type{Kind: types.Symbol, NotNull: true}
		}
		if f == Item && i == 0 {
			typ = types.VariantType
		}
		args = append(args, functions.Arg{Type: typ, Const: &in[i]})
	}
	_, result, err := functions.Match(f.Name, f.Sigs, args, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := f.Bind(functions.Call{Name: f.Name, Args: args, Result: result, Session: types.NewSession(time.Now)})
	if err != nil {
		return "", err
	}
	var out batch.Vector
	out.Prepare(result, 1)
	if _, err := k.Eval(1, nil, in, &out); err != nil {
		return "", err
	}
	switch {
	case out.Null(0):
		return "NULL", nil
	case result.Kind == types.Boolean:
		return [2]string{"false", "true"}[out.I64[0]], nil
	}
	return string(out.Bytes(0)), nil
}

func TestFunctions(t *testing.T) {
	for _, c := range []struct {
		f    *functions.Scalar
		args []string
		want string
	}{
		{Value, []string{`{"a":1}`, `$.a`}, "1"},
		{Value, []string{`{"a":"x\u00e9"}`, `lax $['a']`}, "xé"},
		{Value, []string{`{"a":1}`, `$.b`, "d", "#DEFAULT", "d", "#NULL", "d"}, "NULL"},
		{Value, []string{`{"a":1}`, `lax $.b`, "d", "#DEFAULT", "d", "#NULL", "d"}, "d"},
		{Value, []string{`[1`, `$`, "d", "#NULL", "d", "#DEFAULT", "e"}, "e"},
		{Query, []string{`{"a": [1, {"b": null}]}`, `$.a`}, `[1,{"b":null}]`},
		{Query, []string{`[1.10,1e3,12345678901234567890]`, `$`}, `[1.10,1E+3,12345678901234567890]`},
		{Query, []string{`{"a": 1}`, `$.a`}, "NULL"},
		{Query, []string{`[1]`, `$[0]`, "x", "#UNCONDITIONAL", "#NULL", "#NULL"}, "[1]"},
		{Exists, []string{`{"a": 1}`, `$.a`}, "true"},
		{Exists, []string{`{"a": 1}`, `$.b`, "#TRUE"}, "true"},
		{Exists, []string{`{"a": 1}`, `lax $.b`, "#TRUE"}, "false"},
		{Is, []string{`{}`, "#OBJECT"}, "true"},
		{Is, []string{`01`, "#VALUE"}, "false"},
		{Object, []string{"#NULL", "a", "b"}, `{"a":"b"}`},
		{Array, []string{"#ABSENT", "a\n", "b"}, `["a\n","b"]`},
		{Quote, []string{`é"/`}, `"\u00e9\"\/"`},
		{Unquote, []string{`"\u0041"`}, "A"},
		{Unquote, []string{`"abc`}, `"abc`},
		{Parse, []string{`{"b": 1.50, "a": [1]}`}, `{"a":[1],"b":1.5}`},
		{TryParse, []string{`{"a":1,"a":2}`}, "NULL"},
		{Item, []string{`{"b":{"c":1}}`, "b"}, `{"c":1}`},
	} {
		got, err := call(t, c.f, c.args...)
		if err != nil || got != c.want {
			t.Errorf("%s%q = %s, %v; want %s", c.f.Name, c.args, got, err, c.want)
		}
	}
}
