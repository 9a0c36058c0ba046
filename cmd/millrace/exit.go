package main

import (
	"errors"
	"fmt"

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

// exit carries a code with an error that was printed already.
type exit struct{ code int }

func (e exit) Error() string { return fmt.Sprintf("exit %d", e.code) }

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
