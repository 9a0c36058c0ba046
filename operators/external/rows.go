package external

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state/spill"
	"github.com/millrace/millrace/types"
)

// Rows is a list of rows, all inserts, in blocks of up to batch.MaxRows.
type Rows struct {
	Store
	blocks []block
	n      int
	held   int64 // bytes in memory
	cold   int   // blocks before it lie on disk
	file   *spill.Spool
	enc    []byte
}

// block is some of the rows: a batch, or where its bytes lie.
type block struct {
	b     *batch.Batch // nil: on disk
	at    int64
	bytes int // on disk
	first int // the number of its first row
	rows  int
}

// NewRows makes an empty list.
func NewRows(s Store) *Rows {
	r := &Rows{Store: s}
	s.Room.Enter(r)
	return r
}

// Len is the number of rows.
func (r *Rows) Len() int { return r.n }

// Cold says that some of them lie on disk.
func (r *Rows) Cold() bool { return r.cold > 0 }

// Blocks is the number of blocks.
func (r *Rows) Blocks() int { return len(r.blocks) }

// Append copies a batch to the end.
func (r *Rows) Append(b *batch.Batch) error {
	grown := int64(0)
	for from := 0; from < b.Len; {
		last := len(r.blocks) - 1
		if last < r.cold || r.blocks[last].rows >= batch.MaxRows {
			c := &batch.Batch{}
			c.Reset(r.Types)
			r.blocks = append(r.blocks, block{b: c, first: r.n})
			last++
		}
		k := &r.blocks[last]
		to := min(b.Len, from+batch.MaxRows-k.rows)
		k.b.AppendRange(r.Types, b, from, to)
		grown += width(r.Types, b.Cols, from, to)
		k.rows, r.n, from = k.rows+to-from, r.n+to-from, to
	}
	r.held += grown
	if err := r.charge(grown); err != nil {
		return err
	}
	return r.Room.Make()
}

// width is about what rows first to end take in memory.
func width(ts []types.Type, cols []batch.Vector, first, end int) int64 {
	n := int64(0)
	for c, t := range ts {
		switch t.Layout() {
		case types.LayoutI64, types.LayoutF64:
			n += int64(end-first) * 8
		default:
			for i := first; i < end; i++ {
				n += bytesOf(t, &cols[c], i)
			}
		}
	}
	return n
}

func bytesOf(t types.Type, v *batch.Vector, i int) int64 {
	switch t.Layout() {
	case types.LayoutWide:
		return 16
	case types.LayoutBytes:
		if v.Null(i) {
			return 8
		}
		return 8 + int64(v.Str[i].Len())
	case types.LayoutStruct:
		n := int64(0)
		for k, kt := range t.KidTypes() {
			n += bytesOf(kt, &v.Kids[k], i)
		}
		return n
	case types.LayoutList:
		n := int64(8)
		if v.Null(i) {
			return n
		}
		for k, kt := range t.KidTypes() {
			for e := range v.Str[i].Len() {
				n += bytesOf(kt, &v.Kids[k], v.Str[i].Off()+e)
			}
		}
		return n
	}
	return 8
}

// Block is the rows of block i, valid until into is used again.
func (r *Rows) Block(i int, into *batch.Batch) (*batch.Batch, error) {
	k := &r.blocks[i]
	if k.b != nil {
		return k.b, nil
	}
	if cap(r.enc) < k.bytes {
		r.enc = make([]byte, k.bytes)
	}
	enc := r.enc[:k.bytes]
	if err := r.file.Read(k.at, enc); err != nil {
		return nil, err
	}
	into.Reset(r.Types)
	for c, t := range r.Types {
		for n := range k.rows {
			enc = batch.DecodeValue(enc, t, &into.Cols[c], n)
		}
	}
	into.Len = k.rows
	return into, nil
}

// Of is the block that row n is in, and the number of that block's first row.
func (r *Rows) Of(n int) (i, first int) {
	i = sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].first > n }) - 1
	return i, r.blocks[i].first
}

// Drop forgets block i, which isn't asked for again.
func (r *Rows) Drop(i int) {
	k := &r.blocks[i]
	if k.b == nil {
		return
	}
	n := width(r.Types, k.b.Cols, 0, k.rows)
	r.held -= n
	r.refund(n)
	k.b, k.rows = &batch.Batch{}, 0
}

// Held is the bytes in memory.
func (r *Rows) Held() int64 { return r.held }

// Unload writes the blocks in memory to disk.
func (r *Rows) Unload() error {
	if err := r.open(); err != nil {
		return err
	}
	for ; r.cold < len(r.blocks); r.cold++ {
		k := &r.blocks[r.cold]
		if err := r.write(k, k.b, 0, k.rows); err != nil {
			return err
		}
		k.b = nil
	}
	r.refund(r.held)
	r.held = 0
	return nil
}

// open makes the file.
func (r *Rows) open() (err error) {
	if r.file == nil {
		r.file, err = r.Room.Dir.Spool()
	}
	return err
}

// write writes rows of a batch as a block.
func (r *Rows) write(k *block, b *batch.Batch, from, to int) (err error) {
	r.enc = r.enc[:0]
	for c, t := range r.Types {
		for n := from; n < to; n++ {
			r.enc = batch.AppendValue(r.enc, t, &b.Cols[c], n)
		}
	}
	k.bytes = len(r.enc)
	k.at, err = r.file.Put(r.enc)
	return err
}

// Write appends a batch of any length on disk. None of the rows before may be in
// memory.
func (r *Rows) Write(b *batch.Batch) error {
	if err := r.open(); err != nil {
		return err
	}
	for from := 0; from < b.Len; from += batch.MaxRows {
		to := min(from+batch.MaxRows, b.Len)
		k := block{first: r.n, rows: to - from}
		if err := r.write(&k, b, from, to); err != nil {
			return err
		}
		r.blocks = append(r.blocks, k)
		r.n += to - from
	}
	r.cold = len(r.blocks)
	return nil
}

// Close forgets the rows and gives back what they take.
func (r *Rows) Close() {
	r.Room.Leave(r)
	r.refund(r.held)
	r.held, r.n, r.blocks, r.cold = 0, 0, nil, 0
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

var _ operators.Keeper = (*Rows)(nil)
