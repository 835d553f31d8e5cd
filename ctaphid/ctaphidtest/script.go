package ctaphidtest

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// A Script is a device that plays its part of a [Transcript] and expects the
// host to play the other. What the device sends is there to be read as soon as
// its turn in the transcript comes, and is dropped if the host begins its next
// call before it has read it; a host that writes when nothing is
// expected from it, or something else, fails the test, and the device is then
// gone. When the test ends, steps that were not reached fail it too.
type Script struct {
	*inbox
	t          testing.TB
	transcript *Transcript

	mu    sync.Mutex
	next  int // the step that is waited for
	nonce [ctaphid.NonceSize]byte
	timer *time.Timer
	done  bool
}

// NewScript returns a device that plays the transcript with this text. A text
// that is no transcript ends the test.
func NewScript(t testing.TB, text string) *Script {
	t.Helper()
	transcript, err := ParseTranscript(text)
	if err != nil {
		t.Fatal(err)
	}
	return transcript.Play(t)
}

// Play returns a device that plays the transcript.
func (tr *Transcript) Play(t testing.TB) *Script {
	s := &Script{inbox: newInbox(), t: t, transcript: tr}
	t.Cleanup(s.finish)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	return s
}

// advance does the device's steps up to the next that is the host's.
func (s *Script) advance() {
	for s.next < len(s.transcript.Steps) && !s.done {
		step := &s.transcript.Steps[s.next]
		switch step.Kind {
		case Sent:
			return
		case Received:
			report := bytes.Clone(step.Report)
			if step.Nonce >= 0 {
				copy(report[step.Nonce:], s.nonce[:])
			}
			s.push(report)
		case Gone:
			s.cut()
		case Pause:
			if s.timer != nil {
				return // under way
			}
			s.timer = time.AfterFunc(step.Pause, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.timer = nil
				s.next++
				s.advance()
			})
			return
		}
		s.next++
	}
}

// WriteReport takes the next report that the host is to send.
func (s *Script) WriteReport(p []byte) error {
	if err := s.state(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == len(s.transcript.Steps) {
		s.fail("the host sends %s after the end of the transcript", s.show(p))
		return ctaphid.ErrGone
	}
	step := &s.transcript.Steps[s.next]
	switch {
	case step.Kind != Sent:
		s.fail("line %d: the host sends %s while it should wait: %s", step.Line, s.show(p), step.text(s.transcript))
		return ctaphid.ErrGone
	case !step.matches(p, &s.nonce):
		s.fail("line %d: the host sends\n  %s\nbut should send\n  %s", step.Line, s.show(p), step.text(s.transcript))
		return ctaphid.ErrGone
	}
	s.next++
	s.advance()
	return nil
}

func (s *Script) show(report []byte) string {
	return (&Step{Kind: Sent, Report: report, Nonce: -1}).text(s.transcript)
}

// fail ends the script; only the first deviation is told.
func (s *Script) fail(format string, args ...any) {
	if !s.done {
		s.t.Errorf("ctaphidtest: "+format, args...)
	}
	s.done = true
	s.cut()
}

// finish checks, at the end of the test, that the transcript was played to its
// end.
func (s *Script) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if !s.done && s.next < len(s.transcript.Steps) {
		step := &s.transcript.Steps[s.next]
		s.t.Errorf("ctaphidtest: line %d was not reached: %s", step.Line, step.text(s.transcript))
	}
	s.done = true
}

// ReportSizes returns the sizes that the transcript states.
func (s *Script) ReportSizes() (in, out int) { return s.transcript.In, s.transcript.Out }

// Close closes the device.
func (s *Script) Close() error {
	s.close()
	return nil
}
