//go:build guest

package python

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

//go:embed extensions.py
var extensions string

//go:embed u2f.py
var u2f string

// python-fido2's client registers with all of the extensions that it knows, and
// what the key has is what our client reads.
func TestExtensions(t *testing.T) {
	const rpID = "example.com"
	for _, profile := range []virtual.Profile{virtual.FIDO23, virtual.FIDO21} {
		t.Run(profile.String(), func(t *testing.T) {
			key := newKey(t, guest.UHID, virtual.Config{Profile: profile, MinPINLengthRPIDs: []string{rpID}})
			var got struct {
				ID                        string
				Created, CreateResults    map[string]any
				LargeBlobKey, AssertedKey string
				CredBlob, Secrets         string
			}
			learn(t, &got, extensions, pin, rpID)
			if want := map[string]any{"hmac-secret": true, "credBlob": true, "credProtect": 3.0, "minPinLength": 4.0}; !maps.Equal(got.Created, want) {
				t.Errorf("the outputs are %v, want %v", got.Created, want)
			}
			if !maps.Equal(got.CreateResults, map[string]any{"hmacCreateSecret": true}) {
				t.Errorf("the client's outputs are %v", got.CreateResults)
			}
			stored := ours.Credentials(t, key, pin)[0].Credentials[0]
			if id := hex.EncodeToString(stored.ID.ID); got.ID != id || stored.CredProtect != ctap2.CredProtectUVRequired {
				t.Errorf("the credential is %s; our client reads %s, %v", got.ID, id, stored.CredProtect)
			}
			if k := hex.EncodeToString(stored.LargeBlobKey); got.LargeBlobKey != k || got.AssertedKey != k {
				t.Errorf("the largeBlobKey is %s and %s; our client reads %s", got.LargeBlobKey, got.AssertedKey, k)
			}
			if got.CredBlob != "kept with the credential" {
				t.Errorf("the credBlob is %q", got.CredBlob)
			}
			var salts [2][ctap2.HMACSaltSize]byte
			for i := range salts {
				for k := range salts[i] {
					salts[i][k] = byte(i) + 1
				}
			}
			if s := ours.HMACSecrets(t, key, pin, rpID, stored.ID.ID, salts[:]...); got.Secrets != fmt.Sprintf("%x%x", s[0], s[1]) {
				t.Errorf("the secrets are %s; our client gets %x", got.Secrets, s)
			}
		})
	}
}

// python-fido2 registers and logs in by U2F.
func TestU2F(t *testing.T) {
	for _, profile := range []virtual.Profile{virtual.FIDO23, virtual.U2FOnly} {
		t.Run(profile.String(), func(t *testing.T) {
			var created []virtual.Credential
			guest.NewKey(t, guest.UHID, virtual.Config{Profile: profile, Observer: func(e virtual.Event) {
				if e.Kind == virtual.CredentialCreated {
					created = append(created, e.Credential)
				}
			}})
			got := strings.Fields(string(run(t, u2f)))
			if len(created) != 1 || fmt.Sprint(got) != fmt.Sprintf("[U2F_V2 %x 1 True True]", created[0].ID) {
				t.Errorf("it says %q; the key made %+v", got, created)
			}
		})
	}
}
