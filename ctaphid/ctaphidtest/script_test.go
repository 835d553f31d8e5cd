package ctaphidtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// runSession does what testdata/session.txt expects of a host.
func runSession(t *testing.T, dev ctaphid.Device) {
	t.Helper()
	conn, err := ctaphid.Open(t.Context(), dev, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if reply, err := conn.Ping(t.Context(), nil, []byte("Hello FIDO")); err != nil || string(reply) != "Hello FIDO" {
		t.Errorf("PING: %q, %v", reply, err)
	}
	if err := conn.Wink(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if _, err := conn.CBOR(ctx, nil, []byte{0x0b}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the cancelled request: %v", err)
	}
	if reply, err := conn.MSG(t.Context(), nil, []byte{0, 3, 0, 0, 0, 0, 0}); err != nil || string(reply) != "U2F_V2\x90\x00" {
		t.Errorf("MSG: %q, %v", reply, err)
	}
}

// TestRecorderAndScript plays a golden transcript, records what goes on, and
// plays the record.
func TestRecorderAndScript(t *testing.T) {
	golden, err := os.ReadFile("testdata/session.txt")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ctaphidtest.ParseTranscript(string(golden))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		recorder := ctaphidtest.Record(parsed.Play(t))
		runSession(t, recorder)
		if got, want := recorder.Transcript().String(), parsed.String(); got != want {
			t.Errorf("the record is\n%s\nwant\n%s", got, want)
		}
		runSession(t, recorder.Transcript().Play(t))
	})
}

func TestTranscriptText(t *testing.T) {
	const text = `= 32 64
> ffffffff 86 0008 $nonce
< ffffffff 86 0011 $nonce 0022000202050201
<| 00220002 90
> 00220002 90 0001 ..04
< 00220002 00 aa
~ 1m0.5s
! gone
`
	parsed, err := ctaphidtest.ParseTranscript(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed.String(); got != text {
		t.Errorf("the text becomes\n%s", got)
	}
	if in, out := parsed.Play(fakeTB{t, new([]string)}).ReportSizes(); in != 32 || out != 64 {
		t.Errorf("the sizes are %d and %d", in, out)
	}
	for _, tt := range []struct{ text, want string }{
		{"? 00", "line 1: unknown kind"},
		{"\n> 0g", "line 2: encoding/hex"},
		{"> 000", "line 1: encoding/hex"},
		{"> " + strings.Repeat("00", 65), "65 bytes in a report of 64"},
		{">| 00", "whole reports"},
		{"< ..", "has to know"},
		{"~ long", "duration"},
		{"! fire", "unknown event"},
		{"= 64", "two sizes"},
		{"= 64 7", "report size"},
		{"! gone\n= 64 64", "after the first step"},
	} {
		if _, err := ctaphidtest.ParseTranscript(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

// fakeTB collects failures in place of a test.
type fakeTB struct {
	testing.TB
	failures *[]string
}

func (f fakeTB) Errorf(format string, args ...any) {
	*f.failures = append(*f.failures, fmt.Sprintf(format, args...))
}

func TestScriptFailsTheTest(t *testing.T) {
	report := func(start string) []byte { return append([]byte(start), make([]byte, 64-len(start))...) }
	for _, tt := range []struct {
		name, text, want string
		writes           [][]byte
	}{
		{"another report", "> 00220002 88 0000", "line 1: the host sends\n  > 00220002 81 0000", [][]byte{report("\x00\x22\x00\x02\x81")}},
		{"padding that is not zero", "> 00220002 88 0000", "the host sends", [][]byte{report("\x00\x22\x00\x02\x88\x00\x00\x01")}},
		{"a report too short", "> 00220002 88 0000", "the host sends", [][]byte{{0, 0x22, 0, 2, 0x88}}},
		{"too early", "~ 1s\n> 00220002 88 0000", "while it should wait: ~ 1s", [][]byte{report("\x00\x22\x00\x02\x88")}},
		{"after the end", "", "after the end", [][]byte{report("\x00\x22\x00\x02\x88")}},
		{"only the first deviation is told", "", "after the end", [][]byte{report(""), report("")}},
		{"steps left over", "> 00220002 88 0000\n< 00220002 88 0000", "line 1 was not reached", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var failures []string
			t.Run("inner", func(t *testing.T) {
				dev := ctaphidtest.NewScript(fakeTB{t, &failures}, tt.text)
				for _, w := range tt.writes {
					if err := dev.WriteReport(w); !errors.Is(err, ctaphid.ErrGone) {
						t.Errorf("writing gives %v", err)
					}
				}
			})
			if len(failures) != 1 || !strings.Contains(failures[0], tt.want) {
				t.Errorf("failures are %q, want one with %q", failures, tt.want)
			}
		})
	}
}

// FuzzTranscript parses any text, and what it becomes must parse to the same.
func FuzzTranscript(f *testing.F) {
	golden, err := os.ReadFile("testdata/session.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(golden))
	f.Add("= 8 9\n> 00 .. $nonce\n<| 00\n~ 1s\n! gone")
	f.Fuzz(func(t *testing.T, text string) {
		transcript, err := ctaphidtest.ParseTranscript(text)
		if err != nil {
			return
		}
		first := transcript.String()
		again, err := ctaphidtest.ParseTranscript(first)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", text, first, err)
		}
		if second := again.String(); second != first {
			t.Fatalf("%q becomes %q", first, second)
		}
	})
}
