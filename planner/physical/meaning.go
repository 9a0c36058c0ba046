package physical

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/topn"
	"github.com/millrace/millrace/operators/union"
	"github.com/millrace/millrace/operators/values"
	"github.com/millrace/millrace/types"
)

// Meaning says what a node's rows are, apart from how columns are called, in which
// order they come and which of them are read: so that state is found again by a
// query that was edited elsewhere.
//
// Rows names which rows there are: the table, the conditions they have passed as a
// set, the joins and groups they came through. Cols names what each column holds.
// Both are digests of texts in which a column stands as its own digest. Where it is
// in doubt whether two queries mean the same they differ: state is then rebuilt,
// never taken for another.
type Meaning struct {
	Rows string
	Cols []string
	// Names is what the names of the input columns mean, for texts that hold them.
	Names map[string]string
	// Timed is what event time is, where the rows have any: a table's watermark.
	Timed string
}

// digest is a short name of texts.
func digest(parts ...string) string {
	h := fnv.New64a()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Translate puts what columns mean in place of their names, in a text as EXPLAIN
// prints it. Words in quotes stay.
func (m Meaning) Translate(text string) string {
	var b strings.Builder
	word := func(c byte) bool {
		return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	for i := 0; i < len(text); {
		j := i
		switch {
		case text[i] == '\'':
			for j = i + 1; j < len(text) && text[j] != '\''; j++ {
			}
			j = min(j+1, len(text))
			b.WriteString(text[i:j])
		case word(text[i]):
			for j < len(text) && word(text[j]) {
				j++
			}
			if d, ok := m.Names[text[i:j]]; ok {
				b.WriteString("#" + d)
			} else {
				b.WriteString(text[i:j])
			}
		default:
			j = i + 1
			b.WriteByte(text[i])
		}
		i = j
	}
	return b.String()
}

// meanings finds what each node's rows mean and names its state.
func meanings(g *Graph, c Config) error {
	for _, n := range g.Nodes {
		n.Meaning = meaningOf(n)
		var in []string
		for _, x := range n.Inputs {
			in = append(in, x.From.Meaning.Rows)
		}
		args := n.Meaning.args(n, func(name string) bool { return name == "select" || name == "fields" })
		if t, ok := n.Spec.(operators.EventTimed); ok && t.Slice() > 0 {
			args = append(args, n.Meaning.Timed, c.Session.Zone.String())
		}
		n.Fingerprint = digest(n.Spec.Name(), digest(args...), digest(in...))
		if t, ok := n.Spec.(*topn.Spec); ok && t.ToCol < 0 {
			args := n.Meaning.args(n, func(name string) bool {
				return name == "select" || name == "fields" || name == "rankRange" || name == "offset" || name == "fetch"
			})
			n.Kin = digest(n.Spec.Name(), digest(args...), digest(in...))
		}
	}
	return nil
}

// args are a node's arguments but some, translated.
func (m Meaning) args(n *Node, but func(name string) bool) []string {
	var out []string
	for _, a := range n.Spec.Args() {
		if !but(a.Name) {
			out = append(out, a.Name+"="+m.Translate(a.Value))
		}
	}
	return out
}

func meaningOf(n *Node) (m Meaning) {
	m.Names = map[string]string{}
	odd := []string{} // what columns with names that aren't words mean
	for _, in := range n.Inputs {
		from := in.From.Meaning
		m.Timed += from.Timed
		for i, f := range in.From.Spec.Schema().Fields {
			d := from.Cols[i]
			if old, ok := m.Names[f.Name]; ok && old != d { // of either input
				d = digest(old, d)
			}
			m.Names[f.Name] = d
			if strings.ContainsFunc(f.Name, func(r rune) bool {
				return r < 0x80 && r != '_' && r != '$' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
			}) {
				odd = append(odd, from.Cols[i])
			}
		}
	}
	switch s := n.Spec.(type) {
	case *scan.Spec:
		cols := make([]string, s.Delivered.Len())
		for i, f := range s.Delivered.Fields {
			cols[i] = digest(s.Table, f.Name, f.Type.String())
		}
		m.Rows = digest("scan", s.Table, conditions(s.Filter, cols))
		if s.Watermark != nil {
			m.Timed = meant(s.Watermark, cols) + " " + meant(s.Rowtime, cols)
		}
		for _, e := range s.Exprs {
			m.Cols = append(m.Cols, colMeaning(e, cols))
		}
		return m
	case *calc.Spec:
		from := n.Inputs[0].From.Meaning
		m.Rows = from.Rows
		if s.Filter != nil {
			m.Rows = digest("where", from.Rows, conditions(s.Filter, from.Cols))
		}
		for _, e := range s.Exprs {
			m.Cols = append(m.Cols, colMeaning(e, from.Cols))
		}
		return m
	case *groupagg.Spec:
		from := n.Inputs[0].From.Meaning
		named := renamed(s.In, func(i int) string { return from.Cols[i] })
		m.Rows = digest("group", from.Rows)
		for _, k := range s.Keys {
			m.Rows = digest(m.Rows, from.Cols[k])
			m.Cols = append(m.Cols, from.Cols[k])
		}
		for _, c := range s.Calls {
			m.Cols = append(m.Cols, digest(m.Rows, c.Describe(named)))
		}
		return m
	case *values.Spec:
		var rows []string
		for _, r := range s.Rows {
			for _, e := range r {
				rows = append(rows, calc.Show(e, &types.Schema{}), e.Type().String())
			}
		}
		m.Rows = digest("values", digest(rows...))
		for i := range s.Out.Fields {
			m.Cols = append(m.Cols, digest(m.Rows, fmt.Sprint(i)))
		}
		return m
	case *union.Spec:
		parts := []string{"union"}
		cols := make([][]string, s.Schema().Len())
		for _, in := range n.Inputs {
			parts = append(parts, in.From.Meaning.Rows)
			for i := range cols {
				cols[i] = append(cols[i], in.From.Meaning.Cols[i])
			}
		}
		m.Rows = digest(parts...)
		for _, c := range cols {
			m.Cols = append(m.Cols, digest(c...))
		}
		return m
	}
	// Of the others: all they say of themselves, over all that their inputs are.
	// Columns that come first as the input has them, and those of a join, keep their
	// meaning.
	parts := append([]string{n.Spec.Name()}, m.args(n, func(name string) bool { return name == "select" || name == "fields" })...)
	var all []string
	for _, in := range n.Inputs {
		parts = append(parts, in.From.Meaning.Rows)
		all = append(all, in.From.Meaning.Cols...)
	}
	m.Rows = digest(append(parts, odd...)...)
	out := n.Spec.Schema()
	var in []types.Field
	for _, x := range n.Inputs {
		in = append(in, x.From.Spec.Schema().Fields...)
	}
	whole := digest(m.Rows, m.Translate(n.Describe()), digest(all...))
	for i, f := range out.Fields {
		if passes[n.Spec.Name()] && i < len(in) && len(out.Fields) >= len(in) && in[i].Type.Same(f.Type) {
			m.Cols = append(m.Cols, all[i])
			continue
		}
		m.Cols = append(m.Cols, digest(whole, fmt.Sprint(i)))
	}
	return m
}

// passes are the operators whose output begins with all columns of their inputs, in
// order.
var passes = map[string]bool{
	"Join": true, "IntervalJoin": true, "WindowJoin": true, "Rank": true, "Limit": true, "SortLimit": true, "Deduplicate": true, "OverAggregate": true,
	"DropUpdateBefore": true, "ChangelogNormalize": true, "WindowTableFunction": true, "WindowRank": true, "WindowDeduplicate": true, "Sort": true,
}

// renamed is a schema whose columns are called by what they mean.
func renamed(s *types.Schema, name func(i int) string) *types.Schema {
	out := &types.Schema{Fields: append([]types.Field(nil), s.Fields...)}
	for i := range out.Fields {
		out.Fields[i].Name = "#" + name(i)
	}
	return out
}

// colMeaning is what a computed column means; one that is passed on means what it
// did.
func colMeaning(e expr.Expr, cols []string) string {
	if c, ok := e.(*expr.Column); ok && c.Index < len(cols) {
		return cols[c.Index]
	}
	return digest(meant(e, cols), e.Type().Nullable().String())
}

// meant is an expression as text, its columns by what they mean and every type in
// it.
func meant(e expr.Expr, cols []string) string {
	list := func(es []expr.Expr) string {
		text := make([]string, len(es))
		for i, x := range es {
			text[i] = meant(x, cols)
		}
		return strings.Join(text, ", ")
	}
	switch x := e.(type) {
	case *expr.Column:
		if x.Index < len(cols) {
			return "#" + cols[x.Index]
		}
	case *expr.Call:
		return x.Fn.Name + "(" + list(x.Args) + ")"
	case *expr.Cast:
		return fmt.Sprintf("CAST(%s AS %s %v %v)", meant(x.From, cols), x.T.Nullable(), x.Try, x.Implicit)
	case *expr.Logic:
		return map[bool]string{true: "OR", false: "AND"}[x.Or] + "(" + list(x.Args) + ")"
	case *expr.Field:
		return fmt.Sprintf("%s.%s", meant(x.Of, cols), x.Of.Type().Fields[x.Index].Name)
	}
	// the rest prints columns by number
	text, read := e.String(), map[int]bool{}
	expr.Columns(e, read)
	for i := 0; i < len(cols); i++ {
		if read[i] {
			text += fmt.Sprintf(" $%d=#%s", i, cols[i])
		}
	}
	return text
}

// conditions are the parts of a conjunction as a set.
func conditions(e expr.Expr, cols []string) string {
	if e == nil {
		return ""
	}
	var parts []string
	var walk func(e expr.Expr)
	walk = func(e expr.Expr) {
		if l, ok := e.(*expr.Logic); ok && !l.Or {
			for _, a := range l.Args {
				walk(a)
			}
			return
		}
		parts = append(parts, meant(e, cols))
	}
	walk(e)
	sort.Strings(parts)
	return strings.Join(slices.Compact(parts), " AND ")
}
