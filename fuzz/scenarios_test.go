package fuzz

import (
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// A scenario is a conversation that has a name.
type scenario struct {
	name string
	conversation
	fails int // how many calls do, Open not counted
}

// cbor1 is CTAP2's getInfo in a report's data: command, length, request.
var cbor1 = []byte{0x90, 0, 1, 4}

// scenarios are honest: every verb once, and every call succeeds. The recorded
// seeds are made of them.
var scenarios = []scenario{
	{"getInfo", conversation{script: []byte{doGetInfo, 0, 0, doInfo, 0, 0}}, 0},
	{"makeCredential", conversation{script: []byte{doMakeCredential, 0, discoverable}}, 0},
	{"makeCredential with extensions and EdDSA", conversation{script: []byte{doMakeCredential, 0, withExtensions | withEdDSA}}, 0},
	{"large requests", conversation{script: []byte{doMakeCredential, 0, large, doGetAssertion, 0, withList | large}}, 0},
	{"getAssertion", conversation{setup: hasCredentials, script: []byte{doGetAssertion, 0, 0, doGetNextAssertion, 0, 0}}, 0},
	{"getAssertions", conversation{setup: hasCredentials, script: []byte{doGetAssertions, 0, 0}}, 0},
	{"silent getAssertion", conversation{setup: hasCredentials, script: []byte{doGetAssertion, 0, silently}}, 0},
	{"setPIN and changePIN", conversation{script: []byte{doSetPIN, 0, 1, doChangePIN, 0, 1 | 2<<2}}, 0},
	{"PIN token", conversation{setup: hasPIN, script: []byte{
		doPINToken, 0, 0, doMakeCredential, 0, authorized, doPINToken, 0, 0, doGetAssertion, 0, authorized | withList,
	}}, 0},
	{"user verification", conversation{setup: hasUV, script: []byte{
		doUVToken, 0, 0, doMakeCredential, 0, authorized | discoverable, doGetAssertions, 0, verifyingUser,
	}}, 0},
	{"retries", conversation{setup: hasPIN | hasUV, script: []byte{doPINRetries, 0, 0, doUVRetries, 0, 0, doClientPIN, 0, 2 | 2<<4}}, 0},
	{"selection", conversation{user: 7 << 2, script: []byte{doSelection, 0, 0}}, 0},
	{"reset", conversation{setup: hasPIN, script: []byte{doReset, 0, 0, doSetPIN, 0, 0}}, 0},
	{"raw command", conversation{script: []byte{doCommand, 0, byte(ctap2.CommandClientPIN), 3, 0xa1, 2, 1}}, 0},
	{"ping, wink, lock", conversation{setup: traced, script: []byte{doPing, 0, 0, doPing, 0, 253, doWink, 0, 0, doLock, 0, 2, doLock, 0, 0}}, 0},
	{"a request past the client", conversation{script: []byte{doCBOR, 0, byte(ctap2.CommandGetInfo), 0}}, 0},
	{"U2F", conversation{script: []byte{doMSG, 0, 0, 7, 0, 3, 0, 0, 0, 0, 0, doU2F, 0, 0, doU2F, 0, 1}}, 0},
	{"U2F alone", conversation{setup: onlyU2F, script: []byte{doGetInfo, 0, 0, doMakeCredential, 0, 0, doGetAssertion, 0, withList}}, 0},
	{"CTAP 2.0", conversation{setup: older | hasPIN, script: []byte{doPINToken, 0, 0, doMakeCredential, 0, authorized | discoverable, doGetAssertion, 0, 0, doSelection, 0, 0}}, 0},
	{"asking for a token", conversation{setup: hasPIN | hasSensor, script: []byte{doToken, 0, 0, doMakeCredential, 0, authorized, doToken, 0, toManageCredentials}}, 0},
	{"credential management", conversation{setup: hasPIN | hasCredentials, script: []byte{
		doPINToken, 0, toManageCredentials, doCredentialsMetadata, 0, 0, doListCredentials, 0, 1, doUpdateUser, 0, 0, doDeleteCredential, 0, 0,
	}}, 0},
	{"reading credentials", conversation{setup: hasPIN | hasCredentials, script: []byte{
		doPINToken, 0, toReadCredentials, doPowerCycle, 0, 0, doResync, 0, 0, doListCredentials, 0, 1,
	}}, 0},
	{"fingerprints", conversation{setup: hasPIN | hasSensor, script: []byte{
		doPINToken, 0, toEnroll, doEnroll, 0, 100, doNameFingerprint, 0, 9, doFingerprints, 0, 0, doRemoveFingerprint, 0, 0,
	}}, 0},
	{"large blobs", conversation{setup: hasPIN, script: []byte{
		doPINToken, 0, toWriteLargeBlobs, doSetLargeBlob, 0, 50, doGetLargeBlob, 0, 50, doDeleteLargeBlob, 0, 50,
	}}, 0},
	{"settings", conversation{setup: hasPIN, script: []byte{
		doPINToken, 0, toConfigure, doConfigure, 0, toggleAlwaysUv, doConfigure, 0, setMinPINLength | 8<<3, doConfigure, 0, enableLongTouch,
	}}, 0},
	{"long lists", conversation{setup: hasCredentials, script: []byte{
		doMakeCredential, 0, 0, doFindCredential, 0, withList, doLoginWithList, 0, withList, doCreateWithList, 0, 0,
	}}, 0},
	{"extensions", conversation{script: []byte{
		doMakeCredential, 0, withExtensions | discoverable, doGetAssertion, 0, withExtensions | withList, doHMACSecret, 0, withList,
	}}, 0},
	{"resynchronising", conversation{script: []byte{doResync, 0, 0, doPowerCycle, 0, 0, doSleep, 0, 20, doResync, 0, 0, doGetInfo, 0, 0}}, 0},
	{"small reports", conversation{setup: 3 << sizesShift, script: []byte{doGetInfo, 0, 0, doPing, 0, 5}}, 0},
}

// attacks are not, or two calls race in them. Each shows the fuzzer something
// that scenarios do not have.
var attacks = []scenario{
	{"cancelling while the key waits for a touch", conversation{user: 1, script: []byte{doSelection, 10 | byCancelling | withCause, 0, doGetInfo, 0, 0}}, 1},
	{"no deadline while the key waits", conversation{user: 1, script: []byte{doCBOR, 1, byte(ctap2.CommandSelection), 0, doGetInfo, 0, 0}}, 1},
	{"a deadline while the key waits", conversation{user: 1, script: []byte{doMakeCredential, 9, 0}}, 1},
	{"two at once", conversation{script: []byte{doGetInfo, inBackground, 0, doPing, inBackground, 9, doSelection, 0, 0, doAwait, 0, 0}}, 0},
	{"closing in the middle", conversation{user: 1, script: []byte{doSelection, inBackground, 0, doSleep, 0, 10, doClose, 0, 0}}, 1},
	{"unplugging in the middle", conversation{user: 1, script: []byte{doSelection, inBackground, 0, doSleep, 0, 10, doUnplug, 0, 0, doAwait, 0, 0}}, 1},
	{"a key that is deaf to CANCEL", conversation{script: []byte{doGetInfo, 9, 0, doGetInfo, 0, 0}, replies: []byte{0, lieDeaf, 100}}, 1},
	{"a lost reply report", conversation{script: []byte{doGetInfo, 0, 0, doGetInfo, 0, 0}, toHost: []byte{2, wireDrop}}, 1},
	{"a lost request report", conversation{script: []byte{doPing, 0, 20}, toKey: []byte{3, wireDrop}}, 1},
	{"reports in the wrong order", conversation{script: []byte{doGetInfo, 0, 0}, toHost: []byte{2, wireHold}}, 1},
	{"a late report", conversation{script: []byte{doGetInfo, 0, 0, doGetInfo, 0, 0}, toHost: []byte{2, wireLater, 200}}, 1},
	{"slow writes", conversation{script: []byte{doPing, 8, 20}, toKey: []byte{1, wireStall, 30, 0, wireStall, 30, 0, wireStall, 30}}, 0},
	{"broken reports", conversation{script: []byte{doGetInfo, 0, 0}, toHost: []byte{1, wireCorrupt, 6, 0x80, 0, wireTruncate, 20, 0, wireExact, 3, 1, 2, 3, 0, wireExact, 0}}, 1},
	{"busy, unknown channel, keepalives", conversation{script: []byte{doGetInfo, 0, 0}, toKey: []byte{
		1, wireRefuse, byte(ctaphid.ErrChannelBusy), 0, wireRefuse, byte(ctaphid.ErrInvalidChannel),
	}, toHost: []byte{1, wireKeepalive, 2, 200}}, 0},
	{"other programs", conversation{script: []byte{doGetInfo, 0, 0}, toHost: []byte{
		0, wireForeign, 0, wireFlood, 2, 255, 0, wireBefore, 7, 0, 0, 0, 9, 0x90, 1, 0,
	}}, 0},
	{"a reply to another request", conversation{script: []byte{doGetInfo, 0, 0}, toHost: []byte{1, wireOwn, 4, 0x81, 0, 1, 1}}, 1},
	// Whether the key refuses the second one or answers both is a race.
	{"a request twice", conversation{script: []byte{doGetInfo, 0, 0}, toKey: append([]byte{1, wireOwn, byte(len(cbor1))}, cbor1...)}, 0},
	{"a long message", conversation{script: []byte{doGetInfo, 0, 0}, toHost: []byte{1, wireMessage, byte(ctaphid.CommandCBOR), 0x1d, 0xb9}}, 1},
	{"errors of the system", conversation{script: []byte{doGetInfo, 0, 0}, toKey: []byte{1, wireFail}}, 1},
	{"lies about lengths", conversation{script: []byte{doGetInfo, 0, 0, doMakeCredential, 0, 0}, replies: []byte{
		0, lieItem, 5, 9, 0x9b, 255, 255, 255, 255, 255, 255, 255, 255, 0, lieItem, 3, 5, 0x5a, 0x7f, 255, 255, 255,
	}}, 2},
	{"lies about numbers", conversation{setup: hasCredentials, script: []byte{doGetAssertions, 8, 0}, replies: []byte{0, lieItem, 16, 3, 0x19, 4, 1}}, 1},
	{"disorder", conversation{setup: strictly, script: []byte{doGetInfo, 0, 0, doGetInfo, 0, 0, doPINRetries, 0, 0}, replies: []byte{
		0, lieSwap, 1, 3, 0, lieRepeat, 2, 0, lieLast, 0, lieNest, 200,
	}}, 3},
}

// TestScenarios holds all of them: the oracles hold, honest conversations
// succeed, and attacks do what their names say.
func TestScenarios(t *testing.T) {
	for _, s := range slices.Concat(scenarios, attacks) {
		t.Run(s.name, func(t *testing.T) {
			var failed []error
			for _, err := range s.hold(t) {
				if err != nil {
					failed = append(failed, err)
				}
			}
			if len(failed) != s.fails {
				t.Errorf("%d calls fail, want %d: %v", len(failed), s.fails, failed)
			}
		})
	}
}
