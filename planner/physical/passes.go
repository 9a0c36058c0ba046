package physical

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/sqlerr"
)

// Pass is a walk over the graph.
type Pass struct {
	Name  string
	Apply func(*Graph, Config) error
}

// Passes run in order.
var Passes = []Pass{
	{"multi joins", multiJoins},
	{"changes", changes},
	{"needs", needs},
	{"normalize", normalizes},
	{"befores", befores},
	{"cuts", cuts},
	{"exchanges", exchanges},
	{"meanings", meanings},
}

// changes asks each spec, sources first, what it makes of its inputs' changes and
// keys.
func changes(g *Graph, _ Config) error {
	for _, n := range g.Nodes {
		if err := settle(n); err != nil {
			return err
		}
	}
	return nil
}

// settle asks one spec, whose inputs have been asked. The builder does so too where
// the choice of an operator depends on its input's changes.
func settle(n *Node) (err error) {
	in := make([]batch.Changes, len(n.Inputs))
	keys := make([]operators.Keys, len(n.Inputs))
	drift := make([][]operators.Drift, len(n.Inputs))
	for i, x := range n.Inputs {
		in[i], keys[i], drift[i] = x.From.Changes, x.From.Keys, x.From.Drift
	}
	if s, ok := n.Spec.(operators.KeyAware); ok {
		s.SetKeys(keys, in)
	}
	for i := range n.Inputs {
		if d, ok := n.Spec.(operators.Distributed); ok {
			keys[i].Upsert = ordered(keys[i].Upsert, d.Distribution(i))
		}
	}
	if s, ok := n.Spec.(*sink.Spec); ok {
		s.Takes = s.Sink.Changes(in[0])
	}
	if s, ok := n.Spec.(operators.DriftAware); ok {
		s.SetDrift(drift[0])
	}
	if n.Changes, n.Keys, err = n.Spec.Changes(in, keys); err != nil {
		if len(n.Inputs) > 0 {
			err = fmt.Errorf("%w which is produced by node %s", err, n.Inputs[0].From.Describe())
		}
		for _, e := range sqlerr.All(err) {
			if e.Code == sqlerr.Runtime {
				return &sqlerr.Error{Code: sqlerr.Invalid, Msg: err.Error(), At: n.At}
			}
		}
		return err
	}
	if n.final {
		n.Changes = batch.Changes{Kinds: batch.InsertOnly}
	}
	n.Drift = nil
	if s, ok := n.Spec.(operators.Drifting); ok {
		n.Drift = s.Drift(drift, in)
	}
	if n.Drift == nil && n.Changes.InsertOnly() { // rows that never change
		n.Drift = make([]operators.Drift, n.Spec.Schema().Len())
		for i := range n.Drift {
			n.Drift[i] = operators.Constant
		}
	}
	return nil
}

// ordered is the upsert keys whose changes stay in order when the rows are spread:
// those that hold all the columns by which they are.
func ordered(keys [][]int, d operators.Distribution) [][]int {
	if d.Kind != operators.ByKey {
		return keys
	}
	var out [][]int
	for _, k := range keys {
		if operators.HasKey([][]int{d.Cols}, k) {
			out = append(out, k)
		}
	}
	return out
}

// settled settles a node and all below it.
func settled(n *Node) error {
	for _, in := range n.Inputs {
		if err := settled(in.From); err != nil {
			return err
		}
	}
	return settle(n)
}

// needs finds, sinks first, what each node's consumers want of it.
func needs(g *Graph, _ Config) error {
	for _, n := range g.Nodes {
		n.Need = operators.Need{}
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		for k, in := range n.Inputs {
			in.From.Need = in.From.Need.Or(n.Spec.Needs(k, n.Need))
		}
	}
	return nil
}

// cuts tells each scan how fine event time acts behind it: the greatest common
// divisor of its consumers' slices.
func cuts(g *Graph, _ Config) error {
	width, reads := map[*Node]int64{}, map[*Node]bool{}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		w := width[n]
		if t, ok := n.Spec.(operators.EventTimed); ok {
			w = gcd(w, t.Slice())
		}
		if s, ok := n.Spec.(*scan.Spec); ok {
			s.Cut, s.Raises = w, reads[n]
		}
		n.Cut = width[n]
		if c, ok := n.Spec.(*calc.Spec); ok && c.Watermark {
			reads[n] = true
		}
		for _, in := range n.Inputs {
			width[in.From] = gcd(width[in.From], w)
			reads[in.From] = reads[in.From] || reads[n]
		}
	}
	return nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
