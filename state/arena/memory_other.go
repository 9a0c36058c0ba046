//go:build !linux

package arena

// mapMemory isn't offered here: arenas lie on the heap and double.
func mapMemory(int) (buf, mapped []byte) { return nil, nil }

func dropMemory([]byte) bool { return false }

func unmapMemory([]byte) {}
