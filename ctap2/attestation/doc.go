// Package attestation verifies and makes attestation statements: what an authenticator says about itself when it
// creates a credential (WebAuthn Level 3 section 8, CTAP 2.3 section 6.1).
//
// A statement has a format, and signs the authenticator data and the hash of the client data, with one of these keys:
//
//	format       key                                            Type
//	none         nothing is signed                              None
//	packed       the new credential's own                       Self
//	packed       an attestation key, certificate in x5c         Basic
//	fido-u2f     an attestation key, certificate in x5c         Basic
//
// [Verify] checks a statement against the authenticator data: its form, the signature, and what the formats demand of
// the certificate. It does not ask whether the certificate is genuine. That is a decision of the relying party, which
// knows the roots it trusts and whether an expired certificate matters to it: [Result.VerifyTrust] builds the chain.
//
// [SignPacked] and [SignFIDOU2F] are the authenticator's side.
//
// The formats tpm, android-key, android-safetynet, apple and compound belong to platforms rather than to security
// keys; for them [Verify] returns an [*UnsupportedFormatError].
package attestation
