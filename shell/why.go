package shell

import (
	"strings"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/why"
)

// watchSilence tells once why a job sends nothing, when that has gone on for a while.
func (s *Shell) watchSilence(j *engine.Job, say func(string)) {
	if j.Bounded || strings.EqualFold(s.Session.Option("millrace.why", "true"), "false") {
		return
	}
	go why.Watch(j.Done(), time.Second, j.Report, func(f *why.Finding) { say("no row has come out for a while: " + f.String()) })
}

// explainSilence answers for one job, or for all that run, else for the last one. A
// job that the session doesn't know may run in another process.
func (s *Shell) explainSilence(name string) {
	list := s.Session.Jobs()
	jobs := list.Running()
	if name = strings.Trim(strings.TrimSuffix(name, ";"), "'"); name != "" {
		j := list.Find(name)
		if j == nil && s.Why != nil {
			if f, err := s.Why(s.ctx, name); err == nil {
				s.say(name + ": " + f.String())
				return
			}
		}
		if j == nil {
			s.note("there is no job %q; SHOW JOBS lists them", name)
			return
		}
		jobs = []*engine.Job{j}
	}
	if all := list.All(); len(jobs) == 0 && len(all) > 0 {
		jobs = all[len(all)-1:]
	}
	if len(jobs) == 0 {
		s.note("no job has run yet")
	}
	for _, j := range jobs {
		s.say(j.Name + " (" + j.ID[:8] + ", " + strings.ToLower(string(j.Status())) + "): " + why.Now(s.ctx, j.Report, time.Second).String())
	}
}
