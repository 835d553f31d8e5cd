package virtual_test

import (
	"bytes"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

func TestCredProtectInput(t *testing.T) {
	h := newHost(t, virtual.Config{})
	for _, test := range []struct {
		name   string
		input  cbor.RawMessage
		want   ctap2.Status
		output bool
	}{
		{"optional", cbor.RawMessage{1}, 0, true},
		{"optional with list", cbor.RawMessage{2}, 0, true},
		{"required", cbor.RawMessage{3}, 0, true},
		{"none", nil, 0, false},
		{"zero", cbor.RawMessage{0}, ctap2.StatusInvalidParameter, false},
		{"four", cbor.RawMessage{4}, ctap2.StatusInvalidParameter, false},
		{"text", cbor.RawMessage{0x61, '1'}, ctap2.StatusCBORUnexpectedType, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := h.complete(&ctap2.MakeCredentialRequest{})
			if test.input != nil {
				r.Extensions = ctap2.Extensions{ctap2.ExtensionCredProtect: test.input}
			}
			status, b := h.send(r)
			if status != test.want {
				t.Fatalf("answered %v, want %v", status, test.want)
			}
			if status != 0 {
				return
			}
			response, err := ctap2.ParseMakeCredentialResponse(b)
			if err != nil {
				t.Fatal(err)
			}
			output, ok := response.AuthData.Extensions[ctap2.ExtensionCredProtect]
			if ok != test.output || ok && !bytes.Equal(output, test.input) {
				t.Errorf("output %x", output)
			}
		})
	}
}

// Who sees a credential of each level.
func TestCredProtect(t *testing.T) {
	for _, rk := range []bool{true, false} {
		for level := byte(0); level <= 3; level++ { // zero: without the extension
			h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
			request := &ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk, UV: new(true)}}
			if level > 0 {
				request.Extensions = ctap2.Extensions{ctap2.ExtensionCredProtect: {level}}
			}
			id := h.create(request).AuthData.AttestedCredentialData.CredentialID
			h.key.PowerCycle()
			for _, verified := range []bool{false, true} {
				for _, listed := range []bool{false, true} {
					r := h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UV: &verified}})
					if listed {
						r.AllowList = allow(id)
					}
					visible := (rk || listed) && (verified || level < 2 || level == 2 && listed)
					want := ctap2.StatusSuccess
					if !visible {
						want = ctap2.StatusNoCredentials
					}
					if got, _ := h.send(r); got != want {
						t.Errorf("rk %v, level %d, verified %v, listed %v: answered %v, want %v", rk, level, verified, listed, got, want)
					}
				}
				want := ctap2.StatusCredentialExcluded
				if level == 3 && !verified {
					want = ctap2.StatusSuccess
				}
				got, _ := h.send(h.complete(&ctap2.MakeCredentialRequest{User: grace, ExcludeList: allow(id), Options: ctap2.Options{UV: &verified}}))
				if got != want {
					t.Errorf("rk %v, level %d, verified %v: excludeList answered %v, want %v", rk, level, verified, got, want)
				}
			}
		}
	}
}

// salted is the input of hmac-secret.
type salted struct {
	KeyAgreement *cose.Key      `cbor:"1,keyasint,omitzero"`
	SaltEnc      []byte         `cbor:"2,keyasint,omitzero"`
	SaltAuth     []byte         `cbor:"3,keyasint,omitzero"`
	Protocol     pinuv.Protocol `cbor:"4,keyasint,omitzero"`
}

func (h *host) salts(n int) (*salted, *pinuv.SharedSecret) {
	h.t.Helper()
	key, secret := h.agree()
	enc := h.encrypt(secret, bytes.Repeat([]byte{7}, n))
	return &salted{key, enc, secret.Authenticate(enc), h.protocol}, secret
}

func TestHMACSecret(t *testing.T) {
	both(t, virtual.Config{UV: virtual.ConfiguredUV}, func(t *testing.T, h *host) {
		made := h.create(&ctap2.MakeCredentialRequest{Options: ctap2.Options{UV: new(true)}, Extensions: ctap2.Extensions{ctap2.ExtensionHMACSecret: {0xf5}}})
		if !bytes.Equal(made.AuthData.Extensions[ctap2.ExtensionHMACSecret], []byte{0xf5}) {
			t.Errorf("outputs %v", made.AuthData.Extensions)
		}
		id := made.AuthData.AttestedCredentialData.CredentialID
		secret := func(n int, uv bool, id []byte) []byte {
			t.Helper()
			in, shared := h.salts(n)
			r := &ctap2.GetAssertionRequest{AllowList: allow(id), Options: ctap2.Options{UV: &uv}, Extensions: ctap2.Extensions{}}
			if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
				t.Fatal(err)
			}
			var encrypted []byte
			if ok, err := h.assert(r).AuthData.Extensions.Get(ctap2.ExtensionHMACSecret, &encrypted); !ok || err != nil {
				t.Fatal(ok, err)
			}
			plain, err := shared.Decrypt(encrypted)
			if err != nil || len(plain) != n {
				t.Fatalf("%d bytes, %v", len(plain), err)
			}
			return plain
		}
		plain := secret(32, false, id)
		h.key.PowerCycle()
		if again := secret(64, false, id); !bytes.Equal(again[:32], plain) || !bytes.Equal(again[32:], plain) {
			t.Error("the same salt gives another output")
		}
		if bytes.Equal(secret(32, true, id), plain) {
			t.Error("the output does not depend on user verification")
		}
		h.discoverable2(ada)
		if bytes.Equal(secret(32, false, h.key.Credentials()[0].ID), plain) {
			t.Error("two credentials have the same output")
		}
		off := h.create(&ctap2.MakeCredentialRequest{Extensions: ctap2.Extensions{ctap2.ExtensionHMACSecret: {0xf4}}})
		if off.AuthData.Extensions != nil {
			t.Errorf("outputs %v for false", off.AuthData.Extensions)
		}
		in, _ := h.salts(32)
		silent := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id), Options: ctap2.Options{UP: new(false)}, Extensions: ctap2.Extensions{}})
		if err := silent.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
			t.Fatal(err)
		}
		h.want(ctap2.StatusUnsupportedOption, silent)
	})
}

// discoverable2 puts an account on a key that would want user verification for
// it.
func (h *host) discoverable2(user ctap2.PublicKeyCredentialUserEntity) {
	h.t.Helper()
	if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: user, Discoverable: true}); err != nil {
		h.t.Fatal(err)
	}
}

// Without a protocol the salts are those of protocol one, if the key has it.
func TestHMACSecretWithoutProtocol(t *testing.T) {
	for _, test := range []struct {
		protocols []pinuv.Protocol
		want      ctap2.Status
	}{{nil, 0}, {[]pinuv.Protocol{pinuv.Two}, ctap2.StatusPINAuthInvalid}} {
		h := newHost(t, virtual.Config{Protocols: test.protocols})
		h.discoverable2(ada)
		if test.want == 0 {
			h.protocol = pinuv.One
		}
		in, _ := h.salts(32)
		in.Protocol = 0
		r := h.ask(&ctap2.GetAssertionRequest{Extensions: ctap2.Extensions{}})
		if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
			t.Fatal(err)
		}
		h.want(test.want, r)
	}
}

// Each assertion of getNextAssertion carries the outputs.
func TestExtensionsOfNextAssertion(t *testing.T) {
	h, _ := next(t, virtual.Config{})
	in, shared := h.salts(32)
	r := &ctap2.GetAssertionRequest{Extensions: ctap2.Extensions{"unknown": {0x01}}}
	if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	response := h.assert(r)
	for range 3 {
		var encrypted []byte
		if ok, err := response.AuthData.Extensions.Get(ctap2.ExtensionHMACSecret, &encrypted); !ok || err != nil || len(response.AuthData.Extensions) != 1 {
			t.Fatal(ok, err, response.AuthData.Extensions)
		}
		plain, err := shared.Decrypt(encrypted)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(plain)] = true
		if len(seen) < 3 {
			response = h.assertion(h.want(0, getNextAssertion))
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d different outputs, want 3", len(seen))
	}
}

// The mark of thirdPartyPayment is set when the credential is made, and told when
// it is asked for.
func TestThirdPartyPayment(t *testing.T) {
	const id = ctap2.ExtensionThirdPartyPayment
	for _, test := range []struct {
		name         string
		create, get  cbor.RawMessage
		onCreate, on ctap2.Status
		want         cbor.RawMessage
	}{
		{"marked, asked", cbor.RawMessage{0xf5}, cbor.RawMessage{0xf5}, 0, 0, cbor.RawMessage{0xf5}},
		{"not marked, asked", nil, cbor.RawMessage{0xf5}, 0, 0, cbor.RawMessage{0xf4}},
		{"marked false, asked", cbor.RawMessage{0xf4}, cbor.RawMessage{0xf5}, 0, 0, cbor.RawMessage{0xf4}},
		{"marked, asked with false", cbor.RawMessage{0xf5}, cbor.RawMessage{0xf4}, 0, 0, nil},
		{"marked, not asked", cbor.RawMessage{0xf5}, nil, 0, 0, nil},
		{"marked with 1", cbor.RawMessage{1}, nil, ctap2.StatusCBORUnexpectedType, 0, nil},
		{"asked with text", cbor.RawMessage{0xf5}, cbor.RawMessage{0x61, 'a'}, 0, ctap2.StatusCBORUnexpectedType, nil},
	} {
		for _, rk := range []bool{false, true} {
			h := newHost(t, virtual.Config{})
			r := h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk}})
			if test.create != nil {
				r.Extensions = ctap2.Extensions{id: test.create}
			}
			status, b := h.send(r)
			if status != test.onCreate {
				t.Errorf("%s: makeCredential answered %v", test.name, status)
			}
			if status != 0 {
				continue
			}
			made, err := ctap2.ParseMakeCredentialResponse(b)
			if err != nil || made.AuthData.Extensions != nil {
				t.Errorf("%s: outputs %v, %v", test.name, made.AuthData.Extensions, err)
			}
			h.key.PowerCycle()
			ask := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(made.AuthData.AttestedCredentialData.CredentialID)})
			if test.get != nil {
				ask.Extensions = ctap2.Extensions{id: test.get}
			}
			if status, b = h.send(ask); status != test.on {
				t.Errorf("%s: getAssertion answered %v", test.name, status)
			}
			if status == 0 && !bytes.Equal(h.assertion(b).AuthData.Extensions[id], test.want) {
				t.Errorf("%s: outputs %v", test.name, h.assertion(b).AuthData.Extensions)
			}
			if marked := bytes.Equal(test.create, cbor.RawMessage{0xf5}); rk && h.key.Credentials()[0].ThirdPartyPayment != marked {
				t.Errorf("%s: marked is not %v", test.name, marked)
			}
		}
	}
}

// A key may have a level of credProtect of its own, which it tells unasked, and
// one that a fault forces upon it.
func TestCredProtectOfTheKey(t *testing.T) {
	for _, test := range []struct {
		name    string
		own     ctap2.CredProtect
		forced  ctap2.CredProtect
		asked   ctap2.CredProtect
		without bool // the key does not have the extension
		told    ctap2.CredProtect
		level   ctap2.CredProtect
	}{
		{"none, not asked", 0, 0, 0, false, 0, 1},
		{"lowest, not asked", 1, 0, 0, false, 0, 1},
		{"own, not asked", 2, 0, 0, false, 2, 2},
		{"own, asked for more", 2, 0, 3, false, 3, 3},
		{"own, asked for less", 3, 0, 1, false, 1, 1},
		{"forced, not asked", 0, 3, 0, false, 3, 3},
		{"forced, asked for less", 0, 3, 2, false, 3, 3},
		{"forced, asked for more", 0, 1, 3, false, 1, 1},
		{"own, without the extension", 3, 0, 0, true, 0, 1},
	} {
		c := virtual.Config{CredProtect: test.own, Faults: virtual.Faults{CredProtect: test.forced}}
		if test.without {
			c.WithoutExtensions = []string{ctap2.ExtensionCredProtect}
		}
		h := newHost(t, c)
		r := &ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}}
		if test.asked != 0 {
			r.Extensions.SetCredProtect(test.asked)
		}
		if told, err := h.create(r).AuthData.Extensions.CredProtect(); err != nil || told != test.told {
			t.Errorf("%s: the key tells %v, %v", test.name, told, err)
		}
		if level := h.key.Credentials()[0].CredProtect; level != test.level {
			t.Errorf("%s: the level is %v", test.name, level)
		}
	}
	if _, err := virtual.New(virtual.Config{CredProtect: 4}); err == nil {
		t.Error("a level of 4 is taken")
	}
}

// Outputs that nobody asked for are in every authenticator data, and the flag ED
// says so; without any there is no flag.
func TestExtraExtensions(t *testing.T) {
	h := newHost(t, virtual.Config{Faults: virtual.Faults{ExtraExtensions: ctap2.Extensions{"vendor": {0x83, 1, 2, 3}, "a": {0xf6}}}})
	made := h.create(&ctap2.MakeCredentialRequest{Extensions: ctap2.Extensions{ctap2.ExtensionHMACSecret: {0xf5}}})
	got := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(made.AuthData.AttestedCredentialData.CredentialID)})
	for i, data := range []ctap2.AuthenticatorData{made.AuthData, got.AuthData} {
		if want := 3 - i; len(data.Extensions) != want || !bytes.Equal(data.Extensions["vendor"], []byte{0x83, 1, 2, 3}) || data.Flags&ctap2.FlagED == 0 {
			t.Errorf("%v, %v", data.Extensions, data.Flags)
		}
	}
	h.key.SetFaults(virtual.Faults{})
	if data := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(made.AuthData.AttestedCredentialData.CredentialID)}).AuthData; data.Flags&ctap2.FlagED != 0 || data.Extensions != nil {
		t.Errorf("%v, %v", data.Extensions, data.Flags)
	}
}

// The map of extensions, and what the key does not know in it.
func TestExtensionMap(t *testing.T) {
	h := newHost(t, virtual.Config{})
	id := h.create(&ctap2.MakeCredentialRequest{}).AuthData.AttestedCredentialData.CredentialID
	for _, test := range []struct {
		name  string
		value any
		want  ctap2.Status
	}{
		{"empty", map[string]any{}, 0},
		{"unknown", map[string]any{"example.com/x": map[int]any{1: []any{1, "a", nil}}}, 0},
		{"text", "credProtect", ctap2.StatusCBORUnexpectedType},
		{"array", []any{}, ctap2.StatusCBORUnexpectedType},
		{"null", nil, ctap2.StatusCBORUnexpectedType},
		{"integer keys", map[int]any{1: 1}, ctap2.StatusCBORUnexpectedType},
	} {
		create := map[int]any{1: hash[:], 2: map[string]any{"id": rp.ID}, 3: map[string]any{"id": []byte{1}},
			4: []any{map[string]any{"alg": -7, "type": "public-key"}}, 6: test.value}
		get := map[int]any{1: rp.ID, 2: hash[:], 3: []any{map[string]any{"id": id, "type": "public-key"}}, 4: test.value}
		for command, members := range map[ctap2.Command]any{ctap2.CommandMakeCredential: create, ctap2.CommandGetAssertion: get} {
			b, err := cbor.Append([]byte{byte(command)}, members)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := h.send(raw(b)); got != test.want {
				t.Errorf("%s: %v answered %v, want %v", test.name, command, got, test.want)
			}
		}
	}
}

// An ID tells neither the algorithm nor what extensions keep: they all fit into
// the usual length, and nothing has to be stored.
func TestSealedIDsHaveOneLength(t *testing.T) {
	h := newHost(t, virtual.Config{})
	length := 0
	for _, alg := range []cose.Algorithm{cose.ES256, cose.EdDSA, cose.ES384} {
		for _, e := range []ctap2.Extensions{
			nil, {ctap2.ExtensionCredProtect: {3}}, {ctap2.ExtensionThirdPartyPayment: {0xf5}},
			{ctap2.ExtensionCredProtect: {2}, ctap2.ExtensionThirdPartyPayment: {0xf5}, ctap2.ExtensionHMACSecret: {0xf5}},
		} {
			made := h.create(&ctap2.MakeCredentialRequest{Extensions: e, PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: alg, Type: ctap2.TypePublicKey}}})
			n := len(made.AuthData.AttestedCredentialData.CredentialID)
			if length == 0 {
				length = n
			}
			if n != length || len(h.key.Credentials()) != 0 {
				t.Errorf("%v, %v: %d bytes, not %d, %d stored", alg, e, n, length, len(h.key.Credentials()))
			}
		}
	}
	for _, secret := range [][]byte{{}, make([]byte, 31), make([]byte, 33)} {
		if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, CredRandomWithUV: secret}); err == nil {
			t.Errorf("CredRandom of %d bytes is taken", len(secret))
		}
	}
	if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, CredProtect: 4}); err == nil {
		t.Error("credProtect 4 is taken")
	}
}
