// Package pair builds what joins send: rows of both sides beside one another, the
// left columns first.
//
// A join fills the columns of some candidates, a batch of pairs, side by side; the
// condition that its keys don't say picks those that count; Send sends them. A row
// without a partner goes through Pad, which copies it beside NULLs. Pads are sent
// before the next pairs, so the order is that of the calls. Start with Builder.
package pair

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Rows is how many pairs are made at a time.
const Rows = 512

// Builder builds the output of one join.
type Builder struct {
	out   operators.Output
	ts    []types.Type
	sides [2][]types.Type
	rest  *expr.Program
	cand  batch.Batch
	kept  batch.Batch
	pads  batch.Batch
	pass  []int32
}

// Open compiles the condition, which is over the columns of both sides; nil lets
// all pairs pass.
func (p *Builder) Open(left, right *types.Schema, rest expr.Expr, session *types.Session, out operators.Output) (err error) {
	p.out = out
	p.sides = [2][]types.Type{left.Types(), right.Types()}
	p.ts = append(append([]types.Type(nil), p.sides[0]...), p.sides[1]...)
	p.cand.Cols = make([]batch.Vector, len(p.ts))
	p.pads.Reset(p.ts)
	if rest != nil {
		p.rest, err = expr.Compile([]expr.Expr{rest}, session)
	}
	return err
}

// Side is the candidates' columns of a side, to be filled with n rows by Take or
// Gather before Passing(n).
func (p *Builder) Side(side int) []batch.Vector {
	if side == 0 {
		return p.cand.Cols[:len(p.sides[0])]
	}
	return p.cand.Cols[len(p.sides[0]):]
}

// Take fills a side's columns with rows of its input.
func (p *Builder) Take(side int, cols []batch.Vector, rows []int32) {
	to := p.Side(side)
	for c, t := range p.sides[side] {
		to[c].Take(t, &cols[c], rows)
	}
}

// Passing appends to sel[:0] the candidates, of those in sel (nil: all n), that
// satisfy the condition. The result is valid until the next call.
func (p *Builder) Passing(n int, sel []int32) ([]int32, error) {
	p.cand.Len, p.cand.Sel, p.cand.Kinds = n, nil, nil
	if p.rest == nil {
		if sel != nil {
			return sel, nil
		}
		p.pass = p.pass[:0]
		for i := range n {
			p.pass = append(p.pass, int32(i))
		}
		return p.pass, nil
	}
	var err error
	p.pass, err = p.rest.Filter(&p.cand, sel, p.pass[:0])
	return p.pass, err
}

// Send sends the candidates in sel. kinds has one per candidate; nil: inserts.
func (p *Builder) Send(sel []int32, kinds []batch.Kind) error {
	if len(sel) == 0 {
		return nil
	}
	if err := p.Flush(); err != nil {
		return err
	}
	p.cand.Kinds = kinds
	if len(sel) == p.cand.Len {
		return p.out.Emit(&p.cand)
	}
	p.cand.Sel = sel
	return p.out.Emit(p.cand.Compact(p.ts, &p.kept))
}

// Pad sends row i of a side's columns beside NULLs.
func (p *Builder) Pad(side int, cols []batch.Vector, i int, kind batch.Kind) error {
	first, n := 0, p.pads.Len
	for s, ts := range p.sides {
		for c, t := range ts {
			if s == side {
				p.pads.Cols[first+c].Append(t, n, &cols[c], i)
			} else {
				p.pads.Cols[first+c].AppendNull(t, n)
			}
		}
		first += len(ts)
	}
	p.pads.AppendKind(kind)
	if p.pads.Len < batch.MaxRows {
		return nil
	}
	return p.Flush()
}

// Flush sends the padded rows that wait.
func (p *Builder) Flush() error {
	if p.pads.Len == 0 {
		return nil
	}
	err := p.out.Emit(&p.pads)
	p.pads.Reset(p.ts)
	return err
}

// Close frees the condition.
func (p *Builder) Close() error {
	if p.rest == nil {
		return nil
	}
	return p.rest.Close()
}
