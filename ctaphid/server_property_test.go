package ctaphid_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// A recording is all that a Server sends, read as it comes.
type recording struct {
	mu      sync.Mutex
	reports [][]byte
	done    chan struct{}
}

// record reads from dev until it is closed.
func record(dev ctaphid.Device) *recording {
	rec := &recording{done: make(chan struct{})}
	dev.SetReadDeadline(time.Time{})
	go func() {
		defer close(rec.done)
		for {
			p := make([]byte, ctaphid.MaxReportSize)
			n, err := dev.ReadReport(p)
			if err != nil {
				return
			}
			rec.mu.Lock()
			rec.reports = append(rec.reports, p[:n])
			rec.mu.Unlock()
		}
	}()
	return rec
}

// take waits until everything is at rest and returns what has come since the
// last take.
func (rec *recording) take() [][]byte {
	synctest.Wait()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	reports := rec.reports
	rec.reports = nil
	return reports
}

// messages joins reports and checks that messages are whole, not interleaved,
// padded with zeros and such as a key may send.
func messages(t *testing.T, reports [][]byte, truncated bool) []ctaphid.Message {
	t.Helper()
	var all []ctaphid.Message
	var open *ctaphid.Message // the message that more packets are due for
	var total, seq int
	for _, report := range reports {
		p, err := ctaphid.ParsePacket(report)
		if err != nil || len(report) != ctaphid.MaxReportSize {
			t.Fatalf("the key sent %x", report)
		}
		switch {
		case p.Init && open != nil && !truncated:
			t.Fatalf("%s in the middle of a message on channel %v", describe(report), open.CID)
		case p.Init:
			if err := checkMessageStart(p); err != nil {
				t.Fatalf("%s: %v", describe(report), err)
			}
			open, total, seq = &ctaphid.Message{CID: p.CID, Command: p.Command}, p.Length, 0
		case open == nil || p.CID != open.CID || int(p.Seq) != seq:
			t.Fatalf("%s is not due", describe(report))
		default:
			seq++
		}
		n := min(total-len(open.Data), len(p.Data))
		open.Data = append(open.Data, p.Data[:n]...)
		if len(bytes.Trim(p.Data[n:], "\x00")) > 0 {
			t.Fatalf("%s is not padded with zeros", describe(report))
		}
		if len(open.Data) == total {
			all, open = append(all, *open), nil
		}
	}
	if open != nil {
		t.Fatalf("the end of a message on channel %v is missing", open.CID)
	}
	return all
}

func checkMessageStart(p ctaphid.Packet) error {
	want := p.Length
	switch p.Command {
	case ctaphid.CommandPing, ctaphid.CommandMSG, ctaphid.CommandCBOR:
	case ctaphid.CommandLock, ctaphid.CommandWink:
		want = 0
	case ctaphid.CommandInit:
		want = 17
	case ctaphid.CommandKeepalive:
		want = 1
	case ctaphid.CommandError:
		want = 1
		switch code := ctaphid.ErrorCode(p.Data[0]); code {
		case ctaphid.ErrInvalidCmd, ctaphid.ErrInvalidPar, ctaphid.ErrInvalidLen, ctaphid.ErrInvalidSeq,
			ctaphid.ErrMsgTimeout, ctaphid.ErrChannelBusy, ctaphid.ErrInvalidChannel, ctaphid.ErrOther:
		default:
			return fmt.Errorf("the key has no reason to say %v", code)
		}
	default:
		return fmt.Errorf("no key sends %v", p.Command)
	}
	if p.Length != want || p.Length > ctaphid.MaxMessageSize {
		return fmt.Errorf("the length is wrong")
	}
	return nil
}

// Four clients send requests without regard for one another, packet by packet
// in random order (HID-B6). Each gets one reply for each of its requests,
// CHANNEL_BUSY or the right one, on its own channel.
func TestServerInterleaved(t *testing.T) {
	for seed := range uint64(1000) {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("with seed %d", seed)
				}
			}()
			interleave(t, rand.New(rand.NewPCG(seed, 6)))
		})
	}
}

func interleave(t *testing.T, rng *rand.Rand) {
	key := newScriptedKey()
	r := serveRaw(t, ctaphid.NewServer(key, nil), 64, 64)
	type client struct {
		cid      ctaphid.CID
		requests []ctaphid.Message
		packets  [][]byte
		replies  int
	}
	var clients [4]*client
	for i := range clients {
		c := &client{cid: r.open()}
		for range 1 + rng.IntN(5) {
			m := ctaphid.Message{CID: c.cid}
			m.Data = binary.BigEndian.AppendUint32(nil, rng.Uint32()) // makes the request unique
			switch rng.IntN(5) {
			case 0, 1:
				m.Command = ctaphid.CommandPing
			case 2:
				m.Command, m.Data[1] = ctaphid.CommandMSG, 0x03
			case 3:
				m.Command, m.Data[0] = ctaphid.CommandCBOR, keyEcho
			case 4:
				m.Command, m.Data[0] = ctaphid.CommandCBOR, keyWork
			}
			if rng.IntN(2) == 0 {
				m.Data = append(m.Data, make([]byte, rng.IntN(300))...)
			}
			c.requests = append(c.requests, m)
			n, err := ctaphid.PacketCount(64, len(m.Data))
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				c.packets = append(c.packets, ctaphid.AppendPacket(nil, 64, m, i))
			}
		}
		clients[i] = c
	}
	rec := record(r.dev)
	defer func() { r.dev.Close(); <-rec.done }()
	for left := true; left; {
		left = false
		for range 8 {
			c := clients[rng.IntN(len(clients))]
			if len(c.packets) == 0 {
				continue
			}
			r.write(c.packets[0][:64])
			c.packets = c.packets[1:]
			switch rng.IntN(8) {
			case 0:
				time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond) // 8 in a row stay below the time limit
			case 1:
				synctest.Wait()
			}
		}
		for _, c := range clients {
			left = left || len(c.packets) > 0
		}
	}
	time.Sleep(3 * time.Second)

	byCID := map[ctaphid.CID]*client{}
	for _, c := range clients {
		byCID[c.cid] = c
	}
	for _, m := range messages(t, rec.take(), false) {
		c := byCID[m.CID]
		switch {
		case c == nil:
			t.Errorf("a reply on channel %v", m.CID)
		case m.Command == ctaphid.CommandKeepalive:
		case m.Command == ctaphid.CommandError && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrChannelBusy:
			c.replies++
		default:
			c.replies++
			if !answersOne(c.requests, m) {
				t.Errorf("channel %v was sent %v %x, which answers none of its requests", m.CID, m.Command, m.Data)
			}
		}
	}
	for _, c := range clients {
		if c.replies != len(c.requests) {
			t.Errorf("channel %v has %d replies to %d requests", c.cid, c.replies, len(c.requests))
		}
	}
}

func answersOne(requests []ctaphid.Message, reply ctaphid.Message) bool {
	for _, m := range requests {
		want := m.Data
		switch m.Command {
		case ctaphid.CommandMSG:
			want = append(bytes.Clone(want), 0x90, 0x00)
		case ctaphid.CommandCBOR:
			want = append([]byte{0}, want...)
		}
		if reply.Command == m.Command && bytes.Equal(reply.Data, want) {
			return true
		}
	}
	return false
}

// FuzzServer plays a hostile host. Each step is a byte that says what to do and
// what it needs:
//
//	0     sleep for the next byte times 10 ms
//	1     touch the key
//	2     lose power for a moment
//	3     send the next 64 bytes as a report
//	4..   send a report on a channel that is chosen by the byte: the fifth byte
//	      of the report, and two of length, are the next three, the data 1 to 8
//	      of those that follow
//
// Whatever comes, the key sends well-formed messages only; once it has been left
// alone for a while a new channel works; and it ends when the host goes.
func FuzzServer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{5, 0x86, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 20, 0x90, 0, 1, 1, 1})                                   // INIT, CBOR, touch
	f.Add([]byte{20, 0x90, 0, 1, 1, 0, 5, 20, 0x91, 0, 0, 0, 20, 0x86, 0, 8, 2})                                 // CBOR, CANCEL, INIT
	f.Add([]byte{20, 0x81, 1, 0, 9, 20, 0, 0, 0, 9, 28, 0x81, 0, 1, 1, 0, 255})                                  // PING in packets, another channel, time
	f.Add([]byte{20, 0x84, 0, 1, 10, 0, 0, 0, 28, 0x86, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 28, 0x83, 0, 4, 0, 11}) // LOCK, INIT, power, MSG
	f.Add(append([]byte{3, 0, 0, 0, 1, 0x90, 0, 3, keyLong, 0x10, 0}, make([]byte, 60)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		synctest.Test(t, func(t *testing.T) { attack(t, data) })
	})
}

func attack(t *testing.T, data []byte) {
	key := newScriptedKey()
	key.touch = make(chan struct{}, 1)
	touch := func() {
		select {
		case key.touch <- struct{}{}:
		default:
		}
	}
	vendor := func(ctx context.Context, session uint64, cmd ctaphid.Command, dst, data []byte) ([]byte, error) {
		return dst, ctaphid.ErrOther
	}
	s := ctaphid.NewServer(key, &ctaphid.ServerConfig{MaxChannels: 4, Vendor: vendor})
	r := serveRaw(t, s, 64, 64)
	for range 3 {
		r.open()
	}
	rec := record(r.dev)
	defer func() { r.dev.Close(); <-rec.done }()

	next := func(n int) []byte {
		b := make([]byte, n)
		data = data[copy(b, data):]
		return b
	}
	channels := [...]ctaphid.CID{ctaphid.BroadcastCID, ctaphid.ReservedCID, 1, 2, 3, 4, 5, 0x0badc0de}
	for steps := 0; len(data) > 0 && steps < 500; steps++ {
		switch b := next(1)[0]; b {
		case 0:
			time.Sleep(time.Duration(next(1)[0]) * 10 * time.Millisecond)
		case 1:
			touch()
		case 2:
			s.PowerCycle()
		case 3:
			r.write(next(64))
		default:
			report := binary.BigEndian.AppendUint32(nil, uint32(channels[b/4%8]))
			report = append(report, next(3)...)
			r.write(append(report, next(1+int(b)/32)...))
		}
	}

	// A request may wait for a touch that is not to come any more, once all
	// that was sent has been read.
	synctest.Wait()
	touch()
	time.Sleep(12 * time.Second) // longer than any lock and any work
	messages(t, rec.take(), true)
	open := func() ctaphid.CID {
		r.writeMessage(ctaphid.Message{CID: ctaphid.BroadcastCID, Command: ctaphid.CommandInit, Data: []byte("the nonce")[:8]})
		m := messages(t, rec.take(), false)
		if len(m) != 1 || m[0].Command != ctaphid.CommandInit {
			t.Fatalf("INIT was answered with %v", m)
		}
		return ctaphid.CID(binary.BigEndian.Uint32(m[0].Data[8:]))
	}
	r.writeMessage(ctaphid.Message{CID: open(), Command: ctaphid.CommandPing, Data: []byte("hello")})
	if m := messages(t, rec.take(), false); len(m) != 1 || string(m[0].Data) != "hello" {
		t.Fatalf("PING on a new channel was answered with %v", m)
	}
}
