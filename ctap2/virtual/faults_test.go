package virtual_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// faulty makes a key with an account that then misbehaves.
func faulty(t *testing.T, f virtual.Faults) (*host, virtual.Credential) {
	t.Helper()
	h := newHost(t, virtual.Config{})
	c, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, Discoverable: true})
	if err != nil {
		t.Fatal(err)
	}
	h.key.SetFaults(f)
	return h, c
}

// reply sends a request and returns the whole reply, unjudged.
func (h *host) reply(r request) []byte {
	h.t.Helper()
	return h.key.CBOR(h.ctx, h.session, nil, encode(h.t, r), h.waiting)
}

func TestFaultOverride(t *testing.T) {
	h, _ := faulty(t, virtual.Faults{Override: map[ctap2.Command]virtual.Reply{
		ctap2.CommandSelection: {Status: ctap2.StatusChannelBusy, Raw: []byte{1, 2}},
		ctap2.Command(0x77):    {Raw: []byte{0xa0}},
	}})
	if got := h.reply(selection); !bytes.Equal(got, []byte{6, 1, 2}) {
		t.Errorf("%x", got)
	}
	if got := h.reply(raw{0x77}); !bytes.Equal(got, []byte{0, 0xa0}) {
		t.Errorf("%x", got)
	}
	h.info()
}

func TestFaultMutate(t *testing.T) {
	h, _ := faulty(t, virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
		if c == ctap2.CommandGetInfo {
			return reply[:10]
		}
		return nil
	}})
	if got := h.reply(getInfo); len(got) != 10 {
		t.Errorf("%x", got)
	}
	if got := h.reply(selection); len(got) != 0 {
		t.Errorf("%x", got)
	}
	if _, err := h.key.Direct().CBOR(t.Context(), nil, selection, nil); err == nil {
		t.Error("Direct takes an empty reply")
	}
}

func TestFaultDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := faulty(t, virtual.Faults{Delay: map[ctap2.Command]time.Duration{ctap2.CommandGetInfo: time.Minute, ctap2.CommandSelection: -1}})
		start := time.Now()
		h.info()
		if d := time.Since(start); d != time.Minute {
			t.Errorf("late by %v", d)
		}
		// Zero is no delay.
		h.key.SetFaults(virtual.Faults{Delay: map[ctap2.Command]time.Duration{ctap2.CommandGetInfo: 0, ctap2.CommandSelection: -1}})
		start = time.Now()
		h.info()
		if d := time.Since(start); d != 0 {
			t.Errorf("late by %v", d)
		}
		var cancel context.CancelFunc
		h.ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		h.want(ctap2.StatusKeepaliveCancel, selection)
		h.ctx = t.Context()

		// The power is the only way out of this.
		f := virtual.Faults{Delay: map[ctap2.Command]time.Duration{ctap2.CommandSelection: -1}, IgnoreCancel: true}
		h.key.SetFaults(f)
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		h.ctx = ctx
		done := make(chan bool)
		go func() { h.want(ctap2.StatusOther, selection); close(done) }()
		time.Sleep(time.Hour)
		h.key.PowerCycle()
		<-done
	})
}

func TestFaultCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := faulty(t, virtual.Faults{CancelStatus: ctap2.StatusTimeout})
		h.key.SetUser(virtual.NeverTouch())
		cancelled := func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			t.Cleanup(cancel)
			h.ctx = ctx
		}
		cancelled()
		h.want(ctap2.StatusTimeout, selection)
		h.key.SetFaults(virtual.Faults{IgnoreCancel: true})
		cancelled()
		start := time.Now()
		h.want(ctap2.StatusUserActionTimeout, selection)
		if d := time.Since(start); d != 30*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestFaultKeepalive(t *testing.T) {
	h, _ := faulty(t, virtual.Faults{KeepaliveStatus: 0x77})
	var got []byte
	h.waiting = func(s byte) { got = append(got, s) }
	h.want(0, selection)
	h.key.SetFaults(virtual.Faults{NoKeepalive: true})
	h.want(0, selection)
	if !bytes.Equal(got, []byte{0x77}) {
		t.Errorf("statuses %x", got)
	}
}

func TestFaultEncoding(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults virtual.Faults
		kind   cbor.Kind
	}{
		{"unsorted", virtual.Faults{Unsorted: true}, cbor.UnsortedKeys},
		{"duplicate", virtual.Faults{DuplicateKey: true}, cbor.DuplicateKey},
		{"extra members", virtual.Faults{ExtraMembers: map[uint64]any{0x63: "x", 0xffff: []int{1}, 0: true}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := faulty(t, test.faults)
			for _, r := range []request{getInfo, h.ask(&ctap2.GetAssertionRequest{})} {
				if test.kind == 0 { // more than 23 members have a longer head
					for n := range uint64(20) {
						test.faults.ExtraMembers[1000+n] = nil
					}
				}
				reply := h.reply(r)
				deviations, err := cbor.Check(nil, reply[1:])
				if err != nil {
					t.Fatal(err)
				}
				has := slices.ContainsFunc(deviations, func(d cbor.Deviation) bool { return d.Kind == test.kind })
				if has != (test.kind != 0) || test.kind == 0 && len(deviations) > 0 {
					t.Errorf("deviations %v", deviations)
				}
				if test.kind == 0 {
					var m map[uint64]cbor.RawMessage
					if err := cbor.Unmarshal(reply[1:], &m); err != nil || m[0x63] == nil || m[0xffff] == nil || m[0] == nil || m[1] == nil {
						t.Errorf("members %v, %v", m, err)
					}
				}
			}
			if got := h.reply(selection); !bytes.Equal(got, []byte{0}) {
				t.Errorf("selection %x", got)
			}
		})
	}
}

func TestFaultSignatures(t *testing.T) {
	h, c := faulty(t, virtual.Faults{BadSignature: true})
	a := h.assert(&ctap2.GetAssertionRequest{})
	if err := c.PublicKey.Verify(append(a.AuthData.Raw, hash[:]...), a.Signature); err == nil {
		t.Error("the assertion's signature verifies")
	}
	r := h.create(&ctap2.MakeCredentialRequest{})
	if _, err := attestation.Verify(r.Fmt, r.AttStmt, r.AuthData.Raw, hash[:]); err == nil {
		t.Error("the attestation verifies")
	}
	h.key.SetFaults(virtual.Faults{FlipFlags: ctap2.FlagUP | ctap2.FlagUV})
	a = h.assert(&ctap2.GetAssertionRequest{})
	if err := c.PublicKey.Verify(append(a.AuthData.Raw, hash[:]...), a.Signature); err != nil || a.AuthData.Flags != ctap2.FlagUV {
		t.Errorf("flags %v, %v", a.AuthData.Flags, err)
	}
	if r := h.create(&ctap2.MakeCredentialRequest{}); r.AuthData.Flags != ctap2.FlagUV|ctap2.FlagAT {
		t.Errorf("flags %v", r.AuthData.Flags)
	}
	h.key.SetFaults(virtual.Faults{CounterRollback: true})
	first := h.assert(&ctap2.GetAssertionRequest{}).AuthData.SignCount
	if second := h.assert(&ctap2.GetAssertionRequest{}).AuthData.SignCount; second != first-1 {
		t.Errorf("counter %d after %d", second, first)
	}
}

func TestFaultCredentialMember(t *testing.T) {
	for _, test := range []struct {
		mode   virtual.CredentialMember
		listed int
		want   bool
	}{
		{virtual.CredentialAlways, 1, true}, {virtual.CredentialIfNeeded, 1, false}, {virtual.CredentialIfNeeded, 2, true},
		{virtual.CredentialIfNeeded, 0, true}, {virtual.CredentialNever, 0, false},
	} {
		h, c := faulty(t, virtual.Faults{Credential: test.mode, OmitUser: true})
		a := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(slices.Repeat([][]byte{c.ID}, test.listed)...)})
		if (a.Credential.ID != nil) != test.want || a.User != nil {
			t.Errorf("mode %d, %d listed: credential %x, user %v", test.mode, test.listed, a.Credential.ID, a.User)
		}
	}
}

func TestFaultTruncateUTF8(t *testing.T) {
	h, _ := faulty(t, virtual.Faults{TruncateUTF8: true})
	name := string(bytes.Repeat([]byte("€"), 40))
	h.discoverable(other, ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: name})
	h.key.PowerCycle()
	c := h.key.Credentials()[1]
	if len(c.User.Name) != 64 || utf8.ValidString(c.User.Name) {
		t.Errorf("%q", c.User.Name)
	}
	h = newHost(t, virtual.Config{Storage: h.store, UV: virtual.ConfiguredUV})
	reply := h.reply(h.ask(&ctap2.GetAssertionRequest{RPID: other.ID, Options: ctap2.Options{UV: new(true)}}))
	deviations, err := cbor.Check(nil, reply[1:])
	if err != nil || len(deviations) != 1 || deviations[0].Kind != cbor.InvalidUTF8 {
		t.Errorf("deviations %v, %v in %x", deviations, err, reply)
	}
}

func TestFaultStatuses(t *testing.T) {
	h, _ := faulty(t, virtual.Faults{
		UnknownCredentialStatus: ctap2.StatusInvalidCredential,
		SilentStatus:            ctap2.StatusUnsupportedOption,
		EmptyDisplayNameStatus:  ctap2.StatusMissingParameter,
	})
	h.want(ctap2.StatusInvalidCredential, h.ask(&ctap2.GetAssertionRequest{RPID: other.ID}))
	h.want(ctap2.StatusUnsupportedOption, h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(false)}}))
	h.want(ctap2.StatusMissingParameter, h.complete(&ctap2.MakeCredentialRequest{User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}}))

	h = newHost(t, virtual.Config{AlwaysUV: true, Faults: virtual.Faults{AlwaysUVWhenSilent: true}})
	h.setPIN("1234")
	h.want(ctap2.StatusPUATRequired, h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(false)}}))
}

func TestFaultTokenOnce(t *testing.T) {
	h, _ := faulty(t, virtual.Faults{TokenOnce: true})
	h.setPIN("1234")
	r := h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(false)}})
	r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
	h.want(0, r)
	h.want(ctap2.StatusPINAuthInvalid, r)
	h.key.SetFaults(virtual.Faults{})
	r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
	h.want(0, r) // without the fault, what tests no presence spends no token
	h.want(0, r)
}

func TestWithoutCommandsAndExtensions(t *testing.T) {
	h := newHost(t, virtual.Config{
		WithoutCommands:   []ctap2.Command{ctap2.CommandSelection, ctap2.CommandClientPIN},
		WithoutExtensions: []string{ctap2.ExtensionHMACSecret},
	})
	h.want(ctap2.StatusInvalidCommand, selection)
	h.want(ctap2.StatusInvalidCommand, &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries})
	info := h.info()
	if _, ok := info.Options[ctap2.OptionClientPIN]; ok || len(info.PinUvAuthProtocols) > 0 || slices.Contains(info.Extensions, ctap2.ExtensionHMACSecret) {
		t.Errorf("getInfo %+v", info)
	}
	r := h.create(&ctap2.MakeCredentialRequest{Extensions: ctap2.Extensions{"hmac-secret": {0xf5}, "other": {0x01}}})
	if r.AuthData.Extensions != nil {
		t.Errorf("outputs %v", r.AuthData.Extensions)
	}
}

func TestInfoHook(t *testing.T) {
	h := newHost(t, virtual.Config{Info: func(r *ctap2.GetInfoResponse) {
		r.Versions[0] = "FIDO_9"
		r.Algorithms = append(r.Algorithms, ctap2.PublicKeyCredentialParameters{Alg: cose.MLDSA65, Type: ctap2.TypePublicKey})
		r.Options["vendor"] = true
	}})
	for range 2 {
		info := h.info()
		if info.Versions[0] != "FIDO_9" || !info.Options["vendor"] || len(info.Algorithms) != 5 {
			t.Errorf("getInfo %+v", info)
		}
	}
	if plain := newHost(t, virtual.Config{}).info(); plain.Versions[0] != ctap2.VersionU2F {
		t.Error("the hook has changed another key")
	}
}
