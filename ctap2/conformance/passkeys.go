package conformance

import (
	"crypto/sha256"
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid"
)

// rpID is the relying party of the cases.
const rpID = "conformance.example"

// discoverableRequest returns a makeCredential request for the n-th account's
// passkey.
func discoverableRequest(c *C, n int) []byte {
	c.Helper()
	hash := sha256.Sum256([]byte(c.id))
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash:   hash[:],
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: rpID, Name: "Conformance"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{byte(n)}, Name: fmt.Sprintf("user%d", n), DisplayName: fmt.Sprintf("User %d", n)},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		Options:          ctap2.Options{RK: new(true)},
	}
	b, err := r.Append(nil)
	if err != nil {
		c.Fatal(err)
	}
	return b
}

// assertionOf returns a getAssertion request for any passkey of rpID.
func assertionOf(c *C) []byte {
	c.Helper()
	hash := sha256.Sum256([]byte(c.id))
	b, err := (&ctap2.GetAssertionRequest{RPID: rpID, ClientDataHash: hash[:]}).Append(nil)
	if err != nil {
		c.Fatal(err)
	}
	return b
}

// discoverable makes n passkeys for accounts of rpID.
func (w *wire) discoverable(cid ctaphid.CID, n int) {
	w.c.Helper()
	for i := range n {
		w.send(cid, ctaphid.CommandCBOR, discoverableRequest(w.c, i))
		data := w.expect(cid, ctaphid.CommandCBOR, slowest)
		if s := ctap2.Status(append(data, 0xff)[0]); s == ctap2.StatusUnsupportedOption || s == ctap2.StatusPUATRequired || s == ctap2.StatusOperationDenied {
			w.c.NotApplicable("the key makes no passkey without user verification: %s", s.Name())
		} else if s != ctap2.StatusSuccess {
			w.c.Fatalf("making a passkey: %s", s.Name())
		}
	}
}
