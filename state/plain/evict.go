package plain

// evict renumbers every row and entry, upwards and with gaps, and poisons the rows
// that were: whoever kept an id finds nonsense.
func (t *table) evict() {
	t.turn++
	next := uint32(1 + t.turn%3)
	to := make([]uint32, len(t.keys))
	for id := range t.keys {
		if t.keys[id] != nil {
			to[id] = next
			next += 1 + uint32(id+t.turn)%2
		}
	}
	old := *t
	t.cells = make([]uint64, int(next)*t.stride)
	t.keys, t.hash, t.written = make([][]byte, next), make([]uint64, next), make([]int64, next)
	t.free = t.free[:0]
	for c := range t.bytes {
		from := t.bytes[c]
		t.bytes[c] = make([][]byte, next)
		for id, n := range to {
			if n != 0 {
				t.bytes[c][n] = append([]byte(nil), from[id]...)
				poison(from[id])
			}
		}
	}
	for id, n := range to {
		if n == 0 {
			continue
		}
		copy(t.cells[int(n)*t.stride:][:t.stride], old.cells[id*t.stride:])
		t.keys[n], t.hash[n], t.written[n] = old.keys[id], old.hash[id], old.written[id]
		t.index[string(t.keys[n])] = n
	}
	for i := range old.cells {
		old.cells[i] = 0xdeadbeefdeadbeef
	}
	used := map[uint32]bool{}
	for _, n := range to {
		used[n] = true
	}
	for id := uint32(1); id < next; id++ {
		if !used[id] {
			t.free = append(t.free, id)
		}
	}
	for _, l := range t.lists {
		l.renumber(to, t.turn)
	}
	for _, m := range t.sets {
		of := m.of
		m.of = map[uint32]map[string]*counted{}
		for id, x := range of {
			m.of[to[id]] = x
		}
	}
	for _, s := range t.sorted {
		s.renumber(to, t.turn)
	}
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}
