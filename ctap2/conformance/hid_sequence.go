package conformance

import (
	"bytes"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// Section 3: sequence numbers and packets out of place.
var hidSequenceCases = []Case{
	{ID: "HID-Q1", Title: "a skipped sequence number is refused", Needs: NeedsReports, Run: func(c *C) { c.wrongSequence(0, 2) }},
	{ID: "HID-Q2", Title: "a repeated sequence number is refused", Needs: NeedsReports, Run: func(c *C) { c.wrongSequence(0, 0) }},
	{ID: "HID-Q3", Title: "a first sequence number that is not 0 is refused", Needs: NeedsReports, Run: func(c *C) { c.wrongSequence(1) }},
	{ID: "HID-Q4", Title: "a new message in the middle of one is refused", Needs: NeedsReports, Run: hidQ4},
	{ID: "HID-Q5", Title: "after INVALID_SEQ the key is idle", Needs: NeedsReports, Takes: 2 * time.Second, Run: hidQ5},
	{ID: "HID-Q6", Title: "a continuation while idle is ignored", Needs: NeedsReports, Run: hidQ6},
	{ID: "HID-Q7", Title: "a continuation on another channel does not disturb a message", Needs: NeedsReports, Run: hidQ7},
	{ID: "HID-Q8", Title: "a continuation too many is ignored", Needs: NeedsReports, Run: hidQ8},
}

// wrongSequence starts a message and goes on with these sequence numbers, the
// last of which is wrong.
func (c *C) wrongSequence(seqs ...byte) {
	c.Helper()
	w := c.wire()
	cid := w.channel()
	w.head(cid, ctaphid.CommandPing, 5*w.out)
	for _, seq := range seqs {
		w.continuation(cid, seq)
	}
	w.refuse(cid, prompt, ctaphid.ErrInvalidSeq)
	w.pinged(cid)
}

func hidQ4(c *C) {
	w := c.wire()
	cid := w.channel()
	w.head(cid, ctaphid.CommandPing, 3*w.out)
	w.head(cid, ctaphid.CommandPing, 3*w.out)
	w.refuse(cid, prompt, ctaphid.ErrInvalidSeq)
	w.pinged(cid)
}

func hidQ5(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.head(cid, ctaphid.CommandPing, 3*w.out)
	w.continuation(cid, 9)
	w.refuse(cid, prompt, ctaphid.ErrInvalidSeq)
	w.pinged(other)
	w.pinged(cid)
	w.silent(time.Second) // no MSG_TIMEOUT for the message that was dropped
}

func hidQ6(c *C) {
	w := c.wire()
	cid := w.channel()
	for _, on := range []ctaphid.CID{cid, cid ^ 0x00ff0000, ctaphid.BroadcastCID, ctaphid.ReservedCID} {
		w.continuation(on, 0)
		w.silent(quiet / 2)
	}
	w.pinged(cid)
}

func hidQ7(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	data := bytes.Repeat([]byte{7}, 2*w.out)
	ps := w.packets(cid, ctaphid.CommandPing, data)
	w.report(ps[0])
	w.continuation(other, 0)
	for _, p := range ps[1:] {
		w.report(p)
	}
	m := w.either(cid, other)
	if m.CID == other {
		if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrChannelBusy {
			c.Fatalf("the other channel gets %v %x", m.Command, m.Data)
		}
		c.Observe("a foreign continuation is answered with CHANNEL_BUSY")
		m = w.reply(cid, prompt)
	}
	if m.Command != ctaphid.CommandPing || !bytes.Equal(m.Data, data) {
		c.Fatalf("the message is answered with %v, %d bytes", m.Command, len(m.Data))
	}
}

// either waits for the next message on one of two channels.
func (w *wire) either(a, b ctaphid.CID) ctaphid.Message {
	w.c.Helper()
	m, ok := w.next(prompt)
	if !ok || m.CID != a && m.CID != b {
		w.c.Fatalf("no reply on %v or %v: %v %x on %v", a, b, m.Command, m.Data, m.CID)
	}
	return m
}

func hidQ8(c *C) {
	w := c.wire()
	cid := w.channel()
	ps := w.packets(cid, ctaphid.CommandPing, bytes.Repeat([]byte{8}, w.out))
	for _, p := range ps {
		w.report(p)
	}
	w.expect(cid, ctaphid.CommandPing, prompt)
	w.continuation(cid, byte(len(ps)-1))
	w.silent(quiet)
	w.pinged(cid)
}
