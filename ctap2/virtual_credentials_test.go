package ctap2_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// addPasskey puts an account's passkey on the key.
func addPasskey(t testing.TB, key *virtual.Key, rp, user string) virtual.Credential {
	t.Helper()
	c, err := key.AddCredential(virtual.NewCredential{
		RP:           ctap2.PublicKeyCredentialRPEntity{ID: rp, Name: "The site " + rp},
		User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte(user), Name: user, DisplayName: strings.ToUpper(user)},
		Discoverable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// managed returns a software key with the PIN 1234, a client for it and a token
// with the permissions.
func managed(t testing.TB, config virtual.Config, permissions ctap2.Permissions) (*virtual.Key, *ctap2.Client, *pinuv.Token) {
	t.Helper()
	key, c := connect(t, config, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	token, err := c.PINToken(t.Context(), []byte("1234"), permissions, "")
	if err != nil {
		t.Fatal(err)
	}
	return key, c, token
}

// sentSince returns the subcommands of credentialManagement among the commands
// after the first n, and whether all of them were for the command.
func sentSince(t testing.TB, key *virtual.Key, n int, command ctap2.Command) (subs []ctap2.CredentialManagementSubCommand) {
	t.Helper()
	for _, r := range key.Commands()[n:] {
		parsed, err := r.Parse()
		if err != nil {
			t.Fatal(err)
		}
		m, ok := parsed.(*ctap2.CredentialManagementRequest)
		if !ok || r.Command() != command {
			t.Fatalf("sent %v", r.Command())
		}
		subs = append(subs, m.SubCommand)
	}
	return subs
}

// A program that manages passkeys, on keys with the command and on one that has
// only the preview: what it reads, what becomes of a change, and the commands that
// this takes, which are the least there can be.
func TestPasskeysOfSoftwareKey(t *testing.T) {
	for _, test := range []struct {
		name    string
		config  virtual.Config
		command ctap2.Command
	}{
		{"CTAP 2.3", virtual.Config{}, ctap2.CommandCredentialManagement},
		{"CTAP 2.1", virtual.Config{Profile: virtual.FIDO21}, ctap2.CommandCredentialManagement},
		{"protocol one", virtual.Config{Protocols: []pinuv.Protocol{pinuv.One}}, ctap2.CommandCredentialManagement},
		{"the command and the preview", virtual.Config{Previews: true}, ctap2.CommandCredentialManagement},
		{"the preview alone", virtual.Config{Profile: virtual.FIDO20, Previews: true}, ctap2.CommandCredentialManagementPreview},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.History = 1000
			key, c, token := managed(t, test.config, ctap2.PermissionCM)
			sites := map[string][]string{"example.com": {"ada", "bob", "eve"}, "example.org": {"ada"}, "a.example": {"bob", "eve"}}
			made := map[string]virtual.Credential{}
			for rp, users := range sites {
				for _, user := range users {
					made[rp+user] = addPasskey(t, key, rp, user)
				}
			}
			n := len(key.Commands())
			check := func(want ...ctap2.CredentialManagementSubCommand) {
				t.Helper()
				if got := sentSince(t, key, n, test.command); !slices.Equal(got, want) {
					t.Errorf("sent %v, want %v", got, want)
				}
				n = len(key.Commands())
			}
			m, err := c.CredentialsMetadata(t.Context(), token)
			if err != nil || m != (ctap2.CredentialsMetadata{Existing: 6, MaxRemaining: 94}) {
				t.Errorf("metadata %+v, %v", m, err)
			}
			check(ctap2.GetCredsMetadata)
			rps, err := c.RPs(t.Context(), token)
			if err != nil || len(rps) != len(sites) {
				t.Fatalf("%d relying parties, %v", len(rps), err)
			}
			check(ctap2.EnumerateRPsBegin, ctap2.EnumerateRPsGetNextRP, ctap2.EnumerateRPsGetNextRP)
			for _, rp := range rps {
				users := sites[rp.RP.ID]
				if rp.RPIDHash != sha256.Sum256([]byte(rp.RP.ID)) || rp.RP.Name != "The site "+rp.RP.ID {
					t.Errorf("%+v", rp)
				}
				credentials, err := c.Credentials(t.Context(), token, rp.RPIDHash)
				if err != nil || len(credentials) != len(users) {
					t.Fatalf("%s: %d passkeys, %v", rp.RP.ID, len(credentials), err)
				}
				for _, one := range credentials {
					want := made[rp.RP.ID+one.User.Name]
					if !bytes.Equal(one.ID.ID, want.ID) || !slices.Contains(users, one.User.Name) || string(one.User.ID) != one.User.Name ||
						one.User.DisplayName != strings.ToUpper(one.User.Name) || !bytes.Equal(one.PublicKey.Append(nil), want.PublicKey.Append(nil)) {
						t.Errorf("%+v, want %+v", one, want)
					}
				}
				check(append([]ctap2.CredentialManagementSubCommand{ctap2.EnumerateCredentialsBegin},
					slices.Repeat([]ctap2.CredentialManagementSubCommand{ctap2.EnumerateCredentialsGetNextCredential}, len(users)-1)...)...)
			}
			descriptor := func(c virtual.Credential) ctap2.PublicKeyCredentialDescriptor {
				return ctap2.PublicKeyCredentialDescriptor{ID: c.ID, Type: ctap2.TypePublicKey}
			}
			bob, user := made["example.combob"], ctap2.PublicKeyCredentialUserEntity{ID: []byte("bob"), Name: "robert"}
			err = c.UpdateUserInformation(t.Context(), token, descriptor(bob), user)
			if test.command == ctap2.CommandCredentialManagementPreview {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("updating by the preview: %v", err)
				}
				check()
				user.Name = "bob"
			} else {
				if err != nil {
					t.Error(err)
				}
				user.ID = []byte("ada")
				if err := c.UpdateUserInformation(t.Context(), token, descriptor(bob), user); !errors.Is(err, ctap2.StatusInvalidParameter) {
					t.Errorf("another account: %v", err)
				}
				check(ctap2.UpdateUserInformation, ctap2.UpdateUserInformation)
			}
			if err := c.DeleteCredential(t.Context(), token, descriptor(made["example.comada"])); err != nil {
				t.Error(err)
			}
			if err := c.DeleteCredential(t.Context(), token, descriptor(made["example.comada"])); !errors.Is(err, ctap2.StatusNoCredentials) {
				t.Errorf("deleting again: %v", err)
			}
			if err := c.DeleteCredential(t.Context(), token, descriptor(made["example.orgada"])); err != nil {
				t.Error(err)
			}
			check(ctap2.DeleteCredential, ctap2.DeleteCredential, ctap2.DeleteCredential)
			credentials, err := c.Credentials(t.Context(), token, sha256.Sum256([]byte("example.com")))
			if err != nil || len(credentials) != 2 || credentials[0].User.Name != "eve" || credentials[1].User.Name != user.Name {
				t.Errorf("%+v, %v", credentials, err)
			}
			if credentials, err := c.Credentials(t.Context(), token, sha256.Sum256([]byte("example.org"))); err != nil || len(credentials) != 0 {
				t.Errorf("%+v, %v", credentials, err)
			}
			if rps, err := c.RPs(t.Context(), token); err != nil || len(rps) != 2 {
				t.Errorf("%+v, %v", rps, err)
			}
		})
	}
}

// Long lists, and names as keys cut them.
func TestLongPasskeyListsOfSoftwareKey(t *testing.T) {
	key, c, token := managed(t, virtual.Config{MaxCredentials: 1000, History: 1, Faults: virtual.Faults{TruncateUTF8: true}}, ctap2.PermissionCM)
	const sites, accounts = 150, 250
	for i := range sites {
		addPasskey(t, key, fmt.Sprintf("site-%d.example", i), "ada")
	}
	for i := range accounts {
		addPasskey(t, key, "example.com", fmt.Sprintf("user %d", i))
	}
	rps, err := c.RPs(t.Context(), token)
	if err != nil || len(rps) != sites+1 || rps[0].RP.ID != "example.com" || rps[sites].RP.ID != "site-0.example" {
		t.Errorf("%d relying parties, %v", len(rps), err)
	}
	credentials, err := c.Credentials(t.Context(), token, rps[0].RPIDHash)
	if err != nil || len(credentials) != accounts || credentials[0].User.Name != "user 249" {
		t.Errorf("%d passkeys, %v", len(credentials), err)
	}
	// Names that the key has cut within a character come as text all the same.
	user := ctap2.PublicKeyCredentialUserEntity{ID: []byte("user 249"), Name: strings.Repeat("é", 100), DisplayName: "x" + strings.Repeat("é", 100)}
	if err := c.UpdateUserInformation(t.Context(), token, credentials[0].ID, user); err != nil {
		t.Fatal(err)
	}
	if credentials, err = c.Credentials(t.Context(), token, rps[0].RPIDHash); err != nil {
		t.Fatal(err)
	}
	got := credentials[0].User
	if got.Name != strings.Repeat("é", 32) || !utf8.ValidString(got.DisplayName) || !strings.HasPrefix(got.DisplayName, "x"+strings.Repeat("é", 31)) {
		t.Errorf("%q, %q", got.Name, got.DisplayName)
	}
}

// What keys say when they have no passkeys.
func TestNoPasskeysOnSoftwareKey(t *testing.T) {
	for _, faults := range []virtual.Faults{
		{}, {NoRPsTotal: true},
		{Override: map[ctap2.Command]virtual.Reply{ctap2.CommandCredentialManagement: {}}},
	} {
		_, c, token := managed(t, virtual.Config{Faults: faults}, ctap2.PermissionCM)
		if rps, err := c.RPs(t.Context(), token); err != nil || len(rps) != 0 {
			t.Errorf("%+v: %+v, %v", faults, rps, err)
		}
	}
}

// A key that announces more than there can be, or never comes to an end, costs
// the client an error.
func TestHostileListsOfSoftwareKey(t *testing.T) {
	const totalRPs, totalCredentials = 0x05, 0x09
	for _, test := range []struct {
		total   uint64
		sent    int // commands until the client gives up
		problem string
	}{
		{1 << 32, 1, "more than 4096"},
		{math.MaxUint64, 1, "more than 4096"},
		{ctap2.MaxEnumeration + 1, 1, "more than 4096"},
		{ctap2.MaxEnumeration, 3, "NOT_ALLOWED"}, // the key has two
	} {
		key, c, token := managed(t, virtual.Config{}, ctap2.PermissionCM)
		addPasskey(t, key, "example.com", "ada")
		addPasskey(t, key, "example.com", "bob")
		addPasskey(t, key, "example.org", "ada")
		key.SetFaults(virtual.Faults{Mutate: func(command ctap2.Command, reply []byte) []byte {
			var members map[int]cbor.RawMessage
			if command != ctap2.CommandCredentialManagement || len(reply) < 2 || cbor.Unmarshal(reply[1:], &members) != nil {
				return reply
			}
			total, err := cbor.Marshal(test.total)
			if err != nil {
				t.Error(err)
			}
			for _, m := range []int{totalRPs, totalCredentials} {
				if members[m] != nil {
					members[m] = total
				}
			}
			b, err := cbor.Append([]byte{0}, members)
			if err != nil {
				t.Error(err)
			}
			return b
		}})
		for name, list := range map[string]func() error{
			"relying parties": func() error { return second(c.RPs(t.Context(), token)) },
			"passkeys": func() error {
				return second(c.Credentials(t.Context(), token, sha256.Sum256([]byte("example.com"))))
			},
		} {
			before := len(key.Commands())
			err := list()
			if sent := len(key.Commands()) - before; err == nil || !strings.Contains(err.Error(), test.problem) || sent != test.sent {
				t.Errorf("%s, %d announced: %v, after %d commands", name, test.total, err, sent)
			}
		}
	}
}

// Passkeys of an algorithm that this library does not know are listed with the
// key as it is.
func TestOpaquePasskeyOfSoftwareKey(t *testing.T) {
	opaque, err := cbor.Marshal(map[int]any{1: 7, 3: -49, -1: bytes.Repeat([]byte{1}, 1952)})
	if err != nil {
		t.Fatal(err)
	}
	key, c, token := managed(t, virtual.Config{}, ctap2.PermissionCM)
	_, err = key.AddCredential(virtual.NewCredential{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")},
		OpaqueKey: opaque, Discoverable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := c.Credentials(t.Context(), token, sha256.Sum256([]byte("example.com")))
	if err != nil || len(credentials) != 1 || !bytes.Equal(credentials[0].PublicKey.Raw, opaque) || credentials[0].PublicKey.Alg.CanVerify() {
		t.Fatalf("%+v, %v", credentials, err)
	}
	if err := c.DeleteCredential(t.Context(), token, credentials[0].ID); err != nil {
		t.Error(err)
	}
}

// The large blob of a deleted passkey is the host's to delete, as long as it has
// its key.
func TestLargeBlobOfDeletedPasskey(t *testing.T) {
	key, c, token := managed(t, virtual.Config{}, ctap2.PermissionCM|ctap2.PermissionLBW)
	for _, user := range []string{"ada", "bob"} {
		_, err := key.AddCredential(virtual.NewCredential{
			RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(user), Name: user},
			Discoverable: true, LargeBlob: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	credentials, err := c.Credentials(t.Context(), token, sha256.Sum256([]byte("example.com")))
	if err != nil || len(credentials) != 2 {
		t.Fatalf("%+v, %v", credentials, err)
	}
	for _, one := range credentials {
		if err := c.SetLargeBlob(t.Context(), token, one.LargeBlobKey, []byte("of "+one.User.Name)); err != nil {
			t.Fatal(err)
		}
	}
	bob, ada := credentials[0], credentials[1]
	if err := c.DeleteCredential(t.Context(), token, bob.ID); err != nil {
		t.Fatal(err)
	}
	if b, err := c.GetLargeBlob(t.Context(), bob.LargeBlobKey); err != nil || string(b) != "of bob" {
		t.Errorf("the key has deleted the blob: %q, %v", b, err)
	}
	if err := c.DeleteLargeBlob(t.Context(), token, bob.LargeBlobKey); err != nil {
		t.Error(err)
	}
	if b, err := c.GetLargeBlob(t.Context(), ada.LargeBlobKey); err != nil || string(b) != "of ada" {
		t.Errorf("the other blob: %q, %v", b, err)
	}
	if blobs, err := c.ReadLargeBlobs(t.Context()); err != nil || len(blobs) != 1 {
		t.Errorf("%d blobs, %v", len(blobs), err)
	}
}

// One persistent token, asked for once, reads the list after any number of power
// cycles, and tells the key and the state of its list.
func TestPersistentTokenOfSoftwareKey(t *testing.T) {
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		key, c, token := managed(t, virtual.Config{Protocols: []pinuv.Protocol{protocol}}, ctap2.PermissionPCMR)
		one := addPasskey(t, key, "example.com", "ada")
		look := func() (id, state [16]byte) {
			t.Helper()
			info, err := c.GetInfo(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			id, err1 := info.DeviceIdentifier(token)
			state, err2 := info.CredentialStoreState(token)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			return id, state
		}
		id, state := look()
		key.PowerCycle()
		if rps, err := c.RPs(t.Context(), token); err != nil || len(rps) != 1 {
			t.Errorf("%+v, %v", rps, err)
		}
		if again, same := look(); again != id || same != state {
			t.Error("the key is another after a power cycle")
		}
		d := ctap2.PublicKeyCredentialDescriptor{ID: one.ID, Type: ctap2.TypePublicKey}
		if err := c.DeleteCredential(t.Context(), token, d); !errors.Is(err, ctap2.StatusPINAuthInvalid) {
			t.Errorf("deleting: %v", err)
		}
		addPasskey(t, key, "example.com", "bob")
		if again, other := look(); again != id || other == state {
			t.Error("a new passkey has not changed the state alone")
		}
		if err := c.ChangePIN(t.Context(), []byte("1234"), []byte("5678")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.RPs(t.Context(), token); !errors.Is(err, ctap2.StatusPINAuthInvalid) {
			t.Errorf("after changePIN: %v", err)
		}
	}
	_, c, token := managed(t, virtual.Config{Profile: virtual.FIDO21}, ctap2.PermissionCM)
	info, err := c.GetInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := info.DeviceIdentifier(token); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CTAP 2.1: %v", err)
	}
	if _, err := info.CredentialStoreState(token); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CTAP 2.1: %v", err)
	}
}
