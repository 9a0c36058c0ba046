//go:build amd64 || arm64

package arena

// prefetch asks for the cache lines at n addresses.
//
//go:noescape
func prefetch(addrs *uintptr, n int)
