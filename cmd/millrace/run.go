package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sqlerr"
)

// runVerb executes scripts.
func runVerb(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "run [FILE...]",
		Short: "Run SQL files (- for standard input)",
		RunE:  func(cmd *cobra.Command, args []string) error { return runScripts(cmd.Context(), f, args) },
	}
}

func runScripts(ctx context.Context, f *flags, args []string) error {
	srcs, s, err := f.open(args)
	if err != nil {
		return err
	}
	out := newOutput(f)
	for _, src := range srcs {
		if err := s.Run(ctx, src, out); err != nil {
			out.clearProgress()
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return exit{exitSIGINT}
			}
			fmt.Fprint(os.Stderr, sqlerr.Render(err))
			return exit{codeOf(err)}
		}
	}
	out.clearProgress()
	return nil
}
