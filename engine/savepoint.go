package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/state/checkpoint"
)

// SavepointOptions say where a savepoint goes and what becomes of the job.
type SavepointOptions struct {
	Dir         string // a directory is made in it; "": the session's, or the job's state directory
	Stop, Drain bool   // end the job with it; let its sources end before
}

// Savepoint makes a savepoint of the job and returns its directory.
func (j *Job) Savepoint(o SavepointOptions) (string, error) {
	base := o.Dir
	if base == "" {
		base = j.savepoints
	}
	if base == "" {
		return "", fmt.Errorf("job %q has no place for savepoints: name a directory, set 'execution.checkpointing.savepoint-dir', or run it with --state-dir", j.Name)
	}
	fs, base, err := checkpoint.Find(base, j.option, nil)
	if err != nil {
		return "", fmt.Errorf("the savepoint's directory: %w", err)
	}
	var random [6]byte
	_, _ = rand.Read(random[:])
	path := filepath.Join(base, fmt.Sprintf("savepoint-%s-%s", j.ID[:6], hex.EncodeToString(random[:])))
	_, onDisk := fs.(checkpoint.OS)
	if onDisk {
		if path, err = filepath.Abs(path); err != nil {
			return "", err
		}
	}
	dir, err := checkpoint.At(fs, path)
	if err != nil {
		return "", err
	}
	if o.Stop {
		j.mu.Lock()
		if j.status == Running {
			j.status = Canceling
		}
		j.mu.Unlock()
	}
	if err := j.monitor.Savepoint(&job.SavepointOrder{Dir: dir, Stop: o.Stop, Drain: o.Drain}); err != nil {
		if onDisk {
			os.Remove(path) // if nothing is in it
		}
		return "", err
	}
	if o.Stop {
		<-j.done
	}
	return dir.Path(), nil
}

// Cancel ends the job at once; what it wrote since its last checkpoint isn't
// published.
func (j *Job) Cancel() error {
	j.mu.Lock()
	if j.status == Running {
		j.status = Canceling
	}
	j.mu.Unlock()
	if err := j.monitor.Cancel(); err != nil {
		return err
	}
	<-j.done
	return nil
}

// lookWait is how long a question about a job's state waits for the job to be at one
// point as a whole.
const lookWait = 30 * time.Second

// Snapshot is the job's state at one point of its input, as a checkpoint in memory: the
// job goes on, and nothing is published or counted. It isn't charged to --memory.
func (j *Job) Snapshot(ctx context.Context) (*checkpoint.Dir, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	for {
		dir := checkpoint.InMemory()
		made := make(chan error, 1)
		go func() { made <- j.monitor.Savepoint(&job.SavepointOrder{Dir: dir, Look: true}) }()
		select {
		case err := <-made:
			if !errors.Is(err, job.ErrNotRunning) || j.Status() != Running {
				return dir, err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("job %q hasn't come to a point at which its state could be read within %s; millrace why %s says what holds it back", j.Name, lookWait, j.Name)
		}
		select { // it has begun, or is begun again after a failure
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}
