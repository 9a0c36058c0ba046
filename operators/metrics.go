package operators

import (
	"fmt"
	"sync/atomic"
)

// Metrics are one operator's counters. The task counts rows and time; the
// operator counts what only it knows. Readers may load them at any time.
type Metrics struct {
	RowsIn, RowsOut    atomic.Int64
	BusyNs, BlockedNs  atomic.Int64
	Late               atomic.Int64 // rows dropped because they came too late
	Bad                atomic.Int64 // rows that couldn't be decoded
	Dropped            atomic.Int64 // retractions of rows that aren't there
	Watermark          atomic.Int64
	StateKeys, StateSz atomic.Int64
}

// Budget is an operator's share of the memory a process may use for what grows
// with its input.
type Budget struct {
	Name  string // the operator, for the error
	Limit int64  // bytes; 0: none
	used  atomic.Int64
	Total *Budget // the job's, charged as well; nil at the top
}

// Grow asks for n bytes more (fewer, if negative). Over the limit it fails and
// names the operator.
func (b *Budget) Grow(n int64) error {
	if b == nil {
		return nil
	}
	if u := b.used.Add(n); b.Limit > 0 && n > 0 && u > b.Limit {
		return fmt.Errorf("memory: %q holds %d MB, more than the limit of %d MB; give it more with --memory", b.Name, u>>20, b.Limit>>20)
	}
	return b.Total.Grow(n)
}

// Used is the bytes held.
func (b *Budget) Used() int64 { return b.used.Load() }
