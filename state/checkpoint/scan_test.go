package checkpoint_test

import (
	"bytes"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// TestApart: blocks that stay on disk, of all lengths, are those that were written, and
// a file that changes after it was checked is found out.
func TestApart(t *testing.T) {
	was := checkpoint.SetApart(0)
	t.Cleanup(func() { checkpoint.SetApart(was) })
	path := t.TempDir()
	d, err := checkpoint.At(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Create(1, 0, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(1))
	var want [][]byte
	for i, n := range []int{3 << 20, 0, 1, 12, 13, 14, 100, 70_000, 1 << 20, 500_000, 7, 600_000} {
		b := make([]byte, n)
		r.Read(b)
		want = append(want, b)
		if err := w.Block(state.Block{Identity: state.Identity{Relation: "r", Role: "Join", Ordinal: 2}, Name: "rows", Group: i, More: i%2 > 0, Data: b}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := d.Load([]checkpoint.StateFile{f})
	if err != nil || len(blocks) != len(want) {
		t.Fatal(len(blocks), err)
	}
	var buf []byte
	for i, b := range blocks {
		if b.Apart == nil {
			t.Fatal("a block isn't apart")
		}
		whole, err := b.Whole(buf)
		if err != nil {
			t.Fatal(err)
		}
		buf = whole.Data
		if b.Bytes() != len(want[i]) || !bytes.Equal(whole.Data, want[i]) || b.Group != i || b.More != (i%2 > 0) || b.Name != "rows" || b.Identity.Ordinal != 2 {
			t.Fatalf("block %d of %d bytes: %+v", i, len(want[i]), b.Identity)
		}
	}
	file, err := os.OpenFile(filepath.Join(path, f.Name), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte{want[0][1000] ^ 1}, blocks[0].Apart.At+1000); err != nil {
		t.Fatal(err)
	}
	if _, err := blocks[0].Whole(nil); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Fatal(err)
	}
}
