package arena

import (
	"encoding/binary"
	"unsafe"
)

// plain is how rows of words from which nothing hangs are encoded where no word of them
// is NULL: each word lies 9 bytes behind the one before, but for the order of arrival and
// the time of a TTL between key and cells. The bytes are those of encodeRow.
type plain struct {
	key, cells []uintptr // where the words lie in a row
	most       int       // bytes of an encoded row
}

// newPlain is nil where rows of the table have other things.
func newPlain(t *table) *plain {
	if t.timer || t.key.kind != key8 && t.key.kind != key16 || len(t.lists)+len(t.sets)+len(t.sorted) > 0 || t.words > 0 {
		return nil
	}
	x := &plain{}
	for c, k := range t.key.layout {
		if !isWord(k) {
			return nil
		}
		x.key = append(x.key, 8+uintptr(c)*8)
	}
	for c, k := range t.kind {
		if !isWord(k) {
			return nil
		}
		x.cells = append(x.cells, t.at[c])
	}
	x.most = rowHead + 9*(len(x.key)+len(x.cells)) + binary.MaxVarintLen32 + 8
	return x
}

// encodePlain is encodeRow for a row that is plain; false: it has NULLs.
func (t *table) encodePlain(b []byte, mark byte, order uint32, p unsafe.Pointer) ([]byte, bool) {
	x, head := t.plain, *word(p, 0)
	if head&(t.blank|nullKeys) != t.blank {
		return b, false
	}
	n := len(b)
	if cap(b)-n < x.most {
		b = append(b, make([]byte, x.most)...)
	}
	b = b[:n+x.most]
	to := b[n:]
	to[0] = mark
	binary.LittleEndian.PutUint64(to[1:], hashOf(p))
	k := rowHead
	for _, at := range x.key {
		to[k] = 1
		binary.LittleEndian.PutUint64(to[k+1:], *word(p, at))
		k += 9
	}
	k += binary.PutUvarint(to[k:], uint64(order))
	if t.spec.TTL > 0 {
		var at uint64
		if t.ttl > 0 {
			at = *word(p, t.timeAt)
		}
		binary.LittleEndian.PutUint64(to[k:], at)
		k += 8
	}
	for _, at := range x.cells {
		to[k] = 1
		binary.LittleEndian.PutUint64(to[k+1:], *word(p, at))
		k += 9
	}
	return b[:n+k], true
}

// plainRow looks at the row that b begins with: its order, where what follows that begins,
// and where the row ends; 0: it isn't plain.
func (t *table) plainRow(b []byte) (order uint64, body, end int) {
	x := t.plain
	n := rowHead
	if len(b) < n+9*len(x.key)+1 {
		return 0, 0, 0
	}
	for range x.key {
		if b[n] != 1 {
			return 0, 0, 0
		}
		n += 9
	}
	order, w := binary.Uvarint(b[n:])
	if w <= 0 {
		return 0, 0, 0
	}
	body = n + w
	if n = body; t.spec.TTL > 0 {
		n += 8
	}
	if len(b) < n+9*len(x.cells) {
		return 0, 0, 0
	}
	for range x.cells {
		if b[n] != 1 {
			return 0, 0, 0
		}
		n += 9
	}
	return order, body, n
}

// fillPlain writes the words of an encoded row that is plain to one that is new. row ends
// where it does.
func (t *table) fillPlain(p unsafe.Pointer, row []byte, body int) {
	x := t.plain
	for c, at := range x.key {
		*word(p, at) = binary.LittleEndian.Uint64(row[rowHead+1+9*c:])
	}
	if t.spec.TTL > 0 {
		if t.ttl > 0 {
			*word(p, t.timeAt) = binary.LittleEndian.Uint64(row[body:])
		}
		body += 8
	}
	cells := row[body:]
	for c, at := range x.cells {
		*word(p, at) = binary.LittleEndian.Uint64(cells[1+9*c:])
	}
}
