package expr

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// leafStep is a column of the input, or a field of one.
type leafStep struct {
	of     []int // the column, the field of it, the field of that
	t      types.Type
	fields []fieldOf
	out    batch.Vector
	gen    uint64
}

// path is where the column or field e of one lies, nil for anything else.
func path(e Expr) []int {
	switch e := e.(type) {
	case *Column:
		return []int{e.Index}
	case *Field:
		if of := path(e.Of); of != nil {
			return append(of, e.Index)
		}
	}
	return nil
}

func (s *leafStep) run(p *Program, _ []int32) (*batch.Vector, error) {
	if p.take != nil && s.gen == p.gen {
		return &s.out, nil
	}
	v := &p.src.Cols[s.of[0]]
	for k, f := range s.of[1:] {
		v = s.fields[k].get(v, f, p.src.Len)
	}
	if p.take == nil {
		return v, nil
	}
	if len(v.Valid) > 0 && (len(v.Valid) != len(p.valid) || &v.Valid[0] != &p.valid[0]) {
		p.valid, p.nulls = v.Valid, v.HasNullsIn(p.take)
	}
	if len(v.Valid) == 0 || !p.nulls {
		s.out.TakeValid(s.t, v, p.take)
	} else {
		s.out.Take(s.t, v, p.take)
	}
	s.gen = p.gen
	return &s.out, nil
}

// constStep is a column of one value, filled once.
type constStep struct {
	value  *batch.Vector
	t      types.Type
	out    batch.Vector
	filled int
	zeros  []int32
}

func (s *constStep) run(p *Program, _ []int32) (*batch.Vector, error) {
	if n := p.b.Len; n > s.filled || s.filled == 0 {
		s.filled = max(n, batch.MaxRows)
		s.zeros = make([]int32, s.filled)
		s.out.Take(s.t, s.value, s.zeros)
	}
	return &s.out, nil
}

// nullStep is a column of NULLs.
type nullStep struct {
	t      types.Type
	out    batch.Vector
	filled int
}

func (s *nullStep) run(p *Program, _ []int32) (*batch.Vector, error) {
	if n := p.b.Len; n > s.filled || s.filled == 0 {
		s.filled = max(n, batch.MaxRows)
		s.out.Prepare(s.t, s.filled)
		for i := 0; i < s.filled; i++ {
			s.out.SetNull(i)
		}
	}
	return &s.out, nil
}

// sameStep is another column under another type.
type sameStep struct{ of ref }

func (s *sameStep) run(p *Program, sel []int32) (*batch.Vector, error) { return s.of.eval(p, sel) }

// fieldStep is a field of a ROW, NULL where the row is.
type fieldStep struct {
	of    ref
	index int
	field fieldOf
}

// fieldOf gets fields of ROWs.
type fieldOf struct {
	out   batch.Vector
	valid []uint64
}

func (s *fieldStep) run(p *Program, sel []int32) (*batch.Vector, error) {
	v, err := s.of.eval(p, sel)
	if err != nil {
		return nil, err
	}
	return s.field.get(v, s.index, p.b.Len), nil
}

// get is field k of the n ROWs in v.
func (f *fieldOf) get(v *batch.Vector, k, n int) *batch.Vector {
	kid := &v.Kids[k]
	if len(v.Valid) == 0 || len(kid.Valid) == len(v.Valid) && &kid.Valid[0] == &v.Valid[0] {
		return kid
	}
	f.out = *kid
	f.out.Valid = append(f.valid[:0], f.out.Valid...)
	f.out.AndValid(v, n)
	f.valid = f.out.Valid
	return &f.out
}

// callStep runs a kernel.
type callStep struct {
	args       []ref
	kernel     functions.Kernel
	t          types.Type
	at         sqlerr.Span
	own, total bool
	litter     bool // a test mode: something lies at NULL rows
	vecs       []batch.Vector
	out        batch.Vector
	live       []int32
}

func (s *callStep) run(p *Program, sel []int32) (*batch.Vector, error) {
	n, nulls := p.b.Len, false
	for i, a := range s.args {
		v, err := a.eval(p, sel)
		if err != nil {
			return nil, err
		}
		s.vecs[i] = *v
		nulls = nulls || len(v.Valid) > 0
	}
	s.out.Prepare(s.t, n)
	if nulls && !s.own {
		sel = s.strict(p, n, sel)
	}
	if sel != nil && len(sel) == 0 {
		return &s.out, nil
	}
	if _, err := s.kernel.Eval(n, sel, s.vecs, &s.out); err != nil {
		return nil, sqlerr.At(err, s.at)
	}
	if s.litter {
		s.leave(n)
	}
	return &s.out, nil
}

// leave puts a value at each NULL row, as a kernel may that computes every row: who
// looks at it is at fault.
func (s *callStep) leave(n int) {
	layout := s.t.Layout()
	for i := 0; i < n; i++ {
		if !s.out.Null(i) {
			continue
		}
		switch layout {
		case types.LayoutI64, types.LayoutWide:
			s.out.I64[i] = 7
		case types.LayoutF64:
			s.out.F64[i] = 7
		case types.LayoutBytes:
			s.out.SetString(i, "7")
		}
	}
}

// strict marks the rows with a NULL argument and takes them out of the selection.
func (s *callStep) strict(p *Program, n int, sel []int32) []int32 {
	for i := range s.vecs {
		if len(s.vecs[i].Valid) > 0 {
			s.out.AndValid(&s.vecs[i], n)
		}
	}
	if s.total || !s.out.HasNulls(n) {
		return sel
	}
	if sel == nil {
		sel = p.all()
	}
	live := s.live[:0]
	for _, i := range sel {
		if s.out.Null(int(i)) {
			s.out.SetNull(int(i)) // makes the value harmless
		} else {
			live = append(live, i)
		}
	}
	s.live = live
	if live == nil {
		live = []int32{}
	}
	return live
}

// logicStep is AND or OR in three-valued logic.
type logicStep struct {
	or   bool
	args []ref
	out  batch.Vector
	open []int32
	sels [2][]int32
}

func (s *logicStep) run(p *Program, sel []int32) (*batch.Vector, error) {
	n := p.b.Len
	if sel == nil {
		sel = p.all()
	}
	deciding := int64(0) // the value that settles the row
	if s.or {
		deciding = 1
	}
	s.out.Prepare(types.BooleanType, n)
	for _, i := range sel {
		s.out.I64[i] = 1 - deciding
	}
	open := append(s.open[:0], sel...)
	for k, a := range s.args {
		if len(open) == 0 {
			break
		}
		in := open
		if k == 0 {
			in = sel
		}
		v, err := a.eval(p, in)
		if err != nil {
			return nil, err
		}
		if len(v.Valid) == 0 && len(s.out.Valid) == 0 { // without branches
			n := 0
			for _, i := range open {
				x := v.I64[i] & 1
				s.out.I64[i], open[n] = x, i
				n += int(x ^ deciding)
			}
			open = open[:n]
			continue
		}
		still := open[:0]
		for _, i := range open {
			switch {
			case v.Null(int(i)):
				s.out.SetNull(int(i))
				s.out.I64[i] = 1 - deciding
				still = append(still, i)
			case v.I64[i] == deciding:
				s.out.I64[i] = deciding
				s.out.SetValid(int(i))
			default:
				still = append(still, i)
			}
		}
		open = still
	}
	s.open = open
	return &s.out, nil
}

// caseStep is CASE: each branch for the rows that reach it, copied into one
// column.
type caseStep struct {
	conds, thens []ref
	other        *ref
	t            types.Type
	out          batch.Vector
	rest, taken  []int32
}

func (s *caseStep) run(p *Program, sel []int32) (*batch.Vector, error) {
	if sel == nil {
		sel = p.all()
	}
	s.out.Prepare(s.t, p.b.Len)
	rest := append(s.rest[:0], sel...)
	s.rest = rest
	for k := range s.conds {
		if len(rest) == 0 {
			return &s.out, nil
		}
		in := rest
		if k == 0 {
			in = sel
		}
		c, err := s.conds[k].eval(p, in)
		if err != nil {
			return nil, err
		}
		s.taken, rest = split(c, rest, s.taken)
		taken := s.taken
		if err := s.branch(p, s.thens[k], taken); err != nil {
			return nil, err
		}
	}
	if s.other == nil {
		for _, i := range rest {
			s.out.SetNull(int(i))
		}
		return &s.out, nil
	}
	return &s.out, s.branch(p, *s.other, rest)
}

// split parts rows into those where c is TRUE, written to taken, and the others,
// which stay in rows.
func split(c *batch.Vector, rows, taken []int32) (is, rest []int32) {
	for cap(taken) < len(rows) {
		taken = append(taken[:cap(taken)], 0)
	}
	taken = taken[:len(rows)]
	n, m := 0, 0
	if len(c.Valid) == 0 {
		for _, i := range rows {
			b := int(c.I64[i] & 1)
			taken[n], rows[m] = i, i
			n += b
			m += 1 - b
		}
		return taken[:n], rows[:m]
	}
	for _, i := range rows {
		b := int(c.I64[i] & 1)
		if c.Null(int(i)) {
			b = 0
		}
		taken[n], rows[m] = i, i
		n += b
		m += 1 - b
	}
	return taken[:n], rows[:m]
}

func (s *caseStep) branch(p *Program, r ref, rows []int32) error {
	if len(rows) == 0 {
		return nil
	}
	v, err := r.eval(p, rows)
	if err != nil {
		return err
	}
	if s.t.Layout() == types.LayoutI64 {
		for _, i := range rows {
			s.out.I64[i] = v.I64[i]
		}
		if len(v.Valid) > 0 {
			for _, i := range rows {
				if v.Null(int(i)) {
					s.out.SetNull(int(i))
				}
			}
		}
		return nil
	}
	for _, i := range rows {
		s.out.Set(s.t, int(i), v, int(i))
	}
	return nil
}
