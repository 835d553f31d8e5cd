package fuzz

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid"
)

// grace and overall are limits of the connection under test, the defaults but
// for overall, so that no conversation is long.
const (
	grace   = 500 * time.Millisecond
	overall = 5 * time.Second
)

// A host does what a script says: a list of steps of three bytes, and of as
// many more as the verb takes:
//
//	the verb
//	when its context ends: see patience
//	which variant of the verb
type host struct {
	t       *testing.T
	script  input
	wire    *wire
	liar    *liar
	conn    *ctaphid.Conn
	client  *ctap2.Client
	power   func() // unplugs the key and plugs it in again
	results []error

	background sync.WaitGroup
	alone      int // calls that have been made, and not awaited, in the background

	mu         sync.Mutex
	token      *pinuv.Token
	credential []byte // the ID of the last one made
	finger     []byte // the template ID of the last one enrolled
	closed     bool
}

// maxSteps is how many verbs a script can have.
const maxSteps = 12

func (h *host) run() {
	for range maxSteps {
		if len(h.script) == 0 {
			break
		}
		verb, ok := choose(verbs, h.script.byte())
		patience, variant := h.script.byte(), h.script.byte()
		if !ok {
			continue
		}
		call := verb.prepare(h, variant)
		if call == nil {
			continue
		}
		if patience&inBackground == 0 {
			h.call(verb, patience, call)
			continue
		}
		h.alone++
		h.background.Go(func() { h.call(verb, patience, call) })
	}
	h.background.Wait()
}

// The bits of the byte that says when a verb's context ends. The lower four
// choose from patience.
const (
	byCancelling = 0x10 // it is cancelled, and has no deadline
	withCause    = 0x20 // and a cause
	inBackground = 0x40 // the next verb begins at once
)

// patience is how long contexts last. The first is enough for everything that
// does not wait for the user; a zero has no end, and a negative one is over.
var patience = [16]time.Duration{
	4 * time.Second, 0, time.Millisecond, 20 * time.Millisecond,
	99 * time.Millisecond, 100 * time.Millisecond, 101 * time.Millisecond, 350 * time.Millisecond,
	501 * time.Millisecond, time.Second, 2500 * time.Millisecond, 3 * time.Second,
	3001 * time.Millisecond, 5 * time.Second, 8 * time.Second, -1,
}

var errCause = errors.New("the user went away")

// call runs one verb and judges when and how it ends.
func (h *host) call(v verb, code byte, call func(context.Context) error) {
	limit := patience[code&0x0f]
	ctx, cancel := h.context(code, limit)
	defer cancel()
	// Without a deadline the connection's own limit counts from when it is the
	// verb's turn.
	if limit == 0 {
		limit = overall * time.Duration(1+h.alone)
	}
	start := time.Now()
	err := call(ctx)
	elapsed := time.Since(start)

	// A write that the operating system does not let go is not the host's fault.
	limit = max(limit, 0)
	most := limit + grace + v.tidies + h.wire.heldUp(start.Add(limit))
	if elapsed > most {
		h.t.Errorf("%s took %v, of which its context, and the limits of the connection, allow %v; it ended with %v", v.name, elapsed, most, err)
	}
	if err != nil {
		if problem := untyped(err, v.connOnly); problem != "" {
			h.t.Errorf("%s: %s: %v (%T)", v.name, problem, err, err)
		}
		if errors.Is(err, context.Canceled) && ctx.Err() == nil {
			h.t.Errorf("%s says that it was cancelled, which it was not: %v", v.name, err)
		}
		if reason := blamesKey(err); reason != nil && !h.wire.isAltered() && !h.liar.lied() {
			h.t.Errorf("%s blames the key, which was only slow: %v", v.name, reason)
		}
		for _, pin := range pins {
			if len(pin) > 0 && bytes.Contains([]byte(err.Error()), []byte(pin)) {
				h.t.Errorf("%s tells the PIN: %v", v.name, err)
			}
		}
	}
	h.mu.Lock()
	h.results = append(h.results, err)
	h.mu.Unlock()
}

func (h *host) context(code byte, limit time.Duration) (context.Context, context.CancelFunc) {
	var cause error
	if code&withCause != 0 {
		cause = errCause
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	end := func() { cancel(nil) }
	switch {
	case limit < 0:
		cancel(cause)
	case limit > 0 && code&byCancelling != 0:
		timer := time.AfterFunc(limit, func() { cancel(cause) })
		end = func() { timer.Stop(); cancel(nil) }
	case limit > 0:
		ctx, stop := context.WithTimeoutCause(ctx, limit, cause)
		return ctx, func() { stop(); cancel(nil) }
	}
	return ctx, end
}

// pins are the PINs that scripts use. The first is the one that a key has from
// the start.
var pins = [...]string{"swordfish", "o\u0308ffne dich", "letmein", ""}

// relyingParties are those that scripts use.
var relyingParties = [...]string{"example.com", "example.org"}

var clientDataHash = bytes.Repeat([]byte{0xcd}, 32)

// A verb is one thing that a host does with a key.
type verb struct {
	name     string
	connOnly bool          // it is one of ctaphid.Conn, and its errors are
	tidies   time.Duration // how long it may take to clean up after its context has ended

	// prepare reads what the variant needs from the script and returns the
	// call, or nil if there is nothing to wait for.
	prepare func(h *host, variant byte) func(context.Context) error
}

// The verbs, by their place in verbs.
const (
	doGetInfo byte = iota
	doInfo
	doMakeCredential
	doGetAssertion
	doGetAssertions
	doGetNextAssertion
	doSetPIN
	doChangePIN
	doPINToken
	doUVToken
	doPINRetries
	doUVRetries
	doSelection
	doReset
	doClientPIN
	doCommand // blob: the parameters
	doPing
	doWink
	doLock
	doResync
	doVendor // blob: the data
	doMSG    // blob: the APDU
	doCBOR   // blob: a request's parameters, past the client
	doClose
	doUnplug
	doPowerCycle
	doSleep
	doAwait

	firstManaging // the verbs of managingVerbs follow
)

var verbs = slices.Concat(basicVerbs, managingVerbs)

var basicVerbs = []verb{
	doGetInfo: {"GetInfo", false, 0, func(h *host, _ byte) func(context.Context) error {
		return func(ctx context.Context) error {
			info, err := h.client.GetInfo(ctx)
			if err == nil {
				readInfo(info)
			}
			return err
		}
	}},
	doInfo: {"Info", false, 0, func(h *host, _ byte) func(context.Context) error {
		return func(ctx context.Context) error {
			info, err := h.client.Info(ctx)
			if err == nil {
				readInfo(info)
			}
			return err
		}
	}},
	doMakeCredential: {"MakeCredential", false, 0, func(h *host, variant byte) func(context.Context) error {
		r := h.makeCredentialRequest(variant)
		return func(ctx context.Context) error {
			made, err := h.client.MakeCredential(ctx, r)
			if err == nil {
				h.readCredential(made)
			}
			return err
		}
	}},
	doGetAssertion: {"GetAssertion", false, 0, func(h *host, variant byte) func(context.Context) error {
		r := h.getAssertionRequest(variant)
		return func(ctx context.Context) error {
			_, err := h.client.GetAssertion(ctx, r)
			return err
		}
	}},
	doGetAssertions: {"GetAssertions", false, 0, func(h *host, variant byte) func(context.Context) error {
		r := h.getAssertionRequest(variant)
		return func(ctx context.Context) error {
			all, err := h.client.GetAssertions(ctx, r)
			if len(all) > ctap2.MaxAssertions {
				h.t.Errorf("GetAssertions returned %d assertions", len(all))
			}
			return err
		}
	}},
	doGetNextAssertion: {"GetNextAssertion", false, 0, func(h *host, _ byte) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.client.GetNextAssertion(ctx)
			return err
		}
	}},
	doSetPIN: {"SetPIN", false, 0, func(h *host, variant byte) func(context.Context) error {
		return func(ctx context.Context) error { return h.client.SetPIN(ctx, pin(variant)) }
	}},
	doChangePIN: {"ChangePIN", false, 0, func(h *host, variant byte) func(context.Context) error {
		return func(ctx context.Context) error { return h.client.ChangePIN(ctx, pin(variant), pin(variant>>2)) }
	}},
	doPINToken: {"PINToken", false, 0, func(h *host, variant byte) func(context.Context) error {
		return func(ctx context.Context) error {
			token, err := h.client.PINToken(ctx, pin(variant), permissions(variant), tokenRP(variant))
			h.keepToken(token)
			return err
		}
	}},
	doUVToken: {"UVToken", false, 0, func(h *host, variant byte) func(context.Context) error {
		return func(ctx context.Context) error {
			token, err := h.client.UVToken(ctx, permissions(variant), tokenRP(variant))
			h.keepToken(token)
			return err
		}
	}},
	doPINRetries: {"PINRetries", false, 0, func(h *host, _ byte) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.client.PINRetries(ctx)
			return err
		}
	}},
	doUVRetries: {"UVRetries", false, 0, func(h *host, _ byte) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := h.client.UVRetries(ctx)
			return err
		}
	}},
	doSelection: {"Selection", false, 0, func(h *host, _ byte) func(context.Context) error {
		return h.client.Selection
	}},
	doReset: {"Reset", false, 0, func(h *host, _ byte) func(context.Context) error {
		return h.client.Reset
	}},
	doClientPIN: {"ClientPIN", false, 0, func(h *host, variant byte) func(context.Context) error {
		r := &ctap2.ClientPINRequest{
			PinUvAuthProtocol: pinuv.Protocol(variant >> 4 & 3),
			SubCommand:        ctap2.ClientPINSubCommand(variant & 0x0f),
		}
		return func(ctx context.Context) error {
			_, err := h.client.ClientPIN(ctx, r)
			return err
		}
	}},
	doCommand: {"Command", false, 0, func(h *host, variant byte) func(context.Context) error {
		parameters := h.script.blob()
		return func(ctx context.Context) error {
			_, err := h.client.Command(ctx, ctap2.Command(variant), parameters)
			return err
		}
	}},
	doPing: {"Ping", true, 0, func(h *host, variant byte) func(context.Context) error {
		data := bytes.Repeat([]byte{variant}, int(variant)*30)
		return func(ctx context.Context) error {
			_, err := h.conn.Ping(ctx, nil, data)
			return err
		}
	}},
	doWink: {"Wink", true, 0, func(h *host, _ byte) func(context.Context) error { return h.conn.Wink }},
	doLock: {"Lock", true, 0, func(h *host, variant byte) func(context.Context) error {
		return func(ctx context.Context) error { return h.conn.Lock(ctx, time.Duration(variant%12)*time.Second) }
	}},
	doResync: {"Resync", true, 0, func(h *host, _ byte) func(context.Context) error { return h.conn.Resync }},
	doVendor: {"Vendor", true, 0, func(h *host, variant byte) func(context.Context) error {
		data := h.script.blob()
		return func(ctx context.Context) error {
			_, err := h.conn.Vendor(ctx, nil, ctaphid.Command(variant), data)
			return err
		}
	}},
	doMSG: {"MSG", true, 0, func(h *host, _ byte) func(context.Context) error {
		apdu := h.script.blob()
		return func(ctx context.Context) error {
			reply, err := h.conn.MSG(ctx, nil, apdu)
			if err == nil && len(reply) < 2 {
				h.t.Errorf("a MSG reply of %d bytes", len(reply))
			}
			return err
		}
	}},
	doCBOR: {"CBOR", true, 0, func(h *host, variant byte) func(context.Context) error {
		request := append([]byte{variant}, h.script.blob()...)
		return func(ctx context.Context) error {
			reply, err := h.conn.CBOR(ctx, nil, request, func(byte) {})
			if err == nil && (len(reply) == 0 || len(reply) > ctaphid.MaxMessageSize) {
				h.t.Errorf("a CBOR reply of %d bytes", len(reply))
			}
			return err
		}
	}},
	doClose: {"Close", true, 0, func(h *host, _ byte) func(context.Context) error {
		h.mu.Lock()
		h.closed = true
		h.mu.Unlock()
		return func(context.Context) error {
			// Close waits for a call that is in a write, but not for longer.
			start := time.Now()
			h.conn.Close()
			if d := time.Since(start); d > grace {
				h.t.Errorf("Close took %v", d)
			}
			return nil
		}
	}},
	doUnplug: {"unplug", true, 0, func(h *host, _ byte) func(context.Context) error {
		h.wire.unplug()
		return nil
	}},
	doPowerCycle: {"power cycle", true, 0, func(h *host, _ byte) func(context.Context) error {
		h.power()
		return nil
	}},
	doSleep: {"sleep", true, 0, func(h *host, variant byte) func(context.Context) error {
		time.Sleep(time.Duration(variant) * 50 * time.Millisecond)
		return nil
	}},
	doAwait: {"await", true, 0, func(h *host, _ byte) func(context.Context) error {
		h.background.Wait()
		h.alone = 0
		return nil
	}},
}

func pin(variant byte) []byte { return []byte(pins[variant&3]) }

func permissions(variant byte) ctap2.Permissions {
	if variant&0x80 != 0 {
		return ctap2.Permissions(variant & 0x7f)
	}
	return ctap2.PermissionMC | ctap2.PermissionGA
}

// tokenRP is the relying party that a token is for, if it needs one.
func tokenRP(variant byte) string {
	if permissions(variant)&(ctap2.PermissionMC|ctap2.PermissionGA) == 0 {
		return ""
	}
	return relyingParties[0]
}

func (h *host) keepToken(token *pinuv.Token) {
	if token == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.token = token
}

// The bits of the variants of makeCredential and getAssertion.
const (
	discoverable   = 0x01 // makeCredential
	withEdDSA      = 0x02 // makeCredential
	silently       = 0x01 // getAssertion: without a touch
	withList       = 0x04 // the excludeList or allowList names the last credential
	authorized     = 0x08 // by the last token
	verifyingUser  = 0x10 // the option uv
	withExtensions = 0x20
	large          = 0x40 // the request needs several reports more
	elsewhere      = 0x80 // another relying party
)

func (h *host) makeCredentialRequest(variant byte) *ctap2.MakeCredentialRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash:   clientDataHash,
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: relyingParties[variant>>7]},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{variant}, Name: "ada", DisplayName: "Ada Lovelace"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		Options:          options(variant),
	}
	if variant&discoverable != 0 {
		r.Options.RK = new(true)
	}
	if variant&withEdDSA != 0 {
		r.PubKeyCredParams[0].Alg = cose.EdDSA
	}
	if variant&withList != 0 {
		r.ExcludeList = h.list()
	}
	if variant&withExtensions != 0 {
		r.Extensions = ctap2.Extensions{
			ctap2.ExtensionCredProtect: {2}, ctap2.ExtensionHMACSecret: {0xf5}, ctap2.ExtensionCredBlob: {0x41, 1},
			ctap2.ExtensionMinPINLength: {0xf5}, ctap2.ExtensionThirdPartyPayment: {0xf5},
		}
		if variant&discoverable != 0 {
			r.Extensions[ctap2.ExtensionLargeBlobKey] = cbor.RawMessage{0xf5}
		}
	}
	if variant&large != 0 {
		r.User.DisplayName = string(bytes.Repeat([]byte("Ada "), 100))
	}
	if variant&authorized != 0 && h.token != nil {
		r.Authorize(h.token)
	}
	return r
}

func (h *host) getAssertionRequest(variant byte) *ctap2.GetAssertionRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &ctap2.GetAssertionRequest{
		RPID:           relyingParties[variant>>7],
		ClientDataHash: clientDataHash,
		Options:        options(variant),
	}
	if variant&silently != 0 {
		r.Options.UP = new(false)
	}
	if variant&withList != 0 {
		r.AllowList = h.list()
	}
	if variant&withExtensions != 0 {
		r.Extensions = ctap2.Extensions{
			ctap2.ExtensionCredBlob: {0xf5}, ctap2.ExtensionLargeBlobKey: {0xf5}, ctap2.ExtensionThirdPartyPayment: {0xf5},
		}
	}
	if variant&large != 0 {
		for i := range 6 {
			r.AllowList = append(r.AllowList, ctap2.PublicKeyCredentialDescriptor{
				ID: bytes.Repeat([]byte{byte(i)}, 100), Type: ctap2.TypePublicKey,
			})
		}
	}
	if variant&authorized != 0 && h.token != nil {
		r.Authorize(h.token)
	}
	return r
}

func options(variant byte) (o ctap2.Options) {
	if variant&verifyingUser != 0 {
		o.UV = new(true)
	}
	return o
}

func (h *host) list() []ctap2.PublicKeyCredentialDescriptor {
	id := h.credential
	if id == nil {
		id = []byte("a credential of another key")
	}
	return []ctap2.PublicKeyCredentialDescriptor{{ID: id, Type: ctap2.TypePublicKey}}
}

// readCredential verifies a new credential, which may be a lie.
func (h *host) readCredential(made *ctap2.MakeCredentialResponse) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.credential = slices.Clone(made.AuthData.AttestedCredentialData.CredentialID)
	_, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, clientDataHash)
	if err != nil && !h.wire.isAltered() && !h.liar.lied() {
		h.t.Errorf("an honest attestation is refused: %v", err)
	}
}

func readInfo(info *ctap2.GetInfoResponse) {
	info.MaxMessage()
	info.PINLengths()
	info.PreferredPinUvAuthProtocol()
}
