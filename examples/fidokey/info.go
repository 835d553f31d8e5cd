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
	"text/tabwriter"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
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
		RunE: func(c *cobra.Command, _ []string) error { return a.info(c.Context()) },
	}
}

func (a *app) info(ctx context.Context) error {
	key, err := a.openTimed(ctx, "")
	if err != nil {
		return err
	}
	defer key.Close()
	var rows []row
	var info *ctap2.GetInfoResponse
	if err := a.timed(ctx, func(ctx context.Context) error {
		info, err = key.GetInfo(ctx)
		return err
	}); err != nil {
		return err
	}
	var h *hid.Info
	if key.HID() != nil {
		h = a.system.hidInfo(key.Device())
	}
	if x, _ := a.labelOf(ctx, key, h, info); x != nil {
		rows = append(rows, row{"label", x.Name, hid.Text(x.Name)})
	}
	rows = append(rows, connectionRows(key)...)
	if key.U2F() { // the rest is not the key's word
		rows = append(rows, row{"versions", info.Versions, ""})
	} else {
		rows = append(rows, infoRows(info)...)
	}
	if a.json {
		return a.printJSON(object(rows))
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\n", r.name, words(r))
	}
	w.Flush()
	if key.U2F() {
		fmt.Fprintf(a.out, "This key speaks U2F alone, in which a key says no more of itself. It registers and logs in with %s; it has no PIN and stores no passkeys.\n", a.gesture())
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
		return []row{{"select", card.Version(), ""}, {"contactless", card.Contactless(), ""}}
	}
	i := key.HID().Info()
	caps := strings.Split(i.Capabilities.String(), ", ")
	if i.Capabilities == 0 {
		caps = []string{}
	}
	return []row{
		{"ctaphidVersion", i.ProtocolVersion, ""},
		{"deviceVersion", fmt.Sprintf("%d.%d.%d", i.Major, i.Minor, i.Build), ""},
		{"capabilities", caps, ""},
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
	list := func(name string, l []string) { add(l != nil, name, l, hid.Text(strings.Join(l, ", "))) }

	list("versions", i.Versions)
	list("extensions", i.Extensions)
	add(true, "aaguid", i.AAGUID.String(), "")
	add(i.Options != nil, "options", i.Options, optionWords(i.Options))
	number("maxMsgSize", i.MaxMsgSize, "bytes")
	add(i.PinUvAuthProtocols != nil, "pinUvAuthProtocols", i.PinUvAuthProtocols, numbers(i.PinUvAuthProtocols))
	number("maxCredentialCountInList", i.MaxCredentialCountInList, "entries")
	number("maxCredentialIdLength", i.MaxCredentialIDLength, "bytes")
	list("transports", i.Transports)
	add(i.Algorithms != nil, "algorithms", algorithmNumbers(i), algorithmNames(i))
	number("maxSerializedLargeBlobArray", i.MaxSerializedLargeBlobArray, "bytes")
	add(i.ForcePINChange, "forcePINChange", true, "yes: the PIN must be changed before it is used")
	number("minPINLength", i.MinPINLength, "characters")
	pointer(add, "firmwareVersion", i.FirmwareVersion, "%d")
	number("maxCredBlobLength", i.MaxCredBlobLength, "bytes")
	pointer(add, "maxRPIDsForSetMinPINLength", i.MaxRPIDsForSetMinPINLength, "%d")
	number("preferredPlatformUvAttempts", i.PreferredPlatformUvAttempts, "attempts")
	pointer(add, "uvModality", i.UvModality, "0x%x")
	add(i.Certifications != nil, "certifications", i.Certifications, sortedMap(i.Certifications))
	pointer(add, "remainingDiscoverableCredentials", i.RemainingDiscoverableCredentials, "room for %d more passkeys")
	add(i.VendorPrototypeConfigCommands != nil, "vendorPrototypeConfigCommands", i.VendorPrototypeConfigCommands, numbers(i.VendorPrototypeConfigCommands))
	list("attestationFormats", i.AttestationFormats)
	pointer(add, "uvCountSinceLastPinEntry", i.UvCountSinceLastPinEntry, "%d")
	pointer(add, "longTouchForReset", i.LongTouchForReset, "%t")
	add(i.EncIdentifier != nil, "encIdentifier", hex.EncodeToString(i.EncIdentifier), "")
	list("transportsForReset", i.TransportsForReset)
	pointer(add, "pinComplexityPolicy", i.PinComplexityPolicy, "%t")
	add(i.PinComplexityPolicyURL != nil, "pinComplexityPolicyURL", string(i.PinComplexityPolicyURL), hid.Text(string(i.PinComplexityPolicyURL)))
	number("maxPINLength", i.MaxPINLength, "characters")
	add(i.EncCredStoreState != nil, "encCredStoreState", hex.EncodeToString(i.EncCredStoreState), "")
	add(i.AuthenticatorConfigCommands != nil, "authenticatorConfigCommands", i.AuthenticatorConfigCommands, numbers(i.AuthenticatorConfigCommands))
	if len(i.Deviations) > 0 {
		ds := make([]string, len(i.Deviations))
		for k, d := range i.Deviations {
			ds[k] = d.String()
		}
		add(true, "deviations", ds, "the reply is not canonical CBOR: "+strings.Join(ds, "; "))
	}
	return rows
}

func pointer[T any](add func(bool, string, any, string), name string, p *T, format string) {
	if p != nil {
		add(true, name, *p, fmt.Sprintf(format, *p))
	}
}

func numbers[T ~uint | ~uint64](in []T) string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = strconv.FormatUint(uint64(v), 10)
	}
	return strings.Join(out, ", ")
}

func algorithmNumbers(i *ctap2.GetInfoResponse) []int64 {
	out := make([]int64, len(i.Algorithms))
	for k, a := range i.Algorithms {
		out[k] = int64(a.Alg)
	}
	return out
}

func algorithmNames(i *ctap2.GetInfoResponse) string {
	out := make([]string, len(i.Algorithms))
	for k, a := range i.Algorithms {
		out[k] = a.Alg.String()
	}
	return strings.Join(out, ", ")
}

func sortedMap(m map[string]uint) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", hid.Text(k), m[k]))
	}
	return strings.Join(out, ", ")
}

// optionMeanings says what an option means to the owner of a key when it is
// true and when it is false.
var optionMeanings = map[string][2]string{
	ctap2.OptionPlat:                           {"built into this computer", "can be taken along"},
	ctap2.OptionRK:                             {"stores passkeys", "stores no passkeys"},
	ctap2.OptionClientPIN:                      {"a PIN is set", "no PIN is set yet"},
	ctap2.OptionUP:                             {"can be touched", "can't be touched"},
	ctap2.OptionUV:                             {"recognises its user", "could recognise its user, but is not set up"},
	ctap2.OptionPinUvAuthToken:                 {"gives tokens with permissions", "gives tokens of the old kind"},
	ctap2.OptionNoMcGaPermissionsWithClientPin: {"the PIN does not serve to register and log in", "the PIN serves to register and log in"},
	ctap2.OptionLargeBlobs:                     {"stores data with passkeys", "stores no data with passkeys"},
	ctap2.OptionEP:                             {"enterprise attestation is on", "enterprise attestation is off"},
	ctap2.OptionBioEnroll:                      {"fingerprints are enrolled", "no fingerprint is enrolled yet"},
	ctap2.OptionUserVerificationMgmtPreview:    {"fingerprints are enrolled (preview)", "no fingerprint is enrolled yet (preview)"},
	ctap2.OptionUVBioEnroll:                    {"a fingerprint serves to enrol another", "a fingerprint does not serve to enrol another"},
	ctap2.OptionAuthnrCfg:                      {"can be configured", "can't be configured"},
	ctap2.OptionUVAcfg:                         {"a fingerprint serves to configure", "a fingerprint does not serve to configure"},
	ctap2.OptionCredMgmt:                       {"passkeys can be listed and deleted", "passkeys can't be listed"},
	ctap2.OptionPerCredMgmtRO:                  {"passkeys can be listed with a lasting token", "no lasting tokens"},
	ctap2.OptionCredentialMgmtPreview:          {"passkeys can be listed (preview)", "passkeys can't be listed (preview)"},
	ctap2.OptionSetMinPINLength:                {"the least PIN length can be raised", "the least PIN length is fixed"},
	ctap2.OptionMakeCredUvNotRqd:               {"second-factor use needs no PIN", "every registration needs the PIN once one is set"},
	ctap2.OptionAlwaysUv:                       {"always wants the PIN or a fingerprint", "does not always want the PIN or a fingerprint"},
}

func optionWords(o ctap2.InfoOptions) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		i := 1
		if o[name] {
			i = 0
		}
		if m := optionMeanings[name][i]; m != "" {
			out = append(out, fmt.Sprintf("%s %t (%s)", name, o[name], m))
		} else {
			out = append(out, fmt.Sprintf("%s %t", hid.Text(name), o[name]))
		}
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
