package groupagg

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Layout lays the state of calls out in a table: where each call's parts are.
type Layout struct {
	// Shared lets calls of the same arguments have one set of distinct values.
	Shared bool

	Row   []state.Column
	Sets  [][]state.Column
	Lists []state.ListSpec
	Parts [][]int // of each call: column of Row, index of Sets or of Lists
}

// Open binds calls over the columns of in and lays out their state behind a count
// of the group's rows. distinct has, per call, the index of its set of values, -1
// for none.
func (l *Layout) Open(in *types.Schema, calls []Call, retract bool, session *types.Session) (accs []functions.Accumulator, distinct []int, err error) {
	l.Row = []state.Column{{Type: types.BigIntType, Meaning: "rows"}}
	for _, c := range calls {
		a, err := c.Bind(retract, session)
		if err != nil {
			return nil, nil, err
		}
		accs = append(accs, a)
		l.add(c.Describe(in), a.State())
		set := -1
		if c.Distinct {
			if set = l.shared(calls[:len(distinct)], distinct, c); set >= 0 {
				distinct = append(distinct, set)
				continue
			}
			set = len(l.Sets)
			var cols []state.Column
			for _, x := range c.Args {
				cols = append(cols, state.Column{Type: in.Fields[x].Type, Meaning: "distinct " + c.Describe(in)})
			}
			l.Sets = append(l.Sets, cols)
		}
		distinct = append(distinct, set)
	}
	return accs, distinct, nil
}

// shared is the set of an earlier call with the arguments of c, -1 for none.
func (l *Layout) shared(calls []Call, distinct []int, c Call) int {
	for i, x := range calls {
		if l.Shared && x.Distinct && slices.Equal(x.Args, c.Args) && i < maxFilters {
			return distinct[i]
		}
	}
	return -1
}

// add opens the parts of one more call.
func (l *Layout) add(meaning string, parts []functions.Part) {
	var at []int
	for _, p := range parts {
		switch p.Kind {
		case functions.FixedPart:
			at = append(at, len(l.Row))
			l.Row = append(l.Row, state.Column{Type: p.Types[0], Meaning: meaning})
		default:
			var cols []state.Column
			for _, t := range p.Types {
				cols = append(cols, state.Column{Type: t, Meaning: meaning})
			}
			if p.Kind == functions.ListPart {
				at = append(at, len(l.Lists))
				l.Lists = append(l.Lists, state.ListSpec{Row: cols})
				continue
			}
			at = append(at, len(l.Sets))
			l.Sets = append(l.Sets, cols)
		}
	}
	l.Parts = append(l.Parts, at)
}

// Cells are call c's cells in a table of this layout.
func (l *Layout) Cells(t state.Table, c int) Cells {
	return Cells{Table: t, Parts: l.Parts[c], lists: l.Lists}
}

// Cells shows a table to one call's accumulator.
type Cells struct {
	Table state.Table
	Parts []int
	lists []state.ListSpec
}

func (c Cells) I64(part int) batch.Col[int64]          { return c.Table.I64(c.Parts[part]) }
func (c Cells) Hi(part int) batch.Col[int64]           { return c.Table.Hi(c.Parts[part]) }
func (c Cells) F64(part int) batch.Col[float64]        { return c.Table.F64(c.Parts[part]) }
func (c Cells) Valid(part int) batch.BitCol            { return c.Table.Valid(c.Parts[part]) }
func (c Cells) Bytes(part int, id uint32) []byte       { return c.Table.Bytes(c.Parts[part], id) }
func (c Cells) SetBytes(part int, id uint32, b []byte) { c.Table.SetBytes(c.Parts[part], id, b) }
func (c Cells) Multiset(part int) functions.Multiset   { return c.Table.Multiset(c.Parts[part]) }
func (c Cells) List(part int) functions.List {
	return newList(c.Table.List(c.Parts[part]), c.lists[c.Parts[part]])
}
