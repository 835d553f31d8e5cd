package ctap2_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

func someToken(t testing.TB, p pinuv.Protocol) *pinuv.Token {
	t.Helper()
	token, err := pinuv.NewToken(p, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A passkeyStore is the credentials of a fake key: it answers
// credentialManagement, and wants each request authorised by someToken.
type passkeyStore struct {
	t     *testing.T
	k     *fakeKey
	rps   []string
	users map[string][]string // by RP ID
	next  []map[uint64]any
}

func newPasskeyStore(t *testing.T, k *fakeKey) *passkeyStore {
	s := &passkeyStore{t: t, k: k, users: map[string][]string{}}
	k.info.Options[ctap2.OptionCredMgmt] = true
	k.answers[ctap2.CommandCredentialManagement] = s.answer
	k.answers[ctap2.CommandCredentialManagementPreview] = s.answer
	return s
}

func (s *passkeyStore) answer(b []byte) []byte {
	r, err := ctap2.ParseCredentialManagementRequest(b[1:])
	if err != nil {
		s.t.Fatal(err)
	}
	next := r.SubCommand == ctap2.EnumerateRPsGetNextRP || r.SubCommand == ctap2.EnumerateCredentialsGetNextCredential
	if next {
		if r.Has(2) || r.Has(3) || r.Has(4) {
			s.t.Errorf("%v has parameters", r.SubCommand)
		}
	} else {
		s.next = nil
		if r.PinUvAuthParam == nil {
			return []byte{byte(ctap2.StatusPUATRequired)}
		}
		message, err := r.Message()
		if err != nil || !someToken(s.t, r.PinUvAuthProtocol).Verify(message, r.PinUvAuthParam) {
			return []byte{byte(ctap2.StatusPINAuthInvalid)}
		}
	}
	hash := func(rp string) []byte { h := sha256.Sum256([]byte(rp)); return h[:] }
	switch r.SubCommand {
	case ctap2.GetCredsMetadata:
		return reply(s.t, map[uint64]any{1: len(s.users), 2: 22})
	case ctap2.EnumerateRPsBegin:
		for _, rp := range s.rps {
			s.next = append(s.next, map[uint64]any{3: map[string]any{"id": rp[:min(len(rp), 12)]}, 4: hash(rp)})
		}
		if len(s.next) > 0 {
			s.next[0][5] = len(s.next)
		}
	case ctap2.EnumerateCredentialsBegin:
		for _, rp := range s.rps {
			if bytes.Equal(hash(rp), r.SubCommandParams.RPIDHash) {
				for _, user := range s.users[rp] {
					s.next = append(s.next, map[uint64]any{6: map[string]any{"id": []byte(user)}, 7: map[string]any{"id": []byte(rp + user), "type": "public-key"},
						8: p256Key(s.t), 10: 2, 11: make([]byte, 32), 12: true})
				}
			}
		}
		if len(s.next) > 0 {
			s.next[0][9] = len(s.next)
		}
	case ctap2.EnumerateRPsGetNextRP, ctap2.EnumerateCredentialsGetNextCredential:
	default:
		return []byte{0}
	}
	if len(s.next) == 0 {
		if next {
			return []byte{byte(ctap2.StatusNotAllowed)}
		}
		return []byte{byte(ctap2.StatusNoCredentials)}
	}
	first := s.next[0]
	s.next = s.next[1:]
	return reply(s.t, first)
}

func TestCredentialManagement(t *testing.T) {
	long := "a-very-long-domain.example.com"
	id := ctap2.PublicKeyCredentialDescriptor{ID: []byte("x"), Type: ctap2.TypePublicKey}
	for _, preview := range []bool{false, true} {
		for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
			k := newFakeKey(t, "1234", protocol)
			s := newPasskeyStore(t, k)
			s.rps = []string{"example.com", long, "empty.example"}
			s.users = map[string][]string{"example.com": {"ada", "bob", "eve"}, long: {"ada"}}
			suffix := ""
			if preview {
				delete(k.info.Options, ctap2.OptionCredMgmt)
				k.info.Options[ctap2.OptionCredentialMgmtPreview] = true
				suffix = " (preview)"
			}
			c := ctap2.NewClient(k, nil)
			token := someToken(t, protocol)
			sent := func(names ...string) {
				t.Helper()
				for i, name := range names {
					if name != "authenticatorGetInfo" {
						names[i] += suffix
					}
				}
				if got := k.took(); !slices.Equal(got, names) {
					t.Errorf("sent %q, want %q", got, names)
				}
			}
			if m, err := c.CredentialsMetadata(t.Context(), token); err != nil || m != (ctap2.CredentialsMetadata{Existing: 2, MaxRemaining: 22}) {
				t.Errorf("metadata %+v, %v", m, err)
			}
			sent("authenticatorGetInfo", "getCredsMetadata")
			rps, err := c.RPs(t.Context(), token)
			if err != nil || len(rps) != 3 || rps[1].RP.ID != long[:12] || rps[1].RPIDHash != sha256.Sum256([]byte(long)) {
				t.Errorf("relying parties %+v, %v", rps, err)
			}
			sent("enumerateRPsBegin", "enumerateRPsGetNextRP", "enumerateRPsGetNextRP")
			const begin, next = "enumerateCredentialsBegin", "enumerateCredentialsGetNextCredential"
			for i, want := range []struct {
				users []string
				sent  []string
			}{{[]string{"ada", "bob", "eve"}, []string{begin, next, next}}, {[]string{"ada"}, []string{begin}}, {nil, []string{begin}}} {
				credentials, err := c.Credentials(t.Context(), token, rps[i].RPIDHash)
				var users []string
				for _, one := range credentials {
					users = append(users, string(one.User.ID))
					if one.PublicKey == nil || one.CredProtect != 2 || len(one.LargeBlobKey) != 32 || !one.ThirdPartyPayment {
						t.Errorf("%+v", one)
					}
				}
				if err != nil || !slices.Equal(users, want.users) {
					t.Errorf("credentials %q, %v", users, err)
				}
				sent(want.sent...)
			}
			if err := c.DeleteCredential(t.Context(), token, id); err != nil {
				t.Error(err)
			}
			sent("deleteCredential")
			if err := c.UpdateUserInformation(t.Context(), token, id, ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}); errors.Is(err, errors.ErrUnsupported) != preview || !preview && err != nil {
				t.Error(err)
			}
			if !preview {
				sent("updateUserInformation")
			}
			if r, err := c.CredentialManagement(t.Context(), &ctap2.CredentialManagementRequest{SubCommand: ctap2.EnumerateRPsGetNextRP}); !errors.Is(err, ctap2.StatusNotAllowed) {
				t.Errorf("%+v, %v", r, err)
			}
			sent("enumerateRPsGetNextRP")
			_, err = c.RPs(t.Context(), nil)
			if e, ok := errors.AsType[*ctap2.CommandError](err); !ok || e.Err != ctap2.StatusPUATRequired || (e.Command == ctap2.CommandCredentialManagement) == preview {
				t.Errorf("without a token: %v", err)
			}
		}
	}
	if _, err := ctap2.NewClient(newFakeKey(t, "", pinuv.Two), nil).RPs(t.Context(), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a key without it: %v", err)
	}
}

// What keys say when there is nothing, and what hostile ones say.
func TestEnumerationReplies(t *testing.T) {
	hash := make([]byte, 32)
	rp := func(m map[uint64]any) []byte { m[3], m[4] = map[string]any{"id": "a"}, hash; return reply(t, m) }
	for _, test := range []struct {
		name    string
		replies [][]byte // the last one for ever
		want    int
		problem string
		sent    int
	}{
		{"no credentials", [][]byte{{0x2e}}, 0, "", 1},
		{"nothing but the status", [][]byte{{0}}, 0, "", 1},
		{"a map without members", [][]byte{{0, 0xa0}}, 0, "", 1},
		{"total of zero", [][]byte{reply(t, map[uint64]any{5: 0})}, 0, "", 1},
		{"total of zero beside a relying party", [][]byte{rp(map[uint64]any{5: 0})}, 0, "", 1},
		{"one", [][]byte{rp(map[uint64]any{5: 1})}, 1, "", 1},
		{"the most", [][]byte{rp(map[uint64]any{5: ctap2.MaxEnumeration})}, ctap2.MaxEnumeration, "", ctap2.MaxEnumeration},
		{"one more", [][]byte{rp(map[uint64]any{5: ctap2.MaxEnumeration + 1})}, 0, "totalRPs is 4097", 1},
		{"2^32", [][]byte{rp(map[uint64]any{5: uint64(1) << 32})}, 0, "totalRPs is 4294967296", 1},
		{"2^64-1", [][]byte{rp(map[uint64]any{5: uint64(math.MaxUint64)})}, 0, "totalRPs is 18446744073709551615", 1},
		{"no total", [][]byte{rp(map[uint64]any{})}, 0, "totalRPs is missing", 1},
		{"hash is short", [][]byte{reply(t, map[uint64]any{4: hash[1:], 5: 1})}, 0, "rpIDHash has 31 bytes", 1},
		{"no hash in the second", [][]byte{rp(map[uint64]any{5: 2}), {0, 0xa0}}, 0, "rpIDHash has 0 bytes", 2},
		{"less than announced", [][]byte{rp(map[uint64]any{5: 3}), rp(map[uint64]any{}), {0x30}}, 0, "NOT_ALLOWED", 3},
		{"a name cut in a character", [][]byte{reply(t, map[uint64]any{3: map[string]any{"id": "a\xc3"}, 4: hash, 5: 1})}, 1, "", 1},
		{"parameter missing", [][]byte{{0x14}}, 0, "MISSING_PARAMETER", 1},
	} {
		k := newFakeKey(t, "", pinuv.Two)
		k.info.Options[ctap2.OptionCredMgmt] = true
		i := 0
		k.answers[ctap2.CommandCredentialManagement] = func([]byte) []byte { i++; return test.replies[min(i, len(test.replies))-1] }
		rps, err := ctap2.NewClient(k, nil).RPs(t.Context(), someToken(t, pinuv.Two))
		if len(rps) != test.want || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) || i != test.sent {
			t.Errorf("%s: %d relying parties, %v, after %d commands", test.name, len(rps), err, i)
		}
	}
	for name, bad := range map[string]map[uint64]any{"no ID": {9: 1}, "empty ID": {7: map[string]any{"id": []byte{}, "type": "public-key"}, 9: 1}} {
		k := newFakeKey(t, "", pinuv.Two)
		k.info.Options[ctap2.OptionCredMgmt] = true
		k.answers[ctap2.CommandCredentialManagement] = func([]byte) []byte { return reply(t, bad) }
		if _, err := ctap2.NewClient(k, nil).Credentials(t.Context(), nil, [32]byte{}); err == nil || !strings.Contains(err.Error(), "credentialID is missing") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ctap2.NewClient(k, nil).CredentialsMetadata(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "a count is missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
