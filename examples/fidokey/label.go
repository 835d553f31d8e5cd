package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/identity"
	"github.com/gofido/fido/examples/internal/labels"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

// maxLabelName is the most characters of a label.
const maxLabelName = 64

// labelBys are the values of --by, and what they find a key again by.
var labelBys = map[string]string{"auto": "", "serial": labels.BySerial, "credential": labels.ByCredential, "token": labels.ByToken}

var labelByWords = map[string]string{
	labels.BySerial: "its serial number", labels.ByCredential: "a credential that was made on it", labels.ByToken: "its encrypted identifier",
}

func (a *app) labelCommand() *cobra.Command {
	var remove, all bool
	by := "auto"
	c := &cobra.Command{
		Use:   "label [NAME]",
		Short: "Give the key a name, which list and info show",
		Long: `Give the key a name, or show the one that it has. The name is kept on this computer,
not on the key: list, info and reset show it from then on.

A key is found again by its serial number, if it tells one over USB. Others get a
credential, which takes one touch and no room on the key: only this key can tell
that it is its own, and it does so without a touch. A reset takes it away.

With --by token the key's PIN is asked for, and the key is known by an identifier
that only a lasting token can read. Whoever has this token can list the passkeys of
the key, though not use or change them; it is stored in the file of the labels.

The labels are in fidokey/labels.json in your folder for configuration, or in the
file that ` + labels.Variable + ` names. Only you can read it.`,
		Example: `  fidokey label "blue, on the key ring"
  fidokey label --remove
  fidokey label --all`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return badUse("a label is one word or stands in quotes: %q is several", args)
			case all && len(args) > 0 || all && remove:
				return badUse("--all shows all labels, and changes none")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			if len(args) > 0 {
				if err := checkLabelName(name); err != nil {
					return err
				}
			}
			how, ok := labelBys[by]
			switch {
			case !ok:
				return badUse("--by %q is not auto, serial, credential or token", by)
			case all:
				return a.showLabels()
			case remove && name != "":
				return a.removeLabel(name)
			}
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
				l := &labelling{app: a, key: key, device: cmp.Or(key.Device(), a.device)}
				switch {
				case remove:
					return l.remove(ctx)
				case name == "":
					return l.show(ctx)
				}
				return l.give(ctx, name, how)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&remove, "remove", false, "take away the key's label, or the one that is named, without the key")
	f.BoolVar(&all, "all", false, "show all labels that this computer knows")
	f.StringVar(&by, "by", "auto", "find the key again by `HOW`: serial, credential or token; auto is the first that works")
	c.RegisterFlagCompletionFunc("by", fixed("auto", "serial", "credential", "token"))
	return c
}

// checkLabelName refuses what is no name, or would garble a terminal.
func checkLabelName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		return badUse("a label has at least one character; --remove takes it away")
	case n > maxLabelName:
		return badUse("the label has %d characters, and %d are the most", n, maxLabelName)
	case hid.Text(name) != name:
		return badUse("a label has no blanks around it and no characters that can't be shown")
	}
	return nil
}

// labelResult is the JSON form of a label.
type labelResult struct {
	Label  string `json:"label"` // "" if the key has none
	By     string `json:"by"`    // "serial", "credential" or "encIdentifier"; "" without a label
	Device string `json:"device,omitempty"`
}

func resultOf(x *labels.Label, device string) labelResult {
	if x == nil {
		return labelResult{Device: device}
	}
	return labelResult{x.Name, x.By, device}
}

// showLabels shows all labels.
func (a *app) showLabels() error {
	l, err := readLabels()
	if err != nil {
		return err
	}
	results := []labelResult{}
	for i := range l.Labels {
		results = append(results, resultOf(&l.Labels[i], ""))
	}
	return a.result(struct {
		Labels []labelResult `json:"labels"`
	}{results}, func() {
		if len(results) == 0 {
			a.hint("There are no labels: fidokey label NAME gives a key one.")
		}
		var t layout.Table
		for _, x := range l.Labels {
			t.Add(hid.Text(x.Name), "found by "+labelByWords[x.By])
		}
		a.printTable(t, "")
	})
}

// removeLabel removes a label without its key, which may be lost.
func (a *app) removeLabel(name string) error {
	var old labels.Label
	err := changeLabels(func(l *labels.File) error {
		x := l.Named(name)
		if x == nil {
			return badUse("no key has the label %q: fidokey label --all shows all", name)
		}
		old = *x
		l.Remove(old)
		return nil
	})
	if err != nil {
		return err
	}
	return a.toldRemoved(&old, "")
}

func (a *app) toldRemoved(old *labels.Label, device string) error {
	return a.result(labelResult{Device: device}, func() { a.tell("The label %q is removed.", old.Name) })
}

// labelling is at work on the label of a key that is open.
type labelling struct {
	*app
	key  *fido.Key
	hid  *hid.Info
	info *ctap2.GetInfoResponse

	device string
	old    *labels.Label // nil: the key has none
}

// meet finds out which label the key has.
func (l *labelling) meet(ctx context.Context) error {
	all, err := readLabels()
	if err != nil {
		return err
	}
	return l.timed(ctx, func(ctx context.Context) error {
		var err error
		if l.info, err = l.key.GetInfo(ctx); err != nil {
			return err
		}
		if l.key.HID() != nil {
			l.hid = l.system.hidInfo(l.device)
		}
		l.old, _, err = all.Of(ctx, l.key, l.hid, l.info)
		if errors.Is(err, ctap2.ErrNoSilentProbe) {
			err = nil // then no label is found by a credential
		}
		return err
	})
}

func (l *labelling) show(ctx context.Context) error {
	if err := l.meet(ctx); err != nil {
		return err
	}
	return l.result(resultOf(l.old, l.device), func() {
		if l.old == nil {
			l.hint("This key has no label: fidokey label NAME gives it one.")
			return
		}
		fmt.Fprintln(l.out, hid.Text(l.old.Name))
	})
}

func (l *labelling) remove(ctx context.Context) error {
	if err := l.meet(ctx); err != nil {
		return err
	}
	if l.old == nil {
		return cant("this key has no label that could be removed")
	}
	if err := changeLabels(func(all *labels.File) error { all.Remove(*l.old); return nil }); err != nil {
		return err
	}
	return l.toldRemoved(l.old, l.device)
}

// give gives the key a name. How it is found again stays as it is if how is "" and
// it has one already.
func (l *labelling) give(ctx context.Context, name, how string) error {
	if err := l.meet(ctx); err != nil {
		return err
	}
	if err := l.free(name); err != nil { // before the key asks for a touch in vain
		return err
	}
	now := labels.Label{Name: name, AAGUID: l.info.AAGUID.String()}
	if l.hid != nil {
		now.VendorID, now.ProductID, now.Product = l.hid.VendorID, l.hid.ProductID, l.hid.Product
	}
	var err error
	switch {
	case l.old != nil && (how == "" || how == l.old.By):
		now = *l.old
		now.Name = name
	case how == labels.BySerial, how == "" && l.hid != nil && identity.Distinct(l.hid.Serial):
		err = l.bySerial(&now)
	case how == labels.ByToken:
		err = l.byToken(ctx, &now)
	default:
		err = l.byCredential(ctx, &now)
	}
	if err == nil {
		err = changeLabels(func(all *labels.File) error { return setLabel(all, l.old, now) })
	}
	if err != nil {
		return err
	}
	return l.result(resultOf(&now, l.device), func() {
		l.tell("This key is %q from now on. It is found again by %s.", now.Name, labelByWords[now.By])
	})
}

// setLabel puts a label in place of old, which may be nil, unless another key has the
// name.
func setLabel(all *labels.File, old *labels.Label, now labels.Label) error {
	if !all.Set(old, now) {
		return badUse("another key has the label %q: fidokey label --all shows all, and fidokey label --remove %q takes it away", now.Name, now.Name)
	}
	return nil
}

// free says whether another key has a name.
func (l *labelling) free(name string) error {
	all, err := readLabels()
	if err == nil {
		err = setLabel(all, l.old, labels.Label{Name: name})
	}
	return err
}

func (l *labelling) bySerial(now *labels.Label) error {
	if l.hid == nil || !identity.Distinct(l.hid.Serial) {
		return cant("this key has no serial number that tells it from others: give it the label without --by")
	}
	now.By, now.Serial = labels.BySerial, l.hid.Serial
	return nil
}

// byCredential makes a credential, which is not stored on the key, and looks whether
// the key then shows that it is its own.
func (l *labelling) byCredential(ctx context.Context, now *labels.Label) error {
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: labels.RPID, Name: "fidokey"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: make([]byte, 16), Name: "label", DisplayName: "label"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}
	rand.Read(r.ClientDataHash)
	rand.Read(r.User.ID)
	if o := l.info.Options; protected(l.info) && !o[ctap2.OptionMakeCredUvNotRqd] || o[ctap2.OptionAlwaysUv] {
		token, err := l.token(ctx, l.key, ctap2.PermissionMC, labels.RPID)
		if err != nil {
			return err
		}
		defer token.Wipe()
		r.Authorize(token)
	}
	return l.timed(ctx, func(ctx context.Context) error {
		made, err := l.key.MakeCredential(ctx, r)
		if err != nil {
			return err
		}
		id := made.AuthData.AttestedCredentialData.CredentialID
		found, err := l.key.FindCredential(ctx, labels.RPID, []ctap2.PublicKeyCredentialDescriptor{{ID: id, Type: ctap2.TypePublicKey}}, nil)
		if errors.Is(err, ctap2.ErrNoSilentProbe) || err == nil && found == nil {
			return &advice{exitRefused, l.notSilent(), err}
		}
		now.By, now.CredentialID = labels.ByCredential, base64URL(id)
		return err
	})
}

// notSilent says why a credential is no way to find the key, and which one is.
func (l *labelling) notSilent() string {
	text := "this key does not show without a touch or its PIN which credentials it has, so it can't be found again by one"
	if l.info.Options[ctap2.OptionPerCredMgmtRO] && len(l.info.EncIdentifier) > 0 {
		text += "; fidokey label --by token finds it by a lasting token"
	}
	return text
}

// byToken gets a lasting token and reads the key's identifier with it.
func (l *labelling) byToken(ctx context.Context, now *labels.Label) error {
	if !l.info.Options[ctap2.OptionPerCredMgmtRO] || len(l.info.EncIdentifier) == 0 {
		return cant("this key has no identifier that a lasting token can read: give it the label without --by token")
	}
	path, err := labels.Path()
	if err != nil {
		return problem(exitFailed, "%w", err)
	}
	l.hint("The token that is stored lets everybody who can read %s list the passkeys of this key, until it is reset.", path)
	token, err := l.token(ctx, l.key, ctap2.PermissionPCMR, "")
	if err != nil {
		return err
	}
	defer token.Wipe()
	return l.timed(ctx, func(ctx context.Context) error {
		// The identifier is encrypted for the token, which the key may have just made.
		info, err := l.key.GetInfo(ctx)
		if err != nil {
			return err
		}
		id, err := info.DeviceIdentifier(token)
		if err != nil {
			return err
		}
		secret := token.ExposeSecret()
		defer clear(secret)
		now.By, now.DeviceIdentifier, now.Token, now.TokenProtocol = labels.ByToken, base64URL(id[:]), base64URL(secret), uint(token.Protocol())
		return nil
	})
}
