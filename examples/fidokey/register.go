package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
	"github.com/spf13/cobra"
)

func (a *app) registerCommand() *cobra.Command {
	t := &trySite{app: a}
	r := site.Registration{}
	var yes bool
	c := &cobra.Command{
		Use:   "register",
		Short: "Try the key: register it with a site that fidokey plays itself",
		Long: `Try the key: register it with a site that fidokey plays itself, and see what such
a site learns of the key. Nothing leaves this computer. fidokey login then logs in
with what was registered.

The site keeps what it has learned, which is nothing secret, in a file; to forget
all, delete the file. A passkey (--resident required, or preferred if the key has
room) stays on the key: fidokey passkeys delete takes it away. On an old key, from which only
a reset does, fidokey asks first.

With --json the options that the site sent and the client's response are there
too, as in WebAuthn's JSON; only the outputs of the extension prf are left out.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := errors.Join(t.check(), oneOf("resident", r.ResidentKey, requirements...), oneOf("attestation", r.Attestation, attestations...)); err != nil {
				return err
			}
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
				if err := t.agreeToStay(ctx, key, r.ResidentKey, yes); err != nil {
					return err
				}
				return t.with(func(s *site.Site) error { return t.register(ctx, s, key, r) })
			})
		},
	}
	t.flags(c)
	yesFlag(c, &yes)
	f := c.Flags()
	f.StringVar(&r.User, "user", "me", "the `NAME` of the account")
	f.StringVar(&r.ResidentKey, "resident", "preferred", "a passkey, which is found without a user name: `HOW` is required, preferred or discouraged")
	f.StringVar(&r.Attestation, "attestation", "none", "ask who made the key: `HOW` is none, indirect, direct or enterprise")
	f.Int64SliceVar(&r.Algorithms, "algorithm", nil, "the algorithms that will do, as COSE `NUMBERS`: -7 is ES256, -8 EdDSA (default: all)")
	f.Lookup("algorithm").DefValue = "" // the help says what it is
	c.RegisterFlagCompletionFunc("resident", fixed(requirements...))
	c.RegisterFlagCompletionFunc("attestation", fixed(attestations...))
	return c
}

// agreeToStay asks before a passkey is stored that can't be deleted alone.
func (t *trySite) agreeToStay(ctx context.Context, key *fido.Key, resident string, yes bool) error {
	info, err := key.Info(ctx)
	if err != nil || resident == "discouraged" || !info.Options[ctap2.OptionRK] || managesPasskeys(key.U2F(), info) == nil {
		return err
	}
	return t.agree(ctx, yes, "Store it there for good?",
		"The passkey will stay on this key: it can't delete single ones, and only a reset takes it away, with all others. --resident discouraged tries the key without one.")
}

var attestations = []string{"none", "indirect", "direct", "enterprise"}

func (t *trySite) register(ctx context.Context, s *site.Site, key *fido.Key, r site.Registration) error {
	r.UserVerification = t.uv
	var err error
	if r.Extensions, err = withCredProps(t.extensions); err != nil {
		return err
	}
	c, err := s.BeginRegistration(r)
	return t.ceremony(c, err, func(options []byte) ([]byte, error) {
		o, err := webauthn.ParseCreationOptions(options)
		if err != nil {
			return nil, err
		}
		response, err := t.client(key).Create(ctx, t.origin(), o)
		if err != nil {
			return nil, err
		}
		defer response.ClientExtensionResults.PRF.Wipe()
		return json.Marshal(response)
	}, func(report *site.Report) {
		fmt.Fprintf(t.folded(t.out), "%s has registered the key for %s.\n", t.rpID, report.User)
		t.describe(report)
		if d := report.Registration.Discoverable; d != nil && *d {
			t.hint("Try %s, which finds the passkey without a user name.", t.command("login"))
		} else {
			t.hint("Try %s --user %s.", t.command("login"), quoted(report.User))
		}
	})
}

// withCredProps asks for credProps too, which tells whether there is a passkey
// now.
func withCredProps(extensions string) (json.RawMessage, error) {
	v := map[string]any{}
	if extensions != "" {
		if err := json.Unmarshal([]byte(extensions), &v); err != nil {
			return nil, err
		}
	}
	if _, there := v["credProps"]; !there {
		v["credProps"] = true
	}
	return json.Marshal(v)
}
