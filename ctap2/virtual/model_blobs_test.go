package virtual_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/gofido/fido/ctap2"
)

// modelBlobs is a largeBlobs. Negative numbers are absent.
type modelBlobs struct {
	get, offset, length int
	set                 []byte
	proof               modelProof
	session             uint64
}

// modelWrite is an array that is being written.
type modelWrite struct {
	array  []byte
	length int
}

// modelFragment is the most that a command reads or writes, by the usual
// maxMsgSize.
const modelFragment = 1200 - 64

// largeBlobs is section 6.10.2.
func (m *model) largeBlobs(a *modelBlobs) string {
	switch {
	case !m.knows(ctap2.CommandLargeBlobs):
		return ctap2.StatusInvalidCommand.Name()
	case a.offset < 0, (a.get < 0) == (a.set == nil):
		return ctap2.StatusInvalidParameter.Name()
	case a.get < 0:
		return modelStatus(m.setLargeBlobs(a)).text()
	case a.length >= 0 || a.proof.kind != modelNoProof:
		return ctap2.StatusInvalidParameter.Name()
	case a.get > modelFragment:
		return ctap2.StatusInvalidLength.Name()
	case a.offset > len(m.blobs):
		return ctap2.StatusInvalidParameter.Name()
	}
	rest := m.blobs[a.offset:]
	return fmt.Sprintf("%x", rest[:min(a.get, len(rest))])
}

func (m *model) setLargeBlobs(a *modelBlobs) ctap2.Status {
	w, s := m.writing(a)
	if s != 0 {
		return s
	}
	by, s := m.managedIfProtected(a.proof, ctap2.PermissionLBW)
	switch {
	case s != 0:
		return s
	case len(w.array)+len(a.set) > w.length:
		return ctap2.StatusInvalidParameter
	case a.offset == 0:
		m.begin(ctap2.CommandLargeBlobs, a.session, by, w)
	}
	w.array = append(w.array, a.set...)
	if len(w.array) < w.length {
		return 0
	}
	m.sequence = nil
	n := len(w.array) - 16
	if sum := sha256.Sum256(w.array[:n]); !bytes.Equal(sum[:16], w.array[n:]) {
		return ctap2.StatusIntegrityFailure
	}
	m.blobs = w.array
	return 0
}

// writing returns what the fragment is a part of.
func (m *model) writing(a *modelBlobs) (*modelWrite, ctap2.Status) {
	switch {
	case len(a.set) > modelFragment:
		return nil, ctap2.StatusInvalidLength
	case (a.offset == 0) != (a.length >= 0):
		return nil, ctap2.StatusInvalidParameter
	case a.offset > 0:
		w, ok := m.resume(ctap2.CommandLargeBlobs, a.session).(*modelWrite)
		if !ok || a.offset != len(w.array) {
			return nil, ctap2.StatusInvalidSeq
		}
		return w, 0
	case a.length > m.config.LargeBlobCapacity:
		return nil, ctap2.StatusLargeBlobStorageFull
	case a.length < 17:
		return nil, ctap2.StatusInvalidParameter
	}
	m.sequence = nil
	return &modelWrite{length: a.length}, 0
}

// largeBlobs reads, or writes a part of an array; as a rule the next.
func (d *modelDriver) largeBlobs() {
	m := d.model
	a := &modelBlobs{get: -1, length: -1, session: d.session}
	if w, ok := d.writes(); ok && !d.one(5) {
		d.writeOn(a, w)
	} else if d.one(3) {
		a.offset, a.get = d.IntN(len(m.blobs)+2), pick(d, 0, 1, 17, 100, modelFragment, modelFragment+1)
		if d.one(20) {
			a.length = 17
		}
	} else {
		d.array = d.drawArray()
		a.set, a.length = d.array[:d.IntN(len(d.array)+1)], len(d.array)
		switch d.IntN(12) {
		case 0:
			a.length = pick(d, -1, 0, 16, m.config.LargeBlobCapacity+1)
		case 1:
			a.set = make([]byte, modelFragment+1)
		case 2:
			a.get = 1
		default:
			if d.one(2) {
				a.set = d.array
			}
		}
		a.set = a.set[:min(len(a.set), modelFragment+1)]
	}
	if d.one(60) {
		a.offset = -1
	}
	if a.set != nil && len(a.set) <= modelFragment { // more and a proof do not fit in a message
		a.proof = d.drawProof(ctap2.PermissionLBW, "")
	}
	r := &ctap2.LargeBlobsRequest{Set: a.set}
	for _, n := range []struct {
		value int
		in    **uint
	}{{a.get, &r.Get}, {a.offset, &r.Offset}, {a.length, &r.Length}} {
		if n.value >= 0 {
			*n.in = new(uint(n.value))
		}
	}
	a.proof.set(r.Message(), &r.PinUvAuthParam, &r.PinUvAuthProtocol)
	m.interrupt(ctap2.CommandLargeBlobs)
	want := m.largeBlobs(a)
	s, b := d.request(r)
	got := s.Name()
	if s == 0 {
		response, err := ctap2.ParseLargeBlobsResponse(b)
		if err != nil {
			d.t.Fatal(err)
		}
		got = fmt.Sprintf("%x", response.Config)
	}
	name := "largeBlobs set"
	if a.set == nil {
		name = "largeBlobs get"
	}
	d.expect(name, a, want, got)
}

// writes returns the array that is being written, if one is.
func (d *modelDriver) writes() (*modelWrite, bool) {
	if d.model.sequence == nil {
		return nil, false
	}
	w, ok := d.model.sequence.state.(*modelWrite)
	return w, ok && len(w.array) > 0
}

// writeOn draws the next fragment.
func (d *modelDriver) writeOn(a *modelBlobs, w *modelWrite) {
	a.offset = len(w.array)
	a.set = d.array[min(a.offset, len(d.array)):]
	switch d.IntN(12) {
	case 0:
		a.offset += 1 + d.IntN(3)
	case 1:
		a.length = len(d.array)
	case 2:
		a.set = append(bytes.Clone(a.set), 0)
	case 3, 4, 5:
		a.set = a.set[:d.IntN(len(a.set)+1)]
	}
	if a.set == nil {
		a.set = []byte{}
	}
	a.set = a.set[:min(len(a.set), modelFragment+1)]
}

// drawArray draws a serialized array, mostly intact.
func (d *modelDriver) drawArray() []byte {
	b := bytes.Repeat([]byte{byte(d.Uint32())}, d.IntN(1200))
	if d.one(10) {
		b = make([]byte, d.model.config.LargeBlobCapacity-16)
	}
	sum := sha256.Sum256(b)
	b = append(b, sum[:16]...)
	if d.one(8) {
		b[len(b)-1] ^= 1
	}
	return b
}
