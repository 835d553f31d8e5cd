package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the security keys and card readers",
		Long: `List the security keys that are plugged in or at a card reader, those included that
this program may not open, with the reason, and the card readers without a key.
A key that is a card reader too is listed once, where that is certain.`,
		RunE: func(c *cobra.Command, _ []string) error { return a.list(c.Context()) },
	}
}

// listing is the JSON form of the list.
type listing struct {
	Keys           []listedKey    `json:"keys"`
	Readers        []listedReader `json:"readers"` // those without a key
	HIDProblem     string         `json:"hidProblem,omitempty"`
	ReadersProblem string         `json:"readersProblem,omitempty"`
}

// listedKey is the JSON form of a key.
type listedKey struct {
	Device       string `json:"device"`
	Product      string `json:"product"`
	Manufacturer string `json:"manufacturer"`
	Serial       string `json:"serial"`
	VendorID     uint16 `json:"vendorId"` // 0 of a card, as the next
	ProductID    uint16 `json:"productId"`
	Bus          string `json:"bus"`              // "card reader" of a card
	Reader       string `json:"reader,omitempty"` // of a key on USB, the one that it is too
	Contactless  bool   `json:"contactless"`
	Label        string `json:"label,omitempty"` // that fidokey label has given it
	Usable       bool   `json:"usable"`
	Problem      string `json:"problem,omitempty"`
}

// listedReader is the JSON form of a card reader without a key.
type listedReader struct {
	Reader  string `json:"reader"`
	State   string `json:"state"` // "empty", "in use", "other card" or "failed"
	Problem string `json:"problem"`
}

// busReader is the bus of a key in a card reader.
const busReader = "card reader"

func listKey(k *fido.KeyInfo) listedKey {
	l := listedKey{
		Device: k.Device, Product: k.Product, Bus: busReader, Contactless: k.Contactless(), Usable: k.Access == nil,
	}
	if k.HID != nil {
		l.Manufacturer, l.Serial, l.VendorID, l.ProductID = k.HID.Manufacturer, k.HID.Serial, k.HID.VendorID, k.HID.ProductID
		l.Bus = k.HID.Bus.String()
	}
	if k.Reader != nil {
		l.Reader = k.Reader.Name
	}
	if k.Access != nil {
		l.Problem = k.Access.Error()
	}
	return l
}

func listReader(r *fido.ReaderInfo) listedReader {
	state := "failed"
	switch {
	case errors.Is(r.Err, pcsc.NoSmartCard):
		state = "empty"
	case errors.Is(r.Err, pcsc.SharingViolation):
		state = "in use"
	case errors.Is(r.Err, nfc.ErrNoApplet):
		state = "other card"
	}
	return listedReader{r.Reader.Name, state, readerProblem(r.Err)}
}

func (a *app) list(ctx context.Context) error {
	found, err := a.system.find(ctx)
	if err != nil {
		return err
	}
	l := listing{Keys: []listedKey{}, Readers: []listedReader{}} // [] rather than null when there is none
	for i := range found.Keys {
		l.Keys = append(l.Keys, listKey(&found.Keys[i]))
	}
	for i, name := range a.labelsOf(ctx, found.Keys) {
		l.Keys[i].Label = name
	}
	for i := range found.Readers {
		l.Readers = append(l.Readers, listReader(&found.Readers[i]))
	}
	if found.HIDErr != nil {
		l.HIDProblem = oneLine(found.HIDErr)
	}
	if found.ReadersErr != nil {
		l.ReadersProblem = readerProblem(found.ReadersErr)
	}
	return a.result(l, func() { a.printList(&l) })
}

func (a *app) printList(l *listing) {
	if len(l.Keys) == 0 {
		fmt.Fprintln(a.folded(a.out), "There is no security key. The software key is always there: --device virtual.")
	}
	var t layout.Table
	for _, k := range l.Keys {
		row := []string{quoted(k.Device)}
		switch {
		case k.Contactless:
			row = append(row, "key held to the reader")
		case k.Bus == busReader:
			row = append(row, "key in the reader")
		default:
			row = append(row, k.Product, fmt.Sprintf("%04x:%04x", k.VendorID, k.ProductID), k.Serial)
		}
		if k.Label != "" {
			row = append(row, a.paint(a.out, bold, hid.Text(k.Label)))
		}
		t.Add(row...)
	}
	a.printTable(t, "")
	for _, k := range l.Keys {
		if !k.Usable {
			fmt.Fprintln(a.folded(a.out), a.paint(a.out, red, k.Problem))
		}
		if k.Reader != "" && k.Device != "pcsc:"+k.Reader {
			fmt.Fprintf(a.folded(a.out), "%s is also the card reader %s.\n", quoted(k.Device), quoted(k.Reader))
		}
	}
	for _, r := range l.Readers {
		fmt.Fprintf(a.folded(a.out), "No key in the card reader %s: %s.\n", quoted(r.Reader), r.Problem)
	}
	if l.HIDProblem != "" {
		fmt.Fprintln(a.folded(a.out), a.paint(a.out, dim, "No keys on USB can be seen: "+l.HIDProblem+"."))
	}
	if l.ReadersProblem != "" {
		fmt.Fprintln(a.folded(a.out), a.paint(a.out, dim, "No card readers can be seen: "+l.ReadersProblem+"."))
	}
}

// readerProblem leaves out of an error what the service's code says.
func readerProblem(err error) string {
	if code, ok := errors.AsType[pcsc.Code](err); ok {
		return code.Error()
	}
	return oneLine(err)
}

// quoted makes a name of a device or a reader fit for a terminal and, if it has
// blanks, one word for a shell.
func quoted(name string) string {
	name = hid.Text(name)
	if strings.ContainsAny(name, " \t") {
		return `"` + name + `"`
	}
	return name
}
