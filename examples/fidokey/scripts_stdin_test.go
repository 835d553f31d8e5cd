package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// only is a computer with one key, on HID and in this process, whatever --device
// says: with nothing else there time can be virtual.
func only(key *virtual.Key) system {
	return system{
		list: func() ([]hid.Info, error) { return nil, nil },
		find: func(context.Context) (*fido.Found, error) { return new(fido.Found), nil },
		open: func(ctx context.Context, _ string, o *fido.Options) (*fido.Key, error) {
			return fido.OpenHID(ctx, ctaphid.Loopback(key), o)
		},
	}
}

// runAt runs fidokey on a computer.
func runAt(ctx context.Context, s system, stdin io.Reader, args ...string) result {
	var out, errOut bytes.Buffer
	code := s.run(ctx, args, stdin, &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// oneObject reports whether standard output is one JSON object and nothing else.
func oneObject(out string) error {
	d := json.NewDecoder(strings.NewReader(out))
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more than one object")
	}
	return nil
}

// The PIN from a script: which lines do, and that a wrong one costs one try.
func TestPINStdin(t *testing.T) {
	verify := []string{"pin", "verify"}
	change := []string{"pin", "change"}
	for _, test := range []struct {
		name, stdin string
		args        []string
		code        int
		tries       int // of 8 that are left
		says        string
	}{
		{"a line", "1234\n", verify, exitOK, 8, ""},
		{"no end of the line", "1234", verify, exitOK, 8, ""},
		{"a line of Windows", "1234\r\n", verify, exitOK, 8, ""},
		{"a byte order mark, as PowerShell writes", "\ufeff1234\r\n", verify, exitOK, 8, ""},
		{"more lines", "1234\nand more\n", verify, exitOK, 8, ""},
		{"nothing", "", verify, exitPIN, 8, "no PIN was entered"},
		{"an empty line", "\n1234\n", verify, exitPIN, 8, "no PIN was entered"},
		{"a byte order mark alone", "\ufeff\n", verify, exitPIN, 8, "no PIN was entered"},
		{"blanks are part of it", " 1234\n", verify, exitPIN, 7, "wrong"},
		{"control characters are part of it", "12\x0334\x7f4\n", verify, exitPIN, 7, "wrong"},
		{"too short", "12\n", verify, exitPIN, 8, "too short"},
		{"too long", strings.Repeat("1", 64) + "\n", verify, exitPIN, 8, "too long"},
		{"much too long", strings.Repeat("1", 1<<20) + "\n", verify, exitPIN, 8, "too long"},
		{"not UTF-8", "12\xff\xfe34\n", verify, exitPIN, 8, "UTF-8"},
		{"UTF-16", "1\x002\x003\x004\x00\r\x00\n\x00", verify, exitPIN, 8, ""},
		{"wrong", "4321\n1234\n", verify, exitPIN, 7, "7 tries left"},
		{"wrong, and asked for twice", "4321\n1234\n", []string{"passkeys", "list"}, exitPIN, 7, "7 tries left"},
		{"one for several tokens", "1234\n", []string{"fingerprints", "add"}, exitOK, 8, ""},
		{"a change", "1234\n5678\n", change, exitOK, 8, ""},
		{"a change by lines of Windows", "1234\r\n5678\r\n", change, exitOK, 8, ""},
		{"a change without the end of a line", "1234\n5678", change, exitOK, 8, ""},
		{"a change to nothing", "1234\n", change, exitPIN, 8, "second line"},
		{"a change to an empty line", "1234\n\n", change, exitPIN, 8, "second line"},
		{"a change of a wrong one", "4321\n5678\n", change, exitPIN, 7, "7 tries left"},
		{"a change to one that is too short", "1234\n12\n", change, exitPIN, 8, "too short"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := newKey(t, virtual.Config{UV: virtual.FingerprintUV})
			if err := key.SetPIN([]byte("1234")); err != nil {
				t.Fatal(err)
			}
			for _, more := range [][]string{nil, {"--json"}} {
				key.SetPIN([]byte("1234"))
				r := runAt(t.Context(), only(key), strings.NewReader(test.stdin), slices.Concat(test.args, []string{"--pin-stdin"}, more)...)
				if r.code != test.code || !strings.Contains(r.err, test.says) {
					t.Errorf("%q: exit code %d: %s", more, r.code, r.err)
				}
				if n := key.PINRetries(); n != test.tries {
					t.Errorf("%q: %d tries are left", more, n)
				}
				if err := oneObject(r.out); more != nil && err != nil {
					t.Errorf("%v:\n%s", err, r.out)
				}
				if strings.Contains(r.out+r.err, "1234") || strings.Contains(r.out+r.err, "4321") {
					t.Errorf("%q: the PIN is shown: %+v", more, r)
				}
			}
		})
	}
}

// A pipe that stays open and silent holds fidokey no longer than --timeout, or until
// Ctrl-C.
func TestPINStdinSilent(t *testing.T) {
	for _, args := range [][]string{
		{"pin", "verify", "--pin-stdin"}, {"pin", "change", "--pin-stdin"}, {"passkeys", "list", "--pin-stdin"},
		{"demo", "--pin-stdin", "-d", "usb"}, {"reset"}, {"blobs", "set", "abcd"}, {"passkeys", "compare", "-", "usb"},
	} {
		for _, interrupted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/interrupted %t", strings.Join(args, " "), interrupted), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					key := newKey(t, virtual.Config{LargeBlobCapacity: 1024})
					if err := key.SetPIN([]byte("1234")); err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					want := exitTimeout
					if interrupted {
						want = exitInterrupt
						time.AfterFunc(3*time.Second, cancel)
					}
					stdin, silent := io.Pipe()
					defer silent.Close()
					start := time.Now()
					r := runAt(ctx, only(key), stdin, append(slices.Clip(args), "--timeout", "5s")...)
					if took := time.Since(start); r.code != want || took > 6*time.Second {
						t.Errorf("exit code %d after %v: %s", r.code, took, r.err)
					}
				})
			})
		}
	}
}
