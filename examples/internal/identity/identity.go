// Package identity tells whether a key that is put back is the one that was taken away:
// what is known of both is compared. It asks no key.
package identity

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
)

// Known is what is known of a key that may tell it from others.
type Known struct {
	HID    *hid.Info     // nil: not a HID device, or not known to the system as one
	Reader string        // the card reader that it is at; "" if none
	AAGUID *ctap2.AAGUID // nil: not asked

	// Proof is what no other key can have, by which its label was found.
	Proof Proof
}

// A Proof shows which key it is.
type Proof struct {
	By    string // Credential or EncIdentifier; "" if nothing is known
	Value string // of the key; "" if it has shown to be another
}

// The names of what keys can have in common, as JSON has them.
const (
	Model         = "model"
	Serial        = "serial"
	AAGUID        = "aaguid"
	Port          = "port"
	Credential    = "credential"    // of the key's label
	EncIdentifier = "encIdentifier" // decrypted with the token of the key's label
)

// Words are these names for people.
var Words = map[string]string{
	Model: "model", Serial: "serial number", AAGUID: "AAGUID", Port: "place",
	Credential: "credential of its label", EncIdentifier: "identifier of its label",
}

// port is where the key is, as far as the system tells.
func (i *Known) port() string {
	if i.HID != nil {
		return i.HID.PhysicalPath
	}
	return i.Reader
}

// SerialNumber is the key's serial number; "" if it has none.
func (i *Known) SerialNumber() string {
	if i.HID == nil {
		return ""
	}
	return i.HID.Serial
}

// shortestSerial is the fewest characters of a serial number that is taken for one.
const shortestSerial = 6

// Distinct reports whether a serial number looks like one: some makers give all
// their keys the same, such as 0 or 000000000000.
func Distinct(serial string) bool {
	return len(serial) >= shortestSerial && strings.Count(serial, serial[:1]) != len(serial)
}

// model is what HID tells of all keys of a kind.
func (i *Known) model() string {
	if i.HID == nil {
		return ""
	}
	return fmt.Sprintf("%04x:%04x %s", i.HID.VendorID, i.HID.ProductID, i.HID.Product)
}

func (i *Known) aaguidText() string {
	if i.AAGUID == nil {
		return ""
	}
	return i.AAGUID.String()
}

// A Comparison is what came of comparing a key with one that was there before.
type Comparison struct {
	Other   string   // why it is another key; "" if nothing says so
	Same    []string // what is the same
	Certain bool     // no other key has all of that
}

// Compare compares a key with the one that is there now. What only one of them is
// known to have says nothing.
func (i *Known) Compare(now *Known) (c Comparison) {
	if (i.HID == nil) != (now.HID == nil) || i.Reader != "" && i.Reader != now.Reader {
		return Comparison{Other: "it is not in the same place"}
	}
	for _, what := range []struct{ name, before, now string }{
		{Model, i.model(), now.model()},
		{Serial, i.SerialNumber(), now.SerialNumber()},
		{AAGUID, i.aaguidText(), now.aaguidText()},
	} {
		switch {
		case what.before == "" || what.now == "":
		case what.before != what.now:
			c.Other = "its " + Words[what.name] + " is another"
			return c
		default:
			c.Same = append(c.Same, what.name)
			c.Certain = c.Certain || what.name == Serial && Distinct(what.now)
		}
	}
	if i.Proof.By != "" && i.Proof.By == now.Proof.By {
		if now.Proof.Value != i.Proof.Value {
			c.Other = "it does not have the " + Words[i.Proof.By]
			return c
		}
		c.Same, c.Certain = append(c.Same, i.Proof.By), true
	}
	tellsLater := i.Proof.By != "" && now.AAGUID == nil // when it is asked
	switch before, after := i.port(), now.port(); {
	case before == "" || after == "":
	case before == after:
		c.Same = append(c.Same, Port)
	case !c.Certain && !tellsLater:
		c.Other = "it is in another place, and nothing tells that it is the same key"
	}
	return c
}

// Name is what the key calls itself.
func (i *Known) Name() string {
	if i.HID == nil {
		return ""
	}
	name := cmp.Or(hid.Text(i.HID.Product), "unnamed key")
	if s := hid.Text(i.HID.Serial); s != "" {
		name += ", serial number " + s
	}
	return name
}
