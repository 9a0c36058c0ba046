package optest

import (
	"math/rand"
	"slices"

	"github.com/millrace/millrace/batch"
)

// Changing is a random table that changes: rows with NULLs, ties and duplicates come,
// go, and are updated.
type Changing struct {
	R    *rand.Rand
	Keys int   // how many keys there are, about
	Vals int64 // how many values
	Live []Row // what is in it
	// One leaves one row a key at most; Upsert leaves out what an update replaces, which
	// then keeps its key.
	One, Upsert bool
	now         int64
}

// All are the changes that a Changing makes.
var All = batch.Changes{Kinds: batch.InsertOnly | batch.UpdateBefore.Set() | batch.UpdateAfter.Set() | batch.Delete.Set()}

// Next makes a few changes. inserts leaves out what takes rows back.
func (c *Changing) Next(inserts bool) *batch.Batch {
	var rows []Row
	var kinds []batch.Kind
	put := func(k batch.Kind, r Row) { rows, kinds = append(rows, r), append(kinds, k) }
	for n := 1 + c.R.Intn(6); n > 0; n-- {
		at := -1
		if len(c.Live) > 0 && !inserts {
			at = c.R.Intn(len(c.Live))
		}
		switch x := c.R.Intn(10); {
		case at < 0 || x < 5:
			row := c.row()
			if c.taken(row, -1) {
				continue
			}
			c.Live = append(c.Live, row)
			put(batch.Insert, row)
		case x < 8:
			old, row := c.Live[at], c.row()
			if c.R.Intn(3) > 0 || c.Upsert || c.taken(row, at) {
				row.K = old.K
			}
			if !c.Upsert {
				put(batch.UpdateBefore, old)
			}
			put(batch.UpdateAfter, row)
			c.Live = append(slices.Delete(c.Live, at, at+1), row)
		default:
			put(batch.Delete, c.Live[at])
			c.Live = slices.Delete(c.Live, at, at+1)
		}
	}
	if inserts {
		kinds = nil
	}
	return Batch(rows, kinds)
}

// taken says that another row than that at has the row's key, where there may be one.
func (c *Changing) taken(row Row, at int) bool {
	for i, r := range c.Live {
		if c.One && i != at && r.Key() == row.Key() {
			return true
		}
	}
	return false
}

func (c *Changing) row() Row {
	if len(c.Live) > 0 && c.R.Intn(8) == 0 {
		return c.Live[c.R.Intn(len(c.Live))]
	}
	c.now += c.R.Int63n(30)
	row := Row{Ms: c.now - c.R.Int63n(100)}
	if c.R.Intn(10) > 0 {
		k := string(rune('a' + c.R.Intn(c.Keys)))
		row.K = &k
	}
	if c.R.Intn(8) > 0 {
		v := c.R.Int63n(c.Vals)
		row.V = &v
	}
	return row
}
