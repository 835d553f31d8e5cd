package ctaphidtest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// short shows a report without its padding.
func short(report []byte) string { return hex.EncodeToString(bytes.TrimRight(report, "\x00")) }

// TestFaults sends reports through one fault and looks at what arrives. The
// device echoes reports.
func TestFaults(t *testing.T) {
	const host, key = ctaphidtest.ToHost, ctaphidtest.ToKey
	other := ctaphidtest.Reports(64, ctaphid.Message{CID: 0x99, Command: ctaphid.CommandWink})[0]
	for _, tt := range []struct {
		name  string
		fault ctaphidtest.Fault
		sent  string // reports of the host
		want  string // reports that it gets, and how it ends
	}{
		{"Drop to the host", ctaphidtest.Drop(host, 2), "01 02 03", "01 03"},
		{"Drop to the key", ctaphidtest.Drop(key, 1), "01 02 03", "02 03"},
		{"Duplicate", ctaphidtest.Duplicate(host, 2), "01 02 03", "01 02 02 03"},
		{"Swap", ctaphidtest.Swap(key, 1), "01 02 03", "02 01 03"},
		{"Swap of the last", ctaphidtest.Swap(host, 3), "01 02 03", "01 02"},
		{"Delay", ctaphidtest.Delay(host, 2, time.Second), "01 02 03", "01 1s 02 03"},
		{"Corrupt", ctaphidtest.Corrupt(host, 1, 2, 0x81), "010203 04", "010282 04"},
		{"Corrupt behind the end", ctaphidtest.Corrupt(host, 1, 64, 0x81), "01", "01"},
		{"Truncate", ctaphidtest.Truncate(1, 2), "010203 04", "0102 04"},
		{"Unplug after a reply", ctaphidtest.Unplug(host, 2), "01 02 03", "01 02 gone"},
		{"Unplug after a request", ctaphidtest.Unplug(key, 1), "01", "gone"},
		{"Stale", ctaphidtest.Stale(other), "01 02", "0000009988 01 02"},
		{"Busy", ctaphidtest.Busy(1), "00000005810100 0000000500 000000058600 00000005810001 0000000500",
			"00000005bf000106 000000058600 00000005810001 0000000500"},
		{"IgnoreCancel", ctaphidtest.IgnoreCancel(), "00000005910000 000000059000", "000000059000"},
		{"ForeignInit", ctaphidtest.ForeignInit(), "ffffffff8600110102030405060708000000050205020105",
			"ffffffff8600115b58595e5f5c5d525a5a5a5f0205020105 ffffffff8600110102030405060708000000050205020105"},
		{"InitReplySize", ctaphidtest.InitReplySize(0x99), "ffffffff8600110102030405060708 000000059000", "ffffffff8600990102030405060708 000000059000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner, device := ctaphid.Pipe(64, 64)
				go func() {
					p := make([]byte, 64)
					for {
						n, err := device.ReadReport(p)
						if err != nil {
							return
						}
						device.WriteReport(p[:n])
					}
				}()
				dev := ctaphidtest.Faulty(inner, tt.fault)
				defer dev.Close()
				gone := false
				for field := range strings.FieldsSeq(tt.sent) {
					b, err := hex.DecodeString(field)
					if err != nil {
						t.Fatal(err)
					}
					if err := dev.WriteReport(append(b, make([]byte, 64-len(b))...)); err != nil {
						gone = errors.Is(err, ctaphid.ErrGone)
						break
					}
				}
				var got []string
				p := make([]byte, 64)
				start := time.Now()
				for {
					dev.SetReadDeadline(time.Now().Add(10 * time.Second))
					n, err := dev.ReadReport(p)
					if errors.Is(err, ctaphid.ErrGone) {
						got = append(got, "gone")
						break
					}
					if errors.Is(err, os.ErrDeadlineExceeded) {
						break
					}
					if d := time.Since(start); d > 0 {
						got = append(got, d.String())
						start = time.Now()
					}
					got = append(got, short(p[:n]))
				}
				if gone && got[len(got)-1] != "gone" {
					t.Error("writing says that the device is gone, reading does not")
				}
				want := strings.Fields(tt.want)
				for i, w := range want {
					if b, err := hex.DecodeString(w); err == nil {
						want[i] = short(b)
					}
				}
				if strings.Join(got, " ") != strings.Join(want, " ") {
					t.Errorf("the host gets %q, want %q", got, want)
				}
			})
		})
	}
}

func TestChatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := ctaphidtest.Faulty(ctaphidtest.NewFunc(nil), ctaphidtest.Chatter(0x00330003))
		conn, err := ctaphid.Open(t.Context(), dev, nil)
		if err != nil {
			t.Fatal(err)
		}
		foreign := 0
		traced, err := ctaphid.Open(t.Context(), ctaphidtest.Faulty(ctaphidtest.NewFunc(nil), ctaphidtest.Chatter(0x00330003)), &ctaphid.Config{
			Trace: func(e ctaphid.TraceEvent) {
				if p, err := ctaphid.ParsePacket(e.Report); err == nil && p.CID == 0x00330003 {
					foreign++
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if foreign != 3 {
			t.Errorf("%d foreign reports before the INIT reply, want 3", foreign)
		}
		conn.Close()
		traced.Close()
	})
}

// TestFaultyClose ends a wait for a delay, and a read, and leaves nothing
// running.
func TestFaultyClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := ctaphidtest.NewFunc(nil)
		dev := ctaphidtest.Faulty(inner, ctaphidtest.Delay(ctaphidtest.ToHost, 1, time.Hour))
		inner.SendReport(make([]byte, 64))
		start := time.Now()
		time.AfterFunc(time.Second, func() { dev.Close() })
		if _, err := dev.ReadReport(make([]byte, 64)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("reading gives %v", err)
		}
		if err := dev.WriteReport(make([]byte, 64)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("writing gives %v", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

// A busyDevice takes a second for each report and notes if two come at a time.
type busyDevice struct {
	*ctaphidtest.Func
	writers, most atomic.Int32
	begun, ended  int
}

func (d *busyDevice) WriteReport([]byte) error {
	d.most.Store(max(d.most.Load(), d.writers.Add(1)))
	defer d.writers.Add(-1)
	time.Sleep(time.Second)
	return nil
}

func (d *busyDevice) BeginCall(ctx context.Context) error {
	d.begun++
	return d.Func.BeginCall(ctx)
}

func (d *busyDevice) EndCall() { d.ended++ }

// A fault that answers the device writes at the same time as the host.
func TestFaultyWritesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &busyDevice{Func: ctaphidtest.NewFunc(nil)}
		answer := func(f ctaphidtest.Frame) []ctaphidtest.Frame {
			if f.ToHost {
				return []ctaphidtest.Frame{f, {Report: []byte{1}}}
			}
			return []ctaphidtest.Frame{f}
		}
		dev := ctaphidtest.Faulty(inner, answer)
		defer dev.Close()
		inner.SendReport(make([]byte, 64))
		if err := dev.WriteReport(make([]byte, 64)); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
		if n := inner.most.Load(); n != 1 {
			t.Errorf("%d reports were written at a time", n)
		}
	})
}

// The wrappers tell the device when calls begin and end, with no read pending,
// and have nothing older themselves.
func TestWrappersPassCallsOn(t *testing.T) {
	for name, wrap := range map[string]func(ctaphid.Device) ctaphid.Device{
		"Faulty": func(d ctaphid.Device) ctaphid.Device { return ctaphidtest.Faulty(d) },
		"Record": func(d ctaphid.Device) ctaphid.Device { return ctaphidtest.Record(d) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := &busyDevice{Func: ctaphidtest.NewFunc(nil)}
				dev := wrap(inner)
				defer dev.Close()
				inner.SendReport(make([]byte, 64))
				synctest.Wait()
				calls := dev.(interface {
					BeginCall(context.Context) error
					EndCall()
				})
				if err := calls.BeginCall(t.Context()); err != nil {
					t.Error(err)
				}
				dev.SetReadDeadline(time.Now().Add(time.Second))
				if n, err := dev.ReadReport(make([]byte, 64)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("an old report was left: %d, %v", n, err)
				}
				calls.EndCall()
				if inner.begun != 1 || inner.ended != 1 {
					t.Errorf("the device was told of %d beginnings and %d ends", inner.begun, inner.ended)
				}
				inner.SendReport([]byte{7})
				p := make([]byte, 64)
				dev.SetReadDeadline(time.Now().Add(time.Second))
				if n, err := dev.ReadReport(p); n != 1 || p[0] != 7 || err != nil {
					t.Errorf("the next report: %x, %v", p[:n], err)
				}
				inner.Unplug()
				synctest.Wait()
				if err := calls.BeginCall(t.Context()); err != nil && !errors.Is(err, ctaphid.ErrGone) {
					t.Errorf("when it is unplugged: %v", err)
				}
			})
		})
	}
}
