package text

import (
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		f    *functions.Scalar
		args []any
		want string
	}{
		{regexpExtract, []any{"foobar", "o(b)(.)", 2}, "a"},
		{regexpReplace, []any{"a1b2", "[0-9]", "[$1]"}, "a[$1]b[$1]"},
		{pad("LPAD", true), []any{"abc", 5, "xy"}, "xyabc"},
		{pad("RPAD", false), []any{"abc", 5, "xy"}, "abcxy"},
		{pad("LPAD", true), []any{"abc", 2, "x"}, "ab"},
		{initcap, []any{"hello wORLD a1b-c"}, "Hello World A1b-C"},
		{overlay, []any{"abcdef", "XY", 2, 3}, "aXYef"},
		{overlay, []any{"abcdef", "XY", 2, -1}, "aXY"},
		{chr, []any{353}, "a"},
		{chr, []any{233}, "é"},
		{repeat, []any{"ab", 2}, "abab"},
		{concatWS, []any{"-", "a", nil, ""}, "a-"},
		{trim("TRIM", true, true), []any{"xyaxyx", "xy"}, "a"},
	} {
		if out := call(t, c.f, types.StringType, c.args); string(out.Bytes(0)) != c.want {
			t.Errorf("%s%v = %q, want %q", c.f.Name, c.args, out.Bytes(0), c.want)
		}
	}
	for _, c := range []struct {
		f    *functions.Scalar
		args []any
		want int64
	}{
		{locate, []any{"b", "abcb", 3}, 4}, {locate, []any{"b", "abc", 0}, 2}, {locate, []any{"", "abc", 9}, 1},
		{instr, []any{"abc", ""}, 1}, {ascii, []any{"é"}, -61}, {regexpFind, []any{"abc", "b."}, 1},
	} {
		if out := call(t, c.f, types.IntType, c.args); out.I64[0] != c.want {
			t.Errorf("%s%v = %d, want %d", c.f.Name, c.args, out.I64[0], c.want)
		}
	}
}

func call(t *testing.T, f *functions.Scalar, result types.Type, values []any) *batch.Vector {
	t.Helper()
	args, in := make([]batch.Vector, len(values)), make([]functions.Arg, len(values))
	for k, x := range values {
		in[k].Type = types.StringType
		switch x := x.(type) {
		case int:
			in[k].Type = types.IntType
			args[k].Prepare(types.IntType, 1)
			args[k].I64[0] = int64(x)
		case string:
			args[k].Prepare(types.StringType, 1)
			args[k].SetString(0, x)
		default:
			args[k].Prepare(types.StringType, 1)
			args[k].SetNull(0)
		}
	}
	kernel, err := f.Bind(functions.Call{Args: in, Result: result})
	if err != nil {
		t.Fatal(err)
	}
	var out batch.Vector
	out.Prepare(result, 1)
	if _, err := kernel.Eval(1, nil, args, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}
