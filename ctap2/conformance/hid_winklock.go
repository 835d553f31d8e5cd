package conformance

import (
	"time"

	"github.com/gofido/fido/ctaphid"
)

// Section 7: WINK and LOCK.
var hidWinkLockCases = []Case{
	{ID: "HID-W1", Title: "WINK has an empty reply", Needs: NeedsReports, Run: hidW1},
	{ID: "HID-W2", Title: "CBOR right after WINK works", Needs: NeedsReports, Run: hidW2},
	{ID: "HID-L1", Title: "LOCK keeps other channels out until it ends", Needs: NeedsReports, Takes: 4 * time.Second, Run: hidL1},
	{ID: "HID-L2", Title: "LOCK 0 ends the lock", Needs: NeedsReports, Run: hidL2},
	{ID: "HID-L3", Title: "LOCK of more than ten seconds is refused", Needs: NeedsReports, Run: hidL3},
	{ID: "HID-L4", Title: "LOCK without exactly one byte is refused", Needs: NeedsReports, Run: hidL4},
	{ID: "HID-L5", Title: "another LOCK gives new time", Needs: NeedsReports, Takes: 5 * time.Second, Run: hidL5},
	{ID: "HID-L6", Title: "the owner of the lock may do everything", Needs: NeedsReports, Run: hidL6},
	{ID: "HID-L7", Title: "a key without LOCK says so", Needs: NeedsReports, Run: hidL7},
}

// lock locks the key for cid; the case does not apply to a key without locks.
func (w *wire) lock(cid ctaphid.CID, seconds byte) {
	w.c.Helper()
	w.send(cid, ctaphid.CommandLock, []byte{seconds})
	m := w.reply(cid, prompt)
	if m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrInvalidCmd {
		w.c.NotApplicable("the key has no LOCK")
	}
	if m.Command != ctaphid.CommandLock || len(m.Data) != 0 {
		w.c.Fatalf("LOCK %d is answered with %v %x", seconds, m.Command, m.Data)
	}
}

func (w *wire) unlock(cid ctaphid.CID) {
	w.c.Helper()
	w.lock(cid, 0)
}

// freed demands that the lock that keeps cid out is over soon after end. In real
// time a timer may be late.
func (w *wire) freed(cid ctaphid.CID, end time.Time) {
	w.c.Helper()
	time.Sleep(time.Until(end) + 100*time.Millisecond)
	limit := end
	if !w.c.fixture.VirtualTime {
		limit = end.Add(prompt)
	}
	for time.Now().Before(limit) {
		w.send(cid, ctaphid.CommandPing, []byte("free?"))
		if m := w.reply(cid, prompt); m.Command != ctaphid.CommandError {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.pinged(cid)
}

func hidW1(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	if info.Capabilities&ctaphid.CapabilityWink == 0 {
		c.NotApplicable("the key has no WINK")
	}
	w.send(info.CID, ctaphid.CommandWink, nil)
	if data := w.expect(info.CID, ctaphid.CommandWink, prompt); len(data) != 0 {
		c.Errorf("the reply has %d bytes", len(data))
	}
}

func hidW2(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	if info.Capabilities&ctaphid.CapabilityWink == 0 {
		c.NotApplicable("the key has no WINK")
	}
	w.send(info.CID, ctaphid.CommandWink, nil)
	w.expect(info.CID, ctaphid.CommandWink, prompt)
	w.send(info.CID, ctaphid.CommandCBOR, getInfo)
	w.success(info.CID, slowest)
}

func hidL1(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.lock(cid, 3)
	end := time.Now().Add(3 * time.Second)
	w.send(other, ctaphid.CommandPing, []byte("other"))
	w.refuse(other, prompt, ctaphid.ErrChannelBusy)
	nonce := []byte("8 bytes.")
	w.send(ctaphid.BroadcastCID, ctaphid.CommandInit, nonce)
	switch m := w.reply(ctaphid.BroadcastCID, prompt); {
	case m.Command == ctaphid.CommandInit:
		c.Observe("a broadcast INIT is served while the key is locked")
	case m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrChannelBusy:
		c.Observe("a broadcast INIT is refused while the key is locked")
	default:
		c.Fatalf("a broadcast INIT is answered with %v %x", m.Command, m.Data)
	}
	w.freed(other, end)
}

func hidL2(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.lock(cid, 10)
	w.unlock(cid)
	w.pinged(other)
}

func hidL3(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.lock(cid, 0)
	for _, n := range []byte{11, 255} {
		w.send(cid, ctaphid.CommandLock, []byte{n})
		w.refuse(cid, prompt, ctaphid.ErrInvalidPar)
	}
	w.pinged(other)
}

func hidL4(c *C) {
	w := c.wire()
	cid := w.channel()
	w.lock(cid, 0)
	for _, n := range []int{0, 2, 58} {
		w.send(cid, ctaphid.CommandLock, make([]byte, n))
		w.refuse(cid, prompt, ctaphid.ErrInvalidLen)
	}
	w.pinged(cid)
}

func hidL5(c *C) {
	w := c.wire()
	cid, other := w.channel(), w.channel()
	w.lock(cid, 1)
	time.Sleep(700 * time.Millisecond)
	w.lock(cid, 4)
	end := time.Now().Add(4 * time.Second)
	time.Sleep(1300 * time.Millisecond)
	w.send(other, ctaphid.CommandPing, []byte("other"))
	w.refuse(other, prompt, ctaphid.ErrChannelBusy)
	w.freed(other, end)
}

func hidL6(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.lock(info.CID, 5)
	w.pinged(info.CID)
	w.init(info.CID)
	if info.Capabilities&ctaphid.CapabilityCBOR != 0 {
		w.send(info.CID, ctaphid.CommandCBOR, getInfo)
		w.success(info.CID, slowest)
	}
	w.lock(info.CID, 0)
}

func hidL7(c *C) {
	w := c.wire()
	cid := w.channel()
	w.send(cid, ctaphid.CommandLock, []byte{0})
	switch m := w.reply(cid, prompt); {
	case m.Command == ctaphid.CommandLock && len(m.Data) == 0:
		c.NotApplicable("the key has LOCK")
	case m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrInvalidCmd:
	default:
		c.Fatalf("LOCK is answered with %v %x", m.Command, m.Data)
	}
}
