package ctap2

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gofido/fido/cbor"
)

// A LargeBlobArray is what a key stores for all its credentials together (CTAP
// 2.3 section 6.10.1): an array of encrypted blobs. Whose an entry is shows only
// when it is decrypted, so entries are kept byte for byte, those that are not
// understood included.
type LargeBlobArray []cbor.RawMessage

// largeBlobEntry is the large-blob map of CTAP 2.3 section 6.10.3.
type largeBlobEntry struct {
	Ciphertext []byte  `cbor:"1,keyasint"` // with the tag of 16 bytes behind it
	Nonce      []byte  `cbor:"2,keyasint"` // 12 bytes
	OrigSize   *uint64 `cbor:"3,keyasint"` // of the blob before it was compressed
}

const (
	// LargeBlobKeySize is the size of a largeBlobKey, in bytes.
	LargeBlobKeySize = 32

	// InitialLargeBlobArraySize is the size of the serialized array without
	// entries, in bytes, and the least that any has.
	InitialLargeBlobArraySize = 1 + largeBlobSumSize

	largeBlobSumSize   = 16
	largeBlobNonceSize = 12
)

// ErrNoLargeBlob says that the large-blob array has no blob for a key.
var ErrNoLargeBlob = errors.New("ctap2: no large blob is stored for the credential")

// A LargeBlobArrayError says that what a key stores is not a large-blob array:
// its checksum is wrong, or what it covers is no CBOR array. The specification
// has it treated as an empty array; writing that would destroy what other
// programs have stored there, if there is anything left to be read. Whoever
// means to do that writes an empty array: see [Client.WriteLargeBlobs].
type LargeBlobArrayError struct {
	Raw []byte // what the key stores
	Err error  // what is wrong
}

// Error says what is wrong, and what that means.
func (e *LargeBlobArrayError) Error() string {
	return fmt.Sprintf("ctap2: the large blobs on the key (%d bytes) are damaged: %v; "+
		"they are left as they are, and only writing all of them anew helps", len(e.Raw), e.Err)
}

// Unwrap returns Err.
func (e *LargeBlobArrayError) Unwrap() error { return e.Err }

// ParseLargeBlobArray decodes a serialized large-blob array: a CBOR array and
// the first 16 bytes of its SHA-256. The error is a *[LargeBlobArrayError], which
// wraps StatusIntegrityFailure if the checksum is wrong. Entries are copied and
// not judged.
func ParseLargeBlobArray(b []byte) (LargeBlobArray, error) {
	n := len(b) - largeBlobSumSize
	if n < 1 {
		return nil, &LargeBlobArrayError{b, fmt.Errorf("%d bytes are less than %d", len(b), InitialLargeBlobArraySize)}
	}
	if sum := sha256.Sum256(b[:n]); string(sum[:largeBlobSumSize]) != string(b[n:]) {
		return nil, &LargeBlobArrayError{b, StatusIntegrityFailure}
	}
	var a LargeBlobArray
	deviations, err := cbor.UnmarshalLenient(b[:n], &a)
	if err != nil {
		return nil, &LargeBlobArrayError{b, err}
	}
	for _, d := range deviations {
		if d.Kind == cbor.TrailingBytes {
			return nil, &LargeBlobArrayError{b, &cbor.DeviationError{Deviation: d}}
		}
	}
	return a, nil
}

// Append appends the serialized array, checksum included, to dst.
func (a LargeBlobArray) Append(dst []byte) []byte {
	start := len(dst)
	dst = appendArrayHead(dst, len(a))
	for _, entry := range a {
		dst = append(dst, entry...)
	}
	sum := sha256.Sum256(dst[start:])
	return append(dst, sum[:largeBlobSumSize]...)
}

// appendArrayHead writes what package cbor would, which refuses to write the
// entries if they are not canonical.
func appendArrayHead(dst []byte, n int) []byte {
	const array = 4 << 5
	switch {
	case n < 24:
		return append(dst, array|byte(n))
	case n < 1<<8:
		return append(dst, array|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, array|25), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, array|26), uint32(n))
}

// Find decrypts the blob that is stored for key, the credential's largeBlobKey.
// The error is ErrNoLargeBlob if there is none. A blob that is there but can't
// be decompressed, or has another size than it says, is another error.
func (a LargeBlobArray) Find(key []byte) (data []byte, err error) {
	aead, err := largeBlobCipher(key)
	if err != nil {
		return nil, err
	}
	err = ErrNoLargeBlob
	for _, entry := range a {
		compressed, size, ok := openEntry(aead, entry)
		if !ok {
			continue
		}
		data, bad := inflate(compressed, size)
		if bad == nil {
			return data, nil
		}
		err = fmt.Errorf("ctap2: the large blob of the credential is damaged: %w", bad)
	}
	return nil, err
}

// Set returns the array with data as the only blob for key, behind all others.
// Nonces come from random, or crypto/rand if it is nil. data has at most
// [MaxLargeBlobSize] bytes.
func (a LargeBlobArray) Set(random io.Reader, key, data []byte) (LargeBlobArray, error) {
	others, _, err := a.Delete(key)
	if err != nil {
		return nil, err
	}
	entry, err := sealEntry(random, key, data)
	if err != nil {
		return nil, err
	}
	return append(others, entry), nil
}

// Delete returns the array without the blobs for key, damaged ones included,
// and how many those are.
func (a LargeBlobArray) Delete(key []byte) (others LargeBlobArray, deleted int, err error) {
	aead, err := largeBlobCipher(key)
	if err != nil {
		return nil, 0, err
	}
	others = make(LargeBlobArray, 0, len(a)+1)
	for _, entry := range a {
		if _, _, ok := openEntry(aead, entry); ok {
			deleted++
		} else {
			others = append(others, entry)
		}
	}
	return others, deleted, nil
}

func largeBlobCipher(key []byte) (cipher.AEAD, error) {
	if len(key) != LargeBlobKeySize {
		return nil, fmt.Errorf("ctap2: a largeBlobKey has %d bytes, this one has %d", LargeBlobKeySize, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// largeBlobData is the associated data of an entry.
func largeBlobData(size uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte("blob"), size)
}

// openEntry decrypts an entry; ok is false if it is another key's, or something
// else altogether.
func openEntry(aead cipher.AEAD, entry []byte) (compressed []byte, size uint64, ok bool) {
	var e largeBlobEntry
	if _, err := cbor.UnmarshalLenient(entry, &e); err != nil || len(e.Nonce) != largeBlobNonceSize || e.OrigSize == nil {
		return nil, 0, false
	}
	compressed, err := aead.Open(nil, e.Nonce, e.Ciphertext, largeBlobData(*e.OrigSize))
	return compressed, *e.OrigSize, err == nil
}

func sealEntry(random io.Reader, key, data []byte) (cbor.RawMessage, error) {
	aead, err := largeBlobCipher(key)
	if err != nil {
		return nil, err
	}
	compressed, err := deflate(data)
	if err != nil {
		return nil, err
	}
	if random == nil {
		random = rand.Reader
	}
	size := uint64(len(data))
	e := largeBlobEntry{Nonce: make([]byte, largeBlobNonceSize), OrigSize: &size}
	if _, err := io.ReadFull(random, e.Nonce); err != nil {
		return nil, fmt.Errorf("ctap2: reading random bytes: %w", err)
	}
	e.Ciphertext = aead.Seal(nil, e.Nonce, compressed, largeBlobData(size))
	return cbor.Marshal(e)
}
