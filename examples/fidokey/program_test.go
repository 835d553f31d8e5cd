//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
)

// session is the shell's part: it holds the terminal, so that what fidokey left
// of it can be seen when fidokey has ended, and no signal ends it.
const session = `trap : INT TERM; "$@"; echo $? >&3; read wait <&4`

// RunProgram is Run with fidokey as a program of its own, in the foreground of
// the terminal that controls it: Ctrl-C there is the signal.
func (s *stage) RunProgram(line string) {
	s.Helper()
	program, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	r := s.open(line)
	codes, code, err := os.Pipe()
	if err != nil {
		s.Fatal(err)
	}
	end, ended, err := os.Pipe()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command("sh", append([]string{"-c", session, "sh", program}, s.args(line)...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.slave, r.slave, r.slave
	cmd.ExtraFiles = []*os.File{code, end}
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	code.Close()
	end.Close()
	r.cancel = func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	s.Cleanup(func() {
		ended.Close() // which ends the shell
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		codes.Close()
	})
	go func() {
		n := -1
		fmt.Fscan(codes, &n)
		r.ended <- n
	}()
}

// Ctrl-C while the key waits for a touch: the key is told.
func TestScreenCtrlCAtTouch(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.RunProgram("demo")
		s.askedToTouch()
		s.Send("\x03")
		s.Exit(exitInterrupt)
		s.cancelled()
	})
}

// Ctrl-C while a PIN is typed: the terminal shows again what is typed, which Wait
// checks, and the key has as many tries as before.
func TestScreenCtrlCAtPIN(t *testing.T) {
	scenario{key: virtual.Config{UVForEverything: true}}.play(t, func(s *stage) {
		s.setPIN()
		s.RunProgram("demo")
		s.Expect("PIN of the key: ")
		s.Send("12\x03")
		s.Exit(exitInterrupt)
		if n := s.key.PINRetries(); n != 8 {
			s.Errorf("%d tries are left", n)
		}
	})
}

// A signal from elsewhere while a PIN is typed does the same.
func TestScreenSignalAtPIN(t *testing.T) {
	scenario{key: virtual.Config{UVForEverything: true}}.play(t, func(s *stage) {
		s.setPIN()
		s.RunProgram("demo")
		s.Expect("PIN of the key: ")
		s.Interrupt()
		s.Exit(exitInterrupt)
	})
}

// Ctrl-C at a question whose answer is shown.
func TestScreenCtrlCAtQuestion(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.setPIN()
		s.fingers(thumb)
		s.RunProgram("fingerprints remove 5ed2")
		s.askedPIN()
		s.Expect("[y/N] ")
		s.Send("y\x03")
		s.Exit(exitInterrupt)
		if n := len(s.key.Fingerprints()); n != 1 {
			s.Errorf("%d fingerprints are left", n)
		}
	})
}
