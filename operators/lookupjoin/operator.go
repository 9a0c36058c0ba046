package lookupjoin

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/pair"
	"github.com/millrace/millrace/types"
)

// operator is the live join. Between batches it keeps the rows that wait, if
// questions are repeated.
type operator struct {
	operators.Stateless
	spec  *Spec
	ask   Asker
	async Questions // ask, where it needn't be waited for; else nil
	pre   *expr.Program
	pairs pair.Builder
	keyTs []types.Type

	asked []int32 // left rows that are asked for
	sel   []int32
	keys  batch.Batch
	left  []int32 // candidates: a left row and an answer's row, -1 for none
	right []int32
	kinds []batch.Kind
	rows  *batch.Batch

	env            *operators.Env
	leftTs         []types.Type
	rightTs        []types.Type
	wait           waiting
	latest, passed int64 // watermarks: heard, passed on
	flying         int   // questions that are out
}

// Open opens what answers.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.env = out, env
	s := o.spec
	o.leftTs, o.rightTs = s.Left.Types(), s.Right.Types()
	if o.waits() {
		if err := o.openWaiting(env); err != nil {
			return err
		}
	}
	if s.Pre != nil {
		if o.pre, err = expr.Compile([]expr.Expr{s.Pre}, env.Session); err != nil {
			return err
		}
	}
	for _, k := range s.Keys[1] {
		o.keyTs = append(o.keyTs, s.Right.Fields[k].Type)
	}
	o.keys.Cols = make([]batch.Vector, len(o.keyTs))
	if err = o.pairs.Open(s.Left, s.Right, s.Rest, env.Session, out); err != nil {
		return err
	}
	if o.ask, err = s.Open(env); err != nil || s.Async == nil {
		return err
	}
	o.async = o.ask.(Questions)
	return nil
}

// waits says that rows may have to wait.
func (o *operator) waits() bool { return o.spec.Retry != nil || o.spec.Async != nil }

// Process asks for the keys of a batch and sends its rows beside the answers.
func (o *operator) Process(_ int, b *batch.Batch) error {
	if o.async != nil {
		return o.processAsync(b)
	}
	if err := o.choose(b); err != nil {
		return err
	}
	var origin []int32
	if len(o.asked) > 0 {
		o.keys.Len = len(o.asked)
		for i, k := range o.spec.Keys[0] {
			o.keys.Cols[i].Take(o.keyTs[i], &b.Cols[k], o.asked)
		}
		var err error
		if o.rows, origin, err = o.ask.Ask(&o.keys); err != nil {
			return err
		}
	}
	next, answer := 0, 0 // of asked, of origin
	for i := range b.Len {
		from, asked := answer, false
		if next < len(o.asked) && int(o.asked[next]) == i {
			for answer < len(origin) && int(origin[answer]) == next {
				answer++
			}
			next++
			asked = true
		}
		if missing := asked && answer == from; o.spec.Retry != nil && (missing || o.wait.len() > 0 && !o.spec.Unordered) {
			o.hold(b, i, from, answer, missing)
			continue
		}
		o.join(b, i, from, answer)
		if len(o.left) >= pair.Rows {
			if err := o.send(b); err != nil {
				return err
			}
		}
	}
	return o.send(b)
}

// join makes candidates of row i of b and its answers.
func (o *operator) join(b *batch.Batch, i, from, to int) {
	for a := from; a < to; a++ {
		o.candidate(b, i, int32(a))
	}
	if to == from && o.spec.Outer {
		o.candidate(b, i, -1)
	}
}

// choose lists the rows to ask for: those the filter lets pass, with a key.
func (o *operator) choose(b *batch.Batch) (err error) {
	o.asked = o.asked[:0]
	if o.pre != nil {
		if o.sel, err = o.pre.Filter(b, nil, o.sel[:0]); err != nil {
			return err
		}
	} else {
		o.sel = o.sel[:0]
		for i := range b.Len {
			o.sel = append(o.sel, int32(i))
		}
	}
	for _, i := range o.sel {
		null := false
		for _, k := range o.spec.Keys[0] {
			null = null || b.Cols[k].Null(int(i))
		}
		if !null {
			o.asked = append(o.asked, i)
		}
	}
	return nil
}

func (o *operator) candidate(b *batch.Batch, i int, answer int32) {
	o.left, o.right, o.kinds = append(o.left, int32(i)), append(o.right, answer), append(o.kinds, b.Kind(i))
}

// send sends the candidates that satisfy the condition; of an outer join's row with
// none, one padded.
func (o *operator) send(b *batch.Batch) error {
	n := len(o.left)
	if n == 0 {
		return nil
	}
	o.pairs.Take(0, b.Cols, o.left)
	o.take()
	o.sel = o.sel[:0]
	for k, r := range o.right {
		if r >= 0 {
			o.sel = append(o.sel, int32(k))
		}
	}
	pass, err := o.pairs.Passing(n, o.sel)
	if err != nil {
		return err
	}
	if o.spec.Outer {
		pass = o.padded(pass)
	}
	kinds := o.kinds
	if b.Kinds == nil {
		kinds = nil
	}
	err = o.pairs.Send(pass, kinds)
	o.left, o.right, o.kinds = o.left[:0], o.right[:0], o.kinds[:0]
	return err
}

// take fills the table's columns of the candidates.
func (o *operator) take() {
	if o.rows != nil {
		o.pairs.Take(1, o.rows.Cols, o.right)
		return
	}
	for c, to := range o.pairs.Side(1) {
		t := o.spec.Right.Fields[c].Type
		to.Prepare(t, 0)
		for n := range o.right {
			to.AppendNull(t, n)
		}
		o.pairs.Side(1)[c] = to
	}
}

// padded adds to the candidates that passed, for each left row without any, its
// first one with NULLs in place of the answer.
func (o *operator) padded(pass []int32) []int32 {
	all := make([]int32, 0, len(o.left))
	k, changed := 0, false
	for i := 0; i < len(o.left); {
		first, found := i, false
		for ; i < len(o.left) && o.left[i] == o.left[first]; i++ {
			if k < len(pass) && int(pass[k]) == i {
				all, found = append(all, int32(i)), true
				k++
			}
		}
		if !found {
			changed = changed || o.right[first] >= 0
			o.right[first] = -1
			all = append(all, int32(first))
		}
	}
	if changed {
		o.take()
	}
	return all
}

// Close closes what answers.
func (o *operator) Close() error {
	var err error
	if o.ask != nil {
		err = o.ask.Close()
	}
	if o.pre != nil {
		if e := o.pre.Close(); err == nil {
			err = e
		}
	}
	if e := o.pairs.Close(); err == nil {
		err = e
	}
	return err
}
