package match

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
)

// openMeasures compiles the measures.
func (o *operator) openMeasures() (err error) {
	n := len(o.nav.navs)
	set := map[int]bool{}
	for _, m := range o.spec.Measures {
		for _, k := range reads(m, n) {
			set[k] = true
		}
	}
	for k := range n {
		if set[k] {
			o.which = append(o.which, k)
		}
	}
	o.found.Reset(o.nav.ts)
	o.one1.Reset(o.nav.ts)
	o.keyRows.Reset(o.keyTs)
	o.cols = make([]batch.Vector, len(o.spec.Measures))
	o.measures, err = expr.Compile(o.spec.Measures, o.env.Session)
	return err
}

// find notes a match: what its measures read, copied, since the rows may go.
func (o *operator) find(keys []batch.Vector, row int, v view) {
	o.navigate(&o.found, o.which, v)
	for c, t := range o.keyTs {
		o.keyRows.Cols[c].Append(t, o.keyRows.Len, &keys[c], row)
	}
	o.keyRows.Len++
	o.causes = append(o.causes, o.cause)
	o.pending = append(o.pending, found{view: view{start: v.start, plus: -1}, from: len(o.pendingCounts)})
	o.pendingCounts = append(o.pendingCounts, v.counts...)
}

// found is a match of this visit whose aggregates are still to be computed.
type found struct {
	view view
	from int
}

// measure computes the aggregates of the matches found in this visit.
func (o *operator) measure() error {
	if len(o.pending) == 0 {
		return nil
	}
	o.views = o.views[:0]
	for _, f := range o.pending {
		f.view.counts = o.pendingCounts[f.from : f.from+len(o.spec.Vars)]
		o.views = append(o.views, f.view)
	}
	o.pending, o.pendingCounts = o.pending[:0], o.pendingCounts[:0]
	any := false
	for _, c := range o.which {
		any = any || o.nav.call[c] >= 0
	}
	if !any {
		return nil
	}
	if err := o.aggregate(&o.one1, o.which, o.views); err != nil {
		return err
	}
	first := o.found.Len - len(o.views)
	for _, c := range o.which {
		if o.nav.call[c] < 0 {
			continue
		}
		for i := range o.views {
			o.found.Cols[c].Append(o.nav.ts[c], first+i, &o.one1.Cols[c], i)
		}
	}
	return nil
}

// send emits the matches found.
func (o *operator) send() error {
	n := o.found.Len
	if n == 0 {
		return nil
	}
	defer func() {
		o.found.Reset(o.nav.ts)
		o.keyRows.Reset(o.keyTs)
		o.causes = o.causes[:0]
		o.nav.release()
	}()
	if err := o.measures.Eval(&o.found, nil, o.cols); err != nil {
		return err
	}
	o.out.Cols = append(append(o.out.Cols[:0], o.keyRows.Cols...), o.cols...)
	o.out.Len = n
	o.order = o.order[:0]
	for i := range n {
		o.order = append(o.order, int32(i))
	}
	if !o.waits {
		sort.SliceStable(o.order, func(i, j int) bool { return o.causes[o.order[i]] < o.causes[o.order[j]] })
	}
	for from := 0; from < n; from += batch.MaxRows {
		part := o.order[from:min(n, from+batch.MaxRows)]
		o.sorted.Len = len(part)
		if len(o.sorted.Cols) == 0 {
			o.sorted.Cols = make([]batch.Vector, len(o.outTs))
		}
		for c, t := range o.outTs {
			o.sorted.Cols[c].Take(t, &o.out.Cols[c], part)
		}
		if err := o.Out.Emit(&o.sorted); err != nil {
			return err
		}
	}
	return nil
}
