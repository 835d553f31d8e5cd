package ctap2_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// secret is what no trace may show, in text or in hexadecimal.
var secret = []byte("TopSecretTopSecretTopSecretTop!!")

func shows(e ctap2.TraceEvent, b []byte) bool {
	return strings.Contains(e.Message, string(b)) || strings.Contains(e.Message, hex.EncodeToString(b))
}

func TestTraceRedacts(t *testing.T) {
	outputs := ctap2.Extensions{}
	for _, id := range []string{ctap2.ExtensionHMACSecret, ctap2.ExtensionHMACSecretMC, ctap2.ExtensionCredBlob, ctap2.ExtensionLargeBlob} {
		if err := outputs.Set(id, secret); err != nil {
			t.Fatal(err)
		}
	}
	if err := outputs.Set(ctap2.ExtensionMinPINLength, []byte("public")); err != nil {
		t.Fatal(err)
	}
	known, err := ctap2.ParseAuthenticatorData(vector(t, "makeCredential authData"))
	if err != nil {
		t.Fatal(err)
	}
	known.Raw, known.Extensions = nil, outputs
	id := ctap2.PublicKeyCredentialDescriptor{ID: []byte("public"), Type: ctap2.TypePublicKey}
	mc := &ctap2.MakeCredentialResponse{Fmt: "public", AuthData: *known, LargeBlobKey: secret, UnsignedExtensionOutputs: outputs}
	ga := &ctap2.GetAssertionResponse{Credential: id, AuthData: *known, Signature: []byte{1}, LargeBlobKey: secret, UnsignedExtensionOutputs: outputs}
	odd := append(unhex(t, "bf01667075626c69631802"), cborBytes(t, secret)...) // indefinite, and member 2 in two bytes
	odd = append(odd, 0xff)

	success := func(r interface{ Append([]byte) ([]byte, error) }) []byte {
		b, err := r.Append([]byte{0})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, test := range []struct {
		name  string
		reply []byte
		call  func(*ctap2.Client) error
		plain [2]bool // the request and the reply have something public in them
	}{
		{"makeCredential", success(mc), func(c *ctap2.Client) error {
			return second(c.MakeCredential(t.Context(), &ctap2.MakeCredentialRequest{RP: ctap2.PublicKeyCredentialRPEntity{ID: "public"},
				PinUvAuthParam: secret, Extensions: outputs}))
		}, [2]bool{true, true}},
		{"getAssertion", success(ga), func(c *ctap2.Client) error {
			return second(c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "public", PinUvAuthParam: secret, Extensions: outputs}))
		}, [2]bool{true, true}},
		{"getNextAssertion", success(ga), func(c *ctap2.Client) error { return second(c.GetNextAssertion(t.Context())) }, [2]bool{false, true}},
		{"clientPIN", reply(t, map[uint64]any{2: secret}), func(c *ctap2.Client) error {
			return second(c.ClientPIN(t.Context(), &ctap2.ClientPINRequest{SubCommand: ctap2.ChangePIN, RPID: "public",
				PinUvAuthParam: secret, NewPinEnc: secret, PinHashEnc: secret}))
		}, [2]bool{true, false}},
		{"clientPIN of unusual form", append([]byte{0}, odd...), func(c *ctap2.Client) error {
			return second(c.ClientPIN(t.Context(), &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINToken, RPID: "public"}))
		}, [2]bool{true, true}},
		{"reply is not a map", append([]byte{0}, cborBytes(t, secret)...), func(c *ctap2.Client) error {
			return second(c.ClientPIN(t.Context(), &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINToken, RPID: "public"}))
		}, [2]bool{true, false}},
		{"reply is cut short", append([]byte{0, 0x58, 0xff}, secret...), func(c *ctap2.Client) error {
			return second(c.ClientPIN(t.Context(), &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINToken, RPID: "public"}))
		}, [2]bool{true, false}},
		{"reply has bytes behind it", append(reply(t, map[uint64]any{3: "public"}), secret...), func(c *ctap2.Client) error {
			return second(c.ClientPIN(t.Context(), &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries, RPID: "public"}))
		}, [2]bool{true, true}},
		{"authData is cut short", reply(t, map[uint64]any{1: map[string]string{"type": "public"}, 2: secret[:30], 3: []byte{1}}), func(c *ctap2.Client) error {
			return second(c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "public"}))
		}, [2]bool{true, true}},
		{"a vendor's command", append([]byte{0}, cborBytes(t, secret)...), func(c *ctap2.Client) error {
			return second(c.Command(t.Context(), 0x51, cborBytes(t, secret)))
		}, [2]bool{false, false}},
		{"credentialManagement", reply(t, map[uint64]any{1: "public", 11: secret}), func(c *ctap2.Client) error {
			parameters, _ := cbor.Marshal(map[uint64]any{1: "public", 4: secret})
			return second(c.Command(t.Context(), ctap2.CommandCredentialManagement, parameters))
		}, [2]bool{true, true}},
		{"largeBlobs", reply(t, map[uint64]any{1: secret}), func(c *ctap2.Client) error {
			parameters, _ := cbor.Marshal(map[uint64]any{2: secret, 3: "public", 5: secret})
			return second(c.Command(t.Context(), ctap2.CommandLargeBlobs, parameters))
		}, [2]bool{true, false}},
	} {
		var events []ctap2.TraceEvent
		c := ctap2.NewClient(&script{replies: [][]byte{test.reply}}, &ctap2.ClientConfig{Trace: func(e ctap2.TraceEvent) { events = append(events, e) }})
		_ = test.call(c) // some replies are no good
		if len(events) != 2 || events[0].IsReply || !events[1].IsReply || events[1].Size != len(test.reply) {
			t.Errorf("%s: %+v", test.name, events)
			continue
		}
		for i, e := range events {
			if shows(e, secret) || shows(e, secret[:16]) {
				t.Errorf("%s shows a secret: %v", test.name, e)
			}
			if shows(e, []byte("public")) != test.plain[i] {
				t.Errorf("%s: what is public: %v", test.name, e)
			}
		}
	}
}

func cborBytes(t *testing.T, b []byte) []byte {
	t.Helper()
	item, err := cbor.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestTraceText(t *testing.T) {
	var lines []string
	config := &ctap2.ClientConfig{Trace: func(e ctap2.TraceEvent) { lines = append(lines, e.String()) }}
	k := newFakeKey(t, "1234", pinuv.One)
	if _, err := ctap2.NewClient(k, config).PINRetries(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := errors.New("unplugged")
	c := ctap2.NewClient(transportFunc(func(context.Context, []byte, func(byte)) ([]byte, error) { return nil, lost }), config)
	if err := c.Reset(t.Context()); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	want := []string{
		"> authenticatorClientPIN getPINRetries {1: 1, 2: 1}",
		"< authenticatorClientPIN getPINRetries: CTAP1_ERR_SUCCESS {3: 8, 4: false}",
		"> authenticatorReset",
		"< authenticatorReset: unplugged",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// Secrets do not stand in the text of what a program may print.
func TestTokenIsNotPrinted(t *testing.T) {
	k := newFakeKey(t, "1234", pinuv.Two)
	var lines bytes.Buffer
	c := ctap2.NewClient(k, &ctap2.ClientConfig{Trace: func(e ctap2.TraceEvent) { lines.WriteString(e.String()) }})
	token, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "a")
	if err != nil {
		t.Fatal(err)
	}
	if text := lines.String(); strings.Contains(text, hex.EncodeToString(token.ExposeSecret())) || strings.Count(text, `"redacted"`) != 2 {
		t.Error(text)
	}
}
