package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) passkeysListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the passkeys, by site",
		Long: `List the passkeys on the key, by site, with a short ID for other commands, the
account, the algorithm, when the PIN or a fingerprint is needed, and how many more
there is room for.

With --json the list can be kept in a file, for fidokey passkeys compare: so it can
be told which accounts a key was for after it is lost.

    fidokey passkeys list --json > my-key.json`,
		RunE: func(c *cobra.Command, _ []string) error { return a.passkeysList(c.Context()) },
	}
}

func (a *app) passkeysList(ctx context.Context) error {
	return a.withPasskeys(ctx, toRead, func(m *passkeyManager) error {
		l, err := m.read(ctx)
		if err != nil {
			return err
		}
		defer l.WipeLargeBlobKeys()
		return a.result(l, func() { a.printPasskeys(l) })
	})
}

func (a *app) printPasskeys(l *passkeys.Listing) {
	var t layout.Table
	for p := range l.All() {
		t.Add(p.ID, p.User.Words(), hid.Text(p.AlgorithmName), notesOf(&p.Passkey))
	}
	lines := t.Lines()
	for _, s := range l.Sites {
		title := a.paint(a.out, bold, s.Words())
		if name := hid.Text(s.Name); name != "" && name != s.RPID {
			title += " (" + name + ")"
		}
		fmt.Fprintln(a.folded(a.out), title)
		for range s.Passkeys {
			fmt.Fprintln(a.folded(a.out), "  "+lines[0])
			lines = lines[1:]
		}
	}
	room := fmt.Sprintf("room for about %d more", l.Room)
	if l.Room == 0 {
		room = "no room for more: delete one to make a new one"
	}
	if n := l.Count(); n == 0 {
		fmt.Fprintf(a.folded(a.out), "There are no passkeys on the key; %s.\n", room)
	} else {
		fmt.Fprintf(a.folded(a.out), "%s at %s; %s.\n", plural(n, "passkey"), plural(len(l.Sites), "site"), room)
	}
}

// protectionWords say of a credProtect when the user has to be verified.
var protectionWords = map[ctap2.CredProtect]string{
	ctap2.CredProtectUVOptional:                     "PIN or fingerprint if the site asks",
	ctap2.CredProtectUVOptionalWithCredentialIDList: "hidden without PIN or fingerprint",
	ctap2.CredProtectUVRequired:                     "never without PIN or fingerprint",
}

// notesOf are what else there is to say of a passkey in a list.
func notesOf(p *passkeys.Passkey) string {
	var notes []string
	if p.CredProtect != 0 {
		words := protectionWords[ctap2.CredProtect(p.CredProtect)]
		if words == "" {
			words = ctap2.CredProtect(p.CredProtect).String()
		}
		notes = append(notes, words)
	}
	if p.LargeBlobKey {
		notes = append(notes, "large blob")
	}
	if p.ThirdPartyPayment {
		notes = append(notes, "payments")
	}
	return strings.Join(notes, ", ")
}
