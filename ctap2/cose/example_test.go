package cose_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2/cose"
)

func ExampleParse() {
	b, err := hex.DecodeString("a4010103272006215820ee9b21803405d3cf45601e58b6f4c06ea93862de87d3af903c5870a5016e86f5")
	if err != nil {
		log.Fatal(err)
	}
	key, err := cose.Parse(b)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Kty, key.Alg, key.Crv)
	// Output: OKP EdDSA Ed25519
}

func ExampleNew() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := cose.New(private.Public(), cose.EdDSA)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", key.Append(nil))
	// Output: a40101032720062158203b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
}

func ExampleKey_Verify() {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	key, err := cose.New(private.Public(), cose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	message := []byte("authenticator data, then the client data hash")
	sig, err := cose.Sign(private, cose.ES256, message)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Verify(message, sig))
	fmt.Println(key.Verify([]byte("something else"), sig))
	// Output:
	// <nil>
	// cose: the signature does not verify
}

func ExampleSign() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	sig, err := cose.Sign(private, cose.EdDSA, []byte("authenticator data, then the client data hash"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(sig), "bytes")
	// Output: 64 bytes
}

func ExampleKey_PublicKey() {
	key := &cose.Key{Kty: cose.OKP, Alg: cose.EdDSA, Crv: cose.CurveEd25519, X: make([]byte, 32)}
	pub, err := key.PublicKey()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%T\n", pub)
	// Output: ed25519.PublicKey
}

func ExampleKey_ECDH() {
	// The answer of a security key to getKeyAgreement.
	b, err := hex.DecodeString("a5010203381820012158202ab82d3669ab309de35e9bfb94fc1d9295af0147fe4b87e5cf3f050b39da1749" +
		"225820151bbe0878604d3c3ff160a6d8f8edce4a305d1aaf80c40ad26f77381297aabd")
	if err != nil {
		log.Fatal(err)
	}
	key, err := cose.Parse(b)
	if err != nil {
		log.Fatal(err)
	}
	pub, err := key.ECDH()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Alg, "on", pub.Curve())
	// Output: ECDH-ES+HKDF-256 on P-256
}

func ExampleKey_KeyAgreement() {
	// An authenticator takes no key that is marked for signatures.
	key := &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256}
	_, err := key.KeyAgreement()
	fmt.Println(err)
	// Output: cose: COSE key member -2: 0 bytes, want 32
}
