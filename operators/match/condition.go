package match

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
)

// condition is that of one variable in two parts: what reads the row in question
// alone, computed for all rows of a visit at once, and what reads others too.
type condition struct {
	any   bool // there is a condition
	local *expr.Program
	rest  *expr.Program
	which []int // the navigations that rest reads

	known []bool // per row of the visit, of local
	valid bool   // known is; else local is asked row by row
	rows  batch.Batch
	views []view
	runs  []int // of each row of rows: the run
}

// openConditions compiles the variables' conditions.
func (o *operator) openConditions() error {
	for i, v := range o.spec.Vars {
		c := condition{any: v.Cond != nil}
		if c.any {
			if err := o.openCondition(i, v.Cond, &c); err != nil {
				return err
			}
		}
		o.conds = append(o.conds, c)
	}
	return nil
}

func (o *operator) openCondition(of int, cond expr.Expr, c *condition) (err error) {
	navs := o.spec.Navs
	own := func(n Nav) bool { return n.Agg.Fn == nil && !n.First && n.Offset == 0 && n.Vars>>of&1 == 1 }
	var local, rest []expr.Expr
	for _, e := range expr.Conjuncts(cond) {
		alone := true
		for _, k := range reads(e, len(navs)) {
			alone = alone && own(navs[k])
		}
		if alone {
			local = append(local, expr.Remap(e, func(k int) int { return navs[k].Col }))
		} else {
			rest = append(rest, e)
		}
	}
	if len(local) > 0 {
		if c.local, err = expr.Compile([]expr.Expr{conjunction(local)}, o.env.Session); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		e := conjunction(rest)
		c.which = reads(e, len(navs))
		c.rows.Reset(o.nav.ts)
		c.rest, err = expr.Compile([]expr.Expr{e}, o.env.Session)
	}
	return err
}

func conjunction(es []expr.Expr) expr.Expr {
	if len(es) == 1 {
		return es[0]
	}
	return &expr.Logic{Args: es, At: es[0].Span()}
}

// prepare computes what conditions say of each row of the visit alone. One that
// fails is asked again for the rows that it is needed for: it may not be.
func (o *operator) prepare() {
	rows := &o.part.rows
	for i := range o.conds {
		c := &o.conds[i]
		if c.local == nil {
			continue
		}
		sel, err := c.local.Filter(rows, nil, o.sel[:0])
		if c.valid = err == nil; !c.valid {
			continue
		}
		o.sel = sel
		if cap(c.known) < rows.Len {
			c.known = make([]bool, rows.Len)
		}
		c.known = c.known[:rows.Len]
		clear(c.known)
		for _, r := range sel {
			c.known[r] = true
		}
	}
}

// alone is what local says of row i of the visit.
func (o *operator) alone(c *condition, i int) (bool, error) {
	if c.local == nil {
		return true, nil
	}
	if c.valid {
		return c.known[i], nil
	}
	o.one[0] = int32(i)
	sel, err := c.local.Filter(&o.part.rows, o.one[:], o.sel[:0])
	return len(sel) > 0, err
}

// judge fills o.holds: for each partial match, the variables whose conditions row i
// of the visit meets, among those that matter to it.
func (o *operator) judge(i int) error {
	q := &o.part.partial
	if cap(o.holds) < len(q.runs) {
		o.holds = make([]uint64, len(q.runs)+len(q.runs)/2)
	}
	o.holds = o.holds[:len(q.runs)]
	for k := range o.conds {
		c := &o.conds[k]
		c.rows.Reset(o.nav.ts)
		c.views, c.runs = c.views[:0], c.runs[:0]
	}
	number := o.part.fresh + int64(i)
	for at, r := range q.runs {
		counts := q.of(r)
		v, c := o.automaton.place(counts)
		asked, holds := o.automaton.asks(v, c), uint64(0)
		for u := 0; asked>>u != 0; u++ {
			if asked>>u&1 == 0 {
				continue
			}
			cond := &o.conds[u]
			ok, err := o.alone(cond, i)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if cond.rest == nil {
				holds |= 1 << u
				continue
			}
			w := view{start: r.start, counts: counts, plus: u}
			if r.start == none {
				w.start = number
			}
			o.navigate(&cond.rows, cond.which, w)
			cond.views, cond.runs = append(cond.views, w), append(cond.runs, at)
		}
		o.holds[at] = holds
	}
	for u := range o.conds {
		c := &o.conds[u]
		if len(c.views) == 0 {
			continue
		}
		if err := o.aggregate(&c.rows, c.which, c.views); err != nil {
			return err
		}
		sel, err := c.rest.Filter(&c.rows, nil, o.sel[:0])
		if err != nil {
			return err
		}
		o.sel = sel
		for _, k := range sel {
			o.holds[c.runs[k]] |= 1 << u
		}
	}
	return nil
}
