//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
)

// session is a shell that holds the terminal, so that what a command has left of
// it can be seen when it has ended. No signal ends it.
const session = `trap : INT TERM; eval "$1"; echo $? >&3; read wait <&4`

// startProgram runs a line of a shell in the foreground of the terminal, which
// controls it: Ctrl-C there is the signal. fidokey in it is a program of its own.
func (x *terminal) startProgram(shown, line, dir string) {
	x.t.Helper()
	program, err := os.Executable()
	if err != nil {
		x.t.Fatal(err)
	}
	bin := x.t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "fidokey")); err != nil {
		x.t.Fatal(err)
	}
	r := x.open(shown)
	codes, code, err := os.Pipe()
	if err != nil {
		x.t.Fatal(err)
	}
	end, ended, err := os.Pipe()
	if err != nil {
		x.t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", session, "sh", line)
	cmd.Dir = dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.slave, r.slave, r.slave
	cmd.ExtraFiles = []*os.File{code, end}
	cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	code.Close()
	end.Close()
	r.cancel = func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	x.t.Cleanup(func() {
		ended.Close() // which ends the shell
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		codes.Close()
	})
	go func() {
		n := -1
		fmt.Fscan(codes, &n)
		r.end(n)
	}()
}

// RunProgram is Run with fidokey as a program of its own that the terminal
// controls, where Ctrl-C is the signal.
func (s *stage) RunProgram(line string) {
	s.Helper()
	s.startProgram("fidokey "+line, fmt.Sprintf("fidokey --device '%s' %s", s.device, line), "")
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
