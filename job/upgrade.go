package job

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/lookupjoin"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/planner/bind"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/plain"
	"github.com/millrace/millrace/types"
)

// Verdict is what becomes of an operator's state when a job goes on under an edited
// query.
type Verdict string

// The verdicts. Results after Kept and Migrated are those of a run that had the new
// query from the start. An operator that is Rebuilt begins empty: rows read before
// aren't counted in it. What is Dropped is forgotten.
const (
	Kept     Verdict = "kept"
	Migrated Verdict = "migrated" // the new query needs a part of what is there
	Rebuilt  Verdict = "rebuilt"
	Dropped  Verdict = "dropped"
)

// Change is one operator of the old or the new query, or both.
type Change struct {
	Verdict  Verdict
	Role     string
	Text     string // as EXPLAIN prints it: the new one, or the old one that is dropped
	Why      string // unless it is kept as it is
	Old, New []checkpoint.Table
	Keys     int64
	Bytes    int64

	from, to state.Identity
}

// Upgrade is a checkpoint beside a query.
type Upgrade struct {
	N        uint64
	Job      string
	Changes  []Change
	Refusals []string // what no choice helps against

	old     map[state.Identity]*Change // by the identity in the checkpoint
	marks   map[*physical.Node]state.Identity
	sources map[*physical.Node]*checkpoint.Source
	specs   map[state.Identity]map[string]state.Spec // of the new query
}

// Needs are the verdicts that must be accepted.
func (u *Upgrade) Needs() (out []Verdict) {
	for _, v := range []Verdict{Rebuilt, Dropped} {
		for _, c := range u.Changes {
			if c.Verdict == v {
				out = append(out, v)
				break
			}
		}
	}
	return out
}

// String is a line per operator.
func (u *Upgrade) String() string {
	var b strings.Builder
	for _, c := range u.Changes {
		fmt.Fprintf(&b, "%-9s %s", c.Verdict, c.Text)
		if len(c.Old) > 0 {
			fmt.Fprintf(&b, ": %d keys, %d bytes", c.Keys, c.Bytes)
		}
		if c.Why != "" {
			fmt.Fprintf(&b, "\n          %s", c.Why)
		}
		b.WriteByte('\n')
	}
	for _, r := range u.Refusals {
		fmt.Fprintf(&b, "refused   %s\n", r)
	}
	return b.String()
}

// Compare says what a graph keeps of a checkpoint, without running anything.
func Compare(ctx context.Context, g *physical.Graph, cfg Config, m *checkpoint.Manifest, blocks []state.Block) (*Upgrade, error) {
	cfg.NewStore = func(o state.Options) state.Store { return plain.New(o) }
	r := &run{cfg: cfg, graph: g, driver: NewWorkers(), gone: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	r.coord = newCoordinator(r)
	if err := r.expand(); err != nil {
		return nil, err
	}
	return r.compare(m, blocks)
}

func (r *run) compare(m *checkpoint.Manifest, blocks []state.Block) (*Upgrade, error) {
	u := &Upgrade{N: m.N, Job: m.Job, old: map[state.Identity]*Change{}, marks: map[*physical.Node]state.Identity{},
		sources: map[*physical.Node]*checkpoint.Source{}, specs: map[state.Identity]map[string]state.Spec{}}
	bytes := map[state.Identity]int64{}
	for _, b := range blocks {
		bytes[b.Identity] += int64(b.Bytes())
	}
	u.compareSources(r, m)
	u.compareSinks(r, m)
	taken := map[int]bool{}
	for _, n := range r.graph.Nodes {
		id := r.nodes[n][0].identity
		if r.nodes[n][0].head != nil {
			continue
		}
		tables, specs, err := r.tablesOf(n)
		if err != nil {
			return nil, err
		}
		u.specs[id] = specs
		best, fit, ranks := -1, checkpoint.Misfit, false
		for i, v := range m.Vertices {
			if taken[i] || v.Identity.Relation != id.Relation || v.Identity.Role != id.Role || best >= 0 && v.Identity != id && fit == checkpoint.Same {
				continue
			}
			f := fits(v.Tables, tables, n)
			if best < 0 || f > fit || f == fit && v.Identity == id {
				best, fit = i, f
			}
		}
		if best < 0 && n.Kin != "" {
			for i, v := range m.Vertices {
				if !taken[i] && v.Kin == n.Kin && v.Identity.Role == id.Role && !r.names(v.Identity) && fits(v.Tables, tables, n) != checkpoint.Misfit {
					best, fit, ranks = i, fits(v.Tables, tables, n), true
					break
				}
			}
		}
		if best >= 0 && (fit != checkpoint.Misfit || len(m.Vertices[best].Tables) > 0) {
			taken[best] = true
			u.marks[n] = m.Vertices[best].Identity
		}
		if len(tables) == 0 && (best < 0 || len(m.Vertices[best].Tables) == 0) {
			continue // without state
		}
		c := Change{Role: n.Spec.Name(), Text: n.Describe(), New: tables, to: id}
		switch {
		case best < 0:
			c.Verdict, c.Why = Rebuilt, "the checkpoint has no such operator over these rows; it begins empty"
			if i := like(m, n, taken); i >= 0 {
				c.Why = fmt.Sprintf("it begins empty: the checkpoint has %s over other rows or by other keys (%s), and the query needs %s", m.Vertices[i].Text, schemas(m.Vertices[i].Tables), schemas(tables))
			}
		default:
			v := &m.Vertices[best]
			c.Old, c.Keys, c.Bytes, c.from = v.Tables, v.Keys, bytes[v.Identity], v.Identity
			switch fit {
			case checkpoint.Same:
				c.Verdict, c.Why = Kept, lives(v.Tables, tables)
			case checkpoint.Subset:
				c.Verdict, c.Why = Migrated, fmt.Sprintf("of %s it needs %s", schemas(v.Tables), schemas(tables))
				if l := lives(v.Tables, tables); l != "" {
					c.Why += "; " + l
				}
			default:
				c.Verdict, c.Why = Rebuilt, fmt.Sprintf("it begins empty: the state was %s, and the query needs %s", schemas(v.Tables), schemas(tables))
			}
		}
		if ranks {
			c.Why += map[bool]string{true: "; "}[c.Why != ""] + "rows at new ranks come out when they change, and rows sent at ranks that are gone aren't taken back"
		}
		u.Changes = append(u.Changes, c)
	}
	for i, v := range m.Vertices {
		if !taken[i] && len(v.Tables) > 0 {
			u.Changes = append(u.Changes, Change{Verdict: Dropped, Role: v.Identity.Role, Text: v.Text, Old: v.Tables, Keys: v.Keys, Bytes: bytes[v.Identity], from: v.Identity,
				Why: "the query has no such operator over these rows"})
		}
	}
	for i := range u.Changes {
		if c := &u.Changes[i]; c.from != (state.Identity{}) {
			u.old[c.from] = c
		}
	}
	return u, nil
}

// names says that an operator of the query has an identity but for its ordinal.
func (r *run) names(id state.Identity) bool {
	for _, n := range r.graph.Nodes {
		if x := r.nodes[n][0].identity; x.Relation == id.Relation && x.Role == id.Role {
			return true
		}
	}
	return false
}

// lives says what another time to live does to the rows that are kept.
func lives(old, new []checkpoint.Table) string {
	for _, t := range new {
		for _, o := range old {
			was, is := o.Layout.TTLMs, t.Layout.TTLMs
			switch {
			case o.Name != t.Name || was == is:
			case was == 0:
				return "its rows count as written now, and begin to expire"
			case is == 0:
				return "its rows don't expire any more; what had expired is gone"
			case is > was:
				return "its rows live longer from when they were written; what had expired is gone"
			default:
				return "its rows live shorter from when they were written"
			}
		}
	}
	return ""
}

// like is an operator of the checkpoint with the role of n that nobody has taken
// and that no operator of the new query is.
func like(m *checkpoint.Manifest, n *physical.Node, taken map[int]bool) int {
	for i, v := range m.Vertices {
		if !taken[i] && v.Identity.Role == n.Spec.Name() && len(v.Tables) > 0 {
			return i
		}
	}
	return -1
}

// fits says how old tables serve new ones. What a look-up keeps isn't known before
// it runs: its waiting rows are kept for the same operator alone.
func fits(old, new []checkpoint.Table, n *physical.Node) checkpoint.Fit {
	if _, ok := n.Spec.(*lookupjoin.Spec); ok {
		return checkpoint.Same
	}
	fit := checkpoint.Same
	for _, t := range new {
		f := checkpoint.Misfit
		for _, o := range old {
			if o.Name == t.Name {
				f, _ = o.Layout.Into(t.Layout)
			}
		}
		fit = min(fit, f)
	}
	if len(old) != len(new) {
		fit = min(fit, checkpoint.Misfit)
	}
	return fit
}

// compareSources finds where each scan goes on. Of several scans of a table each
// must be known, or all must stand at the same place.
func (u *Upgrade) compareSources(r *run, m *checkpoint.Manifest) {
	used := map[int]bool{}
	byTable := map[string][]*physical.Node{}
	var tables []string
	for _, n := range r.graph.Nodes {
		if v := r.nodes[n][0]; v.head != nil {
			name := sourceName(v)
			if byTable[name] == nil {
				tables = append(tables, name)
			}
			byTable[name] = append(byTable[name], n)
		}
	}
	for _, name := range tables {
		var old []int
		for i, s := range m.Sources {
			if s.Table == name {
				old = append(old, i)
			}
		}
		if len(old) == 0 {
			u.Changes = append(u.Changes, Change{Verdict: Rebuilt, Role: byTable[name][0].Spec.Name(), Text: name, Why: "it wasn't read before, and is read from its beginning"})
			continue
		}
		one := true // all scans stand at one place
		for _, i := range old {
			one = one && samePlace(m.Sources[i], m.Sources[old[0]])
		}
		exact := 0
		for _, n := range byTable[name] {
			for _, i := range old {
				if !used[i] && m.Sources[i].Identity == r.nodes[n][0].identity {
					used[i] = true
					u.sources[n] = &m.Sources[i]
					exact++
					break
				}
			}
		}
		for _, n := range byTable[name] {
			if u.sources[n] != nil {
				continue
			}
			if !one {
				u.Refusals = append(u.Refusals, fmt.Sprintf("%s was read by several scans that stand at different places, and it isn't clear which of them the query means", name))
				break
			}
			u.sources[n] = &m.Sources[old[0]]
		}
		for _, i := range old {
			used[i] = true
		}
	}
	for i, s := range m.Sources {
		if !used[i] {
			u.Changes = append(u.Changes, Change{Verdict: Dropped, Role: "TableSourceScan", Text: s.Table, Why: "it isn't read any more"})
			used[i] = true
		}
	}
	for n, s := range u.sources {
		u.marks[n] = s.Identity
	}
}

func samePlace(a, b checkpoint.Source) bool {
	if len(a.Splits) != len(b.Splits) {
		return false
	}
	at := map[string]checkpoint.Split{}
	for _, s := range a.Splits {
		at[s.Name] = s
	}
	for _, s := range b.Splits {
		o, ok := at[s.Name]
		if !ok || string(o.From) != string(s.From) || o.Skip != s.Skip || o.Done != s.Done {
			return false
		}
	}
	return true
}

// compareSinks refuses to forget what a sink has prepared.
func (u *Upgrade) compareSinks(r *run, m *checkpoint.Manifest) {
	have, ordinals := map[string]bool{}, map[string]int{}
	for _, n := range r.graph.Nodes {
		if s, ok := n.Spec.(*sink.Spec); ok {
			have[fmt.Sprint(s.Table, ordinal(ordinals, s.Table))] = true
		}
	}
	for _, s := range m.Sinks {
		if !m.Published && len(s.Pending) > 0 && !have[fmt.Sprint(s.Table, s.Ordinal)] {
			u.Refusals = append(u.Refusals, fmt.Sprintf("%s, which the query doesn't write any more, has results that aren't published yet: stop the old query with a savepoint, and begin from that", s.Table))
		}
	}
}

// tablesOf are the tables an operator opens: it is opened aside, over nothing.
func (r *run) tablesOf(n *physical.Node) ([]checkpoint.Table, map[string]state.Spec, error) {
	switch n.Spec.(type) {
	case *scan.Spec, *sink.Spec, *sink.Collect, *lookupjoin.Spec:
		return nil, nil, nil
	}
	v := &vertex{node: n}
	specs := map[string]state.Spec{}
	store := plain.New(state.Options{})
	defer store.Close()
	op := n.Spec.New()
	env := &operators.Env{
		Context: r.ctx, State: noting{store.Open(state.Identity{}), v, specs}, Of: n.Parallelism, Session: r.cfg.Session, Now: r.cfg.Session.Now, MiniBatch: r.cfg.MiniBatch.Enabled,
		Rand: r.cfg.Session.Rand("compare"), Wake: func() {}, Metrics: newMetrics(len(n.Inputs)), At: n.At, Memory: &operators.Budget{}, Heard: operators.MinWatermark,
		Side: func(operators.Side) operators.Output { return discard{} },
	}
	err := op.Open(env, discard{})
	if cerr := op.Close(); err == nil {
		err = cerr
	}
	return v.tables, specs, err
}

// noting notes what an operator opens.
type noting struct {
	state.Opener
	v     *vertex
	specs map[string]state.Spec
}

func (o noting) Table(s state.Spec) (state.Table, error) {
	o.v.opens(s.Name, layoutOf(s, o.v.node.Meaning))
	if o.specs != nil {
		o.specs[s.Name] = s
	}
	return o.Opener.Table(s)
}

func (o noting) Timers(name string, key []types.Type) (state.Timers, error) {
	s := state.TimerSpec(name, key)
	l := layoutOf(s, o.v.node.Meaning)
	l.Timers = true
	o.v.opens(name, l)
	if o.specs != nil {
		o.specs[name] = s
	}
	return o.Opener.Timers(name, key)
}

// opens notes a table of the vertex.
func (v *vertex) opens(name string, l checkpoint.Layout) {
	for _, t := range v.tables {
		if t.Name == name {
			return
		}
	}
	v.tables = append(v.tables, checkpoint.Table{Name: name, Layout: l})
	sort.Slice(v.tables, func(i, j int) bool { return v.tables[i].Name < v.tables[j].Name })
}

// layoutOf is a table as a manifest has it.
func layoutOf(s state.Spec, m physical.Meaning) checkpoint.Layout {
	cols := func(c []state.Column) []checkpoint.Column {
		out := make([]checkpoint.Column, len(c))
		for i, x := range c {
			out[i] = checkpoint.Column{Name: x.Meaning, Type: x.Type.String(), Meaning: m.Translate(x.Meaning)}
		}
		return out
	}
	l := checkpoint.Layout{Key: cols(s.Key), Row: cols(s.Row), TTLMs: s.TTL.Milliseconds(), Sliced: s.Windowed}
	for _, x := range s.Lists {
		l.Lists = append(l.Lists, checkpoint.List{Row: cols(x.Row), Cells: x.Cells})
	}
	for _, x := range s.Multisets {
		l.Sets = append(l.Sets, cols(x))
	}
	for _, x := range s.Sorted {
		o := checkpoint.Sorted{Row: cols(x.Row), Most: x.Most}
		for _, by := range x.By {
			o.By = append(o.By, fmt.Sprintf("%s %v %v", m.Translate(x.Row[by.Col].Meaning), by.Desc, by.NullsLast))
		}
		l.Sorted = append(l.Sorted, o)
	}
	return l
}

// SpecOf is the spec that rows of a layout were written for.
func SpecOf(name string, l checkpoint.Layout) (state.Spec, error) {
	var first error
	cols := func(c []checkpoint.Column) []state.Column {
		var out []state.Column
		for _, x := range c {
			t, err := parseType(x.Type)
			if err != nil && first == nil {
				first = fmt.Errorf("state %q, column %s: %w", name, x.Name, err)
			}
			out = append(out, state.Column{Type: t, Meaning: x.Name})
		}
		return out
	}
	s := state.Spec{Name: name, Key: cols(l.Key), Row: cols(l.Row), Windowed: l.Sliced}
	if l.TTLMs > 0 {
		s.TTL = 1
	}
	for _, x := range l.Lists {
		s.Lists = append(s.Lists, state.ListSpec{Row: cols(x.Row), Cells: x.Cells})
	}
	for _, x := range l.Sets {
		s.Multisets = append(s.Multisets, cols(x))
	}
	for _, x := range l.Sorted {
		o := state.SortedSpec{Row: cols(x.Row)}
		for range x.By { // which they are matters to nobody who only reads
			o.By = append(o.By, batch.Order{})
		}
		s.Sorted = append(s.Sorted, o)
	}
	return s, first
}

func parseType(text string) (types.Type, error) {
	t, err := parser.ParseType(&sqlerr.Source{Name: "type", Text: text})
	if err != nil {
		return types.Type{}, err
	}
	return (&bind.Binder{}).Type(t)
}

// reshape makes a block of the checkpoint one of the new query; ok is false when
// its state isn't kept.
func (u *Upgrade) reshape(b state.Block, now int64) (_ state.Block, ok bool, err error) {
	c := u.old[b.Identity]
	if c == nil || c.Verdict != Kept && c.Verdict != Migrated {
		return b, false, nil
	}
	b.Identity = c.to
	if c.Verdict == Kept {
		return b, true, nil
	}
	for _, o := range c.Old {
		if o.Name != b.Name {
			continue
		}
		for _, t := range c.New {
			if t.Name != b.Name {
				continue
			}
			fit, m := o.Layout.Into(t.Layout)
			if fit == checkpoint.Same {
				return b, true, nil
			}
			from, err := SpecOf(o.Name, o.Layout)
			if err != nil {
				return b, false, err
			}
			if b, err = b.Whole(nil); err != nil {
				return b, false, err
			}
			b, err = b.Reshape(from, u.specs[c.to][b.Name], m.Cells, m.Lists, m.Sets, m.Sorted, now)
			return b, true, err
		}
	}
	return b, false, nil
}
