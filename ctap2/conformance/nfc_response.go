package conformance

import (
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 9: responses in parts.
var nfcResponseCases = []Case{
	{ID: "NFC-14", Title: "a long reply to a short command comes in parts", Needs: NeedsCard, Run: nfc14},
	{ID: "NFC-15", Title: "6100 means 256 bytes or more", Needs: NeedsCard, Run: nfc15},
	{ID: "NFC-18", Title: "another command drops the rest of a response", Needs: NeedsCard, Run: nfc18},
}

func nfc14(c *C) {
	k := c.ctap2()
	whole, _ := k.whole(message(0, getInfo))
	want := k.stable(whole)
	for _, cla := range []byte{0x80, 0x00} {
		for _, ne := range []int{anyPart, 100, 7} {
			cmd := message(0, getInfo)
			cmd.Ne = ne
			r := k.send(cmd)
			var all []byte
			for len(all) <= len(whole) {
				if len(r.Data) > ne {
					c.Errorf("with Le %d come %d bytes", ne, len(r.Data))
				}
				all = append(all, r.Data...)
				n, more := r.SW.Remaining()
				if !more {
					break
				}
				if left := len(whole) - len(all); n != min(left, 256) {
					c.Errorf("of %d bytes %d have come, but the status word is %v", len(whole), len(all), r.SW)
				}
				r = k.send(get(cla, min(n, ne)))
				if cla == 0x00 && (r.SW == swNoClass || r.SW == swNoInstruction) {
					c.quirk("GET RESPONSE of class 00 is answered with %v", r.SW)
					break
				}
			}
			if r.SW == swNoClass || r.SW == swNoInstruction {
				break
			}
			if r.SW != swDone || k.stable(all) != want {
				c.Errorf("in parts of %d bytes, with class %02x: %x, %v", ne, cla, all, r.SW)
			}
		}
	}
	if k.extended() {
		cmd := message(0, getInfo)
		cmd.Form, cmd.Ne = iso7816.Extended, iso7816.Extended.MaxNe()
		if r := k.send(cmd); r.SW != swDone || k.stable(r.Data) != want {
			c.Errorf("in the extended form: %x, %v", r.Data, r.SW)
		}
	}
}

func nfc15(c *C) {
	k := c.ctap2()
	whole, _ := k.whole(message(0, getInfo))
	want, tested := k.stable(whole), false
	for _, left := range []int{255, 256, 257, 511, 512, 513} {
		first := len(whole) - left
		if first < 1 || first > 256 {
			continue
		}
		tested = true
		cmd := message(0, getInfo)
		cmd.Ne = first
		r := k.send(cmd)
		if n, ok := r.SW.ExactLe(); ok {
			c.NotApplicable("the card gives no part of a response: it wants Le %d", n)
		}
		if n, more := r.SW.Remaining(); more && len(r.Data) == 0 && n > 0 {
			r = k.rest(0x80, first) // over T=0 all of the response has to be fetched
		}
		if n, more := r.SW.Remaining(); !more || len(r.Data) != first || n != min(left, 256) {
			c.Errorf("%d bytes, then %v; %d bytes are left", len(r.Data), r.SW, left)
		}
		all, sw := k.collect(r, cmd, anyPart)
		if sw != swDone || k.stable(all) != want {
			c.Errorf("%d bytes first: %x, %v", first, all, sw)
		}
	}
	if !tested {
		c.NotApplicable("the key's replies are too short: getInfo's has %d bytes", len(whole))
	}
}

func nfc18(c *C) {
	k := c.ctap2()
	for _, test := range []struct {
		name string
		by   func()
	}{
		{"SELECT", func() { k.choose() }},
		{"getInfo", func() { k.works() }},
		{"NFCCTAP_GETRESPONSE", func() { k.send(poll(0)) }},
		{"another class", func() { k.whole(version()) }},
	} {
		cmd := message(0, getInfo)
		cmd.Ne = 5
		r := k.send(cmd)
		if _, more := r.SW.Remaining(); !more {
			c.NotApplicable("the card gives no part of a response: %v", r.SW)
		}
		test.by()
		k.refused("GET RESPONSE after "+test.name, k.send(get(0x80, anyPart)), swNotNow, swNoInstruction, swNoClass, iso7816.SWCommandNotAllowed)
	}
	if s, _ := k.ctap(message(0, getInfo)); s != ctap2.StatusSuccess {
		c.Errorf("getInfo: %s", s.Name())
	}
}
