package arena

import (
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Mark goes through the values a chunk at a time: what the chunk will read is
// prefetched, slots first, then the records they name.
func (m *multiset) Mark(ids []uint32, values []batch.Vector, bits, fresh []uint64) {
	if m.t.track.on {
		m.t.touchAll(ids)
	}
	var hashes [chunk]uint64
	for from := 0; from < len(ids); from += chunk {
		to := min(from+chunk, len(ids))
		for k := from; k < to; k++ {
			if bits[k] != 0 {
				hashes[k-from] = m.hash(ids[k], values, k)
			}
		}
		if m.index.cold() {
			m.fetch(hashes[:to-from], bits[from:to])
		}
		for k := from; k < to; k++ {
			if fresh[k] = 0; bits[k] == 0 {
				continue
			}
			e := m.search(ids[k], values, k, hashes[k-from])
			if e == 0 {
				m.make(ids[k], values, k, hashes[k-from], int64(bits[k]))
				fresh[k] = bits[k]
				continue
			}
			marks := (*uint64)(unsafe.Add(m.ptr(e), atCount))
			fresh[k] = bits[k] &^ *marks
			*marks |= bits[k]
		}
	}
}

// search is find, which has a shorter way for one column of words.
func (m *multiset) search(id uint32, values []batch.Vector, row int, hash uint64) uint32 {
	if len(m.kind) != 1 || m.kind[0] != types.LayoutI64 || len(values[0].Valid) > 0 {
		return m.find(id, values, row, hash)
	}
	g := &m.index.groups[hash%groupsN]
	if !g.made {
		return 0
	}
	upper, x, cell := uint32(hash>>32), uint64(values[0].I64[row]), m.at[0]
	slots, mask := unsafe.Add(m.index.mem.base(), g.off), g.mask()
	for pos := g.home(upper); ; pos = (pos + 1) & mask {
		s := *(*uint64)(unsafe.Add(slots, uintptr(pos)*8))
		if s == 0 {
			return 0
		}
		if uint32(s>>32) != upper {
			continue
		}
		if p := m.ptr(uint32(s)); *half(p, atOwner) == id && *word(p, cell) == x && *word(p, 0)&1 != 0 {
			return uint32(s)
		}
	}
}

// fetch prefetches the slots of values and the records found there.
func (m *multiset) fetch(hashes, bits []uint64) {
	x, n, addrs := &m.index, 0, &m.t.addrs
	slots := uintptr(x.mem.base())
	for k, h := range hashes {
		if bits[k] == 0 {
			continue
		}
		g := &x.groups[h%groupsN]
		addrs[n] = slots + uintptr(g.off) + uintptr(g.home(uint32(h>>32)))*8
		n++
	}
	prefetch(&addrs[0], n)
	base, n := uintptr(m.mem.base()), 0
	for k, h := range hashes {
		g := &x.groups[h%groupsN]
		if bits[k] == 0 || !g.made {
			continue
		}
		pos, mask, upper := g.home(uint32(h>>32)), g.mask(), uint32(h>>32)
		s := *x.slot(g, pos)
		for s != 0 && uint32(s>>32) != upper {
			pos = (pos + 1) & mask
			s = *x.slot(g, pos)
		}
		if s != 0 {
			addrs[n] = base + uintptr(uint32(s))*m.stride
			n++
		}
	}
	prefetch(&addrs[0], n)
}
