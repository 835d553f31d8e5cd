package virtual_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelBio is a bioEnrollment.
type modelBio struct {
	sub      ctap2.BioEnrollmentSubCommand
	finger   *modelFinger // nil: an unknown template
	noParams bool         // what the subcommand needs is missing
	name     string
	timeout  time.Duration // 0: absent
	proof    modelProof
	session  uint64
}

// modelFinger is a fingerprint, enrolled or on the way.
type modelFinger struct {
	id   []byte
	name string
}

// modelEnrolment is what the next sample continues.
type modelEnrolment struct {
	finger    *modelFinger
	remaining int
}

const modelMaxName = 15

// bioEnrollment is section 6.7. The fingerprint is one whose enrolment begins.
func (m *model) bioEnrollment(a *modelBio) (string, *modelFinger) {
	status := func(s ctap2.Status) (string, *modelFinger) { return s.Name(), nil }
	if !m.knows(ctap2.CommandBioEnrollment) {
		return status(ctap2.StatusInvalidCommand)
	}
	switch a.sub {
	case ctap2.CancelCurrentEnrollment:
		m.sequence = nil
		return "", nil
	case ctap2.GetFingerprintSensorInfo:
		c := m.config.Fingerprints
		return fmt.Sprintf("a sensor of %d samples and names of %d bytes", c.Samples, modelMaxName), nil
	}
	if s := m.enrolling(a); s != 0 {
		return status(s)
	}
	known := slices.Contains(m.fingers, a.finger)
	switch a.sub {
	case ctap2.EnrollBegin:
		m.sequence = nil
		if len(m.fingers) >= m.config.Fingerprints.Max {
			return status(ctap2.StatusFPDatabaseFull)
		}
		f := new(modelFinger)
		return m.capture(a, &modelEnrolment{f, m.config.Fingerprints.Samples}), f
	case ctap2.EnrollCaptureNextSample:
		e, ok := m.resume(ctap2.CommandBioEnrollment, a.session).(*modelEnrolment)
		if !ok || e.finger != a.finger {
			return status(ctap2.StatusInvalidOption)
		}
		return m.capture(a, e), nil
	case ctap2.EnumerateEnrollments:
		if len(m.fingers) == 0 {
			return status(ctap2.StatusInvalidOption)
		}
		return m.fingerList(), nil
	case ctap2.SetFriendlyName:
		if !known {
			return status(ctap2.StatusInvalidOption)
		}
		a.finger.name = a.name
	case ctap2.RemoveEnrollment:
		if !known {
			return status(ctap2.StatusInvalidOption)
		}
		m.fingers = slices.DeleteFunc(m.fingers, func(f *modelFinger) bool { return f == a.finger })
	}
	return "", nil
}

// enrolling is the check of the proof and of what must be there.
func (m *model) enrolling(a *modelBio) ctap2.Status {
	needs := a.sub == ctap2.EnrollCaptureNextSample || a.sub == ctap2.SetFriendlyName || a.sub == ctap2.RemoveEnrollment
	switch {
	case a.sub > ctap2.GetFingerprintSensorInfo:
		return ctap2.StatusInvalidSubcommand
	case a.proof.kind == modelNoProof:
		return ctap2.StatusPUATRequired
	case a.noParams && needs:
		return ctap2.StatusMissingParameter
	case a.sub == ctap2.SetFriendlyName && len(a.name) > modelMaxName:
		return ctap2.StatusInvalidLength
	}
	return m.managed(a.proof, ctap2.PermissionBE)
}

// capture takes one sample.
func (m *model) capture(a *modelBio, e *modelEnrolment) string {
	m.sequence = nil
	limit := 30 * time.Second
	if a.timeout > 0 {
		limit = min(limit, a.timeout)
	}
	status := ctap2.SampleGood
	switch out := m.askFor(limit); {
	case out == modelTimeout:
		status = ctap2.SampleNoUserActivity
	case out != modelAgreed:
		return out.Name()
	case m.user.sample == virtual.SampleDeclined:
		return ctap2.StatusOperationDenied.Name()
	case m.user.sample == virtual.GoodSample:
		e.remaining--
	default:
		status = ctap2.SampleTooFast
	}
	if e.remaining > 0 {
		m.begin(ctap2.CommandBioEnrollment, a.session, a.proof.token, e)
	} else {
		m.fingers = append(m.fingers, e.finger)
	}
	return fmt.Sprintf("%v, %d to go", status, e.remaining)
}

func (m *model) fingerList() string {
	var all []string
	for _, f := range m.fingers {
		all = append(all, fmt.Sprintf("%x %q", f.id, f.name))
	}
	return strings.Join(all, ", ")
}

// enroll does something with fingerprints: as a rule it enrols one.
func (d *modelDriver) enroll() {
	m := d.model
	if m.config.UV != virtual.FingerprintUV && !d.one(24) {
		return
	}
	a := &modelBio{sub: ctap2.BioEnrollmentSubCommand(1 + d.IntN(7)), noParams: d.one(40), session: d.session}
	if d.one(60) {
		a.sub = 8
	}
	if d.one(3) {
		a.sub = ctap2.EnrollBegin
	}
	if len(m.fingers) > 0 && !d.one(4) {
		a.finger = pick(d, m.fingers...)
	}
	if m.sequence != nil && !d.one(5) {
		if e, ok := m.sequence.state.(*modelEnrolment); ok {
			a.sub, a.finger = ctap2.EnrollCaptureNextSample, e.finger
		}
	}
	if d.one(4) {
		a.timeout = 10 * time.Second
	}
	a.name = pick(d, "", "left thumb", "fifteen letters", "sixteen letters.")
	r := &ctap2.BioEnrollmentRequest{Modality: ctap2.ModalityFingerprint, SubCommand: a.sub}
	if !a.noParams {
		r.SubCommandParams = &ctap2.BioEnrollmentParams{TimeoutMilliseconds: uint(a.timeout / time.Millisecond)}
		if a.sub != ctap2.EnrollBegin {
			r.SubCommandParams.TemplateID = bytes.Repeat([]byte{3}, 16)
			if a.finger != nil {
				r.SubCommandParams.TemplateID = a.finger.id
			}
		}
		if a.sub == ctap2.SetFriendlyName {
			r.SubCommandParams.TemplateFriendlyName = &a.name
		}
	} else {
		a.timeout = 0
	}
	if a.sub != ctap2.CancelCurrentEnrollment && a.sub != ctap2.GetFingerprintSensorInfo {
		a.proof = d.drawProof(ctap2.PermissionBE, "")
		message, err := r.Message()
		if err != nil {
			d.t.Fatal(err)
		}
		a.proof.set(message, &r.PinUvAuthParam, &r.PinUvAuthProtocol)
	}
	m.interrupt(ctap2.CommandBioEnrollment)
	want, f := m.bioEnrollment(a)
	s, b := d.request(r)
	d.expect(a.sub.String(), a, want, d.bioText(s, b, f))
}

func (d *modelDriver) bioText(s ctap2.Status, b []byte, begun *modelFinger) string {
	if s != 0 {
		return s.Name()
	}
	r, err := ctap2.ParseBioEnrollmentResponse(b)
	if err != nil {
		return err.Error()
	}
	if begun != nil {
		begun.id = r.TemplateID
	}
	switch {
	case r.LastEnrollSampleStatus != nil && r.RemainingSamples != nil:
		return fmt.Sprintf("%v, %d to go", *r.LastEnrollSampleStatus, *r.RemainingSamples)
	case r.MaxCaptureSamplesRequiredForEnroll != 0:
		return fmt.Sprintf("a sensor of %d samples and names of %d bytes", r.MaxCaptureSamplesRequiredForEnroll, r.MaxTemplateFriendlyName)
	}
	var all []string
	for _, t := range r.TemplateInfos {
		all = append(all, fmt.Sprintf("%x %q", t.TemplateID, t.TemplateFriendlyName))
	}
	return strings.Join(all, ", ")
}
