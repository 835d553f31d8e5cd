package main

import (
	"context"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/identity"
)

// labelRPID is the relying party of the credentials that labels are found by.
const labelRPID = "label.fidokey.example"

// bySerial returns the label that a key's serial number has, nil if none.
func (l *labels) bySerial(h *hid.Info) *label {
	if h == nil {
		return nil
	}
	for i, x := range l.Labels {
		if x.By == labelBySerial && x.VendorID == h.VendorID && x.ProductID == h.ProductID && x.Serial == h.Serial {
			return &l.Labels[i]
		}
	}
	return nil
}

// mayBe reports whether a key that is known as a HID device, or as a card if h is
// nil, has to be asked whether one of the labels is its own.
func (l *labels) mayBe(h *hid.Info) bool {
	return slices.ContainsFunc(l.Labels, func(x label) bool {
		if x.By == labelBySerial {
			return false
		}
		return h == nil || x.VendorID == 0 || x.VendorID == h.VendorID && x.ProductID == h.ProductID
	})
}

// of returns the label of an open key, and what proves that it is this key; nil if
// it has none. The key is asked silently: no touch, no PIN. The error says that a key
// did not answer.
func (l *labels) of(ctx context.Context, key *fido.Key, h *hid.Info, info *ctap2.GetInfoResponse) (*label, identity.Proof, error) {
	if x := l.bySerial(h); x != nil {
		return x, identity.Proof{}, nil
	}
	aaguid := info.AAGUID.String()
	var ids []ctap2.PublicKeyCredentialDescriptor
	for i, x := range l.Labels {
		switch {
		case x.AAGUID != aaguid:
		case x.By == labelByToken:
			if id := x.identifier(info); id != "" && id == x.DeviceIdentifier {
				return &l.Labels[i], identity.Proof{By: labelByToken, Value: id}, nil
			}
		case x.By == labelByCredential:
			if id := fromBase64(x.CredentialID); len(id) > 0 {
				ids = append(ids, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey})
			}
		}
	}
	if len(ids) == 0 {
		return nil, identity.Proof{}, nil
	}
	found, err := key.FindCredential(ctx, labelRPID, ids, nil)
	if err != nil || found == nil {
		return nil, identity.Proof{}, err
	}
	id := base64URL(found.ID)
	for i, x := range l.Labels {
		if x.By == labelByCredential && x.CredentialID == id {
			return &l.Labels[i], identity.Proof{By: labelByCredential, Value: id}, nil
		}
	}
	return nil, identity.Proof{}, nil
}

// identifier decrypts the identifier of a key with the label's token; "" if that is
// not possible. Of another key it is nonsense.
func (x *label) identifier(info *ctap2.GetInfoResponse) string {
	secret := fromBase64(x.Token)
	defer clear(secret)
	token, err := pinuv.NewToken(pinuv.Protocol(x.TokenProtocol), secret)
	if err != nil {
		return ""
	}
	defer token.Wipe()
	id, err := info.DeviceIdentifier(token)
	if err != nil {
		return ""
	}
	return base64URL(id[:])
}

func fromBase64(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil // of a file that somebody has changed
	}
	return b
}

// labelTime is how long a key has to show which label it has when nobody waits for
// that alone.
const labelTime = 2 * time.Second

// labelOf returns the name of an open key and what proves that it is this key; ""
// if it has none, or that can't be found out.
func (a *app) labelOf(ctx context.Context, key *fido.Key, h *hid.Info, info *ctap2.GetInfoResponse) (*label, identity.Proof) {
	all, err := readLabels()
	if err != nil {
		a.hint("%s.", sentence(oneLine(err)))
		return nil, identity.Proof{}
	}
	ctx, cancel := context.WithTimeout(ctx, labelTime)
	defer cancel()
	x, p, _ := all.of(ctx, key, h, info)
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
		if x := all.bySerial(k.HID); x != nil {
			names[i] = x.Name
			continue
		}
		if k.Access != nil || !all.mayBe(k.HID) {
			continue
		}
		looks.Go(func() { names[i] = a.askLabel(ctx, all, k) })
	}
	looks.Wait()
	return names
}

// askLabel opens a key to find its label; "" if it has none or does not tell.
func (a *app) askLabel(ctx context.Context, all *labels, k *fido.KeyInfo) string {
	key, err := a.system.open(ctx, k.Device, &fido.Options{Lock: locks[a.lock]})
	if err != nil {
		return ""
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		return ""
	}
	if x, _, _ := all.of(ctx, key, k.HID, info); x != nil {
		return x.Name
	}
	return ""
}

// proves asks a key whether it has what proves to be the one with a label. The
// value is "" if it has not; by is "" if it does not tell.
func (x *label) proves(ctx context.Context, key *fido.Key, info *ctap2.GetInfoResponse) identity.Proof {
	one := &labels{[]label{*x}}
	found, p, err := one.of(ctx, key, nil, info)
	switch {
	case err != nil:
		return identity.Proof{}
	case found == nil:
		return identity.Proof{By: x.By}
	}
	return p
}

// labelPrefix begins a --device that is a label.
const labelPrefix = "label:"

// labelled returns the device of the key with a label.
func (a *app) labelled(ctx context.Context, name string) (string, error) {
	all, err := readLabels()
	if err != nil {
		return "", err
	}
	if all.named(name) == nil {
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
