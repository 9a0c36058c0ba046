package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// RestoreError says that a job can't go on from its checkpoint, and what to do.
type RestoreError struct {
	Msg, Hint string
	Err       error
}

func (e *RestoreError) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

func (e *RestoreError) Unwrap() error { return e.Err }

// errFinished says that the job has ended in an earlier run.
var errFinished = errors.New("finished")

// recover finds the checkpoint to go on from and brings home what it has pending,
// before any writer opens; then it puts state, splits and watermarks in their
// places. It runs before the tasks do.
func (r *run) recover(ctx context.Context) error {
	cp := r.cfg.Checkpoint
	if cp.Dir == nil && cp.From == nil {
		return nil
	}
	var m *checkpoint.Manifest
	var blocks []state.Block
	var err error
	if cp.Dir != nil {
		if m, blocks, err = newest(cp, r.idempotent()); err != nil {
			return err
		}
	}
	dir := cp.Dir
	if m == nil && cp.From != nil {
		dir = cp.From
		if m, blocks, err = newest(Checkpoint{Dir: cp.From, FromN: cp.FromN, Note: cp.Note, AcceptDuplicates: true}, true); err != nil {
			return err
		}
		if m == nil {
			return &RestoreError{Msg: fmt.Sprintf("there is no checkpoint in %s, which execution.savepoint.path names", cp.From.Path())}
		}
	}
	if m != nil {
		if err := r.upgrade(m, blocks); err != nil {
			return err
		}
	}
	if err := r.bringHome(ctx, m); err != nil {
		return err
	}
	if cp.Dir != nil {
		if err := cp.Dir.Sweep(); err != nil {
			return err
		}
	}
	if m == nil {
		return nil
	}
	if m.Final {
		r.note(fmt.Sprintf("job %q has ended already (checkpoint %d); remove %s to run it again", r.graph.Job, m.N, dir.Path()))
		return errFinished
	}
	r.coord.n, r.restored = m.N, m
	r.coord.stats.Restored = m.N
	if dir != cp.Dir { // what the savepoint was numbered is not ours
		r.coord.n = 0
	}
	what := fmt.Sprint("checkpoint ", m.N)
	if m.Savepoint {
		what = "savepoint " + dir.Path()
	}
	r.note(fmt.Sprintf("job %q goes on from %s", r.graph.Job, what))
	if dir != cp.Dir && !r.idempotent() {
		r.noteAgain(m, dir)
	}
	return r.place(m, blocks)
}

// noteAgain says that going on from a savepoint goes back behind what has been published.
func (r *run) noteAgain(m *checkpoint.Manifest, dir *checkpoint.Dir) {
	at := time.UnixMilli(m.Made).UTC().Format("2006-01-02 15:04:05 UTC")
	switch {
	case m.Outlived:
		r.note(fmt.Sprintf("the job ran on after this savepoint (%s): rows that it has published since are written again; millrace stop --savepoint makes one behind which there are none", at))
	case !m.Savepoint && dir.Committed() > m.N:
		r.note(fmt.Sprintf("checkpoint %d (%s) isn't the last of its job: rows that were published since are written again", m.N, at))
	}
}

// newest reads the newest checkpoint that is whole, with its state. One that is
// damaged is passed over, unless rows would be written twice.
func newest(cp Checkpoint, idempotent bool) (*checkpoint.Manifest, []state.Block, error) {
	list, err := cp.Dir.List()
	if err != nil {
		return nil, nil, err
	}
	if cp.FromN > 0 {
		list = []uint64{cp.FromN}
	}
	for i, n := range list {
		var blocks []state.Block
		m, err := cp.Dir.Read(n)
		if err == nil {
			blocks, err = cp.Dir.Load(m.Files)
		}
		if err == nil {
			if err := cp.Dir.CheckCommits(); err != nil && cp.Note != nil {
				cp.Note(fmt.Sprintf("the mark of what sinks have published can't be read (%v): they are asked to publish what checkpoint %d has prepared", err, n))
			}
			m.Published = cp.Dir.Published(n)
			return m, blocks, nil
		}
		if !errors.Is(err, checkpoint.ErrDamaged) {
			return nil, nil, &RestoreError{Msg: err.Error(), Err: err}
		}
		if cp.Note != nil {
			cp.Note(fmt.Sprintf("checkpoint %d can't be used: %v", n, err))
		}
		back := "none is older"
		if i+1 < len(list) {
			back = fmt.Sprintf("the one before is %d", list[i+1])
		}
		if cp.Dir.Committed() >= n && !idempotent && !cp.AcceptDuplicates {
			return nil, nil, &RestoreError{Msg: fmt.Sprintf("checkpoint %d in %s is damaged, and its sinks may have published what they wrote up to it", n, cp.Dir.Path()), Err: err,
				Hint: fmt.Sprintf("going further back (%s) would write those rows twice: restore the files, or run with --accept-duplicates", back)}
		}
		if i+1 == len(list) {
			return nil, nil, &RestoreError{Msg: fmt.Sprintf("no checkpoint in %s can be used", cp.Dir.Path()), Err: err,
				Hint: "restore the files, or remove the directory to begin anew"}
		}
	}
	return nil, nil, nil
}

// idempotent says that writing rows again ends at the same tables.
func (r *run) idempotent() bool {
	for _, n := range r.graph.Nodes {
		s, ok := n.Spec.(*sink.Spec)
		if !ok {
			continue
		}
		if i, ok := s.Sink.(connectors.Idempotent); !ok || !i.Idempotent() {
			return false
		}
	}
	return true
}

// upgrade refuses, before anything runs, a checkpoint of a query that meant
// something else, unless the user has accepted what is lost.
func (r *run) upgrade(m *checkpoint.Manifest, blocks []state.Block) error {
	u, err := r.compare(m, blocks)
	if err != nil {
		return err
	}
	r.from = u
	if err := u.Refused(m.N, r.cfg.Checkpoint.Accept); err != nil {
		return err
	}
	for _, c := range u.Changes {
		if c.Verdict != Kept {
			r.note(fmt.Sprintf("%s: %s: %s", c.Verdict, c.Text, c.Why))
		}
	}
	return nil
}

// Refused says why a job doesn't go on from checkpoint n; nil: it does.
func (u *Upgrade) Refused(n uint64, accept []Verdict) error {
	var open []string
	for _, v := range u.Needs() {
		if !slices.Contains(accept, v) {
			open = append(open, string(v))
		}
	}
	if len(u.Refusals) > 0 {
		return &RestoreError{Msg: fmt.Sprintf("checkpoint %d doesn't fit the query:\n%s", n, u),
			Hint: "run the query it was made by, give this one another pipeline.name, or remove the state directory to begin anew"}
	}
	if len(open) > 0 {
		return &RestoreError{Msg: fmt.Sprintf("checkpoint %d is that of another query:\n%s", n, u),
			Hint: fmt.Sprintf("run it with --accept %s to go on all the same, run the query it was made by, give this one another pipeline.name, or remove the state directory to begin anew", strings.Join(open, ","))}
	}
	return nil
}

func schemas(tables []checkpoint.Table) string {
	var s []string
	for _, t := range tables {
		s = append(s, t.Name+": "+t.Layout.String())
	}
	return strings.Join(s, "; ")
}

// bringHome commits what the checkpoint has pending, and has each sink end what a
// dead run left open.
func (r *run) bringHome(ctx context.Context, m *checkpoint.Manifest) error {
	ordinals := map[string]int{}
	for _, n := range r.graph.Nodes {
		spec, ok := n.Spec.(*sink.Spec)
		if !ok {
			continue
		}
		k := ordinal(ordinals, spec.Table)
		var keep [][]byte
		if m != nil {
			for _, s := range m.Sinks {
				if s.Table != spec.Table || s.Ordinal != k {
					continue
				}
				var err error
				wm := int64(operators.MinWatermark)
				if m.Final {
					wm = operators.MaxWatermark
				}
				cm := connectors.Commit{N: m.N, Watermark: wm, Final: m.Final, Now: r.cfg.Session.Now()}
				if keep, err = spec.Sink.Commit(ctx, cm, s.Pending); err != nil {
					return &RestoreError{Msg: fmt.Sprintf("sink %s: what checkpoint %d had prepared can't be committed: %v", spec.Table, m.N, err), Err: err}
				}
			}
		}
		if err := spec.Sink.Abandon(ctx, r.graph.Job, keep); err != nil {
			return &failure{operator: spec.Name(), err: fmt.Errorf("sink %s: %w", spec.Table, err)}
		}
		r.coord.kept[n] = keep
		if t, ok := spec.Sink.(connectors.Teller); ok {
			for _, text := range t.Told() {
				r.note(fmt.Sprintf("sink %s: %s", spec.Table, text))
			}
		}
	}
	return nil
}

// place gives each task its part of the state, and each source its splits.
func (r *run) place(m *checkpoint.Manifest, blocks []state.Block) error {
	byIdentity := map[state.Identity][]*vertex{}
	for _, n := range r.graph.Nodes {
		byIdentity[r.nodes[n][0].identity] = r.nodes[n]
	}
	parts := make([][]state.Block, len(r.tasks))
	for _, b := range blocks {
		b, keep, err := r.from.reshape(b, r.cfg.Session.Now().UnixMilli())
		if err != nil {
			return &RestoreError{Msg: fmt.Sprintf("checkpoint %d: %v", m.N, err), Err: err}
		}
		v := byIdentity[b.Identity]
		if !keep || v == nil {
			continue
		}
		t := v[batch.Subtask(b.Group, len(v))].task
		parts[t.index] = append(parts[t.index], b)
	}
	for i, t := range r.tasks {
		err := t.store.Restore(func(yield func(state.Block) error) error {
			for _, b := range parts[i] {
				if err := yield(b); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return &RestoreError{Msg: fmt.Sprintf("checkpoint %d: %v", m.N, err), Err: err}
		}
	}
	r.recall(m)
	for n, x := range r.from.sources {
		r.nodes[n][0].restoreSplits(*x)
	}
	return nil
}

// restoreSplits puts a source's splits back: into the pool, or, for constant rows,
// aside until the operator is open.
func (v *vertex) restoreSplits(s checkpoint.Source) {
	for _, x := range s.Splits {
		ref := operators.SplitRef{Name: x.Name, Data: x.Data, Bounded: x.Bounded}
		if v.splits != nil && x.Done {
			v.splits.finished(operators.SplitState{Split: ref, Done: true, Result: x.Result, MaxTs: x.MaxTs})
			continue
		}
		a := operators.Assigned{Split: ref, From: x.From, Skip: x.Skip, MaxTs: x.MaxTs}
		if v.splits != nil {
			v.splits.add([]operators.Assigned{a})
		} else {
			v.assign = append(v.assign, a)
		}
	}
}

// recall finds what each vertex knew of time.
//
// A subtask of a task with heads may be given other splits than it had: there the
// least of all subtasks counts.
func (r *run) recall(m *checkpoint.Manifest) {
	for _, n := range r.graph.Nodes {
		var old []checkpoint.Marks
		for _, x := range m.Vertices {
			if id, ok := r.from.marks[n]; ok && x.Identity == id {
				old = x.Subtasks
			}
		}
		least := checkpoint.Marks{Heard: operators.MaxWatermark, Passed: operators.MaxWatermark, Ticked: operators.MaxWatermark}
		for _, x := range old {
			least.Ticked = min(least.Ticked, x.Ticked)
			if !x.Ended {
				least.Heard, least.Passed = min(least.Heard, x.Heard), min(least.Passed, x.Passed)
			}
		}
		for _, v := range r.nodes[n] {
			switch {
			case len(old) == 0:
			case len(old) == len(r.nodes[n]) && len(v.task.heads) == 0 && !old[v.subtask].Ended:
				v.memory = &old[v.subtask]
			default:
				v.memory = &least
			}
		}
	}
}

// remember tells the operators the watermarks they knew, inputs first, so that a
// row that was late before is late now, and lets them pass on what they had.
func (r *run) remember() error {
	for _, n := range r.graph.Nodes {
		for _, v := range r.nodes[n] {
			if v.memory == nil {
				continue
			}
			if err := v.remember(*v.memory); err != nil {
				return err
			}
		}
	}
	for _, t := range r.tasks {
		if err := t.settle(); err != nil {
			return err
		}
	}
	return nil
}

func (v *vertex) remember(m checkpoint.Marks) error {
	if v.head != nil {
		if m.Passed == operators.MaxWatermark { // it has ended, and will say so again
			return nil
		}
		v.passed = m.Passed
	} else if m.Heard > v.heard && m.Heard != operators.MaxWatermark {
		v.heard = m.Heard
		pass, err := v.op.Watermark(m.Heard)
		if err := v.ignoreDone(err); err != nil {
			return err
		}
		v.passed = max(v.passed, pass)
	}
	v.metrics.Watermark.Store(max(v.heard, v.passed))
	if v.passed == operators.MinWatermark {
		return nil
	}
	return v.mark()
}
