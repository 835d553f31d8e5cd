package u2f_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// FuzzParseRequest: what parses comes back from Append as the same request, in
// the extended form always and in the short form if it fits, and what does not
// parse has a status word to answer.
func FuzzParseRequest(f *testing.F) {
	for _, c := range requests {
		f.Add(unhex(f, c.short))
		f.Add(unhex(f, c.extended))
	}
	for _, s := range []string{"", "0003", "000300000000000000", "8003000000", "0040000000", "000300000111"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, apdu []byte) {
		r, err := u2f.ParseRequest(apdu)
		if err != nil {
			bad, ok := errors.AsType[*u2f.RequestError](err)
			if !ok || bad.SW>>8 < 0x64 || bad.SW>>8 > 0x6f || r != nil {
				t.Fatalf("%x: %v, %v", apdu, r, err)
			}
			return
		}
		for _, form := range []iso7816.Form{iso7816.Short, iso7816.Extended} {
			again, err := r.Append(nil, form)
			if err != nil {
				if a, ok := r.(*u2f.AuthenticateRequest); form == iso7816.Extended || !ok || len(a.KeyHandle) <= 190 {
					t.Fatalf("%x: Append: %v", apdu, err)
				}
				continue
			}
			if got, err := u2f.ParseRequest(again); err != nil || !reflect.DeepEqual(got, r) {
				t.Fatalf("%x parses as %+v, and what that encodes to, %x, as %+v, %v", apdu, r, again, got, err)
			}
		}
	})
}

// FuzzParseRegisterResponse: what parses comes back from Append byte for byte,
// and nothing panics with keys, certificates and signatures that are none.
func FuzzParseRegisterResponse(f *testing.F) {
	for _, name := range registrations {
		f.Add([]byte(readVector(f, name).Response))
	}
	f.Add([]byte{})
	f.Add(append(append([]byte{5}, make([]byte, 65)...), 1, 0xaa, 0x30, 0x80, 0, 0, 1))
	f.Add(append(append([]byte{5}, make([]byte, 65)...), 1, 0xaa, 0x30, 0x83, 0, 0, 1, 0x55, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := u2f.ParseRegisterResponse(data)
		if err != nil {
			if _, ok := errors.AsType[*u2f.ReplyError](err); !ok || r != nil {
				t.Fatalf("%x: %v, %v", data, r, err)
			}
			return
		}
		if got, err := r.Append(nil); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("Append = %x, %v, want %x", got, err, data)
		}
		if r.Verify(new(u2f.RegisterRequest)) == nil {
			t.Fatalf("%x verifies for a challenge that was never signed", data)
		}
	})
}

// FuzzParseAuthenticateResponse: what parses comes back from Append byte for
// byte.
func FuzzParseAuthenticateResponse(f *testing.F) {
	for _, name := range authentications {
		f.Add([]byte(readVector(f, name).Response))
	}
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 1})
	v := readVector(f, "registration")
	registered, err := u2f.ParseRegisterResponse(v.Response)
	if err != nil {
		f.Fatal(err)
	}
	key, err := registered.PublicKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := u2f.ParseAuthenticateResponse(data)
		if err != nil {
			if _, ok := errors.AsType[*u2f.ReplyError](err); !ok || r != nil {
				t.Fatalf("%x: %v, %v", data, r, err)
			}
			return
		}
		if got := r.Append(nil); !bytes.Equal(got, data) {
			t.Fatalf("Append = %x, want %x", got, data)
		}
		if r.Verify(new(u2f.AuthenticateRequest), key) == nil {
			t.Fatalf("%x verifies for a challenge that was never signed", data)
		}
	})
}
