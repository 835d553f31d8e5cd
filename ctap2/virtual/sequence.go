package virtual

import (
	"time"

	"github.com/gofido/fido/ctap2"
)

// sequenceTimeout is how long a key waits for the next command of a sequence
// (CTAP 2.3 section 6, stateful commands).
const sequenceTimeout = 30 * time.Second

// sequence is what a command has begun and others continue: the assertions
// after the first, the rest of a listing, an enrolment, a large blob that is
// being written. There is one at most, and any other command than the one that
// continues it ends it.
type sequence struct {
	by       ctap2.Command // the command that continues it
	session  uint64
	token    *token // that authorised the beginning, or nil
	deadline time.Time
	state    any
}

// begin starts a sequence that the command by continues, if it comes from the
// same session, in time, and while the token that authorised the beginning, or
// nil, is in use.
func (k *Key) begin(o *operation, by ctap2.Command, t *token, state any) {
	k.boot.sequence = &sequence{by, o.session, t, k.config.Clock.Now().Add(sequenceTimeout), state}
}

// resume returns the state of the sequence that o continues, and gives the host
// as much time again; false if there is none of this kind.
func resume[S any](k *Key, o *operation) (state S, ok bool) {
	s := k.boot.sequence
	if s == nil || s.by != o.command || s.session != o.session {
		return state, false
	}
	now := k.config.Clock.Now()
	if now.After(s.deadline) || s.token != nil && k.liveToken() != s.token {
		k.boot.sequence = nil
		return state, false
	}
	if state, ok = s.state.(S); ok {
		s.deadline = now.Add(sequenceTimeout)
	}
	return state, ok
}

// end ends the sequence.
func (k *Key) end() { k.boot.sequence = nil }
