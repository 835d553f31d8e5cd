//go:build guest

package python

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

//go:embed conversation.py
var conversation string

//go:embed cancel.py
var cancel string

// learned is what conversation.py prints.
type learned struct {
	Capabilities byte
	Pings        []int
	Info         struct {
		Versions, Extensions, Transports []string
		AAGUID                           string
		Options                          ctap2.InfoOptions
		MaxMsgSize                       uint
		PinUvAuthProtocols               []pinuv.Protocol
		MaxCredentialCountInList         uint
		MaxCredentialIDLength            uint
		Algorithms                       []cose.Algorithm
		MinPINLength                     uint
		FirmwareVersion                  *uint64
		RemainingDiscoverableCredentials *uint
	}
	Credentials           []credential
	SetAgain, Wrong, Old  ctap2.Status
	Retries, RetriesAfter int
}

type credential struct {
	ID, AAGUID string
	Algorithm  cose.Algorithm
	Flags      []ctap2.Flags
	Assertions int
	User       string
}

// python-fido2 verifies what our key says, and learns what our key knows of
// itself.
func TestConversation(t *testing.T) {
	for _, tt := range []struct {
		route    guest.Route
		protocol pinuv.Protocol
	}{
		{guest.UHID, pinuv.One},
		{guest.USB, pinuv.Two},
	} {
		t.Run(fmt.Sprintf("%s, protocol %d", tt.route.Name, tt.protocol), func(t *testing.T) {
			var created []virtual.Credential
			key := guest.NewKey(t, tt.route, virtual.Config{Observer: func(e virtual.Event) {
				if e.Kind == virtual.CredentialCreated {
					created = append(created, e.Credential)
				}
			}})
			info := key.Info()
			var got learned
			if err := json.Unmarshal(run(t, conversation, fmt.Sprint(uint(tt.protocol))), &got); err != nil {
				t.Fatal(err)
			}
			if want := byte(ctaphid.CapabilityWink | ctaphid.CapabilityCBOR); got.Capabilities != want {
				t.Errorf("capabilities %#x, want %#x", got.Capabilities, want)
			}
			if want := []int{1, 57, 58, 1024, 1800}; !slices.Equal(got.Pings, want) {
				t.Errorf("pings of %v bytes came back, want %v", got.Pings, want)
			}
			checkInfo(t, &got, info)
			checkCredentials(t, got.Credentials, created)
			for _, s := range []struct {
				what      string
				got, want ctap2.Status
			}{
				{"another setPIN", got.SetAgain, ctap2.StatusPINAuthInvalid},
				{"a wrong PIN", got.Wrong, ctap2.StatusPINInvalid},
				{"the old PIN", got.Old, ctap2.StatusPINInvalid},
			} {
				if s.got != s.want {
					t.Errorf("%s: %v, want %v", s.what, s.got, s.want)
				}
			}
			if got.Retries != 7 || got.RetriesAfter != 8 || key.PINRetries() != 8 {
				t.Errorf("%d tries were left after a wrong PIN, %d at the end, %d now", got.Retries, got.RetriesAfter, key.PINRetries())
			}
		})
	}
}

func checkInfo(t *testing.T, got *learned, want *ctap2.GetInfoResponse) {
	t.Helper()
	i := &got.Info
	algorithms := make([]cose.Algorithm, len(want.Algorithms))
	for k, a := range want.Algorithms {
		algorithms[k] = a.Alg
	}
	for _, m := range []struct {
		name      string
		got, want any
	}{
		{"versions", i.Versions, want.Versions},
		{"extensions", i.Extensions, want.Extensions},
		{"aaguid", i.AAGUID, hex.EncodeToString(want.AAGUID[:])},
		{"maxMsgSize", i.MaxMsgSize, want.MaxMsgSize},
		{"pinUvAuthProtocols", i.PinUvAuthProtocols, want.PinUvAuthProtocols},
		{"maxCredentialCountInList", i.MaxCredentialCountInList, want.MaxCredentialCountInList},
		{"maxCredentialIdLength", i.MaxCredentialIDLength, want.MaxCredentialIDLength},
		{"transports", i.Transports, want.Transports},
		{"algorithms", i.Algorithms, algorithms},
		{"minPINLength", i.MinPINLength, want.MinPINLength},
		{"firmwareVersion", i.FirmwareVersion, want.FirmwareVersion},
		{"remainingDiscoverableCredentials", i.RemainingDiscoverableCredentials, want.RemainingDiscoverableCredentials},
	} {
		if !reflect.DeepEqual(m.got, m.want) {
			t.Errorf("%s: %v, want %v", m.name, m.got, m.want)
		}
	}
	if !maps.Equal(i.Options, want.Options) {
		t.Errorf("options: %v, want %v", i.Options, want.Options)
	}
}

func checkCredentials(t *testing.T, got []credential, created []virtual.Credential) {
	t.Helper()
	const up, uv = ctap2.FlagUP, ctap2.FlagUP | ctap2.FlagUV
	want := []credential{
		{Algorithm: cose.ES256, Flags: []ctap2.Flags{up | ctap2.FlagAT, up}, Assertions: 1},
		{Algorithm: cose.EdDSA, Flags: []ctap2.Flags{up | ctap2.FlagAT, up}, Assertions: 1},
		{Algorithm: cose.ES256, Flags: []ctap2.Flags{up | ctap2.FlagAT, up}, Assertions: 1},
		{Algorithm: cose.ES256, Flags: []ctap2.Flags{uv | ctap2.FlagAT, uv}, Assertions: 1},
		{Algorithm: cose.EdDSA, Flags: []ctap2.Flags{uv | ctap2.FlagAT, uv}, Assertions: 2, User: "ada"},
	}
	if len(created) != len(want) {
		t.Fatalf("the key made %d credentials, want %d", len(created), len(want))
	}
	for i := range want {
		want[i].ID, want[i].AAGUID = hex.EncodeToString(created[i].ID), hex.EncodeToString(virtual.DefaultAAGUID[:])
		if created[i].Algorithm != want[i].Algorithm {
			t.Errorf("credential %d is for %v, want %v", i, created[i].Algorithm, want[i].Algorithm)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCancel(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{User: virtual.NeverTouch()})
	if got, want := strings.TrimSpace(string(run(t, cancel))), fmt.Sprint(byte(ctap2.StatusKeepaliveCancel)); got != want {
		t.Errorf("the status is %s, want %s", got, want)
	}
	commands := key.Commands()
	if last := commands[len(commands)-1]; last.Command() != ctap2.CommandMakeCredential || last.Status != ctap2.StatusKeepaliveCancel {
		t.Errorf("the last command is %v with %v", last.Command(), last.Status)
	}
}

// run runs a program and returns what it prints.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(guest.Context(t), "python3", append([]string{"-c", program}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	return stdout.Bytes()
}
