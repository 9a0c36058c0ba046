package bitmap

import (
	"encoding/base64"
	"math/rand"
	"slices"
	"testing"
)

// TestPortable checks bytes that Flink writes, and that all sorts of containers
// come back.
func TestPortable(t *testing.T) {
	for want, members := range map[string][]uint32{
		"OjAAAAEAAAAAAAEAEAAAAAEAAgA=":             {1, 2},
		"OjAAAAIAAAAAAAEAAQAAABgAAAAcAAAAAQACAHAR": {1, 2, 70000},
		"OjAAAAEAAAD//wAAEAAAAP//":                 {1<<32 - 1},
		"OzAAAAEAAAQAAQABAAQA":                     {1, 2, 3, 4, 5},
	} {
		if got := base64.StdEncoding.EncodeToString(appendPortable(nil, Append(nil, members))); got != want {
			t.Errorf("%v is written %s, want %s", members, got, want)
		}
	}
	r := rand.New(rand.NewSource(1))
	for _, n := range []int{0, 1, 5000, 20000} {
		var members []uint32
		for range n {
			members = append(members, uint32(r.Intn(200_000)))
		}
		v := Append(nil, slices.Clone(members))
		slices.Sort(members)
		back, err := readPortable(appendPortable(nil, v))
		if err != nil || !slices.Equal(back, slices.Compact(members)) {
			t.Errorf("%d members don't come back: %v", n, err)
		}
	}
}

// FuzzPortable reads anything without a panic.
func FuzzPortable(f *testing.F) {
	f.Add([]byte{0x3B, 0x30, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0})
	f.Fuzz(func(t *testing.T, b []byte) { readPortable(b) })
}
