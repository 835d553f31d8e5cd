package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

const (
	takeOut = "Take the key out now."
	putBack = "Put it back now."
)

func passkeyKey(t *testing.T, c virtual.Config) *virtual.Key {
	t.Helper()
	key := newKey(t, c)
	if err := key.SetPIN([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	storePasskey(t, key)
	return key
}

// toRemoval types the word and waits until the key is to be taken out.
func (s *stage) toRemoval() {
	s.Helper()
	s.Run("reset")
	s.Answer("Type erase to erase it: ", "erase")
	s.Expect(takeOut)
}

func TestScreenResetByHand(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		key, info := passkeyKey(t, virtual.Config{}), exampleKey(0, "70D7E2EE")
		b.plug(info, key)
		s.toRemoval()
		b.unplug(info.Path)
		s.Expect(putBack)
		info.Path = "/dev/hidraw3" // the system gives it another number
		b.plug(info, key)
		s.Exit(exitOK)
		if key.HasPIN() || len(key.Credentials()) > 0 {
			t.Error("the key is not erased")
		}
	})
}

// Another key that is plugged in instead, or was there all the time, is left alone.
func TestScreenResetOthers(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		key, info := passkeyKey(t, virtual.Config{}), exampleKey(0, "70D7E2EE")
		beside, backup, other := passkeyKey(t, virtual.Config{}), passkeyKey(t, virtual.Config{}), passkeyKey(t, virtual.Config{})
		b.plug(info, key)
		b.plug(exampleKey(1, "70D7E2EF"), beside)
		s.toRemoval()
		b.unplug("/dev/hidraw1") // the wrong one
		s.Expect("/dev/hidraw1 was another key.")
		s.Expect(takeOut)
		b.plug(exampleKey(1, "70D7E2EF"), beside)
		b.unplug(info.Path)
		s.Expect(putBack)
		b.plug(exampleKey(0, "70D7E2F0"), backup) // its serial number is another
		s.Expect("is another key")
		b.unplug("/dev/hidraw0")
		another := exampleKey(0, "70D7E2EE")
		another.ProductID = 2
		b.plug(another, other)
		s.Expect("is another key")
		b.unplug("/dev/hidraw0")
		b.plug(exampleKey(2, "70D7E2EE"), key) // in another port, which does not matter
		s.Exit(exitOK)
		for _, k := range []*virtual.Key{beside, backup, other} {
			expectNotErased(t, k)
		}
		if len(key.Credentials()) > 0 {
			t.Error("the key is not erased")
		}
	})
}

// Of two keys of a model without serial numbers it can't be told which was put
// back, unless it is in another place or the AAGUID differs.
func TestScreenResetNoSerial(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		key, info := passkeyKey(t, virtual.Config{}), exampleKey(0, "0000000000")
		stranger := passkeyKey(t, virtual.Config{AAGUID: ctap2.AAGUID{1}})
		elsewhere := passkeyKey(t, virtual.Config{})
		b.plug(info, key)
		s.toRemoval()
		b.unplug(info.Path)
		s.Expect(putBack)
		b.plug(exampleKey(0, "0000000000"), stranger)
		s.Expect("is another key")
		b.unplug(info.Path)
		b.plug(exampleKey(1, "0000000000"), elsewhere)
		s.Expect("is another key")
		b.plug(info, key)
		s.Exit(exitOK)
		expectNotErased(t, stranger)
		expectNotErased(t, elsewhere)
		if b.opens("/dev/hidraw1") > 0 {
			t.Error("the key in the other place was opened")
		}
	})
}

// Who is quick has taken the key out before it was asked for.
func TestScreenResetAlreadyOut(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		key, info := passkeyKey(t, virtual.Config{}), exampleKey(0, "70D7E2EE")
		b.plug(info, key)
		s.Run("reset --quiet")
		s.Expect("Type erase to erase it: ")
		b.unplug(info.Path)
		s.Send("erase\r")
		s.Expect(putBack)
		b.plug(info, key)
		s.Exit(exitOK)
		if key.HasPIN() {
			t.Error("the key is not erased")
		}
	})
}

func TestScreenResetByHandTooLate(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		key, info := passkeyKey(t, virtual.Config{ResetWindow: 1}), exampleKey(0, "70D7E2EE")
		b.plug(info, key)
		s.toRemoval()
		b.unplug(info.Path)
		s.Expect(putBack)
		b.plug(info, key)
		s.Exit(exitTimeout)
		expectNotErased(t, key)
	})
}

func TestScreenResetByHandInterrupted(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		manual := virtual.NewManual()
		key, info := passkeyKey(t, virtual.Config{User: manual}), exampleKey(0, "70D7E2EE")
		b.plug(info, key)
		s.toRemoval()
		s.Interrupt()
		s.Exit(exitInterrupt)

		s.toRemoval()
		b.unplug(info.Path)
		s.Expect(putBack)
		s.Interrupt()
		s.Exit(exitInterrupt)
		b.plug(info, key)

		s.toRemoval()
		b.unplug(info.Path)
		s.Expect(putBack)
		b.plug(info, key)
		s.Expect("Touch the key.")
		s.Interrupt()
		s.Exit(exitInterrupt)
		expectNotErased(t, key)
	})
}

func TestScreenResetByHandNobody(t *testing.T) {
	atBench(t, func(s *stage, b *bench) {
		key, info := passkeyKey(t, virtual.Config{}), exampleKey(0, "70D7E2EE")
		b.plug(info, key)
		s.Run("reset --timeout 2s")
		s.Answer("Type erase to erase it: ", "erase")
		s.Expect(takeOut + " (2 s)")
		s.Expect(takeOut + " (1 s)")
		s.Exit(exitTimeout)
		s.Run("reset --timeout 2s")
		s.Answer("Type erase to erase it: ", "erase")
		s.Expect(takeOut)
		b.unplug(info.Path)
		s.Exit(exitTimeout)
		expectNotErased(t, key)
	})
}

// Without a terminal each step is a line, and the result is JSON.
func TestResetPiped(t *testing.T) {
	b := newBench(t)
	key, info := passkeyKey(t, virtual.Config{}), exampleKey(0, "70D7E2EE")
	b.plug(info, key)
	out := &watched{word: takeOut}
	done := false
	out.seen = func() {
		if !done {
			done = true
			b.unplug(info.Path)
			b.plug(info, key)
		}
	}
	var stdout strings.Builder
	code := b.system().run(t.Context(), []string{"reset", "--json", "-d", info.Path}, strings.NewReader("erase\n"), &stdout, out)
	var r resetResult
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil || code != exitOK {
		t.Fatalf("exit code %d, %v: %s%s", code, err, stdout.String(), out.String())
	}
	want := resetResult{Device: info.Path, Product: info.Product, Serial: info.Serial, AAGUID: virtual.DefaultAAGUID.String(),
		Compared: r.Compared, Certain: true, Erased: true, Verified: true}
	if got, _ := json.Marshal(r); string(got) != string(must(json.Marshal(want))) || !slices.Equal(r.Compared, []string{"model", "serial", "aaguid", "port"}) {
		t.Errorf("%s", stdout.String())
	}
	if strings.ContainsAny(out.String(), "\x1b\r") || strings.Count(out.String(), takeOut) != 1 {
		t.Errorf("the steps are %q", out.String())
	}
	if key.HasPIN() {
		t.Error("the key is not erased")
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// What can't be reset is refused before anything is asked, and nobody's silence is
// taken for a yes.
func TestResetRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		stdin  string
		want   int
		says   string
	}{
		{"U2F alone", virtual.Config{Profile: virtual.U2FOnly}, "erase\n", exitRefused, "nothing can erase it"},
		{"not over this transport", virtual.Config{TransportsForReset: []string{ctap2.TransportNFC, ctap2.TransportSmartCard}}, "erase\n",
			exitRefused, "this key can't be reset on USB, only held to a card reader or in a card reader"},
		{"the end of the input", virtual.Config{}, "", exitUsage, "nobody has typed erase"},
		{"another word", virtual.Config{}, "y\n", exitFailed, "you did not agree"},
		{"no such command", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandReset}}, "erase\n", exitRefused, "knows no reset"},
		{"another refusal", virtual.Config{Faults: virtual.Faults{Override: map[ctap2.Command]virtual.Reply{ctap2.CommandReset: {Status: ctap2.StatusOther}}}}, "erase\n", exitRefused, "the key has not done it"},
		{"still a PIN after", virtual.Config{Faults: virtual.Faults{Override: map[ctap2.Command]virtual.Reply{ctap2.CommandReset: {}}}}, "erase\n", exitRefused, "don't trust it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := newKey(t, test.config)
			if test.config.Profile != virtual.U2FOnly {
				if err := key.SetPIN([]byte("secret")); err != nil {
					t.Fatal(err)
				}
			}
			r := fidokey(t, t.Context(), test.stdin, "reset", "-d", (&udpSocket{addr: "127.0.0.1:0"}).plug(t, key))
			if r.code != test.want || !strings.Contains(r.err, test.says) || r.out != "" {
				t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
			}
		})
	}
}

// A key that starts anew after the reset can't be asked for a while.
func TestResetNotVerified(t *testing.T) {
	var key *virtual.Key
	key = newKey(t, virtual.Config{Observer: func(e virtual.Event) {
		if e.Kind == virtual.KeyReset {
			key.SetFaults(virtual.Faults{Override: map[ctap2.Command]virtual.Reply{ctap2.CommandGetInfo: {Status: ctap2.StatusOther}}})
		}
	}})
	r := fidokey(t, t.Context(), "erase\n", "reset", "--json", "-d", (&udpSocket{addr: "127.0.0.1:0"}).plug(t, key))
	var got resetResult
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exitOK || !got.Erased || got.Verified || !strings.Contains(r.err, "It does not answer now") {
		t.Errorf("%+v", r)
	}
}

func TestResetNotTouched(t *testing.T) {
	key := passkeyKey(t, virtual.Config{User: virtual.NeverTouch()})
	r := fidokey(t, t.Context(), "erase\n", "reset", "--timeout", "1s", "-d", (&udpSocket{addr: "127.0.0.1:0"}).plug(t, key))
	if r.code != exitTimeout || !strings.Contains(r.err, "the key was not touched in time; nothing was erased") {
		t.Errorf("%+v", r)
	}
	expectNotErased(t, key)
}

// A state in a file is erased there.
func TestResetVirtual(t *testing.T) {
	device := "virtual:" + t.TempDir() + "/key"
	if r := fidokey(t, t.Context(), "erase\n", "reset", "-d", device); r.code != exitOK || !strings.Contains(r.out, "The key is erased, it says, and has room for 100 passkeys.") {
		t.Errorf("a new key, on which nothing is to be seen: %+v", r)
	}
	if r := fidokey(t, t.Context(), "", "register", "-d", device, "--resident", "required", "--user", "ada"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := fidokey(t, t.Context(), "erase\n", "reset", "-d", device); r.code != exitOK || !strings.Contains(r.out, "The key is erased. It is as it was when it was new") {
		t.Errorf("a key with a passkey: %+v", r)
	}
}
