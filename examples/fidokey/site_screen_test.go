package main

import (
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
)

// trySite gives the person a config directory, which is empty.
func (s *stage) trySite() {
	s.Helper()
	dir := s.TempDir()
	for _, name := range []string{"XDG_CONFIG_HOME", "HOME", "AppData"} {
		s.Setenv(name, dir)
	}
}

// held waits until the person is told to hold the key to the reader, if it is one
// for a reader: that comes before all questions.
func (s *stage) held() {
	s.Helper()
	if s.way.card {
		s.Expect(holdTheKey)
	}
}

// touchHeld touches the key, or moves the one that is at the reader already.
func (s *stage) touchHeld() {
	s.Helper()
	if s.way.card {
		do(s, s.user.Decisions, virtual.Touch)
	} else {
		s.Touch()
	}
}

// The whole of it with a PIN: a passkey, a login without a name and one with it,
// and the same key again.
func TestScreenRegister(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.trySite()
		s.setPIN()
		s.Run("register --uv required --resident required --attestation direct")
		s.held()
		s.askedPIN()
		s.touchHeld()

		s.Run("login")
		s.held()
		s.askedPIN()
		s.touchHeld()

		s.Run("login --user me --uv discouraged")
		s.held()
		s.touchHeld()

		s.Run("register --uv discouraged --resident discouraged")
		s.held()
		s.touchHeld()
		s.Exit(exitRefused)
	})
}

// A wrong PIN is told and asked for again.
func TestScreenRegisterWrongPIN(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.trySite()
		s.Run("register --uv required")
		s.held()
		s.Exit(exitPIN)
		s.setPIN()
		s.Run("register")
		s.held()
		s.Answer("PIN of the key (8 tries left): ", "1243")
		s.Answer("PIN of the key (7 tries left): ", "1234")
		s.touchHeld()
	})
}

// A finger is proof of who and that somebody is there: it takes no touch.
func TestScreenRegisterFingerprint(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.trySite()
		s.setPIN()
		s.fingers(thumb)
		s.Run("register --extensions '{\"prf\":{}}'")
		s.held()
		s.Expect(putYourFinger)
		do(s, s.user.Verifications, virtual.NotVerified)
		s.Expect(tryAgain)
		do(s, s.user.Verifications, virtual.Verified)
		s.Exit(exitOK)
		s.Run("login --extensions '{\"prf\":{\"eval\":{\"first\":\"YQ\"}}}'")
		s.held()
		s.Expect(putYourFinger)
		do(s, s.user.Verifications, virtual.Verified)
		s.Exit(exitOK)
	})
}

// With several accounts the person chooses one.
func TestScreenLoginAccounts(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.trySite()
		s.setPIN()
		for _, user := range []string{"ada", "bob"} {
			s.Run("register --user %s --quiet", user)
			s.held()
			s.askedPIN()
			s.touchHeld()
			s.Exit(exitOK)
		}
		s.Run("login")
		s.held()
		s.askedPIN()
		s.touchHeld()
		s.Answer("Which one [1-2]? ", "3")
		s.Answer("Which one [1-2]? ", "2")
		s.Exit(exitOK)

		s.Run("login --uv discouraged")
		s.held()
		s.touchHeld()
		s.Answer("Which one [1-2]? ", "1")
		s.Exit(exitOK)
	})
}

// What a person may do wrong at first.
func TestScreenLoginRefused(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.trySite()
		s.Run("login --user ada")
		s.Exit(exitFailed)
		s.Run("login")
		s.held()
		s.Exit(exitRefused)
		s.Run("register --resident always")
		s.Exit(exitUsage)
		s.Run("register --rp com")
		s.Exit(exitUsage)
		s.Run("register --extensions prf")
		s.Exit(exitUsage)
		s.Run("register")
		s.held()
		if s.way.card {
			do(s, s.user.Decisions, virtual.Decline)
		} else {
			s.Decide(virtual.Decline)
		}
		s.Exit(exitRefused)
	})
}

// Ctrl-C ends it wherever it is.
func TestScreenRegisterInterrupted(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.trySite()
		s.setPIN()
		s.Run("register")
		s.held()
		s.Expect("PIN of the key")
		s.Send("12\x03")
		s.Exit(exitInterrupt)
		s.Run("register --uv discouraged --resident discouraged")
		s.held()
		if !s.way.card {
			s.askedToTouch()
		}
		s.Interrupt()
		s.Exit(exitInterrupt)
	})
}

// A key of CTAP 2.0 keeps a passkey until it is reset, so its owner is asked first.
func TestScreenRegisterForGood(t *testing.T) {
	scenario{key: virtual.Config{Profile: virtual.FIDO20}}.play(t, func(s *stage) {
		s.trySite()
		s.Run("register")
		s.Answer("[y/N] ", "n")
		s.Exit(exitFailed)
		s.Run("register --resident discouraged --user ada")
		s.held()
		s.touchHeld()
		s.Run("register --yes")
		s.held()
		s.touchHeld()
		s.Exit(exitOK)
	})
}
