package lineedit

import (
	"fmt"
	"strings"
	"testing"
)

// TestKeys: keys come out the same however the bytes are cut.
func TestKeys(t *testing.T) {
	const in = "SELECT 'é日'\r;\x03\x1b[A\x1bOB\x1b[1;5C\x1bb\x1b[200~a\r\n\tb\r\x1b[201~x\x7f\t"
	want := []string{"SELECT 'é日'", "\r", ";", "\x03", "\x1b[A", "\x1bOB", "\x1b[1;5C", "\x1bb", "a⏎    b", "x", "\x7f", "\t"}
	for size := 1; size <= len(in); size++ {
		var k keys
		var got []string
		for i := 0; i < len(in); i += size {
			k.feed([]byte(in[i:min(i+size, len(in))]), false)
			for b, ok := k.pop(); ok; b, ok = k.pop() {
				got = append(got, string(b))
			}
		}
		if size < 4 { // text may come in pieces; joined it is the same
			got, want := strings.Join(got, ""), strings.Join(want, "")
			if got != want {
				t.Errorf("cut by %d: %q, want %q", size, got, want)
			}
			continue
		}
		if size == len(in) && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q, want %q", got, want)
		}
		if strings.Join(got, "") != strings.Join(want, "") {
			t.Errorf("cut by %d: %q", size, got)
		}
	}
	var k keys
	k.feed([]byte{0x1b}, false)
	if _, ok := k.pop(); ok {
		t.Error("a lone escape is a key before anyone knows")
	}
	k.feed(nil, true)
	if b, ok := k.pop(); !ok || string(b) != "\x1b" {
		t.Errorf("escape gave %q", b)
	}
}
