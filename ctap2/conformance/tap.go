package conformance

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// tap is what is known of a key that counts power-up as the touch (Key.Tap) since it
// got power.
type tap struct {
	used   bool // the touch has been used up
	agreed int  // key agreement keys that were asked for, and not used by a PIN yet
	token  bool // a token was given
}

// usingTouch are the commands that use up a touch.
var usingTouch = map[ctap2.Command]bool{
	ctap2.CommandMakeCredential: true,
	ctap2.CommandGetAssertion:   true,
	ctap2.CommandReset:          true,
	ctap2.CommandSelection:      true,
}

// subcommand returns the subcommand of a clientPIN request, 0 if it is no such
// request.
func subcommand(request []byte) ctap2.ClientPINSubCommand {
	var p struct {
		SubCommand ctap2.ClientPINSubCommand `cbor:"2,keyasint"`
	}
	if ctap2.Command(request[0]) != ctap2.CommandClientPIN {
		return 0
	}
	if _, err := cbor.UnmarshalLenient(request[1:], &p); err != nil {
		return 0
	}
	return p.SubCommand
}

// tapBefore is called before each request. A user holds the key to the reader anew
// before a PIN is entered, if the touch is used up and nothing is lost.
func (c *C) tapBefore(request []byte) {
	c.Helper()
	if c.Key.Tap && len(request) > 0 && c.tap == (tap{used: true}) && c.Key.PowerCycle != nil && subcommand(request) == ctap2.GetKeyAgreement {
		c.powerCycle()
	}
}

// tapAfter is called after each request.
func (c *C) tapAfter(request []byte, s ctap2.Status) {
	if !c.Key.Tap || len(request) == 0 {
		return
	}
	switch sub := subcommand(request); {
	case usingTouch[ctap2.Command(request[0])]:
		c.tap.used = true // perhaps: a command may fail later
	case sub == ctap2.GetKeyAgreement:
		c.tap.agreed++
	case sub == ctap2.SetPIN || sub == ctap2.ChangePIN:
		c.tap.agreed = max(0, c.tap.agreed-1)
	case sub != 0 && sub != ctap2.GetPINRetries && sub != ctap2.GetUVRetries:
		c.tap.agreed, c.tap.token = max(0, c.tap.agreed-1), c.tap.token || s == ctap2.StatusSuccess
	}
}

// tapAgain takes the key from the reader and holds it there again, because a command
// wants a touch, and reports whether that is of use. It ends the case if
// the key would forget what the command needs.
func (c *C) tapAgain() bool {
	c.Helper()
	switch {
	case !c.Key.Tap:
		return false
	case c.tap.token || c.tap.agreed > 0:
		c.NotApplicable("the key counts power-up as one touch, and the case needs another with the same token or key agreement")
	case c.Key.PowerCycle == nil:
		c.NotApplicable("the key counts power-up as one touch, and the fixture can't cycle the power")
	}
	c.powerCycle()
	return true
}

// powerCycle cycles the power. What is open is opened again when it is used next.
func (c *C) powerCycle() {
	c.Helper()
	c.close()
	if err := c.Key.PowerCycle(); err != nil {
		c.Fatalf("cycling the power: %v", err)
	}
	c.power++
	c.tap = tap{}
}
