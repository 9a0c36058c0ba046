package arena

import (
	"unsafe"
)

// index finds ids by hash: 128 hash tables, one per key group, so that one that
// grows is small. A slot is the upper half of the hash above an id, 0 when empty;
// its home follows from the hash, so that growing and deleting never touch rows.
type index struct {
	groups [groupsN]group
	mem    memory
	used   int       // bytes of mem handed out
	free   [40][]int // by log2 of the slots: offsets
	n      int       // ids
	slots  int       // in all groups
}

type group struct {
	off   int // of the first slot in mem
	n     int32
	log   uint8 // log2 of the slots
	made  bool
	shift uint8 // 32 - log
}

const (
	groupsN  = 128
	firstLog = 3
)

func (x *index) slot(g *group, pos uint32) *uint64 {
	return (*uint64)(unsafe.Add(x.mem.base(), g.off+int(pos)*8))
}

// home is where a hash's search begins.
func (g *group) home(upper uint32) uint32 { return upper >> g.shift }

func (g *group) mask() uint32 { return 1<<g.log - 1 }

// insert adds an id that isn't in the index.
func (x *index) insert(hash uint64, id uint32) {
	g := &x.groups[hash%groupsN]
	if !g.made || int(g.n)*8 >= 5<<g.log {
		x.grow(g)
	}
	g.n++
	x.n++
	x.place(g, hash>>32<<32|uint64(id))
}

func (x *index) place(g *group, slot uint64) {
	pos, mask := g.home(uint32(slot>>32)), g.mask()
	for {
		s := x.slot(g, pos)
		if *s == 0 {
			*s = slot
			return
		}
		pos = (pos + 1) & mask
	}
}

func (x *index) grow(g *group) {
	old := *g
	if g.made {
		g.log++
	} else {
		g.log, g.made = firstLog, true
	}
	g.shift = 32 - g.log
	g.off = x.alloc(g.log)
	if !old.made {
		return
	}
	for pos := uint32(0); pos <= old.mask(); pos++ {
		if s := *x.slot(&old, pos); s != 0 {
			x.place(g, s)
		}
	}
	x.slots -= 1 << old.log
	x.free[old.log] = append(x.free[old.log], old.off)
}

// reserve makes room for n ids in a key group.
func (x *index) reserve(group, n int) {
	g := &x.groups[group]
	if !g.made { // at once: nothing has to move
		log := uint8(firstLog)
		for log < 24 && n*8 >= 5<<log {
			log++
		}
		g.log, g.made, g.shift = log, true, 32-log
		g.off = x.alloc(log)
	}
	for g.log < 24 && n*8 >= 5<<g.log {
		x.grow(g)
	}
}

// alloc finds 1<<log empty slots.
func (x *index) alloc(log uint8) int {
	x.slots += 1 << log
	if f := x.free[log]; len(f) > 0 {
		off := f[len(f)-1]
		x.free[log] = f[:len(f)-1]
		clear(x.mem.buf[off : off+8<<log])
		return off
	}
	off := x.used
	x.used += 8 << log
	x.mem.size(x.used)
	return off
}

// remove takes an id out and moves up what would be lost behind the hole.
func (x *index) remove(hash uint64, id uint32) {
	g := &x.groups[hash%groupsN]
	pos, mask, want := g.home(uint32(hash>>32)), g.mask(), hash>>32<<32|uint64(id)
	for *x.slot(g, pos) != want {
		pos = (pos + 1) & mask
	}
	for {
		hole := pos
		for {
			pos = (pos + 1) & mask
			s := *x.slot(g, pos)
			if s == 0 {
				*x.slot(g, hole) = 0
				g.n--
				x.n--
				return
			}
			if home := g.home(uint32(s >> 32)); (pos-home)&mask >= (pos-hole)&mask {
				*x.slot(g, hole) = s
				break
			}
		}
	}
}

// each calls f for the ids of one key group.
func (x *index) each(group int, f func(id uint32)) {
	g := &x.groups[group]
	if !g.made {
		return
	}
	for pos := uint32(0); pos <= g.mask(); pos++ {
		if s := *x.slot(g, pos); s != 0 {
			f(uint32(s))
		}
	}
}

// reset empties the index.
func (x *index) reset(give bool) {
	x.mem.zero(x.used, give)
	*x = index{mem: x.mem}
}

// cold says that a probe is likely to wait for memory.
func (x *index) cold() bool { return x.slots > coldSlots }

const coldSlots = 32 << 10 // 256 KB
