package ctap2_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

func kinds(ds []cbor.Deviation) (ks []cbor.Kind) {
	for _, d := range ds {
		ks = append(ks, d.Kind)
	}
	return ks
}

// What real keys get wrong is read all the same, and reported.
func TestReplyDeviations(t *testing.T) {
	const zero = "00000000000000000000000000000000"
	for _, test := range []struct {
		name  string
		reply string
		want  cbor.Kind
	}{
		{"unsorted members", "a20350" + zero + "01816155", cbor.UnsortedKeys},
		{"long count", "b802018161550350" + zero, cbor.NonMinimalLength},
		{"trailing bytes", "a2018161550350" + zero + "00", cbor.TrailingBytes},
		{"indefinite map", "bf018161550350" + zero + "ff", cbor.IndefiniteLength},
		{"duplicate member", "a301816155018161560350" + zero, cbor.DuplicateKey},
		{"long integer", "a3018161550350" + zero + "0519000a", cbor.NonMinimalInt},
		{"tagged", "d9d9f7a2018161550350" + zero, cbor.Tag},
	} {
		b := unhex(t, test.reply)
		r, err := ctap2.ParseGetInfoResponse(b)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if !slices.Contains(kinds(r.Deviations), test.want) || r.Versions[0] != "U" || !bytes.Equal(r.Raw, b) {
			t.Errorf("%s: %v, versions %q", test.name, r.Deviations, r.Versions)
		}
	}
}

// Keys cut names at a number of bytes, in the middle of a character.
func TestReplyTruncatedName(t *testing.T) {
	m := members(t, vector(t, "getAssertion reply")[1:])
	m[4] = unhex(t, "a26269644101646e616d6566616263c3a4c3") // "abcä" and half a character
	b := spliceAll(t, m)
	r, err := ctap2.ParseGetAssertionResponse(b)
	if err != nil {
		t.Fatal(err)
	}
	if r.User.Name != "abcä" || !slices.Equal(kinds(r.Deviations), []cbor.Kind{cbor.InvalidUTF8}) {
		t.Errorf("name %q, deviations %v", r.User.Name, r.Deviations)
	}
}

// spliceAll encodes members 0 to 23 without regard to what they hold.
func spliceAll(t *testing.T, m map[uint64]cbor.RawMessage) []byte {
	t.Helper()
	b := []byte{0xa0 | byte(len(m))}
	for n := range uint64(24) {
		if item, ok := m[n]; ok {
			b = append(append(b, byte(n)), item...)
		}
	}
	return b
}

func TestReplyErrors(t *testing.T) {
	for _, m := range messages(t) {
		if m.request {
			continue
		}
		b := m.encode(t)
		for name, bad := range map[string][]byte{
			"cut short":               b[:len(b)-1],
			"array":                   {0x80},
			"count of 2^32":           unhex(t, "baffffffff"),
			"count of 2^64-1":         unhex(t, "bbffffffffffffffff"),
			"string of 2^63 bytes":    unhex(t, "a1015b8000000000000000"),
			"array of 2^32 elements":  unhex(t, "a1019affffffff"),
			"map of 2^32 members":     unhex(t, "a104baffffffff"),
			"endless array":           append(unhex(t, "a1019f"), make([]byte, 5000)...),
			"10,000 nested arrays":    append([]byte{0xa1, 0x06}, bytes.Repeat([]byte{0x81}, 10000)...),
			"10,000 nested maps":      append([]byte{0xa1, 0x06}, bytes.Repeat([]byte{0xa1, 0x00}, 5000)...),
			"reserved byte":           {0xfc},
			"break code on its own":   {0xff},
			"member 1 of wrong type":  unhex(t, "a101f5"),
			"10,000 nested bad heads": bytes.Repeat([]byte{0xdf}, 10000),
		} {
			_, err := m.parse(bad)
			e, ok := errors.AsType[*ctap2.ReplyError](err)
			if !ok {
				t.Errorf("%s, %s: %v, want a *ReplyError", m.name, name, err)
			} else if e.Error() == "" || e.Unwrap() == nil {
				t.Errorf("%s, %s: empty error", m.name, name)
			}
		}
	}
	_, err := ctap2.ParseGetAssertionResponse(unhex(t, "a1"))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v does not say so", err)
	}
}

// A map of 4,096 empty entries costs no more than a small multiple of its size.
func TestReplyMemory(t *testing.T) {
	b := append(unhex(t, "a10a991000"), bytes.Repeat([]byte{0xa0}, 4096)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ctap2.ParseGetInfoResponse(b)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("no versions, no error")
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for %d", n, len(b))
	}
}

// The status byte alone stands for a map without members.
func TestEmptyReply(t *testing.T) {
	r, err := ctap2.ParseClientPINResponse(nil)
	if err != nil || r.PINRetries != nil || r.Raw != nil {
		t.Errorf("clientPIN: %+v, %v", r, err)
	}
	if b, err := r.Append(nil); err != nil || len(b) != 0 {
		t.Errorf("encoded: %x, %v", b, err)
	}
	for name, parse := range map[string]func([]byte) (any, error){
		"makeCredential": parser(ctap2.ParseMakeCredentialResponse),
		"getAssertion":   parser(ctap2.ParseGetAssertionResponse),
		"getInfo":        parser(ctap2.ParseGetInfoResponse),
	} {
		if _, err := parse(nil); err == nil {
			t.Errorf("%s: an empty reply has all that is required", name)
		}
	}
}

func TestReplyRequiredMembers(t *testing.T) {
	for _, test := range []struct {
		name   string
		parse  func([]byte) (any, error)
		reply  []byte
		number uint64
		item   string
	}{
		{"fmt empty", parser(ctap2.ParseMakeCredentialResponse), vector(t, "makeCredential reply")[1:], 1, "60"},
		{"authData null", parser(ctap2.ParseMakeCredentialResponse), vector(t, "makeCredential reply")[1:], 2, "f6"},
		{"authData without credential", parser(ctap2.ParseMakeCredentialResponse), vector(t, "makeCredential reply")[1:], 2,
			"5825" + "00000000000000000000000000000000000000000000000000000000000000000100000000"},
		{"authData short", parser(ctap2.ParseGetAssertionResponse), vector(t, "getAssertion reply")[1:], 2, "4101"},
		{"authData text", parser(ctap2.ParseGetAssertionResponse), vector(t, "getAssertion reply")[1:], 2, "6161"},
		{"signature empty", parser(ctap2.ParseGetAssertionResponse), vector(t, "getAssertion reply")[1:], 3, "40"},
		{"no versions", parser(ctap2.ParseGetInfoResponse), vector(t, "getInfo reply, CTAP 2.0")[1:], 1, "80"},
		{"AAGUID of 15 bytes", parser(ctap2.ParseGetInfoResponse), vector(t, "getInfo reply, CTAP 2.0")[1:], 3, "4f000000000000000000000000000000"},
	} {
		_, err := test.parse(with(t, test.reply, test.number, test.item))
		if _, ok := errors.AsType[*ctap2.ReplyError](err); !ok {
			t.Errorf("%s: %v, want a *ReplyError", test.name, err)
		}
	}
}

// Zero is something else than nothing where the specification says so.
func TestReplyZeroValues(t *testing.T) {
	info, err := ctap2.ParseGetInfoResponse(with(t, vector(t, "getInfo reply, CTAP 2.0")[1:], 0x14, "00"))
	if err != nil || info.RemainingDiscoverableCredentials == nil || *info.RemainingDiscoverableCredentials != 0 {
		t.Errorf("remainingDiscoverableCredentials zero: %v, %v", info, err)
	}
	info, err = ctap2.ParseGetInfoResponse(with(t, vector(t, "getInfo reply, CTAP 2.0")[1:], 0x1f, "80"))
	if err != nil || info.AuthenticatorConfigCommands == nil || len(info.AuthenticatorConfigCommands) != 0 {
		t.Errorf("authenticatorConfigCommands empty: %v, %v", info, err)
	}
	pin, err := ctap2.ParseClientPINResponse(unhex(t, "a2030004f4"))
	if err != nil || pin.PINRetries == nil || *pin.PINRetries != 0 || pin.PowerCycleState == nil || *pin.PowerCycleState {
		t.Errorf("pinRetries zero: %+v, %v", pin, err)
	}
	if b, err := pin.Append(nil); err != nil || !bytes.Equal(b, unhex(t, "a2030004f4")) {
		t.Errorf("pinRetries zero encoded: %x, %v", b, err)
	}
}
