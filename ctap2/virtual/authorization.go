package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// authorization is the part of a request that proves that the user was verified:
// its members and their numbers, which differ from command to command.
type authorization struct {
	*ctap2.Received
	param                       []byte
	protocol                    pinuv.Protocol
	paramMember, protocolMember int
}

// check checks the proof for a command that manages the key: the MAC over message
// by a token that has the permission. The caller has made sure that param is
// there.
func (k *Key) check(o *operation, a authorization, message []byte, permission ctap2.Permissions) (*token, error) {
	if err := k.checkProtocol(a.Received, a.paramMember, a.protocolMember, a.protocol); err != nil {
		return nil, err
	}
	t, err := k.authenticate(a.protocol, message, a.param)
	if err != nil {
		return nil, err
	}
	if !t.permits(permission, o) {
		return nil, ctap2.StatusPINAuthInvalid
	}
	return t, nil
}

// checkIfProtected is check for the commands that anyone may give to a key that
// does not verify users: largeBlobs and authenticatorConfig.
func (k *Key) checkIfProtected(o *operation, a authorization, message []byte, permission ctap2.Permissions) (*token, error) {
	switch {
	case !k.protected() && !k.state.policy.AlwaysUV:
		return nil, nil
	case !a.Has(a.paramMember):
		return nil, ctap2.StatusPUATRequired
	}
	return k.check(o, a, message, permission)
}

// knows reports whether the key has a command that the package has.
func (k *Key) knows(c ctap2.Command) bool {
	if slices.Contains(k.config.WithoutCommands, c) {
		return false
	}
	became, preview := previews[c]
	if preview {
		if !k.config.Previews {
			return false
		}
		c = became
	} else if !slices.Contains(k.profile.commands, c) {
		return false
	}
	switch c {
	case ctap2.CommandBioEnrollment:
		return k.hasSensor()
	case ctap2.CommandCredentialManagement:
		return !k.config.WithoutRK && k.tokensPossible()
	case ctap2.CommandLargeBlobs:
		return !k.config.LargeBlobExtension && !k.config.WithoutRK
	}
	return true
}
