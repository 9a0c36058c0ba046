package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/catalog"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/types"
)

// The tables of catalog state are what operators keep: state.<job>.<operator>. Of a job
// that runs, in this process or another, it is what they hold when the statement is
// planned, all of the job's at one point of its input; else what the newest whole
// checkpoint of the job in the state directory has. A bounded table each; its columns
// are those of the layout in the manifest.

const stateConnector = "millrace-state"

// stateTable defines one.
func (s *Session) stateTable(p catalog.Path) (*catalog.Table, error) {
	_, m, where, err := s.stateOf(p.Database)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range m.Kept() {
		name := k.Name
		if k.Only != "" {
			name = k.Only
		}
		names = append(names, name)
		if p.Name != k.Name && p.Name != k.Only {
			continue
		}
		t := &catalog.Table{Options: []catalog.Option{{Key: "connector", Value: stateConnector}, {Key: "path", Value: where},
			{Key: "checkpoint", Value: fmt.Sprint(m.N)}, {Key: "table", Value: k.Name}}}
		spec, err := job.SpecOf(k.Table.Name, k.Table.Layout)
		if err != nil {
			return nil, sqlerr.Unsupported(sqlerr.Span{}, fmt.Sprintf("reading %s: %v", k.Name, err))
		}
		for _, f := range stateFields(k.Table.Layout, spec) {
			t.Columns = append(t.Columns, catalog.Column{Name: f.Name, Type: f.Type})
		}
		return t, nil
	}
	return nil, sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "job %s keeps nothing named %s; it has %s", m.Job, p.Name, strings.Join(names, ", "))
}

// stateOf is a job's state, and the path by which a state table finds it again.
func (s *Session) stateOf(name string) (d *checkpoint.Dir, m *checkpoint.Manifest, path string, err error) {
	if d, path, err = s.snapshotOf(name); err != nil {
		return nil, nil, "", sqlerr.New(sqlerr.Runtime, sqlerr.Span{}, "%v", err)
	}
	if d != nil {
		list, err := d.List()
		if err == nil && len(list) == 0 {
			err = fmt.Errorf("the snapshot of job %s is empty", name)
		}
		if err == nil {
			m, err = d.Read(list[0])
		}
		if err != nil {
			return nil, nil, "", sqlerr.New(sqlerr.Runtime, sqlerr.Span{}, "%v", err)
		}
		return d, m, path, nil
	}
	key, dir := s.stateDir()
	if dir == "" {
		return nil, nil, "", sqlerr.New(sqlerr.NotFound, sqlerr.Span{},
			"no job %s runs, and there is no state directory with its checkpoints: give --state-dir, or SET '%s'", name, key)
	}
	fs, base, err := s.find(key, dir, nil)
	if err != nil {
		return nil, nil, "", err
	}
	if d, m, err = jobCheckpoint(fs, base, name); err != nil {
		return nil, nil, "", sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "%v", err)
	}
	return d, m, d.Path(), nil
}

// inMemory begins the path of a snapshot, which no directory has.
const inMemory = "memory:"

// snapshotOf is the state of a running job. The tables of one statement share it.
func (s *Session) snapshotOf(name string) (d *checkpoint.Dir, path string, err error) {
	path = inMemory + name
	if d := s.snapshots[path]; d != nil {
		return d, path, nil
	}
	ctx := context.Background()
	if j := s.list.running(name); j != nil {
		d, err = j.Snapshot(ctx)
	} else if s.cfg.Others != nil {
		ctx, cancel := context.WithTimeout(ctx, lookWait+othersWait)
		defer cancel()
		d, err = s.cfg.Others.Snapshot(ctx, name)
	}
	if errors.Is(err, job.ErrNotRunning) {
		return nil, "", nil // it has just ended
	}
	if d != nil && err == nil {
		s.snapshots[path] = d
	}
	return d, path, err
}

// jobCheckpoint finds a job in a state directory, by its name or its directory's,
// and its newest checkpoint that is whole.
func jobCheckpoint(fs checkpoint.FS, dir, name string) (*checkpoint.Dir, *checkpoint.Manifest, error) {
	for _, path := range []string{filepath.Join(dir, folder(name)), dir} {
		if err := checkpoint.Exists(fs, path); err != nil {
			continue
		}
		d, err := checkpoint.At(fs, path)
		if err != nil {
			return nil, nil, err
		}
		list, err := d.List()
		if err != nil {
			return nil, nil, err
		}
		var first error
		for _, n := range list {
			m, err := d.Read(n)
			if err == nil && m.Job != name && path == dir {
				break // another job's directory
			}
			if err == nil && m.Final {
				return nil, nil, fmt.Errorf("job %s has ended, and the checkpoint of its end keeps no state", m.Job)
			}
			if err == nil {
				err = d.Verify(m)
			}
			if err == nil {
				return d, m, nil
			}
			if first == nil {
				first = err
			}
		}
		if first != nil {
			return nil, nil, fmt.Errorf("no checkpoint in %s can be used: %w", path, first)
		}
	}
	var there []string
	if dirs, err := checkpoint.Below(fs, dir); err == nil {
		for _, d := range dirs {
			there = append(there, filepath.Base(d.Path()))
		}
	}
	return nil, nil, fmt.Errorf("there is no checkpoint of job %s in %s%s", name, dir, sqlerr.DidYouMean(name, there))
}

// stateFields are the columns of what state.Rows reads. A name that is there already
// gets a number.
func stateFields(l checkpoint.Layout, spec state.Spec) []types.Field {
	names := func() func(string) string {
		used := map[string]int{}
		return func(name string) string {
			if name == "" {
				name = "column"
			}
			used[name]++
			if n := used[name]; n > 1 {
				return fmt.Sprintf("%s_%d", name, n)
			}
			return name
		}
	}
	top := names()
	var out []types.Field
	add := func(name string, t types.Type) { out = append(out, types.Field{Name: top(name), Type: t}) }
	array := func(name string, cols []checkpoint.Column, ts []state.Column, more ...types.Field) {
		inner := names()
		var fields []types.Field
		for i, c := range ts {
			fields = append(fields, types.Field{Name: inner(cols[i].Name), Type: c.Type})
		}
		for _, f := range more {
			fields = append(fields, types.Field{Name: inner(f.Name), Type: f.Type})
		}
		add(name, types.ArrayOf(types.RowOf(fields...)))
	}
	for i, c := range spec.Key {
		name := l.Key[i].Name
		if n := len(spec.Key) - i; l.Timers && n <= 2 { // state.TimerSpec
			name = []string{"at_ms", "namespace"}[n-1]
		}
		add(name, c.Type)
	}
	if spec.Windowed {
		add("slice", types.BigIntType)
	}
	for i, c := range spec.Row {
		add(l.Row[i].Name, c.Type)
	}
	for i, x := range spec.Lists {
		array("list", l.Lists[i].Row, x.Row)
	}
	for i, x := range spec.Multisets {
		array("set", l.Sets[i], x, types.Field{Name: "count", Type: types.BigIntType})
	}
	for i, x := range spec.Sorted {
		array("sorted", l.Sorted[i].Row, x.Row)
	}
	return out
}

// stateTables is the connector behind them.
func (s *Session) stateTables() *connectors.Connector {
	return &connectors.Connector{Name: stateConnector, Options: []formats.Option{{Name: "path", Required: true}, {Name: "checkpoint", Required: true}, {Name: "table", Required: true}},
		Source: func(t connectors.Table) (connectors.Source, error) {
			return &stateSource{table: t, snapshot: s.snapshots[t.Options.String("path")]}, nil
		}}
}

type stateSource struct {
	table    connectors.Table
	snapshot *checkpoint.Dir // nil: it lies at the path
}

func (x *stateSource) Changes() batch.Changes { return batch.Changes{Kinds: batch.InsertOnly} }
func (x *stateSource) Bounded() bool          { return true }
func (x *stateSource) Splits(_ context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return known, nil
	}
	return []connectors.Split{{Name: "checkpoint " + x.table.Options.String("checkpoint"), Bounded: true}}, nil
}

func (x *stateSource) Read(context.Context, connectors.Split, []byte, connectors.ReadEnv) (connectors.Reader, error) {
	n, err := strconv.ParseUint(x.table.Options.String("checkpoint"), 10, 64)
	if err != nil {
		return nil, err
	}
	d := x.snapshot
	if d == nil {
		fs, path, err := checkpoint.Find(x.table.Options.String("path"), x.table.Session.Option, nil)
		if err != nil {
			return nil, err
		}
		if d, err = checkpoint.At(fs, path); err != nil {
			return nil, err
		}
	}
	m, err := d.Read(n)
	if err != nil {
		return nil, err
	}
	for _, k := range m.Kept() {
		if k.Name != x.table.Options.String("table") {
			continue
		}
		spec, err := job.SpecOf(k.Table.Name, k.Table.Layout)
		if err != nil {
			return nil, err
		}
		var blocks []state.Block
		for _, f := range m.Files {
			if err := d.Blocks(f, func(b state.Block) error {
				if b.Identity == k.Vertex.Identity && b.Name == k.Table.Name {
					blocks = append(blocks, b)
				}
				return nil
			}); err != nil {
				return nil, err
			}
		}
		r := &stateReader{types: x.table.Schema.Types()}
		if r.rows, err = state.Rows(spec, blocks); err != nil {
			return nil, err
		}
		for _, f := range x.table.Schema.Fields {
			for i, c := range stateFields(k.Table.Layout, spec) {
				if c.Name == f.Name {
					r.cols = append(r.cols, i)
				}
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("checkpoint %d has no state %s", n, x.table.Options.String("table"))
}

type stateReader struct {
	types []types.Type
	cols  []int
	rows  [][][]byte
	b     batch.Batch
}

// Next decodes a batch.
func (r *stateReader) Next() (*batch.Batch, error) {
	if len(r.rows) == 0 {
		return nil, io.EOF
	}
	r.b.Reset(r.types)
	for _, row := range r.rows[:min(len(r.rows), batch.MaxRows)] {
		for c, from := range r.cols {
			batch.DecodeValue(row[from], r.types[c], &r.b.Cols[c], r.b.Len)
		}
		r.b.AppendKind(batch.Insert)
	}
	r.rows = r.rows[r.b.Len:]
	return &r.b, nil
}
func (r *stateReader) Position() []byte { return nil }
func (r *stateReader) Close() error     { return nil }
