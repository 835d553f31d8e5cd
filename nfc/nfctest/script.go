package nfctest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/nfc"
)

// A Script is a Card that plays its part of a conversation and expects the host
// to play the other. A host that sends something else fails the test, and the
// card is then gone. When the test ends, steps that were not reached fail it too.
//
// The text has one step a line:
//
//	# a comment, also after a step
//	> 00a40400 08 a0000006472f0001 00    the host sends this command
//	< 5532465f5632 9000                  and gets this response
//	> 8010.. 00 *                        .. is any byte, * at the end any number
//	~ 100ms                              the answer takes that long
//	< 00 9000
//	> 80110000 00
//	! gone                               the answer is nfc.ErrGone
//	^                                    the host resets the card
//
// Spaces within an APDU mean nothing. The other errors are "reset", which is
// nfc.ErrReset, and "not sent", nfc.ErrNotSent. A host may reset the card after an
// error without the script saying so, but then it need not.
type Script struct {
	*Func
	t testing.TB

	mu     sync.Mutex
	steps  []step
	next   int
	failed bool // the card has failed since it was reset last
	done   bool // the host did something else, or the test is over
}

// A step is one line of a script.
type step struct {
	kind  byte // the character that the line begins with
	line  int
	text  string
	apdu  []byte
	any   []int // which bytes of apdu may be anything
	more  bool  // any bytes may follow
	pause time.Duration
	err   error
}

var scriptErrors = map[string]error{"gone": nfc.ErrGone, "reset": nfc.ErrReset, "not sent": nfc.ErrNotSent}

// NewScript returns a card that plays the script with this text. A text that is no
// script ends the test.
func NewScript(t testing.TB, text string) *Script {
	t.Helper()
	s := &Script{t: t}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		st, err := parseStep(line)
		if err != nil {
			t.Fatalf("nfctest: line %d of the script: %v", n, err)
		}
		st.line = n
		s.steps = append(s.steps, st)
	}
	s.Func = &Func{Answer: s.answer, OnReset: s.onReset}
	t.Cleanup(s.finish)
	return s
}

func parseStep(line string) (step, error) {
	s := step{kind: line[0], text: line}
	rest := strings.TrimSpace(line[1:])
	var err error
	switch s.kind {
	case '>', '<':
		err = s.parseAPDU(strings.Join(strings.Fields(rest), ""))
	case '~':
		s.pause, err = time.ParseDuration(rest)
	case '!':
		if s.err = scriptErrors[rest]; s.err == nil {
			err = fmt.Errorf("unknown error %q", rest)
		}
	case '^':
	default:
		err = fmt.Errorf("unknown kind of step %q", s.kind)
	}
	return s, err
}

func (s *step) parseAPDU(text string) error {
	text, s.more = strings.CutSuffix(text, "*")
	literal := text
	for i := 0; i+2 <= len(text); i += 2 {
		if text[i:i+2] == ".." {
			s.any = append(s.any, i/2)
			literal = literal[:i] + "00" + literal[i+2:]
		}
	}
	if s.kind == '<' && (s.more || s.any != nil) {
		return errors.New("the card has to know what it sends")
	}
	var err error
	s.apdu, err = hex.DecodeString(literal)
	return err
}

func (s *step) matches(apdu []byte) bool {
	if len(apdu) < len(s.apdu) || len(apdu) > len(s.apdu) && !s.more {
		return false
	}
	want := bytes.Clone(s.apdu)
	for _, i := range s.any {
		want[i] = apdu[i]
	}
	return bytes.Equal(want, apdu[:len(want)])
}

// take returns the next step if it is of one of these kinds.
func (s *Script) take(kinds string) *step {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done || s.next == len(s.steps) || !strings.ContainsRune(kinds, rune(s.steps[s.next].kind)) {
		return nil
	}
	s.next++
	return &s.steps[s.next-1]
}

func (s *Script) answer(ctx context.Context, apdu []byte) ([]byte, error) {
	switch st := s.take(">"); {
	case st == nil:
		return nil, s.fail("the host sends %x", apdu)
	case !st.matches(apdu):
		return nil, s.fail("line %d: the host sends\n  %x\nbut should send\n  %s", st.line, apdu, st.text)
	}
	for {
		st := s.take("<~!")
		switch {
		case st == nil:
			return nil, s.fail("there is no answer to %x", apdu)
		case st.kind == '~':
			if err := sleep(ctx, st.pause); err != nil {
				return nil, err
			}
			continue
		case st.kind == '!':
			s.mu.Lock()
			s.failed = true
			s.mu.Unlock()
			return nil, st.err
		}
		return st.apdu, nil
	}
}

// sleep waits for d unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return nfc.ContextError(ctx)
	}
}

func (s *Script) onReset(context.Context) error {
	st := s.take("^")
	s.mu.Lock()
	failed := s.failed
	s.failed = false
	s.mu.Unlock()
	if st == nil && !failed {
		return s.fail("the host resets the card")
	}
	return nil
}

// fail ends the script; only the first deviation is told.
func (s *Script) fail(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		where := "after the end of the script"
		if s.next < len(s.steps) {
			where = fmt.Sprintf("before line %d: %s", s.steps[s.next].line, s.steps[s.next].text)
		}
		s.t.Errorf("nfctest: %s, %s", fmt.Sprintf(format, args...), where)
	}
	s.done = true
	return nfc.ErrGone
}

// finish checks, at the end of the test, that the script was played to its end.
func (s *Script) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done && s.next < len(s.steps) {
		s.t.Errorf("nfctest: line %d was not reached: %s", s.steps[s.next].line, s.steps[s.next].text)
	}
	s.done = true
}
