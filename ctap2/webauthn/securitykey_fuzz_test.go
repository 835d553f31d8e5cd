package webauthn_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// A replay is a key that gives the replies of a script, each behind two bytes for
// its length, whatever it is asked.
type replay struct{ script []byte }

var errScriptEnds = errors.New("the script ends")

func (r *replay) CBOR(_ context.Context, dst, _ []byte, waiting func(byte)) ([]byte, error) {
	if len(r.script) < 2 {
		return nil, errScriptEnds
	}
	n := min(int(binary.BigEndian.Uint16(r.script)), len(r.script)-2)
	reply := r.script[2 : 2+n]
	r.script = r.script[2+n:]
	if waiting != nil && n > 0 {
		waiting(reply[0])
	}
	return append(dst, reply...), nil
}

// A recorder notes the replies as a script.
type recorder struct {
	ctap2.Transport
	script []byte
}

func (r *recorder) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	reply, err := r.Transport.CBOR(ctx, nil, request, waiting)
	r.script = append(binary.BigEndian.AppendUint16(r.script, uint16(len(reply))), reply...)
	return append(dst, reply...), err
}

// sameRandom returns random bytes that are the same each time, so that what a key
// encrypted once for a client can be decrypted again.
func sameRandom(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// everything asks for all that there is.
func everything(kind byte, list [][]byte) (*webauthn.MakeCredentialRequest, *webauthn.GetAssertionRequest) {
	uv := []webauthn.UserVerification{webauthn.UserVerificationRequired, webauthn.UserVerificationPreferred, webauthn.UserVerificationDiscouraged}[kind%3]
	create := creation(uv)
	create.ResidentKey = webauthn.ResidentKeyPreferred
	create.ExcludeCredentials = listOf(list...)
	get := request(uv)
	if kind&4 != 0 {
		get = request(uv, list...)
	}
	if kind&8 != 0 {
		inputs := &webauthn.PRFInputs{Eval: &webauthn.PRFValues{First: []byte{1}, Second: []byte{2}}}
		create.Extensions = webauthn.CreationExtensions{
			CredProps: true, PRF: inputs, LargeBlob: ctap2.LargeBlobPreferred, CredProtect: 2, EnforceCredProtect: true, CredBlob: []byte{3}, MinPINLength: true, PINComplexityPolicy: true,
		}
		get.Extensions = webauthn.RequestExtensions{
			PRF:       &webauthn.PRFInputs{Eval: inputs.Eval, EvalByCredential: map[string]webauthn.PRFValues{string(list[0]): {First: []byte{4}}}},
			LargeBlob: &webauthn.LargeBlobInputs{Read: kind&4 == 0}, GetCredBlob: true,
		}
		if kind&4 != 0 {
			get.Extensions.LargeBlob.Write = []byte("blob")
		}
	}
	if kind&16 != 0 {
		create.Extensions.AppIDExclude, get.Extensions.AppID = appID, appID
	}
	return create, get
}

// FuzzSecurityKey: whatever a key answers, each ceremony ends, with an error or
// with a result that is for the site and verified if that was required.
func FuzzSecurityKey(f *testing.F) {
	list := [][]byte{bytes.Repeat([]byte{7}, 16), {8}, {9}}
	run := func(transport ctap2.Transport, ctx context.Context, kind byte) (made *webauthn.MakeCredentialResult, got *webauthn.GetAssertionResult) {
		client := ctap2.NewClient(transport, &ctap2.ClientConfig{Rand: sameRandom(1)})
		p := &person{pins: []string{pin, pin, pin}}
		k := webauthn.NewSecurityKey(client, p)
		k.Contactless = kind&32 != 0
		create, get := everything(kind, list)
		if kind&64 != 0 {
			made, _ = k.MakeCredential(ctx, create)
		} else {
			got, _ = k.GetAssertion(ctx, get)
		}
		return made, got
	}
	for kind := range byte(128) {
		config := virtual.Config{Rand: sameRandom(2)}
		switch kind % 5 {
		case 1:
			config.Profile = virtual.FIDO20
		case 2:
			config.UV = virtual.ConfiguredUV
		case 3:
			config.LargeBlobExtension = true
		}
		key := softKey(f, config, pin)
		for _, user := range []string{"ada", "bob"} {
			n := virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, Discoverable: true, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(user)}}
			if user == "ada" && kind&64 == 0 {
				n.ID = list[0]
			}
			if _, err := key.AddCredential(n); err != nil {
				f.Fatal(err)
			}
		}
		r := &recorder{Transport: key.Direct()}
		run(r, context.Background(), kind)
		f.Add(kind, r.script)
	}
	f.Fuzz(func(t *testing.T, kind byte, script []byte) {
		made, got := run(&replay{script}, t.Context(), kind)
		required := kind%3 == 0
		var data *ctap2.AuthenticatorData
		switch {
		case made != nil:
			object, err := webauthn.ParseAttestationObject(made.AttestationObject)
			if err != nil {
				t.Fatal(err)
			}
			data = &object.AuthData
		case got != nil:
			var err error
			if data, err = ctap2.ParseAuthenticatorData(got.AuthenticatorData); err != nil || len(got.CredentialID) == 0 || len(got.Signature) == 0 {
				t.Fatalf("%+v, %v", got, err)
			}
		default:
			return
		}
		if required && data.Flags&ctap2.FlagUV == 0 || data.Flags&ctap2.FlagUP == 0 {
			t.Errorf("flags %v", data.Flags)
		}
	})
}
