//go:build system && linux

package webauthn_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// serve lets programs use the key over datagrams, at the port.
func serve(t *testing.T, key *virtual.Key) (port uint16) {
	t.Helper()
	l, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		ctaphid.NewServer(key, nil).Serve(ctx, l)
	}()
	t.Cleanup(func() {
		cancel()
		l.Close()
		<-served
	})
	return l.Addr().Port()
}

// given is what a client gives the site.
type given struct {
	ClientDataJSON, AttestationObject, AuthenticatorData base64URL
	UserHandle                                           base64URL
	ExtensionResults                                     json.RawMessage
}

type base64URL []byte

func (b *base64URL) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.DecodeString(string(text))
	return err
}

// summary is what is the same whenever the same was asked of the same key: not the
// challenge, the key pair, the counter and the signature.
func (g *given) summary(t *testing.T) string {
	t.Helper()
	var about string
	var data *ctap2.AuthenticatorData
	var err error
	if g.AttestationObject == nil {
		if data, err = ctap2.ParseAuthenticatorData(g.AuthenticatorData); err != nil {
			t.Fatal(err)
		}
		about = fmt.Sprintf("user %q", []byte(g.UserHandle))
	} else {
		o, err := webauthn.ParseAttestationObject(g.AttestationObject)
		if err != nil {
			t.Fatal(err)
		}
		if data = &o.AuthData; !bytes.Equal(data.Raw, g.AuthenticatorData) {
			t.Error("the authenticator data differ from those of the attestation object")
		}
		var statement map[string]cbor.RawMessage
		if err := cbor.Unmarshal(o.AttStmt, &statement); err != nil {
			t.Error(err)
		}
		c := data.AttestedCredentialData
		about = fmt.Sprintf("%s %s, alg %d", o.Fmt, slices.Sorted(maps.Keys(statement)), c.PublicKey.Alg)
		switch c.AAGUID {
		case virtual.DefaultAAGUID:
		case ctap2.AAGUID{}:
			about += ", no AAGUID"
		default:
			about += ", another AAGUID"
		}
	}
	if data.RPIDHash != sha256.Sum256([]byte(site)) {
		about += ", another RP ID"
	}
	for _, name := range slices.Sorted(maps.Keys(data.Extensions)) {
		if output := data.Extensions[name]; len(output) == 1 {
			about += fmt.Sprintf(", %s %x", name, []byte(output))
		} else {
			about += fmt.Sprintf(", %s of %d bytes", name, len(output))
		}
	}
	return flagNames(data.Flags) + ", " + about
}

// clientData are the members that both clients have. Theirs of this version have the
// others in an order of Python's, with spaces, lack crossOrigin and have
// clientExtensions, which is of Level 1: sites that read JSON don't mind, but limited
// verifiers do (WebAuthn L3 section 5.8.1.2). Ours is compared with the
// specification's own in TestClientDataVectors.
func (g *given) clientData(t *testing.T) (c struct{ Type, Challenge, Origin string }) {
	t.Helper()
	if err := json.Unmarshal(g.ClientDataJSON, &c); err != nil {
		t.Error(err)
	}
	return c
}

// results are the client extension outputs by name, with those of before prf under
// prf's names.
func (g *given) results(t *testing.T) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(g.ExtensionResults, &all); err != nil {
		t.Fatal(err)
	}
	if enabled, ok := all["hmacCreateSecret"]; ok {
		delete(all, "hmacCreateSecret")
		all["prf"] = map[string]any{"enabled": enabled}
	}
	if outputs, ok := all["hmacGetSecret"].(map[string]any); ok {
		delete(all, "hmacGetSecret")
		results := map[string]any{"first": outputs["output1"]}
		if second, ok := outputs["output2"]; ok {
			results["second"] = second
		}
		all["prf"] = map[string]any{"results": results}
	}
	return all
}

// theirs has python-fido2's Fido2Client do what the options ask for.
func theirs(t *testing.T, client *python, port uint16, options string, pin string) (g given, refused string) {
	t.Helper()
	question := map[string]any{"do": "get", "origin": page, "port": port, "options": json.RawMessage(options)}
	if strings.Contains(options, `"user":`) {
		question["do"] = "create"
	}
	if pin != "" {
		question["pin"] = pin
	}
	refused = client.ask(question, &g)
	return g, refused
}

// ours has our client do it.
func ours(t *testing.T, client *webauthn.Client, options string) (g given, failed error) {
	t.Helper()
	var results any
	if strings.Contains(options, `"user":`) {
		o, err := webauthn.ParseCreationOptions([]byte(options))
		if err != nil {
			t.Fatal(err)
		}
		r, err := client.Create(t.Context(), page, o)
		if err != nil {
			return g, err
		}
		g, results = given{ClientDataJSON: r.ClientDataJSON, AttestationObject: r.AttestationObject, AuthenticatorData: r.AuthenticatorData}, &r.ClientExtensionResults
	} else {
		o, err := webauthn.ParseRequestOptions([]byte(options))
		if err != nil {
			t.Fatal(err)
		}
		r, err := client.Get(t.Context(), page, o)
		if err != nil {
			return g, err
		}
		g, results = given{ClientDataJSON: r.ClientDataJSON, AuthenticatorData: r.AuthenticatorData, UserHandle: r.UserHandle}, &r.ClientExtensionResults
	}
	var err error
	if g.ExtensionResults, err = json.Marshal(results); err != nil {
		t.Fatal(err)
	}
	return g, nil
}

// What our client gives a site and what python-fido2's does, for the same options on
// the same key. Where they differ, why says which is as the specification has it.
func TestFido2Client(t *testing.T) {
	client := startPython(t, "testdata/fido2client.py")
	const create = `"challenge": "MDEyMzQ1Njc4OWFiY2RlZg", "rp": {"id": "example.com", "name": "Example"}, "user": {"id": "YWRh", "name": "ada", "displayName": "Ada"}`
	const selection = create + `, "attestation": "direct", "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "authenticatorSelection": `
	const get = `"challenge": "MDEyMzQ1Njc4OWFiY2RlZg", "rpId": "example.com"`
	const packed = "packed [alg sig x5c], alg "
	for _, test := range []struct {
		name    string
		profile virtual.Profile
		options string // %s is the ID of a passkey on the key
		pin     bool   // one is set
		given   bool   // python-fido2 is given it; it does not ask
		ours    string
		theirs  string // empty: the same
		why     string
		more    []string // our client's extension results that theirs lacks
	}{
		{name: "direct attestation", options: selection + `{}`, ours: "UP AT, " + packed + "-7"},
		{name: "no attestation", options: create + `, "attestation": "none", "pubKeyCredParams": [{"type": "public-key", "alg": -7}]`,
			ours: "UP AT, none [], alg -7", theirs: "UP AT, " + packed + "-7",
			why: "the client takes the statement away (L3 section 5.1.3); theirs leaves that to the site"},
		{name: "EdDSA", options: create + `, "attestation": "direct", "pubKeyCredParams": [{"type": "public-key", "alg": -8}, {"type": "public-key", "alg": -7}]`, ours: "UP AT, " + packed + "-8"},
		{name: "unknown algorithm first", options: create + `, "attestation": "direct", "pubKeyCredParams": [{"type": "public-key", "alg": -65535}, {"type": "public-key", "alg": -257}]`, ours: "UP AT, " + packed + "-257"},
		{name: "passkey", options: selection + `{"requireResidentKey": true}`, ours: "UP AT, " + packed + "-7"},
		{name: "passkey with PIN", options: selection + `{"requireResidentKey": true}`, pin: true, given: true, ours: "UP UV AT, " + packed + "-7"},
		{name: "required", options: selection + `{"userVerification": "required"}`, pin: true, given: true, ours: "UP UV AT, " + packed + "-7"},
		{name: "required, no PIN set", options: selection + `{"userVerification": "required"}`, ours: "unsuitable", theirs: "CONFIGURATION_UNSUPPORTED (User verification not configured/supported)"},
		{name: "preferred", options: selection + `{"userVerification": "preferred"}`, pin: true, given: true, ours: "UP UV AT, " + packed + "-7"},
		{name: "preferred, no PIN set", options: selection + `{"userVerification": "preferred"}`, ours: "UP AT, " + packed + "-7", theirs: "CONFIGURATION_UNSUPPORTED (User verification supported but not configured)",
			why: "preferred is no requirement (L3 section 5.8.6)"},
		{name: "discouraged", options: selection + `{"userVerification": "discouraged"}`, pin: true, given: true, ours: "UP AT, " + packed + "-7", theirs: "UP UV AT, " + packed + "-7",
			why: "the key does not need the PIN (makeCredUvNotRqd), which theirs uses if it has it"},
		{name: "discouraged, PIN not given", options: selection + `{"userVerification": "discouraged"}`, pin: true, ours: "UP AT, " + packed + "-7", theirs: "BAD_REQUEST (PIN required but not provided)",
			why: "as above; theirs takes the key for one of CTAP 2.0"},
		{name: "hmac-secret", options: selection + `{}, "extensions": {"prf": {}}`, ours: "UP AT ED, " + packed + "-7, hmac-secret f5"},
		{name: "all extensions", pin: true, given: true,
			options: selection + `{"requireResidentKey": true}, "extensions": {"prf": {}, "credProps": true, "largeBlob": {"support": "required"}, "credBlob": "AQID", "minPinLength": true,
				"credentialProtectionPolicy": "userVerificationRequired", "enforceCredentialProtectionPolicy": true}`,
			ours: "UP UV AT ED, " + packed + "-7, credBlob f5, credProtect 03, hmac-secret f5",
			more: []string{"credProps", "largeBlob", "credBlob"}}, // of Level 2 and of CTAP 2.1
		{name: "credProtect, the least", options: selection + `{}, "extensions": {"credentialProtectionPolicy": "userVerificationOptional"}`, ours: "UP AT ED, " + packed + "-7, credProtect 01"},
		{name: "unknown extension", options: selection + `{}, "extensions": {"unknown": true}`, ours: "UP AT, " + packed + "-7"},
		{name: "excluded", options: selection + `{}, "excludeCredentials": [{"type": "public-key", "id": "%s", "transports": ["usb", "hybrid"]}]`,
			ours: "touch: excluded", theirs: "DEVICE_INELIGIBLE (CTAP error: 0x19 - CREDENTIAL_EXCLUDED)"},

		{name: "login", options: get + `, "allowCredentials": [{"type": "public-key", "id": "%s", "transports": ["usb"]}]`, ours: `UP, user "passkey"`},
		{name: "login without list", options: get, ours: `UP, user "passkey"`},
		{name: "login, required", options: get + `, "userVerification": "required"`, pin: true, given: true, ours: `UP UV, user "passkey"`},
		{name: "login, preferred, no PIN set", options: get + `, "userVerification": "preferred"`, ours: `UP, user "passkey"`, theirs: "CONFIGURATION_UNSUPPORTED (User verification supported but not configured)",
			why: "preferred is no requirement (L3 section 5.8.6)"},
		{name: "login, discouraged", options: get + `, "userVerification": "discouraged"`, pin: true, given: true, ours: `UP, user "passkey"`, theirs: `UP UV, user "passkey"`,
			why: "the key does not need the PIN, which theirs uses if it has it"},
		{name: "login, getCredBlob", options: get + `, "extensions": {"getCredBlob": true}`, ours: `UP ED, user "passkey", credBlob of 5 bytes`, more: []string{"getCredBlob"}},
		{name: "login, prf", options: get + `, "extensions": {"prf": {"eval": {"first": "AQ"}}}`, pin: true, given: true, ours: `UP UV ED, user "passkey", hmac-secret of 50 bytes`},
		{name: "login, prf of two", options: get + `, "userVerification": "required", "extensions": {"prf": {"eval": {"first": "AQ", "second": ""}}}`, pin: true, given: true, ours: `UP UV ED, user "passkey", hmac-secret of 82 bytes`},
		{name: "login, another's credential", options: get + `, "allowCredentials": [{"type": "public-key", "id": "AAAA"}]`, ours: "none here", theirs: "DEVICE_INELIGIBLE (CTAP error: 0x2E - NO_CREDENTIALS)"},
		{name: "login, list too long for one request", options: get + `, "allowCredentials": [` + strings.Repeat(`{"type": "public-key", "id": "AAAA"},`, 20) + `{"type": "public-key", "id": "%s"}]`,
			ours: `UP, user "passkey"`, theirs: "BAD_REQUEST (allow_list too long)", why: "the client asks in parts (CTAP 2.3 section 6.2.2); theirs does not yet"},

		{name: "CTAP 2.0", profile: virtual.FIDO20, options: selection + `{"requireResidentKey": true}, "extensions": {"prf": {}}`, ours: "UP AT ED, " + packed + "-7, hmac-secret f5"},
		{name: "CTAP 2.0, discouraged", profile: virtual.FIDO20, options: selection + `{"userVerification": "discouraged"}`, pin: true, given: true, ours: "UP UV AT, " + packed + "-7"},
		{name: "CTAP 2.0, login", profile: virtual.FIDO20, options: get + `, "userVerification": "required"`, pin: true, given: true, ours: `UP UV, user "passkey"`},
		{name: "CTAP 2.1, login, prf", profile: virtual.FIDO21, options: get + `, "extensions": {"prf": {"eval": {"first": "AQ"}}}`, pin: true, given: true, ours: `UP UV ED, user "passkey", hmac-secret of 50 bytes`},
		{name: "U2F", profile: virtual.U2FOnly, options: selection + `{}`, ours: "UP AT, fido-u2f [sig x5c], alg -7, no AAGUID"},
		{name: "U2F, excluded", profile: virtual.U2FOnly, options: selection + `{}, "excludeCredentials": [{"type": "public-key", "id": "%s"}]`, ours: "excluded", theirs: "DEVICE_INELIGIBLE (None)"},
		{name: "U2F, passkey", profile: virtual.U2FOnly, options: selection + `{"requireResidentKey": true}`, ours: "unsuitable", theirs: "CONFIGURATION_UNSUPPORTED (CTAP error: 0x2B - UNSUPPORTED_OPTION)"},
		{name: "U2F, login", profile: virtual.U2FOnly, options: get + `, "allowCredentials": [{"type": "public-key", "id": "%s"}]`, ours: `UP, user ""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, set := patient(), ""
			if test.pin {
				set = pin
			}
			key, k := plugIn(t, virtual.Config{Profile: test.profile}, set, p)
			passkey := virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("passkey")},
				Discoverable: test.profile != virtual.U2FOnly}
			if test.profile == virtual.FIDO23 {
				passkey.CredBlob = []byte("blob")
			}
			c, err := key.AddCredential(passkey)
			if err != nil {
				t.Fatal(err)
			}
			text := "{" + test.options + "}"
			if strings.Contains(text, "%s") {
				text = fmt.Sprintf(text, base64.RawURLEncoding.EncodeToString(c.ID))
			}
			hasPIN := ""
			if test.given {
				hasPIN = pin
			}
			rivals, refused := theirs(t, client, serve(t, key), text, hasPIN)
			ours, failed := ours(t, webauthn.NewClient(k, nil), text)
			got := outcome(p, 0, failed)
			if failed == nil {
				got = ours.summary(t)
			}
			if got != test.ours {
				t.Errorf("ours: %s (%v), want %s", got, failed, test.ours)
			}
			if got = refused; refused == "" {
				got = rivals.summary(t)
			}
			want := cmp.Or(test.theirs, test.ours)
			if got != want {
				t.Errorf("theirs: %s, want %s", got, want)
			}
			if failed == nil && want != test.ours && test.why == "" {
				t.Error("a difference that nobody explains")
			}
			if failed != nil || refused != "" {
				return
			}
			if ours.clientData(t) != rivals.clientData(t) {
				t.Errorf("client data: ours %s, theirs %s", ours.ClientDataJSON, rivals.ClientDataJSON)
			}
			results, less := ours.results(t), rivals.results(t)
			for _, name := range test.more {
				if _, ok := results[name]; !ok {
					t.Errorf("no result of %s", name)
				}
				delete(results, name)
			}
			if !reflect.DeepEqual(results, less) {
				t.Errorf("results: ours %v but for %v, theirs %v", results, test.more, less)
			}
		})
	}
}
