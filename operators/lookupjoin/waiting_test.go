package lookupjoin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/lookupjoin"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// dictionary has a row per letter, with the number of times it was asked for, from
// the day on that it was added.
type dictionary struct {
	words map[string]bool
	asked map[string]int
	rows  batch.Batch
	of    []int32
}

var dictionarySchema = types.NewSchema(types.Field{Name: "word", Type: types.StringType}, types.Field{Name: "asked", Type: types.BigIntType})

func (d *dictionary) Ask(keys *batch.Batch) (*batch.Batch, []int32, error) {
	d.rows.Reset(dictionarySchema.Types())
	d.of = d.of[:0]
	one := batch.Batch{Len: 1, Cols: make([]batch.Vector, 2)}
	for i := range keys.Len {
		w := string(keys.Cols[0].Bytes(i))
		d.asked[w]++
		if !d.words[w] {
			continue
		}
		one.Cols[0].Prepare(types.StringType, 1)
		one.Cols[1].Prepare(types.BigIntType, 1)
		one.Cols[0].SetString(0, w)
		one.Cols[1].I64[0] = int64(d.asked[w])
		d.rows.AppendRow(dictionarySchema.Types(), batch.Insert, &one, 0)
		d.of = append(d.of, int32(i))
	}
	return &d.rows, d.of, nil
}

func (d *dictionary) Close() error { return nil }

func spec(d *dictionary, outer, unordered bool) *lookupjoin.Spec {
	return &lookupjoin.Spec{Table: "dictionary", Left: optest.Schema, Right: dictionarySchema, Keys: [2][]int{{1}, {0}}, Outer: outer,
		Out:  types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), dictionarySchema.Fields...)...),
		Open: func(*operators.Env) (lookupjoin.Asker, error) { return d, nil }, Retry: &lookupjoin.Retry{Delay: time.Second, Attempts: 2}, Unordered: unordered}
}

func letters(s string) *batch.Batch {
	var rows []optest.Row
	for i, w := range strings.Split(s, "") {
		rows = append(rows, optest.Row{Ms: int64(i), K: &w})
	}
	return optest.Batch(rows, nil)
}

// words are the rows sent: the letter and how often it had been asked for.
func words(d *optest.Driver) string {
	var out []string
	for _, c := range d.Taken() {
		f := strings.Fields(c.Row)
		out = append(out, f[1]+f[4])
	}
	return strings.Join(out, " ")
}

// TestRetry: a row without an answer waits for Tick and the others go on, behind it
// or, when any order will do, past it; the watermark waits; after the last attempt
// the row goes out as one without an answer.
func TestRetry(t *testing.T) {
	for _, unordered := range []bool{false, true} {
		dict := &dictionary{words: map[string]bool{"a": true, "b": true}, asked: map[string]int{}}
		d := optest.New(t, spec(dict, true, unordered), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
		d.Env.Now = func() time.Time { return now }
		tick := func(after time.Duration) (pass int64, next time.Time) {
			t.Helper()
			now = now.Add(after)
			pass, next, err := d.Op.(operators.Ticker).Tick(now)
			if err != nil {
				t.Fatal(err)
			}
			d.Flush()
			return pass, next
		}
		check := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Fatalf("unordered %v: %s: got %q, want %q", unordered, what, got, want)
			}
		}
		pick := func(ordered, any string) string {
			if unordered {
				return any
			}
			return ordered
		}
		waits := func(want bool) {
			t.Helper()
			if got := d.Op.(operators.Lingerer).Waiting(); got != want {
				t.Fatalf("waiting: %v", got)
			}
		}
		d.Process(0, letters("axbx"))
		check("first", words(d), pick("a1", "a1 b1"))
		waits(true)
		if pass, err := d.Op.Watermark(500); err != nil || pass != operators.MinWatermark {
			t.Fatalf("the watermark passed rows that wait: %d %v", pass, err)
		}
		now = now.Add(time.Second / 2)
		d.Process(0, letters("ay"))
		check("second", words(d), pick("", "a2"))
		dict.words["x"] = true
		if _, next := tick(time.Second / 4); !next.Equal(time.Date(2024, 1, 1, 12, 0, 1, 0, time.UTC)) {
			t.Fatalf("the next question is at %v", next)
		}
		check("too early", words(d), "")
		tick(time.Second / 4)
		check("x is there", words(d), pick("x3 b1 x4 a2", "x3 x4"))
		waits(true)
		tick(time.Second / 2)
		check("y asked again", words(d), "")
		pass, _ := tick(time.Second)
		check("y given up", words(d), "y-")
		waits(false)
		if pass != 500 {
			t.Fatalf("behind the last row that waits the watermark is %d", pass)
		}
		if dict.asked["y"] != 3 {
			t.Fatalf("asked for y %d times", dict.asked["y"])
		}
		d.Process(0, letters("ab"))
		check("nothing waits", words(d), "a3 b2")
	}
}

// TestRetryRestored: rows that wait at a checkpoint are asked for again.
func TestRetryRestored(t *testing.T) {
	dict := &dictionary{words: map[string]bool{"a": true}, asked: map[string]int{}}
	s := spec(dict, false, false)
	d := optest.New(t, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
	d.Process(0, letters("xaya"))
	if got := words(d); got != "" {
		t.Fatalf("sent %q", got)
	}
	// another operator on the same state
	op := s.New()
	env := *d.Env
	env.Restored = 1
	var out sink
	if err := op.Open(&env, &out); err != nil {
		t.Fatal(err)
	}
	if !op.(operators.Lingerer).Waiting() {
		t.Fatal("nothing waits")
	}
	dict.words["x"], dict.words["y"] = true, true
	if _, _, err := op.(operators.Ticker).Tick(env.Now()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(out.rows, " "); got != "x a y a" {
		t.Fatalf("sent %q", got)
	}
	if err := op.Flush(); err != nil {
		t.Fatal(err)
	}
}

type sink struct{ rows []string }

func (s *sink) Emit(b *batch.Batch) error {
	for i := range b.Len {
		s.rows = append(s.rows, string(b.Cols[1].Bytes(i)))
	}
	return nil
}
