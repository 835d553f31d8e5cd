//go:build unix

package main

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// Ctrl-C at the terminal, in the middle of an enrolment: the key forgets the samples,
// the line that was rewritten stays, and the next finger begins anew.
func TestScreenCtrlCAtSensor(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.setPIN()
		s.RunProgram("fingerprints add")
		s.askedPIN()
		s.Sample(virtual.GoodSample)
		s.Sample(virtual.BadSample(ctap2.SampleTooLeft))
		s.Expect("1 of 4  The finger was too far left")
		s.Send("\x03")
		s.Exit(exitInterrupt)
		if n := len(s.key.Fingerprints()); n != 0 {
			s.Errorf("%d fingerprints are enrolled", n)
		}
		commands := s.key.Commands()
		last, err := commands[len(commands)-1].Parse()
		if r, ok := last.(*ctap2.BioEnrollmentRequest); err != nil || !ok || r.SubCommand != ctap2.CancelCurrentEnrollment {
			s.Errorf("the last command is %+v, %v", last, err)
		}
		s.Run("fingerprints add --name thumb")
		s.askedPIN()
		for range 4 {
			s.Sample(virtual.GoodSample)
		}
	})
}
