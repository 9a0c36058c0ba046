package formats

import (
	"encoding/binary"
	"math/bits"

	"github.com/millrace/millrace/types"
)

const zeros = 0x3030303030303030 // "00000000"

// Digits reads the decimal digits at the front of eight bytes, the first lowest: how
// many there are, up to eight, and the number they make.
func Digits(w uint64) (x int64, n int) {
	t := w ^ zeros
	other := ((t + 0x0606060606060606) | t) & 0xF0F0F0F0F0F0F0F0 // exact up to the first byte that isn't a digit
	n = bits.TrailingZeros64(other) >> 3
	return eight(t << (64 - 8*uint(n))), n // a shift by 64 leaves 0
}

// Number reads a number of n digits, from one to eight, at the front of eight bytes,
// whatever follows it. ok: they are digits.
func Number(w uint64, n int) (x int64, ok bool) {
	t := (w ^ zeros) << (64 - 8*uint(n))
	return eight(t), ((t+0x0606060606060606)|t)&0xF0F0F0F0F0F0F0F0 == 0
}

// eight is the number of eight digits' values, the first in the lowest byte.
func eight(t uint64) int64 {
	t = t*10 + t>>8 // pairs, in every other byte
	const pairs = 0x000000FF000000FF
	t = (t&pairs)*(100+1000000<<32) + (t>>16&pairs)*(1+10000<<32)
	return int64(t >> 32)
}

// Wall reads a timestamp at the front of s: yyyy-MM-dd, sep, HH:mm:ss and nothing or
// a fraction of three digits. size is its length; 0: Timestamp must look at it, as
// the day isn't the one read last, or it has another form. What follows it isn't
// looked at.
func (d *Days) Wall(s []byte, sep byte) (micros int64, size int) {
	if len(s) < 24 || d.text[10] != sep ||
		binary.LittleEndian.Uint64(s) != binary.LittleEndian.Uint64(d.text[:]) || binary.LittleEndian.Uint64(s[3:]) != binary.LittleEndian.Uint64(d.text[3:]) {
		return 0, 0
	}
	sec, ok := types.Clock(binary.LittleEndian.Uint64(s[11:]))
	if !ok {
		return 0, 0
	}
	if micros = d.micros + sec*1_000_000; s[19] != '.' {
		return micros, 19
	}
	ms, ok := types.Thousandths(binary.LittleEndian.Uint32(s[19:]))
	if !ok {
		return 0, 0
	}
	return micros + ms*1000, 23
}
