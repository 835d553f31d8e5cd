package ctap2

import "fmt"

// A Command is the first byte of a CTAP2 request (CTAP 2.3 section 6).
type Command byte

// The commands of CTAP 2.3 section 6, and the two previews that keys of
// FIDO_2_1_PRE answer. CommandVendorFirst to CommandVendorLast belong to
// vendors; the previews are among them.
const (
	CommandMakeCredential              Command = 0x01
	CommandGetAssertion                Command = 0x02
	CommandGetInfo                     Command = 0x04
	CommandClientPIN                   Command = 0x06
	CommandReset                       Command = 0x07
	CommandGetNextAssertion            Command = 0x08
	CommandBioEnrollment               Command = 0x09
	CommandCredentialManagement        Command = 0x0a
	CommandSelection                   Command = 0x0b
	CommandLargeBlobs                  Command = 0x0c
	CommandConfig                      Command = 0x0d
	CommandBioEnrollmentPreview        Command = 0x40
	CommandCredentialManagementPreview Command = 0x41
	CommandVendorFirst                 Command = 0x40
	CommandVendorLast                  Command = 0xbf
)

var commandNames = map[Command]string{
	CommandMakeCredential:              "authenticatorMakeCredential",
	CommandGetAssertion:                "authenticatorGetAssertion",
	CommandGetInfo:                     "authenticatorGetInfo",
	CommandClientPIN:                   "authenticatorClientPIN",
	CommandReset:                       "authenticatorReset",
	CommandGetNextAssertion:            "authenticatorGetNextAssertion",
	CommandBioEnrollment:               "authenticatorBioEnrollment",
	CommandCredentialManagement:        "authenticatorCredentialManagement",
	CommandSelection:                   "authenticatorSelection",
	CommandLargeBlobs:                  "authenticatorLargeBlobs",
	CommandConfig:                      "authenticatorConfig",
	CommandBioEnrollmentPreview:        "authenticatorBioEnrollment (preview)",
	CommandCredentialManagementPreview: "authenticatorCredentialManagement (preview)",
}

// String returns the specification's name of the command, or its code in
// hexadecimal.
func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("command 0x%02x", byte(c))
}
