//go:build guest

package libfido2

import (
	"context"
	"strings"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// The tools register and log in by U2F, on a key that knows nothing else and on
// one that does; libfido2 verifies both.
func TestU2F(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config virtual.Config
		flags  []string
	}{
		{"key of U2F only", virtual.Config{Profile: virtual.U2FOnly}, nil},
		{"key of U2F too", virtual.Config{}, []string{"-u"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := guest.NewKey(t, guest.UHID, tt.config)
			made := run(t, "", append(append([]string{"fido2-cred", "-M"}, tt.flags...), "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)...)
			if made[2] != "fido-u2f" {
				t.Errorf("the format is %q", made[2])
			}
			verified := run(t, "", "fido2-cred", "-V", "-i", file(t, made...))
			ask := file(t, blob(getHash[:]), rpID, made[4])
			got := run(t, "", append(append([]string{"fido2-assert", "-G"}, tt.flags...), "-i", ask, key.Path)...)
			run(t, "", "fido2-assert", "-V", "-p", "-i", file(t, got[:4]...), file(t, verified[1:]...))

			key.SetUser(virtual.NeverTouch())
			none := file(t, blob(getHash[:]), "example.org", made[4])
			if _, said, err := try(t, "", append(append([]string{"fido2-assert", "-G"}, tt.flags...), "-i", none, key.Path)...); err == nil || !strings.Contains(said, "fido_dev_get_assert") {
				t.Errorf("for another relying party: %v: %s", err, said)
			}
			key.SetUser(virtual.AlwaysTouch())

			// Our client logs in with libfido2's credential.
			public, err := cose.New(publicKey(t, verified[1:]), cose.ES256)
			if err != nil {
				t.Fatal(err)
			}
			assertion := ours.Ask(t, key, func(ctx context.Context, client *fido.Key) (*ctap2.GetAssertionResponse, error) {
				return client.GetAssertion(ctx, &ctap2.GetAssertionRequest{
					RPID: rpID, ClientDataHash: getHash[:],
					AllowList: []ctap2.PublicKeyCredentialDescriptor{{Type: ctap2.TypePublicKey, ID: unblob(t, made[4])}},
				})
			})
			if err := assertion.Verify(public, rpID, getHash[:]); err != nil {
				t.Error(err)
			}
		})
	}
}

// A U2F credential logs in by CTAP2 too, on the same key.
func TestU2FCredentialByCTAP2(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{})
	made := run(t, "", "fido2-cred", "-M", "-u", "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)
	verified := run(t, "", "fido2-cred", "-V", "-i", file(t, made...))
	got := run(t, "", "fido2-assert", "-G", "-i", file(t, blob(getHash[:]), rpID, made[4]), key.Path)
	run(t, "", "fido2-assert", "-V", "-p", "-i", file(t, got[:4]...), file(t, verified[1:]...))
}
