package sqltest_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	connectorlist "github.com/millrace/millrace/connectors/all"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/sqltest"
)

func runFile(t *testing.T, path string) (*sqltest.File, []*sqltest.Result) {
	t.Helper()
	f, err := sqltest.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.Job)
	if err != nil {
		t.Fatal(err)
	}
	var out []*sqltest.Result
	for _, c := range f.Cases {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		out = append(out, sqltest.Run(ctx, c, &sqlerr.Source{Name: f.Job, Text: string(text)}, time.Now))
		cancel()
	}
	return f, out
}

// TestCases: what a test file can say, and that it comes out the same each time.
func TestCases(t *testing.T) {
	for _, path := range []string{"testdata/orders.test", "testdata/clock.test"} {
		for range 5 {
			_, results := runFile(t, path)
			for _, r := range results {
				if !r.Passed() {
					t.Errorf("%s: %s:\n%s", path, r.Case.Name, strings.Join(r.Diff, "\n"))
				}
			}
		}
	}
}

// TestUpdate: wrong expectations are replaced, everything else stays.
func TestUpdate(t *testing.T) {
	dir := t.TempDir()
	job, err := os.ReadFile("testdata/orders.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "o.sql"), job, 0o644); err != nil {
		t.Fatal(err)
	}
	const before = `# kept
case one
input orders
{"user_id": 1, "amount": 10, "ts": "2024-01-01 10:00:01"}
watermark orders 2024-01-01 11:00:00
# kept too
expect totals
{"user_id": 1, "total": 3}
{"user_id": 9, "total": 3}

case two
input orders
{"user_id": 1, "amount": 10, "ts": "2024-01-01 10:00:01"}
expect late 7
expect changelog counts
`
	const after = `# kept
case one
input orders
{"user_id": 1, "amount": 10, "ts": "2024-01-01 10:00:01"}
watermark orders 2024-01-01 11:00:00
# kept too
expect totals
{"user_id": 1, "total": 10.00}

case two
input orders
{"user_id": 1, "amount": 10, "ts": "2024-01-01 10:00:01"}
expect late 0
expect changelog counts
+I {"user_id": 1, "n": 1}
`
	path := filepath.Join(dir, "o.test")
	if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	f, results := runFile(t, path)
	for _, r := range results {
		if r.Passed() {
			t.Errorf("%s passed", r.Case.Name)
		}
	}
	if d := strings.Join(results[0].Diff, "\n"); !strings.Contains(d, `- {"user_id": 9, "total": 3.00}`) || !strings.Contains(d, `+ {"user_id": 1, "total": 10.00}`) {
		t.Errorf("difference:\n%s", d)
	}
	var junit bytes.Buffer
	if err := sqltest.JUnit(&junit, results); err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suite); err != nil || suite.Tests != 2 || suite.Failures != 2 {
		t.Errorf("JUnit: %v %+v\n%s", err, suite, junit.String())
	}
	if n, err := sqltest.Update(f, results); err != nil || n != 3 {
		t.Errorf("%d written, %v", n, err)
	}
	if got, _ := os.ReadFile(path); string(got) != after {
		t.Errorf("updated:\n%s", got)
	}
	if _, results = runFile(t, path); !results[0].Passed() || !results[1].Passed() {
		t.Error("it doesn't pass after the update")
	}
}

const kafkaJob = `
CREATE TABLE payments (id BIGINT, account STRING, amount DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'properties.bootstrap.servers' = 'nowhere:9092', 'scan.startup.mode' = 'latest-offset', 'format' = 'json');
CREATE TABLE suspicious (w TIMESTAMP(3), until TIMESTAMP(3), account STRING, total DECIMAL(20, 2), PRIMARY KEY (w, until, account) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'suspicious', 'properties.bootstrap.servers' = 'nowhere:9092', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO suspicious SELECT window_start, window_end, account, SUM(amount) FROM TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
GROUP BY window_start, window_end, account HAVING SUM(amount) < 25;`

func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestKafkaJob: 50 cases of a job over Kafka, without a broker, in under a second;
// a changed comparison fails exactly the case at its edge.
func TestKafkaJob(t *testing.T) {
	if connectorlist.Lookup("kafka") == nil {
		t.Skip("no connector kafka is built in")
	}
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, "case %d a day\ninput payments\n", i)
		for k := range 2 {
			fmt.Fprintf(&b, "{\"id\": %d, \"account\": \"a%d\", \"amount\": %d.5, \"ts\": \"2024-01-01 10:00:%02d\"}\n", k, i, i/2, 10*k)
		}
		b.WriteString("watermark payments 2024-01-01 10:01:00\nexpect suspicious\n")
		if total := 2*(i/2) + 1; total < 25 {
			fmt.Fprintf(&b, "{\"account\": \"a%d\", \"total\": %d}\n", i, total)
		}
		b.WriteString("\n")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "k.test")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("k.sql", kafkaJob)
	write("k.test", b.String())
	began := cpu(t)
	_, results := runFile(t, path)
	took := cpu(t) - began // the machine may be busy with other tests
	t.Logf("50 cases: %v of CPU time", took)
	for _, r := range results {
		if !r.Passed() {
			t.Errorf("%s:\n%s", r.Case.Name, strings.Join(r.Diff, "\n"))
		}
	}
	if len(results) != 50 || took > time.Second {
		t.Errorf("%d cases took %v", len(results), took)
	}
	write("k.sql", strings.Replace(kafkaJob, "< 25", "<= 25", 1))
	_, results = runFile(t, path)
	var failed []string
	for _, r := range results {
		if !r.Passed() {
			failed = append(failed, r.Case.Name)
		}
	}
	if fmt.Sprint(failed) != "[24 a day 25 a day]" {
		t.Errorf("with <= these fail: %v", failed)
	}
}
