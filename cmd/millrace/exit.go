package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/millrace/millrace/connectors/sqldb"
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
	exitTimeout  = 124
	exitSIGINT   = 130
	exitTest     = 4 // a test case failed
	exitExternal = 5
	exitState    = 6
)

// exitKilled is the code of a process that a signal has ended before its jobs could
// stop in good order: 128 and the signal's number.
func exitKilled(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitRuntime
}

// exit carries a code with an error that was printed already.
type exit struct{ code int }

func (e exit) Error() string { return fmt.Sprintf("exit %d", e.code) }

// outside is an error of a system outside, not of the command line.
type outside struct{ error }

func (o outside) Unwrap() error { return o.error }

// ofServer is err as one of outside if a database's server gave it.
func ofServer(err error) error {
	var fault *sqldb.Fault
	if errors.As(err, &fault) {
		return outside{err}
	}
	return err
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
