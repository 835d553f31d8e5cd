package main

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
)

// The tables say what the values of getInfo's members mean to the owner of a key
// (CTAP 2.3 section 6.4). What is in no table is shown as it is.

var versionMeanings = map[string]string{
	ctap2.VersionU2F:       "U2F: a second factor beside a password",
	ctap2.VersionFIDO20:    "CTAP 2.0",
	ctap2.VersionFIDO21Pre: "a preview of CTAP 2.1",
	ctap2.VersionFIDO21:    "CTAP 2.1",
	"FIDO_2_2":             "no version that was ever defined, though some keys name it",
	ctap2.VersionFIDO23:    "CTAP 2.3",
}

var extensionMeanings = map[string]string{
	ctap2.ExtensionCredProtect:         "sites can have a passkey shown to nobody without the PIN or a fingerprint",
	ctap2.ExtensionCredBlob:            "keeps a few bytes with each passkey",
	ctap2.ExtensionHMACSecret:          "derives secrets, as for encryption; sites know it as prf",
	ctap2.ExtensionHMACSecretMC:        "derives such secrets when it registers, too",
	ctap2.ExtensionLargeBlobKey:        "encrypts data that is stored with passkeys",
	ctap2.ExtensionLargeBlob:           "stores data with passkeys",
	ctap2.ExtensionMinPINLength:        "tells chosen sites how long PINs have to be",
	ctap2.ExtensionPINComplexityPolicy: "tells chosen sites whether simple PINs are refused",
	ctap2.ExtensionThirdPartyPayment:   "marks passkeys that pay on other sites than their own",
	"uvm":                              "tells sites how the user was verified",
	"previewSign":                      "signs other data than log-ins; a preview",
}

var capabilityMeanings = map[string]string{
	"WINK": "can show itself: fidokey wink",
	"LOCK": "can be kept for one program",
	"CBOR": "speaks CTAP2",
	"NMSG": "speaks no U2F",
}

var algorithmMeanings = map[cose.Algorithm]string{
	cose.ES256: "ECDSA with P-256, which every site takes", cose.ESP256: "ECDSA with P-256",
	cose.ES384: "ECDSA with P-384", cose.ESP384: "ECDSA with P-384",
	cose.ES512: "ECDSA with P-521", cose.ESP512: "ECDSA with P-521",
	cose.ES256K: "ECDSA with secp256k1",
	cose.EdDSA:  "Ed25519", cose.Ed25519: "EdDSA", cose.Ed448: "EdDSA",
	cose.RS256: "RSA", cose.PS256: "RSA with PSS", cose.RS1: "RSA with SHA-1, which is broken",
	cose.MLDSA44: "withstands quantum computers", cose.MLDSA65: "withstands quantum computers", cose.MLDSA87: "withstands quantum computers",
}

var protocolMeanings = map[pinuv.Protocol]string{
	pinuv.One: "of CTAP 2.0", pinuv.Two: "of CTAP 2.1, with what FIPS allows",
}

var formatMeanings = map[string]string{
	"packed": "the usual one", "fido-u2f": "that of U2F", "tpm": "that of a computer's TPM",
	"android-key": "that of Android's key store", "android-safetynet": "an old one of Android",
	"apple": "that of Apple's devices", "none": "no proof", "compound": "several at once",
}

// A certification is a programme that certifies keys (CTAP 2.3 section 7.3).
type certification struct {
	name   string
	levels []string // from 1 on; nil: the number is the level
}

var certifications = map[string]certification{
	"FIDO":            {"certified by the FIDO Alliance", []string{"level 1", "level 1+", "level 2", "level 2+", "level 3", "level 3+"}},
	"FIPS-CMVP-2":     {"FIPS 140-2", nil},
	"FIPS-CMVP-3":     {"FIPS 140-3", nil},
	"FIPS-CMVP-2-PHY": {"FIPS 140-2, physical security", nil},
	"FIPS-CMVP-3-PHY": {"FIPS 140-3, physical security", nil},
	"CC-EAL":          {"Common Criteria", []string{"EAL1", "EAL2", "EAL3", "EAL4", "EAL5", "EAL6", "EAL7"}},
	"CCN-CPSTIC":      {"in the catalogue CPSTIC of Spain's CCN", []string{""}},
}

// certificationWords tells a certification and its level.
func certificationWords(name string, level uint) string {
	value := fmt.Sprintf("%s %d", hid.Text(name), level)
	c, ok := certifications[name]
	switch {
	case !ok:
		return value
	case c.levels == nil:
		return fmt.Sprintf("%s (%s, level %d)", value, c.name, level)
	case level < 1 || level > uint(len(c.levels)):
		return fmt.Sprintf("%s (%s, a level that is not known)", value, c.name)
	}
	return fmt.Sprintf("%s (%s)", value, strings.TrimSuffix(c.name+", "+c.levels[level-1], ", "))
}

// uvMethods are the bits of uvModality: the user verification methods of the FIDO
// registry of predefined values.
var uvMethods = map[uint64]string{
	0x0001: "a touch", 0x0002: "a fingerprint", 0x0004: "a passcode that is entered on the key",
	0x0008: "the voice", 0x0010: "the face", 0x0020: "the place", 0x0040: "the eye", 0x0080: "a pattern that is drawn on the key",
	0x0100: "the hand", 0x0200: "nothing", 0x0400: "all of these together",
	0x0800: "a passcode that is entered elsewhere", 0x1000: "a pattern that is drawn elsewhere",
}

// uvModalityWords names the bits.
func uvModalityWords(modality uint64) string {
	var words []string
	for rest := modality; rest != 0; rest &= rest - 1 {
		bit := uint64(1) << bits.TrailingZeros64(rest)
		if w, ok := uvMethods[bit]; ok {
			words = append(words, w)
		} else {
			words = append(words, fmt.Sprintf("bit 0x%x", bit))
		}
	}
	if words == nil {
		words = []string{"it does not say by what"}
	}
	return fmt.Sprintf("0x%x (the key verifies its user by: %s)", modality, strings.Join(words, ", "))
}

var configMeanings = map[ctap2.ConfigSubCommand]string{
	ctap2.EnableEnterpriseAttestation: "enableEnterpriseAttestation: fidokey config enterprise",
	ctap2.ToggleAlwaysUv:              "toggleAlwaysUv: fidokey config always-uv",
	ctap2.SetMinPINLength:             "setMinPINLength: fidokey pin min-length and force-change",
	ctap2.EnableLongTouchForReset:     "enableLongTouchForReset: fidokey config long-touch",
	ctap2.VendorPrototype:             "vendorPrototype: commands of its maker",
}

// boolMeanings say what the members that are true or false mean.
var boolMeanings = map[string][2]string{
	"contactless":         {"held to the reader", "in the reader, with contacts"},
	"longTouchForReset":   {"a reset takes a touch of five seconds", "a short touch is enough for a reset"},
	"pinComplexityPolicy": {"simple PINs are refused", "there is a policy against simple PINs, which is not in force"},
}

// yesNo is a boolean with what it means.
func yesNo(name string, b bool) string {
	i := 1
	if b {
		i = 0
	}
	return fmt.Sprintf("%t (%s)", b, boolMeanings[name][i])
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
	"uvToken":                                  {"gives tokens with permissions (draft)", "gives tokens of the old kind (draft)"},
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

// explained lists values, each on a line with what it means.
func explained[T comparable](values []T, meanings map[T]string, show func(T) string) string {
	lines := make([]string, len(values))
	for i, v := range values {
		lines[i] = show(v)
		if m := meanings[v]; m != "" {
			lines[i] += " (" + m + ")"
		}
	}
	return strings.Join(lines, "\n\t")
}

// firmwareWords shows a firmware version; some makers put three numbers into it.
func firmwareWords(v uint64) string {
	if v < 1<<16 || v >= 1<<24 {
		return strconv.FormatUint(v, 10)
	}
	return fmt.Sprintf("%d (its maker's number; perhaps %d.%d.%d)", v, v>>16, v>>8&0xff, v&0xff)
}
