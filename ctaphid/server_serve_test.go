package ctaphid_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

func TestServerEchoesEveryLength(t *testing.T) {
	for _, sizes := range [][2]int{{64, 64}, {64, 32}, {32, 64}, {62, 62}, {8, 8}, {64, 8}} {
		synctest.Test(t, func(t *testing.T) {
			r := serveRaw(t, ctaphid.NewServer(newScriptedKey(), nil), sizes[0], sizes[1])
			cid := r.open()
			most := min(ctaphid.MaxMessage(sizes[0]), ctaphid.MaxMessage(sizes[1]))
			lengths := []int{0, 1, 2, 3, 4, 56, 57, 58, 115, 116, 117, 1024, 7608, 7609, most - 1, most}
			for _, n := range slices.DeleteFunc(lengths, func(n int) bool { return n > most }) {
				data := make([]byte, n)
				for i := range data {
					data[i] = byte(rand.Uint32())
				}
				if m := r.exchange(cid, ctaphid.CommandPing, data); m.CID != cid || m.Command != ctaphid.CommandPing || !bytes.Equal(m.Data, data) {
					t.Errorf("reports of %v bytes: PING of %d bytes replied %v, %d bytes", sizes, n, m.Command, len(m.Data))
				}
			}
			if most < ctaphid.MaxMessage(sizes[0]) {
				r.write(ctaphid.AppendPacket(nil, sizes[0], ctaphid.Message{CID: cid, Command: ctaphid.CommandPing, Data: make([]byte, most+1)}, 0))
				if m := r.readMessage(); m.Command != ctaphid.CommandError || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidLen {
					t.Errorf("reports of %v bytes: PING of %d bytes replied %v %x, want INVALID_LEN", sizes, most+1, m.Command, m.Data)
				}
			}
		})
	}
}

func TestServerIgnoresReportsOfAnotherSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, key := ctaphid.Pipe(64, 64)
		served := make(chan error)
		go func() {
			served <- ctaphid.NewServer(newScriptedKey(), nil).Serve(t.Context(), trimmer{key})
		}()
		r := &rawHost{TB: t, dev: host, in: 64, out: 64}
		r.write([]byte{0xff, 0xff, 0xff, 0xff, 0x86, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8})
		if report := r.read(time.Second); report != nil {
			t.Errorf("a report of 63 bytes was answered: %s", describe(report))
		}
		host.Close()
		<-served
	})
}

// A trimmer loses the last byte of each report.
type trimmer struct{ ctaphid.Device }

func (d trimmer) ReadReport(p []byte) (int, error) {
	n, err := d.Device.ReadReport(p)
	return n - 1, err
}

func TestServerChannelsNeverRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newScriptedKey()
		s := ctaphid.NewServer(key, &ctaphid.ServerConfig{MaxChannels: 8})
		r := serveRaw(t, s, 64, 64)
		seen := map[ctaphid.CID]bool{ctaphid.ReservedCID: true, ctaphid.BroadcastCID: true}
		var oldest ctaphid.CID
		for i := range 300 {
			cid := r.open()
			if seen[cid] {
				t.Fatalf("INIT number %d gave channel %v again", i, cid)
			}
			seen[cid] = true
			if i == 0 {
				oldest = cid
			}
			if m := r.exchange(cid, ctaphid.CommandCBOR, []byte{keyEcho}); m.Command != ctaphid.CommandCBOR {
				t.Fatalf("the newest of %d channels replied %v %x", i+1, m.Command, m.Data)
			}
			if i%100 == 99 {
				s.PowerCycle()
			}
		}
		if m := r.exchange(oldest, ctaphid.CommandPing, nil); m.CID != oldest || m.Command != ctaphid.CommandError || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidChannel {
			t.Errorf("the oldest of 300 channels replied %v %x, want INVALID_CHANNEL", m.Command, m.Data)
		}
		slices.Sort(key.sessions)
		if n := len(slices.Compact(key.sessions)); n != 300 {
			t.Errorf("%d different sessions on 300 channels", n)
		}
	})
}

func TestServeReturns(t *testing.T) {
	stop := errors.New("stop")
	for _, tt := range []struct {
		name string
		end  func(host, key ctaphid.Device, cancel context.CancelCauseFunc)
		want error
	}{
		{"the host's end closes/ErrGone", func(host, _ ctaphid.Device, _ context.CancelCauseFunc) { host.Close() }, ctaphid.ErrGone},
		{"the device is closed/os.ErrClosed", func(_, key ctaphid.Device, _ context.CancelCauseFunc) { key.Close() }, os.ErrClosed},
		{"the context is cancelled/context.Canceled", func(_, _ ctaphid.Device, cancel context.CancelCauseFunc) { cancel(nil) }, context.Canceled},
		{"the context ends with a cause/the cause", func(_, _ ctaphid.Device, cancel context.CancelCauseFunc) { cancel(stop) }, stop},
	} {
		for _, state := range []struct {
			name   string
			report []byte
		}{
			{"while idle", nil},
			{"while receiving", []byte{0, 0, 0, 1, 0x81, 0, 64}},
			{"while the handler works", []byte{0, 0, 0, 1, 0x90, 0, 1, keyTouch}},
			{"while the handler does not let go", []byte{0, 0, 0, 1, 0x90, 0, 1, keyStubborn}},
		} {
			t.Run(tt.name+" "+state.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					host, key := ctaphid.Pipe(64, 64)
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					s := ctaphid.NewServer(newScriptedKey(), nil)
					served := make(chan error, 1)
					go func() { served <- s.Serve(ctx, key) }()
					r := &rawHost{TB: t, dev: host, in: 64, out: 64}
					r.open()
					if state.report != nil {
						r.write(state.report)
					}
					synctest.Wait()
					tt.end(host, key, cancel)
					if err := <-served; !errors.Is(err, tt.want) {
						t.Errorf("Serve returned %v, want %v", err, tt.want)
					}
					if err := key.WriteReport(make([]byte, 64)); !errors.Is(err, os.ErrClosed) {
						t.Errorf("after Serve the device can be written to: %v", err)
					}

					// The Server can be plugged in again and has forgotten all.
					l := ctaphid.LoopbackServer(s, 64, 64)
					defer l.Close()
					r = &rawHost{TB: t, dev: l, in: 64, out: 64}
					if m := r.exchange(1, ctaphid.CommandPing, nil); m.Command != ctaphid.CommandError || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidChannel {
						t.Errorf("the old channel replied %v %x, want INVALID_CHANNEL", m.Command, m.Data)
					}
					if cid := r.open(); cid != 2 {
						t.Errorf("the first channel after a replug is %v, want 2", cid)
					}
				})
			})
		}
	}
}

func TestServeRefusesImpossibleReportSizes(t *testing.T) {
	_, key := ctaphid.Pipe(64, 64)
	if err := ctaphid.NewServer(newScriptedKey(), nil).Serve(t.Context(), odd{key}); !errors.Is(err, ctaphid.ErrReportSize) {
		t.Errorf("Serve of a device with reports of 65 bytes returned %v, want ErrReportSize", err)
	}
}

// odd has impossible report sizes.
type odd struct{ ctaphid.Device }

func (odd) ReportSizes() (in, out int) { return 64, 65 }

// A heldDevice lets writes pass only when told.
type heldDevice struct {
	ctaphid.Device
	pass   chan error // nil lets one write pass, an error makes it fail
	closed chan struct{}
}

func (d *heldDevice) WriteReport(p []byte) error {
	select {
	case err := <-d.pass:
		if err != nil {
			return err
		}
		return d.Device.WriteReport(p)
	case <-d.closed:
		return os.ErrClosed
	}
}

func (d *heldDevice) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return d.Device.Close()
}

// serveHeld runs a Server whose writes wait.
func serveHeld(t *testing.T, h ctaphid.Handler) (*rawHost, *heldDevice) {
	host, key := ctaphid.Pipe(64, 64)
	held := &heldDevice{Device: key, pass: make(chan error), closed: make(chan struct{})}
	r := &rawHost{TB: t, dev: host, in: 64, out: 64, served: make(chan error, 1)}
	go func() { r.served <- ctaphid.NewServer(h, nil).Serve(t.Context(), held) }()
	r.write([]byte{0xff, 0xff, 0xff, 0xff, 0x86, 0, 8})
	held.pass <- nil
	r.read(soon)
	return r, held
}

func TestServerReadsWhileWritingWaits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request []byte // on channel 1
		passed  int    // how many reports pass before the second request comes
		second  []byte
		want    []ctaphid.Command
	}{
		{"a keepalive is held up/CANCEL ends the request", []byte{0x90, 0, 1, keyTouch}, 0, []byte{0x91, 0, 0},
			[]ctaphid.Command{ctaphid.CommandKeepalive, ctaphid.CommandCBOR}},
		{"a keepalive is held up/INIT ends the request", []byte{0x90, 0, 1, keyTouch}, 0, []byte{0x86, 0, 8},
			[]ctaphid.Command{ctaphid.CommandKeepalive, ctaphid.CommandInit}},
		{"the first packet of a reply is held up/INIT stops it", []byte{0x90, 0, 3, keyLong, 1, 0}, 0, []byte{0x86, 0, 8},
			[]ctaphid.Command{ctaphid.CommandCBOR, ctaphid.CommandInit}},
		{"the second packet of a reply is held up/INIT stops it", []byte{0x90, 0, 3, keyLong, 1, 0}, 1, []byte{0x86, 0, 8},
			[]ctaphid.Command{ctaphid.CommandCBOR, 0, ctaphid.CommandInit}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, held := serveHeld(t, newScriptedKey())
				r.write(append([]byte{0, 0, 0, 1}, tt.request...))
				for range tt.passed {
					held.pass <- nil
				}
				time.Sleep(time.Second) // a keepalive that is due meanwhile is not sent twice
				r.write(append([]byte{0, 0, 0, 1}, tt.second...))
				synctest.Wait()
				for range len(tt.want) - tt.passed {
					held.pass <- nil
				}
				for _, want := range tt.want {
					report := r.read(soon)
					if report == nil {
						t.Fatalf("nothing was sent, want %v", want)
					}
					if p, _ := ctaphid.ParsePacket(report); p.Command != want {
						t.Fatalf("%v was sent, want %v", p, want)
					}
				}
				select {
				case held.pass <- nil:
					t.Errorf("more was sent: %s", describe(r.read(soon)))
				case <-time.After(time.Second):
				}
				r.dev.Close()
				<-r.served
			})
		})
	}
}

// A slowDevice goes on writing for a while after the host has the report.
type slowDevice struct{ ctaphid.Device }

func (d slowDevice) WriteReport(p []byte) error {
	err := d.Device.WriteReport(p)
	time.Sleep(10 * time.Millisecond)
	return err
}

// The host may send the next request when it has the reply; it must not be told
// that the channel is busy because the Server has not returned from writing.
func TestServerIsFreeWhenTheReplyIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, key := ctaphid.Pipe(64, 64)
		served := make(chan error)
		go func() { served <- ctaphid.NewServer(newScriptedKey(), nil).Serve(t.Context(), slowDevice{key}) }()
		r := &rawHost{TB: t, dev: host, in: 64, out: 64}
		cid := r.open()
		time.Sleep(time.Second)
		for i := range byte(3) {
			r.writeMessage(ctaphid.Message{CID: cid, Command: ctaphid.CommandCBOR, Data: []byte{keyEcho, i}})
			report := r.read(20 * time.Millisecond)
			if p, _ := ctaphid.ParsePacket(report); p.Command != ctaphid.CommandCBOR || p.Data[2] != i {
				t.Errorf("request %d was answered with %s", i, describe(report))
			}
		}
		host.Close()
		<-served
	})
}

// The Handler may read its request for as long as it runs.
func TestServerKeepsTheRequestOfAnAbortedHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newScriptedKey()
		r := serveRaw(t, ctaphid.NewServer(key, nil), 64, 64)
		cid := r.open()
		request := append([]byte{keyStubborn}, bytes.Repeat([]byte{1}, 100)...)
		r.writeMessage(ctaphid.Message{CID: cid, Command: ctaphid.CommandCBOR, Data: request})
		synctest.Wait()
		r.exchange(cid, ctaphid.CommandInit, make([]byte, 8))
		r.exchange(cid, ctaphid.CommandPing, bytes.Repeat([]byte{2}, 101))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !bytes.Equal(key.stubborn, request) {
			t.Errorf("the handler's request became %x", key.stubborn)
		}
	})
}

func TestServerHeldUpForLongerThanTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, held := serveHeld(t, newScriptedKey())
		m := ctaphid.Message{CID: 1, Command: ctaphid.CommandPing, Data: make([]byte, 100)}
		r.write(ctaphid.AppendPacket(nil, 64, m, 0))
		r.write([]byte{0, 0, 0, 0, 0x81}) // its INVALID_CHANNEL is held up
		r.write(ctaphid.AppendPacket(nil, 64, m, 1))
		time.Sleep(time.Second)
		for range 3 {
			held.pass <- nil
		}
		if p, _ := ctaphid.ParsePacket(r.read(soon)); p.Command != ctaphid.CommandError || p.CID != 0 {
			t.Errorf("%v was sent first, want ERROR on channel 0", p)
		}
		if p, _ := ctaphid.ParsePacket(r.read(soon)); p.Command != ctaphid.CommandPing {
			t.Errorf("%v was sent, want PING: its packets had come in time", p)
		}
		r.dev.Close()
		<-r.served
	})
}

func TestServerWriteFails(t *testing.T) {
	broken := errors.New("broken cable")
	for _, tt := range []struct {
		name    string
		request []byte
	}{
		{"reply of the reader/Serve ends", []byte{0, 0, 0, 1, 0x81, 0, 0}},
		{"reply of the handler/Serve ends", []byte{0, 0, 0, 1, 0x90, 0, 1, keyEcho}},
		{"keepalive/Serve ends", []byte{0, 0, 0, 1, 0x90, 0, 1, keyTouch}},
		{"keepalive before the reply/Serve ends", []byte{0, 0, 0, 1, 0x90, 0, 2, keyStatuses, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, held := serveHeld(t, newScriptedKey())
				r.write(tt.request)
				held.pass <- broken
				if err := <-r.served; !errors.Is(err, broken) {
					t.Errorf("Serve returned %v, want the error of the write", err)
				}
			})
		})
		t.Run(tt.name+" not if the host was only slow", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, held := serveHeld(t, newScriptedKey())
				r.write(tt.request)
				held.pass <- os.ErrDeadlineExceeded
				time.Sleep(50 * time.Millisecond)
				r.write([]byte{0, 0, 0, 1, 0x86, 0, 8}) // frees the device if the touch is still due
				for {
					held.pass <- nil
					if p, _ := ctaphid.ParsePacket(r.read(soon)); p.Command == ctaphid.CommandInit {
						break
					}
				}
				r.write([]byte{0, 0, 0, 1, 0x81, 0, 0})
				held.pass <- nil
				if p, _ := ctaphid.ParsePacket(r.read(soon)); p.Command != ctaphid.CommandPing {
					t.Errorf("PING replied %v", p)
				}
				r.dev.Close()
				<-r.served
			})
		})
	}
}

// A host that writes and never reads holds up the Server, but does not make it
// take memory, and does not keep it from ending.
func TestServerHostNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, key := ctaphid.Pipe(64, 64)
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- ctaphid.NewServer(newScriptedKey(), nil).Serve(ctx, key) }()
		for range 1000 {
			host.WriteReport(append([]byte{0, 0, 0, 1, 0x81}, make([]byte, 59)...))
		}
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
	})
}
