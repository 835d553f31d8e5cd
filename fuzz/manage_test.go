package fuzz

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
)

// The verbs that manage a key, and others of more than one command, by their
// place behind firstManaging. Their token is the last one.
const (
	doToken = firstManaging + iota
	doCredentialsMetadata
	doListCredentials
	doDeleteCredential
	doUpdateUser
	doFingerprints
	doEnroll
	doNameFingerprint
	doRemoveFingerprint
	doGetLargeBlob
	doSetLargeBlob
	doDeleteLargeBlob
	doConfigure
	doCreateWithList
	doLoginWithList
	doFindCredential
	doHMACSecret
	doU2F
)

// Permissions for the variant of doPINToken and doUVToken, which also says the
// first of pins.
const (
	toManageCredentials = 0x80 | byte(ctap2.PermissionCM)
	toReadCredentials   = 0x80 | byte(ctap2.PermissionPCMR)
	toEnroll            = 0x80 | byte(ctap2.PermissionBE)
	toWriteLargeBlobs   = 0x80 | byte(ctap2.PermissionLBW)
	toConfigure         = 0x80 | byte(ctap2.PermissionACFG)
)

// Variants of doConfigure, in the lower three bits.
const (
	toggleAlwaysUv byte = iota
	enableEnterpriseAttestation
	setMinPINLength // the minimum is in the other bits
	enableLongTouch
	vendorPrototype
)

// managing is a verb of the client alone.
func managing(name string, do func(ctx context.Context, h *host, variant byte) error) verb {
	return verb{name: name, prepare: func(h *host, variant byte) func(context.Context) error {
		return func(ctx context.Context) error {
			// Some are of several turns, each of which has a limit of its own.
			ctx, cancel := context.WithTimeout(ctx, overall)
			defer cancel()
			return do(ctx, h, variant)
		}
	}}
}

var managingVerbs = func() []verb {
	all := []verb{
		doToken - firstManaging:               managing("Token", askToken),
		doCredentialsMetadata - firstManaging: managing("CredentialsMetadata", countCredentials),
		doListCredentials - firstManaging:     managing("RPs and Credentials", listCredentials),
		doDeleteCredential - firstManaging: managing("DeleteCredential", func(ctx context.Context, h *host, _ byte) error {
			return h.client.DeleteCredential(ctx, h.lastToken(), h.lastCredential())
		}),
		doUpdateUser - firstManaging:   managing("UpdateUserInformation", updateUser),
		doFingerprints - firstManaging: managing("Fingerprints", listFingerprints),
		doEnroll - firstManaging:       managing("EnrollFingerprint", enrollFingerprint),
		doNameFingerprint - firstManaging: managing("SetFingerprintName", func(ctx context.Context, h *host, variant byte) error {
			return h.client.SetFingerprintName(ctx, h.lastToken(), h.lastFinger(), string(bytes.Repeat([]byte("x"), int(variant))))
		}),
		doRemoveFingerprint - firstManaging: managing("RemoveFingerprint", func(ctx context.Context, h *host, _ byte) error {
			return h.client.RemoveFingerprint(ctx, h.lastToken(), h.lastFinger())
		}),
		doGetLargeBlob - firstManaging: managing("GetLargeBlob", func(ctx context.Context, h *host, variant byte) error {
			_, err := h.client.GetLargeBlob(ctx, blobKey(variant))
			return err
		}),
		doSetLargeBlob - firstManaging: managing("SetLargeBlob", func(ctx context.Context, h *host, variant byte) error {
			sum := sha256.Sum256([]byte{variant})
			return h.client.SetLargeBlob(ctx, h.lastToken(), blobKey(variant), slices.Repeat(sum[:], 1+int(variant)))
		}),
		doDeleteLargeBlob - firstManaging: managing("DeleteLargeBlob", func(ctx context.Context, h *host, variant byte) error {
			return h.client.DeleteLargeBlob(ctx, h.lastToken(), blobKey(variant))
		}),
		doConfigure - firstManaging:      managing("Config", configure),
		doCreateWithList - firstManaging: managing("MakeCredentialWithList", createWithList),
		doLoginWithList - firstManaging:  managing("GetAssertionWithList", loginWithList),
		doFindCredential - firstManaging: managing("FindCredential", func(ctx context.Context, h *host, variant byte) error {
			_, err := h.client.FindCredential(ctx, relyingParties[0], h.longList(variant), h.tokenIf(variant))
			return err
		}),
		doHMACSecret - firstManaging: managing("HMACSecretExchange", exchangeSecrets),
		doU2F - firstManaging:        managing("U2F", useU2F),
	}
	all[doEnroll-firstManaging].tidies = 2 * grace // the key is told to forget the samples
	return all
}()

func askToken(ctx context.Context, h *host, variant byte) error {
	token, err := h.client.Token(ctx, permissions(variant), tokenRP(variant), ctap2.TokenPrompt{
		PIN: func(context.Context, ctap2.PINRetries, error) ([]byte, error) { return pin(variant), nil },
	})
	h.keepToken(token)
	return err
}

func countCredentials(ctx context.Context, h *host, _ byte) error {
	_, err := h.client.CredentialsMetadata(ctx, h.lastToken())
	return err
}

// listCredentials lists those of so many relying parties.
func listCredentials(ctx context.Context, h *host, most byte) error {
	token := h.lastToken()
	rps, err := h.client.RPs(ctx, token)
	if err != nil {
		return err
	}
	for _, rp := range rps[:min(len(rps), int(most))] {
		all, err := h.client.Credentials(ctx, token, rp.RPIDHash)
		if err != nil {
			return err
		}
		for _, c := range all {
			h.keepCredential(c.ID.ID)
		}
	}
	return nil
}

// updateUser names the user ada anew, or another, who does not exist.
func updateUser(ctx context.Context, h *host, other byte) error {
	user := ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "Grace"}
	if other != 0 {
		user.ID = []byte{other}
	}
	return h.client.UpdateUserInformation(ctx, h.lastToken(), h.lastCredential(), user)
}

func listFingerprints(ctx context.Context, h *host, _ byte) error {
	if _, err := h.client.FingerprintSensorInfo(ctx); err != nil {
		return err
	}
	all, err := h.client.Fingerprints(ctx, h.lastToken())
	for _, f := range all {
		h.keepFinger(f.TemplateID)
	}
	return err
}

// enrollFingerprint waits so many tenths of a second for each sample.
func enrollFingerprint(ctx context.Context, h *host, tenths byte) error {
	id, err := h.client.EnrollFingerprint(ctx, h.lastToken(), &ctap2.Enrollment{Timeout: time.Duration(tenths) * 100 * time.Millisecond})
	if err == nil {
		h.keepFinger(id)
	}
	return err
}

func configure(ctx context.Context, h *host, variant byte) error {
	token := h.lastToken()
	switch variant & 7 {
	case toggleAlwaysUv:
		return h.client.ToggleAlwaysUv(ctx, token)
	case enableEnterpriseAttestation:
		return h.client.EnableEnterpriseAttestation(ctx, token)
	case setMinPINLength:
		return h.client.SetMinPINLength(ctx, token, &ctap2.SetMinPINLengthParams{
			NewMinPINLength: uint(variant >> 3), MinPinLengthRPIDs: relyingParties[:variant>>7],
		})
	case enableLongTouch:
		return h.client.EnableLongTouchForReset(ctx, token)
	}
	return h.client.VendorPrototype(ctx, token, uint64(variant), nil)
}

func createWithList(ctx context.Context, h *host, variant byte) error {
	r := h.makeCredentialRequest(variant &^ authorized)
	r.ExcludeList = h.longList(variant)
	made, err := h.client.MakeCredentialWithList(ctx, r, h.tokenIf(variant))
	if err == nil {
		h.readCredential(made)
	}
	return err
}

func loginWithList(ctx context.Context, h *host, variant byte) error {
	r := h.getAssertionRequest(variant &^ authorized)
	r.AllowList = h.longList(variant)
	_, err := h.client.GetAssertionWithList(ctx, r, h.tokenIf(variant))
	return err
}

func exchangeSecrets(ctx context.Context, h *host, variant byte) error {
	x, err := h.client.HMACSecretExchange(ctx)
	if err != nil {
		return err
	}
	r := h.getAssertionRequest(variant)
	if err := x.Request(&r.Extensions, [ctap2.HMACSaltSize]byte{variant}); err != nil {
		return err
	}
	got, err := h.client.GetAssertion(ctx, r)
	if err == nil {
		_, _ = x.Outputs(got.AuthData.Extensions) // the key may lie, and need not have it
	}
	return err
}

// useU2F registers and authenticates, or asks for the version.
func useU2F(ctx context.Context, h *host, version byte) error {
	key := u2f.NewClient(h.conn, nil)
	if version != 0 {
		_, err := key.Version(ctx)
		return err
	}
	application := sha256.Sum256([]byte(relyingParties[0]))
	made, err := key.Register(ctx, &u2f.RegisterRequest{Application: application})
	if err != nil {
		return err
	}
	r := &u2f.AuthenticateRequest{Application: application, Control: u2f.EnforceUserPresence, KeyHandle: made.KeyHandle}
	if err := key.Check(ctx, r); err != nil {
		return err
	}
	_, err = key.Authenticate(ctx, r)
	return err
}

func blobKey(variant byte) []byte { return bytes.Repeat([]byte{variant & 3}, 32) }

func (h *host) lastToken() *pinuv.Token {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.token
}

func (h *host) tokenIf(variant byte) *pinuv.Token {
	if variant&authorized == 0 {
		return nil
	}
	return h.lastToken()
}

func (h *host) keepCredential(id []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.credential = slices.Clone(id)
}

func (h *host) lastCredential() ctap2.PublicKeyCredentialDescriptor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list()[0]
}

func (h *host) keepFinger(id []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finger = slices.Clone(id)
}

func (h *host) lastFinger() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.finger
}

// longList is a list of 20, with the last credential at the end.
func (h *host) longList(variant byte) (list []ctap2.PublicKeyCredentialDescriptor) {
	for i := range 20 {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: bytes.Repeat([]byte{byte(i)}, 40), Type: ctap2.TypePublicKey})
	}
	if variant&withList != 0 {
		list = append(list, h.lastCredential())
	}
	return list
}
