package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sqlerr"
)

// checkVerb plans scripts without running them.
func checkVerb(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE...",
		Aliases: []string{"lint"},
		Short:   "Parse, type-check and plan without running or touching anything outside",
		RunE:    func(_ *cobra.Command, args []string) error { return checkScripts(f, args) },
	}
}

func checkScripts(f *flags, args []string) error {
	srcs, s, err := f.open(args)
	if err != nil {
		return err
	}
	for _, src := range srcs {
		if err := s.Check(src); err != nil {
			fmt.Fprint(os.Stderr, sqlerr.Render(err))
			return exit{exitSQL}
		}
	}
	return nil
}
