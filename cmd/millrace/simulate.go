package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// simulateVerb looks for a crash that changes what a job writes.
func simulateVerb(f *flags) *cobra.Command {
	seeds, first := 100, int64(1)
	var asJSON bool
	c := &cobra.Command{
		Use: "simulate FILE...", Short: "Run a job's INSERTs in a world that crashes, from seeds, and show the smallest seed whose result differs",
		Long: "simulate runs the INSERT jobs of a script undisturbed, then once per seed with tasks that overtake each other, kills and restarts, a disk that is slow, full and\n" +
			"torn by crashes, and sinks that time out. Nothing is written outside: rows stay in memory, so a job can't read what another has written. Sources are read as they are and\n" +
			"must end. A result that hangs on the time, on chance, or on the order in which rows of several splits arrive differs without any fault. Exit code 4: a result differs.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.catalogDir != "" || f.stateDir != "" {
				return errors.New("simulate writes nothing: it takes neither --catalog nor --state-dir")
			}
			srcs, err := f.sources(args)
			if err != nil {
				return err
			}
			config, err := f.config(nil)
			if err != nil {
				return err
			}
			s := &engine.Simulation{Config: config, Sources: srcs}
			want, err := s.Expect(cmd.Context())
			if err != nil {
				fmt.Fprint(os.Stderr, sqlerr.Render(err))
				return exit{codeOf(err)}
			}
			sum := engine.SeedResult{}
			for seed := first; seed < first+int64(seeds); seed++ {
				r, err := s.Seed(cmd.Context(), seed, want)
				if cmd.Context().Err() != nil {
					return exit{exitSIGINT}
				}
				if err != nil {
					return err
				}
				sum.Seed, sum.Diff = r.Seed, r.Diff
				sum.Attempts, sum.Kills, sum.Between, sum.Steps = sum.Attempts+r.Attempts, sum.Kills+r.Kills, sum.Between+r.Between, sum.Steps+r.Steps
				if r.Diff != "" {
					break
				}
			}
			if asJSON {
				err = json.NewEncoder(os.Stdout).Encode(map[string]any{"schema": "millrace.simulate/1", "first": first, "seed": sum.Seed, "runs": sum.Attempts,
					"kills": sum.Kills, "between_prepare_and_commit": sum.Between, "steps": sum.Steps, "difference": sum.Diff})
			} else if sum.Diff != "" {
				fmt.Printf("seed %d: the result differs from an undisturbed run's (- missing, + too much)\n%s\nagain: --first %d --seeds 1\n", sum.Seed, sum.Diff, sum.Seed)
			} else {
				fmt.Printf("%d seeds, the result is always the same: %d runs, %d kills, %d of them between prepare and commit\n", seeds, sum.Attempts, sum.Kills, sum.Between)
			}
			if err == nil && sum.Diff != "" {
				return exit{exitTest}
			}
			return err
		},
	}
	c.Flags().IntVar(&seeds, "seeds", seeds, "how many seeds")
	c.Flags().Int64Var(&first, "first", first, "the first seed")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}
