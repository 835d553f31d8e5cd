package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// scripted are commands on a key as a script gives them, and what is printed.
type scripted struct {
	args, stdin string
	code        int
	out         string // with --json, without blanks and line ends; "": not looked at
	err         string // a part of it
}

func (c *scripted) run(t *testing.T, device string) {
	t.Helper()
	r := fidokey(t, t.Context(), c.stdin, append(strings.Fields(c.args), "--json", "--pin-stdin", "--device", device)...)
	if r.code != c.code {
		t.Errorf("%s: exit code %d instead of %d: %s", c.args, r.code, c.code, r.err)
	}
	if out := strings.NewReplacer("\n", "", "  ", "", `": `, `":`).Replace(r.out); c.out != "" && out != c.out {
		t.Errorf("%s prints\n%s instead of\n%s", c.args, out, c.out)
	}
	if !strings.Contains(r.err, c.err) {
		t.Errorf("%s: standard error has no %q:\n%s", c.args, c.err, r.err)
	}
}

func TestPINJSON(t *testing.T) {
	device := serve(t, newKey(t, virtual.Config{PINRetries: 5, PINComplexity: &virtual.PINComplexity{Enforced: true, URL: "https://key.example/pins"}}))
	failure := func(rest string) string { return `{"error":{"exitCode":5,` + rest + `}}` }
	usable := func(rest string) string {
		return `{"pin":"usable","pinRetries":5,"minPINLength":` + rest + `,"maxPINLength":63,"pinComplexityPolicy":true}`
	}
	for _, c := range []scripted{
		{args: "pin retries", out: `{"pin":"notSet","minPINLength":4,"maxPINLength":63,"pinComplexityPolicy":true}`},
		{args: "pin verify", stdin: "1357\n", code: exitPIN, out: failure(`"message":"no PIN is set on this key: fidokey pin set sets one","pin":"notSet","pinRetries":5`)},
		{args: "pin set", code: exitPIN, out: failure(`"message":"no PIN was entered","pin":"needed"`)},
		{args: "pin set", stdin: "135\n", code: exitPIN, out: failure(`"message":"the PIN is too short: it has 3 characters and the key asks for at least 4","pin":"againstRules"`)},
		{args: "pin set", stdin: "1234\n", code: exitPIN, out: failure(`"message":"the key refuses this PIN, which costs no try. The key has a policy against simple PINs: see https://key.example/pins","status":"CTAP2_ERR_PIN_POLICY_VIOLATION","pin":"againstRules"`)},
		{args: "pin set", stdin: strings.Repeat("7", 300) + "\n", code: exitPIN, out: failure(`"message":"the PIN is too long: a key takes at most 63 characters","pin":"againstRules"`)},
		{args: "pin set", stdin: "13579\n", out: usable("4")},
		{args: "pin set", stdin: "13579\n", code: exitPIN, out: failure(`"message":"this key has a PIN already: fidokey pin change changes it. If it is forgotten, only fidokey reset helps, and it erases everything on the key","pin":"alreadySet"`)},
		{args: "pin verify", stdin: "13579\n", out: usable("4")},
		{args: "pin change", stdin: "13579\n", code: exitPIN, out: failure(`"message":"standard input has no second line: the present PIN comes first and the new one after it, each on a line","pin":"needed"`)},
		{args: "pin change", stdin: "1357\n24680\n", code: exitPIN, out: failure(`"message":"the PIN is wrong; 4 tries left","status":"CTAP2_ERR_PIN_INVALID","pin":"wrong","pinRetries":4`)},
		{args: "pin change", stdin: "13579\n24680\n", out: usable("4")},
		{args: "pin min-length 6 --yes", stdin: "24680\n", out: `{"pin":"mustChange","pinRetries":5,"minPINLength":6,"maxPINLength":63,"pinComplexityPolicy":true}`},
		{args: "pin verify", stdin: "24680\n", code: exitPIN, out: failure(`"message":"this key wants its PIN changed before it takes it for anything else: fidokey pin change","pin":"mustChange"`)},
		{args: "pin change", stdin: "24680\n246801\n", out: usable("6")},
		{args: "pin force-change", stdin: "246801\n", code: exitUsage, err: "--yes"},
		{args: "pin force-change -y", stdin: "246801\n", out: `{"pin":"mustChange","pinRetries":5,"minPINLength":6,"maxPINLength":63,"pinComplexityPolicy":true}`},
		{args: "pin change", stdin: "246801\n246801\n", code: exitPIN, out: failure(`"message":"the key wants another PIN than the present one","pin":"againstRules"`)},
		{args: "pin change", stdin: "246801\n135790\n", out: usable("6")},
		// Three wrong ones, and then two more in a key that has lost power.
		{args: "pin verify", stdin: "nonsense\n", code: exitPIN},
		{args: "pin verify", stdin: "nonsense\n", code: exitPIN},
		{args: "pin verify", stdin: "nonsense\n", code: exitPIN, out: failure(`"message":"too many wrong PINs in a row: take the key out and insert it again, then try again; 2 tries left","status":"CTAP2_ERR_PIN_AUTH_BLOCKED","pin":"powerCycleNeeded","pinRetries":2`)},
		{args: "pin change", stdin: "135790\n", code: exitPIN, out: failure(`"message":"too many wrong PINs in a row: take the key out and insert it again, then try again; 2 tries left","pin":"powerCycleNeeded","pinRetries":2`)},
		{args: "pin retries", out: `{"pin":"powerCycleNeeded","pinRetries":2,"minPINLength":6,"maxPINLength":63,"pinComplexityPolicy":true}`},
	} {
		c.run(t, device)
	}
	key := newKey(t, virtual.Config{PINRetries: 1})
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	device = serve(t, key)
	blocked := `"message":"the PIN is blocked after too many wrong ones: only a reset helps, and it erases everything on the key; fidokey reset does it"`
	for _, c := range []scripted{
		{args: "pin change", stdin: "4321\n5678\n", code: exitPIN, out: failure(blocked + `,"status":"CTAP2_ERR_PIN_BLOCKED","pin":"blocked","pinRetries":0`)},
		{args: "pin verify", stdin: "1234\n", code: exitPIN, out: failure(blocked + `,"pin":"blocked","pinRetries":0`)},
		{args: "pin retries", out: `{"pin":"blocked","pinRetries":0,"minPINLength":4,"maxPINLength":63}`},
	} {
		c.run(t, device)
	}
}

// A PIN that is entered on the key itself has rules, too.
func TestPINPolicyOfKeypad(t *testing.T) {
	key := newKey(t, virtual.Config{UV: virtual.ConfiguredUV, UVModality: 4, UVAcfg: true, MaxRPIDsForSetMinPINLength: 2, Info: func(i *ctap2.GetInfoResponse) {
		delete(i.Options, ctap2.OptionClientPIN)
		i.MaxRPIDsForSetMinPINLength = nil
	}})
	device := serve(t, key)
	state := func(least string) string {
		return `{"pin":"unsupported","uv":true,"uvRetries":3,"minPINLength":` + least + `,"maxPINLength":63}`
	}
	for _, c := range []scripted{
		{args: "pin set", code: exitRefused, err: "it verifies its user itself"},
		{args: "pin min-length", out: state("4")},
		{args: "pin min-length 6 -y", out: state("6"), err: "Show the key that it is you"},
		{args: "pin min-length --rp a.example --rp b.example --rp c.example -y", code: exitRefused, err: "no room for so many sites"},
		{args: "pin force-change -y", code: exitPIN, err: "no PIN is set"},
	} {
		c.run(t, device)
	}
	for name, info := range map[string]func(*ctap2.GetInfoResponse){
		"no extension": func(i *ctap2.GetInfoResponse) { i.Extensions = nil },
		"no room":      func(i *ctap2.GetInfoResponse) { i.MaxRPIDsForSetMinPINLength = new(uint) },
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted{args: "pin min-length --rp a.example -y", code: exitRefused, err: "does not tell sites"}
			c.run(t, serve(t, newKey(t, virtual.Config{Info: info})))
		})
	}
}

// A PIN that somebody puts on the command line is not repeated.
func TestPINInArguments(t *testing.T) {
	for _, args := range []string{
		"pin 271828", "pin set 271828", "pin set -271828", "pin set --pin=271828", "pin set -p271828", "pin set --271828", "pin set -- 271828",
		"pin change 271828 314159", "pin verify 271828", "pin retries 271828", "pin force-change 271828", "pin min-length 271828", "pin min-length 8 271828",
	} {
		r := fidokey(t, t.Context(), "", append(strings.Fields(args), "-d", "virtual")...)
		if r.code != exitUsage || strings.Contains(r.out+r.err, "271828") || r.out != "" {
			t.Errorf("%s: exit code %d: %s%s", args, r.code, r.out, r.err)
		}
	}
}

// A key that takes a PIN and has none is found out.
func TestPINSetLie(t *testing.T) {
	device := serve(t, newKey(t, virtual.Config{Info: func(i *ctap2.GetInfoResponse) { i.Options[ctap2.OptionClientPIN] = false }}))
	(&scripted{args: "pin set", stdin: "271828", code: exitRefused, err: "says that none is set"}).run(t, device)
}

// Neither PIN is in a trace.
func TestPINTrace(t *testing.T) {
	device := serve(t, newKey(t, virtual.Config{}))
	for _, test := range []struct{ args, stdin string }{
		{"pin set", "271828"}, {"pin change", "271828\n314159"}, {"pin verify", "314159"}, {"pin verify", "271828"},
	} {
		r := fidokey(t, t.Context(), test.stdin, append(strings.Fields(test.args), "-d", device, "--pin-stdin", "--trace")...)
		for _, secret := range []string{"271828", "314159", "323731383238", "333134313539"} {
			if strings.Contains(r.out+r.err, secret) {
				t.Errorf("the trace of %s has %s", test.args, secret)
			}
		}
		if !strings.Contains(r.err, "authenticatorClientPIN") {
			t.Errorf("%s: there is no trace: %+v", test.args, r)
		}
	}
}

// pin verify changes nothing, whatever the key gives for a PIN.
func TestPINVerify(t *testing.T) {
	for name, config := range map[string]virtual.Config{
		"CTAP 2.3":                  {},
		"CTAP 2.0":                  {Profile: virtual.FIDO20},
		"no PIN for sites":          {UV: virtual.ConfiguredUV, NoPINForMcGa: true},
		"no PIN for sites, no more": {UV: virtual.ConfiguredUV, NoPINForMcGa: true, WithoutCommands: []ctap2.Command{ctap2.CommandLargeBlobs, ctap2.CommandCredentialManagement}},
	} {
		storage := virtual.NewMemoryStorage()
		config.Storage = storage
		key := newKey(t, config)
		if err := key.SetPIN([]byte("1234")); err != nil {
			t.Fatal(err)
		}
		before := storage.Snapshot()
		device := serve(t, key)
		if r := fidokey(t, t.Context(), "1234", "pin", "verify", "-d", device, "--pin-stdin"); r.code != exitOK || r.out != "The PIN is right.\n" || r.err != "" {
			t.Errorf("%s: %+v", name, r)
		}
		for record, b := range storage.Snapshot() {
			if string(before[record]) != string(b) {
				t.Errorf("%s: the record %s has changed", name, record)
			}
		}
	}
}

func TestLeastPower(t *testing.T) {
	for _, test := range []struct {
		options string
		want    ctap2.Permissions
	}{
		{"clientPin pinUvAuthToken largeBlobs credMgmt", ctap2.PermissionGA},
		{"clientPin noMcGaPermissionsWithClientPin credMgmt largeBlobs authnrCfg", ctap2.PermissionLBW},
		{"clientPin noMcGaPermissionsWithClientPin credMgmt authnrCfg", ctap2.PermissionCM},
		{"clientPin noMcGaPermissionsWithClientPin authnrCfg bioEnroll", ctap2.PermissionBE},
		{"clientPin noMcGaPermissionsWithClientPin authnrCfg", ctap2.PermissionACFG},
		{"clientPin noMcGaPermissionsWithClientPin", 0},
		{"uv pinUvAuthToken", 0},
	} {
		info := &ctap2.GetInfoResponse{Options: ctap2.InfoOptions{}}
		for _, o := range strings.Fields(test.options) {
			info.Options[o] = true
		}
		if p, rpID := leastPower(info); p != test.want || (rpID != "") != (p == ctap2.PermissionGA) {
			t.Errorf("%s: %v for %q", test.options, p, rpID)
		}
	}
}

func TestPINRules(t *testing.T) {
	r := pinRules{least: 4, most: 8, another: true}
	decomposed, composed := []byte("cafe\u0301s"), []byte("caf\u00e9s")
	for _, test := range []struct {
		name, pin string
		present   []byte
		want      pinuv.PINRule // 0: none
		same      bool
	}{
		{name: "short", pin: "123", want: pinuv.PINTooShort},
		{name: "short when normalised", pin: "cae\u0301", want: pinuv.PINTooShort},
		{name: "long", pin: "123456789", want: pinuv.PINTooLong},
		{name: "not text", pin: "1234\xff", want: pinuv.PINNotUTF8},
		{name: "ends in NUL", pin: "1234\x00", want: pinuv.PINTrailingNUL},
		{name: "another", pin: "5678", present: []byte("1234")},
		{name: "the same", pin: "1234", present: []byte("1234"), same: true},
		{name: "the same in another form", pin: string(decomposed), present: composed, same: true},
		{name: "the present one is no text", pin: "1234", present: []byte("\xff")},
	} {
		err := r.check([]byte(test.pin), test.present)
		rule, _ := errors.AsType[*pinuv.PINError](err)
		if (rule != nil) != (test.want != 0) || rule != nil && rule.Rule != test.want || (err == error(errSamePIN)) != test.same || test.want == 0 && !test.same && err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// The policy's address comes from the key.
func TestPINPolicyIsFitForATerminal(t *testing.T) {
	info := &ctap2.GetInfoResponse{PinComplexityPolicy: new(true), PinComplexityPolicyURL: []byte("https://key.example/\x1b[31m")}
	if text := strings.Join(pinRulesOf(info).words(), "\n"); strings.Contains(text, "\x1b") || !strings.Contains(text, "https://key.example/") {
		t.Errorf("%q", text)
	}
}

// How many wrong PINs block the key is told as exactly as it is known, and that only
// a reset takes the first one away.
func TestPINRulesTries(t *testing.T) {
	for _, test := range []struct {
		name string
		r    pinRules
		says string
	}{
		{"as many as the key has told", pinRules{tries: 3}, "After 3 wrong PINs in a row"},
		{"not told", pinRulesOf(new(ctap2.GetInfoResponse)), "After at most 8 wrong PINs in a row"},
		{"first PIN", pinRules{first: true}, "only a reset takes it away"},
	} {
		if text := strings.Join(test.r.words(), "\n"); !strings.Contains(text, test.says) {
			t.Errorf("%s: without %q:\n%s", test.name, test.says, text)
		}
	}
}

// The JSON form of a failure has its exit code whatever the failure is.
func TestFailureJSON(t *testing.T) {
	for _, args := range []string{"info -d /nonexistent/hidraw9", "ping -d virtual --size 9999", "pin set -d virtual"} {
		r := fidokey(t, t.Context(), "", append(strings.Fields(args), "--json")...)
		var got struct{ Error failure }
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Error.ExitCode != r.code || r.err != "fidokey: "+got.Error.Message+"\n" {
			t.Errorf("%s: %+v, %v", args, r, err)
		}
	}
}

// The PIN is set whatever the key says after it.
func TestPINSetUnconfirmed(t *testing.T) {
	key := newKey(t, virtual.Config{})
	set := false
	key.SetFaults(virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
		if set = set || c == ctap2.CommandClientPIN && len(reply) == 1; set && c == ctap2.CommandGetInfo {
			return []byte{byte(ctap2.StatusOther)}
		}
		return reply
	}})
	r := withPIN(t, serve(t, key), "pin", "set", "--json")
	if got := jsonOf[pinState](t, r); got.PIN != pinUsable || !strings.Contains(r.err, "The PIN is set. The key does not answer now") {
		t.Errorf("it prints %s%s", r.out, r.err)
	}
}
