package ctap2_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// One PIN in two encodings: characters with their accents, and followed by them.
const (
	composed   = "clé-äöü"
	decomposed = "cle\u0301-a\u0308o\u0308u\u0308"
)

func tokenFor(t *testing.T, c *ctap2.Client, pin string) error {
	t.Helper()
	return second(c.PINToken(t.Context(), []byte(pin), ctap2.PermissionGA, "example.com"))
}

// However a PIN is typed, it is the same PIN.
func TestPINIsNormalised(t *testing.T) {
	for _, set := range []string{composed, decomposed} {
		key, c := connect(t, virtual.Config{}, nil)
		if err := c.SetPIN(t.Context(), []byte(set)); err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{composed, decomposed} {
			if err := tokenFor(t, c, typed); err != nil {
				t.Errorf("set %q, typed %q: %v", set, typed, err)
			}
			if err := c.ChangePIN(t.Context(), []byte(typed), []byte(set)); err != nil {
				t.Errorf("set %q, typed %q: %v", set, typed, err)
			}
		}
		if key.PINRetries() != 8 {
			t.Errorf("%d tries left", key.PINRetries())
		}
	}
}

// A PIN that other software has set as it was typed: the error says what it may
// be, one try is spent and not a second one silently, and PINAsTyped helps.
func TestPINSetByOtherSoftware(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	if err := key.SetPIN([]byte(decomposed)); err != nil {
		t.Fatal(err)
	}
	e, ok := errors.AsType[*ctap2.PINError](tokenFor(t, c, decomposed))
	if !ok || !e.Normalized || e.Retries != 7 || key.PINRetries() != 7 || !strings.Contains(e.Error(), "other software") {
		t.Errorf("%+v", e)
	}
	if e, ok := errors.AsType[*ctap2.PINError](tokenFor(t, c, composed)); !ok || e.Normalized || e.Retries != 6 {
		t.Errorf("typed in the normal form: %+v", e)
	}
	typed := ctap2.NewClient(key.Direct(), &ctap2.ClientConfig{PINAsTyped: true})
	if err := tokenFor(t, typed, decomposed); err != nil {
		t.Errorf("as typed: %v", err)
	}
	// Changing it brings the key to the normal form.
	if err := typed.ChangePIN(t.Context(), []byte(decomposed), []byte(decomposed)); err != nil {
		t.Fatal(err)
	}
	if err := tokenFor(t, c, decomposed); err != nil {
		t.Errorf("after the change: %v", err)
	}
}

// What a key accepts as a PIN, counted in code points and in bytes, is what the
// client sends.
func TestPINRulesOfSoftwareKey(t *testing.T) {
	long := strings.Repeat("é", 31) // 62 bytes
	for _, test := range []struct {
		name   string
		config virtual.Config
		pin    string
		rule   pinuv.PINRule // 0: it is accepted
	}{
		{"four characters", virtual.Config{}, "1234", 0},
		{"three characters", virtual.Config{}, "123", pinuv.PINTooShort},
		{"three characters of nine bytes", virtual.Config{}, "漢字仮", pinuv.PINTooShort},
		{"four characters of twelve bytes", virtual.Config{}, "漢字仮名", 0},
		{"four code points that compose to two", virtual.Config{}, "a\u0308o\u0308", pinuv.PINTooShort},
		{"62 bytes", virtual.Config{}, long, 0},
		{"63 bytes", virtual.Config{}, long + "1", 0},
		{"64 bytes", virtual.Config{}, long + "12", pinuv.PINTooManyBytes},
		{"93 bytes that compose to 62", virtual.Config{}, strings.Repeat("e\u0301", 31), 0},
		{"60 bytes that become 120", virtual.Config{}, strings.Repeat("\u0958", 20), pinuv.PINTooManyBytes},
		{"NUL at the end", virtual.Config{}, "1234\x00", pinuv.PINTrailingNUL},
		{"NUL inside", virtual.Config{}, "12\x0034", 0},
		{"not UTF-8", virtual.Config{}, "1234\xff", pinuv.PINNotUTF8},
		{"a longer minimum", virtual.Config{MinPINLength: 8}, "1234567", pinuv.PINTooShort},
		{"a longer minimum, reached", virtual.Config{MinPINLength: 8}, "12345678", 0},
		{"a shorter maximum", virtual.Config{MaxPINLength: 8}, "123456789", pinuv.PINTooLong},
		{"a shorter maximum, in bytes", virtual.Config{MaxPINLength: 8}, "éééééééé", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, c := connect(t, test.config, nil)
			err := c.SetPIN(t.Context(), []byte(test.pin))
			if test.rule == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if err := tokenFor(t, c, test.pin); err != nil {
					t.Error(err)
				}
				return
			}
			broken, ok := errors.AsType[*pinuv.PINError](err)
			if !ok || broken.Rule != test.rule || key.HasPIN() {
				t.Errorf("%v", err)
			}
			if sent := key.Commands(); len(sent) != 1 {
				t.Errorf("%d commands", len(sent))
			}
		})
	}
}

// A key that counts bytes can have a PIN that is shorter than any should be. It
// is sent all the same, and can be changed.
func TestShortPINOfOldKey(t *testing.T) {
	k := newFakeKey(t, "éé", pinuv.One)
	c := ctap2.NewClient(k, nil)
	if err := tokenFor(t, c, "e\u0301e\u0301"); err != nil {
		t.Error(err)
	}
	if err := c.ChangePIN(t.Context(), []byte("éé"), []byte("ééé")); err == nil {
		t.Error("a new PIN of three characters is sent")
	}
	if err := c.ChangePIN(t.Context(), []byte("éé"), []byte("éééé")); err != nil {
		t.Error(err)
	}
	k.took()
	for _, pin := range []string{"é1", "é1\x00", "\x00\x00\x00\x00"} {
		if err := tokenFor(t, c, pin); err == nil {
			t.Errorf("%q: no error", pin)
		}
	}
	if sent := k.took(); slices.Contains(sent, "getPinUvAuthTokenUsingPinWithPermissions") {
		t.Errorf("sent %q", sent)
	}
}

// Both blocks, each with what helps.
func TestBlockedPINOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	for i, test := range []struct {
		status     ctap2.Status
		retries    int
		powerCycle bool
		words      string
		cycle      bool // afterwards
	}{
		{ctap2.StatusPINInvalid, 7, false, "7 tries left", false},
		{ctap2.StatusPINInvalid, 6, false, "6 tries left", false},
		{ctap2.StatusPINAuthBlocked, 5, true, "unplug the key and plug it in", false},
		{ctap2.StatusPINAuthBlocked, 5, true, "5 tries left", true}, // costs no try
		{ctap2.StatusPINInvalid, 4, false, "4 tries left", false},
		{ctap2.StatusPINInvalid, 3, false, "3 tries left", false},
		{ctap2.StatusPINAuthBlocked, 2, true, "off the reader", true},
		{ctap2.StatusPINInvalid, 1, false, "1 try left, after that only a reset helps", false},
		{ctap2.StatusPINBlocked, 0, false, "only a reset helps, and it erases the key", true},
		{ctap2.StatusPINBlocked, 0, false, "only a reset helps", false},
	} {
		try := func() error { return tokenFor(t, c, "0000") }
		if i%2 == 1 { // the other way to spend a try
			try = func() error { return c.ChangePIN(t.Context(), []byte("0000"), []byte("5678")) }
		}
		e, ok := errors.AsType[*ctap2.PINError](try())
		if !ok || e.Status != test.status || e.Retries != test.retries || e.PowerCycleNeeded != test.powerCycle || !strings.Contains(e.Error(), test.words) {
			t.Fatalf("%d: %+v: %v", i, e, e)
		}
		if test.cycle {
			key.PowerCycle()
		}
	}
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.SetPIN(t.Context(), []byte("5678")); err != nil {
		t.Fatal(err)
	}
	if err := tokenFor(t, c, "5678"); err != nil {
		t.Error(err)
	}
}
