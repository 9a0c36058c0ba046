package engine

import (
	"strings"

	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/plain"
)

// store reads millrace.state: what a task keeps its state in. plain, on Go maps, is
// there to be compared with.
func (s *Session) store() (func(state.Options) state.Store, error) {
	switch kind := strings.ToLower(s.Option("millrace.state", "arena")); kind {
	case "arena":
		return func(o state.Options) state.Store { return arena.New(o) }, nil
	case "plain":
		return func(o state.Options) state.Store { return plain.New(o) }, nil
	default:
		return nil, sqlerr.New(sqlerr.Option, sqlerr.Span{}, "millrace.state is %q; it can be arena or plain", kind)
	}
}
