//go:build guest

package libfido2

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

func TestTokenLists(t *testing.T) {
	for _, r := range guest.Routes {
		t.Run(r.Name, func(t *testing.T) {
			key := guest.NewKey(t, r, virtual.Config{})
			got := run(t, "", "fido2-token", "-L")
			if len(got) != 1 || !strings.HasPrefix(got[0], key.Path+": vendor=0x1209, ") {
				t.Errorf("%q", got)
			}
		})
	}
}

// What fido2-token prints is what our own client reads.
func TestTokenInfo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		route  guest.Route
		config virtual.Config
		pin    string
	}{
		{"uhid", guest.UHID, virtual.Config{}, ""},
		{"uhid with PIN", guest.UHID, virtual.Config{}, "1234"},
		{"uhid with built-in user verification", guest.UHID, virtual.Config{UV: virtual.ConfiguredUV, MinPINLength: 6, MaxMsgSize: 1500}, ""},
		{"uhid with a fingerprint sensor", guest.UHID, virtual.Config{UV: virtual.FingerprintUV, Previews: true}, ""},
		{"USB", guest.USB, virtual.Config{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := guest.NewKey(t, tt.route, tt.config)
			if tt.pin != "" {
				if err := key.SetPIN([]byte(tt.pin)); err != nil {
					t.Fatal(err)
				}
			}
			client := ours.Open(t, key, nil)
			want := tokenInfo(t, client)
			client.Close() // libfido2 locks the key too
			if got := run(t, "", "fido2-token", "-I", key.Path); !slices.Equal(got, want) {
				t.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// tokenInfo returns what fido2-token -I makes of what the client reads.
func tokenInfo(t *testing.T, client *fido.Key) []string {
	t.Helper()
	ctx := guest.Context(t)
	info, err := client.GetInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	retries, err := client.PINRetries(ctx)
	if err != nil {
		t.Fatal(err)
	}
	hid := client.HID().Info()
	lines := []string{
		fmt.Sprintf("proto: 0x%02x", hid.ProtocolVersion),
		fmt.Sprintf("major: 0x%02x", hid.Major),
		fmt.Sprintf("minor: 0x%02x", hid.Minor),
		fmt.Sprintf("build: 0x%02x", hid.Build),
		fmt.Sprintf("caps: 0x%02x (%s)", byte(hid.Capabilities), tokenCapabilities(hid.Capabilities)),
		"version strings: " + strings.Join(info.Versions, ", "),
		"extension strings: " + strings.Join(info.Extensions, ", "),
		"transport strings: " + strings.Join(info.Transports, ", "),
	}
	var algorithms, protocols []string
	for _, a := range info.Algorithms {
		algorithms = append(algorithms, fmt.Sprintf("%s (%s)", strings.ToLower(a.Alg.String()), a.Type))
	}
	for _, p := range info.PinUvAuthProtocols {
		protocols = append(protocols, fmt.Sprint(uint(p)))
	}
	uv := "undefined"
	if _, ok := info.Options[ctap2.OptionUV]; ok {
		n, err := client.UVRetries(ctx)
		if err != nil {
			t.Fatal(err)
		}
		uv = fmt.Sprint(n)
	}
	lines = append(lines,
		"algorithms: "+strings.Join(algorithms, ", "),
		fmt.Sprintf("aaguid: %x", info.AAGUID[:]),
		"options: "+tokenOptions(info.Options),
		fmt.Sprintf("fwversion: %#x", *info.FirmwareVersion),
		fmt.Sprintf("maxmsgsiz: %d", info.MaxMsgSize),
		fmt.Sprintf("maxcredcntlst: %d", info.MaxCredentialCountInList),
		fmt.Sprintf("maxcredlen: %d", info.MaxCredentialIDLength),
		fmt.Sprintf("maxlargeblob: %d", info.MaxSerializedLargeBlobArray),
	)
	if n := info.MaxRPIDsForSetMinPINLength; n != nil && *n > 0 {
		lines = append(lines, fmt.Sprintf("maxrpids in minpinlen: %d", *n))
	}
	lines = append(lines,
		fmt.Sprintf("remaining rk(s): %d", *info.RemainingDiscoverableCredentials),
		fmt.Sprintf("minpinlen: %d", info.MinPINLength),
		"pin protocols: "+strings.Join(protocols, ", "),
		fmt.Sprintf("pin retries: %d", retries.Retries),
		fmt.Sprintf("pin change required: %t", info.ForcePINChange),
		"uv retries: "+uv,
	)
	if info.PreferredPlatformUvAttempts != 0 {
		lines = append(lines, fmt.Sprintf("platform uv attempt(s): %d", info.PreferredPlatformUvAttempts))
	}
	if info.UvModality != nil {
		lines = append(lines, fmt.Sprintf("uv modality: %#x (fingerprint check)", *info.UvModality))
	}
	if _, ok := info.Options[ctap2.OptionUserVerificationMgmtPreview]; ok {
		sensor, err := client.FingerprintSensorInfo(ctx)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("sensor type: %d (%s)", uint(sensor.Kind), sensor.Kind), fmt.Sprintf("max samples: %d", sensor.MaxCaptureSamples))
	}
	return lines
}

func tokenCapabilities(c ctaphid.Capabilities) string {
	words := []string{"nowink", "nocbor", "msg"}
	for i, bit := range []ctaphid.Capabilities{ctaphid.CapabilityWink, ctaphid.CapabilityCBOR, ctaphid.CapabilityNMSG} {
		if c&bit != 0 {
			words[i] = [...]string{"wink", "cbor", "nomsg"}[i]
		}
	}
	return strings.Join(words, ", ")
}

// tokenOptions lists options in the order of the reply: canonical CBOR's.
func tokenOptions(o ctap2.InfoOptions) string {
	names := slices.SortedFunc(maps.Keys(o), func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		if !o[name] {
			names[i] = "no" + name
		}
	}
	return strings.Join(names, ", ")
}

// The tools set, change and mistype a PIN, and erase the key.
func TestTokenPIN(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{ResetWindow: time.Hour})
	if _, err := key.AddCredential(virtual.NewCredential{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: rpID}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("x")}, Discoverable: true,
	}); err != nil {
		t.Fatal(err)
	}
	check := func(pin string) {
		t.Helper()
		client := ours.Open(t, key, nil)
		defer client.Close()
		token, err := client.PINToken(guest.Context(t), []byte(pin), ctap2.PermissionGA, rpID)
		if err != nil {
			t.Fatalf("PIN %s: %v", pin, err)
		}
		token.Wipe()
	}
	run(t, "1234\n1234\n", "fido2-token", "-S", key.Path)
	check("1234")
	run(t, "1234\nSchlüssel\nSchlüssel\n", "fido2-token", "-C", key.Path)
	check("Schlüssel")

	_, said, err := try(t, "1234\n4321\n4321\n", "fido2-token", "-C", key.Path)
	if err == nil || !strings.Contains(said, "FIDO_ERR_PIN_INVALID") {
		t.Errorf("a wrong PIN: %v: %s", err, said)
	}
	if got := key.PINRetries(); got != 7 {
		t.Errorf("%d tries are left, want 7", got)
	}
	if got := run(t, "", "fido2-token", "-I", key.Path); !slices.Contains(got, "pin retries: 7") {
		t.Errorf("after a wrong PIN: %q", got)
	}
	check("Schlüssel")

	run(t, "", "fido2-token", "-R", key.Path)
	if key.HasPIN() || len(key.Credentials()) > 0 {
		t.Errorf("after the reset: a PIN %t, %d credentials", key.HasPIN(), len(key.Credentials()))
	}
}

// After three wrong PINs in a row the tool is told to unplug the key.
func TestTokenPINBlocksUntilPowerCycle(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{})
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FIDO_ERR_PIN_INVALID", "FIDO_ERR_PIN_INVALID", "FIDO_ERR_PIN_AUTH_BLOCKED", "FIDO_ERR_PIN_AUTH_BLOCKED"} {
		if _, said, err := try(t, "9999\n4321\n4321\n", "fido2-token", "-C", key.Path); err == nil || !strings.Contains(said, want) {
			t.Errorf("%v: %s; want %s", err, said, want)
		}
	}
	if got := key.PINRetries(); got != 5 {
		t.Errorf("%d tries are left, want 5", got)
	}
	key.Unplug(t)
	key.Plug(t)
	run(t, "1234\n4321\n4321\n", "fido2-token", "-C", key.Path)
	if got := key.PINRetries(); got != 8 {
		t.Errorf("after the right PIN %d tries are left, want 8", got)
	}
}
