package ctap2_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A fingerReader is the fingerprints of a fake key.
type fingerReader struct {
	t         *testing.T
	samples   []ctap2.SampleStatus // of the next captures; good when there are none left
	needed    uint
	remaining uint
	names     map[string]string
	timeouts  []uint
	failing   map[ctap2.BioEnrollmentSubCommand][]byte
}

func newFingerReader(t *testing.T, k *fakeKey) *fingerReader {
	f := &fingerReader{t: t, needed: 3, names: map[string]string{}, failing: map[ctap2.BioEnrollmentSubCommand][]byte{}}
	k.info.Options[ctap2.OptionBioEnroll] = false
	k.answers[ctap2.CommandBioEnrollment] = f.answer
	k.answers[ctap2.CommandBioEnrollmentPreview] = f.answer
	return f
}

func (f *fingerReader) answer(b []byte) []byte {
	r, err := ctap2.ParseBioEnrollmentRequest(b[1:])
	if err != nil {
		f.t.Fatal(err)
	}
	if r.GetModality {
		return reply(f.t, map[uint64]any{1: 1})
	}
	free := r.SubCommand == ctap2.CancelCurrentEnrollment || r.SubCommand == ctap2.GetFingerprintSensorInfo
	if r.Modality != ctap2.ModalityFingerprint || r.Has(5) == free {
		f.t.Errorf("%v: %+v", r.SubCommand, r)
	}
	if !free {
		message, err := r.Message()
		if err != nil || !someToken(f.t, r.PinUvAuthProtocol).Verify(message, r.PinUvAuthParam) {
			return []byte{byte(ctap2.StatusPINAuthInvalid)}
		}
	}
	if answer, ok := f.failing[r.SubCommand]; ok {
		return answer
	}
	params := r.SubCommandParams
	if params == nil {
		params = &ctap2.BioEnrollmentParams{}
	}
	switch r.SubCommand {
	case ctap2.EnrollBegin, ctap2.EnrollCaptureNextSample:
		f.timeouts = append(f.timeouts, params.TimeoutMilliseconds)
		answer := map[uint64]any{}
		if r.SubCommand == ctap2.EnrollBegin {
			f.remaining = f.needed
			answer[4] = []byte("finger")
		} else if string(params.TemplateID) != "finger" {
			return []byte{byte(ctap2.StatusInvalidOption)}
		}
		answer[5] = uint(ctap2.SampleGood)
		if len(f.samples) > 0 {
			answer[5] = uint(f.samples[0])
			f.samples = f.samples[1:]
		}
		if answer[5] == uint(ctap2.SampleGood) {
			f.remaining--
		}
		answer[6] = f.remaining
		if f.remaining == 0 {
			f.names["finger"] = ""
		}
		return reply(f.t, answer)
	case ctap2.CancelCurrentEnrollment:
		return []byte{0}
	case ctap2.EnumerateEnrollments:
		var all []any
		for id, name := range f.names {
			all = append(all, map[int]any{1: []byte(id), 2: name})
		}
		if all == nil {
			return []byte{byte(ctap2.StatusInvalidOption)}
		}
		return reply(f.t, map[uint64]any{7: all})
	case ctap2.GetFingerprintSensorInfo:
		return reply(f.t, map[uint64]any{1: 1, 2: 2, 3: f.needed, 8: 15})
	}
	if _, ok := f.names[string(params.TemplateID)]; !ok {
		return []byte{byte(ctap2.StatusInvalidOption)}
	}
	if r.SubCommand == ctap2.RemoveEnrollment {
		delete(f.names, string(params.TemplateID))
	} else if len(*params.TemplateFriendlyName) > 15 {
		return []byte{byte(ctap2.StatusInvalidLength)}
	} else {
		f.names[string(params.TemplateID)] = *params.TemplateFriendlyName
	}
	return []byte{0}
}

func TestFingerprints(t *testing.T) {
	for _, preview := range []bool{false, true} {
		k := newFakeKey(t, "1234", pinuv.Two)
		f := newFingerReader(t, k)
		suffix := ""
		if preview {
			delete(k.info.Options, ctap2.OptionBioEnroll)
			k.info.Options[ctap2.OptionUserVerificationMgmtPreview] = false
			suffix = " (preview)"
		}
		c := ctap2.NewClient(k, nil)
		token := someToken(t, pinuv.Two)
		sent := func(names ...string) {
			t.Helper()
			for i := range names {
				names[i] += suffix
			}
			got := slices.DeleteFunc(k.took(), func(name string) bool { return name == "authenticatorGetInfo" })
			if !slices.Equal(got, names) {
				t.Errorf("sent %q, want %q", got, names)
			}
		}
		if all, err := c.Fingerprints(t.Context(), token); all != nil || err != nil {
			t.Errorf("none: %v, %v", all, err)
		}
		sent("enumerateEnrollments")
		if info, err := c.FingerprintSensorInfo(t.Context()); err != nil || info != (ctap2.FingerprintSensorInfo{Kind: 2, MaxCaptureSamples: 3, MaxTemplateFriendlyName: 15}) {
			t.Errorf("sensor %+v, %v", info, err)
		}
		sent("getFingerprintSensorInfo")
		if m, err := c.BioModality(t.Context()); m != ctap2.ModalityFingerprint || err != nil {
			t.Errorf("modality %v, %v", m, err)
		}
		k.took()
		f.samples = []ctap2.SampleStatus{ctap2.SampleTooFast, 0, ctap2.SampleNoUserActivity, 0, ctap2.SampleNoUserPresenceTransition}
		var seen []ctap2.EnrollmentSample
		id, err := c.EnrollFingerprint(t.Context(), token, &ctap2.Enrollment{Timeout: 1500*time.Millisecond + 1,
			Progress: func(s ctap2.EnrollmentSample) { seen = append(seen, s) }})
		want := []ctap2.EnrollmentSample{{Status: 5, Remaining: 3}, {Remaining: 2}, {Status: 13, Remaining: 2}, {Remaining: 1}, {Status: 14, Remaining: 1}, {}}
		if err != nil || string(id) != "finger" || !slices.Equal(seen, want) || !slices.Equal(f.timeouts, []uint{1501, 1501, 1501, 1501, 1501, 1501}) {
			t.Errorf("%q, %v: %v, timeouts %v", id, err, seen, f.timeouts)
		}
		const next = "enrollCaptureNextSample"
		sent("enrollBegin", next, next, next, next, next)
		if err := c.SetFingerprintName(t.Context(), token, id, "left thumb"); err != nil {
			t.Error(err)
		}
		sent("setFriendlyName")
		if all, err := c.Fingerprints(t.Context(), token); err != nil || len(all) != 1 || all[0].TemplateFriendlyName != "left thumb" {
			t.Errorf("%v, %v", all, err)
		}
		sent("enumerateEnrollments")
		err = c.SetFingerprintName(t.Context(), token, id, "sixteen letters!")
		long, ok := errors.AsType[*ctap2.FriendlyNameError](err)
		if !ok || long.Length != 16 || long.Limit != 15 || !errors.Is(err, ctap2.StatusInvalidLength) || !strings.Contains(err.Error(), "at most 15") {
			t.Errorf("long name: %v", err)
		}
		sent("setFriendlyName", "getFingerprintSensorInfo")
		for name, err := range map[string]error{"rename": c.SetFingerprintName(t.Context(), token, []byte("x"), "x"), "remove": c.RemoveFingerprint(t.Context(), token, []byte("x"))} {
			if !errors.Is(err, ctap2.StatusInvalidOption) {
				t.Errorf("%s another: %v", name, err)
			}
		}
		k.took()
		if err := c.RemoveFingerprint(t.Context(), token, id); err != nil || len(f.names) != 0 {
			t.Error(err)
		}
		sent("removeEnrollment")
		if _, err := c.BioEnrollment(t.Context(), &ctap2.BioEnrollmentRequest{Modality: 1, SubCommand: ctap2.CancelCurrentEnrollment}); err != nil {
			t.Error(err)
		}
		sent("cancelCurrentEnrollment")
	}
	if _, err := ctap2.NewClient(newFakeKey(t, "", pinuv.Two), nil).Fingerprints(t.Context(), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a key without a sensor: %v", err)
	}
}

func TestEnrollmentGivenUp(t *testing.T) {
	const begin, next, cancel = "enrollBegin", "enrollCaptureNextSample", "cancelCurrentEnrollment"
	sample := func(m map[uint64]any) []byte { return reply(t, m) }
	for _, test := range []struct {
		name    string
		change  func(*fingerReader)
		problem string
		sent    []string
	}{
		{"no room", func(f *fingerReader) { f.failing[ctap2.EnrollBegin] = []byte{0x17} }, "FP_DATABASE_FULL", []string{begin}},
		{"refused later", func(f *fingerReader) { f.failing[ctap2.EnrollCaptureNextSample] = []byte{0x27} }, "OPERATION_DENIED", []string{begin, next, cancel}},
		{"no template ID", func(f *fingerReader) { f.failing[ctap2.EnrollBegin] = sample(map[uint64]any{6: 2}) }, "templateId is missing", []string{begin, cancel}},
		{"remaining is missing", func(f *fingerReader) { f.failing[ctap2.EnrollCaptureNextSample] = []byte{0} }, "remainingSamples is missing", []string{begin, next, cancel}},
		{"cancel fails too", func(f *fingerReader) {
			f.failing[ctap2.EnrollCaptureNextSample] = []byte{0x27}
			f.failing[ctap2.CancelCurrentEnrollment] = []byte{0x01}
		}, "OPERATION_DENIED", []string{begin, next, cancel}},
		{"never enough", func(f *fingerReader) {
			f.failing[ctap2.EnrollCaptureNextSample] = sample(map[uint64]any{5: 0, 6: uint64(1) << 40})
		}, "not enrolled after 256 samples", slices.Concat([]string{begin}, slices.Repeat([]string{next}, ctap2.MaxSamples-1), []string{cancel})},
	} {
		k := newFakeKey(t, "1234", pinuv.Two)
		test.change(newFingerReader(t, k))
		c := ctap2.NewClient(k, nil)
		id, err := c.EnrollFingerprint(t.Context(), someToken(t, pinuv.Two), nil)
		if id != nil || err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %x, %v", test.name, id, err)
		}
		if got := k.took()[1:]; !slices.Equal(got, test.sent) {
			t.Errorf("%s: sent %q", test.name, got)
		}
	}
}

// A context that ends while the key waits for the finger ends the enrolment on
// the key, even one that is slow to answer.
func TestEnrollmentCancelled(t *testing.T) {
	for _, test := range []struct {
		name     string
		captures int           // before the finger is not there any more
		hang     bool          // the key does not answer cancelCurrentEnrollment
		most     time.Duration // from the cancel to the end
	}{
		{"first sample", 0, false, 0}, {"third sample", 2, false, 0}, {"key hangs", 1, true, 500 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newFakeKey(t, "1234", pinuv.Two)
				newFingerReader(t, k)
				captured, canceled := 0, 0
				c := ctap2.NewClient(transportFunc(func(ctx context.Context, request []byte, _ func(byte)) ([]byte, error) {
					switch subCommandOf(request) {
					case ctap2.EnrollBegin, ctap2.EnrollCaptureNextSample:
						if captured++; captured > test.captures {
							<-ctx.Done()
							return []byte{byte(ctap2.StatusKeepaliveCancel)}, nil
						}
					case ctap2.CancelCurrentEnrollment:
						if canceled++; test.hang {
							<-ctx.Done()
							return nil, ctx.Err()
						}
					}
					return k.CBOR(ctx, nil, request, nil)
				}), nil)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				_, err := c.EnrollFingerprint(ctx, someToken(t, pinuv.Two), nil)
				if !errors.Is(err, context.Canceled) || canceled != 1 || time.Since(start) != time.Second+test.most {
					t.Errorf("%v after %v, cancelled %d times", err, time.Since(start), canceled)
				}
			})
		})
	}
}

func TestSampleStatusWords(t *testing.T) {
	seen := map[string]bool{}
	for s := range ctap2.SampleNoUserPresenceTransition + 1 {
		text := s.String()
		if seen[text] || strings.Contains(text, "0x") || strings.ToLower(text) != text {
			t.Errorf("%d is %q", uint(s), text)
		}
		seen[text] = true
	}
	for want, got := range map[string]string{"sample status 0x0f": ctap2.SampleStatus(15).String(), "touch": ctap2.FingerprintTouch.String(),
		"swipe": ctap2.FingerprintSwipe.String(), "fingerprint kind 3": ctap2.FingerprintKind(3).String(),
		"enrollBegin": ctap2.EnrollBegin.String(), "subcommand 0x63": ctap2.BioEnrollmentSubCommand(99).String(),
		"vendorPrototype": ctap2.VendorPrototype.String(), "deleteCredential": ctap2.DeleteCredential.String()} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
