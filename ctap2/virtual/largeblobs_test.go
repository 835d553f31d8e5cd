package virtual_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// initialBlobs is the serialized array without entries (CTAP 2.3 section
// 6.10.1).
const initialBlobs = "8076be8b528d0075f7aae98d6fa57a6d3c"

// blobs is a largeBlobs request as a map: for what the type can't hold.
func blobs(t testing.TB, members map[int]any) raw {
	t.Helper()
	b, err := cbor.Append([]byte{byte(ctap2.CommandLargeBlobs)}, members)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// summed adds the checksum to an array.
func summed(array []byte) []byte {
	sum := sha256.Sum256(array)
	return append(slices.Clone(array), sum[:16]...)
}

// arrayOf is a serialized array of n bytes, different each time.
func arrayOf(n int) []byte {
	const head = 4 // of an array of one byte string of up to 65,535 bytes
	b := make([]byte, n-16)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	if size := len(b) - head; size >= 0 {
		copy(b, []byte{0x81, 0x59, byte(size >> 8), byte(size)})
	}
	return summed(b)
}

// fragment is a request that writes a part of an array, whose length is sent if it
// is the first.
func (h *host) fragment(array []byte, offset, n int, token *pinuv.Token) *ctap2.LargeBlobsRequest {
	r := &ctap2.LargeBlobsRequest{Set: array[offset:min(offset+n, len(array))], Offset: new(uint(offset))}
	if offset == 0 {
		r.Length = new(uint(len(array)))
	}
	if token != nil {
		r.Authorize(token)
	}
	return r
}

func (h *host) writeBlobs(array []byte, n int, token *pinuv.Token) {
	h.t.Helper()
	for offset := 0; offset < len(array); offset += n {
		h.want(0, h.fragment(array, offset, n, token))
	}
}

func (h *host) readBlobs(n int) []byte {
	h.t.Helper()
	var all []byte
	for {
		r, err := ctap2.ParseLargeBlobsResponse(h.want(0, &ctap2.LargeBlobsRequest{Get: new(uint(n)), Offset: new(uint(len(all)))}))
		if err != nil || r.Config == nil || len(r.Config) > n {
			h.t.Fatalf("%+v, %v", r, err)
		}
		if all = append(all, r.Config...); len(r.Config) < n {
			return all
		}
	}
}

func TestLargeBlobs(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		if b := h.readBlobs(1136); !bytes.Equal(b, fromHex(t, initialBlobs)) {
			t.Errorf("a new key has %x", b)
		}
		commits := h.store.Commits()
		for _, test := range []struct{ size, fragment int }{
			{17, 1136}, {1136, 1136}, {1137, 1136}, {4096, 1136}, {4096, 1024}, {4095, 1000}, {200, 1}, {17, 16}, {17, 17},
		} {
			array := arrayOf(test.size)
			h.writeBlobs(array, test.fragment, nil)
			for _, n := range []int{1, 17, 1000, 1136} {
				if got := h.readBlobs(n); !bytes.Equal(got, array) {
					t.Errorf("%+v, read %d at a time: %x instead of %x", test, n, got, array)
				}
			}
			h.key.PowerCycle()
			if got := h.key.LargeBlobArray(); !bytes.Equal(got, array) {
				t.Errorf("%+v, after a power cycle: %x instead of %x", test, got, array)
			}
			if commits++; h.store.Commits() != commits {
				t.Errorf("%+v: %d commits, want one for each array", test, h.store.Commits())
			}
		}
		h.setPIN("1234")
		if b := h.readBlobs(1136); len(b) != 17 {
			t.Errorf("reading with a PIN: %x", b)
		}
		token := h.token(ctap2.PermissionLBW|ctap2.PermissionMC, rp.ID)
		create := h.complete(&ctap2.MakeCredentialRequest{})
		create.Authorize(token)
		h.create(create)
		array := arrayOf(3000)
		h.writeBlobs(array, 1000, token) // a touch leaves the permission lbw
		if got := h.readBlobs(1136); !bytes.Equal(got, array) {
			t.Errorf("with a token: %x instead of %x", got, array)
		}
		h.want(0, reset)
		if b := h.readBlobs(1136); !bytes.Equal(b, fromHex(t, initialBlobs)) {
			t.Errorf("after a reset: %x", b)
		}
	})
}

// Storing nothing costs nothing.
func TestInitialLargeBlobsAreNotStored(t *testing.T) {
	h := newHost(t, virtual.Config{})
	h.writeBlobs(arrayOf(100), 100, nil)
	if h.store.Snapshot()["blobs"] == nil {
		t.Error("the array is not in the storage")
	}
	h.writeBlobs(fromHex(t, initialBlobs), 100, nil)
	if b := h.store.Snapshot()["blobs"]; b != nil {
		t.Errorf("the initial array is stored: %x", b)
	}
	if b := h.readBlobs(100); !bytes.Equal(b, fromHex(t, initialBlobs)) {
		t.Errorf("%x", b)
	}
}

func TestGetLargeBlobsErrors(t *testing.T) {
	h := newHost(t, virtual.Config{})
	for _, test := range []struct {
		name    string
		members map[int]any
		want    ctap2.Status
	}{
		{"nothing", map[int]any{}, ctap2.StatusInvalidParameter},
		{"no offset", map[int]any{1: 10}, ctap2.StatusInvalidParameter},
		{"offset alone", map[int]any{3: 0}, ctap2.StatusInvalidParameter},
		{"get and set", map[int]any{1: 10, 2: []byte{}, 3: 0}, ctap2.StatusInvalidParameter},
		{"length", map[int]any{1: 10, 3: 0, 4: 17}, ctap2.StatusInvalidParameter},
		{"PIN/UV auth parameter", map[int]any{1: 10, 3: 0, 5: make([]byte, 32)}, ctap2.StatusInvalidParameter},
		{"PIN/UV auth protocol", map[int]any{1: 10, 3: 0, 6: 2}, ctap2.StatusInvalidParameter},
		{"as much as possible", map[int]any{1: 1136, 3: 0}, 0},
		{"a byte more", map[int]any{1: 1137, 3: 0}, ctap2.StatusInvalidLength},
		{"2^64-1 bytes", map[int]any{1: uint64(1<<64 - 1), 3: 0}, ctap2.StatusInvalidLength},
		{"too much, too far", map[int]any{1: 1137, 3: 100}, ctap2.StatusInvalidLength},
		{"at the end", map[int]any{1: 10, 3: 17}, 0},
		{"beyond the end", map[int]any{1: 10, 3: 18}, ctap2.StatusInvalidParameter},
		{"at 2^64-1", map[int]any{1: 10, 3: uint64(1<<64 - 1)}, ctap2.StatusInvalidParameter},
		{"no bytes", map[int]any{1: 0, 3: 0}, 0},
		{"an unknown member", map[int]any{1: 10, 3: 0, 7: 0}, 0},
		{"get is text", map[int]any{1: "10", 3: 0}, ctap2.StatusCBORUnexpectedType},
		{"get is negative", map[int]any{1: -1, 3: 0}, ctap2.StatusCBORUnexpectedType},
		{"get is null", map[int]any{1: nil, 3: 0}, ctap2.StatusCBORUnexpectedType},
		{"offset is bytes", map[int]any{1: 10, 3: []byte{0}}, ctap2.StatusCBORUnexpectedType},
	} {
		if got, b := h.send(blobs(t, test.members)); got != test.want || got == 0 && len(b) == 0 {
			t.Errorf("%s: answered %v, %x, want %v", test.name, got, b, test.want)
		}
	}
	h.want(ctap2.StatusInvalidParameter, raw{byte(ctap2.CommandLargeBlobs)})
	h.want(ctap2.StatusInvalidCBOR, raw{byte(ctap2.CommandLargeBlobs), 0xa1})
	if b := h.want(0, blobs(t, map[int]any{1: 10, 3: 17})); !bytes.Equal(b, []byte{0xa1, 1, 0x40}) {
		t.Errorf("at the end: %x, want an empty string", b)
	}
}

// Each check, in the order of the specification: a request that is wrong in two
// ways gets the status of the first.
func TestSetLargeBlobsErrors(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		array := arrayOf(3000)
		token := h.token(ctap2.PermissionLBW, "")
		other := h.token(ctap2.PermissionMC|ctap2.PermissionGA, rp.ID) // takes the place of the first
		mac := func(token *pinuv.Token, offset int, b []byte) []byte {
			return token.Authenticate((&ctap2.LargeBlobsRequest{Set: b, Offset: new(uint(offset))}).Message())
		}
		h.want(ctap2.StatusPINAuthInvalid, h.fragment(array, 0, 1000, other)) // no permission
		h.want(ctap2.StatusPINAuthInvalid, h.fragment(array, 0, 1000, token)) // not in use any more
		token = h.token(ctap2.PermissionLBW, "")
		first := array[:1000]
		begin := map[int]any{2: first, 3: 0, 4: 3000, 5: mac(token, 0, first), 6: h.protocol}
		next := map[int]any{2: first, 3: 1000, 5: mac(token, 1000, first), 6: h.protocol}
		with := func(base map[int]any, member int, v any) map[int]any {
			m := map[int]any{}
			for k, v := range base {
				m[k] = v
			}
			if m[member] = v; v == nil {
				delete(m, member)
			}
			return m
		}
		without := func(base map[int]any, members ...int) map[int]any {
			for _, m := range members {
				base = with(base, m, nil)
			}
			return base
		}
		long := make([]byte, 1137)
		for _, test := range []struct {
			name    string
			begun   bool
			members map[int]any
			want    ctap2.Status
		}{
			{"no offset", false, without(begin, 3), ctap2.StatusInvalidParameter},
			{"fragment too long", false, with(begin, 2, long), ctap2.StatusInvalidLength},
			{"fragment too long, without length", false, without(with(begin, 2, long), 4), ctap2.StatusInvalidLength},
			{"no length", false, without(begin, 4), ctap2.StatusInvalidParameter},
			{"no length, no token", false, without(begin, 4, 5, 6), ctap2.StatusInvalidParameter},
			{"over capacity", false, with(begin, 4, 4097), ctap2.StatusLargeBlobStorageFull},
			{"over capacity, no token", false, without(with(begin, 4, 4097), 5), ctap2.StatusLargeBlobStorageFull},
			{"2^64-1 bytes", false, with(begin, 4, uint64(1<<64-1)), ctap2.StatusLargeBlobStorageFull},
			{"shorter than any array", false, with(begin, 4, 16), ctap2.StatusInvalidParameter},
			{"no bytes", false, with(begin, 4, 0), ctap2.StatusInvalidParameter},
			{"shorter than any array, no token", false, without(with(begin, 4, 16), 5), ctap2.StatusInvalidParameter},
			{"nothing begun", false, next, ctap2.StatusInvalidSeq},
			{"length later", true, with(next, 4, 3000), ctap2.StatusInvalidParameter},
			{"length later, wrong offset", true, with(with(next, 4, 3000), 3, 999), ctap2.StatusInvalidParameter},
			{"before what is there", true, with(next, 3, 999), ctap2.StatusInvalidSeq},
			{"behind what is there", true, with(next, 3, 1001), ctap2.StatusInvalidSeq},
			{"at 2^32+1000", true, with(next, 3, uint64(1<<32+1000)), ctap2.StatusInvalidSeq},
			{"wrong offset, no token", true, without(with(next, 3, 999), 5, 6), ctap2.StatusInvalidSeq},
			{"no token", false, without(begin, 5, 6), ctap2.StatusPUATRequired},
			{"no token, then", true, without(next, 5, 6), ctap2.StatusPUATRequired},
			{"no token, but a protocol", false, without(begin, 5), ctap2.StatusPUATRequired},
			{"no protocol", false, without(begin, 6), ctap2.StatusMissingParameter},
			{"unknown protocol", false, with(begin, 6, 3), ctap2.StatusInvalidParameter},
			{"the other protocol", false, with(begin, 6, 3-h.protocol), ctap2.StatusPINAuthInvalid},
			{"empty MAC", false, with(begin, 5, []byte{}), ctap2.StatusPINAuthInvalid},
			{"MAC of another offset", false, with(begin, 5, mac(token, 1, first)), ctap2.StatusPINAuthInvalid},
			{"MAC of other bytes", true, with(next, 5, mac(token, 1000, first[1:])), ctap2.StatusPINAuthInvalid},
			{"longer than it said", false, with(begin, 4, 999), ctap2.StatusInvalidParameter},
			{"longer than it said, no token", false, without(with(begin, 4, 999), 5), ctap2.StatusPUATRequired},
			{"set is text", false, with(begin, 2, "text"), ctap2.StatusCBORUnexpectedType},
			{"length is bytes", false, with(begin, 4, []byte{1}), ctap2.StatusCBORUnexpectedType},
			{"the MAC is a number", false, with(begin, 5, 1), ctap2.StatusCBORUnexpectedType},
		} {
			if test.begun {
				h.want(0, blobs(t, begin))
			} else {
				h.want(0, getInfo) // which ends what is begun
			}
			if got, _ := h.send(blobs(t, test.members)); got != test.want {
				t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
			}
			if test.begun { // a refused fragment can be sent again
				h.want(0, blobs(t, next))
				h.want(ctap2.StatusInvalidSeq, blobs(t, next))
			}
			if b := h.key.LargeBlobArray(); !bytes.Equal(b, fromHex(t, initialBlobs)) {
				t.Fatalf("%s: the array is %x", test.name, b)
			}
		}
	})
}

// One commit, of an array whose checksum is right, and nothing before.
func TestLargeBlobsChecksum(t *testing.T) {
	h := newHost(t, virtual.Config{})
	old := arrayOf(500)
	h.writeBlobs(old, 500, nil)
	bad := arrayOf(2000)
	bad[1999] ^= 1
	h.want(0, h.fragment(bad, 0, 1000, nil))
	if got := h.readBlobs(1136); !bytes.Equal(got, old) { // which does not end the writing
		t.Errorf("in between: %x", got)
	}
	commits := h.store.Commits()
	h.want(ctap2.StatusIntegrityFailure, h.fragment(bad, 1000, 1000, nil))
	h.want(ctap2.StatusInvalidSeq, h.fragment(bad, 1000, 1000, nil))
	if got := h.readBlobs(1136); !bytes.Equal(got, old) || h.store.Commits() != commits {
		t.Errorf("afterwards: %x", got)
	}
	// What the checksum covers is the platform's business.
	h.writeBlobs(summed([]byte("no array")), 1000, nil)
}

// Who wants to be verified protects the array, also before there is a PIN.
func TestLargeBlobsProtection(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		want   ctap2.Status
	}{
		{"none", virtual.Config{}, 0},
		{"none can be", virtual.Config{WithoutPIN: true}, 0},
		{"not set up", virtual.Config{UV: virtual.UnconfiguredUV}, 0},
		{"built in", virtual.Config{UV: virtual.ConfiguredUV}, ctap2.StatusPUATRequired},
		{"always", virtual.Config{AlwaysUV: true}, ctap2.StatusPUATRequired},
	} {
		h := newHost(t, test.config)
		r := h.fragment(arrayOf(100), 0, 100, nil)
		if got, _ := h.send(r); got != test.want {
			t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
		}
		if test.config.UV == virtual.ConfiguredUV {
			r.Authorize(h.receive(h.uvRequest(ctap2.PermissionLBW, "")))
			h.want(0, r)
		}
	}
}

// What ends a writing: another command, another beginning, too long a pause, the
// end of the token. Another session can't go on with it.
func TestLargeBlobsSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{})
		h.setPIN("1234")
		array := arrayOf(2000)
		for _, test := range []struct {
			name      string
			meanwhile func(token *pinuv.Token)
			want      ctap2.Status
		}{
			{"nothing", func(*pinuv.Token) {}, 0},
			{"reading", func(*pinuv.Token) { h.readBlobs(100) }, 0},
			{"29 seconds", func(*pinuv.Token) { time.Sleep(29 * time.Second) }, 0},
			{"31 seconds", func(*pinuv.Token) { time.Sleep(31 * time.Second) }, ctap2.StatusInvalidSeq},
			{"getInfo", func(*pinuv.Token) { h.info() }, ctap2.StatusInvalidSeq},
			{"getInfo in another session", func(*pinuv.Token) { h.on(2).info() }, ctap2.StatusInvalidSeq},
			{"reading in another session", func(*pinuv.Token) { h.on(2).readBlobs(100) }, 0},
			{"another session's fragment", func(token *pinuv.Token) {
				h.on(2).want(ctap2.StatusInvalidSeq, h.fragment(array, 1000, 1000, token))
			}, 0},
			{"another session's beginning", func(token *pinuv.Token) { h.on(2).want(0, h.fragment(array, 0, 1000, token)) }, ctap2.StatusInvalidSeq},
			{"a beginning that is refused", func(*pinuv.Token) {
				h.want(ctap2.StatusPUATRequired, h.fragment(array, 0, 1000, nil))
			}, ctap2.StatusInvalidSeq},
			{"a power cycle", func(*pinuv.Token) { h.key.PowerCycle() }, ctap2.StatusInvalidSeq},
			{"a test's own array", func(*pinuv.Token) {
				if err := h.key.SetLargeBlobArray(nil); err != nil {
					t.Fatal(err)
				}
			}, ctap2.StatusInvalidSeq},
		} {
			token := h.token(ctap2.PermissionLBW, "")
			h.want(0, h.fragment(array, 0, 1000, token))
			test.meanwhile(token)
			if got, _ := h.send(h.fragment(array, 1000, 1000, token)); got != test.want {
				t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
			}
		}
		// The token dies of age between two fragments.
		token := h.token(ctap2.PermissionLBW, "")
		h.want(0, h.fragment(array, 0, 1000, token))
		for range 20 {
			time.Sleep(29 * time.Second)
			h.want(0, h.fragment(array, 0, 1000, token))
		}
		time.Sleep(21 * time.Second)
		h.want(ctap2.StatusInvalidSeq, h.fragment(array, 1000, 1000, token))
	})
}

// A fault: the token ends with the array that it has written.
func TestLargeBlobsTokenOnce(t *testing.T) {
	h := newHost(t, virtual.Config{Faults: virtual.Faults{TokenOnce: true}})
	h.setPIN("1234")
	array, token := arrayOf(2000), h.token(ctap2.PermissionLBW, "")
	h.writeBlobs(array, 700, token)
	h.want(ctap2.StatusPINAuthInvalid, h.fragment(arrayOf(100), 0, 100, token))
	if got := h.readBlobs(1136); !bytes.Equal(got, array) {
		t.Errorf("%x", got)
	}
}

// What a test finds on a key and puts there.
func TestLargeBlobArrayKnobs(t *testing.T) {
	h := newHost(t, virtual.Config{LargeBlobCapacity: 1024})
	if h.info().MaxSerializedLargeBlobArray != 1024 {
		t.Errorf("capacity %d", h.info().MaxSerializedLargeBlobArray)
	}
	for _, b := range [][]byte{{}, {1, 2, 3}, make([]byte, 1024), arrayOf(1024)} {
		mine := slices.Clone(b)
		if err := h.key.SetLargeBlobArray(mine); err != nil {
			t.Fatal(err)
		}
		clear(mine)
		h.key.PowerCycle()
		if got := h.key.LargeBlobArray(); !bytes.Equal(got, b) {
			t.Errorf("%x instead of %x", got, b)
		}
		if got := h.readBlobs(1136); !bytes.Equal(got, b) {
			t.Errorf("read %x instead of %x", got, b)
		}
	}
	clear(h.key.LargeBlobArray())
	if err := h.key.SetLargeBlobArray(make([]byte, 1025)); !errors.Is(err, ctap2.StatusLargeBlobStorageFull) {
		t.Errorf("too much: %v", err)
	}
	h.store.CutPowerAfter(0)
	if err := h.key.SetLargeBlobArray(nil); err == nil || len(h.key.LargeBlobArray()) != 1024 {
		t.Errorf("a storage that fails: %v", err)
	}
	h.key.PowerCycle()
	if err := h.key.SetLargeBlobArray(nil); err != nil || !bytes.Equal(h.key.LargeBlobArray(), fromHex(t, initialBlobs)) {
		t.Errorf("nil: %x, %v", h.key.LargeBlobArray(), err)
	}
	for _, c := range []virtual.Config{{LargeBlobCapacity: 1023}, {LargeBlobCapacity: 1<<16 + 1}} {
		if _, err := virtual.New(c); err == nil {
			t.Errorf("capacity %d is accepted", c.LargeBlobCapacity)
		}
	}
}

func TestKeysWithoutLargeBlobs(t *testing.T) {
	for name, c := range map[string]virtual.Config{
		"CTAP 2.0":     {Profile: virtual.FIDO20},
		"switched off": {WithoutCommands: []ctap2.Command{ctap2.CommandLargeBlobs}},
		"no passkeys":  {WithoutRK: true},
		"extension":    {LargeBlobExtension: true},
	} {
		h := newHost(t, c)
		h.want(ctap2.StatusInvalidCommand, blobs(t, map[int]any{1: 10, 3: 0}))
		info := h.info()
		if _, ok := info.Options[ctap2.OptionLargeBlobs]; ok || info.MaxSerializedLargeBlobArray != 0 || slices.Contains(info.Extensions, ctap2.ExtensionLargeBlobKey) {
			t.Errorf("%s: %+v", name, info)
		}
		if b := h.key.LargeBlobArray(); len(b) != 17 {
			t.Errorf("%s: %x", name, b)
		}
	}
}

// The power goes at any fragment, before or after what it commits: the key has
// the array from before or, once all of the new one has come, that.
func TestLargeBlobsPowerCut(t *testing.T) {
	const fragments, size = 4, 1000
	for i := range fragments {
		for _, cut := range []string{"between", "before", "after"} {
			h := newHost(t, virtual.Config{})
			before, after := arrayOf(2500), arrayOf(fragments*size)
			h.writeBlobs(before, size, nil)
			for j := range i {
				h.want(0, h.fragment(after, j*size, size, nil))
			}
			last, want := i == fragments-1, ctap2.StatusSuccess
			switch cut {
			case "before":
				h.store.CutPowerAfter(0)
			case "after":
				h.store.CutPowerAfterWrite(0)
			}
			if last && cut != "between" {
				want = ctap2.StatusOther
			}
			h.want(want, h.fragment(after, i*size, size, nil))
			h.key.PowerCycle()
			expected := before
			if last && cut != "before" {
				expected = after
			}
			if got := h.readBlobs(1136); !bytes.Equal(got, expected) {
				t.Errorf("fragment %d, %s: %x", i, cut, got)
			}
			if !last {
				h.want(ctap2.StatusInvalidSeq, h.fragment(after, (i+1)*size, size, nil))
			}
			h.writeBlobs(after, size, nil)
		}
	}
}
