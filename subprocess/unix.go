//go:build unix

package subprocess

import (
	"os/exec"
	"syscall"
)

// shell is a command in a group of its own.
func shell(command string) *exec.Cmd {
	c := exec.Command("/bin/sh", "-c", command)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
