package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/control"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
	"github.com/millrace/millrace/why"
)

// whyVerb says what holds a job back: one that runs in another process, or those of a
// file, which it runs for a while without writing anything.
func whyVerb(f *flags) *cobra.Command {
	var patience time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "why [JOB | FILE...]",
		Short: "Say why no row comes out of a running job; of a file's jobs, run for some seconds, reading and not writing",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.namesJob(args) {
				return onJob(f, func(ctx context.Context, c *control.Client, j control.Job) error {
					w, err := c.Why(ctx, j.ID)
					if err != nil {
						return err
					}
					return sayWhy(w.Finding, j.Name, asJSON)
				})(cmd, args)
			}
			srcs, err := f.sources(args)
			if err != nil {
				return err
			}
			s, err := f.sessionWith(engine.DrySinks)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patience)
			defer cancel()
			out := &whyOutput{}
			for _, src := range srcs {
				if err := s.Run(ctx, src, out); err != nil && ctx.Err() == nil {
					if finding := why.Refused(err); finding != nil {
						return sayWhy(finding, src.Name, asJSON)
					}
					fmt.Fprint(os.Stderr, sqlerr.Render(err))
					return exit{codeOf(err)}
				}
			}
			for _, j := range out.all() {
				name := j.Name
				if j.Query {
					name = "query"
				}
				if err := sayWhy(why.Of(j.Report()), name, asJSON); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().DurationVar(&patience, "for", 10*time.Second, "how long the jobs of a file run")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object per job")
	return c
}

func sayWhy(f *why.Finding, name string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(control.Why{Schema: control.WhySchema, Job: name, Finding: f})
	}
	_, err := fmt.Println(name + ": " + f.String())
	return err
}

// whyOutput drops rows and remembers jobs.
type whyOutput struct {
	mu   sync.Mutex
	jobs []*engine.Job
}

func (o *whyOutput) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(*batch.Batch) error { return nil }, nil
}
func (o *whyOutput) Note(string)           {}
func (o *whyOutput) Progress(job.Progress) {}
func (o *whyOutput) Began(j *engine.Job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = append(o.jobs, j)
}

func (o *whyOutput) all() []*engine.Job {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*engine.Job(nil), o.jobs...)
}

// watchSilence says once why a job sends nothing.
func watchSilence(j *engine.Job, note func(string)) {
	go why.Watch(j.Done(), time.Second, j.Report, func(f *why.Finding) {
		note("no row has come out of " + j.Name + " for a while: " + f.String())
	})
}
