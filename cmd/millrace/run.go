package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// runVerb executes scripts.
func runVerb(f *flags) *cobra.Command {
	dry := false
	c := &cobra.Command{
		Use:   "run [FILE...]",
		Short: "Run SQL files (- for standard input)",
		Long: "Run SQL files.\n\n" +
			"With --dry-run nothing is started or written: the files are checked, and every system that their queries and INSERTs read or write is asked whether it answers,\n" +
			"has the table or topic with these columns, types and keys, and lets this user do what the job does; state is compared with the query. docs/dry-run.md says what is looked at.\n" +
			"Exit code 3: the SQL is wrong; 5: an outside system can't be reached or doesn't fit; 6: the state doesn't fit.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if dry {
				return dryRun(cmd.Context(), f, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return runScripts(cmd.Context(), f, args)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "look at all that the files would read and write, and start nothing")
	return c
}

// server lets a process be spoken to from its first INSERT job on.
type server struct {
	jobs              *engine.JobList
	stateDir, metrics string
	once              sync.Once
	s                 *control.Server
}

func (v *server) open(note func(string)) {
	v.once.Do(func() {
		s, err := control.Listen(v.jobs, v.stateDir)
		if err != nil {
			note(fmt.Sprintf("the verbs jobs, stop, cancel, savepoint and state won't find this process: %v", err))
			return
		}
		v.s = s
		if v.metrics == "" {
			return
		}
		if at, err := s.Metrics(v.metrics); err != nil {
			note(fmt.Sprintf("no metrics: %v", err))
		} else {
			note(fmt.Sprintf("metrics on http://%s/metrics", at))
		}
	})
}

func (v *server) close() {
	v.once.Do(func() {})
	if v.s != nil {
		v.s.Close()
	}
}

func runScripts(ctx context.Context, f *flags, args []string) error {
	srcs, s, err := f.open(args)
	if err != nil {
		return err
	}
	out := newOutput(f)
	out.serve = &server{jobs: s.Jobs(), stateDir: f.stateDir, metrics: f.metrics}
	defer out.serve.close()
	if f.outputFile != "" {
		file, err := os.Create(f.outputFile)
		if err != nil {
			return err
		}
		defer file.Close()
		out.to = file
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	for _, key := range idleSettings(f.define, srcs) {
		out.Note(key)
	}
	for _, src := range srcs {
		if err := s.Run(ctx, src, out); err != nil {
			out.clearProgress()
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				out.Note("stopped: --timeout " + f.timeout.String() + " is over")
				return exit{exitTimeout}
			}
			if errors.Is(err, context.Canceled) {
				if ctx.Err() == nil { // by the verbs stop or cancel, from another process
					out.Note("ended by an order; statements behind it weren't run")
					return nil
				}
				return exit{exitSIGINT}
			}
			fmt.Fprint(os.Stderr, sqlerr.Render(err))
			return exit{codeOf(err)}
		}
	}
	out.clearProgress()
	return nil
}

// idleSettings says of each setting of -D and SET that does nothing here that it
// does nothing.
func idleSettings(define []string, srcs []*sqlerr.Source) (notes []string) {
	seen := map[string]bool{}
	say := func(key string) {
		acts, near := engine.Acts(key)
		if acts || seen[key] {
			return
		}
		seen[key] = true
		text := fmt.Sprintf("the setting '%s' does nothing here", key)
		if near != "" {
			text += fmt.Sprintf("; did you mean '%s'?", near)
		}
		notes = append(notes, text)
	}
	for _, d := range define {
		key, _, _ := strings.Cut(d, "=")
		say(key)
	}
	for _, src := range srcs {
		stmts, _ := parser.Parse(src) // what can't be read is said when it is run
		for _, stmt := range stmts {
			if set, ok := stmt.(*ast.Set); ok && set.Key != nil {
				say(set.Key.Value)
			}
		}
	}
	return notes
}
