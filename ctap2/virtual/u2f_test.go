package virtual_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc/iso7816"
)

const (
	done        = iso7816.SWNoError
	notTouched  = iso7816.SWConditionsOfUseNotSatisfied
	wrongData   = iso7816.SWWrongData
	switchedOff = iso7816.SWCommandNotAllowed
	notFound    = iso7816.SWInstructionNotSupported
	failure     = iso7816.SWNoPreciseDiagnosis
)

// msg sends an APDU and returns the data of the response and its status word.
func (h *host) msg(apdu []byte) ([]byte, iso7816.StatusWord) {
	h.t.Helper()
	r, err := iso7816.ParseResponse(h.key.MSG(h.ctx, h.session, nil, apdu))
	if err != nil {
		h.t.Fatal(err)
	}
	if r.SW != done && len(r.Data) > 0 {
		h.t.Errorf("data before the status word %v: %x", r.SW, r.Data)
	}
	return r.Data, r.SW
}

// u2f sends a U2F request that has to be answered with a status word.
func (h *host) u2f(want iso7816.StatusWord, r u2f.Request) []byte {
	h.t.Helper()
	apdu, err := r.Append(nil, iso7816.Extended)
	if err != nil {
		h.t.Fatal(err)
	}
	b, got := h.msg(apdu)
	if got != want {
		h.t.Fatalf("answered %v, want %v", got, want)
	}
	return b
}

var (
	application = appOf(rp.ID)
	registering = &u2f.RegisterRequest{Challenge: hash, Application: application}
	version     = new(u2f.VersionRequest)
)

func appOf(id string) [32]byte { return sha256.Sum256([]byte(id)) }

func (h *host) register() *u2f.RegisterResponse {
	h.t.Helper()
	r, err := u2f.ParseRegisterResponse(h.u2f(done, registering))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := r.Verify(registering); err != nil {
		h.t.Error(err)
	}
	return r
}

func with(handle []byte, c u2f.Control) *u2f.AuthenticateRequest {
	return &u2f.AuthenticateRequest{Control: c, Challenge: hash, Application: application, KeyHandle: handle}
}

// authenticate gets a signature and verifies it.
func (h *host) authenticate(r *u2f.AuthenticateRequest, key *ecdsa.PublicKey) *u2f.AuthenticateResponse {
	h.t.Helper()
	response, err := u2f.ParseAuthenticateResponse(h.u2f(done, r))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := response.Verify(r, key); err != nil {
		h.t.Error(err)
	}
	return response
}

func publicKey(t testing.TB, r *u2f.RegisterResponse) *ecdsa.PublicKey {
	t.Helper()
	key, err := r.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestU2F(t *testing.T) {
	for _, profile := range []virtual.Profile{virtual.FIDO23, virtual.FIDO20, virtual.U2FOnly} {
		t.Run(profile.String(), func(t *testing.T) {
			h := newHost(t, virtual.Config{Profile: profile})
			if b := h.u2f(done, version); string(b) != "U2F_V2" {
				t.Errorf("version %q", b)
			}
			made := h.register()
			key := publicKey(t, made)
			root, err := virtual.AttestationRoot()
			if err != nil {
				t.Fatal(err)
			}
			certificate, err := x509.ParseCertificate(made.Certificate)
			if err != nil {
				t.Fatal(err)
			}
			if err := certificate.CheckSignatureFrom(root); err != nil {
				t.Error(err)
			}
			h.u2f(notTouched, with(made.KeyHandle, u2f.CheckOnly))
			first := h.authenticate(with(made.KeyHandle, u2f.EnforceUserPresence), key)
			second := h.authenticate(with(made.KeyHandle, u2f.DontEnforceUserPresence), key)
			if first.UserPresence != 1 || second.UserPresence != 0 || second.Counter != first.Counter+1 {
				t.Errorf("%+v, %+v", first, second)
			}
			h.key.PowerCycle()
			if third := h.authenticate(with(made.KeyHandle, u2f.EnforceUserPresence), key); third.Counter != second.Counter+1 {
				t.Errorf("after a power cycle: %+v", third)
			}
		})
	}
}

func TestU2FRefuses(t *testing.T) {
	h := newHost(t, virtual.Config{})
	own := h.register().KeyHandle
	elsewhere := with(own, u2f.CheckOnly)
	elsewhere.Application = appOf(other.ID)
	eddsa := h.create(&ctap2.MakeCredentialRequest{PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.EdDSA, Type: ctap2.TypePublicKey}}})
	flipped := bytes.Clone(own)
	flipped[20] ^= 1
	for name, r := range map[string]*u2f.AuthenticateRequest{
		"another application": elsewhere,
		"no key handle":       with(nil, u2f.CheckOnly),
		"half of one":         with(own[:len(own)/2], u2f.CheckOnly),
		"a wrong bit":         with(flipped, u2f.CheckOnly),
		"255 bytes":           with(make([]byte, 255), u2f.CheckOnly),
		"an EdDSA credential": with(eddsa.AuthData.AttestedCredentialData.CredentialID, u2f.CheckOnly),
	} {
		for _, c := range []u2f.Control{u2f.CheckOnly, u2f.EnforceUserPresence, u2f.DontEnforceUserPresence} {
			r.Control = c
			apdu, _ := r.Append(nil, iso7816.Extended)
			if _, sw := h.msg(apdu); sw != wrongData {
				t.Errorf("%s, %v: %v", name, c, sw)
			}
		}
	}
	for _, test := range []struct {
		name, apdu string
		want       iso7816.StatusWord
	}{
		{"nothing", "", iso7816.SWWrongLength},
		{"half a header", "0003", iso7816.SWWrongLength},
		{"a class", "8003000000", iso7816.SWClassNotSupported},
		{"a command", "0004000000", notFound},
		{"a vendor's command", "0040000000", notFound},
		{"version with data", "000300000100", iso7816.SWWrongLength},
		{"register without data", "00010000000000", iso7816.SWWrongLength},
		{"authenticate without data", "00020300000000", iso7816.SWWrongLength},
		{"a control byte", "00020900000000", iso7816.SWIncorrectP1P2},
	} {
		if _, sw := h.msg(fromHex(t, test.apdu)); sw != test.want {
			t.Errorf("%s: %v, want %v", test.name, sw, test.want)
		}
	}
	h.info()
}

// Credentials are the same in both protocols, as far as credProtect lets them.
func TestU2FCredentialsAreCTAP2s(t *testing.T) {
	h := newHost(t, virtual.Config{})
	made := h.register()
	got := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(made.KeyHandle)})
	digest := sha256.Sum256(slices.Concat(got.AuthData.Raw, hash[:]))
	if !ecdsa.VerifyASN1(publicKey(t, made), digest[:], got.Signature) {
		t.Error("the assertion does not verify")
	}
	h.want(ctap2.StatusCredentialExcluded, h.complete(&ctap2.MakeCredentialRequest{ExcludeList: allow(made.KeyHandle)}))
	for level, want := range map[byte]iso7816.StatusWord{0: notTouched, 1: notTouched, 2: notTouched, 3: wrongData} {
		for _, rk := range []bool{false, true} {
			r := &ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk}}
			if level > 0 {
				r.Extensions = ctap2.Extensions{"credProtect": {level}}
			}
			c := h.create(r).AuthData.AttestedCredentialData
			h.u2f(want, with(c.CredentialID, u2f.CheckOnly))
			if want == wrongData {
				continue
			}
			key, err := c.PublicKey.PublicKey()
			if err != nil {
				t.Fatal(err)
			}
			h.authenticate(with(c.CredentialID, u2f.EnforceUserPresence), key.(*ecdsa.PublicKey))
		}
	}
}

// A key handle that can't hold a private key names a stored one.
func TestU2FStoredCredential(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentialIDLength: 16, MaxCredentials: 1})
	made := h.register()
	h.u2f(iso7816.SWNotEnoughMemory, registering)
	h.key.PowerCycle()
	h.authenticate(with(made.KeyHandle, u2f.EnforceUserPresence), publicKey(t, made))
	if c := h.key.Credentials(); len(c) != 1 || !bytes.Equal(c[0].ID, made.KeyHandle) || c[0].RP.ID != "" || c[0].Discoverable {
		t.Errorf("stored %+v", c)
	}
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{}))
}

func TestU2FIsOff(t *testing.T) {
	for _, test := range []struct {
		name         string
		config       virtual.Config
		versions     iso7816.StatusWord
		others       iso7816.StatusWord
		capabilities byte
	}{
		{"WithoutU2F", virtual.Config{WithoutU2F: true}, notFound, notFound, 0x0c},
		{"AlwaysUV", virtual.Config{AlwaysUV: true}, done, switchedOff, 0x04},
		{"AlwaysUV, built in", virtual.Config{AlwaysUV: true, UV: virtual.ConfiguredUV}, done, switchedOff, 0x04},
	} {
		h := newHost(t, test.config)
		h.u2f(test.versions, version)
		h.u2f(test.others, registering)
		for _, c := range []u2f.Control{u2f.CheckOnly, u2f.EnforceUserPresence, u2f.DontEnforceUserPresence} {
			h.u2f(test.others, with([]byte{1}, c))
		}
		if slices.Contains(h.info().Versions, ctap2.VersionU2F) || h.key.Capabilities() != test.capabilities {
			t.Errorf("%s: %v, capabilities %x", test.name, h.info().Versions, h.key.Capabilities())
		}
	}
	if _, err := virtual.New(virtual.Config{Profile: virtual.U2FOnly, WithoutU2F: true}); err == nil {
		t.Error("a key that speaks nothing")
	}
}

func TestU2FOnly(t *testing.T) {
	h := newHost(t, virtual.Config{Profile: virtual.U2FOnly, AlwaysUV: true, UV: virtual.ConfiguredUV})
	if h.key.Capabilities() != 0 {
		t.Errorf("capabilities %x", h.key.Capabilities())
	}
	for c := range 256 {
		h.want(ctap2.StatusInvalidCommand, raw{byte(c), 0xa0})
	}
	h.register()
}

// U2F does not wait for the user: it says so at once, and a touch counts for
// one command.
func TestU2FTouch(t *testing.T) {
	const never = time.Duration(-1)
	for _, test := range []struct {
		name  string
		user  func() virtual.User
		polls time.Duration // between two
		takes time.Duration // of polling, until each touch counts
	}{
		{"at once", virtual.AlwaysTouch, time.Second, 0},
		{"at once, by script", func() virtual.User {
			return virtual.Script(slices.Repeat([]virtual.Step{{Touch: virtual.LongTouch}}, 9)...)
		}, time.Second, 0},
		{"after three seconds", func() virtual.User { return virtual.TouchAfter(3 * time.Second) }, 200 * time.Millisecond, 3 * time.Second},
		{"between polls", func() virtual.User { return virtual.TouchAfter(3 * time.Second) }, 9 * time.Second, 9 * time.Second},
		{"after the last poll is forgotten", func() virtual.User { return virtual.TouchAfter(11 * time.Second) }, 20 * time.Second, never},
		{"so long ago that it does not count", func() virtual.User { return virtual.TouchAfter(time.Second) }, 11 * time.Second, never},
		{"after the key has given up", func() virtual.User { return virtual.TouchAfter(31 * time.Second) }, time.Second, never},
		{"never", virtual.NeverTouch, time.Second, never},
		{"refused", virtual.Deny, time.Second, never},
		{"a user of another package's", func() virtual.User { return slowUser(3 * time.Second) }, 200 * time.Millisecond, 3 * time.Second},
		{"that user, between polls", func() virtual.User { return slowUser(3 * time.Second) }, 9 * time.Second, 9 * time.Second},
		{"that user, after the last poll is forgotten", func() virtual.User { return slowUser(11 * time.Second) }, 20 * time.Second, never},
		{"that user, after the key has given up", func() virtual.User { return slowUser(31 * time.Second) }, time.Second, never},
		{"a refusal of another package's", func() virtual.User { return struct{ virtual.User }{virtual.Deny()} }, time.Second, never},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, virtual.Config{})
				handle := h.register().KeyHandle
				h.key.SetUser(test.user())
				for _, r := range []u2f.Request{registering, with(handle, u2f.EnforceUserPresence)} {
					apdu, err := r.Append(nil, iso7816.Extended)
					if err != nil {
						t.Fatal(err)
					}
					for began := time.Now(); ; time.Sleep(test.polls) {
						synctest.Wait() // a touch now is in time
						asked := time.Now()
						_, sw := h.msg(apdu)
						took := time.Since(began)
						if time.Since(asked) != 0 {
							t.Fatalf("the answer took %v", time.Since(asked))
						}
						if sw == done {
							if took != test.takes {
								t.Errorf("touched after %v, want %v", took, test.takes)
							}
							break
						}
						if sw != notTouched {
							t.Fatalf("answered %v", sw)
						}
						if took > 2*time.Minute {
							if test.takes != never {
								t.Errorf("no touch in %v", took)
							}
							break
						}
					}
				}
				time.Sleep(time.Minute) // whoever is still asked gives up
			})
		})
	}
}

// slowUser is a User who is not of package virtual's making.
type slowUser time.Duration

func (u slowUser) Touch(ctx context.Context, p virtual.Prompt) virtual.Decision {
	select {
	case <-time.After(time.Duration(u)):
		return virtual.Touch
	case <-ctx.Done():
		return virtual.NoTouch
	}
}

func (slowUser) Verify(context.Context, virtual.Prompt) virtual.Verification {
	return virtual.NoVerification
}

// What ends the waiting for a touch, or takes it away.
func TestU2FTouchEnds(t *testing.T) {
	for name, between := range map[string]func(h *host){
		"a CTAP2 command": func(h *host) { h.info() },
		"a power cycle":   func(h *host) { h.key.PowerCycle() },
		"another user":    func(h *host) { h.key.SetUser(virtual.NeverTouch()) },
		"ten seconds":     func(h *host) { time.Sleep(10 * time.Second) },
	} {
		for _, asked := range []bool{true, false} { // or touched already
			t.Run(fmt.Sprint(name, asked), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					user := virtual.NewManual()
					h := newHost(t, virtual.Config{User: user})
					h.u2f(notTouched, registering)
					if p := <-user.Prompts; p.U2F != u2f.INSRegister || p.Command != 0 || p.RPID != "" || p.Clock == nil {
						t.Errorf("prompt %+v", p)
					}
					if !asked {
						user.Decisions <- virtual.Touch
						synctest.Wait()
					}
					between(h)
					h.u2f(notTouched, registering)
					synctest.Wait()
					if name != "another user" && len(user.Prompts) != 1 {
						t.Errorf("%d prompts", len(user.Prompts))
					}
					h.key.PowerCycle()
				})
			})
		}
	}
}

// Commands that need no touch do not disturb the waiting, from whatever session.
func TestU2FTouchStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		user := virtual.NewManual()
		h := newHost(t, virtual.Config{User: user})
		h.u2f(notTouched, registering)
		user.Decisions <- virtual.Touch
		synctest.Wait()
		h.on(2).u2f(done, version)
		h.on(2).u2f(wrongData, with([]byte{1}, u2f.EnforceUserPresence))
		h.register()
		h.u2f(notTouched, registering) // it is used up
		h.key.PowerCycle()
	})
}

// A User who is asked in the background is asked one thing at a time.
func TestU2FUserIsAskedOneThing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		user := &singleUser{}
		h := newHost(t, virtual.Config{User: user})
		for range 3 {
			h.u2f(notTouched, registering)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if reply := h.key.CBOR(ctx, 1, nil, selection, nil); ctap2.Status(reply[0]) != ctap2.StatusKeepaliveCancel {
				t.Errorf("selection %x", reply)
			}
			cancel()
			h.u2f(notTouched, registering)
			h.key.PowerCycle()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if user.asked != 9 || user.together > 1 {
			t.Errorf("asked %d times, %d at once", user.asked, user.together)
		}
	})
}

// singleUser counts how often it is asked, and how often at the same time. It
// takes its time to go away.
type singleUser struct{ asked, now, together int }

func (u *singleUser) Touch(ctx context.Context, p virtual.Prompt) virtual.Decision {
	u.asked++
	u.now++
	u.together = max(u.together, u.now)
	<-ctx.Done()
	time.Sleep(time.Millisecond)
	u.now--
	if p.U2F != 0 {
		return virtual.Touch // too late
	}
	return virtual.NoTouch
}

func (*singleUser) Verify(context.Context, virtual.Prompt) virtual.Verification {
	return virtual.NoVerification
}

// On a card reader the touch is power-up.
func TestU2FTap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{Transport: ctap2.TransportNFC, User: virtual.NeverTouch()})
		handle := h.register().KeyHandle
		h.u2f(notTouched, registering)
		h.key.PowerCycle()
		h.u2f(notTouched, with(handle, u2f.CheckOnly))
		h.u2f(done, with(handle, u2f.DontEnforceUserPresence))
		h.u2f(done, with(handle, u2f.EnforceUserPresence))
		h.u2f(notTouched, with(handle, u2f.EnforceUserPresence))
		h.key.PowerCycle()
		time.Sleep(2 * time.Minute)
		h.u2f(notTouched, with(handle, u2f.EnforceUserPresence))
	})
}

// Commands take turns, and a sequence is over with a U2F command.
func TestU2FTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{User: virtual.TouchAfter(time.Second)})
		go h.key.CBOR(t.Context(), 1, nil, selection, nil)
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errTest)
		defer cancel()
		apdu, _ := version.Append(nil, iso7816.Extended)
		if _, err := h.key.Direct().MSG(ctx, nil, apdu); !errors.Is(err, errTest) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("out of turn: %v", err)
		}
		if b := h.key.MSG(ctx, 1, nil, apdu); !bytes.Equal(b, failure.Append(nil)) {
			t.Errorf("out of turn: %x", b)
		}
		began := time.Now()
		h.u2f(done, version)
		if took := time.Since(began); took != time.Second-time.Millisecond {
			t.Errorf("the turn came after %v", took)
		}

		h.key.SetUser(virtual.AlwaysTouch())
		h.discoverable(rp, ada)
		h.discoverable(rp, grace)
		h.assert(&ctap2.GetAssertionRequest{})
		h.u2f(done, version)
		h.want(ctap2.StatusNotAllowed, getNextAssertion)
	})
}

func TestU2FFaults(t *testing.T) {
	h := newHost(t, virtual.Config{})
	made := h.register()
	key := publicKey(t, made)
	signed := func() *u2f.AuthenticateResponse {
		t.Helper()
		r, err := u2f.ParseAuthenticateResponse(h.u2f(done, with(made.KeyHandle, u2f.EnforceUserPresence)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	h.key.SetFaults(virtual.Faults{BadSignature: true})
	if err := signed().Verify(with(nil, 0), key); !errors.Is(err, u2f.ErrSignature) {
		t.Errorf("signature: %v", err)
	}
	if r, err := u2f.ParseRegisterResponse(h.u2f(done, registering)); err != nil || !errors.Is(r.Verify(registering), u2f.ErrSignature) {
		t.Errorf("attestation: %+v, %v", r, err)
	}
	h.key.SetFaults(virtual.Faults{FlipFlags: ctap2.FlagUP})
	if r := signed(); r.UserPresence != 0 || r.Verify(with(nil, 0), key) != nil {
		t.Errorf("user presence: %+v", r)
	}
	before := h.key.SignCount()
	h.key.SetFaults(virtual.Faults{CounterRollback: true})
	if r := signed(); r.Counter != before-1 {
		t.Errorf("counter %d after %d", r.Counter, before)
	}
	h.key.SetFaults(virtual.Faults{MutateU2F: func(apdu, response []byte) []byte {
		if apdu[1] != byte(u2f.INSAuthenticate) {
			return response
		}
		return iso7816.SWWrongLength.Append(nil)
	}})
	h.u2f(iso7816.SWWrongLength, with(made.KeyHandle, u2f.CheckOnly))
	h.u2f(done, version)

	none := newHost(t, virtual.Config{Counter: virtual.NoCounter})
	made = none.register()
	if r := none.authenticate(with(made.KeyHandle, u2f.EnforceUserPresence), publicKey(t, made)); r.Counter != 0 {
		t.Errorf("counter %d", r.Counter)
	}
}

// What can't be stored is not done.
func TestU2FStorageFails(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentialIDLength: 16, MaxCredentials: 9})
	made := h.register()
	for _, r := range []u2f.Request{registering, with(made.KeyHandle, u2f.EnforceUserPresence)} {
		for _, written := range []bool{false, true} {
			credentials, count := len(h.key.Credentials()), h.key.SignCount()
			if written {
				h.store.CutPowerAfterWrite(0)
			} else {
				h.store.CutPowerAfter(0)
			}
			h.u2f(failure, r)
			if n, c := len(h.key.Credentials()), h.key.SignCount(); n != credentials || c != count {
				t.Errorf("%d credentials and count %d instead of %d and %d", n, c, credentials, count)
			}
			h.key.PowerCycle()
			h.authenticate(with(made.KeyHandle, u2f.EnforceUserPresence), publicKey(t, made))
		}
	}
}

func TestU2FIsRemembered(t *testing.T) {
	var events []virtual.Event
	h := newHost(t, virtual.Config{Observer: func(e virtual.Event) { events = append(events, e) }})
	made := h.register()
	h.u2f(wrongData, with([]byte{1}, u2f.CheckOnly))
	h.authenticate(with(made.KeyHandle, u2f.DontEnforceUserPresence), publicKey(t, made))
	if len(events) != 2 || events[0].Kind != virtual.CredentialCreated || events[1].Kind != virtual.CredentialAsserted ||
		!bytes.Equal(events[0].Credential.ID, made.KeyHandle) || !bytes.Equal(events[1].Credential.ID, made.KeyHandle) {
		t.Errorf("events %+v", events)
	}
	h.info()
	records := h.key.Commands()
	if len(records) != 4 {
		t.Fatalf("%d commands", len(records))
	}
	for i, r := range records {
		request, err := r.Parse()
		if i == 3 {
			if r.U2F || r.Command() != ctap2.CommandGetInfo || request != nil {
				t.Errorf("getInfo: %+v", r)
			}
			continue
		}
		if _, ok := request.(u2f.Request); !ok || err != nil || !r.U2F || r.Command() != 0 || r.Status != 0 || r.Session != 1 {
			t.Errorf("%d: %+v, %v", i, r, err)
		}
	}
	if b := records[1].Reply; !bytes.Equal(b, wrongData.Append(nil)) {
		t.Errorf("response %x", b)
	}
}
