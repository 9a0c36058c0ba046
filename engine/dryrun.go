package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/catalog/file"
	"github.com/millrace/millrace/catalog/memory"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators/lookupjoin"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state/checkpoint"
)

// Probed is what a dry run has found of a table as a script uses it, or of a job's
// state.
type Probed struct {
	Table     string // its path; "" for a job
	Job       string // "" for a table
	Connector string
	Use       string // "read", "written", "looked up"
	connectors.Findings
	// State holds why the job wouldn't go on from its state; nil: it would, or begins
	// anew.
	State error
	At    sqlerr.Span // of the CREATE TABLE, or of the statement
}

// DryRun checks a script as Check does, and looks at all that its queries and INSERTs
// would meet: systems and tables, by the connectors' Probers, and state. Nothing is
// started or written. The error is that of the script; what is wrong outside is in
// what it returns, in the script's order.
func (s *Session) DryRun(ctx context.Context, src *sqlerr.Source) ([]*Probed, error) {
	if err := s.names.Detach(func(c catalog.Catalog) (catalog.Catalog, error) {
		if f, ok := c.(*file.Catalog); ok {
			return memory.Copy(ctx, f)
		}
		return c, nil
	}); err != nil {
		return nil, err
	}
	stmts, err := s.parse(src)
	if err != nil {
		return nil, err
	}
	d := &dryRun{s: s, ctx: ctx, written: map[string]bool{}, have: map[string]*Probed{}}
	err = s.checkAll(stmts, func(stmt ast.Stmt, p *planned) error {
		if p == nil {
			return nil
		}
		d.env = connectors.ProbeEnv{Job: p.graph.Job}
		if !p.collects {
			s.number(p)
			d.env.Job = p.graph.Job
			resumes, err := d.state(stmt, p)
			if err != nil {
				return sqlerr.At(err, stmt.Span())
			}
			d.env.Resumes = resumes
		}
		d.tables(stmt, p)
		return nil
	})
	d.wg.Wait()
	return d.all, err
}

// dryRun gathers what a script's statements use.
type dryRun struct {
	s       *Session
	ctx     context.Context
	wg      sync.WaitGroup
	mu      sync.Mutex          // of the findings
	env     connectors.ProbeEnv // of the statement at hand
	all     []*Probed
	written map[string]bool // tables that statements before fill
	have    map[string]*Probed
}

// tables begins to look at the tables of a plan.
func (d *dryRun) tables(stmt ast.Stmt, p *planned) {
	known := map[string]*logical.Table{}
	var walk func(n logical.Node)
	walk = func(n logical.Node) {
		switch x := n.(type) {
		case *logical.Scan:
			known[x.Table.Path.Dotted()] = x.Table
		case *logical.Sink:
			if x.Table != nil {
				known[x.Table.Path.Dotted()] = x.Table
			}
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	for _, r := range p.rewritten {
		walk(r)
	}
	var filled []string
	for _, n := range p.graph.Nodes {
		switch x := n.Spec.(type) {
		case *scan.Spec:
			d.table(stmt, known[x.Table], x.Table, "read", x.Source)
		case *lookupjoin.Spec:
			d.table(stmt, known[x.Table], x.Table, "looked up", x.Asks)
		case *sink.Spec:
			d.table(stmt, known[x.Table], x.Table, "written", x.Sink)
			filled = append(filled, x.Table)
		}
	}
	for _, t := range filled {
		d.written[t] = true
	}
}

// table begins to look at one, as end: its Source, Sink or Lookup.
func (d *dryRun) table(stmt ast.Stmt, t *logical.Table, path, use string, end any) {
	if t == nil || t.Connector.Name == systemConnector || t.Connector.Name == stateConnector {
		return
	}
	at := t.Def.At
	if at.IsZero() { // of a catalog that no script has filled
		at = stmt.Span()
	}
	x := d.have[use+" "+path] // used more than once: told once
	if x == nil {
		x = &Probed{Table: path, Connector: t.Connector.Name, Use: use, At: at}
		d.have[use+" "+path] = x
		d.all = append(d.all, x)
	}
	prober, ok := end.(connectors.Prober)
	switch {
	case !ok && t.Connector.Inner:
		d.found(x, connectors.Findings{Seen: []string{"there is nothing outside"}})
		return
	case !ok:
		d.found(x, connectors.Findings{Unknown: []string{fmt.Sprintf("connector %q has no check", t.Connector.Name)}})
		return
	}
	before, env := d.written[path] && use != "written", d.env
	d.wg.Add(1)
	go func() {
		defer d.wg.Done()
		f := probe(d.ctx, prober, env)
		if before {
			for _, err := range f.Faults {
				f.Wonder("%v; a statement before fills the table", err)
			}
			f.Faults = nil
		}
		d.found(x, f)
	}()
}

func probe(ctx context.Context, p connectors.Prober, env connectors.ProbeEnv) (f connectors.Findings) {
	defer func() { // a panic of a client library
		if r := recover(); r != nil {
			f.Fail(fmt.Errorf("internal error while looking: %v", r))
		}
	}()
	return p.Probe(ctx, env)
}

// found adds what isn't known yet.
func (d *dryRun) found(x *Probed, f connectors.Findings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	add := func(to *[]string, more []string) {
		for _, m := range more {
			if !slices.Contains(*to, m) {
				*to = append(*to, m)
			}
		}
	}
	add(&x.Seen, f.Seen)
	add(&x.Unknown, f.Unknown)
	for _, err := range f.Faults {
		if !slices.ContainsFunc(x.Faults, func(had error) bool { return had.Error() == err.Error() }) {
			x.Faults = append(x.Faults, err)
		}
	}
}

// state looks at the state from which a job would go on, and says whether it does.
func (d *dryRun) state(stmt ast.Stmt, p *planned) (resumes bool, err error) {
	s := d.s
	_, dir := s.stateDir()
	from := s.first("", "execution.savepoint.path", "execution.state-recovery.path")
	if p.session.Batch || dir == "" && from == "" {
		return false, nil
	}
	x := &Probed{Job: p.graph.Job, Use: "state", At: stmt.Span()}
	d.all = append(d.all, x)
	if dir != "" {
		fs, base, err := s.find("--state-dir", dir, nil)
		if err != nil {
			return false, err
		}
		if checkpoint.Exists(fs, filepath.Join(base, folder(p.graph.Job))) == nil {
			from = dir
		}
	}
	if from == "" {
		x.See("begins anew: %s has no state of job %q", dir, p.graph.Job)
		return false, nil
	}
	u, err := s.upgradeOf(d.ctx, p, from)
	switch {
	case err != nil:
		x.State = err
		return false, nil
	case u == nil:
		x.See("begins anew: %s has no checkpoint of job %q", from, p.graph.Job)
		return false, nil
	}
	var accept []job.Verdict
	for _, v := range s.cfg.Accept {
		accept = append(accept, job.Verdict(v))
	}
	if x.State = u.Refused(u.N, accept); x.State == nil {
		var changed []string
		for _, c := range u.Changes {
			if c.Verdict != job.Kept {
				changed = append(changed, fmt.Sprintf("%s: %s", c.Verdict, c.Text))
			}
		}
		if changed == nil {
			changed = []string{"all of it is kept"}
		}
		x.See("goes on from checkpoint %d in %s; %s", u.N, from, strings.Join(changed, "; "))
	}
	return x.State == nil, nil
}
