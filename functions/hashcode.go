package functions

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// JavaHash is the hashCode of row i as Java has it for a value of the type.
func JavaHash(t types.Type, v *batch.Vector, i int) int32 {
	switch {
	case t.Kind == types.Boolean:
		if v.I64[i] != 0 {
			return 1231
		}
		return 1237
	case t.Kind == types.Float:
		return int32(math.Float32bits(float32(v.F64[i])))
	case t.Kind == types.Double:
		return fold(int64(math.Float64bits(v.F64[i])))
	case t.Kind == types.BigInt || t.Kind == types.IntervalDT:
		return fold(v.I64[i])
	case t.Kind == types.Decimal:
		return bigHash(v.Decimal(t, i))*31 + int32(t.Scale)
	case t.IsString():
		h := int32(0)
		for s := v.Bytes(i); len(s) > 0; {
			r, w := utf8.DecodeRune(s)
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				h = (h*31+hi)*31 + lo
			} else {
				h = h*31 + r
			}
			s = s[w:]
		}
		return h
	case t.Layout() == types.LayoutBytes:
		h := int32(1)
		for _, c := range v.Bytes(i) {
			h = h*31 + int32(int8(c))
		}
		return h
	case t.IsTimestamp():
		ms := v.I64[i] / 1000
		if v.I64[i]%1000 < 0 {
			ms--
		}
		nanos := (v.I64[i] - ms*1000) * 1000
		if t.Layout() == types.LayoutWide {
			nanos += v.Hi[i]
		}
		return fold(ms)*31 + int32(nanos)
	}
	return int32(v.I64[i])
}

func fold(x int64) int32 { return int32(x ^ int64(uint64(x)>>32)) }

// bigHash is BigInteger's hashCode.
func bigHash(x types.Int128) int32 {
	x, neg := x.Abs()
	h, started := int32(0), false
	for _, word := range [4]uint32{uint32(uint64(x.Hi) >> 32), uint32(x.Hi), uint32(x.Lo >> 32), uint32(x.Lo)} {
		if started = started || word != 0; started {
			h = h*31 + int32(word)
		}
	}
	if neg {
		return -h
	}
	return h
}

// HashCode is the hashCode of Flink's own value of the type: that of Java but
// for strings, which Flink hashes by their bytes.
func HashCode(t types.Type, v *batch.Vector, i int) int32 {
	if !t.IsString() {
		return JavaHash(t, v, i)
	}
	s := v.Bytes(i)
	h, n := uint32(42), uint32(len(s))
	for ; len(s) >= 4; s = s[4:] {
		h = murmur(h, binary.LittleEndian.Uint32(s))
	}
	for _, c := range s {
		h = murmur(h, uint32(int32(int8(c))))
	}
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return int32(h ^ h>>16)
}

func murmur(h, k uint32) uint32 {
	k = bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593
	return bits.RotateLeft32(h^k, 13)*5 + 0xe6546b64
}
