package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
)

// An identity is what is known of a key that may tell it from others.
type identity struct {
	hid    *hid.Info     // nil: not a HID device, or not known to the system as one
	reader string        // the card reader that it is at; "" if none
	aaguid *ctap2.AAGUID // nil: not asked

	// proof is what no other key can have, by which its label was found; "" if that
	// is not known.
	proof proof
}

// A proof shows which key it is.
type proof struct {
	by    string // labelByCredential or labelByToken
	value string // of the key; "" if it has shown to be another
}

// The names of what identities have in common, as JSON has them and in words.
const (
	sameModel  = "model"
	sameSerial = "serial"
	sameAAGUID = "aaguid"
	samePort   = "port"
)

var sameWords = map[string]string{
	sameModel: "model", sameSerial: "serial number", sameAAGUID: "AAGUID", samePort: "place",
	labelByCredential: "credential of its label", labelByToken: "identifier of its label",
}

// port is where the key is, as far as the system tells.
func (i *identity) port() string {
	if i.hid != nil {
		return i.hid.PhysicalPath
	}
	return i.reader
}

// serial is the key's serial number; "" if it has none.
func (i *identity) serial() string {
	if i.hid == nil {
		return ""
	}
	return i.hid.Serial
}

// shortestSerial is the fewest characters of a serial number that is taken for one.
const shortestSerial = 6

// distinct reports whether a serial number looks like one: some makers give all
// their keys the same, such as 0 or 000000000000.
func distinct(serial string) bool {
	return len(serial) >= shortestSerial && strings.Count(serial, serial[:1]) != len(serial)
}

// model is what HID tells of all keys of a kind.
func (i *identity) model() string {
	if i.hid == nil {
		return ""
	}
	return fmt.Sprintf("%04x:%04x %s", i.hid.VendorID, i.hid.ProductID, i.hid.Product)
}

func (i *identity) aaguidText() string {
	if i.aaguid == nil {
		return ""
	}
	return i.aaguid.String()
}

// A comparison is what came of comparing a key with one that was there before.
type comparison struct {
	other   string   // why it is another key; "" if nothing says so
	same    []string // what is the same
	certain bool     // no other key has all of that
}

// compare compares a key with the one that is there now. What only one of them is
// known to have says nothing.
func (i *identity) compare(now *identity) (c comparison) {
	if (i.hid == nil) != (now.hid == nil) || i.reader != "" && i.reader != now.reader {
		return comparison{other: "it is not in the same place"}
	}
	for _, what := range []struct{ name, before, now string }{
		{sameModel, i.model(), now.model()},
		{sameSerial, i.serial(), now.serial()},
		{sameAAGUID, i.aaguidText(), now.aaguidText()},
	} {
		switch {
		case what.before == "" || what.now == "":
		case what.before != what.now:
			c.other = "its " + sameWords[what.name] + " is another"
			return c
		default:
			c.same = append(c.same, what.name)
			c.certain = c.certain || what.name == sameSerial && distinct(what.now)
		}
	}
	if i.proof.by != "" && i.proof.by == now.proof.by {
		if now.proof.value != i.proof.value {
			c.other = "it does not have the " + sameWords[i.proof.by]
			return c
		}
		c.same, c.certain = append(c.same, i.proof.by), true
	}
	tellsLater := i.proof.by != "" && now.aaguid == nil // when it is asked
	switch before, after := i.port(), now.port(); {
	case before == "" || after == "":
	case before == after:
		c.same = append(c.same, samePort)
	case !c.certain && !tellsLater:
		c.other = "it is in another place, and nothing tells that it is the same key"
	}
	return c
}

// name is what the key calls itself.
func (i *identity) name() string {
	if i.hid == nil {
		return ""
	}
	name := cmp.Or(hid.Text(i.hid.Product), "unnamed key")
	if s := hid.Text(i.hid.Serial); s != "" {
		name += ", serial number " + s
	}
	return name
}
