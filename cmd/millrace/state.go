package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
)

// stateVerb says what the operators of a running job hold.
func stateVerb(f *flags) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "state [JOB]", Short: "Show what each operator of a running job keeps", Args: cobra.MaximumNArgs(1),
		RunE: onJob(f, func(ctx context.Context, c *control.Client, j control.Job) error {
			s, err := c.State(ctx, j.ID)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KEYS\tBYTES\tOPERATOR")
			for _, o := range s.Operators {
				fmt.Fprintf(w, "%d\t%s\t%s\n", o.Keys, byteSize(o.Bytes), o.Text)
			}
			return w.Flush()
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}
