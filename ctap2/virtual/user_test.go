package virtual_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// prompting are the requests that need a touch.
func prompting(h *host) map[string]request {
	return map[string]request{
		"makeCredential": h.complete(&ctap2.MakeCredentialRequest{User: grace, Options: ctap2.Options{RK: new(true)}}),
		"excluded":       h.complete(&ctap2.MakeCredentialRequest{User: grace, ExcludeList: allow(h.key.Credentials()[0].ID)}),
		"probe":          h.complete(&ctap2.MakeCredentialRequest{PinUvAuthParam: []byte{}}),
		"getAssertion":   h.ask(&ctap2.GetAssertionRequest{}),
		"selection":      selection,
		"reset":          reset,
	}
}

func TestTouch(t *testing.T) {
	const (
		ok       = ctap2.StatusSuccess
		denied   = ctap2.StatusOperationDenied
		excluded = ctap2.StatusCredentialExcluded
		timeout  = ctap2.StatusUserActionTimeout
		cancel   = ctap2.StatusKeepaliveCancel
		notSet   = ctap2.StatusPINNotSet
	)
	every := func(s ctap2.Status) map[string]ctap2.Status {
		return map[string]ctap2.Status{"makeCredential": s, "excluded": s, "probe": s, "getAssertion": s, "selection": s, "reset": s}
	}
	but := func(m map[string]ctap2.Status, name string, s ctap2.Status) map[string]ctap2.Status {
		m[name] = s
		return m
	}
	touched := but(but(every(ok), "excluded", excluded), "probe", notSet)
	for _, test := range []struct {
		name   string
		user   func() virtual.User
		cancel time.Duration // after which the host cancels
		want   map[string]ctap2.Status
		takes  time.Duration
	}{
		{"at once", virtual.AlwaysTouch, 0, touched, 0},
		{"after five seconds", func() virtual.User { return virtual.TouchAfter(5 * time.Second) }, 0, touched, 5 * time.Second},
		{"by script", func() virtual.User { return virtual.Script(virtual.Step{After: time.Second, Touch: virtual.LongTouch}) }, 0, touched, time.Second},
		{"never", virtual.NeverTouch, 0, but(but(but(every(denied), "excluded", excluded), "selection", timeout), "reset", timeout), 30 * time.Second},
		{"too late", func() virtual.User { return virtual.TouchAfter(31 * time.Second) }, 0, but(but(but(every(denied), "excluded", excluded), "selection", timeout), "reset", timeout), 30 * time.Second},
		{"declined", virtual.Deny, 0, but(every(denied), "excluded", excluded), 0},
		{"cancelled", virtual.NeverTouch, time.Second, every(cancel), time.Second},
		{"cancelled before the touch", func() virtual.User { return virtual.TouchAfter(2 * time.Second) }, time.Second, every(cancel), time.Second},
		{"end of the script", func() virtual.User { return virtual.Script() }, 0, but(but(but(every(denied), "excluded", excluded), "selection", timeout), "reset", timeout), 30 * time.Second},
	} {
		for name, want := range test.want {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHost(t, virtual.Config{})
					h.discoverable(rp, ada)
					r := prompting(h)[name]
					h.key.SetUser(test.user())
					if test.cancel > 0 {
						var end context.CancelFunc
						h.ctx, end = context.WithTimeout(context.Background(), test.cancel)
						defer end()
					}
					var statuses []byte
					h.waiting = func(s byte) { statuses = append(statuses, s) }
					start := time.Now()
					h.want(want, r)
					if took := time.Since(start); took != test.takes {
						t.Errorf("took %v, want %v", took, test.takes)
					}
					if len(statuses) != 1 || statuses[0] != ctap2.WaitingUPNeeded {
						t.Errorf("keepalive statuses %d, want 2 once", statuses)
					}
					if n := len(h.key.Credentials()); want != 0 && n != 1 {
						t.Errorf("%d credentials afterwards, want 1", n)
					}
					h.ctx = context.Background()
					h.info()
				})
			})
		}
	}
}

func TestManual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		user := virtual.NewManual()
		h := newHost(t, virtual.Config{User: user, UV: virtual.ConfiguredUV})
		done := make(chan ctap2.Status)
		start := func(r request) {
			go func() { s, _ := h.send(r); done <- s }()
		}
		start(h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true), UV: new(true)}}))
		if p := <-user.Prompts; p.Command != ctap2.CommandMakeCredential || p.RPID != rp.ID {
			t.Errorf("prompt %+v", p)
		}
		if h.key.Info().Options[ctap2.OptionUV] != true || h.key.UVRetries() != 2 {
			t.Error("the key can't be looked into while it waits")
		}
		user.Verifications <- virtual.Verified
		if s := <-done; s != 0 {
			t.Error(s)
		}
		start(h.ask(&ctap2.GetAssertionRequest{}))
		user.Decisions <- virtual.Touch
		if s := <-done; s != 0 {
			t.Error(s)
		}
		start(selection)
		user.Decisions <- virtual.Decline
		if s := <-done; s != ctap2.StatusOperationDenied {
			t.Error(s)
		}
	})
}

// Pulling the plug ends the wait and leaves nothing.
func TestPowerCycleWhileWaiting(t *testing.T) {
	for _, user := range []func() virtual.User{virtual.NeverTouch, func() virtual.User { return virtual.NewManual() }} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, virtual.Config{User: user()})
			done := make(chan ctap2.Status)
			go func() {
				s, _ := h.send(h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}}))
				done <- s
			}()
			synctest.Wait()
			h.key.PowerCycle()
			if s := <-done; s != ctap2.StatusOther {
				t.Error(s)
			}
			if n := len(h.key.Credentials()); n > 0 {
				t.Errorf("%d credentials", n)
			}
			h.info()
		})
	}
}

// While the key waits for the user, other hosts wait for their turn, and can give
// up.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{User: virtual.TouchAfter(10 * time.Second)})
		var wg sync.WaitGroup
		wg.Go(func() { h.want(0, selection) })
		synctest.Wait()
		wg.Go(func() { h.on(2).info() })
		impatient := h.on(3)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		impatient.ctx = ctx
		impatient.want(ctap2.StatusKeepaliveCancel, getInfo)
		wg.Wait()
		if c := h.key.Commands(); len(c) != 2 || c[0].Command() != ctap2.CommandSelection || c[1].Session != 2 {
			t.Errorf("commands %+v", c)
		}
		// A command that need not wait does not look at the context.
		impatient.want(0, getInfo)
		impatient.want(ctap2.StatusKeepaliveCancel, selection)
	})
}

func TestManualClock(t *testing.T) {
	clock := virtual.NewClock(time.Unix(1e9, 0))
	h := newHost(t, virtual.Config{Clock: clock, User: virtual.NeverTouch()})
	waits := make(chan bool)
	h.waiting = func(byte) { waits <- true }
	done := make(chan ctap2.Status)
	go func() { s, _ := h.send(selection); done <- s }()
	<-waits
	clock.Advance(29 * time.Second)
	select {
	case s := <-done:
		t.Fatalf("%v after 29 seconds", s)
	default:
	}
	clock.Advance(time.Second)
	if s := <-done; s != ctap2.StatusUserActionTimeout {
		t.Error(s)
	}
	h.want(ctap2.StatusNotAllowed, reset) // by now the window is closed

	var order []int
	for i, d := range []time.Duration{3, 1, 2, 9} {
		clock.AfterFunc(d*time.Second, func() { order = append(order, i) })
	}
	if stop := clock.AfterFunc(time.Second, func() { t.Error("called after stop") }); !stop() || stop() {
		t.Error("stop does not say what it did")
	}
	before := clock.Now()
	clock.Advance(5 * time.Second)
	if len(order) != 3 || order[0] != 1 || order[1] != 2 || order[2] != 0 || clock.Now().Sub(before) != 5*time.Second {
		t.Errorf("order %v, time %v", order, clock.Now().Sub(before))
	}
}

// On a card reader, holding the key to it is the touch.
func TestTapIsTouch(t *testing.T) {
	for _, transport := range []string{ctap2.TransportNFC, ctap2.TransportSmartCard} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, virtual.Config{Transport: transport, User: virtual.Deny()})
			h.waiting = func(byte) { t.Error("the key asks for a touch") }
			r := h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}})
			h.want(0, r)
			h.want(ctap2.StatusUPRequired, h.ask(&ctap2.GetAssertionRequest{}))
			h.want(0, h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(false)}}))
			h.key.PowerCycle()
			time.Sleep(2*time.Minute - 1)
			h.want(0, h.ask(&ctap2.GetAssertionRequest{}))
			h.key.PowerCycle()
			time.Sleep(2 * time.Minute)
			h.want(ctap2.StatusUPRequired, h.ask(&ctap2.GetAssertionRequest{}))
		})
	}
}

func TestDirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{User: virtual.NeverTouch()})
		d := h.key.Direct()
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, errTest)
		defer cancel()
		if _, err := d.CBOR(ctx, nil, selection, nil); !errors.Is(err, errTest) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := d.CBOR(ctx, nil, getInfo, nil); !errors.Is(err, errTest) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled before: %v", err)
		}
		reply, err := d.CBOR(t.Context(), []byte("kept"), getInfo, nil)
		if err != nil || string(reply[:4]) != "kept" || reply[4] != 0 {
			t.Errorf("%x, %v", reply, err)
		}
		if b, err := d.MSG(t.Context(), nil, []byte{0, 3, 0, 0}); err != nil || string(b) != "U2F_V2\x90\x00" {
			t.Errorf("MSG %x, %v", b, err)
		}
		// Connections have sessions of their own.
		h.key.SetUser(virtual.AlwaysTouch())
		h.discoverable(rp, ada)
		h.discoverable(rp, grace)
		if reply, err := d.CBOR(t.Context(), nil, encode(t, h.ask(&ctap2.GetAssertionRequest{})), nil); err != nil || reply[0] != 0 {
			t.Fatalf("%x, %v", reply, err)
		}
		for _, c := range []struct {
			d    *virtual.Direct
			want ctap2.Status
		}{{h.key.Direct(), ctap2.StatusNotAllowed}, {d, 0}} {
			if reply, err := c.d.CBOR(t.Context(), nil, getNextAssertion, nil); err != nil || ctap2.Status(reply[0]) != c.want {
				t.Errorf("%x, %v; want %v", reply, err, c.want)
			}
		}
	})
}
