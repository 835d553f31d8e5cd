package ctap2_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/nfc/iso7816"
)

// mapped is a software key that is used by U2F over CTAPHID.
type mapped struct {
	t      *testing.T
	key    *virtual.Key
	client *ctap2.Client
	told   []byte // what Waiting was called with
}

func newMapped(t *testing.T, c virtual.Config) *mapped {
	t.Helper()
	c.History = 2000
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ctaphid.Open(t.Context(), ctaphid.Loopback(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	m := &mapped{t: t, key: key}
	m.client = ctap2.NewClient(ctap2.U2FMapping{U2FTransport: conn}, &ctap2.ClientConfig{
		Strict: true, Waiting: func(status byte) { m.told = append(m.told, status) },
	})
	return m
}

func mappedRegistration(exclude ...[]byte) *ctap2.MakeCredentialRequest {
	r := registration("ada")
	r.Options.RK = nil
	r.ExcludeList = listOf(exclude...)
	return r
}

func mappedLogin(ids ...[]byte) *ctap2.GetAssertionRequest {
	return &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash, AllowList: listOf(ids...)}
}

func listOf(ids ...[]byte) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, id := range ids {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey})
	}
	return list
}

// register makes a credential and verifies its attestation.
func (m *mapped) register() *ctap2.AttestedCredentialData {
	m.t.Helper()
	made, err := m.client.MakeCredential(m.t.Context(), mappedRegistration())
	if err != nil {
		m.t.Fatal(err)
	}
	if r, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, clientDataHash); err != nil || len(r.Deviations) > 0 || r.Format != attestation.FormatFIDOU2F {
		m.t.Errorf("attestation %+v, %v", r, err)
	}
	if made.AuthData.RPIDHash != sha256.Sum256([]byte("example.com")) || made.AuthData.Flags != ctap2.FlagUP|ctap2.FlagAT || made.AuthData.SignCount != 0 {
		m.t.Errorf("%+v", made.AuthData)
	}
	return made.AuthData.AttestedCredentialData
}

// verify verifies an assertion.
func (m *mapped) verify(got *ctap2.GetAssertionResponse, by *ctap2.AttestedCredentialData, flags ctap2.Flags) {
	m.t.Helper()
	if err := by.PublicKey.Verify(slices.Concat(got.AuthData.Raw, clientDataHash), got.Signature); err != nil {
		m.t.Error(err)
	}
	if string(got.Credential.ID) != string(by.CredentialID) || got.AuthData.Flags != flags || got.AuthData.SignCount != m.key.SignCount() || got.User != nil {
		m.t.Errorf("%+v", got)
	}
}

// sent returns the U2F commands since the last call, and their status words.
func (m *mapped) sent(from int) (lines []string) {
	for _, r := range m.key.Commands()[from:] {
		line := "CTAP2"
		switch q, _ := r.Parse(); q := q.(type) {
		case *u2f.RegisterRequest:
			line = "register"
			if q.Application == ([32]byte{}) {
				line = "dummy"
			}
		case *u2f.AuthenticateRequest:
			line = map[u2f.Control]string{u2f.CheckOnly: "check", u2f.EnforceUserPresence: "sign", u2f.DontEnforceUserPresence: "silent"}[q.Control]
		case *u2f.VersionRequest:
			line = "version"
		}
		lines = append(lines, fmt.Sprintf("%s %x", line, r.Reply[len(r.Reply)-2:]))
	}
	return lines
}

// The mapping with a key that answers for itself, whatever else the key knows.
func TestU2FMappingOnSoftwareKey(t *testing.T) {
	for _, profile := range []virtual.Profile{virtual.U2FOnly, virtual.FIDO23} {
		t.Run(profile.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMapped(t, virtual.Config{Profile: profile})
				info, err := m.client.GetInfo(t.Context())
				if err != nil || !slices.Equal(info.Versions, []string{ctap2.VersionU2F}) {
					t.Fatalf("%+v, %v", info, err)
				}
				own := m.register()
				foreign := []byte("a credential of another key")
				for _, test := range []struct {
					name string
					call func() error
					sent []string
					want error
				}{
					{"login", func() error {
						got, err := m.client.GetAssertion(t.Context(), mappedLogin(foreign, own.CredentialID))
						if err == nil {
							m.verify(got, own, ctap2.FlagUP)
						}
						return err
					}, []string{"check 6a80", "check 6985", "sign 9000"}, nil},
					{"silent login", func() error {
						r := mappedLogin(own.CredentialID)
						r.Options.UP = new(false)
						got, err := m.client.GetAssertion(t.Context(), r)
						if err == nil {
							m.verify(got, own, 0)
						}
						return err
					}, []string{"check 6985", "silent 9000"}, nil},
					{"login with foreign credentials", func() error {
						_, err := m.client.GetAssertion(t.Context(), mappedLogin(foreign, make([]byte, 256), make([]byte, 255)))
						return err
					}, []string{"check 6a80", "check 6a80"}, ctap2.StatusNoCredentials},
					{"login elsewhere", func() error {
						r := mappedLogin(own.CredentialID)
						r.RPID = "example.org"
						_, err := m.client.GetAssertion(t.Context(), r)
						return err
					}, []string{"check 6a80"}, ctap2.StatusNoCredentials},
					{"excluded", func() error {
						_, err := m.client.MakeCredential(t.Context(), mappedRegistration(foreign, own.CredentialID))
						return err
					}, []string{"check 6a80", "check 6985", "dummy 9000"}, ctap2.StatusCredentialExcluded},
					{"not excluded", func() error {
						_, err := m.client.MakeCredential(t.Context(), mappedRegistration(foreign))
						return err
					}, []string{"check 6a80", "register 9000"}, nil},
					{"a list", func() error {
						got, err := m.client.GetAssertionWithList(t.Context(), mappedLogin(foreign, own.CredentialID), nil)
						if err == nil {
							m.verify(got, own, ctap2.FlagUP)
						}
						return err
					}, []string{"check 6a80", "check 6985", "sign 9000"}, nil},
					{"what is on the list", func() error {
						found, err := m.client.FindCredential(t.Context(), "example.com", listOf(foreign, own.CredentialID), nil)
						if err == nil && (found == nil || string(found.ID) != string(own.CredentialID)) {
							t.Errorf("found %+v", found)
						}
						return err
					}, []string{"check 6a80", "check 6985", "silent 9000"}, nil},
					{"selection", func() error { return m.client.Selection(t.Context()) }, []string{"register 9000"}, nil},
					{"a passkey", func() error {
						_, err := m.client.MakeCredential(t.Context(), registration("ada"))
						return err
					}, nil, errors.ErrUnsupported},
				} {
					before := len(m.key.Commands())
					if err := test.call(); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
						t.Errorf("%s: %v", test.name, err)
					}
					if sent := m.sent(before); !slices.Equal(sent, test.sent) {
						t.Errorf("%s: sent %q, want %q", test.name, sent, test.sent)
					}
				}
				if len(m.told) > 0 {
					t.Errorf("Waiting was called with %v", m.told)
				}
			})
		})
	}
}

// The user is waited for by asking again, and told of once.
func TestU2FMappingWaitsForUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMapped(t, virtual.Config{Profile: virtual.U2FOnly})
		own := m.register()
		m.key.SetUser(virtual.TouchAfter(3 * time.Second))
		for name, call := range map[string]func(context.Context) error{
			"register": func(ctx context.Context) error {
				_, err := m.client.MakeCredential(ctx, mappedRegistration())
				return err
			},
			"log in": func(ctx context.Context) error {
				_, err := m.client.GetAssertion(ctx, mappedLogin(own.CredentialID))
				return err
			},
			"excluded": func(ctx context.Context) error {
				_, err := m.client.MakeCredential(ctx, mappedRegistration(own.CredentialID))
				if errors.Is(err, ctap2.StatusCredentialExcluded) {
					return nil
				}
				return errors.Join(err, errors.New("not excluded"))
			},
			"select": m.client.Selection,
		} {
			m.told = nil
			began := time.Now()
			if err := call(t.Context()); err != nil || time.Since(began) != 3*time.Second {
				t.Errorf("%s: %v after %v", name, err, time.Since(began))
			}
			if !slices.Equal(m.told, []byte{ctap2.WaitingUPNeeded}) {
				t.Errorf("%s: Waiting was called with %v", name, m.told)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began = time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("%s, given up: %v after %v", name, err, time.Since(began))
			}
			cancel()
			time.Sleep(time.Minute)
		}
	})
}

// Of many credentials each is asked for once, without a touch.
func TestU2FMappingOfLongLists(t *testing.T) {
	m := newMapped(t, virtual.Config{Profile: virtual.U2FOnly})
	own := m.register()
	ids := make([][]byte, 300)
	for i := range ids {
		ids[i] = fmt.Appendf(nil, "credential %d of another key", i)
	}
	for _, test := range []struct {
		name string
		call func() error
		want error
		n    int
	}{
		{"none is the key's", func() error {
			_, err := m.client.GetAssertionWithList(t.Context(), mappedLogin(ids...), nil)
			return err
		}, ctap2.StatusNoCredentials, 1 + 300}, // the first is getInfo's
		{"the last is the key's", func() error {
			_, err := m.client.GetAssertionWithList(t.Context(), mappedLogin(append(ids, own.CredentialID)...), nil)
			return err
		}, nil, 302},
		{"the last is excluded", func() error {
			_, err := m.client.MakeCredentialWithList(t.Context(), mappedRegistration(append(ids, own.CredentialID)...), nil)
			return err
		}, ctap2.StatusCredentialExcluded, 302},
	} {
		before := len(m.key.Commands())
		if err := test.call(); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
		if n := len(m.key.Commands()) - before; n != test.n {
			t.Errorf("%s: %d commands, want %d", test.name, n, test.n)
		}
	}
}

// What U2F keys in the field do otherwise.
func TestU2FMappingOfOddKeys(t *testing.T) {
	const touch, unknown = iso7816.SWConditionsOfUseNotSatisfied, iso7816.SWWrongLength
	answering := func(control u2f.Control, sw, instead iso7816.StatusWord) virtual.Faults {
		return virtual.Faults{MutateU2F: func(apdu, response []byte) []byte {
			if apdu[1] == byte(u2f.INSAuthenticate) && apdu[2] == byte(control) && string(response[len(response)-2:]) == string(sw.Append(nil)) {
				return instead.Append(nil)
			}
			return response
		}}
	}
	silent := mappedLogin()
	silent.Options.UP = new(false)
	for _, test := range []struct {
		name   string
		faults virtual.Faults
		config virtual.Config
		login  *ctap2.GetAssertionRequest
		want   error
	}{
		{"6700 for key handles of another length", answering(u2f.CheckOnly, iso7816.SWWrongData, unknown), virtual.Config{}, mappedLogin(), nil},
		{"9000 for a check", answering(u2f.CheckOnly, touch, iso7816.SWNoError), virtual.Config{}, mappedLogin(), nil},
		{"no signature without a touch", answering(u2f.DontEnforceUserPresence, iso7816.SWNoError, touch), virtual.Config{}, silent, ctap2.StatusUPRequired},
		{"an error of its own", answering(u2f.EnforceUserPresence, iso7816.SWNoError, 0x6f01), virtual.Config{}, mappedLogin(), iso7816.StatusWord(0x6f01)},
		{"a counter that stands still", virtual.Faults{}, virtual.Config{Counter: virtual.NoCounter}, mappedLogin(), nil},
	} {
		m := newMapped(t, test.config)
		own := m.register()
		m.key.SetFaults(test.faults)
		login := *test.login
		login.AllowList = listOf([]byte("short"), own.CredentialID)
		got, err := m.client.GetAssertion(t.Context(), &login)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
		if err == nil {
			m.verify(got, own, ctap2.FlagUP)
		}
	}
}

// With alwaysUv there is no U2F, and the error says what to do.
func TestU2FMappingSwitchedOff(t *testing.T) {
	m := newMapped(t, virtual.Config{AlwaysUV: true})
	_, err := m.client.MakeCredential(t.Context(), mappedRegistration())
	if !errors.Is(err, u2f.ErrSwitchedOff) {
		t.Errorf("register: %v", err)
	}
	_, err = m.client.GetAssertion(t.Context(), mappedLogin([]byte("any")))
	if !errors.Is(err, u2f.ErrSwitchedOff) {
		t.Errorf("log in: %v", err)
	}
}

// Registered by U2F, used by CTAP2, and the reverse, by the same program.
func TestU2FMappingBesideCTAP2(t *testing.T) {
	m := newMapped(t, virtual.Config{})
	direct := ctap2.NewClient(m.key.Direct(), &ctap2.ClientConfig{Strict: true})
	own := m.register()
	got, err := direct.GetAssertion(t.Context(), mappedLogin(own.CredentialID))
	if err != nil {
		t.Fatal(err)
	}
	m.verify(got, own, ctap2.FlagUP)
	made, err := direct.MakeCredential(t.Context(), registration("ada"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = m.client.GetAssertion(t.Context(), mappedLogin(made.AuthData.AttestedCredentialData.CredentialID)); err != nil {
		t.Fatal(err)
	}
	m.verify(got, made.AuthData.AttestedCredentialData, ctap2.FlagUP)
}

// A key that knows only U2F is used as any other.
func ExampleU2FMapping() {
	old, err := virtual.New(virtual.Config{Profile: virtual.U2FOnly})
	if err != nil {
		log.Fatal(err)
	}
	client := ctap2.NewClient(ctap2.U2FMapping{U2FTransport: old.Direct()}, nil) // or a *ctaphid.Conn

	made, err := client.MakeCredential(context.Background(), mappedRegistration())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Fmt, made.AuthData.Flags)

	_, err = client.MakeCredential(context.Background(), registration("ada")) // a passkey
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	// Output:
	// fido-u2f UP, AT
	// true
}

// One key, asked by both protocols: the credentials are the same, and so is the
// turn.
func TestOverU2F(t *testing.T) {
	key, c := connect(t, virtual.Config{Profile: virtual.FIDO20}, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	request := registration("ada")
	request.Options = ctap2.Options{}
	if _, err := c.MakeCredential(t.Context(), request); !errors.Is(err, ctap2.StatusPUATRequired) {
		t.Fatalf("without its PIN: %v", err)
	}
	over, ok := c.OverU2F()
	if !ok {
		t.Fatal("the transport carries U2F")
	}
	made, err := over.MakeCredential(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		client  *ctap2.Client
		version string
	}{{c, ctap2.VersionFIDO20}, {over, ctap2.VersionU2F}} {
		info, err := test.client.Info(t.Context())
		if err != nil || !slices.Contains(info.Versions, test.version) {
			t.Errorf("%v, %v", info, err)
		}
		if _, err := test.client.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash,
			AllowList: []ctap2.PublicKeyCredentialDescriptor{{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey}}}); err != nil {
			t.Errorf("%s: %v", test.version, err)
		}
	}
	if _, ok := ctap2.NewClient(newFakeKey(t, "", pinuv.Two), nil).OverU2F(); ok {
		t.Error("a transport without U2F is one")
	}
	sequences := &sequencedU2F{Direct: key.Direct()}
	over, _ = ctap2.NewClient(sequences, nil).OverU2F()
	if _, err := over.GetInfo(t.Context()); err != nil || sequences.begun != 1 || sequences.ended != 1 {
		t.Errorf("other programs are not kept out: %+v, %v", sequences, err)
	}
}

type sequencedU2F struct {
	*virtual.Direct
	begun, ended int
}

func (s *sequencedU2F) BeginSequence(context.Context) error { s.begun++; return nil }
func (s *sequencedU2F) EndSequence()                        { s.ended++ }
