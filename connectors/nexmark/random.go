package nexmark

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"sync"

	"github.com/millrace/millrace/batch"
)

// random is java.util.Random. Its 48 bits are the upper ones of a word, where they
// wrap by themselves.
type random uint64

const (
	lcg = 0x5DEECE66D
	inc = 11 << 16
	// two steps at once
	lcg2 = lcg * lcg % (1 << 48)
	inc2 = (lcg + 1) * inc
)

func seeded(n int64) random { return random((uint64(n) ^ lcg) << 16) }

func (r random) step() random { return r*lcg + inc }

// u31 is what nextInt takes the remainder of.
func (r random) u31() uint32 { return uint32(r >> 33) }

// one is the end of 31-bit draws. nextInt(n), if n isn't a power of two, rejects
// those from one/n*n on.
const one = 1 << 31

func (r *random) next(n uint) int32 {
	*r = r.step()
	return int32(uint64(*r) >> (64 - n))
}

func (r *random) int(n int32) int32 {
	if n&(n-1) == 0 {
		return int32(int64(n) * int64(r.next(31)) >> 31)
	}
	for {
		u := r.next(31)
		if m := u % n; u-m+(n-1) >= 0 {
			return m
		}
	}
}

func (r *random) long(n int64) int64 {
	if n < math.MaxInt32 {
		return int64(r.int(int32(n)))
	}
	hi := int64(r.next(32)) << 32
	v := (hi + int64(r.next(32))) % n
	return max(v, -v)
}

func (r *random) person(last int64) int64 {
	n := last + 1
	active := min(n, 1000)
	return n - active + r.long(active+10)
}

// unit is nextDouble.
func (r *random) unit() float64 {
	hi := r.step()
	*r = hi.step()
	return float64(int64(uint64(hi)>>38<<27+uint64(*r)>>37)) * 0x1p-53
}

// price is drawn evenly over the logarithm.
func (r *random) price() int64 {
	u, p := [1]float64{r.unit()}, [1]int64{}
	prices(u[:], p[:])
	return p[0]
}

// powers are 2^(i/128).
var powers [128]float64

// prices are 10^(6u) * 100, rounded: 2^y split into a whole number, a 128th of one
// and a rest for which five terms are enough. Where the next whole number is so
// near that the last bits of the power would decide, math.Pow does.
func prices(units []float64, to []int64) {
	const (
		log2of10 = 3.321928094887362
		near     = 1 << 20 // parts of a cent
	)
	to = to[:len(units)]
	for i, u := range units {
		y := u * 6 * log2of10
		k := int64(y*128 + 0.5)
		z := (y - float64(k)*(1.0/128)) * math.Ln2
		zz := z * z
		rest := (1 + z) + zz*((0.5+z*(1.0/6))+zz*(1.0/24))
		v := math.Float64frombits(math.Float64bits(powers[k&127])+uint64(k>>7)<<52)*rest*100 + 0.5
		p := int64(v)
		if part := int64((v - float64(p)) * near); uint64(part-2) > near-5 {
			p = int64(math.Floor(math.Pow(10, u*6)*100 + 0.5))
		}
		to[i] = p
	}
}

// str appends 3 to most-1 letters, a special one now and then, trimmed.
func (r *random) str(b []byte, most int32, special byte) []byte {
	const specials, letters = 13, 26
	o := len(b)
	d := *r
	n := int(3 + d.int(most-3))
	b = slices.Grow(b, n)[:o+n]
	for i := range b[o:] {
		// The state after both draws is computed from the one before them, so that it
		// doesn't wait for the first draw's remainder.
		first, second := d.step(), d*lcg2+inc2
		u, w := first.u31(), second.u31()
		if u >= one/specials*specials || w >= one/letters*letters { // rejected, perhaps
			b[o+i] = special
			if d.int(specials) != 0 {
				b[o+i] = byte('a' + d.int(letters))
			}
			continue
		}
		c := byte('a' + w%letters)
		d = second
		if u%specials == 0 {
			c, d = special, first
		}
		b[o+i] = c
	}
	*r = d
	if special != ' ' {
		return b
	}
	for len(b) > o && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	k := o
	for k < len(b) && b[k] == ' ' {
		k++
	}
	return b[:o+copy(b[o:], b[k:])]
}

// exact appends n characters, six of a draw.
func (r *random) exact(b []byte, n int) []byte {
	var v int32
	for k := range n {
		if k%6 == 0 {
			v = r.next(32)
		}
		b = append(b, byte('a'+v%26))
		v /= 26
	}
	return b
}

// strs are fixed strings in one buffer.
type strs struct {
	buf  []byte
	view []batch.View
}

func (s *strs) add(b []byte) {
	s.view = append(s.view, batch.NewView(len(s.buf), len(b)))
	s.buf = append(s.buf, b...)
}

var (
	firstNames = [...]string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = [...]string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}

	cities, states, channels, addresses strs
	padding                             []byte
)

// table is the buffer that field k of an entity views, nil if it has its own.
func table(entity, k int) []byte {
	switch [2]int{entity, k} {
	case [2]int{0, 4}:
		return cities.buf
	case [2]int{0, 5}:
		return states.buf
	case [2]int{2, 3}:
		return channels.buf
	case [2]int{2, 4}:
		return addresses.buf
	case [2]int{0, 7}, [2]int{1, 9}, [2]int{2, 6}:
		return padding
	}
	return nil
}

// tablesOnce fills the tables.
var tablesOnce = sync.OnceFunc(func() {
	r := seeded(0)
	padding = r.exact(make([]byte, 0, 1<<20), 1<<20)
	for i := range powers {
		powers[i] = math.Exp2(float64(i) / 128)
	}
	for _, c := range []string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"} {
		cities.add([]byte(c))
	}
	for _, s := range []string{"AZ", "CA", "ID", "OR", "WA", "WY"} {
		states.add([]byte(s))
	}
	for k := range 10004 {
		r := seeded(int64(k))
		b := []byte("https://www.nexmark.com/")
		for range 3 {
			b = append(r.str(b, 5, '_'), '/')
		}
		b = append(b, "item.htm?query=1"...)
		name := ""
		if k >= 10000 {
			name = [...]string{"Google", "Facebook", "Baidu", "Apple"}[k-10000]
		} else {
			name = "channel-" + strconv.Itoa(k)
			if r.int(10) > 0 {
				id := int32(bits.Reverse32(uint32(k)))
				if id < 0 {
					id = -id // of the least int32 it is itself, as Math.abs has it
				}
				b = strconv.AppendInt(append(b, "&channel_id="...), int64(id), 10)
			}
		}
		channels.add([]byte(name))
		addresses.add(b)
	}
})
