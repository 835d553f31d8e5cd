package conformance

import (
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/nfc"
)

// A Fixture is how the suite gets at the key under test.
type Fixture struct {
	// New gives the key for one case, in factory state: new, or reset. It is
	// called at the beginning of each case and registers what must be undone
	// with t.Cleanup. It may return the same key again. With Key.User or Key.Tap a
	// case may have told the key to want a long touch for a reset: see
	// GetInfoResponse.LongTouchForReset.
	New func(t *testing.T) *Key

	// VirtualTime runs each case in a testing/synctest bubble, where waiting
	// costs nothing. New is called in the bubble, and everything that the key
	// does must happen in it: no sockets, no kernel.
	VirtualTime bool

	// Patience is the longest that a case may take in real time; 0 means ten
	// seconds. Longer cases do not apply. With VirtualTime it has no meaning.
	Patience time.Duration
}

// A Key is the key under test.
type Key struct {
	// OpenReports opens the key for HID reports. Each call is another program's
	// view of the key where the transport allows that; a suite that holds one
	// Device does not need a second. Nil: the key has no HID interface, and the
	// cases of sections 1 to 7 do not apply.
	OpenReports func() (ctaphid.Device, error)

	// OpenCard opens the key at a card reader. Each call is another program's view
	// of the card. Nil: the key is no card, and the cases of section 9 do not
	// apply.
	OpenCard func() (nfc.Card, error)

	// Tap says that power-up counts as the touch, once and for two minutes, and
	// that the key can't be touched otherwise: one without a button, that is held
	// to a reader. Where a case needs another touch the power is cycled, unless the
	// key then forgets what the case is about: it does not apply. User and Verify
	// may well be nil.
	Tap bool

	// OpenMessages opens the key for CTAP2 messages, and for U2F messages if the
	// transport is a ctap2.U2FTransport too. One that is an io.Closer is closed
	// when the case is done with it. Nil: a ctaphid.Conn over OpenReports, or an
	// nfc.Conn over OpenCard if that is nil too.
	OpenMessages func() (ctap2.Transport, error)

	// PowerCycle takes the power from the key and gives it back. Connections
	// made before are of no further use. Nil: it can't be done.
	PowerCycle func() error

	// User makes the user behave in a certain way from now on. At the beginning
	// of a case the user touches the key whenever asked. For what a user can't do
	// at this key, such as to decline, it returns an error that is
	// errors.ErrUnsupported: the case does not apply. Another error fails the
	// case. Nil: the user can't be scripted, and only cases with touches at once
	// apply.
	User func(Behaviour) error

	// Verify makes built-in user verification succeed or fail from now on. Nil:
	// there is none or it can't be scripted.
	Verify func(succeed bool)

	// Sample makes each sample that the key captures while it enrols a
	// fingerprint turn out so, from now on, and the user touch the key otherwise;
	// SampleNoUserActivity stands for a finger that does not come. At the beginning
	// of a case each sample is good. Nil: there is no sensor, or its finger can't be
	// scripted.
	Sample func(ctap2.SampleStatus)

	// Strict declines the outcomes that are accepted only because keys in the
	// field show them, such as another status than the specification's: a key of
	// this module's own has no such excuse.
	Strict bool
}

// A Behaviour is what the user does when the key waits for a touch.
type Behaviour struct {
	Action Action
	After  time.Duration // how long the user takes
}

// An Action is what a user does in the end.
type Action uint8

const (
	Touch     Action = iota // touches the key for a moment
	Ignore                  // never touches it
	Decline                 // refuses, on a key with a way to do so
	LongTouch               // touches it for more than five seconds
)

// String names the action.
func (a Action) String() string {
	return [...]string{"touch", "ignore", "decline", "touch for long"}[a]
}
