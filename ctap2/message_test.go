package ctap2_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// What a PIN/UV auth parameter covers, and the parameter, both as they are built
// and as a key finds them in the request that came.
func TestAuthorizeKnownAnswers(t *testing.T) {
	var id [16]byte
	for i := range id {
		id[i] = byte(i)
	}
	descriptor := &ctap2.PublicKeyCredentialDescriptor{ID: id[:], Type: ctap2.TypePublicKey}
	initial := vector(t, "large blob: initial serialized array (17 bytes)")
	rpIDHash := unhex(t, "a379a6f6eeafb9a55e378c118034e2751e682fab9f2d30ab13d2125586ce1947")
	credential := func(sub ctap2.CredentialManagementSubCommand, p *ctap2.CredentialManagementParams) func(*pinuv.Token) (message, error) {
		r := &ctap2.CredentialManagementRequest{SubCommand: sub, SubCommandParams: p}
		return func(token *pinuv.Token) (message, error) {
			err := r.Authorize(token)
			return message{value: r, parse: parser(ctap2.ParseCredentialManagementRequest)}, err
		}
	}
	bio := func(sub ctap2.BioEnrollmentSubCommand, p *ctap2.BioEnrollmentParams) func(*pinuv.Token) (message, error) {
		r := &ctap2.BioEnrollmentRequest{Modality: ctap2.ModalityFingerprint, SubCommand: sub, SubCommandParams: p}
		return func(token *pinuv.Token) (message, error) {
			err := r.Authorize(token)
			return message{value: r, parse: parser(ctap2.ParseBioEnrollmentRequest)}, err
		}
	}
	config := func(sub ctap2.ConfigSubCommand, p *ctap2.SetMinPINLengthParams) func(*pinuv.Token) (message, error) {
		r := &ctap2.ConfigRequest{SubCommand: sub}
		if p != nil {
			r.SubCommandParams, _ = cbor.Marshal(p)
		}
		return func(token *pinuv.Token) (message, error) {
			r.Authorize(token)
			return message{value: r, parse: parser(ctap2.ParseConfigRequest)}, nil
		}
	}
	blob := func(r *ctap2.LargeBlobsRequest) func(*pinuv.Token) (message, error) {
		return func(token *pinuv.Token) (message, error) {
			r.Authorize(token)
			return message{value: r, parse: parser(ctap2.ParseLargeBlobsRequest)}, nil
		}
	}
	for name, authorize := range map[string]func(*pinuv.Token) (message, error){
		"credMgmt getCredsMetadata":  credential(ctap2.GetCredsMetadata, nil),
		"credMgmt enumerateRPsBegin": credential(ctap2.EnumerateRPsBegin, nil),
		`credMgmt enumerateCredentialsBegin, rpIDHash = SHA-256("example.com")`: credential(ctap2.EnumerateCredentialsBegin,
			&ctap2.CredentialManagementParams{RPIDHash: rpIDHash}),
		"credMgmt deleteCredential, id = 00..0f": credential(ctap2.DeleteCredential, &ctap2.CredentialManagementParams{CredentialID: descriptor}),
		`credMgmt updateUserInformation, user {id: 01, name: "n"}`: credential(ctap2.UpdateUserInformation, &ctap2.CredentialManagementParams{
			CredentialID: descriptor, User: &ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "n"}}),
		"bioEnroll enrollBegin, no params":     bio(ctap2.EnrollBegin, nil),
		"bioEnroll enrollBegin, timeout 10000": bio(ctap2.EnrollBegin, &ctap2.BioEnrollmentParams{TimeoutMilliseconds: 10000}),
		"bioEnroll enumerateEnrollments":       bio(ctap2.EnumerateEnrollments, nil),
		"config toggleAlwaysUv":                config(ctap2.ToggleAlwaysUv, nil),
		"config setMinPINLength {1: 8}":        config(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{NewMinPINLength: 8}),
		`config setMinPINLength {2:["example.com"],3:true}`: config(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{
			MinPinLengthRPIDs: []string{"example.com"}, ForceChangePin: true}),
		"largeBlobs set, offset 0, fragment = initial array": blob(&ctap2.LargeBlobsRequest{Set: initial, Offset: new(uint(0)), Length: new(uint(17))}),
		"largeBlobs set, offset 960, fragment = 00*10":       blob(&ctap2.LargeBlobsRequest{Set: make([]byte, 10), Offset: new(uint(960))}),
	} {
		for protocol, size := range map[pinuv.Protocol]int{pinuv.One: 16, pinuv.Two: 32} {
			token, err := pinuv.NewToken(protocol, vector(t, "two: pinUvAuthToken"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := authorize(token)
			if err != nil {
				t.Fatal(err)
			}
			m.request = true
			parsed, err := m.parse(m.encode(t))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, r := range []any{m.value, parsed} {
				covered, param, p := coverage(t, r)
				if want := vector(t, "message: "+name); !bytes.Equal(covered, want) {
					t.Errorf("%s covers\n%x, want\n%x", name, covered, want)
				}
				if want := vector(t, "MAC: "+name)[:size]; !bytes.Equal(param, want) || p != protocol {
					t.Errorf("%s: %v: %x, want %x", name, p, param, want)
				}
			}
		}
	}
}

// coverage returns what a request's PIN/UV auth parameter covers, and the parameter.
func coverage(t *testing.T, r any) (covered, param []byte, p pinuv.Protocol) {
	t.Helper()
	var err error
	switch r := r.(type) {
	case *ctap2.CredentialManagementRequest:
		covered, err = r.Message()
		param, p = r.PinUvAuthParam, r.PinUvAuthProtocol
	case *ctap2.BioEnrollmentRequest:
		covered, err = r.Message()
		param, p = r.PinUvAuthParam, r.PinUvAuthProtocol
	case *ctap2.ConfigRequest:
		covered, param, p = r.Message(), r.PinUvAuthParam, r.PinUvAuthProtocol
	case *ctap2.LargeBlobsRequest:
		covered, param, p = r.Message(), r.PinUvAuthParam, r.PinUvAuthProtocol
	}
	if err != nil {
		t.Fatal(err)
	}
	return covered, param, p
}

// A member that the package does not know is covered like any other.
func TestMessageKeepsUnknownMembers(t *testing.T) {
	const params = "a2014101186401" // {1: h'01', 100: 1}
	r, err := ctap2.ParseCredentialManagementRequest(unhex(t, "a2010402"+params))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := r.Message(); err != nil || !bytes.Equal(m, unhex(t, "04"+params)) {
		t.Errorf("%x, %v", m, err)
	}
	b, err := ctap2.ParseBioEnrollmentRequest(unhex(t, "a30101020603"+params))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := b.Message(); err != nil || !bytes.Equal(m, unhex(t, "0106"+params)) {
		t.Errorf("%x, %v", m, err)
	}
}

func TestConfigParams(t *testing.T) {
	for _, test := range []struct {
		name, hex string
		status    ctap2.Status
	}{
		{"no params", "a10103", 0},
		{"params are not a map", "a2010302 80", ctap2.StatusCBORUnexpectedType},
		{"length is text", "a2010302 a1016161", ctap2.StatusCBORUnexpectedType},
		{"RP IDs are bytes", "a2010302 a1028140", ctap2.StatusCBORUnexpectedType},
		{"all of them", "a2010302 a4010602816161 03f504f5", 0},
	} {
		r, err := ctap2.ParseConfigRequest(unhex(t, string(bytes.ReplaceAll([]byte(test.hex), []byte(" "), nil))))
		if err == nil {
			_, err = ctap2.ParseSetMinPINLengthParams(r.SubCommandParams)
		}
		if bad, _ := errors.AsType[*ctap2.RequestError](err); (err != nil) != (test.status != 0) || bad != nil && bad.Status != test.status {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if p, err := ctap2.ParseSetMinPINLengthParams(unhex(t, "a401060281616103f504f5")); err != nil ||
		p.NewMinPINLength != 6 || len(p.MinPinLengthRPIDs) != 1 || !p.ForceChangePin || !p.PinComplexityPolicy {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := ctap2.ParseVendorPrototypeParams(unhex(t, "a2011bffffffffffffffff02f5")); err != nil || p.VendorCommandID != 1<<64-1 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := ctap2.ParseVendorPrototypeParams(unhex(t, "a102f5")); !errors.Is(err, ctap2.StatusMissingParameter) {
		t.Errorf("vendor command without an ID: %v", err)
	}
}
