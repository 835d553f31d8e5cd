package u2f_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid"
)

// onUSB is a memoryKey behind CTAPHID that knows only U2F.
type onUSB struct{ *memoryKey }

func (onUSB) Capabilities() byte { return 0 }

func (onUSB) CBOR(_ context.Context, _ uint64, dst, _ []byte, _ func(byte)) []byte {
	return append(dst, byte(ctap2.StatusInvalidCommand))
}

func (k onUSB) MSG(ctx context.Context, _ uint64, dst, apdu []byte) []byte {
	reply, err := k.memoryKey.MSG(ctx, dst, apdu)
	if err != nil {
		return append(dst, 0x6f, 0x00)
	}
	return reply
}

// A key that knows only U2F, on USB, through the client of CTAP2: everything
// between is real, and so are the signatures.
func TestClientOfCTAP2OverUSB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := mustMemoryKey(t)
		conn, err := ctaphid.Open(t.Context(), ctaphid.Loopback(onUSB{key}), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if c := conn.Info().Capabilities; c&ctaphid.CapabilityCBOR != 0 || c&ctaphid.CapabilityNMSG != 0 {
			t.Fatalf("capabilities %v", c)
		}
		client := ctap2.NewClient(ctap2.U2FMapping{U2FTransport: conn}, nil)
		info, err := client.GetInfo(t.Context())
		if err != nil || !slices.Equal(info.Versions, []string{ctap2.VersionU2F}) {
			t.Fatalf("%+v, %v", info, err)
		}

		registration := &ctap2.MakeCredentialRequest{
			ClientDataHash:   challenge[:],
			RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
			User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}},
			PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		}
		key.refusals = 3
		made, err := client.MakeCredential(t.Context(), registration)
		if err != nil {
			t.Fatal(err)
		}
		if made.AuthData.RPIDHash != application {
			t.Errorf("RP ID hash %x", made.AuthData.RPIDHash)
		}
		if r, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, challenge[:]); err != nil || len(r.Deviations) > 0 {
			t.Errorf("attestation: %+v, %v", r, err)
		}
		credential := made.AuthData.AttestedCredentialData
		own := ctap2.PublicKeyCredentialDescriptor{ID: credential.CredentialID, Type: ctap2.TypePublicKey}
		other := ctap2.PublicKeyCredentialDescriptor{ID: []byte("of another key"), Type: ctap2.TypePublicKey}

		for _, present := range []bool{true, false} {
			got, err := client.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{
				RPID:           "example.com",
				ClientDataHash: challenge[:],
				AllowList:      []ctap2.PublicKeyCredentialDescriptor{other, own},
				Options:        ctap2.Options{UP: &present},
			})
			if err != nil {
				t.Fatal(err)
			}
			if (got.AuthData.Flags == ctap2.FlagUP) != present || got.AuthData.SignCount != key.counter {
				t.Errorf("%+v", got.AuthData)
			}
			if err := credential.PublicKey.Verify(slices.Concat(got.AuthData.Raw, challenge[:]), got.Signature); err != nil {
				t.Error(err)
			}
		}

		registration.ExcludeList = []ctap2.PublicKeyCredentialDescriptor{other, own}
		if _, err := client.MakeCredential(t.Context(), registration); !errors.Is(err, ctap2.StatusCredentialExcluded) {
			t.Errorf("excluded: %v", err)
		}
		registration.RP.ID = "example.org"
		if _, err := client.MakeCredential(t.Context(), registration); err != nil {
			t.Errorf("another relying party: %v", err)
		}
		if err := client.Selection(t.Context()); err != nil {
			t.Errorf("selection: %v", err)
		}
		if _, err := client.PINRetries(t.Context()); !errors.Is(err, ctap2.StatusInvalidCommand) {
			t.Errorf("PIN retries: %v", err)
		}
	})
}
