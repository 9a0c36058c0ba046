package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sqlerr"
)

// checkVerb plans scripts without running them, and lints them.
func checkVerb(f *flags) *cobra.Command {
	var c struct {
		strict, all, json bool
		target            string
	}
	cmd := &cobra.Command{
		Use:     "check FILE...",
		Aliases: []string{"lint"},
		Short:   "Parse, type-check, plan and lint without running or touching anything outside",
		Long: "Parse, type-check and plan scripts without touching anything outside, and warn of what they hardly mean.\n" +
			"docs/lints explains each code; a comment \"-- millrace:allow(CODE)\" in or before a statement allows it.",
		RunE: func(_ *cobra.Command, args []string) error {
			srcs, s, err := f.open(args)
			if err != nil {
				return err
			}
			if c.target != "" && c.target != "flink" {
				return fmt.Errorf("--target %s: the only other target is flink", c.target)
			}
			warnings := 0
			for _, src := range srcs {
				found, err := s.Lint(src, c.all)
				for _, x := range found {
					warnings++
					if c.json {
						line, col := x.At.Position()
						if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"schema": "millrace.lint/1", "code": x.Code, "message": x.Msg, "hint": x.Hint, "file": src.Name, "line": line, "column": col}); err != nil {
							return err
						}
						continue
					}
					fmt.Fprint(os.Stderr, x.Render())
				}
				if err != nil {
					fmt.Fprint(os.Stderr, sqlerr.Render(err))
					return exit{exitSQL}
				}
			}
			if c.target == "flink" {
				foreign := 0
				for _, src := range srcs {
					for _, err := range ours(src) {
						foreign++
						fmt.Fprint(os.Stderr, sqlerr.Render(err))
					}
				}
				if foreign > 0 {
					return exit{exitSQL}
				}
			}
			if warnings > 0 && c.strict {
				return exit{exitSQL}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&c.target, "target", "", "flink: also refuse what a Flink cluster doesn't know (exit code 3)")
	cmd.Flags().BoolVar(&c.strict, "strict", false, "warnings fail the check (exit code 3)")
	cmd.Flags().BoolVar(&c.all, "all", false, "also warn of columns that nothing reads")
	cmd.Flags().BoolVar(&c.json, "json", false, "one JSON object per warning on stdout")
	return cmd
}
