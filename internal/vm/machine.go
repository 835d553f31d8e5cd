//go:build linux

package vm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/gofido/fido/internal/vm/order"
)

// Machine describes a virtual machine. Each [Machine.Run] starts a new one from
// the same description; runs may be concurrent.
type Machine struct {
	Kernel *Kernel
	Root   *Root // nil is the same as [NewRoot]

	// Modules are loaded before the program starts, with what they depend
	// on. A name may be followed by parameters: "dummy_hcd num=2".
	Modules []string

	// Environment is added to PATH, HOME and GOFIDO_VM=1, as "NAME=value".
	Environment []string

	Memory  int           // MiB; 0 is 512. The root takes its size twice while it is unpacked.
	CPUs    int           // 0 is 1
	Timeout time.Duration // for the whole run; 0 is twenty minutes: the host may have other work
}

// Result is what came of a program that ran to its end.
type Result struct {
	Output   []byte        // standard output and standard error, as written
	Status   int           // exit status
	Console  []byte        // the kernel's messages and those of process 1
	Duration time.Duration // from the start of QEMU to its end
}

// Run starts the machine, runs the program argv[0], a path in the guest, with
// its arguments, and returns when the machine is off. A program that exits with any
// status is a result and not an error. The error is for everything else: a
// program that can't be started or is killed by a signal, a kernel that
// panics, a machine that is not done in time. It holds the end of the console's
// and the program's output. When ctx ends, the machine does too.
func (m *Machine) Run(ctx context.Context, argv ...string) (*Result, error) {
	if len(argv) == 0 {
		return nil, errors.New("vm: no program to run")
	}
	initramfs, err := scratch()
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	defer initramfs.Close()
	console, err := scratch()
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	defer console.Close()
	if err := m.writeInitramfs(ctx, initramfs, argv); err != nil {
		return nil, fmt.Errorf("vm: write the initramfs: %w", err)
	}
	result, err := m.boot(ctx, initramfs, console)
	if err != nil {
		return nil, fmt.Errorf("vm: %s: %w\nThe console ends:\n%s\nThe program's output ends:\n%s",
			argv[0], err, tail(result.Console), tail(result.Output))
	}
	return result, nil
}

// scratch returns a file without a name, so that nothing is left of it however
// this program ends.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "gofido-vm-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// writeInitramfs writes the root together with process 1, the modules and the
// order to run argv.
func (m *Machine) writeInitramfs(ctx context.Context, w io.Writer, argv []string) error {
	root := NewRoot()
	if m.Root != nil {
		root = m.Root.Clone()
	}
	modules, err := m.Kernel.modules(ctx, m.Modules)
	if err != nil {
		return err
	}
	todo := order.Order{Argv: argv, Environment: m.Environment}
	for _, module := range modules {
		file := "/vm/modules/" + module.name
		root.AddData(file, module.contents, 0o644)
		todo.Modules = append(todo.Modules, order.Module{File: file, Parameters: module.parameters})
	}
	encoded, err := json.Marshal(todo)
	if err != nil {
		return err
	}
	root.AddData(order.Path, encoded, 0o644)
	root.AddData("/init", m.Kernel.init, 0o755)
	buffered := bufio.NewWriterSize(w, 1<<20)
	if err := root.write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// boot runs QEMU. It returns a result, as far as it got, with an error too.
func (m *Machine) boot(ctx context.Context, initramfs, console *os.File) (*Result, error) {
	timeout := m.Timeout
	if timeout == 0 {
		timeout = 20 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the machine was not done after %v", timeout))
	defer cancel()
	var output, stderr bytes.Buffer
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", m.arguments()...)
	qemu.ExtraFiles = []*os.File{initramfs, console} // 3 and 4
	qemu.Stdout, qemu.Stderr = &output, &stderr
	// A test that is killed takes its machine along.
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	qemu.WaitDelay = 10 * time.Second
	begin := time.Now()
	err := qemu.Run()
	result := &Result{Output: output.Bytes(), Duration: time.Since(begin)}
	var readErr error
	result.Console, readErr = io.ReadAll(console) // from the start: QEMU has its own offset
	switch {
	case ctx.Err() != nil:
		return result, context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return result, fmt.Errorf("%w (package qemu-system-x86)", err)
	case qemu.ProcessState == nil:
		return result, err
	case readErr != nil:
		return result, fmt.Errorf("QEMU left no console: %w\n%s", readErr, stderr.Bytes())
	}
	status, ok := order.Status(qemu.ProcessState.ExitCode())
	if !ok {
		return result, fmt.Errorf("the machine died without a status (QEMU: %v)\n%s", qemu.ProcessState, stderr.Bytes())
	}
	result.Status = status
	if status == order.NotRun {
		return result, errors.New("the program did not run to its end")
	}
	return result, nil
}

// arguments returns QEMU's command line. The first serial line is the
// console, the second the program's output.
func (m *Machine) arguments() []string {
	const kernel = "console=ttyS0 loglevel=4 panic=-1 oops=panic " +
		"mitigations=off nokaslr random.trust_cpu=on tsc=reliable no_timer_check"
	memory, cpus := m.Memory, m.CPUs
	if memory == 0 {
		memory = 512
	}
	if cpus == 0 {
		cpus = 1
	}
	return []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-vga", "none",
		"-machine", "pc", "-accel", "tcg", "-cpu", "max", "-smp", strconv.Itoa(cpus), "-m", strconv.Itoa(memory),
		"-device", fmt.Sprintf("isa-debug-exit,iobase=%#x,iosize=1", order.ExitPort),
		"-kernel", filepath.Join(m.Kernel.dir, "vmlinux"), "-initrd", "/dev/fd/3", "-append", kernel,
		"-serial", "file:/dev/fd/4", "-serial", "stdio",
	}
}

// tail returns the end of a log, short enough to read.
func tail(log []byte) []byte {
	const most = 4 << 10
	if len(log) > most {
		log = log[len(log)-most:]
	}
	return bytes.TrimSpace(log)
}
