package services

import (
	"bytes"
	"math/rand"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// killer runs jobs and kills them at random points: CRASH_KILLS times, drawn from
// CRASH_SEED.
type killer struct {
	bin           string
	random        *rand.Rand
	kills, killed int // how many there are to be, and were
}

func newKiller(t *testing.T) *killer {
	return &killer{bin: millrace(t), random: rand.New(rand.NewSource(int64(number(t, "CRASH_SEED", 1)))), kills: number(t, "CRASH_KILLS", 5)}
}

// run begins a script again after each kill, with its state below dir, until it has come
// to its end, and returns what each run said.
func (k *killer) run(t *testing.T, dir, script string) (all []string) {
	t.Helper()
	for {
		cmd := exec.Command(k.bin, "run", "--state-dir", filepath.Join(dir, "state"), "-p", "2", "-D", "execution.checkpointing.interval=50ms", script)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		after := 5 * time.Minute
		if k.killed < k.kills {
			after = time.Duration(k.random.Int63n(int64(1200 * time.Millisecond)))
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("after %d kills: %v\n%s", k.killed, err, said.String())
			}
			return append(all, said.String())
		case <-time.After(after):
			_ = cmd.Process.Signal(syscall.SIGKILL)
			if <-done; k.killed == k.kills {
				t.Fatalf("the job doesn't end:\n%s", said.String())
			}
			k.killed++
			all = append(all, said.String())
		}
	}
}
