package uhid

import (
	"bytes"
	"encoding/binary"
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

// pair returns a Device whose kernel is the other end of a socket that keeps
// events apart.
func pair(t testing.TB, in, out int) (*Device, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(os.NewFile(uintptr(fds[0]), "device"), in, out)
	kernel := os.NewFile(uintptr(fds[1]), "kernel")
	t.Cleanup(func() { d.Close(); kernel.Close() })
	return d, kernel
}

func seq(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

func TestReadReport(t *testing.T) {
	report := seq(8)
	withID := append([]byte{0}, report...)
	for _, tt := range []struct {
		name  string
		event []byte
		want  []byte // nil if the event brings no report
		reply []byte
	}{
		{"OUTPUT with the report ID in front", outputEvent(withID, 9, outputReport), report, nil},
		{"OUTPUT without", outputEvent(report, 8, outputReport), report, nil},
		{"shorter than the descriptor says", outputEvent([]byte{0, 1, 2}, 3, outputReport), []byte{1, 2}, nil},
		{"longer", outputEvent(seq(10), 10, outputReport), nil, nil},
		{"empty", outputEvent(nil, 0, outputReport), nil, nil},
		{"feature report as output", outputEvent(withID, 9, featureReport), nil, nil},
		{"SET_REPORT", setReportEvent(7, outputReport, withID), report, appendSetReportReply(nil, 7, 0)},
		{"SET_REPORT, feature", setReportEvent(8, featureReport, withID), nil, appendSetReportReply(nil, 8, 5)},
		{"SET_REPORT, too long", setReportEvent(9, outputReport, seq(20)), nil, appendSetReportReply(nil, 9, 5)},
		{"GET_REPORT", getReportEvent(10, featureReport), nil, appendGetReportReply(nil, 10, 5)},
		{"START", plainEvent(eventStart), nil, nil},
		{"OPEN", plainEvent(eventOpen), nil, nil},
		{"CLOSE", plainEvent(eventClose), nil, nil},
		{"STOP", plainEvent(eventStop), nil, nil},
		{"unknown", plainEvent(77), nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, kernel := pair(t, 8, 64)
			kernel.Write(tt.event)
			last := seq(8)
			last[0] = 0xee
			kernel.Write(outputEvent(append([]byte{0}, last...), 9, outputReport))
			want := [][]byte{tt.want, last}
			if tt.want == nil {
				want = want[1:]
			}
			p := make([]byte, 64)
			for _, w := range want {
				if n, err := d.ReadReport(p); err != nil || !bytes.Equal(p[:n], w) {
					t.Fatalf("got %x, %v; want %x", p[:n], err, w)
				}
			}
			if tt.reply != nil {
				b := make([]byte, 100)
				if n, err := kernel.Read(b); err != nil || !bytes.Equal(b[:n], tt.reply) {
					t.Errorf("reply %x, %v; want %x", b[:n], err, tt.reply)
				}
			}
		})
	}
	d, _ := pair(t, 64, 8)
	if _, err := d.ReadReport(make([]byte, 63)); err != io.ErrShortBuffer {
		t.Errorf("buffer too small: %v", err)
	}
}

func TestWriteReport(t *testing.T) {
	d, kernel := pair(t, 64, 8)
	if err := d.WriteReport(seq(8)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, _ := kernel.Read(b)
	if want := appendInput2(nil, seq(8)); !bytes.Equal(b[:n], want) {
		t.Errorf("got %x, want %x", b[:n], want)
	}
	for _, n := range []int{0, 7, 9, 64} {
		if err := d.WriteReport(make([]byte, n)); err == nil {
			t.Errorf("report of %d bytes was sent", n)
		}
	}
	if in, out := d.ReportSizes(); in != 64 || out != 8 {
		t.Errorf("sizes %d, %d", in, out)
	}
}

func TestDeadlineAndClose(t *testing.T) {
	d, kernel := pair(t, 64, 64)
	p := make([]byte, 64)
	d.SetReadDeadline(time.Unix(1, 0))
	if _, err := d.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past deadline: %v", err)
	}
	d.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := d.ReadReport(p); ended <- err }()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := d.WriteReport(p); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	b := make([]byte, 100)
	if n, err := kernel.Read(b); err != nil || n != 4 || binary.NativeEndian.Uint32(b) != eventDestroy {
		t.Errorf("the kernel got %x, %v, not DESTROY", b[:n], err)
	}
}

func TestCloseEndsAPause(t *testing.T) {
	d, _ := pair(t, 64, 64)
	d.pace = pace{n: burst, last: time.Now().Add(time.Hour)} // a pause is due, however slow the test is
	d.Close()
	if err := d.WriteReport(make([]byte, 64)); err != os.ErrClosed {
		t.Errorf("write: %v", err)
	}
}

func TestPace(t *testing.T) {
	at := time.Unix(1000, 0)
	var p pace
	var waits []int // the numbers of the reports that waited
	for i := range 3 * burst {
		w := p.next(at)
		if w != 0 {
			waits = append(waits, i)
			if w != rest {
				t.Errorf("report %d waits %v", i, w)
			}
		}
		at = at.Add(w + 10*time.Microsecond)
	}
	if len(waits) != 2 || waits[0] != burst || waits[1] != 2*burst {
		t.Errorf("reports %v waited", waits)
	}
	for i := range 1000 {
		at = at.Add(rest)
		if w := p.next(at); w != 0 {
			t.Fatalf("slow report %d waits %v", i, w)
		}
	}
	// A reply to a request that fits the key's maxMsgSize never waits.
	p = pace{}
	n, _ := ctaphid.PacketCount(64, MaxMessage)
	for i := range n {
		if w := p.next(at); w != 0 {
			t.Errorf("report %d of a message of %d bytes waits", i, MaxMessage)
		}
	}
	if n > 31 {
		t.Errorf("a message of %d bytes has %d reports, more than the kernel keeps", MaxMessage, n)
	}
}

func TestOptions(t *testing.T) {
	t.Run("defaults", func(t *testing.T) {
		c, in, out, err := new(Options).creation()
		if err != nil || in != 64 || out != 64 || c.name == "" || c.bus != 3 || c.vendor != 0x1209 || c.product != 1 || len(c.descriptor) != 34 {
			t.Errorf("%+v, %d, %d, %v", c, in, out, err)
		}
	})
	t.Run("all set", func(t *testing.T) {
		o := Options{Name: "N", PhysicalPath: "P", Serial: "S", Bus: hid.BusBluetooth, VendorID: 1, ProductID: 2, Version: 3, Country: 4, ReportIn: 8, ReportOut: 16}
		c, in, out, err := o.creation()
		d, _ := hid.ParseDescriptor(c.descriptor)
		if err != nil || in != 8 || out != 16 || d.In != 8 || d.Out != 16 || c.name != "N" || c.phys != "P" || c.uniq != "S" ||
			c.bus != 5 || c.vendor != 1 || c.product != 2 || c.version != 3 || c.country != 4 {
			t.Errorf("%+v, %d, %d, %v", c, in, out, err)
		}
	})
	for name, o := range map[string]Options{
		"name":          {Name: strings.Repeat("x", 128)},
		"physical path": {PhysicalPath: strings.Repeat("x", 64)},
		"serial number": {Serial: strings.Repeat("x", 64)},
	} {
		if _, err := Create(&o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s too long: %v", name, err)
		}
	}
	for _, o := range []Options{{ReportIn: 7}, {ReportIn: 65}, {ReportOut: 7}, {ReportOut: 65}, {ReportIn: -1}} {
		if _, err := Create(&o); !errors.Is(err, ctaphid.ErrReportSize) {
			t.Errorf("sizes %d, %d: %v", o.ReportIn, o.ReportOut, err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	d, kernel := pair(t, 64, 64)
	out := outputEvent(make([]byte, 65), 65, outputReport)
	b, p := make([]byte, 100), make([]byte, 64)
	if n := testing.AllocsPerRun(burst/2, func() { // stays below the pause
		kernel.Write(out)
		d.ReadReport(p)
		d.WriteReport(p)
		kernel.Read(b)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
