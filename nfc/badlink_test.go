package nfc_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

const linkPIN = "135790"

// linkOps are what programs do with a key in a reader, each from a fresh client on.
var linkOps = []struct {
	name string
	do   func(ctx context.Context, c *ctap2.Client) error
}{
	{"info", func(ctx context.Context, c *ctap2.Client) error {
		_, err := c.GetInfo(ctx)
		return err
	}},
	{"PIN retries", func(ctx context.Context, c *ctap2.Client) error {
		_, err := c.PINRetries(ctx)
		return err
	}},
	{"change the PIN", func(ctx context.Context, c *ctap2.Client) error {
		return c.ChangePIN(ctx, []byte(linkPIN), []byte(linkPIN))
	}},
	{"register", func(ctx context.Context, c *ctap2.Client) error {
		return withToken(ctx, c, ctap2.PermissionMC, func(token *pinuv.Token) error {
			_, err := c.MakeCredentialWithList(ctx, registration(3), token)
			return err
		})
	}},
	{"log in", func(ctx context.Context, c *ctap2.Client) error {
		return withToken(ctx, c, ctap2.PermissionGA, func(token *pinuv.Token) error {
			r := &ctap2.GetAssertionRequest{RPID: registration(0).RP.ID, ClientDataHash: make([]byte, 32)}
			_, err := c.GetAssertionWithList(ctx, r, token)
			return err
		})
	}},
	{"list the passkeys", func(ctx context.Context, c *ctap2.Client) error {
		return withToken(ctx, c, ctap2.PermissionCM, func(token *pinuv.Token) error {
			if _, err := c.CredentialsMetadata(ctx, token); err != nil {
				return err
			}
			rps, err := c.RPs(ctx, token)
			for _, rp := range rps {
				if err == nil {
					_, err = c.Credentials(ctx, token, rp.RPIDHash)
				}
			}
			return err
		})
	}},
	{"read and write blobs", func(ctx context.Context, c *ctap2.Client) error {
		return withToken(ctx, c, ctap2.PermissionLBW, func(token *pinuv.Token) error {
			if err := c.SetLargeBlob(ctx, token, make([]byte, 32), make([]byte, 700)); err != nil {
				return err
			}
			_, err := c.GetLargeBlob(ctx, make([]byte, 32))
			return err
		})
	}},
	{"a setting", func(ctx context.Context, c *ctap2.Client) error {
		return withToken(ctx, c, ctap2.PermissionACFG, func(token *pinuv.Token) error { return c.ToggleAlwaysUv(ctx, token) })
	}},
	{"selection", func(ctx context.Context, c *ctap2.Client) error { return c.Selection(ctx) }},
}

func withToken(ctx context.Context, c *ctap2.Client, p ctap2.Permissions, f func(*pinuv.Token) error) error {
	rpID := "" // any
	if p&(ctap2.PermissionMC|ctap2.PermissionGA) != 0 {
		rpID = registration(0).RP.ID
	}
	token, err := c.PINToken(ctx, []byte(linkPIN), p, rpID)
	if err != nil {
		return err
	}
	defer token.Wipe()
	return f(token)
}

// swapping is a card that leaves with the n-th command, from 1, and comes back as
// another: Begin notices it if it happens between two calls.
type swapping struct {
	nfc.Card
	next nfc.Card
	n    int
	sent int
	gone bool
}

func (s *swapping) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if s.sent++; s.sent == s.n {
		s.gone = true
	}
	if s.gone {
		return nil, nfc.ErrGone
	}
	return s.Card.Transmit(ctx, dst, apdu)
}

func (s *swapping) Begin(ctx context.Context) error {
	if s.gone || s.sent+1 == s.n {
		s.n, s.gone = 0, true
		return nfc.ErrGone
	}
	return s.Card.Begin(ctx)
}

func (s *swapping) Reset(ctx context.Context) error {
	if s.gone && s.next != nil {
		s.Card, s.next = s.next, nil
	}
	s.gone = false
	return s.Card.Reset(ctx)
}

func linkKey(t *testing.T, pin string, aaguid byte) *virtual.Key {
	key := newKey(t, virtual.Config{AAGUID: [16]byte{aaguid}, Algorithms: []cose.Algorithm{cose.ES256}})
	if err := key.SetPIN([]byte(pin)); err != nil {
		t.Fatal(err)
	}
	if _, err := key.AddCredential(virtual.NewCredential{RP: registration(0).RP, User: registration(0).User, Discoverable: true}); err != nil {
		t.Fatal(err)
	}
	return key
}

// A card that leaves, forgets or garbles, at each command of all that is done with a
// key: every call ends in time, says what to do, burns no PIN try of a right PIN, of
// this key or of another that comes instead; and the next call works.
func TestBadLink(t *testing.T) {
	garble := func(change func([]byte) []byte) func(n int) nfctest.Fault {
		return func(n int) nfctest.Fault {
			return func(next nfctest.Transmit) nfctest.Transmit {
				count := 0
				return func(ctx context.Context, apdu []byte) ([]byte, error) {
					b, err := next(ctx, apdu)
					if count++; err == nil && count == n {
						b = change(b)
					}
					return b, err
				}
			}
		}
	}
	for _, link := range []struct {
		name  string
		fault func(n int) nfctest.Fault // nil: another key comes instead
		back  bool                      // the next call works
	}{
		{"leaves before an answer", func(n int) nfctest.Fault { return nfctest.LosesField(n, false) }, true},
		{"leaves after an answer", func(n int) nfctest.Fault { return nfctest.LosesField(n, true) }, true},
		{"forgets", nfctest.ForgetsAfter, true},
		{"vanishes", func(n int) nfctest.Fault { return nfctest.Vanishes(n, false) }, false},
		{"answers nothing", garble(func(b []byte) []byte { return nil }), true},
		{"answers a byte", garble(func(b []byte) []byte { return b[:1] }), true},
		{"cuts the answer in half", garble(func(b []byte) []byte { return append(b[:len(b)/2:len(b)/2], 0x90, 0) }), true},
		{"announces more than there is", garble(func(b []byte) []byte { return append(b[:len(b)-2:len(b)-2], 0x61, 0x20) }), true},
		{"wants another length", garble(func([]byte) []byte { return []byte{0x6c, 0x10} }), true},
		{"works without saying on what", garble(func([]byte) []byte { return []byte{0x91, 0x00} }), true},
		{"another key comes", nil, true},
	} {
		for _, op := range linkOps {
			t.Run(link.name+"/"+op.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const most = 60
					untouched := false
					for n := 1; n <= most && !untouched; n++ {
						where := fmt.Sprintf("command %d", n)
						key, other := linkKey(t, linkPIN, 1), linkKey(t, "246802", 2)
						sent := 0
						count := func(next nfctest.Transmit) nfctest.Transmit {
							return func(ctx context.Context, apdu []byte) ([]byte, error) {
								sent++
								return next(ctx, apdu)
							}
						}
						swap := &swapping{Card: nfc.Loopback(key), next: nfc.Loopback(other)}
						card := nfctest.Faulty(swap, count)
						if link.fault != nil {
							card = nfctest.Faulty(nfc.Loopback(key), count, link.fault(n))
						}
						limited := func(f func(ctx context.Context) error) error {
							ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
							defer cancel()
							start := time.Now()
							err := f(ctx)
							if took := time.Since(start); took > 21*time.Second {
								t.Errorf("%s: takes %v", where, took)
							}
							return err
						}
						var conn *nfc.Conn
						err := limited(func(ctx context.Context) (err error) {
							conn, err = nfc.Open(ctx, card, &nfc.Config{Length: nfc.ShortOnly, Segment: 100})
							return err
						})
						if err == nil {
							c := ctap2.NewClient(conn, nil)
							if link.fault == nil { // the program knows the first key
								if _, err := c.Info(t.Context()); err != nil {
									t.Fatal(err)
								}
								sent, swap.sent, swap.n = 0, 0, n
							}
							err = limited(func(ctx context.Context) error { return op.do(ctx, c) })
							untouched = sent < n
							if !untouched {
								again := limited(func(ctx context.Context) error {
									_, err := c.GetInfo(ctx)
									return err
								})
								if (again == nil) != link.back {
									t.Errorf("%s: afterwards %v (before: %v)", where, again, err)
								}
							}
							conn.Close()
						}
						if err != nil && untouched {
							t.Fatalf("%s: without a fault: %v", where, err)
						}
						_, transport := errors.AsType[*nfc.OpError](err)
						_, command := errors.AsType[*ctap2.CommandError](err)
						if err != nil && !transport && !command && !errors.Is(err, ctap2.ErrNoLargeBlob) {
							t.Errorf("%s: %T %v", where, err, err)
						}
						if err != nil && testing.Verbose() {
							t.Logf("%s: %v", where, err)
						}
						if key.PINRetries() != 8 {
							t.Errorf("%s: %d PIN tries are left: %v", where, key.PINRetries(), err)
						}
						if other.PINRetries() != 8 {
							t.Errorf("%s: the other key has %d PIN tries left: %v", where, other.PINRetries(), err)
						}
					}
					if !untouched {
						t.Errorf("it takes more than %d commands", most)
					}
				})
			})
		}
	}
}
