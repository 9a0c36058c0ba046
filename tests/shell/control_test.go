package shell

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a millrace that runs beside the test.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
	env    []string
	gone   chan struct{} // closed when it has ended
	dir    string
}

const hourly = `
CREATE TABLE orders (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json', 'source.monitor-interval' = '100 ms');
CREATE TABLE totals (w TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole');
SET 'pipeline.name' = 'hourly';
INSERT INTO totals SELECT window_start, COUNT(*) FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;
`

const hourlyRows = `{"id": 1, "ts": "2024-01-01 10:00:01"}
{"id": 2, "ts": "2024-01-01 10:20:00"}
{"id": 3, "ts": "2024-01-01 10:10:00"}
`

// runHourly starts the job and waits until it has read its three rows.
func runHourly(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir()}
	p.env = append(os.Environ(), "TZ=UTC", "HOME="+p.dir, "XDG_RUNTIME_DIR="+runtimeDir(t))
	if err := os.Mkdir(filepath.Join(p.dir, "in"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"job.sql": hourly, "in/1.json": hourlyRows} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p.cmd = exec.Command(binary, "run", "job.sql")
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = p.dir, p.env, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.gone = make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(p.gone) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.gone
	})
	until := time.Now().Add(patience)
	for {
		out, _ := p.try("-e", "SELECT rows_in, watermark_at FROM sys.operators WHERE name = 'WindowAggregate'")
		if strings.Contains(out, `"rows_in":3,"watermark_at":"2024`) {
			return p
		}
		select {
		case <-p.gone:
			t.Fatalf("the job has ended: %s", &p.stderr)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(until) {
			t.Fatalf("the job doesn't read its rows: %s", out)
		}
	}
}

func (p *process) try(args ...string) (string, error) {
	c := exec.Command(binary, args...)
	c.Dir, c.Env = p.dir, p.env
	out, err := c.CombinedOutput()
	return string(out), err
}

// shows runs a command of another process and looks for texts in what it says, in
// their order.
func (p *process) shows(args []string, texts ...string) {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Errorf("%q: %v\n%s", args, err, out)
		return
	}
	rest := out
	for _, s := range texts {
		i := strings.Index(rest, s)
		if i < 0 {
			p.t.Errorf("%q: no %q in\n%s", args, s, out)
			return
		}
		rest = rest[i+len(s):]
	}
}

// ends signals the process and answers its exit code.
func (p *process) ends(s syscall.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	return p.code()
}

// code waits for the end and answers the exit code.
func (p *process) code() int {
	p.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.t.Fatal("it doesn't end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// TestOtherProcess: what a job does, and why it sends nothing, is told to another
// process.
func TestOtherProcess(t *testing.T) {
	t.Parallel()
	p := runHourly(t)
	p.shows([]string{"jobs"}, "hourly", "RUNNING")
	why := "the window ends at 2024-01-01 11:00:00.000, the watermark is at 2024-01-01 10:20:00.000: 40m0s of event time to go"
	p.shows([]string{"why"}, "hourly: "+why)
	p.shows([]string{"why", "hourly"}, "hourly: "+why)
	p.shows([]string{"why", "hourly", "--json"}, `{"schema":"millrace.why/1","job":"hourly","cause":"window-open"`)
	p.shows([]string{"explain", "--analyze", "hourly"}, "== Job hourly (RUNNING", "WindowAggregate", "in 3", "state 1 keys")
	p.shows([]string{"-e", "EXPLAIN ANALYZE JOB 'hourly'"}, "== Job hourly (RUNNING", "WindowAggregate", "in 3")
	p.shows([]string{"-e", "SHOW SPLITS"}, `"job":"hourly"`, "1.json", `"rows":"3","max event time":"2024-01-01 10:20:00.000"`)
	p.shows([]string{"-e", "SELECT job, status, rows_in FROM sys.jobs"}, `{"job":"hourly","status":"RUNNING","rows_in":3}`)
	p.shows([]string{"-e", "SELECT job, read_rows, max_time FROM sys.splits"}, `{"job":"hourly","read_rows":3,"max_time":"2024-01-01 10:20:00`)
	p.shows([]string{"-D", "execution.runtime-mode=batch", "-e", "SELECT COUNT(*) AS n FROM sys.errors; SELECT COUNT(*) AS n FROM sys.late"}, `{"n":0}`, `{"n":0}`)

	p.shows([]string{"-e", "SELECT slice, `COUNT(*)` FROM state.hourly.WindowAggregate"}, `{"slice":1704106800000,"COUNT(*)":3}`)
	p.shows([]string{"jobs", "--json"}, `"made": 0`) // that it was looked at is no checkpoint

	x := startWith(t, p.dir, p.env, 120, 30)
	x.prompt()
	x.send("\\why hourly\r")
	x.sees("hourly: the window ends at 2024-01-01 11:00:00.000")
	x.prompt()

	for _, args := range [][]string{{"why", "nothing"}, {"explain", "--analyze", "nothing"}} {
		if out, err := p.try(args...); err == nil || !strings.Contains(out, `job "nothing" not found (running: hourly `) {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
	if code := p.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit code %d; %s", code, &p.stderr)
	}
	p.shows([]string{"-D", "execution.runtime-mode=batch", "-e", "SELECT COUNT(*) AS n FROM sys.jobs"}, `{"n":0}`)
}

// TestVerbs: a job that another process has ended as told hasn't failed.
func TestVerbs(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"stop", "cancel"} {
		p := runHourly(t)
		p.shows([]string{verb, "hourly"})
		if code := p.code(); code != 0 || strings.Contains(p.stderr.String(), "error") {
			t.Errorf("%s: exit code %d; %s", verb, code, &p.stderr)
		}
	}
}

// TestSignals: a stop in good order is 0 after SIGTERM and 130 after Ctrl-C.
func TestSignals(t *testing.T) {
	t.Parallel()
	for s, want := range map[syscall.Signal]int{syscall.SIGTERM: 0, syscall.SIGHUP: 0, syscall.SIGINT: 130} {
		if code := runHourly(t).ends(s); code != want {
			t.Errorf("%v: exit code %d, want %d", s, code, want)
		}
	}
}
