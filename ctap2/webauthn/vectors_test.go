package webauthn

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// hexBytes is a byte string of the vectors.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// A vector is a registration and a login of testdata/vectors.json, which names
// their source.
type vector struct {
	Name                                            string
	CredentialID, CreateChallenge, GetChallenge     hexBytes
	CreateClientDataJSON, GetClientDataJSON         string
	AttestationObject, AuthenticatorData, Signature hexBytes
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Vectors []vector }
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return all.Vectors
}
