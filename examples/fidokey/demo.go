package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/spf13/cobra"
)

const (
	demoRP  = "demo.example"
	demoPIN = "271828"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Register a credential, log in with it, and verify both",
		Long: `Register a credential, log in with it, and verify both, telling each step.

Without --device the demo runs on the software key, with a PIN. On a real key it
sets no PIN, asks for the one that is set if the key wants it, and leaves nothing
behind: the credential that it makes is not stored on the key.`,
		RunE: func(c *cobra.Command, _ []string) error {
			d := &demo{app: a}
			return d.run(c.Context())
		},
	}
}

// A demo is one run: the key, and the relying party that the key registers with.
type demo struct {
	*app
	key   *fido.Key
	info  *ctap2.GetInfoResponse
	pin   []byte // nil: without a PIN
	steps []demoStep
}

// demonstrated is the JSON form of a demo that went well.
type demonstrated struct {
	Steps []demoStep `json:"steps"`
}

// demoStep is the JSON form of a step.
type demoStep struct {
	Step    string   `json:"step"`    // the line for people, which may change, as the next
	Details []string `json:"details"` // what came of it
}

func (d *demo) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.steps = append(d.steps, demoStep{text, []string{}})
	d.line("%s %s", d.paint(d.out, bold, fmt.Sprintf("%d.", len(d.steps))), text)
}

func (d *demo) detail(format string, args ...any) { d.add("", fmt.Sprintf(format, args...)) }

func (d *demo) ok(format string, args ...any) { d.add(green, fmt.Sprintf(format, args...)) }

func (d *demo) add(colour, text string) {
	step := &d.steps[len(d.steps)-1]
	step.Details = append(step.Details, text)
	if colour != "" {
		text = d.paint(d.out, colour, text)
	}
	d.line("   %s", text)
}

// line tells what is going on, which is the result of a demo.
func (d *demo) line(format string, args ...any) {
	if !d.json {
		fmt.Fprintf(d.folded(d.out), format+"\n", args...)
	}
}

func (d *demo) run(ctx context.Context) error {
	key, err := d.open(ctx, virtualDevice)
	if err != nil {
		return err
	}
	defer key.Close()
	d.key = key
	defer func() { clear(d.pin) }()
	for _, step := range []func(context.Context) error{d.meet, d.preparePIN, d.registerAndLogIn, d.bye} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.result(demonstrated{d.steps}, func() {})
}

// meet asks the key what it is.
func (d *demo) meet(ctx context.Context) (err error) {
	if card := d.key.Card(); card != nil {
		d.say("Selected the FIDO application of the key in the reader.")
		d.detail("It answers %q.", card.Version())
	} else {
		channel := d.key.HID().Info()
		d.say("Opened a channel to the key.")
		d.detail("Channel %v, CTAPHID version %d, capabilities: %v.", channel.CID, channel.ProtocolVersion, channel.Capabilities)
	}
	if d.info, err = d.key.Info(ctx); err != nil {
		return err
	}
	if d.key.U2F() {
		d.say("Asked the key which protocol it speaks (U2F_VERSION).")
		d.detail("It speaks U2F and not FIDO2: it registers and logs in, with %s and nothing else.", d.gesture())
		return nil
	}
	d.say("Asked the key what it can do (authenticatorGetInfo).")
	d.detail("It speaks %s; its model is %v.", hid.Text(strings.Join(d.info.Versions, ", ")), d.info.AAGUID)
	return nil
}

// isVirtual reports whether the key is the software key, on which the demo may
// leave traces.
func (d *demo) isVirtual() bool { return d.device == "" || d.device == virtualDevice }

// preparePIN sets a PIN on the software key, and asks for that of a real key.
func (d *demo) preparePIN(ctx context.Context) error {
	set, can := d.info.Options[ctap2.OptionClientPIN]
	switch {
	case d.key.U2F():
		d.say("U2F knows no PIN. The demo goes on without.")
	case d.isVirtual():
		d.pin = []byte(demoPIN)
		if err := d.key.SetPIN(ctx, d.pin); err != nil {
			return err
		}
		d.say("Set the PIN %s (authenticatorClientPIN, setPIN).", demoPIN)
		d.detail("It crossed the wire encrypted under a secret that both ends agreed on.")
	case can && set:
		pin, err := d.readPIN(ctx, "PIN of the key: ")
		if err != nil {
			return err
		}
		d.pin = pin
		d.say("The key has a PIN and will check it.")
	default:
		d.say("The key has no PIN. The demo sets none and goes on without.")
	}
	return nil
}

// clientData is what a browser would sign for: see WebAuthn L3 section 5.8.1.
func clientData(kind string) ([]byte, error) {
	challenge := make([]byte, 32)
	rand.Read(challenge)
	return json.Marshal(struct {
		Type        string `json:"type"`
		Challenge   string `json:"challenge"`
		Origin      string `json:"origin"`
		CrossOrigin bool   `json:"crossOrigin"`
	}{kind, base64.RawURLEncoding.EncodeToString(challenge), "https://" + demoRP, false})
}

// token returns the proof that the PIN was entered, good for one use. It is nil
// on a key without a PIN.
func (d *demo) token(ctx context.Context, p ctap2.Permissions) (*pinuv.Token, error) {
	if d.pin == nil {
		return nil, nil
	}
	t, err := d.key.PINToken(ctx, d.pin, p, demoRP)
	if err != nil {
		return nil, err
	}
	d.say("Entered the PIN and got a token for one %s (authenticatorClientPIN).", map[ctap2.Permissions]string{
		ctap2.PermissionMC: "registration", ctap2.PermissionGA: "login"}[p])
	return t, nil
}

// command returns the name of a command in the protocol that the key speaks.
func (d *demo) command(ctap2, u2f string) string {
	if d.key.U2F() {
		return u2f
	}
	return ctap2
}

func (d *demo) registerAndLogIn(ctx context.Context) error {
	credential, err := d.register(ctx)
	if err != nil {
		return err
	}
	return d.logIn(ctx, credential)
}

func (d *demo) register(ctx context.Context) (*ctap2.AttestedCredentialData, error) {
	token, err := d.token(ctx, ctap2.PermissionMC)
	if err != nil {
		return nil, err
	}
	data, err := clientData("webauthn.create")
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(data)
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash: hash[:],
		RP:             ctap2.PublicKeyCredentialRPEntity{ID: demoRP, Name: "The demo"},
		User:           ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "ada@" + demoRP, DisplayName: "Ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{
			{Alg: cose.ES256, Type: ctap2.TypePublicKey}, {Alg: cose.EdDSA, Type: ctap2.TypePublicKey}, {Alg: cose.RS256, Type: ctap2.TypePublicKey},
		},
	}
	if token != nil {
		defer token.Wipe()
		r.Authorize(token)
	}
	made, err := d.key.MakeCredential(ctx, r)
	if err != nil {
		return nil, err
	}
	d.say("Registered at %s (%s).", demoRP, d.command("authenticatorMakeCredential", "U2F_REGISTER"))
	c := made.AuthData.AttestedCredentialData
	d.detail("The key made a key pair for %v and a credential ID of %d bytes: %x…", c.PublicKey.Alg, len(c.CredentialID), c.CredentialID[:min(8, len(c.CredentialID))])
	if made.AuthData.RPIDHash != sha256.Sum256([]byte(demoRP)) {
		return nil, nonsense("the key registered for another site than the demo's")
	}
	if err := d.checkFlags(made.AuthData.Flags); err != nil {
		return nil, err
	}
	return c, d.verifyAttestation(made, hash[:])
}

func (d *demo) verifyAttestation(made *ctap2.MakeCredentialResponse, hash []byte) error {
	result, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, hash)
	if unsupported, ok := errors.AsType[*attestation.UnsupportedFormatError](err); ok {
		d.detail("The attestation can't be verified here: %v.", unsupported)
		return nil
	}
	if err != nil {
		return nonsense("%w", err)
	}
	d.ok("The attestation verifies: format %s.", result.Format)
	switch {
	case result.Type == attestation.None:
		d.detail("It is empty: the key says nothing of where it comes from.")
	case len(result.TrustPath) == 0:
		d.detail("The new key pair has signed for itself.")
	default:
		d.detail("Its certificate is for %q.", result.TrustPath[0].Subject.CommonName)
	}
	return nil
}

func (d *demo) logIn(ctx context.Context, credential *ctap2.AttestedCredentialData) error {
	token, err := d.token(ctx, ctap2.PermissionGA)
	if err != nil {
		return err
	}
	data, err := clientData("webauthn.get")
	if err != nil {
		return err
	}
	hash := sha256.Sum256(data)
	r := &ctap2.GetAssertionRequest{
		RPID:           demoRP,
		ClientDataHash: hash[:],
		AllowList:      []ctap2.PublicKeyCredentialDescriptor{{ID: credential.CredentialID, Type: ctap2.TypePublicKey}},
	}
	if token != nil {
		defer token.Wipe()
		r.Authorize(token)
	}
	got, err := d.key.GetAssertion(ctx, r)
	if err != nil {
		return err
	}
	d.say("Logged in at %s (%s).", demoRP, d.command("authenticatorGetAssertion", "U2F_AUTHENTICATE"))
	if got.AuthData.RPIDHash != sha256.Sum256([]byte(demoRP)) {
		return nonsense("the key signed for another site than the demo's")
	}
	if err := d.checkFlags(got.AuthData.Flags); err != nil {
		return err
	}
	if err := credential.PublicKey.Verify(slices.Concat(got.AuthData.Raw, hash[:]), got.Signature); err != nil {
		return nonsense("the login: %w", err)
	}
	d.ok("The signature of %d bytes verifies with the key pair of the registration.", len(got.Signature))
	d.detail("The key counts its signatures: this one is number %d.", got.AuthData.SignCount)
	return nil
}

func (d *demo) checkFlags(f ctap2.Flags) error {
	if f&ctap2.FlagUP == 0 {
		return nonsense("the key says that nobody has touched it")
	}
	if d.pin != nil && f&ctap2.FlagUV == 0 {
		return nonsense("the key says that nobody has entered the PIN")
	}
	d.detail("It vouches for: %s.", d.gesture()+map[bool]string{true: " and the PIN"}[f&ctap2.FlagUV != 0])
	return nil
}

func (d *demo) bye(context.Context) error {
	if d.isVirtual() {
		d.ok("Everything verified. The software key is gone now, with all that was on it.")
	} else {
		d.ok("Everything verified. Nothing was stored on the key.")
	}
	return nil
}
