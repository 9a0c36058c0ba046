package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

var (
	differentialSeed  = flag.Int64("differential.seed", 0, "run TestDifferential with this seed alone")
	differentialSeeds = flag.Int64("differential.seeds", 12, "how many seeds TestDifferential runs, of every query")
)

// TestDifferential compares joins, ranks, sub-queries and set operations on random
// changelogs, with NULLs, duplicates, ties and rows taken back, with the same computed
// from scratch over what the changelogs leave.
func TestDifferential(t *testing.T) {
	first, last := int64(1), *differentialSeeds
	if *differentialSeed != 0 {
		first, last = *differentialSeed, *differentialSeed
	}
	for seed := first; seed <= last; seed++ {
		in := makeInputs(t, rand.New(rand.NewSource(seed)))
		s := engine.New(engine.Config{Options: map[string]string{"millrace.batch-rows": []string{"1", "3", "1024"}[seed%3]}})
		if err := s.Run(context.Background(), &sqlerr.Source{Name: "tables", Text: in.tables}, &sink{w: &bytes.Buffer{}}); err != nil {
			t.Fatal(err)
		}
		for _, q := range differentialQueries {
			var out bytes.Buffer
			if err := s.Run(context.Background(), &sqlerr.Source{Name: "query", Text: q.sql}, &sink{w: &out, changelog: true}); err != nil {
				t.Fatalf("seed %d: %s\n%v", seed, q.sql, err)
			}
			var want []string
			for _, r := range q.naive(in) {
				b, _ := json.Marshal(r)
				want = append(want, string(b))
			}
			slices.Sort(want)
			if got := foldedValues(t, out.String()); !slices.Equal(got, want) {
				t.Errorf("seed %d: %s\ngot  %v\nwant %v\n%s", seed, q.sql, got, want, in)
			}
		}
	}
	t.Logf("%d queries, seeds %d to %d", len(differentialQueries), first, last)
}

// drow is a row: the values of its columns, nil for NULL.
type drow []any

func (r drow) n(i int) (int, bool) { v, ok := r[i].(int); return v, ok }

// inputs are the tables after all changes, in the order in which rows came.
type inputs struct {
	l, r       []drow // l(id, k, v), r(k, w)
	a, b       []drow // insert-only: a(id, k, t), b(k, w, t), t in seconds
	versions   []drow // b's changes by key: (op, k, w, t)
	tables     string
	changelogs map[string]string
}

func (in inputs) String() string {
	var b strings.Builder
	for _, name := range []string{"l", "r", "a", "b", "ver"} {
		fmt.Fprintf(&b, "%s:\n%s", name, in.changelogs[name])
	}
	return b.String()
}

// makeInputs writes random tables.
func makeInputs(t *testing.T, rnd *rand.Rand) inputs {
	dir := t.TempDir()
	in := inputs{changelogs: map[string]string{}}
	maybe := func(n int) any {
		if rnd.Intn(6) == 0 {
			return nil
		}
		return rnd.Intn(n)
	}
	changing := func(name string, cols []string, row func() drow) []drow {
		var live []drow
		var text strings.Builder
		say := func(op string, r drow) {
			o := map[string]any{}
			for i, c := range cols {
				o[c] = r[i]
			}
			b, _ := json.Marshal(map[string]any{"op": op, "row": o})
			text.Write(append(b, '\n'))
		}
		for range 5 + rnd.Intn(25) {
			if len(live) == 0 || rnd.Intn(3) > 0 {
				r := row()
				if len(live) > 0 && rnd.Intn(8) == 0 {
					r = live[rnd.Intn(len(live))] // a duplicate
				}
				live = append(live, r)
				say("+I", r)
				continue
			}
			gone := live[rnd.Intn(len(live))]
			at := slices.IndexFunc(live, func(r drow) bool { return fmt.Sprint(r) == fmt.Sprint(gone) })
			live = slices.Delete(slices.Clone(live), at, at+1)
			if rnd.Intn(2) == 0 {
				say("-D", gone)
				continue
			}
			say("-U", gone)
			r := row()
			live = append(live, r)
			say("+U", r)
		}
		in.changelogs[name] = text.String()
		return live
	}
	id := 0
	in.l = changing("l", []string{"id", "k", "v"}, func() drow { id++; return drow{id, maybe(4), maybe(5)} })
	in.r = changing("r", []string{"k", "w"}, func() drow { return drow{maybe(4), maybe(5)} })
	timed := func(name string, cols []string, row func(sec int) drow) []drow {
		var rows []drow
		var text strings.Builder
		for range 5 + rnd.Intn(20) {
			r := row(rnd.Intn(40))
			o := map[string]any{}
			for i, c := range cols {
				o[c] = r[i]
			}
			o["t"] = stamp(r[len(r)-1].(int))
			b, _ := json.Marshal(map[string]any{"op": "+I", "row": o})
			text.Write(append(b, '\n'))
			rows = append(rows, r)
		}
		in.changelogs[name] = text.String()
		return rows
	}
	in.a = timed("a", []string{"id", "k", "t"}, func(sec int) drow { id++; return drow{id, maybe(3), sec} })
	in.b = timed("b", []string{"k", "w", "t"}, func(sec int) drow { return drow{maybe(3), rnd.Intn(9), sec} })
	in.makeVersions(rnd)
	for name, text := range in.changelogs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	with := func(name, more string) string {
		return " WITH ('connector' = 'filesystem', 'path' = '" + filepath.Join(dir, name) + "', 'format' = 'changelog-json'" + more + ");\n"
	}
	insert := ", 'changelog-json.mode' = 'insert'"
	in.tables = "CREATE TABLE l (id INT, k INT, v INT)" + with("l", "") + "CREATE TABLE r (k INT, w INT)" + with("r", "") +
		"CREATE TABLE a (id INT, k INT, t TIMESTAMP(3), WATERMARK FOR t AS t - INTERVAL '1' DAY)" + with("a", insert) +
		"CREATE TABLE b (k INT, w INT, t TIMESTAMP(3), WATERMARK FOR t AS t - INTERVAL '1' DAY)" + with("b", insert) +
		"CREATE TABLE ver (k INT, w INT, t TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED, WATERMARK FOR t AS t - INTERVAL '1' DAY)" + with("ver", "")
	return in
}

// makeVersions writes changes of keys 0 to 2, each with a time of its own.
func (in *inputs) makeVersions(rnd *rand.Rand) {
	var text strings.Builder
	times := rnd.Perm(60)
	live := map[int]drow{}
	for range 12 {
		k, w, t := rnd.Intn(3), rnd.Intn(9), times[0]
		times = times[1:]
		op := "+I"
		if old := live[k]; old != nil {
			if op = "+U"; rnd.Intn(4) == 0 {
				op, w = "-D", old[1].(int)
			} else {
				fmt.Fprintf(&text, `{"op":"-U","row":{"k":%d,"w":%d,"t":%q}}`+"\n", k, old[1], stamp(old[2].(int)))
			}
		}
		fmt.Fprintf(&text, `{"op":%q,"row":{"k":%d,"w":%d,"t":%q}}`+"\n", op, k, w, stamp(t))
		if live[k] = (drow{k, w, t}); op == "-D" {
			delete(live, k)
		}
		in.versions = append(in.versions, drow{op, k, w, t})
	}
	in.changelogs["ver"] = text.String()
}

func stamp(sec int) string { return fmt.Sprintf("2024-01-01 00:00:%02d", sec) }

// foldedValues is the rows a changelog leaves, as JSON arrays, sorted.
func foldedValues(t *testing.T, changelog string) []string {
	count := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(changelog), "\n") {
		if line == "" {
			continue
		}
		var c struct {
			Op  string
			Row json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		d := json.NewDecoder(bytes.NewReader(c.Row))
		var vals []any
		for tok, err := d.Token(); err == nil; tok, err = d.Token() {
			if _, ok := tok.(json.Delim); ok {
				continue
			}
			v, _ := d.Token()
			vals = append(vals, v)
		}
		b, _ := json.Marshal(vals)
		if c.Op[0] == '+' {
			count[string(b)]++
		} else {
			count[string(b)]--
		}
	}
	var out []string
	for row, n := range count {
		for range n {
			out = append(out, row)
		}
		if n < 0 {
			out = append(out, fmt.Sprintf("%d of %s", n, row))
		}
	}
	slices.Sort(out)
	return out
}
