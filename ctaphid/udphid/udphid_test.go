package udphid_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// wait bounds what has to happen at once; no test that passes takes it.
const wait = 10 * time.Second

func listen(t *testing.T, o *udphid.ListenOptions) *udphid.Listener {
	t.Helper()
	l, err := udphid.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.SetReadDeadline(time.Now().Add(wait))
	return l
}

func dial(t *testing.T, to netip.AddrPort) *udphid.Device {
	t.Helper()
	d, err := udphid.Dial(t.Context(), to.String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	d.SetReadDeadline(time.Now().Add(wait))
	return d
}

func report(fill byte) []byte { return bytes.Repeat([]byte{fill}, udphid.ReportSize) }

func send(t *testing.T, d ctaphid.Device, fill byte) {
	t.Helper()
	if err := d.WriteReport(report(fill)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, d ctaphid.Device, fill byte) {
	t.Helper()
	var p [udphid.ReportSize]byte
	if n, err := d.ReadReport(p[:]); err != nil || !bytes.Equal(p[:n], report(fill)) {
		t.Fatalf("got %x, %v; want %02x…", p[:n], err, fill)
	}
}

func TestReportsBothWays(t *testing.T) {
	key := listen(t, nil)
	host := dial(t, key.Addr())
	for i := range byte(100) {
		send(t, host, i)
		receive(t, key, i)
		send(t, key, ^i)
		receive(t, host, ^i)
	}
	if in, out := host.ReportSizes(); in != 64 || out != 64 {
		t.Error(in, out)
	}
}

func TestReplyGoesToTheLastHost(t *testing.T) {
	key := listen(t, nil)
	a, b := dial(t, key.Addr()), dial(t, key.Addr())
	send(t, a, 0x81) // an initialization packet, for bit 7 is set
	receive(t, key, 0x81)
	send(t, b, 0x82)
	receive(t, key, 0x82)
	send(t, key, 3)
	receive(t, b, 3)
	send(t, a, 0x04) // a continuation packet
	receive(t, key, 0x04)
	send(t, key, 5)
	receive(t, b, 5)
	send(t, a, 0x86)
	receive(t, key, 0x86)
	send(t, key, 7)
	receive(t, a, 7)
}

// What arrived before a call is dropped, whatever the deadline was, and so is
// the news that nobody was there.
func TestBeginCallDrops(t *testing.T) {
	key := listen(t, nil)
	host := dial(t, key.Addr())
	send(t, host, 0x81)
	receive(t, key, 0x81)
	for i := range byte(100) {
		send(t, key, i)
	}
	host.SetReadDeadline(time.Unix(1, 0))
	if err := host.BeginCall(t.Context()); err != nil {
		t.Fatal(err)
	}
	host.SetReadDeadline(time.Now().Add(wait))
	send(t, key, 0xee)
	receive(t, host, 0xee)

	nobody := listen(t, nil)
	host = dial(t, nobody.Addr())
	nobody.Close()
	send(t, host, 0x81)
	if err := host.BeginCall(t.Context()); err != nil {
		t.Fatal(err)
	}
	host.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := host.ReadReport(make([]byte, 64)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("old news: %v", err)
	}
	host.Close()
	if err := host.BeginCall(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestFixedReplyPort(t *testing.T) {
	host, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	key := listen(t, &udphid.ListenOptions{ReplyPort: host.LocalAddr().(*net.UDPAddr).AddrPort().Port()})
	send(t, dial(t, key.Addr()), 1) // from another port
	receive(t, key, 1)
	send(t, key, 2)
	host.SetReadDeadline(time.Now().Add(wait))
	p := make([]byte, 100)
	if n, from, err := host.ReadFromUDPAddrPort(p); err != nil || !bytes.Equal(p[:n], report(2)) || from != key.Addr() {
		t.Fatalf("got %x from %v, %v", p[:n], from, err)
	}
}

func TestWriteBeforeAnyHostIsLost(t *testing.T) {
	key := listen(t, nil)
	send(t, key, 1)
	host := dial(t, key.Addr())
	send(t, host, 2)
	receive(t, key, 2)
	send(t, key, 3)
	receive(t, host, 3)
}

func TestOtherSizesArePassedOver(t *testing.T) {
	key := listen(t, nil)
	raw, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(key.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, n := range []int{0, 1, 63, 65, 66, 1400, 9000} {
		if _, err := raw.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	raw.Write(report(7))
	receive(t, key, 7)
}

func TestOtherSizesAndSendersArePassedOverByTheHost(t *testing.T) {
	sim, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	host := dial(t, sim.LocalAddr().(*net.UDPAddr).AddrPort())
	send(t, host, 1)
	sim.SetReadDeadline(time.Now().Add(wait))
	_, from, err := sim.ReadFromUDPAddrPort(make([]byte, 64))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(from))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.Write(report(0xee))
	for _, n := range []int{0, 63, 65, 1400} {
		sim.WriteToUDPAddrPort(make([]byte, n), from)
	}
	sim.WriteToUDPAddrPort(report(2), from)
	receive(t, host, 2)
}

func TestPowerCycle(t *testing.T) {
	t.Run("honoured with a hook", func(t *testing.T) {
		n := 0
		key := listen(t, &udphid.ListenOptions{PowerCycle: func() { n++ }})
		host := dial(t, key.Addr())
		send(t, host, 1)
		if err := host.PowerCycle(); err != nil {
			t.Fatal(err)
		}
		send(t, host, 2)
		receive(t, key, 1)
		if n != 0 {
			t.Error("too early")
		}
		receive(t, key, 2)
		if n != 1 {
			t.Errorf("%d power cycles", n)
		}
	})
	t.Run("a report without a hook", func(t *testing.T) {
		key := listen(t, nil)
		host := dial(t, key.Addr())
		host.PowerCycle()
		p := make([]byte, 64)
		if n, err := key.ReadReport(p); n != 64 || err != nil || !bytes.HasPrefix(p, []byte{0xac, 0x10, 0x52, 0xca}) || !bytes.HasSuffix(p, []byte{0x9a, 0x72, 0x50, 0xdc}) {
			t.Errorf("%x, %v", p, err)
		}
	})
}

func TestDeadlineAndClose(t *testing.T) {
	key := listen(t, nil)
	for name, d := range map[string]ctaphid.Device{"host": dial(t, key.Addr()), "key": key} {
		t.Run(name, func(t *testing.T) {
			p := make([]byte, 64)
			d.SetReadDeadline(time.Unix(1, 0))
			if _, err := d.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("past deadline: %v", err)
			}
			d.SetReadDeadline(time.Time{})
			ended := make(chan error)
			go func() { _, err := d.ReadReport(p); ended <- err }()
			d.SetReadDeadline(time.Unix(1, 0)) // ends the read, whether it has begun or not
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("deadline during a read: %v", err)
			}
			d.SetReadDeadline(time.Time{})
			go func() { _, err := d.ReadReport(p); ended <- err }()
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, os.ErrClosed) {
				t.Errorf("close during a read: %v", err)
			}
			if err := d.WriteReport(p); name == "host" && !errors.Is(err, os.ErrClosed) {
				t.Errorf("write after close: %v", err)
			}
			if err := d.SetReadDeadline(time.Time{}); !errors.Is(err, os.ErrClosed) {
				t.Errorf("deadline after close: %v", err)
			}
			if err := d.Close(); err != nil {
				t.Errorf("second close: %v", err)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	key := listen(t, nil)
	host := dial(t, key.Addr())
	key.Close()
	send(t, host, 1)
	_, err := host.ReadReport(make([]byte, 64))
	if e, ok := errors.AsType[*udphid.RefusedError](err); !ok || !errors.Is(err, ctaphid.ErrGone) || !strings.Contains(e.Error(), "start the simulator") {
		t.Errorf("error is %v", err)
	}
}

func TestWrongUse(t *testing.T) {
	key := listen(t, nil)
	host := dial(t, key.Addr())
	for _, d := range []ctaphid.Device{key, host} {
		for _, n := range []int{0, 63, 65} {
			if err := d.WriteReport(make([]byte, n)); err == nil {
				t.Errorf("report of %d bytes was sent", n)
			}
		}
		if _, err := d.ReadReport(make([]byte, 63)); err == nil {
			t.Error("a report was read into 63 bytes")
		}
	}
	if _, err := udphid.Listen(key.Addr().String(), nil); err == nil || !strings.Contains(err.Error(), "another simulator") {
		t.Errorf("two keys at one port: %v", err)
	}
	taken, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := udphid.Dial(t.Context(), fmt.Sprintf("127.0.0.1:1:%d", taken.LocalAddr().(*net.UDPAddr).Port)); err == nil || !strings.Contains(err.Error(), "choose a different one") {
		t.Errorf("local port in use: %v", err)
	}
	if _, err := udphid.Dial(t.Context(), "host:port"); err == nil {
		t.Error("a bad address was dialled")
	}
}

func TestNoAllocation(t *testing.T) {
	key := listen(t, nil)
	host := dial(t, key.Addr())
	p := report(1)
	if n := testing.AllocsPerRun(100, func() {
		host.WriteReport(p)
		key.ReadReport(p)
		key.WriteReport(p)
		host.ReadReport(p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReportBothWays(b *testing.B) {
	key, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer key.Close()
	host, err := udphid.Dial(b.Context(), key.Addr().String()+":0")
	if err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	p := report(1)
	b.ReportAllocs()
	for b.Loop() {
		host.WriteReport(p)
		key.ReadReport(p)
		key.WriteReport(p)
		host.ReadReport(p)
	}
}

// A key that echoes one report.
func Example() {
	key, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	go func() {
		p := make([]byte, udphid.ReportSize)
		if n, err := key.ReadReport(p); err == nil {
			key.WriteReport(p[:n])
		}
	}()

	host, err := udphid.Dial(context.Background(), key.Addr().String()+":0")
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	out := make([]byte, udphid.ReportSize)
	copy(out, "hello")
	if err := host.WriteReport(out); err != nil {
		log.Fatal(err)
	}
	in := make([]byte, udphid.ReportSize)
	n, err := host.ReadReport(in)
	fmt.Printf("%s %v\n", in[:5], n == udphid.ReportSize && err == nil)
	// Output: hello true
}

// Two programs at once: each gets the reports of its own channel.
func TestRepliesGoToTheHostOfTheChannel(t *testing.T) {
	key := listen(t, nil)
	a, b := dial(t, key.Addr()), dial(t, key.Addr())
	message := func(channel byte) []byte {
		report := make([]byte, 64)
		report[3], report[4] = channel, 0x90
		return report
	}
	buf := make([]byte, 64)
	for _, from := range []struct {
		host    *udphid.Device
		channel byte
	}{{a, 1}, {b, 2}} {
		if err := from.host.WriteReport(message(from.channel)); err != nil {
			t.Fatal(err)
		}
		if _, err := key.ReadReport(buf); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []struct {
		host    *udphid.Device
		channel byte
	}{{a, 1}, {b, 2}, {a, 1}} {
		if err := key.WriteReport(message(to.channel)); err != nil {
			t.Fatal(err)
		}
		if err := to.host.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := to.host.ReadReport(buf); err != nil || buf[3] != to.channel {
			t.Errorf("channel %d: %v, %x", to.channel, err, buf[:5])
		}
	}
}
