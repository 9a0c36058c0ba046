package formats

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"strconv"
	"testing"
)

func TestDigits(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 200_000 {
		var b [8]byte
		n := rnd.Intn(9)
		for i := range b {
			if b[i] = byte('0' + rnd.Intn(10)); i == n {
				for b[i]-'0' <= 9 {
					b[i] = byte(rnd.Intn(256))
				}
			} else if i > n {
				b[i] = byte(rnd.Intn(256))
			}
		}
		want, _ := strconv.ParseInt("0"+string(b[:n]), 10, 64)
		if x, k := Digits(binary.LittleEndian.Uint64(b[:])); k != n || n > 0 && x != want {
			t.Fatalf("%q: %d in %d digits, want %d in %d", b, x, k, want, n)
		}
		for k := 1; k <= 8; k++ {
			x, ok := Number(binary.LittleEndian.Uint64(b[:]), k)
			want, _ := strconv.ParseInt("0"+string(b[:min(k, n)]), 10, 64)
			if ok != (k <= n) || ok && x != want {
				t.Fatalf("%d of %q: %d, %v, want %d", k, b, x, ok, want)
			}
		}
	}
}

// Wall must agree with Timestamp wherever it reads anything.
func TestWall(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	var d Days
	read := 0
	for range 200_000 {
		text := []byte(fmt.Sprintf("2024-02-%02d %02d:%02d:%02d.%03d", 28+rnd.Intn(2), rnd.Intn(26), rnd.Intn(62), rnd.Intn(62), rnd.Intn(1000)))
		if rnd.Intn(3) == 0 {
			text = text[:19]
		}
		if rnd.Intn(2) == 0 {
			text[rnd.Intn(len(text))] = byte(rnd.Intn(256))
		}
		long := append(append([]byte(nil), text...), "|||||||||"...)
		micros, size := d.Wall(long, ' ')
		if size > 0 {
			read++
			if want, _, ok := Timestamp(long[:size], ' '); !ok || micros != want {
				t.Fatalf("%q: %d in %d bytes, want %d %v", long, micros, size, want, ok)
			}
		}
		d.Timestamp(text, ' ')
	}
	if read < 40_000 {
		t.Fatalf("%d texts read", read)
	}
}
