// Package pinuv implements the PIN/UV auth protocols one and two of CTAP 2.3 sections 6.5.4 to 6.5.7, for both ends:
// the platform, which asks for a PIN, and the authenticator, which checks it.
//
// A PIN never crosses the wire in the clear, and each command that needs the user's consent carries a MAC. It goes
// like this:
//
//	platform                                       authenticator
//	                                               GenerateKeyAgreement, at power-up
//	                 ── getKeyAgreement ──▶
//	                 ◀── its COSE key ────         KeyAgreement.PublicKey
//	Protocol.Encapsulate: a key pair of
//	its own, and the shared secret
//	SharedSecret.Encrypt(HashPIN(pin))
//	                 ── COSE key, pinHashEnc ──▶   KeyAgreement.Decapsulate: the same secret
//	                                               SharedSecret.Decrypt, compare the hash
//	                 ◀── encrypted token ─────     SharedSecret.Encrypt(Token.ExposeSecret())
//	SharedSecret.Decrypt, NewToken
//	Token.Authenticate(clientDataHash)
//	                 ── pinUvAuthParam ───────▶    Token.Verify
//
// The protocols differ in how keys are derived, whether an initialisation vector is sent, and the length of a MAC:
//
//	                   one                        two
//	shared secret      SHA-256(Z)                 HKDF-SHA-256(Z), an HMAC key and an AES key
//	ciphertext         AES-256-CBC, IV zero       IV, then AES-256-CBC
//	MAC                HMAC-SHA-256, 16 bytes     HMAC-SHA-256, 32 bytes
//	token              16 or 32 bytes             32 bytes
//
// Encryption and authentication are separate: a caller that receives a ciphertext verifies its MAC first wherever the
// command carries one.
//
// Shared secrets and tokens print as "redacted" and are wiped with Wipe. A reader of random bytes may be given
// wherever some are needed, so that a test can repeat an exchange; nil means crypto/rand, which is what every other
// program wants.
package pinuv
