//go:build !unix

package checkpoint

import (
	"errors"
	"io"
)

func lock(string) (io.Closer, error) {
	return nil, errors.New("a state directory needs a system with file locks (Linux, macOS)")
}
