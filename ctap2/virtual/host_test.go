package virtual_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

var (
	rp    = ctap2.PublicKeyCredentialRPEntity{ID: "example.com", Name: "Example"}
	other = ctap2.PublicKeyCredentialRPEntity{ID: "example.org"}
	ada   = ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "ada@example.com", DisplayName: "Ada Lovelace"}
	grace = ctap2.PublicKeyCredentialUserEntity{ID: []byte("grace"), Name: "grace@example.com", DisplayName: "Grace Hopper"}
	hash  = sha256.Sum256([]byte("client data"))
	es256 = []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}}
)

// host sends requests to a key as bytes and judges replies only as far as a
// test asks; what it does not expect ends the test.
type host struct {
	t        testing.TB
	key      *virtual.Key
	store    *virtual.MemoryStorage
	session  uint64
	protocol pinuv.Protocol
	pin      string
	ctx      context.Context
	waiting  func(byte)
}

func newHost(t testing.TB, c virtual.Config) *host {
	t.Helper()
	store, ok := c.Storage.(*virtual.MemoryStorage)
	if !ok {
		store = new(virtual.MemoryStorage)
		c.Storage = store
	}
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &host{t: t, key: key, store: store, session: 1, protocol: pinuv.Two, ctx: context.Background()}
}

// on returns the same host in another session.
func (h *host) on(session uint64) *host {
	c := *h
	c.session = session
	return &c
}

// request is what the request types of ctap2 have in common.
type request interface {
	Append([]byte) ([]byte, error)
}

// raw is a request as it is on the wire.
type raw []byte

func (r raw) Append(dst []byte) ([]byte, error) { return append(dst, r...), nil }

func encode(t testing.TB, r request) []byte {
	t.Helper()
	b, err := r.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send returns the status and what follows it.
func (h *host) send(r request) (ctap2.Status, []byte) {
	h.t.Helper()
	reply := h.key.CBOR(h.ctx, h.session, nil, encode(h.t, r), h.waiting)
	if len(reply) == 0 {
		h.t.Fatal("empty reply")
	}
	if reply[0] != 0 && len(reply) > 1 {
		h.t.Errorf("%d bytes after the status %v", len(reply)-1, ctap2.Status(reply[0]))
	}
	if reply[0] == 0 && len(reply) > 1 {
		if d, err := cbor.Check(nil, reply[1:]); err != nil || len(d) > 0 {
			h.t.Errorf("reply to %v is not canonical: %v %v: %x", ctap2.Command(encode(h.t, r)[0]), d, err, reply)
		}
	}
	return ctap2.Status(reply[0]), reply[1:]
}

// want sends a request that has to be answered with a status.
func (h *host) want(want ctap2.Status, r request) []byte {
	h.t.Helper()
	got, b := h.send(r)
	if got != want {
		h.t.Fatalf("answered %v, want %v", got, want)
	}
	return b
}

// complete fills in what a test left out of a makeCredential.
func (h *host) complete(r *ctap2.MakeCredentialRequest) *ctap2.MakeCredentialRequest {
	if r.ClientDataHash == nil {
		r.ClientDataHash = hash[:]
	}
	if r.RP.ID == "" {
		r.RP = rp
	}
	if r.User.ID == nil {
		r.User = ada
	}
	if r.PubKeyCredParams == nil {
		r.PubKeyCredParams = es256
	}
	return r
}

// create makes a credential.
func (h *host) create(r *ctap2.MakeCredentialRequest) *ctap2.MakeCredentialResponse {
	h.t.Helper()
	b := h.want(0, h.complete(r))
	response, err := ctap2.ParseMakeCredentialResponse(b)
	if err != nil {
		h.t.Fatal(err)
	}
	return response
}

// discoverable makes a discoverable credential and returns its ID.
func (h *host) discoverable(rp ctap2.PublicKeyCredentialRPEntity, user ctap2.PublicKeyCredentialUserEntity) []byte {
	h.t.Helper()
	r := h.create(h.authorized(&ctap2.MakeCredentialRequest{RP: rp, User: user, Options: ctap2.Options{RK: new(true)}}))
	return r.AuthData.AttestedCredentialData.CredentialID
}

// authorized adds a token if a PIN is set.
func (h *host) authorized(r *ctap2.MakeCredentialRequest) *ctap2.MakeCredentialRequest {
	h.t.Helper()
	h.complete(r)
	if h.pin != "" {
		r.Authorize(h.token(ctap2.PermissionMC, r.RP.ID))
	}
	return r
}

// assert gets an assertion.
func (h *host) assert(r *ctap2.GetAssertionRequest) *ctap2.GetAssertionResponse {
	h.t.Helper()
	return h.assertion(h.want(0, h.ask(r)))
}

// ask fills in what a test left out of a getAssertion.
func (h *host) ask(r *ctap2.GetAssertionRequest) *ctap2.GetAssertionRequest {
	if r.ClientDataHash == nil {
		r.ClientDataHash = hash[:]
	}
	if r.RPID == "" {
		r.RPID = rp.ID
	}
	return r
}

func (h *host) assertion(b []byte) *ctap2.GetAssertionResponse {
	h.t.Helper()
	response, err := ctap2.ParseGetAssertionResponse(b)
	if err != nil {
		h.t.Fatal(err)
	}
	return response
}

func (h *host) info() *ctap2.GetInfoResponse {
	h.t.Helper()
	r, err := ctap2.ParseGetInfoResponse(h.want(0, getInfo))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// lasting encodes what getInfo answers without the members that are encrypted anew
// each time.
func lasting(t testing.TB, r *ctap2.GetInfoResponse) []byte {
	t.Helper()
	c := *r
	c.EncIdentifier, c.EncCredStoreState = nil, nil
	return encode(t, &c)
}

var (
	getInfo          = raw{byte(ctap2.CommandGetInfo)}
	getNextAssertion = raw{byte(ctap2.CommandGetNextAssertion)}
	reset            = raw{byte(ctap2.CommandReset)}
	selection        = raw{byte(ctap2.CommandSelection)}
)

// allow is an allowList or excludeList.
func allow(ids ...[]byte) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, id := range ids {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey})
	}
	return list
}

// agree returns the platform's key and the shared secret.
func (h *host) agree() (*cose.Key, *pinuv.SharedSecret) {
	h.t.Helper()
	b := h.want(0, &ctap2.ClientPINRequest{PinUvAuthProtocol: h.protocol, SubCommand: ctap2.GetKeyAgreement})
	r, err := ctap2.ParseClientPINResponse(b)
	if err != nil {
		h.t.Fatal(err)
	}
	key, secret, err := h.protocol.Encapsulate(nil, r.KeyAgreement)
	if err != nil {
		h.t.Fatal(err)
	}
	return key, secret
}

func (h *host) encrypt(s *pinuv.SharedSecret, plain []byte) []byte {
	h.t.Helper()
	b, err := s.Encrypt(nil, plain)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// hashEnc is pinHashEnc.
func (h *host) hashEnc(s *pinuv.SharedSecret, pin string) []byte {
	h.t.Helper()
	sum := pinuv.HashPIN([]byte(pin))
	return h.encrypt(s, sum[:])
}

// padded is what newPinEnc encrypts: the PIN and zeros up to 64 bytes.
func padded(pin string) []byte { return append([]byte(pin), make([]byte, max(0, 64-len(pin)))...) }

func (h *host) setPINRequest(pin string) *ctap2.ClientPINRequest {
	h.t.Helper()
	key, s := h.agree()
	enc := h.encrypt(s, padded(pin))
	return &ctap2.ClientPINRequest{
		PinUvAuthProtocol: h.protocol, SubCommand: ctap2.SetPIN, KeyAgreement: key,
		NewPinEnc: enc, PinUvAuthParam: s.Authenticate(enc),
	}
}

func (h *host) changePINRequest(from, to string) *ctap2.ClientPINRequest {
	h.t.Helper()
	key, s := h.agree()
	r := &ctap2.ClientPINRequest{
		PinUvAuthProtocol: h.protocol, SubCommand: ctap2.ChangePIN, KeyAgreement: key,
		NewPinEnc: h.encrypt(s, padded(to)), PinHashEnc: h.hashEnc(s, from),
	}
	r.PinUvAuthParam = s.Authenticate(append(append([]byte(nil), r.NewPinEnc...), r.PinHashEnc...))
	return r
}

func (h *host) setPIN(pin string) {
	h.t.Helper()
	h.want(0, h.setPINRequest(pin))
	h.pin = pin
}

// tokenRequest asks for a token for the PIN.
func (h *host) tokenRequest(pin string, p ctap2.Permissions, rpID string) (*ctap2.ClientPINRequest, *pinuv.SharedSecret) {
	h.t.Helper()
	key, s := h.agree()
	return &ctap2.ClientPINRequest{
		PinUvAuthProtocol: h.protocol, SubCommand: ctap2.GetPinUvAuthTokenUsingPinWithPermissions,
		KeyAgreement: key, PinHashEnc: h.hashEnc(s, pin), Permissions: p, RPID: rpID,
	}, s
}

// legacyRequest asks for a token as CTAP 2.0 does.
func (h *host) legacyRequest(pin string) (*ctap2.ClientPINRequest, *pinuv.SharedSecret) {
	h.t.Helper()
	r, s := h.tokenRequest(pin, 0, "")
	r.SubCommand = ctap2.GetPINToken
	return r, s
}

// uvRequest asks for a token through built-in user verification.
func (h *host) uvRequest(p ctap2.Permissions, rpID string) (*ctap2.ClientPINRequest, *pinuv.SharedSecret) {
	h.t.Helper()
	key, s := h.agree()
	return &ctap2.ClientPINRequest{
		PinUvAuthProtocol: h.protocol, SubCommand: ctap2.GetPinUvAuthTokenUsingUvWithPermissions,
		KeyAgreement: key, Permissions: p, RPID: rpID,
	}, s
}

// receive sends a request for a token and decrypts it.
func (h *host) receive(r *ctap2.ClientPINRequest, s *pinuv.SharedSecret) *pinuv.Token {
	h.t.Helper()
	response, err := ctap2.ParseClientPINResponse(h.want(0, r))
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := s.Decrypt(response.PinUvAuthToken)
	if err != nil {
		h.t.Fatal(err)
	}
	token, err := pinuv.NewToken(h.protocol, b)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// token gets a token for the PIN that setPIN has set.
func (h *host) token(p ctap2.Permissions, rpID string) *pinuv.Token {
	h.t.Helper()
	return h.receive(h.tokenRequest(h.pin, p, rpID))
}

var errTest = errors.New("a test's own error")

func mustKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
