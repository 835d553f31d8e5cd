package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

type result struct {
	code     int
	out, err string
}

func fidokey(t *testing.T, ctx context.Context, stdin string, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// serve puts a software key on a UDP port and returns its --device.
func serve(t *testing.T, key *virtual.Key) string {
	t.Helper()
	l, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ctaphid.NewServer(key, nil).Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done; l.Close() })
	return "udp:" + l.Addr().String() + ":0"
}

func newKey(t *testing.T, c virtual.Config) *virtual.Key {
	t.Helper()
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The demo's whole text, with what differs between runs replaced.
func TestDemo(t *testing.T) {
	r := fidokey(t, t.Context(), "", "demo")
	if r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	got := regexp.MustCompile(`credential ID of \d+ bytes: [0-9a-f]{16}…`).ReplaceAllString(r.out, "credential ID of N bytes: X…")
	got = regexp.MustCompile(`signature of \d+ bytes`).ReplaceAllString(got, "signature of N bytes")
	want, err := os.ReadFile("testdata/demo.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the demo says\n%s\ninstead of\n%s", got, want)
	}
}

func TestDemoTrace(t *testing.T) {
	r := fidokey(t, t.Context(), "", "demo", "--trace")
	if r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	for _, want := range []string{"> ffffffff INIT", "authenticatorMakeCredential", "authenticatorClientPIN", "KEEPALIVE", "continuation 0", `"redacted"`} {
		if !strings.Contains(r.err, want) {
			t.Errorf("the trace has no %q", want)
		}
	}
	if strings.Contains(r.err, demoPIN) {
		t.Error("the trace has the PIN")
	}
}

// On a key that is not ours the demo sets no PIN and leaves nothing behind.
func TestDemoOnRealKey(t *testing.T) {
	t.Run("without a PIN", func(t *testing.T) {
		key := newKey(t, virtual.Config{})
		r := fidokey(t, t.Context(), "", "demo", "--device", serve(t, key))
		if r.code != exitOK || !strings.Contains(r.out, "Nothing was stored") {
			t.Fatalf("exit code %d: %s%s", r.code, r.out, r.err)
		}
		if n := len(key.Credentials()); n != 0 {
			t.Errorf("%d credentials are left", n)
		}
		for _, c := range key.Commands() {
			if c.Command() == ctap2.CommandClientPIN {
				t.Error("the demo sent a clientPIN")
			}
		}
	})
	t.Run("with a PIN", func(t *testing.T) {
		key := newKey(t, virtual.Config{UVForEverything: true})
		if err := key.SetPIN([]byte("secret")); err != nil {
			t.Fatal(err)
		}
		device := serve(t, key)
		if r := fidokey(t, t.Context(), "", "demo", "--device", device); r.code != exitPIN {
			t.Errorf("without a PIN: exit code %d: %s", r.code, r.err)
		}
		if r := fidokey(t, t.Context(), "wrong\n", "demo", "--device", device, "--pin-stdin"); r.code != exitPIN || !strings.Contains(r.err, "7 ") {
			t.Errorf("with a wrong PIN: exit code %d: %s", r.code, r.err)
		}
		r := fidokey(t, t.Context(), "secret\n", "demo", "--device", device, "--pin-stdin")
		if r.code != exitOK || !strings.Contains(r.out, "a touch and the PIN") {
			t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
		}
		if n := len(key.Credentials()); n != 0 {
			t.Errorf("%d credentials are left", n)
		}
	})
}

// A key that knows no more than U2F does what U2F can, and the rest is said.
func TestU2FOnly(t *testing.T) {
	key := newKey(t, virtual.Config{Profile: virtual.U2FOnly})
	device := serve(t, key)
	r := fidokey(t, t.Context(), "", "demo", "--device", device)
	if r.code != exitOK {
		t.Fatalf("demo: exit code %d: %s%s", r.code, r.out, r.err)
	}
	for _, want := range []string{"U2F_VERSION", "U2F knows no PIN", "U2F_REGISTER", "format fido-u2f", "U2F_AUTHENTICATE", "Everything verified. Nothing was stored"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, r.out)
		}
	}
	for _, c := range key.Commands() {
		if !c.U2F {
			t.Errorf("sent %x", c.Request)
		}
	}
	r = fidokey(t, t.Context(), "", "info", "--device", device)
	if r.code != exitOK || !strings.Contains(r.out, "U2F_V2") || !strings.Contains(r.out, "U2F alone") || strings.Contains(r.out, "maxMsgSize") {
		t.Errorf("info: exit code %d: %s%s", r.code, r.out, r.err)
	}
	r = fidokey(t, t.Context(), "", "info", "--json", "--device", device)
	var got map[string]any
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || len(got) != 4 || fmt.Sprint(got["versions"]) != "[U2F_V2]" {
		t.Errorf("info --json: %s: %v", r.out, err)
	}
	never := serve(t, newKey(t, virtual.Config{Profile: virtual.U2FOnly, User: virtual.NeverTouch()}))
	if r := fidokey(t, t.Context(), "", "demo", "-d", never, "--timeout", "300ms"); r.code != exitTimeout || !strings.Contains(r.err, "Touch the key.") {
		t.Errorf("not touched: exit code %d: %s", r.code, r.err)
	}
}

func TestInfo(t *testing.T) {
	text := fidokey(t, t.Context(), "", "info", "-d", "virtual")
	if text.code != exitOK {
		t.Fatalf("exit code %d: %s", text.code, text.err)
	}
	for _, want := range []string{"FIDO_2_1", virtual.DefaultAAGUID.String(), "no PIN is set yet", "room for 100 more passkeys", "ES256"} {
		if !strings.Contains(text.out, want) {
			t.Errorf("info has no %q:\n%s", want, text.out)
		}
	}
	r := fidokey(t, t.Context(), "", "info", "-d", "virtual", "--json")
	var info struct {
		Versions   []string
		AAGUID     string
		Options    map[string]bool
		MaxMsgSize uint
		Algorithms []int
		Protocols  []int `json:"pinUvAuthProtocols"`
	}
	if err := json.Unmarshal([]byte(r.out), &info); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(info.Versions, "FIDO_2_1") || info.AAGUID != virtual.DefaultAAGUID.String() || !info.Options["rk"] ||
		info.MaxMsgSize < 1024 || !slices.Contains(info.Algorithms, -7) || !slices.Equal(info.Protocols, []int{2, 1}) {
		t.Errorf("the JSON says %+v:\n%s", info, r.out)
	}
}

func TestPing(t *testing.T) {
	r := fidokey(t, t.Context(), "", "ping", "-d", "virtual", "--size", "7609", "--count", "3")
	if r.code != exitOK || strings.Count(r.out, "7609 bytes there and back") != 3 || !strings.Contains(r.out, "3 of 3 came back unchanged") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
}

func TestPingAndWinkJSON(t *testing.T) {
	r := fidokey(t, t.Context(), "", "ping", "-d", "virtual", "--size", "100", "--count", "3", "--json")
	var p pings
	if err := json.Unmarshal([]byte(r.out), &p); err != nil || p.Size != 100 || p.Count != 3 || p.Slowest < p.Median || p.Median <= 0 {
		t.Errorf("ping: %+v, %v", r, err)
	}
	if r := fidokey(t, t.Context(), "", "wink", "-d", "virtual", "--json"); r.code != exitOK || r.out != "{\n  \"winked\": true\n}\n" {
		t.Errorf("wink: %+v", r)
	}
}

func TestWink(t *testing.T) {
	winks := make(chan struct{}, 1)
	l, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	server := ctaphid.NewServer(newKey(t, virtual.Config{}), &ctaphid.ServerConfig{Wink: func() { winks <- struct{}{} }})
	go func() { done <- server.Serve(ctx, l) }()
	defer func() { cancel(); <-done; l.Close() }()
	if r := fidokey(t, t.Context(), "", "wink", "-d", "udp:"+l.Addr().String()+":0"); r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	select {
	case <-winks:
	default:
		t.Error("the key did not wink")
	}
}

func TestListJSON(t *testing.T) {
	r := fidokey(t, t.Context(), "", "list", "--json")
	if _, err := fido.Find(t.Context()); err != nil {
		if r.code != exitNoKey {
			t.Errorf("exit code %d: %s", r.code, r.err)
		}
		return
	}
	var l listing
	if err := json.Unmarshal([]byte(r.out), &l); err != nil || l.Keys == nil || l.Readers == nil {
		t.Errorf("list --json gives %q: %v", r.out, err)
	}
}

// Every exit code, with one line on standard error.
func TestExitCodes(t *testing.T) {
	never := serve(t, newKey(t, virtual.Config{User: virtual.NeverTouch()}))
	deny := serve(t, newKey(t, virtual.Config{User: virtual.Deny()}))
	key := newKey(t, virtual.Config{})
	if err := key.SetPIN([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	withPIN := serve(t, key)
	for _, test := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"help", []string{"--help"}, exitOK, ""},
		{"completion", []string{"completion", "bash"}, exitOK, ""},
		{"unknown command", []string{"dance"}, exitUsage, "--help"},
		{"unknown flag", []string{"list", "--loud"}, exitUsage, "--help"},
		{"argument that is not wanted", []string{"list", "x"}, exitUsage, "--help"},
		{"bad colour", []string{"list", "--color", "blue"}, exitUsage, "blue"},
		{"bad size", []string{"ping", "--size", "7610"}, exitUsage, "7609"},
		{"serve without a place", []string{"serve"}, exitUsage, "one of --uhid, --udp ADDR and --vpcd"},
		{"serve in two places", []string{"serve", "--uhid", "--udp", "127.0.0.1:0"}, exitUsage, "one of --uhid, --udp ADDR and --vpcd"},
		{"no such profile", []string{"serve", "--udp", "127.0.0.1:0", "--profile", "fido99"}, exitUsage, "fido99"},
		{"bad UDP address", []string{"info", "-d", "udp:127.0.0.1:bad"}, exitUsage, "HOST:PORT"},
		{"bad UDP address to serve at", []string{"serve", "--udp", "127.0.0.1:99999"}, exitUsage, "HOST:PORT"},
		{"no such folder for the state", []string{"serve", "--udp", "127.0.0.1:0", "--state", filepath.Join(t.TempDir(), "x", "y")}, exitFailed, "the state in"},
		{"PIN that is empty", []string{"demo", "-d", withPIN, "--pin-stdin"}, exitPIN, "PIN"},
		{"no such device", []string{"info", "-d", filepath.Join(t.TempDir(), "hidraw9")}, exitNoKey, "hidraw9"},
		{"not touched", []string{"demo", "-d", never, "--timeout", "300ms"}, exitTimeout, "touch"},
		{"declined", []string{"demo", "-d", deny}, exitRefused, "declined"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := fidokey(t, t.Context(), "", test.args...)
			if r.code != test.want {
				t.Errorf("exit code %d instead of %d: %s", r.code, test.want, r.err)
			}
			lines := strings.Split(strings.TrimSpace(r.err), "\n")
			if last := lines[len(lines)-1]; test.want != exitOK && (!strings.Contains(last, test.says) || !strings.HasPrefix(last, "fidokey: ")) {
				t.Errorf("the last line is %q, without %q", last, test.says)
			}
		})
	}
}

// Ctrl-C ends the wait on the key, too.
func TestInterrupt(t *testing.T) {
	key := newKey(t, virtual.Config{User: virtual.NeverTouch()})
	device := serve(t, key)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := make(chan result, 1)
	out := &watched{seen: cancel, word: "Touch the key."}
	go func() {
		var b bytes.Buffer
		code := run(ctx, []string{"demo", "-d", device}, strings.NewReader(""), &b, out)
		asked <- result{code: code}
	}()
	select {
	case r := <-asked:
		if r.code != exitInterrupt {
			t.Errorf("exit code %d: %s", r.code, out.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("the command does not end")
	}
	commands := key.Commands()
	if last := commands[len(commands)-1]; last.Status != ctap2.StatusKeepaliveCancel {
		t.Errorf("the last command ended with %v", last.Status)
	}
}

// watched calls seen when a word has been written.
type watched struct {
	bytes.Buffer
	seen func()
	word string
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.word) {
		w.seen()
	}
	return n, err
}

// What serve has stored is there when it is started again.
func TestServeState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for i := range 2 {
		storage, err := openFileStorage(path)
		if err != nil {
			t.Fatal(err)
		}
		key := newKey(t, virtual.Config{Storage: storage})
		client := ctap2.NewClient(key.Direct(), nil)
		if i == 0 {
			if err := client.SetPIN(t.Context(), []byte("secret")); err != nil {
				t.Fatal(err)
			}
			if again, err := openFileStorage(path); err == nil {
				again.Close()
				t.Error("two can have the state at once")
			}
			storage.Close()
			continue
		}
		storage.Close()
		token, err := client.PINToken(t.Context(), []byte("secret"), ctap2.PermissionMC, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		token.Wipe()
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the state: %v", info.Mode())
	}
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openFileStorage(path); err == nil {
		t.Error("rubbish is taken for a state")
	}
}

// serve lends the key until it is interrupted, and that is no failure.
func TestServeUDP(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &address{found: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--udp", "127.0.0.1:0", "--profile", "fido20"}, strings.NewReader(""), out, new(bytes.Buffer))
	}()
	var device string
	select {
	case device = <-out.found:
	case code := <-ended:
		t.Fatalf("serve ends with exit code %d", code)
	}
	if r := fidokey(t, t.Context(), "", "info", "-d", device+":0"); r.code != exitOK || !strings.Contains(r.out, "FIDO_2_0 (CTAP 2.0)\n") || strings.Contains(r.out, "FIDO_2_1") {
		t.Errorf("info: exit code %d: %s%s", r.code, r.out, r.err)
	}
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("serve: exit code %d", code)
	}
}

// address finds the --device in what serve says.
type address struct {
	bytes.Buffer
	found chan string
}

func (a *address) Write(p []byte) (int, error) {
	if m := regexp.MustCompile(`udp:127\.0\.0\.1:\d+`).Find(p); m != nil {
		a.found <- string(m)
	}
	return len(p), nil
}

// What a hostile key says of itself does not reach the terminal as it is.
func TestInfoIsFitForATerminal(t *testing.T) {
	evil := "\x1b[31mRED\x1b]0;title\x07\r\n"
	key := newKey(t, virtual.Config{Info: func(i *ctap2.GetInfoResponse) {
		i.Versions = append(i.Versions, evil)
		i.Extensions = []string{evil}
		i.Transports = []string{evil}
		i.Options[evil] = true
		i.Certifications = map[string]uint{evil: 1}
		i.PinComplexityPolicyURL = []byte(evil)
	}})
	device := serve(t, key)
	for _, command := range []string{"info", "demo"} {
		r := fidokey(t, t.Context(), "", command, "-d", device)
		if r.code != exitOK {
			t.Errorf("%s: exit code %d: %s", command, r.code, r.err)
		}
		for _, s := range []string{"\x1b", "\x07", "\r"} {
			if strings.Contains(r.out+r.err, s) {
				t.Errorf("%s prints %q", command, s)
			}
		}
	}
}
