package conformance

import (
	"bytes"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// messageTimeout is the longest that a key may wait for the rest of a message;
// keys take 0.4 to 1 second, and the host may have other work.
const messageTimeout = 5 * time.Second

// Section 4: time limits.
var hidTimeoutCases = []Case{
	{ID: "HID-T1", Title: "a message that stops ends with MSG_TIMEOUT", Needs: NeedsReports, Takes: messageTimeout, Run: hidT1},
	{ID: "HID-T2", Title: "each continuation gives the message new time", Needs: NeedsReports, Takes: 3 * time.Second, Run: hidT2},
	{ID: "HID-T3", Title: "a continuation after the time-out harms nothing", Needs: NeedsReports, Takes: messageTimeout, Run: hidT3},
	{ID: "HID-T4", Title: "another channel can start right after a time-out", Needs: NeedsReports, Takes: messageTimeout, Run: hidT4},
	{ID: "HID-T5", Title: "waiting for a touch is no time-out of the transport", Needs: NeedsReports | NeedsUser, Takes: 5 * time.Second, Run: hidT5},
}

// stalled starts a message, waits for MSG_TIMEOUT and returns how long it took.
func (w *wire) stalled(cid ctaphid.CID) time.Duration {
	w.c.Helper()
	start := time.Now()
	w.head(cid, ctaphid.CommandPing, 3*w.out)
	w.refuse(cid, messageTimeout, ctaphid.ErrMsgTimeout)
	return time.Since(start)
}

func hidT1(c *C) {
	w := c.wire()
	cid := w.channel()
	d := w.stalled(cid)
	c.Observe("MSG_TIMEOUT after %v", d.Round(10*time.Millisecond))
	if d < 100*time.Millisecond {
		c.Errorf("MSG_TIMEOUT came after %v: a busy host needs longer than that", d)
	}
	w.pinged(cid)
}

func hidT2(c *C) {
	w := c.wire()
	cid := w.channel()
	limit := w.stalled(cid)
	data := bytes.Repeat([]byte{2}, 3*w.out)
	for _, p := range w.packets(cid, ctaphid.CommandPing, data) {
		w.report(p)
		time.Sleep(limit * 4 / 10) // three times are too long together
	}
	if got := w.expect(cid, ctaphid.CommandPing, prompt); !bytes.Equal(got, data) {
		c.Fatal("PING came back changed")
	}
}

func hidT3(c *C) {
	w := c.wire()
	cid := w.channel()
	w.stalled(cid)
	w.continuation(cid, 0)
	if m, ok := w.answer(cid, quiet); ok {
		if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrMsgTimeout {
			c.Fatalf("the late continuation is answered with %v %x", m.Command, m.Data)
		}
		c.Observe("a late continuation is answered with MSG_TIMEOUT")
	}
	w.pinged(cid)
}

func hidT4(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.stalled(cid)
	w.pinged(other)
	w.pinged(cid)
}

func hidT5(c *C) {
	c.user(Behaviour{Action: Touch, After: 4 * time.Second})
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.pending(info.CID)
	w.status(info.CID, slowest, ctap2.StatusSuccess)
}
