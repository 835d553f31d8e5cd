package ctap2_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// hexBytes are hexadecimal digits in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// u2fVectors are the two exchanges of testdata/u2f.json, which names their
// source: a registration at acme.com and a login.
var u2fVectors = sync.OnceValues(func() (v [2]struct {
	Name, Source                                    string
	ClientDataHash, U2FResponse, CredentialID       hexBytes
	AuthData, Response /* CTAP2's map */, Signature hexBytes
}, err error) {
	b, err := os.ReadFile("testdata/u2f.json")
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(b, &v)
})

// acmeKey is a U2F key that answers with the vectors, whatever the challenge.
type acmeKey struct {
	register, authenticate []byte
	known                  []string          // key handles
	refusals               int               // how often a touch is missing before there is one; less than zero: always
	answers                map[string]string // replies in hexadecimal, by the line in sent
	sent                   []string
	dummies                int // registrations with nothing but zeros
}

func newAcmeKey() (*acmeKey, error) {
	v, err := u2fVectors()
	if err != nil {
		return nil, err
	}
	return &acmeKey{register: v[0].U2FResponse, authenticate: v[1].U2FResponse}, nil
}

// MSG implements ctap2.U2FTransport.
func (k *acmeKey) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	request, err := u2f.ParseRequest(apdu)
	if err != nil {
		return nil, err
	}
	line, data, sw := k.reply(request)
	k.sent = append(k.sent, line)
	if answer, ok := k.answers[line]; ok {
		reply, err := hex.DecodeString(answer)
		return append(dst, reply...), err
	}
	return iso7816.Response{Data: data, SW: sw}.Append(dst), nil
}

func (k *acmeKey) reply(request u2f.Request) (line string, data []byte, sw iso7816.StatusWord) {
	touch := func(data []byte) ([]byte, iso7816.StatusWord) {
		if k.refusals != 0 {
			k.refusals--
			return nil, iso7816.SWConditionsOfUseNotSatisfied
		}
		return data, iso7816.SWNoError
	}
	switch r := request.(type) {
	case *u2f.RegisterRequest:
		if *r == (u2f.RegisterRequest{}) {
			k.dummies++
		}
		data, sw = touch(k.register)
		return "register", data, sw
	case *u2f.AuthenticateRequest:
		line = map[u2f.Control]string{u2f.CheckOnly: "check ", u2f.EnforceUserPresence: "sign ", u2f.DontEnforceUserPresence: "sign silently "}[r.Control] + string(r.KeyHandle)
		switch {
		case !slices.Contains(k.known, string(r.KeyHandle)):
			return line, nil, iso7816.SWWrongData
		case r.Control == u2f.CheckOnly:
			return line, nil, iso7816.SWConditionsOfUseNotSatisfied
		case r.Control == u2f.DontEnforceUserPresence:
			return line, append([]byte{0}, k.authenticate[1:]...), iso7816.SWNoError
		}
		data, sw = touch(k.authenticate)
		return line, data, sw
	}
	return "version", []byte("U2F_V2"), iso7816.SWNoError
}

// acme returns a client for a key that answers with the vectors, and the key.
func acme(t testing.TB) (*ctap2.Client, *acmeKey) {
	t.Helper()
	key, err := newAcmeKey()
	if err != nil {
		t.Fatal(err)
	}
	return ctap2.NewClient(ctap2.U2FMapping{U2FTransport: key}, nil), key
}

func acmeRegistration() *ctap2.MakeCredentialRequest {
	v, err := u2fVectors()
	if err != nil {
		panic(err)
	}
	return &ctap2.MakeCredentialRequest{
		ClientDataHash: v[0].ClientDataHash,
		RP:             ctap2.PublicKeyCredentialRPEntity{ID: "acme.com", Name: "Acme"},
		User:           ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{
			{Alg: cose.EdDSA, Type: ctap2.TypePublicKey},
			{Alg: cose.ES256, Type: ctap2.TypePublicKey},
		},
	}
}

func acmeLogin(ids ...string) *ctap2.GetAssertionRequest {
	v, err := u2fVectors()
	if err != nil {
		panic(err)
	}
	return &ctap2.GetAssertionRequest{RPID: "acme.com", ClientDataHash: v[1].ClientDataHash, AllowList: credentials(ids...)}
}

func credentials(ids ...string) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, id := range ids {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: []byte(id), Type: ctap2.TypePublicKey})
	}
	return list
}

func TestU2FMappingVectors(t *testing.T) {
	v, err := u2fVectors()
	if err != nil {
		t.Fatal(err)
	}
	client, key := acme(t)
	made, err := client.MakeCredential(t.Context(), acmeRegistration())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made.Raw, v[0].Response) {
		t.Errorf("makeCredential gives\n%x, want\n%x", made.Raw, v[0].Response)
	}
	if !bytes.Equal(made.AuthData.Raw, v[0].AuthData) || made.Fmt != attestation.FormatFIDOU2F || made.Deviations != nil {
		t.Errorf("makeCredential gives %+v", made)
	}
	if _, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, v[0].ClientDataHash); err != nil {
		t.Errorf("the attestation does not verify: %v", err)
	}

	key.known = []string{string(v[1].CredentialID)}
	got, err := client.GetAssertion(t.Context(), acmeLogin(key.known...))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.AuthData.Raw, v[1].AuthData) || !bytes.Equal(got.Signature, v[1].Signature) {
		t.Errorf("getAssertion gives %x and %x", got.AuthData.Raw, got.Signature)
	}
	if !bytes.Equal(got.Credential.ID, v[1].CredentialID) || got.Credential.Type != ctap2.TypePublicKey || got.User != nil {
		t.Errorf("getAssertion gives the credential %+v of %+v", got.Credential, got.User)
	}
	public := made.AuthData.AttestedCredentialData.PublicKey
	if err := public.Verify(slices.Concat(got.AuthData.Raw, v[1].ClientDataHash), got.Signature); err != nil {
		t.Errorf("the assertion does not verify: %v", err)
	}
}

func TestU2FMappingGetInfo(t *testing.T) {
	client, key := acme(t)
	info, err := client.GetInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(info.Versions, []string{ctap2.VersionU2F}) || info.AAGUID != (ctap2.AAGUID{}) || info.MaxMessage() != 1<<16 ||
		info.MaxCredentialCountInList != 1<<16 || info.MaxCredentialIDLength != 255 || len(info.Options) != 0 || info.Deviations != nil ||
		!slices.Equal(info.Algorithms, []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}}) {
		t.Errorf("info %+v", info)
	}
	if !slices.Equal(key.sent, []string{"version"}) {
		t.Errorf("sent %q", key.sent)
	}
}

// What U2F can't do is refused before anything is sent.
func TestU2FMappingUnsupported(t *testing.T) {
	es256 := ctap2.PublicKeyCredentialParameters{Alg: cose.ES256, Type: ctap2.TypePublicKey}
	for _, c := range []struct {
		name string
		make func(*ctap2.MakeCredentialRequest)
		get  func(*ctap2.GetAssertionRequest)
		want string
	}{
		{"discoverable", func(r *ctap2.MakeCredentialRequest) { r.Options.RK = new(true) }, nil, "discoverable credentials"},
		{"user verification",
			func(r *ctap2.MakeCredentialRequest) { r.Options.UV = new(true) },
			func(r *ctap2.GetAssertionRequest) { r.Options.UV = new(true) }, "user verification"},
		{"token",
			func(r *ctap2.MakeCredentialRequest) {
				r.PinUvAuthParam, r.PinUvAuthProtocol = make([]byte, 16), pinuv.One
			},
			func(r *ctap2.GetAssertionRequest) {
				r.PinUvAuthParam, r.PinUvAuthProtocol = make([]byte, 16), pinuv.One
			}, "user verification"},
		{"empty token",
			func(r *ctap2.MakeCredentialRequest) { r.PinUvAuthParam, r.PinUvAuthProtocol = []byte{}, pinuv.One },
			func(r *ctap2.GetAssertionRequest) { r.PinUvAuthParam, r.PinUvAuthProtocol = []byte{}, pinuv.One }, "user verification"},
		{"extension",
			func(r *ctap2.MakeCredentialRequest) {
				r.Extensions = ctap2.Extensions{ctap2.ExtensionCredProtect: []byte{3}}
			},
			func(r *ctap2.GetAssertionRequest) { r.Extensions = ctap2.Extensions{"unknown": []byte{0xf5}} }, "extensions"},
		{"no algorithm of the key's", func(r *ctap2.MakeCredentialRequest) { r.PubKeyCredParams = r.PubKeyCredParams[:1] }, nil, "any of the algorithms"},
		{"the algorithm, of another type", func(r *ctap2.MakeCredentialRequest) {
			other := es256
			other.Type = "private-key"
			r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{other}
		}, nil, "any of the algorithms"},
		{"enterprise attestation", func(r *ctap2.MakeCredentialRequest) { r.EnterpriseAttestation = 1 }, nil, "enterprise attestation"},
		{"no allowList", nil, func(r *ctap2.GetAssertionRequest) { r.AllowList = nil }, "discoverable credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, key := acme(t)
			var errs []error
			if c.make != nil {
				r := acmeRegistration()
				c.make(r)
				_, err := client.MakeCredential(t.Context(), r)
				errs = append(errs, err)
			}
			if c.get != nil {
				r := acmeLogin("known")
				c.get(r)
				_, err := client.GetAssertion(t.Context(), r)
				errs = append(errs, err)
			}
			for _, err := range errs {
				unsupported, ok := errors.AsType[*ctap2.UnsupportedError](err)
				if !ok || !strings.Contains(unsupported.Feature, c.want) || !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("error %v", err)
				}
			}
			if len(key.sent) > 0 {
				t.Errorf("sent %q", key.sent)
			}
		})
	}
}

// Options that say what is so anyway are no obstacle.
func TestU2FMappingOptionsThatAreFalse(t *testing.T) {
	client, key := acme(t)
	key.known = []string{"known"}
	r := acmeRegistration()
	r.Options = ctap2.Options{RK: new(false), UV: new(false), UP: new(true)}
	if _, err := client.MakeCredential(t.Context(), r); err != nil {
		t.Errorf("makeCredential: %v", err)
	}
	q := acmeLogin("known")
	q.Options = ctap2.Options{UV: new(false), UP: new(true)}
	if _, err := client.GetAssertion(t.Context(), q); err != nil {
		t.Errorf("getAssertion: %v", err)
	}
}

// Requests that are wrong get the status that a CTAP2 key answers with.
func TestU2FMappingStatuses(t *testing.T) {
	encode := func(request interface{ Append([]byte) ([]byte, error) }) []byte {
		b, err := request.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	registration := func(change func(*ctap2.MakeCredentialRequest)) []byte {
		r := acmeRegistration()
		change(r)
		return encode(r)
	}
	shortHash := acmeLogin("known")
	shortHash.ClientDataHash = shortHash.ClientDataHash[1:]
	for _, c := range []struct {
		name    string
		request []byte
		want    ctap2.Status
	}{
		{"empty", nil, ctap2.StatusInvalidLength},
		{"clientPIN", []byte{6, 0xa1, 2, 1}, ctap2.StatusInvalidCommand},
		{"reset", []byte{7}, ctap2.StatusInvalidCommand},
		{"selection", []byte{11}, ctap2.StatusInvalidCommand},
		{"getNextAssertion", []byte{8}, ctap2.StatusInvalidCommand},
		{"makeCredential/no parameters", []byte{1}, ctap2.StatusMissingParameter},
		{"makeCredential/not CBOR", []byte{1, 0xff}, ctap2.StatusInvalidCBOR},
		{"makeCredential/hash of 31 bytes", registration(func(r *ctap2.MakeCredentialRequest) { r.ClientDataHash = r.ClientDataHash[1:] }), ctap2.StatusInvalidLength},
		{"makeCredential/without presence", registration(func(r *ctap2.MakeCredentialRequest) { r.Options.UP = new(false) }), ctap2.StatusInvalidOption},
		{"getAssertion/no parameters", []byte{2, 0xa0}, ctap2.StatusMissingParameter},
		{"getAssertion/hash of 31 bytes", encode(shortHash), ctap2.StatusInvalidLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, key := acme(t)
			reply, err := ctap2.U2FMapping{U2FTransport: key}.CBOR(t.Context(), []byte("before"), c.request, nil)
			if err != nil || string(reply) != "before"+string(rune(c.want)) || len(key.sent) > 0 {
				t.Errorf("reply %q, %v after %q", reply, err, key.sent)
			}
		})
	}
}

func TestU2FMappingExcludeList(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name    string
		list    []ctap2.PublicKeyCredentialDescriptor
		answers map[string]string
		want    error
		sent    []string
		dummies int
	}{
		{"none is known", credentials("a", "b"), nil, nil, []string{"check a", "check b", "register"}, 0},
		{"one is known", credentials("a", "known", "b"), nil, ctap2.StatusCredentialExcluded,
			[]string{"check a", "check known", "register", "register", "register"}, 3},
		{"unknown handles that are a wrong length", credentials("a"), map[string]string{"check a": "6700"}, nil, []string{"check a", "register"}, 0},
		{"IDs that can't be key handles", credentials("", long), nil, nil, []string{"register"}, 0},
		{"another type", []ctap2.PublicKeyCredentialDescriptor{{ID: []byte("known"), Type: "other"}}, nil, nil, []string{"register"}, 0},
		{"a check that fails", credentials("a", "b"), map[string]string{"check a": "6f00"}, iso7816.SWNoPreciseDiagnosis, []string{"check a"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, key := acme(t)
				key.known, key.answers = []string{"known"}, c.answers
				if c.dummies > 0 {
					key.refusals = c.dummies - 1
				}
				r := acmeRegistration()
				r.ExcludeList = c.list
				_, err := client.MakeCredential(t.Context(), r)
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if !slices.Equal(key.sent, c.sent) || key.dummies != c.dummies {
					t.Errorf("sent %q, %d of them dummies", key.sent, key.dummies)
				}
			})
		})
	}
}

func TestU2FMappingAllowList(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name    string
		list    []string
		answers map[string]string
		want    error
		id      string
		sent    []string
	}{
		{"the first", []string{"known", "a"}, nil, nil, "known", []string{"check known", "sign known"}},
		{"the last", []string{"a", "b", "known"}, nil, nil, "known", []string{"check a", "check b", "check known", "sign known"}},
		{"two: the first wins", []string{"also known", "known"}, nil, nil, "also known", []string{"check also known", "sign also known"}},
		{"none", []string{"a", "b"}, nil, ctap2.StatusNoCredentials, "", []string{"check a", "check b"}},
		{"IDs that can't be key handles", []string{"", long}, nil, ctap2.StatusNoCredentials, "", nil},
		{"unknown handles that are a wrong length", []string{"a", "known"}, map[string]string{"check a": "6700"}, nil, "known",
			[]string{"check a", "check known", "sign known"}},
		{"a check that fails", []string{"a", "known"}, map[string]string{"check a": "6f00"}, iso7816.SWNoPreciseDiagnosis, "", []string{"check a"}},
		{"switched off", []string{"known"}, map[string]string{"check known": "6986"}, u2f.ErrSwitchedOff, "", []string{"check known"}},
		{"a key that changes its mind", []string{"known"}, map[string]string{"sign known": "6a80"}, u2f.ErrUnknownKeyHandle, "",
			[]string{"check known", "sign known"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, key := acme(t)
			key.known, key.answers = []string{"known", "also known"}, c.answers
			got, err := client.GetAssertion(t.Context(), acmeLogin(c.list...))
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err == nil && string(got.Credential.ID) != c.id {
				t.Errorf("credential %q", got.Credential.ID)
			}
			if !slices.Equal(key.sent, c.sent) {
				t.Errorf("sent %q", key.sent)
			}
		})
	}
}

func TestU2FMappingLongLists(t *testing.T) {
	client, key := acme(t)
	key.known = []string{"known"}
	var ids []string
	for i := range 700 {
		ids = append(ids, fmt.Sprintf("credential %03d of the account, which is not this key's", i))
	}
	ids = append(ids, "known")
	got, err := client.GetAssertionWithList(t.Context(), acmeLogin(ids...), nil)
	if err != nil || string(got.Credential.ID) != "known" {
		t.Fatalf("%+v, %v", got, err)
	}
	if n := len(key.sent); n != 1+701+1 {
		t.Errorf("%d requests", n)
	}
}

func TestU2FMappingWithoutPresence(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer string
		flags  ctap2.Flags
		want   error
	}{
		{"signed", "", 0, nil},
		{"presence all the same", "010000000111" + "9000", ctap2.FlagUP, nil},
		{"reserved bits/the first is handed on", "020000000111" + "9000", 0x02, nil},
		{"reserved bits/the others are not", "fd0000000111" + "9000", ctap2.FlagUP, nil},
		{"a key that always wants a touch", "6985", 0, ctap2.StatusUPRequired},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, key := acme(t)
			key.known = []string{"known"}
			if c.answer != "" {
				key.answers = map[string]string{"sign silently known": c.answer}
			}
			r := acmeLogin("known")
			r.Options.UP = new(false)
			got, err := client.GetAssertion(t.Context(), r)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err == nil && got.AuthData.Flags != c.flags {
				t.Errorf("%+v, %v", got, err)
			}
			if !slices.Equal(key.sent, []string{"check known", "sign silently known"}) {
				t.Errorf("sent %q", key.sent)
			}
		})
	}
}

// While the key wants to be touched it is asked again, and the program is told.
func TestU2FMappingWaitsForTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, key := acme(t)
		key.known = []string{"known"}
		var told []byte
		client := ctap2.NewClient(ctap2.U2FMapping{U2FTransport: key}, &ctap2.ClientConfig{
			Waiting: func(status byte) { told = append(told, status) },
		})
		for name, call := range map[string]func(context.Context) error{
			"makeCredential": func(ctx context.Context) error {
				_, err := client.MakeCredential(ctx, acmeRegistration())
				return err
			},
			"getAssertion": func(ctx context.Context) error {
				_, err := client.GetAssertion(ctx, acmeLogin("known"))
				return err
			},
			"selection": client.Selection,
		} {
			key.refusals, told = 5, nil
			start := time.Now()
			if err := call(t.Context()); err != nil || time.Since(start) != time.Second {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			if !slices.Equal(told, []byte{ctap2.WaitingUPNeeded}) {
				t.Errorf("%s: Waiting was called with %v", name, told)
			}

			key.refusals = -1
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			start = time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 7*time.Second {
				t.Errorf("%s that nobody answers: %v after %v", name, err, time.Since(start))
			}
			cancel()
		}
	})
}

func TestU2FMappingRepliesThatMakeNoSense(t *testing.T) {
	v, err := u2fVectors()
	if err != nil {
		t.Fatal(err)
	}
	offCurve := bytes.Clone(v[0].U2FResponse)
	offCurve[65]++
	create := func(c *ctap2.Client) error {
		_, err := c.MakeCredential(context.Background(), acmeRegistration())
		return err
	}
	get := func(c *ctap2.Client) error {
		_, err := c.GetAssertion(context.Background(), acmeLogin("known"))
		return err
	}
	info := func(c *ctap2.Client) error {
		_, err := c.GetInfo(context.Background())
		return err
	}
	for _, c := range []struct {
		name, line, answer string
		call               func(*ctap2.Client) error
		want               string
	}{
		{"registration/empty", "register", "9000", create, "it is cut short"},
		{"registration/cut short", "register", "05049000", create, "it is cut short"},
		{"registration/key not on the curve", "register", hex.EncodeToString(offCurve) + "9000", create, "not a point on P-256"},
		{"registration/no status word", "register", "", create, "status word"},
		{"authentication/cut short", "sign known", "01009000", get, "it is cut short"},
		{"authentication/no signature", "sign known", "01000000019000", get, "the signature is missing"},
		{"check/no status word", "check known", "90", get, "status word"},
		{"version/empty", "version", "9000", info, `U2F_VERSION says ""`},
		{"version/another", "version", "5532465f56339000", info, `U2F_VERSION says "U2F_V3"`},
		{"version/not known", "version", "6d00", info, "does not speak U2F"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, key := acme(t)
			key.known, key.answers = []string{"known"}, map[string]string{c.line: c.answer}
			err := c.call(client)
			if _, ok := errors.AsType[*ctap2.CommandError](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// msgFunc is a U2FTransport that is a function.
type msgFunc func(apdu []byte) ([]byte, error)

func (f msgFunc) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := f(apdu)
	return append(dst, reply...), err
}

// FuzzU2FMapping: whatever is asked, and whatever a U2F key answers, the mapping
// ends within the time of its context, an answer of success can be parsed, and
// what is sent to the key is correct U2F.
func FuzzU2FMapping(f *testing.F) {
	v, err := u2fVectors()
	if err != nil {
		f.Fatal(err)
	}
	encode := func(request interface{ Append([]byte) ([]byte, error) }) []byte {
		b, err := request.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	ok, touch, unknown := []byte{0x90, 0}, []byte{0x69, 0x85}, []byte{0x6a, 0x80}
	registered := append(bytes.Clone(v[0].U2FResponse), ok...)
	signed := append(bytes.Clone(v[1].U2FResponse), ok...)
	excluding := acmeRegistration()
	excluding.ExcludeList = credentials("a", "b")
	f.Add(encode(acmeRegistration()), touch, registered, touch)
	f.Add(encode(acmeRegistration()), registered, touch, touch)
	f.Add(encode(excluding), unknown, touch, registered)
	f.Add(encode(acmeLogin("a", "b")), unknown, touch, signed)
	f.Add(encode(acmeLogin("a")), touch, touch, signed)
	f.Add([]byte{4}, []byte("U2F_V2\x90\x00"), touch, touch)
	f.Add([]byte{7}, touch, touch, touch)
	f.Fuzz(func(t *testing.T, request, reply1, reply2, reply3 []byte) {
		synctest.Test(t, func(t *testing.T) {
			replies := [][]byte{reply1, reply2, reply3}
			n := 0
			mapping := ctap2.U2FMapping{U2FTransport: msgFunc(func(apdu []byte) ([]byte, error) {
				if _, err := u2f.ParseRequest(apdu); err != nil {
					t.Errorf("sent %x: %v", apdu, err)
				}
				if n++; n > math.MaxUint16 {
					return nil, io.ErrUnexpectedEOF
				}
				return replies[min(n, len(replies))-1], nil
			})}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			reply, err := mapping.CBOR(ctx, nil, request, nil)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if err != nil {
				return
			}
			if len(reply) == 0 || len(reply) > 1 && reply[0] != 0 {
				t.Fatalf("reply %x", reply)
			}
			if reply[0] != 0 {
				return
			}
			switch ctap2.Command(request[0]) {
			case ctap2.CommandMakeCredential:
				_, err = ctap2.ParseMakeCredentialResponse(reply[1:])
			case ctap2.CommandGetAssertion:
				_, err = ctap2.ParseGetAssertionResponse(reply[1:])
			case ctap2.CommandGetInfo:
				_, err = ctap2.ParseGetInfoResponse(reply[1:])
			default:
				err = errors.New("a command that U2F does not have")
			}
			if err != nil {
				t.Fatalf("%x is answered with %x: %v", request, reply, err)
			}
		})
	})
}
