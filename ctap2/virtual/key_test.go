package virtual_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// The members that every key has, and what changes; see TestGetInfoOfProfiles.
func TestGetInfo(t *testing.T) {
	h := newHost(t, virtual.Config{})
	r := h.info()
	if !slices.Equal(r.Versions, []string{"U2F_V2", "FIDO_2_0", "FIDO_2_1", "FIDO_2_3"}) ||
		r.AAGUID != virtual.DefaultAAGUID || r.MaxMsgSize != 1200 || !slices.Equal(r.PinUvAuthProtocols, []pinuv.Protocol{2, 1}) ||
		r.MaxCredentialCountInList != 8 || r.MaxCredentialIDLength != 128 || !slices.Equal(r.Transports, []string{"usb"}) ||
		r.MinPINLength != 4 || *r.FirmwareVersion != 1 || *r.RemainingDiscoverableCredentials != 100 {
		t.Errorf("getInfo %+v", r)
	}
	same, err := ctap2.ParseGetInfoResponse(h.want(0, raw{byte(ctap2.CommandGetInfo), 0xff, 0xff}))
	if err != nil || !bytes.Equal(lasting(t, same), lasting(t, r)) {
		t.Error("parameters of getInfo are not ignored")
	}
	h.setPIN("1234")
	if !h.info().Options["clientPin"] {
		t.Error("clientPin is not true after setPIN")
	}
	uv := newHost(t, virtual.Config{UV: virtual.ConfiguredUV, AlwaysUV: true, NoPINForMcGa: true, AAGUID: ctap2.AAGUID{1}}).info()
	if !uv.Options["uv"] || !uv.Options["alwaysUv"] || uv.Options["makeCredUvNotRqd"] || !uv.Options["noMcGaPermissionsWithClientPin"] ||
		uv.PreferredPlatformUvAttempts != 3 || *uv.UvModality != 2 || uv.AAGUID != (ctap2.AAGUID{1}) {
		t.Errorf("getInfo %+v", uv)
	}
	if o := newHost(t, virtual.Config{UV: virtual.UnconfiguredUV}).info().Options; o["uv"] {
		t.Errorf("options %v", o)
	} else if _, ok := o["uv"]; !ok {
		t.Errorf("options %v", o)
	}
}

func TestRequestFrame(t *testing.T) {
	h := newHost(t, virtual.Config{})
	h.want(ctap2.StatusInvalidLength, raw{})
	for c := range 256 {
		switch ctap2.Command(c) {
		case 1, 2, 4, 6, 7, 8, 10, 11, 12, 13:
		default:
			h.want(ctap2.StatusInvalidCommand, raw{byte(c)})
		}
	}
	full := append(raw{byte(ctap2.CommandGetInfo)}, make([]byte, 1199)...)
	h.want(0, full)
	h.want(ctap2.StatusRequestTooLarge, append(full, 0))
	if h.key.Capabilities() != 0x04 {
		t.Errorf("capabilities %x", h.key.Capabilities())
	}
	if b := h.key.MSG(t.Context(), 1, []byte{1}, []byte{0, 3, 0, 0}); !bytes.Equal(b, append([]byte{1}, "U2F_V2\x90\x00"...)) {
		t.Errorf("MSG %x", b)
	}
	if b := h.key.CBOR(t.Context(), 1, []byte("kept"), selection, nil); string(b) != "kept\x00" {
		t.Errorf("appended %q", b)
	}
}

// An example of the CTAP specification, as Chromium's fido_test_data.h has it.
func TestPublishedRequest(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
	h.want(0, raw(fromHex(t, "01a50158208dd8744d7903b0a3538a49eafaaec833acbfd285a5df4403a20e4e13e3d53e5002a26269646861636d652e636f6d646e616d656441636d6503a3626964481098237235409872646e616d65766a6f686e70736d697468406578616d706c652e636f6d6b646973706c61794e616d656d4a6f686e20502e20536d6974680482a263616c672664747970656a7075626c69632d6b6579a263616c6719010164747970656a7075626c69632d6b657907a262726bf5627576f5")))
	if c := h.key.Credentials(); len(c) != 1 || c[0].RP.ID != "acme.com" || c[0].User.DisplayName != "John P. Smith" {
		t.Errorf("credentials %+v", c)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	h := newHost(t, virtual.Config{})
	c, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, Discoverable: true})
	if err != nil {
		t.Fatal(err)
	}
	h.setPIN("1234")
	h.token(ctap2.PermissionGA, rp.ID)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", h.key)
	for _, s := range []string{fmt.Sprint(h.key), fmt.Sprintf("%+v %#v %s %x", h.key, h.key, h.key, h.key), log.String(), fmt.Sprintf("%+v", struct{ K *virtual.Key }{h.key})} {
		if strings.Contains(s, "ada") || len(s) > 500 || strings.Contains(s, "state") {
			t.Errorf("%s", s)
		}
	}
	if strings.Contains(fmt.Sprintf("%+v", c), "Private") {
		t.Error("a Credential shows a private key")
	}
}

func TestAddCredential(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256 := mustKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		new  virtual.NewCredential
		fine bool
	}{
		{"made", virtual.NewCredential{RP: rp, User: ada, Discoverable: true}, true},
		{"ES256", virtual.NewCredential{RP: rp, User: ada, Discoverable: true, PrivateKey: p256}, true},
		{"ES384", virtual.NewCredential{RP: rp, User: ada, Algorithm: cose.ES384, PrivateKey: p384}, true},
		{"EdDSA", virtual.NewCredential{RP: rp, User: ada, Algorithm: cose.EdDSA, PrivateKey: ed}, true},
		{"RS256", virtual.NewCredential{RP: rp, User: ada, Algorithm: cose.RS256, PrivateKey: rsaKey}, true},
		{"an ID", virtual.NewCredential{RP: rp, User: ada, ID: []byte("0123456789abcdef")}, true},
		{"short ID", virtual.NewCredential{RP: rp, User: ada, ID: []byte("0123456789abcde")}, false},
		{"wrong algorithm", virtual.NewCredential{RP: rp, User: ada, PrivateKey: ed, Algorithm: cose.ES384}, false},
		{"wrong curve", virtual.NewCredential{RP: rp, User: ada, PrivateKey: p384}, false},
		{"unknown algorithm", virtual.NewCredential{RP: rp, User: ada, Algorithm: cose.ES256K}, false},
		{"other key", virtual.NewCredential{RP: rp, User: ada, PrivateKey: otherKey{}}, false},
		{"no RP", virtual.NewCredential{User: ada}, false},
		{"no user", virtual.NewCredential{RP: rp, Discoverable: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, virtual.Config{})
			c, err := h.key.AddCredential(test.new)
			if (err == nil) != test.fine {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if test.new.PrivateKey != nil {
				want, err := cose.New(test.new.PrivateKey.Public(), c.Algorithm)
				if err != nil || !bytes.Equal(want.Append(nil), c.PublicKey.Append(nil)) {
					t.Errorf("public key %v, want %v: %v", c.PublicKey, want, err)
				}
			}
			a := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(c.ID)})
			if err := c.PublicKey.Verify(append(a.AuthData.Raw, hash[:]...), a.Signature); err != nil {
				t.Error(err)
			}
		})
	}
	h := newHost(t, virtual.Config{MaxCredentials: 1})
	h.discoverable(rp, ada)
	if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: grace, Discoverable: true}); !errors.Is(err, ctap2.StatusKeyStoreFull) {
		t.Errorf("full: %v", err)
	}
}

type otherKey struct{ crypto.Signer }

func TestInject(t *testing.T) {
	h := newHost(t, virtual.Config{})
	if err := h.key.SetPIN([]byte("123")); err == nil {
		t.Error("a short PIN is accepted")
	}
	if err := h.key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	h.try("1234", 0)
	if err := h.key.SetRetries(9, 0); err == nil {
		t.Error("nine tries are accepted")
	}
	if err := h.key.SetRetries(1, 0); err != nil {
		t.Fatal(err)
	}
	h.try("0000", ctap2.StatusPINBlocked)
}

func TestHistory(t *testing.T) {
	h := newHost(t, virtual.Config{History: 3})
	h.on(7).want(ctap2.StatusInvalidCommand, raw{0x55, 1})
	h.info()
	h.create(&ctap2.MakeCredentialRequest{})
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{}))
	h.retries(8, false)
	got := h.key.Commands()
	if len(got) != 3 || got[0].Command() != ctap2.CommandMakeCredential || got[1].Status != ctap2.StatusNoCredentials || len(got[0].Reply) < 100 || got[2].Session != 1 {
		t.Fatalf("history %+v", got)
	}
	for i, want := range []string{"*ctap2.MakeCredentialRequest", "*ctap2.GetAssertionRequest", "*ctap2.ClientPINRequest"} {
		if r, err := got[i].Parse(); err != nil || fmt.Sprintf("%T", r) != want {
			t.Errorf("%T, %v; want %s", r, err, want)
		}
	}
	none := newHost(t, virtual.Config{History: -1})
	none.info()
	if len(none.key.Commands()) != 0 {
		t.Error("commands are remembered")
	}
}

func TestObserver(t *testing.T) {
	var events []string
	var key *virtual.Key
	h := newHost(t, virtual.Config{Observer: func(e virtual.Event) {
		events = append(events, fmt.Sprintf("%v %s %d", e.Kind, e.Credential.User.ID, len(key.Credentials())))
	}})
	key = h.key
	h.discoverable(rp, ada)
	h.discoverable(rp, ada)
	h.assert(&ctap2.GetAssertionRequest{})
	h.want(0, reset)
	want := []string{"created ada 1", "deleted ada 1", "created ada 1", "asserted ada 1", "reset  0"}
	if !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
}

// The same random numbers make the same key, to the byte.
func TestDeterministic(t *testing.T) {
	run := func() (all [][]byte) {
		h := newHost(t, virtual.Config{Rand: mathrand.NewChaCha8([32]byte{1})})
		for _, r := range []request{
			getInfo, h.complete(&ctap2.MakeCredentialRequest{}), h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}}),
			h.ask(&ctap2.GetAssertionRequest{}), &ctap2.ClientPINRequest{SubCommand: ctap2.GetKeyAgreement, PinUvAuthProtocol: 1},
		} {
			all = append(all, h.reply(r))
		}
		return all
	}
	first, second := run(), run()
	for i := range first {
		if !bytes.Equal(first[i], second[i]) {
			t.Errorf("reply %d differs:\n%x\n%x", i, first[i], second[i])
		}
	}
}

// Many hosts, a power that comes and goes, and tests that look: for the race
// detector.
func TestConcurrency(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
	h.discoverable2(ada)
	if err := h.key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for session := range uint64(4) {
		wg.Go(func() {
			h := h.on(session)
			for range 25 {
				h.info()
				h.reply(h.ask(&ctap2.GetAssertionRequest{}))
				h.reply(getNextAssertion)
				h.reply(h.complete(&ctap2.MakeCredentialRequest{}))
				h.reply(&ctap2.ClientPINRequest{SubCommand: ctap2.GetKeyAgreement, PinUvAuthProtocol: 2})
			}
		})
	}
	wg.Go(func() {
		for range 25 {
			h.key.Commands()
			h.key.Credentials()
			h.key.Token()
			h.key.SetUser(virtual.TouchAfter(0))
			h.key.SetFaults(virtual.Faults{Unsorted: false})
			h.key.PowerCycle()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			h.key.CBOR(ctx, 9, nil, selection, nil)
		}
	})
	wg.Wait()
	h.key.SetUser(virtual.AlwaysTouch())
	h.assert(&ctap2.GetAssertionRequest{})
}
