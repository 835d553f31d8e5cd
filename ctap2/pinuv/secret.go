package pinuv

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
)

// blockSize is the size of an AES block, and of an initialisation vector, in bytes.
const blockSize = aes.BlockSize

// MaxSize is the most that [SharedSecret.Encrypt] and [SharedSecret.Decrypt] take, in bytes: more than any CTAPHID
// message holds, so that no command is refused for it.
const MaxSize = 8192

// SharedSecret is what a platform and an authenticator agree on for one PIN/UV operation (CTAP 2.3 section 6.5.4,
// shared secret). It encrypts PINs, tokens and hmac-secret salts, and authenticates requests that carry them. It is
// valid until the authenticator makes a new key agreement key.
//
// A SharedSecret may be used by several goroutines, except for Wipe. Use it through the pointer only: a copy of the
// struct escapes Wipe.
type SharedSecret struct {
	protocol Protocol
	hmacKey  [32]byte
	aesKey   [32]byte // the same as hmacKey in protocol one
}

// Protocol returns the protocol that the secret was agreed on with.
func (s *SharedSecret) Protocol() Protocol { return s.protocol }

// Encrypt encrypts plaintext, whose length is a positive multiple of 16 bytes: 64 for a padded PIN, 16 for a PIN hash,
// 16 or 32 for a token, 32 or 64 for salts. In protocol two the result starts with an initialisation vector of 16
// bytes from random, or crypto/rand if random is nil; protocol one reads none. Encryption alone authenticates nothing.
// CTAP 2.3 sections 6.5.6 and 6.5.7, encrypt.
func (s *SharedSecret) Encrypt(random io.Reader, plaintext []byte) ([]byte, error) {
	if len(plaintext) == 0 || len(plaintext)%blockSize != 0 || len(plaintext) > MaxSize {
		return nil, &SizeError{"encrypt", len(plaintext), "a positive multiple of 16"}
	}
	block, err := aes.NewCipher(s.aesKey[:])
	if err != nil {
		return nil, err
	}
	overhead := s.protocol.overhead()
	out := make([]byte, overhead+len(plaintext))
	iv := make([]byte, blockSize)
	if overhead > 0 {
		iv = out[:overhead]
		if err := fill(random, iv); err != nil {
			return nil, err
		}
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out[overhead:], plaintext)
	return out, nil
}

// Decrypt is the inverse of [SharedSecret.Encrypt]. The ciphertext has a positive multiple of 16 bytes, after the
// initialisation vector in protocol two; anything else is a [*SizeError]. Nothing in a ciphertext tells whether it was
// made with this secret: whoever receives one verifies its MAC first, or checks the plaintext. The caller wipes the
// plaintext. CTAP 2.3 sections 6.5.6 and 6.5.7, decrypt.
func (s *SharedSecret) Decrypt(ciphertext []byte) ([]byte, error) {
	overhead := s.protocol.overhead()
	size := len(ciphertext) - overhead
	if size <= 0 || size%blockSize != 0 || size > MaxSize {
		want := "a positive multiple of 16"
		if overhead > 0 {
			want += ", and 16 before that"
		}
		return nil, &SizeError{"decrypt", len(ciphertext), want}
	}
	block, err := aes.NewCipher(s.aesKey[:])
	if err != nil {
		return nil, err
	}
	iv := ciphertext[:overhead]
	if overhead == 0 {
		iv = make([]byte, blockSize)
	}
	plaintext := make([]byte, size)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plaintext, ciphertext[overhead:])
	return plaintext, nil
}

// Authenticate returns the MAC over message, the pinUvAuthParam of setPIN and changePIN and the saltAuth of
// hmac-secret: 16 bytes in protocol one, 32 in protocol two. CTAP 2.3 sections 6.5.6 and 6.5.7, authenticate.
func (s *SharedSecret) Authenticate(message []byte) []byte {
	return s.protocol.mac(s.hmacKey[:], message)
}

// Verify reports whether param is the MAC over message. It compares in constant time and takes no other length than
// the protocol's. CTAP 2.3 sections 6.5.6 and 6.5.7, verify.
func (s *SharedSecret) Verify(message, param []byte) bool {
	return hmac.Equal(s.protocol.mac(s.hmacKey[:], message), param)
}

// Wipe overwrites the secret with zeros. It must not be used afterwards.
func (s *SharedSecret) Wipe() {
	clear(s.hmacKey[:])
	clear(s.aesKey[:])
}

// mac returns the MAC over message, in the protocol's length.
func (p Protocol) mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	sum := h.Sum(make([]byte, 0, sha256.Size))
	if p == One {
		return sum[:16:16]
	}
	return sum
}

// fill reads len(b) random bytes, from crypto/rand if random is nil.
func fill(random io.Reader, b []byte) error {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, b); err != nil {
		return fmt.Errorf("pinuv: reading random bytes: %w", err)
	}
	return nil
}
