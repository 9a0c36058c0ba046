package shell

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/shell/render"
	"github.com/millrace/millrace/types"
)

// rowStore keeps the rows of a result: those that are there now, in the order they
// came (an update takes the place of the row it replaces), or the last changes.
type rowStore struct {
	ts     []types.Type
	log    bool // changes are rows
	limit  int
	order  []*storedRow
	dead   int
	live   map[string][]*storedRow
	early  map[string]int // rows taken back before they came: subtasks overtake each other
	hole   *storedRow     // where a -U was
	buf    []byte
	decode batch.Batch
}

type storedRow struct {
	row  []byte
	kind batch.Kind
	live bool
}

func newRows(schema *types.Schema, log bool, limit int) *rowStore {
	return &rowStore{ts: schema.Types(), log: log, limit: limit, live: map[string][]*storedRow{}, early: map[string]int{}}
}

func (r *rowStore) len() int { return len(r.order) - r.dead }

func (r *rowStore) apply(b *batch.Batch) {
	if b.Sel != nil {
		for _, i := range b.Sel {
			r.one(b, int(i))
		}
	} else {
		for i := 0; i < b.Len; i++ {
			r.one(b, i)
		}
	}
	r.compact()
}

func (r *rowStore) one(b *batch.Batch, i int) {
	kind := b.Kind(i)
	r.buf = batch.AppendRow(r.buf[:0], r.ts, b.Cols, i)
	if r.log {
		r.order = append(r.order, &storedRow{row: append([]byte(nil), r.buf...), kind: kind, live: true})
		return
	}
	key := string(r.buf)
	if kind.Sign() < 0 {
		l := r.live[key]
		if len(l) == 0 {
			r.early[key]++
			return
		}
		e := l[0]
		e.live, e.row = false, nil
		r.dead++
		if r.live[key] = l[1:]; len(l) == 1 {
			delete(r.live, key)
		}
		if r.hole = nil; kind == batch.UpdateBefore {
			r.hole = e
		}
		return
	}
	if r.early[key] > 0 {
		if r.early[key]--; r.early[key] == 0 {
			delete(r.early, key)
		}
		return
	}
	e := r.hole
	if r.hole = nil; kind == batch.UpdateAfter && e != nil {
		r.dead--
	} else {
		e = &storedRow{kind: batch.Insert}
		r.order = append(r.order, e)
	}
	e.row, e.live = []byte(key), true
	r.live[key] = append(r.live[key], e)
}

// compact forgets dead rows, and the oldest beyond the limit.
func (r *rowStore) compact() {
	if r.dead > 1000 && r.dead > len(r.order)/2 {
		r.hole = nil
		kept := r.order[:0]
		for _, e := range r.order {
			if e.live {
				kept = append(kept, e)
			}
		}
		clear(r.order[len(kept):])
		r.order, r.dead = kept, 0
	}
	for i := 0; r.len() > r.limit && i < len(r.order); i++ {
		e := r.order[i]
		if e == nil || !e.live {
			continue
		}
		if r.log {
			r.order = append(r.order[:0], r.order[len(r.order)-r.limit:]...)
			return
		}
		key := string(e.row)
		for k, x := range r.live[key] {
			if x == e {
				r.live[key] = append(r.live[key][:k:k], r.live[key][k+1:]...)
				break
			}
		}
		e.live, e.row = false, nil
		r.dead++
	}
}

// page makes a batch of rows from <= n < to of those there are; valid until the
// next.
func (r *rowStore) page(from, to int) *batch.Batch {
	b := &r.decode
	b.Reset(r.ts)
	n := 0
	for _, e := range r.order {
		if n >= to {
			break
		}
		if !e.live {
			continue
		}
		if n >= from {
			b.DecodeRow(e.row, r.ts)
			b.AppendKind(e.kind)
		}
		n++
	}
	return b
}

// write hands all rows to a writer.
func (r *rowStore) write(w render.Writer) error {
	b := &r.decode
	b.Reset(r.ts)
	for _, e := range r.order {
		if !e.live {
			continue
		}
		b.DecodeRow(e.row, r.ts)
		b.AppendKind(e.kind)
		if b.Len == batch.MaxRows {
			if err := w.Write(b); err != nil {
				return err
			}
			b.Reset(r.ts)
		}
	}
	return w.Write(b)
}
