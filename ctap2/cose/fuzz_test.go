package cose_test

import (
	"bytes"
	"testing"

	"github.com/gofido/fido/ctap2/cose"
)

// FuzzParse: what Parse accepts comes back from Append byte by byte, the canonical form of its fields parses to the
// same fields, and nothing panics with the key.
func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(v.Key))
	}
	f.Add(unhex(f, "a5010203381820012158202ab82d3669ab309de35e9bfb94fc1d9295af0147fe4b87e5cf3f050b39da1749225820151bbe0878604d3c3ff160a6d8f8edce4a305d1aaf80c40ad26f77381297aabd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := cose.Parse(b)
		if err != nil {
			return
		}
		if got := k.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("Append = %x, want %x", got, b)
		}
		fields := *k
		fields.Raw = nil
		again, err := cose.Parse(fields.Append(nil))
		if err != nil {
			t.Fatalf("the fields of %x don't parse: %v", b, err)
		}
		if again.Kty != k.Kty || again.Alg != k.Alg || again.Crv != k.Crv || !bytes.Equal(again.X, k.X) ||
			!bytes.Equal(again.Y, k.Y) || !bytes.Equal(again.N, k.N) || !bytes.Equal(again.E, k.E) {
			t.Fatalf("the fields of %x parse to %+v, want %+v", b, again, k)
		}
		pub, err := k.PublicKey()
		if err == nil && k.Alg.CanVerify() {
			made, err := cose.New(pub, k.Alg)
			if err != nil {
				t.Fatalf("New refuses the key of %x: %v", b, err)
			}
			if got, want := made.Append(nil), fields.Append(nil); !bytes.Equal(got, want) {
				t.Fatalf("New gives %x, want %x", got, want)
			}
		}
		if k.Verify([]byte("message"), []byte("signature")) == nil {
			t.Fatalf("the key %x verifies a signature that is none", b)
		}
		k.ECDH()
		k.KeyAgreement()
	})
}
