package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// evil is text that a terminal would obey, or show as something else.
const evil = "\x1b[31mRED\x1b]0;title\x07\x9b2J\r\n\u202egpj.exe\u2066\u200b\u0085\u2028\ue000\x00"

// evilInfo puts such text wherever getInfo has some.
func evilInfo(i *ctap2.GetInfoResponse) {
	i.Versions = append(i.Versions, evil)
	i.Extensions = append(i.Extensions, evil)
	i.Transports = append(i.Transports, evil)
	i.AttestationFormats = append(i.AttestationFormats, evil)
	i.Options[evil] = true
	i.Certifications = map[string]uint{evil: 1}
	i.PinComplexityPolicy = new(true)
	i.PinComplexityPolicyURL = []byte(evil)
	i.Algorithms = append(i.Algorithms, ctap2.PublicKeyCredentialParameters{Type: evil, Alg: -7})
}

// absurdInfo has numbers that no key has.
func absurdInfo(n uint) func(*ctap2.GetInfoResponse) {
	return func(i *ctap2.GetInfoResponse) {
		i.MaxMsgSize, i.MaxCredentialCountInList, i.MaxCredentialIDLength, i.MaxSerializedLargeBlobArray = n, n, n, n
		i.MinPINLength, i.MaxPINLength, i.MaxCredBlobLength, i.PreferredPlatformUvAttempts = n, n, n, n
		i.RemainingDiscoverableCredentials, i.MaxRPIDsForSetMinPINLength = new(n), new(n)
	}
}

// reply encodes a successful one.
func reply(t *testing.T, members map[uint64]any) []byte {
	t.Helper()
	b, err := cbor.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{0}, b...)
}

// always answers a command in one way from the n-th time on.
func always(command ctap2.Command, n int, answer []byte) func(ctap2.Command, int, []byte) []byte {
	return func(c ctap2.Command, i int, b []byte) []byte {
		if c == command && i >= n {
			return answer
		}
		return b
	}
}

// Keys that say true to form what is not true, or too much: every command ends, in
// time, and a terminal and a program get what they can read.
func TestHostileWords(t *testing.T) {
	hash := sha256.Sum256([]byte("example.com"))
	site := func(total uint64, id string) []byte {
		return reply(t, map[uint64]any{3: map[string]any{"id": id, "name": evil}, 4: hash[:], 5: total})
	}
	passkey := reply(t, map[uint64]any{6: map[string]any{"id": []byte("u"), "name": evil, "displayName": evil}, 7: map[string]any{"id": []byte("0123456789abcdef"), "type": "public-key"}, 9: uint64(4096)})
	var fingers []any
	for i := range 1000 {
		fingers = append(fingers, map[uint64]any{1: []byte{byte(i >> 8)}, 2: ""})
	}
	const management, bio, pin = ctap2.CommandCredentialManagement, ctap2.CommandBioEnrollment, ctap2.CommandClientPIN
	for _, test := range []struct {
		name     string
		info     func(*ctap2.GetInfoResponse)
		faults   attack
		commands []string // nil: all
	}{
		{"escape sequences in getInfo", evilInfo, attack{}, nil},
		{"nothing in getInfo", func(i *ctap2.GetInfoResponse) { *i = ctap2.GetInfoResponse{Versions: []string{"FIDO_2_0"}} }, attack{}, nil},
		{"numbers that are 0", absurdInfo(0), attack{}, nil},
		{"numbers that are 1", absurdInfo(1), attack{}, nil},
		{"numbers that are huge", absurdInfo(math.MaxUint32), attack{}, nil},
		{"numbers that are absurd", absurdInfo(math.MaxUint64), attack{}, nil},
		{"PIN protocols that nobody knows", func(i *ctap2.GetInfoResponse) { i.PinUvAuthProtocols = []pinuv.Protocol{99} }, attack{}, nil},
		{"a huge number of sites", nil, attack{every: always(management, 2, site(1<<60, "example.com"))}, nil},
		{"sites that repeat", nil, attack{every: always(management, 2, site(ctap2.MaxEnumeration, "example.com"))}, []string{"passkeys list", "blobs list"}},
		{"sites with names of kilobytes", nil, attack{every: always(management, 2, site(100, evil+strings.Repeat("x", 6000)))}, nil},
		{"sites with names that are not UTF-8", nil, attack{every: always(management, 2, site(3, "\xff\xfe\x80.example"))}, nil},
		{"passkeys that repeat", nil, attack{every: always(management, 3, passkey)}, nil},
		{"thousands of fingerprints", nil, attack{every: always(bio, 2, reply(t, map[uint64]any{7: fingers}))}, nil},
		{"a finger that never is enough", nil, attack{every: always(bio, 3, reply(t, map[uint64]any{4: []byte{1}, 5: uint64(0), 6: uint64(math.MaxUint32)}))}, nil},
		{"a finger that is never good", nil, attack{every: always(bio, 3, reply(t, map[uint64]any{4: []byte{1}, 5: uint64(3), 6: uint64(3)}))}, nil},
		{"samples of a kind that nobody knows", nil, attack{every: always(bio, 3, reply(t, map[uint64]any{4: []byte{1}, 5: uint64(200), 6: uint64(3)}))}, nil},
		{"tries that are huge", nil, attack{every: always(pin, 1, reply(t, map[uint64]any{3: uint64(math.MaxUint64), 5: uint64(math.MaxUint64)}))}, nil},
		{"the PIN is always wrong and has eight tries", nil, attack{every: func(c ctap2.Command, n int, b []byte) []byte {
			if c == pin && n > 2 {
				return []byte{byte(ctap2.StatusPINInvalid)}
			}
			return b
		}}, nil},
		{"large blobs without end", nil, attack{every: always(ctap2.CommandLargeBlobs, 1, reply(t, map[uint64]any{1: make([]byte, 960)}))}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			commands := test.commands
			if commands == nil {
				commands = hostileCommands
			}
			for i, command := range commands {
				config := hostileConfig()
				config.Info = test.info
				more := [][]string{nil, {"--json"}, {"--trace"}}[i%3]
				r, h, took := test.faults.with(t, config, command, more...)
				if err := checkAnswer(r, len(more) > 0 && more[0] == "--json"); err != nil || took > hostileLimit || len(h.sent) > hostileMost {
					t.Errorf("%s %q: %v: exit code %d after %v, %d commands:\n%.1000s%.1000s", command, more, err, r.code, took, len(h.sent), r.out, r.err)
				}
			}
		})
	}
}

// A sensor that never recognises the finger, and says each time that there are tries
// left, does not hold a script.
func TestHostileSensor(t *testing.T) {
	for _, command := range []string{"fingerprints remove index -y", "fingerprints rename index thumb"} {
		x := &attack{every: func(c ctap2.Command, n int, b []byte) []byte {
			switch {
			case c != ctap2.CommandClientPIN:
			case len(b) == 0 || n > 1 && b[0] != 0:
				return []byte{byte(ctap2.StatusUVInvalid)}
			case len(b) < 10: // tries left
				return reply(t, map[uint64]any{3: uint64(8), 5: uint64(25)})
			}
			return b
		}}
		config := hostileConfig()
		config.UVAcfg, config.UVBioEnroll, config.UVRetries = true, true, 25
		config.User = stranger{}
		r, h, took := x.with(t, config, command)
		if err := checkAnswer(r, false); err != nil || r.code != exitPIN || took > hostileLimit || len(h.sent) > 100 {
			t.Errorf("%s: %v, exit code %d after %v and %d commands: %s", command, err, r.code, took, len(h.sent), r.err)
		}
	}
}

// stranger is a user whose finger the key does not know.
type stranger struct{ willing }

func (stranger) Verify(context.Context, virtual.Prompt) virtual.Verification {
	return virtual.NotVerified
}

// What a terminal obeys is escaped in JSON, and means the same.
func TestPrintableJSON(t *testing.T) {
	text := evil + "é\u0085\U000e0041\U0001f511"
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	shown := printable(string(b))
	var got string
	if err := json.Unmarshal([]byte(shown), &got); err != nil || got != strings.ToValidUTF8(text, "\ufffd") {
		t.Errorf("%s is read as %q: %v", shown, got, err)
	}
	if err := checkAnswer(result{out: shown}, false); err != nil || !strings.Contains(shown, "é") || !strings.Contains(shown, "\U0001f511") {
		t.Errorf("%s: %v", shown, err)
	}
}
