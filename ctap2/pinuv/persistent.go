package pinuv

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"io"
)

// EncryptedMember is a member of getInfo that only the holder of a persistentPinUvAuthToken can read (CTAP 2.3 section
// 6.4). Its value is the info string of the key derivation.
type EncryptedMember string

const (
	// EncIdentifier is getInfo's encIdentifier (0x19): the device's identifier, new after each reset.
	EncIdentifier EncryptedMember = "encIdentifier"
	// EncCredStoreState is getInfo's encCredStoreState (0x1E): a value that changes with each change of a discoverable
	// credential.
	EncCredStoreState EncryptedMember = "encCredStoreState"
)

// EncryptMember encrypts a value of 16 bytes as an authenticator puts it into getInfo: an initialisation vector of 16
// bytes from random (crypto/rand if nil), fresh for each getInfo, and 16 bytes of AES-128-CBC.
func (t *Token) EncryptMember(random io.Reader, m EncryptedMember, value [16]byte) ([]byte, error) {
	block, err := t.memberCipher(m)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 2*blockSize)
	if err := fill(random, out[:blockSize]); err != nil {
		return nil, err
	}
	cipher.NewCBCEncrypter(block, out[:blockSize]).CryptBlocks(out[blockSize:], value[:])
	return out, nil
}

// DecryptMember is the platform's inverse of [Token.EncryptMember]; encrypted has 32 bytes, or the error is a
// [*SizeError]. Nothing in it tells whether the token was the right one: compare the value with one seen before.
func (t *Token) DecryptMember(m EncryptedMember, encrypted []byte) (value [16]byte, err error) {
	if len(encrypted) != 2*blockSize {
		return value, &SizeError{"decrypt " + string(m), len(encrypted), "32"}
	}
	block, err := t.memberCipher(m)
	if err != nil {
		return value, err
	}
	cipher.NewCBCDecrypter(block, encrypted[:blockSize]).CryptBlocks(value[:], encrypted[blockSize:])
	return value, nil
}

// memberCipher derives the member's AES-128 key: HKDF-SHA-256 with a salt of 32 zero bytes.
func (t *Token) memberCipher(m EncryptedMember) (cipher.Block, error) {
	var salt [32]byte
	key, err := hkdf.Key(sha256.New, t.secret[:t.size], salt[:], string(m), 16)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return aes.NewCipher(key)
}
