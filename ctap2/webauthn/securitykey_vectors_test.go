package webauthn

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// script is a key that gives one answer to each command.
type script map[ctap2.Command]interface {
	Append(dst []byte) ([]byte, error)
}

func (s script) CBOR(_ context.Context, dst, request []byte, _ func(byte)) ([]byte, error) {
	answer, ok := s[ctap2.Command(request[0])]
	if !ok {
		return nil, fmt.Errorf("unexpected command %v", ctap2.Command(request[0]))
	}
	return answer.Append(append(dst, 0)) // the status of success
}

// TestSecurityKeyVectors has a key answer, in CTAP's terms, what is in the
// specification's vectors: a site gets these byte by byte.
func TestSecurityKeyVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			object, err := ParseAttestationObject(v.AttestationObject)
			if err != nil {
				t.Fatal(err)
			}
			data, err := ctap2.ParseAuthenticatorData(v.AuthenticatorData)
			if err != nil {
				t.Fatal(err)
			}
			credential := object.AuthData.AttestedCredentialData
			key := ctap2.NewClient(script{
				ctap2.CommandGetInfo:        &ctap2.GetInfoResponse{Versions: []string{ctap2.VersionFIDO20}, Options: ctap2.InfoOptions{ctap2.OptionRK: true}},
				ctap2.CommandMakeCredential: &ctap2.MakeCredentialResponse{Fmt: object.Fmt, AuthData: object.AuthData, AttStmt: object.AttStmt},
				ctap2.CommandGetAssertion: &ctap2.GetAssertionResponse{
					Credential: ctap2.PublicKeyCredentialDescriptor{ID: v.CredentialID, Type: ctap2.TypePublicKey}, AuthData: *data, Signature: v.Signature,
				},
			}, nil)
			client := NewClient(NewSecurityKey(key, nil), nil)
			creation := newCreation()
			creation.Attestation = AttestationDirect
			creation.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256}, {Alg: credential.PublicKey.Alg}}
			made, err := client.Create(t.Context(), testOrigin, creation)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(made.AttestationObject, v.AttestationObject) || !bytes.Equal(made.ID, v.CredentialID) {
				t.Errorf("ID %x, attestation object\n%x, want\n%x", made.ID, made.AttestationObject, v.AttestationObject)
			}
			got, err := client.Get(t.Context(), testOrigin, newRequest())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.AuthenticatorData, v.AuthenticatorData) || !bytes.Equal(got.Signature, v.Signature) || !bytes.Equal(got.ID, v.CredentialID) {
				t.Errorf("ID %x, authenticator data %x, signature %x", got.ID, got.AuthenticatorData, got.Signature)
			}
		})
	}
}
