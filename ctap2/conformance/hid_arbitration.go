package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// Section 5: channels that want the key at the same time.
var hidArbitrationCases = []Case{
	{ID: "HID-B1", Title: "a second channel gets CHANNEL_BUSY while the first sends", Needs: NeedsReports, Takes: messageTimeout, Run: hidB1},
	{ID: "HID-B2", Title: "a refused message of a second channel does not disturb the first", Needs: NeedsReports, Run: hidB2},
	{ID: "HID-B3", Title: "a second channel gets CHANNEL_BUSY while the first waits for a touch", Needs: NeedsReports | NeedsUser, Run: hidB3},
	{ID: "HID-B4", Title: "a second request on the channel that waits for a touch is refused", Needs: NeedsReports | NeedsUser, Takes: 3 * time.Second, Run: hidB4},
	{ID: "HID-B5", Title: "CHANNEL_BUSY costs no PIN retry", Needs: NeedsReports | NeedsUser, Run: hidB5},
	{ID: "HID-B6", Title: "in any interleaving each channel sees its own replies alone, one for each request", Needs: NeedsReports, Takes: 5 * time.Second, Run: hidB6},
	{ID: "HID-B7", Title: "a stateful command is not continued on another channel", Needs: NeedsReports, Run: hidB7},
}

func hidB1(c *C) {
	w := c.wire()
	a, b := w.channel(), w.channel()
	w.head(a, ctaphid.CommandPing, 3*w.out)
	start := time.Now()
	w.send(b, ctaphid.CommandPing, []byte("b"))
	w.refuse(b, prompt, ctaphid.ErrChannelBusy)
	if d := time.Since(start); d > 100*time.Millisecond && c.Key.Strict && c.fixture.VirtualTime {
		c.Errorf("CHANNEL_BUSY took %v", d)
	}
	w.refuse(a, messageTimeout, ctaphid.ErrMsgTimeout)
	w.pinged(b)
}

func hidB2(c *C) {
	w := c.wire()
	a, b := w.channel(), w.channel()
	data := bytes.Repeat([]byte{'a'}, 2*w.out)
	mine := w.packets(a, ctaphid.CommandPing, data)
	theirs := w.packets(b, ctaphid.CommandPing, bytes.Repeat([]byte{'b'}, w.out))
	w.report(mine[0])
	w.report(theirs[0])
	w.refuse(b, prompt, ctaphid.ErrChannelBusy)
	w.report(theirs[1])
	if m, ok := w.answer(b, quiet/4); ok {
		if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrChannelBusy {
			c.Fatalf("the refused message's continuation gets %v %x", m.Command, m.Data)
		}
		c.Observe("the continuation of a refused message gets CHANNEL_BUSY too")
	}
	for _, p := range mine[1:] {
		w.report(p)
	}
	if got := w.expect(a, ctaphid.CommandPing, prompt); !bytes.Equal(got, data) {
		c.Fatal("PING came back changed")
	}
}

// While one channel has the key, nobody touches it: a touch could come before a
// busy host has done what is to be refused.

func hidB3(c *C) {
	c.user(Behaviour{Action: Ignore})
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	other := w.channel()
	w.pending(info.CID)
	w.send(other, ctaphid.CommandPing, []byte("other"))
	w.refuse(other, prompt, ctaphid.ErrChannelBusy)
	w.cancelled(info.CID)
	w.pinged(other)
}

func hidB4(c *C) {
	c.user(Behaviour{Action: Ignore})
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.pending(info.CID)
	w.send(info.CID, ctaphid.CommandCBOR, getInfo)
	code := w.refuse(info.CID, prompt, ctaphid.ErrChannelBusy, ctaphid.ErrInvalidSeq)
	w.send(info.CID, ctaphid.CommandCancel, nil)
	if m, ok := w.answer(info.CID, prompt); ok {
		if m.Command != ctaphid.CommandCBOR || len(m.Data) != 1 || ctap2.Status(m.Data[0]) != ctap2.StatusKeepaliveCancel {
			c.Fatalf("the first request is answered with %v %x", m.Command, m.Data)
		}
		c.Observe("%v, and the first request goes on", code)
	} else {
		c.Observe("%v, and the first request is dropped", code)
	}
	w.pinged(info.CID)
}

func hidB5(c *C) {
	c.user(Behaviour{Action: Ignore})
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	other := w.channel()
	before := w.pinRetries(other)
	w.pending(info.CID)
	for range 10 {
		// getPinToken with a PIN that is wrong on any key: it must not get through.
		w.send(other, ctaphid.CommandCBOR, []byte{byte(ctap2.CommandClientPIN), 0xa2, 0x01, 0x01, 0x02, 0x05})
		w.refuse(other, prompt, ctaphid.ErrChannelBusy)
	}
	w.cancelled(info.CID)
	if after := w.pinRetries(other); after != before {
		c.Errorf("PIN retries were %d and are %d", before, after)
	}
}

// pinRetries asks for the PIN retries with a request of its own.
func (w *wire) pinRetries(cid ctaphid.CID) uint {
	w.c.Helper()
	w.send(cid, ctaphid.CommandCBOR, []byte{byte(ctap2.CommandClientPIN), 0xa2, 0x01, 0x01, 0x02, 0x01})
	data := w.expect(cid, ctaphid.CommandCBOR, slowest)
	if len(data) == 0 || data[0] != 0 {
		w.c.NotApplicable("the key has no PIN protocol one: getPINRetries gives %x", data)
	}
	r, err := ctap2.ParseClientPINResponse(data[1:])
	if err != nil || r.PINRetries == nil {
		w.c.Fatalf("getPINRetries: %x, %v", data, err)
	}
	return *r.PINRetries
}

func hidB6(c *C) {
	w := c.wire()
	const channels, rounds = 4, 250
	r := rand.New(rand.NewPCG(6, 6))
	var cids [channels]ctaphid.CID
	for i := range cids {
		cids[i] = w.channel()
	}
	type stream struct {
		data []byte
		rest [][]byte
	}
	for round := range rounds {
		var streams [channels]stream
		var open []int
		for i, cid := range cids {
			data := make([]byte, r.IntN(3*w.out))
			for j := range data {
				data[j] = byte(i)
			}
			copy(data, fmt.Sprintf("%d/%d", round, i))
			streams[i] = stream{data, w.packets(cid, ctaphid.CommandPing, data)}
			open = append(open, i)
		}
		for len(open) > 0 {
			k := r.IntN(len(open))
			s := &streams[open[k]]
			w.report(s.rest[0])
			if s.rest = s.rest[1:]; len(s.rest) == 0 {
				open = append(open[:k], open[k+1:]...)
			}
		}
		// Each request ends in its echo or in CHANNEL_BUSY, and nothing else.
		got := map[ctaphid.CID]bool{}
		for len(got) < channels {
			m, ok := w.next(messageTimeout)
			if !ok {
				c.Fatalf("round %d: %d of %d channels were answered", round, len(got), channels)
			}
			i := -1
			for j, cid := range cids {
				if m.CID == cid {
					i = j
				}
			}
			switch {
			case i < 0:
				c.Fatalf("round %d: a message on channel %v", round, m.CID)
			case got[m.CID]:
				c.Fatalf("round %d: channel %v was answered twice: %v %x", round, m.CID, m.Command, m.Data)
			case m.Command == ctaphid.CommandPing && bytes.Equal(m.Data, streams[i].data):
			case m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrChannelBusy:
			default:
				c.Fatalf("round %d: channel %v is answered with %v %x", round, m.CID, m.Command, m.Data)
			}
			got[m.CID] = true
		}
	}
	w.silent(quiet)
}

func hidB7(c *C) {
	w := c.wire()
	a := w.init(ctaphid.BroadcastCID)
	w.ctap2(a)
	b := w.channel()
	w.discoverable(a.CID, 2)
	request := assertionOf(c)
	w.send(a.CID, ctaphid.CommandCBOR, request)
	w.status(a.CID, slowest, ctap2.StatusSuccess)
	w.send(b, ctaphid.CommandCBOR, []byte{byte(ctap2.CommandGetNextAssertion)})
	if s := w.status(b, slowest, ctap2.StatusNotAllowed, ctap2.StatusSuccess); s == ctap2.StatusSuccess {
		if c.Key.Strict {
			c.Error("another channel gets the next assertion")
		}
		c.Observe("another channel gets the next assertion")
	}
}
