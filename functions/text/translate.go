package text

import (
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// translate replaces each character of the second argument by the one at the same
// place in the third, and drops those without a partner. Of a character that
// occurs twice the first place counts. A NULL or empty second argument changes
// nothing, a NULL third is the empty string.
var translate = &functions.Scalar{
	Name: "TRANSLATE", Aliases: []string{"TRANSLATE3"}, OwnNulls: true,
	Doc: functions.Doc{Group: "string", Usage: "TRANSLATE(string, from, to)", Text: "Each character of from in the string replaced by the character at its place in to, or removed where to is shorter.", Example: []string{"TRANSLATE('abc', 'ab', 'x') -> 'xc'"}},
	Sigs: []functions.Sig{{Params: []functions.Param{str, str, str}, Result: func(args []functions.Arg) (types.Type, error) {
		return types.StringType.WithNull(!args[0].Type.NotNull), nil
	}}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		var d dictionary
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			if args[0].Null(i) {
				out.SetNull(i)
				return
			}
			var from, to []byte
			if !args[1].Null(i) {
				from = args[1].Bytes(i)
			}
			if !args[2].Null(i) {
				to = args[2].Bytes(i)
			}
			d.set(from, to)
			off := len(out.Buf)
			out.Buf = d.append(out.Buf, args[0].Bytes(i))
			out.EndBytes(i, off)
		}), nil
	},
}

// dictionary says what becomes of a character: -1 is removed.
type dictionary struct {
	from, to string
	ready    bool
	ascii    [utf8.RuneSelf]rune
	other    map[rune]rune
}

func (d *dictionary) set(from, to []byte) {
	if d.ready && d.from == string(from) && d.to == string(to) {
		return
	}
	d.from, d.to, d.ready, d.other = string(from), string(to), true, map[rune]rune{}
	for r := range d.ascii {
		d.ascii[r] = rune(r)
	}
	targets, seen := []rune(d.to), map[rune]bool{}
	for k, r := range []rune(d.from) {
		if seen[r] {
			continue
		}
		seen[r] = true
		t := rune(-1)
		if k < len(targets) {
			t = targets[k]
		}
		if r < utf8.RuneSelf {
			d.ascii[r] = t
		} else {
			d.other[r] = t
		}
	}
}

func (d *dictionary) append(b, s []byte) []byte {
	for len(s) > 0 {
		r, w := rune(s[0]), 1
		if r < utf8.RuneSelf {
			r = d.ascii[r]
		} else {
			r, w = utf8.DecodeRune(s)
			if t, ok := d.other[r]; ok {
				r = t
			}
		}
		if r >= 0 {
			b = utf8.AppendRune(b, r)
		}
		s = s[w:]
	}
	return b
}
