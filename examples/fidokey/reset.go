package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/identity"
	"github.com/gofido/fido/examples/internal/labels"
	"github.com/gofido/fido/nfc"
	"github.com/spf13/cobra"
)

// resetWord is what the user types to have the key erased.
const resetWord = "erase"

// resetWindow is how long after power-up a key takes a reset (CTAP 2.3 section 6.6).
const resetWindow = 10 * time.Second

func (a *app) resetCommand() *cobra.Command {
	r := &reset{app: a}
	c := &cobra.Command{
		Use:   "reset",
		Short: "Erase the key: all passkeys, the PIN, everything",
		Long: `Erase the key, as it was when it was new: all passkeys, all registrations as a
second factor, the PIN, the fingerprints and the settings are lost for good.

It says which key that is and asks for the word ` + resetWord + `, which a script gives on
standard input. A key takes a reset only in the first ten seconds after it gets
power, and a touch: fidokey tells when to take the key out and put it back, looks
whether it is the same key, and then erases it at once. What it compares is the
serial number, the model, the place, and what the key's label was made with. If
nothing of that tells the key from others of its model, it says so.`,
		RunE: func(c *cobra.Command, _ []string) error { return r.run(c.Context()) },
	}
	dryRunFlag(c, &r.dryRun, "lost", "erase")
	return c
}

// resetResult is the JSON form of what reset did.
type resetResult struct {
	Device       string   `json:"device"` // where the key is now
	Product      string   `json:"product"`
	Manufacturer string   `json:"manufacturer"`
	Serial       string   `json:"serial"`
	Label        string   `json:"label"`
	AAGUID       string   `json:"aaguid"`
	Compared     []string `json:"compared"` // what was the same when the key was put back: "model", "serial", "aaguid", "credential", "encIdentifier", "port"
	Certain      bool     `json:"certain"`  // that no other key has all of that
	Erased       bool     `json:"erased"`   // false of --dry-run
	Verified     bool     `json:"verified"` // the key was asked after, and shows that a PIN, fingerprints or passkeys are gone
}

// A reset is one run of the command.
type reset struct {
	*app
	dryRun bool
	result resetResult

	key    identity.Known
	label  *labels.Label // nil: it has none
	info   *ctap2.GetInfoResponse
	device string
	power  time.Time // when the key got it
	sent   bool      // the key may have got the command
}

func (r *reset) run(ctx context.Context) error {
	if err := r.meet(ctx); err != nil {
		return err
	}
	r.describe()
	if r.dryRun {
		return r.app.result(&r.result, func() { r.tell("Nothing was erased.") })
	}
	err := r.askAndErase(ctx)
	if err != nil && !r.sent && err != errDeclined {
		fmt.Fprintln(r.folded(r.err), "Nothing was erased.")
	}
	return err
}

func (r *reset) askAndErase(ctx context.Context) error {
	if err := r.ask(ctx); err != nil {
		return err
	}
	key, err := r.powerCycle(ctx)
	if err != nil {
		return err
	}
	defer key.Close()
	return r.erase(ctx, key)
}

// meet finds out which key it is and whether it can be reset this way.
func (r *reset) meet(ctx context.Context) error {
	key, err := r.open(ctx, "")
	if err != nil {
		return err
	}
	defer key.Close()
	if r.device = key.Device(); r.device == "" {
		r.device = r.app.device
	}
	if r.info, err = key.GetInfo(ctx); err != nil {
		return err
	}
	if key.U2F() {
		return cant("this key speaks U2F alone, which has no reset: nothing can erase it")
	}
	if over, this := r.info.TransportsForReset, transportOf(key); len(over) > 0 && !slices.Contains(over, this) {
		return cant("this key can't be reset %s, only %s", overTransport(this), transportList(over))
	}
	r.key = r.identify(key)
	r.label, r.key.Proof = r.labelOf(ctx, key, r.key.HID, r.info)
	r.result = resetResult{Device: r.device, AAGUID: r.info.AAGUID.String(), Compared: []string{}}
	if r.label != nil {
		r.result.Label = r.label.Name
	}
	if h := r.key.HID; h != nil {
		r.result.Product, r.result.Manufacturer, r.result.Serial = h.Product, h.Manufacturer, h.Serial
	}
	return nil
}

// identify returns what tells the open key from others.
func (r *reset) identify(key *fido.Key) identity.Known {
	known := identity.Known{AAGUID: &r.info.AAGUID}
	if key.HID() != nil {
		known.HID = r.system.hidInfo(r.device)
	}
	if atReader(r.device) {
		known.Reader = strings.TrimPrefix(r.device, "pcsc:")
	}
	return known
}

// transportOf is the name of the way to a key (CTAP 2.3 section 6.4, transports).
func transportOf(key *fido.Key) string {
	switch {
	case key.Card() == nil:
		return ctap2.TransportUSB
	case key.Contactless():
		return ctap2.TransportNFC
	}
	return ctap2.TransportSmartCard
}

var transportWords = map[string]string{
	ctap2.TransportUSB: "on USB", ctap2.TransportNFC: "held to a card reader", ctap2.TransportSmartCard: "in a card reader",
	ctap2.TransportBLE: "over Bluetooth", ctap2.TransportInternal: "by the device that it is built into", ctap2.TransportHybrid: "from another device",
}

func overTransport(name string) string {
	if words, ok := transportWords[name]; ok {
		return words
	}
	return "over " + hid.Text(name)
}

func transportList(names []string) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = overTransport(n)
	}
	return strings.Join(words, " or ")
}

// describe says which key it is and what is lost. It is part of the question.
func (r *reset) describe() {
	say := func(format string, args ...any) { fmt.Fprintf(r.err, format+"\n", args...) } // whoever answers has to know
	name := r.key.Name()
	if name == "" {
		name = "the key " + r.device
		if r.key.Reader != "" {
			name = "the key at the card reader " + r.key.Reader
		}
	}
	heading := "This key is about to be erased:"
	if r.dryRun {
		heading = "This key would be erased:"
	}
	say("%s", r.paint(r.err, bold, heading))
	if r.label != nil {
		name = r.label.Name + ": " + name
	}
	say("  %s", hid.Text(name))
	say("  model %s", r.info.AAGUID)
	if r.key.HID != nil {
		say("  at %s", hid.Text(strings.TrimSuffix(r.device+", "+r.key.HID.PhysicalPath, ", ")))
	}
	say = r.hint
	say("What is on it is lost for good:")
	passkeys := "all its passkeys"
	switch left := r.info.RemainingDiscoverableCredentials; {
	case !r.info.Options[ctap2.OptionRK]:
		passkeys = "" // it stores none
	case left != nil:
		passkeys += fmt.Sprintf(", however many: from outside it shows only that there is room for %d more", *left)
	}
	for _, lost := range []struct {
		there bool
		what  string
	}{
		{passkeys != "", passkeys},
		{true, "every account that it is a second factor of: no key can list these"},
		{r.info.Options[ctap2.OptionClientPIN], "its PIN"},
		{r.info.Options[ctap2.OptionBioEnroll] || r.info.Options[ctap2.OptionUserVerificationMgmtPreview], "its fingerprints"},
		{r.info.Options[ctap2.OptionLargeBlobs] || slices.Contains(r.info.Extensions, ctap2.ExtensionCredBlob) || slices.Contains(r.info.Extensions, ctap2.ExtensionLargeBlob), "data that is stored with passkeys"},
		{r.info.Options[ctap2.OptionAuthnrCfg], "its settings"},
	} {
		if lost.there {
			say("  - %s", lost.what)
		}
	}
	say("Have another way to log in everywhere before you go on.")
	if r.byHand() && !identity.Distinct(r.key.SerialNumber()) && r.key.Proof.By == "" {
		say("Nothing tells this key from others of its model: when you put it back, be sure that it is this one.")
	}
}

// ask has the user type the word.
func (r *reset) ask(ctx context.Context) error {
	answer, err := r.readLine(ctx, fmt.Sprintf("Type %s to erase it: ", resetWord))
	if err == io.EOF {
		fmt.Fprintln(r.err)
		if isTerminal(r.in) { // Ctrl-D
			return errDeclined
		}
		return badUse("nobody has typed %s: run fidokey in a terminal, or give the word on standard input", resetWord)
	}
	if err == nil && strings.TrimSpace(answer) != resetWord {
		err = errDeclined
	}
	return err
}

// erase sends the reset, has the user touch the key, and says what came of it.
func (r *reset) erase(ctx context.Context, key *fido.Key) error {
	stop := func() {}
	client := key.WithWaiting(func(status byte) {
		if status == ctap2.WaitingUPNeeded {
			stop()
			stop = r.countdown(ctx, r.touchText(key), max(resetWindow-time.Since(r.power), 0))
		}
	})
	r.sent = true
	err := client.Reset(ctx)
	stop()
	if err != nil {
		return r.failed(ctx, key, err)
	}
	return r.verify(ctx, key)
}

// touchText says what to do, as the key demands it.
func (r *reset) touchText(key *fido.Key) string {
	long := r.info.LongTouchForReset != nil && *r.info.LongTouchForReset
	_, software := softwarePath(r.device)
	switch {
	case software:
		return softwareTouch
	case key.Contactless():
		return "Hold the key to the reader. It is erased then."
	case long:
		return "Touch the key. Keep your finger on it for five seconds, and it is erased."
	}
	return "Touch the key. It is erased then."
}

// nothing ends what is said of a key that has refused.
const nothing = "; nothing was erased"

// failed says what a reset that has failed means.
func (r *reset) failed(ctx context.Context, key *fido.Key, err error) error {
	refused := func(code int, text string) error { return &advice{code, text, err} }
	long := r.info.LongTouchForReset != nil && *r.info.LongTouchForReset
	switch {
	case errors.Is(err, ctap2.StatusNotAllowed) && r.byHand():
		return refused(exitTimeout, fmt.Sprintf("the key says that it is too late, %.1fs after it was put back", time.Since(r.power).Seconds())+nothing+". Run fidokey reset again, and "+r.sooner())
	case errors.Is(err, ctap2.StatusNotAllowed):
		return refused(exitTimeout, "too late: a key takes a reset only in the first seconds after it gets power, and this one has not started anew"+nothing+". Start the simulator again, and run fidokey reset at once")
	case errors.Is(err, ctap2.StatusOperationDenied) && long:
		return refused(exitRefused, "declined, or not touched for five seconds"+nothing+". To try again, run fidokey reset and keep your finger on the key until it is done")
	case errors.Is(err, ctap2.StatusOperationDenied):
		return refused(exitRefused, "declined on the key"+nothing)
	case errors.Is(err, ctap2.StatusUserActionTimeout), errors.Is(err, ctap2.StatusActionTimeout), errors.Is(err, ctap2.StatusUPRequired):
		return refused(exitTimeout, "the key was not touched in time"+nothing+". Run fidokey reset again")
	case errors.Is(err, ctap2.StatusInvalidCommand):
		return refused(exitRefused, "this key knows no reset: the program of its maker may"+nothing)
	case errors.Is(err, ctaphid.ErrGone), errors.Is(err, nfc.ErrGone):
		return refused(exitNoKey, "the key was taken away before it had answered: fidokey info tells whether it was erased, which it was if it has no PIN any more")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return r.cancelled(ctx, key, err)
	}
	if !asAny[ctap2.Status](err) {
		return refused(exitRefused, "the key's answer makes no sense, and fidokey info tells whether it was erased: "+oneLine(err))
	}
	return refused(exitRefused, "the key has not done it: "+oneLine(err))
}

// sooner is how a key gets its power without losing time.
func (r *reset) sooner() string {
	if r.contactless {
		return "hold the key still at the middle of the reader until it is done"
	}
	return "put the key straight into the computer, not into a hub"
}

// cancelled looks whether a key that was told to stop has been erased before.
func (r *reset) cancelled(ctx context.Context, key *fido.Key, err error) error {
	outcome := &advice{exitTimeout, "the key was not touched in time", err}
	if ctx.Err() != nil {
		outcome = &advice{exitInterrupt, "interrupted; the key was told to stop", err}
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	info, failed := key.GetInfo(look)
	switch {
	case failed != nil && ctx.Err() == nil:
		outcome.text = "the key does not answer any more: fidokey info tells whether it was erased, which it was if it has no PIN any more"
	case failed != nil:
		outcome.text += ", but does not answer: fidokey info tells whether it was erased, which it was if it has no PIN any more"
	case !erasable(r.info):
		outcome.text += ": if it was not touched, nothing was erased"
	case erasable(info):
		outcome.text += nothing
	default:
		outcome.text += ", but it had been touched before: it is erased"
	}
	return outcome
}

// erasable reports whether a key has what a reset takes away and getInfo shows.
func erasable(i *ctap2.GetInfoResponse) bool {
	o := i.Options
	return o[ctap2.OptionClientPIN] || o[ctap2.OptionBioEnroll] || o[ctap2.OptionUserVerificationMgmtPreview]
}

// roomIn returns how many passkeys more a key has room for, -1 if it does not say.
func roomIn(i *ctap2.GetInfoResponse) int {
	if i.RemainingDiscoverableCredentials == nil {
		return -1
	}
	return int(*i.RemainingDiscoverableCredentials)
}

// dropLabel removes a label that was found by what is erased now.
func (r *reset) dropLabel() {
	if r.label == nil || r.label.By == labels.BySerial {
		return
	}
	if err := changeLabels(func(all *labels.File) error { all.Remove(*r.label); return nil }); err != nil {
		r.hint("%s.", sentence(oneLine(err)))
		return
	}
	r.hint("Its label is gone with what it was found by: fidokey label %q gives it again.", r.label.Name)
}

// verify looks whether a key that says so is as it was when it was new.
func (r *reset) verify(ctx context.Context, key *fido.Key) error {
	r.result.Erased = true
	info, err := key.GetInfo(ctx)
	switch {
	case err != nil:
		r.hint("It does not answer now (%s). Take it out and put it back: fidokey info shows it then.", oneLine(err))
	case erasable(info):
		return nonsense("the key says that it was erased, but it still has a PIN or fingerprints: don't trust it, and ask its maker")
	default:
		r.result.Verified = erasable(r.info) || roomIn(info) > roomIn(r.info)
	}
	r.dropLabel()
	return r.app.result(&r.result, func() {
		done := "The key is erased. It is as it was when it was new"
		if !r.result.Verified { // nothing was to be seen on it before either
			done = "The key is erased, it says"
		} else if _, canPIN := info.Options[ctap2.OptionClientPIN]; canPIN {
			done += ", without a PIN"
		}
		if left := info; left != nil && left.RemainingDiscoverableCredentials != nil {
			done += fmt.Sprintf(", and has room for %d passkeys", *left.RemainingDiscoverableCredentials)
		}
		r.tell("%s.", r.paint(r.out, green, done))
		r.hint("Register it anew where you use it, and remove its old entry there.")
	})
}
