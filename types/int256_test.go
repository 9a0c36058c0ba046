package types

import (
	"math/big"
	"math/rand"
	"testing"
)

func (a Int128) big() *big.Int {
	x := big.NewInt(a.Hi)
	return x.Add(x.Lsh(x, 64), new(big.Int).SetUint64(a.Lo))
}

// halfUp is n / d, half away from zero.
func halfUp(n, d *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(d) >= 0 {
		q.Add(q, big.NewInt(int64(n.Sign()*d.Sign())))
	}
	return q
}

func ten(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// TestWide compares DECIMAL arithmetic with exact arithmetic.
func TestWide(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	num := func() Int128 {
		x, _ := Int128Of(r.Int63() >> r.Intn(63)).Mul(Int128Of(r.Int63() >> (r.Intn(63) + 1)))
		if x = (Int128{Hi: x.Hi, Lo: x.Lo}); r.Intn(2) == 0 {
			x = x.Neg()
		}
		if !x.Fits(38) {
			return Int128Of(7)
		}
		return x
	}
	check := func(what string, got Int128, ok bool, want *big.Int) {
		t.Helper()
		if want.BitLen() > 127 {
			if ok {
				t.Errorf("%s = %s, want an overflow", what, got.big())
			}
			return
		}
		if !ok || got.big().Cmp(want) != 0 {
			t.Errorf("%s = %s %v, want %s", what, got.big(), ok, want)
		}
	}
	for range 20000 {
		x, y := num(), num()
		up, vp, off := r.Intn(39), r.Intn(39), r.Intn(39)
		got, ok := MulDecimal(x, y, off)
		check("mul", got, ok, halfUp(new(big.Int).Mul(x.big(), y.big()), ten(off)))
		sum := new(big.Int).Add(new(big.Int).Mul(x.big(), ten(up)), new(big.Int).Mul(y.big(), ten(vp)))
		got, ok = AddDecimal(x, up, y, vp, off)
		check("add", got, ok, halfUp(sum, ten(off)))
		if y.Sign() == 0 {
			continue
		}
		got, ok = DivDecimal(x, up, y)
		check("div", got, ok, halfUp(new(big.Int).Mul(x.big(), ten(up)), y.big()))
		got, ok = RemDecimal(x, up, y, vp)
		check("rem", got, ok, new(big.Int).Rem(new(big.Int).Mul(x.big(), ten(up)), new(big.Int).Mul(y.big(), ten(vp))))
	}
}
