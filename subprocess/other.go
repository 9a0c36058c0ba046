//go:build !unix

package subprocess

import "os/exec"

func shell(command string) *exec.Cmd { return exec.Command("cmd", "/C", command) }

func killGroup(c *exec.Cmd) { _ = c.Process.Kill() }
