package conformance

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 18: large blobs. LB-9 needs a power cut inside the key and is tested in
// package virtual; LB-11 is about hosts and is tested in package ctap2.
var largeBlobCases = []Case{
	{ID: "LB-1", Title: "a new key has the initial array", Run: lb1},
	{ID: "LB-2", Title: "requests to read are within bounds, and have what they need and nothing else", Run: lb2},
	{ID: "LB-3", Title: "no fragment is longer than maxMsgSize - 64 bytes", Run: lb3},
	{ID: "LB-4", Title: "requests to write follow one another without a gap", Run: lb4},
	{ID: "LB-5", Title: "an array with a wrong checksum is refused and the old one stays", Run: lb5},
	{ID: "LB-6", Title: "an array that is larger than the key's room is refused", Run: lb6},
	{ID: "LB-7", Title: "each fragment needs a MAC by a token with the permission lbw", Run: lb7},
	{ID: "LB-8", Title: "another command between two fragments leaves the array whole", Run: lb8},
	{ID: "LB-10", Title: "an array of exactly the key's room is stored", Run: lb10},
	{ID: "LB-12", Title: "a reset brings the initial array back", Needs: NeedsPowerCycle, Run: lb12},
	{ID: "LB-13", Title: "a key has the extension largeBlob or the command and largeBlobKey, and what it has works", Run: lb13},
}

// initialArray is the serialized array without entries: an empty CBOR array and
// the beginning of its SHA-256 (CTAP 2.3 section 6.10.1).
var initialArray = summed([]byte{0x80})

func summed(array []byte) []byte {
	sum := sha256.Sum256(array)
	return append(slices.Clone(array), sum[:16]...)
}

// noise returns a serialized array of n bytes, 24 or more, with one entry that is
// nobody's. Each seed gives another.
func noise(n int, seed byte) []byte {
	const overhead = 1 + 3 + 16 // of the array, the entry and the checksum
	size := n - overhead
	b := bytes.Repeat([]byte{seed}, n-16)
	copy(b, []byte{0x81, 0x59, byte(size >> 8), byte(size)})
	for i := 4; i < len(b); i++ {
		b[i] ^= byte(i)
	}
	return summed(b)
}

// blobs is the key opened for the cases about large blobs.
type blobs struct {
	*messages
	token *pinuv.Token // what the key wants to see when it is written to; nil: nothing
}

func (c *C) largeBlobs() *blobs {
	c.Helper()
	m := c.open()
	m.needOption(ctap2.OptionLargeBlobs)
	b := &blobs{messages: m}
	b.authorize()
	return b
}

// authorize gets a token if the key is protected by some user verification.
func (b *blobs) authorize() {
	b.c.Helper()
	p := b.first
	switch {
	case b.option(ctap2.OptionUV):
		s := b.agree(p())
		b.token = b.needToken(b.received(s, params{
			1: s.p, 2: ctap2.GetPinUvAuthTokenUsingUvWithPermissions, 3: s.platform, 9: ctap2.PermissionLBW,
		}))
	case b.option(ctap2.OptionClientPIN), b.option(ctap2.OptionAlwaysUv):
		b.mustSetPIN(p(), b.pin1())
		b.token = b.needToken(b.messages.token(p(), b.pin1(), ctap2.PermissionLBW, ""))
	}
}

// most is the longest fragment.
func (b *blobs) most() int { return int(b.info.MaxMessage()) - 64 }

// room is the size of the largest array.
func (b *blobs) room() int { return int(b.info.MaxSerializedLargeBlobArray) }

// set returns a request that writes a fragment of n bytes, or fewer at the end.
func (b *blobs) set(array []byte, offset, n int) params {
	p := params{2: array[offset:min(offset+n, len(array))], 3: offset}
	if offset == 0 {
		p[4] = len(array)
	}
	return b.proof(p, b.token)
}

// proof adds the MAC of a fragment to a request, in place of another.
func (b *blobs) proof(p params, t *pinuv.Token) params {
	if t == nil {
		return p
	}
	message := (&ctap2.LargeBlobsRequest{Set: p[2].([]byte), Offset: new(uint(p[3].(int)))}).Message()
	return p.with(5, t.Authenticate(message)).with(6, t.Protocol())
}

// write writes an array in fragments of n bytes.
func (b *blobs) write(array []byte, n int) {
	b.c.Helper()
	for offset := 0; offset < len(array); offset += n {
		if reply := b.ok(ctap2.CommandLargeBlobs, b.set(array, offset, n)); len(reply) > 0 && !bytes.Equal(reply, []byte{0xa0}) {
			b.c.Errorf("writing at %d: the reply is %x", offset, reply)
		}
	}
}

// get reads n bytes.
func (b *blobs) get(offset, n int) []byte {
	b.c.Helper()
	r, err := ctap2.ParseLargeBlobsResponse(b.ok(ctap2.CommandLargeBlobs, params{1: n, 3: offset}))
	if err != nil {
		b.c.Fatal(err)
	}
	if r.Config == nil || len(r.Config) > n {
		b.c.Fatalf("reading %d bytes at %d: %x", n, offset, r.Raw)
	}
	return r.Config
}

// holds demands that the key stores an array, which it reads n bytes at a time.
func (b *blobs) holds(want []byte, n int) {
	b.c.Helper()
	var all []byte
	for len(all) <= len(want) {
		f := b.get(len(all), n)
		if all = append(all, f...); len(f) < n {
			break
		}
	}
	if !bytes.Equal(all, want) {
		b.c.Errorf("the key stores %d bytes %x... instead of %d bytes %x...", len(all), all[:min(len(all), 32)], len(want), want[:min(len(want), 32)])
	}
}

// refusedSet sends a request to write that must end with one of these statuses.
func (b *blobs) refusedSet(p params, accept ...ctap2.Status) {
	b.c.Helper()
	b.refused(ctap2.CommandLargeBlobs, p, accept...)
}

func gi17(c *C) {
	m := c.open()
	size := m.info.MaxSerializedLargeBlobArray
	switch has := m.option(ctap2.OptionLargeBlobs); {
	case has && size < 1024:
		c.Errorf("maxSerializedLargeBlobArray is %d, less than 1,024", size)
	case !has && size > 0:
		c.Errorf("maxSerializedLargeBlobArray is %d without the option largeBlobs", size)
	}
	s, _ := m.call(ctap2.CommandLargeBlobs, params{1: 17, 3: 0})
	if m.option(ctap2.OptionLargeBlobs) {
		m.accept(s, ctap2.StatusSuccess)
	} else {
		m.accept(s, ctap2.StatusInvalidCommand)
	}
}

func lb1(c *C) {
	b := c.largeBlobs()
	b.holds(initialArray, b.most())
	if b.prompted {
		c.Error("reading asks for a touch")
	}
}

func lb2(c *C) {
	b := c.largeBlobs()
	refused := func(p params, accept ...ctap2.Status) {
		c.Helper()
		b.refused(ctap2.CommandLargeBlobs, p, accept...)
	}
	refused(params{}, ctap2.StatusInvalidParameter, ctap2.StatusMissingParameter)
	refused(params{3: 0}, ctap2.StatusInvalidParameter, ctap2.StatusMissingParameter)
	refused(params{1: 17}, ctap2.StatusInvalidParameter, ctap2.StatusMissingParameter)
	refused(b.set(initialArray, 0, 17).with(1, 17), ctap2.StatusInvalidParameter)
	refused(params{1: 17, 3: 0, 4: 17}, ctap2.StatusInvalidParameter)
	refused(params{1: 17, 3: 0, 5: make([]byte, 32)}, ctap2.StatusInvalidParameter)
	refused(params{1: 17, 3: 0, 6: 2}, ctap2.StatusInvalidParameter)
	refused(params{1: 17, 3: 18}, ctap2.StatusInvalidParameter)
	refused(params{1: 17, 3: uint64(1) << 32}, ctap2.StatusInvalidParameter)
	refused(params{1: "17", 3: 0}, ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR)
	for _, r := range []struct{ offset, n, want int }{{0, 0, 0}, {0, 1, 1}, {0, 17, 17}, {0, 18, 17}, {16, 1, 1}, {16, 100, 1}, {17, 0, 0}, {17, 100, 0}} {
		if got := b.get(r.offset, r.n); !bytes.Equal(got, initialArray[r.offset:r.offset+r.want]) {
			c.Errorf("%d bytes at %d are %x", r.n, r.offset, got)
		}
	}
	for _, n := range []int{1, 5, 17} {
		b.holds(initialArray, n)
	}
}

func lb3(c *C) {
	b := c.largeBlobs()
	most := b.most()
	b.refused(ctap2.CommandLargeBlobs, params{1: most + 1, 3: 0}, ctap2.StatusInvalidLength)
	b.get(0, most)
	array := noise(most+17, 1)
	b.refusedSet(b.set(array, 0, most+1), ctap2.StatusInvalidLength)
	if len(array) > b.room() {
		c.Observe("the key takes fragments of %d bytes, and has room for %d", most, b.room())
		array = noise(b.room(), 1)
	}
	b.write(array, most)
	b.holds(array, most)
}

func lb4(c *C) {
	b := c.largeBlobs()
	array := noise(300, 1)
	first, next := b.set(array, 0, 100), b.set(array, 100, 100)
	b.refusedSet(next, ctap2.StatusInvalidSeq) // nothing has begun
	b.refusedSet(first.with(4, nil), ctap2.StatusInvalidParameter, ctap2.StatusMissingParameter)
	for _, length := range []int{0, 16} {
		b.refusedSet(b.proof(params{2: make([]byte, length), 3: 0, 4: length}, b.token), ctap2.StatusInvalidParameter)
	}
	b.refusedSet(first.with(4, 99), ctap2.StatusInvalidParameter)
	for _, wrong := range []struct {
		p      params
		accept []ctap2.Status
	}{
		{next.with(4, 300), []ctap2.Status{ctap2.StatusInvalidParameter}},
		{b.proof(next.with(3, 99), b.token), []ctap2.Status{ctap2.StatusInvalidSeq}},
		{b.proof(next.with(3, 101), b.token), []ctap2.Status{ctap2.StatusInvalidSeq}},
		{b.proof(next.with(2, array[99:]), b.token), []ctap2.Status{ctap2.StatusInvalidParameter}},
	} {
		b.ok(ctap2.CommandLargeBlobs, first)
		b.refusedSet(wrong.p, wrong.accept...)
		b.holds(initialArray, 17)
	}
	b.ok(ctap2.CommandLargeBlobs, first)
	b.write(array, 100) // a beginning anew
	b.refusedSet(b.set(array, 200, 100), ctap2.StatusInvalidSeq)
	b.holds(array, 100)
	b.write(noise(17+24, 2), 1)
	b.write(initialArray, 17)
	b.holds(initialArray, 17)
}

func lb5(c *C) {
	b := c.largeBlobs()
	old, bad := noise(200, 1), noise(300, 2)
	b.write(old, 100)
	bad[len(bad)-1] ^= 1
	b.ok(ctap2.CommandLargeBlobs, b.set(bad, 0, 150))
	b.refusedSet(b.set(bad, 150, 150), ctap2.StatusIntegrityFailure)
	b.holds(old, 100)
	b.refusedSet(b.set(bad, 0, 300), ctap2.StatusIntegrityFailure)
	b.holds(old, 100)
}

func lb6(c *C) {
	b := c.largeBlobs()
	p := b.set(noise(100, 1), 0, 100)
	b.refusedSet(p.with(4, b.room()+1), ctap2.StatusLargeBlobStorageFull)
	b.refusedSet(p.with(4, uint64(1)<<32), ctap2.StatusLargeBlobStorageFull)
	b.holds(initialArray, 17)
}

func lb7(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.needOption(ctap2.OptionLargeBlobs)
		b := &blobs{messages: m}
		b.mustSetPIN(p, b.pin1())
		array := noise(200, 1)
		first, next := b.set(array, 0, 100), b.set(array, 100, 100)
		b.refusedSet(first, ctap2.StatusPUATRequired)
		b.refusedSet(b.proof(first, b.mustToken(p)), ctap2.StatusPINAuthInvalid)

		// The same token after a touch, which takes the other permissions.
		t := b.use(p, ctap2.PermissionMC|ctap2.PermissionLBW, rpID)
		b.make(authorizeMC(c.mc(), t))
		b.token = t
		first, next = b.proof(first, t), b.proof(next, t)
		b.refusedSet(first.with(6, nil), ctap2.StatusMissingParameter)
		b.refusedSet(first.with(6, 99), ctap2.StatusInvalidParameter, ctap2.StatusPINAuthInvalid)
		b.refusedSet(first.with(5, []byte{}), ctap2.StatusPINAuthInvalid)
		b.refusedSet(first.with(5, next[5]), ctap2.StatusPINAuthInvalid) // of another fragment
		b.holds(initialArray, 17)
		b.ok(ctap2.CommandLargeBlobs, first)
		b.refusedSet(next.with(5, nil).with(6, nil), ctap2.StatusPUATRequired, ctap2.StatusInvalidSeq)
		b.ok(ctap2.CommandLargeBlobs, first)
		b.refusedSet(next.with(5, first[5]), ctap2.StatusPINAuthInvalid, ctap2.StatusInvalidSeq)
		moved := b.proof(next.with(3, 101), t) // the right bytes, for another place
		b.ok(ctap2.CommandLargeBlobs, first)
		b.refusedSet(next.with(5, moved[5]), ctap2.StatusPINAuthInvalid, ctap2.StatusInvalidSeq)
		b.write(array, 100)
		b.holds(array, 100)
	})
}

func lb8(c *C) {
	b := c.largeBlobs()
	old, array := noise(200, 1), noise(300, 2)
	b.write(old, 200)
	b.ok(ctap2.CommandLargeBlobs, b.set(array, 0, 150))
	b.refresh()
	s, _ := b.call(ctap2.CommandLargeBlobs, b.set(array, 150, 150))
	b.either(s, ctap2.StatusInvalidSeq, ctap2.StatusSuccess)
	if s == ctap2.StatusSuccess {
		old = array
	}
	b.holds(old, 100)
	b.write(array, 150)
	b.holds(array, 100)
}

func lb10(c *C) {
	b := c.largeBlobs()
	array := noise(b.room(), 3)
	b.write(array, b.most())
	b.holds(array, b.most())
	if c.Key.PowerCycle != nil {
		b.messages = b.powerCycle()
		b.holds(array, b.most())
	}
}

func lb12(c *C) {
	b := c.largeBlobs()
	b.write(noise(500, 1), 250)
	b.messages = b.powerCycle()
	b.reset()
	b.holds(initialArray, 17)
}

func lb13(c *C) {
	m := c.open()
	key, extension := m.extension(ctap2.ExtensionLargeBlobKey), m.extension(ctap2.ExtensionLargeBlob)
	if command := m.option(ctap2.OptionLargeBlobs); command != key {
		c.Errorf("the option largeBlobs is %v, and largeBlobKey is advertised: %v", command, key)
	}
	switch {
	case !key && !extension:
		c.NotApplicable("the key has no large blobs")
	case key && extension:
		c.Error("the key has the extension largeBlob as well as largeBlobKey")
	}
	k := m.make(c.passkey(1).with(6, object{ctap2.ExtensionLargeBlobKey: true, ctap2.ExtensionLargeBlob: object{"support": "preferred"}}))
	if n := len(k.resp.LargeBlobKey); key && n != ctap2.LargeBlobKeySize || !key && n != 0 {
		c.Errorf("the new credential has a largeBlobKey of %d bytes", n)
	}
	output := func(outputs ctap2.Extensions) *ctap2.LargeBlobOutput {
		c.Helper()
		o, err := outputs.LargeBlob()
		if err != nil {
			c.Error(err)
		}
		if (o != nil) != extension {
			c.Errorf("largeBlob is advertised: %v; there is an output: %v", extension, o != nil)
		}
		if o == nil {
			o = new(ctap2.LargeBlobOutput)
		}
		return o
	}
	o := output(k.resp.UnsignedExtensionOutputs)
	if key {
		if r := m.get(c.ga(k).with(4, object{ctap2.ExtensionLargeBlobKey: true}), k); !bytes.Equal(r.LargeBlobKey, k.resp.LargeBlobKey) {
			c.Error("the assertion has another largeBlobKey than the new credential")
		}
		if r := m.get(c.ga(k), k); r.LargeBlobKey != nil {
			c.Error("the assertion has a largeBlobKey that was not asked for")
		}
		return
	}
	if !isTrue(o.Supported) {
		c.Fatalf("the key supports no large blob for a passkey")
	}
	use := func(list bool, in object) *ctap2.LargeBlobOutput {
		c.Helper()
		p := c.ga()
		if list {
			p = c.ga(k)
		}
		return output(m.get(p.with(4, object{ctap2.ExtensionLargeBlob: in}), k).UnsignedExtensionOutputs)
	}
	if o := use(true, object{"read": true}); o.Blob != nil {
		c.Errorf("a new credential has the blob %x", o.Blob)
	}
	data := c.hash()
	if o := use(true, object{"write": data, "originalSize": 77}); !isTrue(o.Written) {
		c.Error("the blob is not written")
	}
	if o := use(false, object{"write": []byte{1}, "originalSize": 1}); o.Written == nil || *o.Written {
		c.Error("without an allowList, written is not false")
	}
	if o := use(true, object{"read": true}); !bytes.Equal(o.Blob, data) || o.OriginalSize == nil || *o.OriginalSize != 77 {
		c.Errorf("the blob is %x", o.Blob)
	}
	for _, in := range []object{{}, {"read": false}, {"write": data}, {"read": true, "write": data, "originalSize": 1}, {"originalSize": 1}} {
		m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, object{ctap2.ExtensionLargeBlob: in}), ctap2.StatusInvalidCBOR)
	}
	for _, in := range []object{{}, {"support": "maybe"}, {"read": true}} {
		m.refused(ctap2.CommandMakeCredential, c.passkey(2).with(6, object{ctap2.ExtensionLargeBlob: in}), ctap2.StatusInvalidCBOR)
	}
}

func isTrue(b *bool) bool { return b != nil && *b }
