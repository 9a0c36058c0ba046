package bytemask

import (
	"math/rand"
	"testing"
)

// Next must find what a look at each byte finds, in blocks of any length and place.
func TestNext(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	alphabet := []byte(",\"\\a\x00\xFF\x80é;\x2B\x2D")
	var m Masks
	for range 3000 {
		b := make([]byte, rnd.Intn(400))
		for i := range b {
			if b[i] = 'x'; rnd.Intn(12) == 0 {
				b[i] = alphabet[rnd.Intn(len(alphabet))]
			}
		}
		from := rnd.Intn(len(b) + 1)
		to := from + rnd.Intn(len(b)-from+1)
		x, y := alphabet[rnd.Intn(len(alphabet))], alphabet[rnd.Intn(len(alphabet))]
		m.Fill(b, from, to, x, y)
		for i := from; i <= to; i++ {
			want, wide := i, false
			for want < to && b[want] != x && b[want] != y {
				wide = wide || b[want] >= 0x80
				want++
			}
			got, says := m.Next(i)
			if got != want && (want != to || got < to) {
				t.Fatalf("Next(%d) of %q[%d:%d] for %q %q is %d, want %d", i, b, from, to, x, y, got, want)
			}
			if wide && !says {
				t.Fatalf("Next(%d) of %q[%d:%d] doesn't say that there is text beyond ASCII", i, b, from, to)
			}
		}
	}
}

// The assembly and the plain form must agree.
func TestScan(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	b := make([]byte, 64*40)
	for i := range b {
		b[i] = byte(rnd.Intn(256))
	}
	for x := range 256 {
		y := byte(rnd.Intn(256))
		got, want := make([]Word, 40), make([]Word, 40)
		scan(&b[0], 40, byte(x), y, &got[0])
		plain(b, byte(x), y, want)
		for i := range got {
			if got[i].Hit != want[i].Hit || (got[i].High != 0) != (want[i].High != 0) {
				t.Fatalf("word %d for %x %x: %x, want %x", i, x, y, got[i], want[i])
			}
		}
	}
}

func BenchmarkScan(b *testing.B) {
	text := make([]byte, 1<<17)
	var m Masks
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Fill(text, 0, len(text), '"', '\\')
	}
}
