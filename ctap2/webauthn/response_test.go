package webauthn

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// TestVectors has the client register and log in with what the specification's
// authenticators answer, and compares what the site gets.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			f := &fake{
				made: &MakeCredentialResult{AttestationObject: v.AttestationObject, Transports: []string{"usb", "nfc", "usb"}, Attachment: AttachmentCrossPlatform},
				got: &GetAssertionResult{CredentialID: v.CredentialID, AuthenticatorData: v.AuthenticatorData, Signature: v.Signature,
					UserHandle: []byte("ada"), Attachment: AttachmentCrossPlatform},
			}
			client := NewClient(f, nil)
			o := newCreation()
			o.Challenge, o.Attestation = v.CreateChallenge, AttestationDirect
			made, err := client.Create(t.Context(), "https://example.org", o)
			if err != nil {
				t.Fatal(err)
			}
			object, err := ParseAttestationObject(v.AttestationObject)
			if err != nil {
				t.Fatal(err)
			}
			response := map[string]any{
				"clientDataJSON":     b64([]byte(`{"type":"webauthn.create","challenge":"` + b64(v.CreateChallenge) + `","origin":"https://example.org","crossOrigin":false}`)),
				"attestationObject":  b64(v.AttestationObject),
				"authenticatorData":  b64(object.AuthData.Raw),
				"transports":         []any{"nfc", "usb"},
				"publicKeyAlgorithm": float64(object.AuthData.AttestedCredentialData.PublicKey.Alg),
			}
			if made.PublicKey != nil {
				response["publicKey"] = b64(made.PublicKey)
			}
			id := b64(v.CredentialID)
			if got, want := decoded(t, made), (map[string]any{
				"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "cross-platform",
				"response": response, "clientExtensionResults": map[string]any{},
			}); !reflect.DeepEqual(got, want) {
				t.Errorf("%v\nwant %v", got, want)
			}

			request := newRequest()
			request.Challenge = v.GetChallenge
			got, err := client.Get(t.Context(), "https://example.org", request)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := decoded(t, got), (map[string]any{
				"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "cross-platform",
				"response": map[string]any{
					"clientDataJSON":    b64([]byte(`{"type":"webauthn.get","challenge":"` + b64(v.GetChallenge) + `","origin":"https://example.org","crossOrigin":false}`)),
					"authenticatorData": b64(v.AuthenticatorData),
					"signature":         b64(v.Signature),
					"userHandle":        b64([]byte("ada")),
				},
				"clientExtensionResults": map[string]any{},
			}); !reflect.DeepEqual(got, want) {
				t.Errorf("%v\nwant %v", got, want)
			}

			// The signature is over the specification's own client data.
			alg := made.PublicKeyAlgorithm
			if !alg.CanVerify() {
				if alg == cose.Ed448 && made.PublicKey != nil {
					t.Error("a public key for Ed448")
				}
				return
			}
			public, err := x509.ParsePKIXPublicKey(made.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			key, err := cose.New(public, alg)
			if err != nil {
				t.Fatal(err)
			}
			hash := sha256.Sum256([]byte(v.GetClientDataJSON))
			if err := key.Verify(append(bytes.Clone(v.AuthenticatorData), hash[:]...), v.Signature); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOwnClientData: an authenticator that signed other client data than the
// client's says so.
func TestOwnClientData(t *testing.T) {
	v := vectors(t)[0]
	f := &fake{
		made: &MakeCredentialResult{AttestationObject: v.AttestationObject, ClientDataJSON: []byte("created")},
		got:  &GetAssertionResult{CredentialID: v.CredentialID, AuthenticatorData: v.AuthenticatorData, Signature: v.Signature, ClientDataJSON: []byte("got")},
	}
	made, err := NewClient(f, nil).Create(t.Context(), testOrigin, newCreation())
	if err != nil || string(made.ClientDataJSON) != "created" {
		t.Errorf("%s, %v", made.ClientDataJSON, err)
	}
	got, err := NewClient(f, nil).Get(t.Context(), testOrigin, newRequest())
	if err != nil || string(got.ClientDataJSON) != "got" {
		t.Errorf("%s, %v", got.ClientDataJSON, err)
	}
}

// TestAttestationNone: without the site asking for it, it gets no statement, but
// for one that says nothing.
func TestAttestationNone(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			client := NewClient(&fake{made: &MakeCredentialResult{AttestationObject: v.AttestationObject}}, nil)
			for _, preference := range []Attestation{"", AttestationNone, AttestationIndirect, AttestationEnterprise} {
				o := newCreation()
				o.Attestation = preference
				made, err := client.Create(t.Context(), "https://example.org", o)
				if err != nil {
					t.Fatal(err)
				}
				stripped := preference == "" || preference == AttestationNone
				object, err := ParseAttestationObject(made.AttestationObject)
				if err != nil {
					t.Fatal(err)
				}
				if stripped && (object.Fmt != "none" || !bytes.Equal(object.AttStmt, []byte{0xa0})) {
					t.Errorf("%q: fmt %s, attStmt %x", preference, object.Fmt, object.AttStmt)
				}
				if !stripped && !bytes.Equal(made.AttestationObject, v.AttestationObject) {
					t.Errorf("%q: changed", preference)
				}
				if !bytes.Equal(object.AuthData.Raw, made.AuthenticatorData) || !bytes.Contains(v.AttestationObject, object.AuthData.Raw) {
					t.Errorf("%q: the authenticator data was changed", preference)
				}
			}
		})
	}
}

// TestAnonymousSelfAttestation: a self attestation without a model tells nothing,
// and stays.
func TestAnonymousSelfAttestation(t *testing.T) {
	for _, v := range vectors(t) {
		if !strings.Contains(v.Name, "Self Attestation") {
			continue
		}
		object, err := ParseAttestationObject(v.AttestationObject)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 16 {
			object.AuthData.Raw[37+i] = 0 // the AAGUID
		}
		b, err := object.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		made, err := NewClient(&fake{made: &MakeCredentialResult{AttestationObject: b}}, nil).Create(t.Context(), "https://example.org", newCreation())
		if err != nil || !bytes.Equal(made.AttestationObject, b) {
			t.Errorf("%v, %x", err, made.AttestationObject)
		}
		return
	}
	t.Error("no vector")
}

func TestExtensionResults(t *testing.T) {
	v := vectors(t)[0]
	yes, no := new(true), new(false)
	prf := &PRFOutputs{Enabled: yes, Results: &PRFValues{First: []byte{1}, Second: []byte{2}}}
	f := &fake{
		made: &MakeCredentialResult{AttestationObject: v.AttestationObject, Extensions: CreationExtensionOutputs{
			CredProps: &CredProps{RK: yes}, PRF: prf, LargeBlob: &LargeBlobOutputs{Supported: no}, CredBlob: yes,
		}},
		got: &GetAssertionResult{CredentialID: []byte{1}, AuthenticatorData: []byte{1}, Signature: []byte{1}, Extensions: RequestExtensionOutputs{
			PRF: &PRFOutputs{Results: &PRFValues{First: []byte{1}}}, LargeBlob: &LargeBlobOutputs{Blob: []byte{}}, CredBlob: []byte{3},
		}},
	}
	creation, request := newCreation(), newRequest()
	creation.Extensions.AppIDExclude, request.Extensions.AppID = "https://example.org/app-id.json", "https://example.org/app-id.json"
	made, err := NewClient(f, nil).Create(t.Context(), testOrigin, creation)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decoded(t, made)["clientExtensionResults"], (map[string]any{
		"appidExclude": true, "credProps": map[string]any{"rk": true}, "credBlob": true,
		"prf": map[string]any{"enabled": true, "results": map[string]any{"first": "AQ", "second": "Ag"}}, "largeBlob": map[string]any{"supported": false},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	got, err := NewClient(f, nil).Get(t.Context(), testOrigin, request)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decoded(t, got)["clientExtensionResults"], (map[string]any{
		"appid": false, "getCredBlob": "Aw",
		"prf": map[string]any{"results": map[string]any{"first": "AQ"}}, "largeBlob": map[string]any{"blob": ""},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	f.got.Extensions = RequestExtensionOutputs{AppID: yes, LargeBlob: &LargeBlobOutputs{Written: yes}}
	got, err = NewClient(f, nil).Get(t.Context(), testOrigin, request)
	if err != nil {
		t.Fatal(err)
	}
	m := decoded(t, got)
	if got, want := m["clientExtensionResults"], (map[string]any{"appid": true, "largeBlob": map[string]any{"written": true}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, ok := m["response"].(map[string]any)["userHandle"]; ok {
		t.Error("a user handle that the authenticator did not tell")
	}
	if _, ok := m["authenticatorAttachment"]; ok {
		t.Error("an attachment that the authenticator did not tell")
	}
}

// TestUserHandle: an empty one, which some authenticators give where they know of
// none, is none.
func TestUserHandle(t *testing.T) {
	for name, c := range map[string]struct {
		told []byte
		want any
	}{
		"told": {[]byte("ada"), b64([]byte("ada"))}, "not told": {nil, nil}, "empty": {[]byte{}, nil},
	} {
		f := &fake{got: &GetAssertionResult{CredentialID: []byte{1}, AuthenticatorData: []byte{1}, Signature: []byte{1}, UserHandle: c.told}}
		got, err := NewClient(f, nil).Get(t.Context(), testOrigin, newRequest())
		if err != nil {
			t.Fatal(err)
		}
		if handle := decoded(t, got)["response"].(map[string]any)["userHandle"]; handle != c.want {
			t.Errorf("%s: %v, want %v", name, handle, c.want)
		}
	}
}

// TestParseAttestationObjectRefused has what no authenticator may answer.
func TestParseAttestationObjectRefused(t *testing.T) {
	whole := vectors(t)[0].AttestationObject
	noCredential, err := (&AttestationObject{Fmt: "none", AttStmt: []byte{0xa0}, AuthData: ctap2.AuthenticatorData{Flags: ctap2.FlagUP}}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "not a map": {0x80}, "empty map": {0xa0}, "cut short": whole[:len(whole)-1],
		"no credential": noCredential,
	} {
		if o, err := ParseAttestationObject(b); err == nil {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
