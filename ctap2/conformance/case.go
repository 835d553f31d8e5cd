package conformance

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Needs says what a case needs of the fixture.
type Needs uint8

const (
	NeedsReports    Needs = 1 << iota // Key.OpenReports
	NeedsPowerCycle                   // Key.PowerCycle
	NeedsUser                         // Key.User
	NeedsVerify                       // Key.Verify
	NeedsSamples                      // Key.Sample
	NeedsCard                         // Key.OpenCard
)

// A Case is one thing that a key does or does not do.
type Case struct {
	ID    string // as in the list of cases, "HID-I1"
	Title string // what a correct key does
	Needs Needs
	Takes time.Duration // at least, in real time; 0 for an instant
	Run   func(*C)
}

// Cases returns every case of the suite in the order in which Run runs them.
func Cases() []Case {
	return slices.Concat(hidInitCases, hidSegmentationCases, hidSequenceCases, hidTimeoutCases, hidArbitrationCases,
		hidKeepaliveCases, hidWinkLockCases, nfcCases, cborCases, getInfoCases, makeCredentialCases, getAssertionCases,
		clientPINCases, tokenCases, resetCases, credentialManagementCases,
		bioEnrollmentCases, largeBlobCases, configCases, selectionCases, extensionCases, u2fCases)
}

// A Report is what came of a run.
type Report struct {
	Passed        []string
	Failed        []string
	NotApplicable map[string]string   // case ID to the reason
	Observations  map[string][]string // case ID to what was seen
}

// Run runs every case that the fixture allows as a subtest of t and returns
// what came of it. Failed cases have failed t, too.
func Run(t *testing.T, f Fixture) *Report {
	t.Helper()
	r := &Report{NotApplicable: map[string]string{}, Observations: map[string][]string{}}
	for _, c := range Cases() {
		t.Run(c.ID, func(t *testing.T) { f.run(t, c, r) })
	}
	return r
}

func (f *Fixture) run(t *testing.T, c Case, r *Report) {
	patience := f.Patience
	if patience == 0 {
		patience = 10 * time.Second
	}
	var na string
	defer func() {
		switch {
		case t.Failed():
			r.Failed = append(r.Failed, c.ID)
		case na != "":
			r.NotApplicable[c.ID] = na
		default:
			r.Passed = append(r.Passed, c.ID)
		}
	}()
	if c.Takes > patience && !f.VirtualTime {
		na = fmt.Sprintf("takes %v of real time, more than the fixture's patience", c.Takes)
		t.Skip(na)
	}
	body := func(t *testing.T) {
		defer func() {
			// NotApplicable unwinds with this value; anything else is a defect of
			// the suite or of the fixture, which fails this case alone.
			switch p := recover().(type) {
			case nil:
			case notApplicable:
				na = string(p)
			default:
				t.Errorf("the case panics: %v\n%s", p, debug.Stack())
			}
		}()
		key := f.New(t)
		if na = key.lacks(c.Needs); na != "" {
			return
		}
		limit := max(5*time.Minute, 2*c.Takes)
		if f.VirtualTime {
			limit = 24 * time.Hour
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		cc := &C{T: t, Key: key, fixture: f, ctx: ctx, id: c.ID, report: r}
		defer cc.close()
		c.Run(cc)
	}
	if f.VirtualTime {
		synctest.Test(t, body)
	} else {
		body(t)
	}
	if na != "" {
		t.Skip(na)
	}
}

func (k *Key) lacks(n Needs) string {
	switch {
	case n&NeedsReports != 0 && k.OpenReports == nil:
		return "the fixture has no HID interface"
	case n&NeedsCard != 0 && k.OpenCard == nil:
		return "the fixture has no card"
	case n&NeedsPowerCycle != 0 && k.PowerCycle == nil:
		return "the fixture can't cycle the power"
	case n&NeedsUser != 0 && k.User == nil:
		return "the fixture can't script the user"
	case n&NeedsVerify != 0 && k.Verify == nil:
		return "the fixture can't script built-in user verification"
	case n&NeedsSamples != 0 && k.Sample == nil:
		return "the fixture can't script the finger"
	}
	return ""
}

// C is a case that runs: the test, the key, and what cases do to keys.
type C struct {
	*testing.T
	Key *Key

	fixture *Fixture
	ctx     context.Context
	id      string
	report  *Report
	closers []func() error

	uv         bool   // the key has built-in user verification that is set up
	pin        string // the PIN that the suite has set because every use of the key needs one
	power      int    // counts power cycles
	tap        tap    // of a key that counts power-up as a touch
	deviations int    // departures from canonical CBOR in the key's replies
}

type notApplicable string

// NotApplicable ends the case: the key lacks what it is about.
func (c *C) NotApplicable(format string, args ...any) {
	panic(notApplicable(fmt.Sprintf(format, args...)))
}

// Observe records which of several correct outcomes was met.
func (c *C) Observe(format string, args ...any) {
	c.Helper()
	s := fmt.Sprintf(format, args...)
	c.report.Observations[c.id] = append(c.report.Observations[c.id], s)
	c.Log("observed: " + s)
}

// fresh closes what the case has open and begins again with a key in factory
// state.
func (c *C) fresh() {
	c.Helper()
	c.close()
	c.Key = c.fixture.New(c.T)
	c.pin, c.tap = "", tap{}
	c.power++
}

func (c *C) close() {
	for _, f := range slices.Backward(c.closers) {
		f()
	}
	c.closers = nil
}
