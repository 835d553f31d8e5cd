package webauthn

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// What prf takes and yields is kept out of logs, whatever it is a part of.
func TestSecretsDoNotPrint(t *testing.T) {
	v := PRFValues{First: []byte("secret that nobody may see"), Second: []byte("secret that nobody may see")}
	in, out := &PRFInputs{Eval: &v, EvalByCredential: map[string]PRFValues{"": v}}, &PRFOutputs{Results: &v}
	registered, got := CreationExtensionOutputs{PRF: out}, RequestExtensionOutputs{PRF: out}
	for _, value := range []any{
		v, &v, []PRFValues{v}, in, *in, out, *out, registered, &registered, got, &got,
		RegistrationResponse{ClientExtensionResults: registered}, &RegistrationResponse{ClientExtensionResults: registered},
		AuthenticationResponse{ClientExtensionResults: got}, &AuthenticationResponse{ClientExtensionResults: got},
		MakeCredentialResult{Extensions: registered}, &MakeCredentialResult{Extensions: registered},
		GetAssertionResult{Extensions: got}, &GetAssertionResult{Extensions: got},
	} {
		var text, asJSON bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("", "value", value)
		slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("", "value", value)
		for how, s := range map[string]string{
			"fmt": fmt.Sprintf("%v %+v %#v %s %x %q", value, value, value, value, value, value), "slog as text": text.String(), "slog as JSON": asJSON.String(),
		} {
			for _, leak := range []string{"secret", fmt.Sprintf("%x", "secret"), "115 101 99", "0x73, 0x65", base64.RawURLEncoding.EncodeToString([]byte("secret"))} {
				if strings.Contains(s, leak) {
					t.Errorf("%T, %s: %s", value, how, s)
				}
			}
		}
	}
	for _, s := range []string{v.GoString(), v.LogValue().String(), fmt.Sprint(v)} {
		if s != "PRFValues(redacted)" {
			t.Error(s)
		}
	}
	if b, err := json.Marshal(&AuthenticationResponse{ClientExtensionResults: got}); err != nil || !strings.Contains(string(b), base64.RawURLEncoding.EncodeToString(v.First)) {
		t.Errorf("the site gets %s (%v)", b, err)
	}
	out.Wipe()
	if string(v.First) != strings.Repeat("\x00", len(v.First)) || string(v.Second) != string(v.First) {
		t.Errorf("wiped it is %q", v.First)
	}
	(*PRFOutputs)(nil).Wipe()
}

// What nobody gets is wiped.
func TestSecretsOfFailuresAreWiped(t *testing.T) {
	secret := &PRFValues{First: []byte{1}}
	f := &fake{
		made: &MakeCredentialResult{Extensions: CreationExtensionOutputs{PRF: &PRFOutputs{Results: secret}}},
		got:  &GetAssertionResult{Extensions: RequestExtensionOutputs{PRF: &PRFOutputs{Results: secret}}},
	}
	both(t, NewClient(f, nil), func(t *testing.T, err error) {
		wantError(t, err, NotAllowedError, nil)
		if secret.First[0] != 0 {
			t.Error("the secret is left")
		}
		secret.First[0] = 1
	})
}
