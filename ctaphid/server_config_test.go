package ctaphid_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

func TestServerConfig(t *testing.T) {
	vendor := func(ctx context.Context, session uint64, cmd ctaphid.Command, dst, data []byte) ([]byte, error) {
		switch {
		case cmd == 0x41:
			return dst, nil
		case cmd == 0x42:
			return dst, fmt.Errorf("not now: %w", ctaphid.ErrLockRequired)
		case cmd == 0x43:
			return nil, errors.New("broken")
		case cmd == 0x44:
			<-ctx.Done()
			return dst, nil
		}
		return append(append(dst, byte(session), byte(cmd)), data...), nil
	}
	for _, tt := range []struct {
		name   string
		config *ctaphid.ServerConfig
		script string
	}{
		{"nil/everything works, version 0", nil, `
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 000000 05`},
		{"NoWink/INVALID_CMD and no capability", &ctaphid.ServerConfig{NoWink: true}, `
			> A 88 0000
			< A bf 0001 01
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 000000 04`},
		{"NoCBOR/INVALID_CMD and no capability", &ctaphid.ServerConfig{NoCBOR: true}, `
			> A 90 0001 04
			< A bf 0001 01
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 000000 01`},
		{"NoMSG/INVALID_CMD and the capability NMSG", &ctaphid.ServerConfig{NoMSG: true}, `
			> A 83 0004 00030000
			< A bf 0001 01
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 000000 0d`},
		{"MaxMessage/longer requests refused at once", &ctaphid.ServerConfig{MaxMessage: 60}, `
			> A 81 003d
			< A bf 0001 03
			> A 00
			> A 81 003c
			> A 00
			< A 81 003c ee*57
			< A 00 ee*3`},
		{"MaxMessage/replies may be longer", &ctaphid.ServerConfig{MaxMessage: 11}, `
			> A 90 0003 08 003a
			< A 90 003a 00
			< A 00`},
		{"PacketTimeout/used", &ctaphid.ServerConfig{PacketTimeout: time.Second}, `
			> A 81 0100
			. 999ms
			< A bf 0001 05`},
		{"Keepalive/used", &ctaphid.ServerConfig{Keepalive: 50 * time.Millisecond}, `
			> A 90 0001 01
			< A bb 0001 02
			. 49ms
			< A bb 0001 02
			. 49ms
			< A bb 0001 02
			touch
			< A 90 0001 00`},
		{"Vendor/answered in the channel's session", &ctaphid.ServerConfig{Vendor: vendor}, `
			> B c0 0002 aabb
			< B c0 0004 0240aabb
			> B ff 0000
			< B ff 0002 027f`},
		{"Vendor/an empty reply and errors", &ctaphid.ServerConfig{Vendor: vendor}, `
			> A c1 0000
			< A c1 0000
			> A c2 0000
			< A bf 0001 0a
			> A c3 0000
			< A bf 0001 7f`},
		{"Vendor command that takes long/ended by INIT, not by CANCEL", &ctaphid.ServerConfig{Vendor: vendor}, `
			> A c4 0000
			> A 91 0000
			. 1s
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 000000 05`},
		{"MaxChannels/the channel that is longest unused is forgotten", &ctaphid.ServerConfig{MaxChannels: 3}, `
			> A 81 0000
			< A 81 0000
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 000000 05
			> B 81 0000
			< B bf 0001 0b
			> A 81 0000
			< A 81 0000
			> C 81 0000
			< C 81 0000`},
		{"MaxChannels/a busy channel is kept", &ctaphid.ServerConfig{MaxChannels: 3}, `
			> A 90 0001 01
			< A bb 0001 02
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 000000 05
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000005 02 000000 05
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000006 02 000000 05
			touch
			< A 90 0001 00
			> C 81 0000
			< C bf 0001 0b`},
		{"MaxChannels/the locked channel is kept", &ctaphid.ServerConfig{MaxChannels: 3}, `
			> A 84 0001 0a
			< A 84 0000
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 000000 05
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000005 02 000000 05
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000006 02 000000 05
			> A 84 0001 00
			< A 84 0000`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newScriptedKey()
			play(t, key, ctaphid.NewServer(key, tt.config), 64, tt.script)
		})
	}
}

func TestServerOneChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newScriptedKey()
		r := serveRaw(t, ctaphid.NewServer(key, &ctaphid.ServerConfig{MaxChannels: 1}), 64, 64)
		cid := r.open()
		r.writeMessage(ctaphid.Message{CID: cid, Command: ctaphid.CommandCBOR, Data: []byte{keyTouch}})
		if m := r.readMessage(); m.Command != ctaphid.CommandKeepalive {
			t.Fatalf("the key replied %v %x, want KEEPALIVE", m.Command, m.Data)
		}
		m := r.exchange(ctaphid.BroadcastCID, ctaphid.CommandInit, make([]byte, 8))
		if m.Command != ctaphid.CommandError || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrChannelBusy {
			t.Errorf("INIT while the only channel is busy replied %v %x, want CHANNEL_BUSY", m.Command, m.Data)
		}
		key.touch <- struct{}{}
		if m := r.readMessage(); m.CID != cid || m.Command != ctaphid.CommandCBOR {
			t.Errorf("the request was answered with %v on %v", m.Command, m.CID)
		}
	})
}

func TestServerWink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		winks := 0
		s := ctaphid.NewServer(newScriptedKey(), &ctaphid.ServerConfig{Wink: func() { winks++ }})
		r := serveRaw(t, s, 64, 64)
		cid := r.open()
		r.exchange(cid, ctaphid.CommandWink, nil)
		r.exchange(cid, ctaphid.CommandWink, []byte{1})
		r.exchange(cid, ctaphid.CommandPing, nil)
		if winks != 1 {
			t.Errorf("%d winks, want 1", winks)
		}
	})
}

// Wink may take the key away, and WINK is answered only when it has returned.
func TestServerWinkTakesTheKeyAway(t *testing.T) {
	for _, tt := range []struct {
		name string
		wink func(*ctaphid.LoopbackDevice)
		want error
	}{
		{"Unplug", (*ctaphid.LoopbackDevice).Unplug, ctaphid.ErrGone},
		{"Close", func(l *ctaphid.LoopbackDevice) { l.Close() }, os.ErrClosed},
		{"nothing", func(*ctaphid.LoopbackDevice) { time.Sleep(time.Second) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l *ctaphid.LoopbackDevice
				winks := 0
				wink := func() { tt.wink(l); winks++ }
				l = ctaphid.LoopbackServer(ctaphid.NewServer(newScriptedKey(), &ctaphid.ServerConfig{Wink: wink}), 64, 64)
				conn := openDevice(t, l, nil)
				if err := conn.Wink(t.Context()); !errors.Is(err, tt.want) {
					t.Errorf("WINK: %v, want %v", err, tt.want)
				}
				conn.Close()
				synctest.Wait()
				if winks != 1 {
					t.Errorf("Wink has returned %d times, want 1", winks)
				}
			})
		})
	}
}

// Without another value, keepalives are at most 100 ms apart on a wire that
// takes its time, and no more than one is due when it was held up.
func TestServerKeepaliveByDefault(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write time.Duration
		least time.Duration // between two keepalives
		most  time.Duration
	}{
		{"a quick wire", 0, 50 * time.Millisecond, 100 * time.Millisecond},
		{"a slow wire", 40 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond},
		{"a wire slower than that", 150 * time.Millisecond, 150 * time.Millisecond, 250 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host, key := ctaphid.Pipe(64, 64)
				served := make(chan error)
				go func() {
					served <- ctaphid.NewServer(newScriptedKey(), nil).Serve(t.Context(), lateDevice{key, tt.write})
				}()
				r := &rawHost{TB: t, dev: host, in: 64, out: 64}
				r.write([]byte{0xff, 0xff, 0xff, 0xff, 0x86, 0, 8})
				r.read(time.Second)
				r.write([]byte{0, 0, 0, 1, 0x90, 0, 1, keyTouch})
				r.read(time.Second) // UPNEEDED
				last := time.Now()
				for i := range 20 {
					if p, _ := ctaphid.ParsePacket(r.read(time.Second)); p.Command != ctaphid.CommandKeepalive {
						t.Fatalf("%v was sent", p)
					}
					if d := time.Since(last); d < tt.least || d > tt.most {
						t.Errorf("keepalive %d came after %v", i, d)
					}
					last = time.Now()
				}
				host.Close()
				<-served
			})
		})
	}
}

// A lateDevice takes a while to carry a report to the host.
type lateDevice struct {
	ctaphid.Device
	by time.Duration
}

func (d lateDevice) WriteReport(p []byte) error {
	time.Sleep(d.by)
	return d.Device.WriteReport(p)
}

// A keyOf tells its capabilities.
type keyOf struct {
	scriptedKey
	capabilities ctaphid.Capabilities
}

func (k *keyOf) Capabilities() byte { return byte(k.capabilities) }

func TestServerCapabilities(t *testing.T) {
	const cbor, msg, wink = ctaphid.CapabilityCBOR, ctaphid.CapabilityNMSG, ctaphid.CapabilityWink
	for _, tt := range []struct {
		name      string
		handler   ctaphid.Handler
		config    ctaphid.ServerConfig
		want      ctaphid.Capabilities
		cbor, msg bool
	}{
		{"handler says nothing/both", newScriptedKey(), ctaphid.ServerConfig{}, wink | cbor, true, true},
		{"handler of both/both", &keyOf{capabilities: cbor}, ctaphid.ServerConfig{}, wink | cbor, true, true},
		{"handler without U2F/CTAP2 only", &keyOf{capabilities: cbor | msg}, ctaphid.ServerConfig{}, wink | cbor | msg, true, false},
		{"handler of U2F/U2F only", &keyOf{}, ctaphid.ServerConfig{}, wink, false, true},
		{"other bits of the handler/ignored", &keyOf{capabilities: 0xf3 | cbor}, ctaphid.ServerConfig{NoWink: true}, cbor, true, true},
		{"config without CBOR/U2F only", &keyOf{capabilities: cbor}, ctaphid.ServerConfig{NoCBOR: true}, wink, false, true},
		{"config without MSG/CTAP2 only", &keyOf{capabilities: cbor}, ctaphid.ServerConfig{NoMSG: true}, wink | cbor | msg, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := serveRaw(t, ctaphid.NewServer(tt.handler, &tt.config), 64, 64)
				cid := r.open()
				info, err := ctaphid.ParseInitInfo(r.exchange(cid, ctaphid.CommandInit, make([]byte, 8)).Data)
				if err != nil || info.Capabilities != tt.want {
					t.Errorf("capabilities are %v (%v), want %v", info.Capabilities, err, tt.want)
				}
				for _, c := range []struct {
					command ctaphid.Command
					works   bool
				}{{ctaphid.CommandCBOR, tt.cbor}, {ctaphid.CommandMSG, tt.msg}} {
					m := r.exchange(cid, c.command, []byte{keyEcho, 3, 0, 0})
					if works := m.Command == c.command; works != c.works || !works && ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidCmd {
						t.Errorf("%v replied %v %x", c.command, m.Command, m.Data)
					}
				}
			})
		})
	}
}
