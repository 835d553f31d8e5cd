package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/examples/internal/labels"
)

// keepLabels gives the test a file of labels of its own.
func keepLabels(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config", "labels.json")
	t.Setenv(labels.Variable, path)
	return path
}

func TestScreenLabel(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		keepLabels(s.T)
		s.Run("label")
		s.Run("label 'blue, on the key ring' --by credential")
		s.Touch()
		s.Run("label")
		s.Run("label 'not so blue'")
		s.Run("label --all")
		s.Run("label --remove")
		s.Run("label --remove")
		s.Exit(exitRefused)
	})
}

// On a computer with several keys, each is found by what it has.
func TestScreenLabelSeveral(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		path := keepLabels(t)
		s.names = append(s.names, path, "LABELS")
		touched := virtual.Config{User: virtual.AlwaysTouch()}
		old := touched
		old.Profile = virtual.U2FOnly
		b.plug(exampleKey(0, "70D7E2EE"), newKey(t, touched))
		plain := newKey(t, touched)
		b.plug(exampleKey(1, ""), plain)
		b.plug(exampleKey(2, "00000000"), newKey(t, old))
		secret := newKey(t, touched)
		if err := secret.SetPIN([]byte("secret")); err != nil {
			t.Fatal(err)
		}
		b.plug(exampleKey(3, ""), secret)
		other := exampleKey(4, "")
		other.ProductID = 9
		b.plug(other, newKey(t, touched))

		s.Run("label serial -d /dev/hidraw0")
		s.Run("label credential -d /dev/hidraw1")
		s.Run("label old -d /dev/hidraw2")
		s.Run("label token -d /dev/hidraw3 --by token")
		s.Expect("until it is reset.")
		s.Answer("PIN of the key", "secret")
		s.Run("list -d /dev/hidraw0")
		s.finish()
		if n := b.opens("/dev/hidraw4"); n > 0 {
			t.Errorf("a key of another model was opened %d times", n)
		}
		if n := b.opens("/dev/hidraw0"); n != 1 {
			t.Errorf("the key with a serial number was opened %d times", n)
		}
		var l listing
		if r := b.piped(t.Context(), "", "list", "--json"); json.Unmarshal([]byte(r.out), &l) != nil || len(l.Keys) != 5 || l.Keys[2].Label != "old" || l.Keys[4].Label != "" {
			t.Errorf("%+v", r)
		}
		s.Run("label -d label:credential")
		s.Run("wink -d label:nobody")
		s.Exit(exitUsage)
		b.unplug("/dev/hidraw0")
		s.Run("wink -d label:serial")
		s.Exit(exitNoKey)
		b.plug(exampleKey(0, "70D7E2EE"), newKey(t, touched))
		s.Run("label --all")
		s.Run("label old -d /dev/hidraw0")
		s.Exit(exitUsage)
		s.Run("label --remove old")
		s.Run("list -d /dev/hidraw0")
		s.finish()
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file of the labels: %v, %v", info.Mode(), err)
		}
		if n := len(plain.Credentials()); n > 0 {
			t.Errorf("labelling has stored %d credentials", n)
		}
	})
}

// The label's credential tells keys without a serial number apart, and goes with a
// reset.
func TestScreenResetLabelled(t *testing.T) {
	for _, by := range []string{labels.ByCredential, "token"} {
		t.Run(by, func(t *testing.T) {
			atBench(t, func(s *stage, b *bench) {
				s.names = append(s.names, keepLabels(t), "LABELS")
				key, twin := passkeyKey(t, virtual.Config{}), passkeyKey(t, virtual.Config{})
				b.plug(exampleKey(0, ""), key)
				s.Run("label blue --by %s", by)
				if by == "token" {
					s.Answer("PIN of the key", "secret")
				}
				s.toRemoval()
				b.unplug("/dev/hidraw0")
				s.Expect(putBack)
				b.plug(exampleKey(0, ""), twin)
				s.Expect("is another key")
				b.unplug("/dev/hidraw0")
				b.plug(exampleKey(1, ""), key) // in another port
				s.Exit(exitOK)
				expectNotErased(t, twin)
				s.Run("label -d /dev/hidraw1")
			})
		})
	}
}

func TestLabelRefused(t *testing.T) {
	silent := virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}
	for _, test := range []struct {
		name   string
		config virtual.Config
		args   []string
		want   int
		says   string
	}{
		{"two words", virtual.Config{}, []string{"a", "b"}, exitUsage, "stands in quotes"},
		{"nothing in it", virtual.Config{}, []string{" "}, exitUsage, "at least one character"},
		{"for no terminal", virtual.Config{}, []string{"\x1b[31mred"}, exitUsage, "can't be shown"},
		{"too long", virtual.Config{}, []string{strings.Repeat("é", 65)}, exitUsage, "64 are the most"},
		{"no such way", virtual.Config{}, []string{"a", "--by", "magic"}, exitUsage, "magic"},
		{"all and one", virtual.Config{}, []string{"a", "--all"}, exitUsage, "--all"},
		{"no serial number", virtual.Config{}, []string{"a", "--by", "serial"}, exitRefused, "no serial number"},
		{"no lasting token", virtual.Config{Profile: virtual.FIDO21}, []string{"a", "--by", "token"}, exitRefused, "no identifier"},
		{"no silent answer", silent, []string{"a"}, exitRefused, "--by token"},
		{"declined", virtual.Config{User: virtual.Deny()}, []string{"a"}, exitRefused, "declined"},
		{"PIN not given", virtual.Config{UVForEverything: true}, []string{"a"}, exitPIN, "PIN"},
		{"none of that name", virtual.Config{}, []string{"a", "--remove"}, exitUsage, "no key has the label"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := keepLabels(t)
			key := newKey(t, test.config)
			if err := key.SetPIN([]byte("secret")); err != nil {
				t.Fatal(err)
			}
			r := fidokey(t, t.Context(), "", append([]string{"label", "-d", serve(t, key)}, test.args...)...)
			if r.code != test.want || !strings.Contains(r.err, test.says) {
				t.Errorf("%+v", r)
			}
			if b, _ := os.ReadFile(path); len(b) > 0 && strings.Contains(string(b), `"name"`) {
				t.Errorf("it has a label: %s", b)
			}
		})
	}
}

// A key that wants its PIN for every credential is labelled with it.
func TestLabelJSON(t *testing.T) {
	keepLabels(t)
	key := newKey(t, virtual.Config{UVForEverything: true})
	if err := key.SetPIN([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	device := serve(t, key)
	var got labelResult
	for _, test := range []struct {
		args []string
		want labelResult
	}{
		{[]string{"label"}, labelResult{Device: device}},
		{[]string{"label", "blue", "--pin-stdin"}, labelResult{"blue", labels.ByCredential, device}},
		{[]string{"label"}, labelResult{"blue", labels.ByCredential, device}},
		{[]string{"label", "--remove"}, labelResult{Device: device}},
		{[]string{"label"}, labelResult{Device: device}},
	} {
		r := fidokey(t, t.Context(), "secret\n", append(test.args, "--json", "-d", device)...)
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exitOK || got != test.want {
			t.Errorf("%q: %+v", test.args, r)
		}
	}
}

// What somebody has made of the file does no harm, and is not written over.
func TestLabelsDamaged(t *testing.T) {
	path := keepLabels(t)
	device := serve(t, newKey(t, virtual.Config{}))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	const rubbish = `{"labels": 7}`
	if err := os.WriteFile(path, []byte(rubbish), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := fidokey(t, t.Context(), "", "label", "a", "-d", device); r.code != exitFailed || !strings.Contains(r.err, "repair or delete") {
		t.Errorf("label: %+v", r)
	}
	if r := fidokey(t, t.Context(), "", "info", "-d", device); r.code != exitOK || !strings.Contains(r.err, "can't be read") {
		t.Errorf("info: %+v", r)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != rubbish {
		t.Errorf("the file is %q, %v", b, err)
	}
	const odd = `{"labels": [{"name": "\u001b[31mred", "by": "encIdentifier", "token": "!", "aaguid": "7d2f9c1e-5b60-4a83-9e1d-30c6b8a4f275"},
		{"name": "x", "by": "credential", "credentialId": "AAAA", "aaguid": "7d2f9c1e-5b60-4a83-9e1d-30c6b8a4f275"}, {"by": "?"}]}`
	if err := os.WriteFile(path, []byte(odd), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"label"}, {"label", "--all"}, {"list"}, {"info"}} {
		if r := fidokey(t, t.Context(), "", append(args, "-d", device)...); r.code != exitOK || strings.Contains(r.out+r.err, "\x1b") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// A name that another key has is refused before anybody touches the key.
func TestLabelTaken(t *testing.T) {
	keepLabels(t)
	one, other := newKey(t, virtual.Config{User: virtual.AlwaysTouch()}), newKey(t, virtual.Config{User: virtual.AlwaysTouch(), History: 10})
	says(t, fidokey(t, t.Context(), "", "label", "blue", "-q", "-d", serve(t, one)), exitOK, "")
	says(t, fidokey(t, t.Context(), "", "label", "blue", "-d", serve(t, other)), exitUsage, "", `another key has the label "blue"`)
	for _, c := range other.Commands() {
		if r, err := c.Parse(); err == nil {
			if _, made := r.(*ctap2.MakeCredentialRequest); made {
				t.Error("the key was asked for a credential")
			}
		}
	}
}
