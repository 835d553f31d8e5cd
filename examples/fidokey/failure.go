package main

import (
	"errors"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// failed is the JSON form of a command that failed, on standard output.
func failed(code int, message string, err error) any {
	f := failure{ExitCode: code, Message: message}
	if status, ok := errors.AsType[ctap2.Status](err); ok {
		f.Status = status.Name()
	}
	if e, ok := errors.AsType[*ctap2.PINError](err); ok {
		if e.Err == nil { // the key was not asked
			f.Status = ""
		}
		f.PIN = pinProblem(e)
		if e.Retries >= 0 {
			f.PINRetries = &e.Retries
		}
	} else if asAny[*pinuv.PINError](err) {
		f.PIN = pinAgainstRules
	} else if errors.Is(err, errNeedPIN) {
		f.PIN = pinNeeded
	}
	return struct {
		Error failure `json:"error"`
	}{f}
}

// A failure says what went wrong, to programs.
type failure struct {
	ExitCode int    `json:"exitCode"`
	Message  string `json:"message"`          // the line for people, which may change
	Status   string `json:"status,omitempty"` // that the key answered with, such as CTAP2_ERR_PIN_INVALID

	PIN        pinWord `json:"pin,omitempty"`        // what is wrong with the PIN, if it is about that
	PINRetries *int    `json:"pinRetries,omitempty"` // wrong PINs left until the PIN is blocked, if known
}

// A pinWord says to programs how it stands with a PIN.
type pinWord string

// The words for the PIN of a key, and for what is wrong with one.
const (
	pinUnsupported  pinWord = "unsupported"      // the key can't have one
	pinNotSet       pinWord = "notSet"           // the key has none yet
	pinUsable       pinWord = "usable"           // all is well
	pinMustChange   pinWord = "mustChange"       // the key takes it only to change it
	pinPowerCycle   pinWord = "powerCycleNeeded" // three wrong in a row: the key has to be taken out, or off the reader
	pinBlocked      pinWord = "blocked"          // too many wrong: only a reset helps
	pinNeeded       pinWord = "needed"           // none was given
	pinAlreadySet   pinWord = "alreadySet"       // it can be changed and not set
	pinWrong        pinWord = "wrong"            // it is not the key's
	pinAgainstRules pinWord = "againstRules"     // the key or the specification does not allow it
)

// pinProblem tells the refusals of a PIN apart.
func pinProblem(e *ctap2.PINError) pinWord {
	switch e.Status {
	case ctap2.StatusPINInvalid:
		if e.Retries == 0 {
			return pinBlocked
		}
		return pinWrong
	case ctap2.StatusPINBlocked:
		return pinBlocked
	case ctap2.StatusPINAuthBlocked:
		return pinPowerCycle
	case ctap2.StatusPINNotSet:
		return pinNotSet
	case ctap2.StatusPINPolicyViolation:
		if e.SubCommand == ctap2.SetPIN || e.SubCommand == ctap2.ChangePIN {
			return pinAgainstRules
		}
		return pinMustChange
	}
	return pinAlreadySet
}

// explainPIN says what a refusal of a PIN means and what to do.
func (a *app) explainPIN(e *ctap2.PINError) string {
	switch word := pinProblem(e); word {
	case pinBlocked:
		return "the PIN is blocked after too many wrong ones: only a reset helps, and it erases everything on the key; fidokey reset does it"
	case pinPowerCycle:
		text := "too many wrong PINs in a row: " + a.powerCycle() + ", then try again"
		if e.Retries > 0 {
			text += "; " + tries(uint(e.Retries))
		}
		return text
	case pinWrong:
		text := wrongPIN
		if e.Retries > 0 {
			text += "; " + tries(uint(e.Retries))
		}
		return text + a.afterWrongPIN(e)
	default:
		return pinAdvice[word]
	}
}

const wrongPIN = "the PIN is wrong"

// afterWrongPIN is what there is to know, beside how many tries are left, before the
// next PIN is typed.
func (a *app) afterWrongPIN(e *ctap2.PINError) (text string) {
	if e.Retries == 1 {
		text += "; after one more only a reset helps, and it erases everything on the key"
	}
	if e.PowerCycleNeeded {
		text += "; before the next one " + a.powerCycle()
	}
	if e.Normalized {
		text += "; if it is the right one, other software has set it in another Unicode form: fidokey pin change --as-typed sends it as you type it"
	}
	return text
}

var pinAdvice = map[pinWord]string{
	pinNotSet:       "no PIN is set on this key: fidokey pin set sets one",
	pinMustChange:   "this key wants its PIN changed before it takes it for anything else: fidokey pin change",
	pinAlreadySet:   "this key has a PIN already: fidokey pin change changes it. If it is forgotten, only fidokey reset helps, and it erases everything on the key",
	pinAgainstRules: "the key's rules do not allow the new PIN: choose another",
}

// powerCycle is what the user has to do with a key that wants to lose power.
func (a *app) powerCycle() string {
	if a.contactless {
		return "take the key off the reader and hold it there again"
	}
	return "take the key out and insert it again"
}
