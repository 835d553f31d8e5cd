package virtual

// Enterprise gives a key enterprise attestations (CTAP 2.3 section 7.1): the
// option ep.
type Enterprise struct {
	RPIDs   []string // the vendor's list, for vendor-facilitated ones
	Enabled bool     // from the start; otherwise authenticatorConfig can

	// Attestation makes the statements. Nil: packed, with a certificate that
	// [AttestationRoot] has issued and that holds a serial number.
	Attestation Attestation
}
