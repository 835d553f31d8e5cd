package attestation

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// input is what a statement is verified against and made from.
type input struct {
	statement      []byte
	authData       *ctap2.AuthenticatorData
	credential     *ctap2.AttestedCredentialData
	clientDataHash []byte
}

func newInput(authData, clientDataHash []byte) (*input, error) {
	if len(clientDataHash) != sha256.Size {
		return nil, fmt.Errorf("the client data hash has %d bytes, want %d", len(clientDataHash), sha256.Size)
	}
	data, err := ctap2.ParseAuthenticatorData(authData)
	if err != nil {
		return nil, err
	}
	if data.AttestedCredentialData == nil {
		return nil, errors.New("it holds no credential")
	}
	return &input{authData: data, credential: data.AttestedCredentialData, clientDataHash: clientDataHash}, nil
}

// signed returns what a packed statement signs: the authenticator data and the client data hash.
func (in *input) signed() []byte {
	return slices.Concat(in.authData.Raw, in.clientDataHash)
}
