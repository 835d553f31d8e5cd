package pcsc

import (
	"fmt"

	"github.com/gofido/fido/nfc"
)

// A Code is an error of the smart-card service, by PC/SC's number. It is
// nfc.ErrGone, nfc.ErrReset, nfc.ErrBusy or nfc.ErrNotSent to errors.Is if it means that.
type Code uint32

// The codes that programs meet.
const (
	Cancelled          Code = 0x80100002
	InvalidHandle      Code = 0x80100003
	InvalidParameter   Code = 0x80100004
	NoMemory           Code = 0x80100006
	InsufficientBuffer Code = 0x80100008
	UnknownReader      Code = 0x80100009
	Timeout            Code = 0x8010000a
	SharingViolation   Code = 0x8010000b
	NoSmartCard        Code = 0x8010000c
	ProtoMismatch      Code = 0x8010000f
	NotReady           Code = 0x80100010
	InvalidValue       Code = 0x80100011
	CommError          Code = 0x80100013
	NotTransacted      Code = 0x80100016
	ReaderUnavailable  Code = 0x80100017
	NoService          Code = 0x8010001d
	ServiceStopped     Code = 0x8010001e
	Unsupported        Code = 0x8010001f
	NoReaders          Code = 0x8010002e
	CommDataLost       Code = 0x8010002f
	UnsupportedCard    Code = 0x80100065
	UnresponsiveCard   Code = 0x80100066
	UnpoweredCard      Code = 0x80100067
	ResetCard          Code = 0x80100068
	RemovedCard        Code = 0x80100069
	SecurityViolation  Code = 0x8010006a
)

// meaning is what a code means to a person, and to the card seam.
type meaning struct {
	text string
	is   error
}

var meanings = map[Code]meaning{
	Cancelled:          {"the wait was cancelled", nil},
	InvalidHandle:      {"the connection to the card does not exist any more", nfc.ErrGone},
	InvalidParameter:   {"the service does not understand the request", nfc.ErrNotSent},
	NoMemory:           {"the service has no memory left", nil},
	InsufficientBuffer: {"the reader does not take a command of this length, or gives a longer answer", nfc.ErrNotSent},
	UnknownReader:      {"there is no reader of this name: list the readers", nfc.ErrGone},
	Timeout:            {"the wait took too long", nil},
	SharingViolation:   {"another program uses the card and does not share it: close that program", nfc.ErrBusy},
	NoSmartCard:        {"there is no card in the reader: hold the key to it, or put the card in", nfc.ErrGone},
	ProtoMismatch:      {"the card speaks a protocol that the reader does not", nil},
	NotReady:           {"the reader is not ready: try again", nil},
	InvalidValue:       {"the reader does not take the command", nfc.ErrNotSent},
	CommError:          {"reader and card do not understand each other: hold the key still and try again", nfc.ErrGone},
	NotTransacted:      {"reader and card have lost each other: hold the key still and try again", nfc.ErrGone},
	ReaderUnavailable:  {"the reader was unplugged", nfc.ErrGone},
	NoService:          {"the smart-card service does not run: install and start pcscd", nil},
	ServiceStopped:     {"the smart-card service has stopped: start it again", nfc.ErrGone},
	Unsupported:        {"the reader's driver does not know that", nil},
	NoReaders:          {"there is no card reader: plug one in", nil},
	CommDataLost:       {"reader and card have lost data: hold the key still and try again", nfc.ErrGone},
	UnsupportedCard:    {"the reader can't speak to this card", nil},
	UnresponsiveCard:   {"the card does not answer: take it away and bring it back", nfc.ErrGone},
	UnpoweredCard:      {"the card has no power: take it away and bring it back", nfc.ErrReset},
	ResetCard:          {"the card was reset by another program", nfc.ErrReset},
	RemovedCard:        {"the card was taken away", nfc.ErrGone},
	SecurityViolation:  {"the service does not let this user at the readers: on Linux polkit decides, which trusts users at the screen", nil},
}

// Error says what the code means and what to do.
func (c Code) Error() string {
	text := meanings[c].text
	if text == "" {
		text = "the smart-card service failed"
	}
	return fmt.Sprintf("%s (PC/SC 0x%08X)", text, uint32(c))
}

// Is reports whether the code means target.
func (c Code) Is(target error) bool {
	m := meanings[c]
	return m.is != nil && m.is == target
}

// A ProtocolError says that the smart-card service does not speak as it should,
// or a version of its protocol that is not known here.
type ProtocolError struct{ Problem string }

func (e *ProtocolError) Error() string { return "the smart-card service: " + e.Problem }

// An OpError says which operation failed on which reader.
type OpError struct {
	Op     string // "connect", "transmit", …
	Reader string // "" if it is about none
	Err    error  // a Code, a context's error, os.ErrClosed, a *ProtocolError, or an error of the system
}

func (e *OpError) Error() string {
	if e.Reader == "" {
		return "pcsc: " + e.Op + ": " + e.Err.Error()
	}
	return fmt.Sprintf("pcsc: %s with %q: %v", e.Op, e.Reader, e.Err)
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }
