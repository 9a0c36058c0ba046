package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/physical"
)

// Status is what a job is doing, in Flink's words.
type Status string

// The statuses.
const (
	Running   Status = "RUNNING"
	Canceling Status = "CANCELLING"
	Finished  Status = "FINISHED"
	Canceled  Status = "CANCELED"
	Failed    Status = "FAILED"
)

// Job is a query, INSERT or statement set that a session runs or has run. Its
// methods may be called from any goroutine.
type Job struct {
	ID    string // 32 hexadecimal digits, as Flink's
	Name  string
	SQL   string // the statement's text
	Query bool   // a SELECT: its rows go to the caller
	// Bounded says that its input ends.
	Bounded bool
	Graph   *physical.Graph

	monitor    job.Monitor
	savepoints string                       // where they go unless a directory is named; "": nowhere
	option     func(key, def string) string // the session's settings when it began
	cancel     context.CancelFunc
	done       chan struct{}

	mu           sync.Mutex
	status       Status
	began, ended time.Time
	err          error
}

// Report is what the job does now, or did until it ended.
func (j *Job) Report() job.Report { return j.monitor.Report() }

// Late are the newest rows that its operators left out because they came too late.
func (j *Job) Late() []job.LateReport { return j.monitor.Late() }

// Status is the job's status.
func (j *Job) Status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.status
}

// Times are when it began and ended; the second is zero while it runs.
func (j *Job) Times() (began, ended time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.began, j.ended
}

// Err is why a failed job failed.
func (j *Job) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Stop ends the job in good order: what was written is published. It doesn't wait.
func (j *Job) Stop() {
	j.mu.Lock()
	if j.status == Running {
		j.status = Canceling
	}
	j.mu.Unlock()
	j.cancel()
}

// Done is closed when the job has ended.
func (j *Job) Done() <-chan struct{} { return j.done }

func (j *Job) end(err error, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = now
	switch {
	case err == nil || errors.Is(err, operators.Done):
		j.status = Finished
	case errors.Is(err, context.Canceled):
		j.status = Canceled
	default:
		j.status, j.err = Failed, err
	}
	close(j.done)
}

// JobList is the jobs of a session, or of several, from any goroutine.
type JobList struct {
	mu   sync.Mutex
	jobs []*Job
}

// keptJobs bounds how many ended jobs are remembered.
const keptJobs = 200

func (l *JobList) add(j *Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs = append(l.jobs, j)
	for i := 0; len(l.jobs) > keptJobs && i < len(l.jobs); {
		if s := l.jobs[i].Status(); s == Running || s == Canceling {
			i++
			continue
		}
		l.jobs = append(l.jobs[:i], l.jobs[i+1:]...)
	}
}

// All are the jobs in the order they began.
func (l *JobList) All() []*Job {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Job(nil), l.jobs...)
}

// Running are those that haven't ended.
func (l *JobList) Running() []*Job {
	var out []*Job
	for _, j := range l.All() {
		if s := j.Status(); s == Running || s == Canceling {
			out = append(out, j)
		}
	}
	return out
}

// Find is the job of that ID, of the only ID that begins so, or of that name: the
// latest that hasn't ended, else the latest; an INSERT before a query, which may bear
// the name too. nil when there is none.
func (l *JobList) Find(name string) *Job {
	var byPrefix, byName *Job
	n := 0
	rank := func(j *Job) (r int) {
		if s := j.Status(); s == Running || s == Canceling {
			r = 2
		}
		if !j.Query {
			r++
		}
		return r
	}
	for _, j := range l.All() {
		switch {
		case j.ID == name:
			return j
		case j.Name == name:
			if byName == nil || rank(j) >= rank(byName) {
				byName = j
			}
		case len(name) >= 4 && strings.HasPrefix(j.ID, name):
			byPrefix = j
			n++
		}
	}
	if byName == nil && n == 1 {
		return byPrefix
	}
	return byName
}

// running is the latest INSERT job of that name or ID that runs; queries may have the
// same name.
func (l *JobList) running(name string) (found *Job) {
	for _, j := range l.All() {
		if !j.Query && j.Status() == Running && (j.Name == name || j.ID == name) {
			found = j
		}
	}
	return found
}

// JobWatcher is an Output that is told of a job when it begins.
type JobWatcher interface{ Began(j *Job) }

// newJob makes the record of a planned job; cancel ends it.
func (s *Session) newJob(p *planned, cancel context.CancelFunc) *Job {
	var id [16]byte
	_, _ = rand.Read(id[:])
	return &Job{ID: hex.EncodeToString(id[:]), Name: p.graph.Job, SQL: p.text, Query: p.collects, Bounded: p.bounded, Graph: p.graph,
		cancel: cancel, done: make(chan struct{}), status: Running, began: s.cfg.Now()}
}

// Jobs are the session's jobs.
func (s *Session) Jobs() *JobList { return s.list }
