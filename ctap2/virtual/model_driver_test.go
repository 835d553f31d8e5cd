package virtual_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelDriver draws commands, gives each to the key and to the model, and
// compares what comes of it.
type modelDriver struct {
	*host
	*rand.Rand
	model    *model
	clock    *virtual.ManualClock
	begun    time.Time
	seed     uint64
	commands int
	seen     map[string]int // commands and their outcomes
	log      []modelEntry   // the last commands

	secrets [3]modelSecret // by protocol
	stale   [3]modelSecret
	tokens  []*modelToken // the last ones that were handed out, newest last
	array   []byte        // that is being written

	prompts int
	end     context.CancelFunc // cancels the command that runs
}

// modelEntry is a command of the past.
type modelEntry struct {
	now      time.Duration
	session  uint64
	user     modelUser
	command  string
	detail   any
	expected string
}

// modelSecret is a shared secret, and which of the key's keys it is for.
type modelSecret struct {
	platform *cose.Key
	secret   *pinuv.SharedSecret
	agreed   int
}

// Touch implements virtual.User.
func (d *modelDriver) Touch(ctx context.Context, _ virtual.Prompt) virtual.Decision {
	if !d.answers(ctx) {
		return virtual.NoTouch
	}
	return d.model.user.does
}

// Verify implements virtual.User.
func (d *modelDriver) Verify(ctx context.Context, _ virtual.Prompt) virtual.Verification {
	if !d.answers(ctx) {
		return virtual.NoVerification
	}
	return d.model.user.verify
}

// Sample implements virtual.Sampler.
func (d *modelDriver) Sample(ctx context.Context, _ virtual.Prompt) virtual.Sample {
	if !d.answers(ctx) {
		return virtual.NoSample
	}
	return d.model.user.sample
}

func (d *modelDriver) answers(ctx context.Context) bool {
	d.prompts++
	u := d.model.user
	d.clock.Advance(u.after)
	switch {
	case u.unplugs:
		d.key.PowerCycle()
	case u.cancel:
		d.end()
	}
	return ctx.Err() == nil
}

// one reports true once in n times.
func (d *modelDriver) one(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *modelDriver, of ...T) T { return of[d.IntN(len(of))] }

// drawUser draws what the user does next: mostly what is asked for.
func (d *modelDriver) drawUser() {
	u := modelUser{does: virtual.Touch, verify: virtual.Verified, sample: virtual.GoodSample}
	switch d.IntN(40) {
	case 0:
		u.after = time.Minute
	case 1:
		u.does, u.verify, u.sample = virtual.Decline, virtual.VerifyDeclined, virtual.SampleDeclined
	case 2:
		u.cancel = true
	case 3:
		if d.one(4) {
			u.unplugs = true
		}
	case 4, 5:
		u.does = virtual.LongTouch
	case 6, 7:
		u.after = time.Duration(d.IntN(29)) * time.Second
	case 8, 9, 10, 11:
		u.verify, u.sample = virtual.NotVerified, virtual.BadSample(ctap2.SampleTooFast)
	}
	d.model.user = u
}

// send gives a request to the key; what the model thinks of it is known already.
func (d *modelDriver) request(r request) (ctap2.Status, []byte) {
	d.ctx, d.end = context.WithCancel(context.Background())
	defer d.end()
	return d.send(r)
}

// expect compares outcomes, and what else can be seen of the key.
func (d *modelDriver) expect(command string, detail any, want, got string) {
	d.commands++
	outcome := want
	if !strings.HasPrefix(want, "CTAP") {
		outcome = "done"
	}
	d.seen[command+" "+outcome]++
	m := d.model
	want += d.visible(m.prompts, m.now, m.counter, m.pinLeft, m.uvLeft, modelTokenState(m.live()))
	state, ok := d.key.Token()
	if !ok {
		state = virtual.TokenState{Permissions: 1 << 10}
	}
	got += d.visible(d.prompts, d.clock.Now().Sub(d.begun), d.key.SignCount(), d.key.PINRetries(), d.key.UVRetries(), state)
	d.log = append(d.log, modelEntry{m.now, d.session, m.user, command, detail, want})
	if got != want {
		var last strings.Builder
		for _, e := range d.log {
			fmt.Fprintf(&last, "%v #%d %s %+v %.300s: %.300s\n", e.now, e.session, e.command, e.user, fmt.Sprintf("%+v", e.detail), e.expected)
		}
		d.t.Fatalf("seed %d, command %d: the key answers\n%.2000s\nwhere the model has\n%.2000s\nThe last commands:\n%s", d.seed, d.commands, got, want, &last)
	}
	if len(d.log) > 12 {
		d.log = append(d.log[:0], d.log[1:]...)
	}
}

func (d *modelDriver) visible(prompts int, now time.Duration, count uint32, pinLeft, uvLeft int, t virtual.TokenState) string {
	if t.Permissions&ctap2.PermissionPCMR != 0 {
		t = virtual.TokenState{}
	}
	return fmt.Sprintf(" | %d prompts, %v, count %d, tries %d %d, token %v %q %v %v", prompts, now, count, pinLeft, uvLeft, t.Permissions, t.RPID, t.UserVerified, t.UserPresent)
}

// modelTokenState is what Key.Token says of the token, or of none.
func modelTokenState(t *modelToken) virtual.TokenState {
	if t == nil {
		return virtual.TokenState{Permissions: 1 << 10}
	}
	return virtual.TokenState{Permissions: t.permissions, RPID: t.rpID, UserVerified: t.verified, UserPresent: t.present}
}

var (
	modelRPIDs = []string{"a.example", "b.example", "c.example"}
	modelPINs  = []string{"1234", "87654321", "größer", "12345678901234567890"}
	oddPINs    = []string{"123", "", "ääa", strings.Repeat("1", 64)}
	modelUsers = []string{"ada", "bob", "cleo", "dan"}
)

// agreement returns a shared secret with the key, from earlier if that still holds.
func (d *modelDriver) agreement(p pinuv.Protocol) *modelSecret {
	s := &d.secrets[p]
	if s.secret != nil && s.agreed == d.model.agreed[p] {
		return s
	}
	d.model.interrupt(ctap2.CommandClientPIN)
	d.stale[p] = *s
	protocol := d.protocol
	d.protocol = p
	s.platform, s.secret = d.agree()
	d.protocol = protocol
	s.agreed = d.model.agreed[p]
	return s
}

// secretFor returns the secret to use, and with stale one of before, if there is one.
func (d *modelDriver) secretFor(p pinuv.Protocol, stale *bool) *modelSecret {
	s := d.agreement(p)
	if *stale = *stale && d.stale[p].secret != nil; *stale {
		return &d.stale[p]
	}
	return s
}

// drawProof draws how a request is authorised.
func (d *modelDriver) drawProof(wish ctap2.Permissions, rpID string) (p modelProof) {
	t := d.model.live()
	ready := t != nil && t.verified && t.permissions&wish != 0 && (t.rpID == "" || t.rpID == rpID)
	if !ready && d.model.protected() && !d.one(4) {
		d.getToken(wish, rpID)
	}
	without := 4
	if wish&(ctap2.PermissionMC|ctap2.PermissionGA) == 0 {
		without = 10
	}
	if len(d.tokens) == 0 || d.one(without) || d.model.live() == nil && d.one(2) {
		if d.one(8) {
			p.kind, p.protocol = modelEmptyProof, d.protocol
		}
		return p
	}
	p.kind, p.token = modelRightMAC, d.tokens[len(d.tokens)-1]
	if d.one(10) {
		p.token = pick(d, d.tokens...)
	}
	p.protocol = p.token.protocol
	switch d.IntN(60) {
	case 0:
		p.kind = modelNoProtocol
	case 1:
		p.kind = modelWrongMAC
	case 2:
		p.protocol = 3 // which no key has
	case 3:
		p.protocol = 3 - p.protocol
	}
	return p
}

// set puts the proof into a request.
func (p *modelProof) set(message []byte, param *[]byte, protocol *pinuv.Protocol) {
	switch p.kind {
	case modelNoProof:
		return
	case modelEmptyProof:
		*param = []byte{}
	default:
		*param = p.token.secret.Authenticate(message)
		if p.kind == modelWrongMAC {
			(*param)[0] ^= 1
		}
	}
	if p.kind != modelNoProtocol {
		*protocol = p.protocol
	}
}

// credentials draws up to n for a list; nil is one that the key never made.
func (d *modelDriver) credentials(n int, rpID string) (all []*modelCredential) {
	made := d.model.made
	for range n {
		var c *modelCredential
		if len(made) > 0 && !d.one(6) {
			c = made[max(0, len(made)-1-d.IntN(20))]
		}
		if d.one(2) {
			for _, o := range made[max(0, len(made)-12):] {
				if o.rpID == rpID && !o.gone {
					c = o
				}
			}
		}
		all = append(all, c)
	}
	return all
}

func (d *modelDriver) list(credentials []*modelCredential) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, c := range credentials {
		id := bytes.Repeat([]byte{7}, 92)
		if c != nil {
			id = c.id
		}
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey})
	}
	return list
}

// drawnOption is an option that is absent unless it is drawn.
func drawnOption(b bool) *bool {
	if b {
		return new(true)
	}
	return nil
}
