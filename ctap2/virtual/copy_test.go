package virtual_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// A key keeps a copy of what it is given.
func TestKeyKeepsACopy(t *testing.T) {
	faults := func() virtual.Faults {
		return virtual.Faults{
			Override:     map[ctap2.Command]virtual.Reply{ctap2.CommandSelection: {Status: 0, Raw: []byte{0xa0}}},
			Delay:        map[ctap2.Command]time.Duration{ctap2.CommandSelection: time.Second},
			ExtraMembers: map[uint64]any{0x63: 1},
		}
	}
	spoil := func(f virtual.Faults) {
		f.Override[ctap2.CommandSelection].Raw[0] = 0xff
		f.Override[ctap2.CommandGetInfo] = virtual.Reply{Status: ctap2.StatusOther}
		f.Delay[ctap2.CommandGetInfo] = -1
		f.ExtraMembers[0x64] = 1
	}
	synctest.Test(t, func(t *testing.T) {
		c := virtual.Config{
			WithoutCommands:   []ctap2.Command{ctap2.CommandReset},
			WithoutExtensions: []string{ctap2.ExtensionHMACSecret},
			Faults:            faults(),
		}
		h := newHost(t, c)
		c.WithoutCommands[0] = ctap2.CommandGetInfo
		c.WithoutExtensions[0] = ctap2.ExtensionCredProtect
		spoil(c.Faults)
		check := func() {
			t.Helper()
			info := h.info()
			if slices.Contains(info.Extensions, ctap2.ExtensionHMACSecret) || !slices.Contains(info.Extensions, ctap2.ExtensionCredProtect) || !bytes.HasSuffix(info.Raw, []byte{0x18, 0x63, 1}) {
				t.Errorf("getInfo %x", []byte(info.Raw))
			}
			if b := h.want(0, selection); !bytes.Equal(b, fromHex(t, "a1186301")) {
				t.Errorf("selection %x", b)
			}
		}
		check()
		f := faults()
		h.key.SetFaults(f)
		spoil(f)
		check()
		h.key.SetFaults(virtual.Faults{})
		h.want(ctap2.StatusInvalidCommand, reset)
	})
}

// Making an RSA key takes long: the host hears that the key works. Others are
// too quick to be worth a message.
func TestSlowAlgorithmIsReported(t *testing.T) {
	const touch, work = ctap2.WaitingUPNeeded, ctap2.WaitingProcessing
	for _, test := range []struct {
		name   string
		alg    cose.Algorithm
		faults virtual.Faults
		want   []byte
	}{
		{"RS256", cose.RS256, virtual.Faults{}, []byte{touch, work}},
		{"RS256 without keepalives", cose.RS256, virtual.Faults{NoKeepalive: true}, nil},
		{"ES256", cose.ES256, virtual.Faults{}, []byte{touch}},
		{"EdDSA", cose.EdDSA, virtual.Faults{}, []byte{touch}},
	} {
		h := newHost(t, virtual.Config{Faults: test.faults})
		var seen []byte
		h.waiting = func(status byte) {
			seen = append(seen, status)
			h.key.Credentials() // no lock is held
		}
		h.create(&ctap2.MakeCredentialRequest{PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: test.alg, Type: ctap2.TypePublicKey}}})
		if !bytes.Equal(seen, test.want) {
			t.Errorf("%s: statuses %v, want %v", test.name, seen, test.want)
		}
	}
	// The power goes at that moment.
	h := newHost(t, virtual.Config{})
	h.waiting = func(status byte) {
		if status == work {
			h.key.PowerCycle()
		}
	}
	h.want(ctap2.StatusOther, h.complete(&ctap2.MakeCredentialRequest{PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.RS256, Type: ctap2.TypePublicKey}}}))
	if n := len(h.key.Credentials()); n != 0 {
		t.Errorf("%d credentials", n)
	}
}

// An RS256 credential takes a place even if it is not discoverable.
func TestRSACredentialIsStored(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentials: 1})
	rs256 := []ctap2.PublicKeyCredentialParameters{{Alg: cose.RS256, Type: ctap2.TypePublicKey}}
	h.create(&ctap2.MakeCredentialRequest{PubKeyCredParams: rs256})
	if left := h.info().RemainingDiscoverableCredentials; left == nil || *left != 0 {
		t.Errorf("%v places are left", left)
	}
	h.want(ctap2.StatusKeyStoreFull, h.complete(&ctap2.MakeCredentialRequest{PubKeyCredParams: rs256}))
	h.create(&ctap2.MakeCredentialRequest{})
}

// An order to change the PIN ends the tokens that the old one gave.
func TestForcePINChangeEndsTokens(t *testing.T) {
	h := newHost(t, virtual.Config{})
	h.setPIN("1234")
	r := h.ask(&ctap2.GetAssertionRequest{})
	r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
	if err := h.key.ForcePINChange(); err != nil {
		t.Fatal(err)
	}
	if s, ok := h.key.Token(); ok {
		t.Errorf("token %+v", s)
	}
	h.want(ctap2.StatusPINAuthInvalid, r)
}

// A reset leaves nothing behind, records of a later version included, which the
// key otherwise leaves alone.
func TestResetDeletesForeignRecords(t *testing.T) {
	h := newHost(t, virtual.Config{})
	const name = "of-a-later-version"
	if err := h.store.Commit(map[string][]byte{name: {9}}); err != nil {
		t.Fatal(err)
	}
	h.key.PowerCycle()
	h.setPIN("1234")
	if h.store.Snapshot()[name] == nil {
		t.Error("gone before the reset")
	}
	h.want(0, reset)
	if b := h.store.Snapshot()[name]; b != nil {
		t.Errorf("still there: %x", b)
	}
}
