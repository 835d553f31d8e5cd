package ctap2_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A blobStore is the large blobs of a fake key of 2,048 bytes a message.
type blobStore struct {
	t       *testing.T
	stored  []byte
	pending []byte
	length  uint
	token   bool // wants one
}

func newBlobStore(t *testing.T, k *fakeKey) *blobStore {
	s := &blobStore{t: t, stored: (ctap2.LargeBlobArray{}).Append(nil), token: true}
	k.info.Options[ctap2.OptionLargeBlobs] = true
	k.info.MaxSerializedLargeBlobArray = 8192
	k.answers[ctap2.CommandLargeBlobs] = s.answer
	return s
}

func (s *blobStore) answer(b []byte) []byte {
	r, err := ctap2.ParseLargeBlobsRequest(b[1:])
	if err != nil {
		s.t.Fatal(err)
	}
	const most = 2048 - 64
	switch {
	case r.Offset == nil, (r.Get == nil) == (r.Set == nil):
		return []byte{byte(ctap2.StatusInvalidParameter)}
	case r.Get != nil && (*r.Get > most || r.Has(4) || r.Has(5) || r.Has(6) || *r.Offset > uint(len(s.stored))):
		s.t.Errorf("reading %d at %d", *r.Get, *r.Offset)
		return []byte{byte(ctap2.StatusInvalidParameter)}
	case r.Get != nil:
		rest := s.stored[*r.Offset:]
		return reply(s.t, map[uint64]any{1: rest[:min(len(rest), int(*r.Get))]})
	case len(r.Set) > most, (*r.Offset == 0) != (r.Length != nil), *r.Offset != 0 && *r.Offset != uint(len(s.pending)):
		s.t.Errorf("writing %d at %d", len(r.Set), *r.Offset)
		return []byte{byte(ctap2.StatusInvalidSeq)}
	}
	if s.token {
		if r.PinUvAuthParam == nil {
			return []byte{byte(ctap2.StatusPUATRequired)}
		}
		if !someToken(s.t, r.PinUvAuthProtocol).Verify(r.Message(), r.PinUvAuthParam) {
			return []byte{byte(ctap2.StatusPINAuthInvalid)}
		}
	}
	if r.Length != nil {
		s.pending, s.length = nil, *r.Length
	}
	if s.pending = append(s.pending, r.Set...); uint(len(s.pending)) == s.length {
		if _, err := ctap2.ParseLargeBlobArray(s.pending); err != nil {
			return []byte{byte(ctap2.StatusIntegrityFailure)}
		}
		s.stored = bytes.Clone(s.pending)
	}
	return []byte{0}
}

func TestLargeBlobs(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	blobs := func(n int) []string { return slices.Repeat([]string{"authenticatorLargeBlobs"}, n) }
	incompressible := func(n int) []byte {
		b := make([]byte, n)
		rand.NewChaCha8([32]byte{}).Read(b)
		return b
	}
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		k := newFakeKey(t, "1234", protocol)
		s := newBlobStore(t, k)
		c := ctap2.NewClient(k, nil)
		token := someToken(t, protocol)
		if _, err := c.GetLargeBlob(t.Context(), key); !errors.Is(err, ctap2.ErrNoLargeBlob) {
			t.Errorf("none: %v", err)
		}
		if got := k.took(); !slices.Equal(got, append([]string{"authenticatorGetInfo"}, blobs(1)...)) {
			t.Errorf("get sends %q", got)
		}
		if err := c.DeleteLargeBlob(t.Context(), token, key); !errors.Is(err, ctap2.ErrNoLargeBlob) {
			t.Errorf("delete none: %v", err)
		}
		if got := k.took(); !slices.Equal(got, blobs(1)) {
			t.Errorf("delete of nothing sends %q", got)
		}
		if err := c.SetLargeBlob(t.Context(), token, other, []byte("another's")); err != nil {
			t.Fatal(err)
		}
		if got := k.took(); !slices.Equal(got, blobs(2)) {
			t.Errorf("set sends %q", got)
		}
		data := incompressible(5000) // three fragments of 1,984 bytes
		if err := c.SetLargeBlob(t.Context(), token, key, data); err != nil {
			t.Fatal(err)
		}
		if got := k.took(); !slices.Equal(got, blobs(1+3)) {
			t.Errorf("set of 5,000 bytes sends %q", got)
		}
		if got, err := c.GetLargeBlob(t.Context(), key); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if got := k.took(); !slices.Equal(got, blobs(3)) {
			t.Errorf("get of 5,000 bytes sends %q", got)
		}
		before := bytes.Clone(s.stored)
		if err := c.SetLargeBlob(t.Context(), token, key, incompressible(9000)); !errors.Is(err, ctap2.StatusLargeBlobStorageFull) || !bytes.Equal(s.stored, before) {
			t.Errorf("more than there is room for: %v", err)
		}
		if got := k.took(); !slices.Equal(got, blobs(3)) {
			t.Errorf("set of too much sends %q", got)
		}
		if err := c.SetLargeBlob(t.Context(), nil, key, nil); !errors.Is(err, ctap2.StatusPUATRequired) || !bytes.Equal(s.stored, before) {
			t.Errorf("without a token: %v", err)
		}
		if err := c.DeleteLargeBlob(t.Context(), token, key); err != nil {
			t.Fatal(err)
		}
		if got, err := c.GetLargeBlob(t.Context(), other); err != nil || string(got) != "another's" {
			t.Errorf("another's is %q, %v", got, err)
		}

		// Damaged: reported with the bytes, kept, and replaced on demand alone.
		s.stored[2] ^= 1
		damaged := bytes.Clone(s.stored)
		k.took()
		for name, err := range map[string]error{"read": second(c.ReadLargeBlobs(t.Context())), "set": c.SetLargeBlob(t.Context(), token, key, data),
			"delete": c.DeleteLargeBlob(t.Context(), token, key)} {
			if bad, ok := errors.AsType[*ctap2.LargeBlobArrayError](err); !ok || !bytes.Equal(bad.Raw, damaged) || !bytes.Equal(s.stored, damaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := k.took(); !slices.Equal(got, blobs(3)) {
			t.Errorf("damaged: sent %q", got)
		}
		if err := c.WriteLargeBlobs(t.Context(), token, nil); err != nil || len(s.stored) != ctap2.InitialLargeBlobArraySize {
			t.Errorf("written anew: %x, %v", s.stored, err)
		}
		for name, entry := range map[string]string{"empty": "", "cut short": "a1", "two": "0000"} {
			if err := c.WriteLargeBlobs(t.Context(), token, ctap2.LargeBlobArray{unhex(t, "a0"), unhex(t, entry)}); err == nil || !strings.Contains(err.Error(), "entry 1") {
				t.Errorf("an entry that is %s: %v", name, err)
			}
		}
		s.token = false
		if err := c.WriteLargeBlobs(t.Context(), nil, nil); err != nil {
			t.Errorf("a key that wants no token: %v", err)
		}
		if r, err := c.LargeBlobs(t.Context(), &ctap2.LargeBlobsRequest{Get: new(uint(5)), Offset: new(uint(17))}); err != nil || r.Config == nil || len(r.Config) != 0 {
			t.Errorf("as it is: %+v, %v", r, err)
		}
	}
}

func TestLargeBlobReplies(t *testing.T) {
	fragment := func(n int) []byte { return reply(t, map[uint64]any{1: make([]byte, n)}) }
	for _, test := range []struct {
		name       string
		maxMsgSize uint
		answer     func(i int) []byte
		problem    string
		most       int // commands
	}{
		{"endless", 1024, func(int) []byte { return fragment(960) }, "more than 1048576 bytes", 1093},
		{"more than was asked for", 1024, func(int) []byte { return fragment(961) }, "961 bytes, asked for were 960", 1},
		{"nothing", 1024, func(int) []byte { return []byte{0} }, "config is missing", 1},
		{"empty", 1024, func(int) []byte { return fragment(0) }, "0 bytes are less", 1},
		{"nothing after a full fragment", 1024, func(i int) []byte { return map[bool][]byte{true: fragment(960), false: {0}}[i%2 == 1] }, "damaged", 4},
		{"fails in between", 1024, func(i int) []byte { return map[bool][]byte{true: fragment(960), false: {0x30}}[i == 1] }, "NOT_ALLOWED", 2},
		{"takes 2^63 bytes", 1 << 63, func(int) []byte { return fragment(7609 - 64 + 1) }, "asked for were 7545", 1},
		{"takes 100 bytes", 100, func(int) []byte { return fragment(65) }, "asked for were 64", 1},
	} {
		k := newFakeKey(t, "", pinuv.Two)
		k.info.Options[ctap2.OptionLargeBlobs] = true
		k.info.MaxMsgSize = test.maxMsgSize
		i := 0
		k.answers[ctap2.CommandLargeBlobs] = func([]byte) []byte { i++; return test.answer(i) }
		a, err := ctap2.NewClient(k, nil).ReadLargeBlobs(t.Context())
		if a != nil || err == nil || !strings.Contains(err.Error(), test.problem) || i != test.most {
			t.Errorf("%s: %v, %v after %d commands", test.name, a, err, i)
		}
	}
	k := newFakeKey(t, "", pinuv.Two)
	c := ctap2.NewClient(k, nil)
	for name, err := range map[string]error{"read": second(c.ReadLargeBlobs(t.Context())), "write": c.WriteLargeBlobs(t.Context(), nil, nil)} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s of a key without it: %v", name, err)
		}
	}
}
