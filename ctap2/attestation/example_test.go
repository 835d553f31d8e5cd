package attestation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log"
	"math/big"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
)

// exampleCredential returns a key, and authenticator data that says it belongs to a new credential.
func exampleCredential() (*ecdsa.PrivateKey, []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	public, err := cose.New(private.Public(), cose.ES256)
	if err != nil {
		log.Fatal(err)
	}
	data := ctap2.AuthenticatorData{
		RPIDHash: sha256.Sum256([]byte("example.com")),
		Flags:    ctap2.FlagUP,
		AttestedCredentialData: &ctap2.AttestedCredentialData{
			CredentialID: []byte("a credential"), PublicKey: public,
		},
	}
	authData, err := data.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	return private, authData
}

// exampleCertificate returns a self-signed certificate that meets the requirements of the format packed.
func exampleCertificate(key *ecdsa.PrivateKey) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject: pkix.Name{
			Country: []string{"DE"}, Organization: []string{"Example"},
			OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Example key",
		},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	return der
}

func ExampleVerify() {
	private, authData := exampleCredential()
	clientDataHash := sha256.Sum256([]byte("client data"))
	statement, err := attestation.SignPacked(private, cose.ES256, nil, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}
	attStmt, err := statement.Append(nil)
	if err != nil {
		log.Fatal(err)
	}

	result, err := attestation.Verify("packed", attStmt, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Type, result.Alg)

	other := sha256.Sum256([]byte("other client data"))
	_, err = attestation.Verify("packed", attStmt, authData, other[:])
	fmt.Println(err)
	fmt.Println(errors.Is(err, cose.ErrSignature))
	// Output:
	// Self ES256
	// attestation "packed": signature: cose: the signature does not verify
	// true
}

func ExampleSignPacked() {
	_, authData := exampleCredential()
	clientDataHash := sha256.Sum256([]byte("client data"))
	attestationKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	x5c := [][]byte{exampleCertificate(attestationKey)}
	statement, err := attestation.SignPacked(attestationKey, cose.ES256, x5c, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(statement.Alg, len(statement.X5C))
	// Output: ES256 1
}

func ExampleSignFIDOU2F() {
	_, authData := exampleCredential()
	clientDataHash := sha256.Sum256([]byte("client data"))
	attestationKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	cert := exampleCertificate(attestationKey)
	statement, err := attestation.SignFIDOU2F(attestationKey, cert, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}
	attStmt, err := statement.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := attestation.Verify("fido-u2f", attStmt, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Type, result.TrustPath[0].Subject.CommonName)
	// Output: Basic Example key
}

func ExampleResult_VerifyTrust() {
	_, authData := exampleCredential()
	clientDataHash := sha256.Sum256([]byte("client data"))
	attestationKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	x5c := [][]byte{exampleCertificate(attestationKey)}
	statement, err := attestation.SignPacked(attestationKey, cose.ES256, x5c, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}
	attStmt, err := statement.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := attestation.Verify("packed", attStmt, authData, clientDataHash[:])
	if err != nil {
		log.Fatal(err)
	}

	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = result.VerifyTrust(x509.NewCertPool(), at)
	fmt.Println(err)
	roots := x509.NewCertPool()
	roots.AddCert(result.TrustPath[0])
	_, err = result.VerifyTrust(roots, at)
	fmt.Println(err)
	// Output:
	// attestation "packed": trust: x509: certificate signed by unknown authority
	// <nil>
}

func ExampleParsePacked() {
	attStmt, err := (&attestation.PackedStatement{Alg: cose.ES256, Sig: []byte{1, 2, 3}}).Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	statement, deviations, err := attestation.ParsePacked(attStmt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(statement.Alg, statement.Sig, len(deviations))
	// Output: ES256 [1 2 3] 0
}
