package iso7816

import "fmt"

// A StatusWord is the last two bytes of a response, SW1 and SW2 (ISO/IEC 7816-4
// section 5.6). It is an error, and a sentinel: errors.Is(err,
// iso7816.SWWrongData) finds it in whatever wraps it. Applications define
// further ones, such as 9100.
type StatusWord uint16

// The status words of ISO/IEC 7816-4 that cards of this kind send. The low
// bytes of those above SWBytesRemaining and SWWrongLe are numbers: see
// [StatusWord.Remaining] and [StatusWord.ExactLe].
const (
	SWNoError                     StatusWord = 0x9000
	SWBytesRemaining              StatusWord = 0x6100
	SWWarningUnchanged            StatusWord = 0x6200
	SWEndOfFile                   StatusWord = 0x6282
	SWSelectedFileDeactivated     StatusWord = 0x6283
	SWWarningChanged              StatusWord = 0x6300
	SWExecutionErrorUnchanged     StatusWord = 0x6400
	SWExecutionErrorChanged       StatusWord = 0x6500
	SWMemoryFailure               StatusWord = 0x6581
	SWWrongLength                 StatusWord = 0x6700
	SWLogicalChannelNotSupported  StatusWord = 0x6881
	SWSecureMessagingNotSupported StatusWord = 0x6882
	SWLastCommandOfChainExpected  StatusWord = 0x6883
	SWChainingNotSupported        StatusWord = 0x6884
	SWSecurityStatusNotSatisfied  StatusWord = 0x6982
	SWAuthenticationMethodBlocked StatusWord = 0x6983
	SWReferenceDataNotUsable      StatusWord = 0x6984
	SWConditionsOfUseNotSatisfied StatusWord = 0x6985
	SWCommandNotAllowed           StatusWord = 0x6986
	SWWrongData                   StatusWord = 0x6a80
	SWFunctionNotSupported        StatusWord = 0x6a81
	SWFileOrApplicationNotFound   StatusWord = 0x6a82
	SWNotEnoughMemory             StatusWord = 0x6a84
	SWIncorrectP1P2               StatusWord = 0x6a86
	SWLcInconsistentWithP1P2      StatusWord = 0x6a87
	SWReferencedDataNotFound      StatusWord = 0x6a88
	SWWrongP1P2                   StatusWord = 0x6b00
	SWWrongLe                     StatusWord = 0x6c00
	SWInstructionNotSupported     StatusWord = 0x6d00
	SWClassNotSupported           StatusWord = 0x6e00
	SWNoPreciseDiagnosis          StatusWord = 0x6f00
)

// statusTexts holds what the standard says of each status word.
var statusTexts = map[StatusWord]string{
	SWNoError:                     "done",
	SWWarningUnchanged:            "a warning; nothing was changed",
	SWEndOfFile:                   "the end of the file was reached before all bytes were read",
	SWSelectedFileDeactivated:     "the selected file or application is deactivated",
	SWWarningChanged:              "a warning; something was changed",
	SWExecutionErrorUnchanged:     "the command failed; nothing was changed",
	SWExecutionErrorChanged:       "the command failed; something was changed",
	SWMemoryFailure:               "the memory failed",
	SWWrongLength:                 "wrong length",
	SWLogicalChannelNotSupported:  "logical channels are not supported",
	SWSecureMessagingNotSupported: "secure messaging is not supported",
	SWLastCommandOfChainExpected:  "the last command of the chain was expected",
	SWChainingNotSupported:        "command chaining is not supported",
	SWSecurityStatusNotSatisfied:  "security status not satisfied",
	SWAuthenticationMethodBlocked: "the authentication method is blocked",
	SWReferenceDataNotUsable:      "the reference data is not usable",
	SWConditionsOfUseNotSatisfied: "conditions of use not satisfied",
	SWCommandNotAllowed:           "the command is not allowed",
	SWWrongData:                   "incorrect parameters in the data",
	SWFunctionNotSupported:        "the function is not supported",
	SWFileOrApplicationNotFound:   "file or application not found",
	SWNotEnoughMemory:             "not enough memory",
	SWIncorrectP1P2:               "incorrect parameters P1 and P2",
	SWLcInconsistentWithP1P2:      "Lc is inconsistent with P1 and P2",
	SWReferencedDataNotFound:      "referenced data not found",
	SWWrongP1P2:                   "wrong parameters P1 and P2",
	SWInstructionNotSupported:     "the instruction is not supported",
	SWClassNotSupported:           "the class is not supported",
	SWNoPreciseDiagnosis:          "no precise diagnosis",
}

// BytesRemaining returns the status word 61xx that says that n more bytes, at
// least one, are ready for GET RESPONSE. It can't say more than 256, which it
// means as 256 or more.
func BytesRemaining(n int) StatusWord { return SWBytesRemaining | lowByte(n) }

// WrongLe returns the status word 6Cxx that says that the command is to be
// repeated with an Ne of n, 1 to 256.
func WrongLe(n int) StatusWord { return SWWrongLe | lowByte(n) }

func lowByte(n int) StatusWord { return StatusWord(byte(min(max(n, 1), 256))) }

// Remaining returns how many more bytes a 61xx says are ready for GET RESPONSE:
// 1 to 255, or 256 for 256 or more. ok is false for other status words.
func (s StatusWord) Remaining() (n int, ok bool) { return s.number(SWBytesRemaining) }

// ExactLe returns the Ne, 1 to 256, that a 6Cxx asks the command to be repeated
// with. ok is false for other status words.
func (s StatusWord) ExactLe() (n int, ok bool) { return s.number(SWWrongLe) }

func (s StatusWord) number(high StatusWord) (n int, ok bool) {
	if s&0xff00 != high {
		return 0, false
	}
	return lengthOrMax(int(s&0xff), Short), true
}

// Append appends the two bytes of the status word to dst.
func (s StatusWord) Append(dst []byte) []byte { return append(dst, byte(s>>8), byte(s)) }

// Meaning returns what the standard says of the status word, or the empty string
// for one that is not above.
func (s StatusWord) Meaning() string {
	if text, ok := statusTexts[s]; ok {
		return text
	}
	if n, ok := s.Remaining(); ok {
		if n == 256 {
			return "256 bytes or more remain"
		}
		return fmt.Sprintf("%d bytes remain", n)
	}
	if n, ok := s.ExactLe(); ok {
		return fmt.Sprintf("wrong Le; %d bytes are available", n)
	}
	return ""
}

// String returns the four hexadecimal digits of the status word.
func (s StatusWord) String() string { return fmt.Sprintf("%04X", uint16(s)) }

// Error explains the status word.
func (s StatusWord) Error() string {
	if m := s.Meaning(); m != "" {
		return "status word " + s.String() + ": " + m
	}
	return "status word " + s.String()
}
