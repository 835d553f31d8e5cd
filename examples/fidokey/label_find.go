package main

import (
	"context"
	"sync"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/identity"
	"github.com/gofido/fido/examples/internal/labels"
)

// readLabels reads the labels; none if there is no file.
func readLabels() (*labels.File, error) {
	l, err := labels.Read()
	if err != nil {
		return nil, problem(exitFailed, "%w", err)
	}
	return l, nil
}

// changeLabels has f change the labels, whose error has an exit code.
func changeLabels(f func(*labels.File) error) error {
	err := labels.Change(f)
	if err != nil && codeOf(err) == 0 {
		return problem(exitFailed, "%w", err)
	}
	return err
}

// labelTime is how long a key has to show which label it has when nobody waits for
// that alone.
const labelTime = 2 * time.Second

// labelOf returns the name of an open key and what proves that it is this key; ""
// if it has none, or that can't be found out.
func (a *app) labelOf(ctx context.Context, key *fido.Key, h *hid.Info, info *ctap2.GetInfoResponse) (*labels.Label, identity.Proof) {
	all, err := readLabels()
	if err != nil {
		a.hint("%s.", sentence(oneLine(err)))
		return nil, identity.Proof{}
	}
	ctx, cancel := context.WithTimeout(ctx, labelTime)
	defer cancel()
	x, p, _ := all.Of(ctx, key, h, info)
	return x, p
}

// labelsOf returns the labels of keys, "" for those that have none. Only keys that
// may have one which their serial number does not tell are opened.
func (a *app) labelsOf(ctx context.Context, keys []fido.KeyInfo) []string {
	names := make([]string, len(keys))
	all, err := readLabels()
	if err != nil {
		a.hint("%s.", sentence(oneLine(err)))
		return names
	}
	ctx, cancel := context.WithTimeout(ctx, labelTime)
	defer cancel()
	var looks sync.WaitGroup
	for i := range keys {
		k := &keys[i]
		if x := all.BySerial(k.HID); x != nil {
			names[i] = x.Name
			continue
		}
		if k.Access != nil || !all.MayBe(k.HID) {
			continue
		}
		looks.Go(func() { names[i] = a.askLabel(ctx, all, k) })
	}
	looks.Wait()
	return names
}

// askLabel opens a key to find its label; "" if it has none or does not tell.
func (a *app) askLabel(ctx context.Context, all *labels.File, k *fido.KeyInfo) string {
	key, err := a.system.open(ctx, k.Device, &fido.Options{Lock: locks[a.lock]})
	if err != nil {
		return ""
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		return ""
	}
	if x, _, _ := all.Of(ctx, key, k.HID, info); x != nil {
		return x.Name
	}
	return ""
}

// labelPrefix begins a --device that is a label.
const labelPrefix = "label:"

// labelled returns the device of the key with a label.
func (a *app) labelled(ctx context.Context, name string) (string, error) {
	all, err := readLabels()
	if err != nil {
		return "", err
	}
	if all.Named(name) == nil {
		return "", badUse("no key has the label %q: fidokey label --all shows all", name)
	}
	found, err := a.system.find(ctx)
	if err != nil {
		return "", err
	}
	for i, label := range a.labelsOf(ctx, found.Keys) {
		if label == name {
			return found.Keys[i].Device, nil
		}
	}
	return "", problem(exitNoKey, "no key that is plugged in or at a card reader has the label %q, as far as this program may ask them; fidokey list shows them", name)
}
