package pinuv_test

import (
	"bytes"
	"testing"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// FuzzDecapsulate: whatever key the other end sends, both ends end in an error or the authenticator's secret is one
// that the platform would get too.
func FuzzDecapsulate(f *testing.F) {
	file := readVectors(f)
	for _, s := range []section{file.One, file.HMACSecret} {
		f.Add(uint(1), agreementKey(f, s, "platform").Append(nil))
		f.Add(uint(2), agreementKey(f, s, "authenticator").Append(nil))
	}
	f.Add(uint(0), []byte{0xa0})
	k, err := pinuv.GenerateKeyAgreement(bytes.NewReader(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, protocol uint, b []byte) {
		peer, err := cose.Parse(b)
		if err != nil {
			return
		}
		p := pinuv.Protocol(protocol)
		s, err := k.Decapsulate(p, peer)
		if err != nil {
			return
		}
		_, same, err := p.Encapsulate(bytes.NewReader(bytes.Repeat([]byte{1}, 32)), peer)
		if err != nil || !bytes.Equal(pinuv.RawSecret(s), pinuv.RawSecret(same)) {
			t.Fatalf("the platform gets another secret: %v", err)
		}
	})
}

// FuzzDecrypt: what Decrypt accepts comes back from Encrypt with the same initialisation vector.
func FuzzDecrypt(f *testing.F) {
	file := readVectors(f)
	f.Add(false, file.One.get(f, "setPIN newPinEnc"))
	f.Add(true, file.Two.get(f, `newPinEnc("1234") (80 bytes)`))
	f.Add(true, file.HMACSecret.get(f, "P2 salt_enc, two salts"))
	f.Add(true, make([]byte, 16))
	f.Add(false, []byte{})
	key := bytes.Repeat([]byte{3}, 64)
	f.Fuzz(func(t *testing.T, two bool, b []byte) {
		p, overhead := pinuv.One, 0
		if two {
			p, overhead = pinuv.Two, 16
		}
		s := pinuv.NewSharedSecret(p, key)
		plaintext, err := s.Decrypt(b)
		if err != nil {
			if !isSizeError(err, len(b)) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := s.Encrypt(bytes.NewReader(b[:overhead]), plaintext)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("Encrypt = %x, %v, want %x", again, err, b)
		}
		if !s.Verify(b, s.Authenticate(b)) {
			t.Fatal("a MAC does not verify")
		}
		if pin, err := pinuv.UnpadPIN(plaintext); err == nil && pinuv.CheckPIN(pin, 0, 0) == nil {
			if padded, err := pinuv.PadPIN(pin); err != nil || !bytes.Equal(padded, plaintext) {
				t.Fatalf("PadPIN = %x, %v, want %x", padded, err, plaintext)
			}
		}
	})
}
