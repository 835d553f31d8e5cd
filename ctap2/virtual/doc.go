// Package virtual is a complete security key in software: every command and
// extension of CTAP 2.3, with every check in the order of the specification, the
// preview commands of FIDO_2_1_PRE, and U2F. A [Profile] makes it a key of CTAP 2.1
// or 2.0, or one that knows only U2F. It is for tests of everything that talks to
// security keys. Its secrets lie in ordinary memory: it is no place for
// credentials that protect something.
//
// # First steps
//
// [New] with the zero [Config] gives a key with room for 100 passkeys, no PIN
// yet, and a user who touches it at once whenever it asks:
//
//	key, err := virtual.New(virtual.Config{})
//	client := ctap2.NewClient(key.Direct(), nil)
//
// [Key.Direct] calls the key without a transport. Behind a transport the Key
// itself is what ctaphid.Server and nfc.Applet call; the same key may stand
// behind several at once.
//
// # The user
//
// Config.User decides what happens when the key asks for a touch, or for a
// fingerprint if Config.UV gives it built-in user verification: [AlwaysTouch],
// [NeverTouch], [Deny], [TouchAfter], [Script], and [NewManual] for a test that
// steers by channels. [Key.SetUser] changes the user in the middle of a test.
//
// A key with [FingerprintUV] verifies its user as soon as a finger is enrolled: by
// a host, sample by sample, with good samples and bad ones as the user is scripted
// to give them (see [Sample]), or at once by [Key.AddFingerprint].
//
// # Time
//
// A key measures time for touches (30 seconds), the window for a reset (10
// seconds after power-up), PIN/UV auth tokens and getNextAssertion. It takes
// the time from Config.Clock; the default is package time, which a
// testing/synctest bubble controls. A program in real time that wants to leap
// uses a [ManualClock].
//
// # Power and storage
//
// [Key.PowerCycle] unplugs the key and plugs it in again. What survives is in
// Config.Storage, which is written in all-or-nothing commits, so that a power
// cut leaves the key as it was before or after. [MemoryStorage] counts the
// commits and can cut the power at any of them.
//
// # Looking inside, and misbehaving
//
// [Key.Credentials], [Key.PINRetries], [Key.Commands] and Config.Observer show
// what happened; [Key.AddCredential], [Key.SetPIN] and others arrange it.
// [Faults] names what real keys, or hostile ones, do wrong: each is switched on
// in Config.Faults or with [Key.SetFaults].
package virtual
