// Package match finds patterns of rows: Flink's Match, SQL's MATCH_RECOGNIZE.
//
// The rows of a partition, in the order of time, are numbered. A pattern is a
// sequence of variables with quantifiers, and the rows of a match lie next to each
// other: a partial match is where it starts and how many rows each variable has
// (automaton.go). So the partial matches of a partition share its rows, which are
// kept once, as long as one of them needs them.
//
// By event time rows wait, sorted, for the watermark; by processing time they are
// taken as they come, or at the end of their millisecond when more columns order
// them (operator.go). A visit takes the new rows of one partition through its
// partial matches (partition.go). Conditions and measures are expressions over what
// their navigations find among the rows (navigate.go).
//
// Which of several matches comes first, and what a match prunes, is as in Flink
// (order.go, skip.go). Start with Spec, then operator.Process.
package match

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Order is what orders the rows of a partition.
type Order uint8

const (
	Rowtime  Order = iota // By[0] is event time, in batch mode any timestamp
	Proctime              // arrival, then By[1:]
)

// Variable is a pattern variable with its quantifier.
type Variable struct {
	Name     string
	Min, Max int       // Max < 0: any number
	Greedy   bool      // as written
	Cond     expr.Expr // over the navigations, with the row in question as this variable's last; nil: TRUE
}

// Nav looks among the rows of some variables: an aggregate of them (Agg.Fn isn't
// nil), or column Col of the Offset-th from one end.
type Nav struct {
	Vars   uint64 // bit i: Vars[i]
	Agg    groupagg.Call
	Col    int
	First  bool
	Offset int
	T      types.Type
}

// SkipKind says which partial matches a match ends.
type SkipKind uint8

const (
	ToNextRow SkipKind = iota
	PastLastRow
	ToFirst
	ToLast
)

// Spec finds the pattern Vars in each partition. Output: the partition's columns,
// then the measures.
type Spec struct {
	In        *types.Schema
	Order     Order
	Partition []int
	By        []batch.Order // the time first
	Vars      []Variable
	Navs      []Nav
	Measures  []expr.Expr // over the navigations
	Skip      SkipKind
	SkipVar   int   // of ToFirst and ToLast
	Within    int64 // ms, 0: no limit
	Timed     bool  // the output has the time of a match: it holds the watermark back
	Out       *types.Schema
	At        sqlerr.Span
}

// Name is Match.
func (s *Spec) Name() string { return "Match" }

// Args are the clauses.
func (s *Spec) Args() []operators.Arg {
	var a []operators.Arg
	add := func(name, value string) { a = append(a, operators.Arg{Name: name, Value: "[" + value + "]"}) }
	if len(s.Partition) > 0 {
		a = append(a, operators.Arg{Name: "partitionBy", Value: operators.Columns(s.In, s.Partition)})
	}
	var by, measures, define, pattern []string
	for _, k := range s.By {
		dir := " ASC"
		if k.Desc {
			dir = " DESC"
		}
		by = append(by, s.In.Fields[k.Col].Name+dir)
	}
	navs := &types.Schema{}
	for _, n := range s.Navs {
		navs.Fields = append(navs.Fields, types.Field{Name: s.nav(n), Type: n.T})
	}
	for i, m := range s.Measures {
		measures = append(measures, "FINAL("+calc.Show(m, navs)+") AS "+s.Out.Fields[len(s.Partition)+i].Name)
	}
	for _, v := range s.Vars {
		pattern = append(pattern, v.text())
		if v.Cond != nil {
			define = append(define, v.Name+"="+calc.Show(v.Cond, navs))
		}
	}
	add("orderBy", strings.Join(by, ", "))
	add("measures", strings.Join(measures, ", "))
	add("rowsPerMatch", "ONE ROW PER MATCH")
	add("after", s.skipText())
	add("pattern", "("+strings.Join(pattern, " ")+")")
	if s.Within > 0 {
		add("within", fmt.Sprintf("%d ms", s.Within))
	}
	add("define", "{"+strings.Join(define, ", ")+"}")
	return a
}

func (s *Spec) nav(n Nav) string {
	var of []string
	for i, v := range s.Vars {
		if n.Vars>>i&1 == 1 {
			of = append(of, v.Name)
		}
	}
	name := strings.Join(of, "|")
	if n.Vars == 1<<len(s.Vars)-1 {
		name = "*"
	}
	switch {
	case n.Agg.Fn != nil:
		return name + "." + n.Agg.Describe(s.In)
	case n.First:
		return fmt.Sprintf("FIRST(%s.%s, %d)", name, s.In.Fields[n.Col].Name, n.Offset)
	}
	return fmt.Sprintf("LAST(%s.%s, %d)", name, s.In.Fields[n.Col].Name, n.Offset)
}

func (s *Spec) skipText() string {
	switch s.Skip {
	case PastLastRow:
		return "SKIP PAST LAST ROW"
	case ToFirst:
		return "SKIP TO FIRST " + s.Vars[s.SkipVar].Name
	case ToLast:
		return "SKIP TO LAST " + s.Vars[s.SkipVar].Name
	}
	return "SKIP TO NEXT ROW"
}

func (v Variable) text() string {
	q := fmt.Sprintf("{%d,%d}", v.Min, v.Max)
	switch {
	case v.Min == 1 && v.Max == 1:
		return v.Name
	case v.Min == 0 && v.Max == 1:
		return v.Name + "?"
	case v.Min == v.Max:
		return fmt.Sprintf("%s{%d}", v.Name, v.Min)
	case v.Max < 0 && v.Min < 2:
		q = [...]string{"*", "+"}[v.Min]
	case v.Max < 0:
		q = fmt.Sprintf("{%d,}", v.Min)
	}
	if !v.Greedy {
		q += "?"
	}
	return v.Name + q
}

// Schema is the partition's columns and the measures.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes: rows are only added, and so are matches.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	if err := operators.RefuseUpdates("Match Recognize", in[0]); err != nil {
		return in[0], operators.Keys{}, err
	}
	return batch.Changes{Kinds: batch.InsertOnly}, operators.Keys{}, nil
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution is by the partition.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Partition) }

// Placement: the partition's columns come first.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution {
	return operators.First(in[0], len(s.Partition))
}

// Slice: any event time matters.
func (s *Spec) Slice() int64 {
	if s.Order == Rowtime {
		return 1
	}
	return 0
}

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
