package main

import (
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
)

func TestScreenInfo(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("info")
	})
}

func TestScreenPing(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("ping --count 2 --size 100")
		if s.way.card {
			s.Exit(exitRefused)
		}
	})
}

func TestScreenWink(t *testing.T) {
	scenario{not: cardReaders("a card has nothing to wink with")}.play(t, func(s *stage) {
		s.Run("wink")
	})
}

func TestScreenDemo(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("demo")
		s.Touch()
		s.Touch()
		s.Exit(exitOK)
		if n := len(s.key.Credentials()); n != 0 {
			s.Errorf("%d credentials are left", n)
		}
	})
}

// A key with a PIN is asked twice for a touch, and the person for the PIN once.
func TestScreenDemoWithPIN(t *testing.T) {
	scenario{key: virtual.Config{UVForEverything: true}}.play(t, func(s *stage) {
		if err := s.key.SetPIN([]byte("secret")); err != nil {
			s.Fatal(err)
		}
		s.Run("demo")
		s.Answer("PIN of the key: ", "secreT")
		s.Exit(exitPIN)
		if n := s.key.PINRetries(); n != 7 {
			s.Errorf("%d tries are left", n)
		}
		s.Run("demo")
		s.Answer("PIN of the key: ", "secrets\x7f")
		s.Touch()
		s.Touch()
	})
}

func TestScreenDemoDeclined(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("demo")
		s.Decide(virtual.Decline)
		s.Exit(exitRefused)
	})
}

// Ctrl-C ends the wait for a touch, on the key too.
func TestScreenDemoInterrupted(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("demo")
		s.askedToTouch()
		s.Interrupt()
		s.Exit(exitInterrupt)
		s.cancelled()
	})
}

// A key that is plugged in, and one at a reader. The simulators show in no list.
func TestScreenList(t *testing.T) {
	scenario{not: simulators("a list shows no simulators")}.play(t, func(s *stage) {
		s.Run("list")
		s.Expect(s.device)
		s.Exit(exitOK)
		s.Unplug()
		s.Run("list")
		s.Exit(exitOK)
		s.Replug()
		s.Run("list")
		s.Expect(s.device)
	})
}

// One of two keys is named by --device.
func TestScreenPingOneOfTwo(t *testing.T) {
	scenario{not: cardReaders("a key in a card reader does not echo")}.play(t, func(s *stage) {
		_, second := s.Plug(virtual.Config{})
		before := len(s.key.Commands())
		s.Run("ping --count 1 --device %s", quoted(second))
		s.Exit(exitOK)
		if n := len(s.key.Commands()) - before; n != 0 {
			s.Errorf("the other key got %d commands", n)
		}
	})
}
