package pcscd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reader begins the name of the reader.
const Reader = "Virtual PCD"

// socket is where the daemon listens. It is built into it, so that one runs at a
// time.
const socket = "/run/pcscd/pcscd.comm"

// A Daemon is one that runs.
type Daemon struct {
	Addr string // HOST:PORT where the virtual reader waits for a card

	cmd  *exec.Cmd
	dir  string
	log  bytes.Buffer
	done chan error
	lock *os.File
}

// Start starts a daemon, after one that another test has running. It waits until
// the reader waits for a card.
func Start(ctx context.Context) (d *Daemon, err error) {
	d = &Daemon{done: make(chan error, 1)}
	defer func() {
		if err != nil {
			d.Stop()
		}
	}()
	if err := d.takeTurn(ctx); err != nil {
		return d, err
	}
	if _, err := os.Stat(socket); err == nil {
		// Left behind, unless somebody listens.
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return d, fmt.Errorf("a smart-card daemon listens at %s already: stop it", socket)
		}
		os.Remove(socket)
	}
	port, err := freePort()
	if err != nil {
		return d, err
	}
	d.Addr = fmt.Sprintf("127.0.0.1:%d", port)
	if d.dir, err = os.MkdirTemp("", "gofido-pcscd-"); err != nil {
		return d, err
	}
	config := fmt.Sprintf("FRIENDLYNAME \"%s\"\nDEVICENAME /dev/null:0x%04X\nLIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\nCHANNELID 0x%04X\n", Reader, port, port)
	if err := os.WriteFile(filepath.Join(d.dir, "vpcd"), []byte(config), 0o644); err != nil {
		return d, err
	}
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return d, err
	}
	d.cmd = exec.Command("pcscd", "--foreground", "--config", d.dir)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.run(); err != nil {
		d.cmd = nil
		return d, fmt.Errorf("package pcscd: %w", err)
	}
	return d, d.ready(ctx)
}

// run starts the program, which ends with this one even if that is killed: it is
// told when the thread that started it ends.
func (d *Daemon) run() error {
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd, started := d.cmd, make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			d.done <- cmd.Wait()
		}
	}()
	return <-started
}

func (d *Daemon) takeTurn(ctx context.Context) error {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "gofido-pcscd.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	d.lock = f
	for unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until the daemon listens and its reader does.
func (d *Daemon) ready(ctx context.Context) error {
	for {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
			return nil
		}
		select {
		case err := <-d.done:
			d.done <- err
			return fmt.Errorf("pcscd ended: %v\n%s", err, d.log.String())
		default:
		}
		if err := pause(ctx); err != nil {
			return errors.Join(err, errors.New(d.log.String()))
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(20 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// freePort returns a port that nobody uses, and nobody the next: the driver has two
// readers.
func freePort() (int, error) {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		next, err := net.Listen("tcp", fmt.Sprintf(":%d", port+1))
		l.Close()
		if err == nil {
			next.Close()
			return port, nil
		}
	}
	return 0, errors.New("no two ports side by side are free")
}

// Log returns what the daemon has said, once it is stopped.
func (d *Daemon) Log() string { return d.log.String() }

// Stop ends the daemon.
func (d *Daemon) Stop() {
	if d.cmd != nil {
		d.cmd.Process.Signal(os.Interrupt)
		select {
		case <-d.done:
		case <-time.After(5 * time.Second):
			d.cmd.Process.Kill()
			<-d.done
		}
		d.cmd = nil
	}
	if d.dir != "" {
		os.RemoveAll(d.dir)
	}
	if d.lock != nil {
		d.lock.Close() // which gives the turn to the next
	}
}
