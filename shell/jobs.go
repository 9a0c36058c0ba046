package shell

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/parser/ast"
)

// jobs are the INSERTs that run beside the shell.
type jobs struct {
	mine []*engine.Job
	told map[*engine.Job]bool // whose end was reported
}

func (j *jobs) add(s *Shell, job *engine.Job) {
	if j.told == nil {
		j.told = map[*engine.Job]bool{}
	}
	j.mine = append(j.mine, job)
	s.say("Job ID: " + job.ID)
	if !s.tty { // a script's statements see what those before have written
		<-job.Done()
		j.report(s)
		return
	}
	select { // one that ends at once is told at once
	case <-job.Done():
		j.report(s)
	case <-time.After(150 * time.Millisecond):
	}
}

// report tells of jobs that have ended.
func (j *jobs) report(s *Shell) {
	for _, job := range j.mine {
		if j.told[job] {
			continue
		}
		select {
		case <-job.Done():
		default:
			continue
		}
		j.told[job] = true
		switch began, ended := job.Times(); job.Status() {
		case engine.Failed:
			s.note("job %s (%s) failed after %s", job.Name, job.ID[:8], ended.Sub(began).Round(time.Millisecond))
			s.fail(job.Err())
		default:
			s.note("job %s (%s) %s after %s", job.Name, job.ID[:8], strings.ToLower(string(job.Status())), ended.Sub(began).Round(time.Millisecond))
		}
	}
}

func (j *jobs) running() (out []*engine.Job) {
	for _, job := range j.mine {
		select {
		case <-job.Done():
		default:
			out = append(out, job)
		}
	}
	return out
}

// mayLeave asks before it ends jobs that run.
func (s *Shell) mayLeave() bool {
	running := s.jobs.running()
	if len(running) == 0 || !s.tty || s.ctx.Err() != nil {
		return true
	}
	for _, j := range running {
		began, _ := j.Times()
		s.say(fmt.Sprintf("  %s  %s, for %s", j.ID[:8], j.Name, s.Now().Sub(began).Round(time.Second)))
	}
	s.say(fmt.Sprintf("%s still running and will end with the shell. (SET 'millrace.detached' = 'true' before an INSERT lets its job go on.)", count(len(running), "job is", "jobs are")))
	line, err := s.editor.ReadLine(s.ctx, "Leave? [y/N] ")
	return err != nil || strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// stopAll ends the jobs in good order.
func (j *jobs) stopAll(s *Shell) {
	running := j.running()
	for _, job := range running {
		job.Stop()
	}
	for _, job := range running {
		<-job.Done()
	}
	j.report(s)
}

// detached says that a statement is to run in a process of its own.
func (s *Shell) detached(stmt ast.Stmt) bool {
	switch stmt.(type) {
	case *ast.Insert, *ast.StatementSet:
		return s.Detach != nil && strings.EqualFold(s.Session.Option("millrace.detached", "false"), "true")
	}
	return false
}

// detach starts it with the session's settings and tables.
func (s *Shell) detach(stmt ast.Stmt) bool {
	script, name, err := s.Session.Script(stmt)
	if err != nil {
		s.fail(err)
		return false
	}
	log, err := s.Detach(name, script)
	if err != nil {
		s.fail(err)
		return false
	}
	s.say("Job " + name + " runs by itself; what it says is in " + log)
	return true
}
