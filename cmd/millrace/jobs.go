package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
)

// jobsVerb lists the jobs of all processes of this user, or of those on a state
// directory.
func jobsVerb(f *flags) *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use: "jobs", Short: "List running jobs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := control.Jobs{Schema: control.JobsSchema, Jobs: []control.Job{}}
			for _, p := range control.Processes(f.stateDir) {
				of, err := p.Jobs(cmd.Context())
				if err != nil {
					fmt.Fprintf(os.Stderr, "note: %v\n", err)
					continue
				}
				for _, j := range of.Jobs {
					if all || j.Ended == nil {
						list.Jobs = append(list.Jobs, j)
					}
				}
			}
			slices.SortFunc(list.Jobs, func(a, b control.Job) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
			if asJSON {
				return printJSON(list)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tSTATUS\tFOR\tROWS IN\tROWS OUT\tSTATE\tLAST CHECKPOINT")
			now := time.Now()
			for _, j := range list.Jobs {
				to, last := now, "none"
				if j.Ended != nil {
					to = *j.Ended
				}
				if at := j.Checkpoints.LastAt; at != nil {
					last = fmt.Sprintf("%d, %v ago", j.Checkpoints.Last, now.Sub(*at).Round(time.Second))
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%d\t%d\t%s\t%s\n", j.ID[:8], j.Name, j.Status, to.Sub(j.Began).Round(time.Second), j.RowsIn, j.RowsOut, byteSize(j.StateBytes), last)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVarP(&all, "all", "a", false, "those that have ended, too, as long as their process lives")
	return c
}

// onJob finds the job that a verb names and calls it; what it answers is printed.
func onJob(f *flags, do func(ctx context.Context, c *control.Client, j control.Job) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		name := ""
		if len(args) > 0 {
			name = args[0]
		}
		c, j, err := control.Find(cmd.Context(), f.stateDir, name)
		if err == nil {
			err = do(cmd.Context(), c, j)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "error: %v\n", err)
			return exit{exitRuntime}
		}
		return nil
	}
}

func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// byteSize is a number of bytes for people.
func byteSize(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
