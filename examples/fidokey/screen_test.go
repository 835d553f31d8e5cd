package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

var update = flag.Bool("update", false, "write the screens in testdata/screens")

// A scenario is what a person does with fidokey in a terminal, and what the
// screen shows at the end of it. It runs over every way to a key, and the screen
// is compared with testdata/screens, where the file has the test's name without
// "TestScreen". If the words for a way differ by more than varying evens out, the
// way has a file of its own, NAME.WAY.txt, or NAME.card.txt for all card readers.
//
//	go test -run TestScreenWink -update
//	go test -tags system -run TestScreenWink -update
//	go test -tags system ../../internal/systemtest -run TestGuest/screens -guest.update
//
// writes the files: those of the first ways, that of the smart-card daemon, and that
// of the virtual machine. Read them: they are what people will see.
type scenario struct {
	key virtual.Config    // User is a virtual.Manual, whom Touch and the like steer, unless it is set
	not map[string]string // the ways that can't play it, with the reason

	columns int // of the terminal, if it is narrow
}

// cardReaders are ways that can't play a scenario.
func cardReaders(reason string) map[string]string {
	return map[string]string{"nfc": reason, "pcscd": reason}
}

// simulators are ways that can't play a scenario.
func simulators(reason string) map[string]string {
	return map[string]string{"hid": reason, "nfc": reason}
}

// A stage is what a scenario plays on: a terminal, a key, and the person who has
// both.
type stage struct {
	*testing.T
	*terminal
	way  way
	key  *virtual.Key
	user *virtual.Manual // nil if the scenario has another

	device  string // of key
	socket  socket
	names   []string // alternately devices and what the screen's file says instead
	varies  []variation
	plugged int // keys
}

// play plays the scenario over every way.
func (sc scenario) play(t *testing.T, f func(s *stage)) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			if reason := sc.not[w.name]; reason != "" {
				t.Log("not this way: " + reason)
				return
			}
			ownConfig(t)
			s := &stage{T: t, terminal: newTerminal(t, cmp.Or(sc.columns, columns)), way: w}
			if sc.key.User == nil {
				s.user = virtual.NewManual()
				sc.key.User = s.user
				defer func() { sc.key.User = nil }()
			}
			s.key, s.device, s.socket = s.plug(sc.key)
			f(s)
			s.finish()
			s.compare()
		})
	}
}

// ownConfig gives the test a folder for what fidokey remembers of keys, instead of
// that of whoever runs the test.
func ownConfig(t *testing.T) {
	t.Helper()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} { // see os.UserConfigDir
		t.Setenv(name, t.TempDir())
	}
}

// plug makes another key and plugs it in until the scenario ends.
func (s *stage) plug(c virtual.Config) (*virtual.Key, string, socket) {
	s.Helper()
	if limit := s.way.maxMsgSize; limit > 0 {
		c.MaxMsgSize = min(c.MaxMsgSize, limit)
	}
	key := newKey(s.T, c)
	place := s.way.socket(s.T)
	device := place.plug(s.T, key)
	s.Cleanup(func() { place.unplug(s.T) })
	if s.plugged++; s.plugged == 1 {
		s.name(device, "KEY")
	} else {
		s.name(device, fmt.Sprintf("KEY%d", s.plugged))
	}
	return key, device, place
}

// name has the screen's file say something instead of a device, in quotes or not.
func (s *stage) name(device, name string) {
	s.names = append(s.names, quoted(device), name, device, name)
}

// Plug plugs in another key that is like c says, and returns it and its --device,
// which quoted makes a word of a line for Run.
func (s *stage) Plug(c virtual.Config) (*virtual.Key, string) {
	s.Helper()
	key, device, _ := s.plug(c)
	return key, device
}

// Run runs fidokey in the terminal, with the stage's key unless the line names
// another. Words of the line that have blanks stand in quotes. A command that
// runs already must end and succeed first. Without an Exit that follows, this
// one must succeed, too.
func (s *stage) Run(format string, args ...any) {
	s.Helper()
	line := fmt.Sprintf(format, args...)
	s.start(line, s.args(line))
}

// Alone is Run for a command that has nothing to do with the stage's key.
func (s *stage) Alone(format string, args ...any) {
	s.Helper()
	line := fmt.Sprintf(format, args...)
	words, err := shellWords(line)
	if err != nil {
		s.Fatal(err)
	}
	s.start(line, words)
}

// Piped runs fidokey without a terminal, with stdin as its standard input, and
// returns what it wrote: --json is for that. Nothing of it is on the screen.
func (s *stage) Piped(stdin, format string, args ...any) result {
	s.Helper()
	s.finish()
	return fidokey(s.T, s.Context(), stdin, s.args(fmt.Sprintf(format, args...))...)
}

func (s *stage) args(line string) []string {
	s.Helper()
	words, err := shellWords(line)
	if err != nil {
		s.Fatal(err)
	}
	if hasDevice(words) {
		return words
	}
	return append([]string{"--device", s.device}, words...)
}

func hasDevice(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return w == "-d" || strings.HasPrefix(w, "--device") })
}

// The ways in which people are asked for a touch.
const (
	touchTheKey   = "Touch the key."
	holdTheKey    = "Hold the key to the reader."
	putYourFinger = "Put your finger on the key"
	tryAgain      = "The key did not recognise the finger"
)

// Touch waits until the person is asked for a touch, in the words for the way,
// and touches the key or holds it to the reader.
func (s *stage) Touch() { s.Helper(); s.Decide(virtual.Touch) }

// Decide is Touch with another decision.
func (s *stage) Decide(d virtual.Decision) {
	s.Helper()
	s.askedToTouch()
	do(s, s.user.Decisions, d)
}

// askedToTouch waits until the person is asked for a touch.
func (s *stage) askedToTouch() {
	s.Helper()
	if s.way.card {
		s.Expect(holdTheKey)
	} else {
		s.Expect(touchTheKey)
	}
}

// Finger waits until the person is asked for a fingerprint, and puts a finger on
// the sensor that the key recognises or not.
func (s *stage) Finger(v virtual.Verification) {
	s.Helper()
	s.ExpectOneOf(putYourFinger, tryAgain)
	s.askedToTouch() // so that it is there before the key has its answer
	do(s, s.user.Verifications, v)
}

// Sample gives the sensor a sample of a finger, when the key wants one.
func (s *stage) Sample(v virtual.Sample) { s.Helper(); do(s, s.user.Samples, v) }

// do has the person do something when the key asks for it.
func do[A any](s *stage, to chan<- A, what A) {
	s.Helper()
	select {
	case to <- what:
	case <-time.After(patience):
		s.Fatalf("the key does not ask for anything (%v):\n%s", what, s.Screen())
	}
}

// cancelled checks that the key's last command was cancelled.
func (s *stage) cancelled() {
	s.Helper()
	commands := s.key.Commands()
	if len(commands) == 0 {
		s.Fatal("the key got no command")
	}
	if last := commands[len(commands)-1]; last.Status != ctap2.StatusKeepaliveCancel {
		s.Errorf("the last command, %v, ended with %v", last.Command(), last.Status)
	}
}

// Unplug pulls the stage's key out, or takes it away from the reader.
func (s *stage) Unplug() { s.Helper(); s.socket.unplug(s.T) }

// Replug plugs the stage's key in again: its power is on from now.
func (s *stage) Replug() {
	s.Helper()
	s.key.PowerCycle()
	s.device = s.socket.plug(s.T, s.key)
	s.name(s.device, "KEY")
}

// A variation is what differs between runs or ways, and what the files have
// instead.
type variation struct {
	pattern *regexp.Regexp
	instead string
}

// Varies names what differs between runs of this scenario alone.
func (s *stage) Varies(pattern, instead string) {
	s.varies = append(s.varies, variation{regexp.MustCompile(pattern), instead})
}

// varying is what differs in every scenario.
var varying = []variation{
	{regexp.MustCompile(`Touch the key\.|Hold the key to the reader\.`), "[Touch the key.]"},
	{regexp.MustCompile(`Keep the key at the reader until this is done\.\n`), ""},
	{regexp.MustCompile(`\ba touch\b|\ba tap at the reader\b`), "[a touch]"},
	{regexp.MustCompile(`\d+(\.\d+)?(ns|µs|ms)|\d+\.\d+s\b`), "TIME"},
	{regexp.MustCompile(`1\. Opened a channel.*\n.*|1\. Selected the FIDO application.*\n.*`), "1. [Met the key.]"},
	{regexp.MustCompile(`credential ID of \d+ bytes: [0-9a-f]{16}…`), "credential ID of N bytes: ID…"},
	{regexp.MustCompile(`signature of \d+ bytes`), "signature of N bytes"},
	{regexp.MustCompile(`\b[0-9a-f]{16}… \(\d+ bytes\)`), "ID… (N bytes)"},
	{regexp.MustCompile(`\b[0-9a-f]{32,}\b`), "HEX"},
	{regexp.MustCompile(`\b[0-9a-f]{6,}( \(|  | NAME)`), "ID$1"},
	{regexp.MustCompile(`\bkey\d+\b`), "SERIAL"}, // of a device in the virtual machine
	{regexp.MustCompile(` \(\d+ s\)`), ""},
}

// stable is what the screen shows without what differs between runs.
func (s *stage) stable() string {
	var names []string
	for pair := range slices.Chunk(s.names, 2) {
		names = append(names, `"`+pair[0]+`"`, pair[1], pair[0], pair[1]) // a reader's name has blanks
	}
	screen := strings.NewReplacer(names...).Replace(s.Screen())
	for _, v := range slices.Concat(s.varies, varying) {
		screen = v.pattern.ReplaceAllString(screen, v.instead)
	}
	return screen
}

// screens is where the files are.
var screens = os.DirFS("testdata/screens")

// compare compares the screen with its file.
func (s *stage) compare() {
	s.Helper()
	got := s.stable()
	if len(s.stream) == 0 {
		return // no command has run in the terminal
	}
	test, _, _ := strings.Cut(s.Name(), "/"+s.way.name)
	name := strings.ReplaceAll(strings.TrimPrefix(test, "TestScreen"), "/", "-")
	// The most special file first.
	files := []string{name + "." + s.way.name + ".txt", name + ".txt"}
	if s.way.card {
		files = []string{name + "." + s.way.name + ".txt", name + ".card.txt", name + ".txt"}
	}
	if *update {
		s.write(files, got)
		return
	}
	for _, file := range files {
		if want, err := fs.ReadFile(screens, file); err == nil {
			if got != string(want) {
				s.Errorf("the screen is not that of %s:\n%s", file, difference(string(want), got))
			}
			return
		}
	}
	s.Errorf("there is no %s, which -update writes; the screen:\n%s", files[len(files)-1], got)
}

// write writes the file for a screen, or removes it if there is one that the screen
// shares with another way.
func (s *stage) write(files []string, got string) {
	s.Helper()
	file := files[len(files)-1] // what all share
	switch s.way.name {
	case "hid":
	case "nfc":
		file = files[1]
	default:
		file = files[0]
	}
	for _, shared := range files {
		if b, err := fs.ReadFile(screens, shared); shared != file && err == nil && string(b) == got {
			got = ""
		}
	}
	if err := writeScreen(file, got); err != nil {
		s.Error(err)
	}
}

// writeScreen writes a file, or removes it if it is to be empty. In the virtual
// machine it is another.
var writeScreen = func(file, screen string) error {
	file = filepath.Join("testdata/screens", file)
	if screen == "" {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return os.WriteFile(file, []byte(screen), 0o644)
}

// difference marks the lines that two texts do not share, without those that
// they have in common at the beginning and at the end.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	for len(w) > 0 && len(g) > 0 && w[0] == g[0] {
		fmt.Fprintf(&out, "  %s\n", w[0])
		w, g = w[1:], g[1:]
	}
	n := 0
	for n < len(w) && n < len(g) && w[len(w)-1-n] == g[len(g)-1-n] {
		n++
	}
	for _, line := range w[:len(w)-n] {
		fmt.Fprintf(&out, "- %s\n", line)
	}
	for _, line := range g[:len(g)-n] {
		fmt.Fprintf(&out, "+ %s\n", line)
	}
	for _, line := range w[len(w)-n:] {
		fmt.Fprintf(&out, "  %s\n", line)
	}
	return out.String()
}

// shellWords splits a line into words as a shell does: quotes, backslashes, and a
// comment at the end.
func shellWords(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, inWord = c, true
		case c == '#' && !inWord:
			return words, nil
		case c == ' ' || c == '\t':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote does not end: %s", line)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
