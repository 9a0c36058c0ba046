package spill_test

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"testing"

	"github.com/millrace/millrace/state/spill"
)

type row struct {
	hash uint64
	key  []byte
	row  []byte
}

// random makes rows with distinct keys; few hashes, so that some are equal.
func random(r *rand.Rand, n, first int) []row {
	rows := make([]row, n)
	for i := range rows {
		key := binary.LittleEndian.AppendUint64(nil, uint64(first+i))
		body := make([]byte, r.Intn(1+r.Intn(900)))
		r.Read(body)
		upper := uint64(r.Uint32())
		if r.Intn(3) == 0 {
			upper = uint64(r.Intn(50))
		}
		rows[i] = row{upper<<32 | uint64(r.Intn(spill.Groups)), key, append(slices.Clone(key), body...)}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if g, h := a.hash%spill.Groups, b.hash%spill.Groups; g != h {
			return int(g) - int(h)
		}
		return int(int64(a.hash>>32) - int64(b.hash>>32))
	})
	return rows
}

func write(t *testing.T, d *spill.Dir, rows []row) *spill.Run {
	t.Helper()
	w, err := d.Write(len(rows))
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range rows {
		if n := w.Add(int(x.hash%spill.Groups), uint32(x.hash>>32), x.row); int(n) != i {
			t.Fatalf("row %d has the number %d", i, n)
		}
	}
	r, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRuns takes rows out of runs and merges what is left, until all came back, each
// once.
func TestRuns(t *testing.T) {
	for seed := int64(1); seed <= 20; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewSource(seed))
			d := &spill.Dir{Path: t.TempDir()}
			var runs []*spill.Run
			left := map[string]row{}
			for i, first := 0, 0; i < 4; i++ {
				rows := random(r, r.Intn(600), first)
				first += len(rows)
				runs = append(runs, write(t, d, rows))
				for _, x := range rows {
					left[string(x.key)] = x
				}
			}
			if names, err := os.ReadDir(d.Path); err != nil || len(names) > 0 {
				t.Fatalf("files are left in the directory: %v %v", names, err)
			}
			var taken []row
			var tk spill.Taker
			for len(left) > 0 {
				var want []spill.Want
				for _, x := range left {
					if want = append(want, spill.Want{Hash: x.hash, Key: x.key}); len(want) > 40 {
						break
					}
				}
				for i := 0; i < 10 && i < len(taken); i++ { // they don't come twice
					x := taken[r.Intn(len(taken))]
					want = append(want, spill.Want{Hash: x.hash, Key: x.key})
				}
				want = append(want, want[0]) // nor when asked for twice
				err := tk.Take(runs, want, func(k, _ int, _ uint32, got []byte) error {
					x, ok := left[string(want[k].Key)]
					if !ok || string(x.row) != string(got) {
						t.Fatalf("row %x comes as %x, there %v", want[k].Key, got, ok)
					}
					delete(left, string(x.key))
					taken = append(taken, x)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				check(t, runs, left)
				if len(runs) > 1 && r.Intn(3) == 0 {
					m, err := spill.Merge(d, runs[:2], nil, func(int, uint32, uint32) {})
					if err != nil {
						t.Fatal(err)
					}
					runs = append([]*spill.Run{m}, runs[2:]...)
					check(t, runs, left)
				}
			}
			for _, x := range runs {
				x.Close()
			}
			if d.Bytes() != 0 {
				t.Fatalf("%d bytes are left", d.Bytes())
			}
		})
	}
}

// check compares what runs have with what they must.
func check(t *testing.T, runs []*spill.Run, left map[string]row) {
	t.Helper()
	live := 0
	for _, r := range runs {
		live += r.Live()
		for g := 0; g < spill.Groups; g++ {
			last := uint32(0)
			err := r.Each(g, func(n, upper uint32, got []byte) error {
				x, ok := left[string(got[:8])]
				if !ok || string(x.row) != string(got) || x.hash != uint64(upper)<<32|uint64(g) || upper < last {
					t.Fatalf("key group %d: row %d is %x, upper hash %d behind %d", g, n, got, upper, last)
				}
				last = upper
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if live != len(left) {
		t.Fatalf("%d rows instead of %d", live, len(left))
	}
}
