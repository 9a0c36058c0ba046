package checkpoint

import (
	"fmt"
	"strings"
	"time"
)

// Layout is a table or a set of timers as a manifest keeps it: enough to read its
// rows, and to see whether another query means the same by them.
type Layout struct {
	Key    []Column
	Row    []Column   `json:",omitempty"`
	Lists  []List     `json:",omitempty"`
	Sets   [][]Column `json:",omitempty"`
	Sorted []Sorted   `json:",omitempty"`
	TTLMs  int64      `json:",omitempty"`
	Sliced bool       `json:",omitempty"` // rows lie in slices of time
	Timers bool       `json:",omitempty"`
}

// Column is one: Name is for people, Meaning for programs.
type Column struct{ Name, Type, Meaning string }

// List is rows that hang from a key, each with Cells numbers beside it.
type List struct {
	Row   []Column
	Cells int
}

// Sorted is rows that hang from a key in an order.
type Sorted struct {
	Row []Column
	By  []string // "meaning DESC NULLS LAST"
	// Most is how many rows a key has at most, the first ones; 0: no matter how many.
	Most int `json:",omitempty"`
}

// String is the layout for people.
func (l Layout) String() string {
	cols := func(c []Column) string {
		text := make([]string, len(c))
		for i, x := range c {
			text[i] = strings.TrimSpace(x.Name + " " + x.Type)
		}
		return "(" + strings.Join(text, ", ") + ")"
	}
	if l.Timers {
		return "timers" + cols(l.Key)
	}
	out := "key" + cols(l.Key)
	if len(l.Row) > 0 {
		out += " row" + cols(l.Row)
	}
	for _, x := range l.Lists {
		out += " list" + cols(x.Row)
	}
	for _, m := range l.Sets {
		out += " set" + cols(m)
	}
	for _, x := range l.Sorted {
		out += " sorted" + cols(x.Row)
		if x.Most > 0 {
			out += fmt.Sprintf(", %d of a key", x.Most)
		}
	}
	if l.TTLMs > 0 {
		out += " ttl " + (time.Duration(l.TTLMs) * time.Millisecond).String()
	}
	return out
}

// Parts are what the rows of a table hold beside their key, by meaning: cells,
// lists, sets, sorted rows.
func (l Layout) parts() (cells, lists, sets, sorted []string) {
	cols := func(c []Column) string {
		text := make([]string, len(c))
		for i, x := range c {
			text[i] = x.Meaning + " " + x.Type
		}
		return strings.Join(text, ", ")
	}
	for _, c := range l.Row {
		cells = append(cells, cols([]Column{c}))
	}
	for _, x := range l.Lists {
		lists = append(lists, fmt.Sprintf("%s+%d", cols(x.Row), x.Cells))
	}
	for _, m := range l.Sets {
		sets = append(sets, cols(m))
	}
	for _, x := range l.Sorted {
		sorted = append(sorted, cols(x.Row)+" by "+strings.Join(x.By, ", "))
	}
	return cells, lists, sets, sorted
}

// Fit says how the rows of one layout serve another.
type Fit uint8

const (
	Misfit Fit = iota // something is needed that isn't there
	Subset            // all that is needed is there, and more, or in another order
	Same
)

// Mapping is where each part of a layout is found in another: numbers of cells,
// lists, sets and sorted rows.
type Mapping struct{ Cells, Lists, Sets, Sorted []int }

// Into says how rows of l serve a table of layout to, and where its parts are.
func (l Layout) Into(to Layout) (Fit, Mapping) {
	var m Mapping
	keys := func(x Layout) string {
		var b strings.Builder
		for _, c := range x.Key {
			fmt.Fprintf(&b, "%s %s, ", c.Meaning, c.Type)
		}
		return b.String()
	}
	if keys(l) != keys(to) || l.Sliced != to.Sliced || l.Timers != to.Timers {
		return Misfit, m
	}
	c0, l0, s0, o0 := l.parts()
	c1, l1, s1, o1 := to.parts()
	fit := Same
	find := func(have, want []string) []int {
		used := make([]bool, len(have))
		at := make([]int, len(want))
		for i, w := range want {
			at[i] = -1
			for j, h := range have {
				if h == w && !used[j] {
					at[i], used[j] = j, true
					break
				}
			}
			if at[i] < 0 {
				fit = Misfit
			} else if at[i] != i {
				fit = min(fit, Subset)
			}
		}
		if len(have) != len(want) {
			fit = min(fit, Subset)
		}
		return at
	}
	m.Cells, m.Lists, m.Sets, m.Sorted = find(c0, c1), find(l0, l1), find(s0, s1), find(o0, o1)
	if (l.TTLMs > 0) != (to.TTLMs > 0) { // rows know when they were written, or don't
		fit = min(fit, Subset)
	}
	for i, j := range m.Sorted {
		if j < 0 {
			continue
		}
		switch have, want := l.Sorted[j].Most, to.Sorted[i].Most; {
		case have == want:
		case have > 0 && (want == 0 || want > have):
			fit = Misfit
		default:
			fit = min(fit, Subset)
		}
	}
	return fit, m
}
