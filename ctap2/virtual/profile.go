package virtual

import (
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A Profile is the version of the specification that a key follows. Each knows
// the ones before it too, for hosts that know no more.
type Profile uint8

// The profiles.
const (
	FIDO23  Profile = iota // CTAP 2.3
	FIDO21                 // CTAP 2.1
	FIDO20                 // CTAP 2.0
	U2FOnly                // CTAP1/U2F and nothing else
)

// profile is what a Profile stands for. Everything else that differs between
// versions is asked of it by name.
type profile struct {
	name       string
	versions   []string // of CTAP2
	commands   []ctap2.Command
	extensions []string
	protocols  []pinuv.Protocol // the usual ones, the favourite first

	permissions bool // tokens have permissions, a lifetime, and are spent by a touch
	info21      bool // getInfo has the members of CTAP 2.1
	info23      bool // and those of CTAP 2.2 and 2.3
	statuses20  bool // statuses that CTAP 2.1 added are not answered, but what CTAP 2.0 has for them
	touchFirst  bool // getAssertion asks for a touch before it says that there is no credential
}

var (
	commands20 = []ctap2.Command{
		ctap2.CommandMakeCredential, ctap2.CommandGetAssertion, ctap2.CommandGetInfo, ctap2.CommandClientPIN,
		ctap2.CommandReset, ctap2.CommandGetNextAssertion,
	}
	commands21 = slices.Concat(commands20, []ctap2.Command{
		ctap2.CommandCredentialManagement,
		ctap2.CommandSelection,
		ctap2.CommandLargeBlobs,
		ctap2.CommandConfig,
		ctap2.CommandBioEnrollment,
	})
	extensions20 = []string{ctap2.ExtensionHMACSecret}

	// Keys of FIDO_2_1_PRE have the first of the extensions of CTAP 2.1.
	extensionsPre = []string{ctap2.ExtensionCredProtect}
	extensions21  = slices.Concat(extensions20, []string{
		ctap2.ExtensionCredProtect, ctap2.ExtensionCredBlob, ctap2.ExtensionLargeBlobKey, ctap2.ExtensionMinPINLength,
	})
	extensions23 = slices.Concat(extensions21, []string{
		ctap2.ExtensionHMACSecretMC, ctap2.ExtensionLargeBlob, ctap2.ExtensionPINComplexityPolicy,
		ctap2.ExtensionThirdPartyPayment,
	})
)

var profiles = map[Profile]*profile{
	FIDO23: {
		name:        "FIDO23",
		versions:    []string{ctap2.VersionFIDO20, ctap2.VersionFIDO21, ctap2.VersionFIDO23},
		commands:    commands21,
		extensions:  extensions23,
		protocols:   []pinuv.Protocol{pinuv.Two, pinuv.One},
		permissions: true,
		info21:      true,
		info23:      true,
	},
	FIDO21: {
		name:        "FIDO21",
		versions:    []string{ctap2.VersionFIDO20, ctap2.VersionFIDO21},
		commands:    commands21,
		extensions:  extensions21,
		protocols:   []pinuv.Protocol{pinuv.Two, pinuv.One},
		permissions: true,
		info21:      true,
	},
	FIDO20: {
		name:       "FIDO20",
		versions:   []string{ctap2.VersionFIDO20},
		commands:   commands20,
		extensions: extensions20,
		protocols:  []pinuv.Protocol{pinuv.One},
		statuses20: true,
		touchFirst: true,
	},
	U2FOnly: {name: "U2FOnly"},
}

// unknownSubCommand is answered to subcommands that the key does not know.
func (k *Key) unknownSubCommand() ctap2.Status {
	if k.profile.statuses20 {
		return ctap2.StatusInvalidParameter
	}
	return ctap2.StatusInvalidSubcommand
}

// String returns the name of the constant.
func (p Profile) String() string {
	if q := profiles[p]; q != nil {
		return q.name
	}
	return fmt.Sprintf("Profile(%d)", uint8(p))
}
