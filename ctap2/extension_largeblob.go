package ctap2

import "errors"

// LargeBlobSupport says how much makeCredential needs the key to store a large
// blob (CTAP 2.3 section 12.4, largeBlob).
type LargeBlobSupport string

// The values of LargeBlobSupport.
const (
	LargeBlobPreferred LargeBlobSupport = "preferred"
	LargeBlobRequired  LargeBlobSupport = "required" // no credential is made otherwise
)

// LargeBlobInput is the input of the extension largeBlob (CTAP 2.3 section
// 12.4): Support in makeCredential, and either Read, or Write and OriginalSize,
// in getAssertion.
type LargeBlobInput struct {
	Support      LargeBlobSupport `cbor:"support,omitzero"`
	Read         bool             `cbor:"read,omitzero"`
	Write        []byte           `cbor:"write,omitzero"`        // compressed by DEFLATE
	OriginalSize *uint64          `cbor:"originalSize,omitzero"` // of what is written, before it was compressed
}

// LargeBlobOutput is the unsigned output of the extension largeBlob. Nil is a
// member that the key does not send.
type LargeBlobOutput struct {
	Supported    *bool   `cbor:"supported,omitzero"`    // makeCredential
	Blob         []byte  `cbor:"blob,omitzero"`         // compressed by DEFLATE; nil if none is stored
	OriginalSize *uint64 `cbor:"originalSize,omitzero"` // of Blob, before it was compressed
	Written      *bool   `cbor:"written,omitzero"`
}

// Data decompresses Blob. It is nil if there is none, and bounded: see
// [MaxLargeBlobSize].
func (o *LargeBlobOutput) Data() ([]byte, error) {
	switch {
	case o.Blob == nil:
		return nil, nil
	case o.OriginalSize == nil:
		return nil, errors.New("ctap2: extension largeBlob: originalSize is missing")
	}
	return inflate(o.Blob, *o.OriginalSize)
}

// SetLargeBlobSupport asks makeCredential for a credential that the key stores a
// large blob with. A key has this extension or largeBlobKey and the command
// largeBlobs, never both.
func (e *Extensions) SetLargeBlobSupport(s LargeBlobSupport) {
	e.set(ExtensionLargeBlob, LargeBlobInput{Support: s})
}

// RequestLargeBlob asks getAssertion for the large blob of the credential.
func (e *Extensions) RequestLargeBlob() { e.set(ExtensionLargeBlob, LargeBlobInput{Read: true}) }

// SetLargeBlob asks getAssertion, whose allowList must name the credential, to
// store data with it, at most [MaxLargeBlobSize] bytes.
func (e *Extensions) SetLargeBlob(data []byte) error {
	b, err := deflate(data)
	if err != nil {
		return err
	}
	e.set(ExtensionLargeBlob, LargeBlobInput{Write: b, OriginalSize: new(uint64(len(data)))})
	return nil
}

// LargeBlob returns the output of the extension largeBlob, from
// UnsignedExtensionOutputs; nil if the key does not answer it.
func (e Extensions) LargeBlob() (*LargeBlobOutput, error) {
	o := new(LargeBlobOutput)
	if ok, err := e.Get(ExtensionLargeBlob, o); !ok || err != nil {
		return nil, err
	}
	return o, nil
}
