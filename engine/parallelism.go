package engine

import (
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
)

// parallelism is the number of subtasks a job's operators run with: 1, unless
// parallelism.default (or -p) says a number, or "auto" for every core.
func (s *Session) parallelism() (int, error) {
	v := s.Option("table.exec.resource.default-parallelism", "-1")
	if v == "-1" {
		v = s.Option(parallelismKey, "1")
	}
	n, err := subtasks(v, s.cores())
	if err != nil {
		return 0, sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%v", err)
	}
	return n, nil
}

// subtasks reads a number of subtasks, on so many cores.
func subtasks(v string, cores int) (int, error) {
	switch v {
	case "auto":
		return min(cores, batch.MaxSubtasks), nil
	case "-1":
		return 1, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > batch.MaxSubtasks {
		return 0, fmt.Errorf("%s is %q; it can be a number from 1 to %d, or \"auto\"", parallelismKey, v, batch.MaxSubtasks)
	}
	return n, nil
}

func (s *Session) cores() int {
	if s.cfg.Cores > 0 {
		return s.cfg.Cores
	}
	return runtime.GOMAXPROCS(0)
}

// longJob is how long a job runs before its user is told of the idle cores.
const longJob = 10 * time.Second

// watch passes on a job's progress, and says once that a long job runs on one of
// many cores.
func (s *Session) watch(p *planned, out Output) func(job.Progress) {
	began, said := s.cfg.Now(), s.hinted || s.cores() < 2
	for _, n := range p.graph.Nodes {
		said = said || n.Parallelism > 1
	}
	s.hinted = true
	return func(x job.Progress) {
		if !said && !x.Final && s.cfg.Now().Sub(began) >= longJob {
			said = true
			out.Note(fmt.Sprintf("this job runs on one of %d cores; -p auto uses them all", s.cores()))
		}
		out.Progress(x)
	}
}
