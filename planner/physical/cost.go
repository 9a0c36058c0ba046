package physical

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/operators/scan"
)

// unknownRows is what a source of unknown size is taken to have, as in Flink.
const unknownRows = 1e8

// estimate is what ESTIMATED_COST says of an operator: its rows, and the sums over
// it and what is below it. The factors are rough: half of the rows pass a condition,
// a tenth of them are groups. The order of joins in batch mode is decided by finer ones (rewrite/rowcount.go).
type estimate struct{ rows, sum, cpu, io, net float64 }

func (e estimate) String() string {
	f := func(x float64) string {
		if x < 1e7 {
			return strconv.FormatFloat(x, 'f', 1, 64)
		}
		m, exp, _ := strings.Cut(strconv.FormatFloat(x, 'E', -1, 64), "E+0")
		if !strings.Contains(m, ".") {
			m += ".0"
		}
		return m + "E" + exp
	}
	return fmt.Sprintf(": rowcount = %s, cumulative cost = {%s rows, %s cpu, %s io, %s network, 0.0 memory}", f(e.rows), f(e.sum), f(e.cpu), f(e.io), f(e.net))
}

func (g *Graph) costs() map[*Node]estimate {
	out := map[*Node]estimate{}
	for _, n := range g.Nodes {
		var e estimate
		for _, in := range n.Inputs {
			x := out[in.From]
			e.rows += x.rows
			e.sum, e.cpu, e.io, e.net = e.sum+x.sum, e.cpu+x.cpu, e.io+x.io, e.net+x.net
			if in.Exchange != Forward {
				e.net += x.rows * float64(8*in.From.Spec.Schema().Len())
			}
		}
		in := e.rows
		switch name := n.Spec.Name(); {
		case name == "TableSourceScan":
			e.rows = unknownRows
			if s, ok := n.Spec.(*scan.Spec); ok && s.Rows > 0 {
				e.rows = s.Rows
			}
			e.io += e.rows * float64(8*n.Spec.Schema().Len())
		case name == "Values":
			e.rows = 1
		case name == "Calc" && strings.Contains(n.Describe(), "where=["):
			e.rows /= 2
		case strings.Contains(name, "Aggregate"):
			e.rows = max(e.rows/10, 1)
		}
		e.sum += e.rows
		e.cpu += max(in, e.rows)
		out[n] = e
	}
	return out
}

// advises says whether PLAN_ADVICE has something to say of an operator.
func advises(n *Node) bool { return n.Spec.Name() == "GroupAggregate" }

// JSON is the graph in the form of Flink's JSON_EXECUTION_PLAN.
func (g *Graph) JSON() string {
	type edge struct {
		ID   int    `json:"id"`
		Ship string `json:"ship_strategy"`
		Side string `json:"side"`
	}
	type node struct {
		ID           int    `json:"id"`
		Type         string `json:"type"`
		Pact         string `json:"pact"`
		Contents     string `json:"contents"`
		Parallelism  int    `json:"parallelism"`
		Predecessors []edge `json:"predecessors,omitempty"`
	}
	id := map[*Node]int{}
	var nodes []node
	for i, n := range g.Nodes {
		id[n] = i + 1
		x := node{ID: i + 1, Type: fmt.Sprintf("%s[%d]", n.Spec.Name(), i+1), Pact: "Operator", Contents: fmt.Sprintf("[%d]:%s", i+1, n.Describe()), Parallelism: n.Parallelism}
		switch {
		case len(n.Inputs) == 0:
			x.Pact, x.Type = "Data Source", "Source: "+x.Type
		case n.Spec.Name() == "Sink":
			x.Pact = "Data Sink"
		}
		for _, in := range n.Inputs {
			ship := map[Exchange]string{Forward: "FORWARD", Hash: "HASH", Single: "GLOBAL", Broadcast: "BROADCAST"}[in.Exchange]
			x.Predecessors = append(x.Predecessors, edge{id[in.From], ship, "second"})
		}
		nodes = append(nodes, x)
	}
	text, _ := json.MarshalIndent(map[string]any{"nodes": nodes}, "", "  ")
	return string(text)
}
