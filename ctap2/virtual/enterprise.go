package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
)

// Enterprise gives a key enterprise attestations (CTAP 2.3 section 7.1): the
// option ep.
type Enterprise struct {
	RPIDs   []string // the vendor's list, for vendor-facilitated ones
	Enabled bool     // from the start; otherwise authenticatorConfig can

	// Attestation makes the statements. Nil: packed, with a certificate that
	// [AttestationRoot] has issued and that holds the SerialNumber.
	Attestation Attestation

	// SerialNumber tells this key from all others of its AAGUID, and survives a
	// reset (WebAuthn L3 section 8.2.2). Nil: one that is the same for all keys.
	SerialNumber []byte
}

// Values of makeCredential's enterpriseAttestation.
const (
	vendorFacilitated = 1
	platformManaged   = 2
)

// enterpriseKnown reports whether the key has the option ep.
func (k *Key) enterpriseKnown() bool { return k.config.Enterprise != nil && k.configSupported() }

// enableEnterpriseAttestation is CTAP 2.3 section 6.11.1.
func (k *Key) enableEnterpriseAttestation([]byte) error {
	p := k.state.policy
	p.Enterprise = true
	return k.setPolicy(p)
}

// grantEnterprise is step 9 of makeCredential: whether the attestation may tell
// this key from others. One that the vendor's list does not grant is an ordinary
// one. To a key of CTAP 2.0 the member means nothing.
func (k *Key) grantEnterprise(r *ctap2.MakeCredentialRequest) (granted bool, err error) {
	switch {
	case !r.Has(createEnterprise), !k.profile.info21:
		return false, nil
	case !k.enterpriseKnown() || !k.state.policy.Enterprise:
		return false, ctap2.StatusInvalidParameter
	}
	switch r.EnterpriseAttestation {
	case vendorFacilitated:
		return slices.Contains(k.config.Enterprise.RPIDs, r.RP.ID), nil
	case platformManaged: // the platform has asked its administrator
		return true, nil
	}
	return false, ctap2.StatusInvalidOption
}
