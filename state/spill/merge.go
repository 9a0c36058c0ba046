package spill

// Merge writes the rows of runs that haven't been taken into one run, and closes
// them. keep says which to write (nil: all); moved is told each row's run, its number there and in
// the new run. On an error the runs are as they were.
func Merge(d *Dir, runs []*Run, keep func(row []byte) bool, moved func(run int, from, to uint32)) (*Run, error) {
	rows := 0
	heads := make([]scan, len(runs))
	for i, r := range runs {
		rows += r.live
		heads[i].r = r
	}
	w, err := d.Write(rows)
	if err != nil {
		return nil, err
	}
	for g := 0; g < Groups; g++ {
		open := make([]int, 0, len(runs)) // those with rows left
		for i := range heads {
			h := &heads[i]
			h.block, h.end = h.r.groups[g], h.r.groups[g+1]
			ok, err := h.next()
			if err != nil {
				w.Abort()
				return nil, err
			}
			if ok {
				open = append(open, i)
			}
		}
		for len(open) > 0 {
			least := 0
			for k := 1; k < len(open); k++ {
				if heads[open[k]].upper < heads[open[least]].upper {
					least = k
				}
			}
			i := open[least]
			h := &heads[i]
			if keep == nil || keep(h.row) {
				moved(i, h.n, w.Add(g, h.upper, h.row))
			}
			ok, err := h.next()
			if err != nil {
				w.Abort()
				return nil, err
			}
			if !ok {
				open = append(open[:least], open[least+1:]...)
			}
		}
	}
	to, err := w.Close()
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		r.Close()
	}
	return to, nil
}
