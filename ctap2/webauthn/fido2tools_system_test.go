//go:build system && linux

package webauthn_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// libfido2's tools verify what the client gives a site: an attestation by its own
// certificate, and an assertion by the public key that the registration's JSON has for
// sites that don't read CBOR. They are strict about the flags and extensions.
func TestFido2Tools(t *testing.T) {
	for _, test := range []struct {
		kind string // as the tools call it
		alg  cose.Algorithm
		pin  string
		uv   webauthn.UserVerification
		cred []string // options of fido2-cred -V alone
		both []string // of it and fido2-assert -V
		ext  webauthn.CreationExtensions
	}{
		{kind: "es256", alg: cose.ES256, uv: webauthn.UserVerificationPreferred},
		{kind: "es384", alg: cose.ES384, uv: webauthn.UserVerificationDiscouraged},
		{kind: "eddsa", alg: cose.EdDSA, uv: webauthn.UserVerificationRequired, pin: pin, both: []string{"-v"}},
		{kind: "rs256", alg: cose.RS256, uv: webauthn.UserVerificationPreferred, pin: pin, both: []string{"-v"}},
		{kind: "es256", alg: cose.ES256, uv: webauthn.UserVerificationRequired, pin: pin, both: []string{"-v"}, cred: []string{"-h", "-c", "3"},
			ext: webauthn.CreationExtensions{PRF: new(webauthn.PRFInputs), CredProtect: ctap2.CredProtectUVRequired}},
	} {
		t.Run(test.kind+" "+string(test.uv), func(t *testing.T) {
			_, k := plugIn(t, virtual.Config{}, test.pin, patient())
			client := webauthn.NewClient(k, nil)
			made, err := client.Create(t.Context(), page, &webauthn.CreationOptions{
				RP: ctap2.PublicKeyCredentialRPEntity{ID: site, Name: "Example"}, User: ada, Challenge: []byte("a challenge for creation"),
				PubKeyCredParams:       []ctap2.PublicKeyCredentialParameters{{Alg: test.alg}},
				AuthenticatorSelection: webauthn.AuthenticatorSelection{UserVerification: test.uv},
				Attestation:            webauthn.AttestationDirect, Extensions: test.ext,
			})
			if err != nil {
				t.Fatal(err)
			}
			object, err := webauthn.ParseAttestationObject(made.AttestationObject)
			if err != nil {
				t.Fatal(err)
			}
			statement, _, err := attestation.ParsePacked(object.AttStmt)
			if err != nil {
				t.Fatal(err)
			}
			verify := append([]string{"fido2-cred", "-V"}, append(test.cred, test.both...)...)
			tool(t, "", append(verify, "-i", lines(t, hashed(made.ClientDataJSON), site, object.Fmt, byteString(t, made.AuthenticatorData), encoded(made.ID),
				encoded(statement.Sig), encoded(statement.X5C[0])), "-o", os.DevNull, test.kind)...)

			got, err := client.Get(t.Context(), page, &webauthn.RequestOptions{
				Challenge: []byte("a challenge for a login"), RPID: site, UserVerification: test.uv,
				AllowCredentials: []ctap2.PublicKeyCredentialDescriptor{{ID: made.ID}},
			})
			if err != nil {
				t.Fatal(err)
			}
			public := filepath.Join(t.TempDir(), "public.pem")
			if err := os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: made.PublicKey}), 0o600); err != nil {
				t.Fatal(err)
			}
			signed := byteString(t, got.AuthenticatorData)
			verify = append([]string{"fido2-assert", "-V", "-p"}, test.both...)
			tool(t, "", append(verify, "-i", lines(t, hashed(got.ClientDataJSON), site, signed, encoded(got.Signature)), public, test.kind)...)
			// And they notice other client data.
			tool(t, "fido2-assert: ", append(verify, "-i", lines(t, hashed(made.ClientDataJSON), site, signed, encoded(got.Signature)), public, test.kind)...)
		})
	}
}

// tool runs a tool, which fails if complaint is not empty.
func tool(t *testing.T, complaint string, argv ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if (err != nil) != (complaint != "") || !strings.HasPrefix(string(out), complaint) {
		t.Errorf("package fido2-tools: %q: %v, %s", argv, err, out)
	}
}

func lines(t *testing.T, all ...string) (path string) {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(all, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func encoded(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func hashed(b []byte) string {
	hash := sha256.Sum256(b)
	return encoded(hash[:])
}

// byteString is how the tools want authenticator data: as an item of CBOR.
func byteString(t *testing.T, b []byte) string {
	t.Helper()
	item, err := cbor.Append(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(item)
}
