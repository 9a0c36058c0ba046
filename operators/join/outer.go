package join

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// others handles outer, semi and anti joins, a row at a time.
//
// The rules are Flink's StreamingJoinOperator and StreamingSemiAntiJoinOperator:
// outer joins turn updates into +I and -D, a padded row is taken back before the
// first partner comes out, and comes back when the last one goes.
func (o *operator) others(input int, b *batch.Batch) error {
	e := &o.send
	e.begin()
	for i := 0; i < b.Len; i++ {
		found, err := o.matches(input, b, i)
		if err != nil {
			return err
		}
		switch {
		case o.spec.Kind != Semi && o.spec.Kind != Anti:
			err = o.outerRow(e, input, b, i, found)
		case input == 0:
			err = o.semiLeft(e, b, i, found)
		default:
			err = o.semiRight(e, b, i, found)
		}
		if err != nil {
			return err
		}
	}
	return e.flush()
}

// matches lists the entries of the other side that row i meets, until the next call.
func (o *operator) matches(input int, b *batch.Batch, i int) ([]state.Entry, error) {
	if o.ids[i] == 0 {
		return nil, nil
	}
	other := o.sides[1-input].list
	one := o.ids[i : i+1]
	all := o.found[:0]
	o.cursor = state.Cursor{}
	for {
		n := other.Match(one, &o.cursor, o.probe, o.entries)
		if n == 0 {
			o.found = all
			return all, nil
		}
		if o.rest == nil {
			all = append(all, o.entries[:n]...)
			continue
		}
		for k := range o.probe[:n] {
			o.probe[k] = int32(i)
		}
		o.pair(input, b, n)
		o.out.Kinds = nil
		sel, err := o.rest.Filter(&o.out, nil, o.pass[:0])
		if err != nil {
			return nil, err
		}
		o.pass = sel
		for _, k := range sel {
			all = append(all, o.entries[k])
		}
	}
}

func (o *operator) outerRow(e *emitter, input int, b *batch.Batch, i int, found []state.Entry) error {
	me, you := &o.sides[input], &o.sides[1-input]
	kind := b.Kind(i)
	if kind.Sign() > 0 {
		if len(found) == 0 {
			if me.outer {
				if err := e.row(input, b, i, 0, batch.Insert); err != nil {
					return err
				}
			}
			return o.add(input, b, i, 0)
		}
		for _, f := range found {
			if you.outer {
				if c := you.list.Cell(f, 0); *c == 0 {
					if err := e.padded(1-input, f, batch.Delete); err != nil {
						return err
					}
				}
				*you.list.Cell(f, 0)++
			}
			if err := e.row(input, b, i, f, batch.Insert); err != nil {
				return err
			}
		}
		return o.add(input, b, i, int64(len(found)))
	}
	o.remove(input, b, i)
	if len(found) == 0 {
		if me.outer {
			return e.row(input, b, i, 0, batch.Delete)
		}
		return nil
	}
	if me.outer {
		kind = batch.Delete
	}
	for _, f := range found {
		if err := e.row(input, b, i, f, kind); err != nil {
			return err
		}
		if you.outer {
			c := you.list.Cell(f, 0)
			*c--
			if *c == 0 {
				if err := e.padded(1-input, f, batch.Insert); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// semiLeft lets a left row pass if it has partners (semi) or none (anti).
func (o *operator) semiLeft(e *emitter, b *batch.Batch, i int, found []state.Entry) error {
	if (len(found) > 0) == (o.spec.Kind == Semi) {
		if err := e.left(b, i, b.Kind(i)); err != nil {
			return err
		}
	}
	if b.Kind(i).Sign() > 0 {
		return o.add(0, b, i, int64(len(found)))
	}
	o.remove(0, b, i)
	return nil
}

// semiRight counts a right row for each left row it meets; the first and the last
// change what comes out.
func (o *operator) semiRight(e *emitter, b *batch.Batch, i int, found []state.Entry) error {
	kind := b.Kind(i)
	left := o.sides[0].list
	for _, f := range found {
		c := left.Cell(f, 0)
		before := *c
		*c += int64(kind.Sign())
		var err error
		switch {
		case kind.Sign() > 0 && before == 0 && o.spec.Kind == Semi, kind.Sign() < 0 && before == 1 && o.spec.Kind == Semi:
			err = e.stored(f, kind)
		case kind.Sign() > 0 && before == 0:
			err = e.stored(f, batch.Delete)
		case kind.Sign() < 0 && before == 1:
			err = e.stored(f, batch.Insert)
		}
		if err != nil {
			return err
		}
	}
	if kind.Sign() > 0 {
		return o.add(1, b, i, 0)
	}
	o.remove(1, b, i)
	return nil
}

// add stores row i with its number of partners. A row whose key can't match is
// never asked for and isn't kept.
func (o *operator) add(input int, b *batch.Batch, i int, partners int64) error {
	if o.ids[i] == 0 {
		return nil
	}
	list := o.sides[input].list
	o.one[0] = list.Add(o.ids[i], b, i)
	*list.Cell(o.one[0], 0) = partners
	o.stamp(input, o.one[:])
	return nil
}
