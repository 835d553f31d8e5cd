package webauthn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// ended is how a ceremony ended, in the words of outcome.
func ended(p *person, r *webauthn.GetAssertionResult, err error) string {
	var flags ctap2.Flags
	if err == nil {
		flags = ctap2.Flags(r.AuthenticatorData[32])
	}
	return outcome(p, flags, err)
}

// What goes wrong with PINs and fingerprints, and what the user is asked then.
func TestVerificationFails(t *testing.T) {
	wrong, right := virtual.Step{Verify: virtual.NotVerified}, virtual.Step{Verify: virtual.Verified}
	fingers := func(steps ...virtual.Step) virtual.Config {
		return virtual.Config{UV: virtual.ConfiguredUV, User: virtual.Script(append(steps, virtual.Step{Touch: virtual.Touch})...)}
	}
	of20 := func(c virtual.Config) virtual.Config { c.Profile = virtual.FIDO20; return c }
	for _, test := range []struct {
		name    string
		config  virtual.Config
		without bool // no PIN is set
		arrange func(*virtual.Key) error
		pins    []string
		usePIN  bool
		want    string
		is      error // that the error is, too
		text    string
	}{
		{name: "wrong PIN, then right", pins: []string{"wrong", pin}, want: "PIN 8, PIN 7 again, touch: UV"},
		{name: "PIN that no key can have, then right", pins: []string{"12", pin}, want: "PIN 8, PIN 8 again, touch: UV"},
		{name: "three wrong PINs", pins: []string{"wrong", "wrong", "wrong", pin}, want: "PIN 8, PIN 7 again, PIN 6 again: error",
			is: ctap2.StatusPINAuthBlocked, text: "unplug the key"},
		{name: "the last PIN was wrong", arrange: func(k *virtual.Key) error { return k.SetRetries(1, 3) }, pins: []string{"wrong", pin},
			want: "PIN 1: error", is: ctap2.StatusPINBlocked, text: "only a reset helps"},
		{name: "PIN blocked", arrange: func(k *virtual.Key) error { return k.SetRetries(0, 3) }, pins: []string{pin}, want: "error",
			is: ctap2.StatusPINBlocked, text: "only a reset helps"},
		{name: "PIN to be changed first", arrange: (*virtual.Key).ForcePINChange, pins: []string{pin}, want: "error",
			is: ctap2.StatusPINPolicyViolation, text: "change the PIN"},
		{name: "PIN to be changed first, CTAP 2.1", config: virtual.Config{Profile: virtual.FIDO21}, arrange: (*virtual.Key).ForcePINChange, pins: []string{pin}, want: "error",
			is: ctap2.StatusPINPolicyViolation, text: "change the PIN"},
		{name: "no PIN set", without: true, want: "unsuitable", is: ctap2.StatusPINNotSet, text: "set one first"},
		{name: "no finger enrolled", config: virtual.Config{UV: virtual.FingerprintUV, WithoutPIN: true}, without: true, want: "unsuitable", text: "enrol one first"},
		{name: "PIN prompt cancelled", want: "PIN 8: cancelled"},
		{name: "wrong finger, then right", config: fingers(wrong, right), want: "finger 3, finger 2 again: UV"},
		{name: "wrong finger until it is blocked", config: fingers(wrong, wrong, wrong), pins: []string{pin}, want: "finger 3, finger 2 again, finger 1 again, PIN 8, touch: UV"},
		{name: "wrong finger until it is blocked, no PIN", config: fingers(wrong, wrong, wrong), without: true, want: "finger 3, finger 2 again, finger 1 again: unsuitable",
			is: ctap2.StatusPINNotSet},
		{name: "wrong finger as often as the key wants it tried", config: func() virtual.Config {
			c := fingers(wrong, wrong)
			c.UVRetries, c.Info = 5, func(r *ctap2.GetInfoResponse) { r.PreferredPlatformUvAttempts = 2 }
			return c
		}(), pins: []string{pin}, want: "finger 5, finger 4 again, PIN 8, touch: UV"},
		{name: "finger blocked already", config: fingers(), arrange: func(k *virtual.Key) error { return k.SetRetries(8, 0) }, pins: []string{pin}, want: "PIN 8, touch: UV"},
		{name: "finger blocked, PIN not good for ga", config: virtual.Config{UV: virtual.ConfiguredUV, NoPINForMcGa: true}, arrange: func(k *virtual.Key) error { return k.SetRetries(8, 0) },
			pins: []string{pin}, want: "unsuitable", is: ctap2.StatusUVBlocked, text: "until its PIN was entered"},
		{name: "user prefers the PIN", config: fingers(), usePIN: true, pins: []string{pin}, want: "finger 3, PIN 8, touch: UV"},
		{name: "user prefers a PIN that is not set", config: fingers(), usePIN: true, without: true, want: "finger 3: unsuitable", is: ctap2.StatusPINNotSet},
		{name: "user prefers a PIN that is not good for ga", config: virtual.Config{UV: virtual.ConfiguredUV, NoPINForMcGa: true}, usePIN: true, want: "finger 3: unsuitable", is: ctap2.ErrUsePIN},
		{name: "2.0: user prefers a PIN that is not set", config: of20(fingers()), usePIN: true, without: true, want: "finger -1: unsuitable", is: ctap2.ErrUsePIN},
		{name: "declined on the key", config: virtual.Config{UV: virtual.ConfiguredUV, User: virtual.Deny()}, want: "finger 3: cancelled", is: ctap2.StatusOperationDenied},
		{name: "no finger in time", config: virtual.Config{UV: virtual.ConfiguredUV, User: virtual.NeverTouch()}, want: "finger 3: time", is: ctap2.StatusUserActionTimeout},
		{name: "2.0: wrong finger", config: of20(fingers(wrong)), pins: []string{pin}, want: "finger -1, PIN 8, touch: UV"},
		{name: "2.0: user prefers the PIN", config: of20(fingers()), usePIN: true, pins: []string{pin}, want: "finger -1, PIN 8, touch: UV"},
		{name: "2.0: no finger in time", config: virtual.Config{Profile: virtual.FIDO20, UV: virtual.ConfiguredUV, User: virtual.NeverTouch()}, want: "finger -1: time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				with := pin
				if test.without {
					with = ""
				}
				p := &person{pins: test.pins, usePIN: test.usePIN}
				key, k := plugIn(t, test.config, with, p)
				if test.arrange != nil {
					if err := test.arrange(key); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada, Discoverable: true}); err != nil {
					t.Fatal(err)
				}
				r, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationRequired))
				if got := ended(p, r, err); got != test.want {
					t.Errorf("%s, want %s (%v)", got, test.want, err)
				}
				if test.is != nil && !errors.Is(err, test.is) || err != nil && !strings.Contains(err.Error(), test.text) {
					t.Errorf("the error is %v", err)
				}
				for _, pin := range p.given {
					if strings.Trim(string(pin), "\x00") != "" {
						t.Errorf("PIN %q is not wiped", pin)
					}
				}
			})
		})
	}
}

func TestWhyThePINWasRefused(t *testing.T) {
	for pin1, want := range map[string]any{"wrong": new(*ctap2.PINError), "12": new(*pinuv.PINError)} {
		p := &person{pins: []string{pin1}}
		_, k := plugIn(t, virtual.Config{}, pin, p)
		_, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationRequired))
		if !errors.Is(err, webauthn.ErrCancelled) || !errors.As(p.last, want) {
			t.Errorf("told %v, then %v", p.last, err)
		}
	}
}

// Who or what ends a ceremony, and what it is told as.
func TestCeremonyEnds(t *testing.T) {
	answer := func(s ctap2.Status) virtual.Faults {
		reply := virtual.Reply{Status: s}
		return virtual.Faults{Override: map[ctap2.Command]virtual.Reply{ctap2.CommandMakeCredential: reply, ctap2.CommandGetAssertion: reply}}
	}
	for _, test := range []struct {
		name   string
		config virtual.Config
		end    func(context.Context) (context.Context, context.CancelFunc)
		want   string
		is     error
		after  time.Duration // bound
	}{
		{name: "the caller cancels", config: virtual.Config{User: virtual.NeverTouch()}, end: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Second, cancel)
			return ctx, cancel
		}, want: "touch: cancelled", is: context.Canceled, after: 5 * time.Second},
		{name: "the caller's time is over", config: virtual.Config{User: virtual.NeverTouch()}, end: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, want: "touch: time", is: context.DeadlineExceeded, after: 5 * time.Second},
		{name: "the key's time is over", config: virtual.Config{User: virtual.NeverTouch()}, want: "touch: time", is: ctap2.StatusOperationDenied, after: 30 * time.Second},
		{name: "the key's time is over, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20, User: virtual.NeverTouch()}, want: "touch: time", after: 30 * time.Second},
		{name: "the key's time is over, and it does not say that it waits", config: virtual.Config{User: virtual.NeverTouch(), Faults: virtual.Faults{NoKeepalive: true}}, want: "time", after: 30 * time.Second},
		{name: "declined on the key", config: virtual.Config{User: virtual.Deny()}, want: "touch: cancelled", is: ctap2.StatusOperationDenied},
		{name: "another program cancels", config: virtual.Config{Faults: answer(ctap2.StatusKeepaliveCancel)}, want: "cancelled", is: ctap2.StatusKeepaliveCancel},
		{name: "the key says that its time is over", config: virtual.Config{Faults: answer(ctap2.StatusActionTimeout)}, want: "time", is: ctap2.StatusActionTimeout},
		{name: "no credentials, in other words", config: virtual.Config{Faults: answer(ctap2.StatusInvalidCredential)}, want: "none here"},
		{name: "anything else", config: virtual.Config{Faults: answer(ctap2.StatusOther)}, want: "error", is: ctap2.StatusOther},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, ceremony := range []string{"create", "get"} {
					p := new(person)
					key, k := plugIn(t, test.config, "", p)
					if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada, Discoverable: true}); err != nil {
						t.Fatal(err)
					}
					ctx, cancel := t.Context(), func() {}
					if test.end != nil {
						ctx, cancel = test.end(ctx)
					}
					start := time.Now()
					var err error
					if ceremony == "create" {
						_, err = k.MakeCredential(ctx, creation(webauthn.UserVerificationDiscouraged))
					} else {
						_, err = k.GetAssertion(ctx, request(webauthn.UserVerificationDiscouraged))
					}
					cancel()
					if got := outcome(p, 0, err); got != test.want || test.is != nil && !errors.Is(err, test.is) {
						t.Errorf("%s: %s, want %s (%v)", ceremony, got, test.want, err)
					}
					if took := time.Since(start); took > test.after+time.Second {
						t.Errorf("%s: it took %v", ceremony, took)
					}
					if p.touching != nil && p.touching.Err() == nil {
						t.Errorf("%s: the prompt stays", ceremony)
					}
					sent := key.Commands()
					if last := sent[len(sent)-1].Status; test.end != nil && last != ctap2.StatusKeepaliveCancel {
						t.Errorf("%s: the key answers %v", ceremony, last)
					}
				}
			})
		})
	}
}

func TestAccountChoice(t *testing.T) {
	type passkey struct{ name, display string }
	for _, test := range []struct {
		name    string
		config  virtual.Config
		pin     string
		account int
		want    string
		chosen  string
		names   []string
	}{
		{name: "verified", pin: pin, account: 2, want: "PIN 8, touch, choose of 3: UV", chosen: "0", names: []string{"eve\ufffd[2J", "bob", "ada"}},
		{name: "not verified, so without names", account: 1, want: "touch, choose of 3: UP", chosen: "1", names: []string{"", "", ""}},
		{name: "cancelled", account: -1, want: "touch, choose of 3: cancelled"},
		{name: "no such account", account: 3, want: "touch, choose of 3: error"},
		{name: "on the key's display", config: virtual.Config{Display: true, User: chooser{virtual.AlwaysTouch(), 1}}, want: "touch: UP", chosen: "1"},
		{name: "refused on the key's display", config: virtual.Config{Display: true, User: chooser{virtual.AlwaysTouch(), -1}}, want: "touch: cancelled"},
		{name: "key that names nobody", config: virtual.Config{Faults: virtual.Faults{OmitUser: true}}, want: "touch, choose of 3: UP", chosen: "2"},
		{name: "CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, account: 1, want: "touch, choose of 3: UP", chosen: "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &person{pins: []string{pin}, account: test.account}
			key, k := plugIn(t, test.config, test.pin, p)
			var ids [][]byte
			for i, name := range []string{"ada", "bob", "eve\x1b[2J"} {
				c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, Discoverable: true,
					User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{'0' + byte(i)}, Name: name}})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, c.ID)
			}
			r, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationPreferred))
			if got := ended(p, r, err); got != test.want {
				t.Fatalf("%s, want %s (%v)", got, test.want, err)
			}
			if test.chosen != "" {
				i := test.chosen[0] - '0'
				if !slices.Equal(r.CredentialID, ids[i]) || string(r.UserHandle) != test.chosen && !test.config.Faults.OmitUser {
					t.Errorf("chosen %q", r.UserHandle)
				}
			}
			for i, name := range test.names {
				if p.accounts[i].Name != name || !slices.Equal(p.accounts[i].CredentialID, ids[2-i]) {
					t.Errorf("account %d is %+v", i, p.accounts[i])
				}
			}
		})
	}
	// One account needs no choice, and a list is one already.
	p := new(person)
	_, k := plugIn(t, virtual.Config{}, "", p)
	r := creation(webauthn.UserVerificationDiscouraged)
	r.ResidentKey = webauthn.ResidentKeyRequired
	id, _ := made(t, k, r)
	p.took()
	for _, r := range []*webauthn.GetAssertionRequest{request(webauthn.UserVerificationDiscouraged), request(webauthn.UserVerificationDiscouraged, id)} {
		got, err := k.GetAssertion(t.Context(), r)
		if seen := ended(p, got, err); seen != "touch: UP" || string(got.UserHandle) != "ada" {
			t.Errorf("%s as %q", seen, got.UserHandle)
		}
	}
}

// chooser is a user in front of a key with a display.
type chooser struct {
	virtual.User
	account int
}

func (c chooser) Choose(context.Context, virtual.Prompt, []ctap2.PublicKeyCredentialUserEntity) int {
	return c.account
}

// A key on a reader is held there: that is the touch, and it is good for one.
func TestContactless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(person)
		key, k := plugIn(t, virtual.Config{Transport: ctap2.TransportNFC, Transports: []string{"usb", "nfc", "usb"}}, "", p)
		k.Contactless = true
		id, r := made(t, k, creation(webauthn.UserVerificationPreferred))
		if got := p.took(); got != "hold" || p.touching.Err() == nil || !slices.Equal(r.Transports, []string{"nfc", "usb"}) || r.Attachment != webauthn.AttachmentCrossPlatform {
			t.Errorf("asked to %s, by %q", got, r.Transports)
		}
		got, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationPreferred, id))
		if seen := ended(p, got, err); seen != "hold: time" || !strings.Contains(err.Error(), "hold it there again") {
			t.Errorf("used up: %s, %v", seen, err)
		}
		key.PowerCycle()
		got, err = k.GetAssertion(t.Context(), request(webauthn.UserVerificationPreferred, id))
		if seen := ended(p, got, err); seen != "hold: UP" {
			t.Errorf("held again: %s, %v", seen, err)
		}
	})
	for contactless, want := range map[bool]string{true: "nfc", false: "usb"} {
		_, k := plugIn(t, virtual.Config{Profile: virtual.FIDO20}, "", new(person)) // which does not tell
		k.Contactless = contactless
		if _, r := made(t, k, creation(webauthn.UserVerificationPreferred)); !slices.Equal(r.Transports, []string{want}) {
			t.Errorf("contactless %v: %q", contactless, r.Transports)
		}
	}
}

// slowPerson takes a while for each PIN, and notes how many are asked for at once.
type slowPerson struct {
	person
	mu         sync.Mutex
	asked      int
	open, most int
}

func (p *slowPerson) PIN(context.Context, webauthn.PINPrompt) ([]byte, error) {
	p.mu.Lock()
	p.asked++
	p.open++
	p.most = max(p.most, p.open)
	p.mu.Unlock()
	time.Sleep(time.Duration(p.asked) * time.Second)
	p.mu.Lock()
	p.open--
	p.mu.Unlock()
	return []byte(pin), nil
}

func (*slowPerson) Touch(context.Context, webauthn.TouchPrompt) {}

// Ceremonies of several goroutines come one after the other: a token that one gets
// would end that of another, whose user would have to enter the PIN again.
func TestCeremoniesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(slowPerson)
		key, err := virtual.New(virtual.Config{User: virtual.TouchAfter(time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		if err := key.SetPIN([]byte(pin)); err != nil {
			t.Fatal(err)
		}
		client := ctap2.NewClient(key.Direct(), nil)
		k, other := webauthn.NewSecurityKey(client, p), webauthn.NewSecurityKey(client, p)
		const n = 5
		var all sync.WaitGroup
		for i := range n {
			k := k
			if i >= n/2 {
				k = other
			}
			all.Go(func() {
				var err error
				if i%2 == 0 {
					_, err = k.MakeCredential(t.Context(), creation(webauthn.UserVerificationRequired))
				} else if _, err = k.GetAssertion(t.Context(), request(webauthn.UserVerificationRequired, []byte("another key's"))); errors.Is(err, webauthn.ErrNoPasskey) {
					err = nil
				}
				if err != nil {
					t.Errorf("ceremony %d: %v", i, err)
				}
			})
		}
		synctest.Wait() // one asks for the PIN, and the others wait
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		start := time.Now()
		if _, err := k.MakeCredential(ctx, creation(webauthn.UserVerificationRequired)); !errors.Is(err, webauthn.ErrTimeout) || time.Since(start) > time.Second/2 {
			t.Errorf("waiting for its turn ended after %v: %v", time.Since(start), err)
		}
		all.Wait()
		if p.asked != n || p.most != 1 {
			t.Errorf("asked for %d PINs, %d at once", p.asked, p.most)
		}
	})
}

// fingers notes whether a fingerprint prompt is still there when something else is
// asked.
type fingers struct {
	person
	open []context.Context
}

func (p *fingers) Fingerprint(ctx context.Context, q webauthn.FingerprintPrompt) error {
	p.note()
	p.open = append(p.open, ctx)
	return p.person.Fingerprint(ctx, q)
}

func (p *fingers) PIN(ctx context.Context, q webauthn.PINPrompt) ([]byte, error) {
	p.note()
	return p.person.PIN(ctx, q)
}

func (p *fingers) Touch(ctx context.Context, q webauthn.TouchPrompt) {
	p.note()
	p.person.Touch(ctx, q)
}

func (p *fingers) ChooseAccount(ctx context.Context, rpID string, accounts []webauthn.Account) (int, error) {
	p.note()
	return p.person.ChooseAccount(ctx, rpID, accounts)
}

func (p *fingers) note() {
	for _, ctx := range p.open {
		if ctx.Err() == nil {
			p.seen = append(p.seen, "still the finger")
		}
	}
}

func TestFingerprintPromptEnds(t *testing.T) {
	bad, good := virtual.Step{Verify: virtual.NotVerified}, virtual.Step{Verify: virtual.Verified}
	for _, test := range []struct {
		name    string
		profile virtual.Profile
		steps   []virtual.Step
		want    string
	}{
		{name: "recognised", steps: []virtual.Step{good}, want: "finger 3, choose of 2"},
		{name: "second try", steps: []virtual.Step{bad, good}, want: "finger 3, finger 2 again, choose of 2"},
		{name: "PIN after all", steps: []virtual.Step{bad, bad, bad}, want: "finger 3, finger 2 again, finger 1 again, PIN 8, touch, choose of 2"},
		{name: "CTAP 2.0", profile: virtual.FIDO20, steps: []virtual.Step{good}, want: "finger -1, choose of 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &fingers{person: person{pins: []string{pin}}}
				key, err := virtual.New(virtual.Config{Profile: test.profile, UV: virtual.ConfiguredUV})
				if err != nil {
					t.Fatal(err)
				}
				if err := key.SetPIN([]byte(pin)); err != nil {
					t.Fatal(err)
				}
				for _, id := range []string{"ada", "bob"} {
					if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(id)}, Discoverable: true}); err != nil {
						t.Fatal(err)
					}
				}
				for i := range test.steps {
					test.steps[i].After = time.Second
				}
				key.SetUser(virtual.Script(append(test.steps, virtual.Step{After: time.Second, Touch: virtual.Touch})...))
				if _, err := webauthn.NewSecurityKey(ctap2.NewClient(key.Direct(), nil), p).GetAssertion(t.Context(), request(webauthn.UserVerificationRequired)); err != nil {
					t.Error(err)
				}
				p.note()
				if seen := p.took(); seen != test.want {
					t.Errorf("%s, want %s", seen, test.want)
				}
			})
		})
	}
}

// A program that can't ask its user has what takes a touch and no more.
func TestWithoutPrompt(t *testing.T) {
	key, _ := plugIn(t, virtual.Config{}, "", nil)
	k := webauthn.NewSecurityKey(ctap2.NewClient(key.Direct(), nil), nil)
	id, _ := made(t, k, creation(webauthn.UserVerificationPreferred))
	if _, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationPreferred, id)); err != nil {
		t.Error(err)
	}
	for _, user := range []string{"ada", "bob"} {
		r := creation(webauthn.UserVerificationDiscouraged)
		r.ResidentKey, r.User.ID = webauthn.ResidentKeyRequired, []byte(user)
		made(t, k, r)
	}
	if _, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationDiscouraged)); !errors.Is(err, webauthn.ErrUnsuitable) {
		t.Errorf("several accounts: %v", err)
	}
	if err := key.SetPIN([]byte(pin)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationRequired, id)); !errors.Is(err, webauthn.ErrUnsuitable) {
		t.Errorf("PIN: %v", err)
	}
	k.Contactless = true
	if _, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationDiscouraged, id)); err != nil {
		t.Error(err)
	}
	fingerprint, _ := plugIn(t, virtual.Config{UV: virtual.ConfiguredUV}, "", nil)
	made(t, webauthn.NewSecurityKey(ctap2.NewClient(fingerprint.Direct(), nil), nil), creation(webauthn.UserVerificationRequired))
}

// The prompt tells all that there is to tell: what the client's own configuration
// has for it would tell it twice.
func TestPromptInPlaceOfWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &person{pins: []string{pin}}
		key, _ := plugIn(t, virtual.Config{User: virtual.TouchAfter(time.Second)}, pin, p)
		client := ctap2.NewClient(key.Direct(), &ctap2.ClientConfig{Waiting: func(status byte) { t.Errorf("status %d was told", status) }})
		r := request(webauthn.UserVerificationRequired, others(t, 30)...)
		c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
		if err != nil {
			t.Fatal(err)
		}
		r.AllowCredentials = append(r.AllowCredentials, listOf(c.ID)...)
		got, err := webauthn.NewSecurityKey(client, p).GetAssertion(t.Context(), r)
		if seen := ended(p, got, err); seen != "PIN 8, touch: UV" {
			t.Errorf("%s (%v)", seen, err)
		}
	})
}
