package virtual

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gofido/fido/ctap2"
)

// A Key is a security key in software. It answers commands from any number of
// goroutines, one at a time.
type Key struct {
	config  Config
	profile *profile
	turn    chan struct{} // holds one while a command runs

	// mu guards what follows. The command that runs holds it, except while it
	// waits for the user.
	mu      sync.Mutex
	state   state   // what Storage holds
	boot    boot    // what a power cycle resets
	boots   uint    // how often the power has gone
	broken  error   // Storage could not be read at the last power cycle
	faults  *Faults // those in config
	events  []Event // for the observer, when the command is done
	history history
	made    lazy
	press   *press // the touch that U2F waits for, or nil
	session uint64 // of the last Direct
}

// boot is what a key forgets when it loses power.
type boot struct {
	at        time.Time // power-up
	wait      context.CancelCauseFunc
	tapUsed   bool // the touch that power-up was on a card reader
	agreement agreementKeys
	token     *token
	pinMisses int // wrong PINs in a row
	sequence  *sequence
}

// New returns a key that has just been plugged in, with what its Storage holds.
// It fails if the Config makes no sense, or with a *[StorageError].
func New(c Config) (*Key, error) {
	c.Algorithms = slices.Clone(c.Algorithms)
	c.Protocols = slices.Clone(c.Protocols)
	c.WithoutCommands = slices.Clone(c.WithoutCommands)
	c.WithoutExtensions = slices.Clone(c.WithoutExtensions)
	c.Transports = slices.Clone(c.Transports)
	c.TransportsForReset = slices.Clone(c.TransportsForReset)
	c.AttestationFormats = slices.Clone(c.AttestationFormats)
	c.MinPINLengthRPIDs = slices.Clone(c.MinPINLengthRPIDs)
	c.Certifications = maps.Clone(c.Certifications)
	c.VendorCommands = maps.Clone(c.VendorCommands)
	if c.Enterprise != nil {
		c.Enterprise = new(*c.Enterprise)
		c.Enterprise.RPIDs, c.Enterprise.SerialNumber = slices.Clone(c.Enterprise.RPIDs), slices.Clone(c.Enterprise.SerialNumber)
	}
	if c.PINComplexity != nil {
		c.PINComplexity = new(*c.PINComplexity)
	}
	c.Faults = c.Faults.clone()
	if err := c.complete(); err != nil {
		return nil, err
	}
	k := &Key{
		config:  c,
		profile: profiles[c.Profile],
		turn:    make(chan struct{}, 1),
	}
	k.faults = &k.config.Faults
	if err := k.load(); err != nil {
		return nil, err
	}
	k.boot = boot{at: c.Clock.Now()}
	return k, nil
}

// CTAPHID capability bits (CTAP 2.3 section 11.2.9.1.3).
const (
	capabilityCBOR byte = 0x04
	capabilityNMSG byte = 0x08
)

// Capabilities returns the capability bits that CTAPHID_INIT announces for the
// key (CTAP 2.3 section 11.2.9.1.3): CBOR if it speaks CTAP2, NMSG if it speaks
// no U2F.
func (k *Key) Capabilities() (bits byte) {
	if len(k.profile.commands) > 0 {
		bits |= capabilityCBOR
	}
	if k.config.WithoutU2F {
		bits |= capabilityNMSG
	}
	return bits
}

// operation is a command that runs.
type operation struct {
	ctx     context.Context
	session uint64
	command ctap2.Command
	waiting func(byte)
}

// A handler carries out a command and appends its reply, without the status, to
// dst. The error holds the status to answer.
type handler func(k *Key, o *operation, dst, parameters []byte) ([]byte, error)

// commands are all that a key can know.
var commands = map[ctap2.Command]handler{
	ctap2.CommandMakeCredential:       (*Key).makeCredential,
	ctap2.CommandGetAssertion:         (*Key).getAssertion,
	ctap2.CommandGetInfo:              (*Key).getInfo,
	ctap2.CommandClientPIN:            (*Key).clientPIN,
	ctap2.CommandReset:                (*Key).reset,
	ctap2.CommandGetNextAssertion:     (*Key).getNextAssertion,
	ctap2.CommandSelection:            (*Key).selection,
	ctap2.CommandConfig:               (*Key).authenticatorConfig,
	ctap2.CommandCredentialManagement: (*Key).credentialManagement,
	ctap2.CommandLargeBlobs:           (*Key).largeBlobs,
	ctap2.CommandBioEnrollment:        (*Key).bioEnrollment,
}

// previews are the commands of FIDO_2_1_PRE, and what they became.
var previews = map[ctap2.Command]ctap2.Command{
	ctap2.CommandBioEnrollmentPreview:        ctap2.CommandBioEnrollment,
	ctap2.CommandCredentialManagementPreview: ctap2.CommandCredentialManagement,
}

func (o *operation) isPreview() bool { return previews[o.command] != 0 }

// CBOR answers a CTAP2 request, a command byte and its parameters, and appends
// the reply, a status byte and CBOR, to dst. The session tells hosts, or their
// connections, apart: a sequence of commands can't be continued in another.
//
// One command runs at a time; others wait for their turn. While the key waits
// for the user it calls waiting, which may be nil, with a keepalive status, and
// again when it works on something that takes long, which is making an RSA key.
// When ctx ends, a command that waits for its turn or for the user ends with
// CTAP2_ERR_KEEPALIVE_CANCEL and leaves nothing behind; one that works ends as
// usual. A command that waits for the user when the power goes ends with
// CTAP1_ERR_OTHER.
func (k *Key) CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(status byte)) []byte {
	if !k.takeTurn(ctx) {
		return append(dst, byte(ctap2.StatusKeepaliveCancel))
	}
	defer k.endTurn()
	o := &operation{ctx: ctx, session: session, waiting: waiting}
	if len(request) > 0 {
		o.command = ctap2.Command(request[0])
	}
	k.mu.Lock()
	k.endPress()
	start := len(dst)
	dst = k.run(o, append(dst, byte(ctap2.StatusSuccess)), request)
	if limit := k.faults.Delay[o.command]; limit != 0 {
		if out := k.await(o, max(limit, 0), func(ctx context.Context) { <-ctx.Done() }); out != timedOut {
			dst = append(dst[:start], byte(k.status(out, 0, 0)))
		}
	}
	dst = k.faults.distort(o.command, dst, start)
	k.history.add(k.config.History, session, request, dst[start:])
	k.unlock()
	return dst
}

// takeTurn waits for the turn of a command, or for the end of ctx, which it
// reports as false.
func (k *Key) takeTurn(ctx context.Context) bool {
	select {
	case k.turn <- struct{}{}: // free: not even a cancelled command is refused
		return true
	default:
	}
	select {
	case k.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (k *Key) endTurn() { <-k.turn }

// unlock releases the lock at the end of a command and tells the observer what
// has happened.
func (k *Key) unlock() {
	events := k.events
	k.events = nil
	k.mu.Unlock()
	for _, e := range events {
		k.config.Observer(e)
	}
}

// run carries out a request and appends what it adds to the reply, whose status
// byte is the last of dst.
func (k *Key) run(o *operation, dst, request []byte) []byte {
	start := len(dst)
	fail := func(s ctap2.Status) []byte {
		dst[start-1] = byte(s)
		return dst
	}
	switch {
	case k.broken != nil:
		return fail(ctap2.StatusOther)
	case len(request) == 0:
		return fail(ctap2.StatusInvalidLength)
	case len(request) > k.config.MaxMsgSize:
		return fail(ctap2.StatusRequestTooLarge)
	}
	if s := k.boot.sequence; s != nil && s.by != o.command {
		k.end()
		k.useUp()
	}
	if reply, ok := k.faults.Override[o.command]; ok {
		return append(fail(reply.Status), reply.Raw...)
	}
	h := commands[o.command]
	if became, ok := previews[o.command]; ok {
		h = commands[became]
	}
	if h == nil || !k.knows(o.command) {
		return fail(ctap2.StatusInvalidCommand)
	}
	out, err := h(k, o, dst, request[1:])
	k.useUp()
	if err != nil {
		return fail(statusOf(err))
	}
	return out
}

// statusOf returns the status to answer for an error.
func statusOf(err error) ctap2.Status {
	if s, ok := errors.AsType[ctap2.Status](err); ok {
		return s
	}
	if e, ok := errors.AsType[*ctap2.RequestError](err); ok {
		return e.Status
	}
	return ctap2.StatusOther
}

// PowerCycle unplugs the key and plugs it in again. A command that waits for
// the user ends with CTAP1_ERR_OTHER and leaves nothing; tokens, key agreement
// keys and what getNextAssertion could continue are gone; the key starts from
// what Storage holds. If that can't be read, every command is answered with
// CTAP1_ERR_OTHER until a PowerCycle succeeds.
//
// A Storage with a method PowerCycle gets the power back too.
func (k *Key) PowerCycle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.boot.wait != nil {
		k.boot.wait(errPowerLost)
	}
	k.press.end()
	k.boot.token.wipe()
	k.boot = boot{at: k.config.Clock.Now()}
	k.boots++
	k.made.forget()
	k.made = lazy{}
	if s, ok := k.config.Storage.(interface{ PowerCycle() }); ok {
		s.PowerCycle()
	}
	k.broken = k.load()
}

var errPowerLost = errors.New("virtual: the key lost power")

// random fills b.
func (k *Key) random(b []byte) error {
	if _, err := io.ReadFull(k.config.Rand, b); err != nil {
		return fmt.Errorf("virtual: reading random bytes: %w", err)
	}
	return nil
}

// SetUser replaces the user, for the next prompt on.
func (k *Key) SetUser(u User) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.config.User = u
	k.press.end()
}

// SetFaults replaces the faults, for the next command on. The key keeps a copy.
func (k *Key) SetFaults(f Faults) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*k.faults = f.clone()
}

// String returns the key's profile and AAGUID and nothing secret.
func (k *Key) String() string {
	return fmt.Sprintf("virtual.Key(%v, %v)", k.config.Profile, k.config.AAGUID)
}

// Format prints String for every verb: no format reaches the secrets.
func (k *Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }
