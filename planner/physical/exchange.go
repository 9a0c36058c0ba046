package physical

import (
	"slices"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
)

// exchanges puts exchanges where rows must meet by another key than they lie by,
// and decides each node's parallelism. The graph says what a node needs whatever
// the parallelism, as EXPLAIN shows it; package job fuses an edge whose two ends
// have one subtask.
func exchanges(g *Graph, cfg Config) error {
	x := exchanger{p: max(cfg.Parallelism, 1), lies: map[*Node]operators.Distribution{}}
	for _, n := range g.Nodes {
		x.place(n)
	}
	return nil
}

// exchanger knows how the rows of the nodes placed so far lie.
type exchanger struct {
	p    int
	lies map[*Node]operators.Distribution
}

// place decides the inputs, the parallelism and the placement of n.
func (x *exchanger) place(n *Node) {
	wants := make([]operators.Distribution, len(n.Inputs))
	if d, ok := n.Spec.(operators.Distributed); ok {
		for i := range wants {
			wants[i] = d.Distribution(i)
		}
	}
	n.Parallelism = x.parallelism(n, wants)
	arrive := make([]operators.Distribution, len(n.Inputs))
	for i := range n.Inputs {
		in := &n.Inputs[i]
		arrive[i] = x.lies[in.From]
		if in.Side { // in the same task
			in.Exchange = Forward
			continue
		}
		in.Exchange, in.Cols = x.exchange(n, in.From, wants[i])
		if in.Exchange != Forward {
			arrive[i] = wants[i]
		}
	}
	lies := operators.Distribution{}
	if p, ok := n.Spec.(operators.Placed); ok && len(arrive) > 0 {
		lies = p.Placement(arrive)
	}
	if n.Parallelism == 1 && x.p > 1 || len(wants) > 0 && wants[0].Kind == operators.Together {
		lies = operators.Distribution{Kind: operators.Together}
	}
	x.lies[n] = lies
}

// parallelism: one where rows come together, all where they are spread by key or
// read, else that of the inputs.
func (x *exchanger) parallelism(n *Node, wants []operators.Distribution) int {
	if len(wants) == 0 {
		if _, ok := n.Spec.(*scan.Spec); ok {
			return x.p
		}
		return 1
	}
	p := 1
	for i, w := range wants {
		switch w.Kind {
		case operators.Together:
			return 1
		case operators.ByKey:
			p = x.p
		case operators.Anywhere:
			p = max(p, n.Inputs[i].From.Parallelism)
		}
	}
	return p
}

// exchange is the edge that gives to what it wants of from.
func (x *exchanger) exchange(to, from *Node, want operators.Distribution) (Exchange, []int) {
	lies := x.lies[from]
	if _, ok := to.Spec.(*sink.Collect); ok && x.p == 1 {
		return Forward, nil
	}
	if _, ok := to.Spec.(*sink.Spec); ok && x.p == 1 {
		return Forward, nil
	}
	switch want.Kind {
	case operators.ByKey:
		if lies.Kind == operators.ByKey && slices.Equal(lies.Cols, want.Cols) && from.Parallelism == to.Parallelism {
			return Forward, nil
		}
		return Hash, want.Cols
	case operators.Together:
		if lies.Kind == operators.Together && from.Parallelism == 1 {
			return Forward, nil
		}
		return Single, nil
	case operators.Everywhere:
		return Broadcast, nil
	}
	return Forward, nil
}
