package job

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// Checkpoint is execution.checkpointing.* and where checkpoints are kept.
type Checkpoint struct {
	Dir       *checkpoint.Dir // nil: none are kept, sinks are committed without
	From      *checkpoint.Dir // a savepoint to start from when Dir has no checkpoint; nil: none
	FromN     uint64          // which one in From; 0: the newest
	Interval  time.Duration   // 0: at the end alone
	MinPause  time.Duration
	Timeout   time.Duration
	Tolerable int   // failures in a row that don't end the job
	Retain    int   // checkpoints kept; 0: one
	Rate      int64 // bytes a second that state files are written with at most; 0: as fast as can be
	// Accept are the verdicts about an edited query that its user has agreed to.
	Accept []Verdict
	// AcceptDuplicates falls back behind a checkpoint whose sinks may have committed.
	AcceptDuplicates bool
	Note             func(string) // remarks for the user; nil: nobody listens
}

// fullAfter is how many deltas a base may have.
const fullAfter = 100

// chain is the state files that the next manifest begins with: per task a base and
// its deltas.
type chain struct {
	files       [][]checkpoint.StateFile
	base, delta int64 // bytes
	based       int64 // memory of the state that the base was written of
	memory      int64 // of the last checkpoint's
}

// smallChain is bytes of files that are never too many.
const smallChain = 1 << 20

// wantsBase says that the next checkpoint should write everything: there is
// nothing to build on, or half of what is in the files is likely to be out of date.
// State that only grows needs no new base. So every byte of a change is written
// about twice in the long run, whatever the size of the state.
func (c *chain) wantsBase() bool {
	if c.files == nil {
		return true
	}
	whole := float64(c.memory) // what a base would have now
	if c.base >= smallChain {
		whole *= float64(c.base) / float64(max(c.based, 1))
	}
	if float64(c.base+c.delta) > 2*whole+smallChain {
		return true
	}
	for _, f := range c.files {
		if len(f) > fullAfter {
			return true
		}
	}
	return false
}

// with is the chain after a checkpoint.
func (c *chain) with(at *attempt, tasks int) chain {
	next := chain{files: make([][]checkpoint.StateFile, tasks)}
	if at.delta {
		next.base, next.delta, next.based = c.base, c.delta, c.based
		for i := range c.files {
			next.files[i] = append(next.files[i], c.files[i]...)
		}
	}
	for _, a := range at.acks {
		next.memory += a.memory
		for _, f := range a.files {
			next.files[a.task] = append(next.files[a.task], f)
			if at.delta {
				next.delta += f.Bytes
			} else {
				next.base += f.Bytes
			}
		}
	}
	if !at.delta {
		next.based = next.memory
	}
	return next
}

// save writes what a task froze; a task without state writes no file.
func (c *coordinator) save(a *ack, r request) (files []checkpoint.StateFile, err error) {
	var w *checkpoint.Writer
	err = a.snapshot.Save(r.delta, func(b state.Block) error {
		if r.dropped.Load() {
			return errDropped
		}
		if err := c.tasks[a.task].owns(b); err != nil {
			return err
		}
		if w == nil {
			if w, err = c.dirOf(r).Create(a.n, a.task, r.delta, c.pace()); err != nil {
				return err
			}
		}
		return w.Block(b)
	})
	a.snapshot.Release() // the state moves freely again while the disk is waited for
	if w == nil {
		return nil, err
	}
	if err != nil {
		w.Discard()
		return nil, err
	}
	f, err := w.Close()
	return []checkpoint.StateFile{f}, err
}

// errDropped ends the writing of a checkpoint that nobody needs.
var errDropped = errors.New("a later checkpoint makes this one useless")

// owns checks that state lies in a key group of the task's own: a restore would give
// it to another subtask than the one its rows are sent to.
func (t *task) owns(b state.Block) error {
	for _, v := range t.vertices {
		if v.identity != b.Identity {
			continue
		}
		d, ok := v.node.Spec.(operators.Distributed)
		if ok && v.node.Parallelism > 1 && d.Distribution(0).Kind == operators.ByKey && batch.Subtask(b.Group, v.node.Parallelism) != v.subtask {
			return fmt.Errorf("internal error: state %q of %s, subtask %d, lies in key group %d, which isn't its own", b.Name, b.Identity.Role, v.subtask, b.Group)
		}
	}
	return nil
}

// pace slows a writer down to the rate.
func (c *coordinator) pace() func(bytes int) {
	rate := c.cfg.Checkpoint.Rate
	if rate <= 0 {
		return nil
	}
	owed := int64(0)
	return func(bytes int) {
		if owed += int64(bytes); owed >= rate/50 {
			time.Sleep(time.Duration(owed * int64(time.Second) / rate))
			owed = 0
		}
	}
}

// writeManifest makes the checkpoint exist.
func (c *coordinator) writeManifest(at *attempt) error {
	base := c.chain
	if at.order != nil {
		base = chain{}
	}
	next := base.with(at, len(c.tasks))
	m := &checkpoint.Manifest{N: at.n, Job: c.graph.Job, Final: at.final && at.order == nil, Savepoint: at.order != nil,
		Outlived: at.order != nil && !at.order.Stop, Made: c.cfg.Session.Now().UnixMilli()}
	for _, f := range next.files {
		m.Files = append(m.Files, f...)
	}
	ordinals := map[string]int{}
	for _, n := range c.graph.Nodes {
		m.Vertices = append(m.Vertices, c.vertexOf(at, n))
		if c.nodes[n][0].head != nil {
			m.Sources = append(m.Sources, c.sourceOf(at, n, ordinals))
		}
		if s, ok := n.Spec.(*sink.Spec); ok {
			list, _ := c.pendings(at, n)
			if c.cfg.Plant == PlantCommit || c.cfg.Plant == PlantSavepoint && at.order != nil {
				list = nil
			}
			m.Sinks = append(m.Sinks, checkpoint.Sink{Table: s.Table, Ordinal: ordinal(ordinals, "sink "+s.Table), Pending: list})
		}
	}
	if err := c.dirOf(at.request).Write(m); err != nil {
		return err
	}
	for _, f := range next.files {
		for _, x := range f {
			at.bytes += x.Bytes
		}
	}
	if at.order == nil {
		c.chain = next
	}
	return nil
}

func ordinal(of map[string]int, name string) int {
	of[name]++
	return of[name]
}

// vertexOf is what is kept of a node's subtasks.
func (c *coordinator) vertexOf(at *attempt, n *physical.Node) checkpoint.Vertex {
	v := checkpoint.Vertex{Text: n.Describe(), Kin: n.Kin, Identity: c.nodes[n][0].identity, Subtasks: make([]checkpoint.Marks, len(c.nodes[n])), Tables: c.nodes[n][0].tables}
	for _, a := range at.acks {
		for _, x := range a.vertices {
			if x.vertex.node == n {
				v.Subtasks[x.vertex.subtask] = x.marks
				v.Keys += x.keys
			}
		}
	}
	return v
}

// sourceName is what a head's progress is filed under: the table it reads, or the
// meaning of its constant rows.
func sourceName(v *vertex) string {
	if s, ok := v.node.Spec.(*scan.Spec); ok {
		return s.Table
	}
	return v.node.Spec.Name() + " " + v.identity.Relation
}

// sourceOf is how far a source has been read: its splits where a subtask had taken
// them before its barrier, the others as they were.
func (c *coordinator) sourceOf(at *attempt, n *physical.Node, ordinals map[string]int) checkpoint.Source {
	name := sourceName(c.nodes[n][0])
	out := checkpoint.Source{Identity: c.nodes[n][0].identity, Table: name, Ordinal: ordinal(ordinals, name)}
	got := map[string]operators.SplitState{}
	var order []string
	for _, a := range at.acks {
		for _, x := range a.vertices {
			if x.vertex.node != n {
				continue
			}
			for _, s := range x.splits {
				got[s.Split.Name] = s
				order = append(order, s.Split.Name)
			}
		}
	}
	if pool := c.nodes[n][0].splits; pool != nil {
		order = order[:0]
		for _, s := range pool.all() {
			order = append(order, s.Split.Name)
			if _, ok := got[s.Split.Name]; !ok {
				got[s.Split.Name] = s
			}
		}
	}
	for _, name := range order {
		s := got[name]
		out.Splits = append(out.Splits, checkpoint.Split{Name: s.Split.Name, Data: s.Split.Data, Bounded: s.Split.Bounded,
			From: s.From, Skip: s.Skip, MaxTs: s.MaxTs, Done: s.Done, Result: s.Result})
	}
	return out
}

// marks are what a checkpoint keeps of the vertex's event time.
func (v *vertex) marks() checkpoint.Marks {
	return checkpoint.Marks{Heard: v.heard, Passed: v.passed, Ticked: v.task.ticked.UnixMilli(), Ended: v.ended}
}

// retain removes old checkpoints; that it can't is no reason to stop.
func (c *coordinator) retain() {
	if err := c.cfg.Checkpoint.Dir.Retain(c.cfg.Checkpoint.Retain); err != nil {
		c.note(fmt.Sprintf("old checkpoints can't be removed: %v", err))
	}
}

func (r *run) note(text string) {
	if r.cfg.Checkpoint.Note != nil {
		r.cfg.Checkpoint.Note(text)
	}
}
