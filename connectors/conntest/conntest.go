// Package conntest is what every connector must pass, against a stand-in in the
// process as against the real system.
//
// Source: it is read to its end, again from the position after every batch, and
// by many readers. Sink: rows are invisible before Commit and there once after it,
// however often Commit is repeated, whether the process lived from Prepare to
// Commit or died between; Abandon ends what a dead run left. A connector's test
// makes the harness and calls these.
package conntest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/types"
)

// SourceHarness is a source under test.
type SourceHarness struct {
	Open  func() connectors.Source
	Types []types.Type
	// Rows are the rows in all splits, in the form Text makes of them, in any order.
	Rows []string
	// Now is the readers' clock; nil: one that stands still.
	Now func() time.Time
}

// Text is a row as text, with its kind: what harnesses compare.
func Text(ts []types.Type, b *batch.Batch, i int) string {
	return fmt.Sprintf("%s %x", b.Kind(i), batch.AppendRow(nil, ts, b.Cols, i))
}

// Live calls f for the live rows of b.
func Live(b *batch.Batch, f func(i int)) {
	if b.Sel != nil {
		for _, i := range b.Sel {
			f(int(i))
		}
		return
	}
	for i := 0; i < b.Len; i++ {
		f(i)
	}
}

// Source checks that reading ends, gives the rows, and can be taken up again at
// the position after every batch. A source without end is read until it has given
// as many rows as there should be.
func Source(t *testing.T, h SourceHarness) {
	t.Helper()
	if h.Now == nil {
		h.Now = func() time.Time { return time.UnixMilli(1_700_000_000_000) }
	}
	src := h.Open()
	splits, err := src.Splits(context.Background(), nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := src.Splits(context.Background(), splits, 2); err != nil || len(fresh(again, splits)) > 0 {
		t.Fatalf("asked again, the source lists new splits %v, %v", again, err)
	}
	left := len(h.Rows)
	var all []string
	for _, s := range splits {
		whole := h.read(t, s, nil, -1, left, nil)
		all = append(all, whole...)
		left -= len(whole)
		for cut := 1; cut < len(whole) && cut < 40; cut++ { // up to a batch of at least cut rows, then on from there
			var at []byte
			head := h.read(t, s, nil, cut, len(whole), &at)
			tail := h.read(t, s, at, -1, len(whole)-len(head), nil)
			if got := append(head, tail...); !equal(got, whole) {
				t.Fatalf("split %s, taken up again after %d rows at %q: %d rows, want %d", s.Name, len(head), at, len(got), len(whole))
			}
		}
	}
	sort.Strings(all)
	want := append([]string(nil), h.Rows...)
	sort.Strings(want)
	if !equal(all, want) {
		t.Fatalf("%d rows, want %d:\n%q\nwant\n%q", len(all), len(want), clip(all), clip(want))
	}
}

func fresh(list, known []connectors.Split) (out []connectors.Split) {
	names := map[string]bool{}
	for _, k := range known {
		names[k.Name] = true
	}
	for _, s := range list {
		if !names[s.Name] {
			out = append(out, s)
		}
	}
	return out
}

// read takes rows of a split from a position, until its end, most rows of an
// unbounded split, or at least stop rows; end gets the position reached.
func (h SourceHarness) read(t *testing.T, s connectors.Split, from []byte, stop, most int, end *[]byte) (out []string) {
	t.Helper()
	wake := make(chan struct{}, 1)
	env := connectors.ReadEnv{Rows: 3, Of: 1, Now: h.Now, Session: types.NewSession(h.Now),
		Wake: func() {
			select {
			case wake <- struct{}{}:
			default:
			}
		},
		Bad: func(b connectors.BadRow) error { return fmt.Errorf("bad row at %d: %w", b.Offset, b.Reason) },
	}
	r, err := h.Open().Read(context.Background(), s, from, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	waits := 0
	for (stop < 0 || len(out) < stop) && (s.Bounded || len(out) < most) {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, connectors.ErrNotReady) {
			if waits++; waits > 2000 {
				t.Fatalf("split %s: %d rows, woken 2000 times for nothing", s.Name, len(out))
			}
			select {
			case <-wake:
			case <-time.After(10 * time.Second):
				t.Fatalf("split %s: not ready, and no wake for 10 s after %d rows", s.Name, len(out))
			}
			continue
		}
		if err != nil {
			t.Fatalf("split %s: %v", s.Name, err)
		}
		waits = 0
		Live(b, func(i int) { out = append(out, Text(h.Types, b, i)) })
	}
	if end != nil {
		*end = append([]byte(nil), r.Position()...)
	}
	return out
}

// SinkHarness is a two-phase sink under test.
type SinkHarness struct {
	Open  func() connectors.Sink
	Types []types.Type
	// Batch makes row n of the test's rows.
	Batch func(n int) *batch.Batch
	// Visible are the rows a reader sees now, as Text makes them, in any order.
	Visible func(t *testing.T) []string
	// AtOnce: the sink has no transactions; rows may be seen before Commit.
	AtOnce bool
	// Keyed: the sink writes by a key, which its rows differ in.
	Keyed bool
}

const job = "conntest"

func (h SinkHarness) writer(t *testing.T, s connectors.Sink, subtask, of int) connectors.Writer {
	t.Helper()
	now := func() time.Time { return time.UnixMilli(1_700_000_000_000) }
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: job, Subtask: subtask, Of: of, Session: types.NewSession(now), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (h SinkHarness) write(t *testing.T, w connectors.Writer, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := w.Write(h.Batch(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func prepare(t *testing.T, w connectors.Writer, n uint64) [][]byte {
	t.Helper()
	p, err := w.Prepare(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		return nil
	}
	return [][]byte{p}
}

func commit(t *testing.T, s connectors.Sink, n uint64, final bool, pending [][]byte) [][]byte {
	t.Helper()
	keep, err := s.Commit(context.Background(), connectors.Commit{N: n, Final: final, Now: time.UnixMilli(1_700_000_000_000)}, pending)
	if err != nil {
		t.Fatal(err)
	}
	return keep
}

// expect checks that rows 0..n-1 are visible, each once.
func (h SinkHarness) expect(t *testing.T, when string, n int) {
	t.Helper()
	var want []string
	for k := 0; k < n; k++ {
		b := h.Batch(k)
		Live(b, func(i int) { want = append(want, Text(h.Types, b, i)) })
	}
	got := h.Visible(t)
	sort.Strings(want)
	sort.Strings(got)
	if !equal(got, want) {
		t.Fatalf("%s: %d rows are visible, want %d:\n%q\nwant\n%q", when, len(got), len(want), clip(got), clip(want))
	}
}

// Sink drives a sink through checkpoints, crashes and the end.
func Sink(t *testing.T, h SinkHarness) {
	t.Helper()
	s := h.Open()
	w := h.writer(t, s, 0, 1)
	h.write(t, w, 0, 3)
	if !h.AtOnce {
		h.expect(t, "before Prepare", 0)
	}
	pending := prepare(t, w, 1)
	if !h.AtOnce {
		h.expect(t, "between Prepare and Commit", 0)
	}
	kept := commit(t, s, 1, false, pending)

	// A crash right after checkpoint 2: what was prepared is committed by another
	// process, twice; what was written after it is gone.
	h.write(t, w, 3, 5)
	pending = append(kept, prepare(t, w, 2)...)
	if !h.AtOnce {
		h.write(t, w, 5, 7)
	}
	if err := w.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	_ = w.Close() // the process is gone: so is the file's lock
	s = h.Open()
	kept = commit(t, s, 2, false, pending)
	if err := s.Abandon(context.Background(), job, kept); err != nil {
		t.Fatal(err)
	}
	h.expect(t, "after a crash behind Prepare, Commit and Abandon", 5)
	kept = commit(t, s, 2, false, pending)
	h.expect(t, "after Commit was repeated", 5)

	// The rest is written by two subtasks, to the end.
	a, b := h.writer(t, s, 0, 2), h.writer(t, s, 1, 2)
	h.write(t, a, 5, 6)
	h.write(t, b, 6, 8)
	pending = append(append(kept, prepare(t, a, 3)...), prepare(t, b, 3)...)
	kept = commit(t, s, 3, false, pending)
	h.write(t, b, 8, 9)
	pending = append(append(kept, prepare(t, a, 4)...), prepare(t, b, 4)...)
	if kept = commit(t, s, 4, true, pending); len(kept) > 0 {
		t.Fatalf("the last Commit kept %q", kept)
	}
	commit(t, s, 4, true, pending)
	for _, w := range []connectors.Writer{a, b} {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.expect(t, "at the end", 9)
	if h.Keyed {
		h.goes(t)
	}
}

// goes writes the -U of a row whose +U, as behind a filter, doesn't come: it is gone.
func (h SinkHarness) goes(t *testing.T) {
	t.Helper()
	s := h.Open()
	w := h.writer(t, s, 0, 1)
	b := h.Batch(8)
	b.Kinds = []batch.Kind{batch.UpdateBefore}
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	commit(t, s, 5, true, prepare(t, w, 5))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h.expect(t, "after a -U without a +U", 8)
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func clip(s []string) []string { return s[:min(len(s), 12)] }
