package ctaphidtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// A Transcript is a conversation of a host and a device, report by report. Its
// text has one step a line:
//
//	# a comment, also after a step
//	= 64 64                                report sizes: to the host, to the device
//	> ffffffff 86 0008 $nonce              the host sends
//	< ffffffff 86 0011 $nonce 00220002 02 050201 05
//	~ 100ms                                time passes
//	<| 00220002 90                         the device sends these bytes alone
//	! gone                                 the device is unplugged
//
// Spaces within a report mean nothing. Reports are filled with zeros up to
// their size, but for those after <|. $nonce stands for eight bytes: in a
// report of the host it is whatever the host sends, in one of the device it is
// what the host sent last. A dot pair (..) stands for any one byte of the
// host's. Sizes are 64 if the transcript does not say.
type Transcript struct {
	In, Out int // report sizes as Device.ReportSizes returns them
	Steps   []Step
}

// A Step is one line of a [Transcript].
type Step struct {
	Kind   Kind
	Line   int           // in the text, from 1; 0 if recorded
	Report []byte        // with zeros in place of what is not literal
	Nonce  int           // where $nonce begins in Report, -1 for nowhere
	Any    []int         // which bytes may be anything
	Pause  time.Duration // of ~
}

// A Kind says what happens in a step.
type Kind byte

// The kinds of steps are the characters that lines begin with.
const (
	Sent     Kind = '>' // the host sends a report
	Received Kind = '<' // the device sends a report
	Pause    Kind = '~' // time passes
	Gone     Kind = '!' // the device is unplugged
)

// ParseTranscript reads a transcript's text. The error names the line.
func ParseTranscript(text string) (*Transcript, error) {
	t := &Transcript{In: ctaphid.MaxReportSize, Out: ctaphid.MaxReportSize}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if err := t.parseLine(line, number); err != nil {
			return nil, fmt.Errorf("transcript line %d: %w", number, err)
		}
	}
	return t, nil
}

func (t *Transcript) parseLine(line string, number int) error {
	step := Step{Kind: Kind(line[0]), Line: number, Nonce: -1}
	rest := strings.TrimSpace(line[1:])
	switch step.Kind {
	case '=':
		if len(t.Steps) > 0 {
			return fmt.Errorf("sizes after the first step")
		}
		if _, err := fmt.Sscanf(rest, "%d %d", &t.In, &t.Out); err != nil {
			return fmt.Errorf("two sizes are due: %w", err)
		}
		if ctaphid.MaxMessage(t.In) == 0 || ctaphid.MaxMessage(t.Out) == 0 {
			return ctaphid.ErrReportSize
		}
		return nil
	case Pause:
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		step.Pause = d
	case Gone:
		if rest != "gone" {
			return fmt.Errorf("unknown event %q", rest)
		}
	case Sent, Received:
		rest, exact := strings.CutPrefix(rest, "|")
		size := t.In
		if step.Kind == Sent {
			size = t.Out
		}
		if err := step.parseReport(strings.Join(strings.Fields(rest), "")); err != nil {
			return err
		}
		if exact && step.Kind == Sent {
			return fmt.Errorf("a host sends whole reports only")
		}
		if !exact {
			if len(step.Report) > size {
				return fmt.Errorf("%d bytes in a report of %d", len(step.Report), size)
			}
			step.Report = append(step.Report, make([]byte, size-len(step.Report))...)
		}
	default:
		return fmt.Errorf("unknown kind of step %q", line[0])
	}
	t.Steps = append(t.Steps, step)
	return nil
}

func (s *Step) parseReport(text string) error {
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "$nonce"); ok {
			s.Nonce = len(s.Report)
			s.Report = append(s.Report, make([]byte, ctaphid.NonceSize)...)
			text = rest
			continue
		}
		if rest, ok := strings.CutPrefix(text, ".."); ok {
			if s.Kind != Sent {
				return fmt.Errorf("the device has to know what it sends")
			}
			s.Any = append(s.Any, len(s.Report))
			s.Report = append(s.Report, 0)
			text = rest
			continue
		}
		b, err := hex.DecodeString(text[:min(2, len(text))])
		if err != nil {
			return err
		}
		s.Report = append(s.Report, b...)
		text = text[2:]
	}
	return nil
}

// matches compares a report that the host sent. nonce is overwritten with what
// it sent in place of $nonce.
func (s *Step) matches(report []byte, nonce *[ctaphid.NonceSize]byte) bool {
	if len(report) != len(s.Report) {
		return false
	}
	want := bytes.Clone(s.Report)
	for _, i := range s.Any {
		want[i] = report[i]
	}
	if s.Nonce >= 0 {
		copy(want[s.Nonce:], report[s.Nonce:s.Nonce+ctaphid.NonceSize])
		if bytes.Equal(want, report) {
			*nonce = [ctaphid.NonceSize]byte(report[s.Nonce:])
		}
	}
	return bytes.Equal(want, report)
}

// String returns the transcript's text, without comments.
func (t *Transcript) String() string {
	var b strings.Builder
	if t.In != ctaphid.MaxReportSize || t.Out != ctaphid.MaxReportSize {
		fmt.Fprintf(&b, "= %d %d\n", t.In, t.Out)
	}
	for _, s := range t.Steps {
		fmt.Fprintln(&b, s.text(t))
	}
	return b.String()
}

func (s *Step) text(t *Transcript) string {
	switch s.Kind {
	case Pause:
		return "~ " + s.Pause.String()
	case Gone:
		return "! gone"
	}
	prefix := string(rune(s.Kind)) + " "
	report := s.Report
	if s.Kind == Received && len(report) != t.In {
		prefix = "<| "
	} else {
		shown := 5 // the header, whatever it contains
		if len(report) > 4 && report[4]&0x80 != 0 {
			shown = 7
		}
		if s.Nonce >= 0 {
			shown = max(shown, s.Nonce+ctaphid.NonceSize)
		}
		for _, i := range s.Any {
			shown = max(shown, i+1)
		}
		shown = min(shown, len(report))
		report = append(bytes.Clone(report[:shown]), bytes.TrimRight(report[shown:], "\x00")...)
	}
	return prefix + s.reportText(report)
}

// reportText groups the header as people read it: channel, command or sequence
// number, length, data.
func (s *Step) reportText(report []byte) string {
	var b strings.Builder
	for i := 0; i < len(report); i++ {
		if i == 4 || i == 5 || i == 7 && report[4]&0x80 != 0 {
			b.WriteByte(' ')
		}
		switch {
		case i == s.Nonce:
			b.WriteString("$nonce")
			if i += ctaphid.NonceSize - 1; i+1 < len(report) {
				b.WriteByte(' ')
			}
		case slices.Contains(s.Any, i):
			b.WriteString("..")
		default:
			fmt.Fprintf(&b, "%02x", report[i])
		}
	}
	return b.String()
}
