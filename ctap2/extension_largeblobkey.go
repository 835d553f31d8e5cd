package ctap2

// RequestLargeBlobKey asks makeCredential to make, and getAssertion to return,
// the key that encrypts the credential's large blob (CTAP 2.3 section 12.3,
// largeBlobKey). makeCredential needs the option rk. The answer is the member
// LargeBlobKey of the response; [Client.GetLargeBlob] and its like use it.
func (e *Extensions) RequestLargeBlobKey() { e.set(ExtensionLargeBlobKey, true) }
