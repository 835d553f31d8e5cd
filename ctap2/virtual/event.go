package virtual

import "fmt"

// An Event is something that happened to a credential.
type Event struct {
	Kind       EventKind
	Credential Credential
}

// EventKind says what happened to a credential.
type EventKind uint8

const (
	CredentialCreated  EventKind = iota + 1 // a new one
	CredentialDeleted                       // a stored one is gone; a reset does not list what it erases
	CredentialAsserted                      // it has signed an assertion
	KeyReset                                // everything is erased; Credential is empty
	CredentialUpdated                       // a stored one has other names
)

var eventNames = [...]string{CredentialCreated: "created", CredentialDeleted: "deleted", CredentialAsserted: "asserted", KeyReset: "reset", CredentialUpdated: "updated"}

// String describes the kind in a word.
func (e EventKind) String() string {
	if e == 0 || int(e) >= len(eventNames) {
		return fmt.Sprintf("EventKind(%d)", uint8(e))
	}
	return eventNames[e]
}

// event notes an event for the observer.
func (k *Key) event(kind EventKind, c *credential) {
	if k.config.Observer == nil {
		return
	}
	e := Event{Kind: kind}
	if c != nil {
		e.Credential = c.describe(k)
	}
	k.events = append(k.events, e)
}
