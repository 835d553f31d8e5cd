package fuzz

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/rand/v2"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// A conversation is what FuzzConversation makes of its input.
type conversation struct {
	setup   uint16 // see the bits below
	user    byte   // see newUser
	script  []byte // what the host does: see host
	toKey   []byte // what the wire does to the host's reports: a plan of wireOperations
	toHost  []byte // and to the key's
	replies []byte // what becomes of the key's replies: a plan of lies

	// For tests of the target itself.
	told   func(reply []byte) // is told each reply of the software key
	trace  func(ctaphid.TraceEvent)
	abrupt bool // it ends with the script
}

// The bits of conversation.setup.
const (
	hasPIN         = 0x01  // the first of pins
	hasCredentials = 0x02  // two discoverable ones for the first relying party
	hasUV          = 0x04  // built-in user verification
	strictly       = 0x08  // the client refuses what is not canonical
	traced         = 0x10  // connection and client are traced
	hasSensor      = 0x20  // a fingerprint sensor with one enrolled
	sizesShift     = 6     // two bits: which of reportSizes
	older          = 0x100 // a key of CTAP 2.0
	onlyU2F        = 0x200 // a key that knows CTAP1/U2F alone, and a host that maps CTAP2 to it
	always         = 0x400 // the option alwaysUv
)

// reportSizes are of reports to the key and to the host. The last are about the
// smallest that getInfo's reply fits in.
var reportSizes = [4][2]int{{64, 64}, {64, 32}, {17, 64}, {8, 12}}

// FuzzConversation has a host talk to a key that lies, over a wire that loses,
// alters, delays and invents reports, all as the input says.
//
// Whatever happens: no call outlasts its context by more than the grace, if
// writes that the wire holds up are not counted; every error is of a documented type and tells no
// PIN; a key that was late, and nothing else, is not said to talk nonsense;
// nothing panics and no goroutine is left; the memory that was allocated is in
// proportion to the reports that passed. And when the key and the wire become
// honest, and the device was not lost, the connection works again.
func FuzzConversation(f *testing.F) {
	for _, s := range scenarios {
		f.Add(s.setup, s.user, s.script, []byte{}, []byte{}, []byte{})
	}
	for _, a := range attacks {
		f.Add(a.setup, a.user, a.script, a.toKey, a.toHost, a.replies)
	}
	f.Fuzz(func(t *testing.T, setup uint16, user byte, script, toKey, toHost, replies []byte) {
		if len(script)+len(toKey)+len(toHost)+len(replies) > 1<<14 {
			return // more of the same
		}
		c := conversation{setup: setup, user: user, script: script, toKey: toKey, toHost: toHost, replies: replies}
		c.hold(t)
	})
}

// hold holds the conversation and judges what it cost.
func (c conversation) hold(t *testing.T) (results []error) {
	var reports int
	before := allocated()
	synctest.Test(t, func(t *testing.T) { results, reports = c.inBubble(t) })
	if used, most := allocated()-before, memory(len(results), reports); used > most {
		t.Errorf("%d calls and %d reports took %d bytes of memory, more than %d", len(results), reports, used, most)
	}
	return results
}

// memory is how many bytes a conversation may allocate, both ends and this test
// together: a few times what honest ones do. A call that compresses a large blob
// takes 800 KiB for that.
func memory(calls, reports int) uint64 {
	return 1<<20 + uint64(calls)<<20 + uint64(reports)<<12
}

// allocated returns how many bytes the program has ever allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func (c conversation) inBubble(t *testing.T) (results []error, reports int) {
	user := newUser(c.user)
	key := c.key(t, user)
	l := &liar{Key: key, plan: plan{input: c.replies}, told: c.told}
	server := ctaphid.NewServer(l, nil)
	sizes := reportSizes[c.setup>>sizesShift&3]
	w, keyEnd := newWire(sizes[0], sizes[1], c.toKey, c.toHost)
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(context.Background(), keyEnd)
	}()
	// Neither the key nor the wire may keep the test from ending.
	defer func() {
		user.release()
		w.unplug()
		w.Close()
		<-served
	}()

	h := &host{t: t, script: c.script, wire: w, liar: l, power: func() { key.PowerCycle(); server.PowerCycle() }}
	open := verb{name: "Open", connOnly: true}
	h.call(open, 0, func(ctx context.Context) (err error) {
		h.conn, err = ctaphid.Open(ctx, w, c.connConfig())
		return err
	})
	if h.conn != nil {
		h.client = ctap2.NewClient(c.transport(h.conn), c.clientConfig())
		h.run()
		l.honest()
		user.release()
		if w.honest() && !h.closed && !c.abrupt {
			h.recover(key)
		}
		h.conn.Close()
	}
	return h.results, w.passed
}

// transport is how the client sees the connection.
func (c conversation) transport(conn *ctaphid.Conn) ctap2.Transport {
	if c.setup&onlyU2F != 0 {
		return ctap2.U2FMapping{U2FTransport: conn}
	}
	return conn
}

// recover is what a connection must be capable of after all that was done to
// it, if it still has its device.
func (h *host) recover(key *virtual.Key) {
	// Whatever the key was told to do, or was sent late, is over by then: a
	// lock lasts ten seconds at most.
	time.Sleep(12 * time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := h.conn.Resync(ctx); err != nil {
		h.t.Fatalf("the key is honest again, but not to be resynchronised: %v", err)
	}
	info, err := h.client.GetInfo(ctx)
	if err != nil {
		h.t.Fatalf("the key is honest again, but getInfo fails: %v", err)
	}
	if key.Capabilities()&capabilityCBOR == 0 {
		return // what the mapping says of a U2F key
	}
	if got, want := lasting(h.t, info), lasting(h.t, key.Info()); !bytes.Equal(got, want) {
		h.t.Fatalf("the key is honest again, but getInfo gives\n%x, not\n%x", got, want)
	}
}

// capabilityCBOR is the bit of INIT's capabilities that says that the key speaks
// CTAP2.
const capabilityCBOR = 0x04

// lasting encodes what getInfo answers without the members that are encrypted anew
// each time.
func lasting(t *testing.T, r *ctap2.GetInfoResponse) []byte {
	c := *r
	c.EncIdentifier, c.EncCredStoreState = nil, nil
	b, err := c.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c conversation) connConfig() *ctaphid.Config {
	config := &ctaphid.Config{Grace: grace, Overall: overall, Rand: newRand(1), Trace: c.trace}
	if c.setup&traced != 0 && c.trace == nil {
		config.Trace = func(e ctaphid.TraceEvent) { _ = e.String() }
	}
	return config
}

func (c conversation) clientConfig() *ctap2.ClientConfig {
	config := &ctap2.ClientConfig{Strict: c.setup&strictly != 0, Timeout: overall, Rand: newRand(2)}
	if c.setup&traced != 0 {
		config.Trace = func(e ctap2.TraceEvent) {
			text := e.String()
			for _, pin := range pins {
				if pin != "" && strings.Contains(text, pin) {
					panic("the trace tells the PIN: " + text)
				}
			}
		}
		config.Waiting = func(byte) {}
	}
	return config
}

// key returns the software key of the conversation.
func (c conversation) key(t *testing.T, u *user) *virtual.Key {
	config := virtual.Config{
		User:        u,
		Rand:        newRand(3),
		Algorithms:  []cose.Algorithm{cose.ES256, cose.EdDSA}, // the others are slow
		Attestation: virtual.AttestSelf,
		History:     -1,
	}
	if c.user == 0 {
		config.User = virtual.AlwaysTouch() // the same, but quicker
	}
	if c.setup&hasUV != 0 {
		config.UV = virtual.ConfiguredUV
	}
	if c.setup&hasSensor != 0 {
		config.UV = virtual.FingerprintUV
	}
	config.AlwaysUV = c.setup&always != 0
	switch {
	case c.setup&onlyU2F != 0:
		config.Profile = virtual.U2FOnly
	case c.setup&older != 0:
		config.Profile = virtual.FIDO20
	}
	key, err := virtual.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if c.setup&hasSensor != 0 {
		if _, err := key.AddFingerprint("thumb"); err != nil {
			t.Fatal(err)
		}
	}
	if c.setup&hasPIN != 0 {
		if err := key.SetPIN([]byte(pins[0])); err != nil {
			t.Fatal(err)
		}
	}
	if c.setup&hasCredentials != 0 {
		for _, name := range []string{"ada", "bob"} {
			_, err := key.AddCredential(virtual.NewCredential{
				RP:           ctap2.PublicKeyCredentialRPEntity{ID: relyingParties[0]},
				User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte(name), Name: name},
				PrivateKey:   credentialKey,
				Discoverable: true,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return key
}

// credentialKey is the private key of the credentials that a key has from the
// start.
var credentialKey = func() *ecdsa.PrivateKey {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32))
	if err != nil {
		panic(err)
	}
	return key
}()

// newRand returns random bytes that are the same every time, so that a
// conversation can be held again.
func newRand(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }
