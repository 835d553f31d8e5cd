package virtual

import (
	"errors"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// An extension is one of CTAP 2.3 section 12 as the key carries it out. Each
// has a file of its own; extensions lists them.
type extension struct {
	id string

	// create is called by makeCredential for an extension that the request
	// names, after the user has agreed and before the credential is stored; it
	// may note what the credential keeps. It returns the encoded output for
	// the authenticator data, or nil. Other outputs it puts into the response.
	// If unasked is set it is called for other requests too, without an input.
	unasked bool
	create  func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error)

	// named is called by makeCredential once the credential has its ID, for what
	// depends on that, if the request names the extension. It returns what create
	// does, which then returns nothing.
	named func(k *Key, c *creation) (cbor.RawMessage, error)

	// get is called for each assertion, after the user has agreed, if the
	// request names the extension, and returns what create does. Nil: there is
	// nothing to do for an assertion.
	get func(k *Key, a *assertion, c *credential, r *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error)
}

// extensions are all that a key can know, in the order in which they are
// carried out and listed.
var extensions = []*extension{
	credProtect,
	credBlob,
	largeBlobKey,
	largeBlob,
	hmacSecret,
	hmacSecretMC,
	minPinLength,
	pinComplexityPolicy,
	thirdPartyPayment,
}

// known returns the extensions that this key has.
func (k *Key) known(yield func(*extension) bool) {
	for _, e := range extensions {
		if k.has(e.id) && !yield(e) {
			return
		}
	}
}

// has reports whether this key has an extension that the package has.
func (k *Key) has(id string) bool {
	inProfile := slices.Contains(k.profile.extensions, id) || k.config.Previews && slices.Contains(extensionsPre, id)
	if !inProfile || slices.Contains(k.config.WithoutExtensions, id) {
		return false
	}
	switch id {
	case ctap2.ExtensionHMACSecret: // needs its getKeyAgreement
		return k.knows(ctap2.CommandClientPIN)
	case ctap2.ExtensionHMACSecretMC:
		return k.has(ctap2.ExtensionHMACSecret)
	case ctap2.ExtensionLargeBlobKey:
		return k.largeBlobsSupported()
	case ctap2.ExtensionLargeBlob:
		return k.config.LargeBlobExtension
	case ctap2.ExtensionMinPINLength:
		return k.minPINLengthSettable()
	case ctap2.ExtensionPINComplexityPolicy:
		return k.pinComplexityKnown()
	}
	return true
}

func (k *Key) extensionIDs() []string {
	var ids []string
	for e := range k.known {
		ids = append(ids, e.id)
	}
	return ids
}

// decodeInput decodes an extension's input. The request as a whole has been
// checked to be canonical.
func decodeInput(input cbor.RawMessage, v any) error {
	err := cbor.Unmarshal(input, v)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*cbor.TypeError](err); ok {
		return ctap2.StatusCBORUnexpectedType
	}
	if _, ok := errors.AsType[*cose.KeyError](err); ok {
		return ctap2.StatusInvalidParameter
	}
	return ctap2.StatusInvalidCBOR
}

// decodeTrue decodes the input of an extension that is asked for with true.
func decodeTrue(input cbor.RawMessage) (wanted bool, err error) {
	err = decodeInput(input, &wanted)
	return wanted, err
}

// createExtensions is step 15 of makeCredential.
func (k *Key) createExtensions(c *creation) (outputs ctap2.Extensions, err error) {
	for e := range k.known {
		input, ok := c.request.Extensions[e.id]
		if !ok && !e.unasked || e.create == nil {
			continue
		}
		output, err := e.create(k, c, input)
		if err != nil {
			return nil, err
		}
		outputs = addOutput(outputs, e.id, output)
	}
	return outputs, nil
}

// namedExtensions is the part of step 15 of makeCredential that needs the
// credential ID.
func (k *Key) namedExtensions(c *creation, outputs ctap2.Extensions) (ctap2.Extensions, error) {
	for e := range k.known {
		if _, ok := c.request.Extensions[e.id]; !ok || e.named == nil {
			continue
		}
		output, err := e.named(k, c)
		if err != nil {
			return nil, err
		}
		outputs = addOutput(outputs, e.id, output)
	}
	return k.faults.extra(outputs), nil
}

// getExtensions is step 10 of getAssertion.
func (k *Key) getExtensions(a *assertion, c *credential, r *ctap2.GetAssertionResponse) (outputs ctap2.Extensions, err error) {
	if len(a.request.Extensions) == 0 {
		return k.faults.extra(nil), nil
	}
	for e := range k.known {
		input, ok := a.request.Extensions[e.id]
		if !ok || e.get == nil {
			continue
		}
		output, err := e.get(k, a, c, r, input)
		if err != nil {
			return nil, err
		}
		outputs = addOutput(outputs, e.id, output)
	}
	return k.faults.extra(outputs), nil
}

// extra adds the outputs that nobody asked for.
func (f *Faults) extra(outputs ctap2.Extensions) ctap2.Extensions {
	for id, output := range f.ExtraExtensions {
		outputs = addOutput(outputs, id, output)
	}
	return outputs
}

func addOutput(outputs ctap2.Extensions, id string, output cbor.RawMessage) ctap2.Extensions {
	if output == nil {
		return outputs
	}
	if outputs == nil {
		outputs = ctap2.Extensions{}
	}
	outputs[id] = output
	return outputs
}
