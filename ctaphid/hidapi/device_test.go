package hidapi

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// A fakeHandle is HIDAPI without a device: reads take what comes over reports
// and can't be interrupted but by their time-out.
type fakeHandle struct {
	reports chan []byte
	err     atomic.Pointer[error] // what reads and writes fail with
	gone    atomic.Bool
	closed  atomic.Bool
	inUse   atomic.Int32
	reads   atomic.Int32
	wrote   [][]byte
	block   chan struct{} // writes wait for it, if not nil
	misuse  atomic.Bool
}

func newFake() *fakeHandle { return &fakeHandle{reports: make(chan []byte, 16)} }

func (f *fakeHandle) use() func() {
	f.inUse.Add(1)
	if f.closed.Load() {
		f.misuse.Store(true)
	}
	return func() { f.inUse.Add(-1) }
}

func (f *fakeHandle) failure() error {
	if e := f.err.Load(); e != nil {
		return *e
	}
	return nil
}

func (f *fakeHandle) read(p []byte, timeout time.Duration) (int, error) {
	defer f.use()()
	f.reads.Add(1)
	if err := f.failure(); err != nil {
		return -1, err
	}
	select {
	case r := <-f.reports:
		return copy(p, r), nil
	default:
	}
	select {
	case r := <-f.reports:
		return copy(p, r), nil
	case <-time.After(timeout):
		return 0, f.failure()
	}
}

func (f *fakeHandle) write(p []byte) error {
	defer f.use()()
	if f.block != nil {
		<-f.block
	}
	f.wrote = append(f.wrote, bytes.Clone(p))
	return f.failure()
}

func (f *fakeHandle) close() {
	if f.inUse.Load() != 0 || f.closed.Swap(true) {
		f.misuse.Store(true)
	}
}

func (f *fakeHandle) present() bool { return !f.gone.Load() }

var usual = hid.Descriptor{FIDO: true, In: 8, Out: 8}

func TestReadReport(t *testing.T) {
	for _, tt := range []struct {
		name string
		desc hid.Descriptor
		came [][]byte
		want []byte
	}{
		{"no report ID", usual, [][]byte{{1, 2, 3, 4, 5, 6, 7, 8}}, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"report ID taken off", hid.Descriptor{In: 8, InID: 2}, [][]byte{{2, 1, 2, 3, 4, 5, 6, 7, 8}}, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"other IDs passed over", hid.Descriptor{In: 8, InID: 2}, [][]byte{{1, 9}, {2, 7}}, []byte{7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			for _, b := range tt.came {
				f.reports <- b
			}
			p := make([]byte, 64)
			if n, err := newDevice(f, tt.desc).ReadReport(p); err != nil || !bytes.Equal(p[:n], tt.want) {
				t.Errorf("got %x, %v; want %x", p[:n], err, tt.want)
			}
		})
	}
	if _, err := newDevice(newFake(), usual).ReadReport(make([]byte, 7)); err != io.ErrShortBuffer {
		t.Errorf("buffer too small: %v", err)
	}
}

// A call begins with an empty queue. The drain has an end and does not wait.
func TestBeginCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := newDevice(f, usual)
		start := time.Now()
		begin := func(want error, reads int32) {
			t.Helper()
			f.reads.Store(0)
			if err := d.BeginCall(t.Context()); err != want {
				t.Errorf("the error is %v, want %v", err, want)
			}
			if n := f.reads.Load(); n != reads {
				t.Errorf("%d reads, want %d", n, reads)
			}
		}
		begin(nil, 1)
		for range 10 {
			f.reports <- make([]byte, 8)
		}
		begin(nil, 11)
		fail := errors.New("disconnected")
		f.err.Store(&fail)
		begin(nil, 1) // the call finds out
		f.err.Store(nil)
		f.reports = make(chan []byte, 2*queued)
		for range 2 * queued { // a flood
			f.reports <- make([]byte, 8)
		}
		begin(nil, queued)
		d.Close()
		begin(os.ErrClosed, 0)
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestWriteReport(t *testing.T) {
	for id, want := range map[byte][]byte{0: {0, 1, 2, 3, 4, 5, 6, 7, 8}, 3: {3, 1, 2, 3, 4, 5, 6, 7, 8}} {
		f := newFake()
		d := newDevice(f, hid.Descriptor{Out: 8, OutID: id})
		if err := d.WriteReport([]byte{1, 2, 3, 4, 5, 6, 7, 8}); err != nil || !bytes.Equal(f.wrote[0], want) {
			t.Errorf("wrote %x, %v; want %x", f.wrote, err, want)
		}
		for _, n := range []int{0, 7, 9} {
			if err := d.WriteReport(make([]byte, n)); err == nil {
				t.Errorf("report of %d bytes was written", n)
			}
		}
	}
}

// A time-out of HIDAPI is neither data nor an error; the next report comes
// whenever it comes.
func TestReadWaitsForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := newDevice(f, usual)
		time.AfterFunc(time.Hour, func() { f.reports <- make([]byte, 8) })
		if n, err := d.ReadReport(make([]byte, 8)); n != 8 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestReadDeadline(t *testing.T) {
	past := func(d *Device) { d.SetReadDeadline(time.Unix(1, 0)) }
	for _, tt := range []struct {
		name        string
		before      func(d *Device)
		during      func(d *Device) // after 10 ms
		least, most time.Duration
	}{
		{"past", past, nil, 0, 0},
		{"future", func(d *Device) { d.SetReadDeadline(time.Now().Add(time.Second)) }, nil, time.Second, time.Second},
		{"less than a millisecond", func(d *Device) { d.SetReadDeadline(time.Now().Add(time.Microsecond)) }, nil, time.Microsecond, time.Millisecond},
		{"moved into the past", nil, past, 10 * time.Millisecond, Slice},
		{"moved closer", func(d *Device) { d.SetReadDeadline(time.Now().Add(time.Hour)) },
			func(d *Device) { d.SetReadDeadline(time.Now().Add(time.Second)) }, time.Second, time.Second + Slice},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				d := newDevice(f, usual)
				if tt.before != nil {
					tt.before(d)
				}
				if tt.during != nil {
					time.AfterFunc(10*time.Millisecond, func() { tt.during(d) })
				}
				start := time.Now()
				_, err := d.ReadReport(make([]byte, 8))
				if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took < tt.least || took > tt.most {
					t.Errorf("%v after %v", err, took)
				}
				d.SetReadDeadline(time.Time{})
				f.reports <- make([]byte, 8)
				if n, err := d.ReadReport(make([]byte, 8)); n != 8 || err != nil {
					t.Errorf("after the deadline: %d, %v", n, err)
				}
			})
		})
	}
}

func TestClose(t *testing.T) {
	t.Run("during a read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			d := newDevice(f, usual)
			ended := make(chan error)
			go func() { _, err := d.ReadReport(make([]byte, 8)); ended <- err }()
			synctest.Wait()
			start := time.Now()
			go d.Close()
			if err := <-ended; err != os.ErrClosed {
				t.Error(err)
			}
			if took := time.Since(start); took > Slice {
				t.Errorf("took %v", took)
			}
			synctest.Wait()
			if !f.closed.Load() || f.misuse.Load() {
				t.Errorf("closed %v, misused %v", f.closed.Load(), f.misuse.Load())
			}
		})
	})
	t.Run("during a write", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.block = make(chan struct{})
			d := newDevice(f, usual)
			go d.WriteReport(make([]byte, 8))
			synctest.Wait()
			go d.Close()
			synctest.Wait()
			if f.closed.Load() {
				t.Error("closed under the write")
			}
			close(f.block)
			synctest.Wait()
			if !f.closed.Load() || f.misuse.Load() {
				t.Errorf("closed %v, misused %v", f.closed.Load(), f.misuse.Load())
			}
		})
	})
	t.Run("calls after it", func(t *testing.T) {
		f := newFake()
		d := newDevice(f, usual)
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Error(err)
		}
		_, err := d.ReadReport(make([]byte, 8))
		for what, err := range map[string]error{"read": err, "write": d.WriteReport(make([]byte, 8)), "deadline": d.SetReadDeadline(time.Time{})} {
			if err != os.ErrClosed {
				t.Errorf("%s: %v", what, err)
			}
		}
		if f.misuse.Load() {
			t.Error("HIDAPI was used after close")
		}
	})
}

func TestGone(t *testing.T) {
	fail := errors.New("device\x1b disconnected")
	t.Run("read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			d := newDevice(f, usual)
			time.AfterFunc(time.Second, func() { f.err.Store(&fail) })
			start := time.Now()
			_, err := d.ReadReport(make([]byte, 8))
			if !errors.Is(err, ctaphid.ErrGone) || !bytes.Contains([]byte(err.Error()), []byte("device\ufffd disconnected")) {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > time.Second+Slice+readTries*retryPause {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("read interrupted by a signal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.err.Store(&fail)
			time.AfterFunc(retryPause/2, func() { f.err.Store(nil); f.reports <- make([]byte, 8) })
			if n, err := newDevice(f, usual).ReadReport(make([]byte, 8)); n != 8 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	})
	t.Run("write", func(t *testing.T) {
		f := newFake()
		f.err.Store(&fail)
		d := newDevice(f, usual)
		if err := d.WriteReport(make([]byte, 8)); err == nil || errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("present: %v", err)
		}
		f.gone.Store(true)
		if err := d.WriteReport(make([]byte, 8)); err != ctaphid.ErrGone {
			t.Errorf("gone: %v", err)
		}
	})
}

func TestIDsInPath(t *testing.T) {
	for path, want := range map[string][2]uint16{
		`\\?\hid#vid_1050&pid_0407&mi_01#8&1f6c3b2&0&0000#{4d1e55b2-f16f-11cf-88cb-001111000030}`: {0x1050, 0x0407},
		`\\?\HID#VID_096E&PID_085B#7&2a#{4d1e55b2-f16f-11cf-88cb-001111000030}`:                   {0x096e, 0x085b},
		`\\?\hid#vid_10`:                                 {},
		`\\?\hid#vid_xyz1&pid_0407#`:                     {0, 0x0407},
		`\\?\hid#{00001812-0000-1000-8000-00805f9b34fb}`: {},
		"": {},
	} {
		if v, p := idsInPath(path); v != want[0] || p != want[1] {
			t.Errorf("%s: %04x:%04x", path, v, p)
		}
	}
}
