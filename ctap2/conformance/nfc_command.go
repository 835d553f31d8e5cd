package conformance

import (
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 9: the forms of commands, and those that make no sense.
var nfcCommandCases = []Case{
	{ID: "NFC-8", Title: "getInfo is the same in the short and the extended form", Needs: NeedsCard, Run: nfc8},
	{ID: "NFC-9", Title: "a small Le in the extended form is taken", Needs: NeedsCard, Run: nfc9},
	{ID: "NFC-10", Title: "segments of any length make the same request", Needs: NeedsCard, Run: nfc10},
	{ID: "NFC-11", Title: "another command drops the segments before it", Needs: NeedsCard, Run: nfc11},
	{ID: "NFC-12", Title: "too many segments are refused, and the next command works", Needs: NeedsCard, Run: nfc12},
	{ID: "NFC-13", Title: "a last segment without others is a command", Needs: NeedsCard, Run: nfc13},
	{ID: "NFC-17", Title: "GET RESPONSE with nothing pending is an error", Needs: NeedsCard, Run: nfc17},
	{ID: "NFC-19", Title: "a wrong class is refused", Needs: NeedsCard, Run: nfc19},
	{ID: "NFC-20", Title: "an unknown instruction is refused", Needs: NeedsCard, Run: nfc20},
	{ID: "NFC-21", Title: "wrong P1 and P2 are refused", Needs: NeedsCard, Run: nfc21},
	{ID: "NFC-22", Title: "an Lc that does not fit the data is refused", Needs: NeedsCard, Run: nfc22},
	{ID: "NFC-23", Title: "a command without a whole header is refused", Needs: NeedsCard, Run: nfc23},
	{ID: "NFC-24", Title: "commands of every case of ISO 7816-4 are understood", Needs: NeedsCard, Run: nfc24},
}

func nfc8(c *C) {
	k := c.ctap2()
	short, sw := k.whole(message(0, getInfo))
	if sw != swDone {
		c.Fatalf("getInfo in the short form: %v", sw)
	}
	want := k.stable(short)
	k.needExtended()
	long := message(0, getInfo)
	long.Form, long.Ne = iso7816.Extended, iso7816.Extended.MaxNe()
	r := k.send(long)
	if r.SW != swDone {
		c.Fatalf("getInfo in the extended form: %v", r.SW)
	}
	if got := k.stable(r.Data); got != want || len(r.Data) != len(short) {
		c.Errorf("getInfo is %x in the short form and %x in the extended", short, r.Data)
	}
}

func nfc9(c *C) {
	k := c.ctap2()
	k.needExtended()
	whole, _ := k.whole(message(0, getInfo))
	cmd := message(0, getInfo)
	cmd.Form, cmd.Ne = iso7816.Extended, 16
	r := k.send(cmd)
	if len(r.Data) > cmd.Ne {
		c.Observe("the response of %d bytes is longer than an Le of %d", len(r.Data), cmd.Ne)
	}
	all, sw := k.collect(r, cmd, anyPart)
	if sw != swDone || k.stable(all) != k.stable(whole) {
		c.Errorf("getInfo with an Le of %d: %x, %v", cmd.Ne, all, sw)
	}
}

// segments cuts a command into segments of n bytes.
func segments(cmd iso7816.Command, n int) []iso7816.Command {
	var all []iso7816.Command
	for part := range slices.Chunk(cmd.Data, n) {
		s := cmd
		s.CLA, s.Data, s.Ne = cmd.CLA|iso7816.CLAChain, part, 0
		all = append(all, s)
	}
	last := &all[len(all)-1]
	last.CLA, last.Ne = cmd.CLA, cmd.Ne
	return all
}

// chain sends a command in segments of n bytes.
func (k *card) chain(cmd iso7816.Command, n int) ([]byte, iso7816.StatusWord) {
	k.c.Helper()
	all := segments(cmd, n)
	for i, s := range all[:len(all)-1] {
		if r := k.send(s); r.SW != swDone || len(r.Data) > 0 {
			k.c.Fatalf("segment %d of %d, %d bytes each: %x, %v", i+1, len(all), n, r.Data, r.SW)
		}
	}
	return k.whole(all[len(all)-1])
}

func nfc10(c *C) {
	k := c.ctap2()
	request := c.long(700)
	cmd := message(0, request)
	var want []byte
	if k.extended() {
		long := cmd
		long.Form, long.Ne = iso7816.Extended, iso7816.Extended.MaxNe()
		var sw iso7816.StatusWord
		if want, sw = k.whole(long); sw != swDone {
			c.Fatalf("%d bytes in the extended form: %v", len(request), sw)
		}
	} else {
		want = []byte{byte(ctap2.StatusUnsupportedAlgorithm)}
	}
	if len(want) != 1 || ctap2.Status(want[0]) != ctap2.StatusUnsupportedAlgorithm {
		c.Errorf("a request for unknown algorithms is answered with %x", want)
	}
	for _, n := range []int{255, 254, 240, 7, 1} {
		if got, sw := k.chain(cmd, n); sw != swDone || string(got) != string(want) {
			c.Errorf("in segments of %d bytes: %x, %v instead of %x", n, got, sw, want)
		}
	}
	k.works()
}

func nfc11(c *C) {
	k := c.ctap2()
	request := c.long(300)
	all := segments(message(0, request), 200)
	begin := func() {
		c.Helper()
		if r := k.send(all[0]); r.SW != swDone || len(r.Data) > 0 {
			c.Fatalf("a segment: %x, %v", r.Data, r.SW)
		}
	}
	// dropped demands that the rest is no request on its own.
	dropped := func(by string) {
		c.Helper()
		reply, sw := k.whole(all[len(all)-1])
		if sw == swDone && len(reply) > 0 && ctap2.Status(reply[0]) == ctap2.StatusUnsupportedAlgorithm {
			c.Errorf("%s does not drop the segments before it", by)
		}
	}
	begin()
	k.choose()
	dropped("SELECT")
	begin()
	if s, _ := k.ctap(message(0x80, getInfo)); s != ctap2.StatusSuccess {
		c.Errorf("getInfo with another P1 after a segment: %s", s.Name())
	}
	dropped("another P1")
	begin()
	if r := k.send(poll(0)); r.SW == swDone {
		c.Errorf("NFCCTAP_GETRESPONSE after a segment: %x, %v", r.Data, r.SW)
	}
	dropped("another instruction")
	begin()
	k.send(get(0x80, anyPart))
	dropped("GET RESPONSE")
	begin()
	other := all[0]
	other.P2 = 1
	k.send(other)
	dropped("another P2")
	begin()
	k.whole(version())
	dropped("another class")
	k.works()
}

func nfc12(c *C) {
	k := c.ctap2()
	segment := message(0, make([]byte, 255))
	segment.CLA |= iso7816.CLAChain
	segment.Ne = 0
	refused := false
	for range 80 { // 20,400 bytes
		r := k.send(segment)
		if r.SW == swDone {
			continue
		}
		refused = true
		k.refused("too many segments", r, swLength, iso7816.SWChainingNotSupported, iso7816.SWWrongData, iso7816.SWNotEnoughMemory)
		break
	}
	if !refused {
		segment.CLA, segment.Ne = 0x80, anyPart
		switch reply, sw := k.whole(segment); {
		case sw != swDone:
			k.accept("too many segments", sw, swLength, iso7816.SWChainingNotSupported, iso7816.SWWrongData, iso7816.SWNotEnoughMemory)
		case len(reply) != 1 || reply[0] == 0:
			c.Errorf("20,655 zeros are answered with %x", reply)
		default:
			c.Observe("a request of 20,655 bytes is answered with %s", ctap2.Status(reply[0]).Name())
		}
	}
	k.works()
}

func nfc13(c *C) {
	k := c.ctap2()
	k.works()
	// Even after a chain that was dropped.
	segment := message(0, []byte{1})
	segment.CLA |= iso7816.CLAChain
	segment.Ne = 0
	k.send(segment)
	k.choose()
	k.works()
}

func nfc17(c *C) {
	k := c.ctap2()
	for _, cla := range []byte{0x00, 0x80} {
		k.refused(fmt.Sprintf("GET RESPONSE of class %02x with nothing pending", cla), k.send(get(cla, anyPart)),
			swNotNow, swNoInstruction, swNoClass, iso7816.SWCommandNotAllowed)
	}
	k.works()
}

func nfc19(c *C) {
	k := c.ctap2()
	for _, cla := range []byte{0x00, 0x81, 0xa0} {
		cmd := message(0, getInfo)
		cmd.CLA = cla
		k.refused(fmt.Sprintf("class %02x", cla), k.send(cmd), swNoClass, swNoInstruction, iso7816.SWLogicalChannelNotSupported)
	}
	k.works()
}

func nfc20(c *C) {
	k := c.ctap2()
	k.refused("an unknown instruction", k.send(iso7816.Command{CLA: 0x80, INS: 0x7f, Ne: anyPart}), swNoInstruction, swNoClass)
	r := k.send(iso7816.Command{CLA: 0x00, INS: 0x7f, Ne: anyPart})
	if len(r.Data) > 0 || r.SW != swNoInstruction && r.SW != swNoClass && r.SW != swSwitchedOff {
		c.Errorf("an unknown instruction of class 00: %x, %v", r.Data, r.SW)
	}
	k.works()
}

func nfc21(c *C) {
	k := c.ctap2()
	for _, test := range []struct {
		name   string
		p1, p2 byte
		cmd    iso7816.Command
	}{
		{"NFCCTAP_MSG", 0x01, 0, message(0, getInfo)},
		{"NFCCTAP_MSG", 0, 0x01, message(0, getInfo)},
		{"NFCCTAP_GETRESPONSE", 0x22, 0, poll(0)},
		{"NFCCTAP_CONTROL", 0x02, 0, control(0)},
		{"SELECT", 0x77, 0, selectFIDO(anyPart)},
	} {
		test.cmd.P1, test.cmd.P2 = test.p1, test.p2
		what := fmt.Sprintf("%s with P1 %02x and P2 %02x", test.name, test.p1, test.p2)
		r := k.send(test.cmd)
		_, more := r.SW.Remaining()
		switch {
		case r.SW == swDone || more:
			c.quirk("%s is taken", what)
			k.choose()
		default:
			k.refused(what, r, swP1P2, iso7816.SWWrongP1P2, swNoInstruction, swNotNow, iso7816.SWWrongData, iso7816.SWFunctionNotSupported)
		}
	}
	k.choose()
	k.works()
}

// malformed sends what is no APDU. Many readers refuse to.
func (k *card) malformed(apdu []byte) {
	k.c.Helper()
	r := k.raw(apdu)
	k.refused(fmt.Sprintf("the command %x", apdu[:min(len(apdu), 16)]), r, swLength, swNoInstruction, swNoClass, swP1P2, iso7816.SWNoPreciseDiagnosis)
}

func nfc22(c *C) {
	k := c.ctap2()
	k.malformed([]byte{0x80, nfc.INSMessage, 0, 0, 5, 4, 0})
	k.malformed([]byte{0x80, nfc.INSMessage, 0, 0, 1, 4, 0, 0, 0})
	k.malformed([]byte{0x80, nfc.INSMessage, 0, 0, 0, 0, 9, 4, 0, 0})
	k.works()
}

func nfc23(c *C) {
	k := c.ctap2()
	k.malformed([]byte{0x80, nfc.INSMessage})
	k.malformed([]byte{0x80, nfc.INSMessage, 0})
	k.works()
}

func nfc24(c *C) {
	k := c.ctap2()
	extended := k.extended()
	understood := func(name string, r iso7816.Response) {
		c.Helper()
		if r.SW == swLength {
			c.Errorf("case %s is not understood: %v", name, r.SW)
		}
	}
	for _, test := range []struct {
		name string
		cmd  iso7816.Command
	}{
		{"3", iso7816.Command{CLA: 0x80, INS: nfc.INSMessage, Data: getInfo}},
		{"4", message(0, getInfo)},
		{"2", poll(0)},
	} {
		understood(test.name+", short", k.send(test.cmd))
		if !extended {
			continue
		}
		test.cmd.Form = iso7816.Extended
		if test.cmd.Ne > 0 {
			test.cmd.Ne = iso7816.Extended.MaxNe()
		}
		understood(test.name+", extended", k.send(test.cmd))
	}
	if !extended {
		c.Observe("card or reader take no APDUs of the extended form")
	}
	understood("1", k.send(control(1)))
	k.choose()
	k.works()
}
