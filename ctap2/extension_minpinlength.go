package ctap2

// RequestMinPINLength asks makeCredential for the key's minimum PIN length (CTAP
// 2.3 section 12.5, minPinLength). Only a relying party that the key was
// configured for gets an answer; see SetMinPINLengthParams.MinPinLengthRPIDs.
func (e *Extensions) RequestMinPINLength() { e.set(ExtensionMinPINLength, true) }

// MinPINLength returns the key's minimum PIN length in code points, from the
// extension outputs in makeCredential's authenticator data; zero if the key
// does not tell.
func (e Extensions) MinPINLength() (codePoints uint, err error) {
	_, err = e.Get(ExtensionMinPINLength, &codePoints)
	return codePoints, err
}
