//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the command and all that it starts (test programs, virtual
// machines) into a process group, which is asked to end when the command's
// context does.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// leave kills what the command, which has ended, left running.
func leave(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it fails when there is nothing
	}
}
