package ctap2

// RequestThirdPartyPayment asks makeCredential to mark the credential for
// payments that others than its relying party start, and getAssertion whether
// it is (CTAP 2.3 section 12.9, thirdPartyPayment). makeCredential gives no
// output.
func (e *Extensions) RequestThirdPartyPayment() { e.set(ExtensionThirdPartyPayment, true) }

// ThirdPartyPayment reports whether the credential is marked, from the extension
// outputs in getAssertion's authenticator data.
func (e Extensions) ThirdPartyPayment() (enabled bool, err error) {
	_, err = e.Get(ExtensionThirdPartyPayment, &enabled)
	return enabled, err
}
