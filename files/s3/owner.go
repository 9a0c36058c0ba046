package s3

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// owner is a process.
type owner struct {
	Host    string // name, boot and process namespace of the machine
	Pid     int
	Started string // in ticks since boot, where the system tells
}

func self() owner {
	name, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, _ := os.Readlink("/proc/self/ns/pid") // two containers may have one name
	return owner{Host: strings.Join([]string{name, strings.TrimSpace(string(boot)), space}, " "), Pid: os.Getpid(), Started: started(os.Getpid())}
}

// String is an owner for people.
func (o owner) String() string {
	host, _, _ := strings.Cut(o.Host, " ")
	return fmt.Sprintf("process %d on %s", o.Pid, host)
}

// started is when a process of this machine began; "": there is none, or the system
// doesn't tell.
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(b)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 20 || f[0] == "Z" { // a zombie does nothing any more
		return ""
	}
	return f[19]
}

// lives says of a process of this machine that it runs.
func (o owner) lives() bool {
	if o.Started != "" {
		return started(o.Pid) == o.Started
	}
	p, err := os.FindProcess(o.Pid)
	if err != nil {
		return false
	}
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
