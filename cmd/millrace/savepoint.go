package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
)

// savepointVerb makes a savepoint of a job that runs on.
func savepointVerb(f *flags) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "savepoint [JOB]", Short: "Make a savepoint of a running job and print where it is", Args: cobra.MaximumNArgs(1),
		RunE: onJob(f, func(ctx context.Context, c *control.Client, j control.Job) error {
			s, err := c.Savepoint(ctx, j.ID, control.SavepointRequest{Dir: dir})
			if err == nil {
				fmt.Println(s.Path)
			}
			return err
		}),
	}
	c.Flags().StringVar(&dir, "dir", "", "the directory it is made in (default: the job's state directory)")
	return c
}
