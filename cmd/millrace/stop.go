package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
)

// stopVerb ends a job in good order.
func stopVerb(f *flags) *cobra.Command {
	var savepoint, drain bool
	var dir string
	c := &cobra.Command{
		Use: "stop [JOB]", Short: "End a job after a last checkpoint; JOB is its name, its ID or the ID's beginning", Args: cobra.MaximumNArgs(1),
		RunE: onJob(f, func(ctx context.Context, c *control.Client, j control.Job) error {
			if savepoint || drain || dir != "" {
				s, err := c.Savepoint(ctx, j.ID, control.SavepointRequest{Dir: dir, Stop: true, Drain: drain})
				if err == nil {
					fmt.Println(s.Path)
				}
				return err
			}
			_, err := c.Stop(ctx, j.ID)
			return err
		}),
	}
	c.Flags().BoolVar(&savepoint, "savepoint", false, "end it with a savepoint and print where that is")
	c.Flags().BoolVar(&drain, "drain", false, "let its sources end first: open windows are sent; with a savepoint")
	c.Flags().StringVar(&dir, "savepoint-dir", "", "where the savepoint goes (default: the job's state directory)")
	return c
}

// cancelVerb ends a job at once.
func cancelVerb(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "cancel [JOB]", Short: "End a job at once; what it wrote since its last checkpoint isn't published", Args: cobra.MaximumNArgs(1),
		RunE: onJob(f, func(ctx context.Context, c *control.Client, j control.Job) error {
			_, err := c.Cancel(ctx, j.ID)
			return err
		}),
	}
}
