//go:build system && linux

package webauthn_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// A python is a program with python-fido2, as Debian packages it, that answers
// questions. It has no part in this project.
type python struct {
	t       *testing.T
	in      *json.Encoder
	answers *bufio.Scanner
}

func startPython(t *testing.T, program string, args ...string) *python {
	t.Helper()
	// Debian's own interpreter, for which its packages are.
	cmd := exec.Command("/usr/bin/python3", append([]string{program}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("package python3-fido2: %v", err)
	}
	late := time.AfterFunc(10*time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("package python3-fido2: %v\n%s", err, &said)
		}
	})
	return &python{t, json.NewEncoder(in), bufio.NewScanner(out)}
}

// ask asks a question and reads the answer, or what python-fido2 refuses it with.
func (p *python) ask(question map[string]any, answer any) (refused string) {
	p.t.Helper()
	if err := p.in.Encode(question); err != nil {
		p.t.Fatal(err)
	}
	if !p.answers.Scan() {
		p.t.Fatalf("no answer to %v: %v", question, p.answers.Err())
	}
	var no struct{ Error string }
	if err := json.Unmarshal(p.answers.Bytes(), &no); err != nil {
		p.t.Fatal(err)
	}
	if no.Error != "" {
		return no.Error
	}
	if err := json.Unmarshal(p.answers.Bytes(), answer); err != nil {
		p.t.Fatalf("%v: %s", err, p.answers.Bytes())
	}
	return ""
}

// A party is python-fido2's Fido2Server, for the user ada.
type party struct{ *python }

func newParty(t *testing.T) party {
	t.Helper()
	root, err := virtual.AttestationRoot()
	if err != nil {
		t.Fatal(err)
	}
	return party{startPython(t, "testdata/fido2server.py", site, base64.RawURLEncoding.EncodeToString(root.Raw))}
}

// verdict is what the party has verified.
type verdict struct {
	Flags      ctap2.Flags
	Counter    uint32
	Extensions map[string]any // the authenticator's outputs

	Fmt, Kind string // of a registration's attestation
	Algorithm int

	Credential int    // of a login: which of the registered ones
	User       string // its user handle
}

func (p party) forget() {
	p.t.Helper()
	if refused := p.ask(map[string]any{"do": "forget"}, new(any)); refused != "" {
		p.t.Fatal(refused)
	}
}

const page = "https://login.example.com"

func with(do string, more map[string]any) map[string]any {
	all := map[string]any{"do": do}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// register has the client do what the party's options, as JSON, ask for; the
// response goes back as JSON. refused is what the party says against it.
func (p party) register(c *webauthn.Client, asked map[string]any) (v verdict, r *webauthn.RegistrationResponse, refused string, err error) {
	p.t.Helper()
	var options json.RawMessage
	if refused := p.ask(with("begin_registration", asked), &options); refused != "" {
		p.t.Fatal(refused)
	}
	o, err := webauthn.ParseCreationOptions(options)
	if err != nil {
		p.t.Fatalf("%v: %s", err, options)
	}
	if r, err = c.Create(p.t.Context(), page, o); err != nil {
		return v, nil, "", err
	}
	return v, r, p.ask(map[string]any{"do": "finish_registration", "response": r}, &v), nil
}

// login is register for an assertion.
func (p party) login(c *webauthn.Client, asked map[string]any) (v verdict, r *webauthn.AuthenticationResponse, refused string, err error) {
	p.t.Helper()
	var options json.RawMessage
	if refused := p.ask(with("begin_login", asked), &options); refused != "" {
		p.t.Fatal(refused)
	}
	o, err := webauthn.ParseRequestOptions(options)
	if err != nil {
		p.t.Fatalf("%v: %s", err, options)
	}
	if r, err = c.Get(p.t.Context(), page, o); err != nil {
		return v, nil, "", err
	}
	return v, r, p.ask(map[string]any{"do": "finish_login", "response": r}, &v), nil
}

// flagNames are the flags of authenticator data that a person has to do with.
func flagNames(f ctap2.Flags) string {
	var names []string
	for _, n := range []struct {
		flag ctap2.Flags
		name string
	}{{ctap2.FlagUP, "UP"}, {ctap2.FlagUV, "UV"}, {ctap2.FlagBE, "BE"}, {ctap2.FlagBS, "BS"}, {ctap2.FlagAT, "AT"}, {ctap2.FlagED, "ED"}} {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

// patient returns the prompts' answers of somebody who never tires of the PIN.
func patient() *person {
	p := new(person)
	for range 32 {
		p.pins = append(p.pins, pin)
	}
	return p
}

// said is how a ceremony ended: the flags that the party has verified, what it
// refuses, or the client's error.
func said(v verdict, refused string, p *person, err error) string {
	switch {
	case err != nil:
		return outcome(p, 0, err)
	case refused != "":
		return refused
	}
	p.took()
	return flagNames(v.Flags)
}

// Every verification mode with every resident mode, on a key with and without PIN.
// Debian 12 has python-fido2 0.9.1, from before residentKey and before JSON.
func TestFido2ServerModes(t *testing.T) {
	party := newParty(t)
	const no = "unsuitable"
	for _, test := range []struct {
		uv                  string
		rk, pin             bool
		create, get, byName string // get is without an allow list
	}{
		{"", false, false, "UP AT", "none here", "UP"},
		{"", true, false, "UP AT", "UP", "UP"},
		{"preferred", false, false, "UP AT", "none here", "UP"},
		{"preferred", true, false, "UP AT", "UP", "UP"},
		{"discouraged", false, false, "UP AT", "none here", "UP"},
		{"discouraged", true, false, "UP AT", "UP", "UP"},
		{"required", false, false, no, "", ""},
		{"required", true, false, no, "", ""},
		{"", false, true, "UP UV AT", "PIN 8: none here", "UP UV"},
		{"", true, true, "UP UV AT", "UP UV", "UP UV"},
		{"preferred", false, true, "UP UV AT", "PIN 8: none here", "UP UV"},
		{"preferred", true, true, "UP UV AT", "UP UV", "UP UV"},
		{"discouraged", false, true, "UP AT", "none here", "UP"},
		{"discouraged", true, true, "UP UV AT", "UP", "UP"}, // the key makes no passkey without the PIN that is set
		{"required", false, true, "UP UV AT", "PIN 8: none here", "UP UV"},
		{"required", true, true, "UP UV AT", "UP UV", "UP UV"},
	} {
		t.Run(fmt.Sprintf("uv %s, rk %v, PIN %v", test.uv, test.rk, test.pin), func(t *testing.T) {
			party.forget()
			p, set := patient(), ""
			if test.pin {
				set = pin
			}
			_, k := plugIn(t, virtual.Config{}, set, p)
			client := webauthn.NewClient(k, nil)
			asked := map[string]any{"rk": test.rk}
			if test.uv != "" {
				asked["uv"] = test.uv
			}
			v, r, refused, err := party.register(client, asked)
			if got := said(v, refused, p, err); got != test.create {
				t.Fatalf("create: %s, want %s (%v)", got, test.create, err)
			}
			if test.create == no {
				return
			}
			if v.Fmt != "none" || r.AuthenticatorAttachment != "cross-platform" || !reflect.DeepEqual(r.Transports, []string{"usb"}) {
				t.Errorf("fmt %s, attachment %q, transports %q", v.Fmt, r.AuthenticatorAttachment, r.Transports)
			}
			delete(asked, "rk")
			for allow, want := range map[bool]string{true: test.byName, false: test.get} {
				asked["allow"] = allow
				v, _, refused, err := party.login(client, asked)
				if got := said(v, refused, p, err); got != want {
					t.Errorf("get, allow list %v: %s, want %s (%v)", allow, got, want, err)
				}
				// The key has no user of a credential that is not stored.
				if err == nil && (v.User == "ada's handle") != test.rk {
					t.Errorf("user %q", v.User)
				}
			}
		})
	}
}

// Every attestation preference with every algorithm that both know. The server
// verifies the attestation for another preference than none alone, with the root as
// its only trust.
func TestFido2ServerAttestations(t *testing.T) {
	const es256, edDSA, ps256, rs256 = -7, -8, -37, -257
	party := newParty(t)
	selfAttested := virtual.Config{Attestation: virtual.AttestSelf}
	for _, test := range []struct {
		attestation string
		algorithms  []int // nil: all that python-fido2 knows, of which the key takes the first it can
		config      virtual.Config
		fmt, kind   string
		algorithm   int
	}{
		{"", nil, virtual.Config{}, "none", "", es256},
		{"none", []int{edDSA, es256}, virtual.Config{}, "none", "", edDSA},
		{"none", []int{ps256, rs256}, virtual.Config{}, "none", "", rs256},
		{"indirect", []int{es256}, virtual.Config{}, "packed", "BASIC", es256},
		{"direct", []int{es256}, virtual.Config{}, "packed", "BASIC", es256},
		{"direct", []int{edDSA}, virtual.Config{}, "packed", "BASIC", edDSA},
		{"direct", []int{rs256}, virtual.Config{}, "packed", "BASIC", rs256},
		{"direct", []int{es256}, virtual.Config{Profile: virtual.U2FOnly}, "fido-u2f", "BASIC", es256},
		{"none", []int{es256}, virtual.Config{Profile: virtual.U2FOnly}, "none", "", es256},
		{"none", []int{es256}, selfAttested, "none", "", es256}, // its AAGUID tells the model
	} {
		t.Run(fmt.Sprintf("%s, %v, %v", test.attestation, test.algorithms, test.config.Profile), func(t *testing.T) {
			party.forget()
			p := patient()
			_, k := plugIn(t, test.config, "", p)
			client := webauthn.NewClient(k, nil)
			asked := map[string]any{}
			if test.attestation != "" {
				asked["attestation"] = test.attestation
			}
			if test.algorithms != nil {
				asked["algorithms"] = test.algorithms
			}
			v, _, refused, err := party.register(client, asked)
			if got := said(v, refused, p, err); got != "UP AT" {
				t.Fatal(got, err)
			}
			if v.Fmt != test.fmt || v.Kind != test.kind || v.Algorithm != test.algorithm {
				t.Errorf("%+v", v)
			}
			v, _, refused, err = party.login(client, nil)
			if got := said(v, refused, p, err); got != "UP" {
				t.Error(got, err)
			}
		})
	}
}

// The server is no push-over: it notices what is wrong, so that its consent means
// something.
func TestFido2ServerRefuses(t *testing.T) {
	party, p := newParty(t), patient()
	_, k := plugIn(t, virtual.Config{}, "", p)
	client := webauthn.NewClient(k, nil)
	for _, test := range []struct {
		name    string
		spoil   func(*webauthn.RegistrationResponse)
		refused string
	}{
		{"another origin", func(r *webauthn.RegistrationResponse) {
			r.ClientDataJSON = bytes.Replace(r.ClientDataJSON, []byte("example.com"), []byte("example.org"), 1)
		}, "ValueError: Invalid origin in ClientData."},
		{"another challenge", func(r *webauthn.RegistrationResponse) {
			r.ClientDataJSON = (&webauthn.ClientData{Type: webauthn.Registration, Challenge: []byte("another one"), Origin: page}).Append(nil)
		}, "ValueError: Wrong challenge in response."},
		{"another client data", func(r *webauthn.RegistrationResponse) {
			r.ClientDataJSON = append(r.ClientDataJSON, ' ')
		}, "InvalidSignature: "},
		{"another ceremony", func(r *webauthn.RegistrationResponse) {
			r.ClientDataJSON = bytes.Replace(r.ClientDataJSON, []byte("create"), []byte("get"), 1)
		}, "ValueError: Incorrect type in ClientData."},
		{"another public key", func(r *webauthn.RegistrationResponse) { r.PublicKeyAlgorithm = -8 }, "ValueError: Another algorithm in the response."},
	} {
		var options json.RawMessage
		if refused := party.ask(with("begin_registration", map[string]any{"attestation": "direct"}), &options); refused != "" {
			t.Fatal(refused)
		}
		o, err := webauthn.ParseCreationOptions(options)
		if err != nil {
			t.Fatal(err)
		}
		r, err := client.Create(t.Context(), page, o)
		if err != nil {
			t.Fatal(err)
		}
		test.spoil(r)
		if refused := party.ask(map[string]any{"do": "finish_registration", "response": r}, new(verdict)); refused != test.refused {
			t.Errorf("%s: %q, want %q", test.name, refused, test.refused)
		}
	}
}

// Lists of credentials, of which some are on other keys.
func TestFido2ServerLists(t *testing.T) {
	party, p := newParty(t), patient()
	_, first := plugIn(t, virtual.Config{}, "", p)
	_, second := plugIn(t, virtual.Config{}, pin, p)
	one, other := webauthn.NewClient(first, nil), webauthn.NewClient(second, nil)
	for i, c := range []*webauthn.Client{one, other, one} {
		v, _, refused, err := party.register(c, nil)
		if got, want := said(v, refused, p, err), []string{"UP AT", "UP UV AT", "UP AT"}[i]; got != want {
			t.Fatalf("%s, want %s (%v)", got, want, err)
		}
	}
	for _, c := range []struct {
		client *webauthn.Client
		want   string
	}{{one, "touch: excluded"}, {other, "PIN 8, touch: excluded"}} {
		v, _, refused, err := party.register(c.client, map[string]any{"exclude": true})
		if got := said(v, refused, p, err); got != c.want {
			t.Errorf("registered again: %s, want %s (%v)", got, c.want, err)
		}
	}
	var foreign []string
	for _, id := range others(t, 20) {
		foreign = append(foreign, base64.RawURLEncoding.EncodeToString(id))
	}
	for _, more := range [][]string{nil, foreign} {
		for _, c := range []struct {
			client     *webauthn.Client
			credential []int
			want       string
		}{{one, []int{0, 2}, "UP"}, {other, []int{1}, "UP UV"}} {
			v, _, refused, err := party.login(c.client, map[string]any{"others": more})
			if got := said(v, refused, p, err); got != c.want || !slices.Contains(c.credential, v.Credential) {
				t.Errorf("login with %d others: %s with credential %d, want %s (%v)", len(more), got, v.Credential, c.want, err)
			}
		}
	}
}

// The extensions do not disturb the server, which sees only what the key signs.
func TestFido2ServerExtensions(t *testing.T) {
	party, p := newParty(t), patient()
	_, k := plugIn(t, virtual.Config{}, pin, p)
	client := webauthn.NewClient(k, nil)
	v, r, refused, err := party.register(client, map[string]any{"rk": true, "extensions": map[string]any{
		"credProps": true, "prf": map[string]any{}, "largeBlob": map[string]any{"support": "required"}, "credentialProtectionPolicy": "userVerificationRequired",
		"hmacCreateSecret": true, "unknown": []int{1}, // as some sites ask; both are nothing to us
	}})
	if got := said(v, refused, p, err); got != "UP UV AT ED" {
		t.Fatal(got, err)
	}
	if want := map[string]any{"hmac-secret": true, "credProtect": float64(3)}; !reflect.DeepEqual(v.Extensions, want) {
		t.Errorf("the key's outputs are %v, want %v", v.Extensions, want)
	}
	if b, err := json.Marshal(&r.ClientExtensionResults); err != nil || string(b) != `{"credProps":{"rk":true},"prf":{"enabled":true},"largeBlob":{"supported":true}}` {
		t.Errorf("results %s, %v", b, err)
	}
	var first []byte
	for _, c := range []struct {
		name       string
		extensions map[string]any
		flags      string
	}{
		{"prf", map[string]any{"prf": map[string]any{"eval": map[string]any{"first": "AQ", "second": "Ag"}}}, "UP UV ED"},
		{"prf again", map[string]any{"prf": map[string]any{"eval": map[string]any{"first": "AQ"}}}, "UP UV ED"},
		{"largeBlob write", map[string]any{"largeBlob": map[string]any{"write": base64.RawURLEncoding.EncodeToString([]byte("kept"))}}, "UP UV"},
		{"largeBlob read", map[string]any{"largeBlob": map[string]any{"read": true}}, "UP UV"},
	} {
		v, r, refused, err := party.login(client, map[string]any{"extensions": c.extensions})
		if got := said(v, refused, p, err); got != c.flags {
			t.Fatalf("%s: %s, want %s (%v)", c.name, got, c.flags, err)
		}
		out := r.ClientExtensionResults
		switch c.name {
		case "prf":
			first = out.PRF.Results.First
			if len(first) != 32 || len(out.PRF.Results.Second) != 32 {
				t.Errorf("prf gives %d and %d bytes", len(first), len(out.PRF.Results.Second))
			}
		case "prf again":
			if !bytes.Equal(first, out.PRF.Results.First) || out.PRF.Results.Second != nil {
				t.Error("prf gives another result")
			}
		case "largeBlob write":
			if out.LargeBlob.Written == nil || !*out.LargeBlob.Written {
				t.Error("not written")
			}
		case "largeBlob read":
			if string(out.LargeBlob.Blob) != "kept" {
				t.Errorf("read %q", out.LargeBlob.Blob)
			}
		}
	}
}
