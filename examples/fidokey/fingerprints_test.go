package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// fingerKey is a key with a sensor and the PIN 1234.
func fingerKey(t *testing.T, c virtual.Config) *virtual.Key {
	t.Helper()
	c.UV = virtual.FingerprintUV
	key := newKey(t, c)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	return key
}

// samples is a user whose finger does this, one after the other.
func samples(all ...ctap2.SampleStatus) virtual.User {
	var steps []virtual.Step
	for _, s := range all {
		steps = append(steps, virtual.Step{Sample: virtual.BadSample(s)})
	}
	return virtual.Script(steps...)
}

// withPIN runs a command at the key with the PIN 1234.
func withPIN(t *testing.T, device string, args ...string) result {
	t.Helper()
	return fidokey(t, t.Context(), "1234\n", append(args, "-d", device, "--pin-stdin")...)
}

// jsonOf decodes what a command prints with --json.
func jsonOf[T any](t *testing.T, r result) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(r.out))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); r.code != exitOK || err != nil {
		t.Fatalf("exit code %d, %v: %s%s", r.code, err, r.out, r.err)
	}
	return v
}

// says checks the exit code, and that all of these words are there and nothing else
// is on standard output.
func says(t *testing.T, r result, code int, out string, words ...string) {
	t.Helper()
	if r.code != code || r.out != out {
		t.Errorf("exit code %d instead of %d, and on standard output\n%s\ninstead of\n%s", r.code, code, r.out, out)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			t.Errorf("standard error does not say %q:\n%s", w, r.err)
		}
	}
}

func TestFingerprints(t *testing.T) {
	key := fingerKey(t, virtual.Config{})
	device := serve(t, key)

	// Without one nobody is asked for the PIN.
	r := fidokey(t, t.Context(), "", "fingerprints", "list", "-d", device)
	says(t, r, exitOK, `The key knows no fingerprint.
The sensor: a finger is put on it, a new one takes up to 4 good samples, a name has up to 15 bytes.
`, "fidokey fingerprints add")
	empty := jsonOf[fingerprintListing](t, fidokey(t, t.Context(), "", "fingerprints", "list", "-d", device, "--json"))
	if want := (fingerprintSensor{"touch", 4, 15}); empty.Sensor != want || empty.Fingerprints == nil || len(empty.Fingerprints) != 0 {
		t.Errorf("an empty list is %+v", empty)
	}

	r = withPIN(t, device, "fingerprints", "add", "--name", "left thumb")
	left := key.Fingerprints()[0]
	short := fmt.Sprintf("%x", left.TemplateID)[:6]
	says(t, r, exitOK, "The key knows the finger "+short+` (left thumb).
From now on it takes the finger instead of the PIN.
The PIN goes on working: keep it, for the day that the finger is not recognised.
`, "Put the finger on the sensor", "1 of 4  A good sample: lift the finger and touch again.", "4 of 4  That was the last one.")
	if left.TemplateFriendlyName != "left thumb" {
		t.Errorf("it is named %q", left.TemplateFriendlyName)
	}

	added := jsonOf[listedFingerprint](t, withPIN(t, device, "fingerprints", "add", "--json", "--quiet"))
	right := key.Fingerprints()[1]
	if added.TemplateFriendlyName != "" || !strings.HasPrefix(fmt.Sprintf("%x", right.TemplateID), added.ID) || len(added.ID) < 6 {
		t.Errorf("added %+v", added)
	}
	l := jsonOf[fingerprintListing](t, withPIN(t, device, "fingerprints", "list", "--json"))
	if len(l.Fingerprints) != 2 || l.Fingerprints[0].TemplateFriendlyName != "left thumb" || l.Fingerprints[1] != added {
		t.Errorf("the list is %+v", l)
	}

	says(t, withPIN(t, device, "fingerprints", "rename", strings.ToUpper(added.ID), "right thumb"), exitOK,
		"The fingerprint "+added.ID+" (no name) is named right thumb now.\n")
	says(t, withPIN(t, device, "fingerprints", "rename", "left thumb", "left"), exitOK,
		"The fingerprint "+short+" (left thumb) is named left now.\n")

	says(t, withPIN(t, device, "fingerprints", "remove", "left", short, "--dry-run"), exitOK, "Would remove "+short+" (left).\n")
	says(t, withPIN(t, device, "fingerprints", "remove", "left"), exitUsage, "", "--yes says that you agree")
	if n := len(key.Fingerprints()); n != 2 {
		t.Fatalf("%d are left", n)
	}
	removed := jsonOf[removedFingerprints](t, withPIN(t, device, "fingerprints", "remove", "left", "--yes", "--json"))
	if len(removed.Removed) != 1 || removed.Left != 1 || removed.DryRun {
		t.Errorf("removed %+v", removed)
	}
	says(t, withPIN(t, device, "fingerprints", "remove", "right thumb", "--yes"), exitOK,
		"Removed "+added.ID+" (right thumb).\nThe key asks for its PIN again.\n", "after this it asks for its PIN again")
	if n := len(key.Fingerprints()); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// A key from before CTAP 2.1 has them by the preview command, and tokens for
// everything.
func TestFingerprintsPreview(t *testing.T) {
	key := fingerKey(t, virtual.Config{Profile: virtual.FIDO20, Previews: true})
	device := serve(t, key)
	for _, args := range [][]string{{"add", "--name", "thumb"}, {"rename", "thumb", "index"}, {"list"}, {"remove", "index", "--yes"}, {"list"}} {
		if r := withPIN(t, device, append([]string{"fingerprints"}, args...)...); r.code != exitOK {
			t.Errorf("%s: exit code %d: %s", args[0], r.code, r.err)
		}
	}
	if n := len(key.Fingerprints()); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// What is wrong is said in words, with the exit code of its kind, and before the
// sensor is touched.
func TestFingerprintsRefused(t *testing.T) {
	withoutSensor := serve(t, newKey(t, virtual.Config{}))
	u2f := serve(t, newKey(t, virtual.Config{Profile: virtual.U2FOnly}))
	withoutPIN := serve(t, newKey(t, virtual.Config{UV: virtual.FingerprintUV}))
	key := fingerKey(t, virtual.Config{Fingerprints: virtual.Fingerprints{Max: 2}, User: virtual.NeverTouch()})
	if err := key.SetFingerprints(
		ctap2.TemplateInfo{TemplateID: []byte{0xab, 0xcd, 0xef, 0x12, 0x34}, TemplateFriendlyName: "thumb"},
		ctap2.TemplateInfo{TemplateID: []byte{0xab, 0xcd, 0xef, 0x12, 0x35}, TemplateFriendlyName: "index"},
	); err != nil {
		t.Fatal(err)
	}
	full := serve(t, key)
	for _, test := range []struct {
		name, device string
		args         []string
		code         int
		says         string
	}{
		{"no sensor", withoutSensor, []string{"list"}, exitRefused, "no fingerprint sensor"},
		{"no sensor to add to", withoutSensor, []string{"add"}, exitRefused, "it knows its user by the PIN"},
		{"a key of U2F/no advice about a PIN", u2f, []string{"list"}, exitRefused, "that fingerprints can be added to\n"},
		{"no PIN", withoutPIN, []string{"add"}, exitPIN, "fidokey pin set"},
		{"no PIN and nothing to list", withoutPIN, []string{"list"}, exitOK, "Set a PIN first"},
		{"name too long", full, []string{"add", "--name", "the thumb of my left hand"}, exitUsage, "it takes 25 bytes and the key keeps at most 15"},
		{"name too long in bytes", full, []string{"add", "--name", "ÄÖÜäöüß ß"}, exitUsage, "17 bytes"},
		{"empty name", full, []string{"rename", "thumb", ""}, exitUsage, "at least one character"},
		{"name that a terminal would obey", full, []string{"add", "--name", "\x1b[31m"}, exitUsage, "can't be shown"},
		{"name that is taken", full, []string{"add", "--name", "thumb"}, exitUsage, "another fingerprint is named"},
		{"new name that is taken", full, []string{"rename", "thumb", "index"}, exitUsage, "another fingerprint is named"},
		{"the same name again", full, []string{"rename", "thumb", "thumb"}, exitOK, ""},
		{"no room", full, []string{"add"}, exitRefused, "remove one first"},
		{"ID of several", full, []string{"rename", "abcdef12", "x"}, exitUsage, "abcdef1234 (thumb) or abcdef1235 (index)"},
		{"unknown ID", full, []string{"remove", "thumb", "ab01", "--yes"}, exitFailed, "fidokey fingerprints list"},
		{"empty ID", full, []string{"remove", "", "--yes"}, exitFailed, "fidokey fingerprints list"},
		{"too few arguments", full, []string{"rename", "thumb"}, exitUsage, "2 arguments"},
		{"nothing to remove", full, []string{"remove"}, exitUsage, "at least one"},
		{"what it does not do", full, []string{"dance"}, exitUsage, "dance"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := withPIN(t, test.device, append([]string{"fingerprints"}, test.args...)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) {
				t.Errorf("exit code %d instead of %d, without %q: %s", r.code, test.code, test.says, r.err)
			}
			if strings.Contains(r.err, "\x1b") || strings.Contains(r.err, "Put the finger") && test.name != "no room" {
				t.Errorf("standard error says %q", r.err)
			}
		})
	}
	if n := len(key.Fingerprints()); n != 2 {
		t.Errorf("%d are left", n)
	}
}

// Whatever the sensor can say has words, and what to do.
func TestFingerprintFeedback(t *testing.T) {
	var all []ctap2.SampleStatus
	for s := ctap2.SampleTooHigh; s <= ctap2.SampleNoUserPresenceTransition+1; s++ {
		if s != ctap2.SampleDatabaseFull {
			all = append(all, s)
		}
	}
	device := serve(t, fingerKey(t, virtual.Config{
		User:         samples(append(all, ctap2.SampleGood)...),
		Fingerprints: virtual.Fingerprints{Samples: 1, Kind: ctap2.FingerprintSwipe},
	}))
	r := withPIN(t, device, "fingerprints", "add")
	if r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	if want := `Draw the finger over the sensor, again and again, until the key knows it.
0 of 1  The finger was too high: move it down a little.
0 of 1  The finger was too low: move it up a little.
0 of 1  The finger was too far left: move it to the right.
0 of 1  The finger was too far right: move it to the left.
0 of 1  The finger moved too fast: go more slowly.
0 of 1  The finger moved too slowly: go a little faster.
0 of 1  The quality was poor: wipe finger and sensor, or press more firmly.
0 of 1  The finger was too skewed: keep it straight.
0 of 1  The touch was too short: leave it there a little longer.
0 of 1  The sample does not match the ones before: use the same finger.
0 of 1  The finger is enrolled already: take another one, or end with Ctrl-C.
0 of 1  No finger came in time: the key is still waiting.
0 of 1  The finger was not lifted: lift it, then touch again.
0 of 1  Sample status 0x0f: try again.
1 of 1  That was the last one.
`; !strings.HasPrefix(r.err, want) {
		t.Errorf("the sensor's words are\n%s\ninstead of\n%s", r.err, want)
	}
}

// What ends an enrolment ends it on the key, too: nothing is enrolled, and another
// sample is not wanted any more.
func TestFingerprintEnrolmentEnds(t *testing.T) {
	good := virtual.Step{Sample: virtual.GoodSample}
	for _, test := range []struct {
		name string
		user virtual.User
		stop string // at which word Ctrl-C is pressed
		code int
		says string
	}{
		{"Ctrl-C", virtual.Script(good, good), "2 of 4", exitInterrupt, "interrupted"},
		{"Ctrl-C before the first sample", virtual.NeverTouch(), "until the key knows it", exitInterrupt, "interrupted"},
		{"refused", virtual.Script(good, virtual.Step{Sample: virtual.SampleDeclined}), "", exitRefused, "declined"},
		{"full after all", samples(ctap2.SampleGood, ctap2.SampleDatabaseFull), "", exitRefused, "no room for another fingerprint"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := fingerKey(t, virtual.Config{User: test.user})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			errOut := &watched{seen: func() {}}
			if test.stop != "" {
				errOut.word, errOut.seen = test.stop, cancel
			}
			var out bytes.Buffer
			code := run(ctx, []string{"fingerprints", "add", "-d", serve(t, key), "--pin-stdin"},
				strings.NewReader("1234\n"), &out, errOut)
			if code != test.code || !strings.Contains(errOut.String(), test.says) {
				t.Errorf("exit code %d instead of %d: %s", code, test.code, errOut.String())
			}
			if n := len(key.Fingerprints()); n != 0 {
				t.Errorf("%d fingerprints are enrolled", n)
			}
			begun := false
			for _, c := range key.Commands() {
				if r, err := c.Parse(); err != nil {
					t.Fatal(err)
				} else if r, ok := r.(*ctap2.BioEnrollmentRequest); ok {
					begun = r.SubCommand == ctap2.EnrollBegin || begun && r.SubCommand != ctap2.CancelCurrentEnrollment
				}
			}
			if begun {
				t.Error("the key was not told that the enrolment is over")
			}
		})
	}
}

// A name that the key refuses although its sensor did not say so leaves the finger
// enrolled, and that is said.
func TestFingerprintNameRefused(t *testing.T) {
	key := fingerKey(t, virtual.Config{Faults: virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
		// A sensor that does not tell its limit: the reply without member 8.
		if c == ctap2.CommandBioEnrollment && bytes.HasSuffix(reply, []byte{0x08, 0x0f}) {
			reply = bytes.Clone(reply[:len(reply)-2])
			reply[1]--
		}
		return reply
	}}})
	r := withPIN(t, serve(t, key), "fingerprints", "add", "--name", "the thumb of my left hand")
	says(t, r, exitRefused, "", "The key knows the finger now, but not its name", "fidokey: the name is too long")
	if n := len(key.Fingerprints()); n != 1 {
		t.Errorf("%d fingerprints are enrolled", n)
	}
}

// What a hostile key says of its fingerprints does not reach the terminal as it is.
func TestFingerprintsAreFitForATerminal(t *testing.T) {
	evil := "\x1b[31mRED\x07\r\n"
	key := fingerKey(t, virtual.Config{})
	if _, err := key.AddFingerprint(evil); err != nil {
		t.Fatal(err)
	}
	device := serve(t, key)
	for _, args := range [][]string{{"list"}, {"rename", "�[31mRED���", "x"}, {"remove", "x", "--yes"}} {
		r := withPIN(t, device, append([]string{"fingerprints"}, args...)...)
		if strings.ContainsAny(r.out+r.err, "\x1b\x07\r") {
			t.Errorf("%s prints %q", args[0], r.out+r.err)
		}
	}
}

// The user has --timeout for each sample and not for all together, however often the
// key itself gives up meanwhile.
func TestFingerprintPatience(t *testing.T) {
	slow := virtual.Step{After: 50 * time.Second, Sample: virtual.GoodSample} // the key gives up after 30
	quick := virtual.Step{After: 25 * time.Second, Sample: virtual.GoodSample}
	for _, test := range []struct {
		name  string
		user  virtual.User
		takes time.Duration
		code  int
	}{
		{"slow but there", virtual.Script(quick, quick, quick, quick), 100 * time.Second, exitOK},
		{"away", virtual.Script(quick, slow, slow, slow), 85 * time.Second, exitTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				virtualKey := fingerKey(t, virtual.Config{User: test.user})
				key, err := fido.OpenHID(t.Context(), ctaphid.Loopback(virtualKey), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer key.Close()
				a := &app{in: strings.NewReader("1234\n"), out: io.Discard, err: io.Discard, pinStdin: true, timeout: time.Minute}
				start := time.Now()
				err = a.addFingerprint(t.Context(), key, "", false)
				if code := exitCode(t.Context(), err); code != test.code || time.Since(start) != test.takes {
					t.Errorf("exit code %d after %v: %v", code, time.Since(start), err)
				}
			})
		})
	}
}
