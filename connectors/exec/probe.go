package exec

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/millrace/millrace/connectors"
)

// Probe looks for the command's program; it isn't started.
func (s *source) Probe(context.Context, connectors.ProbeEnv) connectors.Findings { return program(s.t) }

// Probe looks for the command's program; it isn't started.
func (s *sink) Probe(context.Context, connectors.ProbeEnv) connectors.Findings { return program(s.t) }

func program(t connectors.Table) (f connectors.Findings) {
	command := t.Options.String("command")
	words := strings.Fields(command)
	if len(words) == 0 {
		f.Fail(fmt.Errorf("table %s: option 'command' is empty", t.Path))
		return f
	}
	if strings.ContainsAny(words[0], "$`'\"\\(){}=;|&<>*?[]~#!") { // the shell makes something else of it
		f.Wonder("whether the shell finds what %q begins with", command)
		return f
	}
	if at, err := exec.LookPath(words[0]); err == nil {
		f.See("the command is %s", at)
	} else if builtin(words[0]) {
		f.See("%s is the shell's own", words[0])
	} else {
		f.Fail(fmt.Errorf("table %s: command %q: there is no program %q that can be run: install it, or mend 'command' or PATH", t.Path, command, words[0]))
	}
	return f
}

// builtin says that a word is one of the shell's.
func builtin(word string) bool {
	return strings.Contains(" . : [ alias break case cd command continue echo eval exec exit export for getopts hash if kill local printf pwd read readonly return set shift test times trap type ulimit umask unalias unset until wait while ", " "+word+" ")
}
