package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/examples/internal/shortid"
	"github.com/spf13/cobra"
)

func (a *app) fingerprintsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "fingerprints",
		Short: "List, add, name and remove the fingerprints that the key knows",
		Long: `List, add, name and remove the fingerprints that the key knows, for a key with a
sensor. A finger serves instead of the PIN; the PIN goes on working, and is needed to
manage the fingerprints.

Keys keep a few fingerprints, often five. None tells how many it has room for: a full
key says so when another is added.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.fingerprintsListCommand(), a.fingerprintsAddCommand(), a.fingerprintsRenameCommand(), a.fingerprintsRemoveCommand())
	return c
}

func (a *app) fingerprintsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the fingerprints that the key knows",
		Long: `List the fingerprints that the key knows, and tell what its sensor is like. The PIN
is asked for only if there are any.`,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.listFingerprints) },
	}
}

// fingerprintListing is the JSON form of the list.
type fingerprintListing struct {
	Sensor       fingerprintSensor   `json:"sensor"`
	Fingerprints []listedFingerprint `json:"fingerprints"`
}

// fingerprintSensor is the JSON form of a sensor; what the key does not tell is not
// there.
type fingerprintSensor struct {
	FingerprintKind                    string `json:"fingerprintKind,omitempty"`                    // "touch" or "swipe"
	MaxCaptureSamplesRequiredForEnroll uint   `json:"maxCaptureSamplesRequiredForEnroll,omitempty"` // good ones
	MaxTemplateFriendlyName            uint   `json:"maxTemplateFriendlyName,omitempty"`            // in bytes of UTF-8
}

// listedFingerprint is the JSON form of a fingerprint.
type listedFingerprint struct {
	ID                   string `json:"id"`                   // the beginning of templateId in hexadecimal, enough to tell it from the others
	TemplateID           string `json:"templateId"`           // base64url
	TemplateFriendlyName string `json:"templateFriendlyName"` // "" if it has none
}

func listFingerprint(f fingerprint) listedFingerprint {
	return listedFingerprint{f.short, base64URL(f.TemplateID), f.TemplateFriendlyName}
}

func (a *app) listFingerprints(ctx context.Context, key *fido.Key) error {
	info, sensor, err := sensorOf(ctx, key)
	if err != nil {
		return err
	}
	l := fingerprintListing{Sensor: describeSensor(sensor), Fingerprints: []listedFingerprint{}}
	if anyFingerprint(info) { // otherwise the key has said that there are none
		token, all, err := a.fingerprints(ctx, key)
		if err != nil {
			return err
		}
		defer token.Wipe()
		for _, f := range all {
			l.Fingerprints = append(l.Fingerprints, listFingerprint(f))
		}
	}
	return a.result(l, func() { a.printFingerprints(&l, info) })
}

func (a *app) printFingerprints(l *fingerprintListing, info *ctap2.GetInfoResponse) {
	if len(l.Fingerprints) == 0 {
		fmt.Fprintln(a.folded(a.out), "The key knows no fingerprint.")
	}
	var t layout.Table
	for _, f := range l.Fingerprints {
		t.Add(f.ID, shownName(f.TemplateFriendlyName))
	}
	a.printTable(t, "")
	if words := sensorWords(l.Sensor); words != "" {
		fmt.Fprintln(a.folded(a.out), a.paint(a.out, dim, words))
	}
	if len(l.Fingerprints) == 0 {
		if !info.Options[ctap2.OptionClientPIN] {
			a.hint("Set a PIN first (fidokey pin set), then add a finger (fidokey fingerprints add).")
		} else {
			a.hint("Add a finger with fidokey fingerprints add.")
		}
	}
}

func describeSensor(s ctap2.FingerprintSensorInfo) fingerprintSensor {
	d := fingerprintSensor{MaxCaptureSamplesRequiredForEnroll: s.MaxCaptureSamples, MaxTemplateFriendlyName: s.MaxTemplateFriendlyName}
	if s.Kind != 0 {
		d.FingerprintKind = s.Kind.String()
	}
	return d
}

// sensorWords tells what a sensor is like, as far as the key says.
func sensorWords(s fingerprintSensor) string {
	var out []string
	switch s.FingerprintKind {
	case "":
	case ctap2.FingerprintTouch.String():
		out = append(out, "a finger is put on it")
	case ctap2.FingerprintSwipe.String():
		out = append(out, "a finger is drawn over it")
	default:
		out = append(out, s.FingerprintKind)
	}
	if n := s.MaxCaptureSamplesRequiredForEnroll; n > 0 {
		out = append(out, fmt.Sprintf("a new one takes up to %d good samples", n))
	}
	if n := s.MaxTemplateFriendlyName; n > 0 {
		out = append(out, fmt.Sprintf("a name has up to %d bytes", n))
	}
	if len(out) == 0 {
		return ""
	}
	return "The sensor: " + strings.Join(out, ", ") + "."
}

// sensorOf asks what the key's sensor is like. The error is an advice if it has
// none; what a key with a sensor does not tell of it is zero.
func sensorOf(ctx context.Context, key *fido.Key) (*ctap2.GetInfoResponse, ctap2.FingerprintSensorInfo, error) {
	info, err := key.Info(ctx)
	if err != nil {
		return nil, ctap2.FingerprintSensorInfo{}, err
	}
	sensor, err := key.FingerprintSensorInfo(ctx)
	if asAny[*ctap2.UnsupportedError](err) {
		text := "this key has no fingerprint sensor, or none that fingerprints can be added to"
		if _, ok := info.Options[ctap2.OptionClientPIN]; ok {
			text += ": it knows its user by the PIN, see fidokey pin"
		}
		return nil, sensor, cant("%s", text)
	}
	if asAny[ctap2.Status](err) {
		err = nil
	}
	return info, sensor, err
}

// anyFingerprint reports whether the key says that it knows one.
func anyFingerprint(info *ctap2.GetInfoResponse) bool {
	return info.Options[ctap2.OptionBioEnroll] || info.Options[ctap2.OptionUserVerificationMgmtPreview]
}

// A fingerprint is one that the key knows.
type fingerprint struct {
	ctap2.TemplateInfo
	long, short string // the ID in hexadecimal, and as much of it as tells it from the others
}

// String is how a fingerprint is shown.
func (f fingerprint) String() string {
	return fmt.Sprintf("%s (%s)", f.short, shownName(f.TemplateFriendlyName))
}

// fingerprints lists those that the key knows. The token, which has the permission
// be, serves to change them; the caller wipes it.
func (a *app) fingerprints(ctx context.Context, key *fido.Key) (*pinuv.Token, []fingerprint, error) {
	token, err := a.fingerprintToken(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	templates, err := key.Fingerprints(ctx, token)
	if err != nil {
		token.Wipe()
		return nil, nil, err
	}
	return token, nameFingerprints(templates), nil
}

// fingerprintToken gets a token to manage fingerprints.
func (a *app) fingerprintToken(ctx context.Context, key *fido.Key) (*pinuv.Token, error) {
	info, err := key.Info(ctx)
	if err != nil {
		return nil, err
	}
	if info.UVPermissions()&ctap2.PermissionBE != 0 {
		a.hint("The key wants to know first that it is you: by a finger that it knows already.")
	}
	token, err := a.token(ctx, key, ctap2.PermissionBE, "")
	if errors.Is(err, ctap2.StatusPINNotSet) {
		return nil, because(err, "the key has no PIN, which fingerprints need: set one first with fidokey pin set, then try again")
	}
	return token, err
}

// minShort is the least length of a short ID, in hexadecimal digits.
const minShort = 6

func nameFingerprints(templates []ctap2.TemplateInfo) []fingerprint {
	all, long := make([]fingerprint, len(templates)), make([]string, len(templates))
	for i, t := range templates {
		long[i] = hex.EncodeToString(t.TemplateID)
	}
	for i, short := range shortid.Shorten(long, minShort) {
		all[i] = fingerprint{templates[i], long[i], short}
	}
	return all
}

// findFingerprint returns the one that word means: its name, or the beginning of its
// ID.
func findFingerprint(all []fingerprint, word string) (fingerprint, error) {
	var found []fingerprint
	for _, f := range all {
		if strings.EqualFold(f.long, word) { // no name hides it
			return f, nil
		}
		if word != "" && (f.TemplateFriendlyName == word || strings.HasPrefix(f.long, strings.ToLower(word))) {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return fingerprint{}, problem(exitFailed, "the key knows no fingerprint %q: fidokey fingerprints list shows those that it knows", word)
	case 1:
		return found[0], nil
	}
	words := make([]string, len(found))
	for i, f := range found {
		words[i] = f.String()
	}
	return fingerprint{}, badUse("%q can mean %s: use more of the ID", word, strings.Join(words, " or "))
}

// shownName is a fingerprint's name, fit for a terminal.
func shownName(name string) string {
	if name = hid.Text(name); name == "" {
		return "no name"
	}
	return name
}

// checkName refuses a new name that the key would refuse, or that could not be
// shown, before anybody has to enter a PIN or lift a finger.
func checkName(name string, sensor ctap2.FingerprintSensorInfo) error {
	limit := sensor.MaxTemplateFriendlyName
	switch {
	case name == "":
		return badUse("a name has at least one character")
	case hid.Text(name) != name:
		return badUse("the name %q begins or ends with a blank or has characters that can't be shown", name)
	case limit > 0 && uint(len(name)) > limit:
		return badUse("%v", &ctap2.FriendlyNameError{Length: uint(len(name)), Limit: limit})
	}
	return nil
}

// checkNew refuses a name that another fingerprint has: it would mean both.
func checkNew(all []fingerprint, name string, except []byte) error {
	for _, f := range all {
		if f.TemplateFriendlyName == name && string(f.TemplateID) != string(except) {
			return badUse("another fingerprint is named %q: choose a different name", name)
		}
	}
	return nil
}
