package main

import (
	"errors"
	"testing"
)

// TestUsage: what can be told from the command line alone is told before anything runs.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-p", "0"}, {"-p", "x"}, {"-p", "129"}, {"--metrics", "nope"}, {"--metrics", ":99999"}, {"-D", "execution.runtime-mode=bach"}, {"-D", "table.local-time-zone=Mars/X"},
	} {
		if code := run(append([]string{"run", "-e", "SELECT 1", "-o", t.TempDir() + "/out"}, args...)); code != exitUsage {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	for _, args := range [][]string{{"-p", "2"}, {"-p", "auto"}, {"--metrics", "127.0.0.1:0"}, {"-D", "execution.runtime-mode=BATCH"}} {
		if code := run(append([]string{"run", "-e", "SELECT 1", "-o", t.TempDir() + "/out"}, args...)); code != exitOK {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// TestOutside: what lies outside has an exit code of its own, which wrapping keeps.
func TestOutside(t *testing.T) {
	const nobody = "127.0.0.1:1"
	for _, args := range [][]string{
		{"infer", "mysql://root@" + nobody + "/d"}, {"infer", "kafka://" + nobody + "/t", "--registry", "http://" + nobody}, {"infer", t.TempDir() + "/none"},
		{"copy", "mysql://root@" + nobody + "/d", "--to", t.TempDir()},
	} {
		if code := run(args); code != exitExternal {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	for _, args := range [][]string{{"infer", "ftp://h/x"}, {"infer", "kafka://h"}, {"infer", t.TempDir(), "--rows", "x"}, {"copy", "mysql://root@" + nobody + "/d"}} {
		if code := run(args); code != exitUsage {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	cause := errors.New("x")
	if err := error(outside{cause}); !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}
