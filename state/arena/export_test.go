package arena

// SetBlockBytes has blocks of about n bytes handed over, and returns what they were.
func SetBlockBytes(n int) int {
	old := blockBytes
	blockBytes = n
	return old
}
