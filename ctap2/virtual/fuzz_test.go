package virtual_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc/iso7816"
)

// fuzzConfig leaves out RSA, whose keys take too long to make.
var fuzzConfig = virtual.Config{
	UV: virtual.FingerprintUV, Algorithms: []cose.Algorithm{cose.ES256, cose.EdDSA}, MaxCredentials: 3, UVRetries: 25, ResetWindow: -1,
	Enterprise: &virtual.Enterprise{RPIDs: []string{"example.com"}}, PINComplexity: &virtual.PINComplexity{},
	VendorCommands: map[uint64]func([]byte) error{1: func([]byte) error { return nil }},
}

// conversation returns requests that keys really get.
func conversation(t testing.TB) [][]byte {
	r := newFuzzed(t, fuzzConfig)
	finger := r.key.Fingerprints()[0].TemplateID
	h := r.host
	h.setPIN("1234")
	r.permission = h.token(ctap2.PermissionBE, "")
	id := h.discoverable(rp, ada)
	create := h.complete(&ctap2.MakeCredentialRequest{
		ExcludeList: allow(id), Options: ctap2.Options{RK: new(true)}, AttestationFormatsPreference: []string{"packed"},
		Extensions: ctap2.Extensions{"credProtect": {2}, "hmac-secret": {0xf5}}, EnterpriseAttestation: 1,
	})
	create.Authorize(h.token(ctap2.PermissionMC, rp.ID))
	in, _ := h.salts(32)
	ask := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id), Options: ctap2.Options{UP: new(true)}, Extensions: ctap2.Extensions{}})
	if err := ask.Extensions.Set("hmac-secret", in); err != nil {
		t.Fatal(err)
	}
	ask.Authorize(h.token(ctap2.PermissionGA, rp.ID))
	salts := h.requestSalts(in)
	salts.Extensions.RequestThirdPartyPayment()
	payment := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id)})
	payment.Extensions.RequestThirdPartyPayment()
	token, _ := h.tokenRequest("1234", ctap2.PermissionGA, rp.ID)
	legacy, _ := h.legacyRequest("1234")
	uv, _ := h.uvRequest(ctap2.PermissionMC, rp.ID)
	pcmr, _ := h.tokenRequest("1234", ctap2.PermissionPCMR, "")
	cm := h.token(ctap2.PermissionCM, "")
	preview := manage(t, cm, ctap2.EnumerateRPsBegin, nil)
	preview.preview = true
	array, lbw := arrayOf(200), h.token(ctap2.PermissionLBW, "")
	blobbed := h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{UV: new(true), RK: new(true)}})
	blobbed.Extensions.RequestLargeBlobKey()
	blobbed.Extensions.SetLargeBlobSupport(ctap2.LargeBlobPreferred)
	blobbed.Extensions.SetCredBlob([]byte("blob"))
	read := h.ask(&ctap2.GetAssertionRequest{})
	read.Extensions.RequestLargeBlobKey()
	read.Extensions.RequestLargeBlob()
	read.Extensions.RequestCredBlob()
	write := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id)})
	if err := write.Extensions.SetLargeBlob([]byte("blob")); err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, r := range []request{
		getInfo, selection, getNextAssertion, reset, create, ask, salts, payment, token, legacy, uv, pcmr,
		manage(t, cm, ctap2.GetCredsMetadata, nil), manage(t, cm, ctap2.EnumerateRPsBegin, nil), preview, nextRP,
		manage(t, cm, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)), nextCredential, manage(t, nil, ctap2.EnumerateRPsBegin, nil),
		manage(t, cm, ctap2.UpdateUserInformation, ofUser(id, grace)), manage(t, cm, ctap2.DeleteCredential, ofID(id)),
		r.begin(), r.next(finger), cancelEnrollment, r.enumerate(), r.rename(finger, "right thumb"), r.remove(finger),
		&ctap2.BioEnrollmentRequest{GetModality: true}, raw{9, 0xa2, 1, 1, 2, 7},
		&ctap2.LargeBlobsRequest{Get: new(uint(1000)), Offset: new(uint(0))},
		h.fragment(array, 0, 100, lbw), h.fragment(array, 100, 100, lbw), h.fragment(array, 0, 200, nil), blobbed, read, write,
		h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{UV: new(true), RK: new(true)}}),
		h.complete(&ctap2.MakeCredentialRequest{PinUvAuthParam: []byte{}}),
		h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UV: new(true)}}),
		h.setPINRequest("1234"), h.changePINRequest("1234", "4321"),
		&ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries},
		&ctap2.ClientPINRequest{SubCommand: ctap2.GetUVRetries},
		&ctap2.ClientPINRequest{SubCommand: ctap2.GetKeyAgreement, PinUvAuthProtocol: 2},
		h.setting(ctap2.EnableEnterpriseAttestation, nil), h.setting(ctap2.ToggleAlwaysUv, nil),
		h.setting(ctap2.SetMinPINLength, map[int]any{1: 8, 2: []string{rp.ID}, 3: true, 4: true}),
		h.setting(ctap2.EnableLongTouchForReset, nil), h.setting(ctap2.VendorPrototype, map[int]any{1: 1}),
		&ctap2.ConfigRequest{SubCommand: ctap2.EnableEnterpriseAttestation}, // a key without a PIN takes these
		&ctap2.ConfigRequest{SubCommand: ctap2.SetMinPINLength, SubCommandParams: cbor.RawMessage{0xa1, 1, 6}},
		h.complete(&ctap2.MakeCredentialRequest{Extensions: ctap2.Extensions{"minPinLength": {0xf5}, "pinComplexityPolicy": {0xf5}}, EnterpriseAttestation: 2}),
	} {
		all = append(all, encode(t, r))
	}
	return all
}

// fuzzed is a key under arbitrary requests, and what must be true of it all the
// while.
type fuzzed struct {
	reader
	enrolling []byte       // the ID of the fingerprint that is being enrolled
	lbw       *pinuv.Token // for the next fragment of large blobs
}

func newFuzzed(t testing.TB, c virtual.Config) fuzzed {
	h := newHost(t, c)
	h.discoverable2(ada)
	if _, err := h.key.AddFingerprint("left thumb"); err != nil {
		t.Fatal(err)
	}
	return fuzzed{reader: reader{host: h}}
}

func (f fuzzed) request(b []byte) {
	reply := f.key.CBOR(f.ctx, f.session, nil, b, nil)
	switch {
	case len(reply) == 0:
		f.t.Fatalf("empty reply to %x", b)
	case reply[0] != 0 && len(reply) > 1:
		f.t.Fatalf("status and more to %x: %x", b, reply)
	case len(reply) > 1:
		if d, err := cbor.Check(nil, reply[1:]); err != nil || len(d) > 0 {
			f.t.Fatalf("not canonical: %v, %v: %x", d, err, reply)
		}
	}
	f.check()
}

// check sends nothing: that would end a sequence of commands.
func (f fuzzed) check() {
	info := f.key.Info()
	remaining := int(*info.RemainingDiscoverableCredentials)
	if stored := len(f.key.Credentials()); stored+remaining != fuzzConfig.MaxCredentials {
		f.t.Fatalf("%d stored and room for %d", stored, remaining)
	}
	if info.Options[ctap2.OptionClientPIN] != f.key.HasPIN() || info.AAGUID != virtual.DefaultAAGUID || f.key.PINRetries() > 8 {
		f.t.Fatalf("getInfo %+v, %d tries", info, f.key.PINRetries())
	}
	n := len(f.key.Fingerprints())
	if o := info.Options; n > 5 || o[ctap2.OptionUV] != (n > 0) || o[ctap2.OptionBioEnroll] != (n > 0) {
		f.t.Fatalf("%d fingerprints, options %v", n, o)
	}
	array := f.key.LargeBlobArray()
	if n := len(array) - 16; n < 1 || !bytes.Equal(summed(array[:n]), array) {
		f.t.Fatalf("large blobs %x", array)
	}
}

// enrol captures a sample, the first or the next one.
func (f *fuzzed) enrol() {
	if f.enrolling == nil {
		if !f.permit() {
			return
		}
		s, b := f.send(f.begin())
		if r, err := ctap2.ParseBioEnrollmentResponse(b); s == 0 && err == nil {
			f.enrolling = r.TemplateID
		}
		return
	}
	s, b := f.send(f.next(f.enrolling))
	if r, err := ctap2.ParseBioEnrollmentResponse(b); s != 0 || err != nil || *r.RemainingSamples == 0 {
		f.enrolling = nil
	}
}

// permit gets a token for fingerprints, if there is one to be had.
func (f *fuzzed) permit() bool {
	r, _ := f.tokenRequest("1234", ctap2.PermissionBE, "")
	if s, _ := f.send(r); s != 0 {
		return false
	}
	f.pin = "1234"
	f.permission = f.token(ctap2.PermissionBE, "")
	return true
}

// tend lists, names or removes fingerprints.
func (f *fuzzed) tend(b byte) {
	if !f.permit() {
		return
	}
	id := []byte("none")
	if all := f.key.Fingerprints(); len(all) > 0 {
		id = all[0].TemplateID
	}
	f.reply([]request{f.enumerate(), f.rename(id, "right thumb"), f.remove(id), f.remove(id)}[b>>4&3])
}

// Any request gets an answer in canonical form, and the key is a key afterwards.
func FuzzRequests(f *testing.F) {
	for _, b := range conversation(f) {
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte{0x01, 0xbf, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, extension := range []bool{false, true} {
			c := fuzzConfig
			c.LargeBlobExtension = extension
			k := newFuzzed(t, c)
			k.request(b)
			k.request(b)
			k.info()
		}
	})
}

// Any sequence of requests, from several sessions, with power cycles in between,
// does too; and what a key knows after a power cycle is what it knew before.
//
// The input is a list of requests, each with two bytes in front: what happens
// before it, and its length. Requests of length 254, which write large blobs, and
// 255 depend on the key's state and so can't come from bytes.
func FuzzSequence(f *testing.F) {
	var all []byte
	for i, b := range conversation(f) {
		if len(b) < 254 {
			all = append(append(all, byte(i%4), byte(len(b))), b...)
		}
	}
	f.Add(all)
	f.Add([]byte{0, 255, 0, 255, 1, 255, 2, 255, 0, 255, 3, 255, 4, 255, 5, 255, 8, 255})
	f.Add([]byte{0, 254, 4, 254, 4, 254, 0, 255, 0, 254, 4, 255, 0, 254, 20, 254, 0, 254, 4, 254})
	f.Add([]byte{0, 255, 4, 255, 20, 255, 9, 255, 10, 255, 6, 255, 11, 255, 7, 255, 12, 255, 13, 255, 9, 255})
	f.Add([]byte{0, 255, 14, 255, 14, 255, 14, 255, 14, 255, 15, 255, 31, 255, 5, 255, 47, 255, 62, 255, 15, 255, 47, 255, 5, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		k := newFuzzed(t, fuzzConfig)
		for n := 0; len(b) >= 2 && n < 64; n++ {
			before, length := b[0], int(b[1])
			b = b[2:]
			k.prepare(before)
			switch length {
			case 254:
				k.writeFragment(before)
				continue
			case 255:
				k.step(before)
				continue
			}
			length = min(length, len(b))
			k.request(b[:length])
			b = b[length:]
		}
		k.info()
		want := condition(k.key)
		k.key.PowerCycle()
		k.check()
		if got := condition(k.key); got != want {
			t.Fatalf("after a power cycle\n%s\ninstead of\n%s", got, want)
		}
	})
}

func (f *fuzzed) prepare(b byte) {
	f.session = uint64(b & 3)
	switch b >> 4 {
	case 1:
		f.key.PowerCycle()
	case 2:
		f.key.SetUser(virtual.Deny())
	case 3:
		f.key.SetUser(virtual.AlwaysTouch())
	}
}

// fuzzedArray is what is written in two fragments.
var fuzzedArray = summed(append([]byte{0x81, 0x58, 181}, make([]byte, 181)...))

// writeFragment writes the first fragment of an array, with a new token if there
// is one to be had, or the second.
func (f *fuzzed) writeFragment(b byte) {
	if b&4 != 0 {
		f.reply(f.fragment(fuzzedArray, 100, 100, f.lbw))
	} else if s, _ := f.send(first(f.uvRequest(ctap2.PermissionLBW, ""))); s == 0 {
		f.lbw = f.receive(f.uvRequest(ctap2.PermissionLBW, ""))
		f.reply(f.fragment(fuzzedArray, 0, 100, f.lbw))
	}
	f.check()
}

// step sends a request that makes sense in the key's state.
func (f *fuzzed) step(b byte) {
	switch b & 15 {
	case 0:
		f.reply(f.setPINRequest("1234"))
	case 1:
		f.reply(f.changePINRequest("1234", "1234"))
	case 2:
		r, _ := f.tokenRequest("1234", ctap2.PermissionMC|ctap2.PermissionGA, rp.ID)
		f.reply(r)
	case 3:
		r, _ := f.tokenRequest("wrong", ctap2.PermissionMC, rp.ID)
		f.reply(r)
	case 4:
		f.reply(f.complete(&ctap2.MakeCredentialRequest{User: ctap2.PublicKeyCredentialUserEntity{ID: bytes.Repeat([]byte{b}, 3)}, Options: ctap2.Options{RK: new(true), UV: new(true)}}))
	case 5:
		f.reply(f.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UV: new(true)}}))
	case 6:
		f.reply(nextRP)
	case 7:
		f.reply(nextCredential)
	case 9, 10, 11, 12, 13:
		f.manage(b & 15)
	case 14:
		f.enrol()
	case 15:
		f.tend(b)
	default:
		f.reply(getNextAssertion)
	}
	f.check()
}

// manage sends a credentialManagement request that the key takes, if it gives a
// token.
func (f *fuzzed) manage(b byte) {
	r, _ := f.tokenRequest("1234", ctap2.PermissionCM, "")
	if s, _ := f.send(r); s != 0 {
		return
	}
	f.pin = "1234"
	token := f.token(ctap2.PermissionCM, "")
	id := []byte("none")
	user := ctap2.PublicKeyCredentialUserEntity{ID: id}
	if all := f.key.Credentials(); len(all) > 0 {
		id, user = all[0].ID, all[0].User
	}
	user.Name = string(id[:4])
	f.reply([]request{
		manage(f.t, token, ctap2.GetCredsMetadata, nil),
		manage(f.t, token, ctap2.EnumerateRPsBegin, nil),
		manage(f.t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)),
		manage(f.t, token, ctap2.UpdateUserInformation, ofUser(id, user)),
		manage(f.t, token, ctap2.DeleteCredential, ofID(id)),
	}[b-9])
}

// Any U2F request, of any user, gets a response in one piece at once, and the key
// is a key afterwards. The key's random bytes are always the same, so that an
// input can name the key handle that it has.
func FuzzU2F(f *testing.F) {
	newKey := func(t testing.TB) (fuzzed, []byte) {
		c := fuzzConfig
		c.Rand = rand.NewChaCha8([32]byte{1})
		k := newFuzzed(t, c)
		return k, k.register().KeyHandle
	}
	_, handle := newKey(f)
	for _, form := range []iso7816.Form{iso7816.Short, iso7816.Extended} {
		for i, r := range []u2f.Request{
			version, registering, &u2f.RegisterRequest{P1: 0x83},
			with(handle, u2f.CheckOnly), with(handle, u2f.EnforceUserPresence), with(handle, u2f.DontEnforceUserPresence), with(nil, u2f.CheckOnly),
		} {
			apdu, err := r.Append(nil, form)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(byte(i), apdu)
		}
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0x80, 0x10, 0x80, 0, 1, 4, 0})
	users := []virtual.User{virtual.AlwaysTouch(), virtual.NeverTouch(), virtual.Deny(), virtual.TouchAfter(time.Hour)}
	f.Fuzz(func(t *testing.T, user byte, apdu []byte) {
		k, handle := newKey(t)
		k.key.SetUser(users[int(user)%len(users)])
		for range 2 {
			k.msg(apdu) // which judges the response
			k.check()
			k.u2f(notTouched, with(handle, u2f.CheckOnly))
		}
		k.info()
	})
}
