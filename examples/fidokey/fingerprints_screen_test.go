package main

import (
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// sensor is a key with a sensor that has no PIN yet.
var sensor = virtual.Config{UV: virtual.FingerprintUV}

// setPIN gives the stage's key the PIN 1234.
func (s *stage) setPIN() {
	s.Helper()
	if err := s.key.SetPIN([]byte("1234")); err != nil {
		s.Fatal(err)
	}
}

// fingers puts fingerprints on the stage's key.
func (s *stage) fingers(all ...ctap2.TemplateInfo) {
	s.Helper()
	if err := s.key.SetFingerprints(all...); err != nil {
		s.Fatal(err)
	}
}

var (
	thumb = ctap2.TemplateInfo{TemplateID: []byte{0x5e, 0xd2}, TemplateFriendlyName: "left thumb"}
	index = ctap2.TemplateInfo{TemplateID: []byte{0xbf, 0x5e}, TemplateFriendlyName: "left index"}
)

// askedPIN answers the question for the PIN 1234.
func (s *stage) askedPIN() { s.Helper(); s.Answer("PIN of the key (8 tries left): ", "1234") }

// From a new key to a finger in place of the PIN, and back.
func TestScreenFingerprints(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.Run("fingerprints list")
		s.Run("fingerprints add")
		s.Exit(exitPIN)
		s.setPIN()

		s.Run("fingerprints add --name 'left thumb'")
		s.askedPIN()
		for _, sample := range []struct {
			is   virtual.Sample
			says string
		}{
			{virtual.GoodSample, "[#---] 1 of 4  A good sample: lift the finger and touch again."},
			{virtual.BadSample(ctap2.SampleTooFast), "[#---] 1 of 4  The finger moved too fast: go more slowly."},
			{virtual.GoodSample, "[##--] 2 of 4  A good sample"},
			{virtual.BadSample(ctap2.SampleMergeFailure), "[##--] 2 of 4  The sample does not match the ones before: use the same finger."},
			{virtual.GoodSample, "[###-] 3 of 4  A good sample"},
			{virtual.GoodSample, "[####] 4 of 4  That was the last one."},
		} {
			s.Sample(sample.is)
			s.Expect(sample.says)
		}
		s.Run("fingerprints rename 'left thumb' thumb")
		s.askedPIN()
		s.Run("fingerprints list")
		s.askedPIN()
		s.Run("fingerprints remove thumb")
		s.askedPIN()
		s.Answer("[y/N] ", "y")
		s.Run("fingerprints list")
	})
}

// Ctrl-C in the middle leaves nothing on the key.
func TestScreenFingerprintsInterrupted(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.setPIN()
		s.Run("fingerprints add")
		s.askedPIN()
		s.Sample(virtual.GoodSample)
		s.Sample(virtual.GoodSample)
		s.Expect("2 of 4")
		s.Interrupt()
		s.Exit(exitInterrupt)
		s.Run("fingerprints list")
	})
}

// What is wrong is said before anybody has to enter a PIN or touch the sensor, if it
// can be known.
func TestScreenFingerprintsRefused(t *testing.T) {
	c := sensor
	c.Fingerprints.Max = 2
	scenario{key: c}.play(t, func(s *stage) {
		s.setPIN()
		s.fingers(thumb, index)
		s.Run("fingerprints add --name 'the thumb of my left hand'")
		s.Exit(exitUsage)
		s.Run("fingerprints add --name 'left thumb'")
		s.askedPIN()
		s.Exit(exitUsage)
		s.Run("fingerprints add")
		s.askedPIN()
		s.Exit(exitRefused)
		s.Run("fingerprints remove ring")
		s.askedPIN()
		s.Exit(exitFailed)
		_, device := s.Plug(virtual.Config{})
		s.Run("fingerprints list --device %s", quoted(device))
		s.Exit(exitRefused)
	})
}

// Removing asks, and shows first what it would do.
func TestScreenFingerprintsRemove(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.setPIN()
		s.fingers(thumb, index)
		s.Run("fingerprints remove --dry-run 5ed2 bf5e")
		s.askedPIN()
		s.Run("fingerprints remove 'left index'")
		s.askedPIN()
		s.Answer("[y/N] ", "n")
		s.Exit(exitFailed)
		s.Run("fingerprints remove 'left index' --yes")
		s.askedPIN()
		s.Run("fingerprints list")
		s.askedPIN()
	})
}

// A key that takes a finger for its fingerprints asks for one that it knows before
// the one that is new.
func TestScreenFingerprintsByFinger(t *testing.T) {
	c := sensor
	c.UVBioEnroll = true
	c.Fingerprints.Samples = 1
	scenario{key: c}.play(t, func(s *stage) {
		s.setPIN()
		s.fingers(thumb)
		s.Run("fingerprints add --name other")
		s.Finger(virtual.NotVerified)
		s.Finger(virtual.Verified)
		s.Expect("Put the finger on the sensor")
		s.Sample(virtual.GoodSample)
	})
}

// A dumb terminal knows no escape sequences: each text has a line of its own.
func TestScreenFingerprintsDumb(t *testing.T) {
	scenario{key: sensor, not: cardReaders("it is about the terminal")}.play(t, func(s *stage) {
		s.Setenv("TERM", "dumb")
		s.setPIN()
		s.Run("fingerprints add --name thumb")
		s.askedPIN()
		for range 4 {
			s.Sample(virtual.GoodSample)
		}
		s.Exit(exitOK)
		if strings.Contains(string(s.stream), "\x1b[") {
			t.Errorf("there are escape sequences: %q", s.stream)
		}
	})
}
