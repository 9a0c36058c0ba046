//go:build unix

package checkpoint

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/millrace/millrace/files"
)

// lock takes the lock file; the system lets go of it when the process dies.
func lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, &files.Locked{Path: path}
	}
	return locked{f}, nil
}

// locked is a lock file. It is unlocked before it is closed: a command that another
// goroutine is just starting has a copy of the descriptor until it is executed.
type locked struct{ *os.File }

func (l locked) Close() error {
	err := syscall.Flock(int(l.Fd()), syscall.LOCK_UN)
	return errors.Join(err, l.File.Close())
}
