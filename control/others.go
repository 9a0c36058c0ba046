package control

import (
	"context"
	"errors"
	"os"

	"github.com/millrace/millrace/engine"
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
