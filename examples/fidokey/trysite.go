package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/keptfile"
	"github.com/gofido/fido/examples/internal/site"
	"github.com/gofido/fido/examples/internal/typed"
	"github.com/spf13/cobra"
)

// tryRPID is the RP ID of the site that fidokey plays itself. Names under .example
// belong to nobody (RFC 2606).
const tryRPID = "fidokey.example"

// A trySite is a site in this process, for register and login. What it has learned
// of keys, which is nothing secret, is kept in a file for the next run.
type trySite struct {
	*app
	rpID       string
	uv         string
	extensions string
	file       string // "": in the user's config directory
	nameless   bool   // nobody has said who logs in
}

func (t *trySite) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.rpID, "rp", tryRPID, "play the site with this `ID`, a domain")
	f.StringVar(&t.uv, "uv", "preferred", "user verification, by PIN or fingerprint: `HOW` is required, preferred or discouraged")
	f.StringVar(&t.extensions, "extensions", "", "extensions that the site asks for: a `JSON` object as in WebAuthn, such as {\"prf\":{}}")
	f.StringVar(&t.file, "site-file", "", "the `FILE` that keeps what the site has learned (default: in your config directory)")
	c.RegisterFlagCompletionFunc("uv", fixed(requirements...))
	c.RegisterFlagCompletionFunc("site-file", files)
}

// requirements are the values of userVerification and residentKey.
var requirements = []string{"required", "preferred", "discouraged"}

// oneOf checks the value of a flag that is one of a few words.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return badUse("--%s %q is not %s or %s", flag, value, strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}

func (t *trySite) check() error {
	if err := oneOf("uv", t.uv, requirements...); err != nil {
		return err
	}
	var extensions map[string]any
	if t.extensions != "" && (json.Unmarshal([]byte(t.extensions), &extensions) != nil || extensions == nil) {
		return badUse("--extensions %s is not a JSON object, such as {\"prf\":{}}", t.extensions)
	}
	return nil
}

// A siteFile is what is kept: who has registered, by RP ID.
type siteFile struct {
	Sites map[string][]site.User `json:"sites"`
}

// with calls f with the site as it was left, and keeps what f has made of it.
func (t *trySite) with(f func(*site.Site) error) error {
	file := t.file
	if file == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return badUse("there is no directory for the site's file: choose one with --site-file (%w)", err)
		}
		file = filepath.Join(dir, "fidokey", "site.json")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return problem(exitFailed, "there is no directory for the site's file: %w; choose one with --site-file", err)
		}
	}
	lock, err := keptfile.Lock(file + ".lock")
	if err != nil {
		return problem(exitFailed, "the site's file %s: %w", file, err)
	}
	defer lock.Close()
	kept := siteFile{}
	b, err := os.ReadFile(file)
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return problem(exitFailed, "%s is not what register has written: %w", file, err)
	}
	s, err := site.New(site.Config{RPID: t.rpID, Users: kept.Sites[t.rpID]})
	if err != nil {
		return badUse("--rp %q is not a domain that a site can have, such as %s", t.rpID, tryRPID)
	}
	if err := f(s); err != nil {
		return err
	}
	if kept.Sites == nil {
		kept.Sites = map[string][]site.User{}
	}
	kept.Sites[t.rpID] = s.Users()
	if b, err = json.MarshalIndent(kept, "", "\t"); err != nil {
		return err
	}
	if err := keptfile.Replace(file, b); err != nil {
		return problem(exitFailed, "%w", err)
	}
	return nil
}

// client returns the WebAuthn client between the site and the key, which a browser
// is otherwise.
func (t *trySite) client(key *fido.Key) *webauthn.Client {
	k := webauthn.NewSecurityKey(key.Client, terminalPrompt{t.app})
	k.Contactless = key.Contactless()
	return webauthn.NewClient(k, &webauthn.Config{MinTimeout: t.patience(), MaxTimeout: t.patience()})
}

func (t *trySite) origin() string { return "https://" + t.rpID }

// A siteResult is the JSON form of register and login: what the site learned, and
// the messages that it was learned from.
type siteResult struct {
	RPID   string `json:"rpId"`
	Origin string `json:"origin"`
	*site.Report
	Options  json.RawMessage `json:"options"`  // that the site sent
	Response json.RawMessage `json:"response"` // of the client; outputs of prf are left out
}

// ceremony has do answer the site's options, the site judge that, and the result
// shown.
func (t *trySite) ceremony(c *site.Ceremony, err error, do func(options []byte) ([]byte, error), words func(*site.Report)) error {
	if e, ok := errors.AsType[*site.Error](err); ok && e.Status == http.StatusBadRequest {
		return badUse("%s", e.Error())
	} else if err != nil {
		return err
	}
	response, err := do(c.Options)
	if err != nil {
		return t.whyNot(err)
	}
	defer clear(response)
	report, err := c.Finish(response)
	if err != nil {
		return nonsense("%w", err)
	}
	report.ClientExtensionResults = withoutSecrets(report.ClientExtensionResults)
	return t.result(siteResult{t.rpID, t.origin(), report, c.Options, withoutSecrets(response)}, func() { words(report) })
}

// whyNot says why the client has no answer for the site, and which command helps.
func (t *trySite) whyNot(err error) error {
	e, ok := errors.AsType[*webauthn.Error](err)
	if !ok || errors.Is(err, context.Canceled) || errors.Is(err, typed.ErrInterrupted) {
		return err
	}
	text := oneLine(e.Err)
	pin, isPIN := errors.AsType[*ctap2.PINError](err)
	switch {
	case isPIN:
		text = t.explainPIN(pin)
	case errors.Is(err, ctap2.StatusPINNotSet):
		text += " (fidokey pin set)"
	case errors.Is(err, webauthn.ErrTimeout) && errors.Is(err, context.DeadlineExceeded):
		text = fmt.Sprintf("nobody answered within %v: try again, or give more time with --timeout", t.patience())
	case errors.Is(err, webauthn.ErrAlreadyRegistered):
		text = "the key is registered for this account already: " + t.command("login") + " logs in with it, and --user registers another account"
	case errors.Is(err, webauthn.ErrNoPasskey):
		ways := t.command("register")
		if t.nameless { // what is no passkey is found by the user's name
			ways = t.command("login") + " --user NAME, or " + ways
		}
		text += " (" + ways + ")"
	}
	return because(err, "%s", text)
}

// command is how fidokey's commands are called for this site.
func (t *trySite) command(name string) string {
	if t.rpID != tryRPID {
		name += " --rp " + t.rpID
	}
	if t.file != "" {
		name += " --site-file " + quoted(t.file)
	}
	return "fidokey " + name
}

// withoutSecrets takes the outputs of prf out of a response or of extension
// results: they are keys, and a terminal's history is no place for them. What is
// left tells that they were there.
func withoutSecrets(b []byte) json.RawMessage {
	var v map[string]any
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	outputs, ok := v["clientExtensionResults"].(map[string]any)
	if !ok {
		outputs = v
	}
	if prf, ok := outputs["prf"].(map[string]any); ok {
		if results, ok := prf["results"].(map[string]any); ok {
			for name := range results {
				results[name] = "(secret)"
			}
		}
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}
