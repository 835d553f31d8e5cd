package ctap2

// RequestPINComplexityPolicy asks makeCredential whether the key enforces a
// policy for PINs beyond their length (CTAP 2.3 section 12.6,
// pinComplexityPolicy). The same relying parties as for RequestMinPINLength get
// an answer.
func (e *Extensions) RequestPINComplexityPolicy() { e.set(ExtensionPINComplexityPolicy, true) }

// PINComplexityPolicy reports whether the key enforces a policy for PINs, from
// the extension outputs in makeCredential's authenticator data; nil if the key
// does not tell.
func (e Extensions) PINComplexityPolicy() (enforced *bool, err error) {
	_, err = e.Get(ExtensionPINComplexityPolicy, &enforced)
	return enforced, err
}
