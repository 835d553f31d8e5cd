package ctap2

import "crypto/sha256"

// PRFSalt returns the salt of hmac-secret for an input of WebAuthn's extension
// prf, of any length: the SHA-256 of "WebAuthn PRF", a zero byte and the input
// (WebAuthn L3 section 10.1.4). It keeps what web sites evaluate apart from what
// other programs do with hmac-secret.
func PRFSalt(input []byte) [HMACSaltSize]byte {
	h := sha256.New()
	h.Write([]byte("WebAuthn PRF\x00"))
	h.Write(input)
	return [HMACSaltSize]byte(h.Sum(nil))
}
