package main

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

func TestScreenPINSet(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("pin retries")
		s.Run("pin verify")
		s.Exit(exitPIN)
		s.Run("pin set")
		s.Answer("New PIN: ", "123") // too short
		s.Answer("New PIN: ", "12345")
		s.Answer("again: ", "12346") // not the same
		s.Answer("New PIN: ", "pass wörd")
		s.Answer("again: ", "pass wörd")
		s.Exit(exitOK)
		s.Run("pin retries")
		s.Run("pin set")
		s.Exit(exitPIN)
		s.Run("pin verify")
		s.Answer("(8 tries left): ", "pass wörd")
		s.Exit(exitOK)
		s.Run("pin set 1234")
		s.Exit(exitUsage)
		s.Run("pin set -1234")
		s.Exit(exitUsage)
		s.Run("pin 1234")
		s.Exit(exitUsage)
	})
}

func TestScreenPINSetInterrupted(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("pin set --quiet")
		s.Expect("New PIN: ")
		s.Send("123\x03")
		s.Exit(exitInterrupt)
		s.Run("pin set --quiet")
		s.Answer("New PIN: ", "")
		s.Exit(exitPIN)
		s.Run("pin set --quiet")
		s.Answer("New PIN: ", "12345")
		s.Expect("again: ")
		s.Send("\x04")
		s.Exit(exitPIN)
		s.Run("pin retries")
	})
}

// What the key alone knows of its rules is told with where they are explained.
func TestScreenPINPolicy(t *testing.T) {
	scenario{key: virtual.Config{MinPINLength: 6, MaxPINLength: 16, PINComplexity: &virtual.PINComplexity{Enforced: true, URL: "https://key.example/pins"}}}.play(t, func(s *stage) {
		s.Run("pin set")
		s.Answer("New PIN: ", "123456")
		s.Answer("again: ", "123456")
		s.Answer("New PIN: ", "12345678901234567")
		s.Answer("New PIN: ", "135791")
		s.Answer("again: ", "135791")
	})
}

func TestScreenPINChange(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("pin change")
		s.Exit(exitPIN)
		s.setPIN()
		s.Run("pin change")
		s.Answer("(8 tries left): ", "4321")
		s.Answer("New PIN: ", "better")
		s.Answer("again: ", "better")
		s.Answer("(7 tries left): ", "123") // which no key can have
		s.Answer("(7 tries left): ", "1234")
		s.Exit(exitOK)
		s.Run("pin verify")
		s.Answer("(8 tries left): ", "better")
	})
}

// Three wrong PINs in a row: the key wants to lose power. Simulators of cards lose
// it after each command.
func TestScreenPINAuthBlocked(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.setPIN()
		s.Run("pin verify")
		for range 3 {
			s.Answer("left): ", "wrong")
		}
		s.Exit(exitPIN)
		if s.way.card {
			return
		}
		s.Run("pin retries")
		s.Run("pin change")
		s.Exit(exitPIN)
		s.Unplug()
		s.Replug()
		s.Run("pin retries")
	})
}

// The last wrong PIN: only a reset helps.
func TestScreenPINBlocked(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.setPIN()
		if err := s.key.SetRetries(2, 0); err != nil {
			s.Fatal(err)
		}
		s.Run("pin change --quiet")
		s.Answer("(2 tries left): ", "wrong")
		s.Answer("New PIN: ", "better")
		s.Answer("again: ", "better")
		s.Answer("(1 try left): ", "wrong again")
		s.Exit(exitPIN)
		s.Run("pin retries")
		s.Run("pin verify")
		s.Exit(exitPIN)
		s.Run("pin set")
		s.Exit(exitPIN)
		s.Run("pin change")
		s.Exit(exitPIN)
	})
}

// A PIN that somebody else has chosen has to be changed, and not to itself.
func TestScreenPINForceChange(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.Run("pin force-change")
		s.Exit(exitPIN)
		s.setPIN()
		s.Run("pin force-change")
		s.Answer("[y/N] ", "n")
		s.Exit(exitFailed)
		s.Run("pin force-change")
		s.Answer("[y/N] ", "y")
		s.Answer("left): ", "1234")
		s.Exit(exitOK)
		s.Run("pin force-change")
		s.Run("pin retries")
		s.Run("pin verify")
		s.Exit(exitPIN)
		s.Run("pin change")
		s.Answer("left): ", "1234")
		s.Answer("New PIN: ", "1234")
		s.Answer("New PIN: ", "better")
		s.Answer("again: ", "better")
		s.Exit(exitOK)
		s.Run("pin retries")
	})
}

func TestScreenPINMinLength(t *testing.T) {
	scenario{key: virtual.Config{PINComplexity: &virtual.PINComplexity{URL: "https://key.example/pins"}}}.play(t, func(s *stage) {
		s.setPIN()
		s.Run("pin min-length")
		s.Run("pin min-length 8 --rp example.com --rp example.org --complexity")
		s.Answer("[y/N] ", "y")
		s.Answer("left): ", "1234")
		s.Exit(exitOK)
		s.Run("pin min-length 8")
		s.Run("pin min-length 6")
		s.Exit(exitRefused)
		s.Run("pin min-length 1234")
		s.Exit(exitUsage)
		s.Run("pin min-length --rp https://example.com/")
		s.Exit(exitUsage)
		s.Run("config")
	})
}

// Software that does not normalise can set a PIN that no other gets right.
func TestScreenPINAsTyped(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		decomposed := "cafe\u0301s"
		if err := s.key.SetPIN([]byte(decomposed)); err != nil {
			s.Fatal(err)
		}
		s.Run("pin verify")
		s.Answer("left): ", decomposed)
		s.Expect("(7 tries left): ")
		s.Send("\x03")
		s.Exit(exitInterrupt)
		s.Run("pin verify --as-typed")
		s.Answer("left): ", decomposed)
		s.Run("pin change --as-typed")
		s.Answer("left): ", decomposed)
		s.Answer("New PIN: ", "cafes")
		s.Answer("again: ", "cafes")
	})
}

// A fingerprint that is blocked is good again after the PIN.
func TestScreenPINFingerprint(t *testing.T) {
	scenario{key: virtual.Config{UV: virtual.FingerprintUV}}.play(t, func(s *stage) {
		s.setPIN()
		s.fingers(ctap2.TemplateInfo{TemplateFriendlyName: "thumb"})
		if err := s.key.SetRetries(8, 0); err != nil {
			s.Fatal(err)
		}
		s.Run("pin retries")
		s.Run("pin verify")
		s.Answer("left): ", "1234")
		s.Exit(exitOK)
		s.Run("pin retries")
	})
}

func TestScreenPINOldKeys(t *testing.T) {
	for name, config := range map[string]virtual.Config{
		"U2F":     {Profile: virtual.U2FOnly},
		"FIDO20":  {Profile: virtual.FIDO20},
		"Without": {WithoutPIN: true},
		"Keypad":  {WithoutPIN: true, UV: virtual.ConfiguredUV, UVModality: 4},
	} {
		t.Run(name, func(t *testing.T) {
			scenario{key: config}.play(t, func(s *stage) {
				for _, command := range []string{"pin retries", "pin set", "pin change", "pin verify", "pin force-change", "pin min-length 6", "config", "config always-uv on"} {
					s.Run("%s", command)
					if name == "FIDO20" && command == "pin set" {
						s.Answer("New PIN: ", "1234")
						s.Answer("again: ", "1234")
					}
					if name == "FIDO20" && command == "pin change" {
						s.Answer("left): ", "1234")
						s.Answer("New PIN: ", "better")
						s.Answer("again: ", "better")
					}
					if name == "FIDO20" && command == "pin verify" {
						s.Answer("left): ", "better")
					}
					s.Wait() // with any exit code: the words tell
				}
			})
		})
	}
}
