package conformance_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// loopback is a fixture over the software key in memory, in virtual time.
func loopback(c virtual.Config, in, out int) conformance.Fixture {
	return conformance.Fixture{
		VirtualTime: true,
		New: func(t *testing.T) *conformance.Key {
			c := c
			c.Storage = new(virtual.MemoryStorage)
			key, err := virtual.New(c)
			if err != nil {
				t.Fatal(err)
			}
			var server *ctaphid.Server
			return scripted(key, conformance.Key{
				Strict: true,
				OpenReports: func() (ctaphid.Device, error) {
					if server == nil {
						server = ctaphid.NewServer(key, nil)
					}
					return ctaphid.LoopbackServer(server, out, in), nil
				},
				PowerCycle: func() error {
					key.PowerCycle()
					server.PowerCycle()
					return nil
				},
			})
		},
	}
}

// scripted lets cases script the user of the software key.
func scripted(key *virtual.Key, k conformance.Key) *conformance.Key {
	k.User = func(b conformance.Behaviour) error {
		switch b.Action {
		case conformance.Touch:
			key.SetUser(virtual.TouchAfter(b.After))
		case conformance.Ignore:
			key.SetUser(virtual.NeverTouch())
		case conformance.Decline:
			key.SetUser(virtual.Deny())
		case conformance.LongTouch:
			step := virtual.Step{After: b.After + 6*time.Second, Touch: virtual.LongTouch, Verify: virtual.Verified}
			key.SetUser(virtual.Script(slices.Repeat([]virtual.Step{step}, 100)...))
		}
		return nil
	}
	k.Sample = func(s ctap2.SampleStatus) {
		step := virtual.Step{Touch: virtual.Touch, Verify: virtual.Verified, Sample: virtual.BadSample(s)}
		if s == ctap2.SampleNoUserActivity {
			step.Sample = virtual.NoSample
		}
		key.SetUser(virtual.Script(slices.Repeat([]virtual.Step{step}, 100)...))
	}
	k.Verify = func(succeed bool) {
		v := virtual.NotVerified
		if succeed {
			v = virtual.Verified
		}
		key.SetUser(virtual.Script(slices.Repeat([]virtual.Step{{Touch: virtual.Touch, Verify: v}}, 100)...))
	}
	return &k
}

// withPIN are the cases about keys that can have a PIN.
var withPIN = []string{
	"CP-1", "CP-10", "CP-11", "CP-12", "CP-13", "CP-14", "CP-15", "CP-16", "CP-17", "CP-18", "CP-19", "CP-2",
	"CP-20", "CP-21", "CP-22", "CP-24", "CP-25", "CP-3", "CP-4", "CP-5", "CP-6", "CP-7", "CP-8", "CP-9", "GA-10",
	"GA-18", "GA-21", "GI-4", "GNA-7", "HID-B5", "MC-12", "MC-20", "MC-21", "MC-22", "MC-23", "MC-6", "RS-4",
	"TK-1", "TK-11", "TK-12", "TK-13", "TK-2", "TK-3", "TK-4", "TK-5", "TK-6",
}

func TestLoopback(t *testing.T) {
	// What every key of this module lacks, and what most keys of the table do.
	never := slices.Concat([]string{"HID-D1", "HID-L7"}, withCard(), ordinarySettings, ordinaryExtensions, withPreviews)
	ordinary := slices.Concat(never, withSensor, []string{"GI-20", "TK-7", "TK-8"})
	// Cases that make passkeys on single packets, where nothing verifies the user.
	packets := []string{"HID-B7", "HID-C10"}
	// Cases that have the key wait for a touch, with requests on single packets.
	touches := []string{"HID-B3", "HID-B4", "HID-B5", "HID-C2", "HID-C3", "HID-C4", "HID-C5", "HID-C6", "HID-C8",
		"HID-I7", "HID-K1", "HID-K2", "HID-K3", "HID-T5"}
	for i, test := range []struct {
		name          string
		config        virtual.Config
		in, out       int
		notApplicable []string
	}{
		{"a CTAP 2.3 key", virtual.Config{}, 64, 64, ordinary},
		{"a key with built-in user verification", virtual.Config{UV: virtual.ConfiguredUV}, 64, 64,
			slices.Concat(never, withSensor, packets, []string{"TK-8"})},
		{"a fingerprint sensor", virtual.Config{UV: virtual.FingerprintUV}, 64, 64, slices.Concat(never, []string{"BE-12", "TK-8"})},
		{"a fingerprint sensor, and the preview", virtual.Config{UV: virtual.FingerprintUV, Previews: true}, 64, 64,
			slices.Concat(without(never, withPreviews...), []string{"TK-8"})},
		{"built-in user verification that is not set up", virtual.Config{UV: virtual.UnconfiguredUV}, 64, 64, ordinary},
		{"reports of 32 bytes out and 48 in", virtual.Config{}, 48, 32, ordinary},
		{"protocol one alone", virtual.Config{Protocols: []pinuv.Protocol{pinuv.One}}, 64, 64,
			slices.Concat(ordinary, []string{"CP-19", "CP-20", "TK-12"})},
		{"protocol two alone", virtual.Config{Protocols: []pinuv.Protocol{pinuv.Two}}, 64, 64,
			slices.Concat(ordinary, []string{"CP-19", "TK-12"})},
		{"every use needs the PIN", virtual.Config{AlwaysUV: true}, 64, 64, slices.Concat(never, withSensor, packets, touches, withoutAlwaysUV, []string{"GI-20", "EX-8", "MC-12", "TK-7", "TK-8"})},
		{"every use needs built-in user verification", virtual.Config{AlwaysUV: true, UV: virtual.ConfiguredUV}, 64, 64,
			slices.Concat(never, withSensor, withoutAlwaysUV, []string{"HID-C10", "EX-8", "MC-12", "TK-8"})},
		{"every creation needs user verification", virtual.Config{UVForEverything: true}, 64, 64, ordinary},
		{"PINs give no token for mc and ga", virtual.Config{UV: virtual.ConfiguredUV, NoPINForMcGa: true}, 64, 64,
			slices.Concat(never, withSensor, packets, []string{"TK-1"})},
		{"PINs have at least ten characters", virtual.Config{MinPINLength: 10}, 64, 64, ordinary},
		{"PINs have 63 characters", virtual.Config{MinPINLength: 63}, 64, 64, slices.Concat(ordinary, []string{"CP-6"})},
		{"one wrong PIN blocks it", virtual.Config{PINRetries: 1}, 64, 64,
			slices.Concat(ordinary, []string{"CP-10", "CP-12", "CP-13", "CP-14", "CP-16", "CP-18", "CP-19", "CP-3"})},
		{"two wrong PINs block it", virtual.Config{PINRetries: 2}, 64, 64,
			slices.Concat(ordinary, []string{"CP-13", "CP-14", "CP-3"})},
		{"three wrong PINs block it", virtual.Config{PINRetries: 3}, 64, 64, slices.Concat(ordinary, []string{"CP-13", "CP-14"})},
		{"a display", virtual.Config{Display: true}, 64, 64, slices.Concat(ordinary, []string{
			"EX-10", "GNA-1", "GNA-10", "GNA-2", "GNA-2b", "GNA-4", "GNA-5", "GNA-7", "GNA-9", "MC-16"})},
		{"no PIN", virtual.Config{WithoutPIN: true}, 64, 64, slices.Concat(ordinary, withPIN, withMinPINLength, []string{"EX-8", "U-10"}, withLargeBlobsAndPIN, withPINSettings, withCredentialManagement, withPersistentToken)},
		{"lists of one", virtual.Config{MaxCredentialCountInList: 1}, 64, 64,
			slices.Concat(ordinary, []string{"GA-13", "GA-6", "GNA-8", "MC-11"})},
		{"no counter", virtual.Config{Counter: virtual.NoCounter}, 64, 64, ordinary},
		{"room for three passkeys", virtual.Config{MaxCredentials: 3}, 64, 64, ordinary},
		{"credential IDs of 16 bytes", virtual.Config{MaxCredentialIDLength: 16, MaxCredentials: 20}, 64, 64, ordinary},
		{"self attestation", virtual.Config{Attestation: virtual.AttestSelf}, 64, 64, slices.Concat(ordinary, []string{"MC-25"})},
		{"no attestation", virtual.Config{Attestation: virtual.AttestNone}, 64, 64, slices.Concat(ordinary, []string{"MC-25"})},
		{"every setting", virtual.Config{
			Enterprise: &virtual.Enterprise{}, PINComplexity: &virtual.PINComplexity{Enforced: true}, MinPINLengthRPIDs: []string{"vendor.example"},
			VendorCommands:     map[uint64]func([]byte) error{7: func([]byte) error { return nil }},
			TransportsForReset: []string{"usb"}, LongTouchForReset: true,
		}, 64, 64, without(ordinary, "CF-5", "EX-19")},
		{"settings through built-in user verification", virtual.Config{
			UV: virtual.ConfiguredUV, UVAcfg: true, AlwaysUVStays: true, Enterprise: &virtual.Enterprise{Enabled: true, RPIDs: []string{"conformance.example"}},
			TransportsForReset: []string{"nfc"},
		}, 64, 64, slices.Concat(without(never, "CF-5", "RS-7"), withSensor, packets, withReset, []string{"TK-8"})},
		{"no settings", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandConfig}}, 64, 64, slices.Concat(ordinary, withSettings, withMinPINLength, []string{"U-10"})},
		{"CTAP 2.1", virtual.Config{Profile: virtual.FIDO21}, 64, 64, slices.Concat(ordinary, since22, extensionsSince22)},
		{"CTAP 2.0", virtual.Config{Profile: virtual.FIDO20}, 64, 64, slices.Concat(ordinary, since21, extensionsSince21, u2fSince21)},
		{"CTAP 2.0 with fingerprints, by the preview", virtual.Config{Profile: virtual.FIDO20, Previews: true, UV: virtual.FingerprintUV}, 64, 64,
			without(slices.Concat(ordinary, since21, extensionsSince21, u2fSince21), slices.Concat(withSensor, inPreviewToo, onPreviewKeys)...)},
		{"no extensions", virtual.Config{WithoutExtensions: []string{"credProtect", "hmac-secret"}}, 64, 64,
			slices.Concat(ordinary, withCredProtect, withHMACSecret, withHMACSecretMC, []string{"MC-12", "U-9"})},
		{"no credential management", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}}, 64, 64,
			slices.Concat(ordinary, withCredentialManagement, withPersistentToken)},
		{"built-in user verification and no PIN", virtual.Config{UV: virtual.ConfiguredUV, WithoutPIN: true}, 64, 64,
			slices.Concat(withMinPINLength, never, packets, withSensor, without(withPIN, "MC-12"), withLargeBlobsAndPIN, withSettings, []string{"TK-8", "U-10"})},
		{"CTAP 2.1 with the previews", virtual.Config{Profile: virtual.FIDO21, Previews: true}, 64, 64,
			slices.Concat(without(ordinary, withPreviews...), since22, extensionsSince22)},
		{"CTAP 2.0 with the previews", virtual.Config{Profile: virtual.FIDO20, Previews: true}, 64, 64,
			without(slices.Concat(ordinary, since21, extensionsSince21, u2fSince21), slices.Concat(inPreviewToo, onPreviewKeys)...)},
		{"large blobs of the least size", virtual.Config{LargeBlobCapacity: 1024, MaxMsgSize: 1024}, 64, 64, ordinary},
		{"large blobs in long messages", virtual.Config{LargeBlobCapacity: 1 << 16, MaxMsgSize: 7609}, 64, 64, slices.Concat(ordinary, []string{"HID-S5"})},
		{"the extension largeBlob", virtual.Config{LargeBlobExtension: true}, 64, 64, slices.Concat(ordinary, withLargeBlobs, withLargeBlobKey)},
		{"no U2F", virtual.Config{WithoutU2F: true}, 64, 64, slices.Concat(ordinary, withU2F)},
		{"U2F alone", virtual.Config{Profile: virtual.U2FOnly}, 64, 64, withCTAP2()},
		{"no large blobs", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandLargeBlobs}}, 64, 64,
			slices.Concat(ordinary, withLargeBlobs, withLargeBlobKey, withAnyLargeBlob)},
	} {
		if i > 0 { // making RSA keys once is enough
			test.config.Algorithms = []cose.Algorithm{cose.ES256, cose.EdDSA}
		}
		t.Run(test.name, func(t *testing.T) {
			r := conformance.Run(t, loopback(test.config, test.in, test.out))
			if got, want := slices.Sorted(maps.Keys(r.NotApplicable)), slices.Sorted(slices.Values(test.notApplicable)); !slices.Equal(got, want) {
				for _, id := range got {
					t.Logf("%s: %s", id, r.NotApplicable[id])
				}
				t.Errorf("these cases do not apply: %q, expected %q", got, want)
			}
			if len(r.Passed)+len(r.Failed)+len(r.NotApplicable) != len(conformance.Cases()) {
				t.Errorf("%d passed, %d failed, %d not applicable of %d", len(r.Passed), len(r.Failed), len(r.NotApplicable), len(conformance.Cases()))
			}
		})
	}
}

// Every case has an ID of its own, a title and a function.
func TestCases(t *testing.T) {
	seen := map[string]bool{}
	elsewhere := conformance.Elsewhere()
	for _, c := range conformance.Cases() {
		if seen[c.ID] || c.ID == "" || c.Title == "" || c.Run == nil {
			t.Errorf("case %q (%q) is a second one or incomplete", c.ID, c.Title)
		}
		if elsewhere[c.ID] != "" {
			t.Errorf("case %s is here, and elsewhere: %s", c.ID, elsewhere[c.ID])
		}
		seen[c.ID] = true
	}
}

// list holds how many cases each section of the project's list of cases has.
var list = []struct {
	prefix string
	cases  int
}{
	{"HID-D", 2},
	{"HID-I", 14},
	{"HID-S", 12},
	{"HID-Q", 8},
	{"HID-T", 5},
	{"HID-B", 7},
	{"HID-K", 3},
	{"HID-C", 11},
	{"HID-W", 2},
	{"HID-L", 8},
	{"NFC-", 38},
	{"CBR-", 8},
	{"GI-", 22},
	{"MC-", 30},
	{"GA-", 22},
	{"GNA-", 10},
	{"CP-", 25},
	{"TK-", 13},
	{"RS-", 9},
	{"CM-", 15},
	{"EX-", 24},
	{"BE-", 13},
	{"LB-", 13},
	{"CF-", 9},
	{"SEL-", 3},
	{"U-", 11},
}

// Every case of the list is in the suite, or it is said where it is.
func TestList(t *testing.T) {
	have := conformance.Elsewhere()
	for _, c := range conformance.Cases() {
		have[c.ID] = c.Title
	}
	listed := map[string]bool{}
	for _, section := range list {
		for i := range section.cases {
			id := fmt.Sprint(section.prefix, i+1)
			if listed[id] = true; have[id] == "" {
				t.Errorf("case %s is missing", id)
			}
		}
	}
	for id := range conformance.Elsewhere() {
		if !listed[id] {
			t.Errorf("case %s is elsewhere, but not on the list", id)
		}
	}
}
