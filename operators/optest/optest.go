// Package optest drives one operator in a test or a benchmark, without a task.
//
// A Driver opens the operator on a store in arenas and takes what it sends. Table
// folds changes into the rows they leave. The random inputs of differential tests
// come from Input: rows with times out of order, NULLs and ties. Seeds are printed;
// DIFF_SEED repeats one, DIFF_SEEDS is how many are run.
package optest

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/spill"
	"github.com/millrace/millrace/types"
)

// Driver is a running operator. Its calls fail the test.
type Driver struct {
	t     testing.TB
	Op    operators.Operator
	Env   *operators.Env
	store state.Store
	out   collector
	still still
}

type collector struct {
	ts      []types.Type
	discard bool
	most    func() // called when rows are sent; nil: nobody listens
	changes []Change
	rows    int // sent, also when they're discarded
}

// Change is a row that was sent, as text.
type Change struct {
	Kind batch.Kind
	Row  string
}

func (c *collector) Emit(b *batch.Batch) error {
	c.rows += b.Len
	if c.most != nil {
		c.most()
	}
	if c.discard {
		return nil
	}
	for i := range b.Len {
		c.changes = append(c.changes, Change{b.Kind(i), Text(c.ts, b.Cols, i)})
	}
	return nil
}

// New opens the operator of a spec whose inputs carry the given changes.
func New(t testing.TB, spec operators.Spec, session *types.Session, in ...batch.Changes) *Driver {
	t.Helper()
	return open(t, spec, session, false, nil, nil, in)
}

// NewOnDisk is New whose state keeps keep bytes in memory between turns. most is how
// many there were at most whenever rows were sent.
func NewOnDisk(t testing.TB, spec operators.Spec, session *types.Session, keep int64, in ...batch.Changes) (d *Driver, most *int64) {
	t.Helper()
	d = open(t, spec, session, false, nil, &state.Spill{Dir: t.TempDir(), Keep: func(int64) int64 { return keep }}, in)
	most = new(int64)
	d.out.most = func() { *most = max(*most, d.Bytes()) }
	return d, most
}

// NewSpilled is New with a disk: whenever rows are kept beside state, short says
// whether memory is short.
func NewSpilled(t testing.TB, spec operators.Spec, session *types.Session, short func() bool, in ...batch.Changes) *Driver {
	t.Helper()
	return open(t, spec, session, false, Room(t, short), nil, in)
}

// Room is where an operator's rows go when memory is short.
func Room(t testing.TB, short func() bool) *operators.Room {
	return &operators.Room{Dir: &spill.Dir{Path: t.TempDir()}, Every: 1, Settle: func() {}, Over: func() (int64, int64) {
		if short() {
			return 1 << 60, 1
		}
		return 0, 0
	}}
}

// NewMini is New with mini-batch on: the operator holds its changes back until Flush.
func NewMini(t testing.TB, spec operators.Spec, session *types.Session, in ...batch.Changes) *Driver {
	t.Helper()
	return open(t, spec, session, true, nil, nil, in)
}

func open(t testing.TB, spec operators.Spec, session *types.Session, mini bool, room *operators.Room, disk *state.Spill, in []batch.Changes) *Driver {
	t.Helper()
	if _, _, err := spec.Changes(in, make([]operators.Keys, len(in))); err != nil {
		t.Fatal(err)
	}
	if s, ok := spec.(operators.BeforeAware); ok {
		s.SetBefore(true)
	}
	d := &Driver{t: t, Op: spec.New(), store: arena.New(state.Options{Now: func() int64 { return session.Now().UnixMilli() }, Spill: disk})}
	d.out.ts = spec.Schema().Types()
	d.Env = &operators.Env{Context: context.Background(), Of: 1, State: d.store.Open(state.Identity{Role: spec.Name()}), Session: session, MiniBatch: mini,
		Now: session.Now, Metrics: &operators.Metrics{}, Memory: &operators.Budget{}, Room: room, Wake: func() {}, Heard: operators.MinWatermark,
		Rand: rand.New(rand.NewSource(1)), Side: func(operators.Side) operators.Output { return &collector{discard: true} }}
	if room != nil {
		room.Settle = d.store.Release
	}
	_, d.still.on = t.(*testing.T)
	d.still.on = d.still.on && disk == nil
	if err := d.Op.Open(d.Env, &d.out); err != nil {
		t.Fatal(err)
	}
	return d
}

// Session is a session in UTC at a fixed time.
func Session() *types.Session {
	noon := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	return types.NewSession(func() time.Time { return noon })
}

// Discard makes the driver count what is sent and forget it.
func (d *Driver) Discard() *Driver { d.out.discard = true; return d }

// Bytes is the memory that the operator's state takes.
func (d *Driver) Bytes() (n int64) {
	for _, u := range d.store.Usage() {
		n += u.Bytes
	}
	return n
}

// Process hands the operator a batch.
func (d *Driver) Process(input int, b *batch.Batch) {
	if b.Len > 0 {
		d.check(d.Op.Process(input, b))
	}
}

// Watermark tells it the time.
func (d *Driver) Watermark(ms int64) {
	_, err := d.Op.Watermark(ms)
	d.check(err)
}

// End ends its inputs, after the last watermark.
func (d *Driver) End(inputs int) {
	d.Watermark(operators.MaxWatermark)
	for i := range inputs {
		d.check(d.Op.End(i))
	}
}

// EndOf ends one input.
func (d *Driver) EndOf(input int) { d.t.Helper(); d.check(d.Op.End(input)) }

func (d *Driver) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	if !d.Env.MiniBatch {
		d.Flush()
	}
}

// Flush makes the operator send what it holds back, and ends the life of ids.
func (d *Driver) Flush() {
	d.t.Helper()
	if err := d.Op.Flush(); err != nil {
		d.t.Fatal(err)
	}
	d.store.Release()
	d.freeze()
}

// Taken is what was sent since the last call.
func (d *Driver) Taken() []Change {
	c := d.out.changes
	d.out.changes = nil
	return c
}

// Text is a row as text, for comparison.
func Text(ts []types.Type, cols []batch.Vector, i int) string {
	var b strings.Builder
	for c, t := range ts {
		v := &cols[c]
		switch {
		case c > 0:
			b.WriteByte(' ')
		}
		switch {
		case v.Null(i):
			b.WriteString("-")
		case t.Layout() == types.LayoutI64 && t.IsTimestamp():
			fmt.Fprintf(&b, "@%d", v.I64[i]/1000)
		case t.Layout() == types.LayoutI64:
			b.WriteString(strconv.FormatInt(v.I64[i], 10))
		case t.Layout() == types.LayoutF64:
			fmt.Fprintf(&b, "%.9g", v.F64[i])
		case t.Layout() == types.LayoutList:
			s := v.Str[i]
			for e := s.Off(); e < s.Off()+s.Len(); e++ {
				b.WriteString("[" + Text(t.KidTypes(), v.Kids, e) + "]")
			}
		default:
			b.Write(v.Bytes(i))
		}
	}
	return b.String()
}

// Table is the rows that changes leave, sorted; it fails the test when one is taken
// back that isn't there.
func Table(t testing.TB, changes []Change) []string {
	t.Helper()
	rows := map[string]int{}
	for _, c := range changes {
		if c.Kind.Sign() > 0 {
			rows[c.Row]++
			continue
		}
		if rows[c.Row]--; rows[c.Row] < 0 {
			t.Fatalf("taken back, but not there: %s", c.Row)
		}
	}
	var out []string
	for r, n := range rows {
		for range n {
			out = append(out, r)
		}
	}
	sort.Strings(out)
	return out
}

// Upserted is changes without the rows that updates replaced, with them: key is what a
// row is told apart by.
func Upserted(changes []Change, key func(row string) string) (out []Change) {
	rows := map[string]string{}
	for _, c := range changes {
		k := key(c.Row)
		old, there := rows[k]
		if c.Kind.Sign() < 0 {
			delete(rows, k)
			out = append(out, c)
			continue
		}
		if there {
			out = append(out, Change{batch.UpdateBefore, old})
		}
		rows[k] = c.Row
		out = append(out, c)
	}
	return out
}

// Equal compares tables.
func Equal(t testing.TB, got, want []string) {
	t.Helper()
	sort.Strings(got)
	sort.Strings(want)
	for i := 0; i < max(len(got), len(want)); i++ {
		switch {
		case i >= len(got):
			t.Fatalf("missing: %s", want[i])
		case i >= len(want):
			t.Fatalf("too many: %s", got[i])
		case got[i] != want[i]:
			t.Fatalf("got %s, want %s (row %d of %d)", got[i], want[i], i, len(want))
		}
	}
}

// Seeds runs f under seeds: DIFF_SEEDS of them (few without it), or DIFF_SEED alone.
func Seeds(t *testing.T, f func(t *testing.T, r *rand.Rand)) {
	first, n := int64(1), int64(30)
	if v, err := strconv.ParseInt(os.Getenv("DIFF_SEEDS"), 10, 64); err == nil {
		n = v
	}
	if v, err := strconv.ParseInt(os.Getenv("DIFF_SEED"), 10, 64); err == nil {
		first, n = v, 1
	}
	for seed := first; seed < first+n; seed++ {
		r := rand.New(rand.NewSource(seed))
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { f(t, r) })
		if !ok {
			return
		}
	}
	t.Logf("%d seeds", n)
}
