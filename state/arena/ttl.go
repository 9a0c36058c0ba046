package arena

// now is the clock, 0 for a table whose rows don't expire.
func (t *table) now() int64 {
	if t.ttl == 0 {
		return 0
	}
	return t.store.opts.Now()
}

// stamp restarts the time to live of rows.
func (t *table) stamp(ids []uint32, now int64) {
	for _, id := range ids {
		if id != 0 {
			*word(t.ptr(id), t.timeAt) = uint64(now)
		}
	}
}

// sweepRows is how many rows a Release looks at.
const sweepRows = 256

// sweep deletes what has expired, some rows at a time: reading already takes such
// rows for absent.
func (t *table) sweep() {
	now := t.now()
	for n := min(sweepRows, int(t.next)-1); n > 0; n-- {
		if t.swept++; t.swept >= t.next {
			t.swept = 1
		}
		p := t.ptr(t.swept)
		if *word(p, 0)&(live|dead) == live && !t.alive(t.swept, now) {
			t.Delete([]uint32{t.swept})
			t.expired++
		}
	}
}
