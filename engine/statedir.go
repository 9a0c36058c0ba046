package engine

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state/checkpoint"
)

// jobName is pipeline.name, or a name made of what the job writes, as Flink makes
// it.
func (s *Session) jobName(roots []logical.Node) string {
	name := s.Option("pipeline.name", "")
	if name == "" {
		var tables []string
		for _, r := range roots {
			if sink, ok := r.(*logical.Sink); ok && sink.Table != nil {
				tables = append(tables, strings.ReplaceAll(sink.Table.Path.Dotted(), "`", ""))
			}
		}
		name = "insert-into_" + strings.Join(tables, ",")
		if len(tables) == 0 {
			name = "collect" // a SELECT, as Flink names it
		}
	}
	return name
}

// number gives a job whose name another of the session has a number: each has a
// state directory of its own.
func (s *Session) number(p *planned) {
	s.jobs[p.graph.Job]++
	n := s.jobs[p.graph.Job]
	if n == 1 {
		return
	}
	p.graph.Job = fmt.Sprintf("%s-%d", p.graph.Job, n)
	for _, x := range p.graph.Nodes {
		if spec, ok := x.Spec.(*sink.Spec); ok {
			spec.Job = p.graph.Job
		}
	}
}

// folder is a job's name as a directory.
func folder(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-,", r) {
			return r
		}
		return '_'
	}, name)
}

// first is the value of the first of several names of a setting.
func (s *Session) first(def string, keys ...string) string {
	for _, k := range keys {
		if v := s.Option(k, ""); v != "" {
			return v
		}
	}
	return def
}

// find is the directory that an option names.
func (s *Session) find(key, v string, tell func(string)) (checkpoint.FS, string, error) {
	fs, path, err := checkpoint.Find(v, s.Option, tell)
	if err != nil {
		return nil, "", sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s: %v", key, err)
	}
	return fs, path, nil
}

// stateDir is where jobs keep their checkpoints, and what says so; "": nowhere.
func (s *Session) stateDir() (key, dir string) {
	key = "execution.checkpointing.dir"
	if s.cfg.StateDir != "" {
		return "--state-dir", s.cfg.StateDir
	}
	return key, s.first("", key, "state.checkpoints.dir")
}

// keep opens the state directory of an INSERT job, if there is one: --state-dir, or
// execution.checkpointing.dir. A query's rows go to the caller, who can't take any
// back: it runs without checkpoints.
func (s *Session) keep(c *job.Config, p *planned, out Output) (closeDir func(), err error) {
	none := func() {}
	key, dir := s.stateDir()
	if p.collects || p.session.Batch {
		return none, nil
	}
	cp := &c.Checkpoint
	cp.Note, cp.AcceptDuplicates = out.Note, s.cfg.AcceptDuplicates
	for _, v := range s.cfg.Accept {
		cp.Accept = append(cp.Accept, job.Verdict(v))
	}
	if err := s.savepoint(cp); err != nil || dir == "" {
		return none, err
	}
	if s.cfg.FS != nil {
		cp.Dir, err = checkpoint.At(s.cfg.FS, filepath.Join(dir, folder(p.graph.Job)))
		return none, err
	}
	fs, path, err := s.find(key, dir, out.Note)
	if err != nil {
		return none, err
	}
	if cp.Dir, err = checkpoint.Open(fs, filepath.Join(path, folder(p.graph.Job))); err != nil {
		return none, err
	}
	return func() { _ = cp.Dir.Close() }, nil
}

// savepoint finds what execution.savepoint.path names: a directory with one or
// more checkpoints, of which the newest counts, or a manifest.
func (s *Session) savepoint(cp *job.Checkpoint) error {
	const key = "execution.savepoint.path"
	url := s.first("", key, "execution.state-recovery.path")
	if url == "" {
		return nil
	}
	fs, from, err := s.cfg.FS, url, error(nil)
	if fs == nil {
		if fs, from, err = s.find(key, url, nil); err != nil {
			return err
		}
	}
	if name, ok := strings.CutSuffix(filepath.Base(from), ".manifest"); ok {
		if cp.FromN, err = strconv.ParseUint(name, 10, 64); err == nil {
			from = filepath.Dir(from)
		}
	}
	if err := checkpoint.Exists(fs, from); err != nil {
		return sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s: %v", key, err)
	}
	cp.From, err = checkpoint.At(fs, from)
	return err
}
