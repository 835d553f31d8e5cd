package main

import (
	"context"
	"fmt"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/spf13/cobra"
)

// virtualDevice is the --device of the software key.
const virtualDevice = "virtual"

var locks = map[string]hidraw.Lock{"open": hidraw.LockOpen, "call": hidraw.LockCall, "none": hidraw.LockNone}

// open opens the key of --device, or fallback if there is none.
func (a *app) open(ctx context.Context, fallback string) (*fido.Key, error) {
	device := a.device
	if device == "" {
		device = fallback
	}
	o := &fido.Options{HID: new(ctaphid.Config), Client: &ctap2.ClientConfig{Waiting: a.waiting(device)}, Lock: locks[a.lock]}
	if a.trace {
		t := &tracer{app: a}
		o.HID.Trace, o.Client.Trace = t.report, t.message
	}
	if device == virtualDevice {
		key, err := virtual.New(virtual.Config{})
		if err != nil {
			return nil, err
		}
		return fido.OpenHID(ctx, ctaphid.Loopback(key), o)
	}
	return fido.Open(ctx, device, o)
}

// waiting returns a hook that tells the user to touch the key. The hook is
// called once for each wait.
func (a *app) waiting(device string) func(status byte) {
	text := "Touch the key."
	if device == virtualDevice {
		text = "The software key asks for a touch and gets it at once."
	}
	return func(status byte) {
		if status == ctap2.WaitingUPNeeded {
			fmt.Fprintln(a.err, a.paint(a.err, bold, text))
		}
	}
}

// completeDevices offers the keys that are plugged in.
func completeDevices(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	words := []string{virtualDevice + "\tthe software key", "udp:\ta firmware simulator"}
	keys, _ := fido.List() // a completion that fails offers less
	for _, k := range keys {
		words = append(words, k.Path+"\t"+k.Product)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// openTimed is open within --timeout.
func (a *app) openTimed(ctx context.Context, fallback string) (*fido.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.open(ctx, fallback)
}
