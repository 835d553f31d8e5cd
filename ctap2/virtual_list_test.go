package ctap2_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// strangers are credentials of other keys, with IDs of so many bytes.
func strangers(n, size int) (list []ctap2.PublicKeyCredentialDescriptor) {
	for i := range n {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: bytes.Repeat([]byte{byte(i)}, size), Type: ctap2.TypePublicKey})
	}
	return list
}

// sentLists describes the commands that a key has got since the first skip ones:
// what was asked, how many credentials were named and what came of it.
func sentLists(t *testing.T, key *virtual.Key, skip int) (sent []string) {
	t.Helper()
	for _, r := range key.Commands()[skip:] {
		request, err := r.Parse()
		if err != nil {
			t.Fatal(err)
		}
		s := r.Command().String()
		switch q := request.(type) {
		case *ctap2.GetAssertionRequest:
			s = fmt.Sprint("ga ", len(q.AllowList))
			if q.Options.UP != nil {
				s = fmt.Sprint("silent ", len(q.AllowList))
			}
		case *ctap2.MakeCredentialRequest:
			s = fmt.Sprint("mc ", len(q.ExcludeList))
		}
		if r.Status != 0 {
			s += fmt.Sprintf(" %02x", byte(r.Status))
		}
		sent = append(sent, s)
	}
	return sent
}

// Lists of any length on keys with limits, with no more commands than it takes.
// The key's own credential is the last of the list.
func TestListsOnSoftwareKey(t *testing.T) {
	many := func(s string, n int) []string { return slices.Repeat([]string{s}, n) }
	probes := func(parts ...string) []string { return parts }
	for _, test := range []struct {
		name    string
		config  virtual.Config
		protect ctap2.CredProtect
		list    []ctap2.PublicKeyCredentialDescriptor // before its own
		has     bool
		token   bool
		ga, mc  []string
		gaErr   error
		mcErr   error
	}{
		{"limit of one, one credential", virtual.Config{MaxCredentialCountInList: 1}, 0, nil, true, false,
			probes("ga 1"), probes("mc 1 19"), nil, ctap2.StatusCredentialExcluded},
		{"limit of one, five others", virtual.Config{MaxCredentialCountInList: 1}, 0, strangers(5, 64), true, false,
			slices.Concat(many("silent 1 2e", 5), probes("silent 1", "ga 1")),
			slices.Concat(many("silent 1 2e", 5), probes("silent 1", "mc 1 19")), nil, ctap2.StatusCredentialExcluded},
		{"limit of eight, seven others", virtual.Config{MaxCredentialCountInList: 8}, 0, strangers(7, 64), true, false,
			probes("ga 8"), probes("mc 8 19"), nil, ctap2.StatusCredentialExcluded},
		{"limit of eight, 99 others", virtual.Config{MaxCredentialCountInList: 8, History: 64}, 0, strangers(99, 64), true, false,
			slices.Concat(many("silent 8 2e", 12), probes("silent 4", "ga 1")),
			slices.Concat(many("silent 8 2e", 12), probes("silent 4", "mc 1 19")), nil, ctap2.StatusCredentialExcluded},
		{"limit of eight, others alone", virtual.Config{MaxCredentialCountInList: 8}, 0, strangers(10, 64), false, false,
			probes("silent 8 2e", "silent 2 2e", "ga 1 2e"), probes("silent 8 2e", "silent 2 2e", "mc 0"), ctap2.StatusNoCredentials, nil},
		{"longer than its own", virtual.Config{MaxCredentialIDLength: 128, MaxCredentialCountInList: 2}, 0, strangers(50, 200), true, false,
			probes("ga 1"), probes("mc 1 19"), nil, ctap2.StatusCredentialExcluded},
		{"longer than its own, others alone", virtual.Config{MaxCredentialIDLength: 128}, 0, strangers(50, 200), false, false,
			probes("ga 1 2e"), probes("mc 0"), ctap2.StatusNoCredentials, nil},
		{"a message holds seven", virtual.Config{MaxCredentialCountInList: 100, MaxMsgSize: 1024}, 0, strangers(13, 100), true, false,
			probes("silent 7 2e", "silent 7", "ga 1"), probes("silent 7 2e", "silent 7", "mc 1 19"), nil, ctap2.StatusCredentialExcluded},
		{"no silence", virtual.Config{MaxCredentialCountInList: 4, Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, 0, strangers(9, 64), true, false,
			probes("silent 4 3b", "ga 4 2e", "ga 4 2e", "ga 2"), probes("silent 4 3b", "ga 4 2e", "ga 2"), nil, ctap2.StatusCredentialExcluded},
		{"no silence, others alone", virtual.Config{MaxCredentialCountInList: 4, Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, 0, strangers(9, 64), false, false,
			probes("silent 4 3b", "ga 4 2e", "ga 4 2e", "ga 1 2e"), probes("silent 4 3b", "ga 4 2e", "ga 1 2e", "mc 4"), ctap2.StatusNoCredentials, nil},
		{"silence is verified, too", virtual.Config{MaxCredentialCountInList: 4, AlwaysUV: true, Faults: virtual.Faults{AlwaysUVWhenSilent: true}}, 0, strangers(5, 64), true, true,
			probes("silent 4 2e", "silent 2", "ga 1"), probes("silent 4 2e", "silent 2", "mc 1 19"), nil, ctap2.StatusCredentialExcluded},
		{"protected, with a token", virtual.Config{MaxCredentialCountInList: 4}, ctap2.CredProtectUVRequired, strangers(5, 64), true, true,
			probes("silent 4 2e", "silent 2", "ga 1"), probes("silent 4 2e", "silent 2", "mc 1 19"), nil, ctap2.StatusCredentialExcluded},
		{"protected, without a token", virtual.Config{MaxCredentialCountInList: 4}, ctap2.CredProtectUVRequired, strangers(5, 64), true, false,
			probes("silent 4 2e", "silent 2 2e", "ga 1 2e"), probes("silent 4 2e", "silent 2 2e", "mc 0"), ctap2.StatusNoCredentials, nil},
		{"invalid credential for a miss", virtual.Config{MaxCredentialCountInList: 4, Faults: virtual.Faults{UnknownCredentialStatus: ctap2.StatusInvalidCredential}}, 0, strangers(5, 64), true, false,
			probes("silent 4 22", "silent 2", "ga 1"), probes("silent 4 22", "silent 2", "mc 1 19"), nil, ctap2.StatusCredentialExcluded},
		{"CTAP 2.0, which tells no limit", virtual.Config{Profile: virtual.FIDO20, MaxCredentialCountInList: 4}, 0, strangers(5, 64), true, false,
			probes("ga 6 15", "silent 3 2e", "silent 3", "ga 1"),
			probes("mc 6 15", "silent 3 2e", "silent 3", "mc 1 19"), nil, ctap2.StatusCredentialExcluded},
	} {
		for _, making := range []bool{false, true} {
			key, c := connect(t, test.config, nil)
			list := slices.Clone(test.list)
			if test.has {
				own, err := key.AddCredential(virtual.NewCredential{
					RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")},
					Discoverable: true, CredProtect: test.protect,
				})
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: own.ID, Type: ctap2.TypePublicKey})
			}
			var token *pinuv.Token
			if test.token {
				if err := key.SetPIN([]byte("1234")); err != nil {
					t.Fatal(err)
				}
				var err error
				if token, err = c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC|ctap2.PermissionGA, "example.com"); err != nil {
					t.Fatal(err)
				}
			} else if _, err := c.GetInfo(t.Context()); err != nil { // what the client knows of a key it has met
				t.Fatal(err)
			}
			skip := len(key.Commands())
			want, wantErr := test.ga, test.gaErr
			var err error
			if making {
				want, wantErr = test.mc, test.mcErr
				r := registration("bob")
				r.ExcludeList = list
				_, err = c.MakeCredentialWithList(t.Context(), r, token)
			} else {
				_, err = c.GetAssertionWithList(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash, AllowList: list}, token)
				if isMiss := errors.Is(err, ctap2.StatusInvalidCredential); isMiss {
					err = ctap2.StatusNoCredentials
				}
			}
			if !errors.Is(err, wantErr) || (err == nil) != (wantErr == nil) {
				t.Errorf("%s, making %v: %v, want %v", test.name, making, err, wantErr)
			}
			if got := sentLists(t, key, skip); !slices.Equal(got, want) {
				t.Errorf("%s, making %v: sent %q\nwant %q", test.name, making, got, want)
			}
		}
	}
}
