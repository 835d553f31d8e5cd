package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
	"github.com/spf13/cobra"
)

func (a *app) loginCommand() *cobra.Command {
	t := &trySite{app: a}
	l := site.Login{}
	c := &cobra.Command{
		Use:   "login",
		Short: "Try the key: log in at the site that fidokey plays itself",
		Long: `Try the key: log in at the site that fidokey plays itself, with a key that
fidokey register has registered there, and see what such a site learns. Nothing
leaves this computer.

Without --user the site asks for a passkey, which tells it who you are; if the key
has several for the site, you choose, by the number on standard input if that is no
terminal.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := t.check(); err != nil {
				return err
			}
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
				return t.with(func(s *site.Site) error { return t.login(ctx, s, key, l) })
			})
		},
	}
	t.flags(c)
	c.Flags().StringVar(&l.User, "user", "", "the `NAME` of the account (default: that of the passkey)")
	return c
}

func (t *trySite) login(ctx context.Context, s *site.Site, key *fido.Key, l site.Login) error {
	t.nameless = l.User == ""
	l.UserVerification = t.uv
	if t.extensions != "" {
		l.Extensions = json.RawMessage(t.extensions)
	}
	c, err := s.BeginLogin(l)
	if e, ok := errors.AsType[*site.Error](err); ok && e.Status == http.StatusNotFound {
		return because(err, "%v: %s --user %s does so", err, t.command("register"), l.User)
	}
	return t.ceremony(c, err, func(options []byte) ([]byte, error) {
		o, err := webauthn.ParseRequestOptions(options)
		if err != nil {
			return nil, err
		}
		response, err := t.client(key).Get(ctx, t.origin(), o)
		if err != nil {
			return nil, err
		}
		defer response.ClientExtensionResults.PRF.Wipe()
		return json.Marshal(response)
	}, func(report *site.Report) {
		fmt.Fprintf(t.folded(t.out), "%s lets you in as %s.\n", t.rpID, report.User)
		t.describe(report)
	})
}
