package join

import (
	"math/bits"
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// nested is a join of batch mode without an equality: nested loops over blocks of both
// sides. The stored side's lie on disk where memory has no room, and are then read once
// for each block of the other side, whose rows wait for the end so that these blocks
// are full.
//
// Of two blocks the rows of the shorter one are taken one by one, each beside all of the
// other block at once. Bits say which rows have met one, where that matters.
type nested struct {
	operators.Stateless
	*final
	spec *Spec
	rest *expr.Program
	ts   [2][]types.Type
	outs []types.Type
	none [2]batch.Batch // of no rows: where NULLs come from

	reads [2][]int // a side's columns that rest reads
	block batch.Batch
	cand  batch.Batch    // a row of one side beside a block of the other: what rest reads
	fill  []batch.Vector // of it: the one row's columns, which are its own
	same  []int32        // one row's number, as often as the other block has rows
	pass  []int32
	pairs [2][]int32 // rows of two blocks that go out beside each other
	out   batch.Batch
	met   [2][]uint64 // of the other side's block; of all rows of the stored side
	env   *operators.Env
}

// Open prepares the rows.
func (o *nested) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.env = out, env
	o.final = newFinal(o.spec, env)
	o.ts = [2][]types.Type{o.spec.Left.Types(), o.spec.Right.Types()}
	o.outs = o.spec.Out.Types()
	o.none[0].Reset(o.ts[0])
	o.none[1].Reset(o.ts[1])
	o.cand.Cols = make([]batch.Vector, len(o.ts[0])+len(o.ts[1]))
	o.fill = make([]batch.Vector, len(o.cand.Cols))
	o.out.Cols = make([]batch.Vector, len(o.outs))
	if o.spec.Rest == nil {
		return nil
	}
	read := map[int]bool{}
	expr.Columns(o.spec.Rest, read)
	for side := range o.ts {
		for c := range o.ts[side] {
			if read[o.first(side)+c] {
				o.reads[side] = append(o.reads[side], c)
			}
		}
	}
	o.rest, err = expr.Compile([]expr.Expr{o.spec.Rest}, env.Session)
	return err
}

// first is where a side's columns begin in the output.
func (o *nested) first(side int) int { return side * len(o.ts[0]) }

// filters says that left rows go out alone: those that have met one, or those that haven't.
func (o *nested) filters() bool { return o.spec.Kind == Semi || o.spec.Kind == Anti }

// Process joins a batch when the other side is there and in memory, else keeps it.
func (o *nested) Process(input int, b *batch.Batch) error {
	if o.build >= 0 && o.ended[o.build] && !o.held[o.build].Cold() {
		return o.join(b, func() error { return nil })
	}
	return o.held[input].Append(b)
}

// End chooses the side that is stored, if it isn't known, and when both are over joins
// what has waited and sends stored rows that have met none.
func (o *nested) End(input int) error {
	o.ended[input] = true
	if o.build < 0 {
		o.choose(input)
	}
	if o.build == input && o.spec.outer(input) {
		o.met[input] = make([]uint64, words(o.held[input].Len()))
		if err := o.env.Memory.Grow(int64(len(o.met[input])) * 8); err != nil {
			return err
		}
	}
	if !o.ended[1-input] {
		return nil
	}
	if err := o.each(1-o.build, true, func(b *batch.Batch) error { return o.join(b, o.room.Turn) }); err != nil {
		return err
	}
	if o.spec.outer(o.build) {
		first := 0
		err := o.each(o.build, true, func(b *batch.Batch) error {
			first += b.Len
			return o.alone(o.build, b, first-b.Len, false)
		})
		if err != nil {
			return err
		}
	}
	o.final.close()
	return o.env.Memory.Grow(-int64(len(o.met[o.build])) * 8)
}

// join sends what rows of the other side meet, and those of them that go out without.
// turn is called between blocks.
func (o *nested) join(b *batch.Batch, turn func() error) error {
	stored, probe := o.held[o.build], 1-o.build
	alone := o.filters() || o.spec.outer(probe)
	if alone {
		o.met[probe] = slices.Grow(o.met[probe][:0], words(b.Len))[:words(b.Len)]
		clear(o.met[probe])
	}
	first := 0
	for i := range stored.Blocks() {
		if err := o.env.Context.Err(); err != nil { // a stored side may be long, and none may pass
			return err
		}
		c, err := stored.Block(i, &o.block)
		if err != nil {
			return err
		}
		if err = o.meet(b, c, first); err != nil {
			return err
		}
		if err = turn(); err != nil {
			return err
		}
		if first += c.Len; o.filters() && o.count(probe) == b.Len {
			break // each has met one, and that is all there is to know
		}
	}
	if !alone {
		return nil
	}
	return o.alone(probe, b, 0, o.spec.Kind == Semi)
}

// count is how many rows have met one.
func (o *nested) count(side int) (n int) {
	for _, w := range o.met[side] {
		n += bits.OnesCount64(w)
	}
	return n
}

// meet sends the pairs of a block of the other side with one of the stored side, whose
// first row has that number.
func (o *nested) meet(b, c *batch.Batch, first int) error {
	var rows [2]*batch.Batch
	var from [2]int
	probe := 1 - o.build
	rows[probe], rows[o.build], from[o.build] = b, c, first
	one, many := probe, o.build
	if c.Len < b.Len {
		one, many = many, one
	}
	n := rows[many].Len
	for _, k := range o.reads[many] {
		o.cand.Cols[o.first(many)+k] = rows[many].Cols[k]
	}
	for i := range rows[one].Len {
		if o.filters() && one == probe && has(o.met[probe], i) {
			continue
		}
		pass, err := o.passing(rows[one], one, i, n)
		if err != nil {
			return err
		}
		if len(pass) == 0 {
			continue
		}
		mark(o.met[one], from[one], o.same[:1])
		mark(o.met[many], from[many], pass)
		if o.filters() {
			continue
		}
		if len(o.pairs[0])+len(pass) > batch.MaxRows {
			if err := o.send(rows); err != nil {
				return err
			}
		}
		o.pairs[many] = append(o.pairs[many], pass...)
		o.pairs[one] = append(o.pairs[one], o.same[:len(pass)]...)
	}
	return o.send(rows)
}

// passing is the rows of a block of n that row i of the other block goes with.
func (o *nested) passing(b *batch.Batch, one, i, n int) ([]int32, error) {
	o.same = o.same[:0]
	for range n {
		o.same = append(o.same, int32(i))
	}
	if o.rest == nil {
		for len(o.pass) < n {
			o.pass = append(o.pass, int32(len(o.pass)))
		}
		return o.pass[:n], nil
	}
	for _, k := range o.reads[one] {
		c := o.first(one) + k
		o.fill[c].Take(o.ts[one][k], &b.Cols[k], o.same)
		o.cand.Cols[c] = o.fill[c]
	}
	o.cand.Len = n
	pass, err := o.rest.Filter(&o.cand, nil, o.pass[:0])
	if err == nil {
		o.pass = pass
	}
	return pass, err
}

// send sends the pairs, whose numbers are of these rows; none: NULLs.
func (o *nested) send(rows [2]*batch.Batch) error {
	n := len(o.pairs[0])
	if n == 0 {
		return nil
	}
	for c := range o.outs {
		side := 0
		if c >= len(o.ts[0]) {
			side = 1
		}
		o.out.Cols[c].Take(o.outs[c], &rows[side].Cols[c-o.first(side)], o.pairs[side])
	}
	o.pairs[0], o.pairs[1] = o.pairs[0][:0], o.pairs[1][:0]
	o.out.Len = n
	return o.Out.Emit(&o.out)
}

// alone sends those rows of a side, beside NULLs where there is another side, that have
// met one, or that haven't. The first one has that number among the bits.
func (o *nested) alone(side int, b *batch.Batch, first int, met bool) error {
	for i := range b.Len {
		if has(o.met[side], first+i) == met {
			o.pairs[side], o.pairs[1-side] = append(o.pairs[side], int32(i)), append(o.pairs[1-side], -1)
		}
	}
	rows := [2]*batch.Batch{&o.none[0], &o.none[1]}
	rows[side] = b
	return o.send(rows)
}

// Close frees the condition, and what a job that failed has kept.
func (o *nested) Close() error {
	o.final.close()
	if o.rest != nil {
		return o.rest.Close()
	}
	return nil
}

// words is how many words n bits take.
func words(n int) int { return (n + 63) / 64 }

// has says whether a bit is set.
func has(set []uint64, i int) bool { return set[i>>6]>>(i&63)&1 != 0 }

// mark sets the bits of rows, the first of which has that number, if anybody wants them.
func mark(set []uint64, first int, rows []int32) {
	if set == nil {
		return
	}
	for _, r := range rows {
		i := first + int(r)
		set[i>>6] |= 1 << (i & 63)
	}
}
