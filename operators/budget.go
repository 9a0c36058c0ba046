package operators

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// Budget is a share of the memory a process may use for what grows with its
// input: the process's is made of those of its jobs, a job's of those of its
// operators. The zero value and nil have no limit.
type Budget struct {
	Name  string // the job or operator, for the error
	Limit int64  // bytes; 0: none

	used  atomic.Int64
	total *Budget // charged as well; nil at the top
	mu    sync.Mutex
	parts []*Budget
}

// Part is a budget within b; it's given back by Release.
func (b *Budget) Part(name string) *Budget {
	p := &Budget{Name: name, total: b}
	if b != nil {
		b.mu.Lock()
		b.parts = append(b.parts, p)
		b.mu.Unlock()
	}
	return p
}

// Grow asks for n bytes more (fewer, if negative). Over a limit it fails and names
// the biggest users.
func (b *Budget) Grow(n int64) error {
	if b == nil {
		return nil
	}
	if u := b.used.Add(n); b.Limit > 0 && n > 0 && u > b.Limit {
		return fmt.Errorf("memory: %d MB are needed, more than the limit of %d MB; the biggest users are %s. Allow more with --memory, or keep less: "+
			"a state TTL, a window, fewer columns", u>>20, b.Limit>>20, b.biggest())
	}
	return b.total.Grow(n)
}

// Process is what the whole process holds, and its limit.
func (b *Budget) Process() (used, limit int64) {
	for b != nil && b.total != nil {
		b = b.total
	}
	if b == nil {
		return 0, 0
	}
	return b.used.Load(), b.Limit
}

// Used is the bytes held; 0 before there is a budget: state is restored before operators
// are opened.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Release gives back all that b holds, and b.
func (b *Budget) Release() {
	_ = b.Grow(-b.used.Load())
	if t := b.total; t != nil {
		t.mu.Lock()
		for i, p := range t.parts {
			if p == b {
				t.parts = append(t.parts[:i], t.parts[i+1:]...)
				break
			}
		}
		t.mu.Unlock()
	}
}

// biggest names the parts of parts that hold most, the subtasks of an operator
// together.
func (b *Budget) biggest() string {
	held := map[string]int64{}
	b.collect(held)
	names := make([]string, 0, len(held))
	for n := range held {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		if held[names[i]] != held[names[j]] {
			return held[names[i]] > held[names[j]]
		}
		return names[i] < names[j]
	})
	for i, n := range names[:min(3, len(names))] {
		names[i] = fmt.Sprintf("%s (%d MB)", n, held[n]>>20)
	}
	return strings.Join(names[:min(3, len(names))], ", ")
}

func (b *Budget) collect(held map[string]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.parts) == 0 {
		held[b.Name] += b.used.Load()
	}
	for _, p := range b.parts {
		p.collect(held)
	}
}
