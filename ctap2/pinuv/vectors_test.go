package pinuv_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// section is a part of the vector file: values in hexadecimal by the name that their source gives them.
type section map[string]string

func (s section) get(t testing.TB, name string) []byte {
	t.Helper()
	text, ok := s[name]
	if !ok {
		t.Fatalf("no vector %q", name)
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatalf("vector %q: %v", name, err)
	}
	return b
}

type vectorFile struct {
	One        section `json:"one"`
	Two        section `json:"two"`
	HMACSecret section `json:"hmac_secret"`
	Params     []struct {
		Case, Message, HMAC string
	} `json:"pin_uv_auth_params"`
}

func readVectors(t testing.TB) *vectorFile {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	v := new(vectorFile)
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
	return v
}

func agreementKey(t testing.TB, s section, side string) *cose.Key {
	t.Helper()
	return &cose.Key{Kty: cose.EC2, Alg: cose.ECDHESHKDF256, Crv: cose.CurveP256,
		X: s.get(t, side+"_x"), Y: s.get(t, side+"_y")}
}

// encapsulate repeats the platform's side of a vector.
func encapsulate(t testing.TB, p pinuv.Protocol, s section, private string) *pinuv.SharedSecret {
	t.Helper()
	public, secret, err := p.Encapsulate(bytes.NewReader(s.get(t, private)), agreementKey(t, s, "authenticator"))
	if err != nil {
		t.Fatal(err)
	}
	if want := agreementKey(t, s, "platform").Append(nil); !bytes.Equal(public.Append(nil), want) {
		t.Errorf("platform key = %x, want %x", public.Append(nil), want)
	}
	return secret
}

func want(t testing.TB, name string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s = %x, want %x", name, got, want)
	}
}

func encrypt(t testing.TB, s *pinuv.SharedSecret, iv, plaintext []byte) []byte {
	t.Helper()
	b, err := s.Encrypt(bytes.NewReader(iv), plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decrypt(t testing.TB, s *pinuv.SharedSecret, ciphertext []byte) []byte {
	t.Helper()
	b, err := s.Decrypt(ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func padded(t testing.TB, pin string) []byte {
	t.Helper()
	b, err := pinuv.PadPIN([]byte(pin))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func concat(a, b []byte) []byte { return append(bytes.Clone(a), b...) }

func TestProtocolOneVectors(t *testing.T) {
	v := readVectors(t).One
	// Z starts with a zero byte here, which must be hashed with the rest.
	s := encapsulate(t, pinuv.One, v, "platform_private_key")
	defer s.Wipe()
	want(t, "shared secret", pinuv.RawSecret(s), v.get(t, "shared_secret = SHA-256(Z)"))

	hash := pinuv.HashPIN([]byte("1234"))
	want(t, "PIN hash", hash[:], v.get(t, `LEFT(SHA-256("1234"),16)`))
	pinHashEnc := encrypt(t, s, nil, hash[:])
	want(t, "pinHashEnc", pinHashEnc, v.get(t, "pinHashEnc"))
	want(t, "pinHashEnc decrypted", decrypt(t, s, pinHashEnc), hash[:])

	token := decrypt(t, s, v.get(t, "encrypted pinToken (16 bytes)"))
	want(t, "pinToken", token, v.get(t, "pinToken"))
	if _, err := pinuv.NewToken(pinuv.One, token); err != nil {
		t.Error(err)
	}

	newPinEnc := encrypt(t, s, nil, padded(t, "1234"))
	want(t, "setPIN newPinEnc", newPinEnc, v.get(t, "setPIN newPinEnc"))
	want(t, "setPIN pinUvAuthParam", s.Authenticate(newPinEnc), v.get(t, "setPIN pinUvAuthParam"))

	newPinEnc = encrypt(t, s, nil, padded(t, "4321"))
	want(t, "changePIN newPinEnc", newPinEnc, v.get(t, `changePIN newPinEnc ("4321")`))
	want(t, "changePIN pinUvAuthParam", s.Authenticate(concat(newPinEnc, pinHashEnc)), v.get(t, "changePIN pinUvAuthParam"))

	other := pinuv.NewSharedSecret(pinuv.One, v.get(t, "shared_secret"))
	newPinEnc = encrypt(t, other, nil, padded(t, "1234"))
	want(t, "newPinEnc", newPinEnc, v.get(t, "newPinEnc"))
	want(t, "pinUvAuthParam", other.Authenticate(newPinEnc), v.get(t, "pinUvAuthParam"))
}

func TestProtocolTwoVectors(t *testing.T) {
	file := readVectors(t)
	v := file.Two
	for _, b := range []byte{0xff, 0x55} {
		secret, err := pinuv.Two.Derive(bytes.Repeat([]byte{b}, 32))
		if err != nil {
			t.Fatal(err)
		}
		name := "KDF(Z = " + hex.EncodeToString([]byte{b}) + "*32)"
		want(t, name, pinuv.RawSecret(secret), v.get(t, name))
		if b == 0x55 {
			want(t, "authenticate2", secret.Authenticate([]byte{0xaa}), v.get(t, "authenticate2(KDF(55*32), aa)"))
		}
	}
	secret, err := pinuv.One.Derive(bytes.Repeat([]byte{0x55}, 32))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "authenticate1", secret.Authenticate([]byte{0xaa}), v.get(t, "OpenSK, protocol one: authenticate1(SHA-256(55*32), aa)"))
	token, err := pinuv.NewToken(pinuv.Two, bytes.Repeat([]byte{0x91}, 32))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "authenticate2 with a token", token.Authenticate([]byte{0xaa}), v.get(t, "authenticate2(token = 91*32, aa)"))

	// The key pairs are those of protocol one.
	s := encapsulate(t, pinuv.Two, file.One, "platform_private_key")
	want(t, "shared secret", pinuv.RawSecret(s), v.get(t, "shared_secret (HMAC key || AES key)"))
	iv := func(b byte) []byte { return bytes.Repeat([]byte{b}, 16) }
	hash := pinuv.HashPIN([]byte("1234"))

	newPinEnc := encrypt(t, s, iv(0xa0), padded(t, "1234"))
	want(t, "setPIN newPinEnc", newPinEnc, v.get(t, `newPinEnc("1234") (80 bytes)`))
	want(t, "setPIN pinUvAuthParam", s.Authenticate(newPinEnc), v.get(t, "setPIN pinUvAuthParam (32 bytes)"))
	want(t, "newPinEnc decrypted", decrypt(t, s, newPinEnc), padded(t, "1234"))

	newPinEnc = encrypt(t, s, iv(0xa1), padded(t, "4321"))
	want(t, "changePIN newPinEnc", newPinEnc, v.get(t, `newPinEnc("4321"), IV a1*16`))
	pinHashEnc := encrypt(t, s, iv(0xa2), hash[:])
	want(t, "pinHashEnc", pinHashEnc, v.get(t, `pinHashEnc("1234"), IV a2*16 (32 bytes)`))
	want(t, "changePIN pinUvAuthParam", s.Authenticate(concat(newPinEnc, pinHashEnc)), v.get(t, "changePIN pinUvAuthParam"))

	raw := v.get(t, "pinUvAuthToken")
	token, err = pinuv.NewToken(pinuv.Two, raw)
	if err != nil {
		t.Fatal(err)
	}
	tokenEnc := encrypt(t, s, iv(0xa3), token.ExposeSecret())
	want(t, "encrypted token", tokenEnc, v.get(t, "encrypted pinUvAuthToken, IV a3*16 (48 bytes)"))
	want(t, "token decrypted", decrypt(t, s, tokenEnc), raw)
}

func TestEncryptedMemberVectors(t *testing.T) {
	v := readVectors(t).Two
	token, err := pinuv.NewToken(pinuv.Two, v.get(t, "pinUvAuthToken"))
	if err != nil {
		t.Fatal(err)
	}
	value := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for m, iv := range map[pinuv.EncryptedMember]byte{pinuv.EncIdentifier: 0xa4, pinuv.EncCredStoreState: 0xa5} {
		got, err := token.EncryptMember(bytes.NewReader(bytes.Repeat([]byte{iv}, 16)), m, value)
		if err != nil {
			t.Fatal(err)
		}
		want(t, string(m), got, v.get(t, string(m)+" (32 bytes)"))
		back, err := token.DecryptMember(m, got)
		if err != nil || back != value {
			t.Errorf("%s decrypted = %x, %v", m, back, err)
		}
		for _, size := range []int{0, 16, 31, 33, 48} {
			if _, err := token.DecryptMember(m, make([]byte, size)); err == nil {
				t.Errorf("%s of %d bytes is decrypted", m, size)
			}
		}
	}
}

func TestPinUvAuthParamVectors(t *testing.T) {
	file := readVectors(t)
	raw := file.Two.get(t, "pinUvAuthToken")
	if len(file.Params) != 14 {
		t.Errorf("%d vectors, want 14", len(file.Params))
	}
	for _, p := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		token, err := pinuv.NewToken(p, raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range file.Params {
			v := section{"message": v.Message, "hmac": v.HMAC, "case": v.Case}
			message, mac := v.get(t, "message"), v.get(t, "hmac")
			if p == pinuv.One {
				mac = mac[:16]
			}
			want(t, v["case"], token.Authenticate(message), mac)
			if !token.Verify(message, mac) {
				t.Errorf("%s: %v: the MAC does not verify", v["case"], p)
			}
		}
	}
}

// The salts travel in both directions of the hmac-secret extension.
func TestHMACSecretVectors(t *testing.T) {
	v := readVectors(t).HMACSecret
	salt1, salt2 := v.get(t, "salt1"), v.get(t, "salt2")
	output := func(salt []byte) []byte {
		h := hmac.New(sha256.New, v.get(t, "cred_random = SHA-256(seed||06)"))
		h.Write(salt)
		return h.Sum(nil)
	}
	want(t, "output1", output(salt1), v.get(t, "output1"))
	want(t, "output2", output(salt2), v.get(t, "output2"))
	agreement, err := pinuv.GenerateKeyAgreement(bytes.NewReader(v.get(t, "authenticator_private_key = SHA-256(seed||05)")))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "authenticator key", agreement.PublicKey().Append(nil), agreementKey(t, v, "authenticator").Append(nil))
	for _, c := range []struct {
		protocol  pinuv.Protocol
		prefix, n string
		salt      []byte
		outputs   []byte
	}{
		{pinuv.One, "P1 ", "one", salt1, output(salt1)},
		{pinuv.Two, "P2 ", "one", salt1, output(salt1)},
		{pinuv.Two, "P2 ", "two", concat(salt1, salt2), concat(output(salt1), output(salt2))},
	} {
		platform := encapsulate(t, c.protocol, v, "platform_private_key = SHA-256(seed||04)")
		authenticator, err := agreement.Decapsulate(c.protocol, agreementKey(t, v, "platform"))
		if err != nil {
			t.Fatal(err)
		}
		want(t, c.prefix+"shared secret", pinuv.RawSecret(platform), v.get(t, c.prefix+"shared_secret"))
		want(t, c.prefix+"shared secret of the authenticator", pinuv.RawSecret(authenticator), v.get(t, c.prefix+"shared_secret"))

		plural := c.n + " salt"
		if c.n == "two" {
			plural += "s"
		}
		saltEnc := v.get(t, c.prefix+"salt_enc, "+plural)
		outputEnc := v.get(t, c.prefix+"output_enc, "+c.n)
		iv := func(ciphertext []byte) []byte {
			if c.protocol == pinuv.One {
				return nil
			}
			return ciphertext[:16]
		}
		want(t, c.prefix+"salt_enc", encrypt(t, platform, iv(saltEnc), c.salt), saltEnc)
		want(t, c.prefix+"salts", decrypt(t, authenticator, saltEnc), c.salt)
		want(t, c.prefix+"output_enc", encrypt(t, authenticator, iv(outputEnc), c.outputs), outputEnc)
		want(t, c.prefix+"outputs", decrypt(t, platform, outputEnc), c.outputs)
		if saltAuth := v.get(t, "constructed: "+c.prefix+"salt_auth, "+plural); !authenticator.Verify(saltEnc, saltAuth) {
			t.Errorf("%s%s: the saltAuth does not verify", c.prefix, c.n)
		}
	}
}
