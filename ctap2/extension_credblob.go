package ctap2

// SetCredBlob asks makeCredential to store a few bytes with the credential, at
// most GetInfoResponse.MaxCredBlobLength of them (CTAP 2.3 section 12.2,
// credBlob). CredBlobStored tells whether it did.
func (e *Extensions) SetCredBlob(blob []byte) { e.set(ExtensionCredBlob, blob) }

// RequestCredBlob asks getAssertion for the bytes that are stored with the
// credential; CredBlob returns them.
func (e *Extensions) RequestCredBlob() { e.set(ExtensionCredBlob, true) }

// CredBlobStored reports whether makeCredential has stored the bytes, from the
// extension outputs in its authenticator data.
func (e Extensions) CredBlobStored() (stored bool, err error) {
	_, err = e.Get(ExtensionCredBlob, &stored)
	return stored, err
}

// CredBlob returns the bytes that are stored with the credential, from the
// extension outputs in getAssertion's authenticator data: empty if there are
// none, nil if the key does not answer the extension.
func (e Extensions) CredBlob() (blob []byte, err error) {
	_, err = e.Get(ExtensionCredBlob, &blob)
	return blob, err
}
