package arena

// SetBulkRows has bases of n rows or more filled in bulk, and returns how many it took.
func SetBulkRows(n int) int {
	old := bulkRows
	bulkRows = n
	return old
}

// SetBlockBytes has blocks of about n bytes handed over, and returns what they were.
func SetBlockBytes(n int) int {
	old := blockBytes
	blockBytes = n
	return old
}
