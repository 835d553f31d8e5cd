package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

func (a *app) infoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Tell what the key says of itself",
		Long: `Tell what the key says of itself: its CTAPHID versions and capabilities, or
what it answers a card reader, and what CTAP 2.3 has in a getInfo reply.

With --json the names are the specification's, and a member that the key does not
send is not there. Members that are not in CTAP 2.3 are left out; --trace shows the
whole reply.`,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.info) },
	}
}

func (a *app) info(ctx context.Context, key *fido.Key) error {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return err
	}
	var rows []row
	var h *hid.Info
	if key.HID() != nil {
		h = a.system.hidInfo(key.Device())
	}
	if x, _ := a.labelOf(ctx, key, h, info); x != nil {
		rows = append(rows, row{"label", x.Name, hid.Text(x.Name)})
	}
	rows = append(rows, connectionRows(key)...)
	if key.U2F() { // the rest is not the key's word
		rows = append(rows, row{"versions", info.Versions, explained(info.Versions, versionMeanings, hid.Text)})
	} else {
		rows = append(rows, infoRows(info)...)
	}
	if a.json {
		return a.printJSON(object(rows))
	}
	for _, line := range a.summary(ctx, key, info) {
		fmt.Fprintln(a.folded(a.out), line)
	}
	fmt.Fprintln(a.out)
	var t layout.Table
	for _, r := range rows {
		name := r.name
		for line := range strings.SplitSeq(words(r), "\n\t") {
			t.Add(name, line)
			name = "" // once is enough
		}
	}
	a.printTable(t, "")
	if len(info.Ignored) > 0 {
		fmt.Fprintf(a.folded(a.out), "Members that are not what the specification wants, and are left out: %s.\n", members(info.Ignored))
	}
	return nil
}

// A row is a member: its name in the specification, its value for JSON and what
// it means.
type row struct {
	name    string
	value   any
	meaning string // "" to show the value
}

// object is rows as a JSON object, in order.
type object []row

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, r := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(r.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(r.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// connectionRows tell what the way to the key says of it.
func connectionRows(key *fido.Key) []row {
	if card := key.Card(); card != nil {
		return []row{
			{"select", card.Version(), fmt.Sprintf("%s (what it answers when its FIDO application is selected)", hid.Text(card.Version()))},
			{"contactless", card.Contactless(), yesNo("contactless", card.Contactless())},
		}
	}
	i := key.HID().Info()
	caps := strings.Split(i.Capabilities.String(), ", ")
	if i.Capabilities == 0 {
		caps = []string{}
	}
	version := fmt.Sprintf("%d.%d.%d", i.Major, i.Minor, i.Build)
	return []row{
		{"ctaphidVersion", i.ProtocolVersion, fmt.Sprintf("%d (of the protocol on USB)", i.ProtocolVersion)},
		{"deviceVersion", version, version + " (its maker's number)"},
		{"capabilities", caps, explained(caps, capabilityMeanings, hid.Text)},
	}
}

// infoRows returns the members that the key has sent.
func infoRows(i *ctap2.GetInfoResponse) []row {
	var rows []row
	add := func(there bool, name string, value any, meaning string) {
		if there {
			rows = append(rows, row{name, value, meaning})
		}
	}
	number := func(name string, n uint, unit string) {
		add(n > 0, name, n, fmt.Sprintf("%d %s", n, unit))
	}
	list := func(name string, l []string, meanings map[string]string) {
		add(l != nil, name, l, explained(l, meanings, hid.Text))
	}

	list("versions", i.Versions, versionMeanings)
	list("extensions", i.Extensions, extensionMeanings)
	add(true, "aaguid", i.AAGUID.String(), aaguidWords(i.AAGUID))
	add(i.Options != nil, "options", i.Options, optionWords(i.Options))
	number("maxMsgSize", i.MaxMsgSize, "bytes at most in a message")
	add(i.PinUvAuthProtocols != nil, "pinUvAuthProtocols", i.PinUvAuthProtocols, explained(i.PinUvAuthProtocols, protocolMeanings, decimal))
	number("maxCredentialCountInList", i.MaxCredentialCountInList, "credentials at most in one question")
	number("maxCredentialIdLength", i.MaxCredentialIDLength, "bytes at most in the ID of a credential")
	list("transports", i.Transports, transportWords)
	add(i.Algorithms != nil, "algorithms", algorithmNumbers(i), explained(algorithmsOf(i), algorithmMeanings, cose.Algorithm.String))
	number("maxSerializedLargeBlobArray", i.MaxSerializedLargeBlobArray, "bytes at most of data with passkeys, together: fidokey blobs")
	add(i.ForcePINChange, "forcePINChange", true, "yes: the PIN must be changed before it is used")
	number("minPINLength", i.MinPINLength, "characters at least in a PIN")
	pointer(add, "firmwareVersion", i.FirmwareVersion, firmwareWords)
	number("maxCredBlobLength", i.MaxCredBlobLength, "bytes at most with a passkey (credBlob)")
	pointer(add, "maxRPIDsForSetMinPINLength", i.MaxRPIDsForSetMinPINLength, in[uint]("%d sites can be told how long PINs have to be"))
	number("preferredPlatformUvAttempts", i.PreferredPlatformUvAttempts, "tries of a fingerprint before the PIN is asked for")
	pointer(add, "uvModality", i.UvModality, uvModalityWords)
	add(i.Certifications != nil, "certifications", i.Certifications, certificationsWords(i.Certifications))
	pointer(add, "remainingDiscoverableCredentials", i.RemainingDiscoverableCredentials, func(n uint) string { return "room for " + plural(int(n), "more passkey") })
	add(i.VendorPrototypeConfigCommands != nil, "vendorPrototypeConfigCommands", i.VendorPrototypeConfigCommands, explained(i.VendorPrototypeConfigCommands, nil, func(n uint64) string { return fmt.Sprintf("0x%x (a command of its maker)", n) }))
	list("attestationFormats", i.AttestationFormats, formatMeanings)
	pointer(add, "uvCountSinceLastPinEntry", i.UvCountSinceLastPinEntry, in[uint]("%d times the key has verified its user since the PIN was entered"))
	pointer(add, "longTouchForReset", i.LongTouchForReset, func(b bool) string { return yesNo("longTouchForReset", b) })
	add(i.EncIdentifier != nil, "encIdentifier", hex.EncodeToString(i.EncIdentifier), hex.EncodeToString(i.EncIdentifier)+"\n\t(which key this is, until a reset; only a lasting token reads it, and it is encrypted anew each time)")
	list("transportsForReset", i.TransportsForReset, transportWords)
	pointer(add, "pinComplexityPolicy", i.PinComplexityPolicy, func(b bool) string { return yesNo("pinComplexityPolicy", b) })
	add(i.PinComplexityPolicyURL != nil, "pinComplexityPolicyURL", string(i.PinComplexityPolicyURL), hid.Text(string(i.PinComplexityPolicyURL))+" (explains the policy)")
	number("maxPINLength", i.MaxPINLength, "characters at most in a PIN")
	add(i.EncCredStoreState != nil, "encCredStoreState", hex.EncodeToString(i.EncCredStoreState), hex.EncodeToString(i.EncCredStoreState)+"\n\t(changes with the passkeys; only a lasting token reads it, and it is encrypted anew each time)")
	add(i.AuthenticatorConfigCommands != nil, "authenticatorConfigCommands", i.AuthenticatorConfigCommands, configWords(i.AuthenticatorConfigCommands))
	if len(i.Deviations) > 0 {
		ds := make([]string, len(i.Deviations))
		for k, d := range i.Deviations {
			ds[k] = d.String()
		}
		add(true, "deviations", ds, "the reply is not canonical CBOR: "+strings.Join(ds, "; "))
	}
	return rows
}

func pointer[T any](add func(bool, string, any, string), name string, p *T, show func(T) string) {
	if p != nil {
		add(true, name, *p, show(*p))
	}
}

// in puts a value into a text.
func in[T any](format string) func(T) string {
	return func(v T) string { return fmt.Sprintf(format, v) }
}

func decimal[T ~uint](n T) string { return strconv.FormatUint(uint64(n), 10) }

func configWords(commands []uint) string {
	return explained(commands, nil, func(n uint) string {
		if m := configMeanings[ctap2.ConfigSubCommand(n)]; m != "" {
			return fmt.Sprintf("%d (%s)", n, m)
		}
		return decimal(n)
	})
}

// aaguidWords tells an AAGUID; zeros tell nothing.
func aaguidWords(a ctap2.AAGUID) string {
	if a == (ctap2.AAGUID{}) {
		return a.String() + ", which tells no model"
	}
	return a.String() + ", the number of its model"
}

// members names members of a reply.
func members(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprintf("0x%02x", n)
	}
	return strings.Join(words, ", ")
}

func algorithmsOf(i *ctap2.GetInfoResponse) []cose.Algorithm {
	out := make([]cose.Algorithm, len(i.Algorithms))
	for k, a := range i.Algorithms {
		out[k] = a.Alg
	}
	return out
}

func algorithmNumbers(i *ctap2.GetInfoResponse) []int64 {
	out := make([]int64, len(i.Algorithms))
	for k, a := range i.Algorithms {
		out[k] = int64(a.Alg)
	}
	return out
}

func certificationsWords(m map[string]uint) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, certificationWords(k, m[k]))
	}
	return strings.Join(out, "\n\t")
}

// words returns what a row shows to a person.
func words(r row) string {
	if r.meaning != "" {
		return r.meaning
	}
	if l, ok := r.value.([]string); ok {
		return strings.Join(l, ", ")
	}
	return fmt.Sprint(r.value)
}
