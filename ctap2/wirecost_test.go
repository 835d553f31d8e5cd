package ctap2_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
)

// errand is a program at work with a key.
type errand struct {
	*testing.T
	*ctap2.Client
	key *virtual.Key
	pin string
}

// must ends the test if something fails.
func (e *errand) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// token gets a token for the PIN.
func (e *errand) token(p ctap2.Permissions) *pinuv.Token {
	e.Helper()
	rpID := ""
	if p&(ctap2.PermissionMC|ctap2.PermissionGA) != 0 {
		rpID = "example.com"
	}
	token, err := e.PINToken(e.Context(), []byte(e.pin), p, rpID)
	e.must(err)
	return token
}

// passkey puts a passkey on the key.
func (e *errand) passkey(rpID, user string) []byte {
	e.Helper()
	c, err := e.key.AddCredential(virtual.NewCredential{
		RP:   ctap2.PublicKeyCredentialRPEntity{ID: rpID},
		User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(user)}, Discoverable: true,
	})
	e.must(err)
	return c.ID
}

// listed is a list of n credentials of other keys, and one of this key at the
// end.
func (e *errand) listed(n int) (list []ctap2.PublicKeyCredentialDescriptor) {
	for i := range n {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: bytes.Repeat([]byte{byte(i)}, 64), Type: ctap2.TypePublicKey})
	}
	return append(list, ctap2.PublicKeyCredentialDescriptor{ID: e.passkey("example.com", "last"), Type: ctap2.TypePublicKey})
}

var (
	createRequest = ctap2.MakeCredentialRequest{
		ClientDataHash: make([]byte, 32), RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}
	loginRequest = ctap2.GetAssertionRequest{ClientDataHash: make([]byte, 32), RPID: "example.com"}
)

// largeBlob is one that takes three fragments.
var largeBlob = func() (b []byte) {
	for i := range 80 {
		sum := sha256.Sum256([]byte{byte(i)}) // does not get shorter when it is compressed
		b = append(b, sum[:]...)
	}
	return b
}()

// pinToken is what a token for the PIN costs a program that knows nothing of the
// key yet: which protocol it speaks, and its key, without which the PIN can't be
// encrypted.
const pinToken = "getInfo, getKeyAgreement, getPinUvAuthTokenUsingPinWithPermissions"

// errands lists what tasks cost, in commands. It is the least that the
// specification allows, or else why says what the rest is for. Each program starts
// without knowing the key.
var errands = []struct {
	task    string
	config  virtual.Config
	pin     string
	prepare func(e *errand) any // before the program starts
	do      func(e *errand, prepared any)
	want    string
	why     string // if it is more than the least
}{
	{
		task: "info",
		do:   func(e *errand, _ any) { _, err := e.Info(e.Context()); e.must(err) },
		want: "getInfo",
	},
	{
		task: "info, again",
		do: func(e *errand, _ any) {
			for range 2 {
				_, err := e.Info(e.Context())
				e.must(err)
			}
		},
		want: "getInfo",
	},
	{
		task: "set PIN",
		do:   func(e *errand, _ any) { e.must(e.SetPIN(e.Context(), []byte("1234"))) },
		want: "getInfo, getKeyAgreement, setPIN",
	},
	{
		task: "change PIN", pin: "1234",
		do:   func(e *errand, _ any) { e.must(e.ChangePIN(e.Context(), []byte("1234"), []byte("4321"))) },
		want: "getInfo, getKeyAgreement, changePIN",
	},
	{
		task: "register",
		do:   func(e *errand, _ any) { _, err := e.MakeCredential(e.Context(), &createRequest); e.must(err) },
		want: "makeCredential",
	},
	{
		task: "register with PIN", pin: "1234",
		do: func(e *errand, _ any) {
			r := createRequest
			r.Authorize(e.token(ctap2.PermissionMC))
			_, err := e.MakeCredential(e.Context(), &r)
			e.must(err)
		},
		want: pinToken + ", makeCredential",
	},
	{
		task: "register with an excludeList that fits",
		do: func(e *errand, _ any) {
			r := createRequest
			r.ExcludeList = []ctap2.PublicKeyCredentialDescriptor{{ID: make([]byte, 64), Type: ctap2.TypePublicKey}}
			_, err := e.MakeCredentialWithList(e.Context(), &r, nil)
			e.must(err)
		},
		want: "makeCredential",
	},
	{
		task: "register with an excludeList of 17, none of which the key has",
		prepare: func(e *errand) any {
			return e.listed(17)[:17]
		},
		do: func(e *errand, list any) {
			r := createRequest
			r.ExcludeList = list.([]ctap2.PublicKeyCredentialDescriptor)
			_, err := e.MakeCredentialWithList(e.Context(), &r, nil)
			e.must(err)
		},
		want: "getInfo, getAssertion, getAssertion, getAssertion, makeCredential",
		why:  "the key takes eight entries at a time",
	},
	{
		task:    "login",
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do:      func(e *errand, _ any) { _, err := e.GetAssertion(e.Context(), &loginRequest); e.must(err) },
		want:    "getAssertion",
	},
	{
		task: "login with PIN", pin: "1234",
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do: func(e *errand, _ any) {
			r := loginRequest
			r.Authorize(e.token(ctap2.PermissionGA))
			_, err := e.GetAssertion(e.Context(), &r)
			e.must(err)
		},
		want: pinToken + ", getAssertion",
	},
	{
		task: "login with PIN, again", pin: "1234",
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do: func(e *errand, _ any) {
			for range 2 {
				r := loginRequest
				r.Authorize(e.token(ctap2.PermissionGA))
				_, err := e.GetAssertion(e.Context(), &r)
				e.must(err)
			}
		},
		want: pinToken + ", getAssertion, getKeyAgreement, getPinUvAuthTokenUsingPinWithPermissions, getAssertion",
		why:  "the key's key is asked for anew each time: after a wrong PIN, perhaps another program's, it is another",
	},
	{
		task: "login with built-in user verification", config: virtual.Config{UV: virtual.ConfiguredUV},
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do: func(e *errand, _ any) {
			token, err := e.UVToken(e.Context(), ctap2.PermissionGA, "example.com")
			e.must(err)
			r := loginRequest
			r.Authorize(token)
			_, err = e.GetAssertion(e.Context(), &r)
			e.must(err)
		},
		want: "getInfo, getKeyAgreement, getPinUvAuthTokenUsingUvWithPermissions, getAssertion",
	},
	{
		task: "login, asking for the PIN", pin: "1234",
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do: func(e *errand, _ any) {
			token, err := e.Token(e.Context(), ctap2.PermissionGA, "example.com", ctap2.TokenPrompt{
				PIN: func(context.Context, ctap2.PINRetries, error) ([]byte, error) { return []byte("1234"), nil },
			})
			e.must(err)
			r := loginRequest
			r.Authorize(token)
			_, err = e.GetAssertion(e.Context(), &r)
			e.must(err)
		},
		want: "getInfo, getPINRetries, getKeyAgreement, getPinUvAuthTokenUsingPinWithPermissions, getAssertion",
		why:  "the prompt tells how many tries are left",
	},
	{
		task: "login where three accounts match",
		prepare: func(e *errand) any {
			e.passkey("example.com", "ada")
			e.passkey("example.com", "bob")
			return e.passkey("example.com", "cleo")
		},
		do:   func(e *errand, _ any) { _, err := e.GetAssertions(e.Context(), &loginRequest); e.must(err) },
		want: "getAssertion, getNextAssertion, getNextAssertion",
	},
	{
		task:    "login with an allowList of 20, of which the key has the last",
		prepare: func(e *errand) any { return e.listed(19) },
		do: func(e *errand, list any) {
			r := loginRequest
			r.AllowList = list.([]ctap2.PublicKeyCredentialDescriptor)
			_, err := e.GetAssertionWithList(e.Context(), &r, nil)
			e.must(err)
		},
		want: "getInfo, getAssertion, getAssertion, getAssertion, getAssertion",
		why:  "the key takes eight entries at a time, and is asked silently before it is to be touched",
	},
	{
		task: "list three passkeys of two relying parties", pin: "1234",
		prepare: func(e *errand) any {
			e.passkey("example.com", "ada")
			e.passkey("example.com", "bob")
			return e.passkey("example.org", "ada")
		},
		do: func(e *errand, _ any) {
			token := e.token(ctap2.PermissionCM)
			rps, err := e.RPs(e.Context(), token)
			e.must(err)
			for _, rp := range rps {
				_, err := e.Credentials(e.Context(), token, rp.RPIDHash)
				e.must(err)
			}
		},
		want: pinToken + ", enumerateRPsBegin, enumerateRPsGetNextRP, enumerateCredentialsBegin, enumerateCredentialsBegin, enumerateCredentialsGetNextCredential",
	},
	{
		task: "delete a passkey", pin: "1234",
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do: func(e *errand, id any) {
			e.must(e.DeleteCredential(e.Context(), e.token(ctap2.PermissionCM), ctap2.PublicKeyCredentialDescriptor{ID: id.([]byte), Type: ctap2.TypePublicKey}))
		},
		want: pinToken + ", deleteCredential",
	},
	{
		task: "rename a passkey's account", pin: "1234",
		prepare: func(e *errand) any { return e.passkey("example.com", "ada") },
		do: func(e *errand, id any) {
			e.must(e.UpdateUserInformation(e.Context(), e.token(ctap2.PermissionCM), ctap2.PublicKeyCredentialDescriptor{ID: id.([]byte), Type: ctap2.TypePublicKey},
				ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "Ada"}))
		},
		want: pinToken + ", updateUserInformation",
	},
	{
		task: "read a large blob of one fragment",
		do: func(e *errand, _ any) {
			_, err := e.ReadLargeBlobs(e.Context())
			e.must(err)
		},
		want: "getInfo, largeBlobs get",
	},
	{
		task:    "read a large blob of three fragments",
		prepare: func(e *errand) any { return e.storedBlob() },
		do:      func(e *errand, key any) { _, err := e.GetLargeBlob(e.Context(), key.([]byte)); e.must(err) },
		want:    "getInfo, largeBlobs get, largeBlobs get, largeBlobs get",
	},
	{
		task: "write a large blob of three fragments", pin: "1234",
		do: func(e *errand, _ any) {
			e.must(e.SetLargeBlob(e.Context(), e.token(ctap2.PermissionLBW), make([]byte, 32), largeBlob))
		},
		want: pinToken + ", largeBlobs get, largeBlobs set, largeBlobs set, largeBlobs set",
		why:  "what others have stored is kept",
	},
	{
		task: "enrol a fingerprint", pin: "1234", config: virtual.Config{UV: virtual.FingerprintUV, Fingerprints: virtual.Fingerprints{Samples: 3}},
		do: func(e *errand, _ any) {
			_, err := e.EnrollFingerprint(e.Context(), e.token(ctap2.PermissionBE), nil)
			e.must(err)
		},
		want: pinToken + ", enrollBegin, enrollCaptureNextSample, enrollCaptureNextSample",
	},
	{
		task: "list, name and remove a fingerprint", pin: "1234", config: virtual.Config{UV: virtual.FingerprintUV},
		prepare: func(e *errand) any { id, err := e.key.AddFingerprint(""); e.must(err); return id },
		do: func(e *errand, id any) {
			token := e.token(ctap2.PermissionBE)
			_, err := e.Fingerprints(e.Context(), token)
			e.must(err)
			e.must(e.SetFingerprintName(e.Context(), token, id.([]byte), "left thumb"))
			e.must(e.RemoveFingerprint(e.Context(), token, id.([]byte)))
		},
		want: pinToken + ", enumerateEnrollments, setFriendlyName, removeEnrollment",
	},
	{
		task: "set the minimum PIN length", pin: "123456",
		do: func(e *errand, _ any) {
			e.must(e.SetMinPINLength(e.Context(), e.token(ctap2.PermissionACFG), &ctap2.SetMinPINLengthParams{NewMinPINLength: 6}))
		},
		want: pinToken + ", setMinPINLength",
	},
	{
		task: "select",
		do:   func(e *errand, _ any) { e.must(e.Selection(e.Context())) },
		want: "getInfo, selection",
		why:  "keys that do not know the command answer it in more than one way, so it is not tried blindly",
	},
	{
		task: "select a key of CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20},
		do:   func(e *errand, _ any) { e.must(e.Selection(e.Context())) },
		want: "getInfo, makeCredential",
		why:  "the key has no selection, and shows its touch by refusing to make a credential",
	},
	{
		task: "reset",
		do:   func(e *errand, _ any) { e.must(e.Reset(e.Context())) },
		want: "reset",
	},
	{
		task: "login with U2F", config: virtual.Config{Profile: virtual.U2FOnly},
		prepare: func(e *errand) any {
			made, err := ctap2.NewClient(ctap2.U2FMapping{U2FTransport: e.key.Direct()}, nil).MakeCredential(e.Context(), &createRequest)
			e.must(err)
			return made.AuthData.AttestedCredentialData.CredentialID
		},
		do: func(e *errand, id any) {
			r := loginRequest
			r.AllowList = []ctap2.PublicKeyCredentialDescriptor{{ID: id.([]byte), Type: ctap2.TypePublicKey}}
			_, err := e.GetAssertion(e.Context(), &r)
			e.must(err)
		},
		want: "U2F_AUTHENTICATE check-only, U2F_AUTHENTICATE",
		why:  "some keys ask for a touch before they look at the key handle",
	},
}

// storedBlob puts a large blob on the key and returns its key.
func (e *errand) storedBlob() []byte {
	e.Helper()
	key := bytes.Repeat([]byte{1}, 32)
	array, err := ctap2.LargeBlobArray{}.Set(nil, key, largeBlob)
	e.must(err)
	e.must(e.key.SetLargeBlobArray(array.Append(nil)))
	return key
}

// What whole tasks send to the software key; TestWireCost has what verbs do when
// something is amiss.
func TestWireCostOfTasks(t *testing.T) {
	for _, test := range errands {
		t.Run(test.task, func(t *testing.T) {
			key, err := virtual.New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			if test.pin != "" {
				if err := key.SetPIN([]byte(test.pin)); err != nil {
					t.Fatal(err)
				}
			}
			wire := &toll{Direct: key.Direct()}
			transport := ctap2.Transport(wire)
			if test.config.Profile == virtual.U2FOnly {
				transport = ctap2.U2FMapping{U2FTransport: wire}
			}
			e := &errand{t, ctap2.NewClient(transport, nil), key, test.pin}
			var prepared any
			if test.prepare != nil {
				prepared = test.prepare(e)
			}
			wire.commands = nil
			test.do(e, prepared)
			if got := strings.Join(wire.commands, ", "); got != test.want {
				t.Errorf("costs\n%s\ninstead of\n%s", got, test.want)
			}
		})
	}
}

// toll is a connection to a key that notes the commands that pass.
type toll struct {
	*virtual.Direct
	commands []string
}

func (w *toll) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	w.commands = append(w.commands, commandName(request))
	return w.Direct.CBOR(ctx, dst, request, waiting)
}

func (w *toll) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	name := u2f.INS(apdu[1]).String()
	if u2f.Control(apdu[2]) == u2f.CheckOnly {
		name += " check-only"
	}
	w.commands = append(w.commands, name)
	return w.Direct.MSG(ctx, dst, apdu)
}

// commandName returns the name of a request's subcommand, or of its command.
func commandName(request []byte) string {
	record := virtual.CommandRecord{Request: slices.Clone(request)}
	parsed, err := record.Parse()
	if err != nil {
		return err.Error()
	}
	switch r := parsed.(type) {
	case *ctap2.ClientPINRequest:
		return r.SubCommand.String()
	case *ctap2.CredentialManagementRequest:
		return r.SubCommand.String()
	case *ctap2.BioEnrollmentRequest:
		return r.SubCommand.String()
	case *ctap2.ConfigRequest:
		return r.SubCommand.String()
	case *ctap2.LargeBlobsRequest:
		if r.Set != nil {
			return "largeBlobs set"
		}
		return "largeBlobs get"
	}
	name := strings.TrimPrefix(record.Command().String(), "authenticator")
	return strings.ToLower(name[:1]) + name[1:]
}
