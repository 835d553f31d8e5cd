package virtual

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// Members of a largeBlobs request.
const (
	blobsPinUvAuthParam    = 0x05
	blobsPinUvAuthProtocol = 0x06
)

// largeBlobs is CTAP 2.3 section 6.10.2.
func (k *Key) largeBlobs(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseLargeBlobsRequest(parameters)
	switch {
	case err != nil:
		return nil, err
	case r.Offset == nil, (r.Get == nil) == (r.Set == nil):
		return nil, ctap2.StatusInvalidParameter
	case r.Get != nil:
		return k.getLargeBlobs(r, dst)
	}
	return dst, k.setLargeBlobs(o, r)
}

// maxFragmentLength is how many bytes of the array one command reads or writes.
func (k *Key) maxFragmentLength() uint { return uint(k.config.MaxMsgSize) - 64 }

// getLargeBlobs reads a fragment. Anyone may: without a largeBlobKey it tells
// nothing but its size.
func (k *Key) getLargeBlobs(r *ctap2.LargeBlobsRequest, dst []byte) ([]byte, error) {
	array := k.largeBlobArray()
	size := uint(len(array))
	switch {
	case r.Length != nil, r.Has(blobsPinUvAuthParam), r.Has(blobsPinUvAuthProtocol):
		return nil, ctap2.StatusInvalidParameter
	case *r.Get > k.maxFragmentLength():
		return nil, ctap2.StatusInvalidLength
	case *r.Offset > size:
		return nil, ctap2.StatusInvalidParameter
	}
	rest := array[*r.Offset:]
	return (&ctap2.LargeBlobsResponse{Config: rest[:min(*r.Get, uint(len(rest)))]}).Append(dst)
}

// largeBlobWrite is an array that is being written.
type largeBlobWrite struct {
	array  []byte // as much as has come
	length uint   // of all of it
}

// setLargeBlobs takes a fragment of an array. Only the last one changes what is
// stored, and only if the checksum is right.
func (k *Key) setLargeBlobs(o *operation, r *ctap2.LargeBlobsRequest) error {
	w, err := k.largeBlobWrite(o, r)
	if err != nil {
		return err
	}
	token, err := k.checkIfProtected(o, authorization{
		Received: &r.Received, param: r.PinUvAuthParam, protocol: r.PinUvAuthProtocol,
		paramMember: blobsPinUvAuthParam, protocolMember: blobsPinUvAuthProtocol,
	}, r.Message(), ctap2.PermissionLBW)
	switch {
	case err != nil:
		return err
	case uint(len(r.Set)) > w.length-uint(len(w.array)):
		return ctap2.StatusInvalidParameter
	case *r.Offset == 0:
		k.begin(o, o.command, token, w)
	}
	w.array = append(w.array, r.Set...)
	if uint(len(w.array)) < w.length {
		return nil
	}
	k.end()
	if !intact(w.array) {
		return ctap2.StatusIntegrityFailure
	}
	return k.storeLargeBlobArray(w.array)
}

// largeBlobWrite returns what a fragment is a part of. The first one ends what
// was being written before, even if it is refused in the end.
func (k *Key) largeBlobWrite(o *operation, r *ctap2.LargeBlobsRequest) (*largeBlobWrite, error) {
	switch {
	case uint(len(r.Set)) > k.maxFragmentLength():
		return nil, ctap2.StatusInvalidLength
	case *r.Offset == 0 && r.Length == nil, *r.Offset != 0 && r.Length != nil:
		return nil, ctap2.StatusInvalidParameter
	case *r.Offset != 0:
		w, ok := resume[*largeBlobWrite](k, o)
		if !ok || *r.Offset != uint(len(w.array)) {
			return nil, ctap2.StatusInvalidSeq
		}
		return w, nil
	case *r.Length > uint(k.config.LargeBlobCapacity):
		return nil, ctap2.StatusLargeBlobStorageFull
	case *r.Length < ctap2.InitialLargeBlobArraySize:
		return nil, ctap2.StatusInvalidParameter
	}
	k.end()
	return &largeBlobWrite{length: *r.Length}, nil
}

// intact reports whether the array ends with its checksum. Nothing else in it is
// the key's business.
func intact(array []byte) bool {
	const size = ctap2.InitialLargeBlobArraySize - 1
	n := len(array) - size
	sum := sha256.Sum256(array[:n])
	return bytes.Equal(sum[:size], array[n:])
}

// largeBlobArray returns the serialized array. A key that stores none, which is
// what it costs to store none, has the initial one.
func (k *Key) largeBlobArray() []byte {
	if k.state.blobs == nil {
		return ctap2.LargeBlobArray{}.Append(nil)
	}
	return k.state.blobs
}

// storeLargeBlobArray puts the serialized array into Storage.
func (k *Key) storeLargeBlobArray(array []byte) error {
	c := change{name: recordBlobs}
	if bytes.Equal(array, ctap2.LargeBlobArray{}.Append(nil)) {
		array = nil
	} else {
		array = slices.Clip(array)
		c.value = array
	}
	if err := k.commit(c); err != nil {
		return err
	}
	k.state.blobs = array
	return nil
}
