package cose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2/cose"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

type vector struct {
	Name       string
	Alg        string
	Key        hexBytes
	Message    hexBytes
	Signature  hexBytes
	PrivateKey hexBytes `json:"private_key"`
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Signatures []vector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Signatures) != 18 {
		t.Fatalf("%d vectors, want 18", len(file.Signatures))
	}
	return file.Signatures
}

func TestVerifyPublishedSignatures(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			k, err := cose.Parse(v.Key)
			if err != nil {
				t.Fatal(err)
			}
			if k.Alg.String() != v.Alg {
				t.Errorf("Alg = %v, want %v", k.Alg, v.Alg)
			}
			if got := k.Append(nil); !bytes.Equal(got, v.Key) {
				t.Errorf("Append = %x, want %x", got, v.Key)
			}
			k.Raw = nil
			if got := k.Append(nil); !bytes.Equal(got, v.Key) {
				t.Errorf("Append of the fields = %x, want %x", got, v.Key)
			}
			err = k.Verify(v.Message, v.Signature)
			if v.Alg == "Ed448" {
				unsupported, ok := errors.AsType[*cose.UnsupportedAlgorithmError](err)
				if !ok || unsupported.Algorithm != cose.Ed448 {
					t.Errorf("Verify = %v, want Ed448 to be unsupported", err)
				}
				return
			}
			if err != nil {
				t.Errorf("Verify = %v", err)
			}
			if err := k.Verify(v.Message[1:], v.Signature); !errors.Is(err, cose.ErrSignature) {
				t.Errorf("Verify of another message = %v, want ErrSignature", err)
			}
			for _, bad := range [][]byte{nil, v.Signature[1:], append(v.Signature[:len(v.Signature):len(v.Signature)], 0)} {
				if err := k.Verify(v.Message, bad); !errors.Is(err, cose.ErrSignature) {
					t.Errorf("Verify of signature %x = %v, want ErrSignature", bad, err)
				}
			}
		})
	}
}

func TestFullySpecifiedAlgorithmsVerifyTheSame(t *testing.T) {
	same := map[string]cose.Algorithm{"ES256": cose.ESP256, "ES384": cose.ESP384, "ES512": cose.ESP512, "EdDSA": cose.Ed25519}
	tested := 0
	for _, v := range readVectors(t) {
		alg, ok := same[v.Alg]
		if !ok {
			continue
		}
		k, err := cose.Parse(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		k.Raw, k.Alg = nil, alg
		if k, err = cose.Parse(k.Append(nil)); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if err := k.Verify(v.Message, v.Signature); err != nil {
			t.Errorf("%s as %v: %v", v.Name, alg, err)
		}
		tested++
	}
	if tested != 15 {
		t.Errorf("%d keys tested, want 15", tested)
	}
}

// The signatures of the WebAuthn appendix are deterministic, so that signing again gives the same bytes.
func TestSignRepeatsPublishedSignatures(t *testing.T) {
	curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
	tested := 0
	for _, v := range readVectors(t) {
		if v.PrivateKey == nil || v.Alg == "Ed448" {
			continue
		}
		var signer crypto.Signer
		if curve := curves[v.Alg]; curve != nil {
			// The appendix leaves out leading zeros.
			scalar := make([]byte, (curve.Params().BitSize+7)/8)
			copy(scalar[len(scalar)-len(v.PrivateKey):], v.PrivateKey)
			var err error
			if signer, err = ecdsa.ParseRawPrivateKey(curve, scalar); err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
		} else {
			signer = ed25519.NewKeyFromSeed(v.PrivateKey)
		}
		k, err := cose.Parse(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cose.Sign(signer, k.Alg, v.Message)
		if err != nil || !bytes.Equal(got, v.Signature) {
			t.Errorf("%s: Sign = %x, %v, want %x", v.Name, got, err, v.Signature)
		}
		made, err := cose.New(signer.Public(), k.Alg)
		if err != nil {
			t.Fatal(err)
		}
		if got := made.Append(nil); !bytes.Equal(got, v.Key) {
			t.Errorf("%s: New gives %x, want %x", v.Name, got, v.Key)
		}
		tested++
	}
	if tested != 13 {
		t.Errorf("%d keys tested, want 13", tested)
	}
}

func TestSignAndVerifyRSA(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("authenticator data and client data hash")
	for _, alg := range []cose.Algorithm{cose.RS256, cose.PS256} {
		sig, err := cose.Sign(private, alg, message)
		if err != nil {
			t.Fatal(err)
		}
		k, err := cose.New(private.Public(), alg)
		if err != nil {
			t.Fatal(err)
		}
		if k, err = cose.Parse(k.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if err := k.Verify(message, sig); err != nil {
			t.Errorf("%v: Verify = %v", alg, err)
		}
		sig[100] ^= 1
		if err := k.Verify(message, sig); !errors.Is(err, cose.ErrSignature) {
			t.Errorf("%v: Verify of a changed signature = %v, want ErrSignature", alg, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []cose.Algorithm{0, cose.ECDHESHKDF256, cose.RS1, cose.Ed448, cose.ES256K, cose.MLDSA44, -12345} {
		_, err := cose.Sign(private, alg, nil)
		if e, ok := errors.AsType[*cose.UnsupportedAlgorithmError](err); !ok || e.Algorithm != alg {
			t.Errorf("%v: %v, want an unsupported algorithm", alg, err)
		}
		if alg.CanVerify() {
			t.Errorf("%v: CanVerify is true", alg)
		}
	}
	if _, err := cose.Sign(private, cose.ES256, nil); err == nil {
		t.Error("an Ed25519 key signs ES256")
	} else if _, ok := errors.AsType[*cose.KeyError](err); !ok {
		t.Errorf("an Ed25519 key for ES256: %v, want a KeyError", err)
	}
}

func TestAlgorithmNames(t *testing.T) {
	for _, c := range []struct {
		alg  cose.Algorithm
		want string
	}{
		{-7, "ES256"}, {-8, "EdDSA"}, {-9, "ESP256"}, {-19, "Ed25519"}, {-25, "ECDH-ES+HKDF-256"}, {-35, "ES384"},
		{-36, "ES512"}, {-37, "PS256"}, {-47, "ES256K"}, {-48, "ML-DSA-44"}, {-49, "ML-DSA-65"}, {-50, "ML-DSA-87"},
		{-51, "ESP384"}, {-52, "ESP512"}, {-53, "Ed448"}, {-257, "RS256"}, {-65535, "RS1"}, {-12345, "COSE algorithm -12345"},
		{0, "COSE algorithm 0"},
	} {
		if got := c.alg.String(); got != c.want {
			t.Errorf("Algorithm(%d) = %q, want %q", int64(c.alg), got, c.want)
		}
	}
	got := []string{cose.OKP.String(), cose.EC2.String(), cose.RSA.String(), cose.AKP.String(), cose.KeyType(12).String(),
		cose.CurveP521.String(), cose.Curve(12).String()}
	if want := []string{"OKP", "EC2", "RSA", "AKP", "COSE key type 12", "P-521", "COSE curve 12"}; !slices.Equal(got, want) {
		t.Errorf("names = %q, want %q", got, want)
	}
}

func BenchmarkVerifyES256(b *testing.B) {
	v := readVectors(b)[0]
	k, err := cose.Parse(v.Key)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := k.Verify(v.Message, v.Signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	v := readVectors(b)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cose.Parse(v.Key); err != nil {
			b.Fatal(err)
		}
	}
}
