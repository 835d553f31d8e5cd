package conformance

import (
	"bytes"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 9: SELECT. NFC-16 is about hosts.
var nfcSelectCases = []Case{
	{ID: "NFC-1", Title: "SELECT says U2F_V2 or FIDO_2_0", Needs: NeedsCard, Run: nfc1},
	{ID: "NFC-2", Title: "the version in SELECT is what the key speaks", Needs: NeedsCard, Run: nfc2},
	{ID: "NFC-3", Title: "an AID that only begins as FIDO's selects nothing", Needs: NeedsCard, Run: nfc3},
	{ID: "NFC-4", Title: "another AID deselects", Needs: NeedsCard, Run: nfc4},
	{ID: "NFC-5", Title: "SELECT without Le gives or announces what there is", Needs: NeedsCard, Run: nfc5},
	{ID: "NFC-6", Title: "no response is longer than its Le", Needs: NeedsCard, Run: nfc6},
	{ID: "NFC-7", Title: "SELECT in the extended form works if the ATR says so", Needs: NeedsCard, Run: nfc7},
}

var nfcVersions = []string{nfc.VersionU2F, nfc.VersionFIDO20}

func nfc1(c *C) {
	k := c.card()
	r := k.send(selectFIDO(anyPart))
	if _, more := r.SW.Remaining(); more {
		c.quirk("SELECT with Le is answered with %v", r.SW)
	}
	with, sw := k.collect(r, selectFIDO(anyPart), anyPart)
	if sw != swDone || !slices.Contains(nfcVersions, string(with)) {
		c.Errorf("SELECT: %q, %v", with, sw)
	}
	without, sw := k.whole(selectFIDO(0))
	if sw != swDone || !bytes.Equal(with, without) {
		c.Errorf("SELECT without Le: %q, %v; with Le it was %q", without, sw, with)
	}
	k.usable()
}

func nfc2(c *C) {
	k := c.card()
	said := k.choose()
	data, sw := k.whole(version())
	u2f := sw == swDone && string(data) == nfc.VersionU2F
	switch {
	case said == nfc.VersionU2F && !u2f && sw == swSwitchedOff:
		c.Observe("U2F is switched off")
	case said == nfc.VersionU2F && !u2f:
		c.Errorf("SELECT says %s, but U2F_VERSION is answered with %q, %v", said, data, sw)
	case said == nfc.VersionFIDO20 && u2f:
		c.Errorf("SELECT says %s, but U2F_VERSION is answered", said)
	}
	reply, sw := k.whole(message(0, getInfo))
	if sw != swDone {
		if said == nfc.VersionFIDO20 {
			c.Errorf("SELECT says %s, but getInfo is answered with %v", said, sw)
		}
		c.Observe("the key speaks U2F alone")
		return
	}
	info, err := ctap2.ParseGetInfoResponse(reply[1:])
	if err != nil {
		c.Fatal(err)
	}
	switch listed := slices.Contains(info.Versions, ctap2.VersionU2F); {
	case listed == (said == nfc.VersionU2F):
	case !listed && info.Options[ctap2.OptionAlwaysUv]:
		c.Observe("SELECT says %s although alwaysUv switches U2F off", said)
	default:
		c.quirk("SELECT says %s, and getInfo the versions %q", said, info.Versions)
	}
}

func nfc3(c *C) {
	k := c.card()
	for n := 1; n <= 8; n++ { // AIDs have up to 16 bytes
		cmd := selectFIDO(anyPart)
		cmd.Data = append([]byte(nfc.AID), bytes.Repeat([]byte{0x5a}, n)...)
		_, sw := k.whole(cmd)
		if sw == swDone {
			c.quirk("an AID of %d bytes more selects the application", n)
			continue
		}
		k.accept("SELECT of a longer AID", sw, iso7816.SWFileOrApplicationNotFound)
	}
	k.choose()
	k.usable()
}

// foreign is an AID that no application has, of the kind that needs no registration.
var foreign = []byte{0xf0, 0x67, 0x6f, 0x66, 0x69, 0x64, 0x6f}

func nfc4(c *C) {
	k := c.selected()
	cmd := selectFIDO(anyPart)
	cmd.Data = foreign
	k.refused("SELECT of another application", k.send(cmd), iso7816.SWFileOrApplicationNotFound)
	for _, cmd := range []iso7816.Command{message(0, getInfo), version()} {
		switch r := k.send(cmd); {
		case r.SW == swDone:
			c.quirk("%v works although another application was to be selected", cmd)
		default:
			k.accept("a command without an application", r.SW, swNoInstruction, swNoClass, swNotNow)
		}
	}
	k.choose()
	k.usable()
}

func nfc5(c *C) {
	k := c.card()
	said := k.choose()
	r := k.send(selectFIDO(0))
	n, more := r.SW.Remaining()
	if exact, ok := r.SW.ExactLe(); ok {
		n, more = exact, true
	}
	switch {
	case r.SW == swDone && string(r.Data) == said:
		c.Observe("SELECT without Le is answered in full, as some hosts expect")
	case len(r.Data) > 0 || !more || n != len(said):
		c.Errorf("SELECT without Le: %x, %v; %d bytes are there", r.Data, r.SW, len(said))
	}
}

func nfc6(c *C) {
	k := c.card()
	said := k.choose()
	for ne := 1; ne < len(said); ne++ {
		cmd := selectFIDO(ne)
		var all []byte
		r := k.send(cmd)
		for {
			if len(r.Data) > ne {
				c.Errorf("with Ne %d come %d bytes", ne, len(r.Data))
			}
			all = append(all, r.Data...)
			if n, ok := r.SW.ExactLe(); ok && len(all) == 0 {
				if n != len(said) {
					c.Errorf("with Ne %d the card asks for Ne %d", ne, n)
				}
				all = []byte(said)
				break
			}
			n, more := r.SW.Remaining()
			if !more {
				if r.SW != swDone {
					c.Errorf("with Ne %d: %v", ne, r.SW)
				}
				break
			}
			if len(all)+n != len(said) {
				c.Errorf("with Ne %d, %d bytes came and %d remain, of %d", ne, len(all), n, len(said))
			}
			if len(r.Data) == 0 && len(all) > 0 || len(all) > len(said) {
				c.Fatalf("with Ne %d the response never ends", ne)
			}
			r = k.rest(0x00, min(n, ne))
		}
		if string(all) != said {
			c.Errorf("with Ne %d: %q instead of %q", ne, all, said)
		}
	}
}

func nfc7(c *C) {
	k := c.card()
	atr, _, _ := k.card.Info()
	says := nfc.ExtendedLengths(atr)
	if !k.extended() {
		if says && !k.reader {
			c.Errorf("the ATR %x says that the card takes the extended form, which is refused", atr)
		}
		c.NotApplicable("card or reader take no APDUs of the extended form")
	}
	if !says {
		c.Observe("the card takes the extended form, of which the ATR %x says nothing", atr)
	}
	cmd := selectFIDO(iso7816.Extended.MaxNe())
	cmd.Form = iso7816.Extended
	r := k.send(cmd)
	if _, more := r.SW.Remaining(); more {
		c.quirk("SELECT in the extended form is answered with %v", r.SW)
	}
	if data, sw := k.collect(r, cmd, anyPart); sw != swDone || !slices.Contains(nfcVersions, string(data)) {
		c.Errorf("SELECT in the extended form: %q, %v", data, sw)
	}
	k.usable()
}
