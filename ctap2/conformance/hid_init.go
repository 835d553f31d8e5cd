package conformance

import (
	"bytes"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// Section 1: the report descriptor and INIT.
var hidInitCases = []Case{
	{ID: "HID-D1", Title: "the report descriptor is that of a FIDO device: one input and one output report, no report ID", Needs: NeedsReports, Run: hidD1},
	{ID: "HID-D2", Title: "reports have the sizes that the descriptor states, 8 to 64 bytes", Needs: NeedsReports, Run: hidD2},
	{ID: "HID-I1", Title: "a broadcast INIT allocates a channel", Needs: NeedsReports, Run: hidI1},
	{ID: "HID-I2", Title: "two INITs give two channels", Needs: NeedsReports, Run: hidI2},
	{ID: "HID-I3", Title: "a new channel is never one in use", Needs: NeedsReports, Run: hidI3},
	{ID: "HID-I4", Title: "a nonce that has not eight bytes is refused", Needs: NeedsReports, Run: hidI4},
	{ID: "HID-I5", Title: "INIT on a channel keeps the channel", Needs: NeedsReports, Run: hidI5},
	{ID: "HID-I6", Title: "INIT in the middle of a message drops the message without a later error", Needs: NeedsReports, Takes: 4 * time.Second, Run: hidI6},
	{ID: "HID-I7", Title: "INIT on a channel that waits for a touch ends the request for good", Needs: NeedsReports | NeedsUser, Takes: 4 * time.Second, Run: hidI7},
	{ID: "HID-I8", Title: "a broadcast INIT while another channel is busy gets an answer", Needs: NeedsReports, Run: hidI8},
	{ID: "HID-I9", Title: "channel 0 is refused", Needs: NeedsReports, Run: hidI9},
	{ID: "HID-I10", Title: "the broadcast channel takes INIT alone", Needs: NeedsReports, Run: hidI10},
	{ID: "HID-I11", Title: "a channel that was never allocated is refused", Needs: NeedsReports, Run: hidI11},
	{ID: "HID-I12", Title: "the newest of 300 channels works, older ones work or are refused", Needs: NeedsReports, Takes: 5 * time.Second, Run: hidI12},
	{ID: "HID-I13", Title: "the capabilities are what the key does", Needs: NeedsReports, Run: hidI13},
	{ID: "HID-I14", Title: "nothing arrives unasked", Needs: NeedsReports, Takes: time.Second, Run: hidI14},
}

func hidD1(c *C) {
	w := c.wire()
	d, ok := w.dev.(interface{ Descriptor() []byte })
	if !ok || d.Descriptor() == nil {
		c.NotApplicable("the Device does not show its report descriptor")
	}
	desc, err := hid.ParseDescriptor(d.Descriptor())
	if err != nil {
		c.Fatalf("the report descriptor: %v", err)
	}
	if err := desc.Check(); err != nil {
		c.Error(err)
	}
}

func hidD2(c *C) {
	w := c.wire()
	for _, size := range []int{w.in, w.out} {
		if size < ctaphid.MinReportSize || size > ctaphid.MaxReportSize {
			c.Errorf("the report size is %d", size)
		}
	}
	w.channel() // every report read is checked against its size
}

func hidI1(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	if info.CID == ctaphid.ReservedCID || info.CID == ctaphid.BroadcastCID {
		c.Errorf("the channel is %v", info.CID)
	}
	if info.ProtocolVersion != 2 {
		c.Errorf("the protocol version is %d instead of 2", info.ProtocolVersion)
	}
	w.pinged(info.CID)
}

func hidI2(c *C) {
	w := c.wire()
	a, b := w.channel(), w.channel()
	if a == b {
		c.Fatalf("both channels are %v", a)
	}
	w.pinged(a)
	w.pinged(b)
}

func hidI3(c *C) {
	w := c.wire()
	var live []ctaphid.CID
	for range 8 {
		cid := w.channel()
		if slices.Contains(live, cid) {
			c.Fatalf("channel %v was given twice", cid)
		}
		live = append(live, cid)
	}
}

func hidI4(c *C) {
	w := c.wire()
	for _, n := range []int{0, 7, 9, 57, 58} {
		w.send(ctaphid.BroadcastCID, ctaphid.CommandInit, make([]byte, n))
		w.refuse(ctaphid.BroadcastCID, prompt, ctaphid.ErrInvalidLen)
		w.silent(quiet)
	}
	w.pinged(w.channel())
}

func hidI5(c *C) {
	w := c.wire()
	cid := w.channel()
	if info := w.init(cid); info.CID != cid {
		c.Errorf("INIT on %v answers with channel %v", cid, info.CID)
	}
	w.pinged(cid)
}

func hidI6(c *C) {
	w := c.wire()
	cid := w.channel()
	w.head(cid, ctaphid.CommandPing, 3*w.out)
	w.init(cid)
	w.silent(3500 * time.Millisecond)
	w.pinged(cid)
}

func hidI7(c *C) {
	c.user(Behaviour{Action: Touch, After: 2 * time.Second})
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.pending(info.CID)
	w.init(info.CID)
	w.keepalive = nil
	w.silent(3 * time.Second)
	if len(w.keepalive) > 0 {
		c.Error("keepalives go on after INIT")
	}
	w.pinged(info.CID)
}

func hidI8(c *C) {
	w := c.wire()
	cid := w.channel()
	ps := w.packets(cid, ctaphid.CommandPing, bytes.Repeat([]byte{0x5a}, w.out+10))
	w.report(ps[0])
	nonce := []byte("8 bytes.")
	w.send(ctaphid.BroadcastCID, ctaphid.CommandInit, nonce)
	switch m := w.reply(ctaphid.BroadcastCID, prompt); {
	case m.Command == ctaphid.CommandInit:
		c.Observe("INIT is served while another channel is busy")
	case m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrChannelBusy:
		c.Observe("INIT is answered with CHANNEL_BUSY while another channel is busy")
	default:
		c.Fatalf("the reply is %v %x", m.Command, m.Data)
	}
	for _, p := range ps[1:] {
		w.report(p)
	}
	w.expect(cid, ctaphid.CommandPing, prompt)
}

func hidI9(c *C) {
	w := c.wire()
	for _, cmd := range []ctaphid.Command{ctaphid.CommandPing, ctaphid.CommandInit, ctaphid.CommandCBOR, ctaphid.CommandWink} {
		w.send(ctaphid.ReservedCID, cmd, make([]byte, 8))
		w.refuse(ctaphid.ReservedCID, prompt, ctaphid.ErrInvalidChannel)
	}
	w.pinged(w.channel())
}

func hidI10(c *C) {
	w := c.wire()
	for _, cmd := range []ctaphid.Command{ctaphid.CommandPing, ctaphid.CommandCBOR, ctaphid.CommandWink, ctaphid.CommandLock} {
		w.send(ctaphid.BroadcastCID, cmd, []byte{4})
		w.refuse(ctaphid.BroadcastCID, prompt, ctaphid.ErrInvalidChannel)
	}
	w.pinged(w.channel())
}

func hidI11(c *C) {
	w := c.wire()
	cid := w.channel() ^ 0x5a5a0000
	w.send(cid, ctaphid.CommandPing, []byte("hello"))
	m, ok := w.answer(cid, prompt)
	switch {
	case ok && m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrInvalidChannel:
	case c.Key.Strict || !ok || m.Command != ctaphid.CommandPing:
		c.Fatalf("the reply is %v %x (any: %v) instead of INVALID_CHANNEL", m.Command, m.Data, ok)
	default:
		c.Observe("channels that were never allocated work")
	}
}

func hidI12(c *C) {
	w := c.wire()
	seen := map[ctaphid.CID]bool{}
	var order []ctaphid.CID
	for range 300 {
		cid := w.channel()
		seen[cid] = true
		order = append(order, cid)
	}
	w.pinged(order[299])
	recycled := 0
	for i, cid := range order[:299] {
		if slices.Contains(order[i+1:], cid) {
			continue // given again: it works for its new owner
		}
		if i%37 != 0 {
			continue
		}
		w.send(cid, ctaphid.CommandPing, []byte{byte(i)})
		if m := w.reply(cid, prompt); m.Command == ctaphid.CommandError {
			if len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidChannel {
				c.Fatalf("channel %v answers ERROR %x", cid, m.Data)
			}
			recycled++
		}
	}
	w.pinged(order[299])
	c.Observe("of 300 channels %d had a CID of their own; %d of 9 old ones were recycled", len(seen), recycled)
}

func hidI13(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	works := func(cmd ctaphid.Command, data []byte) bool {
		w.send(info.CID, cmd, data)
		m := w.reply(info.CID, slowest)
		if m.Command == cmd {
			return true
		}
		if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidCmd {
			c.Fatalf("%v is answered with %v %x", cmd, m.Command, m.Data)
		}
		return false
	}
	caps := info.Capabilities
	if got, want := works(ctaphid.CommandWink, nil), caps&ctaphid.CapabilityWink != 0; got != want {
		c.Errorf("WINK works: %v; the capabilities say %v", got, want)
	}
	if got, want := works(ctaphid.CommandCBOR, []byte{byte(ctap2.CommandGetInfo)}), caps&ctaphid.CapabilityCBOR != 0; got != want {
		c.Errorf("CBOR works: %v; the capabilities say %v", got, want)
	}
	if got, want := works(ctaphid.CommandMSG, []byte{0, 3, 0, 0, 0, 0, 0}), caps&ctaphid.CapabilityNMSG == 0; got != want {
		c.Errorf("MSG works: %v; the capabilities say %v", got, want)
	}
}

func hidI14(c *C) {
	w := c.wire()
	w.channel()
	w.keepalive = nil
	w.silent(time.Second)
	if len(w.keepalive) > 0 {
		c.Error("keepalives arrive while nothing is asked")
	}
}
