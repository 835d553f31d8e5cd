package hidraw

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

var usual = hid.Descriptor{FIDO: true, In: 64, Out: 64}

// pair returns a Device on one end of a socket that keeps datagrams apart, as
// hidraw keeps reports apart, and the other end.
func pair(t testing.TB, desc hid.Descriptor, lock Lock) (*Device, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(os.NewFile(uintptr(fds[0]), "device"), desc, lock)
	peer := os.NewFile(uintptr(fds[1]), "peer")
	t.Cleanup(func() { d.Close(); peer.Close() })
	return d, peer
}

func TestWriteReportPutsTheIDInFront(t *testing.T) {
	for _, tt := range []struct {
		name string
		desc hid.Descriptor
		want []byte
	}{
		{"no report ID", hid.Descriptor{FIDO: true, In: 64, Out: 8}, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"report ID 5", hid.Descriptor{FIDO: true, In: 64, Out: 8, OutID: 5}, []byte{5, 1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, peer := pair(t, tt.desc, LockNone)
			p := []byte{1, 2, 3, 4, 5, 6, 7, 8}
			if err := d.WriteReport(p); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 100)
			if n, err := peer.Read(b); err != nil || !bytes.Equal(b[:n], tt.want) {
				t.Errorf("got %x, %v; want %x", b[:n], err, tt.want)
			}
			for _, n := range []int{0, 7, 9, 64} {
				if err := d.WriteReport(make([]byte, n)); err == nil {
					t.Errorf("report of %d bytes was written", n)
				}
			}
		})
	}
}

func TestReadReport(t *testing.T) {
	for _, tt := range []struct {
		name string
		desc hid.Descriptor
		sent [][]byte
		want []byte
	}{
		{"no report ID", hid.Descriptor{In: 8, Out: 64}, [][]byte{{1, 2, 3, 4, 5, 6, 7, 8}}, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"shorter than the descriptor says", hid.Descriptor{In: 8, Out: 64}, [][]byte{{1, 2, 3}}, []byte{1, 2, 3}},
		{"longer is cut off", hid.Descriptor{In: 8, Out: 64}, [][]byte{{1, 2, 3, 4, 5, 6, 7, 8, 9}}, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"report ID taken off", hid.Descriptor{In: 8, Out: 64, InID: 2}, [][]byte{{2, 1, 2, 3, 4, 5, 6, 7, 8}}, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"other IDs passed over", hid.Descriptor{In: 8, Out: 64, InID: 2}, [][]byte{{1, 9, 9}, {3}, {2, 7}}, []byte{7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, peer := pair(t, tt.desc, LockNone)
			for _, b := range tt.sent {
				peer.Write(b)
			}
			p := make([]byte, 64)
			if n, err := d.ReadReport(p); err != nil || !bytes.Equal(p[:n], tt.want) {
				t.Errorf("got %x, %v; want %x", p[:n], err, tt.want)
			}
		})
	}
	t.Run("buffer too small", func(t *testing.T) {
		d, _ := pair(t, usual, LockNone)
		if _, err := d.ReadReport(make([]byte, 63)); err != io.ErrShortBuffer {
			t.Error(err)
		}
	})
}

func TestReadDeadline(t *testing.T) {
	d, peer := pair(t, usual, LockNone)
	p := make([]byte, 64)
	d.SetReadDeadline(time.Unix(1, 0))
	if _, err := d.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("past deadline: %v", err)
	}
	d.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := d.ReadReport(p); ended <- err }()
	d.SetReadDeadline(time.Unix(1, 0)) // ends the read, whether it has begun or not
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("deadline during a read: %v", err)
	}
	d.SetReadDeadline(time.Time{})
	peer.Write(make([]byte, 64))
	if n, err := d.ReadReport(p); n != 64 || err != nil {
		t.Fatalf("after a deadline: %d, %v", n, err)
	}
}

func TestClose(t *testing.T) {
	d, _ := pair(t, usual, LockCall)
	ended := make(chan error)
	go func() { _, err := d.ReadReport(make([]byte, 64)); ended <- err }()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := d.WriteReport(make([]byte, 64)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := d.BeginCall(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("BeginCall: %v", err)
	}
	d.EndCall()
	if err := d.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestGone(t *testing.T) {
	d, peer := pair(t, usual, LockNone)
	ended := make(chan error)
	go func() { _, err := d.ReadReport(make([]byte, 64)); ended <- err }()
	peer.Close()
	if err := <-ended; err != ctaphid.ErrGone {
		t.Errorf("read: %v", err)
	}
	for _, errno := range []error{unix.EIO, unix.ENODEV, unix.ENXIO, unix.ESHUTDOWN, unix.EPROTO, unix.EILSEQ, unix.ETIME} {
		if err := failure(&os.PathError{Op: "write", Path: "/dev/hidraw0", Err: errno}); err != ctaphid.ErrGone {
			t.Errorf("%v became %v", errno, err)
		}
	}
	if err := failure(unix.EPIPE); err != unix.EPIPE {
		t.Errorf("EPIPE became %v", err)
	}
}

func TestWriteTimeout(t *testing.T) {
	err := failure(&os.PathError{Op: "write", Path: "/dev/hidraw0", Err: unix.ETIMEDOUT})
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ctaphid.ErrGone) || !strings.Contains(err.Error(), "unplug it") {
		t.Errorf("ETIMEDOUT became %v", err)
	}
}

// With every Lock a call begins with an empty queue.
func TestBeginCallDrains(t *testing.T) {
	for _, lock := range []Lock{LockOpen, LockCall, LockNone} {
		d, peer := pair(t, usual, lock)
		if lock == LockCall {
			d.tryLock = func() error { return nil } // a socket has no lock
		}
		for range queued {
			peer.Write(make([]byte, 64))
		}
		d.SetReadDeadline(time.Unix(1, 0)) // does not matter
		if err := d.BeginCall(t.Context()); err != nil {
			t.Errorf("%v: %v", lock, err)
		}
		d.SetReadDeadline(time.Time{})
		peer.Write([]byte{7})
		p := make([]byte, 64)
		if n, err := d.ReadReport(p); n != 1 || p[0] != 7 || err != nil {
			t.Errorf("%v: a stale report was left: %x, %v", lock, p[:n], err)
		}
	}
}

func TestDrainEnds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reads []error // what reading gives; nil for a report
		want  int     // how many reads there are
	}{
		{"nothing there", []error{unix.EAGAIN}, 1},
		{"a signal comes in between", []error{nil, unix.EINTR, nil, unix.EAGAIN}, 4},
		{"unplugged", []error{nil, unix.EIO}, 2},
		{"a flood", make([]error, 1000), queued},
	} {
		n := 0
		drain(func(int, []byte) (int, error) { n++; return 0, tt.reads[n-1] }, 0, nil)
		if n != tt.want {
			t.Errorf("%s: %d reads, want %d", tt.name, n, tt.want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	d, peer := pair(t, usual, LockNone)
	p, b := make([]byte, 64), make([]byte, 65)
	if n := testing.AllocsPerRun(100, func() {
		d.BeginCall(context.Background())
		d.WriteReport(p)
		peer.Read(b)
		peer.Write(p)
		d.ReadReport(p)
		d.EndCall()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReportBothWays(b *testing.B) {
	d, peer := pair(b, usual, LockNone)
	p, q := make([]byte, 64), make([]byte, 65)
	b.ReportAllocs()
	for b.Loop() {
		d.WriteReport(p)
		peer.Read(q)
		peer.Write(p)
		d.ReadReport(p)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := dir + "/file"
	os.WriteFile(file, nil, 0o600)
	fifo := dir + "/fifo"
	unix.Mkfifo(fifo, 0o600)
	for _, tt := range []struct {
		name, path string
		want       error
	}{
		{"no such node", dir + "/hidraw9", os.ErrNotExist},
		{"a file", file, errNotHidraw},
		{"a pipe that nobody writes to", fifo, errNotHidraw},
		{"another device", "/dev/null", errNotHidraw},
		{"a folder", dir, unix.EISDIR},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Open(t.Context(), tt.path, nil)
			if !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
			if err != nil && strings.Count(err.Error(), tt.path) != 1 {
				t.Errorf("%q does not name the path once", err)
			}
			if advice := strings.Contains(err.Error(), "plug the key in"); advice != errors.Is(err, os.ErrNotExist) {
				t.Errorf("%q: the advice does not fit", err)
			}
			if d != nil {
				t.Error("there is a device")
			}
		})
	}
}

var _ interface {
	BeginCall(context.Context) error
	EndCall()
} = (*Device)(nil)
