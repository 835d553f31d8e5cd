//go:build linux

// Command init is process 1 of package vm's virtual machine. It mounts the
// pseudo file systems, loads the modules, runs the program that the host asks
// for, and ends the machine with the program's exit status.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/internal/vm/order"
)

func main() {
	status, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
	}
	off(status)
}

// run does everything but leaving.
func run() (status int, err error) {
	if os.Getpid() != 1 {
		return order.NotRun, errors.New("this is process 1 of a virtual machine and does nothing elsewhere")
	}
	if err := mount(); err != nil {
		return order.NotRun, err
	}
	encoded, err := os.ReadFile(order.Path)
	if err != nil {
		return order.NotRun, err
	}
	var todo order.Order
	if err := json.Unmarshal(encoded, &todo); err != nil {
		return order.NotRun, fmt.Errorf("%s: %w", order.Path, err)
	}
	for _, m := range todo.Modules {
		if err := load(m); err != nil {
			return order.NotRun, err
		}
	}
	// configfs is a module that a gadget's modules bring along.
	if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT) {
		return order.NotRun, fmt.Errorf("mount configfs: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return order.NotRun, fmt.Errorf("bring the loopback interface up: %w", err)
	}
	output, err := openOutput()
	if err != nil {
		return order.NotRun, err
	}
	status, err = execute(todo, output)
	return status, errors.Join(err, drain(output))
}

// mount puts the pseudo file systems where programs expect them.
func mount() error {
	for _, m := range []struct {
		source, target, kind string
	}{
		{"dev", "/dev", "devtmpfs"},
		{"proc", "/proc", "proc"},
		{"sys", "/sys", "sysfs"},
		{"run", "/run", "tmpfs"},
		{"tmp", "/tmp", "tmpfs"},
		{"shm", "/dev/shm", "tmpfs"},
		{"pts", "/dev/pts", "devpts"},
	} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, m.target, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return os.Symlink("/proc/self/fd", "/dev/fd")
}

// load puts a module into the kernel.
func load(m order.Module) error {
	f, err := os.Open(m.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), m.Parameters, 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load %s: %w", m.File, err)
	}
	return nil
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, request)
}

// openOutput opens the serial line for the program's output and turns off what
// a terminal does to bytes, such as line ends.
func openOutput() (*os.File, error) {
	f, err := os.OpenFile("/dev/ttyS1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	settings, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	settings.Oflag &^= unix.OPOST
	settings.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	settings.Cflag |= unix.CLOCAL
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, settings); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return f, nil
}

// drain waits until all output is on its way to the host.
func drain(f *os.File) error {
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, 1); err != nil {
		return fmt.Errorf("wait for the output: %w", err)
	}
	return nil
}

// execute runs the program and returns its exit status. Like any process 1 it
// is also the parent of processes that lost theirs.
func execute(todo order.Order, output *os.File) (status int, err error) {
	// exec.Command looks the program up in this process's own PATH.
	if err := os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"); err != nil {
		return order.NotRun, err
	}
	cmd := exec.Command(todo.Argv[0], todo.Argv[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/root", "GOFIDO_VM=1"}, todo.Environment...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Dir = "/tmp"
	if err := cmd.Start(); err != nil {
		return order.NotRun, err
	}
	for {
		var how syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &how, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR), err == nil && pid != cmd.Process.Pid:
			continue
		case err != nil:
			return order.NotRun, fmt.Errorf("wait for %s: %w", todo.Argv[0], err)
		case how.Signaled():
			return order.NotRun, fmt.Errorf("%s was killed: %v", todo.Argv[0], how.Signal())
		case how.ExitStatus() >= order.NotRun:
			return order.NotRun, fmt.Errorf("%s ended with status %d", todo.Argv[0], how.ExitStatus())
		}
		return how.ExitStatus(), nil
	}
}

// off ends the machine. Without QEMU's device it restarts, which QEMU is told
// to take for an end without a status.
func off(status int) {
	unix.IoctlSetInt(int(os.Stderr.Fd()), unix.TCSBRK, 1) // what was said on the console
	if ports, err := os.OpenFile("/dev/port", os.O_WRONLY, 0); err == nil {
		_, err = ports.WriteAt([]byte{order.Encode(status)}, order.ExitPort)
		fmt.Fprintln(os.Stderr, "init: no exit device:", err)
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}
