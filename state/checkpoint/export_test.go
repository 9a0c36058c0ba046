package checkpoint

// SetApart has bases of n bytes or more stay on disk until their tables are opened, and
// returns how many it took.
func SetApart(n int64) int64 {
	old := apartBytes
	apartBytes = n
	return old
}
