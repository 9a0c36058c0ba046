package crash

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	engine "github.com/millrace/millrace/job"
	"github.com/millrace/millrace/state/checkpoint"
)

// Files up to small bytes have every byte flipped, larger ones some at random. With
// CRASH_KILLS set (`make crash`), small is larger.
const (
	small = 5 << 10
	some  = 60
)

// TestFlippedByte makes checkpoints with the real binary, kills it, and flips one
// byte of one file at a time: of manifests, of state files (bases and changes), of
// the mark of commits, and of a savepoint. What verify does and what recovery does
// are asked for every flip; the binary itself, run to its end, for a few of each file.
func TestFlippedByte(t *testing.T) {
	bin := build(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	seed := int64(number(t, "CRASH_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("CRASH_SEED=%d", seed)
	rnd := rand.New(rand.NewSource(seed))
	s := shapes[1]
	s.events = 100_000 // so that the job still runs when the savepoint is asked for
	whole := newJob(t, bin, s, 1)
	if out, err := exec.Command(bin, "run", whole.script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := whole.rows(t)

	j := newJob(t, bin, s, 1)
	saved := filepath.Join(t.TempDir(), "saved")
	if err := os.WriteFile(j.script, []byte(slow(s, j.out)), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd, text := j.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for tries := 0; len(j.manifests()) < 2; tries++ {
		if tries > 500 {
			_ = cmd.Process.Kill()
			t.Fatalf("the job doesn't come up\n%s", text)
		}
		time.Sleep(10 * time.Millisecond)
	}
	out, err := exec.Command(bin, "savepoint", "--state-dir", j.state, "--dir", saved).CombinedOutput()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(j.script, []byte(s.script(j.out)), 0o666); err != nil {
		t.Fatal(err)
	}

	dirs, _ := filepath.Glob(filepath.Join(j.state, "*", "*.manifest"))
	more, _ := filepath.Glob(filepath.Join(saved, "*", "*.manifest"))
	dirs = append(dirs, more...)
	kinds, outcomes, flips := map[string]int{}, map[string]int{}, 0
	seen := map[string]bool{}
	for _, m := range dirs {
		path := filepath.Dir(m)
		if seen[path] {
			continue
		}
		seen[path] = true
		files, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		needed := neededFiles(t, path)
		for _, f := range files {
			if !needed[f.Name()] {
				continue
			}
			file := filepath.Join(path, f.Name())
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			positions := rnd.Perm(len(content))
			if len(content) > small && (len(content) > 16*small || os.Getenv("CRASH_KILLS") == "") {
				positions = positions[:some]
			}
			for _, at := range positions {
				flipped(t, path, file, content, at, byte(1+rnd.Intn(255)))
				flips++
			}
			kinds[strings.TrimLeft(f.Name(), "0123456789-")] += len(positions)
			if strings.HasPrefix(path, saved) {
				if f.Name() != "commits" {
					fromSavepoint(t, j, path, file, content, rnd.Intn(len(content)), byte(1+rnd.Intn(255)))
				}
				continue
			}
			for k := 0; k < 2; k++ {
				outcomes[wholeRun(t, j, path, f.Name(), content, rnd.Intn(len(content)), byte(1+rnd.Intn(255)), want)]++
			}
		}
	}
	t.Logf("%d flips, by kind of file: %v; runs on to the end: %v", flips, kinds, outcomes)
	if kinds[".manifest"] == 0 || kinds[".state"] == 0 || kinds["commits"] == 0 || len(seen) != 2 {
		t.Fatalf("some kind of file wasn't tried: %v in %d directories", kinds, len(seen))
	}
}

// neededFiles are those that a manifest names, the manifests, and the mark.
func neededFiles(t *testing.T, path string) map[string]bool {
	t.Helper()
	d, err := checkpoint.At(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{"commits": true}
	for _, n := range list {
		m, err := d.Check(n)
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprint(n, ".manifest")] = true
		for _, f := range m.Files {
			out[f.Name] = true
		}
	}
	return out
}

// flipped asks verify and recovery's reading about one flip.
func flipped(t *testing.T, path, file string, content []byte, at int, mask byte) {
	t.Helper()
	poke(t, file, at, content[at]^mask)
	defer poke(t, file, at, content[at])
	d, err := checkpoint.At(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	hit := map[uint64]bool{} // checkpoints the flip is found in
	mine := list
	if name, ok := strings.CutSuffix(filepath.Base(file), ".manifest"); ok {
		n, err := strconv.ParseUint(name, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		mine = []uint64{n}
	}
	for _, n := range mine {
		if _, err := d.Check(n); err != nil {
			hit[n] = true
		}
	}
	if len(hit) == 0 {
		t.Fatalf("%s: byte %d xor %#x: verify found nothing", file, at, mask)
	}
	if filepath.Base(file) == "commits" {
		if d.Committed() != ^uint64(0) {
			t.Fatalf("%s: byte %d xor %#x: recovery believes the mark", file, at, mask)
		}
		return
	}
	m, _, err := engine.Newest(d)
	if err == nil && (m == nil || hit[m.N]) {
		t.Fatalf("%s: byte %d xor %#x: recovery read it and saw nothing", file, at, mask)
	}
	if err == nil && len(hit) == len(list) {
		t.Fatalf("%s: byte %d xor %#x: nothing is whole, and recovery goes on", file, at, mask)
	}
}

// poke writes one byte of a file.
func poke(t *testing.T, file string, at int, b byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{b}, int64(at))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fromSavepoint starts the job from a savepoint with a flipped byte: it is refused,
// since there is none before it.
func fromSavepoint(t *testing.T, j job, path, file string, content []byte, at int, mask byte) {
	t.Helper()
	poke(t, file, at, content[at]^mask)
	defer poke(t, file, at, content[at])
	cmd := exec.Command(j.bin, "run", "-D", "execution.savepoint.path="+path, j.script)
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 6 || !strings.Contains(string(out), "damaged") {
		t.Fatalf("%s: byte %d xor %#x: the job starts: %v\n%s", file, at, mask, err, out)
	}
}

// wholeRun flips a byte in a copy of the directories, asks `checkpoint verify`, then
// runs the job on: it refuses, or it says what it found and ends with the right rows.
func wholeRun(t *testing.T, j job, path, name string, content []byte, at int, mask byte, want []string) (outcome string) {
	t.Helper()
	dir := t.TempDir()
	c := j
	c.state, c.out, c.script = filepath.Join(dir, "state"), filepath.Join(dir, "out"), filepath.Join(dir, "job.sql")
	for from, to := range map[string]string{j.state: c.state, j.out: c.out} {
		if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	script, err := os.ReadFile(j.script)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.script, []byte(strings.ReplaceAll(string(script), j.out, c.out)), 0o666); err != nil {
		t.Fatal(err)
	}
	poke(t, filepath.Join(c.state, filepath.Base(path), name), at, content[at]^mask)
	where := fmt.Sprintf("%s: byte %d xor %#x", name, at, mask)
	verify := exec.Command(c.bin, "checkpoint", "verify", c.state)
	if out, _ := verify.CombinedOutput(); verify.ProcessState.ExitCode() != 6 || !strings.Contains(string(out), "damaged") {
		t.Fatalf("%s: verify exits with %d\n%s", where, verify.ProcessState.ExitCode(), out)
	}
	cmd, text := c.command()
	err = cmd.Run()
	said := text.String()
	switch {
	case err != nil && cmd.ProcessState.ExitCode() == 6 && strings.Contains(said, "damaged"):
		return "refused"
	case err != nil:
		t.Fatalf("%s: %v\n%s", where, err, said)
	}
	// A file that only the older checkpoint needs isn't read by recovery.
	if read := strings.Contains(said, "can't be used") || strings.Contains(said, "can't be read"); !read && needsIt(t, path, name) {
		t.Fatalf("%s: recovery says nothing\n%s", where, said)
	}
	same(t, want, c.rows(t))
	switch {
	case strings.Contains(said, "can't be used"):
		return "from the one before"
	case strings.Contains(said, "can't be read"):
		return "without the mark"
	}
	return "not needed"
}

// needsIt says that the newest checkpoint is read from this file.
func needsIt(t *testing.T, path, name string) bool {
	t.Helper()
	d, err := checkpoint.At(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.List()
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	m, err := d.Read(list[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		if f.Name == name {
			return true
		}
	}
	return name == "commits" || name == fmt.Sprint(m.N, ".manifest")
}
