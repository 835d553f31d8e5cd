package ctap2_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// seedMessages adds every message, whole and as the specification and real keys
// have it.
func seedMessages(f *testing.F) {
	for _, m := range messages(f) {
		f.Add(m.encode(f))
	}
	all, err := vectors()
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range all {
		f.Add(b[1:])
	}
	f.Add([]byte(nil))
	f.Add([]byte{0xa0})
}

// FuzzParseRequests: a parser of requests accepts only canonical CBOR, says
// which status to answer to anything else, and what it accepts it can encode.
func FuzzParseRequests(f *testing.F) {
	seedMessages(f)
	parsers := map[string]func([]byte) (any, error){
		"makeCredential": parser(ctap2.ParseMakeCredentialRequest),
		"getAssertion":   parser(ctap2.ParseGetAssertionRequest),
		"clientPIN":      parser(ctap2.ParseClientPINRequest),

		"credentialManagement": parser(ctap2.ParseCredentialManagementRequest),
		"bioEnrollment":        parser(ctap2.ParseBioEnrollmentRequest),
		"largeBlobs":           parser(ctap2.ParseLargeBlobsRequest),
		"authenticatorConfig":  parser(ctap2.ParseConfigRequest),
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		deviations, malformed := cbor.Check(nil, b)
		for name, parse := range parsers {
			r, err := parse(b)
			if err != nil {
				bad, ok := errors.AsType[*ctap2.RequestError](err)
				if !ok {
					t.Fatalf("%s: %v is no *RequestError", name, err)
				}
				if canonical := malformed == nil && len(deviations) == 0; len(b) > 0 && canonical == (bad.Status == ctap2.StatusInvalidCBOR) {
					t.Fatalf("%s: %v for canonical %v", name, err, canonical)
				}
				continue
			}
			if len(b) > 0 && (malformed != nil || len(deviations) > 0) {
				t.Fatalf("%s accepts %v, %v", name, deviations, malformed)
			}
			for n := range 64 {
				if has := r.(interface{ Has(int) bool }).Has(n); has != hasMember(t, b, uint64(n)) {
					t.Fatalf("%s: Has(%d) is %v", name, n, has)
				}
			}
			again, err := r.(interface{ Append([]byte) ([]byte, error) }).Append(nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			back, err := parse(again[1:])
			if errors.Is(err, ctap2.StatusMissingParameter) {
				continue // a subcommand of zero, which is not sent
			}
			if err != nil {
				t.Fatalf("%s: encoded again it does not parse: %v", name, err)
			}
			third, err := back.(interface{ Append([]byte) ([]byte, error) }).Append(nil)
			if err != nil || !bytes.Equal(third, again) {
				t.Fatalf("%s: encoded as %x and as %x", name, again, third)
			}
		}
	})
}

// hasMember looks at every key, of whatever type, and relies on no order.
func hasMember(t *testing.T, b []byte, n uint64) bool {
	if len(b) == 0 || b[0]>>5 != 5 {
		return false
	}
	head := map[byte]int{24: 2, 25: 3, 26: 5, 27: 9}[b[0]&0x1f]
	for rest := b[max(head, 1):]; len(rest) > 0; {
		key, after, err := cbor.Split(rest)
		if err != nil {
			t.Fatal(err)
		}
		var k any
		if err := cbor.Unmarshal(key, &k); err == nil && k == n {
			return true
		}
		if _, rest, err = cbor.Split(after); err != nil {
			t.Fatal(err)
		}
	}
	return false
}

// FuzzParseResponses: a parser of responses gives a *ReplyError or something
// that can be encoded and parsed to the same again.
func FuzzParseResponses(f *testing.F) {
	seedMessages(f)
	parsers := map[string]func([]byte) (any, error){
		"makeCredential": parser(ctap2.ParseMakeCredentialResponse),
		"getAssertion":   parser(ctap2.ParseGetAssertionResponse),
		"clientPIN":      parser(ctap2.ParseClientPINResponse),
		"getInfo":        parser(ctap2.ParseGetInfoResponse),

		"credentialManagement": parser(ctap2.ParseCredentialManagementResponse),
		"bioEnrollment":        parser(ctap2.ParseBioEnrollmentResponse),
		"largeBlobs":           parser(ctap2.ParseLargeBlobsResponse),
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		deviations, malformed := cbor.Check(nil, b)
		for name, parse := range parsers {
			r, err := parse(b)
			if err != nil {
				if _, ok := errors.AsType[*ctap2.ReplyError](err); !ok {
					t.Fatalf("%s: %v is no *ReplyError", name, err)
				}
				continue
			}
			if len(b) > 0 && malformed != nil {
				t.Fatalf("%s accepts what is malformed: %v", name, malformed)
			}
			if len(b) > 0 && len(deviations) > 0 {
				continue // what was kept raw need not be encodable
			}
			again, err := r.(interface{ Append([]byte) ([]byte, error) }).Append(nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			back, err := parse(again)
			if err != nil {
				t.Fatalf("%s: encoded again it does not parse: %v", name, err)
			}
			third, err := back.(interface{ Append([]byte) ([]byte, error) }).Append(nil)
			if err != nil || !bytes.Equal(third, again) {
				t.Fatalf("%s: encoded as %x and as %x", name, again, third)
			}
		}
	})
}

// FuzzParams: the parsers of what lies within requests say which status to answer
// to what they do not accept.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"", "a0", "a401060281616103f504f5", "a2011bffffffffffffffff02f5",
		"a301a5010203381820012158206b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2962258204fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5024100034101"} {
		f.Add(unhex(f, s))
	}
	parsers := map[string]func([]byte) (any, error){
		"setMinPINLength": func(b []byte) (any, error) {
			p, err := ctap2.ParseSetMinPINLengthParams(b)
			if err == nil {
				p.Received = ctap2.Received{} // which holds what is not understood, too
			}
			return p, err
		},
		"vendorPrototype": func(b []byte) (any, error) { return ctap2.ParseVendorPrototypeParams(b) },
		"hmac-secret":     func(b []byte) (any, error) { return ctap2.ParseHMACSecretInput(b) },
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		deviations, malformed := cbor.Check(nil, b)
		for name, parse := range parsers {
			v, err := parse(b)
			if _, ok := errors.AsType[*ctap2.RequestError](err); err != nil && !ok {
				t.Fatalf("%s: %v is no *RequestError", name, err)
			}
			if err != nil || len(b) == 0 {
				continue
			}
			if malformed != nil || len(deviations) > 0 {
				t.Fatalf("%s accepts %v, %v", name, deviations, malformed)
			}
			again, err := cbor.Marshal(v)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if back, err := parse(again); err != nil || !reflect.DeepEqual(back, v) {
				t.Fatalf("%s: %+v becomes %+v, %v", name, v, back, err)
			}
		}
	})
}

// FuzzExtensionOutputs: whatever a key puts into its extension outputs, reading
// them gives a value or an error, and costs no more than its bound.
func FuzzExtensionOutputs(f *testing.F) {
	for _, s := range []string{"a0", "a16b6372656450726f7465637403", "a1696c61726765426c6f62a264626c6f62430300006c6f726967696e616c53697a6500",
		"a163666f6fa0", "a16c6d696e50696e4c656e67746806"} {
		f.Add(unhex(f, s))
	}
	k := newFakeKey(f, "", pinuv.Two)
	k.info.Extensions = []string{ctap2.ExtensionHMACSecret}
	x, err := ctap2.NewClient(k, nil).HMACSecretExchange(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e ctap2.Extensions
		if _, err := cbor.UnmarshalLenient(b, &e); err != nil {
			return
		}
		if level, err := e.CredProtect(); err != nil && level != 0 {
			t.Error(level, err)
		}
		if blob, err := e.CredBlob(); err != nil && blob != nil {
			t.Error(blob, err)
		}
		if o, err := e.LargeBlob(); err == nil && o != nil {
			if data, err := o.Data(); len(data) > ctap2.MaxLargeBlobSize || err != nil && data != nil {
				t.Error(len(data), err)
			}
		}
		if outputs, err := x.Outputs(e); outputs != nil {
			t.Error(outputs, err) // none was asked for
		}
		for _, read := range []func() error{
			func() error { return second(e.CredBlobStored()) }, func() error { return second(e.HMACSecretEnabled()) },
			func() error { return second(e.MinPINLength()) }, func() error { return second(e.PINComplexityPolicy()) },
			func() error { return second(e.ThirdPartyPayment()) },
		} {
			if err := read(); err != nil && !strings.HasPrefix(err.Error(), "ctap2: extension ") {
				t.Error(err)
			}
		}
	})
}

// FuzzAuthenticatorData: what parses is kept byte for byte, and what deviates
// in nothing is encoded to the same from its members.
func FuzzAuthenticatorData(f *testing.F) {
	all, err := vectors()
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range all {
		f.Add(b)
	}
	f.Add(authData(ctap2.FlagED, []byte{0xa0}))
	f.Add(authData(ctap2.FlagED|ctap2.FlagUP, unhex(f, "a16b6372656450726f7465637402")))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ctap2.ParseAuthenticatorData(b)
		if err != nil {
			return
		}
		again, err := a.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x, %v", b, again, err)
		}
		if len(a.Deviations) > 0 || a.Flags&ctap2.FlagED != 0 && len(a.Extensions) == 0 {
			return
		}
		a.Raw = nil
		if again, err = a.Append(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x, %v", b, again, err)
		}
	})
}

// conversations are the verbs of Client, each with the most commands that it may
// send.
func conversations(t testing.TB, ctx context.Context, c *ctap2.Client) []struct {
	most int
	call func() (any, error)
} {
	token := someToken(t, pinuv.Two)
	key := make([]byte, ctap2.LargeBlobKeySize)
	ga := &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash}
	list := ids("abcdefgh")
	never := ctap2.TokenPrompt{PIN: func(context.Context, ctap2.PINRetries, error) ([]byte, error) { return []byte("1234"), nil }}
	only := func(err error) (any, error) { return nil, err }
	const blobReads = ctap2.MaxLargeBlobArray/64 + 2
	return []struct {
		most int
		call func() (any, error)
	}{
		{1, func() (any, error) { return c.GetInfo(ctx) }},
		{1, func() (any, error) {
			return c.MakeCredential(ctx, &ctap2.MakeCredentialRequest{ClientDataHash: clientDataHash})
		}},
		{1, func() (any, error) {
			return c.GetAssertion(ctx, &ctap2.GetAssertionRequest{RPID: "a", AllowList: descriptors("a")})
		}},
		{1, func() (any, error) { return c.GetNextAssertion(ctx) }},
		{ctap2.MaxAssertions, func() (any, error) { return c.GetAssertions(ctx, ga) }},
		{1, func() (any, error) { return c.PINRetries(ctx) }},
		{1, func() (any, error) { return c.UVRetries(ctx) }},
		{4, func() (any, error) { return only(c.ChangePIN(ctx, []byte("1234"), []byte("4321"))) }},
		{4, func() (any, error) { return c.PINToken(ctx, []byte("1234"), ctap2.PermissionMC, "a") }},
		{3, func() (any, error) { return c.UVToken(ctx, ctap2.PermissionMC, "a") }},
		{3, func() (any, error) { return only(c.Selection(ctx)) }},
		{80, func() (any, error) { return c.Token(ctx, ctap2.PermissionCM, "", never) }},
		{2, func() (any, error) { return c.HMACSecretExchange(ctx) }},
		{2, func() (any, error) { return c.CredentialsMetadata(ctx, token) }},
		{1 + ctap2.MaxEnumeration, func() (any, error) { return c.RPs(ctx, token) }},
		{1 + ctap2.MaxEnumeration, func() (any, error) { return c.Credentials(ctx, token, [32]byte{}) }},
		{2, func() (any, error) { return only(c.DeleteCredential(ctx, token, descriptors("a")[0])) }},
		{2, func() (any, error) {
			return only(c.UpdateUserInformation(ctx, token, descriptors("a")[0], ctap2.PublicKeyCredentialUserEntity{}))
		}},
		{2, func() (any, error) { return c.BioModality(ctx) }},
		{2, func() (any, error) { return c.FingerprintSensorInfo(ctx) }},
		{2 + ctap2.MaxSamples, func() (any, error) { return c.EnrollFingerprint(ctx, token, nil) }},
		{2, func() (any, error) { return c.Fingerprints(ctx, token) }},
		{3, func() (any, error) { return only(c.SetFingerprintName(ctx, token, []byte{1}, "name")) }},
		{2, func() (any, error) { return only(c.RemoveFingerprint(ctx, token, []byte{1})) }},
		{blobReads, func() (any, error) { return c.ReadLargeBlobs(ctx) }},
		{blobReads, func() (any, error) { return c.GetLargeBlob(ctx, key) }},
		{2 * blobReads, func() (any, error) { return only(c.SetLargeBlob(ctx, token, key, []byte("data"))) }},
		{2 * blobReads, func() (any, error) { return only(c.DeleteLargeBlob(ctx, token, key)) }},
		{2, func() (any, error) { return only(c.EnableEnterpriseAttestation(ctx, token)) }},
		{2, func() (any, error) { return only(c.ToggleAlwaysUv(ctx, token)) }},
		{2, func() (any, error) {
			return only(c.SetMinPINLength(ctx, token, &ctap2.SetMinPINLengthParams{NewMinPINLength: 8}))
		}},
		{2, func() (any, error) { return only(c.EnableLongTouchForReset(ctx, token)) }},
		{2, func() (any, error) { return only(c.VendorPrototype(ctx, token, 1, nil)) }},
		{20, func() (any, error) {
			return c.GetAssertionWithList(ctx, &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash, AllowList: list}, token)
		}},
		{20, func() (any, error) {
			return c.MakeCredentialWithList(ctx, &ctap2.MakeCredentialRequest{ClientDataHash: clientDataHash, ExcludeList: list}, token)
		}},
		{20, func() (any, error) { return c.FindCredential(ctx, "a", list, token) }},
	}
}

// FuzzClient: whatever a key answers, each verb ends with a result or one of
// the typed errors after a bounded number of commands.
func FuzzClient(f *testing.F) {
	all, err := vectors()
	if err != nil {
		f.Fatal(err)
	}
	everything := []byte{0}
	for _, m := range messages(f) {
		if info, ok := m.value.(*ctap2.GetInfoResponse); ok {
			for _, option := range []string{ctap2.OptionClientPIN, ctap2.OptionUV, ctap2.OptionPinUvAuthToken, ctap2.OptionLargeBlobs, ctap2.OptionEP,
				ctap2.OptionBioEnroll, ctap2.OptionAuthnrCfg, ctap2.OptionCredMgmt, ctap2.OptionSetMinPINLength, ctap2.OptionAlwaysUv} {
				info.Options[option] = true
			}
			info.AuthenticatorConfigCommands, info.Extensions = nil, []string{ctap2.ExtensionHMACSecret}
			everything, _ = info.Append(everything)
		}
	}
	replies := [][]byte{{0}}
	for _, m := range messages(f) {
		if !m.request {
			replies = append(replies, append([]byte{0}, m.encode(f)...))
		}
	}
	for verb := range len(conversations(f, f.Context(), nil)) {
		for name, b := range all {
			if strings.Contains(name, "reply") {
				f.Add(byte(verb), b, all["getKeyAgreement reply"], b)
			}
		}
		for _, b := range replies {
			f.Add(byte(verb), everything, b, b)
		}
	}
	f.Fuzz(func(t *testing.T, verb byte, first, second, third []byte) {
		sent := 0
		key := transportFunc(func(context.Context, []byte, func(byte)) ([]byte, error) {
			sent++
			switch sent {
			case 1:
				return first, nil
			case 2:
				return second, nil
			}
			return third, nil
		})
		c := ctap2.NewClient(key, &ctap2.ClientConfig{Strict: verb&0x80 != 0, Trace: func(e ctap2.TraceEvent) { _ = e.String() }})
		verbs := conversations(t, t.Context(), c)
		chosen := verbs[int(verb&0x7f)%len(verbs)]
		result, err := chosen.call()
		if sent > chosen.most {
			t.Fatalf("%d commands", sent)
		}
		if err == nil {
			return
		}
		_, isCommand := errors.AsType[*ctap2.CommandError](err)
		_, isPIN := errors.AsType[*ctap2.PINError](err)
		_, isRule := errors.AsType[*pinuv.PINError](err) // a minPINLength above four
		_, isUnsupported := errors.AsType[*ctap2.UnsupportedError](err)
		_, isArray := errors.AsType[*ctap2.LargeBlobArrayError](err)
		if !isCommand && !isPIN && !isUnsupported && !isRule && !isArray && !errors.Is(err, ctap2.ErrNoLargeBlob) || err.Error() == "" {
			t.Fatalf("%T: %v", err, err)
		}
		if v := reflect.ValueOf(result); v.IsValid() && !v.IsZero() {
			t.Fatalf("a result and an error: %v, %v", result, err)
		}
	})
}
