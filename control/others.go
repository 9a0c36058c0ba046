package control

import (
	"context"
	"errors"
	"os"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/state/checkpoint"
)

// Others asks other processes about their jobs, for a session's statements.
type Others struct {
	StateDir string // only those on this state directory; "": all of this user's
}

var _ engine.Others = Others{}

// Rows are those of a table of database sys elsewhere.
func (o Others) Rows(ctx context.Context, table string, running bool) (out []engine.SystemRows) {
	for _, c := range Processes(o.StateDir) {
		t, err := c.Table(ctx, table, running)
		if err == nil && t.Process != os.Getpid() {
			out = append(out, t.SystemRows)
		}
	}
	return out
}

// Analyze is EXPLAIN ANALYZE of a job elsewhere.
func (o Others) Analyze(ctx context.Context, name string) (string, bool, error) {
	c, j, err := Find(ctx, o.StateDir, name)
	if none := (*NotFoundError)(nil); errors.As(err, &none) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	a, err := c.Analysis(ctx, j.ID)
	return a.Text, err == nil, err
}

// Snapshot is the state of a job that runs elsewhere.
func (o Others) Snapshot(ctx context.Context, name string) (*checkpoint.Dir, error) {
	c, j, err := Find(ctx, o.StateDir, name)
	if none := (*NotFoundError)(nil); errors.As(err, &none) || err == nil && (j.Ended != nil || j.Process == os.Getpid()) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Snapshot(ctx, j.ID)
}
