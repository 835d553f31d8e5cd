package ctap2

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/u2f"
)

// makeCredentialU2F carries out makeCredential by U2F_REGISTER (CTAP 2.3 section
// 10.2). The error may be a Status.
func makeCredentialU2F(ctx context.Context, key *u2f.Client, r *MakeCredentialRequest) (*MakeCredentialResponse, error) {
	if err := checkU2F(r.ClientDataHash, r.Options, r.Extensions, r.PinUvAuthParam); err != nil {
		return nil, err
	}
	es256 := PublicKeyCredentialParameters{Alg: cose.ES256, Type: TypePublicKey}
	switch {
	case !slices.Contains(r.PubKeyCredParams, es256):
		return nil, notU2F("any of the algorithms that are asked for")
	case r.EnterpriseAttestation != 0:
		return nil, notU2F("enterprise attestation")
	case r.Options.UP != nil && !*r.Options.UP:
		return nil, StatusInvalidOption
	}
	application := sha256.Sum256([]byte(r.RP.ID))
	if err := excludeU2F(ctx, key, application, r); err != nil {
		return nil, err
	}
	made, err := key.Register(ctx, &u2f.RegisterRequest{
		Challenge:   [32]byte(r.ClientDataHash),
		Application: application,
	})
	if err != nil {
		return nil, err
	}
	return attestedU2F(application, made)
}

// excludeU2F fails with StatusCredentialExcluded if the key knows an entry of
// the excludeList. It waits for a touch before it says so, which a website must
// not learn of a key that nobody has touched; U2F has no command for that, so
// the key makes a key pair for nobody.
func excludeU2F(ctx context.Context, key *u2f.Client, application [32]byte, r *MakeCredentialRequest) error {
	for _, d := range r.ExcludeList {
		if !isKeyHandle(d) {
			continue
		}
		known, err := knowsU2F(ctx, key, &u2f.AuthenticateRequest{
			Challenge:   [32]byte(r.ClientDataHash),
			Application: application,
			KeyHandle:   d.ID,
		})
		if err != nil {
			return err
		}
		if !known {
			continue
		}
		if _, err := key.Register(ctx, new(u2f.RegisterRequest)); err != nil {
			return err
		}
		return StatusCredentialExcluded
	}
	return nil
}

// attestedU2F makes the CTAP2 response of a registration.
func attestedU2F(rpIDHash [32]byte, made *u2f.RegisterResponse) (*MakeCredentialResponse, error) {
	bad := func(err error) error { return &ReplyError{Command: CommandMakeCredential, Err: err} }
	point, err := made.PublicKey()
	if err != nil {
		return nil, bad(err)
	}
	publicKey, err := cose.New(point, cose.ES256)
	if err != nil {
		return nil, bad(err)
	}
	// A fido-u2f attestation statement (WebAuthn L3 section 8.6).
	statement, err := cbor.Marshal(struct {
		Sig []byte   `cbor:"sig"`
		X5C [][]byte `cbor:"x5c"`
	}{made.Signature, [][]byte{made.Certificate}})
	if err != nil {
		return nil, bad(err)
	}
	return &MakeCredentialResponse{
		Fmt: "fido-u2f",
		AuthData: AuthenticatorData{
			RPIDHash: rpIDHash,
			Flags:    FlagUP,
			AttestedCredentialData: &AttestedCredentialData{
				CredentialID: made.KeyHandle,
				PublicKey:    publicKey,
			},
		},
		AttStmt: statement,
	}, nil
}
