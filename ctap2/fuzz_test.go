package ctap2_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
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
			if malformed != nil || len(deviations) > 0 {
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

// FuzzClient: whatever a key answers, each verb ends with a result or one of
// the typed errors after a bounded number of commands.
func FuzzClient(f *testing.F) {
	all, err := vectors()
	if err != nil {
		f.Fatal(err)
	}
	for verb := range byte(11) {
		for _, b := range all {
			f.Add(verb, all["getInfo reply, CTAP 2.3"], b, b)
			f.Add(verb, b, all["getKeyAgreement reply"], b)
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
		ctx, most := t.Context(), 4
		var result any
		var err error
		switch verb & 0x7f % 11 {
		case 0:
			result, err = c.GetInfo(ctx)
		case 1:
			result, err = c.MakeCredential(ctx, &ctap2.MakeCredentialRequest{ClientDataHash: clientDataHash})
		case 2:
			result, err = c.GetAssertion(ctx, &ctap2.GetAssertionRequest{RPID: "a", AllowList: descriptors("a")})
		case 3:
			result, err = c.GetNextAssertion(ctx)
		case 4:
			result, err = c.GetAssertions(ctx, &ctap2.GetAssertionRequest{RPID: "a"})
			most = ctap2.MaxAssertions
		case 5:
			result, err = c.PINRetries(ctx)
		case 6:
			result, err = c.UVRetries(ctx)
		case 7:
			err = c.ChangePIN(ctx, []byte("1234"), []byte("4321"))
		case 8:
			result, err = c.PINToken(ctx, []byte("1234"), ctap2.PermissionMC, "a")
		case 9:
			result, err = c.UVToken(ctx, ctap2.PermissionMC, "a")
		case 10:
			err = c.Selection(ctx)
		}
		if sent > most {
			t.Fatalf("%d commands", sent)
		}
		if err == nil {
			return
		}
		_, isCommand := errors.AsType[*ctap2.CommandError](err)
		_, isPIN := errors.AsType[*ctap2.PINError](err)
		_, isRule := errors.AsType[*pinuv.PINError](err) // a minPINLength above four
		_, isUnsupported := errors.AsType[*ctap2.UnsupportedError](err)
		if !isCommand && !isPIN && !isUnsupported && !isRule || err.Error() == "" {
			t.Fatalf("%T: %v", err, err)
		}
		if v := reflect.ValueOf(result); v.IsValid() && !v.IsZero() {
			t.Fatalf("a result and an error: %v, %v", result, err)
		}
	})
}
