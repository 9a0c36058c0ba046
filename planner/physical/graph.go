// Package physical turns a logical plan into a graph of operator specs.
//
// Build walks the logical plan, one function per node choosing a spec; then
// passes over the graph settle what the specs ask of each other: changes and keys
// go up from the sources (changes.go), needs come down from the sinks
// (needs.go), and adaptors are put in where an edge can't give what is needed.
// Start with Graph, then Build in build.go.
package physical

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
)

// Graph is specs and edges. Nodes come after their inputs.
type Graph struct {
	Nodes []*Node
	Job   string
	TTL   time.Duration // table.exec.state.ttl, of what no hint says otherwise
}

// Node is one operator.
type Node struct {
	Spec        operators.Spec
	Inputs      []Input
	Parallelism int
	Cut         int64 // width in ms at which something behind acts on event time; 0: nothing does
	Changes     batch.Changes
	Keys        operators.Keys
	Drift       []operators.Drift // how its columns change; nil: unknown
	Need        operators.Need    // what its consumers need of it
	First       int               // the input that is best read to its end before the others, from 1; 0: none
	ID          int               // for display only
	At          sqlerr.Span
	Meaning     Meaning
	Fingerprint string // what its state means: names it
	Kin         string // the same of a Top-N whatever its ranks; empty for others

	final bool // batch mode: what comes out is final, whatever the operator does otherwise
}

// Exchange is how rows reach the next operator's subtasks.
type Exchange uint8

const (
	Forward Exchange = iota
	Hash
	Single
	Broadcast
)

// Input is an edge.
type Input struct {
	From     *Node
	Exchange Exchange
	Cols     []int // of Hash
	Side     bool  // the rows that From couldn't read instead of those it sends
}

// Sinks are the nodes nobody reads.
func (g *Graph) Sinks() []*Node {
	used := map[*Node]bool{}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			used[in.From] = true
		}
	}
	var out []*Node
	for _, n := range g.Nodes {
		if !used[n] {
			out = append(out, n)
		}
	}
	return out
}

// Describe is one node as EXPLAIN prints it: "Calc(select=[a], where=[...])".
func (n *Node) Describe() string {
	var a []string
	for _, x := range n.Spec.Args() {
		a = append(a, x.Name+"="+x.Value)
	}
	return n.Spec.Name() + "(" + strings.Join(a, ", ") + ")"
}

// sendsBefore are the nodes that send -U: those that must, and those that pass on what
// they are sent. A filter needs -U of its input, so its consumers get them too.
func (g *Graph) sendsBefore() map[*Node]bool {
	sends := map[*Node]bool{}
	for _, n := range g.Nodes {
		_, leaves := n.Spec.(operators.BeforeAware)
		must := n.Need.Before || len(n.Inputs) == 0
		passes := !leaves && slices.ContainsFunc(n.Inputs, func(in Input) bool { return sends[in.From] })
		sends[n] = n.Changes.Kinds.Has(batch.UpdateBefore) && (must || passes)
	}
	return sends
}

// Details are what EXPLAIN may say of each operator beside what it does.
type Details struct{ Changes, Cost, Advice bool }

// Explain is Draw, with changelog modes or without.
func (g *Graph) Explain(changes bool) string { return g.Draw(Details{Changes: changes}) }

// Draw draws the graph as Flink does: sinks first, inputs indented below.
func (g *Graph) Draw(o Details) string {
	var b strings.Builder
	cost, advised := g.costs(), 0
	seen := map[*Node]int{}
	before := g.sendsBefore()
	var walk func(n *Node, prefix, lead string)
	walk = func(n *Node, prefix, lead string) {
		text := n.Describe()
		if o.Changes {
			kinds := n.Changes.Kinds
			if !before[n] {
				kinds &^= batch.UpdateBefore.Set()
			}
			text = strings.TrimSuffix(text, ")") + fmt.Sprintf(", changelogMode=%s)", kinds)
		}
		if o.Advice && advises(n) {
			text = strings.Replace(text, "(", "(advice=[1], ", 1)
			advised++
		}
		if o.Cost {
			text += cost[n].String()
		}
		if at, ok := seen[n]; ok {
			fmt.Fprintf(&b, "%sReused(reference_id=[%d])\n", lead, at)
			return
		}
		seen[n] = len(seen) + 1
		b.WriteString(lead + text + "\n")
		for i, in := range n.Inputs {
			last := i == len(n.Inputs)-1
			next, bar := prefix+"   ", "+- "
			if !last {
				next, bar = prefix+":  ", ":- "
			}
			if x := in.exchange(); x != "" {
				b.WriteString(prefix + bar + x + "\n")
				walk(in.From, next+"   ", next+"+- ")
				continue
			}
			walk(in.From, next, prefix+bar)
		}
	}
	for i, s := range g.Sinks() {
		if i > 0 {
			b.WriteString("\n")
		}
		walk(s, "", "")
	}
	switch {
	case advised > 0:
		b.WriteString("\nadvice[1]: [ADVICE] You might want to enable mini-batch by configuring ('table.exec.mini-batch.enabled' to 'true', 'table.exec.mini-batch.allow-latency' to a positive long value, 'table.exec.mini-batch.size' to a positive long value).\n")
	case o.Advice:
		b.WriteString("\nNo available advice...\n")
	}
	return b.String()
}

func (in Input) exchange() string {
	switch in.Exchange {
	case Hash:
		return "Exchange(distribution=[hash" + operators.Columns(in.From.Spec.Schema(), in.Cols) + "])"
	case Single:
		return "Exchange(distribution=[single])"
	case Broadcast:
		return "Exchange(distribution=[broadcast])"
	}
	return ""
}
