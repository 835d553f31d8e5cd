package virtual

import (
	"maps"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// maxLargeBlobInReply is the most bytes of a blob that leave room in a reply of
// CTAPHID, which has 7,609, for everything else: more could be written and never
// read again.
const maxLargeBlobInReply = 4096

// largeBlob is CTAP 2.3 section 12.4: the key keeps a blob in the record of each
// credential that was made with the extension. A credential that need not be
// discoverable is stored for that.
//
// The section asks for no user verification, so that an assertion which is good
// enough for the relying party is good enough to write: one that wants more makes
// its credential with credProtect. Without an allowList nothing is written,
// because then the key, and not the relying party, says which credential it is.
var largeBlob = &extension{
	id: ctap2.ExtensionLargeBlob,
	create: func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		in, err := decodeLargeBlobInput(input)
		if err != nil {
			return nil, err
		}
		if !in.creates() {
			return nil, ctap2.StatusInvalidCBOR
		}
		// Where it is required and there is no room, makeCredential fails for
		// that reason in a moment.
		supported := *in.Support == string(ctap2.LargeBlobRequired) || !k.full(c.credential)
		if supported {
			c.credential.stored = true
			c.credential.keep(ctap2.ExtensionLargeBlob, noLargeBlob)
		}
		return nil, setOutput(&c.response.UnsignedExtensionOutputs, ctap2.LargeBlobOutput{Supported: &supported})
	},
	get: func(k *Key, a *assertion, c *credential, r *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error) {
		in, err := decodeLargeBlobInput(input)
		if err != nil {
			return nil, err
		}
		var out ctap2.LargeBlobOutput
		switch {
		case in.reads():
			if blob := c.largeBlob(); blob.Blob != nil {
				out.Blob, out.OriginalSize = blob.Blob, &blob.OriginalSize
			}
		case in.writes():
			written, err := k.writeLargeBlob(a, c, storedLargeBlob{in.Write, *in.OriginalSize})
			if err != nil {
				return nil, err
			}
			out.Written = &written
		default:
			return nil, ctap2.StatusInvalidCBOR
		}
		return nil, setOutput(&r.UnsignedExtensionOutputs, out)
	},
}

// largeBlobInput is the input of both commands; what is absent is nil.
type largeBlobInput struct {
	Support      *string `cbor:"support"`
	Read         *bool   `cbor:"read"`
	Write        []byte  `cbor:"write"`
	OriginalSize *uint64 `cbor:"originalSize"`
}

// decodeLargeBlobInput decodes the input. A map with a member of another type is
// malformed, as one with the wrong members is.
func decodeLargeBlobInput(input cbor.RawMessage) (in largeBlobInput, err error) {
	var members map[string]cbor.RawMessage
	if err := decodeInput(input, &members); err != nil {
		return in, err
	}
	if err := cbor.Unmarshal(input, &in); err != nil {
		return in, ctap2.StatusInvalidCBOR
	}
	return in, nil
}

func (in *largeBlobInput) creates() bool {
	return in.Support != nil && in.Read == nil && in.Write == nil && in.OriginalSize == nil &&
		(*in.Support == string(ctap2.LargeBlobPreferred) || *in.Support == string(ctap2.LargeBlobRequired))
}

func (in *largeBlobInput) reads() bool {
	return in.Support == nil && isSet(in.Read) && in.Write == nil && in.OriginalSize == nil
}

func (in *largeBlobInput) writes() bool {
	return in.Support == nil && in.Read == nil && in.Write != nil && in.OriginalSize != nil
}

// storedLargeBlob is what a credential keeps.
type storedLargeBlob struct {
	Blob         []byte `cbor:"1,keyasint,omitzero"` // compressed; nil: none
	OriginalSize uint64 `cbor:"2,keyasint,omitzero"`
}

// noLargeBlob is an encoded storedLargeBlob without one.
var noLargeBlob = cbor.RawMessage{0xa0}

// largeBlob returns what the credential keeps.
func (c *credential) largeBlob() (blob storedLargeBlob) {
	if b := c.extensions[ctap2.ExtensionLargeBlob]; b != nil {
		_ = cbor.Unmarshal(b, &blob) // nothing else is written there
	}
	return blob
}

// writeLargeBlob has the assertion store a blob together with the counter, and
// reports whether it will. The specification names no user verification for it, but
// without a touch a program that only knows the credential's ID could overwrite the
// blob and nobody would notice.
func (k *Key) writeLargeBlob(a *assertion, c *credential, blob storedLargeBlob) (bool, error) {
	if !a.touched() || len(a.request.AllowList) == 0 || c.extensions[ctap2.ExtensionLargeBlob] == nil || len(blob.Blob) > k.maxLargeBlob() {
		return false, nil
	}
	changed, extensions, err := c.withLargeBlob(blob)
	if err != nil {
		return false, err
	}
	a.changes = append(a.changes, changed)
	a.stored = func() { c.extensions = extensions }
	return true, nil
}

// maxLargeBlob is how many bytes a credential can keep.
func (k *Key) maxLargeBlob() int { return min(k.config.LargeBlobCapacity, maxLargeBlobInReply) }

// withLargeBlob returns the change that stores the blob, and what the
// credential's extensions keep after it.
func (c *credential) withLargeBlob(blob storedLargeBlob) (change, map[string]cbor.RawMessage, error) {
	b, err := cbor.Marshal(blob)
	if err != nil {
		return change{}, nil, err
	}
	record := c.encode()
	record.Extensions = maps.Clone(c.extensions)
	record.Extensions[ctap2.ExtensionLargeBlob] = b
	return change{c.record(), record}, record.Extensions, nil
}

// setOutput adds an unsigned output to a response.
func setOutput(outputs *ctap2.Extensions, out ctap2.LargeBlobOutput) error {
	if *outputs == nil {
		*outputs = ctap2.Extensions{}
	}
	return outputs.Set(ctap2.ExtensionLargeBlob, out)
}
