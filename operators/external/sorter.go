package external

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state/spill"
	"github.com/millrace/millrace/types"
)

// Sorter orders rows, those that are equal as they came.
//
// A row is a record: the lengths of its sort key and of the rest as uvarints, the
// key by batch.AppendSortKey, the row by batch.AppendRow. Records lie on pages, and an
// entry of 16 bytes stands for each: the first bytes of its key as a number, and its
// place. Entries are sorted by their numbers a byte at a time (least significant
// first), and by the keys where the numbers are equal.
type Sorter struct {
	Store
	by    []batch.Order
	exact bool // a key's number says all of it

	pages   [][]byte
	room    int // bytes left on the last page
	entries []entry
	spare   []entry
	held    int64
	most    int // entries of the longest run so far
	key     []byte
	row     []byte

	file *spill.Spool
	runs []run
	done bool // rows are being taken out
}

// entry stands for a record. key is the first eight bytes behind the first one of
// the sort key, which says whether the first column is NULL: that is in at's upper
// two bits, above the number of the page (30 bits) and the offset on it (32).
type entry struct{ key, at uint64 }

const (
	classShift = 62
	pageShift  = 32
	pageMask   = 1<<30 - 1
	// firstPage and pageBytes are the sizes of the first pages and of those behind.
	firstPage = 4 << 10
	pageBytes = 1 << 20
	// entryBytes is what an entry takes, and the place it is sorted into.
	entryBytes = 32
)

// NewSorter makes an empty one.
func NewSorter(s Store, by []batch.Order) *Sorter {
	o := &Sorter{Store: s, by: by}
	if len(by) == 1 {
		l := s.Types[by[0].Col].Layout()
		o.exact = l == types.LayoutI64 || l == types.LayoutF64
	}
	s.Room.Enter(o)
	return o
}

// Append takes a batch.
func (o *Sorter) Append(b *batch.Batch) error {
	held := o.held
	for i := range b.Len {
		o.key = batch.AppendSortKey(o.key[:0], o.Types, o.by, b.Cols, i)
		o.row = batch.AppendRow(o.row[:0], o.Types, b.Cols, i)
		o.add()
	}
	if err := o.charge(o.held - held); err != nil {
		return err
	}
	return o.Room.Make()
}

// add puts key and row on a page.
func (o *Sorter) add() {
	n := 2*binary.MaxVarintLen32 + len(o.key) + len(o.row)
	if n > o.room {
		size := min(firstPage<<min(len(o.pages), 16), pageBytes)
		size = max(size, n)
		o.pages = append(o.pages, make([]byte, 0, size))
		o.room = size
		o.held += int64(size)
	}
	last := len(o.pages) - 1
	p := o.pages[last]
	at := len(p)
	p = binary.AppendUvarint(p, uint64(len(o.key)))
	p = binary.AppendUvarint(p, uint64(len(o.row)))
	p = append(append(p, o.key...), o.row...)
	o.room -= len(p) - at
	o.pages[last] = p
	class, key := number(o.key)
	if o.entries == nil {
		o.entries = make([]entry, 0, max(o.most, 64))
		o.held += entryBytes * int64(cap(o.entries))
	}
	before := cap(o.entries)
	o.entries = append(o.entries, entry{key, class<<classShift | uint64(last)<<pageShift | uint64(at)})
	o.held += entryBytes * int64(cap(o.entries)-before)
}

// number is what an entry says of a key.
func number(key []byte) (class, n uint64) {
	if len(key) == 0 {
		return 0, 0
	}
	class, key = uint64(key[0]), key[1:]
	if len(key) >= 8 {
		return class, binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return class, binary.BigEndian.Uint64(b[:])
}

// record cuts a record off b.
func record(b []byte) (key, row, rest []byte) {
	k, w := binary.Uvarint(b)
	b = b[w:]
	n, w := binary.Uvarint(b)
	b = b[w:]
	return b[:k], b[k : k+n], b[k+n:]
}

func (o *Sorter) at(e entry) []byte {
	return o.pages[e.at>>pageShift&pageMask][uint32(e.at):]
}

// sort orders the entries in memory.
func (o *Sorter) sort() {
	if len(o.by) == 0 {
		return
	}
	o.radix()
	if o.exact {
		return
	}
	e := o.entries
	for from := 0; from < len(e); {
		to := from + 1
		for to < len(e) && e[to].key == e[from].key && e[to].at>>classShift == e[from].at>>classShift {
			to++
		}
		if to-from > 1 {
			slices.SortFunc(e[from:to], func(a, b entry) int {
				x, _, _ := record(o.at(a))
				y, _, _ := record(o.at(b))
				if c := bytes.Compare(x, y); c != 0 {
					return c
				}
				if a.at < b.at {
					return -1
				}
				return 1
			})
		}
		from = to
	}
}

// radix orders the entries by class and key, equal ones as they are. Bytes that are
// the same in all keys are passed over.
func (o *Sorter) radix() {
	e := o.entries
	if len(e) < 256 {
		slices.SortFunc(e, func(a, b entry) int {
			switch x, y := a.at>>classShift, b.at>>classShift; {
			case x != y:
				return int(x) - int(y)
			case a.key < b.key:
				return -1
			case a.key > b.key:
				return 1
			case a.at < b.at:
				return -1
			}
			return 1
		})
		return
	}
	var counts [9][256]int
	for _, x := range e {
		k := x.key
		for d := range 8 {
			counts[d][byte(k>>(8*d))]++
		}
		counts[8][x.at>>classShift]++
	}
	if cap(o.spare) < len(e) {
		o.spare = make([]entry, len(e))
	}
	to := o.spare[:len(e)]
	for d := range 9 {
		c := &counts[d]
		digit := func(x entry) byte { return byte(x.key >> (8 * d)) }
		if d == 8 {
			digit = func(x entry) byte { return byte(x.at >> classShift) }
		}
		if c[digit(e[0])] == len(e) {
			continue
		}
		at := 0
		for i, n := range c {
			c[i] = at
			at += n
		}
		if d == 8 {
			for _, x := range e {
				k := &c[x.at>>classShift]
				to[*k] = x
				*k++
			}
		} else {
			shift := 8 * d
			for _, x := range e {
				k := &c[byte(x.key>>shift)]
				to[*k] = x
				*k++
			}
		}
		e, to = to, e
	}
	o.entries, o.spare = e, to
}

// Held is the bytes in memory, while rows come in.
func (o *Sorter) Held() int64 {
	if o.done || len(o.entries) == 0 {
		return 0
	}
	return o.held
}

// Unload sorts the rows in memory and writes them as a run.
func (o *Sorter) Unload() error {
	if o.file == nil {
		f, err := o.Room.Dir.Spool()
		if err != nil {
			return err
		}
		o.file = f
	}
	o.sort()
	w := writer{file: o.file}
	for _, e := range o.entries {
		b := o.at(e)
		key, row, rest := record(b)
		if err := w.add(b[:len(b)-len(rest)], key, row); err != nil {
			return err
		}
	}
	r, err := w.end()
	if err != nil {
		return err
	}
	o.runs = append(o.runs, r)
	o.most = max(o.most, len(o.entries))
	o.drop()
	return nil
}

// drop forgets what is in memory.
func (o *Sorter) drop() {
	o.refund(o.held)
	o.pages, o.entries, o.spare, o.room, o.held = nil, nil, nil, 0, 0
}

// Each calls f with the rows in order, as bytes for batch.DecodeRow that are valid
// within the call. It may be called once.
func (o *Sorter) Each(f func(row []byte) error) error {
	if len(o.runs) > 0 && len(o.entries) > 0 {
		if err := o.Unload(); err != nil {
			return err
		}
	}
	o.done = true
	if len(o.runs) > 0 {
		if err := o.reduce(); err != nil {
			return err
		}
		return merge(o.file, o.runs, func(_, _, row []byte) error { return f(row) })
	}
	o.sort()
	for _, e := range o.entries {
		_, row, _ := record(o.at(e))
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

// Close gives back what the rows take.
func (o *Sorter) Close() {
	o.Room.Leave(o)
	o.drop()
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
	o.runs = nil
}
