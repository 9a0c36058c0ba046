package logical

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
)

// Match is MATCH_RECOGNIZE with ONE ROW PER MATCH. Output: the partition's columns,
// then the measures.
//
// Conditions and measures are expressions over a row of navigations: column i is
// what Navs[i] finds among the rows of the (partial) match.
type Match struct {
	Base
	Input     Node
	Partition []int
	Order     []batch.Order // a time first
	Navs      []Nav
	Pattern   []PatternVar
	Measures  []expr.Expr // over the navigations
	Skip      Skip
	Within    int64 // ms that the last row must be less than behind the first; 0: any
}

// Nav looks among the rows that are mapped to some pattern variables: an aggregate
// of them, or a column of the Offset-th from one end.
type Nav struct {
	Vars   uint64 // bit i: Pattern[i]
	Agg    *AggCall
	Col    int
	First  bool
	Offset int
}

// PatternVar is a pattern variable with its quantifier.
type PatternVar struct {
	Name     string
	Min, Max int       // Max < 0: any number
	Greedy   bool      // a row that suits it goes to it and not to the next variable
	Cond     expr.Expr // over the navigations, the row in question being the last one of this variable; nil: TRUE
}

// Skip is where the search goes on behind a match.
type Skip struct {
	Kind SkipKind
	Var  int // of SkipToFirst and SkipToLast: in Pattern
}

// SkipKind is the kind of AFTER MATCH SKIP.
type SkipKind uint8

const (
	SkipToNextRow SkipKind = iota
	SkipPastLastRow
	SkipToFirst
	SkipToLast
)

// Inputs is the one input.
func (n *Match) Inputs() []Node { return []Node{n.Input} }

// With is the node over another input.
func (n *Match) With(in []Node) Node { c := *n; c.Input = in[0]; return &c }

func (n *Match) String() string {
	navs := make([]string, len(n.Navs))
	for i, v := range n.Navs {
		navs[i] = n.nav(v)
	}
	var define, pattern []string
	for _, v := range n.Pattern {
		pattern = append(pattern, v.String())
		if v.Cond != nil {
			define = append(define, v.Name+" AS "+v.Cond.String())
		}
	}
	s := fmt.Sprintf("Match(partition=%v, order=[%s], navs=[%s], measures=[%s], skip=[%s], pattern=[%s]", n.Partition, Orders(n.Order),
		strings.Join(navs, ", "), exprs(n.Measures), n.SkipText(), strings.Join(pattern, " "))
	if n.Within > 0 {
		s += fmt.Sprintf(", within=[%d ms]", n.Within)
	}
	return s + fmt.Sprintf(", define=[%s])", strings.Join(define, ", "))
}

func (n *Match) nav(v Nav) string {
	var names []string
	for i, p := range n.Pattern {
		if v.Vars>>i&1 == 1 {
			names = append(names, p.Name)
		}
	}
	of := strings.Join(names, "|")
	switch {
	case v.Agg != nil:
		return of + ":" + v.Agg.String()
	case v.First:
		return fmt.Sprintf("FIRST(%s.$%d, %d)", of, v.Col, v.Offset)
	}
	return fmt.Sprintf("LAST(%s.$%d, %d)", of, v.Col, v.Offset)
}

// SkipText is AFTER MATCH as SQL.
func (n *Match) SkipText() string {
	switch n.Skip.Kind {
	case SkipPastLastRow:
		return "SKIP PAST LAST ROW"
	case SkipToFirst:
		return "SKIP TO FIRST " + n.Pattern[n.Skip.Var].Name
	case SkipToLast:
		return "SKIP TO LAST " + n.Pattern[n.Skip.Var].Name
	}
	return "SKIP TO NEXT ROW"
}

// String is the variable with its quantifier as SQL.
func (v PatternVar) String() string {
	q := ""
	switch {
	case v.Min == 1 && v.Max == 1:
		return v.Name
	case v.Min == 0 && v.Max == 1:
		return v.Name + "?"
	case v.Max < 0 && v.Min == 0:
		q = "*"
	case v.Max < 0 && v.Min == 1:
		q = "+"
	case v.Max < 0:
		q = fmt.Sprintf("{%d,}", v.Min)
	case v.Min == v.Max:
		return fmt.Sprintf("%s{%d}", v.Name, v.Min)
	default:
		q = fmt.Sprintf("{%d,%d}", v.Min, v.Max)
	}
	if !v.Greedy {
		q += "?"
	}
	return v.Name + q
}
