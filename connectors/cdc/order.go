package cdc

import (
	"bytes"
	"context"
	"sort"
	"strings"
)

// Compare orders keys whose literals are whole numbers, quoted dates or times, or
// x'..' binaries, column by column.
func Compare(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, "\x00")
		y, restB, moreB := strings.Cut(b, "\x00")
		if c := compareLiteral(x, y); c != 0 {
			return c
		}
		if !moreA || !moreB {
			return 0
		}
		a, b = restA, restB
	}
}

func compareLiteral(x, y string) int {
	if x == y {
		return 0
	}
	if x[0] == '\'' || x[0] == 'x' {
		return bytes.Compare([]byte(x), []byte(y))
	}
	nx, ny := x[0] == '-', y[0] == '-'
	switch {
	case nx && !ny:
		return -1
	case ny && !nx:
		return 1
	case nx:
		return -compareDigits(x[1:], y[1:])
	}
	return compareDigits(x, y)
}

func compareDigits(x, y string) int {
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}

// places answers for each key where it lies: at most the bound low, at most high, or
// behind both. "" stands for before the first key (low) or behind the last (high).
func (r *reader) places(ctx context.Context, t *Table, keys []string, low, high string) ([]place, error) {
	out := make([]place, len(keys))
	if t.GoOrder {
		for i, k := range keys {
			switch {
			case low != "" && Compare(k, low) <= 0:
				out[i] = sent
			case high == "" || Compare(k, high) <= 0:
				out[i] = inChunk
			default:
				out[i] = ahead
			}
		}
		return out, nil
	}
	var pairs [][2]string
	for _, k := range keys {
		pairs = append(pairs, [2]string{k, low}, [2]string{k, high})
	}
	behind, err := r.greater(ctx, t, pairs)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		switch {
		case low != "" && !behind[2*i]:
			out[i] = sent
		case high == "" || !behind[2*i+1]:
			out[i] = inChunk
		default:
			out[i] = ahead
		}
	}
	return out, nil
}

// maxPairs is how many comparisons the database is asked for at a time.
const maxPairs = 400

// greater compares pairs; those with an empty side are false.
func (r *reader) greater(ctx context.Context, t *Table, pairs [][2]string) ([]bool, error) {
	out := make([]bool, len(pairs))
	var ask [][2]string
	var at []int
	flush := func() error {
		if len(ask) == 0 {
			return nil
		}
		got, err := r.db.Greater(ctx, t, ask)
		for i := range got {
			out[at[i]] = got[i]
		}
		ask, at = ask[:0], at[:0]
		return err
	}
	for i, p := range pairs {
		if p[0] == "" || p[1] == "" || p[0] == p[1] {
			continue
		}
		if t.GoOrder {
			out[i] = Compare(p[0], p[1]) > 0
			continue
		}
		ask, at = append(ask, p), append(at, i)
		if len(ask) >= maxPairs {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	return out, flush()
}

// place is where a key lies as seen from a chunk.
type place uint8

const (
	sent    place = iota // its row has been sent
	inChunk              // its row is in the chunk, or would be
	ahead                // its row will be read
)

// merged is the order of a chunk's rows and of those that were added to it: keys[:n]
// are in order.
func (r *reader) merged(ctx context.Context, t *Table, keys []string, n int) ([]int, error) {
	order := make([]int, 0, len(keys))
	if n == len(keys) {
		for i := range keys {
			order = append(order, i)
		}
		return order, nil
	}
	added := keys[n:]
	low, high := make([]int, len(added)), make([]int, len(added)) // each lies behind keys[:low], before keys[high:]
	for i := range high {
		high[i] = n
	}
	for {
		var pairs [][2]string
		var of []int
		for i, k := range added {
			if low[i] < high[i] {
				pairs, of = append(pairs, [2]string{k, keys[(low[i]+high[i])/2]}), append(of, i)
			}
		}
		if len(pairs) == 0 {
			break
		}
		behind, err := r.greater(ctx, t, pairs)
		if err != nil {
			return nil, err
		}
		for j, i := range of {
			if mid := (low[i] + high[i]) / 2; behind[j] {
				low[i] = mid + 1
			} else {
				high[i] = mid
			}
		}
	}
	at := make([]int, len(added)) // in order of place, those of one place among themselves
	for i := range at {
		at[i] = i
	}
	sort.SliceStable(at, func(a, b int) bool { return low[at[a]] < low[at[b]] })
	for i := 1; i < len(at); i++ {
		for j := i; j > 0 && low[at[j]] == low[at[j-1]]; j-- {
			behind, err := r.greater(ctx, t, [][2]string{{added[at[j-1]], added[at[j]]}})
			if err != nil {
				return nil, err
			}
			if !behind[0] {
				break
			}
			at[j], at[j-1] = at[j-1], at[j]
		}
	}
	k := 0
	for i := 0; i <= n; i++ {
		for ; k < len(at) && low[at[k]] == i; k++ {
			order = append(order, n+at[k])
		}
		if i < n {
			order = append(order, i)
		}
	}
	return order, nil
}
