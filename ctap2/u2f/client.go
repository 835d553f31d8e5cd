package u2f

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofido/fido/nfc/iso7816"
)

// A Transport carries a U2F message to a key: *ctaphid.Conn and *nfc.Conn do.
type Transport interface {
	// MSG sends a request APDU and appends the response APDU to dst. When ctx
	// ends the error is the context's.
	MSG(ctx context.Context, dst, apdu []byte) ([]byte, error)
}

// PollInterval is how long a [Client] waits before it asks a key that wants to
// be touched again.
const PollInterval = 200 * time.Millisecond

// DefaultTimeout is how long a call of a [Client] may take when neither its
// context nor ClientConfig.Timeout says so.
const DefaultTimeout = 2 * time.Minute

// WaitingUPNeeded is the status that ClientConfig.Waiting is called with: the
// key waits to be touched (CTAP 2.3 section 11.2.9.1.7).
const WaitingUPNeeded byte = 2

// ClientConfig says how a [Client] behaves. The zero value, and nil, are good
// for a key on USB and for an *nfc.Conn.
type ClientConfig struct {
	// Short sends requests in the short form, for a card reader that takes no
	// other and a Transport that does not convert them. It is still the
	// Transport that fetches what a status word 61xx announces. Otherwise the
	// form is extended, as USB wants it.
	Short bool

	// Timeout bounds a call whose context has no deadline. Zero means
	// DefaultTimeout, less than zero no bound.
	Timeout time.Duration

	// Waiting is called when the key starts to wait to be touched: the moment to
	// tell the user. It is called within the call that waits, at most once in
	// each.
	Waiting func(status byte)
}

// A Client sends U2F commands to one security key. It keeps no state between
// calls, and may be used by several goroutines if its Transport may.
//
// Errors are an *[OpError], except that a request that can't be encoded fails
// with the error of its Append.
type Client struct {
	transport Transport
	config    ClientConfig
	form      iso7816.Form
}

// NewClient returns a client for the key behind t. The configuration is copied;
// it may be nil.
func NewClient(t Transport, c *ClientConfig) *Client {
	client := &Client{transport: t, form: iso7816.Extended}
	if c != nil {
		client.config = *c
	}
	if client.config.Short {
		client.form = iso7816.Short
	}
	return client
}

// Version asks for the version of the protocol, which is [Version2].
func (c *Client) Version(ctx context.Context) (string, error) {
	data, err := c.send(ctx, INSVersion, new(VersionRequest), false)
	return string(data), err
}

// Register has the key make a key pair, when the user touches it. Until then the
// key is asked every [PollInterval].
func (c *Client) Register(ctx context.Context, r *RegisterRequest) (*RegisterResponse, error) {
	data, err := c.send(ctx, INSRegister, r, true)
	if err != nil {
		return nil, err
	}
	response, err := ParseRegisterResponse(data)
	if err != nil {
		return nil, &OpError{INSRegister, err}
	}
	return response, nil
}

// Authenticate gets a signature. With [EnforceUserPresence] the key is asked
// every [PollInterval] until the user touches it; with another control byte it
// is asked once, and a key that wants to be touched is an error with the status
// word 6985. [Client.Check] is for [CheckOnly].
//
// ErrUnknownKeyHandle says that the key handle is not the key's.
func (c *Client) Authenticate(ctx context.Context, r *AuthenticateRequest) (*AuthenticateResponse, error) {
	data, err := c.send(ctx, INSAuthenticate, r, r.Control == EnforceUserPresence)
	if err != nil {
		return nil, err
	}
	response, err := ParseAuthenticateResponse(data)
	if err != nil {
		return nil, &OpError{INSAuthenticate, err}
	}
	return response, nil
}

// Check asks whether the key has made the key handle for this application,
// without a touch: nil if it has, [ErrUnknownKeyHandle] if it has not, another
// error if that is not known. Whatever r.Control says, [CheckOnly] is sent.
func (c *Client) Check(ctx context.Context, r *AuthenticateRequest) error {
	check := *r
	check.Control = CheckOnly
	_, err := c.send(ctx, INSAuthenticate, &check, false)
	if errors.Is(err, iso7816.SWConditionsOfUseNotSatisfied) {
		return nil
	}
	// A key must not answer 9000, but one that does knows the key handle.
	return err
}

// send sends a request and returns the data of a successful response. With poll
// it is sent again as long as the key wants to be touched.
func (c *Client) send(ctx context.Context, ins INS, r Request, poll bool) ([]byte, error) {
	apdu, err := r.Append(nil, c.form)
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok && c.config.Timeout >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cmp.Or(c.config.Timeout, DefaultTimeout))
		defer cancel()
	}
	var reply []byte
	for asked := false; ; asked = true {
		if err := ctx.Err(); err != nil {
			return nil, &OpError{ins, err}
		}
		if reply, err = c.transport.MSG(ctx, reply[:0], apdu); err != nil {
			return nil, &OpError{ins, err}
		}
		response, err := iso7816.ParseResponse(reply)
		if err == nil {
			err = response.Err()
		}
		if err == nil {
			return response.Data, nil
		}
		if !poll || err != iso7816.SWConditionsOfUseNotSatisfied {
			return nil, &OpError{ins, err}
		}
		if !asked && c.config.Waiting != nil {
			c.config.Waiting(WaitingUPNeeded)
		}
		select {
		case <-time.After(PollInterval):
		case <-ctx.Done():
			return nil, &OpError{ins, fmt.Errorf("the key was not touched: %w", ctx.Err())}
		}
	}
}
