package attestation_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// registration is a published registration; see testdata/registrations.json for where it comes from.
type registration struct {
	Name                  string
	Fmt                   string
	Alg                   string // of the credential
	AttStmt               hexBytes
	AuthData              hexBytes
	ClientDataHash        hexBytes
	PrivateKey            hexBytes `json:"private_key"`
	AttestationPrivateKey hexBytes `json:"attestation_private_key"`
}

func (r registration) verify() (*attestation.Result, error) {
	return attestation.Verify(r.Fmt, r.AttStmt, r.AuthData, r.ClientDataHash)
}

type registrationFile struct {
	Root          hexBytes // the certificate of the WebAuthn appendix's root
	Registrations []registration
}

func readRegistrations(t testing.TB) *registrationFile {
	t.Helper()
	b, err := os.ReadFile("testdata/registrations.json")
	if err != nil {
		t.Fatal(err)
	}
	file := new(registrationFile)
	if err := json.Unmarshal(b, file); err != nil {
		t.Fatal(err)
	}
	if len(file.Registrations) != 19 {
		t.Fatalf("%d registrations, want 19", len(file.Registrations))
	}
	return file
}

// find returns the registration whose name contains part.
func (f *registrationFile) find(t testing.TB, part string) registration {
	t.Helper()
	i := slices.IndexFunc(f.Registrations, func(r registration) bool { return strings.Contains(r.Name, part) })
	if i < 0 {
		t.Fatalf("no registration %q", part)
	}
	return f.Registrations[i]
}

func TestVerifyPublishedRegistrations(t *testing.T) {
	type expected struct {
		typ        attestation.Type
		deviations []attestation.Deviation
	}
	none, self, basic := expected{typ: attestation.None}, expected{typ: attestation.Self}, expected{typ: attestation.Basic}
	want := map[string]expected{
		"ES256 Credential with No Attestation":                               none,
		"ES256 Credential with Self Attestation":                             self,
		"ES256 Credential with crossOrigin: true in clientDataJSON":          none,
		"ES256 Credential with topOrigin in clientDataJSON":                  none,
		"ES256 Credential with very long credential ID":                      none,
		"Packed Attestation with ES256 Credential":                           basic,
		"Packed Attestation with ES384 Credential":                           basic,
		"Packed Attestation with ES512 Credential":                           basic,
		"Packed Attestation with RS256 Credential":                           basic,
		"Packed Attestation with Ed25519 Credential":                         basic,
		"Packed Attestation with Ed448 Credential":                           basic,
		"FIDO U2F Attestation with ES256 Credential":                         {attestation.Basic, []attestation.Deviation{attestation.AAGUIDNotZero}},
		"CTAP specification, makeCredential mapped to U2F":                   basic,
		"python-fido2, YubiKey 5 preview certificate":                        basic,
		"FIDO U2F Raw Message Formats, registration example mapped to CTAP2": basic,
	}
	unsupported := []string{"tpm", "android-key", "apple"}
	verified := 0
	for _, r := range readRegistrations(t).Registrations {
		t.Run(r.Name, func(t *testing.T) {
			got, err := r.verify()
			if slices.Contains(unsupported, r.Fmt) {
				if e, ok := errors.AsType[*attestation.UnsupportedFormatError](err); !ok || e.Format != r.Fmt {
					t.Errorf("error %v, want an UnsupportedFormatError", err)
				}
				return
			}
			want, ok := want[r.Name]
			if !ok {
				// The one sample without its client data hash.
				if r.ClientDataHash = make([]byte, 32); !strings.Contains(r.Name, "not published") {
					t.Fatal("no expectation")
				}
				_, err := r.verify()
				wantError(t, err, attestation.Signature, "")
				if !errors.Is(err, cose.ErrSignature) {
					t.Errorf("error %v, want ErrSignature", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			verified++
			if got.Format != r.Fmt || got.Type != want.typ || !slices.Equal(got.Deviations, want.deviations) {
				t.Errorf("got %s, %v, %v, want %s, %v, %v", got.Format, got.Type, got.Deviations, r.Fmt, want.typ, want.deviations)
			}
			if !bytes.Equal(got.AAGUID[:], r.AuthData[37:53]) {
				t.Errorf("AAGUID = %v", got.AAGUID)
			}
			if alg := map[bool]cose.Algorithm{true: 0, false: cose.ES256}[want.typ == attestation.None]; got.Alg != alg {
				t.Errorf("Alg = %v, want %v", got.Alg, alg)
			}
			if n := len(got.TrustPath); (n == 1) != (want.typ == attestation.Basic) {
				t.Errorf("%d certificates in the trust path", n)
			}
			if want.typ == attestation.None {
				return
			}
			r.ClientDataHash[0] ^= 1
			if _, err := r.verify(); !errors.Is(err, cose.ErrSignature) {
				t.Errorf("with another client data hash: %v, want ErrSignature", err)
			}
			r.ClientDataHash[0] ^= 1
			r.AuthData[0] ^= 1
			if _, err := r.verify(); !errors.Is(err, cose.ErrSignature) {
				t.Errorf("with another RP ID hash: %v, want ErrSignature", err)
			}
		})
	}
	if verified != len(want) {
		t.Errorf("%d registrations verified, want %d", verified, len(want))
	}
}

// wantError checks an error's part and that it says reason.
func wantError(t testing.TB, err error, part attestation.Part, reason string) {
	t.Helper()
	e, ok := errors.AsType[*attestation.Error](err)
	if !ok {
		t.Errorf("error %v, want an *Error", err)
		return
	}
	if e.Part != part || !strings.Contains(err.Error(), reason) {
		t.Errorf("error %v, want the %v at fault and %q", err, part, reason)
	}
}

// The statements of the WebAuthn appendix have deterministic signatures, so that signing again gives the same bytes.
func TestSignRepeatsPublishedStatements(t *testing.T) {
	tested := 0
	for _, r := range readRegistrations(t).Registrations {
		scalar := r.AttestationPrivateKey
		if scalar == nil && r.Fmt == attestation.FormatPacked {
			scalar = r.PrivateKey
		}
		if scalar == nil || r.Fmt != attestation.FormatPacked && r.Fmt != attestation.FormatFIDOU2F {
			continue
		}
		signer, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		var got []byte
		if r.Fmt == attestation.FormatPacked {
			published, _, err := attestation.ParsePacked(r.AttStmt)
			if err != nil {
				t.Fatal(err)
			}
			s, err := attestation.SignPacked(signer, cose.ES256, published.X5C, r.AuthData, r.ClientDataHash)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = s.Append(nil); err != nil {
				t.Fatal(err)
			}
		} else {
			published, _, err := attestation.ParseFIDOU2F(r.AttStmt)
			if err != nil {
				t.Fatal(err)
			}
			s, err := attestation.SignFIDOU2F(signer, published.X5C[0], r.AuthData, r.ClientDataHash)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = s.Append(nil); err != nil {
				t.Fatal(err)
			}
		}
		if strings.HasPrefix(r.Name, "FIDO U2F Raw") {
			// The U2F example's signature is random: this one must verify instead.
			r.AttStmt = got
			if _, err := r.verify(); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		} else if !bytes.Equal(got, r.AttStmt) {
			t.Errorf("%s: statement = %x, want %x", r.Name, got, []byte(r.AttStmt))
		}
		tested++
	}
	if tested != 9 {
		t.Errorf("%d statements tested, want 9", tested)
	}
}

func TestVerifyRefusesInput(t *testing.T) {
	file := readRegistrations(t)
	self := file.find(t, "Self Attestation")
	for _, c := range []struct {
		name     string
		authData []byte
		hash     []byte
		reason   string
	}{
		{"no authenticator data", nil, self.ClientDataHash, "authenticator data"},
		{"authenticator data cut short", self.AuthData[:len(self.AuthData)-1], self.ClientDataHash, "authenticator data"},
		{"bytes behind the authenticator data", append(bytes.Clone(self.AuthData), 0), self.ClientDataHash, "authenticator data"},
		{"authenticator data of an assertion", append(bytes.Clone(self.AuthData[:32]), 1, 0, 0, 0, 1), self.ClientDataHash, "holds no credential"},
		{"no client data hash", self.AuthData, nil, "0 bytes, want 32"},
		{"a client data hash of 31 bytes", self.AuthData, self.ClientDataHash[1:], "31 bytes, want 32"},
		{"a client data hash of 33 bytes", self.AuthData, append(bytes.Clone(self.ClientDataHash), 0), "33 bytes, want 32"},
	} {
		for _, format := range []string{attestation.FormatNone, attestation.FormatPacked, attestation.FormatFIDOU2F} {
			_, err := attestation.Verify(format, self.AttStmt, c.authData, c.hash)
			wantError(t, err, attestation.AuthenticatorData, c.reason)
		}
	}
}

func TestNone(t *testing.T) {
	r := readRegistrations(t).find(t, "No Attestation")
	for _, c := range []struct {
		name       string
		attStmt    []byte
		deviations []attestation.Deviation
		fault      string
	}{
		{"an empty map", []byte{0xa0}, nil, ""},
		{"left out", nil, nil, ""},
		{"an empty map in more bytes than needed", []byte{0xb8, 0}, []attestation.Deviation{attestation.NotCanonical}, ""},
		{"a member", []byte{0xa1, 0x61, 0x61, 0x01}, nil, "1 members, want an empty map"},
		{"empty", []byte{}, nil, "not a map"},
		{"an array", []byte{0x80}, nil, "not a map"},
		{"trailing bytes", []byte{0xa0, 0}, nil, "trailing"},
	} {
		r.AttStmt = c.attStmt
		got, err := r.verify()
		if c.fault != "" {
			wantError(t, err, attestation.Statement, c.fault)
			continue
		}
		if err != nil || got.Type != attestation.None || !slices.Equal(got.Deviations, c.deviations) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func TestUnsupportedFormat(t *testing.T) {
	r := readRegistrations(t).find(t, "No Attestation")
	for format, want := range map[string]string{
		"tpm":                       `attestation "tpm": the format is not verified by this package`,
		"android-safetynet":         `attestation "android-safetynet": the format is not verified by this package`,
		"compound":                  `attestation "compound": the format is not verified by this package`,
		"":                          `attestation "": the format is not known`,
		"Packed":                    `attestation "Packed": the format is not known`,
		"a\nb":                      `attestation "a\nb": the format is not known`,
		strings.Repeat("x", 100000): `attestation "` + strings.Repeat("x", 32) + `"…: the format is not known`,
	} {
		_, err := attestation.Verify(format, r.AttStmt, r.AuthData, r.ClientDataHash)
		if e, ok := errors.AsType[*attestation.UnsupportedFormatError](err); !ok || e.Format != format {
			t.Errorf("%.20q: %v, want an UnsupportedFormatError", format, err)
		} else if e.Error() != want {
			t.Errorf("%.20q: %q, want %q", format, e, want)
		}
	}
}

func TestSelfAttestationOfEveryAlgorithm(t *testing.T) {
	hash := bytes.Repeat([]byte{7}, 32)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for alg, signer := range map[cose.Algorithm]crypto.Signer{
		cose.ES256: ecdsaKey(t, elliptic.P256()), cose.ES384: ecdsaKey(t, elliptic.P384()),
		cose.ES512: ecdsaKey(t, elliptic.P521()), cose.EdDSA: edwards,
	} {
		authData := newAuthData(t, signer, alg, [16]byte{})
		s, err := attestation.SignPacked(signer, alg, nil, authData, hash)
		if err != nil {
			t.Fatal(err)
		}
		got, err := attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
		if err != nil || got.Type != attestation.Self || got.Alg != alg {
			t.Errorf("%v: %+v, %v", alg, got, err)
		}
		s.Alg = cose.RS256
		_, err = attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
		wantError(t, err, attestation.Statement, "signed with RS256 but the credential is for "+alg.String())
	}
}

func TestSelfAttestationWithUnsupportedAlgorithm(t *testing.T) {
	r := readRegistrations(t).find(t, "Ed448 Credential")
	r.AttStmt = encode(t, &attestation.PackedStatement{Alg: cose.Ed448, Sig: make([]byte, 114)})
	_, err := r.verify()
	wantError(t, err, attestation.Signature, "Ed448 is not supported")
	if e, ok := errors.AsType[*cose.UnsupportedAlgorithmError](err); !ok || e.Algorithm != cose.Ed448 {
		t.Errorf("error %v does not wrap an UnsupportedAlgorithmError", err)
	}
}

func TestFIDOU2FNeedsP256(t *testing.T) {
	signer := ecdsaKey(t, elliptic.P256())
	cert := newCertificate(t, signer, nil)
	hash := make([]byte, 32)
	p384 := newAuthData(t, ecdsaKey(t, elliptic.P384()), cose.ES384, [16]byte{})
	_, err := attestation.SignFIDOU2F(signer, cert, p384, hash)
	wantError(t, err, attestation.AuthenticatorData, "want one on P-256")

	p256 := newAuthData(t, ecdsaKey(t, elliptic.P256()), cose.ES256, [16]byte{})
	s, err := attestation.SignFIDOU2F(signer, cert, p256, hash)
	if err != nil {
		t.Fatal(err)
	}
	_, err = attestation.Verify(attestation.FormatFIDOU2F, encode(t, s), p384, hash)
	wantError(t, err, attestation.AuthenticatorData, "want one on P-256")

	s.X5C[0] = newCertificate(t, ecdsaKey(t, elliptic.P384()), nil)
	_, err = attestation.Verify(attestation.FormatFIDOU2F, encode(t, s), p256, hash)
	wantError(t, err, attestation.Certificate, "not an elliptic curve key on P-256")
}
