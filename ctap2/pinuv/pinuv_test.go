package pinuv_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

var protocols = []pinuv.Protocol{pinuv.One, pinuv.Two}

// agree runs a key agreement between two ends.
func agree(t testing.TB, p pinuv.Protocol) (platform, authenticator *pinuv.SharedSecret) {
	t.Helper()
	k, err := pinuv.GenerateKeyAgreement(nil)
	if err != nil {
		t.Fatal(err)
	}
	public, platform, err := p.Encapsulate(nil, k.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	authenticator, err = k.Decapsulate(p, public)
	if err != nil {
		t.Fatal(err)
	}
	return platform, authenticator
}

func TestBothEndsAgree(t *testing.T) {
	for _, p := range protocols {
		a, b := agree(t, p)
		if !bytes.Equal(pinuv.RawSecret(a), pinuv.RawSecret(b)) {
			t.Errorf("%v: the ends have different secrets", p)
		}
		if a.Protocol() != p || b.Protocol() != p {
			t.Errorf("%v: Protocol = %v, %v", p, a.Protocol(), b.Protocol())
		}
		c, _ := agree(t, p)
		if bytes.Equal(pinuv.RawSecret(a), pinuv.RawSecret(c)) {
			t.Errorf("%v: two agreements have the same secret", p)
		}
	}
}

func TestProtocolTwoDrawsInitialisationVectors(t *testing.T) {
	s, _ := agree(t, pinuv.Two)
	first, err := s.Encrypt(nil, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Encrypt(nil, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first[:16], second[:16]) {
		t.Error("two ciphertexts have the same initialisation vector")
	}
}

func TestEncryptAndDecryptSizes(t *testing.T) {
	for _, p := range protocols {
		s, _ := agree(t, p)
		overhead := 0
		if p == pinuv.Two {
			overhead = 16
		}
		for _, size := range []int{16, 32, 48, 64, 8192} {
			ciphertext, err := s.Encrypt(nil, make([]byte, size))
			if err != nil || len(ciphertext) != size+overhead {
				t.Errorf("%v: Encrypt of %d bytes = %d bytes, %v", p, size, len(ciphertext), err)
			}
			plaintext, err := s.Decrypt(ciphertext)
			if err != nil || !bytes.Equal(plaintext, make([]byte, size)) {
				t.Errorf("%v: Decrypt = %x, %v", p, plaintext, err)
			}
		}
		for _, size := range []int{0, 1, 15, 17, 31, 63, 65, 8208} {
			if _, err := s.Encrypt(nil, make([]byte, size)); !isSizeError(err, size) {
				t.Errorf("%v: Encrypt of %d bytes: %v, want a SizeError", p, size, err)
			}
			if _, err := s.Decrypt(make([]byte, size+overhead)); !isSizeError(err, size+overhead) {
				t.Errorf("%v: Decrypt of %d bytes: %v, want a SizeError", p, size+overhead, err)
			}
		}
		if _, err := s.Decrypt(nil); !isSizeError(err, 0) {
			t.Errorf("%v: Decrypt of nothing: %v, want a SizeError", p, err)
		}
	}
}

func isSizeError(err error, size int) bool {
	e, ok := errors.AsType[*pinuv.SizeError](err)
	return ok && e.Size == size
}

// verifier is what secrets and tokens have in common.
type verifier interface {
	Authenticate(message []byte) []byte
	Verify(message, param []byte) bool
}

func TestVerify(t *testing.T) {
	message := []byte("message")
	for _, p := range protocols {
		secret, _ := agree(t, p)
		token, err := pinuv.NewToken(p, bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []verifier{secret, token} {
			mac := v.Authenticate(message)
			if size := map[pinuv.Protocol]int{pinuv.One: 16, pinuv.Two: 32}[p]; len(mac) != size {
				t.Errorf("%v: %T: a MAC has %d bytes, want %d", p, v, len(mac), size)
			}
			if !v.Verify(message, mac) {
				t.Errorf("%v: %T: the MAC does not verify", p, v)
			}
			changed := bytes.Clone(mac)
			changed[len(mac)-1] ^= 1
			for name, bad := range map[string][]byte{
				"nothing": nil, "a short MAC": mac[:len(mac)-1], "the first 16 bytes less one": mac[:15],
				"a long MAC": append(bytes.Clone(mac), 0), "a changed MAC": changed, "zeros": make([]byte, len(mac)),
			} {
				if v.Verify(message, bad) {
					t.Errorf("%v: %T: %s verifies", p, v, name)
				}
			}
			if p == pinuv.Two && v.Verify(message, mac[:16]) {
				t.Errorf("%v: %T: a MAC of 16 bytes verifies", p, v)
			}
			if v.Verify([]byte("massage"), mac) {
				t.Errorf("%v: %T: another message verifies", p, v)
			}
		}
	}
}

func TestNewToken(t *testing.T) {
	allowed := map[pinuv.Protocol][]int{pinuv.One: {16, 32}, pinuv.Two: {32}}
	for p, sizes := range allowed {
		for size := range 65 {
			raw := bytes.Repeat([]byte{9}, size)
			token, err := pinuv.NewToken(p, raw)
			ok := size == 32 || size == sizes[0]
			if (err == nil) != ok {
				t.Errorf("%v: a token of %d bytes: %v", p, size, err)
				continue
			}
			if !ok {
				if !isSizeError(err, size) {
					t.Errorf("%v: a token of %d bytes: %v, want a SizeError", p, size, err)
				}
				continue
			}
			got := token.ExposeSecret()
			if !bytes.Equal(got, raw) || token.Protocol() != p {
				t.Errorf("%v: token = %x of %v, want %x", p, got, token.Protocol(), raw)
			}
			clear(raw)
			clear(got)
			if token.ExposeSecret()[0] != 9 {
				t.Errorf("%v: the token shares memory with its bytes", p)
			}
		}
	}
}

func TestTokenEqual(t *testing.T) {
	token := func(p pinuv.Protocol, b byte, size int) *pinuv.Token {
		token, err := pinuv.NewToken(p, bytes.Repeat([]byte{b}, size))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	a := token(pinuv.One, 1, 32)
	for _, c := range []struct {
		name string
		b    *pinuv.Token
		want bool
	}{
		{"the same bytes", token(pinuv.One, 1, 32), true},
		{"other bytes", token(pinuv.One, 2, 32), false},
		{"another protocol", token(pinuv.Two, 1, 32), false},
		{"another size", token(pinuv.One, 1, 16), false},
	} {
		if a.Equal(c.b) != c.want || c.b.Equal(a) != c.want {
			t.Errorf("%s: Equal is not %v", c.name, c.want)
		}
	}
}

func TestUnknownProtocol(t *testing.T) {
	k, err := pinuv.GenerateKeyAgreement(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []pinuv.Protocol{0, 3, 1 << 20} {
		_, _, encapsulate := p.Encapsulate(nil, k.PublicKey())
		_, decapsulate := k.Decapsulate(p, k.PublicKey())
		_, token := pinuv.NewToken(p, make([]byte, 32))
		for _, err := range []error{encapsulate, decapsulate, token} {
			if e, ok := errors.AsType[*pinuv.ProtocolError](err); !ok || e.Protocol != p {
				t.Errorf("protocol %d: %v, want a ProtocolError", p, err)
			}
		}
	}
	got := fmt.Sprint(pinuv.One, ", ", pinuv.Two, ", ", pinuv.Protocol(3))
	if want := "PIN/UV auth protocol one, PIN/UV auth protocol two, PIN/UV auth protocol 3"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

func TestHostilePeerKey(t *testing.T) {
	v := readVectors(t).One
	x, y := v.get(t, "platform_x"), v.get(t, "platform_y")
	offCurve := bytes.Clone(y)
	offCurve[0] ^= 1
	for _, c := range []struct {
		name                    string
		key                     *cose.Key
		platform, authenticator bool // accepted
	}{
		{"in order", &cose.Key{Kty: cose.EC2, Alg: cose.ECDHESHKDF256, Crv: cose.CurveP256, X: x, Y: y}, true, true},
		{"marked ES256", &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: x, Y: y}, true, false},
		{"none", nil, false, false},
		{"empty", &cose.Key{}, false, false},
		{"not on the curve", &cose.Key{Kty: cose.EC2, Alg: cose.ECDHESHKDF256, Crv: cose.CurveP256, X: x, Y: offCurve}, false, false},
		{"zero", &cose.Key{Kty: cose.EC2, Alg: cose.ECDHESHKDF256, Crv: cose.CurveP256, X: make([]byte, 32), Y: make([]byte, 32)}, false, false},
		{"short x", &cose.Key{Kty: cose.EC2, Alg: cose.ECDHESHKDF256, Crv: cose.CurveP256, X: x[1:], Y: y}, false, false},
		{"Ed25519", &cose.Key{Kty: cose.OKP, Alg: cose.EdDSA, Crv: cose.CurveEd25519, X: x}, false, false},
	} {
		k, err := pinuv.GenerateKeyAgreement(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range protocols {
			_, _, err := p.Encapsulate(nil, c.key)
			checkPeerError(t, c.name, err, c.platform)
			_, err = k.Decapsulate(p, c.key)
			checkPeerError(t, c.name, err, c.authenticator)
		}
	}
}

func checkPeerError(t *testing.T, name string, err error, accepted bool) {
	t.Helper()
	if accepted {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	if _, ok := errors.AsType[*pinuv.KeyAgreementError](err); !ok {
		t.Errorf("%s: %v, want a KeyAgreementError", name, err)
	}
}

func TestRandomness(t *testing.T) {
	order, err := hex.DecodeString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
	if err != nil {
		t.Fatal(err)
	}
	usable := bytes.Repeat([]byte{1}, 32)
	// Zero, the order of the group and more are no private keys, and the next 32 bytes are drawn.
	stream := concat(concat(make([]byte, 32), order), concat(bytes.Repeat([]byte{0xff}, 32), usable))
	got, err := pinuv.GenerateKeyAgreement(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	wantKey, err := pinuv.GenerateKeyAgreement(bytes.NewReader(usable))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "key drawn after three rejections", got.PublicKey().Append(nil), wantKey.PublicKey().Append(nil))

	broken := errors.New("broken")
	if _, err := pinuv.GenerateKeyAgreement(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
	if _, err := pinuv.GenerateKeyAgreement(bytes.NewReader(usable[1:])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader that ends: %v", err)
	}
	if _, err := pinuv.GenerateKeyAgreement(zeros{}); err == nil {
		t.Error("a reader of nothing but zeros gives a key")
	}
	if _, _, err := pinuv.Two.Encapsulate(iotest.ErrReader(broken), got.PublicKey()); !errors.Is(err, broken) {
		t.Errorf("Encapsulate with a broken reader: %v", err)
	}
	s, _ := agree(t, pinuv.Two)
	if _, err := s.Encrypt(iotest.ErrReader(broken), make([]byte, 16)); !errors.Is(err, broken) {
		t.Errorf("Encrypt with a broken reader: %v", err)
	}
	token, err := pinuv.NewToken(pinuv.Two, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.EncryptMember(iotest.ErrReader(broken), pinuv.EncIdentifier, [16]byte{}); !errors.Is(err, broken) {
		t.Errorf("EncryptMember with a broken reader: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestSecretsPrintRedacted(t *testing.T) {
	raw := bytes.Repeat([]byte{0xab}, 32)
	secret := pinuv.NewSharedSecret(pinuv.Two, raw)
	token, err := pinuv.NewToken(pinuv.Two, raw)
	if err != nil {
		t.Fatal(err)
	}
	agreement, err := pinuv.GenerateKeyAgreement(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	values := []any{secret, *secret, token, *token, agreement, *agreement, struct{ T *pinuv.Token }{token}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%08b"} {
			got := fmt.Sprintf(verb, v)
			// A pointer inside a struct prints as an address.
			if _, nested := v.(struct{ T *pinuv.Token }); !nested && !strings.Contains(got, "redacted") {
				t.Errorf("%T with %s = %q", v, verb, got)
			}
			checkNoSecret(t, got)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		checkNoSecret(t, string(text))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("message", "value", v)
		checkNoSecret(t, log.String())
	}
}

func checkNoSecret(t *testing.T, s string) {
	t.Helper()
	for _, leak := range []string{"abab", "ABAB", "171 171", "171, 171", "10101011"} {
		if strings.Contains(s, leak) {
			t.Errorf("%q shows the secret", s)
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	s, _ := agree(t, pinuv.Two)
	_, size := s.Decrypt(make([]byte, 20))
	_, _, protocol := pinuv.Protocol(7).Encapsulate(nil, nil)
	_, _, peer := pinuv.One.Encapsulate(nil, &cose.Key{Kty: cose.OKP})
	for _, c := range []struct {
		err  error
		want string
	}{
		{size, "pinuv: decrypt: 20 bytes given, want a positive multiple of 16, and 16 before that"},
		{protocol, "pinuv: PIN/UV auth protocol 7 is not supported, one and two are"},
		{peer, "pinuv: key agreement: cose: COSE key member 1: OKP instead of EC2"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("error %q, want %q", c.err, c.want)
		}
	}
	if _, ok := errors.AsType[*cose.KeyError](peer); !ok {
		t.Errorf("error %v does not wrap that of package cose", peer)
	}
}

func TestWipe(t *testing.T) {
	secret, _ := agree(t, pinuv.Two)
	secret.Wipe()
	want(t, "wiped secret", pinuv.RawSecret(secret), make([]byte, 64))
	token, err := pinuv.NewToken(pinuv.One, bytes.Repeat([]byte{1}, 16))
	if err != nil {
		t.Fatal(err)
	}
	token.Wipe()
	want(t, "wiped token", token.ExposeSecret(), make([]byte, 16))
}

// One login with a PIN: agreement, the PIN's hash out, the token in, one MAC.
func BenchmarkLogin(b *testing.B) {
	for _, p := range protocols {
		b.Run(p.String(), func(b *testing.B) {
			k, err := pinuv.GenerateKeyAgreement(nil)
			if err != nil {
				b.Fatal(err)
			}
			public := k.PublicKey()
			clientDataHash := make([]byte, 32)
			b.ReportAllocs()
			for b.Loop() {
				_, s, err := p.Encapsulate(nil, public)
				if err != nil {
					b.Fatal(err)
				}
				hash := pinuv.HashPIN([]byte("1234"))
				if _, err := s.Encrypt(nil, hash[:]); err != nil {
					b.Fatal(err)
				}
				raw, err := s.Decrypt(make([]byte, 48))
				if err != nil {
					b.Fatal(err)
				}
				token, err := pinuv.NewToken(p, raw[:32])
				if err != nil {
					b.Fatal(err)
				}
				token.Authenticate(clientDataHash)
			}
		})
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	token, err := pinuv.NewToken(pinuv.Two, make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	clientDataHash := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		token.Authenticate(clientDataHash)
	}
}
