//go:build guest

package hid

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
)

// A reply of the greatest length reaches a host that reads, in one piece. One that
// stands still for a while, because its machine does, may lose some: without pauses
// between the reports every reply is incomplete.
func TestUHIDPacesLongReplies(t *testing.T) {
	key, info := uhidKey(t, uhid.Options{})
	host := openKey(t, info.Path, hidraw.LockOpen)
	const reports = 129 // 7,609 bytes
	whole := 0
	for range 10 {
		if err := host.BeginCall(t.Context()); err != nil { // drops what is left of the last
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			for i := range reports {
				if err := key.WriteReport(report(64, i)); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		start := time.Now()
		host.SetReadDeadline(start.Add(10 * time.Second))
		came, p := 0, make([]byte, 64)
		for came < reports {
			if _, err := host.ReadReport(p); errors.Is(err, os.ErrDeadlineExceeded) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p, report(64, came)) {
				break
			}
			came++
		}
		t.Logf("%d of %d reports in %v", came, reports, time.Since(start))
		if err := <-sent; err != nil {
			t.Error(err)
		}
		if came == reports {
			whole++
		}
	}
	if whole < 5 {
		t.Errorf("%d of 10 replies were whole", whole)
	}
}

// A request of MaxMessage bytes is kept whole by the kernel even if the key
// does not read meanwhile.
func TestUHIDKeepsAWholeRequest(t *testing.T) {
	key, info := uhidKey(t, uhid.Options{})
	host := openKey(t, info.Path, hidraw.LockOpen)
	// The events of creation and opening take room in the queue, too.
	key.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := key.ReadReport(make([]byte, 64)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	key.SetReadDeadline(time.Time{})
	n, err := ctaphid.PacketCount(64, uhid.MaxMessage)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := host.WriteReport(report(64, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		wantReport(t, key, report(64, i))
	}
}

// A host that asks for reports over the control pipe gets an error at once,
// not after the kernel's patience of five seconds.
func TestUHIDAnswersControlRequests(t *testing.T) {
	key, info := uhidKey(t, uhid.Options{})
	echo(key)
	f, err := os.OpenFile(info.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const hidiocgfeature65 = 3<<30 | 65<<16 | 'H'<<8 | 7 // _IOC(READ|WRITE, 'H', 7, 65)
	start := time.Now()
	buf := make([]byte, 65)
	if err := ioctlPtr(f, hidiocgfeature65, buf); err != unix.EIO {
		t.Errorf("GET_REPORT: %v", err)
	}
	const hidiocsfeature65 = 3<<30 | 65<<16 | 'H'<<8 | 6
	if err := ioctlPtr(f, hidiocsfeature65, buf); err != unix.EIO {
		t.Errorf("SET_REPORT: %v", err)
	}
	t.Logf("two requests in %v", time.Since(start))
	host := openKey(t, info.Path, hidraw.LockOpen)
	roundTrip(t, host, report(64, 5))
}

func TestUHIDClose(t *testing.T) {
	key, _ := uhidKey(t, uhid.Options{})
	ended := echo(key)
	if err := errors.Join(key.Close(), key.Close()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != os.ErrClosed {
		t.Errorf("a pending read ended with %v", err)
	}
}
