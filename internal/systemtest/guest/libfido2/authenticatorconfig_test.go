//go:build guest

package libfido2

import (
	"context"
	"strings"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// fido2-token switches "always verify the user" on and off.
func TestTokenAlwaysUv(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	made := run(t, "", "fido2-cred", "-M", "-q", "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)
	ask := file(t, blob(getHash[:]), rpID, made[4])
	check := func(on bool) {
		t.Helper()
		info := ours.Info(t, key)
		if got, ok := info.Options[ctap2.OptionAlwaysUv]; got != on || !ok {
			t.Errorf("alwaysUv is %t, %t; want %t", got, ok, on)
		}
		word := "noalwaysUv"
		if on {
			word = "alwaysUv"
		}
		if said := tokenSays(t, key, "options: "); !strings.Contains(", "+said+",", ", "+word+",") {
			t.Errorf("the options are %s; want %s", said, word)
		}
		if _, said, err := try(t, "", "fido2-assert", "-G", "-i", ask, key.Path); on != (err != nil && strings.Contains(said, "FIDO_ERR_PIN_REQUIRED")) {
			t.Errorf("an assertion without PIN: %v: %s", err, said)
		}
		run(t, pin+"\n", "fido2-assert", "-G", "-v", "-i", ask, key.Path)
	}
	check(false)
	run(t, pin+"\n", "fido2-token", "-S", "-u", key.Path)
	check(true)
	run(t, pin+"\n", "fido2-token", "-S", "-u", key.Path) // on stays on
	check(true)
	run(t, pin+"\n", "fido2-token", "-D", "-u", key.Path)
	check(false)
}

// tokenSays returns what fido2-token -I says after a word.
func tokenSays(t *testing.T, key guest.Key, word string) string {
	t.Helper()
	for _, line := range run(t, "", "fido2-token", "-I", key.Path) {
		if said, ok := strings.CutPrefix(line, word); ok {
			return said
		}
	}
	return ""
}

// fido2-token sets the least length of a PIN, and a PIN that is shorter has to be
// changed.
func TestTokenMinPINLength(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	check := func(length uint, change bool) {
		t.Helper()
		if info := ours.Info(t, key); info.MinPINLength != length || info.ForcePINChange != change {
			t.Errorf("our client reads %d, forcePINChange %t; want %d, %t", info.MinPINLength, info.ForcePINChange, length, change)
		}
	}
	run(t, pin+"\n", "fido2-token", "-S", "-l", "4", key.Path)
	check(4, false)
	run(t, pin+"\n", "fido2-token", "-S", "-l", "6", key.Path)
	check(6, true)
	if got := tokenSays(t, key, "minpinlen: "); got != "6" {
		t.Errorf("minpinlen is %q", got)
	}
	if got := tokenSays(t, key, "pin change required: "); got != "true" {
		t.Errorf("pin change required is %q", got)
	}
	if _, said, err := try(t, pin+"\n", "fido2-token", "-S", "-f", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_PIN_POLICY_VIOLATION") {
		t.Errorf("the PIN that is too short: %v: %s", err, said)
	}
	if _, said, err := try(t, pin+"\n12345\n12345\n", "fido2-token", "-C", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_PIN_POLICY_VIOLATION") {
		t.Errorf("another that is too short: %v: %s", err, said)
	}
	run(t, pin+"\n123456\n123456\n", "fido2-token", "-C", key.Path)
	check(6, false)
	if _, said, err := try(t, "123456\n", "fido2-token", "-S", "-l", "4", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_PIN_POLICY_VIOLATION") {
		t.Errorf("a lower minimum: %v: %s", err, said)
	}
	check(6, false)

	run(t, "123456\n", "fido2-token", "-S", "-f", key.Path)
	check(6, true)
	if _, said, err := try(t, "123456\n123456\n123456\n", "fido2-token", "-C", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_PIN_POLICY_VIOLATION") {
		t.Errorf("the same PIN again: %v: %s", err, said)
	}
	run(t, "123456\n1234567\n1234567\n", "fido2-token", "-C", key.Path)
	check(6, false)
}

// The relying parties that fido2-token names are told the least length of a PIN,
// and others are not. (fido2-cred has no flag for the extension: our client asks.)
func TestTokenMinPINLengthRPIDs(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{MinPINLength: 4})
	run(t, pin+"\n", "fido2-token", "-S", "-m", "example.com,example.org", key.Path)
	for rp, want := range map[string]uint{"example.com": 4, "example.org": 4, "example.net": 0} {
		got := ours.AskWithPIN(t, key, pin, ctap2.PermissionMC, rp, func(ctx context.Context, client *fido.Key, token *pinuv.Token) (uint, error) {
			r := &ctap2.MakeCredentialRequest{
				ClientDataHash:   createHash[:],
				RP:               ctap2.PublicKeyCredentialRPEntity{ID: rp},
				User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte(userID)},
				PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Type: ctap2.TypePublicKey, Alg: cose.ES256}},
			}
			r.Extensions.RequestMinPINLength()
			r.Authorize(token)
			made, err := client.MakeCredential(ctx, r)
			if err != nil {
				return 0, err
			}
			return made.AuthData.Extensions.MinPINLength()
		})
		if got != want {
			t.Errorf("%s is told %d, want %d", rp, got, want)
		}
	}
}

// fido2-token allows enterprise attestation. (fido2-cred has no flag to ask for
// one.)
func TestTokenEnterpriseAttestation(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{Enterprise: &virtual.Enterprise{}})
	check := func(on bool) {
		t.Helper()
		if got, ok := ours.Info(t, key).Options[ctap2.OptionEP]; got != on || !ok {
			t.Errorf("ep is %t, %t; want %t", got, ok, on)
		}
	}
	check(false)
	run(t, pin+"\n", "fido2-token", "-S", "-a", key.Path)
	check(true)
	run(t, pin+"\n", "fido2-token", "-S", "-a", key.Path)
	check(true)
}
