package job

import (
	"context"

	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// Newest reads the newest whole checkpoint of a directory, with its state; nil when
// there is none.
func Newest(dir *checkpoint.Dir) (*checkpoint.Manifest, []state.Block, error) {
	return newest(Checkpoint{Dir: dir, AcceptDuplicates: true}, true)
}

// Imagine is what a checkpoint of a graph would look like, without state: two
// queries are compared so before either has run.
func Imagine(ctx context.Context, g *physical.Graph, cfg Config) (*checkpoint.Manifest, error) {
	r := &run{cfg: cfg, graph: g, driver: NewWorkers(), gone: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	r.coord = newCoordinator(r)
	if err := r.expand(); err != nil {
		return nil, err
	}
	m := &checkpoint.Manifest{Job: g.Job}
	ordinals := map[string]int{}
	for _, n := range g.Nodes {
		v := r.nodes[n][0]
		tables, _, err := r.tablesOf(n)
		if err != nil {
			return nil, err
		}
		m.Vertices = append(m.Vertices, checkpoint.Vertex{Identity: v.identity, Kin: n.Kin, Text: n.Describe(), Tables: tables})
		if v.head != nil {
			name := sourceName(v)
			m.Sources = append(m.Sources, checkpoint.Source{Table: name, Ordinal: ordinal(ordinals, name), Identity: v.identity})
		}
		if s, ok := n.Spec.(*sink.Spec); ok {
			m.Sinks = append(m.Sinks, checkpoint.Sink{Table: s.Table, Ordinal: ordinal(ordinals, "sink "+s.Table)})
		}
	}
	return m, nil
}
