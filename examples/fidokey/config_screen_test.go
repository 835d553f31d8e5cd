package main

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// On a key without a PIN settings need no proof, and one of them makes the key
// useless until there is a PIN.
func TestScreenConfig(t *testing.T) {
	scenario{key: virtual.Config{Enterprise: &virtual.Enterprise{}}}.play(t, func(s *stage) {
		s.Run("config")
		s.Run("config always-uv on")
		s.Answer("[y/N] ", "")
		s.Exit(exitFailed)
		s.Run("config always-uv on")
		s.Answer("[y/N] ", "yes")
		s.Exit(exitOK)
		s.Run("config always-uv")
		s.Run("config always-uv on")
		s.Run("config always-uv off")
		s.Answer("[y/N] ", "y")
		s.Exit(exitOK)
		s.Run("config enterprise on")
		s.Answer("[y/N] ", "y")
		s.Exit(exitOK)
		s.Run("config enterprise off")
		s.Exit(exitUsage)
		s.Run("config long-touch on --yes")
		s.Run("config long-touch maybe")
		s.Exit(exitUsage)
		s.Run("config")
	})
}

func TestScreenConfigWithPIN(t *testing.T) {
	scenario{key: virtual.Config{AlwaysUVStays: true, WithoutLongTouch: true}}.play(t, func(s *stage) {
		s.setPIN()
		s.Run("config always-uv on")
		s.Answer("[y/N] ", "y")
		s.Answer("left): ", "wrong")
		s.Answer("left): ", "1234")
		s.Exit(exitOK)
		s.Run("config always-uv off")
		s.Answer("[y/N] ", "y")
		s.Answer("left): ", "1234")
		s.Exit(exitRefused)
		s.Run("config long-touch on")
		s.Exit(exitRefused)
		s.Run("config")
	})
}

// On some keys a finger serves to change settings.
func TestScreenConfigByFinger(t *testing.T) {
	scenario{key: virtual.Config{UV: virtual.FingerprintUV, UVAcfg: true}}.play(t, func(s *stage) {
		s.setPIN()
		s.fingers(ctap2.TemplateInfo{TemplateFriendlyName: "thumb"})
		s.Run("config always-uv on")
		s.Answer("[y/N] ", "y")
		s.Finger(virtual.NotVerified)
		s.Finger(virtual.Verified)
	})
}

// A key that agrees and does nothing is found out.
func TestScreenConfigLie(t *testing.T) {
	lie := func(i *ctap2.GetInfoResponse) { i.Options[ctap2.OptionAlwaysUv] = false }
	scenario{key: virtual.Config{Info: lie}}.play(t, func(s *stage) {
		s.Run("config always-uv on --yes")
		s.Exit(exitRefused)
	})
}
