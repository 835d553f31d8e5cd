package u2f_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

func TestRegistrationVectors(t *testing.T) {
	for _, name := range registrations {
		t.Run(name, func(t *testing.T) {
			v := readVector(t, name)
			request := &u2f.RegisterRequest{
				Challenge:   [32]byte(v.ChallengeParameter),
				Application: sha256.Sum256([]byte(v.Application)),
			}
			if !bytes.Equal(request.Application[:], v.ApplicationParameter) {
				t.Errorf("the application hashes to %x", request.Application)
			}
			if hash := sha256.Sum256([]byte(v.ClientData)); v.ClientData != "" && !bytes.Equal(hash[:], v.ChallengeParameter) {
				t.Errorf("the client data hash to %x", hash)
			}
			if apdu, err := request.Append(nil, iso7816.Extended); err != nil || !bytes.Equal(apdu, v.Request) {
				t.Errorf("Append = %x, %v, want %x", apdu, err, v.Request)
			}
			if got, err := u2f.ParseRequest(v.Request); err != nil || !reflect.DeepEqual(got, request) {
				t.Errorf("ParseRequest = %+v, %v", got, err)
			}

			response, err := u2f.ParseRegisterResponse(v.Response)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				member    string
				got, want []byte
			}{
				{"UserPublicKey", response.UserPublicKey[:], v.PublicKey},
				{"KeyHandle", response.KeyHandle, v.KeyHandle},
				{"Certificate", response.Certificate, v.Certificate},
				{"Signature", response.Signature, v.Signature},
				{"AppendSigned", response.AppendSigned(nil, request), v.Signed},
			} {
				if !bytes.Equal(c.got, c.want) {
					t.Errorf("%s = %x, want %x", c.member, c.got, c.want)
				}
			}
			if got, err := response.Append(nil); err != nil || !bytes.Equal(got, v.Response) {
				t.Errorf("Append = %x, %v, want %x", got, err, v.Response)
			}
			if err := response.Verify(request); err != nil {
				t.Errorf("Verify: %v", err)
			}
			for _, spoil := range []func(*u2f.RegisterRequest, *u2f.RegisterResponse){
				func(q *u2f.RegisterRequest, _ *u2f.RegisterResponse) { q.Challenge[0]++ },
				func(q *u2f.RegisterRequest, _ *u2f.RegisterResponse) { q.Application[31]++ },
				func(_ *u2f.RegisterRequest, r *u2f.RegisterResponse) { r.KeyHandle = append([]byte{1}, r.KeyHandle...) },
				func(_ *u2f.RegisterRequest, r *u2f.RegisterResponse) { r.Signature = r.Signature[:10] },
			} {
				q, r := *request, *response
				spoil(&q, &r)
				if err := r.Verify(&q); err != u2f.ErrSignature {
					t.Errorf("Verify of another registration: %v", err)
				}
			}
		})
	}
}

func TestAuthenticationVectors(t *testing.T) {
	for _, name := range authentications {
		t.Run(name, func(t *testing.T) {
			v := readVector(t, name)
			request := &u2f.AuthenticateRequest{
				Control:     u2f.EnforceUserPresence,
				Challenge:   [32]byte(v.ChallengeParameter),
				Application: sha256.Sum256([]byte(v.Application)),
				KeyHandle:   v.KeyHandle,
			}
			if !bytes.Equal(request.Application[:], v.ApplicationParameter) {
				t.Errorf("the application hashes to %x", request.Application)
			}
			if hash := sha256.Sum256([]byte(v.ClientData)); v.ClientData != "" && !bytes.Equal(hash[:], v.ChallengeParameter) {
				t.Errorf("the client data hash to %x", hash)
			}
			if v.Request != nil {
				if apdu, err := request.Append(nil, iso7816.Extended); err != nil || !bytes.Equal(apdu, v.Request) {
					t.Errorf("Append = %x, %v, want %x", apdu, err, v.Request)
				}
				if got, err := u2f.ParseRequest(v.Request); err != nil || !reflect.DeepEqual(got, request) {
					t.Errorf("ParseRequest = %+v, %v", got, err)
				}
			}

			response, err := u2f.ParseAuthenticateResponse(v.Response)
			if err != nil {
				t.Fatal(err)
			}
			if !response.UserPresent() || !bytes.Equal(response.Signature, v.Signature) {
				t.Errorf("response %+v", response)
			}
			if got := response.AppendSigned(nil, request); !bytes.Equal(got, v.Signed) {
				t.Errorf("AppendSigned = %x, want %x", got, v.Signed)
			}
			if got := response.Append(nil); !bytes.Equal(got, v.Response) {
				t.Errorf("Append = %x, want %x", got, v.Response)
			}
			key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), v.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Verify(request, key); err != nil {
				t.Errorf("Verify: %v", err)
			}
			for _, spoil := range []func(*u2f.AuthenticateRequest, *u2f.AuthenticateResponse){
				func(q *u2f.AuthenticateRequest, _ *u2f.AuthenticateResponse) { q.Challenge[0]++ },
				func(q *u2f.AuthenticateRequest, _ *u2f.AuthenticateResponse) { q.Application[31]++ },
				func(_ *u2f.AuthenticateRequest, r *u2f.AuthenticateResponse) { r.UserPresence = 0 },
				func(_ *u2f.AuthenticateRequest, r *u2f.AuthenticateResponse) { r.Counter++ },
				func(_ *u2f.AuthenticateRequest, r *u2f.AuthenticateResponse) { r.Signature = nil },
			} {
				q, r := *request, *response
				spoil(&q, &r)
				if err := r.Verify(&q, key); err != u2f.ErrSignature {
					t.Errorf("Verify of another authentication: %v", err)
				}
			}
		})
	}
}

// requests are requests of every kind in both forms.
var requests = []struct {
	name            string
	request         u2f.Request
	short, extended string
}{
	{"VERSION", &u2f.VersionRequest{}, "0003000000", "00030000000000"},
	{"REGISTER", &u2f.RegisterRequest{Challenge: [32]byte{0xaa}, Application: [32]byte{0xbb}},
		"0001000040" + aa + bb + "00", "00010000000040" + aa + bb + "0000"},
	{"REGISTER/individual attestation", &u2f.RegisterRequest{P1: 0x83},
		"0001830040" + zeros + zeros + "00", "00018300000040" + zeros + zeros + "0000"},
	{"AUTHENTICATE/check-only", &u2f.AuthenticateRequest{Control: u2f.CheckOnly, Challenge: [32]byte{0xaa}, Application: [32]byte{0xbb}, KeyHandle: []byte{1, 2, 3}},
		"0002070044" + aa + bb + "03010203" + "00", "00020700000044" + aa + bb + "03010203" + "0000"},
	{"AUTHENTICATE/without presence", &u2f.AuthenticateRequest{Control: u2f.DontEnforceUserPresence, KeyHandle: []byte{1}},
		"0002080042" + zeros + zeros + "0101" + "00", "00020800000042" + zeros + zeros + "0101" + "0000"},
	{"AUTHENTICATE/empty key handle", &u2f.AuthenticateRequest{Control: u2f.EnforceUserPresence, KeyHandle: []byte{}},
		"0002030041" + zeros + zeros + "00" + "00", "00020300000041" + zeros + zeros + "00" + "0000"},
}

const (
	zeros = "0000000000000000000000000000000000000000000000000000000000000000"
	aa    = "aa" + "00000000000000000000000000000000000000000000000000000000000000"
	bb    = "bb" + "00000000000000000000000000000000000000000000000000000000000000"
)

func TestRequests(t *testing.T) {
	for _, c := range requests {
		t.Run(c.name, func(t *testing.T) {
			for form, want := range map[iso7816.Form]string{iso7816.Short: c.short, iso7816.Extended: c.extended} {
				apdu := unhex(t, want)
				if got, err := c.request.Append([]byte("before"), form); err != nil || !bytes.Equal(got, append([]byte("before"), apdu...)) {
					t.Errorf("%v: Append = %x, %v, want %x", form, got, err, apdu)
				}
				if got, err := u2f.ParseRequest(apdu); err != nil || !reflect.DeepEqual(got, c.request) {
					t.Errorf("%v: ParseRequest = %+v, %v, want %+v", form, got, err, c.request)
				}
			}
		})
	}
}

func TestVersionFromRealHosts(t *testing.T) {
	for _, apdu := range []string{"00030000", "0003000000", "00030000000000", "000300000000000000"} {
		if r, err := u2f.ParseRequest(unhex(t, apdu)); err != nil || reflect.TypeOf(r) != reflect.TypeFor[*u2f.VersionRequest]() {
			t.Errorf("%s: %T, %v", apdu, r, err)
		}
	}
}

// U-1, U-5 and what else a key refuses before it looks at key handles.
func TestParseRequestRefuses(t *testing.T) {
	long := strings.Repeat("11", 64)
	for _, c := range []struct {
		name, apdu string
		want       iso7816.StatusWord
	}{
		{"empty", "", iso7816.SWWrongLength},
		{"header cut short", "000300", iso7816.SWWrongLength},
		{"class", "8003000000", iso7816.SWClassNotSupported},
		{"instruction", "0004000000", iso7816.SWInstructionNotSupported},
		{"vendor's instruction", "0040000000", iso7816.SWInstructionNotSupported},
		{"VERSION/with data", "000300000111", iso7816.SWWrongLength},
		{"VERSION/P1", "0003010000", iso7816.SWIncorrectP1P2},
		{"REGISTER/no data", "0001000000", iso7816.SWWrongLength},
		{"REGISTER/one byte missing", "000100003f" + long[2:], iso7816.SWWrongLength},
		{"REGISTER/one byte too many", "0001000041" + long + "11", iso7816.SWWrongLength},
		{"REGISTER/Lc too large", "0001000041" + long, iso7816.SWWrongLength},
		{"REGISTER/P1", "0001070040" + long, iso7816.SWIncorrectP1P2},
		{"REGISTER/P2", "0001000140" + long, iso7816.SWIncorrectP1P2},
		{"AUTHENTICATE/no key handle length", "0002030040" + long, iso7816.SWWrongLength},
		{"AUTHENTICATE/key handle cut short", "0002030042" + long + "0222", iso7816.SWWrongLength},
		{"AUTHENTICATE/more than the key handle", "0002030043" + long + "012222", iso7816.SWWrongLength},
		{"AUTHENTICATE/control", "0002000042" + long + "0122", iso7816.SWIncorrectP1P2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := u2f.ParseRequest(unhex(t, c.apdu))
			bad, ok := errors.AsType[*u2f.RequestError](err)
			if !ok || bad.SW != c.want || !errors.Is(err, c.want) || r != nil {
				t.Errorf("%+v, %v, want %v", r, err, c.want)
			}
		})
	}
}

func TestKeyHandleLengths(t *testing.T) {
	for _, c := range []struct {
		n    int
		form iso7816.Form
		ok   bool
	}{
		{190, iso7816.Short, true}, {191, iso7816.Short, false},
		{255, iso7816.Extended, true}, {256, iso7816.Extended, false},
	} {
		apdu, err := (&u2f.AuthenticateRequest{Control: u2f.CheckOnly, KeyHandle: make([]byte, c.n)}).Append(nil, c.form)
		if (err == nil) != c.ok {
			t.Errorf("%d bytes in the %v form: %v", c.n, c.form, err)
		}
		if err != nil {
			_, ranged := errors.AsType[*iso7816.RangeError](err)
			if ranged == errors.Is(err, u2f.ErrKeyHandleLength) {
				t.Errorf("%d bytes in the %v form: %v", c.n, c.form, err)
			}
			continue
		}
		r, err := u2f.ParseRequest(apdu)
		if got, ok := r.(*u2f.AuthenticateRequest); err != nil || !ok || len(got.KeyHandle) != c.n {
			t.Errorf("%d bytes in the %v form: parsed as %+v, %v", c.n, c.form, r, err)
		}
	}
}

func TestRegisterResponseAppendRefuses(t *testing.T) {
	good := func() *u2f.RegisterResponse {
		return &u2f.RegisterResponse{KeyHandle: make([]byte, 255), Certificate: []byte{0x30, 0}, Signature: []byte{1}}
	}
	if b, err := good().Append(nil); err != nil || len(b) != 1+65+1+255+2+1 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	for _, c := range []struct {
		name  string
		spoil func(*u2f.RegisterResponse)
		want  error
	}{
		{"no key handle", func(r *u2f.RegisterResponse) { r.KeyHandle = nil }, u2f.ErrKeyHandleLength},
		{"key handle too long", func(r *u2f.RegisterResponse) { r.KeyHandle = make([]byte, 256) }, u2f.ErrKeyHandleLength},
		{"no certificate", func(r *u2f.RegisterResponse) { r.Certificate = nil }, nil},
		{"certificate cut short", func(r *u2f.RegisterResponse) { r.Certificate = []byte{0x30, 1} }, nil},
		{"more than a certificate", func(r *u2f.RegisterResponse) { r.Certificate = []byte{0x30, 0, 0} }, nil},
		{"no signature", func(r *u2f.RegisterResponse) { r.Signature = nil }, nil},
	} {
		r := good()
		c.spoil(r)
		if b, err := r.Append(nil); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %x, %v", c.name, b, err)
		}
	}
}

func TestParseRegisterResponseRefuses(t *testing.T) {
	head := "05" + "04" + strings.Repeat("22", 64)
	for _, c := range []struct{ name, data, problem string }{
		{"empty", "", "it is cut short"},
		{"no key handle length", head, "it is cut short"},
		{"reserved byte", "06" + head[2:] + "01aa" + "3000" + "11", "it begins with 0x06 instead of 0x05"},
		{"empty key handle", head + "00" + "3000" + "11", "the key handle is empty"},
		{"key handle cut short", head + "02aa", "the key handle is cut short"},
		{"no certificate", head + "01aa", "the certificate is cut short, or not DER"},
		{"certificate/no SEQUENCE", head + "01aa" + "310011", "the certificate is cut short, or not DER"},
		{"certificate/cut short", head + "01aa" + "300511", "the certificate is cut short, or not DER"},
		{"certificate/indefinite length", head + "01aa" + "308000000011", "the certificate is cut short, or not DER"},
		{"certificate/length cut short", head + "01aa" + "308201", "the certificate is cut short, or not DER"},
		{"certificate/length of four bytes", head + "01aa" + "308400000000" + "11", "the certificate is cut short, or not DER"},
		{"no signature", head + "01aa" + "3000", "the signature is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := unhex(t, c.data)
			_, err := u2f.ParseRegisterResponse(data)
			bad, ok := errors.AsType[*u2f.ReplyError](err)
			if !ok || bad.Problem != c.problem || !bytes.Equal(bad.Raw, data) {
				t.Errorf("error %v, want %s", err, c.problem)
			}
		})
	}
	for _, certificate := range []string{"3000", "300155", "30810155", "3082000155", "308300000155"} {
		r, err := u2f.ParseRegisterResponse(unhex(t, head+"01aa"+certificate+"11"))
		if err != nil || !bytes.Equal(r.Certificate, unhex(t, certificate)) || !bytes.Equal(r.Signature, []byte{0x11}) {
			t.Errorf("certificate %s: %+v, %v", certificate, r, err)
		}
	}
}

func TestParseAuthenticateResponseRefuses(t *testing.T) {
	for _, c := range []struct{ name, data, problem string }{
		{"empty", "", "it is cut short"},
		{"counter cut short", "01000000", "it is cut short"},
		{"no signature", "0100000001", "the signature is missing"},
	} {
		_, err := u2f.ParseAuthenticateResponse(unhex(t, c.data))
		if bad, ok := errors.AsType[*u2f.ReplyError](err); !ok || bad.Problem != c.problem {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestVerifyRefusesKeys(t *testing.T) {
	v := readVector(t, "registration")
	request := &u2f.RegisterRequest{Challenge: [32]byte(v.ChallengeParameter), Application: [32]byte(v.ApplicationParameter)}
	for _, c := range []struct {
		name  string
		spoil func(*u2f.RegisterResponse)
		want  string
	}{
		{"user public key", func(r *u2f.RegisterResponse) { r.UserPublicKey[64]++ }, "not a point on P-256"},
		{"certificate", func(r *u2f.RegisterResponse) { r.Certificate = []byte{0x30, 0} }, "attestation certificate"},
	} {
		response, err := u2f.ParseRegisterResponse(v.Response)
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(response)
		if err := response.Verify(request); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{u2f.INSRegister, "U2F_REGISTER"},
		{u2f.INSAuthenticate, "U2F_AUTHENTICATE"},
		{u2f.INSVersion, "U2F_VERSION"},
		{u2f.INSVendorFirst, "U2F command 0x40"},
		{u2f.EnforceUserPresence, "enforce-user-presence-and-sign"},
		{u2f.CheckOnly, "check-only"},
		{u2f.DontEnforceUserPresence, "dont-enforce-user-presence-and-sign"},
		{u2f.Control(9), "control 0x09"},
	} {
		if got := c.value.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
