// Package crash kills the real binary at random points, starts it again with the
// same command until it ends, and compares what its sink holds with an
// uninterrupted run.
//
// CRASH_KILLS is the number of kills per job shape (`make crash` sets 200); without
// it each shape is killed once, on fewer rows. Every shape also runs on
// rows that are out of order and late. Of three jobs one keeps its state on disk, and
// one is asked for savepoints while it runs. CRASH_SEED begins the random numbers.
package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/millrace/millrace/engine" // so that the binary's code counts for the test cache
)

const table = `
CREATE TABLE nexmark (
  event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, ` + "`dateTime`" + ` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, ` + "`dateTime`" + ` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, ` + "`dateTime`" + ` TIMESTAMP(3), extra STRING>,
  ts AS %sCASE WHEN event_type = 0 THEN person.` + "`dateTime`" + ` WHEN event_type = 1 THEN auction.` + "`dateTime`" + ` ELSE bid.` + "`dateTime`" + ` END%s,
  pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '%s' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '%d');
CREATE TABLE names (id BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = 'testdata/names.csv', 'format' = 'csv');
CREATE VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, ts, pt FROM nexmark WHERE event_type = 2;
CREATE VIEW auction AS SELECT auction.id, auction.category, ts FROM nexmark WHERE event_type = 1;
`

// shape is a kind of job: its sink's columns and its query.
type shape struct {
	name, columns, format, query string
	events                       int
	roll                         string // a file this large is finished; 20kb
	ties                         bool   // results hang on the order of arrival where two subtasks send to one
	late                         bool   // rows come out of order, and some after the watermark: which are late hangs on when each subtask is heard, so there is one
	compact                      bool   // the files of a checkpoint are merged, several of a tenth of the size
	rough                        bool   // reads lines of which a third are bad, which go to a table of their own
}

// rough is a directory of files with good and bad lines, read in place of nexmark; the
// bad ones are written beside the results.
const rough = `
CREATE TABLE rough (id INT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '%[1]s', 'format' = 'csv');
CREATE TABLE results (id INT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '%[2]s', 'format' = 'json', 'sink.rolling-policy.file-size' = '20kb');
CREATE TABLE dead (` + "`offset` BIGINT, `raw` STRING, reason STRING" + `) WITH ('connector' = 'filesystem', 'path' = '%[2]s-dead', 'format' = 'json', 'sink.rolling-policy.file-size' = '20kb');
SET 'millrace.on-error.rough' = 'table:dead';
INSERT INTO results SELECT * FROM rough;
`

// writeRough makes the files: several, of different lengths.
func writeRough(dir string, lines int) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for f := range 4 {
		var b bytes.Buffer
		for n := range lines / 4 / (f + 1) {
			if n%3 == f%3 {
				fmt.Fprintf(&b, "bad %d of %d\n", n, f)
			} else {
				fmt.Fprintf(&b, "%d,%d\n", n, f)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.csv", f)), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

var shapes = []shape{
	{name: "stateless", columns: "auction BIGINT, price BIGINT, ts TIMESTAMP(3)", format: "json", events: 60_000,
		query: "SELECT auction, price, ts FROM bid WHERE MOD(auction, 7) = 1"},
	{name: "group", columns: "bidder BIGINT, c BIGINT, s BIGINT", format: "changelog-json", events: 60_000,
		query: "SELECT bidder, COUNT(*), SUM(price) FROM bid WHERE MOD(auction, 3) = 1 GROUP BY bidder"},
	{name: "windows", columns: "auction BIGINT, w TIMESTAMP(3), c BIGINT", format: "json", events: 120_000,
		query: "SELECT auction, window_start, COUNT(*) FROM HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '2' SECOND) GROUP BY auction, window_start, window_end"},
	{name: "join", columns: "id BIGINT, category BIGINT, price BIGINT", format: "json", events: 60_000,
		query: "SELECT a.id, a.category, b.price FROM auction a JOIN bid b ON a.id = b.auction WHERE MOD(b.bidder, 3) = 1"},
	{name: "join-of-keys", roll: "4kb", columns: "auction BIGINT, bidder BIGINT", format: "json", events: 80_000,
		query: "SELECT a.auction, a.bidder FROM (SELECT DISTINCT auction, MOD(bidder, 10) AS bidder FROM bid) a JOIN (SELECT DISTINCT auction, MOD(bidder, 10) AS bidder FROM bid WHERE MOD(price, 3) = 1) b ON a.auction = b.auction AND a.bidder = b.bidder"},
	{name: "top-n", columns: "auction BIGINT, bidder BIGINT, price BIGINT, rn BIGINT", format: "changelog-json", events: 60_000, ties: true,
		query: "SELECT auction, bidder, price, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS rn FROM bid) WHERE rn <= 3"},
	{name: "dedup", columns: "bidder BIGINT, auction BIGINT, ts TIMESTAMP(3)", format: "changelog-json", events: 60_000,
		query: "SELECT bidder, auction, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder ORDER BY ts DESC) AS rn FROM bid) WHERE rn = 1"},
	{name: "sessions", columns: "bidder BIGINT, w TIMESTAMP(3), c BIGINT", format: "json", events: 120_000,
		query: "SELECT bidder, window_start, COUNT(*) FROM SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY bidder, window_start, window_end"},
	{name: "over", columns: "bidder BIGINT, price BIGINT, s BIGINT, c BIGINT", format: "json", events: 60_000,
		query: "SELECT bidder, price, SUM(price) OVER w, COUNT(*) OVER w FROM bid WHERE MOD(auction, 3) = 1 WINDOW w AS (PARTITION BY bidder ORDER BY ts RANGE BETWEEN INTERVAL '1' SECOND PRECEDING AND CURRENT ROW)"},
	{name: "match", roll: "10kb", columns: "auction BIGINT, bidder BIGINT, a TIMESTAMP(3), z TIMESTAMP(3), n BIGINT", format: "json", events: 80_000,
		query: "SELECT * FROM bid MATCH_RECOGNIZE (PARTITION BY auction, bidder ORDER BY ts MEASURES FIRST(A.ts) AS a, LAST(A.ts) AS z, COUNT(A.price) AS n " +
			"AFTER MATCH SKIP PAST LAST ROW PATTERN (A+ B) WITHIN INTERVAL '2' SECOND DEFINE A AS AVG(A.price) < 10000)"},
	{name: "window-join", columns: "id BIGINT, category BIGINT, price BIGINT", format: "json", events: 80_000,
		query: "SELECT a.id, a.category, b.price FROM (SELECT * FROM TUMBLE(TABLE auction, DESCRIPTOR(ts), INTERVAL '1' SECOND)) a JOIN (SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND)) b ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.id = b.auction"},
	{name: "window-top-n", roll: "200b", columns: "w TIMESTAMP(3), auction BIGINT, c BIGINT, rn BIGINT", format: "json", events: 120_000,
		query: "SELECT window_end, auction, c, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY c DESC, auction) AS rn FROM (SELECT auction, window_start, window_end, COUNT(*) AS c FROM CUMULATE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '4' SECOND) GROUP BY auction, window_start, window_end)) WHERE rn <= 5"},
	{name: "look-up", roll: "4kb", columns: "auction BIGINT, bidder BIGINT, name STRING", format: "json", events: 50_000,
		query: "SELECT /*+ LOOKUP('table'='n', 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='1ms', 'max-attempts'='2') */ b.auction, b.bidder, n.name FROM bid b LEFT JOIN names FOR SYSTEM_TIME AS OF b.pt AS n ON MOD(b.auction, 10) = n.id WHERE MOD(b.auction, 97) = 1"},
	{name: "look-up-async", roll: "4kb", columns: "auction BIGINT, bidder BIGINT, name STRING", format: "json", events: 50_000,
		query: "SELECT /*+ LOOKUP('table'='n', 'async'='true', 'output-mode'='allow_unordered', 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='1ms', 'max-attempts'='2') */ b.auction, b.bidder, n.name FROM bid b LEFT JOIN names FOR SYSTEM_TIME AS OF b.pt AS n ON MOD(b.auction, 10) = n.id WHERE MOD(b.auction, 97) = 1"},
	{name: "multi-join", columns: "id BIGINT, category BIGINT, price BIGINT, other BIGINT", format: "json", events: 60_000,
		query: "SELECT /*+ MULTI_JOIN(a, b, c) */ a.id, a.category, b.price, c.price FROM auction a JOIN (SELECT auction, price FROM bid WHERE MOD(bidder, 9) = 1) b ON a.id = b.auction JOIN (SELECT auction, price FROM bid WHERE MOD(bidder, 30) = 2) c ON a.id = c.auction"},
	{name: "compaction", compact: true, columns: "auction BIGINT, price BIGINT, ts TIMESTAMP(3)", format: "json", events: 60_000,
		query: "SELECT auction, price, ts FROM bid WHERE MOD(auction, 7) = 2"},
	{name: "dead-letters", rough: true, events: 400_000},
}

func (s shape) script(dir string) string {
	if s.rough {
		return fmt.Sprintf(rough, filepath.Join(filepath.Dir(dir), "in"), dir)
	}
	delay, open, shift := "4", "", ""
	if s.late { // a tenth is two seconds behind, which is waited for, and a tenth five
		delay, open, shift = "3", "TIMESTAMPADD(SECOND, CASE MOD(COALESCE(bid.price, 0), 10) WHEN 7 THEN -5 WHEN 3 THEN -2 ELSE 0 END, ", ")"
	}
	roll := s.roll
	if roll == "" {
		roll = "20kb"
	}
	options := ""
	if s.compact {
		roll, options = "2kb", ", 'auto-compaction' = 'true', 'compaction.file-size' = '20kb'"
	}
	return fmt.Sprintf(table, open, shift, delay, s.events) + fmt.Sprintf("CREATE TABLE results (%s) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = '%s', 'sink.rolling-policy.file-size' = '%s'%s);\nINSERT INTO results %s;\n", s.columns, dir, s.format, roll, options, s.query)
}

func number(t *testing.T, name string, def int) int {
	v := os.Getenv(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s is %q, not a number", name, v)
	}
	return n
}

// TestMain removes what all tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	if binary.dir != "" {
		os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}

// binary is millrace, built once.
var binary struct {
	sync.Once
	dir string
	err error
}

func build(t *testing.T) string {
	t.Helper()
	binary.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "millrace-crash"); binary.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-o", filepath.Join(binary.dir, "millrace"), "../../cmd/millrace").CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("%v\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return filepath.Join(binary.dir, "millrace")
}

// job is one shape with the directories of one run.
type job struct {
	bin, script, out, state string
	parallelism             int
}

func newJob(t *testing.T, bin string, s shape, parallelism int) job {
	dir := t.TempDir()
	if s.rough {
		if err := writeRough(filepath.Join(dir, "in"), s.events); err != nil {
			t.Fatal(err)
		}
	}
	j := job{bin: bin, script: filepath.Join(dir, "job.sql"), out: filepath.Join(dir, "out"), state: filepath.Join(dir, "state"), parallelism: parallelism}
	if err := os.WriteFile(j.script, []byte(s.script(j.out)), 0o666); err != nil {
		t.Fatal(err)
	}
	return j
}

// command runs the job, with more arguments than all have.
func (j job) command(more ...string) (*exec.Cmd, *bytes.Buffer) {
	args := append([]string{"run", "--state-dir", j.state, "-p", fmt.Sprint(j.parallelism), "-D", "execution.checkpointing.interval=20ms"}, more...)
	cmd := exec.Command(j.bin, append(args, j.script)...)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	return cmd, &text
}

// rows are the lines of the visible files, sorted: those of results and of dead.
func (j job) rows(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(j.out+"*", "[^.]*"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
			if l != "" {
				lines = append(lines, l)
			}
		}
	}
	sort.Strings(lines)
	return lines
}

// merged checks that what can be seen are merged files, and that nothing else is left.
func (j job) merged(t *testing.T) {
	t.Helper()
	files, err := os.ReadDir(j.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "compacted-part-") {
			t.Errorf("%s is left", f.Name())
		}
	}
}

// manifests are the state directory's, oldest first.
func (j job) manifests() []string {
	list, _ := filepath.Glob(filepath.Join(j.state, "*", "*.manifest"))
	sort.Slice(list, func(a, b int) bool {
		return len(list[a]) < len(list[b]) || len(list[a]) == len(list[b]) && list[a] < list[b]
	})
	return list
}

// pending says that the newest manifest names finished files that aren't visible:
// the kill fell between prepare and commit.
func (j job) pending() bool {
	list := j.manifests()
	if len(list) == 0 {
		return false
	}
	b, _ := os.ReadFile(list[len(list)-1])
	_, b, _ = bytes.Cut(b, []byte("\n"))
	var m struct{ Sinks []struct{ Pending [][]byte } }
	if json.Unmarshal(b, &m) != nil {
		return false
	}
	for _, s := range m.Sinks {
		for _, p := range s.Pending {
			var files struct {
				Files []struct {
					Name string
					Open bool
				}
			}
			if json.Unmarshal(p, &files) != nil {
				continue
			}
			for _, f := range files.Files {
				if _, err := os.Stat(filepath.Join(j.out, "."+f.Name+".inprogress")); err == nil && !f.Open {
					return true
				}
			}
		}
	}
	return false
}

// aim waits, then, for every other kill, for the next manifest to appear: a commit
// follows it.
func (j job) aim(wait time.Duration, close bool, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-time.After(wait):
	}
	had := j.manifests()
	for tries := 0; close && tries < 200; tries++ {
		if now := j.manifests(); len(now) > 0 && (len(had) == 0 || now[len(now)-1] != had[len(had)-1]) {
			return
		}
		select {
		case <-over:
			return
		case <-time.After(200 * time.Microsecond):
		}
	}
}

func TestKill(t *testing.T) {
	kills, seed := number(t, "CRASH_KILLS", 0), number(t, "CRASH_SEED", 1)
	short := kills == 0
	bin := build(t)
	all := shapes
	for _, s := range shapes {
		if s.rough || s.compact {
			continue
		}
		s.name, s.late = s.name+"-late", true
		all = append(all, s)
	}
	for i, s := range all {
		for _, p := range []int{1, 2} {
			alone := s.ties || s.late
			if p > 1 && alone || short && !alone && p != 1+i%2 {
				continue
			}
			if short {
				kills = 1
				s.events /= 4
			}
			t.Run(fmt.Sprintf("%s/%d", s.name, p), func(t *testing.T) {
				whole := newJob(t, bin, s, p)
				cmd, text := whole.command()
				began := time.Now()
				if err := cmd.Run(); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				took := time.Since(began)
				want := whole.rows(t)
				if len(want) == 0 {
					t.Fatal("the job has no rows")
				}
				r := rand.New(rand.NewSource(int64(seed*100 + i*10 + p)))
				done, between, resumed, saved := 0, 0, 0, 0
				for n := 0; done < kills; n++ {
					j := newJob(t, bin, s, p)
					var with []string
					if n%3 == 1 {
						with = []string{"-D", "millrace.spill=always"} // state on disk
					}
					tries := 0
					for {
						cmd, text := j.command(with...)
						if err := cmd.Start(); err != nil {
							t.Fatal(err)
						}
						// A run that was killed often gets longer, so that it ends on a machine that has become slower.
						wait := time.Duration(r.Int63n(int64(took) * int64(1+tries/8)))
						tries++
						over, aimed := make(chan struct{}), make(chan struct{})
						var savepoints sync.WaitGroup
						if n%3 == 2 { // the kill may fall into one
							savepoints.Go(func() {
								for {
									select {
									case <-over:
										return
									default:
									}
									if exec.Command(bin, "savepoint", "--state-dir", j.state).Run() == nil {
										saved++
									}
								}
							})
						}
						go func() {
							defer close(aimed)
							j.aim(wait, done%2 == 1, over)
							_ = cmd.Process.Signal(syscall.SIGKILL)
						}()
						err := cmd.Wait()
						close(over)
						<-aimed
						savepoints.Wait()
						if strings.Contains(text.String(), "goes on from checkpoint") {
							resumed++
						}
						if err == nil {
							break
						}
						if cmd.ProcessState.ExitCode() >= 0 {
							t.Fatalf("%v after %d kills\n%s", err, done, text)
						}
						done++
						if j.pending() {
							between++
						}
					}
					same(t, want, j.rows(t))
					if s.compact {
						j.merged(t)
					}
				}
				if kills >= 50 && between == 0 {
					t.Errorf("no kill of %d fell between prepare and commit", done)
				}
				t.Logf("%d kills, %d of them between prepare and commit, %d runs went on from a checkpoint, %d savepoints, %d rows", done, between, resumed, saved, len(want))
			})
		}
	}
}

// same fails with the first rows that differ.
func same(t *testing.T, want, got []string) {
	t.Helper()
	count := map[string]int{}
	for _, l := range want {
		count[l]++
	}
	for _, l := range got {
		count[l]--
	}
	shown := 0
	for l, n := range count {
		if n != 0 && shown < 5 {
			t.Errorf("%d times too few: %s", n, l)
			shown++
		}
	}
	if t.Failed() {
		t.Fatalf("%d rows instead of %d", len(got), len(want))
	}
}
