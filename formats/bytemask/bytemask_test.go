package bytemask

import (
	"math/rand"
	"slices"
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
		var places []uint32
		for i := from; i < to; i++ {
			if b[i] == x || b[i] == y {
				places = append(places, uint32(i))
			}
		}
		if got := m.Places([]uint32{7}); got[0] != 7 || !slices.Equal(got[1:], places) {
			t.Fatalf("Places of %q[%d:%d] for %q %q are %d, want %d", b, from, to, x, y, got[1:], places)
		}
		text := b[from:to]
		wide, second := m.Seen()
		if beyond := func(c byte) bool { return c >= 0x80 }; !wide && slices.ContainsFunc(text, beyond) {
			t.Fatalf("Seen says that %q isn't beyond ASCII", text)
		}
		if !second && slices.Contains(text, y) {
			t.Fatalf("Seen says that there is no %q in %q", y, text)
		}
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

// What the assembly makes of blocks and the plain form must agree.
func TestScan(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	b := make([]byte, 64*40)
	for i := range b {
		b[i] = byte(rnd.Intn(256))
	}
	for x := range 256 {
		y := byte(rnd.Intn(256))
		want := make([]Word, 40)
		plain(b, byte(x), y, want)
		for name, scan := range scans() {
			got := make([]Word, 40)
			scan(&b[0], 40, byte(x), y, &got[0])
			for i := range got {
				if got[i].Hit != want[i].Hit || (got[i].High != 0) != (want[i].High != 0) || (got[i].Y != 0) != (want[i].Y != 0) {
					t.Fatalf("%s: word %d for %x %x: %x, want %x", name, i, x, y, got[i], want[i])
				}
			}
		}
	}
}

// So must what is made of words, however little room there is for it.
func TestPlaces(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	for round := range 500 {
		words := make([]Word, rnd.Intn(9))
		for i := range words {
			words[i].Hit = rnd.Uint64() & rnd.Uint64()
			for range round % 4 {
				words[i].Hit &= rnd.Uint64()
			}
			if rnd.Intn(9) == 0 {
				words[i].Hit = ^uint64(0)
			}
		}
		got, want := make([]uint32, rnd.Intn(300)), make([]uint32, 600)
		n, found := places(words, 1000, got)
		m, wanted := plainPlaces(words, 1000, want[:len(got)])
		if n != m || !slices.Equal(got[:found], want[:wanted]) {
			t.Fatalf("%x: %d words, %d, want %d, %d", words, n, got[:found], m, want[:wanted])
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
