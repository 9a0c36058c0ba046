package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
	"github.com/millrace/millrace/sqlerr"
)

// explainVerb prints plans.
func explainVerb(f *flags) *cobra.Command {
	var analyze bool
	c := &cobra.Command{
		Use:   "explain FILE...",
		Short: "Print the plan of the last query of a script; --analyze [JOB]: that of a running job with its numbers",
		RunE: func(cmd *cobra.Command, args []string) error {
			if analyze && f.namesJob(args) {
				return onJob(f, func(ctx context.Context, c *control.Client, j control.Job) error {
					a, err := c.Analysis(ctx, j.ID)
					if err == nil {
						fmt.Println(a.Text)
					}
					return err
				})(cmd, args)
			}
			return explainScripts(cmd.Context(), f, args, analyze)
		},
	}
	c.Flags().BoolVar(&analyze, "analyze", false, "print what each operator did: of a running job, or of a script's query, run for some seconds, reading and not writing (SET 'millrace.analyze-for' says how long)")
	return c
}

func explainScripts(ctx context.Context, f *flags, args []string, analyze bool) error {
	srcs, s, err := f.open(args)
	if err != nil {
		return err
	}
	for _, src := range srcs {
		var text string
		if f.format == "json" && !analyze {
			text, err = s.ExplainJSON(src)
		} else {
			text, err = s.ExplainScript(ctx, src, true, analyze)
		}
		if err != nil {
			fmt.Fprint(os.Stderr, sqlerr.Render(err))
			return exit{codeOf(err)}
		}
		fmt.Print(text)
	}
	return nil
}
