//go:build !unix

package checkpoint

import (
	"errors"
	"io"
)

// ErrLocked says that another process runs the job.
type ErrLocked struct{ Path string }

func (e *ErrLocked) Error() string { return "another process runs a job on " + e.Path }

func lock(string) (io.Closer, error) {
	return nil, errors.New("a state directory needs a system with file locks (Linux, macOS)")
}
