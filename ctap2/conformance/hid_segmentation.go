package conformance

import (
	"bytes"
	"math/rand/v2"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// Section 2: messages in packets, and lengths.
var hidSegmentationCases = []Case{
	{ID: "HID-S1", Title: "PING echoes messages of every length that matters", Needs: NeedsReports, Takes: 2 * time.Second, Run: hidS1},
	{ID: "HID-S2", Title: "PING echoes every byte value", Needs: NeedsReports, Run: hidS2},
	{ID: "HID-S3", Title: "the longest message uses the sequence numbers 0 to 127", Needs: NeedsReports, Run: hidS3},
	{ID: "HID-S4", Title: "a length beyond the longest message is refused at once", Needs: NeedsReports, Run: hidS4},
	{ID: "HID-S5", Title: "a CBOR request beyond maxMsgSize is refused", Needs: NeedsReports, Run: hidS5},
	{ID: "HID-S6", Title: "padding is ignored in requests and zero in replies", Needs: NeedsReports, Run: hidS6},
	{ID: "HID-S7", Title: "CBOR without a command and MSG without a header are refused", Needs: NeedsReports, Run: hidS7},
	{ID: "HID-S8", Title: "WINK and CANCEL with data are refused or served", Needs: NeedsReports, Run: hidS8},
	{ID: "HID-S9", Title: "a PING of 1,000 bytes is back within 555 ms", Needs: NeedsReports, Run: hidS9},
	{ID: "HID-S10", Title: "unknown commands, KEEPALIVE and ERROR are refused", Needs: NeedsReports, Run: hidS10},
	{ID: "HID-S11", Title: "vendor commands are answered", Needs: NeedsReports, Run: hidS11},
	{ID: "HID-S12", Title: "two messages back to back are answered in order", Needs: NeedsReports, Run: hidS12},
}

// longest is the longest message that the reports carry and that the key takes:
// the key's own limit may be lower than the transport's.
func (w *wire) longest(cid ctaphid.CID) int {
	n := w.max()
	w.head(cid, ctaphid.CommandPing, n)
	m, ok := w.answer(cid, quiet/2)
	w.init(cid)
	if !ok {
		return n
	}
	if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidLen {
		w.c.Fatalf("a PING of %d bytes is answered with %v %x", n, m.Command, m.Data)
	}
	w.c.Observe("messages of %d bytes are refused", n)
	return 1024
}

func (w *wire) echo(cid ctaphid.CID, data []byte) {
	w.c.Helper()
	w.send(cid, ctaphid.CommandPing, data)
	if got := w.expect(cid, ctaphid.CommandPing, 3*time.Second); !bytes.Equal(got, data) {
		w.c.Fatalf("PING of %d bytes came back with %d other bytes", len(data), len(got))
	}
}

func hidS1(c *C) {
	w := c.wire()
	cid := w.channel()
	longest := w.longest(cid)
	first, next := w.out-7, w.out-5
	for _, n := range []int{0, 1, 2, first - 1, first, first + 1, first + next - 1, first + next, first + next + 1, 1024, longest - 1, longest} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7)
		}
		w.echo(cid, data)
	}
}

func hidS2(c *C) {
	w := c.wire()
	cid := w.channel()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	random := make([]byte, 500)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	for _, data := range [][]byte{bytes.Repeat([]byte{0}, 200), bytes.Repeat([]byte{0xff}, 200), all, random} {
		w.echo(cid, data)
	}
}

func hidS3(c *C) {
	w := c.wire()
	cid := w.channel()
	n := w.longest(cid)
	if n != w.max() {
		c.NotApplicable("the key takes no message of %d bytes", w.max())
	}
	if ps := w.packets(cid, ctaphid.CommandPing, make([]byte, n)); ps[len(ps)-1][4] != 0x7f {
		c.Fatalf("the last sequence number is %d", ps[len(ps)-1][4])
	}
	w.echo(cid, bytes.Repeat([]byte{0xa5}, n))
}

func hidS4(c *C) {
	w := c.wire()
	cid := w.channel()
	for _, n := range []int{w.max() + 1, 0xffff} {
		w.head(cid, ctaphid.CommandPing, n)
		w.refuse(cid, quiet, ctaphid.ErrInvalidLen)
		w.pinged(cid)
	}
}

func hidS5(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.send(info.CID, ctaphid.CommandCBOR, getInfo)
	data := w.expect(info.CID, ctaphid.CommandCBOR, slowest)
	key, err := ctap2.ParseGetInfoResponse(data[1:])
	if err != nil {
		c.Fatal(err)
	}
	n := key.MaxMessage() + 1
	if n > w.max() {
		c.NotApplicable("maxMsgSize is all that fits a message")
	}
	// The head alone tells whether the transport refuses the length.
	w.head(info.CID, ctaphid.CommandCBOR, n)
	if m, ok := w.answer(info.CID, quiet/2); ok {
		if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidLen {
			c.Fatalf("a request of %d bytes is answered with %v %x", n, m.Command, m.Data)
		}
		c.Observe("the transport refuses what is longer than maxMsgSize")
		return
	}
	w.init(info.CID)
	request := append(touching(c), make([]byte, n)...)[:n]
	w.send(info.CID, ctaphid.CommandCBOR, request)
	w.status(info.CID, slowest, ctap2.StatusRequestTooLarge)
}

func hidS6(c *C) {
	w := c.wire()
	cid := w.channel()
	data := bytes.Repeat([]byte{0x11}, w.out)
	ps := w.packets(cid, ctaphid.CommandPing, data)
	last := ps[len(ps)-1]
	for i := 5 + len(data) - (w.out - 7); i < len(last); i++ {
		last[i] = 0xee
	}
	for _, p := range ps {
		w.report(p)
	}
	if got := w.expect(cid, ctaphid.CommandPing, prompt); !bytes.Equal(got, data) {
		c.Fatalf("PING came back as %x", got)
	}
	if w.unpadded {
		if c.Key.Strict {
			c.Error("a reply's padding is not zero")
		}
		c.Observe("the padding of replies is not zero")
	}
}

func hidS7(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	if info.Capabilities&ctaphid.CapabilityCBOR != 0 {
		w.send(info.CID, ctaphid.CommandCBOR, nil)
		w.refuse(info.CID, prompt, ctaphid.ErrInvalidLen)
	}
	if info.Capabilities&ctaphid.CapabilityNMSG == 0 {
		for n := range 4 {
			w.send(info.CID, ctaphid.CommandMSG, make([]byte, n))
			switch m := w.reply(info.CID, prompt); {
			case m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrInvalidLen:
			case m.Command == ctaphid.CommandMSG && bytes.Equal(m.Data, []byte{0x67, 0x00}):
				c.Observe("MSG of %d bytes is answered with 6700", n)
			default:
				c.Fatalf("MSG of %d bytes is answered with %v %x", n, m.Command, m.Data)
			}
		}
	}
	w.pinged(info.CID)
}

func hidS8(c *C) {
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	if info.Capabilities&ctaphid.CapabilityWink != 0 {
		w.send(info.CID, ctaphid.CommandWink, []byte{1})
		switch m := w.reply(info.CID, prompt); {
		case m.Command == ctaphid.CommandError && len(m.Data) == 1 && ctaphid.ErrorCode(m.Data[0]) == ctaphid.ErrInvalidLen:
			c.Observe("WINK with data is refused")
		case m.Command == ctaphid.CommandWink:
			c.Observe("WINK with data is served")
		default:
			c.Fatalf("WINK with data is answered with %v %x", m.Command, m.Data)
		}
	}
	w.send(info.CID, ctaphid.CommandCancel, []byte{1})
	if m, ok := w.answer(info.CID, quiet); ok {
		if m.Command != ctaphid.CommandError || len(m.Data) != 1 || ctaphid.ErrorCode(m.Data[0]) != ctaphid.ErrInvalidLen {
			c.Fatalf("CANCEL with data is answered with %v %x", m.Command, m.Data)
		}
		c.Observe("CANCEL with data is refused")
	}
	w.pinged(info.CID)
}

func hidS9(c *C) {
	w := c.wire()
	cid := w.channel()
	var d time.Duration
	for range 3 { // once it may be the host that takes the time
		start := time.Now()
		w.echo(cid, make([]byte, 1000))
		if d = time.Since(start); d <= 555*time.Millisecond {
			return
		}
	}
	c.Errorf("it took %v", d)
}

func hidS10(c *C) {
	w := c.wire()
	cid := w.channel()
	for _, cmd := range []ctaphid.Command{0x02, 0x20, ctaphid.CommandKeepalive, ctaphid.CommandError} {
		w.send(cid, cmd, []byte{1})
		w.refuse(cid, prompt, ctaphid.ErrInvalidCmd)
	}
	w.pinged(cid)
}

func hidS11(c *C) {
	w := c.wire()
	cid := w.channel()
	for _, cmd := range []ctaphid.Command{ctaphid.CommandVendorFirst, 0x66, ctaphid.CommandVendorLast} {
		w.send(cid, cmd, nil)
		if m := w.reply(cid, slowest); m.Command == ctaphid.CommandError {
			c.Observe("%v: %v", cmd, ctaphid.ErrorCode(append(m.Data, 0)[0]))
		} else {
			c.Observe("%v: answered with %v, %d bytes", cmd, m.Command, len(m.Data))
		}
	}
	w.pinged(cid)
}

func hidS12(c *C) {
	w := c.wire()
	cid := w.channel()
	a, b := bytes.Repeat([]byte{'a'}, w.out+3), bytes.Repeat([]byte{'b'}, w.out+3)
	w.send(cid, ctaphid.CommandPing, a)
	w.send(cid, ctaphid.CommandPing, b)
	for _, want := range [][]byte{a, b} {
		if got := w.expect(cid, ctaphid.CommandPing, prompt); !bytes.Equal(got, want) {
			c.Fatalf("PING of %q… came back as %q", want[:4], got)
		}
	}
}
