package u2f_test

import (
	"testing"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

func BenchmarkAuthenticateRequestAppend(b *testing.B) {
	r := &u2f.AuthenticateRequest{Control: u2f.EnforceUserPresence, KeyHandle: make([]byte, 64)}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Append(buf, iso7816.Extended); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseRegisterResponse(b *testing.B) {
	data := readVector(b, "registration").Response
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u2f.ParseRegisterResponse(data); err != nil {
			b.Fatal(err)
		}
	}
}

// Encoding into a buffer with room allocates nothing, decoding only the result.
func TestAllocations(t *testing.T) {
	buf := make([]byte, 0, 2000)
	authenticate := &u2f.AuthenticateRequest{Control: u2f.EnforceUserPresence, KeyHandle: make([]byte, 255)}
	apdu, err := authenticate.Append(nil, iso7816.Extended)
	if err != nil {
		t.Fatal(err)
	}
	register := new(u2f.RegisterRequest)
	registered := readVector(t, "registration").Response
	response, err := u2f.ParseRegisterResponse(registered)
	if err != nil {
		t.Fatal(err)
	}
	signature := readVector(t, "authentication").Response
	for _, c := range []struct {
		name string
		most float64
		f    func()
	}{
		{"RegisterRequest.Append", 0, func() { register.Append(buf, iso7816.Extended) }},
		{"AuthenticateRequest.Append", 0, func() { authenticate.Append(buf, iso7816.Extended) }},
		{"RegisterResponse.Append", 0, func() { response.Append(buf) }},
		{"RegisterResponse.AppendSigned", 0, func() { response.AppendSigned(buf, register) }},
		{"ParseRequest", 1, func() { u2f.ParseRequest(apdu) }},
		{"ParseRegisterResponse", 1, func() { u2f.ParseRegisterResponse(registered) }},
		{"ParseAuthenticateResponse", 1, func() { u2f.ParseAuthenticateResponse(signature) }},
	} {
		if n := testing.AllocsPerRun(100, c.f); n > c.most {
			t.Errorf("%s allocates %v times, want at most %v", c.name, n, c.most)
		}
	}
}
