// Command millrace runs Flink SQL on this machine.
//
// main builds the command tree and turns signals into an end; each verb has a file
// of its own and a line in verbs.go; flags.go has what they share, exit.go the exit
// codes, output.go what is printed. There is no logic of the engine here.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/shell/lineedit"
)

func main() {
	debug.SetGCPercent(400)
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)
	var got os.Signal
	done := make(chan struct{})
	go func() {
		for got = <-signals; got == os.Interrupt && interrupts.deliver(); {
			got = <-signals
		}
		close(done)
		stop(nil)
		<-signals
		lineedit.Restore()
		os.Exit(exitKilled(got))
	}()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var e exit
	select {
	case <-done:
		if got == os.Interrupt {
			return exitSIGINT
		}
		// a stop in good order; a job that was cut off says so with its code
		if errors.As(err, &e) && e.code != exitOK && e.code != exitSIGINT {
			return exitKilled(got)
		}
		return exitOK
	default:
	}
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	}
	fmt.Fprintf(os.Stderr, "error: %v\n", err)
	if errors.As(err, &outside{}) {
		return exitExternal
	}
	return exitUsage
}

func newRoot() *cobra.Command {
	f := &flags{}
	root := &cobra.Command{
		Use:           "millrace",
		Short:         "Flink SQL on one machine",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(f.execute)+len(f.files) == 0 {
				return withoutVerb(cmd, f)
			}
			return runScripts(cmd.Context(), f, nil)
		},
	}
	f.register(root.PersistentFlags())
	for _, verb := range verbs {
		root.AddCommand(verb(f))
	}
	return root
}
