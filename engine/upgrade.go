package engine

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/checkpoint"
)

// inserts plans the INSERT jobs of a script, after its definitions.
func (s *Session) inserts(src *sqlerr.Source) ([]*planned, error) {
	stmts, err := s.Parse(src)
	if err != nil {
		return nil, err
	}
	var out []*planned
	for _, stmt := range stmts {
		switch stmt.(type) {
		case *ast.Insert, *ast.StatementSet:
			p, _, err := s.plan(stmt, nil)
			if err != nil {
				return nil, sqlerr.At(err, stmt.Span())
			}
			s.number(p)
			out = append(out, p)
		case *ast.QueryStmt:
		default:
			if err := s.define(stmt, nopOutput{}); err != nil {
				return nil, sqlerr.At(err, stmt.Span())
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no INSERT: only those keep state between runs", src.Name)
	}
	return out, nil
}

func (s *Session) compareConfig(p *planned) (job.Config, error) {
	cfg, err := s.jobConfig(p.session)
	cfg.NewStore = func(o state.Options) state.Store { return arena.New(o) }
	return cfg, err
}

// Upgrades says what the jobs of a script would keep of the state that lies in a
// state directory. Nothing is run or changed.
func (s *Session) Upgrades(ctx context.Context, src *sqlerr.Source, stateDir string) ([]*job.Upgrade, error) {
	list, err := s.inserts(src)
	if err != nil {
		return nil, err
	}
	var out []*job.Upgrade
	for _, p := range list {
		u, err := s.upgradeOf(ctx, p, stateDir)
		if err == nil && u == nil {
			err = fmt.Errorf("there is no checkpoint of job %q in %s", p.graph.Job, stateDir)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// upgradeOf says what a job would keep of the newest checkpoint of its own in a state
// directory, or of one in a savepoint; nil: there is none.
func (s *Session) upgradeOf(ctx context.Context, p *planned, stateDir string) (*job.Upgrade, error) {
	fs, base, err := s.find("--state", stateDir, nil)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(base, folder(p.graph.Job))
	if err := checkpoint.Exists(fs, path); err != nil {
		path = base // a savepoint, or a job's own directory
	}
	if err := checkpoint.Exists(fs, path); err != nil {
		return nil, err
	}
	dir, err := checkpoint.At(fs, path)
	if err != nil {
		return nil, err
	}
	m, blocks, err := job.Newest(dir)
	if err != nil || m == nil {
		return nil, err
	}
	cfg, err := s.compareConfig(p)
	if err != nil {
		return nil, err
	}
	return job.Compare(ctx, p.graph, cfg, m, blocks)
}

// Imagined says what the jobs of a script would keep of those of another session's
// script, job by job in their order, if that one had run.
func (s *Session) Imagined(ctx context.Context, src *sqlerr.Source, old *Session, oldSrc *sqlerr.Source) ([]*job.Upgrade, error) {
	before, err := old.inserts(oldSrc)
	if err != nil {
		return nil, err
	}
	after, err := s.inserts(src)
	if err != nil {
		return nil, err
	}
	var out []*job.Upgrade
	for i, p := range after {
		if i >= len(before) {
			break
		}
		was, err := old.compareConfig(before[i])
		if err != nil {
			return nil, err
		}
		m, err := job.Imagine(ctx, before[i].graph, was)
		if err != nil {
			return nil, err
		}
		cfg, err := s.compareConfig(p)
		if err != nil {
			return nil, err
		}
		u, err := job.Compare(ctx, p.graph, cfg, m, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}
