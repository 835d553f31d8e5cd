package main

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

func TestScreenReset(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		if err := s.key.SetPIN([]byte("secret")); err != nil {
			s.Fatal(err)
		}
		storePasskey(s.T, s.key)
		s.Run("reset --dry-run")
		s.toErase()
		s.Touch()
		s.Exit(exitOK)
		if s.key.HasPIN() || len(s.key.Credentials()) > 0 {
			s.Error("the key is not erased")
		}
	})
}

// byHand are the ways where the screens have a person's steps besides: one scenario
// is enough for what differs.
var byHand = map[string]string{"pcscd": "TestScreenReset plays it", "uhid": "TestScreenReset plays it"}

// toErase runs reset up to the moment when the key has got its power.
func (s *stage) toErase() {
	s.Helper()
	s.Run("reset")
	s.Answer("Type erase to erase it: ", "erase")
	if !s.way.hand {
		return
	}
	out, in := takeOut, putBack
	if s.way.card {
		out, in = "Take the key away from the reader now.", "Hold it to the reader again now, and leave it there."
	}
	s.Expect(out)
	s.Unplug()
	s.Expect(in)
	s.Replug()
}

func storePasskey(t *testing.T, key *virtual.Key) {
	t.Helper()
	if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "somebody"}, Discoverable: true}); err != nil {
		t.Fatal(err)
	}
}

// expectNotErased checks that the passkey of storePasskey is still there.
func expectNotErased(t *testing.T, key *virtual.Key) {
	t.Helper()
	if len(key.Credentials()) != 1 {
		t.Error("the key is erased")
	}
}

func TestScreenResetNotAgreed(t *testing.T) {
	scenario{not: byHand}.play(t, func(s *stage) {
		storePasskey(s.T, s.key)
		s.Run("reset")
		s.Answer("Type erase to erase it: ", "yes")
		s.Exit(exitFailed)
		s.Run("reset")
		s.Expect("Type erase to erase it: ")
		s.Send("\x04") // Ctrl-D
		s.Exit(exitFailed)
		expectNotErased(s.T, s.key)
	})
}

func TestScreenResetDeclined(t *testing.T) {
	scenario{not: byHand}.play(t, func(s *stage) {
		storePasskey(s.T, s.key)
		s.toErase()
		s.Decide(virtual.Decline)
		s.Exit(exitRefused)
		expectNotErased(s.T, s.key)
	})
}

func TestScreenResetLongTouch(t *testing.T) {
	scenario{key: virtual.Config{LongTouchForReset: true}, not: byHand}.play(t, func(s *stage) {
		storePasskey(s.T, s.key)
		s.toErase()
		s.Touch()
		s.Exit(exitRefused)
		expectNotErased(s.T, s.key)
		s.toErase()
		s.Decide(virtual.LongTouch)
	})
}

func TestScreenResetTooLate(t *testing.T) {
	scenario{key: virtual.Config{ResetWindow: 1}, not: byHand}.play(t, func(s *stage) {
		storePasskey(s.T, s.key)
		s.toErase()
		s.Exit(exitTimeout)
		expectNotErased(s.T, s.key)
	})
}

func TestScreenResetInterrupted(t *testing.T) {
	scenario{not: byHand}.play(t, func(s *stage) {
		if err := s.key.SetPIN([]byte("secret")); err != nil {
			s.Fatal(err)
		}
		storePasskey(s.T, s.key)
		s.Run("reset")
		s.Expect("Type erase to erase it: ")
		s.Interrupt()
		s.Exit(exitInterrupt)
		s.toErase()
		s.askedToTouch()
		s.Interrupt()
		s.Exit(exitInterrupt)
		expectNotErased(s.T, s.key)
	})
}

func TestScreenResetTakenAway(t *testing.T) {
	scenario{not: byHand}.play(t, func(s *stage) {
		storePasskey(s.T, s.key)
		s.toErase()
		s.askedToTouch()
		s.Unplug()
		if s.way.card {
			s.Exit(exitNoKey)
		} else { // a simulator that has gone is no more than silent
			s.Exit(exitTimeout)
		}
		s.Replug() // for the end of the scenario
		expectNotErased(s.T, s.key)
	})
}
