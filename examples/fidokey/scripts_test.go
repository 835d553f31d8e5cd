package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/examples/internal/labels"
)

// full is a place where no more can be written.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

// A result that could not be written is no success.
func TestOutputFails(t *testing.T) {
	device := "virtual:" + filepath.Join(t.TempDir(), "key")
	for _, args := range [][]string{
		{"--help"}, {"--version"}, {"completion", "bash"}, {"info"}, {"ping"}, {"pin", "retries"}, {"pin", "min-length"}, {"config"},
		{"fingerprints", "list"}, {"demo"}, {"info", "--json"}, {"pin", "retries", "--json"}, {"demo", "--json"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			var errOut bytes.Buffer
			code := run(t.Context(), append(slices.Clip(args), "-d", device), strings.NewReader(""), full{}, &errOut)
			if code != exitFailed || strings.Count(errOut.String(), "fidokey: ") != 1 || !strings.Contains(errOut.String(), "no space left") {
				t.Errorf("exit code %d: %s", code, &errOut)
			}
		})
	}
}

// With --json a mistake on the command line gives an object, too, wherever --json
// stands.
func TestMistakesJSON(t *testing.T) {
	for _, args := range [][]string{
		{"dance", "--json"}, {"--json", "dance"}, {"info", "--loud", "--json"}, {"info", "--json", "--loud"}, {"info", "-x", "--json=true"},
		{"info", "--timeout", "soon", "--json"}, {"info", "--timeout", "-1s", "--json"}, {"list", "x", "--json"}, {"passkeys", "lst", "--json"},
		{"pin", "1234", "--json"}, {"serve", "--json"}, {"serve", "--json", "--udp"}, {"completion", "ksh", "--json"}, {"config", "always-uv", "maybe", "--json"},
		{"ping", "--size", "x", "--json"}, {"blobs", "get", "--json"}, {"passkeys", "compare", "--json"}, {"label", "a", "b", "--json"},
	} {
		r := fidokey(t, t.Context(), "", args...)
		var got struct {
			Error struct{ ExitCode int }
		}
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exitUsage || got.Error.ExitCode != exitUsage {
			t.Errorf("%q: exit code %d, %v:\n%s%s", args, r.code, err, r.out, r.err)
		}
	}
	if r := fidokey(t, t.Context(), "", "list", "--loud", "--", "--json"); r.code != exitUsage || r.out != "" {
		t.Errorf("JSON without --json: %+v", r)
	}
}

// A mistake is told in words, and which kind of failure it is in the exit code.
func TestMistakesInWords(t *testing.T) {
	for _, test := range []struct {
		name, args string
		code       int
		says       string
	}{
		{"help/of no command", "help dance", exitUsage, `there is no command "dance" in fidokey`},
		{"help/of no command below another", "help pin dance", exitUsage, `there is no command "dance" in fidokey pin`},
		{"time without its unit", "list --timeout 5", exitUsage, "such as 30s or 2m"},
		{"no number", "ping --count x", exitUsage, "it is no number"},
		{"no number of several", "register --algorithm -7,x", exitUsage, "it is no number"},
		{"neither true nor false", "list --json=maybe", exitUsage, "it is neither true nor false"},
		{"device/not there", "info -d /nonexistent/hidraw9", exitNoKey, "plug the key in"},
		{"device/no port", "info -d vpcd:x", exitUsage, "missing port"},
		{"device/nobody there", "info -d vpcd:127.0.0.1:1", exitNoKey, "no card waits for a reader"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := fidokey(t, t.Context(), "", strings.Fields(test.args)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Contains(r.err, "strconv") || strings.Contains(r.err, "fidokey: fido:") {
				t.Errorf("exit code %d instead of %d, without %q: %s", r.code, test.code, test.says, r.err)
			}
		})
	}
	for _, args := range [][]string{{"help"}, {"help", "pin"}, {"help", "pin", "set"}, {"help", "help"}} {
		if r := fidokey(t, t.Context(), "", args...); r.code != exitOK || r.out == "" {
			t.Errorf("%q: exit code %d: %s", args, r.code, r.err)
		}
	}
}

// The demo and serve have a JSON form, too.
func TestDemoJSON(t *testing.T) {
	r := fidokey(t, t.Context(), "", "demo", "--json")
	var got demonstrated
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exitOK || len(got.Steps) < 5 || len(got.Steps[0].Details) == 0 {
		t.Errorf("exit code %d, %v:\n%s%s", r.code, err, r.out, r.err)
	}
	key := newKey(t, virtual.Config{})
	if err := key.SetPIN([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	r = runAt(t.Context(), only(key), strings.NewReader(""), "demo", "--json", "-d", "usb")
	if err := oneObject(r.out); err != nil || r.code != exitPIN {
		t.Errorf("without the PIN: exit code %d, %v:\n%s", r.code, err, r.out)
	}
}

func TestServeJSON(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	code := run(ctx, []string{"serve", "--udp", "127.0.0.1:0", "--json"}, strings.NewReader(""), io.MultiWriter(&out, writerFunc(func() { cancel() })), io.Discard)
	var got served
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || code != exitOK || !strings.HasPrefix(got.Serves, "at udp:127.0.0.1:") {
		t.Errorf("exit code %d, %v:\n%s", code, err, &out)
	}
}

// writerFunc calls itself when something is written.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) { f(); return len(p), nil }

// A folder for configuration that can't be is no riddle.
func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} { // see os.UserConfigDir
		t.Setenv(name, file)
	}
	t.Setenv(labels.Variable, "")
	for _, test := range []struct{ args, says string }{
		{"label blue -d virtual", labels.Variable},
		{"label --remove blue", labels.Variable},
		{"register -d virtual", "--site-file"},
		{"login -d virtual", "--site-file"},
	} {
		r := fidokey(t, t.Context(), "", strings.Fields(test.args)...)
		if r.code != exitFailed || strings.Count(r.err, "fidokey: ") != 1 || !strings.Contains(r.err, test.says) {
			t.Errorf("%s: %+v", test.args, r)
		}
	}
	for _, args := range []string{"info -d virtual", "list", "pin retries -d virtual", "reset --dry-run -d virtual"} {
		if r := fidokey(t, t.Context(), "", strings.Fields(args)...); r.code != exitOK && args != "list" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}
