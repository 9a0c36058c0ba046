package nexmark

import (
	"math"
	"math/bits"
	"strconv"
	"sync"
)

// random is java.util.Random.
type random uint64

const lcg, mask = 0x5DEECE66D, 1<<48 - 1

func seeded(n int64) random { return random((uint64(n) ^ lcg) & mask) }

func (r *random) next(n uint) int32 {
	*r = (*r*lcg + 11) & mask
	return int32(uint64(*r) >> (48 - n))
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

func (r *random) price() int64 {
	hi := int64(r.next(26)) << 27
	u := float64(hi+int64(r.next(27))) / (1 << 53)
	return int64(math.Floor(math.Pow(10, u*6)*100 + 0.5))
}

// str appends 3 to most-1 letters, a special one now and then, trimmed.
func (r *random) str(b []byte, most int32, special byte) []byte {
	o := len(b)
	for n := 3 + r.int(most-3); n > 0; n-- {
		if r.int(13) == 0 {
			if special != ' ' || len(b) > o {
				b = append(b, special)
			}
		} else {
			b = append(b, byte('a'+r.int(26)))
		}
	}
	for len(b) > o && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
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

var (
	firstNames = [...]string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = [...]string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities     = [...]string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	states     = [...]string{"AZ", "CA", "ID", "OR", "WA", "WY"}
	channels   [10004]struct{ name, url string }
	padding    []byte
)

// tablesOnce fills channels and padding.
var tablesOnce = sync.OnceFunc(func() {
	r := seeded(0)
	padding = r.exact(make([]byte, 0, 1<<20), 1<<20)
	for k := range channels {
		r := seeded(int64(k))
		b := []byte("https://www.nexmark.com/")
		for range 3 {
			b = append(r.str(b, 5, '_'), '/')
		}
		b = append(b, "item.htm?query=1"...)
		c := &channels[k]
		if k >= 10000 {
			c.name = [...]string{"Google", "Facebook", "Baidu", "Apple"}[k-10000]
		} else {
			c.name = "channel-" + strconv.Itoa(k)
			if r.int(10) > 0 {
				id := int32(bits.Reverse32(uint32(k)))
				if id < 0 {
					id = -id // of the least int32 it is itself, as Math.abs has it
				}
				b = strconv.AppendInt(append(b, "&channel_id="...), int64(id), 10)
			}
		}
		c.url = string(b)
	}
})
