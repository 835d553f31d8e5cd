package virtual_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

var update = flag.Bool("update", false, "write the files of testdata/getinfo anew")

// everything is a key with all that can be switched on at once.
var everything = virtual.Config{
	UV:                 virtual.FingerprintUV,
	UVAcfg:             true,
	UVBioEnroll:        true,
	NoPINForMcGa:       true,
	AlwaysUV:           true,
	Display:            true,
	Previews:           true,
	Enterprise:         &virtual.Enterprise{Enabled: true},
	PINComplexity:      &virtual.PINComplexity{Enforced: true, URL: "https://example.com/pins"},
	LongTouchForReset:  true,
	TransportsForReset: []string{ctap2.TransportUSB},
	Certifications:     map[string]uint{"FIDO": 3},
	MinPINLengthRPIDs:  []string{"example.com"},
	VendorCommands:     map[uint64]func([]byte) error{1: func([]byte) error { return nil }},
}

// What each profile answers to getInfo, for a reader to see, and whether the
// specification allows it. After a change of what a key can do:
//
//	go test ./ctap2/virtual -run TestGetInfoOfProfiles -update
func TestGetInfoOfProfiles(t *testing.T) {
	with := func(p virtual.Profile, c virtual.Config) virtual.Config {
		c.Profile = p
		return c
	}
	for _, test := range []struct {
		name   string
		config virtual.Config
	}{
		{"fido23", virtual.Config{}},
		{"fido23-everything", with(virtual.FIDO23, everything)},
		{"fido23-largeblob-extension", virtual.Config{LargeBlobExtension: true}},
		{"fido23-bare", virtual.Config{WithoutPIN: true, WithoutRK: true, WithoutU2F: true}},
		{"fido21", virtual.Config{Profile: virtual.FIDO21}},
		{"fido21-everything", with(virtual.FIDO21, everything)},
		{"fido20", virtual.Config{Profile: virtual.FIDO20}},
		{"fido20-everything", with(virtual.FIDO20, everything)},
		{"fido20-previews", virtual.Config{Profile: virtual.FIDO20, Previews: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newHost(t, test.config).want(0, getInfo)
			file := filepath.Join("testdata", "getinfo", test.name+".txt")
			got := explain(t, b)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
				t.Errorf("getInfo is\n%s\n%s has\n%s\n%v", got, file, want, err)
			}
		})
	}
}

// explain writes a getInfo response with a member on each line, and an extension
// or option, so that few lines change with what a key can do. What is encrypted anew
// each time is left blank.
func explain(t *testing.T, b []byte) []byte {
	t.Helper()
	var members map[uint64]cbor.RawMessage
	if err := cbor.Unmarshal(b, &members); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for n := range uint64(0x40) {
		item, ok := members[n]
		if !ok {
			continue
		}
		delete(members, n)
		out = fmt.Appendf(out, "0x%02x %s:", n, infoMembers[n])
		switch n {
		case 0x02, 0x04:
			rest := item[1:]
			for len(rest) > 0 {
				pair, err := rest, error(nil)
				if _, rest, err = cbor.Split(rest); err == nil && n == 0x04 {
					_, rest, err = cbor.Split(rest)
				}
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, "\n    "...)
				if out, err = cbor.AppendDiagnostic(out, pair[:len(pair)-len(rest)]); err != nil {
					t.Fatal(err)
				}
			}
			out = append(out, '\n')
		case 0x19, 0x1e:
			out = fmt.Appendf(out, " (%d bytes, encrypted)\n", len(item)-2)
		default:
			text, err := cbor.Diagnose(item)
			if err != nil {
				t.Fatal(err)
			}
			out = fmt.Appendf(out, " %s\n", text)
		}
	}
	if len(members) > 0 {
		t.Errorf("members that no version has: %v", members)
	}
	return out
}

// infoMembers are the names that CTAP 2.3 section 6.4 gives the members.
var infoMembers = map[uint64]string{
	0x01: "versions", 0x02: "extensions", 0x03: "aaguid", 0x04: "options", 0x05: "maxMsgSize", 0x06: "pinUvAuthProtocols",
	0x07: "maxCredentialCountInList", 0x08: "maxCredentialIdLength", 0x09: "transports", 0x0a: "algorithms",
	0x0b: "maxSerializedLargeBlobArray", 0x0c: "forcePINChange", 0x0d: "minPINLength", 0x0e: "firmwareVersion",
	0x0f: "maxCredBlobLength", 0x10: "maxRPIDsForSetMinPINLength", 0x11: "preferredPlatformUvAttempts", 0x12: "uvModality",
	0x13: "certifications", 0x14: "remainingDiscoverableCredentials", 0x15: "vendorPrototypeConfigCommands",
	0x16: "attestationFormats", 0x17: "uvCountSinceLastPinEntry", 0x18: "longTouchForReset", 0x19: "encIdentifier",
	0x1a: "transportsForReset", 0x1b: "pinComplexityPolicy", 0x1c: "pinComplexityPolicyURL", 0x1d: "maxPINLength",
	0x1e: "encCredStoreState", 0x1f: "authenticatorConfigCommands",
}
