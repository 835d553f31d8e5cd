package ctap2_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

func TestAuthenticatorDataKnownAnswers(t *testing.T) {
	all, err := vectors()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, b := range all {
		if !strings.HasPrefix(name, "authenticatorData: ") {
			continue
		}
		n++
		a, err := ctap2.ParseAuthenticatorData(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := 32
		if strings.Contains(name, "very long credential ID") {
			want = 1023
		}
		if len(a.AttestedCredentialData.CredentialID) != want || a.Flags&ctap2.FlagAT == 0 || a.Extensions != nil || a.Deviations != nil {
			t.Errorf("%s: %+v", name, a)
		}
		a.Raw = nil
		if back, err := a.Append(nil); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%s encoded again: %x, %v", name, back, err)
		}
	}
	if n != 15 {
		t.Errorf("%d vectors", n)
	}
}

// authData assembles authenticator data of any shape.
func authData(flags ctap2.Flags, rest ...[]byte) []byte {
	b := append(make([]byte, 32), byte(flags), 0, 0, 0, 7)
	return append(b, slices.Concat(rest...)...)
}

func attested(id []byte) []byte {
	return append(binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(id))), id...)
}

func TestAuthenticatorDataErrors(t *testing.T) {
	key := p256Key(t).Append(nil)
	id := make([]byte, 16)
	short := bytes.Replace(key, unhex(t, "2158206b"), unhex(t, "21581f6b"), 1)
	at, ed := ctap2.FlagAT, ctap2.FlagED
	for name, b := range map[string][]byte{
		"empty":                             {},
		"36 bytes":                          make([]byte, 36),
		"trailing byte":                     authData(0, []byte{0}),
		"AT without data":                   authData(at),
		"AT with 17 bytes":                  authData(at, make([]byte, 17)),
		"ID cut short":                      authData(at, attested(id)[:20]),
		"ID of 1,024 bytes":                 authData(at, attested(make([]byte, 1024)), key),
		"ID of 65,535 bytes":                authData(at, attested(make([]byte, 65535)), key),
		"no public key":                     authData(at, attested(id)),
		"public key cut short":              authData(at, attested(id), key[:len(key)-1]),
		"public key is an array":            authData(at, attested(id), []byte{0x80}),
		"public key without type":           authData(at, attested(id), []byte{0xa0}),
		"P-256 x of 31 bytes":               authData(at, attested(id), short),
		"bytes after the key":               authData(at, attested(id), key, []byte{0xa0}),
		"ED without map":                    authData(ed),
		"ED with an array":                  authData(ed, []byte{0x80}),
		"ED with null":                      authData(ed, []byte{0xf6}),
		"ED with integer keys":              authData(ed, []byte{0xa1, 0, 0}),
		"ED with a cut map":                 authData(ed, []byte{0xa1, 0x61}),
		"ED with a count of 2^32":           authData(ed, unhex(t, "baffffffff")),
		"ED with 10,000 nested arrays":      authData(ed, append(unhex(t, "a16161"), bytes.Repeat([]byte{0x81}, 10000)...)),
		"bytes after the extension outputs": authData(ed, []byte{0xa0, 0}),
	} {
		if a, err := ctap2.ParseAuthenticatorData(b); err == nil {
			t.Errorf("%s: parsed as %+v", name, a)
		} else if !strings.HasPrefix(err.Error(), "ctap2: authenticator data: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthenticatorDataExtensions(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := cose.New(private.Public(), cose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	a := &ctap2.AuthenticatorData{
		RPIDHash: [32]byte{1}, Flags: ctap2.FlagUP | ctap2.FlagUV, SignCount: 1<<32 - 1,
		AttestedCredentialData: &ctap2.AttestedCredentialData{AAGUID: ctap2.AAGUID{2}, CredentialID: make([]byte, 1023), PublicKey: key},
		Extensions:             ctap2.Extensions{},
	}
	if err := a.Extensions.Set(ctap2.ExtensionCredProtect, 2); err != nil {
		t.Fatal(err)
	}
	if err := a.Extensions.Set("vendor", map[string][]byte{"x": {1}}); err != nil {
		t.Fatal(err)
	}
	b, err := a.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ctap2.ParseAuthenticatorData(b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Flags != ctap2.FlagUP|ctap2.FlagUV|ctap2.FlagAT|ctap2.FlagED || got.SignCount != a.SignCount || got.RPIDHash != a.RPIDHash {
		t.Errorf("%+v", got)
	}
	var level uint
	if ok, err := got.Extensions.Get(ctap2.ExtensionCredProtect, &level); !ok || err != nil || level != 2 {
		t.Errorf("credProtect: %v, %v, %d", ok, err, level)
	}
	if ok, err := got.Extensions.Get("vendor", &level); !ok || err == nil {
		t.Errorf("a map as an integer: %v, %v", ok, err)
	}
	if ok, err := got.Extensions.Get("absent", &level); ok || err != nil {
		t.Errorf("absent: %v, %v", ok, err)
	}
	if err := a.Extensions.Set("bad", func() {}); err == nil {
		t.Error("a function was encoded")
	}
	a.AttestedCredentialData.CredentialID = make([]byte, 1024)
	if _, err := a.Append(nil); err == nil {
		t.Error("a credential ID of 1,024 bytes was encoded")
	}
	a.AttestedCredentialData.CredentialID = nil
	a.AttestedCredentialData.PublicKey = nil
	if _, err := a.Append(nil); err == nil {
		t.Error("a credential without a key was encoded")
	}
}

// The CBOR inside the byte string obeys the same rules as that around it.
func TestAuthenticatorDataDeviations(t *testing.T) {
	key := p256Key(t).Append(nil)
	swapped := slices.Concat([]byte{0xa5}, key[3:6], key[1:3], key[6:]) // alg before kty
	b := authData(ctap2.FlagAT|ctap2.FlagED, attested(make([]byte, 16)), swapped, unhex(t, "a1616118"+"01"))
	a, err := ctap2.ParseAuthenticatorData(b)
	if err != nil {
		t.Fatal(err)
	}
	keyAt := 37 + 18 + 16
	want := []cbor.Deviation{
		{Kind: cbor.UnsortedKeys, Offset: keyAt + 1 + 3},
		{Kind: cbor.NonMinimalInt, Offset: keyAt + len(key) + 3},
	}
	if !slices.Equal(a.Deviations, want) {
		t.Errorf("got %v, want %v", a.Deviations, want)
	}
	if again, err := a.Append(nil); err != nil || !bytes.Equal(again, b) {
		t.Errorf("encoded again: %x, %v", again, err)
	}
}
