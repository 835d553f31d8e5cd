package ctaphid_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// What the first byte of a request makes a scriptedKey do.
const (
	keyTouch     = 0x01 // waits for a touch, then replies 00; 2d when cancelled
	keyEcho      = 0x04 // replies 00 and the request
	keyWork      = 0x05 // works for a second, then as keyEcho; 2d when cancelled
	keyEmpty     = 0x06 // replies nothing
	keyStubborn  = 0x07 // as keyWork, but no cancellation ends the work
	keyLong      = 0x08 // replies with as many bytes as the next two say
	keyStatuses  = 0x09 // reports each of the other bytes as a status, then replies 00
	keyLate      = 0x0a // reports statuses half a second after it has replied 00
	keyOddStatus = 0x0b // reports status 07, works for a second, replies 00
)

// A scriptedKey is a Handler that does what the request says.
type scriptedKey struct {
	touch    chan struct{}
	sessions []uint64 // of all requests
	stubborn []byte   // the request as it was when keyStubborn had done its work
	working  bool     // guarded by being called from one goroutine at a time
}

func newScriptedKey() *scriptedKey { return &scriptedKey{touch: make(chan struct{}, 1)} }

func (k *scriptedKey) CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(byte)) []byte {
	if k.working {
		panic("the Server calls the Handler from two goroutines")
	}
	k.working = true
	defer func() { k.working = false }()
	k.sessions = append(k.sessions, session)
	cancelled := append(dst, 0x2d)
	switch request[0] {
	case keyTouch:
		waiting(ctaphid.StatusUPNeeded)
		select {
		case <-ctx.Done():
			return cancelled
		case <-k.touch:
			return append(dst, 0)
		}
	case keyOddStatus:
		waiting(7)
		time.Sleep(time.Second)
		return append(dst, 0)
	case keyWork:
		select {
		case <-ctx.Done():
			return cancelled
		case <-time.After(time.Second):
		}
	case keyStubborn:
		time.Sleep(time.Second)
		k.stubborn = bytes.Clone(request)
	case keyEmpty:
		return dst
	case keyLong:
		if len(request) < 3 { // a fuzz target's
			return append(dst, 0)
		}
		return append(dst, make([]byte, binary.BigEndian.Uint16(request[1:]))...)
	case keyStatuses:
		for _, status := range request[1:] {
			waiting(status)
		}
		return append(dst, 0)
	case keyLate:
		time.AfterFunc(500*time.Millisecond, func() { waiting(ctaphid.StatusUPNeeded) })
		return append(dst, 0)
	}
	return append(append(dst, 0), request...)
}

func (k *scriptedKey) MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte {
	switch apdu[1] {
	case keyWork:
		select {
		case <-ctx.Done():
			return append(dst, 0x6f, 0x00)
		case <-time.After(time.Second):
		}
	case keyEmpty:
		return dst
	}
	return append(append(dst, apdu...), 0x90, 0x00)
}

// A rawHost speaks in reports to a Server that serves the other end of a Pipe.
type rawHost struct {
	testing.TB
	dev     ctaphid.Device
	in, out int
	server  *ctaphid.Server
	served  chan error
}

// serveRaw runs a Server until the test ends.
func serveRaw(t testing.TB, s *ctaphid.Server, hostToKey, keyToHost int) *rawHost {
	host, key := ctaphid.Pipe(hostToKey, keyToHost)
	r := &rawHost{TB: t, dev: host, in: keyToHost, out: hostToKey, server: s, served: make(chan error, 1)}
	go func() { r.served <- s.Serve(context.Background(), key) }()
	t.Cleanup(func() {
		host.Close()
		if err := <-r.served; !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("Serve returned %v, want ErrGone", err)
		}
	})
	return r
}

// write sends a report, padded with 0xee, which the Server must ignore.
func (r *rawHost) write(report []byte) {
	r.Helper()
	padded := append(bytes.Clone(report), bytes.Repeat([]byte{0xee}, max(0, r.out-len(report)))...)
	if err := r.dev.WriteReport(padded); err != nil {
		r.Fatalf("writing: %v", err)
	}
}

// writeMessage sends all packets of a message.
func (r *rawHost) writeMessage(m ctaphid.Message) {
	r.Helper()
	n, err := ctaphid.PacketCount(r.out, len(m.Data))
	if err != nil {
		r.Fatal(err)
	}
	for i := range n {
		if err := r.dev.WriteReport(ctaphid.AppendPacket(nil, r.out, m, i)); err != nil {
			r.Fatalf("writing packet %d: %v", i, err)
		}
	}
}

// read returns the next report, or nil if none comes within d.
func (r *rawHost) read(d time.Duration) []byte {
	r.Helper()
	r.dev.SetReadDeadline(time.Now().Add(d))
	p := make([]byte, ctaphid.MaxReportSize)
	n, err := r.dev.ReadReport(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		r.Fatalf("reading: %v", err)
	}
	if n != r.in {
		r.Fatalf("report of %d bytes, want %d", n, r.in)
	}
	return p[:n]
}

// readMessage reads a message whose packets all come at once.
func (r *rawHost) readMessage() ctaphid.Message {
	r.Helper()
	var a ctaphid.Assembler
	for {
		report := r.read(soon)
		if report == nil {
			r.Fatal("no reply")
		}
		switch event := a.Push(report); event {
		case ctaphid.Complete:
			return a.Message()
		case ctaphid.Incomplete:
		default:
			r.Fatalf("%v packet in a reply: %x", event, report)
		}
	}
}

// exchange sends a request and returns the reply.
func (r *rawHost) exchange(cid ctaphid.CID, command ctaphid.Command, data []byte) ctaphid.Message {
	r.Helper()
	r.writeMessage(ctaphid.Message{CID: cid, Command: command, Data: data})
	return r.readMessage()
}

// open allocates a channel.
func (r *rawHost) open() ctaphid.CID {
	r.Helper()
	m := r.exchange(ctaphid.BroadcastCID, ctaphid.CommandInit, []byte("nonce678"))
	info, err := ctaphid.ParseInitInfo(m.Data)
	if err != nil || m.Command != ctaphid.CommandInit || string(info.Nonce[:]) != "nonce678" {
		r.Fatalf("INIT replied %v %x: %v", m.Command, m.Data, err)
	}
	return info.CID
}

// soon is the time, in the virtual clock, in which all comes that comes at once.
const soon = 2 * time.Millisecond

// play plays a script with one step a line:
//
//	> B 83 0004 00010203   the host sends a report
//	< B 83 0002 9000       the key sends a report at once, padded with zeros
//	. 99ms                 the key sends nothing for that time
//	keepalives B 02 3      the key sends three, each 100 ms after the one before
//	touch                  the user touches the key
//	power                  the key loses power for a moment
//
// Reports are hexadecimal; ee*3 is eeeeee. Channels A, B and C are allocated beforehand; X
// is one that is not, 0 the reserved and * the broadcast one; <A> in the data is
// the number of channel A. After the script nothing comes for two seconds, and a
// new channel works.
func play(t *testing.T, key *scriptedKey, s *ctaphid.Server, size int, script string) {
	synctest.Test(t, func(t *testing.T) {
		key.touch = make(chan struct{}, 1)
		r := serveRaw(t, s, size, size)
		names := map[string]ctaphid.CID{"X": 0x0badc0de, "0": ctaphid.ReservedCID, "*": ctaphid.BroadcastCID}
		for _, name := range []string{"A", "B", "C"} {
			names[name] = r.open()
		}
		for line := range strings.Lines(script) {
			line = strings.TrimSpace(line)
			verb, rest, _ := strings.Cut(line, " ")
			switch verb {
			case "":
			case "touch":
				key.touch <- struct{}{}
			case "power":
				synctest.Wait()
				s.PowerCycle()
			case ".":
				d, err := time.ParseDuration(rest)
				if err != nil {
					t.Fatal(err)
				}
				if report := r.read(d); report != nil {
					t.Fatalf("%q: the key sent %s", line, describe(report))
				}
			case "keepalives":
				var name string
				var status, n int
				if _, err := fmt.Sscanf(rest, "%s %x %d", &name, &status, &n); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				want := frame(t, names, fmt.Sprintf("%s bb 0001 %02x", name, status))
				for i := range n {
					if report := r.read(99 * time.Millisecond); report != nil {
						t.Fatalf("%q, number %d: the key sent %s too soon", line, i, describe(report))
					}
					if report := r.read(soon); !bytes.HasPrefix(report, want) {
						t.Fatalf("%q, number %d: the key sent %s", line, i, describe(report))
					}
				}
			case ">":
				r.write(frame(t, names, rest))
			case "<":
				want := frame(t, names, rest)
				want = append(want, make([]byte, size-len(want))...)
				got := r.read(soon)
				if got == nil {
					t.Fatalf("%q: the key sent nothing", line)
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("%q: the key sent %s", line, describe(got))
				}
			default:
				t.Fatalf("unknown step %q", line)
			}
		}
		if report := r.read(2 * time.Second); report != nil {
			t.Fatalf("after the script the key sent %s", describe(report))
		}
		if m := r.exchange(r.open(), ctaphid.CommandPing, []byte("still there")); string(m.Data) != "still there" {
			t.Fatalf("after the script PING replied %v %x", m.Command, m.Data)
		}
	})
}

// frame reads the hexadecimal of a report after the name of its channel.
func frame(t testing.TB, names map[string]ctaphid.CID, s string) []byte {
	t.Helper()
	name, rest, _ := strings.Cut(s, " ")
	cid, ok := names[name]
	if !ok {
		t.Fatalf("%q: unknown channel", s)
	}
	report := binary.BigEndian.AppendUint32(nil, uint32(cid))
	for word := range strings.FieldsSeq(rest) {
		if cid, ok := names[strings.Trim(word, "<>")]; ok {
			word = cid.String()
		}
		digits, times, _ := strings.Cut(word, "*")
		data, err := hex.DecodeString(digits)
		n, errTimes := strconv.Atoi(cmp.Or(times, "1"))
		if err != nil || errTimes != nil {
			t.Fatalf("%q: %q is not hexadecimal", s, word)
		}
		report = append(report, bytes.Repeat(data, n)...)
	}
	return report
}

func describe(report []byte) string {
	p, err := ctaphid.ParsePacket(report)
	if err != nil {
		return fmt.Sprintf("%x", report)
	}
	return fmt.Sprintf("%v (%x)", p, bytes.TrimRight(report, "\x00"))
}
