package webauthn_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// prfVector returns a test vector of WebAuthn L3's extension prf, as package ctap2
// keeps them, which names their source.
func prfVector(t *testing.T) func(name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Hex string }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return func(name string) []byte {
		t.Helper()
		for _, v := range list {
			if v.Name == "prf: "+name {
				b, err := hex.DecodeString(v.Hex)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
		}
		t.Fatalf("no vector %q", name)
		return nil
	}
}

// The published inputs, against a credential with the published secret, give the
// published outputs, by either protocol.
func TestPRFKnownAnswers(t *testing.T) {
	v := prfVector(t)
	first, second := v("prf_eval_first"), v("prf_eval_second")
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		p := &person{pins: []string{pin, pin, pin}}
		key, k := plugIn(t, virtual.Config{Protocols: []pinuv.Protocol{protocol}}, pin, p)
		c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada, Discoverable: true,
			CredRandomWithUV: v("cred_random"), CredRandomWithoutUV: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range map[string]*webauthn.PRFInputs{
			"eval":             {Eval: &webauthn.PRFValues{First: first, Second: second}},
			"one":              {Eval: &webauthn.PRFValues{First: first}},
			"evalByCredential": {Eval: &webauthn.PRFValues{First: second}, EvalByCredential: map[string]webauthn.PRFValues{string(c.ID): {First: first, Second: second}}},
		} {
			r := request(webauthn.UserVerificationDiscouraged, c.ID)
			r.Extensions.PRF = in
			got, err := k.GetAssertion(t.Context(), r)
			if seen := ended(p, got, err); seen != "PIN 8, touch: UV" {
				t.Fatalf("%v, %s: %s, %v", protocol, name, seen, err)
			}
			want := webauthn.PRFValues{First: v("output1"), Second: v("output2")}
			if name == "one" {
				want.Second = nil
			}
			if out := got.Extensions.PRF; out.Enabled != nil || !bytes.Equal(out.Results.First, want.First) || !bytes.Equal(out.Results.Second, want.Second) {
				t.Errorf("%v, %s: %x", protocol, name, out.Results)
			}
		}
	}
}

// prfOf is what prf is for a secret of hmac-secret.
func prfOf(secret, input []byte) []byte {
	salt := ctap2.PRFSalt(input)
	mac := hmac.New(sha256.New, secret)
	mac.Write(salt[:])
	return mac.Sum(nil)
}

func TestPRFAtCreation(t *testing.T) {
	type outcomes struct{ enabled, results bool }
	for _, test := range []struct {
		name    string
		config  virtual.Config
		pin     string
		eval    bool
		prompts string
		want    outcomes
	}{
		{name: "no inputs", prompts: "touch: UP", want: outcomes{true, false}},
		{name: "inputs", pin: pin, eval: true, prompts: "PIN 8, touch: UV", want: outcomes{true, true}},
		{name: "inputs, and the key can't verify its user yet", eval: true, prompts: "touch: UP", want: outcomes{true, false}},
		{name: "inputs, finger", config: virtual.Config{UV: virtual.ConfiguredUV}, eval: true, prompts: "finger 3: UV", want: outcomes{true, true}},
		{name: "inputs, CTAP 2.1", config: virtual.Config{Profile: virtual.FIDO21}, pin: pin, eval: true, prompts: "touch: UP", want: outcomes{true, false}},
		{name: "inputs, key without hmac-secret", config: virtual.Config{WithoutExtensions: []string{"hmac-secret", "hmac-secret-mc"}}, pin: pin, eval: true, prompts: "touch: UP"},
		{name: "inputs, U2F", config: virtual.Config{Profile: virtual.U2FOnly, User: virtual.AlwaysTouch()}, eval: true, prompts: "UP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &person{pins: []string{pin, pin}}
			_, k := plugIn(t, test.config, test.pin, p)
			r := creation(webauthn.UserVerificationDiscouraged)
			r.Extensions.PRF = new(webauthn.PRFInputs)
			inputs := &webauthn.PRFInputs{Eval: &webauthn.PRFValues{First: []byte("one"), Second: []byte{}}}
			if test.eval {
				r.Extensions.PRF = inputs
			}
			id, result := made(t, k, r)
			if got := outcome(p, credentialOf(t, result).Flags, nil); got != test.prompts {
				t.Errorf("%s, want %s", got, test.prompts)
			}
			out := result.Extensions.PRF
			if out == nil || *out.Enabled != test.want.enabled || (out.Results != nil) != test.want.results {
				t.Fatalf("%+v", out)
			}
			if out.Results == nil {
				return
			}
			get := request(webauthn.UserVerificationPreferred, id)
			get.Extensions.PRF = inputs
			got, err := k.GetAssertion(t.Context(), get)
			if err != nil {
				t.Fatal(err)
			}
			if again := got.Extensions.PRF.Results; !bytes.Equal(again.First, out.Results.First) || !bytes.Equal(again.Second, out.Results.Second) || len(again.Second) != 32 {
				t.Errorf("%x, and later %x", out.Results, again)
			}
		})
	}
}

func TestPRFOfAssertion(t *testing.T) {
	secrets := [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)}
	for _, test := range []struct {
		name         string
		config       virtual.Config
		pin          string
		list         []int // of the key's two credentials, -1 for another key's; nil: no list
		eval         string
		byCredential map[int]string
		prompts      string
		want         string // the input that counts; empty: no results
		of           int    // the credential
	}{
		{name: "eval", pin: pin, list: []int{0}, eval: "a", prompts: "PIN 8, touch: UV", want: "a"},
		{name: "eval, no list", pin: pin, eval: "a", prompts: "PIN 8, touch, choose of 2: UV", want: "a", of: 1},
		{name: "neither", pin: pin, list: []int{0}, prompts: "touch: UP"},
		{name: "its own", pin: pin, list: []int{0}, eval: "a", byCredential: map[int]string{0: "b"}, prompts: "PIN 8, touch: UV", want: "b"},
		{name: "another's, and eval", pin: pin, list: []int{0}, eval: "a", byCredential: map[int]string{-1: "b"}, prompts: "PIN 8, touch: UV", want: "a"},
		{name: "another's, and none", pin: pin, list: []int{-1, 0}, byCredential: map[int]string{-1: "b"}, prompts: "PIN 8, touch: UV"},
		{name: "its own, in a list", pin: pin, list: []int{-1, 1}, eval: "a", byCredential: map[int]string{0: "b", 1: "c"}, prompts: "PIN 8, touch: UV", want: "c", of: 1},
		{name: "eval, in a list", pin: pin, list: []int{-1, 1}, eval: "a", byCredential: map[int]string{-1: "b"}, prompts: "PIN 8, touch: UV", want: "a", of: 1},
		{name: "its own, not told silently", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, pin: pin, list: []int{-1, 1},
			byCredential: map[int]string{1: "c"}, prompts: "PIN 8, touch: UV", want: "c", of: 1},
		{name: "none here", pin: pin, list: []int{-1, -1}, byCredential: map[int]string{-1: "c"}, prompts: "PIN 8: none here"},
		{name: "none here, not told silently", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, pin: pin, list: []int{-1, -1},
			byCredential: map[int]string{-1: "c"}, prompts: "PIN 8: none here"},
		{name: "finger", config: virtual.Config{UV: virtual.ConfiguredUV}, list: []int{0}, eval: "a", prompts: "finger 3: UV", want: "a"},
		{name: "CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, pin: pin, list: []int{-1, 1}, byCredential: map[int]string{1: "c"}, prompts: "PIN 8, touch: UV", want: "c", of: 1},
		{name: "CTAP 2.0, finger", config: virtual.Config{Profile: virtual.FIDO20, UV: virtual.ConfiguredUV}, list: []int{1}, eval: "a", prompts: "finger -1: UV", want: "a", of: 1},
		{name: "no PIN set yet", list: []int{0}, eval: "a", prompts: "touch: UP"},
		{name: "no PIN set yet, in a list", list: []int{-1, 0}, byCredential: map[int]string{0: "b"}, prompts: "touch: UP"},
		{name: "no finger enrolled yet", config: virtual.Config{UV: virtual.FingerprintUV, WithoutPIN: true}, list: []int{0}, eval: "a", prompts: "touch: UP"},
		{name: "key that can never verify", config: virtual.Config{WithoutPIN: true}, list: []int{0}, eval: "a", prompts: "touch: UP"},
		{name: "key without hmac-secret", config: virtual.Config{WithoutExtensions: []string{"hmac-secret", "hmac-secret-mc"}}, pin: pin, list: []int{0}, eval: "a", prompts: "touch: UP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &person{pins: []string{pin}}
			key, k := plugIn(t, test.config, test.pin, p)
			ids := map[int][]byte{-1: others(t, 1)[0]}
			for i, secret := range secrets {
				c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, Discoverable: true,
					User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{byte(i)}}, CredRandomWithUV: secret, CredRandomWithoutUV: make([]byte, 32)})
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = c.ID
			}
			r := request(webauthn.UserVerificationDiscouraged)
			for _, i := range test.list {
				r.AllowCredentials = append(r.AllowCredentials, listOf(ids[i])...)
			}
			r.Extensions.PRF = &webauthn.PRFInputs{EvalByCredential: map[string]webauthn.PRFValues{}}
			if test.eval != "" {
				r.Extensions.PRF.Eval = &webauthn.PRFValues{First: []byte(test.eval)}
			}
			for i, input := range test.byCredential {
				r.Extensions.PRF.EvalByCredential[string(ids[i])] = webauthn.PRFValues{First: []byte(input)}
			}
			got, err := k.GetAssertion(t.Context(), r)
			if seen := ended(p, got, err); seen != test.prompts {
				t.Fatalf("%s, want %s (%v)", seen, test.prompts, err)
			}
			if err != nil {
				return
			}
			results := got.Extensions.PRF.Results
			switch {
			case test.want == "" && results != nil:
				t.Errorf("results %x", results)
			case test.want != "" && (results == nil || !bytes.Equal(results.First, prfOf(secrets[test.of], []byte(test.want)))):
				t.Errorf("not the outputs for %q: %v", test.want, results)
			}
		})
	}
}

// A credential that was made without hmac-secret has no outputs on most keys, and
// a key must not have garbage taken for one.
func TestPRFOutputs(t *testing.T) {
	for name, outputs := range map[string]struct {
		encoded string
		want    string
	}{
		"too short": {"41 00", "PIN 8, touch: error"},
		"true":      {"f5", "PIN 8, touch: error"},
	} {
		p := &person{pins: []string{pin}}
		key, k := plugIn(t, virtual.Config{}, pin, p)
		c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
		if err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(outputs.encoded), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		key.SetFaults(virtual.Faults{ExtraExtensions: ctap2.Extensions{"hmac-secret": b}})
		r := request(webauthn.UserVerificationDiscouraged, c.ID)
		r.Extensions.PRF = &webauthn.PRFInputs{Eval: &webauthn.PRFValues{First: []byte("a")}}
		got, err := k.GetAssertion(t.Context(), r)
		if seen := ended(p, got, err); seen != outputs.want {
			t.Errorf("%s: %s, %v", name, seen, err)
		}
	}
}
