package virtual_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// reader is a host of a key with a fingerprint sensor and the PIN 1234.
type reader struct {
	*host
	permission *pinuv.Token // be
}

func newReader(t testing.TB, c virtual.Config) *reader {
	t.Helper()
	c.UV = virtual.FingerprintUV
	h := newHost(t, c)
	h.setPIN("1234")
	return &reader{h, h.token(ctap2.PermissionBE, "")}
}

// bio makes a request and authorises it.
func (r *reader) bio(sub ctap2.BioEnrollmentSubCommand, params *ctap2.BioEnrollmentParams) *ctap2.BioEnrollmentRequest {
	r.t.Helper()
	q := &ctap2.BioEnrollmentRequest{Modality: ctap2.ModalityFingerprint, SubCommand: sub, SubCommandParams: params}
	if err := q.Authorize(r.permission); err != nil {
		r.t.Fatal(err)
	}
	return q
}

func (r *reader) begin() *ctap2.BioEnrollmentRequest {
	r.t.Helper()
	return r.bio(ctap2.EnrollBegin, nil)
}

func (r *reader) next(id []byte) *ctap2.BioEnrollmentRequest {
	r.t.Helper()
	return r.bio(ctap2.EnrollCaptureNextSample, &ctap2.BioEnrollmentParams{TemplateID: id})
}

func (r *reader) rename(id []byte, name string) *ctap2.BioEnrollmentRequest {
	r.t.Helper()
	return r.bio(ctap2.SetFriendlyName, &ctap2.BioEnrollmentParams{TemplateID: id, TemplateFriendlyName: &name})
}

func (r *reader) remove(id []byte) *ctap2.BioEnrollmentRequest {
	r.t.Helper()
	return r.bio(ctap2.RemoveEnrollment, &ctap2.BioEnrollmentParams{TemplateID: id})
}

func (r *reader) enumerate() *ctap2.BioEnrollmentRequest {
	r.t.Helper()
	return r.bio(ctap2.EnumerateEnrollments, nil)
}

var cancelEnrollment = &ctap2.BioEnrollmentRequest{Modality: ctap2.ModalityFingerprint, SubCommand: ctap2.CancelCurrentEnrollment}

// done sends a request that must succeed.
func (r *reader) done(q request) *ctap2.BioEnrollmentResponse {
	r.t.Helper()
	response, err := ctap2.ParseBioEnrollmentResponse(r.want(0, q))
	if err != nil {
		r.t.Fatal(err)
	}
	return response
}

// sampled sends a capture and demands a sample status and how many are left. It
// returns the template ID of an enrollBegin.
func (r *reader) sampled(q request, status ctap2.SampleStatus, remaining uint) []byte {
	r.t.Helper()
	response := r.done(q)
	if s := response.LastEnrollSampleStatus; s == nil || *s != status {
		r.t.Errorf("sample status %v, want %v", s, status)
	}
	if n := response.RemainingSamples; n == nil || *n != remaining {
		r.t.Errorf("%v samples are left, want %d", n, remaining)
	}
	return response.TemplateID
}

func samples(all ...virtual.Sample) virtual.User {
	var steps []virtual.Step
	for _, s := range all {
		steps = append(steps, virtual.Step{Sample: s})
	}
	return virtual.Script(steps...)
}

func TestEnrollFingerprint(t *testing.T) {
	r := newReader(t, virtual.Config{Fingerprints: virtual.Fingerprints{Samples: 2}})
	if o := r.info().Options; o[ctap2.OptionUV] || o[ctap2.OptionBioEnroll] {
		t.Errorf("options %v before", o)
	}
	r.key.SetUser(samples(virtual.BadSample(ctap2.SampleTooHigh), virtual.GoodSample, virtual.BadSample(ctap2.SampleExists), virtual.GoodSample))
	asked := 0
	r.waiting = func(s byte) {
		if asked++; s != ctap2.WaitingUPNeeded {
			t.Errorf("keepalive status %d", s)
		}
	}
	id := r.sampled(r.begin(), ctap2.SampleTooHigh, 2)
	if len(id) != 16 {
		t.Errorf("template ID %x", id)
	}
	r.sampled(r.next(id), ctap2.SampleGood, 1)
	if n := len(r.key.Fingerprints()); n != 0 {
		t.Errorf("%d fingerprints in the middle", n)
	}
	commits := r.store.Commits()
	r.sampled(r.next(id), ctap2.SampleExists, 1)
	if again := r.sampled(r.next(id), ctap2.SampleGood, 0); again != nil {
		t.Error("enrollCaptureNextSample returns a template ID")
	}
	if n := r.store.Commits() - commits; n != 1 {
		t.Errorf("%d commits", n)
	}
	if asked != 4 {
		t.Errorf("asked %d times for the finger", asked)
	}
	r.want(ctap2.StatusInvalidOption, r.next(id))
	all := r.done(r.enumerate()).TemplateInfos
	if len(all) != 1 || !bytes.Equal(all[0].TemplateID, id) || all[0].TemplateFriendlyName != "" {
		t.Errorf("fingerprints %v", all)
	}
	if o := r.info().Options; !o[ctap2.OptionUV] || !o[ctap2.OptionBioEnroll] {
		t.Errorf("options %v afterwards", o)
	}
	r.key.PowerCycle()
	if got := r.key.Fingerprints(); len(got) != 1 || !bytes.Equal(got[0].TemplateID, id) {
		t.Errorf("%v after a power cycle", got)
	}
	// One sample may be all it takes.
	r = newReader(t, virtual.Config{Fingerprints: virtual.Fingerprints{Samples: 1}})
	r.sampled(r.begin(), ctap2.SampleGood, 0)
	if n := len(r.key.Fingerprints()); n != 1 {
		t.Errorf("%d fingerprints", n)
	}
}

// A user who has not learnt to give samples gives them by touch.
func TestSamplesOfOrdinaryUsers(t *testing.T) {
	for _, test := range []struct {
		name   string
		user   virtual.User
		want   ctap2.Status
		sample ctap2.SampleStatus
		takes  time.Duration
	}{
		{"always", virtual.AlwaysTouch(), 0, ctap2.SampleGood, 0},
		{"never", virtual.NeverTouch(), 0, ctap2.SampleNoUserActivity, 30 * time.Second},
		{"declines", virtual.Deny(), ctap2.StatusOperationDenied, 0, 0},
		{"later", virtual.TouchAfter(5 * time.Second), 0, ctap2.SampleGood, 5 * time.Second},
		{"too late", virtual.TouchAfter(31 * time.Second), 0, ctap2.SampleNoUserActivity, 30 * time.Second},
		{"declines by script", samples(virtual.SampleDeclined), ctap2.StatusOperationDenied, 0, 0},
		{"end of the script", samples(), 0, ctap2.SampleNoUserActivity, 30 * time.Second},
		{"unknown reason", samples(virtual.BadSample(0x63)), 0, 0x63, 0},
		{"good for no reason", samples(virtual.BadSample(ctap2.SampleGood)), 0, ctap2.SampleGood, 0},
		{"script, later", virtual.Script(virtual.Step{After: time.Second, Sample: virtual.GoodSample}), 0, ctap2.SampleGood, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReader(t, virtual.Config{User: test.user})
				start := time.Now()
				if test.want != 0 {
					r.want(test.want, r.begin())
				} else if left := uint(4); test.sample == ctap2.SampleGood {
					r.sampled(r.begin(), test.sample, left-1)
				} else {
					r.sampled(r.begin(), test.sample, left)
				}
				if took := time.Since(start); took != test.takes {
					t.Errorf("took %v, want %v", took, test.takes)
				}
			})
		})
	}
}

// The host says how long the key waits for the finger; the key never waits for
// longer than it would on its own. No finger is a sample like another, and the
// enrolment goes on, as long as it takes.
func TestSampleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(t, virtual.Config{User: virtual.NeverTouch()})
		capture := func(q *ctap2.BioEnrollmentRequest, ms uint, takes time.Duration) []byte {
			t.Helper()
			if ms > 0 {
				if q.SubCommandParams == nil {
					q.SubCommandParams = new(ctap2.BioEnrollmentParams)
				}
				q.SubCommandParams.TimeoutMilliseconds = ms
				if err := q.Authorize(r.permission); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			id := r.sampled(q, ctap2.SampleNoUserActivity, 4)
			if took := time.Since(start); took != takes {
				t.Errorf("%d ms: took %v, want %v", ms, took, takes)
			}
			return id
		}
		id := capture(r.begin(), 1500, 1500*time.Millisecond)
		for range 3 {
			capture(r.next(id), 0, 30*time.Second)
			time.Sleep(30 * time.Second) // all the time that the host has
		}
		capture(r.next(id), 1, time.Millisecond)
		capture(r.next(id), math.MaxUint, 30*time.Second)
		r.key.SetUser(virtual.AlwaysTouch())
		for left := range 4 {
			r.sampled(r.next(id), ctap2.SampleGood, uint(3-left))
		}
	})
}

// What ends an enrolment leaves nothing of it.
func TestEnrollmentEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *reader, id []byte){
		"cancelCurrentEnrollment": func(t *testing.T, r *reader, _ []byte) {
			if b := r.want(0, cancelEnrollment); len(b) > 0 {
				t.Errorf("answered %x", b)
			}
			r.want(0, cancelEnrollment)
		},
		"another host's": func(t *testing.T, r *reader, _ []byte) { r.on(7).want(0, cancelEnrollment) },
		"another one": func(t *testing.T, r *reader, id []byte) {
			second := r.sampled(r.begin(), ctap2.SampleGood, 3)
			if bytes.Equal(second, id) {
				t.Error("the template ID is used again")
			}
			r.want(ctap2.StatusInvalidOption, r.next(id)) // which leaves the second one alone
			r.sampled(r.next(second), ctap2.SampleGood, 2)
		},
		"another command": func(t *testing.T, r *reader, _ []byte) { r.info() },
		"time":            func(t *testing.T, r *reader, _ []byte) { time.Sleep(30*time.Second + 1) },
		"CANCEL": func(t *testing.T, r *reader, id []byte) {
			r.key.SetUser(virtual.NeverTouch())
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r.ctx = ctx
			r.want(ctap2.StatusKeepaliveCancel, r.next(id))
			r.ctx = t.Context()
		},
		"the user": func(t *testing.T, r *reader, id []byte) {
			r.key.SetUser(virtual.Deny())
			r.want(ctap2.StatusOperationDenied, r.next(id))
		},
		"power": func(t *testing.T, r *reader, _ []byte) {
			r.key.PowerCycle()
			r.permission = r.token(ctap2.PermissionBE, "")
		},
		"power while the key waits": func(t *testing.T, r *reader, id []byte) {
			r.key.SetUser(virtual.NeverTouch())
			done := make(chan bool)
			go func() { r.want(ctap2.StatusOther, r.next(id)); close(done) }()
			synctest.Wait()
			r.key.PowerCycle()
			<-done
			r.permission = r.token(ctap2.PermissionBE, "")
		},
		"a power cut at the last sample": func(t *testing.T, r *reader, id []byte) {
			r.sampled(r.next(id), ctap2.SampleGood, 2)
			r.sampled(r.next(id), ctap2.SampleGood, 1)
			r.store.CutPowerAfter(0)
			r.want(ctap2.StatusOther, r.next(id))
			r.key.PowerCycle()
			r.permission = r.token(ctap2.PermissionBE, "")
		},
		"a new PIN": func(t *testing.T, r *reader, id []byte) {
			if err := r.key.SetPIN([]byte("1234")); err != nil {
				t.Fatal(err)
			}
			r.want(ctap2.StatusPINAuthInvalid, r.next(id))
			r.permission = r.token(ctap2.PermissionBE, "")
		},
		"the token's age": func(t *testing.T, r *reader, id []byte) {
			r.key.SetUser(virtual.NeverTouch())
			for range 19 {
				r.sampled(r.next(id), ctap2.SampleNoUserActivity, 3)
			}
			time.Sleep(30 * time.Second)
			r.want(ctap2.StatusPINAuthInvalid, r.next(id))
			r.permission = r.token(ctap2.PermissionBE, "")
		},
		"reset": func(t *testing.T, r *reader, _ []byte) {
			r.want(0, reset)
			r.setPIN("1234")
			r.permission = r.token(ctap2.PermissionBE, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReader(t, virtual.Config{ResetWindow: -1})
				id := r.sampled(r.begin(), ctap2.SampleGood, 3)
				end(t, r, id)
				r.key.SetUser(virtual.AlwaysTouch())
				r.want(ctap2.StatusInvalidOption, r.next(id))
				if n := len(r.key.Fingerprints()); n > 0 {
					t.Errorf("%d fingerprints", n)
				}
				r.want(ctap2.StatusInvalidOption, r.enumerate())
			})
		})
	}
}

// What is not in the way of an enrolment leaves it alone.
func TestEnrollmentGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(t, virtual.Config{Fingerprints: virtual.Fingerprints{Samples: 6}})
		id := r.sampled(r.begin(), ctap2.SampleGood, 5)
		time.Sleep(30 * time.Second)
		r.sampled(r.next(id), ctap2.SampleGood, 4)
		r.want(ctap2.StatusInvalidOption, r.enumerate())
		r.sampled(r.next(id), ctap2.SampleGood, 3)
		r.want(ctap2.StatusInvalidOption, r.next([]byte("another")))
		r.on(7).want(ctap2.StatusInvalidOption, r.next(id)) // another host's
		r.sampled(r.next(id), ctap2.SampleGood, 2)
		bad := r.next(id)
		bad.PinUvAuthParam[0] ^= 1
		r.want(ctap2.StatusPINAuthInvalid, bad)
		r.sampled(r.next(id), ctap2.SampleGood, 1)
		r.sampled(r.next(id), ctap2.SampleGood, 0)
	})
}

func TestManageFingerprints(t *testing.T) {
	r := newReader(t, virtual.Config{})
	r.want(ctap2.StatusInvalidOption, r.enumerate())
	var ids [][]byte
	for _, name := range []string{"left thumb", "", "right thumb"} {
		id, err := r.key.AddFingerprint(name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	list := func(want ...string) {
		t.Helper()
		var got []string
		for _, f := range r.done(r.enumerate()).TemplateInfos {
			got = append(got, f.TemplateFriendlyName)
		}
		if !slices.Equal(got, want) {
			t.Errorf("fingerprints %q, want %q", got, want)
		}
	}
	list("left thumb", "", "right thumb")
	if b := r.want(0, r.rename(ids[1], "fifteen bytes!!")); len(b) > 0 {
		t.Errorf("answered %x", b)
	}
	r.want(0, r.rename(ids[2], ""))
	r.want(ctap2.StatusInvalidLength, r.rename(ids[0], "sixteen letters!"))
	r.want(ctap2.StatusInvalidLength, r.rename(ids[0], strings.Repeat("é", 8))) // bytes count
	r.want(ctap2.StatusInvalidOption, r.rename([]byte("another"), "x"))
	r.want(ctap2.StatusInvalidOption, r.rename([]byte{}, "x"))
	list("left thumb", "fifteen bytes!!", "")
	if b := r.want(0, r.remove(ids[0])); len(b) > 0 {
		t.Errorf("answered %x", b)
	}
	r.want(ctap2.StatusInvalidOption, r.remove(ids[0]))
	list("fifteen bytes!!", "")
	r.key.PowerCycle()
	r.permission = r.token(ctap2.PermissionBE, "")
	list("fifteen bytes!!", "")
	r.want(0, r.remove(ids[1]))
	r.want(0, r.remove(ids[2]))
	r.want(ctap2.StatusInvalidOption, r.enumerate())
	if o := r.info().Options; o[ctap2.OptionUV] || o[ctap2.OptionBioEnroll] {
		t.Errorf("options %v without fingerprints", o)
	}
}

func TestFingerprintsFull(t *testing.T) {
	r := newReader(t, virtual.Config{Fingerprints: virtual.Fingerprints{Max: 1, Samples: 2}})
	id := r.sampled(r.begin(), ctap2.SampleGood, 1)
	if _, err := r.key.AddFingerprint("in between"); err != nil {
		t.Fatal(err)
	}
	r.want(ctap2.StatusFPDatabaseFull, r.next(id))
	r.want(ctap2.StatusFPDatabaseFull, r.begin())
	if _, err := r.key.AddFingerprint(""); !errors.Is(err, ctap2.StatusFPDatabaseFull) {
		t.Error(err)
	}
	r.want(0, r.remove(r.key.Fingerprints()[0].TemplateID))
	r.sampled(r.begin(), ctap2.SampleGood, 1)
}

// Of several mistakes in a request, the one that the specification checks first
// is answered.
func TestBioEnrollmentOrder(t *testing.T) {
	both(t, virtual.Config{UV: virtual.FingerprintUV}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		r := &reader{h, h.token(ctap2.PermissionBE, "")}
		id, err := h.key.AddFingerprint("")
		if err != nil {
			t.Fatal(err)
		}
		long := strings.Repeat("x", 16)
		type mistake struct {
			name   string
			status ctap2.Status
			make   func(q map[int]any)
		}
		params := func(q map[int]any) map[int]any { return q[3].(map[int]any) }
		noParam := mistake{"no pinUvAuthParam", ctap2.StatusPUATRequired, func(q map[int]any) { delete(q, 5) }}
		noModality := mistake{"no modality", ctap2.StatusMissingParameter, func(q map[int]any) { delete(q, 1) }}
		noID := mistake{"no templateId", ctap2.StatusMissingParameter, func(q map[int]any) { delete(params(q), 1) }}
		noName := mistake{"no name", ctap2.StatusMissingParameter, func(q map[int]any) { delete(params(q), 2) }}
		modality := mistake{"another modality", ctap2.StatusInvalidParameter, func(q map[int]any) { q[1] = 257 }}
		longName := mistake{"long name", ctap2.StatusInvalidLength, func(q map[int]any) { params(q)[2] = long }}
		noProtocol := mistake{"no protocol", ctap2.StatusMissingParameter, func(q map[int]any) { delete(q, 4) }}
		protocol := mistake{"another protocol", ctap2.StatusInvalidParameter, func(q map[int]any) { q[4] = 3 }}
		mac := mistake{"wrong MAC", ctap2.StatusPINAuthInvalid, func(q map[int]any) { q[5] = []byte("0123456789abcdef") }}
		emptyMAC := mistake{"empty MAC", ctap2.StatusPINAuthInvalid, func(q map[int]any) { q[5] = []byte{} }}
		unknown := mistake{"unknown ID", ctap2.StatusInvalidOption, nil}
		for sub, mistakes := range map[ctap2.BioEnrollmentSubCommand][]mistake{
			ctap2.EnrollBegin:             {noParam, noModality, modality, noProtocol, protocol, mac},
			ctap2.EnrollCaptureNextSample: {noParam, noModality, noID, modality, protocol, emptyMAC, unknown},
			ctap2.EnumerateEnrollments:    {noParam, noModality, modality, noProtocol, protocol, mac},
			ctap2.SetFriendlyName:         {noParam, noModality, noName, modality, longName, noProtocol, emptyMAC},
			ctap2.RemoveEnrollment:        {noParam, noID, modality, noProtocol, protocol, mac},
		} {
			for i, first := range mistakes {
				for _, later := range mistakes[i:] {
					name := "finger"
					q := r.bio(sub, &ctap2.BioEnrollmentParams{TemplateID: id, TemplateFriendlyName: &name})
					m := map[int]any{1: 1, 2: sub, 3: map[int]any{1: id, 2: name}, 4: q.PinUvAuthProtocol, 5: q.PinUvAuthParam}
					for _, wrong := range []mistake{later, first} {
						if wrong.make != nil {
							wrong.make(m)
						}
					}
					b, err := cbor.Append([]byte{byte(ctap2.CommandBioEnrollment)}, m)
					if err != nil {
						t.Fatal(err)
					}
					if got, _ := h.send(raw(b)); got != first.status {
						t.Errorf("%v, %s and %s: answered %v, want %v", sub, first.name, later.name, got, first.status)
					}
				}
			}
		}
		// A token without the permission is as good as none.
		r.permission = h.token(ctap2.PermissionMC, rp.ID)
		h.want(ctap2.StatusPINAuthInvalid, r.enumerate())
		h.want(ctap2.StatusInvalidLength, r.rename(id, long))
		r.permission = h.receive(h.legacyRequest("1234"))
		h.want(ctap2.StatusPINAuthInvalid, r.enumerate())
		if len(h.key.Fingerprints()) != 1 {
			t.Error("the fingerprints have changed")
		}
	})
}

func TestBioEnrollmentMalformed(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.FingerprintUV})
	for request, want := range map[string]ctap2.Status{
		"09":                                     ctap2.StatusMissingParameter,
		"09a0":                                   ctap2.StatusMissingParameter,
		"09a101":                                 ctap2.StatusInvalidCBOR,
		"0980":                                   ctap2.StatusCBORUnexpectedType,
		"09a10101":                               ctap2.StatusMissingParameter, // no subcommand
		"09a106f4":                               ctap2.StatusMissingParameter,
		"09a10601":                               ctap2.StatusCBORUnexpectedType,
		"09a2010102186363":                       ctap2.StatusInvalidCBOR,
		"09a20101021863":                         ctap2.StatusInvalidSubcommand,
		"09a201010200":                           ctap2.StatusInvalidSubcommand,
		"09a20101021b0000000100000001":           ctap2.StatusInvalidSubcommand,
		"09a201010207":                           0,
		"09a10207":                               ctap2.StatusMissingParameter, // no modality
		"09a201020207":                           ctap2.StatusInvalidParameter,
		"09a20120020 7":                          ctap2.StatusCBORUnexpectedType,
		"09a201010203":                           0,
		"09a10203":                               ctap2.StatusMissingParameter,
		"09a20101020 1":                          ctap2.StatusPUATRequired,
		"09a3010102010340":                       ctap2.StatusCBORUnexpectedType, // params are no map
		"09a30101020103a10320":                   ctap2.StatusCBORUnexpectedType, // a negative time
		"09a30101020103a101f5":                   ctap2.StatusCBORUnexpectedType,
		"09a30101020503a20141000242c328":         ctap2.StatusCBORUnexpectedType, // a name in bytes
		"09a30101020503a20141000262c328":         ctap2.StatusInvalidCBOR,        // and one that is not UTF-8
		"09a30101020703a1186300":                 0,                              // unknown members are ignored
		"09a30101020705426162":                   0,                              // nothing to prove
		"09a201010207" + strings.Repeat("00", 4): ctap2.StatusInvalidCBOR,
	} {
		h.want(want, raw(fromHex(t, strings.ReplaceAll(request, " ", ""))))
	}
	if b := h.want(0, raw(fromHex(t, "09a106f5"))); !bytes.Equal(b, []byte{0xa1, 1, 1}) {
		t.Errorf("getModality %x", b)
	}
}

func TestSensorInfo(t *testing.T) {
	ask := raw(fromHex(t, "09a201010207"))
	for want, f := range map[string]virtual.Fingerprints{
		"a40101020103040 80f":  {},
		"a401010202030708181e": {Kind: ctap2.FingerprintSwipe, Samples: 7, MaxNameLength: 30},
	} {
		h := newHost(t, virtual.Config{UV: virtual.FingerprintUV, Fingerprints: f})
		if got := h.want(0, ask); !bytes.Equal(got, fromHex(t, strings.ReplaceAll(want, " ", ""))) {
			t.Errorf("%x, want %s", got, want)
		}
	}
	for name, c := range map[string]virtual.Config{
		"no sensor":     {UV: virtual.ConfiguredUV},
		"CTAP 2.0":      {Profile: virtual.FIDO20, UV: virtual.FingerprintUV},
		"left out":      {UV: virtual.FingerprintUV, WithoutCommands: []ctap2.Command{ctap2.CommandBioEnrollment}},
		"preview alone": {Profile: virtual.FIDO20, Previews: true, UV: virtual.FingerprintUV},
	} {
		h := newHost(t, c)
		h.want(ctap2.StatusInvalidCommand, ask)
		if _, ok := h.info().Options[ctap2.OptionBioEnroll]; ok {
			t.Errorf("%s: the option bioEnroll is there", name)
		}
	}
}

// preview is a request to the preview command.
type preview struct{ request }

func (p preview) Append(dst []byte) ([]byte, error) {
	b, err := p.request.Append(dst)
	if err == nil {
		b[len(dst)] = byte(ctap2.CommandBioEnrollmentPreview)
	}
	return b, err
}

// The preview takes a token of CTAP 2.0, which has no permissions, until a use of
// it has spent it.
func TestBioEnrollmentPreview(t *testing.T) {
	for _, p := range []virtual.Profile{virtual.FIDO20, virtual.FIDO21, virtual.FIDO23} {
		t.Run(p.String(), func(t *testing.T) {
			h := newHost(t, virtual.Config{Profile: p, Previews: true, UV: virtual.FingerprintUV})
			if h.protocol = pinuv.Two; p == virtual.FIDO20 {
				h.protocol = pinuv.One
			}
			h.setPIN("1234")
			h.pin = ""
			r := &reader{h, h.receive(h.legacyRequest("1234"))}
			if enrolled, ok := h.info().Options[ctap2.OptionUserVerificationMgmtPreview]; enrolled || !ok {
				t.Error("the option is not false")
			}
			r.want(ctap2.StatusInvalidOption, preview{r.enumerate()})
			id := r.sampled(preview{r.begin()}, ctap2.SampleGood, 3)
			for left := range 3 {
				r.sampled(preview{r.next(id)}, ctap2.SampleGood, uint(2-left))
			}
			r.want(0, preview{r.rename(id, "left thumb")})
			if all := r.done(preview{r.enumerate()}).TemplateInfos; len(all) != 1 || all[0].TemplateFriendlyName != "left thumb" {
				t.Errorf("%v", all)
			}
			if !h.info().Options[ctap2.OptionUserVerificationMgmtPreview] {
				t.Error("the option is not true")
			}
			if p != virtual.FIDO20 {
				h.want(ctap2.StatusPINAuthInvalid, r.enumerate()) // not the preview
				// The two commands don't continue each other.
				id := r.sampled(preview{r.begin()}, ctap2.SampleGood, 3)
				r.permission = h.receive(h.tokenRequest("1234", ctap2.PermissionBE, ""))
				h.want(ctap2.StatusInvalidOption, preview{r.next(id)})
				h.want(0, preview{r.enumerate()})
				r.permission = h.receive(h.legacyRequest("1234"))
				mc := h.complete(&ctap2.MakeCredentialRequest{})
				mc.Authorize(r.permission)
				h.want(0, mc)
				h.want(ctap2.StatusPINAuthInvalid, preview{r.enumerate()})
				return
			}
			r.want(0, preview{r.remove(id)})
			if h.info().Options[ctap2.OptionUV] {
				t.Error("uv is still true")
			}
		})
	}
	h := newHost(t, virtual.Config{UV: virtual.FingerprintUV})
	h.want(ctap2.StatusInvalidCommand, preview{cancelEnrollment})
}

// With TokenOnce a token lasts for an enrolment and no longer.
func TestTokenOnceEnrols(t *testing.T) {
	r := newReader(t, virtual.Config{Faults: virtual.Faults{TokenOnce: true}})
	id := r.sampled(r.begin(), ctap2.SampleGood, 3)
	for left := range 3 {
		r.sampled(r.next(id), ctap2.SampleGood, uint(2-left))
	}
	r.want(ctap2.StatusPINAuthInvalid, r.rename(id, "left thumb"))
	r.permission = r.token(ctap2.PermissionBE, "")
	r.want(0, r.rename(id, "left thumb"))
	r.want(ctap2.StatusPINAuthInvalid, r.enumerate())
	// An enrolment that another command ends was its use too.
	r.permission = r.token(ctap2.PermissionBE, "")
	r.sampled(r.begin(), ctap2.SampleGood, 3)
	r.info()
	r.want(ctap2.StatusPINAuthInvalid, r.enumerate())
	// Nor does what needs no token use one.
	r.permission = r.token(ctap2.PermissionBE, "")
	r.want(0, cancelEnrollment)
	r.want(0, r.enumerate())
}

func TestInjectFingerprints(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.FingerprintUV, Fingerprints: virtual.Fingerprints{Max: 3}})
	id, err := h.key.AddFingerprint("left thumb")
	if err != nil || len(id) != 16 {
		t.Fatalf("%x, %v", id, err)
	}
	h.receive(h.uvRequest(ctap2.PermissionMC, rp.ID))
	id[0] ^= 1 // a copy
	h.key.Fingerprints()[0].TemplateID[0] ^= 2
	commits := h.store.Commits()
	named := func(name string) ctap2.TemplateInfo { return ctap2.TemplateInfo{TemplateFriendlyName: name} }
	for name, all := range map[string][]ctap2.TemplateInfo{
		"too many":    {named("a"), named("b"), named("c"), named("d")},
		"long name":   {named("a"), named("sixteen letters!")},
		"long ID":     {{TemplateID: make([]byte, 17)}},
		"the same ID": {{TemplateID: []byte{1}}, {TemplateID: []byte{1}}},
	} {
		if err := h.key.SetFingerprints(all...); err == nil || h.store.Commits() != commits {
			t.Errorf("%s: %v, %d commits", name, err, h.store.Commits()-commits)
		}
	}
	check := func(want ...string) {
		t.Helper()
		for range 2 {
			var got []string
			for _, f := range h.key.Fingerprints() {
				got = append(got, string(f.TemplateID[:1])+f.TemplateFriendlyName)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			h.key.PowerCycle()
		}
	}
	if err := h.key.SetFingerprints(ctap2.TemplateInfo{TemplateID: []byte{'1'}, TemplateFriendlyName: "a"}, ctap2.TemplateInfo{TemplateID: []byte{'2'}}); err != nil {
		t.Fatal(err)
	}
	check("1a", "2")
	if n := h.store.Commits() - commits; n != 1 {
		t.Errorf("%d commits", n)
	}
	if err := h.key.SetFingerprints(ctap2.TemplateInfo{TemplateID: []byte{'3'}}); err != nil {
		t.Fatal(err)
	}
	check("3")
	if err := h.key.SetFingerprints(); err != nil || h.info().Options[ctap2.OptionUV] {
		t.Errorf("%v, options %v", err, h.info().Options)
	}
	check()
	h.store.CutPowerAfter(0)
	if _, err := h.key.AddFingerprint(""); err == nil {
		t.Error("no error without power")
	}
	h = newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
	if _, err := h.key.AddFingerprint(""); err == nil {
		t.Error("a key without a sensor takes a fingerprint")
	}
}

// repeating is a source of random bytes that is none.
type repeating struct{}

func (repeating) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 1
	}
	return len(b), nil
}

// No two fingerprints have the same ID, whatever the source of random bytes does.
func TestTemplateIDsAreUnique(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.FingerprintUV, Rand: repeating{}})
	if _, err := h.key.AddFingerprint(""); err != nil {
		t.Fatal(err)
	}
	if _, err := h.key.AddFingerprint(""); err == nil {
		t.Error("two fingerprints have the same ID")
	}
}

func TestManualSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		user := virtual.NewManual()
		r := newReader(t, virtual.Config{User: user, Fingerprints: virtual.Fingerprints{Samples: 1}})
		done := make(chan bool)
		go func() { r.sampled(r.begin(), ctap2.SampleTooSkewed, 1); done <- true }()
		if p := <-user.Prompts; p.Command != ctap2.CommandBioEnrollment || p.RPID != "" {
			t.Errorf("prompt %+v", p)
		}
		user.Samples <- virtual.BadSample(ctap2.SampleTooSkewed)
		<-done
		go func() { r.sampled(r.begin(), ctap2.SampleGood, 0); done <- true }()
		user.Samples <- virtual.GoodSample
		<-done
	})
}

// On a card reader too, a sample is a finger on the sensor and not the tap.
func TestSampleIsNoTap(t *testing.T) {
	r := newReader(t, virtual.Config{Transport: ctap2.TransportNFC})
	id := r.sampled(r.begin(), ctap2.SampleGood, 3)
	r.sampled(r.next(id), ctap2.SampleGood, 2)
	r.want(0, selection)
	r.want(ctap2.StatusUPRequired, selection)
}
