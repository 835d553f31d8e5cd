package ctap2

import (
	"fmt"

	"github.com/gofido/fido/cbor"
)

// A TraceEvent is a request about to be sent, or its reply.
type TraceEvent struct {
	Command    Command
	SubCommand uint // zero if the command has none, or was given as raw parameters
	IsReply    bool

	Size   int    // of the message in bytes, the command or status byte included
	Status Status // of a reply
	Err    error  // why there is no reply, or none that makes sense

	// Message is the CBOR in diagnostic notation (RFC 8949 section 8), empty if
	// there is none. Secrets stand there as the text "redacted": PIN/UV
	// parameters and encrypted PINs and tokens, large blobs and their keys, the
	// inputs and outputs of hmac-secret and credBlob, and everything in commands
	// that are not known here.
	Message string
}

// String returns the event on one line, ">" before a request and "<" before a
// reply.
func (e TraceEvent) String() string {
	s := "> " + operation{e.Command, e.SubCommand}.String()
	switch {
	case e.IsReply && e.Err != nil:
		return "<" + s[1:] + ": " + e.Err.Error()
	case e.IsReply:
		s = "<" + s[1:] + ": " + e.Status.Name()
	}
	if e.Message != "" {
		s += " " + e.Message
	}
	return s
}

func requestEvent(o operation, request []byte) TraceEvent {
	hide := everything
	if h, ok := secretRequests[o.command]; ok {
		hide = h
	}
	return TraceEvent{
		Command: o.command, SubCommand: o.subCommand, Size: len(request),
		Message: diagnose(request[1:], hide),
	}
}

func replyEvent(o operation, answer []byte, err error) TraceEvent {
	e := TraceEvent{Command: o.command, SubCommand: o.subCommand, IsReply: true, Size: len(answer), Err: err}
	if len(answer) == 0 {
		return e
	}
	hide := everything
	if h, ok := secretReplies[o.command]; ok {
		hide = h
	}
	e.Status = Status(answer[0])
	e.Message = diagnose(answer[1:], hide)
	return e
}

// secrecy says what of an item is secret: all of it, nothing, or members of a
// map, whose keys are uint64 and string.
type secrecy struct {
	all      bool
	authData bool // authenticator data, with extension outputs within
	members  map[any]*secrecy
}

var (
	everything = &secrecy{all: true}
	nothing    = &secrecy{}

	secretExtensions = &secrecy{members: map[any]*secrecy{
		ExtensionHMACSecret:   everything,
		ExtensionHMACSecretMC: everything,
		ExtensionCredBlob:     everything,
		ExtensionLargeBlob:    everything,
	}}
	secretAuthData = &secrecy{authData: true}
)

// secretMembers names members that are secret altogether.
func secretMembers(numbers ...uint64) *secrecy {
	s := &secrecy{members: map[any]*secrecy{}}
	for _, n := range numbers {
		s.members[n] = everything
	}
	return s
}

// with adds a member that is secret in part.
func (s *secrecy) with(number uint64, part *secrecy) *secrecy {
	s.members[number] = part
	return s
}

var secretRequests = map[Command]*secrecy{
	CommandMakeCredential:              secretMembers(8).with(6, secretExtensions),
	CommandGetAssertion:                secretMembers(6).with(4, secretExtensions),
	CommandGetNextAssertion:            nothing,
	CommandGetInfo:                     nothing,
	CommandClientPIN:                   secretMembers(4, 5, 6),
	CommandReset:                       nothing,
	CommandSelection:                   nothing,
	CommandBioEnrollment:               secretMembers(5),
	CommandBioEnrollmentPreview:        secretMembers(5),
	CommandCredentialManagement:        secretMembers(4),
	CommandCredentialManagementPreview: secretMembers(4),
	CommandLargeBlobs:                  secretMembers(2, 5),
	CommandConfig:                      secretMembers(4),
}

var secretReplies = map[Command]*secrecy{
	CommandMakeCredential:              secretMembers(5).with(2, secretAuthData).with(6, secretExtensions),
	CommandGetAssertion:                secretMembers(7).with(2, secretAuthData).with(8, secretExtensions),
	CommandGetNextAssertion:            secretMembers(7).with(2, secretAuthData).with(8, secretExtensions),
	CommandGetInfo:                     nothing,
	CommandClientPIN:                   secretMembers(2),
	CommandReset:                       nothing,
	CommandSelection:                   nothing,
	CommandBioEnrollment:               nothing,
	CommandBioEnrollmentPreview:        nothing,
	CommandCredentialManagement:        secretMembers(11),
	CommandCredentialManagementPreview: secretMembers(11),
	CommandLargeBlobs:                  secretMembers(1),
	CommandConfig:                      nothing,
}

// diagnose returns b in diagnostic notation, with the secrets replaced.
func diagnose(b []byte, hide *secrecy) string {
	if len(b) == 0 {
		return ""
	}
	item, rest, err := cbor.Split(b)
	if err != nil {
		return fmt.Sprintf("(%d bytes: %v)", len(b), err)
	}
	s, err := cbor.Diagnose(hide.appendTo(nil, item))
	if err != nil {
		return fmt.Sprintf("(%d bytes: %v)", len(b), err)
	}
	if len(rest) > 0 {
		s += fmt.Sprintf(" (%d bytes more)", len(rest))
	}
	return s
}

const redacted = "\x68redacted" // a text string

// appendTo appends a well-formed item with the secrets replaced.
func (s *secrecy) appendTo(dst, item []byte) []byte {
	switch {
	case s.all:
		return append(dst, redacted...)
	case s.authData:
		return appendRedactedAuthData(dst, item)
	case s.members == nil:
		return append(dst, item...)
	}
	head, indefinite, ok := mapHead(item)
	if !ok {
		return append(dst, redacted...) // not what it should be, so nothing is known of it
	}
	dst = append(dst, item[:head]...)
	rest := item[head:]
	for len(rest) > 0 && !(indefinite && rest[0] == 0xff) {
		var key, value []byte
		key, rest, _ = cbor.Split(rest)
		value, rest, _ = cbor.Split(rest)
		dst = append(dst, key...)
		if part := s.member(key); part != nil {
			dst = part.appendTo(dst, value)
		} else {
			dst = append(dst, value...)
		}
	}
	return append(dst, rest...)
}

// member returns what is secret of the member with this encoded key, nil if
// nothing is. The key is decoded, because one of unusual form is the same key.
func (s *secrecy) member(key []byte) *secrecy {
	var k any
	cbor.UnmarshalLenient(key, &k)
	switch k.(type) {
	case uint64, string:
		return s.members[k]
	}
	return nil
}

// appendRedactedAuthData appends the byte string with the secret extension
// outputs replaced, or nothing of it if it can't be told where they are.
func appendRedactedAuthData(dst, item []byte) []byte {
	var b []byte
	if _, err := cbor.UnmarshalLenient(item, &b); err != nil {
		return append(dst, redacted...)
	}
	parts, err := splitAuthData(b)
	if err != nil {
		return append(dst, redacted...)
	}
	if parts.extensions == nil {
		return append(dst, item...)
	}
	b = secretExtensions.appendTo(b[:parts.extensionsAt:parts.extensionsAt], parts.extensions)
	if dst, err = cbor.Append(dst, b); err != nil {
		return append(dst, redacted...)
	}
	return dst
}
