//go:build !unix

package files

// mayWrite isn't known here.
func mayWrite(string) error { return nil }
