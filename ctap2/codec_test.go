package ctap2_test

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

var clientDataHash = []byte("\x8d\xd8\x74\x4d\x79\x03\xb0\xa3\x53\x8a\x49\xea\xfa\xae\xc8\x33\xac\xbf\xd2\x85\xa5\xdf\x44\x03\xa2\x0e\x4e\x13\xe3\xd5\x3e\x50")

// p256Key is a key agreement key: the generator of the curve.
func p256Key(t testing.TB) *cose.Key {
	t.Helper()
	k, err := cose.Parse(unhex(t, "a501020338182001"+
		"2158206b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"+
		"2258204fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRequestKnownAnswer(t *testing.T) {
	id := func(name string, list, i int) []byte {
		r, err := ctap2.ParseGetAssertionRequest(vector(t, name)[1:])
		if err != nil {
			t.Fatal(err)
		}
		if len(r.AllowList) != list {
			t.Fatalf("%s: %d credentials", name, len(r.AllowList))
		}
		return r.AllowList[i].ID
	}
	const one, two = "getAssertion request, one credential", "getAssertion request, two credentials"
	for name, r := range map[string]interface{ Append([]byte) ([]byte, error) }{
		"makeCredential request": &ctap2.MakeCredentialRequest{
			ClientDataHash: clientDataHash,
			RP:             ctap2.PublicKeyCredentialRPEntity{ID: "acme.com", Name: "Acme"},
			User: ctap2.PublicKeyCredentialUserEntity{
				ID: unhex(t, "1098237235409872"), Name: "johnpsmith@example.com", DisplayName: "John P. Smith",
			},
			PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{
				{Alg: cose.ES256, Type: ctap2.TypePublicKey}, {Alg: 257, Type: ctap2.TypePublicKey},
			},
			Options: ctap2.Options{RK: new(true), UV: new(true)},
		},
		one: &ctap2.GetAssertionRequest{
			RPID: "acme.com", ClientDataHash: clientDataHash,
			AllowList: []ctap2.PublicKeyCredentialDescriptor{{ID: id(one, 1, 0), Type: ctap2.TypePublicKey}},
		},
		two: &ctap2.GetAssertionRequest{
			RPID: "acme.com", ClientDataHash: clientDataHash,
			AllowList: []ctap2.PublicKeyCredentialDescriptor{
				{ID: id(two, 2, 0), Type: ctap2.TypePublicKey}, {ID: id(two, 2, 1), Type: ctap2.TypePublicKey},
			},
			Options: ctap2.Options{UP: new(false), UV: new(true)},
		},
	} {
		got, err := r.Append([]byte("front"))
		if err != nil {
			t.Fatal(err)
		}
		if want := append([]byte("front"), vector(t, name)...); !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %x\nwant %x", name, got, want)
		}
	}
}

func TestMakeCredentialReplyKnownAnswer(t *testing.T) {
	reply := vector(t, "makeCredential reply")
	r, err := ctap2.ParseMakeCredentialResponse(reply[1:])
	if err != nil {
		t.Fatal(err)
	}
	a := r.AuthData.AttestedCredentialData
	if r.Fmt != "packed" || r.AuthData.Flags != ctap2.FlagUP|ctap2.FlagAT || r.AuthData.SignCount != 0x1c ||
		a.AAGUID.String() != "f8a011f3-8c0a-4d15-8006-17111f9edc7d" || len(a.CredentialID) != 64 || a.PublicKey.Alg != cose.ES256 {
		t.Errorf("%+v", r)
	}
	if !bytes.Equal(r.AuthData.Raw, vector(t, "makeCredential authData")) || !bytes.Equal(r.Raw, reply[1:]) || r.Deviations != nil {
		t.Error("what came is not kept")
	}
	back, err := r.Append([]byte{0})
	if err != nil || !bytes.Equal(back, reply) {
		t.Errorf("encoded again: %x, %v", back, err)
	}
}

func TestGetAssertionReplyKnownAnswer(t *testing.T) {
	reply := vector(t, "getAssertion reply")
	r, err := ctap2.ParseGetAssertionResponse(reply[1:])
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Credential.ID) != 64 || r.Credential.Type != ctap2.TypePublicKey || r.AuthData.Flags != ctap2.FlagUP ||
		r.AuthData.SignCount != 0x1d || len(r.Signature) != 70 || r.User != nil || r.NumberOfCredentials != 0 {
		t.Errorf("%+v", r)
	}
	if !bytes.Equal(r.AuthData.Raw, vector(t, "getAssertion authData")) {
		t.Errorf("authData %x", r.AuthData.Raw)
	}
	back, err := r.Append([]byte{0})
	if err != nil || !bytes.Equal(back, reply) {
		t.Errorf("encoded again: %x, %v", back, err)
	}
}

func TestClientPINReplyKnownAnswer(t *testing.T) {
	for name, check := range map[string]func(*ctap2.ClientPINResponse) bool{
		"getKeyAgreement reply": func(r *ctap2.ClientPINResponse) bool {
			_, err := r.KeyAgreement.ECDH()
			return err == nil && r.PINRetries == nil && r.PinUvAuthToken == nil
		},
		"getPinToken reply, protocol one": func(r *ctap2.ClientPINResponse) bool {
			return len(r.PinUvAuthToken) == 16 && r.KeyAgreement == nil
		},
		"getPINRetries reply": func(r *ctap2.ClientPINResponse) bool {
			return r.PINRetries != nil && *r.PINRetries == 8 && r.PowerCycleState == nil && r.UVRetries == nil
		},
	} {
		reply := vector(t, name)
		r, err := ctap2.ParseClientPINResponse(reply[1:])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !check(r) {
			t.Errorf("%s: %+v", name, r)
		}
		if back, err := r.Append([]byte{0}); err != nil || !bytes.Equal(back, reply) {
			t.Errorf("%s encoded again: %x, %v", name, back, err)
		}
	}
}

// message is a request or response with every member set, and how to handle it.
type message struct {
	name     string
	value    any // pointer to a struct
	request  bool
	required []uint64 // members that are encoded even when zero, or without which nothing parses
	parse    func([]byte) (any, error)
}

func parser[T any](f func([]byte) (T, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return f(b) }
}

// messages has every message with all members.
func messages(t testing.TB) []message {
	id := ctap2.PublicKeyCredentialDescriptor{ID: []byte{1}, Type: ctap2.TypePublicKey, Transports: []string{ctap2.TransportUSB}}
	user := ctap2.PublicKeyCredentialUserEntity{ID: []byte{2}, Name: "ada", DisplayName: "Ada"}
	es256 := []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}}
	extensions := ctap2.Extensions{ctap2.ExtensionCredProtect: cbor.RawMessage{2}}
	attested, err := ctap2.ParseAuthenticatorData(vector(t, "makeCredential authData"))
	if err != nil {
		t.Fatal(err)
	}
	asserted, err := ctap2.ParseAuthenticatorData(vector(t, "getAssertion authData"))
	if err != nil {
		t.Fatal(err)
	}
	return []message{
		{"makeCredential request", &ctap2.MakeCredentialRequest{
			ClientDataHash: clientDataHash, RP: ctap2.PublicKeyCredentialRPEntity{ID: "a", Name: "A"}, User: user, PubKeyCredParams: es256,
			ExcludeList: []ctap2.PublicKeyCredentialDescriptor{id}, Extensions: extensions,
			Options:        ctap2.Options{RK: new(true), UP: new(true), UV: new(false)},
			PinUvAuthParam: []byte{3}, PinUvAuthProtocol: 2, EnterpriseAttestation: 1, AttestationFormatsPreference: []string{"packed"},
		}, true, []uint64{1, 2, 3, 4}, parser(ctap2.ParseMakeCredentialRequest)},
		{"makeCredential response", &ctap2.MakeCredentialResponse{
			Fmt: "none", AuthData: *attested, AttStmt: cbor.RawMessage{0xa0}, EpAtt: true, LargeBlobKey: make([]byte, 32), UnsignedExtensionOutputs: extensions,
		}, false, []uint64{1, 2}, parser(ctap2.ParseMakeCredentialResponse)},
		{"getAssertion request", &ctap2.GetAssertionRequest{
			RPID: "a", ClientDataHash: clientDataHash, AllowList: []ctap2.PublicKeyCredentialDescriptor{id}, Extensions: extensions,
			Options: ctap2.Options{UP: new(false), UV: new(true)}, PinUvAuthParam: []byte{3}, PinUvAuthProtocol: 1,
		}, true, []uint64{1, 2}, parser(ctap2.ParseGetAssertionRequest)},
		{"getAssertion response", &ctap2.GetAssertionResponse{
			Credential: id, AuthData: *asserted, Signature: []byte{4}, User: &user, NumberOfCredentials: 2, UserSelected: true,
			LargeBlobKey: make([]byte, 32), UnsignedExtensionOutputs: extensions,
		}, false, []uint64{2, 3}, parser(ctap2.ParseGetAssertionResponse)},
		{"clientPIN request", &ctap2.ClientPINRequest{
			PinUvAuthProtocol: 1, SubCommand: ctap2.ChangePIN, KeyAgreement: p256Key(t), PinUvAuthParam: []byte{1},
			NewPinEnc: []byte{2}, PinHashEnc: []byte{3}, Permissions: ctap2.PermissionMC, RPID: "a",
		}, true, []uint64{2}, parser(ctap2.ParseClientPINRequest)},
		{"clientPIN response", &ctap2.ClientPINResponse{
			KeyAgreement: p256Key(t), PinUvAuthToken: []byte{1}, PINRetries: new(uint(8)), PowerCycleState: new(true), UVRetries: new(uint(5)),
		}, false, nil, parser(ctap2.ParseClientPINResponse)},
		{"credentialManagement request", &ctap2.CredentialManagementRequest{
			SubCommand: ctap2.UpdateUserInformation, SubCommandParams: &ctap2.CredentialManagementParams{RPIDHash: clientDataHash, CredentialID: &id, User: &user},
			PinUvAuthProtocol: 2, PinUvAuthParam: []byte{1},
		}, true, []uint64{1}, parser(ctap2.ParseCredentialManagementRequest)},
		{"credentialManagement response", &ctap2.CredentialManagementResponse{
			ExistingResidentCredentialsCount: new(uint(0)), MaxPossibleRemainingResidentCredentialsCount: new(uint(1)),
			RP: &ctap2.PublicKeyCredentialRPEntity{ID: "a", Name: "A"}, RPIDHash: clientDataHash, TotalRPs: new(uint(0)), User: &user, CredentialID: &id,
			PublicKey: p256Key(t), TotalCredentials: new(uint(2)), CredProtect: ctap2.CredProtectUVRequired, LargeBlobKey: make([]byte, 32), ThirdPartyPayment: new(false),
		}, false, nil, parser(ctap2.ParseCredentialManagementResponse)},
		{"bioEnrollment request", &ctap2.BioEnrollmentRequest{
			Modality: ctap2.ModalityFingerprint, SubCommand: ctap2.SetFriendlyName,
			SubCommandParams:  &ctap2.BioEnrollmentParams{TemplateID: []byte{1}, TemplateFriendlyName: new(""), TimeoutMilliseconds: 1000},
			PinUvAuthProtocol: 2, PinUvAuthParam: []byte{1}, GetModality: true,
		}, true, nil, parser(ctap2.ParseBioEnrollmentRequest)},
		{"bioEnrollment response", &ctap2.BioEnrollmentResponse{
			Modality: ctap2.ModalityFingerprint, FingerprintKind: ctap2.FingerprintSwipe, MaxCaptureSamplesRequiredForEnroll: 5, TemplateID: []byte{1},
			LastEnrollSampleStatus: new(ctap2.SampleGood), RemainingSamples: new(uint(0)),
			TemplateInfos: []ctap2.TemplateInfo{{TemplateID: []byte{1}}, {TemplateID: []byte{2}, TemplateFriendlyName: "left thumb"}}, MaxTemplateFriendlyName: 15,
		}, false, nil, parser(ctap2.ParseBioEnrollmentResponse)},
		{"largeBlobs request", &ctap2.LargeBlobsRequest{
			Get: new(uint(0)), Set: []byte{}, Offset: new(uint(0)), Length: new(uint(17)), PinUvAuthParam: []byte{1}, PinUvAuthProtocol: 2,
		}, true, nil, parser(ctap2.ParseLargeBlobsRequest)},
		{"largeBlobs response", &ctap2.LargeBlobsResponse{Config: []byte{}}, false, nil, parser(ctap2.ParseLargeBlobsResponse)},
		{"authenticatorConfig request", &ctap2.ConfigRequest{
			SubCommand: ctap2.VendorPrototype, SubCommandParams: unhex(t, "a2011b800000000000000002f5"), PinUvAuthProtocol: 2, PinUvAuthParam: []byte{1},
		}, true, []uint64{1}, parser(ctap2.ParseConfigRequest)},
		{"getInfo response", &ctap2.GetInfoResponse{
			Versions: []string{ctap2.VersionFIDO23}, Extensions: []string{"e"}, AAGUID: ctap2.AAGUID{1}, Options: ctap2.InfoOptions{"rk": true},
			MaxMsgSize: 1200, PinUvAuthProtocols: []pinuv.Protocol{2, 1}, MaxCredentialCountInList: 8, MaxCredentialIDLength: 128,
			Transports: []string{"usb"}, Algorithms: es256, MaxSerializedLargeBlobArray: 1024, ForcePINChange: true, MinPINLength: 4,
			FirmwareVersion: new(uint64(5)), MaxCredBlobLength: 32, MaxRPIDsForSetMinPINLength: new(uint(0)), PreferredPlatformUvAttempts: 3,
			UvModality: new(uint64(2)), Certifications: map[string]uint{"FIDO": 1}, RemainingDiscoverableCredentials: new(uint(0)),
			VendorPrototypeConfigCommands: []uint64{1 << 63}, AttestationFormats: []string{"packed"}, UvCountSinceLastPinEntry: new(uint(0)),
			LongTouchForReset: new(false), EncIdentifier: make([]byte, 32), TransportsForReset: []string{"usb"}, PinComplexityPolicy: new(false),
			PinComplexityPolicyURL: []byte("https://example.com"), MaxPINLength: 63, EncCredStoreState: make([]byte, 32), AuthenticatorConfigCommands: []uint{},
		}, false, []uint64{1, 3}, parser(ctap2.ParseGetInfoResponse)},
	}
}

// encode returns the CBOR of a message without the command byte of a request.
func (m message) encode(t testing.TB) []byte {
	t.Helper()
	b, err := m.value.(interface{ Append([]byte) ([]byte, error) }).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.request {
		b = b[1:]
	}
	return b
}

func members(t testing.TB, b []byte) map[uint64]cbor.RawMessage {
	t.Helper()
	var m map[uint64]cbor.RawMessage
	if err := cbor.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Every member is encoded under its number, nothing else is, and what was
// encoded decodes to the same.
func TestMessageRoundTrip(t *testing.T) {
	last := map[string]uint64{"makeCredential request": 11, "makeCredential response": 6, "getAssertion request": 7,
		"getAssertion response": 8, "clientPIN request": 10, "clientPIN response": 5, "getInfo response": 31,
		"credentialManagement request": 4, "credentialManagement response": 12, "bioEnrollment request": 6, "bioEnrollment response": 8,
		"largeBlobs request": 6, "largeBlobs response": 1, "authenticatorConfig request": 4}
	for _, m := range messages(t) {
		b := m.encode(t)
		got := slices.Sorted(maps.Keys(members(t, b)))
		var want []uint64
		for n := uint64(1); n <= last[m.name]; n++ {
			if m.name == "clientPIN request" && (n == 7 || n == 8) {
				continue // never assigned
			}
			want = append(want, n)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: members %v, want %v", m.name, got, want)
		}
		parsed, err := m.parse(b)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if again := (message{value: parsed, request: m.request}).encode(t); !bytes.Equal(again, b) {
			t.Errorf("%s: decoded and encoded:\ngot  %x\nwant %x", m.name, again, b)
		}
		compareFields(t, m.name, parsed, m.value)
	}
}

func compareFields(t *testing.T, name string, got, want any) {
	t.Helper()
	g, w := reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem()
	for i := range g.NumField() {
		f := g.Type().Field(i)
		if f.Anonymous {
			continue // Received and Reply exist only in what was parsed
		}
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s: %s = %+v, want %+v", name, f.Name, g.Field(i), w.Field(i))
		}
	}
}

// A member whose field is zero is not sent, and one that is not there leaves
// its field zero.
func TestMemberPresence(t *testing.T) {
	for _, m := range messages(t) {
		all := members(t, m.encode(t))
		for i := range reflect.TypeOf(m.value).Elem().NumField() {
			field := reflect.TypeOf(m.value).Elem().Field(i)
			if field.Anonymous {
				continue
			}
			number := tagNumber(t, field)
			without := maps.Clone(all)
			delete(without, number)
			b, err := cbor.Marshal(without)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := m.parse(b)
			if slices.Contains(m.required, number) {
				if m.request && !errors.Is(err, ctap2.StatusMissingParameter) {
					t.Errorf("%s without %s: %v, want CTAP2_ERR_MISSING_PARAMETER", m.name, field.Name, err)
				}
				if !m.request && field.Name != "AAGUID" {
					if _, ok := errors.AsType[*ctap2.ReplyError](err); !ok {
						t.Errorf("%s without %s: %v, want a *ReplyError", m.name, field.Name, err)
					}
				}
				continue
			}
			if err != nil {
				t.Errorf("%s without %s: %v", m.name, field.Name, err)
				continue
			}
			if v := reflect.ValueOf(parsed).Elem().Field(i); !v.IsZero() {
				t.Errorf("%s without %s: parsed as %v", m.name, field.Name, v)
			}
			again := message{value: parsed, request: m.request}.encode(t)
			if len(without) == 0 && !m.request {
				b = nil // a reply without members is not even a map
			}
			if !bytes.Equal(again, b) {
				t.Errorf("%s without %s: encoded as %x, want %x", m.name, field.Name, again, b)
			}
		}
	}
}

func tagNumber(t *testing.T, f reflect.StructField) (n uint64) {
	t.Helper()
	for _, c := range f.Tag.Get("cbor") {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	if n == 0 {
		t.Fatalf("%s has no number", f.Name)
	}
	return n
}
