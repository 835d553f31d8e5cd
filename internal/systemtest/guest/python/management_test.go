//go:build guest

package python

import (
	"context"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
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

//go:embed management.py
var management string

const pin = "1234"

// newKey makes a key with a PIN.
func newKey(t *testing.T, r guest.Route, c virtual.Config) guest.Key {
	t.Helper()
	key := guest.NewKey(t, r, c)
	if err := key.SetPIN([]byte(pin)); err != nil {
		t.Fatal(err)
	}
	return key
}

// learn runs one part of a program and decodes what it has learned into v.
func learn(t *testing.T, v any, program string, args ...string) {
	t.Helper()
	if err := json.Unmarshal(run(t, program, args...), v); err != nil {
		t.Fatal(err)
	}
}

// register makes a discoverable credential with our client.
func register(t *testing.T, key guest.Key, alg cose.Algorithm, rpID string, user ctap2.PublicKeyCredentialUserEntity, extensions func(*ctap2.Extensions)) *ctap2.MakeCredentialResponse {
	t.Helper()
	return ours.AskWithPIN(t, key, pin, ctap2.PermissionMC, rpID, func(ctx context.Context, client *fido.Key, token *pinuv.Token) (*ctap2.MakeCredentialResponse, error) {
		r := &ctap2.MakeCredentialRequest{
			ClientDataHash:   make([]byte, 32),
			RP:               ctap2.PublicKeyCredentialRPEntity{ID: rpID},
			User:             user,
			PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Type: ctap2.TypePublicKey, Alg: alg}},
			Options:          ctap2.Options{RK: new(true)},
		}
		extensions(&r.Extensions)
		r.Authorize(token)
		return client.MakeCredential(ctx, r)
	})
}

// A listedRP is a relying party as management.py lists it.
type listedRP struct {
	RP          string
	Credentials []listedCredential
}

type listedCredential struct {
	ID, User          string
	Name, DisplayName string
	Algorithm         cose.Algorithm
	CredProtect       ctap2.CredProtect
	LargeBlobKey      string
}

// listed is what our client lists.
func listed(t *testing.T, key guest.Key) []listedRP {
	t.Helper()
	var all []listedRP
	for _, rp := range ours.Credentials(t, key, pin) {
		l := listedRP{RP: rp.RP.ID}
		for _, c := range rp.Credentials {
			l.Credentials = append(l.Credentials, listedCredential{
				ID: hex.EncodeToString(c.ID.ID), User: hex.EncodeToString(c.User.ID),
				Name: c.User.Name, DisplayName: c.User.DisplayName,
				Algorithm: c.PublicKey.Alg, CredProtect: c.CredProtect, LargeBlobKey: hex.EncodeToString(c.LargeBlobKey),
			})
		}
		all = append(all, l)
	}
	return all
}

// What python-fido2 lists, by the commands that are no previews, is what our
// client lists before and after it has changed one credential and deleted
// another.
func TestCredentialManagement(t *testing.T) {
	key := newKey(t, guest.UHID, virtual.Config{})
	user := func(id, name string) ctap2.PublicKeyCredentialUserEntity {
		return ctap2.PublicKeyCredentialUserEntity{ID: []byte(id), Name: name, DisplayName: strings.ToUpper(name)}
	}
	register(t, key, cose.ES384, "example.org", user("1", "ada"), func(*ctap2.Extensions) {})
	register(t, key, cose.ES256, "example.com", user("1", "ada"), func(e *ctap2.Extensions) { e.SetCredProtect(ctap2.CredProtectUVRequired) })
	register(t, key, cose.EdDSA, "example.com", user("2", "grace"), func(e *ctap2.Extensions) { e.RequestLargeBlobKey() })
	register(t, key, cose.RS256, "example.com", user("3", ""), func(*ctap2.Extensions) {})
	counts := ours.CredentialsMetadata(t, key, pin)
	before := listed(t, key)
	var got struct {
		Existing, Remaining uint
		Before, After       []listedRP
		DeletedAgain        ctap2.Status
	}
	learn(t, &got, management, pin, "credentials")
	if got.Existing != counts.Existing || got.Remaining != counts.MaxRemaining {
		t.Errorf("the counts are %d and %d, our client's %+v", got.Existing, got.Remaining, counts)
	}
	if !reflect.DeepEqual(got.Before, before) {
		t.Errorf("it lists\n%+v\nour client\n%+v", got.Before, before)
	}
	after := listed(t, key)
	if !reflect.DeepEqual(got.After, after) {
		t.Errorf("afterwards it lists\n%+v\nour client\n%+v", got.After, after)
	}
	first, second := &before[0].Credentials[0], before[0].Credentials[1].ID
	first.Name, first.DisplayName = "new", "New Name"
	before[0].Credentials = slices.DeleteFunc(before[0].Credentials, func(c listedCredential) bool { return c.ID == second })
	if !sameCredentials(after, before) {
		t.Errorf("the key has\n%+v\nwant\n%+v", after, before)
	}
	if got.DeletedAgain != ctap2.StatusNoCredentials {
		t.Errorf("deleting again: %v", got.DeletedAgain)
	}
}

// sameCredentials compares without the order, which is the key's business.
func sameCredentials(a, b []listedRP) bool {
	flat := func(all []listedRP) map[listedCredential]string {
		m := make(map[listedCredential]string)
		for _, rp := range all {
			for _, c := range rp.Credentials {
				m[c] = rp.RP
			}
		}
		return m
	}
	return reflect.DeepEqual(flat(a), flat(b))
}

func TestFingerprints(t *testing.T) {
	key := newKey(t, guest.UHID, virtual.Config{UV: virtual.FingerprintUV})
	var got struct {
		Kind           ctap2.FingerprintKind
		Samples        uint
		NoFingerprints map[string]string
		Left           []uint
		RemovedAgain   ctap2.Status
		Fingerprints   map[string]string
		Existing       *uint
	}
	learn(t, &got, management, pin, "fingerprints")
	sensor := ours.Ask(t, key, func(ctx context.Context, client *fido.Key) (ctap2.FingerprintSensorInfo, error) {
		return client.FingerprintSensorInfo(ctx)
	})
	if got.Kind != sensor.Kind || got.Samples != sensor.MaxCaptureSamples {
		t.Errorf("the sensor is %v with %d samples, for our client %+v", got.Kind, got.Samples, sensor)
	}
	if len(got.NoFingerprints) > 0 || !slices.Equal(got.Left, []uint{3, 2, 1, 0}) || got.RemovedAgain != ctap2.StatusInvalidOption || got.Existing == nil || *got.Existing != 0 {
		t.Errorf("%+v", got)
	}
	want, names := make(map[string]string), []string{}
	for _, f := range ours.Fingerprints(t, key, pin) {
		want[hex.EncodeToString(f.TemplateID)] = f.TemplateFriendlyName
		names = append(names, f.TemplateFriendlyName)
	}
	if !reflect.DeepEqual(got.Fingerprints, want) || !slices.Equal(names, []string{"zwei", "three"}) {
		t.Errorf("it lists %v, our client %v", got.Fingerprints, want)
	}
}

func TestLargeBlobs(t *testing.T) {
	for _, r := range guest.Routes {
		t.Run(r.Name, func(t *testing.T) {
			key := newKey(t, r, virtual.Config{})
			for _, id := range []string{"1", "2", "3"} {
				register(t, key, cose.ES256, "example.com", ctap2.PublicKeyCredentialUserEntity{ID: []byte(id), Name: id}, func(e *ctap2.Extensions) { e.RequestLargeBlobKey() })
			}
			stored := ours.Credentials(t, key, pin)[0].Credentials
			ours.AskWithPIN(t, key, pin, ctap2.PermissionLBW, "", func(ctx context.Context, client *fido.Key, token *pinuv.Token) (struct{}, error) {
				return struct{}{}, client.SetLargeBlob(ctx, token, stored[0].LargeBlobKey, []byte("of our client"))
			})
			var got struct {
				Ours                  *string
				Theirs                string
				Deleted               bool
				Entries, EntriesAfter int
				Fragments             ctap2.Status
			}
			learn(t, &got, management, pin, "blobs")
			if theirs := strings.Repeat("of python ", 100); got.Ours != nil || got.Theirs != theirs || !got.Deleted || got.Entries != 2 || got.EntriesAfter != 2 || got.Fragments == 0 {
				t.Errorf("%+v", got)
			}
			all := ours.LargeBlobs(t, key)
			for i, want := range []string{"of our client", got.Theirs} {
				if data, err := all.Find(stored[i].LargeBlobKey); err != nil || string(data) != want {
					t.Errorf("our client reads %q, %v; want %q", data, err, want)
				}
			}
			if len(all) != 2 {
				t.Errorf("%d blobs, want 2", len(all))
			}
		})
	}
}

func TestAuthenticatorConfig(t *testing.T) {
	key := newKey(t, guest.UHID, virtual.Config{})
	var got struct {
		AlwaysUv        []bool
		MinPINLength    uint
		ForcePINChange  []bool
		TooShort, Lower ctap2.Status
	}
	learn(t, &got, management, pin, "config")
	if !slices.Equal(got.AlwaysUv, []bool{false, true, false}) || got.MinPINLength != 6 || !slices.Equal(got.ForcePINChange, []bool{true, false, true}) ||
		got.TooShort != ctap2.StatusPINPolicyViolation || got.Lower != ctap2.StatusPINPolicyViolation {
		t.Errorf("%+v", got)
	}
	if info := ours.Info(t, key); !info.Options[ctap2.OptionAlwaysUv] || info.MinPINLength != 6 || !info.ForcePINChange {
		t.Errorf("our client reads %+v", info)
	}
}

func TestSelectionAndReset(t *testing.T) {
	key := newKey(t, guest.UHID, virtual.Config{ResetWindow: -1})
	register(t, key, cose.ES256, "example.com", ctap2.PublicKeyCredentialUserEntity{ID: []byte("1")}, func(*ctap2.Extensions) {})
	var got struct{ ClientPin *bool }
	learn(t, &got, management, pin, "reset")
	if got.ClientPin == nil || *got.ClientPin || len(key.Credentials()) > 0 {
		t.Errorf("clientPin is %v, %d credentials", got.ClientPin, len(key.Credentials()))
	}
	if info := ours.Info(t, key); info.Options[ctap2.OptionClientPIN] {
		t.Error("our client reads a PIN")
	}
}
