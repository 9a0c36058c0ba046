//go:build unix

package files

import "golang.org/x/sys/unix"

// mayWrite says why this user can't make files in a directory; nil: it can.
func mayWrite(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
