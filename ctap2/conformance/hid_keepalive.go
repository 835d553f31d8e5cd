package conformance

import (
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// Section 6: keepalives and cancellation.
var hidKeepaliveCases = []Case{
	{ID: "HID-K1", Title: "keepalives with UPNEEDED come every 100 ms while the key waits for a touch", Needs: NeedsReports | NeedsUser, Takes: 2 * time.Second, Run: hidK1},
	{ID: "HID-K2", Title: "the first keepalive says what the key is doing", Needs: NeedsReports | NeedsUser, Run: hidK2},
	{ID: "HID-K3", Title: "no keepalive comes after a reply or for the transport's own commands", Needs: NeedsReports | NeedsUser, Takes: 2 * time.Second, Run: hidK3},
	{ID: "HID-C1", Title: "CANCEL with nothing under way is ignored", Needs: NeedsReports, Run: hidC1},
	{ID: "HID-C2", Title: "CANCEL ends a wait for a touch with KEEPALIVE_CANCEL", Needs: NeedsReports | NeedsUser, Run: hidC2},
	{ID: "HID-C3", Title: "CANCEL itself has no reply", Needs: NeedsReports | NeedsUser, Run: hidC3},
	{ID: "HID-C4", Title: "CANCEL on another channel does nothing", Needs: NeedsReports | NeedsUser, Takes: 2 * time.Second, Run: hidC4},
	{ID: "HID-C5", Title: "after a cancelled request the key is free", Needs: NeedsReports | NeedsUser, Run: hidC5},
	{ID: "HID-C6", Title: "CANCEL and touch at the same time give one reply", Needs: NeedsReports | NeedsUser, Takes: 5 * time.Second, Run: hidC6},
	{ID: "HID-C7", Title: "CANCEL does not harm getInfo", Needs: NeedsReports, Run: hidC7},
	{ID: "HID-C8", Title: "CANCEL after the touch gives one reply", Needs: NeedsReports, Run: hidC8},
	{ID: "HID-C9", Title: "CANCEL while another channel holds the lock is ignored", Needs: NeedsReports, Run: hidC9},
	{ID: "HID-C10", Title: "a cancelled makeCredential leaves nothing", Needs: NeedsReports | NeedsUser, Run: hidC10},
	{ID: "HID-C11", Title: "CANCEL ends reset and selection", Needs: NeedsReports | NeedsUser, Run: hidC11},
}

// started opens the key and starts a request that waits for a touch.
func (c *C) started(b Behaviour) (*wire, ctaphid.CID) {
	c.Helper()
	c.user(b)
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.pending(info.CID)
	return w, info.CID
}

func hidK1(c *C) {
	w, cid := c.started(Behaviour{Action: Ignore})
	const enough = 10
	var gaps []time.Duration
	for last := w.keepalive[0].at; len(gaps) < enough; {
		w.waiting(cid)
		now := w.keepalive[len(w.keepalive)-1].at
		gaps = append(gaps, now.Sub(last))
		last = now
	}
	w.cancelled(cid)
	// In real time a long gap may be a pause of the host's, most of them are not.
	slices.Sort(gaps)
	longest := gaps[enough/2]
	if c.fixture.VirtualTime {
		longest = gaps[enough-1]
	}
	if longest > 150*time.Millisecond {
		c.Errorf("%v between two keepalives; all gaps: %v", longest, gaps)
	}
}

func hidK2(c *C) {
	w, cid := c.started(Behaviour{Action: Ignore})
	w.cancelled(cid)
	for _, k := range w.keepalive {
		if k.status != ctaphid.StatusProcessing && k.status != ctaphid.StatusUPNeeded {
			c.Errorf("a keepalive has the status %d", k.status)
		}
	}
	c.Observe("the first keepalive has the status %d", w.keepalive[0].status)
}

func hidK3(c *C) {
	w, cid := c.started(Behaviour{Action: Touch, After: 300 * time.Millisecond})
	w.status(cid, slowest, ctap2.StatusSuccess)
	w.keepalive = nil
	w.silent(quiet)
	w.pinged(cid)
	w.init(cid)
	w.channel()
	w.silent(quiet)
	if len(w.keepalive) > 0 {
		c.Errorf("%d keepalives where none are due", len(w.keepalive))
	}
}

func hidC1(c *C) {
	w := c.wire()
	cid := w.channel()
	w.send(cid, ctaphid.CommandCancel, nil)
	w.silent(quiet)
	w.pinged(cid)
}

func hidC2(c *C) {
	w, cid := c.started(Behaviour{Action: Ignore})
	start := time.Now()
	w.send(cid, ctaphid.CommandCancel, nil)
	w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
	c.Observe("cancelled within %v", time.Since(start).Round(10*time.Millisecond))
}

func hidC3(c *C) {
	w, cid := c.started(Behaviour{Action: Ignore})
	w.send(cid, ctaphid.CommandCancel, nil)
	w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
	w.silent(quiet)
}

func hidC4(c *C) {
	w, cid := c.started(Behaviour{Action: Touch, After: time.Second})
	// A second channel can't be opened on every key while one waits; a channel
	// that was never allocated is another channel as well.
	w.send(cid^0x00010000, ctaphid.CommandCancel, nil)
	m, ok := w.next(quiet)
	for ok && m.Command == ctaphid.CommandKeepalive {
		m, ok = w.next(quiet)
	}
	switch {
	case ok && m.CID == cid && m.Command == ctaphid.CommandCBOR && len(m.Data) > 0 && m.Data[0] == 0:
		return // the refusal, if any, was none
	case ok && m.CID != cid && m.Command == ctaphid.CommandError:
		c.Observe("CANCEL on a channel that was never allocated is answered with %v", ctaphid.ErrorCode(append(m.Data, 0)[0]))
	case ok:
		c.Fatalf("%v %x on channel %v", m.Command, m.Data, m.CID)
	}
	w.status(cid, slowest, ctap2.StatusSuccess)
}

func hidC5(c *C) {
	w, cid := c.started(Behaviour{Action: Ignore})
	w.send(cid, ctaphid.CommandCancel, nil)
	w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
	w.pinged(cid)
	w.init(cid)
	other := w.channel()
	w.send(other, ctaphid.CommandCBOR, getInfo)
	w.success(other, slowest)
}

// success waits for a CBOR reply with the status SUCCESS and data.
func (w *wire) success(cid ctaphid.CID, within time.Duration) []byte {
	w.c.Helper()
	data := w.expect(cid, ctaphid.CommandCBOR, within)
	if len(data) < 2 || data[0] != 0 {
		w.c.Fatalf("the reply is %x", data)
	}
	return data[1:]
}

func hidC6(c *C) {
	for i, after := range []time.Duration{0, 1, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond} {
		if i > 0 {
			c.fresh() // cancelled user verification may cost tries
		}
		w, cid := c.started(Behaviour{Action: Touch, After: 50 * time.Millisecond})
		time.Sleep(after)
		w.send(cid, ctaphid.CommandCancel, nil)
		data := w.expect(cid, ctaphid.CommandCBOR, slowest)
		if len(data) == 0 || data[0] != 0 && ctap2.Status(data[0]) != ctap2.StatusKeepaliveCancel {
			c.Fatalf("the reply is %x", data)
		}
		w.silent(quiet)
	}
}

func hidC7(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.send(info.CID, ctaphid.CommandCBOR, getInfo)
	w.send(info.CID, ctaphid.CommandCancel, nil)
	w.success(info.CID, slowest)
	w.silent(quiet)
}

func hidC8(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.send(info.CID, ctaphid.CommandCBOR, touching(c))
	w.send(info.CID, ctaphid.CommandCancel, nil)
	data := w.expect(info.CID, ctaphid.CommandCBOR, slowest)
	if w.wantsVerification(info.CID, data) {
		c.NotApplicable("every use of the key needs user verification")
	}
	if len(data) == 0 || data[0] != 0 && ctap2.Status(data[0]) != ctap2.StatusKeepaliveCancel {
		c.Fatalf("the reply is %x", data)
	}
	w.silent(quiet)
}

func hidC9(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.lock(cid, 3)
	w.send(other, ctaphid.CommandCancel, nil)
	w.silent(quiet)
	w.unlock(cid)
}

func hidC10(c *C) {
	w, cid := c.started(Behaviour{Action: Ignore})
	w.send(cid, ctaphid.CommandCancel, nil)
	w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
	before := w.remaining(cid)
	if w.uv {
		c.NotApplicable("the key makes no passkey without user verification")
	}
	w.send(cid, ctaphid.CommandCBOR, discoverableRequest(c, 1))
	w.waiting(cid)
	w.send(cid, ctaphid.CommandCancel, nil)
	w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
	if after := w.remaining(cid); after != before {
		c.Errorf("the key had room for %d passkeys and has room for %d", before, after)
	}
	c.user(Behaviour{})
	w.send(cid, ctaphid.CommandCBOR, assertionOf(c))
	w.status(cid, slowest, ctap2.StatusNoCredentials)
}

// remaining returns how many discoverable credentials the key still takes, 0 if
// it does not say.
func (w *wire) remaining(cid ctaphid.CID) uint {
	w.c.Helper()
	w.send(cid, ctaphid.CommandCBOR, getInfo)
	info, err := ctap2.ParseGetInfoResponse(w.success(cid, slowest))
	if err != nil {
		w.c.Fatal(err)
	}
	w.uv = info.Options[ctap2.OptionUV]
	if info.RemainingDiscoverableCredentials == nil {
		return 0
	}
	return *info.RemainingDiscoverableCredentials
}

func hidC11(c *C) {
	c.user(Behaviour{Action: Ignore})
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	for _, cmd := range []ctap2.Command{ctap2.CommandReset, ctap2.CommandSelection} {
		w.send(info.CID, ctaphid.CommandCBOR, []byte{byte(cmd)})
		if m, ok := w.next(slowest); !ok {
			c.Fatalf("%v is not answered", cmd)
		} else if m.Command == ctaphid.CommandCBOR {
			c.Observe("%v does not wait: %x", cmd, m.Data)
			continue
		}
		w.send(info.CID, ctaphid.CommandCancel, nil)
		w.status(info.CID, prompt, ctap2.StatusKeepaliveCancel)
	}
}
