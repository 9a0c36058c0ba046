// Command millrace runs Flink SQL on this machine.
//
// main builds the command tree; run.go has the verbs that execute SQL, output.go
// what they print. There is no logic of the engine here.
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

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state/checkpoint"
)

// Exit codes, part of the interface.
const (
	exitOK       = 0
	exitRuntime  = 1
	exitUsage    = 2
	exitSQL      = 3
	exitSIGINT   = 130
	exitExternal = 5
	exitState    = 6
)

// version is set by the linker.
var version = "dev"

func main() {
	debug.SetGCPercent(400)
	os.Exit(run(os.Args[1:]))
}

// exit carries a code with an error that was printed already.
type exit struct{ code int }

func (e exit) Error() string { return fmt.Sprintf("exit %d", e.code) }

func run(args []string) int {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)
	var got os.Signal
	done := make(chan struct{})
	go func() {
		got = <-signals
		close(done)
		stop(nil)
		<-signals
		os.Exit(exitSIGINT)
	}()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	select {
	case <-done:
		if got == os.Interrupt {
			return exitSIGINT
		}
		return exitOK
	default:
	}
	var e exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	}
	fmt.Fprintf(os.Stderr, "error: %v\n", err)
	return exitUsage
}

// codeOf is the exit code for an error of the engine.
func codeOf(err error) int {
	var restore *job.RestoreError
	var locked *checkpoint.ErrLocked
	if errors.As(err, &restore) || errors.As(err, &locked) {
		return exitState
	}
	code := exitOK
	for _, e := range sqlerr.All(err) {
		if e.Code == sqlerr.Runtime {
			return exitRuntime
		}
		code = exitSQL
	}
	return code
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
				return cmd.Help()
			}
			return runScripts(cmd.Context(), f, nil)
		},
	}
	f.register(root.PersistentFlags())
	root.AddCommand(
		&cobra.Command{Use: "run [FILE...]", Short: "Run SQL files (- for standard input)", RunE: func(cmd *cobra.Command, args []string) error {
			return runScripts(cmd.Context(), f, args)
		}},
		&cobra.Command{Use: "check FILE...", Aliases: []string{"lint"}, Short: "Parse, type-check and plan without running or touching anything outside", RunE: func(cmd *cobra.Command, args []string) error {
			return checkScripts(f, args)
		}},
		&cobra.Command{Use: "explain FILE...", Short: "Print the plan of the last query of a script", RunE: func(cmd *cobra.Command, args []string) error {
			return explainScripts(cmd.Context(), f, args)
		}},
		&cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) {
			fmt.Println("millrace " + version)
		}},
	)
	return root
}
