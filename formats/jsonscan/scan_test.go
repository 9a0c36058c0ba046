package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestString(t *testing.T) {
	for _, c := range []struct {
		in      string
		end     int
		escaped bool
	}{
		{`abc"`, 3, false}, {`"`, 0, false}, {`abcdefghijklmnop"rest`, 16, false}, {`a\"b"`, 4, true}, {`aaaaaaaa\\"b"`, 10, true}, {`abc`, -1, false}, {`\`, -1, true},
		{"é€😀😀😀\"", 17, false}, {"aaaaaaaaaa\xff\"", -1, false}, {"\xff\"", -1, false}, {`é"aaaaaaaaa`, 2, false}, {"aaaaaaaaé\\\"\"", 12, true},
	} {
		if end, escaped := String([]byte(c.in), 0); end != c.end || escaped != c.escaped && end >= 0 {
			t.Errorf("%q: %d %v", c.in, end, escaped)
		}
	}
}

// Skip takes what encoding/json takes, but for control characters in strings and
// text that isn't UTF-8, about which the two differ.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,true,null,"x\u00e9"]}`, `[]`, `{}`, `-`, `01`, `1.`, `"\x"`, `{"a" : 1 , "b":[{}]}`, `[1,]`, `"\ud800"`, `1e`, `nul`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end := Skip(b, 0)
		got := end == len(b) && len(b) > 0
		for _, c := range b {
			if c < 0x20 {
				return
			}
		}
		if !utf8.Valid(b) || strings.TrimSpace(string(b)) != string(b) {
			return
		}
		if want := json.Valid(b); got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
		if got && b[0] == '"' {
			s, ok := Unescape(nil, b[1:len(b)-1])
			var want string
			if err := json.Unmarshal(b, &want); err != nil || !ok {
				t.Fatalf("%q: %v %v", b, err, ok)
			}
			if strings.ContainsRune(want, utf8.RuneError) {
				return
			}
			if string(s) != want {
				t.Fatalf("%q: %q, want %q", b, s, want)
			}
			var again string
			if err := json.Unmarshal(AppendString(nil, s), &again); err != nil || again != want {
				t.Fatalf("%q printed: %q %v", b, again, err)
			}
		}
	})
}
