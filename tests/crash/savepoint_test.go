package crash

import (
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

// TestSavepoint stops a job with a savepoint, starts it from there at another
// parallelism, without its state directory, and compares with a run that was left
// alone. The verbs speak to the process through its socket.
func TestSavepoint(t *testing.T) {
	bin := build(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	verb := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(bin, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("millrace %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, name := range []string{"group", "windows", "sessions", "join"} {
		for _, s := range shapes {
			if s.name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				s.events = 60_000
				whole := newJob(t, bin, s, 1)
				if out, err := exec.Command(bin, "run", whole.script).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				j := newJob(t, bin, s, 1)
				if err := os.WriteFile(j.script, []byte(slow(s, j.out)), 0o666); err != nil {
					t.Fatal(err)
				}
				cmd, text := j.command()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = cmd.Process.Kill() }()
				for tries := 0; ; tries++ {
					var list struct {
						Jobs []struct{ Checkpoints struct{ Made int } }
					}
					if err := json.Unmarshal([]byte(verb("jobs", "--json", "--state-dir", j.state)), &list); err != nil {
						t.Fatal(err)
					}
					if len(list.Jobs) == 1 && list.Jobs[0].Checkpoints.Made > 3 {
						break
					}
					if tries > 500 {
						t.Fatalf("the job doesn't come up\n%s", text)
					}
					time.Sleep(10 * time.Millisecond)
				}
				running := verb("savepoint", "--state-dir", j.state, "--dir", t.TempDir()) // one that the job outlives
				path := verb("stop", "--savepoint", "--state-dir", j.state)
				if err := cmd.Wait(); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if running == path {
					t.Fatal("both savepoints are one")
				}
				if out := verb("checkpoint", "verify", path); !strings.Contains(out, "whole") {
					t.Fatalf("verify: %s", out)
				}
				if out, err := exec.Command(bin, "run", "-p", "2", "-D", "execution.savepoint.path="+path, j.script).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				} else if !strings.Contains(string(out), "goes on from savepoint "+path) {
					t.Fatalf("it began anew\n%s", out)
				}
				same(t, whole.rows(t), j.rows(t))
			})
		}
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
