package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/labels"
	"github.com/gofido/fido/examples/internal/shortid"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

// hostilePath is where the hostile key is plugged in.
const hostilePath = "/dev/hidraw99"

// An attack is what a key does wrong.
type attack struct {
	at    int                                               // with which reply to a CTAP2 command it begins, from 1; 0: never
	reply func(c ctap2.Command, reply []byte) []byte        // what comes in place of this one; may be nil
	every func(c ctap2.Command, n int, reply []byte) []byte // in place of each, the n-th of its command, from 1; may be nil
	wire  error                                             // ctaphid.ErrGone, or errSilent: what becomes of the wire when the attack has begun
	card  nfctest.Fault                                     // the key is at a reader with this fault; may be nil
}

// errSilent is a wire that loses what the key says.
var errSilent = errors.New("silent")

// A hostileKey is a key with an attack, in a computer of its own.
type hostileKey struct {
	*attack
	*virtual.Key
	replies int
	counts  map[ctap2.Command]int
	sent    []ctap2.Command
	begun   atomic.Bool // the attack
}

func (h *hostileKey) mutate(c ctap2.Command, reply []byte) []byte {
	h.replies++
	h.counts[c]++
	h.sent = append(h.sent, c)
	if h.every != nil {
		reply = h.every(c, h.counts[c], reply)
	}
	if h.replies == h.at {
		h.begun.Store(true)
		if h.reply != nil {
			return h.reply(c, reply)
		}
	}
	return reply
}

// A hostileWire is the wire to such a key.
type hostileWire struct {
	ctaphid.Device
	key *hostileKey
}

func (w hostileWire) ReadReport(p []byte) (int, error) {
	for {
		n, err := w.Device.ReadReport(p)
		switch {
		case err != nil || w.key.wire == nil || !w.key.begun.Load():
			return n, err
		case w.key.wire != errSilent:
			return 0, w.key.wire
		}
	}
}

func (w hostileWire) WriteReport(p []byte) error {
	if w.key.wire == ctaphid.ErrGone && w.key.begun.Load() {
		return ctaphid.ErrGone
	}
	return w.Device.WriteReport(p)
}

var hostileInfo = hid.Info{
	Path: hostilePath, Bus: hid.BusUSB, VendorID: 0x1209, ProductID: 1, Product: "Hostile Key", Serial: "H0571LE", PhysicalPath: "usb-1/input0",
}

// system is a computer with this key alone. Whoever has to take it out and put it
// back does so at once.
func (h *hostileKey) system() system {
	event := fido.Event{Action: fido.Added, Key: keyInfo(&hostileInfo)}
	return system{
		list: func() ([]hid.Info, error) { return []hid.Info{hostileInfo}, nil },
		find: func(context.Context) (*fido.Found, error) {
			return &fido.Found{Keys: []fido.KeyInfo{keyInfo(&hostileInfo)}}, nil
		},
		watch: func(ctx context.Context) iter.Seq2[fido.Event, error] {
			return func(yield func(fido.Event, error) bool) {
				for _, action := range []fido.Action{fido.Added, fido.Removed, fido.Added} {
					if action == fido.Removed {
						h.PowerCycle()
					}
					event.Action = action
					if !yield(event, nil) {
						return
					}
				}
				<-ctx.Done()
			}
		},
		open: func(ctx context.Context, _ string, o *fido.Options) (*fido.Key, error) {
			if h.card != nil {
				return fido.OpenCard(ctx, nfctest.Faulty(nfc.Loopback(h.Key), h.card), o)
			}
			return fido.OpenHID(ctx, hostileWire{ctaphid.Loopback(h.Key), h}, o)
		},
	}
}

// hostileConfig is a key with everything that fidokey can manage.
func hostileConfig() virtual.Config {
	return virtual.Config{User: willing{}, UV: virtual.FingerprintUV, Enterprise: new(virtual.Enterprise), ResetWindow: time.Hour}
}

// hostileCommands are all commands that talk to a key. ID is the passkey's.
var hostileCommands = []string{
	"info", "list", "label", "label blue", "label --remove", "label blue --by credential", "label blue --by token", "ping --count 2", "wink",
	"pin set", "pin change", "pin verify", "pin retries", "pin force-change -y", "pin min-length", "pin min-length 6 -y",
	"passkeys list", "passkeys show ID", "passkeys edit ID --name bob", "passkeys export-public ID", "passkeys delete ID -y", "passkeys delete ID --dry-run",
	"passkeys compare LISTING " + hostilePath,
	"blobs list", "blobs get ID", "blobs set ID --in FILE -y", "blobs delete ID -y",
	"fingerprints list", "fingerprints add --name thumb", "fingerprints rename index thumb", "fingerprints remove index -y",
	"config", "config always-uv on -y", "config enterprise on -y", "config long-touch on -y",
	"register --site-file SITE --user ada --resident required", "login --site-file SITE", "demo", "reset", "reset --dry-run",
}

// hostileStdin is what the commands get there.
func hostileStdin(command string) string {
	switch command {
	case "pin change":
		return "1234\n1234\n"
	case "reset":
		return resetWord + "\n"
	}
	return "1234\n"
}

// What tells in a listing which key it is of.
var listedKeyJSON, listedIDJSON = regexp.MustCompile(`"key": {[^}]*}`), regexp.MustCompile(`"credentialId": "[^"]*"`)

// run runs a command at a key that has a PIN, a passkey with data and, for what is
// about fingerprints, a finger.
func (x *attack) run(t *testing.T, dir string, config virtual.Config, command string, more ...string) (r result, h *hostileKey, took time.Duration) {
	t.Helper()
	h = &hostileKey{attack: new(attack), Key: newKey(t, config), counts: map[ctap2.Command]int{}}
	if command != "pin set" {
		if err := h.SetPIN([]byte("1234")); err != nil {
			t.Fatal(err)
		}
	}
	made, err := h.AddCredential(virtual.NewCredential{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}, Discoverable: true, LargeBlob: true,
		User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "ada"},
	})
	if err == nil && !config.LargeBlobExtension {
		err = h.SetLargeBlob(made.ID, []byte("hello"))
	}
	if err == nil && strings.HasPrefix(command, "fingerprints r") {
		_, err = h.AddFingerprint("index")
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "data"), []byte("world"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	id := shortid.Long(made.ID)
	expand := strings.NewReplacer("ID", id, "FILE", filepath.Join(dir, "data"), "SITE", filepath.Join(dir, "site.json"), "LISTING", filepath.Join(dir, "listing"))
	once := func(command string, more ...string) result {
		args := append(strings.Fields(expand.Replace(command)), "--timeout", "5s", "--pin-stdin")
		if !strings.Contains(command, hostilePath) {
			args = append(args, "--device", hostilePath)
		}
		return runAt(t.Context(), h.system(), strings.NewReader(hostileStdin(command)), append(args, more...)...)
	}
	switch {
	case strings.HasPrefix(command, "login"):
		once("register --site-file SITE --user ada --resident required")
	case strings.HasPrefix(command, "passkeys compare"):
		another := listedKeyJSON.ReplaceAllString(once("passkeys list", "--json").out, `"key": {}`)
		another = listedIDJSON.ReplaceAllString(another, `"credentialId": "AAAA"`)
		if err := os.WriteFile(filepath.Join(dir, "listing"), []byte(another), 0o600); err != nil {
			t.Fatal(err)
		}
	case command == "label --remove":
		once("label blue --by credential")
	}
	h.SetFaults(virtual.Faults{Mutate: h.mutate})
	h.attack = x
	start := time.Now()
	r = once(command, more...)
	return r, h, time.Since(start)
}

// checkAnswer looks at what a person or a program gets of a command, whatever the
// key does.
func checkAnswer(r result, json bool) error {
	for _, out := range []string{r.out, r.err} {
		for _, c := range out {
			if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co) || c == '\u2028' || c == '\u2029') {
				return fmt.Errorf("the character %U reaches the terminal", c)
			}
		}
	}
	lines := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
	said := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "fidokey: ") {
			said++
		}
	}
	last := lines[len(lines)-1]
	switch {
	case r.code == exitOK && said != 0, r.code != exitOK && r.code != exitNoBackup && (said != 1 || !strings.HasPrefix(last, "fidokey: ")):
		return fmt.Errorf("exit code %d with %d lines of errors, of which the last is %q", r.code, said, last)
	case said > 0 && len(last) > 1000:
		return fmt.Errorf("an error of %d bytes", len(last))
	}
	if json {
		return oneObject(r.out)
	}
	return nil
}

// Without an attack every command does its work.
func TestHostileCommands(t *testing.T) {
	for _, command := range hostileCommands {
		t.Run(command, func(t *testing.T) {
			for _, more := range [][]string{nil, {"--json"}, {"--quiet"}} {
				r, _, _ := new(attack).inBubble(t, command, more...)
				if err := checkAnswer(r, slices.Contains(more, "--json")); r.code != exitOK || err != nil {
					t.Errorf("%q: exit code %d, %v:\n%s%s", more, r.code, err, r.out, r.err)
				}
			}
		})
	}
}

// inBubble is run in virtual time.
func (x *attack) inBubble(t *testing.T, command string, more ...string) (result, *hostileKey, time.Duration) {
	t.Helper()
	return x.with(t, hostileConfig(), command, more...)
}

// with is inBubble with another key.
func (x *attack) with(t *testing.T, config virtual.Config, command string, more ...string) (r result, h *hostileKey, took time.Duration) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(labels.Variable, filepath.Join(dir, "labels.json"))
	synctest.Test(t, func(t *testing.T) { r, h, took = x.run(t, dir, config, command, more...) })
	return r, h, took
}

// hostileReplies are what a reply becomes.
var hostileReplies = map[string]func([]byte) []byte{
	"nothing":       func([]byte) []byte { return nil },
	"status alone":  func([]byte) []byte { return []byte{0} },
	"cut":           func(b []byte) []byte { return b[:len(b)/2] },
	"one byte less": func(b []byte) []byte { return b[:len(b)-1] },
	"one byte more": func(b []byte) []byte { return append(b, 0) },
	"empty map":     func([]byte) []byte { return []byte{0, 0xa0} },
	"null":          func([]byte) []byte { return []byte{0, 0xf6} },
	"deep":          func([]byte) []byte { return append([]byte{0}, bytes.Repeat([]byte{0x81}, 7000)...) },
	"huge":          func([]byte) []byte { return append([]byte{0, 0xbf}, bytes.Repeat([]byte{0x01}, 7600)...) },
	"large count":   func([]byte) []byte { return []byte{0, 0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff} },
}

// hostileLimit is --timeout and as long as it takes to take a command back, with the
// moments before.
const hostileLimit = 5*time.Second + 3*time.Second

// hostileMost is how many commands a key may be asked, which takes no virtual time: a
// whole enumeration and what is around it.
const hostileMost = ctap2.MaxEnumeration + 100

// attacks calls f for each reply to a command at which there can be an attack.
func attacks(t *testing.T, f func(t *testing.T, command string, at int)) {
	for _, command := range hostileCommands {
		t.Run(command, func(t *testing.T) {
			_, h, _ := new(attack).inBubble(t, command)
			for at := range h.replies {
				f(t, command, at+1)
			}
		})
	}
}

// A key that is gone, or says no more, at every moment of every command.
func TestHostileWires(t *testing.T) {
	attacks(t, func(t *testing.T, command string, at int) {
		for wire, code := range map[error]int{ctaphid.ErrGone: exitNoKey, errSilent: exitTimeout} {
			r, h, took := (&attack{at: at, wire: wire}).inBubble(t, command, "--json")
			if err := checkAnswer(r, true); err != nil || took > hostileLimit || r.code != code && r.code != exitOK {
				t.Errorf("%v at reply %d of %v: exit code %d after %v, %v:\n%s", wire, at, h.sent, r.code, took, err, r.err)
			}
		}
	})
}

// A reply that is no reply, to every command that fidokey sends.
func TestHostileReplies(t *testing.T) {
	attacks(t, func(t *testing.T, command string, at int) {
		for i, name := range slices.Sorted(maps.Keys(hostileReplies)) {
			if (i+at)%4 != 0 { // the others are for the replies before and after
				continue
			}
			reply := hostileReplies[name]
			r, h, took := (&attack{at: at, reply: func(_ ctap2.Command, b []byte) []byte { return reply(b) }}).inBubble(t, command)
			// A list with nothing in it is one that keys give.
			empty := r.code == exitNoBackup || r.code == exitFailed && (strings.Contains(r.err, "no passkey on the key has the ID") || strings.Contains(r.err, "the key knows no fingerprint"))
			if err := checkAnswer(r, false); err != nil || took > hostileLimit || r.code != exitRefused && r.code != exitOK && !empty {
				t.Errorf("%s at reply %d of %v: exit code %d after %v, %v:\n%s", name, at, h.sent, r.code, took, err, r.err)
			}
		}
	})
}

// statusStride is how many statuses are passed over at a time.
const statusStride = 67

// Statuses to every command that fidokey sends: each time a few, and over all of them
// every one.
func TestHostileStatuses(t *testing.T) {
	attacks(t, func(t *testing.T, command string, at int) {
		for status := 1 + (at*7+len(command))%statusStride; status < 0x100; status += statusStride {
			r, h, took := (&attack{at: at, reply: func(ctap2.Command, []byte) []byte { return []byte{byte(status)} }}).inBubble(t, command)
			if err := checkAnswer(r, false); err != nil || took > hostileLimit || r.code == exitNoKey || r.code == exitUsage {
				t.Errorf("%v at reply %d of %v: exit code %d after %v, %v:\n%s", ctap2.Status(status), at, h.sent, r.code, took, err, r.err)
			}
		}
	})
}
