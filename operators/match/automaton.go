package match

// automaton says where a partial match may go. Its state is derived from the number
// of rows of each variable: the last variable v that has rows, or may get its first
// one, and their number c. It is Flink's automaton for strict contiguity, whose
// states are named by v and c.
type automaton struct{ vars []Variable }

// blocks says that v keeps a row that suits it from the next variable: a greedy
// quantifier with room does, also when v is full. ? doesn't.
func (v *Variable) blocks() bool { return v.Greedy && v.Min != v.Max && !(v.Min == 0 && v.Max == 1) }

// place is the state of a partial match. A full variable's place is the start of the
// next.
func (a *automaton) place(counts []int32) (v, c int) {
	for v = len(counts) - 1; v > 0 && counts[v] == 0; v-- {
	}
	return a.settled(v, int(counts[v]))
}

func (a *automaton) settled(v, c int) (int, int) {
	if c > 0 && c == a.vars[v].Max {
		return v + 1, 0
	}
	return v, c
}

// asks is the set of variables whose conditions decide where a partial match in
// (v, c) goes.
func (a *automaton) asks(v, c int) (set uint64) {
	for ; v < len(a.vars); v, c = v+1, 0 {
		if c == 0 && v > 0 && a.vars[v-1].blocks() {
			set |= 1 << (v - 1)
		}
		set |= 1 << v
		if c < a.vars[v].Min {
			break
		}
	}
	return set
}

// takes is the variables that the row may be mapped to, in Flink's order, when the
// conditions of holds are TRUE for it.
func (a *automaton) takes(v, c int, holds uint64, out []int) []int {
	for ; v < len(a.vars); v, c = v+1, 0 {
		if c == 0 && a.blocked(v, holds) {
			break
		}
		if holds>>v&1 == 1 {
			out = append(out, v)
		}
		if c < a.vars[v].Min {
			break
		}
	}
	return out
}

// blocked says that the row suits a greedy variable before v, and so neither v nor
// what follows may have it.
func (a *automaton) blocked(v int, holds uint64) bool {
	return v > 0 && a.vars[v-1].blocks() && holds>>(v-1)&1 == 1
}

// after says what a partial match is once variable v has its c-th row, of which
// holds is known: a whole match, a partial one, or both.
func (a *automaton) after(v, c int, holds uint64) (whole, partial bool) {
	v, c = a.settled(v, c)
	if v == len(a.vars) {
		return true, false
	}
	for ; v < len(a.vars); v, c = v+1, 0 {
		if c == 0 && a.blocked(v, holds) || c < a.vars[v].Min {
			return false, true
		}
	}
	return true, true
}
