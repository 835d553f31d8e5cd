package virtual_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// managing is a credentialManagement request, by the preview command if preview
// is set.
type managing struct {
	ctap2.CredentialManagementRequest
	preview bool
}

func (r *managing) Append(dst []byte) ([]byte, error) {
	b, err := r.CredentialManagementRequest.Append(dst)
	if err == nil && r.preview {
		b[len(dst)] = byte(ctap2.CommandCredentialManagementPreview)
	}
	return b, err
}

// manage is a request with the MAC of a token, if there is one.
func manage(t testing.TB, token *pinuv.Token, sub ctap2.CredentialManagementSubCommand, params *ctap2.CredentialManagementParams) *managing {
	t.Helper()
	r := &managing{CredentialManagementRequest: ctap2.CredentialManagementRequest{SubCommand: sub, SubCommandParams: params}}
	if token != nil {
		if err := r.Authorize(token); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func ofRP(id string) *ctap2.CredentialManagementParams {
	h := sha256.Sum256([]byte(id))
	return &ctap2.CredentialManagementParams{RPIDHash: h[:]}
}

func ofID(id []byte) *ctap2.CredentialManagementParams {
	return &ctap2.CredentialManagementParams{CredentialID: &allow(id)[0]}
}

func ofUser(id []byte, user ctap2.PublicKeyCredentialUserEntity) *ctap2.CredentialManagementParams {
	return &ctap2.CredentialManagementParams{CredentialID: &allow(id)[0], User: &user}
}

func (h *host) managed(r request) *ctap2.CredentialManagementResponse {
	h.t.Helper()
	response, err := ctap2.ParseCredentialManagementResponse(h.want(0, r))
	if err != nil {
		h.t.Fatal(err)
	}
	return response
}

var (
	nextRP         = &managing{CredentialManagementRequest: ctap2.CredentialManagementRequest{SubCommand: ctap2.EnumerateRPsGetNextRP}}
	nextCredential = &managing{CredentialManagementRequest: ctap2.CredentialManagementRequest{SubCommand: ctap2.EnumerateCredentialsGetNextCredential}}
)

// newLibrary returns a key with a PIN and two accounts at rp, one at other, and
// two credentials that are not discoverable; and the IDs of the former.
func newLibrary(t testing.TB, c virtual.Config) (*host, [][]byte) {
	t.Helper()
	h := newHost(t, c)
	if c.Profile == virtual.FIDO20 {
		h.protocol = pinuv.One
	}
	if err := h.key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	h.pin = "1234"
	var ids [][]byte
	for _, n := range []virtual.NewCredential{
		{RP: rp, User: ada, Discoverable: true},
		{RP: other, User: ada, Discoverable: true},
		{RP: rp, User: grace, Discoverable: true},
		{RP: rp, User: ada},
		{RP: rp, User: ada, ID: []byte("stored, not discoverable")},
	} {
		c, err := h.key.AddCredential(n)
		if err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, c.ID); !n.Discoverable {
			ids = ids[:3]
		}
	}
	return h, ids
}

// The checks of each subcommand in their order: a request that fails several is
// answered for the first.
func TestCredentialManagementOrder(t *testing.T) {
	for _, p := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		h, ids := newLibrary(t, virtual.Config{})
		h.protocol = p
		type status = ctap2.Status
		token := h.token(ctap2.PermissionCM, "")
		for sub, params := range map[ctap2.CredentialManagementSubCommand]*ctap2.CredentialManagementParams{
			ctap2.GetCredsMetadata:          nil,
			ctap2.EnumerateRPsBegin:         nil,
			ctap2.EnumerateCredentialsBegin: ofRP(rp.ID),
			ctap2.UpdateUserInformation:     ofUser(ids[0], ada),
			ctap2.DeleteCredential:          ofID(ids[0]),
		} {
			needed := ctap2.StatusMissingParameter
			if params == nil {
				needed = ctap2.StatusSuccess
			}
			for _, step := range []struct {
				name   string
				want   status
				change func(*managing)
			}{
				{"no MAC", ctap2.StatusPUATRequired, func(r *managing) { r.PinUvAuthParam, r.SubCommandParams, r.PinUvAuthProtocol = nil, nil, 7 }},
				{"no params", needed, func(r *managing) {
					*r = *manage(t, token, sub, nil)
					if params != nil {
						r.PinUvAuthProtocol = 7
					}
				}},
				{"empty params", needed, func(r *managing) { *r = *manage(t, token, sub, &ctap2.CredentialManagementParams{}) }},
				{"no protocol", ctap2.StatusMissingParameter, func(r *managing) { r.PinUvAuthParam[0] ^= 1; r.PinUvAuthProtocol = 0 }},
				{"unknown protocol", ctap2.StatusInvalidParameter, func(r *managing) { r.PinUvAuthParam[0] ^= 1; r.PinUvAuthProtocol = 7 }},
				{"the other protocol", ctap2.StatusPINAuthInvalid, func(r *managing) { r.PinUvAuthProtocol ^= 3 }},
				{"altered MAC", ctap2.StatusPINAuthInvalid, func(r *managing) { r.PinUvAuthParam[3] ^= 1 }},
				{"empty MAC", ctap2.StatusPINAuthInvalid, func(r *managing) { r.PinUvAuthParam = []byte{} }},
				{"cut MAC", ctap2.StatusPINAuthInvalid, func(r *managing) { r.PinUvAuthParam = r.PinUvAuthParam[:8] }},
				{"MAC of another subcommand", ctap2.StatusPINAuthInvalid, func(r *managing) {
					*r = *manage(t, token, sub^1, params)
					r.SubCommand = sub
				}},
				{"nothing wrong", 0, func(*managing) {}},
			} {
				if step.name == "nothing wrong" && sub == ctap2.DeleteCredential {
					continue // it is the key's last word on this credential
				}
				r := manage(t, token, sub, params)
				step.change(r)
				if got, _ := h.send(r); got != step.want {
					t.Errorf("%v, %v, %s: answered %v, want %v", p, sub, step.name, got, step.want)
				}
			}
			h.retries(8, false) // no MAC costs a try
			other := h.token(ctap2.PermissionMC|ctap2.PermissionGA, rp.ID)
			h.want(ctap2.StatusPINAuthInvalid, manage(t, other, sub, params))
			token = h.token(ctap2.PermissionCM, "")
		}
	}
	h := newHost(t, virtual.Config{})
	h.want(ctap2.StatusPUATRequired, manage(t, nil, ctap2.GetCredsMetadata, nil)) // a key without a PIN, too
	h.want(ctap2.StatusMissingParameter, raw{0x0a})
	h.want(ctap2.StatusMissingParameter, raw{0x0a, 0xa0})
	h.want(ctap2.StatusInvalidSubcommand, raw{0x0a, 0xa1, 1, 0})
	h.want(ctap2.StatusInvalidSubcommand, raw{0x0a, 0xa1, 1, 8})
}

// Members of the wrong type, and parameters that lack a member of their own.
func TestCredentialManagementTypes(t *testing.T) {
	h, ids := newLibrary(t, virtual.Config{})
	type m = map[int]any
	for name, p := range map[string]m{
		"subCommand":               {1: "1"},
		"negative subCommand":      {1: -1},
		"params":                   {1: 4, 2: "x"},
		"rpIDHash":                 {1: 4, 2: m{1: "x"}},
		"credentialID":             {1: 6, 2: m{2: 1}},
		"credentialID.id":          {1: 6, 2: m{2: map[string]any{"id": "x", "type": "public-key"}}},
		"credentialID without id":  {1: 6, 2: m{2: map[string]any{"type": "public-key"}}},
		"credentialID of no type":  {1: 6, 2: m{2: map[string]any{"id": ids[0]}}},
		"user":                     {1: 7, 2: m{2: map[string]any{"id": ids[0], "type": "public-key"}, 3: []int{1}}},
		"user without id":          {1: 7, 2: m{2: map[string]any{"id": ids[0], "type": "public-key"}, 3: map[string]any{"name": "x"}}},
		"user.name":                {1: 7, 2: m{2: map[string]any{"id": ids[0], "type": "public-key"}, 3: map[string]any{"id": ada.ID, "name": 1}}},
		"pinUvAuthProtocol":        {1: 1, 3: "1"},
		"pinUvAuthParam":           {1: 1, 4: 1},
		"subCommand as an integer": {1: []byte{1}},
	} {
		b, err := cbor.Append([]byte{0x0a}, p)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := h.send(raw(b)); got != ctap2.StatusCBORUnexpectedType {
			t.Errorf("%s: answered %v", name, got)
		}
	}
	token := h.token(ctap2.PermissionCM, "")
	for _, n := range []int{0, 31, 33} {
		h.want(ctap2.StatusInvalidLength, manage(t, token, ctap2.EnumerateCredentialsBegin, &ctap2.CredentialManagementParams{RPIDHash: make([]byte, n)}))
	}
	// Unknown members are covered by the MAC and otherwise ignored.
	params, _ := cbor.Append(nil, map[int]any{1: ofRP(rp.ID).RPIDHash, 9: "later"})
	r := map[int]any{1: 4, 2: cbor.RawMessage(params), 3: token.Protocol(), 4: token.Authenticate(append([]byte{4}, params...)), 9: "later"}
	b, err := cbor.Append([]byte{0x0a}, r)
	if err != nil {
		t.Fatal(err)
	}
	h.want(0, raw(b))
}

// What a key tells about its credentials.
func TestListCredentials(t *testing.T) {
	h, ids := newLibrary(t, virtual.Config{MaxCredentials: 10})
	token := h.token(ctap2.PermissionCM, "")
	if r := h.managed(manage(t, token, ctap2.GetCredsMetadata, nil)); *r.ExistingResidentCredentialsCount != 3 || *r.MaxPossibleRemainingResidentCredentialsCount != 6 {
		t.Errorf("metadata %d, %d", *r.ExistingResidentCredentialsCount, *r.MaxPossibleRemainingResidentCredentialsCount)
	}
	r := h.managed(manage(t, token, ctap2.EnumerateRPsBegin, nil))
	if *r.TotalRPs != 2 || *r.RP != rp || !bytes.Equal(r.RPIDHash, ofRP(rp.ID).RPIDHash) {
		t.Errorf("%+v", r)
	}
	if r := h.managed(nextRP); r.TotalRPs != nil || *r.RP != other || !bytes.Equal(r.RPIDHash, ofRP(other.ID).RPIDHash) {
		t.Errorf("%+v", r)
	}
	h.want(ctap2.StatusNotAllowed, nextRP)
	r = h.managed(manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)))
	for i, want := range []struct {
		id   []byte
		user ctap2.PublicKeyCredentialUserEntity
	}{{ids[2], grace}, {ids[0], ada}} {
		if i > 0 {
			if r = h.managed(nextCredential); r.TotalCredentials != nil {
				t.Errorf("totalCredentials again: %d", *r.TotalCredentials)
			}
		} else if *r.TotalCredentials != 2 {
			t.Errorf("%d credentials", *r.TotalCredentials)
		}
		if !bytes.Equal(r.CredentialID.ID, want.id) || r.CredentialID.Type != ctap2.TypePublicKey || fmt.Sprint(*r.User) != fmt.Sprint(want.user) || r.CredProtect != 1 || r.LargeBlobKey != nil || *r.ThirdPartyPayment {
			t.Errorf("%+v, want %s", r, want.user.Name)
		}
		got := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(want.id), Options: ctap2.Options{UP: new(false)}})
		if err := r.PublicKey.Verify(append(got.AuthData.Raw, hash[:]...), got.Signature); err != nil {
			t.Errorf("the public key: %v", err)
		}
		r = h.managed(manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID))) // getAssertion has ended it
	}
	h.want(ctap2.StatusNoCredentials, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP("nowhere.example")))

	// Members that belong to extensions come only from keys that have those.
	h, _ = newLibrary(t, virtual.Config{WithoutExtensions: []string{ctap2.ExtensionCredProtect, ctap2.ExtensionThirdPartyPayment}})
	if r := h.managed(manage(t, h.token(ctap2.PermissionCM, ""), ctap2.EnumerateCredentialsBegin, ofRP(rp.ID))); r.CredProtect != 0 || r.ThirdPartyPayment != nil {
		t.Errorf("%+v", r)
	}
	h = newHost(t, virtual.Config{})
	h.setPIN("1234")
	made := h.create(h.authorized(&ctap2.MakeCredentialRequest{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: strings.Repeat("long.", 40) + "example"}, Options: ctap2.Options{RK: new(true)},
		User:       ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}},
		Extensions: ctap2.Extensions{ctap2.ExtensionCredProtect: {3}, ctap2.ExtensionLargeBlobKey: {0xf5}},
	}))
	token = h.token(ctap2.PermissionCM, "")
	r = h.managed(manage(t, token, ctap2.EnumerateRPsBegin, nil))
	if len(r.RP.ID) != 207 {
		t.Errorf("the RP ID has %d bytes", len(r.RP.ID))
	}
	if r = h.managed(manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(r.RP.ID))); r.CredProtect != 3 || len(r.LargeBlobKey) != 32 || !bytes.Equal(r.LargeBlobKey, made.LargeBlobKey) || r.User.Name != "" || r.User.DisplayName != "" {
		t.Errorf("%+v", r)
	}
}

func TestListNothing(t *testing.T) {
	h := newHost(t, virtual.Config{})
	h.setPIN("1234")
	h.create(h.authorized(&ctap2.MakeCredentialRequest{}))
	token := h.token(ctap2.PermissionCM, "")
	if r := h.managed(manage(t, token, ctap2.GetCredsMetadata, nil)); *r.ExistingResidentCredentialsCount != 0 || *r.MaxPossibleRemainingResidentCredentialsCount != 100 {
		t.Errorf("%+v", r)
	}
	begin := manage(t, token, ctap2.EnumerateRPsBegin, nil)
	h.want(ctap2.StatusNoCredentials, begin)
	h.want(ctap2.StatusNotAllowed, nextRP)
	h.key.SetFaults(virtual.Faults{NoRPsTotal: true})
	if r := h.managed(begin); *r.TotalRPs != 0 || r.RP != nil {
		t.Errorf("%+v", r)
	}
	h.want(ctap2.StatusNotAllowed, nextRP)
}

// What a token that is bound to a relying party is good for.
func TestManageWithBoundToken(t *testing.T) {
	const refused = ctap2.StatusPINAuthInvalid
	for _, profile := range []virtual.Profile{virtual.FIDO23, virtual.FIDO21} {
		h, ids := newLibrary(t, virtual.Config{Profile: profile})
		token := h.token(ctap2.PermissionCM, rp.ID)
		h.want(refused, manage(t, token, ctap2.GetCredsMetadata, nil))
		h.want(refused, manage(t, token, ctap2.EnumerateRPsBegin, nil))
		h.want(0, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)))
		h.want(refused, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(other.ID)))
		h.want(0, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], ada)))
		h.want(0, manage(t, token, ctap2.DeleteCredential, ofID(ids[0])))
		for _, id := range [][]byte{ids[0], ids[1], []byte("stored, not discoverable"), {1}, {}} {
			h.want(refused, manage(t, token, ctap2.UpdateUserInformation, ofUser(id, ada)))
			h.want(refused, manage(t, token, ctap2.DeleteCredential, ofID(id)))
		}
		if n := len(h.key.Credentials()); n != 3 {
			t.Errorf("%v: %d credentials are left", profile, n)
		}
	}
}

// What ends an enumeration.
func TestEnumerationEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ids := newLibrary(t, virtual.Config{})
		token := h.token(ctap2.PermissionCM, "")
		persistent := h.token(ctap2.PermissionPCMR, "")
		begin := func() { // both have a second item
			h.t.Helper()
			h.want(0, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)))
		}
		for _, test := range []struct {
			name string
			want ctap2.Status
			what func()
		}{
			{"nothing", 0, func() {}},
			{"29 seconds", 0, func() { time.Sleep(29 * time.Second) }},
			{"31 seconds", ctap2.StatusNotAllowed, func() { time.Sleep(31 * time.Second) }},
			{"another session", 0, func() { h.on(2).want(ctap2.StatusNotAllowed, nextCredential) }},
			{"the other kind", ctap2.StatusNotAllowed, func() { h.want(ctap2.StatusNotAllowed, nextRP) }},
			{"the other kind in another session", 0, func() { h.on(2).want(ctap2.StatusNotAllowed, nextRP) }},
			{"metadata", ctap2.StatusNotAllowed, func() { h.want(0, manage(t, token, ctap2.GetCredsMetadata, nil)) }},
			{"metadata in another session", ctap2.StatusNotAllowed, func() { h.on(2).want(0, manage(t, token, ctap2.GetCredsMetadata, nil)) }},
			{"an update", ctap2.StatusNotAllowed, func() { h.want(0, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], ada))) }},
			{"a refused request", ctap2.StatusNotAllowed, func() { h.want(ctap2.StatusPUATRequired, manage(t, nil, ctap2.EnumerateRPsBegin, nil)) }},
			{"an unknown subcommand", ctap2.StatusNotAllowed, func() { h.want(ctap2.StatusInvalidSubcommand, raw{0x0a, 0xa1, 1, 8}) }},
			{"garbage", ctap2.StatusNotAllowed, func() { h.want(ctap2.StatusInvalidCBOR, raw{0x0a, 0xff}) }},
			{"getInfo", ctap2.StatusNotAllowed, func() { h.info() }},
			{"a new begin", 0, begin},
			{"a replaced credential", ctap2.StatusNotAllowed, func() {
				if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: grace, Discoverable: true}); err != nil {
					t.Fatal(err)
				}
			}},
			{"another token", ctap2.StatusNotAllowed, func() { token = h.token(ctap2.PermissionCM, "") }},
			{"a power cycle", ctap2.StatusNotAllowed, func() { h.key.PowerCycle(); token = h.token(ctap2.PermissionCM, "") }},
		} {
			if token = h.token(ctap2.PermissionCM, ""); t.Failed() {
				break
			}
			begin()
			test.what()
			if got, _ := h.send(nextCredential); got != test.want {
				t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
			}
		}
		// Each GetNext gives as much time again, until the token is too old; the
		// persistent one has no age.
		for _, token := range []*pinuv.Token{h.token(ctap2.PermissionCM, ""), persistent} {
			for i := range 23 {
				user := ctap2.PublicKeyCredentialUserEntity{ID: []byte{byte(i)}}
				if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: user, Discoverable: true}); err != nil {
					t.Fatal(err)
				}
			}
			h.want(0, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)))
			n := 0
			for range 24 {
				time.Sleep(29 * time.Second)
				if s, _ := h.send(nextCredential); s != 0 {
					break
				}
				n++
			}
			if want := map[bool]int{true: 24, false: 20}[token == persistent]; n != want {
				t.Errorf("%d more after the first, want %d", n, want)
			}
		}
		// A credential that an assertion may still be about to use.
		token = h.token(ctap2.PermissionCM, "")
		h.want(0, h.ask(&ctap2.GetAssertionRequest{}))
		h.want(ctap2.StatusPINAuthInvalid, manage(t, token, ctap2.DeleteCredential, ofID(ids[0]))) // the touch has spent it
		token = h.token(ctap2.PermissionCM, "")
		h.want(0, h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(false)}}))
		h.want(0, manage(t, token, ctap2.DeleteCredential, ofID(ids[0])))
		h.want(ctap2.StatusNotAllowed, getNextAssertion)
	})
}

func TestDeleteAndUpdate(t *testing.T) {
	var events []string
	h, ids := newLibrary(t, virtual.Config{Observer: func(e virtual.Event) { events = append(events, e.Kind.String()+" "+e.Credential.User.Name) }})
	token := h.token(ctap2.PermissionCM, "")
	for name, params := range map[string]*ctap2.CredentialManagementParams{
		"unknown": ofID([]byte("no such credential")), "empty": ofID([]byte{}), "not discoverable": ofID([]byte("stored, not discoverable")),
		"another type": {CredentialID: &ctap2.PublicKeyCredentialDescriptor{ID: ids[0], Type: "other"}},
	} {
		if got, _ := h.send(manage(t, token, ctap2.DeleteCredential, params)); got != ctap2.StatusNoCredentials {
			t.Errorf("deleting, %s: answered %v", name, got)
		}
		params.User = &ada
		if got, _ := h.send(manage(t, token, ctap2.UpdateUserInformation, params)); got != ctap2.StatusNoCredentials {
			t.Errorf("updating, %s: answered %v", name, got)
		}
	}
	user := func(id []byte) ctap2.PublicKeyCredentialUserEntity {
		i := slices.IndexFunc(h.key.Credentials(), func(c virtual.Credential) bool { return bytes.Equal(c.ID, id) })
		return h.key.Credentials()[i].User
	}
	for _, update := range []struct{ name, display, wantName, wantDisplay string }{
		{"ada2@example.com", "Ada King", "ada2@example.com", "Ada King"},
		{"ada3@example.com", "", "ada3@example.com", ""},
		{"", "Countess", "", "Countess"},
		{"", "", "", ""},
		{strings.Repeat("é", 40), strings.Repeat("x", 63) + "é", strings.Repeat("é", 32), strings.Repeat("x", 63)},
	} {
		h.want(0, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], ctap2.PublicKeyCredentialUserEntity{ID: ada.ID, Name: update.name, DisplayName: update.display})))
		for range 2 {
			if got := user(ids[0]); got.Name != update.wantName || got.DisplayName != update.wantDisplay || !bytes.Equal(got.ID, ada.ID) {
				t.Errorf("the user is %+v", got)
			}
			h.key.PowerCycle()
		}
		token = h.token(ctap2.PermissionCM, "")
	}
	// Empty names as well as absent ones.
	params, _ := cbor.Append(nil, map[int]any{2: map[string]any{"id": ids[0], "type": "public-key"}, 3: map[string]any{"id": ada.ID, "name": "", "displayName": ""}})
	b, _ := cbor.Append([]byte{0x0a}, map[int]any{1: 7, 2: cbor.RawMessage(params), 3: token.Protocol(), 4: token.Authenticate(append([]byte{7}, params...))})
	h.want(0, raw(b))
	if got := user(ids[0]); got.Name != "" || got.DisplayName != "" {
		t.Errorf("the user is %+v", got)
	}
	h.want(ctap2.StatusInvalidParameter, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], grace)))
	h.want(ctap2.StatusInvalidParameter, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], ctap2.PublicKeyCredentialUserEntity{ID: make([]byte, 100)})))
	h.key.SetFaults(virtual.Faults{TruncateUTF8: true})
	h.want(0, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], ctap2.PublicKeyCredentialUserEntity{ID: ada.ID, Name: "x" + strings.Repeat("é", 40)})))
	h.key.SetFaults(virtual.Faults{})
	if got := user(ids[0]).Name; len(got) != 64 || got[63] != 0xc3 {
		t.Errorf("the name is %q", got)
	}

	events = nil
	h.want(0, manage(t, token, ctap2.DeleteCredential, ofID(ids[0])))
	h.want(ctap2.StatusNoCredentials, manage(t, token, ctap2.DeleteCredential, ofID(ids[0])))
	h.want(0, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[2], grace)))
	if !slices.Equal(events, []string{"deleted x" + strings.Repeat("é", 31) + "\xc3", "updated grace@example.com"}) {
		t.Errorf("events %q", events)
	}
	if got := h.assert(&ctap2.GetAssertionRequest{}); !bytes.Equal(got.Credential.ID, ids[2]) || got.NumberOfCredentials != 0 {
		t.Errorf("%+v", got)
	}
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{AllowList: allow(ids[0])}))
	h.assert(&ctap2.GetAssertionRequest{RPID: other.ID})
	token = h.token(ctap2.PermissionCM, "")
	h.want(0, manage(t, token, ctap2.DeleteCredential, ofID(ids[2])))
	h.want(0, manage(t, token, ctap2.DeleteCredential, ofID(ids[1])))
	h.want(ctap2.StatusNoCredentials, manage(t, token, ctap2.EnumerateRPsBegin, nil))
	if n := *h.info().RemainingDiscoverableCredentials; n != 99 {
		t.Errorf("room for %d", n)
	}
}

// A key of CTAP 2.0 has the preview command, for which the only kind of token
// that it gives is good.
func TestPreviewCredentialManagement(t *testing.T) {
	h, ids := newLibrary(t, virtual.Config{Profile: virtual.FIDO20, Previews: true})
	if o := h.info().Options; !o[ctap2.OptionCredentialMgmtPreview] || o[ctap2.OptionCredMgmt] || o[ctap2.OptionPerCredMgmtRO] {
		t.Errorf("options %v", o)
	}
	preview := func(r *managing) *managing { r.preview = true; return r }
	token := h.receive(h.legacyRequest("1234"))
	h.want(0, h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(true)}})) // which leaves the token alone
	h.want(ctap2.StatusInvalidCommand, manage(t, token, ctap2.GetCredsMetadata, nil))
	h.want(ctap2.StatusPUATRequired, preview(manage(t, nil, ctap2.GetCredsMetadata, nil)))
	if r := h.managed(preview(manage(t, token, ctap2.GetCredsMetadata, nil))); *r.ExistingResidentCredentialsCount != 3 {
		t.Errorf("%+v", r)
	}
	h.want(0, preview(manage(t, token, ctap2.EnumerateRPsBegin, nil)))
	h.want(0, preview(&managing{CredentialManagementRequest: nextRP.CredentialManagementRequest}))
	if r := h.managed(preview(manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(other.ID)))); *r.TotalCredentials != 1 || r.CredProtect != 1 || r.ThirdPartyPayment != nil {
		t.Errorf("%+v", r)
	}
	h.want(0, preview(manage(t, token, ctap2.DeleteCredential, ofID(ids[0]))))
	h.want(ctap2.StatusInvalidParameter, preview(manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[1], ada))))
	// One token serves all relying parties.
	for _, rp := range []string{rp.ID, other.ID} {
		ga := h.ask(&ctap2.GetAssertionRequest{RPID: rp})
		ga.Authorize(token)
		h.want(0, ga)
	}

	// On a key with permissions both kinds are, until a touch has spent them; for
	// the command itself a token needs the permission.
	h, _ = newLibrary(t, virtual.Config{Profile: virtual.FIDO21, Previews: true})
	token = h.receive(h.legacyRequest("1234"))
	h.want(0, preview(manage(t, token, ctap2.EnumerateRPsBegin, nil)))
	h.want(ctap2.StatusNotAllowed, nextRP) // it is another command's
	h.want(ctap2.StatusPINAuthInvalid, manage(t, token, ctap2.EnumerateRPsBegin, nil))
	h.assert(&ctap2.GetAssertionRequest{})
	h.want(ctap2.StatusPINAuthInvalid, preview(manage(t, token, ctap2.EnumerateRPsBegin, nil)))
	h.want(0, preview(manage(t, h.token(ctap2.PermissionCM, ""), ctap2.EnumerateRPsBegin, nil)))
	h.want(ctap2.StatusPINAuthInvalid, preview(manage(t, h.token(ctap2.PermissionGA, rp.ID), ctap2.EnumerateRPsBegin, nil)))
}

func TestWithoutCredentialManagement(t *testing.T) {
	for name, c := range map[string]virtual.Config{
		"switched off":            {WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}},
		"no passkeys":             {WithoutRK: true},
		"no way to get a token":   {WithoutPIN: true},
		"CTAP 2.0":                {Profile: virtual.FIDO20},
		"CTAP 2.0 without a PIN":  {Profile: virtual.FIDO20, Previews: true, WithoutPIN: true},
		"preview is switched off": {Profile: virtual.FIDO20, Previews: true, WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagementPreview}},
	} {
		h := newHost(t, c)
		h.want(ctap2.StatusInvalidCommand, raw{0x0a, 0xa1, 1, 1})
		h.want(ctap2.StatusInvalidCommand, raw{0x41, 0xa1, 1, 1})
		r := h.info()
		if r.Options[ctap2.OptionCredMgmt] || r.Options[ctap2.OptionPerCredMgmtRO] || r.Options[ctap2.OptionCredentialMgmtPreview] || r.EncIdentifier != nil || r.EncCredStoreState != nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A credential of an algorithm that the key can't use is one like any other but
// that it does not sign.
func TestOpaqueCredential(t *testing.T) {
	const mlDSA65 = -49
	opaque, err := cbor.Marshal(map[int]any{1: 7, 3: mlDSA65, -1: make([]byte, 1952)})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, virtual.Config{})
	h.setPIN("1234")
	c, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, OpaqueKey: opaque, Discoverable: true})
	if err != nil || c.Algorithm != mlDSA65 || !bytes.Equal(c.PublicKey.Raw, opaque) {
		t.Fatalf("%+v, %v", c, err)
	}
	usable := h.discoverable(rp, grace)
	h.key.PowerCycle()
	token := h.token(ctap2.PermissionCM, "")
	h.want(0, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)))
	if r := h.managed(nextCredential); !bytes.Equal(r.CredentialID.ID, c.ID) || r.PublicKey.Alg != mlDSA65 || !bytes.Equal(r.PublicKey.Raw, opaque) {
		t.Errorf("%+v", r)
	}
	h.want(0, manage(t, token, ctap2.UpdateUserInformation, ofUser(c.ID, ctap2.PublicKeyCredentialUserEntity{ID: ada.ID, Name: "x"})))
	if got := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(c.ID, usable)}); !bytes.Equal(got.Credential.ID, usable) {
		t.Errorf("assertion by %x", got.Credential.ID)
	}
	if got := h.assert(&ctap2.GetAssertionRequest{}); !bytes.Equal(got.Credential.ID, usable) || got.NumberOfCredentials != 0 {
		t.Errorf("assertion by %x of %d", got.Credential.ID, got.NumberOfCredentials)
	}
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{AllowList: allow(c.ID)}))
	h.want(ctap2.StatusCredentialExcluded, h.complete(&ctap2.MakeCredentialRequest{ExcludeList: allow(c.ID)}))
	h.want(0, manage(t, h.token(ctap2.PermissionCM, ""), ctap2.DeleteCredential, ofID(c.ID)))
	if n := len(h.key.Credentials()); n != 1 {
		t.Errorf("%d credentials", n)
	}
	es256 := h.key.Credentials()[0].PublicKey.Append(nil)
	for name, n := range map[string]virtual.NewCredential{
		"usable algorithm": {RP: rp, User: ada, OpaqueKey: es256, Discoverable: true},
		"not discoverable": {RP: rp, User: ada, OpaqueKey: opaque},
		"not a key":        {RP: rp, User: ada, OpaqueKey: []byte{0xa0}, Discoverable: true},
	} {
		if _, err := h.key.AddCredential(n); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
