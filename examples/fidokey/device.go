package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/examples/internal/labels"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/spf13/cobra"
)

var locks = map[string]hidraw.Lock{"open": hidraw.LockOpen, "call": hidraw.LockCall, "none": hidraw.LockNone}

// softwareTouch says what happens when the software key waits for its user.
const softwareTouch = "The software key asks for a touch and gets it at once."

// open opens the key of --device, or fallback if there is none, within --timeout.
func (a *app) open(ctx context.Context, fallback string) (key *fido.Key, err error) {
	return key, a.timed(ctx, func(ctx context.Context) error {
		key, err = a.openDevice(ctx, cmp.Or(a.device, fallback))
		return err
	})
}

// timed calls f with a context that ends after --timeout. A call of [fido.Key]'s client
// ends then by itself.
func (a *app) timed(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return f(ctx)
}

// openDevice opens the key that device names, "" the only one.
func (a *app) openDevice(ctx context.Context, device string) (*fido.Key, error) {
	if name, ok := strings.CutPrefix(device, labelPrefix); ok {
		found, err := a.labelled(ctx, name)
		if err != nil {
			return nil, err
		}
		if a.device == device {
			a.device = found // as all that follows knows it
		}
		device = found
	}
	prompt := &prompt{app: a, text: "Touch the key."}
	o := &fido.Options{HID: new(ctaphid.Config), NFC: new(nfc.Config), Client: &ctap2.ClientConfig{Waiting: prompt.waiting, Timeout: a.timeout, PINAsTyped: a.pinAsTyped}, Lock: locks[a.lock]}
	if a.trace {
		t := &tracer{app: a}
		o.HID.Trace, o.NFC.Trace, o.Client.Trace = t.report, t.apdu, t.message
	}
	if path, ok := softwarePath(device); ok {
		prompt.text = softwareTouch
		key, err := a.softwareKey(path)
		if err != nil {
			return nil, err
		}
		return fido.OpenHID(ctx, ctaphid.Loopback(key), o)
	}
	var key *fido.Key
	var err error
	if device == "" && isTerminal(a.err) {
		key, err = fido.OpenByTouch(ctx, o, a.chooseByTouch)
	} else {
		key, err = a.system.open(ctx, device, o)
	}
	if err == nil && key.Contactless() {
		a.contactless = true
		prompt.text = "Hold the key to the reader."
	}
	return key, err
}

// withKey opens the key of --device for f and closes it after. The calls of f to
// the key each end after --timeout.
func (a *app) withKey(ctx context.Context, f func(ctx context.Context, key *fido.Key) error) error {
	key, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer key.Close()
	return f(ctx, key)
}

// chooseByTouch tells which keys ask for a touch because there are several.
func (a *app) chooseByTouch(keys []fido.KeyInfo) {
	all, err := readLabels()
	if err != nil {
		all = new(labels.File)
	}
	for _, k := range keys {
		name := ""
		if x := all.BySerial(k.HID); x != nil {
			name = "  " + hid.Text(x.Name)
		}
		a.hint("%s  %s%s", quoted(k.Device), hid.Text(k.Product), name)
	}
	a.urge(fmt.Sprintf("There are %d security keys: touch the one you mean, or name it with --device.", len(keys)))
}

// A prompt tells the user what the key waits for.
type prompt struct {
	*app
	text string
}

// waiting is called once for each wait.
func (p *prompt) waiting(status byte) {
	if status == ctap2.WaitingUPNeeded {
		p.urge(p.text)
	}
}

// gesture is how the user shows to be there.
func (a *app) gesture() string {
	if a.contactless {
		return "a tap at the reader"
	}
	return "a touch"
}

// completeDevices offers the keys that are plugged in and the card readers, whose
// cards it does not ask.
func completeDevices(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	words := []string{
		virtualDevice + "\tthe software key", "udp:\ta firmware simulator", "pcsc:\tthe card at the only reader that has one",
		"vpcd:\ta simulator of a card", "vpcd-listen:\ta simulator that looks for a reader",
	}
	if all, err := readLabels(); err == nil {
		for _, x := range all.Labels {
			words = append(words, labelPrefix+x.Name+"\tthe key of this label")
		}
	}
	keys, _ := fido.List() // a completion that fails offers less
	for _, k := range keys {
		words = append(words, k.Path+"\t"+k.Product)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	readers, _ := pcsc.List(ctx)
	for _, r := range readers {
		what := "an empty card reader"
		if r.Card {
			what = "the card in a reader"
		}
		words = append(words, "pcsc:"+r.Name+"\t"+what)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
