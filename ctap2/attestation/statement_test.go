package attestation_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Members of statements, encoded.
const (
	alg = "63616c67" + "26"
	sig = "63736967" + "4101"
	x5c = "63783563" + "81" + "4102"
)

func TestParsePacked(t *testing.T) {
	for _, c := range []struct {
		name       string
		statement  string
		deviations []attestation.Deviation
		fault      string
	}{
		{"self", "a2" + alg + sig, nil, ""},
		{"with a certificate", "a3" + alg + sig + x5c, nil, ""},
		{"out of order", "a3" + x5c + sig + alg, []attestation.Deviation{attestation.NotCanonical}, ""},
		{"an unknown member", "a3" + alg + sig + "6461626364" + "01", []attestation.Deviation{attestation.UnknownMember}, ""},
		{"8 certificates", "a3" + alg + sig + "63783563" + "88" + strings.Repeat("4102", 8), nil, ""},

		{"nothing", "", nil, "not a map"},
		{"an array", "80", nil, "not a map"},
		{"integer keys", "a10126", nil, "not a map"},
		{"cut short", "a2" + alg, nil, "not a map"},
		{"trailing bytes", "a2" + alg + sig + "00", nil, "trailing"},
		{"a member that appears twice", "a3" + alg + alg + sig, nil, "duplicate"},
		{"no alg", "a1" + sig, nil, "alg is missing"},
		{"no sig", "a1" + alg, nil, "sig is missing"},
		{"alg is text", "a2" + "63616c67" + "6126" + sig, nil, "member alg"},
		{"sig is text", "a2" + alg + "63736967" + "6126", nil, "member sig"},
		{"x5c is a byte string", "a3" + alg + sig + "63783563" + "4102", nil, "member x5c"},
		{"x5c holds integers", "a3" + alg + sig + "63783563" + "8102", nil, "member x5c"},
		{"x5c is empty", "a3" + alg + sig + "63783563" + "80", nil, "0 certificates"},
		{"9 certificates", "a3" + alg + sig + "63783563" + "89" + strings.Repeat("4102", 9), nil, "9 certificates"},
		{"ECDAA", "a3" + alg + sig + "6a65636461614b65794964" + "4101", nil, "ECDAA"},
		{"larger than MaxStatementSize", "a2" + alg + "63736967" + "594000" + strings.Repeat("00", 16384), nil, "at most 16384"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.statement)
			s, deviations, err := attestation.ParsePacked(b)
			if c.fault != "" {
				wantError(t, err, attestation.Statement, c.fault)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Alg != cose.ES256 || !bytes.Equal(s.Sig, []byte{1}) || !slices.Equal(deviations, c.deviations) {
				t.Errorf("%+v, deviations %v, want %v", s, deviations, c.deviations)
			}
			if c.deviations == nil {
				if got, err := s.Append([]byte("x")); err != nil || !bytes.Equal(got[1:], b) {
					t.Errorf("Append = %x, %v, want %x", got, err, b)
				}
			}
		})
	}
}

func TestParseFIDOU2F(t *testing.T) {
	for _, c := range []struct {
		name      string
		statement string
		fault     string
	}{
		{"in order", "a2" + sig + x5c, ""},
		{"no x5c", "a1" + sig, "x5c is missing"},
		{"no sig", "a1" + x5c, "sig is missing"},
		{"no certificate", "a2" + sig + "63783563" + "80", "0 certificates"},
		{"two certificates", "a2" + sig + "63783563" + "82" + "41024103", "2 certificates in x5c, want one"},
		{"nothing", "", "not a map"},
	} {
		b := unhex(t, c.statement)
		s, deviations, err := attestation.ParseFIDOU2F(b)
		if c.fault != "" {
			wantError(t, err, attestation.Statement, c.fault)
			continue
		}
		if err != nil || deviations != nil {
			t.Fatalf("%s: %v, %v", c.name, deviations, err)
		}
		if got, err := s.Append(nil); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: Append = %x, %v, want %x", c.name, got, err, b)
		}
	}
}

func TestMalformedCertificates(t *testing.T) {
	signer := ecdsaKey(t, elliptic.P256())
	good := newCertificate(t, signer, nil)
	authData, hash := newAuthData(t, signer, cose.ES256, ctap2.AAGUID{}), make([]byte, 32)
	for _, c := range []struct {
		name  string
		x5c   [][]byte
		fault string
	}{
		{"an empty byte string", [][]byte{{}}, "number 1 of x5c"},
		{"cut short", [][]byte{good[:len(good)-1]}, "number 1 of x5c"},
		{"trailing bytes", [][]byte{append(bytes.Clone(good), 0)}, "number 1 of x5c"},
		{"the second", [][]byte{good, {1}}, "number 2 of x5c"},
		{"larger than MaxCertificateSize", [][]byte{make([]byte, 8193)}, "8193 bytes, at most 8192"},
	} {
		s, err := attestation.SignPacked(signer, cose.ES256, c.x5c, authData, hash)
		if err != nil {
			t.Fatal(err)
		}
		_, err = attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
		wantError(t, err, attestation.Certificate, c.fault)
		if len(c.x5c) == 1 {
			u := &attestation.FIDOU2FStatement{Sig: s.Sig, X5C: c.x5c}
			_, err = attestation.Verify(attestation.FormatFIDOU2F, encode(t, u), authData, hash)
			wantError(t, err, attestation.Certificate, c.fault)
		}
	}
}

func TestNames(t *testing.T) {
	var got []string
	for p := attestation.Statement; p <= attestation.Trust+1; p++ {
		got = append(got, p.String())
	}
	for d := attestation.NotCanonical; d <= attestation.AAGUIDNotZero+1; d++ {
		got = append(got, d.String())
	}
	for typ := attestation.None; typ <= attestation.Basic+1; typ++ {
		got = append(got, typ.String())
	}
	want := []string{
		"statement", "authenticator data", "certificate", "signature", "trust", "part 6",
		"the statement is not canonical CBOR", "the statement has members that its format does not define",
		"the AAGUID beside a fido-u2f statement is not zero", "deviation 4",
		"None", "Self", "Basic", "attestation type 3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("names = %q, want %q", got, want)
	}
}
