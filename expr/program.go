package expr

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Program is compiled expressions. It belongs to one goroutine: each step owns
// the column it writes, reused from batch to batch.
//
// Equal deterministic expressions are one step. A step remembers that it has run
// for the current batch; a lazily evaluated branch (of CASE, AND, OR) is a scope
// of its own, so that nothing is computed for rows that don't reach it.
//
// Columns of the batch and fields of them are leaves. Dense gathers those that are
// read first, and the rest is computed for dense rows.
type Program struct {
	roots []ref
	gen   uint64
	b     *batch.Batch // the rows that steps compute: with Dense, of no columns
	src   *batch.Batch // where leaves come from
	take  []int32      // the rows of src that are taken; nil: all
	ident []int32
	dense batch.Batch
	valid []uint64 // of the leaf taken last: fields of one ROW share it
	nulls bool     // whether it has NULLs among the rows taken
}

// step computes one expression under a selection.
type step interface {
	run(p *Program, sel []int32) (*batch.Vector, error)
}

// node is a step with the memory of its last run.
type node struct {
	step
	home *scope
	gen  uint64
	at   *scope // where it last ran
	out  *batch.Vector
	slow bool // worth remembering: not a column or constant
}

// scope is a region of rows: the whole selection, or a branch of it.
type scope struct {
	up    *scope
	nodes map[string]*node
}

// ref is a use of a node from a scope.
type ref struct {
	*node
	from *scope
}

func (r ref) eval(p *Program, sel []int32) (*batch.Vector, error) {
	n := r.node
	if n.slow && n.gen == p.gen && (n.at == r.from || n.at == n.home) {
		return n.out, nil
	}
	out, err := n.run(p, sel)
	n.gen, n.at, n.out = p.gen, r.from, out
	return out, err
}

// compiler builds a Program.
type compiler struct {
	session *types.Session
	p       *Program
}

// Compile makes a Program of the expressions.
func Compile(exprs []Expr, session *types.Session) (*Program, error) {
	c := &compiler{session: session, p: &Program{}}
	root := &scope{nodes: map[string]*node{}}
	for _, e := range exprs {
		r, err := c.compile(e, root)
		if err != nil {
			return nil, err
		}
		c.p.roots = append(c.p.roots, r)
	}
	return c.p, nil
}

// Eval computes every expression for the rows of sel (nil: all of b). out[i] is a
// column with b.Len rows of which those in sel are meaningful; it is borrowed
// from the program or from b until the next Eval.
func (p *Program) Eval(b *batch.Batch, sel []int32, out []batch.Vector) error {
	p.begin(b)
	for i, r := range p.roots {
		v, err := r.eval(p, sel)
		if err != nil {
			return err
		}
		out[i] = *v
	}
	return nil
}

// Dense computes every expression for the rows of sel: row k of out[i] is that of row
// sel[k] of b.
func (p *Program) Dense(b *batch.Batch, sel []int32, out []batch.Vector) error {
	p.begin(b)
	p.dense.Len = len(sel)
	p.b, p.take, p.valid = &p.dense, sel, nil
	for i, r := range p.roots {
		v, err := r.eval(p, nil)
		if err != nil {
			return err
		}
		out[i] = *v
	}
	return nil
}

// Filter appends to to the rows of sel (nil: all) for which the first expression
// is TRUE.
func (p *Program) Filter(b *batch.Batch, sel []int32, to []int32) ([]int32, error) {
	p.begin(b)
	return p.filter(p.roots[0], sel, to)
}

func (p *Program) begin(b *batch.Batch) {
	p.gen++
	p.b, p.src, p.take = b, b, nil
}

func (p *Program) filter(r ref, sel, to []int32) ([]int32, error) {
	if l, ok := r.step.(*logicStep); ok && !l.or {
		return p.conjuncts(l, sel, to)
	}
	v, err := r.eval(p, sel)
	if err != nil {
		return nil, err
	}
	return trueRows(v, p.b.Len, sel, to), nil
}

// conjuncts evaluates each argument of an AND only for the rows still in.
func (p *Program) conjuncts(l *logicStep, sel, to []int32) ([]int32, error) {
	cur := sel
	for i, a := range l.args {
		buf := to
		if i < len(l.args)-1 {
			buf = l.sels[i&1][:0]
		}
		next, err := p.filter(a, cur, buf)
		if err != nil {
			return nil, err
		}
		if i < len(l.args)-1 {
			l.sels[i&1] = next
		}
		cur = next
		if len(cur) == 0 {
			return to, nil
		}
	}
	return cur, nil
}

// trueRows appends the rows that are TRUE, without branches.
func trueRows(v *batch.Vector, n int, sel, to []int32) []int32 {
	nulls := len(v.Valid) > 0
	at := len(to)
	if sel == nil {
		to = growSel(to, n)
		dst, k := to[at:], 0
		for i, x := range v.I64[:n] {
			dst[k] = int32(i)
			k += int(x & 1)
		}
		to = to[:at+k]
	} else {
		to = growSel(to, len(sel))
		dst, k := to[at:], 0
		for _, i := range sel {
			dst[k] = i
			k += int(v.I64[i] & 1)
		}
		to = to[:at+k]
	}
	if nulls {
		k := at
		for _, i := range to[at:] {
			if !v.Null(int(i)) {
				to[k] = i
				k++
			}
		}
		to = to[:k]
	}
	return to
}

// growSel makes room for n+1 more, all within the length.
func growSel(s []int32, n int) []int32 {
	for cap(s) < len(s)+n+1 {
		s = append(s[:cap(s)], 0)[:len(s)]
		if cap(s) < len(s)+n+1 {
			t := make([]int32, len(s), len(s)+n+1)
			copy(t, s)
			s = t
		}
	}
	return s[:len(s)+n+1]
}

// all is the selection of every row, written out.
func (p *Program) all() []int32 {
	for len(p.ident) < p.b.Len {
		p.ident = append(p.ident, int32(len(p.ident)))
	}
	return p.ident[:p.b.Len]
}

// Eval1 computes a constant expression: one that reads no columns.
func Eval1(e Expr, session *types.Session) (batch.Vector, error) {
	p, err := Compile([]Expr{e}, session)
	if err != nil {
		return batch.Vector{}, err
	}
	out := make([]batch.Vector, 1)
	if err := p.Eval(&batch.Batch{Len: 1}, nil, out); err != nil {
		return batch.Vector{}, err
	}
	var v batch.Vector
	v.Prepare(e.Type(), 0)
	v.Append(e.Type(), 0, &out[0], 0)
	return v, nil
}

func (c *compiler) compile(e Expr, s *scope) (ref, error) {
	key := ""
	if Class(e) < functions.PerRow {
		key = e.String() + "\x00" + e.Type().String()
		for up := s; up != nil; up = up.up {
			if n := up.nodes[key]; n != nil {
				return ref{n, s}, nil
			}
		}
	}
	st, err := c.step(e, s)
	if err != nil {
		return ref{}, err
	}
	n := &node{step: st, home: s, slow: true}
	switch st.(type) {
	case *leafStep, *constStep:
		n.slow = false
	}
	if key != "" {
		s.nodes[key] = n
	}
	return ref{n, s}, nil
}

func (c *compiler) compileAll(es []Expr, s *scope) ([]ref, error) {
	out := make([]ref, len(es))
	for i, e := range es {
		var err error
		if out[i], err = c.compile(e, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// branch compiles e as a part that only some rows reach.
func (c *compiler) branch(e Expr, s *scope) (ref, error) {
	return c.compile(e, &scope{up: s, nodes: map[string]*node{}})
}

func (c *compiler) step(e Expr, s *scope) (step, error) {
	switch e := e.(type) {
	case *Const:
		return &constStep{value: &e.Value, t: e.T}, nil
	case *Column:
		return &leafStep{of: []int{e.Index}, t: e.Type()}, nil
	case *Field:
		if of := path(e); of != nil {
			return &leafStep{of: of, t: e.Type(), fields: make([]fieldOf, len(of)-1)}, nil
		}
		of, err := c.compile(e.Of, s)
		return &fieldStep{of: of, index: e.Index}, err
	case *Logic:
		l := &logicStep{or: e.Or}
		for i, a := range e.Args {
			r, err := c.argument(a, s, i > 0)
			if err != nil {
				return nil, err
			}
			l.args = append(l.args, r)
		}
		return l, nil
	case *Case:
		return c.caseOf(e, s)
	case *Cast:
		return c.castOf(e, s)
	case *Call:
		return c.call(e, s)
	}
	return nil, fmt.Errorf("expression %T can't be compiled", e)
}

func (c *compiler) argument(e Expr, s *scope, lazy bool) (ref, error) {
	if lazy {
		return c.branch(e, s)
	}
	return c.compile(e, s)
}

func (c *compiler) caseOf(e *Case, s *scope) (step, error) {
	st := &caseStep{t: e.T}
	for i, w := range e.Whens {
		cond, err := c.argument(w.Cond, s, i > 0)
		if err != nil {
			return nil, err
		}
		then, err := c.branch(w.Then, s)
		if err != nil {
			return nil, err
		}
		st.conds, st.thens = append(st.conds, cond), append(st.thens, then)
	}
	if e.Else != nil {
		r, err := c.branch(e.Else, s)
		if err != nil {
			return nil, err
		}
		st.other = &r
	}
	return st, nil
}

func (c *compiler) castOf(e *Cast, s *scope) (step, error) {
	from, err := c.compile(e.From, s)
	if err != nil {
		return nil, err
	}
	ft := e.From.Type()
	if ft.Kind == types.Null {
		return &nullStep{t: e.T}, nil
	}
	if sameValues(ft, e.T) {
		return &sameStep{from}, nil
	}
	call := functions.Call{Name: "CAST", Args: []functions.Arg{argOf(e.From)}, Result: e.T, Session: c.session, At: e.At}
	k, err := cast.Bind(ft, e.T, e.Try, call)
	if err != nil {
		return nil, sqlerr.At(err, e.At)
	}
	return &callStep{args: []ref{from}, kernel: k, t: e.T, at: e.At, vecs: make([]batch.Vector, 1)}, nil
}

// sameValues says that a cast changes no value: the type only gets wider.
func sameValues(from, to types.Type) bool {
	if from.Nullable().Plain().Same(to.Nullable().Plain()) {
		return true
	}
	return from.IsString() && to.Kind == types.VarChar && to.Length >= from.Length ||
		from.IsBytes() && to.Kind == types.VarBinary && to.Length >= from.Length
}

func argOf(e Expr) functions.Arg {
	a := functions.Arg{Type: e.Type(), At: e.Span()}
	if k, ok := e.(*Const); ok {
		a.Const = &k.Value
	}
	return a
}

func (c *compiler) call(e *Call, s *scope) (step, error) {
	args, err := c.compileAll(e.Args, s)
	if err != nil {
		return nil, err
	}
	call := functions.Call{Name: e.Fn.Name, Result: e.T, Session: c.session, At: e.At}
	for _, a := range e.Args {
		call.Args = append(call.Args, argOf(a))
	}
	k, err := e.Fn.Bind(call)
	if err != nil {
		return nil, sqlerr.At(err, e.At)
	}
	return &callStep{args: args, kernel: k, t: e.T, at: e.At, own: e.Fn.OwnNulls, total: e.Fn.Total, litter: c.session.Option("millrace.litter", "false") == "true", vecs: make([]batch.Vector, len(args))}, nil
}

// Close ends what kernels hold outside the process.
func (p *Program) Close() error {
	var first error
	var walk func(r ref)
	seen := map[*node]bool{}
	walk = func(r ref) {
		if r.node == nil || seen[r.node] {
			return
		}
		seen[r.node] = true
		if st, ok := r.step.(*callStep); ok {
			if k, ok := st.kernel.(functions.Closer); ok {
				if err := k.Close(); first == nil {
					first = err
				}
			}
			for _, a := range st.args {
				walk(a)
			}
		}
	}
	for _, r := range p.roots {
		walk(r)
	}
	return first
}
