package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

func (a *app) fingerprintsAddCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "add [--name NAME]",
		Short: "Have the key learn a finger",
		Long: `Have the key learn a finger. It wants several samples of it, and what is wrong with
one is told as it comes. Ctrl-C gives up, and the key forgets the samples; --timeout
is how long it may take until the next sample comes.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
				return a.addFingerprint(ctx, key, name, c.Flags().Changed("name"))
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "what to call it, such as \"left thumb\"")
	return c
}

// addFingerprint has the key learn a finger, and names it if that is wanted. What
// can be wrong with the name is said before the sensor is touched.
func (a *app) addFingerprint(ctx context.Context, key *fido.Key, name string, named bool) error {
	_, sensor, err := sensorOf(ctx, key)
	if err != nil {
		return err
	}
	if named {
		if err := checkName(name, sensor); err != nil {
			return err
		}
	}
	token, all, err := a.fingerprints(ctx, key)
	if err != nil {
		return err
	}
	defer token.Wipe()
	if named {
		if err := checkNew(all, name, nil); err != nil {
			return err
		}
	}
	id, err := a.enroll(ctx, key, token, sensor)
	if err != nil {
		return err
	}
	templates := []ctap2.TemplateInfo{{TemplateID: id}}
	for _, f := range all {
		templates = append(templates, f.TemplateInfo)
	}
	added := nameFingerprints(templates)[0]
	if named {
		if err := key.SetFingerprintName(ctx, token, id, name); err != nil {
			a.hint("The key knows the finger now, but not its name: try fidokey fingerprints rename %s NAME.", added.short)
			return err
		}
		added.TemplateFriendlyName = name
	}
	if a.json {
		return a.printJSON(listFingerprint(added))
	}
	return a.tellAdded(ctx, key, added, named)
}

func (a *app) tellAdded(ctx context.Context, key *fido.Key, added fingerprint, named bool) error {
	a.tell("%s", a.paint(a.out, green, "The key knows the finger "+added.String()+"."))
	info, err := key.GetInfo(ctx)
	if err != nil {
		return err
	}
	if info.Options[ctap2.OptionUV] {
		a.tell("From now on it takes the finger instead of the PIN.")
		a.tell("The PIN goes on working: keep it, for the day that the finger is not recognised.")
	}
	if !named {
		a.hint("Name it with fidokey fingerprints rename %s NAME.", added.short)
	}
	return nil
}

// enrolmentEnd is longer than any enrolment: what ends one is that no sample comes
// for --timeout.
const enrolmentEnd = 24 * time.Hour

// enroll has the key learn a finger. If anything goes wrong it forgets the samples.
func (a *app) enroll(ctx context.Context, key *fido.Key, token *pinuv.Token, sensor ctap2.FingerprintSensorInfo) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, enrolmentEnd)
	defer stop()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	idle := time.AfterFunc(a.timeout, func() {
		giveUp(problem(exitTimeout, "no finger came to the sensor for %v: try again, and go on until the key has enough samples", a.timeout))
	})
	defer idle.Stop()

	what := "Put the finger on the sensor, lift it, and again, until the key knows it."
	if sensor.Kind == ctap2.FingerprintSwipe {
		what = "Draw the finger over the sensor, again and again, until the key knows it."
	}
	a.urge(what)
	e := &enrolling{progress: progress{app: a}, total: min(sensor.MaxCaptureSamples, ctap2.MaxSamples)}
	if isTerminal(a.err) {
		e.draw("")
	}
	// The prompt that asks for a touch would come with each sample.
	id, err := key.WithWaiting(nil).EnrollFingerprint(ctx, token, &ctap2.Enrollment{Progress: func(s ctap2.EnrollmentSample) {
		e.sample(s)
		switch s.Status {
		case ctap2.SampleNoUserActivity: // nobody is there
		case ctap2.SampleDatabaseFull:
			giveUp(because(ctap2.StatusFPDatabaseFull, "%s", fullOfFingers))
		default:
			idle.Reset(a.timeout)
		}
	}})
	e.end()
	if err == nil {
		return id, nil
	}
	a.hint("The finger is not enrolled.")
	if why, ok := errors.AsType[*advice](context.Cause(ctx)); ok {
		return nil, why
	}
	if errors.Is(err, ctap2.StatusFPDatabaseFull) {
		return nil, because(err, "%s", fullOfFingers)
	}
	return nil, err
}

const fullOfFingers = "the key has no room for another fingerprint: remove one first with fidokey fingerprints remove"

// enrolling tells how far an enrolment has come.
type enrolling struct {
	progress
	good, total uint
}

// sample shows what came of a sample.
func (e *enrolling) sample(s ctap2.EnrollmentSample) {
	if s.Status == ctap2.SampleGood {
		e.good++
	}
	e.total = e.good + min(s.Remaining, ctap2.MaxSamples)
	what := sentence(s.Status.String())
	colour := red
	switch advice := sampleAdvice[s.Status]; {
	case s.Status == ctap2.SampleGood && s.Remaining == 0:
		what, colour = "That was the last one", green
	case s.Status == ctap2.SampleGood:
		colour = green
		fallthrough
	default:
		if advice == "" {
			advice = "try again"
		}
		what += ": " + advice
	}
	what += "."
	if isTerminal(e.err) { // a line that is longer could not be taken back
		what = layout.Cut(what, e.width()-len(e.bar())-1)
	}
	e.draw(e.paint(e.err, colour, what))
}

func (e *enrolling) draw(text string) { e.show("%s", strings.TrimSpace(e.bar()+text)) }

// maxBar is the most cells of the bar.
const maxBar = 20

// bar is how many samples are there of how many, on a terminal as a picture, too.
func (e *enrolling) bar() string {
	if e.total == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d  ", e.good, e.total)
	if !isTerminal(e.err) {
		return text
	}
	cells := min(e.total, maxBar)
	done := e.good * cells / e.total
	return "[" + strings.Repeat("#", int(done)) + strings.Repeat("-", int(cells-done)) + "] " + text
}

// sampleAdvice is what to do after a sample.
var sampleAdvice = map[ctap2.SampleStatus]string{
	ctap2.SampleGood:                     "lift the finger and touch again",
	ctap2.SampleTooHigh:                  "move it down a little",
	ctap2.SampleTooLow:                   "move it up a little",
	ctap2.SampleTooLeft:                  "move it to the right",
	ctap2.SampleTooRight:                 "move it to the left",
	ctap2.SampleTooFast:                  "go more slowly",
	ctap2.SampleTooSlow:                  "go a little faster",
	ctap2.SamplePoorQuality:              "wipe finger and sensor, or press more firmly",
	ctap2.SampleTooSkewed:                "keep it straight",
	ctap2.SampleTooShort:                 "leave it there a little longer",
	ctap2.SampleMergeFailure:             "use the same finger",
	ctap2.SampleExists:                   "take another one, or end with Ctrl-C",
	ctap2.SampleDatabaseFull:             "remove one first",
	ctap2.SampleNoUserActivity:           "the key is still waiting",
	ctap2.SampleNoUserPresenceTransition: "lift it, then touch again",
}
