package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const simulatedJob = `
CREATE TABLE n (event_type INT, bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, ` + "`dateTime`" + ` TIMESTAMP(3), extra STRING>)
  WITH ('connector' = 'nexmark', 'events.num' = '400', 'splits' = '2');
CREATE TABLE r (a BIGINT, b BIGINT) WITH ('connector' = 'filesystem', 'path' = '$D/out', 'format' = 'changelog-json');
INSERT INTO r SELECT MOD(bid.auction, 5), $F FROM n WHERE event_type = 2 GROUP BY MOD(bid.auction, 5);
`

// simulated runs the verb and returns what it prints, and its exit code; -1 is an
// error that isn't about a result.
func simulated(t *testing.T, args ...string) (string, int, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		said <- string(b)
	}()
	old, oldErr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	root := newRoot()
	root.SetArgs(append([]string{"simulate"}, args...))
	err = root.ExecuteContext(context.Background())
	os.Stdout, os.Stderr = old, oldErr
	w.Close()
	text := <-said
	var e exit
	switch {
	case err == nil:
		return text, exitOK, nil
	case errors.As(err, &e):
		return text, e.code, nil
	}
	return text, -1, err
}

// TestSimulateVerb: a job whose result is always the same, and one whose result hangs
// on the order in which two splits are read.
func TestSimulateVerb(t *testing.T) {
	dir := t.TempDir()
	file := func(name, function string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(strings.NewReplacer("$D", dir, "$F", function).Replace(simulatedJob)), 0o666); err != nil {
			t.Fatal(err)
		}
		return p
	}
	sum, last := file("sum.sql", "SUM(bid.price)"), file("last.sql", "LAST_VALUE(bid.price)")

	text, code, err := simulated(t, sum, "-p", "2", "--seeds", "12")
	if code != exitOK || !strings.HasPrefix(text, "12 seeds, the result is always the same: ") || strings.Contains(text, " 0 kills") {
		t.Fatalf("%d %v\n%s", code, err, text)
	}
	text, code, err = simulated(t, last, "-p", "2", "--seeds", "100", "--json")
	var found struct {
		Schema, Difference string
		Seed               int64
	}
	if jerr := json.Unmarshal([]byte(text), &found); code != exitTest || jerr != nil || found.Difference == "" || found.Schema != "millrace.simulate/1" {
		t.Fatalf("%d %v %v\n%s", code, err, jerr, text)
	}
	again, code, err := simulated(t, last, "-p", "2", "--first", fmt.Sprint(found.Seed), "--seeds", "1")
	if code != exitTest || !strings.Contains(again, found.Difference) || !strings.Contains(again, "again: --first "+fmt.Sprint(found.Seed)+" --seeds 1") {
		t.Fatalf("%d %v\n%s\nfirst\n%s", code, err, again, found.Difference)
	}
	if found.Seed > 1 {
		if text, code, err = simulated(t, last, "-p", "2", "--seeds", fmt.Sprint(found.Seed-1)); code != exitOK {
			t.Fatalf("a smaller seed than %d differs: %d %v\n%s", found.Seed, code, err, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("the simulation has written files")
	}

	endless := filepath.Join(dir, "endless.sql")
	if err := os.WriteFile(endless, []byte("CREATE TABLE g (i INT) WITH ('connector' = 'datagen'); CREATE TABLE r (i INT) WITH ('connector' = 'blackhole'); INSERT INTO r SELECT i FROM g;"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{endless}, "a simulation needs sources that end"},
		{[]string{sum, "-D", "execution.runtime-mode=batch"}, "batch mode has none of"},
		{[]string{sum, "--state-dir", dir}, "takes neither --catalog nor --state-dir"},
	} {
		text, code, err := simulated(t, x.args...)
		if err != nil {
			text += err.Error()
		}
		if code == exitOK || code == exitTest || !strings.Contains(text, x.want) {
			t.Errorf("%v: %d %s; want %q", x.args, code, text, x.want)
		}
	}
}
