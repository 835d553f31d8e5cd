package cose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
)

const (
	x  = "a5fd5ce1b1c458c530a54fa61b31bf6b04be8b97afde54dd8cbb69275a8a1be1"
	y  = "fa3a3231dd9deed9d1897be5a6228c59501e4bcd12975d3dff730f01278ea61c"
	xs = "215820" + x // the members x and y, encoded
	ys = "225820" + y
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	modulus := strings.Repeat("ff", 128)
	for _, c := range []struct {
		name  string
		key   string
		label int64 // of the member at fault
		fault string
	}{
		{"ES256", "a501020326" + "2001" + xs + ys, 0, ""},
		{"members out of order", "a5" + ys + "0326" + xs + "2001" + "0102", 0, ""},
		{"an unknown member", "a6" + "01020326" + "2001" + xs + ys + "3843" + "01", 0, ""},
		{"no algorithm", "a4" + "0102" + "2001" + xs + ys, 0, ""},
		{"an unknown algorithm", "a5" + "0102" + "03393038" + "2001" + xs + ys, 0, ""},
		{"an unknown curve with other sizes", "a5" + "01020326" + "200b" + "2141aa" + "2241bb", 0, ""},
		{"an unknown key type", "a3" + "010c" + "033930ff" + "2041aa", 0, ""},
		{"an AKP key", "a3" + "0107" + "03382f" + "2041aa", 0, ""},
		{"Ed448", "a4" + "0101" + "033834" + "2007" + "215839" + strings.Repeat("aa", 57), 0, ""},
		{"RSA", "a4" + "0103" + "03390100" + "205880" + modulus + "2143010001", 0, ""},

		{"nothing", "", 0, "not a map"},
		{"an array", "80", 0, "not a map"},
		{"an empty map", "a0", 1, "missing"},
		{"text labels", "a1" + "616101", 0, "not a map"},
		{"cut short", "a501020326" + "2001" + xs, 0, "not a map"},
		{"trailing bytes", "a501020326" + "2001" + xs + ys + "00", 0, "map"},
		{"a label that appears twice", "a6" + "01020326" + "2001" + xs + xs + ys, 0, "map"},
		{"no key type", "a1" + "0326", 1, "missing"},
		{"key type is text", "a1" + "016132", 1, "not an integer"},
		{"algorithm is text", "a2" + "0102" + "036132", 3, "not an integer"},
		{"curve is a byte string", "a3" + "0102" + "0326" + "204101", -1, "not an integer"},
		{"x missing", "a4" + "01020326" + "2001" + ys, -2, "0 bytes, want 32"},
		{"x short", "a5" + "01020326" + "2001" + "2141aa" + ys, -2, "1 bytes, want 32"},
		{"x long", "a5" + "01020326" + "2001" + "215821" + "00" + x + ys, -2, "33 bytes, want 32"},
		{"y missing", "a4" + "01020326" + "2001" + xs, -3, "0 bytes, want 32"},
		{"y a sign bit", "a5" + "01020326" + "2001" + xs + "22f5", -3, "compressed"},
		{"x of Ed25519 long", "a4" + "0101" + "0327" + "2006" + "215821" + "00" + x, -2, "33 bytes, want 32"},
		{"modulus too long", "a4" + "0103" + "03390100" + "20590401" + strings.Repeat("ff", 1025) + "2143010001", -1, "1025 bytes"},
		{"modulus is an integer", "a4" + "0103" + "03390100" + "2001" + "2143010001", -1, "not a byte string"},
		{"exponent is an integer", "a4" + "0103" + "03390100" + "2041ff" + "211a00010001", -2, "not a byte string"},
		{"larger than MaxSize", "a1" + "0159" + "1000" + strings.Repeat("00", 4096), 0, "at most 4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.key)
			k, err := cose.Parse(b)
			if c.fault != "" {
				e, ok := errors.AsType[*cose.KeyError](err)
				if !ok {
					t.Fatalf("error %v, want a KeyError", err)
				}
				if e.Label != c.label || !strings.Contains(e.Error(), c.fault) {
					t.Errorf("label %d, %v, want label %d and %q", e.Label, e, c.label, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := k.Append([]byte("x"))[1:]; !bytes.Equal(got, b) {
				t.Errorf("Append = %x, want %x", got, b)
			}
			b[0] = 0xff
			if k.Raw[0] == 0xff {
				t.Error("Raw shares memory with the input")
			}
		})
	}
}

func TestKeyInsideStruct(t *testing.T) {
	type response struct {
		KeyAgreement *cose.Key `cbor:"1,keyasint,omitempty"`
	}
	b := unhex(t, "a101a50102033818200121"+"5820"+x+ys)
	var r response
	if _, err := cbor.UnmarshalLenient(b, &r); err != nil {
		t.Fatal(err)
	}
	if r.KeyAgreement.Alg != cose.ECDHESHKDF256 {
		t.Errorf("Alg = %v", r.KeyAgreement.Alg)
	}
	r.KeyAgreement.Raw = nil
	if got, err := cbor.Marshal(r); err != nil || !bytes.Equal(got, b) {
		t.Errorf("Marshal = %x, %v, want %x", got, err, b)
	}
	if _, err := cbor.UnmarshalLenient(unhex(t, "a101a101616b"), &r); err == nil {
		t.Error("a malformed key inside a struct is accepted")
	} else if _, ok := errors.AsType[*cose.KeyError](err); !ok {
		t.Errorf("error %v does not wrap a KeyError", err)
	}
}

func TestPublicKey(t *testing.T) {
	X, Y := unhex(t, x), unhex(t, y)
	offCurve := bytes.Clone(Y)
	offCurve[31] ^= 1
	modulus := func(bits int) []byte {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return n.SetBit(n, 0, 1).Bytes()
	}
	e := []byte{1, 0, 1}
	for _, c := range []struct {
		name  string
		key   *cose.Key
		fault string
	}{
		{"ES256", &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: X, Y: Y}, ""},
		{"unknown algorithm", &cose.Key{Kty: cose.EC2, Alg: -12345, Crv: cose.CurveP256, X: X, Y: Y}, ""},
		{"RSA of 1024 bits", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1024), E: e}, ""},
		{"RSA of 8192 bits", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(8192), E: e}, ""},
		{"exponent 3", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(2048), E: []byte{3}}, ""},

		{"no key", nil, "no key"},
		{"empty", &cose.Key{}, "not supported"},
		{"not on the curve", &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: X, Y: offCurve}, "not a point on P-256"},
		{"point at zero", &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: make([]byte, 32), Y: make([]byte, 32)}, "not a point"},
		{"x beyond the field", &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: bytes.Repeat([]byte{0xff}, 32), Y: Y}, "not a point"},
		{"x short", &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: X[1:], Y: Y}, "31 bytes"},
		{"curve of another algorithm", &cose.Key{Kty: cose.EC2, Alg: cose.ES384, Crv: cose.CurveP256, X: X, Y: Y}, "EC2 on P-256 does not go with ES384"},
		{"type of another algorithm", &cose.Key{Kty: cose.OKP, Alg: cose.ES256, Crv: cose.CurveEd25519, X: X}, "does not go with ES256"},
		{"secp256k1", &cose.Key{Kty: cose.EC2, Alg: cose.ES256K, Crv: cose.CurveSecp256k1, X: X, Y: Y}, "EC2 on secp256k1 is not supported"},
		{"Ed448", &cose.Key{Kty: cose.OKP, Alg: cose.Ed448, Crv: cose.CurveEd448, X: make([]byte, 57)}, "OKP on Ed448 is not supported"},
		{"ML-DSA", &cose.Key{Kty: cose.AKP, Alg: cose.MLDSA65}, "AKP is not supported"},
		{"RSA of 1023 bits", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1023), E: e}, "1023 bits"},
		{"RSA of 8200 bits", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(8200), E: e}, "1025 bytes"},
		{"even modulus", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: append(modulus(1024)[:127:127], 2), E: e}, "even"},
		{"no modulus", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, E: e}, "modulus of 0 bytes"},
		{"leading zero in the modulus", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: append([]byte{0}, modulus(1024)...), E: e}, "leading zero"},
		{"no exponent", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1024)}, "exponent of 0 bytes"},
		{"exponent 1", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1024), E: []byte{1}}, "exponent 1"},
		{"even exponent", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1024), E: []byte{4}}, "exponent 4"},
		{"exponent of 32 bits", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1024), E: []byte{0x80, 0, 0, 1}}, "out of range"},
		{"exponent of 5 bytes", &cose.Key{Kty: cose.RSA, Alg: cose.RS256, N: modulus(1024), E: []byte{1, 0, 0, 0, 1}}, "exponent of 5 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.key.PublicKey()
			if c.fault == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if _, ok := errors.AsType[*cose.KeyError](err); !ok || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("error %v, want a KeyError with %q", err, c.fault)
			}
		})
	}
}

func TestVerifyWithUnusableKey(t *testing.T) {
	k := &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256}
	if _, ok := errors.AsType[*cose.KeyError](k.Verify(nil, nil)); !ok {
		t.Error("a key without a point verifies")
	}
}

func TestNewRefuses(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	agreement, err := p256.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		pub  crypto.PublicKey
		alg  cose.Algorithm
	}{
		{"P-224", p224.Public(), cose.ES256},
		{"P-256 for ES384", p256.Public(), cose.ES384},
		{"P-256 for RS256", p256.Public(), cose.RS256},
		{"ECDH for ES256", agreement.Public(), cose.ES256},
		{"X25519", x25519.Public(), cose.ECDHESHKDF256},
		{"short Ed25519", ed25519.PublicKey{1}, cose.EdDSA},
		{"small RSA", &rsa.PublicKey{N: big.NewInt(15), E: 3}, cose.RS256},
		{"nil", nil, cose.ES256},
	} {
		if _, err := cose.New(c.pub, c.alg); err == nil {
			t.Errorf("%s: no error", c.name)
		} else if _, ok := errors.AsType[*cose.KeyError](err); !ok {
			t.Errorf("%s: %v, want a KeyError", c.name, err)
		}
	}
	if _, err := cose.New(p256.Public(), -12345); err == nil {
		t.Error("an unknown algorithm is accepted")
	} else if _, ok := errors.AsType[*cose.UnsupportedAlgorithmError](err); !ok {
		t.Errorf("an unknown algorithm: %v", err)
	}
}

func TestKeyAgreement(t *testing.T) {
	offCurve := "225820" + y[:62] + "1d"
	for _, c := range []struct {
		name             string
		key              string
		platform, strict bool // accepted by ECDH, by KeyAgreement
	}{
		{"five members", "a5" + "0102" + "033818" + "2001" + xs + ys, true, true},
		{"ES256 as alg", "a5" + "0102" + "0326" + "2001" + xs + ys, true, false},
		{"no alg", "a4" + "0102" + "2001" + xs + ys, true, false},
		{"one member more", "a6" + "0102" + "033818" + "0401" + "2001" + xs + ys, true, false},
		{"not on the curve", "a5" + "0102" + "033818" + "2001" + xs + offCurve, false, false},
		{"P-384", "a5" + "0102" + "033818" + "2002" + "215830" + x + x[:32] + "225830" + y + y[:32], false, false},
		{"OKP", "a4" + "0101" + "033818" + "2006" + xs, false, false},
	} {
		k, err := cose.Parse(unhex(t, c.key))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := k.ECDH(); (err == nil) != c.platform {
			t.Errorf("%s: ECDH: %v", c.name, err)
		}
		if _, err := k.KeyAgreement(); (err == nil) != c.strict {
			t.Errorf("%s: KeyAgreement: %v", c.name, err)
		}
	}
	var none *cose.Key
	if _, err := none.KeyAgreement(); err == nil {
		t.Error("no key is accepted")
	}
	if _, err := (&cose.Key{Kty: cose.EC2, Crv: cose.CurveP256, X: []byte{1}}).ECDH(); err == nil {
		t.Error("a short x is accepted")
	}
}
