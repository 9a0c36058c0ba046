package job

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/spill"
)

// edgeBatches is how many batches a sender may have under way to one receiver.
const edgeBatches = 4

// expander turns a graph into tasks.
//
// Nodes are fused into one task where no exchange separates them. An edge that
// would fuse past an exchange (a union of a stream with its own aggregate) is a
// queue all the same: each node has a depth, the number of queues above it, and
// only nodes of one depth are fused, so that tasks form no cycle in which each
// waits for the other's credit.
type expander struct {
	run      *run
	depth    map[*physical.Node]int
	group    map[*physical.Node]*physical.Node // the first node of the component
	vertices map[*physical.Node][]*vertex
	tasks    map[taskKey]*task
}

type taskKey struct {
	group   *physical.Node
	subtask int
}

func (r *run) expand() error {
	x := &expander{run: r, depth: map[*physical.Node]int{}, group: map[*physical.Node]*physical.Node{},
		vertices: map[*physical.Node][]*vertex{}, tasks: map[taskKey]*task{}}
	for _, n := range r.graph.Nodes {
		if n.Parallelism > batch.MaxSubtasks {
			return fmt.Errorf("parallelism %d is above %d, the number of key groups", n.Parallelism, batch.MaxSubtasks)
		}
		x.fuse(n)
	}
	ids := identities(r.graph)
	for _, n := range r.graph.Nodes {
		x.add(n, ids[n])
	}
	for _, n := range r.graph.Nodes {
		for i := range n.Inputs {
			x.connect(n, i)
		}
	}
	for _, n := range r.graph.Sinks() {
		x.rank(n, 0, map[*physical.Node]bool{})
	}
	r.nodes = x.vertices
	return nil
}

// rank gives the heads above n theirs, from r on: the input that an operator wants first
// has lower ones than the others. It returns the highest. Only batch mode has such
// operators: the rows they would keep waiting are read when they can pass.
func (x *expander) rank(n *physical.Node, r int, seen map[*physical.Node]bool) int {
	if seen[n] {
		return r
	}
	seen[n] = true
	for _, v := range x.vertices[n] {
		v.rank = r
	}
	if n.First > 0 {
		r = x.rank(n.Inputs[n.First-1].From, r, seen) + 1
	}
	top := r
	for i, in := range n.Inputs {
		if i != n.First-1 {
			top = max(top, x.rank(in.From, r, seen))
		}
	}
	return top
}

// chained says that an edge needs no queue where both ends are in one task.
func chained(in physical.Input, to *physical.Node) bool {
	return in.Exchange == physical.Forward || in.From.Parallelism == 1 && to.Parallelism == 1
}

// fuse decides with which earlier nodes n shares its tasks.
func (x *expander) fuse(n *physical.Node) {
	d := 0
	for _, in := range n.Inputs {
		if chained(in, n) {
			d = max(d, x.depth[in.From])
		} else {
			d = max(d, x.depth[in.From]+1)
		}
	}
	x.depth[n], x.group[n] = d, n
	for _, in := range n.Inputs {
		if !chained(in, n) || x.depth[in.From] != d {
			continue
		}
		from, to := x.group[n], x.group[in.From]
		for m, g := range x.group {
			if g == from {
				x.group[m] = to
			}
		}
	}
}

// add makes the vertices of n.
func (x *expander) add(n *physical.Node, id state.Identity) {
	for s := 0; s < n.Parallelism; s++ {
		t := x.task(x.group[n], s)
		v := &vertex{task: t, node: n, identity: id, subtask: s, op: n.Spec.New(), metrics: newMetrics(len(n.Inputs)),
			heard: operators.MinWatermark, passed: operators.MinWatermark, inputs: make([]input, len(n.Inputs)), stale: true}
		v.head, _ = v.op.(operators.Head)
		v.ticker, _ = v.op.(operators.Ticker)
		x.vertices[n] = append(x.vertices[n], v)
		t.vertices = append(t.vertices, v)
		if v.head != nil {
			t.heads = append(t.heads, v)
		}
	}
	if s, ok := n.Spec.(*scan.Spec); ok {
		pool := newSplits(s, n.Parallelism)
		x.run.sources = append(x.run.sources, source{node: n, identity: id, splits: pool, vertices: x.vertices[n]})
		for _, v := range x.vertices[n] {
			v.splits = pool
		}
	}
}

func (x *expander) task(group *physical.Node, subtask int) *task {
	k := taskKey{group, subtask}
	t := x.tasks[k]
	if t == nil {
		t = &task{run: x.run, index: len(x.run.tasks), mail: newMailbox(), stale: true, watch: newStopwatch()}
		o := state.Options{Now: func() int64 { return t.now.UnixMilli() }, Evict: x.run.cfg.Evict}
		if d := x.run.cfg.Spill.Dir; d != "" {
			o.Spill = &state.Spill{Dir: d, Keep: t.keep}
			t.room = &operators.Room{Dir: &spill.Dir{Path: d}, Over: t.excess, Every: batch.MaxRows, Settle: t.release}
			if x.run.cfg.Spill.Always {
				t.room.Every = 1
			}
		}
		if s, ok := x.run.driver.(*Simulator); ok {
			o.Wait = s.Yield
		}
		t.store = x.run.cfg.NewStore(o)
		x.tasks[k] = t
		x.run.tasks = append(x.run.tasks, t)
	}
	return t
}

// connect makes the edges of input i of n.
func (x *expander) connect(n *physical.Node, i int) {
	in := n.Inputs[i]
	from, to := x.vertices[in.From], x.vertices[n]
	forward := in.Exchange == physical.Forward
	for s, v := range from {
		if forward && v.task == to[s].task || len(from) == 1 && len(to) == 1 && v.task == to[0].task {
			way := outlet(&direct{to: to[s], input: i, lane: to[s].addLane(i)})
			if in.Side {
				way = aside{way}
			}
			v.outs = append(v.outs, way)
			continue
		}
		if in.Side {
			panic("a side output across tasks: " + n.Spec.Name())
		}
		e := &exchange{task: v.task, from: v, kind: in.Exchange, ts: in.From.Spec.Schema().Types(), slice: in.From.Cut, sent: operators.MinWatermark}
		targets := to
		if forward {
			targets = to[s : s+1]
		}
		if in.Exchange == physical.Hash {
			e.split = batch.NewPartitioner(e.ts, in.Cols, len(to))
		}
		for _, c := range targets {
			edge := &edge{to: c.task.mail, vertex: c, input: i, lane: c.addLane(i), sender: v.task.mail, left: edgeBatches}
			if x.run.cfg.Evict {
				edge.sums = map[*batch.Batch]uint64{}
			}
			if x.run.cfg.EdgeBatches > 0 {
				edge.left = x.run.cfg.EdgeBatches
			}
			c.task.in = append(c.task.in, edge)
			e.targets = append(e.targets, target{edge: edge})
		}
		v.outs = append(v.outs, e)
		v.task.exchanges = append(v.task.exchanges, e)
	}
}

// addLane makes one more sender known to an input.
func (v *vertex) addLane(input int) int {
	in := &v.inputs[input]
	in.lanes = append(in.lanes, lane{watermark: operators.MinWatermark})
	return len(in.lanes) - 1
}

// identities names the state of each node: by what its rows mean and its role,
// counted among equals.
func identities(g *physical.Graph) map[*physical.Node]state.Identity {
	out, ordinals := map[*physical.Node]state.Identity{}, map[state.Identity]int{}
	for _, n := range g.Nodes {
		id := state.Identity{Relation: n.Fingerprint, Role: n.Spec.Name()}
		ordinals[id]++
		id.Ordinal = ordinals[id]
		out[n] = id
	}
	return out
}

// opener is the vertex's part of the store. At a parallelism above 1 a spec that
// doesn't say how its input must be spread gets no state: its results would be
// wrong.
func (t *task) opener(v *vertex) state.Opener {
	o := state.Opener(noting{Opener: t.store.Open(v.identity), v: v})
	if _, ok := v.node.Spec.(operators.Distributed); !ok && v.node.Parallelism > 1 && v.head == nil {
		return refusing{Opener: o, name: v.node.Spec.Name()}
	}
	return o
}

// refusing answers an operator that would keep state of rows spread anyhow.
type refusing struct {
	state.Opener
	name string
}

func (r refusing) Table(state.Spec) (state.Table, error) {
	return nil, fmt.Errorf("not supported yet: %s at a parallelism above 1", r.name)
}

// source is a scan's node with its splits.
type source struct {
	node     *physical.Node
	identity state.Identity
	splits   *splits
	vertices []*vertex
}

// list enumerates the splits of every source, and ends the heads that have none to
// read before anything runs.
func (r *run) list(ctx context.Context) error {
	for _, s := range r.sources {
		if s.splits.restored() && s.splits.source.Bounded() {
			s.splits.complete = true // its list was complete
		} else if _, err := s.splits.list(ctx); err != nil {
			return &failure{operator: s.node.Spec.Name(), err: connectors.OfTable("table", s.splits.table, err)}
		}
		for _, i := range s.splits.deal() {
			v := s.vertices[i]
			if err := v.task.endHead(v); err != nil {
				return err
			}
		}
	}
	return nil
}
