package ctap2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofido/fido/internal/ctxerr"
)

// DefaultTimeout is how long a call of a [Client] may take when neither its
// context nor ClientConfig.Timeout says so. It covers a user who looks for the
// key first.
const DefaultTimeout = 2 * time.Minute

// ErrNoStatus says that a reply has no byte at all, not even the status.
var ErrNoStatus = errors.New("the reply is empty: the status byte is missing")

// ClientConfig says how a [Client] behaves. The zero value, and nil, are good
// for most programs.
type ClientConfig struct {
	// Strict refuses replies that deviate from CTAP2 canonical CBOR: the call
	// fails with a *[ReplyError] that wraps a *cbor.DeviationError.
	Strict bool

	// PINAsTyped sends the PIN that is set on the key as it is given. Otherwise
	// it is brought into Unicode normalisation form C first, as the
	// specification demands. It is for a PIN that other software has set without
	// doing so; see PINError.Normalized. New PINs are always normalised.
	PINAsTyped bool

	// Timeout bounds a call whose context has no deadline, the wait for its
	// turn included. Zero means DefaultTimeout, less than zero no bound.
	Timeout time.Duration

	// Rand gives the random bytes for PIN operations; nil means crypto/rand. A
	// test that repeats an exchange byte for byte sets it.
	Rand io.Reader

	// Waiting is called when the key starts to wait: WaitingUPNeeded is the
	// moment to tell the user to touch it, WaitingProcessing means that it is
	// busy. It is called within the call that waits and must not use the
	// Client.
	Waiting func(status byte)

	// Trace is called before each request and after each reply, within the call
	// that sends it, and must not use the Client. Secrets are left out.
	Trace func(TraceEvent)
}

// A Client sends CTAP2 commands to one security key. Its methods may be called
// by several goroutines; each call is one turn, and so is a call that sends
// several commands, such as PINToken and GetAssertions: nothing comes in
// between. A call waits for its turn no longer than its context allows.
//
// Errors are a *[CommandError], a *[PINError] for what concerns the PIN, or an
// *[UnsupportedError] when getInfo says that the key can't do it; a method says
// so if it has others. In all of them errors.Is finds the [Status] that the key
// answered with, and the context's error when the context ended the call.
type Client struct {
	transport Transport
	config    ClientConfig
	turns     chan struct{} // holds one element during a turn
	reserved  chan struct{} // holds one element between Reserve and the release
	info      *atomic.Pointer[GetInfoResponse]
}

// NewClient returns a client for the key behind t. The configuration is copied;
// it may be nil.
func NewClient(t Transport, c *ClientConfig) *Client {
	client := &Client{transport: t, turns: make(chan struct{}, 1), reserved: make(chan struct{}, 1), info: new(atomic.Pointer[GetInfoResponse])}
	if c != nil {
		client.config = *c
	}
	return client
}

// WithWaiting returns a client for the same key that calls waiting in place of
// ClientConfig.Waiting; nil calls nothing. It shares everything else with c: a
// turn of one keeps the other waiting, and both remember the same Info. With it a
// layer above tells its own user when to touch the key.
func (c *Client) WithWaiting(waiting func(status byte)) *Client {
	other := *c
	other.config.Waiting = waiting
	return &other
}

// Reserve reserves the key for a piece of work of several calls: a token and what it
// is for, say, since another's token would make it useless, and the prompts of both,
// since a user wants to be asked one thing at a time. It waits until nobody else has
// reserved this client, or one that is related to it by [Client.WithWaiting] or
// [Client.OverU2F], as long as ctx allows, whose error it returns. Only release, which
// may be called more than once, ends the reservation.
//
// The key itself is told nothing, and single calls need no reservation: they have
// their turns in between, whoever makes them.
func (c *Client) Reserve(ctx context.Context) (release func(), err error) {
	select {
	case c.reserved <- struct{}{}:
		return sync.OnceFunc(func() { <-c.reserved }), nil
	case <-ctx.Done():
		return nil, ctxerr.Of(ctx)
	}
}

// inTurn runs f when it is this call's turn, with a context that has a deadline.
func inTurn[R any](ctx context.Context, c *Client, o operation, f func(context.Context) (R, error)) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, o.fails(err)
	}
	if _, ok := ctx.Deadline(); !ok && c.config.Timeout >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cmp.Or(c.config.Timeout, DefaultTimeout))
		defer cancel()
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return none, o.fails(ctx.Err())
	}
	if s, ok := c.transport.(sequencer); ok {
		if err := s.BeginSequence(ctx); err != nil {
			return none, o.fails(err)
		}
		defer s.EndSequence()
	}
	return f(ctx)
}

// sequencer is a Transport that can keep other programs from the key.
type sequencer interface {
	BeginSequence(context.Context) error
	EndSequence()
}

// unlessForgotten runs f, and once more if the key has lost power in between and
// forgotten what f had agreed on with it: unless another key has taken its place,
// which must not get a PIN that is not meant for it.
func unlessForgotten[R any](ctx context.Context, c *Client, f func() (R, error)) (R, error) {
	r, err := f()
	lost, ok := errors.AsType[interface {
		error
		PowerLost() bool
	}](err)
	if !ok || !lost.PowerLost() {
		return r, err
	}
	if err := c.checkSameKey(ctx); err != nil {
		return r, err
	}
	return f()
}

// ErrOtherKey says that a key has lost power, and that one of another model is there
// since. Two keys of one model can't be told apart so.
var ErrOtherKey = errors.New("another key is there now: bring back the one that was there before, or begin again with this one")

// checkSameKey asks the key again what it is. What is remembered of it is forgotten
// if it is another.
func (c *Client) checkSameKey(ctx context.Context) error {
	before := c.info.Load()
	if before == nil {
		return nil
	}
	now, err := c.getInfo(ctx)
	if err == nil && now.AAGUID != before.AAGUID {
		err = operation{command: CommandGetInfo}.fails(ErrOtherKey)
	}
	return err
}

// Command sends a command that has no method of its own, such as a vendor's, and
// returns what follows the status byte of the reply, possibly nothing. The
// parameters are an encoded CBOR map, or empty.
func (c *Client) Command(ctx context.Context, command Command, parameters []byte) ([]byte, error) {
	o := operation{command: command}
	return inTurn(ctx, c, o, func(ctx context.Context) ([]byte, error) {
		return c.exchange(ctx, o, append([]byte{byte(command)}, parameters...))
	})
}

// GetInfo asks the key for what it is and can do (CTAP 2.3 section 6.4).
func (c *Client) GetInfo(ctx context.Context) (*GetInfoResponse, error) {
	return inTurn(ctx, c, operation{command: CommandGetInfo}, c.getInfo)
}

// Info returns what the key answered to the last getInfo, and asks it only if
// nothing is remembered: at first, and after each command that may change what
// the key can do, such as setPIN and reset. It does not forget after commands
// that change no more than a count or a value encrypted anew each time:
// RemainingDiscoverableCredentials, UvCountSinceLastPinEntry, EncIdentifier and
// EncCredStoreState may be old; GetInfo gets new ones. The result is shared and
// must not be modified.
func (c *Client) Info(ctx context.Context) (*GetInfoResponse, error) {
	if info := c.info.Load(); info != nil {
		return info, nil
	}
	return inTurn(ctx, c, operation{command: CommandGetInfo}, c.remembered)
}

// remembered is Info within a turn.
func (c *Client) remembered(ctx context.Context) (*GetInfoResponse, error) {
	if info := c.info.Load(); info != nil {
		return info, nil
	}
	return c.getInfo(ctx)
}

func (c *Client) getInfo(ctx context.Context) (*GetInfoResponse, error) {
	info, err := send(ctx, c, operation{command: CommandGetInfo}, noParameters, ParseGetInfoResponse)
	if err != nil {
		return nil, err
	}
	c.info.Store(info)
	return info, nil
}

// MakeCredential makes a new credential (CTAP 2.3 section 6.1).
func (c *Client) MakeCredential(ctx context.Context, r *MakeCredentialRequest) (*MakeCredentialResponse, error) {
	o := operation{command: CommandMakeCredential}
	return inTurn(ctx, c, o, func(ctx context.Context) (*MakeCredentialResponse, error) {
		return send(ctx, c, o, r.Append, ParseMakeCredentialResponse)
	})
}

// ClientPIN sends one subcommand of clientPIN as it is (CTAP 2.3 section 6.5).
// The methods about PINs and tokens do what most programs need.
func (c *Client) ClientPIN(ctx context.Context, r *ClientPINRequest) (*ClientPINResponse, error) {
	return inTurn(ctx, c, r.SubCommand.operation(), func(ctx context.Context) (*ClientPINResponse, error) {
		return c.clientPIN(ctx, r)
	})
}

// Reset erases the key: all credentials, the PIN and the settings (CTAP 2.3
// section 6.6). A key allows it only within some ten seconds of being plugged
// in, and wants a touch, a long one if GetInfoResponse.LongTouchForReset says
// so. StatusNotAllowed means that it was too late.
func (c *Client) Reset(ctx context.Context) error {
	_, err := c.Command(ctx, CommandReset, nil)
	return err
}

// An operation is what an error and a trace say was done.
type operation struct {
	command    Command
	subCommand uint // zero if the command has none
}

// changesInfo reports whether the key may answer getInfo differently after the
// operation, whatever came of it.
func (o operation) changesInfo() bool {
	if o.subCommand == 0 { // or raw parameters, which may be anything
		switch o.command {
		case CommandReset, CommandConfig, CommandBioEnrollment, CommandClientPIN:
			return true
		}
		return o.command >= CommandVendorFirst && o.command <= CommandVendorLast
	}
	switch o.command {
	case CommandConfig:
		return true
	case CommandClientPIN:
		sub := ClientPINSubCommand(o.subCommand)
		return sub == SetPIN || sub == ChangePIN
	case CommandBioEnrollment, CommandBioEnrollmentPreview:
		// The first fingerprint and the last change options.
		sub := BioEnrollmentSubCommand(o.subCommand)
		return sub == EnrollBegin || sub == EnrollCaptureNextSample || sub == RemoveEnrollment
	}
	return false
}

// An appender is the Append method of a request.
type appender = func(dst []byte) ([]byte, error)

// noParameters stands for the request that is a command byte alone, which send
// writes itself.
var noParameters appender

// reply is what all parsed responses have in common.
type reply interface{ refuse() error }

// send sends a request and parses the reply. The caller has the turn.
func send[R reply](ctx context.Context, c *Client, o operation, request appender, parse func([]byte) (R, error)) (R, error) {
	var none R
	b := append(make([]byte, 0, 256), byte(o.command))
	if request != nil {
		var err error
		if b, err = request(b[:0]); err != nil {
			return none, o.fails(err)
		}
	}
	body, err := c.exchange(ctx, o, b)
	if err != nil {
		return none, err
	}
	r, err := parse(body)
	if err == nil && c.config.Strict {
		if deviation := r.refuse(); deviation != nil {
			err = &ReplyError{Raw: body, Err: deviation}
		}
	}
	if err != nil {
		if bad, ok := errors.AsType[*ReplyError](err); ok {
			bad.Command = o.command // getNextAssertion shares a parser
		}
		return none, o.fails(err)
	}
	return r, nil
}

// exchange sends an encoded request and returns what follows the status byte of
// a successful reply. The caller has the turn.
func (c *Client) exchange(ctx context.Context, o operation, request []byte) ([]byte, error) {
	if err := c.checkSize(ctx, request); err != nil {
		return nil, o.fails(err)
	}
	if o.changesInfo() {
		// Even when the call fails the key may have done it.
		defer c.info.Store(nil)
	}
	if c.config.Trace != nil {
		c.config.Trace(requestEvent(o, request))
	}
	answer, err := c.transport.CBOR(ctx, nil, request, c.config.Waiting)
	if err == nil && len(answer) == 0 {
		err = &ReplyError{Command: o.command, Err: ErrNoStatus}
	}
	if c.config.Trace != nil {
		c.config.Trace(replyEvent(o, answer, err))
	}
	if err != nil {
		return nil, o.fails(err)
	}
	if status := Status(answer[0]); status != StatusSuccess {
		if status == StatusKeepaliveCancel && ctx.Err() != nil {
			return nil, o.fails(ctx.Err()) // the key only did what it was told
		}
		return nil, o.fails(status)
	}
	return answer[1:], nil
}

// checkSize refuses a request that the key won't take. It asks for the limit
// only if the request is larger than what every key takes.
func (c *Client) checkSize(ctx context.Context, request []byte) error {
	info := c.info.Load()
	if info == nil && len(request) > DefaultMaxMsgSize {
		var err error
		if info, err = c.getInfo(ctx); err != nil {
			return err
		}
	}
	if info != nil && len(request) > info.MaxMessage() {
		return fmt.Errorf("%d bytes for a key that takes %d: %w", len(request), info.MaxMessage(), StatusRequestTooLarge)
	}
	return nil
}
