package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) passkeysShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show all that the key tells of a passkey",
		Args:  oneID,
		RunE:  func(c *cobra.Command, args []string) error { return a.passkeysShow(c.Context(), args) },
	}
}

// shownPasskey is the JSON form of a passkey that is shown alone.
type shownPasskey struct {
	passkeys.Entry
	LargeBlobSize *int `json:"largeBlobSize,omitempty"` // bytes that are stored with it; nothing if there is none, or it can't be read

	blobErr         error
	blobWithPasskey bool // the key keeps it with the passkey and tells nobody else (CTAP 2.3 section 12.4)
}

// withPasskey reads the passkeys for f, which wants one of them alone.
func (a *app) withPasskey(ctx context.Context, permissions passkeyPermissions, args []string, f func(*passkeyManager, passkeys.Entry) error) error {
	return a.withPasskeys(ctx, permissions, func(m *passkeyManager) error {
		l, err := m.read(ctx)
		if err != nil {
			return err
		}
		defer l.WipeLargeBlobKeys()
		found, err := l.Find(args)
		if err != nil {
			return err
		}
		return f(m, found[0])
	})
}

func (a *app) passkeysShow(ctx context.Context, args []string) error {
	return a.withPasskey(ctx, toRead, args, func(m *passkeyManager, p passkeys.Entry) error {
		shown := shownPasskey{Entry: p, blobWithPasskey: slices.Contains(m.info.Extensions, ctap2.ExtensionLargeBlob)}
		if p.LargeBlobKey && m.info.Options[ctap2.OptionLargeBlobs] {
			data, err := m.key.GetLargeBlob(ctx, p.OnKey.LargeBlobKey)
			switch {
			case err == nil:
				shown.LargeBlobSize = new(len(data))
			case !errors.Is(err, ctap2.ErrNoLargeBlob):
				shown.blobErr = err
			}
		}
		return a.result(shown, func() { a.printPasskey(&shown) })
	})
}

// protectionSentences say more of a credProtect than protectionWords.
var protectionSentences = map[ctap2.CredProtect]string{
	0:                           "the key does not tell",
	ctap2.CredProtectUVOptional: "the PIN or a fingerprint is needed if the site asks for it",
	ctap2.CredProtectUVOptionalWithCredentialIDList: "without the PIN or a fingerprint it shows only to a site that names it",
	ctap2.CredProtectUVRequired:                     "the PIN or a fingerprint is always needed",
}

func (a *app) printPasskey(p *shownPasskey) {
	var t layout.Table
	row := func(name, value string) {
		if value != "" {
			t.Add(name, value)
		}
	}
	row("ID", p.ID)
	row("site", p.Site.Words())
	row("site's name", hid.Text(p.Site.Name))
	row("site's hash", p.Site.RPIDHash)
	row("user name", hid.Text(p.User.Name))
	row("display name", hid.Text(p.User.DisplayName))
	row("user handle", p.User.ID)
	row("credential ID", p.CredentialID)
	if p.AlgorithmName != "" {
		row("algorithm", fmt.Sprintf("%s (%d)", p.AlgorithmName, p.Algorithm))
	}
	protection := protectionSentences[ctap2.CredProtect(p.CredProtect)]
	if protection == "" {
		protection = ctap2.CredProtect(p.CredProtect).String()
	}
	row("protection", protection)
	blob := "none can be stored with it"
	switch {
	case p.blobErr != nil:
		blob = "can't be read: " + oneLine(p.blobErr)
	case p.LargeBlobSize != nil:
		blob = plural(*p.LargeBlobSize, "byte") + " are stored with it"
	case p.LargeBlobKey:
		blob = "none is stored with it"
	case p.blobWithPasskey:
		blob = "fidokey blobs get " + p.ID + " tells, for which a touch is needed"
	}
	row("large blob", blob)
	payments := "no"
	if p.ThirdPartyPayment {
		payments = "other sites may ask for it to confirm a payment"
	}
	row("payments", payments)
	public := "fidokey passkeys export-public " + p.ID + " prints it"
	if p.PublicKey == "" {
		public = "the key does not tell"
	}
	row("public key", public)
	a.printTable(t, "")
}
