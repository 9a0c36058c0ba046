package crash

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slow is a script whose events come at a rate, so that there is time to order a
// savepoint.
func slow(s shape, out string) string {
	return strings.Replace(s.script(out), "'connector' = 'nexmark'", "'connector' = 'nexmark', 'emit.rate' = '40000'", 1)
}

// verbs run the command line's other verbs, which speak to a job through its socket.
type verbs struct {
	t   *testing.T
	bin string
}

func newVerbs(t *testing.T, bin string) verbs {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	return verbs{t, bin}
}

func (v verbs) run(args ...string) string {
	v.t.Helper()
	out, err := exec.Command(v.bin, args...).CombinedOutput()
	if err != nil {
		v.t.Fatalf("millrace %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// jobs is what millrace jobs says of a job.
type jobs struct {
	Jobs []struct {
		RowsIn      int64 `json:"rows_in"`
		Checkpoints struct{ Made int }
	}
}

// await asks for the job until it's as far as it should be.
func (v verbs) await(j job, text *bytes.Buffer, enough func(jobs) bool) {
	v.t.Helper()
	for tries := 0; ; tries++ {
		var list jobs
		args := []string{"jobs", "--json"}
		if j.state != "" {
			args = append(args, "--state-dir", j.state)
		}
		if err := json.Unmarshal([]byte(v.run(args...)), &list); err != nil {
			v.t.Fatal(err)
		}
		if len(list.Jobs) == 1 && enough(list) {
			return
		}
		if tries > 500 {
			v.t.Fatalf("the job doesn't come up\n%s", text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// afterSome is when a job has made a few checkpoints.
func afterSome(l jobs) bool { return l.Jobs[0].Checkpoints.Made > 3 }

func shapeOf(t *testing.T, name string) shape {
	t.Helper()
	for _, s := range shapes {
		if s.name == name {
			s.events = 60_000
			return s
		}
	}
	t.Fatalf("there is no shape %s", name)
	return shape{}
}

// begin starts the job of a shape, slowly, and returns it with what an uninterrupted run
// has written.
func begin(t *testing.T, bin string, s shape, args ...string) (j job, cmd *exec.Cmd, text *bytes.Buffer, want []string) {
	t.Helper()
	whole := newJob(t, bin, s, 1)
	if out, err := exec.Command(bin, "run", whole.script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	j = newJob(t, bin, s, 1)
	if err := os.WriteFile(j.script, []byte(slow(s, j.out)), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd, text = j.command(args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return j, cmd, text, whole.rows(t)
}

// TestSavepoint stops a job with a savepoint, starts it from there at another
// parallelism, without its state directory, and compares with a run that was left
// alone. One that is spilled has its state on disk all the time, before and after.
func TestSavepoint(t *testing.T) {
	bin := build(t)
	newVerbs(t, bin)
	const spill = "millrace.spill=always"
	for _, c := range []struct{ name, option string }{
		{"group", ""}, {"windows", ""}, {"sessions", ""}, {"join", ""}, {"group", spill}, {"windows", spill}, {"join", spill},
	} {
		t.Run(c.name+" "+c.option, func(t *testing.T) {
			v := verbs{t, bin}
			var with []string
			if c.option != "" {
				with = []string{"-D", c.option}
			}
			j, cmd, text, want := begin(t, bin, shapeOf(t, c.name), with...)
			v.await(j, text, afterSome)
			running := v.run("savepoint", "--state-dir", j.state, "--dir", t.TempDir()) // one that the job outlives
			path := v.run("stop", "--savepoint", "--state-dir", j.state)
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if running == path {
				t.Fatal("both savepoints are one")
			}
			if out := v.run("checkpoint", "verify", path); !strings.Contains(out, "whole") {
				t.Fatalf("verify: %s", out)
			}
			out := v.run(append(append([]string{"run", "-p", "2"}, with...), "-D", "execution.savepoint.path="+path, j.script)...)
			if !strings.Contains(out, "goes on from savepoint "+path) || strings.Contains(out, "written again") {
				t.Fatalf("it began anew, or behind what is published\n%s", out)
			}
			same(t, want, j.rows(t))
		})
	}
}

// TestSavepointOutlived goes on from a savepoint that a running job has made. What the job
// hadn't published by then is published by who goes on; what it has published since comes
// again, and that is said.
func TestSavepointOutlived(t *testing.T) {
	bin := build(t)
	newVerbs(t, bin)
	for _, c := range []struct {
		name, interval string
		again          bool // the job publishes after the savepoint
	}{
		{"join", "10 min", false}, {"join", "20ms", true}, {"group", "10 min", false}, {"group", "20ms", true},
	} {
		t.Run(c.name+" "+c.interval, func(t *testing.T) {
			v := verbs{t, bin}
			j, cmd, text, want := begin(t, bin, shapeOf(t, c.name), "-D", "execution.checkpointing.interval="+c.interval)
			v.await(j, text, func(l jobs) bool { return l.Jobs[0].RowsIn > 10_000 })
			path := v.run("savepoint", "--state-dir", j.state, "--dir", t.TempDir())
			if c.again {
				made := 0
				v.await(j, text, func(l jobs) bool {
					if made == 0 {
						made = l.Jobs[0].Checkpoints.Made
					}
					return l.Jobs[0].Checkpoints.Made > made+2
				})
			}
			if c.again {
				v.run("cancel", "--state-dir", j.state)
			} else {
				on := exec.Command(bin, "run", "-p", "2", "-D", "execution.savepoint.path="+path, j.script)
				if out, err := on.CombinedOutput(); err == nil || !strings.Contains(string(out), "another process") {
					t.Fatalf("two processes write one file: %v\n%s", err, out)
				}
				_ = cmd.Process.Kill()
			}
			_ = cmd.Wait()
			out := v.run("run", "-p", "2", "-D", "execution.savepoint.path="+path, j.script)
			if !strings.Contains(out, "goes on from savepoint "+path) || !strings.Contains(out, "written again") {
				t.Fatalf("it doesn't say where it goes on\n%s", out)
			}
			got := j.rows(t)
			if !c.again {
				same(t, want, got)
				return
			}
			had := map[string]int{}
			for _, l := range got {
				had[l]++
			}
			for _, l := range want {
				if had[l]--; had[l] < 0 {
					t.Fatalf("a row is lost: %s", l)
				}
			}
			if len(got) == len(want) {
				t.Error("nothing was published after the savepoint, so nothing is tested")
			}
		})
	}
}

// TestTwoProcesses: a second process is refused the state directory.
func TestTwoProcesses(t *testing.T) {
	bin := build(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	j := newJob(t, bin, shapes[0], 1)
	if err := os.WriteFile(j.script, []byte(slow(shapes[0], j.out)), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd, text := j.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for tries := 0; len(j.manifests()) == 0; tries++ {
		if tries > 500 {
			t.Fatalf("the job doesn't come up\n%s", text)
		}
		time.Sleep(10 * time.Millisecond)
	}
	second, said := j.command()
	if err := second.Run(); err == nil || second.ProcessState.ExitCode() != 6 || !strings.Contains(said.String(), "another process") {
		t.Fatalf("the second process: %v\n%s", err, said)
	}
}

// TestRefused: what a checkpoint doesn't fit is refused before anything runs.
func TestRefused(t *testing.T) {
	bin := build(t)
	s := shapes[1]
	s.events = 5000
	j := newJob(t, bin, s, 1)
	cmd, text := j.command()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	dirs, _ := filepath.Glob(filepath.Join(j.state, "*"))
	if len(dirs) == 0 {
		t.Fatal("no state directory")
	}
	s.query = strings.Replace(s.query, "SUM(price)", "MAX(price)", 1)
	if err := os.WriteFile(j.script, []byte(s.script(j.out+"2")), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd, text = j.command()
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != 6 {
		t.Fatalf("exit %d\n%s", code, text)
	}
	for _, want := range []string{"GroupAggregate", "SUM(price)", "MAX(price)", "--accept"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the message doesn't say %s\n%s", want, text)
		}
	}
	if _, err := os.Stat(j.out + "2"); err == nil {
		t.Error("the sink was opened")
	}
}
