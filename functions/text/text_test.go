package text

import (
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

func TestSubstring(t *testing.T) {
	for _, c := range []struct {
		start, length int64
		want          string
	}{{-3, 2, "ll"}, {0, 2, "he"}, {2, 9, "ello"}, {-9, 2, ""}} {
		k, err := substring.Bind(functions.Call{})
		if err != nil {
			t.Fatal(err)
		}
		var s, out batch.Vector
		s.Prepare(types.StringType, 1)
		s.SetString(0, "hello")
		out.Prepare(types.StringType, 1)
		args := []batch.Vector{s, {I64: []int64{c.start}}, {I64: []int64{c.length}}}
		if _, err := k.Eval(1, nil, args, &out); err != nil || string(out.Bytes(0)) != c.want {
			t.Errorf("SUBSTRING('hello', %d, %d) = %q, %v; want %q", c.start, c.length, out.Bytes(0), err, c.want)
		}
	}
}
