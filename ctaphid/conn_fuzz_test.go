package ctaphid_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// A hostileDevice does what the bytes of a fuzzer say. Each is an operation;
// some take more bytes. After each message of the host it goes on to the next
// opWait.
type hostileDevice struct {
	*ctaphidtest.Func
	script []byte
	later  time.Duration // how long after now the next operation happens
}

const (
	opWait     = iota // for the next message of the host
	opReport          // 1 byte length, and so many bytes: any report
	opOwn             // the same, but on the channel of the host
	opPause           // 1 byte: tens of milliseconds
	opInit            // a correct INIT reply
	opKeep            // 1 byte: status
	opError           // 1 byte: code
	opReply           // 2 bytes: length of a correct reply
	opFlood           // 1 byte: as many foreign reports
	opUnplug          //
	opCount           // how many there are
	hostileOwn = 0x00220002
)

func newHostile(script []byte) *hostileDevice {
	d := &hostileDevice{Func: ctaphidtest.NewFunc(nil), script: script}
	d.Answer = func(m ctaphid.Message, _ func(ctaphid.Message)) { d.play(m) }
	d.Init = d.Answer
	return d
}

// take returns the next n bytes of the script, or zeros.
func (d *hostileDevice) take(n int) []byte {
	b := make([]byte, n)
	d.script = d.script[copy(b, d.script):]
	return b
}

func (d *hostileDevice) play(m ctaphid.Message) {
	d.later = 0
	for len(d.script) > 0 {
		switch d.take(1)[0] % opCount {
		case opWait:
			return
		case opReport:
			d.send(d.take(int(d.take(1)[0]) % 80))
		case opOwn:
			d.send(append([]byte{0, 0x22, 0, 2}, d.take(int(d.take(1)[0])%61)...))
		case opPause:
			d.later += time.Duration(d.take(1)[0]) * 10 * time.Millisecond
		case opInit:
			info := ctaphid.InitInfo{CID: hostileOwn, ProtocolVersion: 2, Capabilities: ctaphid.CapabilityCBOR}
			copy(info.Nonce[:], m.Data)
			d.message(ctaphid.Message{CID: m.CID, Command: ctaphid.CommandInit, Data: info.Append(nil)})
		case opKeep:
			d.message(ctaphid.Message{CID: m.CID, Command: ctaphid.CommandKeepalive, Data: d.take(1)})
		case opError:
			d.message(ctaphid.Message{CID: m.CID, Command: ctaphid.CommandError, Data: d.take(1)})
		case opReply:
			b := d.take(2)
			n := (int(b[0])<<8 | int(b[1])) % (ctaphid.MaxMessageSize + 1)
			d.message(ctaphid.Message{CID: m.CID, Command: m.Command, Data: make([]byte, n)})
		case opFlood:
			for range d.take(1)[0] {
				d.message(ctaphid.Message{CID: 0x00330003, Command: ctaphid.CommandCBOR, Data: []byte{0}})
			}
		case opUnplug:
			d.after(d.Unplug)
		}
	}
}

func (d *hostileDevice) message(m ctaphid.Message) {
	for _, report := range ctaphidtest.Reports(64, m) {
		d.send(report)
	}
}

func (d *hostileDevice) send(report []byte) { d.after(func() { d.SendReport(report) }) }

func (d *hostileDevice) after(f func()) {
	if d.later == 0 {
		f()
		return
	}
	time.AfterFunc(d.later, f)
}

// FuzzConn lets a hostile device talk to a Conn. Whatever it does, each call
// ends within its context's time and the grace, with a reply or a typed error,
// and nothing is left running.
func FuzzConn(f *testing.F) {
	ok := []byte{opInit, opWait, opReply, 0, 1, opWait}
	f.Add(ok)
	f.Add(append(bytes.Clone(ok), opReply, 0x1d, 0xb9, opWait, opReply, 0, 10))
	f.Add([]byte{opInit, opWait, opKeep, 2, opPause, 250, opKeep, 1, opPause, 100, opReply, 0, 0x39})
	f.Add([]byte{opInit, opWait, opError, 6, opWait, opError, 0x0b, opWait, opInit, opWait, opReply, 1, 1})
	f.Add([]byte{opInit, opWait, opFlood, 255, opPause, 255, opFlood, 255, opWait, opUnplug})
	f.Add([]byte{opInit, opWait, opOwn, 4, 0x90, 0, 1, 0, opWait, opOwn, 4, 0x90, 0xff, 0xff, opWait, opInit, opWait, opOwn, 4, 0xbf, 0, 2})
	for _, tt := range frames {
		report := pad(f, tt.frame)
		f.Add(append([]byte{opInit, opWait, opReport, 64}, report...))
		f.Add(append([]byte{opReport, 64}, report...))
	}
	for _, frame := range pingReports {
		ok = append(append(ok, opReport, 64), pad(f, frame)...)
	}
	f.Add(ok)
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			return // more of the same
		}
		synctest.Test(t, func(t *testing.T) {
			const limit = 4 * time.Second
			check := func(name string, call func(ctx context.Context) error) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				err := call(ctx)
				if d := time.Since(start); d > limit+500*time.Millisecond {
					t.Fatalf("%s took %v", name, d)
				}
				var op *ctaphid.OpError
				if err != nil && (!errors.As(err, &op) || err.Error() == "") {
					t.Fatalf("%s: %v", name, err)
				}
			}
			var conn *ctaphid.Conn
			check("Open", func(ctx context.Context) (err error) {
				conn, err = ctaphid.Open(ctx, newHostile(script), nil)
				return err
			})
			if conn == nil {
				return
			}
			for range 3 {
				check("CBOR", func(ctx context.Context) error {
					reply, err := conn.CBOR(ctx, nil, getInfo, func(byte) {})
					if err == nil && (len(reply) < 1 || len(reply) > ctaphid.MaxMessageSize) {
						t.Fatalf("a reply of %d bytes", len(reply))
					}
					return err
				})
				check("MSG", func(ctx context.Context) error {
					reply, err := conn.MSG(ctx, nil, make([]byte, 100))
					if err == nil && len(reply) < 2 {
						t.Fatalf("a reply of %d bytes", len(reply))
					}
					return err
				})
			}
			if conn.Close() != nil {
				t.Error("Close fails")
			}
			time.Sleep(time.Hour) // all timers of the device
		})
	})
}
