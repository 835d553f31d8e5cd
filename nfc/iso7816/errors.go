package iso7816

import "fmt"

// A Problem is what is wrong with an APDU.
type Problem uint8

const (
	NoHeader        Problem = iota + 1 // a command shorter than HeaderSize
	ZeroLc                             // Lc is there and zero; see ParseLenient
	DataTooShort                       // less data than Lc says
	DataTooLong                        // more bytes after the data than an Le
	NoStatusWord                       // a response shorter than a status word
	ResponseTooLong                    // more data than MaxResponseData
)

var problems = [...]string{
	NoHeader:        "a command has at least the four bytes CLA, INS, P1 and P2",
	ZeroLc:          "Lc is zero; it must be left out when there is no data",
	DataTooShort:    "less data follows than Lc says",
	DataTooLong:     "more follows than the data that Lc says and an Le",
	NoStatusWord:    "a response has at least the two bytes of a status word",
	ResponseTooLong: "more data than 65,536 bytes",
}

// String explains the problem.
func (p Problem) String() string {
	if int(p) < len(problems) && problems[p] != "" {
		return problems[p]
	}
	return fmt.Sprintf("problem %d", uint8(p))
}

// A SyntaxError says why bytes are no APDU. A card answers SWWrongLength to
// such a command.
type SyntaxError struct {
	Problem Problem
	Len     int // of the bytes
}

// Error names the problem.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("iso7816: APDU of %d bytes: %v", e.Len, e.Problem)
}

// A RangeError says that a member of a [Command] does not fit its form.
type RangeError struct {
	Member string // "Data", whose value is its length, "Ne" or "Form"
	Value  int
	Max    int // the most that would fit; the least is zero
	Form   Form
}

// Error names the member and what would fit.
func (e *RangeError) Error() string {
	return fmt.Sprintf("iso7816: %s of %d does not fit the %v form: 0 to %d", e.Member, e.Value, e.Form, e.Max)
}
