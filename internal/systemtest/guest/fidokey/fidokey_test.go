//go:build guest

// Package fidokey tests the program of that name as people use it: one process
// serves the software key, others use it.
package fidokey

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/hidnode"
)

func TestMain(m *testing.M) { guest.Main(m) }

// serve starts the program that serves the key and returns the key's node. stop
// ends it with Ctrl-C and returns what it said on standard error.
func serve(t *testing.T) (path string, stop func() string) {
	t.Helper()
	ctx := guest.Context(t)
	cmd := exec.CommandContext(ctx, "fidokey", "serve", "--uhid")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); !strings.HasPrefix(line, "The software key serves as a HID device") {
		t.Fatalf("serve says %q, %v", line, err)
	}
	if path, err = hidnode.Wait(ctx, ""); err != nil { // it has no serial number
		t.Fatal(err)
	}
	return path, func() string {
		t.Helper()
		cmd.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
		if err := hidnode.WaitGone(ctx, path); err != nil {
			t.Error(err)
		}
		return stderr.String()
	}
}

// A result is what a run of the program left.
type result struct {
	code        int
	out, errOut string
}

// run runs the program as root or as nobody.
func run(t *testing.T, nobody bool, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(guest.Context(t), "fidokey", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if nobody {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd.Run()
	if cmd.ProcessState == nil || !cmd.ProcessState.Exited() {
		t.Fatalf("%q ended with %v", args, cmd.ProcessState)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestCommands(t *testing.T) {
	path, stop := serve(t)
	for _, tt := range []struct {
		name   string
		nobody bool
		args   []string
		code   int
		out    []string // what standard output holds
		errOut string   // what standard error holds; one line if the code is not 0
	}{
		{name: "list", args: []string{"list"}, out: []string{path, "gofido software key", "1209:0001"}},
		{name: "list as nobody", nobody: true, args: []string{"list"}, out: []string{path, "can't be opened", "permission denied", "udev rule"}},
		{name: "info", args: []string{"info"}, out: []string{"FIDO_2_1"}},
		{name: "info as nobody", nobody: true, args: []string{"info", "--device", path}, code: 3, errOut: "udev rule"},
		{name: "info as nobody, the only key", nobody: true, args: []string{"info"}, code: 3, errOut: "udev rule"},
		{name: "ping", args: []string{"ping", "--size", "1024", "--count", "3"}, out: []string{"3 of 3 came back unchanged"}},
		{name: "ping with the longest message", args: []string{"ping", "--size", "1800", "--count", "1"}, out: []string{"1 of 1 came back unchanged"}},
		{name: "ping with a longer one", args: []string{"ping", "--size", "7609"}, code: 4, errOut: "INVALID_LEN"},
		{name: "ping without a lock", args: []string{"ping", "--lock", "none", "--device", path}, out: []string{"4 of 4 came back unchanged"}},
		{name: "wink", args: []string{"wink"}, out: []string{"wink"}},
		{name: "demo on the served key", args: []string{"demo", "--device", path}, out: []string{"sets none", "signature", "Nothing was stored"}},
		{name: "demo on a software key of its own", args: []string{"demo"}, out: []string{"Set the PIN", "signature"}},
		{name: "demo as nobody", nobody: true, args: []string{"demo", "--device", path}, code: 3, errOut: "udev rule"},
		{name: "no such node", args: []string{"info", "--device", "/dev/hidraw99"}, code: 3, errOut: "/dev/hidraw99"},
		{name: "a file that is no key", args: []string{"info", "--device", "/dev/null"}, code: 3, errOut: "hidraw"},
		{name: "serve as nobody", nobody: true, args: []string{"serve", "--uhid"}, code: 3, errOut: "/dev/uhid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, tt.nobody, tt.args...)
			if got.code != tt.code {
				t.Errorf("exit code %d, want %d", got.code, tt.code)
			}
			for _, want := range tt.out {
				if !strings.Contains(got.out, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if !strings.Contains(got.errOut, tt.errOut) || tt.code != 0 && strings.Count(got.errOut, "\n") != 1 {
				t.Errorf("standard error is not one line with %q", tt.errOut)
			}
			if t.Failed() {
				t.Logf("it says\n%s\nand on standard error\n%s", got.out, got.errOut)
			}
		})
	}
	if said := stop(); said != "The key winks.\n" {
		t.Errorf("serve said %q", said)
	}
}

func TestInfoJSON(t *testing.T) {
	path, stop := serve(t)
	defer stop()
	got := run(t, false, "info", "--json", "--device", path)
	var info struct {
		CTAPHIDVersion int
		Capabilities   []string
		Versions       []string
		Options        map[string]bool
		MaxMsgSize     int
	}
	if err := json.Unmarshal([]byte(got.out), &info); err != nil {
		t.Fatalf("%v: %s%s", err, got.out, got.errOut)
	}
	if info.CTAPHIDVersion != 2 || !slices.Equal(info.Capabilities, []string{"WINK", "CBOR"}) || !slices.Contains(info.Versions, "FIDO_2_1") || !info.Options["rk"] ||
		info.MaxMsgSize < 1024 || info.MaxMsgSize > 1800 {
		t.Errorf("%+v from %s", info, got.out)
	}

	var found struct {
		Keys []struct {
			Device string
			Usable bool
		}
	}
	got = run(t, true, "list", "--json")
	if err := json.Unmarshal([]byte(got.out), &found); err != nil || len(found.Keys) != 1 || found.Keys[0].Device != path || found.Keys[0].Usable {
		t.Errorf("%v: %+v from %s%s", err, found, got.out, got.errOut)
	}
}

func TestWithoutAKey(t *testing.T) {
	if got := run(t, false, "list"); got.code != 0 || !strings.Contains(got.out, "There is no security key") {
		t.Errorf("list: %+v", got)
	}
	if got := run(t, false, "ping"); got.code != 3 || !strings.Contains(got.errOut, "there is no security key") {
		t.Errorf("ping: %+v", got)
	}
}
