package engine

import (
	"os"
	"strings"

	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/plain"
)

// spillDir is where state goes that memory has no room for: io.tmp.dirs, else the
// state directory, which isn't in memory as a system's temporary one may be.
func (s *Session) spillDir() string {
	dirs := strings.FieldsFunc(s.Option("io.tmp.dirs", ""), func(r rune) bool { return r == ',' || r == os.PathListSeparator || r == '|' })
	if len(dirs) > 0 {
		return dirs[0]
	}
	if s.cfg.StateDir != "" && s.cfg.FS == nil {
		return s.cfg.StateDir
	}
	return os.TempDir()
}

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
