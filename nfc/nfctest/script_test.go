package nfctest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

// recordingT takes what a script has to say.
type recordingT struct {
	testing.TB
	said    []string
	cleanup []func()
}

func (t *recordingT) Helper()          {}
func (t *recordingT) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }
func (t *recordingT) Errorf(format string, args ...any) {
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

func TestScript(t *testing.T) {
	const text = "> 00a4..*\n~ 1s\n< 9000\n> 8011\n! reset # a comment\n^\n> 01\n< 029000"
	for _, c := range []struct {
		name string
		do   string // commands, or ^ for a reset
		want string // the complaint
	}{
		{"as it is written", "00a401020304 8011 ^ 01", ""},
		{"another command", "00a501", "line 1: the host sends\n  00a501"},
		{"too short a command", "00a4", "line 1"},
		{"a reset that is not due", "^", "the host resets the card, before line 1"},
		{"the end comes early", "00a40404", "line 4 was not reached"},
		{"a command too much", "00a40404 8011 ^ 01 05", "the host sends 05, after the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recordingT{TB: t}
				card := nfctest.NewScript(r, text)
				start := time.Now()
				for _, command := range strings.Fields(c.do) {
					if command == "^" {
						card.Reset(t.Context())
						continue
					}
					var apdu []byte
					fmt.Sscanf(command, "%x", &apdu)
					b, err := card.Transmit(t.Context(), nil, apdu)
					if command == "8011" && !errors.Is(err, nfc.ErrReset) {
						t.Errorf("%x, %v", b, err)
					}
				}
				if c.want == "" && time.Since(start) != time.Second {
					t.Errorf("it took %v", time.Since(start))
				}
				for _, f := range r.cleanup {
					f()
				}
				if said := strings.Join(r.said, "; "); !strings.Contains(said, c.want) || (c.want == "") != (said == "") {
					t.Errorf("it says %q, want %q", said, c.want)
				}
			})
		})
	}
}
