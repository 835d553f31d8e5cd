package ctap2_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

func TestExtensionInputs(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*ctap2.Extensions)
		want string // encoded
	}{
		{"credProtect", func(e *ctap2.Extensions) { e.SetCredProtect(ctap2.CredProtectUVRequired) }, "a16b6372656450726f7465637403"},
		{"credBlob stored", func(e *ctap2.Extensions) { e.SetCredBlob([]byte{1, 2}) }, "a16863726564426c6f62420102"},
		{"credBlob stored, empty", func(e *ctap2.Extensions) { e.SetCredBlob(nil) }, "a16863726564426c6f6240"},
		{"credBlob read", (*ctap2.Extensions).RequestCredBlob, "a16863726564426c6f62f5"},
		{"hmac-secret enabled", (*ctap2.Extensions).RequestHMACSecret, "a16b686d61632d736563726574f5"},
		{"largeBlobKey", (*ctap2.Extensions).RequestLargeBlobKey, "a16c6c61726765426c6f624b6579f5"},
		{"largeBlob preferred", func(e *ctap2.Extensions) { e.SetLargeBlobSupport(ctap2.LargeBlobPreferred) },
			"a1696c61726765426c6f62a167737570706f727469707265666572726564"},
		{"largeBlob read", (*ctap2.Extensions).RequestLargeBlob, "a1696c61726765426c6f62a16472656164f5"},
		{"minPinLength", (*ctap2.Extensions).RequestMinPINLength, "a16c6d696e50696e4c656e677468f5"},
		{"pinComplexityPolicy", (*ctap2.Extensions).RequestPINComplexityPolicy, "a17370696e436f6d706c6578697479506f6c696379f5"},
		{"thirdPartyPayment", (*ctap2.Extensions).RequestThirdPartyPayment, "a171746869726450617274795061796d656e74f5"},
		{"two", func(e *ctap2.Extensions) { e.RequestMinPINLength(); e.SetCredProtect(2) }, "a26b6372656450726f74656374026c6d696e50696e4c656e677468f5"},
	} {
		var e ctap2.Extensions
		test.set(&e)
		if b, err := cbor.Marshal(e); err != nil || hex.EncodeToString(b) != test.want {
			t.Errorf("%s: %x, %v", test.name, b, err)
		}
	}
}

func TestExtensionOutputs(t *testing.T) {
	type outputs struct {
		protect    ctap2.CredProtect
		stored     bool
		blob       []byte
		hmac       bool
		length     uint
		policy     *bool
		thirdParty bool
	}
	read := func(e ctap2.Extensions) (o outputs, err error) {
		var errs [7]error
		o.protect, errs[0] = e.CredProtect()
		o.hmac, errs[1] = e.HMACSecretEnabled()
		o.length, errs[2] = e.MinPINLength()
		o.policy, errs[3] = e.PINComplexityPolicy()
		o.thirdParty, errs[4] = e.ThirdPartyPayment()
		if _, isBlob := e["credBlob"]; isBlob && e["credBlob"][0]>>5 == 2 {
			o.blob, errs[5] = e.CredBlob()
		} else {
			o.stored, errs[6] = e.CredBlobStored()
		}
		return o, errors.Join(errs[:]...)
	}
	if o, err := read(nil); err != nil || o.protect != 0 || o.stored || o.hmac || o.length != 0 || o.policy != nil || o.thirdParty {
		t.Errorf("none: %+v, %v", o, err)
	}
	o, err := read(ctap2.Extensions{"credProtect": {2}, "credBlob": {0xf5}, "hmac-secret": {0xf5}, "minPinLength": {6},
		"pinComplexityPolicy": {0xf4}, "thirdPartyPayment": {0xf5}, "unknown": {0xf6}})
	if err != nil || o.protect != ctap2.CredProtectUVOptionalWithCredentialIDList || !o.stored || !o.hmac || o.length != 6 || o.policy == nil || *o.policy || !o.thirdParty {
		t.Errorf("all: %+v, %v", o, err)
	}
	if o, err = read(ctap2.Extensions{"credBlob": {0x40}}); err != nil || o.blob == nil || len(o.blob) != 0 {
		t.Errorf("empty credBlob: %+v, %v", o, err)
	}
	for id := range map[string]bool{"credProtect": true, "credBlob": true, "hmac-secret": true, "minPinLength": true, "pinComplexityPolicy": true, "thirdPartyPayment": true} {
		if _, err := read(ctap2.Extensions{id: {0x80}}); err == nil {
			t.Errorf("%s that is an array is read", id)
		}
	}
	for level, want := range map[ctap2.CredProtect]string{1: "userVerificationOptional", 2: "userVerificationOptionalWithCredentialIDList",
		3: "userVerificationRequired", 9: "credProtect 9"} {
		if level.String() != want {
			t.Errorf("%d is %q", level, level)
		}
	}
}

func TestLargeBlobExtension(t *testing.T) {
	text := bytes.Repeat([]byte("blob "), 50)
	var e ctap2.Extensions
	if err := e.SetLargeBlob(text); err != nil {
		t.Fatal(err)
	}
	var in ctap2.LargeBlobInput
	if _, err := e.Get(ctap2.ExtensionLargeBlob, &in); err != nil || in.Read || in.Support != "" || *in.OriginalSize != 250 || len(in.Write) >= 250 {
		t.Errorf("%+v, %v", in, err)
	}
	outputs := ctap2.Extensions{}
	if err := outputs.Set(ctap2.ExtensionLargeBlob, ctap2.LargeBlobOutput{Blob: in.Write, OriginalSize: in.OriginalSize}); err != nil {
		t.Fatal(err)
	}
	o, err := outputs.LargeBlob()
	if err != nil {
		t.Fatal(err)
	}
	if data, err := o.Data(); err != nil || !bytes.Equal(data, text) {
		t.Errorf("%q, %v", data, err)
	}
	if o, err := (ctap2.Extensions{}).LargeBlob(); o != nil || err != nil {
		t.Errorf("absent: %v, %v", o, err)
	}
	if data, err := (&ctap2.LargeBlobOutput{Written: new(true)}).Data(); data != nil || err != nil {
		t.Errorf("nothing stored: %v, %v", data, err)
	}
	for name, bad := range map[string]ctap2.LargeBlobOutput{
		"no size":   {Blob: in.Write},
		"size 2^63": {Blob: in.Write, OriginalSize: new(uint64(1 << 63))},
		"bomb":      {Blob: deflated(t, make([]byte, 1<<20)), OriginalSize: new(uint64(10))},
	} {
		if data, err := bad.Data(); err == nil {
			t.Errorf("%s: %d bytes", name, len(data))
		}
	}
	if err := e.SetLargeBlob(make([]byte, ctap2.MaxLargeBlobSize+1)); err == nil {
		t.Error("a byte more than the largest is taken")
	}
}

// The published exchange of the extension prf, byte for byte.
func TestHMACSecretKnownAnswers(t *testing.T) {
	v := func(name string) []byte { return vector(t, "prf: "+name) }
	one, two := ctap2.PRFSalt(v("prf_eval_first")), ctap2.PRFSalt(v("prf_eval_second"))
	if !bytes.Equal(one[:], v("salt1")) || !bytes.Equal(two[:], v("salt2")) {
		t.Fatalf("salts %x, %x", one, two)
	}
	point := func(owner string) map[int]any {
		return map[int]any{1: 2, 3: -25, -1: 1, -2: v(owner + "_x"), -3: v(owner + "_y")}
	}
	for _, test := range []struct {
		name     string
		protocol pinuv.Protocol
		vectors  string
		salts    [][32]byte
		want     [][]byte
	}{
		{"protocol one, one salt", pinuv.One, "P1 %s, one salt", [][32]byte{one}, [][]byte{v("output1")}},
		{"protocol two, one salt", pinuv.Two, "P2 %s, one salt", [][32]byte{one}, [][]byte{v("output1")}},
		{"protocol two, two salts", pinuv.Two, "P2 %s, two salts", [][32]byte{one, two}, [][]byte{v("output1"), v("output2")}},
	} {
		named := func(part string) []byte {
			name := string(bytes.Replace([]byte(test.vectors), []byte("%s"), []byte(part), 1))
			if part == "output_enc" {
				name = name[:len("P1 output_enc, one")]
			}
			return v(name)
		}
		random := v("platform_private_key")
		if test.protocol == pinuv.Two {
			random = append(random, named("salt_enc")[:16]...)
		}
		info := reply(t, map[uint64]any{1: []string{"FIDO_2_1"}, 2: []string{"hmac-secret"}, 3: make([]byte, 16), 6: []uint{uint(test.protocol)}})
		s := &script{replies: [][]byte{info, reply(t, map[uint64]any{1: point("authenticator")})}}
		x, err := ctap2.NewClient(s, &ctap2.ClientConfig{Rand: bytes.NewReader(random)}).HMACSecretExchange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var e ctap2.Extensions
		if err := x.Request(&e, test.salts...); err != nil {
			t.Fatal(err)
		}
		want := map[int]any{1: point("platform"), 2: named("salt_enc"), 3: named("salt_auth")}
		if test.protocol == pinuv.Two {
			want[4] = 2
		}
		if b, err := cbor.Marshal(want); err != nil || !bytes.Equal(e["hmac-secret"], b) {
			t.Errorf("%s: input %x, want %x, %v", test.name, e["hmac-secret"], b, err)
		}
		in, err := ctap2.ParseHMACSecretInput(e["hmac-secret"])
		if err != nil || !bytes.Equal(in.SaltEnc, named("salt_enc")) || (in.PinUvAuthProtocol != nil) != (test.protocol == pinuv.Two) {
			t.Errorf("%s: parsed %+v, %v", test.name, in, err)
		}
		outputs := ctap2.Extensions{}
		if err := outputs.Set("hmac-secret", named("output_enc")); err != nil {
			t.Fatal(err)
		}
		got, err := x.Outputs(outputs)
		if err != nil || !slices.EqualFunc(got, test.want, func(a [32]byte, b []byte) bool { return bytes.Equal(a[:], b) }) {
			t.Errorf("%s: outputs %x, %v, want %x", test.name, got, err, test.want)
		}
		x.Wipe()
	}
}

func TestHMACSecretRefusals(t *testing.T) {
	k := newFakeKey(t, "", pinuv.Two)
	delete(k.info.Options, ctap2.OptionClientPIN)
	c := ctap2.NewClient(k, nil)
	if _, err := c.HMACSecretExchange(t.Context()); !errors.Is(err, errors.ErrUnsupported) || !slices.Equal(k.took(), []string{"authenticatorGetInfo"}) {
		t.Errorf("a key without it: %v", err)
	}
	k.info.Extensions = []string{"hmac-secret"}
	c = ctap2.NewClient(k, nil)
	x, err := c.HMACSecretExchange(t.Context()) // needs no PIN
	if err != nil || !slices.Equal(k.took(), []string{"authenticatorGetInfo", "getKeyAgreement"}) {
		t.Fatal(err)
	}
	var e ctap2.Extensions
	if err := x.RequestMC(&e, [32]byte{}); !errors.Is(err, errors.ErrUnsupported) || e != nil {
		t.Errorf("when a credential is made: %v", err)
	}
	for _, salts := range [][][32]byte{nil, make([][32]byte, 3)} {
		if err := x.Request(&e, salts...); err == nil || e != nil {
			t.Errorf("%d salts: %v", len(salts), err)
		}
	}
	if err := x.Request(&e, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	if got, err := x.Outputs(nil); got != nil || err != nil {
		t.Errorf("no output: %v, %v", got, err)
	}
	for name, output := range map[string]any{"true": true, "empty": []byte{}, "initialisation vector alone": make([]byte, 16),
		"16 bytes": make([]byte, 32), "two outputs for one salt": make([]byte, 80), "31 bytes": make([]byte, 47), "a thousand": make([]byte, 16016)} {
		outputs := ctap2.Extensions{}
		if err := outputs.Set("hmac-secret", output); err != nil {
			t.Fatal(err)
		}
		if got, err := x.Outputs(outputs); err == nil {
			t.Errorf("%s: %x", name, got)
		}
	}

	k.info.Extensions = append(k.info.Extensions, "hmac-secret-mc")
	if x, err = ctap2.NewClient(k, nil).HMACSecretExchange(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.RequestMC(&e, [32]byte{1}, [32]byte{2}); err != nil || e["hmac-secret"][0] != 0xf5 {
		t.Fatalf("%x, %v", e["hmac-secret"], err)
	}
	in, err := ctap2.ParseHMACSecretInput(e["hmac-secret-mc"])
	if err != nil {
		t.Fatal(err)
	}
	secret, err := k.agreement.Decapsulate(*in.PinUvAuthProtocol, in.KeyAgreement)
	if err != nil || !secret.Verify(in.SaltEnc, in.SaltAuth) {
		t.Fatal("the key can't verify the salts", err)
	}
	enc, err := secret.Encrypt(nil, bytes.Repeat([]byte{9}, 64))
	if err != nil {
		t.Fatal(err)
	}
	outputs := ctap2.Extensions{"hmac-secret": {0xf5}}
	if err := outputs.Set("hmac-secret-mc", enc); err != nil {
		t.Fatal(err)
	}
	if got, err := x.Outputs(outputs); err != nil || len(got) != 2 || got[1][31] != 9 {
		t.Errorf("%x, %v", got, err)
	}
	for _, missing := range []string{"a20241000341 00", "a1014100", "a0"} {
		if _, err := ctap2.ParseHMACSecretInput(unhex(t, string(bytes.ReplaceAll([]byte(missing), []byte(" "), nil)))); err == nil {
			t.Errorf("%s is parsed", missing)
		}
	}
}
