package conformance

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid"
)

// Section 17: bioEnrollment, or its preview on a key that has nothing else.
var bioEnrollmentCases = []Case{
	{ID: "BE-1", Title: "the modality and the sensor are described to anyone", Run: be1},
	{ID: "BE-2", Title: "fingerprints are managed with a token that has the permission be", Run: each(be2)},
	{ID: "BE-3", Title: "a good sample counts, a bad one and none at all don't", Needs: NeedsSamples, Takes: 2 * time.Second, Run: sensor(be3)},
	{ID: "BE-4", Title: "the last sample sets user verification up", Needs: NeedsSamples, Run: sensor(be4)},
	{ID: "BE-5", Title: "an enrolment can be cancelled, and another one ends it", Needs: NeedsSamples, Run: sensor(be5)},
	{ID: "BE-6", Title: "there are no fingerprints to enumerate on a new key", Run: sensor(be6)},
	{ID: "BE-7", Title: "a fingerprint gets a name", Needs: NeedsSamples, Run: sensor(be7)},
	{ID: "BE-8", Title: "removing the last fingerprint takes user verification away", Needs: NeedsSamples, Run: sensor(be8)},
	{ID: "BE-9", Title: "there is room for so many fingerprints and no more", Needs: NeedsSamples, Run: sensor(be9)},
	{ID: "BE-10", Title: "a token lives on after an enrolment, or another is given", Needs: NeedsSamples, Run: sensor(be10)},
	{ID: "BE-11", Title: "CANCEL ends the wait for a finger, and the enrolment", Needs: NeedsReports | NeedsSamples, Run: sensor(be11)},
	{ID: "BE-12", Title: "the preview command does the same", Needs: NeedsSamples, Run: be12},
	{ID: "BE-13", Title: "a power cycle ends an enrolment", Needs: NeedsPowerCycle | NeedsSamples, Run: sensor(be13)},
}

// biometrics is the key with its sensor.
type biometrics struct {
	*messages
	command ctap2.Command
	token   *pinuv.Token // with the permission be
}

// sensor makes a case of one that needs a key with a sensor, and a token.
func sensor(f func(b *biometrics)) func(*C) {
	return func(c *C) {
		m := c.open()
		b := &biometrics{messages: m, command: m.bioCommand()}
		b.authorize(m.first())
		f(b)
	}
}

// bioCommand returns the command that the key has.
func (m *messages) bioCommand() ctap2.Command {
	m.c.Helper()
	if _, ok := m.info.Options[ctap2.OptionBioEnroll]; ok {
		return ctap2.CommandBioEnrollment
	}
	return m.bioPreview()
}

func (m *messages) bioPreview() ctap2.Command {
	m.c.Helper()
	if _, ok := m.info.Options[ctap2.OptionUserVerificationMgmtPreview]; !ok {
		m.c.NotApplicable("the key enrols no fingerprints")
	}
	return ctap2.CommandBioEnrollmentPreview
}

// authorize gets a token by PIN, which it sets the first time.
func (b *biometrics) authorize(p pinuv.Protocol) {
	b.c.Helper()
	b.needPIN()
	if !b.option(ctap2.OptionClientPIN) {
		b.mustSetPIN(p, b.pin1())
	}
	var permission ctap2.Permissions
	if b.command == ctap2.CommandBioEnrollment && b.option(ctap2.OptionPinUvAuthToken) {
		permission = ctap2.PermissionBE
	}
	b.token = b.needToken(b.messages.token(p, b.pin1(), permission, ""))
}

// request returns the parameters of a subcommand, authorised.
func (b *biometrics) request(sub ctap2.BioEnrollmentSubCommand, sp params) params {
	b.c.Helper()
	message := []byte{byte(ctap2.ModalityFingerprint), byte(sub)}
	p := params{1: ctap2.ModalityFingerprint, 2: sub}
	if sp != nil {
		p[3] = sp
		var err error
		if message, err = cbor.Append(message, sp); err != nil {
			b.c.Fatal(err)
		}
	}
	return p.with(4, b.token.Protocol()).with(5, b.token.Authenticate(message))
}

// send sends a subcommand, authorised.
func (b *biometrics) send(sub ctap2.BioEnrollmentSubCommand, sp params) (ctap2.Status, *ctap2.BioEnrollmentResponse) {
	b.c.Helper()
	return b.sent(b.request(sub, sp))
}

func (b *biometrics) sent(p params) (ctap2.Status, *ctap2.BioEnrollmentResponse) {
	b.c.Helper()
	s, raw := b.call(b.command, p)
	if s != ctap2.StatusSuccess {
		return s, nil
	}
	r, err := ctap2.ParseBioEnrollmentResponse(raw)
	if err != nil {
		b.c.Fatal(err)
	}
	return s, r
}

// done sends a subcommand that must succeed.
func (b *biometrics) done(sub ctap2.BioEnrollmentSubCommand, sp params) *ctap2.BioEnrollmentResponse {
	b.c.Helper()
	s, r := b.send(sub, sp)
	if s != ctap2.StatusSuccess {
		b.c.Fatalf("%v: %s", sub, s.Name())
	}
	return r
}

// not sends a subcommand that must end with one of these statuses.
func (b *biometrics) not(sub ctap2.BioEnrollmentSubCommand, sp params, accept ...ctap2.Status) {
	b.c.Helper()
	s, _ := b.send(sub, sp)
	b.accept(s, accept...)
}

// captured demands the members of a reply to a capture.
func (b *biometrics) captured(r *ctap2.BioEnrollmentResponse) (ctap2.SampleStatus, uint) {
	b.c.Helper()
	if r.LastEnrollSampleStatus == nil || r.RemainingSamples == nil {
		b.c.Fatalf("a capture is answered with %x", r.Raw)
	}
	return *r.LastEnrollSampleStatus, *r.RemainingSamples
}

// begin begins an enrolment with one good sample and returns the template's ID
// and how many samples are left.
func (b *biometrics) begin() ([]byte, uint) {
	b.c.Helper()
	b.c.Key.Sample(ctap2.SampleGood)
	r := b.done(ctap2.EnrollBegin, nil)
	if len(r.TemplateID) == 0 {
		b.c.Fatal("enrollBegin returns no templateId")
	}
	status, left := b.captured(r)
	if status != ctap2.SampleGood {
		b.c.Fatalf("the first sample: %v", status)
	}
	return r.TemplateID, left
}

// finish captures samples until the fingerprint is enrolled.
func (b *biometrics) finish(id []byte, left uint) {
	b.c.Helper()
	for range ctap2.MaxSamples {
		if left == 0 {
			b.refresh()
			return
		}
		status, now := b.captured(b.done(ctap2.EnrollCaptureNextSample, params{1: id}))
		if status != ctap2.SampleGood || now >= left {
			b.c.Fatalf("%d samples are left of %d: %v", now, left, status)
		}
		left = now
	}
	b.c.Fatalf("the fingerprint is not enrolled after %d good samples", ctap2.MaxSamples)
}

// enroll enrols a fingerprint.
func (b *biometrics) enroll() []byte {
	b.c.Helper()
	id, left := b.begin()
	b.finish(id, left)
	return id
}

// enrolled demands that these fingerprints are enrolled, in any order.
func (b *biometrics) enrolled(ids ...[]byte) []ctap2.TemplateInfo {
	b.c.Helper()
	if len(ids) == 0 {
		b.not(ctap2.EnumerateEnrollments, nil, ctap2.StatusInvalidOption)
		return nil
	}
	all := b.done(ctap2.EnumerateEnrollments, nil).TemplateInfos
	if len(all) != len(ids) {
		b.c.Errorf("%d fingerprints are enrolled instead of %d", len(all), len(ids))
	}
	for _, id := range ids {
		if b.name(all, id) == nil {
			b.c.Errorf("fingerprint %x is missing", id)
		}
	}
	return all
}

// name returns the name of a listed fingerprint, or nil.
func (b *biometrics) name(all []ctap2.TemplateInfo, id []byte) *string {
	for _, t := range all {
		if bytes.Equal(t.TemplateID, id) {
			return &t.TemplateFriendlyName
		}
	}
	return nil
}

// sensorInfo returns what the key says of its sensor.
func (b *biometrics) sensorInfo() *ctap2.BioEnrollmentResponse {
	b.c.Helper()
	s, r := b.sent(params{1: ctap2.ModalityFingerprint, 2: ctap2.GetFingerprintSensorInfo})
	if s != ctap2.StatusSuccess {
		b.c.Fatalf("getFingerprintSensorInfo: %s", s.Name())
	}
	return r
}

// expects demands the options that tell whether fingerprints are enrolled.
func (b *biometrics) expects(enrolled bool) {
	b.c.Helper()
	b.refresh()
	option := ctap2.OptionBioEnroll
	if b.command == ctap2.CommandBioEnrollmentPreview {
		option = ctap2.OptionUserVerificationMgmtPreview
	}
	for _, name := range []string{ctap2.OptionUV, option} {
		if b.option(name) != enrolled {
			b.c.Errorf("the option %s is %v", name, b.option(name))
		}
	}
}

func be1(c *C) {
	m := c.open()
	b := &biometrics{messages: m, command: m.bioCommand()}
	if s, r := b.sent(params{6: true}); s != ctap2.StatusSuccess || r.Modality != ctap2.ModalityFingerprint {
		c.Errorf("getModality: %s, %+v", s.Name(), r)
	}
	r := b.sensorInfo()
	if r.Modality != ctap2.ModalityFingerprint {
		c.Errorf("the modality is %d", r.Modality)
	}
	if r.FingerprintKind != ctap2.FingerprintTouch && r.FingerprintKind != ctap2.FingerprintSwipe {
		c.Errorf("the sensor is of the kind %d", uint(r.FingerprintKind))
	}
	if r.MaxCaptureSamplesRequiredForEnroll == 0 {
		c.Error("an enrolment takes no samples")
	}
	if r.MaxTemplateFriendlyName == 0 {
		if c.Key.Strict {
			c.Error("maxTemplateFriendlyName is missing")
		}
		c.Observe("maxTemplateFriendlyName is missing")
	}
}

func be2(m *messages, p pinuv.Protocol) {
	b := &biometrics{messages: m, command: m.bioCommand()}
	id, name := []byte("unknown"), "name"
	protected := map[ctap2.BioEnrollmentSubCommand]params{
		ctap2.EnrollBegin:             nil,
		ctap2.EnrollCaptureNextSample: {1: id},
		ctap2.EnumerateEnrollments:    nil,
		ctap2.SetFriendlyName:         {1: id, 2: name},
		ctap2.RemoveEnrollment:        {1: id},
	}
	refused := func(what string, p params, accept ...ctap2.Status) {
		b.c.Helper()
		s, _ := b.sent(p)
		if b.accept(s, accept...); b.c.Failed() {
			b.c.Fatalf("%v, %s", p[2], what)
		}
	}
	bare := func(sub ctap2.BioEnrollmentSubCommand, sp params) params {
		q := params{1: ctap2.ModalityFingerprint, 2: sub}
		if sp != nil {
			q[3] = sp
		}
		return q
	}
	for sub, sp := range protected {
		refused("no PIN is set", bare(sub, sp), ctap2.StatusPUATRequired)
	}
	b.authorize(p)
	unknownProtocol := []ctap2.Status{ctap2.StatusInvalidParameter, ctap2.StatusPINAuthInvalid}
	if !m.since21() { // CTAP 2.0 has the other status
		slices.Reverse(unknownProtocol)
	}
	for sub, sp := range protected {
		q := b.request(sub, sp)
		refused("without a MAC", bare(sub, sp), ctap2.StatusPUATRequired)
		refused("with a wrong MAC", q.with(5, flip(q[5])), ctap2.StatusPINAuthInvalid)
		refused("without a protocol", q.with(4, nil), ctap2.StatusMissingParameter)
		refused("with an unknown protocol", q.with(4, 99), unknownProtocol...)
		if sp != nil {
			refused("without its parameters", b.request(sub, nil), ctap2.StatusMissingParameter)
		}
	}
	refused("without a name", b.request(ctap2.SetFriendlyName, params{1: id}), ctap2.StatusMissingParameter)
	refused("unknown", b.request(0x63, nil), m.unknownSubCommand()...)
	// A token of the old kind is all that the preview asks for.
	if b.command == ctap2.CommandBioEnrollment && b.perms() != 0 {
		b.token = b.mustToken(p)
		for sub, sp := range protected {
			refused("with a token for something else", b.request(sub, sp), ctap2.StatusPINAuthInvalid)
		}
	}
	b.authorize(p)
	b.enrolled()
}

func be3(b *biometrics) {
	c := b.c
	most := b.sensorInfo().MaxCaptureSamplesRequiredForEnroll
	id, left := b.begin()
	switch {
	case left >= most:
		c.Errorf("%d samples are left after a good one of %d", left, most)
	case left != most-1:
		c.Observe("%d samples are left after one of at most %d", left, most)
	}
	if left == 0 {
		c.NotApplicable("the key needs no second sample")
	}
	for _, bad := range []ctap2.SampleStatus{ctap2.SampleTooShort, ctap2.SamplePoorQuality} {
		c.Key.Sample(bad)
		status, now := b.captured(b.done(ctap2.EnrollCaptureNextSample, params{1: id}))
		if status != bad || now != left {
			c.Errorf("the sample was bad (%v): the key says %v, and %d left of %d", bad, status, now, left)
		}
	}
	c.Key.Sample(ctap2.SampleNoUserActivity)
	start := time.Now()
	status, now := b.captured(b.done(ctap2.EnrollCaptureNextSample, params{1: id, 3: 1000}))
	if status != ctap2.SampleNoUserActivity || now != left {
		c.Errorf("no finger came: the key says %v, and %d left of %d", status, now, left)
	}
	if took := time.Since(start).Round(100 * time.Millisecond); took != time.Second {
		c.Observe("asked to wait for a second, the key waits for %v", took)
	}
	c.Key.Sample(ctap2.SampleGood)
	b.finish(id, left)
	b.enrolled(id)
	// The first sample may be a bad one too.
	c.Key.Sample(ctap2.SampleTooFast)
	r := b.done(ctap2.EnrollBegin, nil)
	if status, now := b.captured(r); status != ctap2.SampleTooFast || now < left {
		c.Errorf("the first sample was bad: the key says %v, and %d left", status, now)
	}
	if len(r.TemplateID) == 0 || bytes.Equal(r.TemplateID, id) {
		c.Errorf("the second template ID is %x after %x", r.TemplateID, id)
	}
}

func be4(b *biometrics) {
	b.expects(false)
	id, left := b.begin()
	if left > 0 {
		b.enrolled()
	}
	b.finish(id, left)
	b.expects(true)
	b.enrolled(id)
	b.not(ctap2.EnrollCaptureNextSample, params{1: id}, ctap2.StatusInvalidOption)
}

// cancel sends cancelCurrentEnrollment, which needs no token.
func (b *biometrics) cancel() {
	b.c.Helper()
	if s, _ := b.sent(params{1: ctap2.ModalityFingerprint, 2: ctap2.CancelCurrentEnrollment}); s != ctap2.StatusSuccess {
		b.c.Errorf("cancelCurrentEnrollment: %s", s.Name())
	}
}

func be5(b *biometrics) {
	b.cancel()
	first, left := b.begin()
	if left == 0 {
		b.c.NotApplicable("the key needs no second sample")
	}
	b.cancel()
	b.cancel()
	b.not(ctap2.EnrollCaptureNextSample, params{1: first}, ctap2.StatusInvalidOption)
	b.enrolled()
	first, _ = b.begin()
	second, left := b.begin()
	b.not(ctap2.EnrollCaptureNextSample, params{1: first}, ctap2.StatusInvalidOption)
	s, r := b.send(ctap2.EnrollCaptureNextSample, params{1: second})
	if s != ctap2.StatusSuccess {
		b.c.Observe("a capture for another template ends the enrolment: %s", s.Name())
		second, left = b.begin()
	} else {
		_, left = b.captured(r)
	}
	b.finish(second, left)
	b.enrolled(second)
}

func be6(b *biometrics) { b.enrolled() }

func be7(b *biometrics) {
	id := b.enroll()
	other := []byte("unknown")
	named := func(want string) {
		b.c.Helper()
		if got := b.name(b.enrolled(id), id); got == nil || *got != want {
			b.c.Errorf("the name is %v instead of %q", got, want)
		}
	}
	b.done(ctap2.SetFriendlyName, params{1: id, 2: "thumb"})
	named("thumb")
	b.not(ctap2.SetFriendlyName, params{1: other, 2: "x"}, ctap2.StatusInvalidOption)
	b.not(ctap2.RemoveEnrollment, params{1: other}, ctap2.StatusInvalidOption)
	most := int(b.sensorInfo().MaxTemplateFriendlyName)
	if most == 0 || most > 512 {
		named("thumb")
		return
	}
	long := strings.Repeat("é", most/2) + strings.Repeat("x", most%2) // bytes count, not characters
	b.done(ctap2.SetFriendlyName, params{1: id, 2: long})
	named(long)
	q := b.request(ctap2.SetFriendlyName, params{1: id, 2: long + "x"})
	s, _ := b.sent(q)
	b.accept(s, ctap2.StatusInvalidLength)
	s, _ = b.sent(q.with(5, flip(q[5]))) // found out before the MAC is looked at
	b.accept(s, ctap2.StatusInvalidLength, ctap2.StatusPINAuthInvalid)
	named(long)
	if b.c.Key.PowerCycle != nil {
		b.messages = b.powerCycle()
		b.authorize(b.first())
		named(long)
	}
}

func be8(b *biometrics) {
	id := b.enroll()
	b.expects(true)
	b.authorize(b.first()) // a key may end tokens with an enrolment: BE-10
	b.done(ctap2.RemoveEnrollment, params{1: id})
	b.authorize(b.first())
	b.not(ctap2.RemoveEnrollment, params{1: id}, ctap2.StatusInvalidOption)
	b.enrolled()
	b.expects(false)
}

func be9(b *biometrics) {
	const most = 64
	var ids [][]byte
	for range most {
		b.authorize(b.first())
		s, r := b.send(ctap2.EnrollBegin, nil)
		if s != ctap2.StatusSuccess {
			b.accept(s, ctap2.StatusFPDatabaseFull)
			break
		}
		_, left := b.captured(r)
		b.finish(r.TemplateID, left)
		ids = append(ids, r.TemplateID)
	}
	if len(ids) == most {
		b.c.NotApplicable("the key has room for %d fingerprints and more", most)
	}
	if len(ids) == 0 {
		b.c.Fatal("there is no room for a fingerprint")
	}
	b.c.Observe("there is room for %d fingerprints", len(ids))
	b.authorize(b.first())
	b.enrolled(ids...)
	b.done(ctap2.RemoveEnrollment, params{1: ids[0]})
	b.authorize(b.first())
	b.enrolled(append(ids[1:], b.enroll())...)
}

func be10(b *biometrics) {
	id := b.enroll()
	write := func(what string, sub ctap2.BioEnrollmentSubCommand, sp params) {
		b.c.Helper()
		s, _ := b.send(sub, sp)
		if b.accept(s, ctap2.StatusSuccess, ctap2.StatusPINAuthInvalid) != ctap2.StatusPINAuthInvalid {
			return
		}
		b.c.Observe("the token is of no use after %s", what)
		b.authorize(b.first())
		b.done(sub, sp)
	}
	write("an enrolment", ctap2.SetFriendlyName, params{1: id, 2: "thumb"})
	write("a new name", ctap2.RemoveEnrollment, params{1: id})
}

func be11(b *biometrics) {
	c := b.c
	c.close()
	w := c.wire()
	cid := w.channel()
	send := func(sub ctap2.BioEnrollmentSubCommand, sp params) {
		w.send(cid, ctaphid.CommandCBOR, mustCBOR(c, b.command, b.request(sub, sp)))
	}
	cancelled := func() {
		c.Helper()
		w.waiting(cid)
		w.send(cid, ctaphid.CommandCancel, nil)
		w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
		c.Key.Sample(ctap2.SampleGood)
	}
	c.Key.Sample(ctap2.SampleNoUserActivity)
	send(ctap2.EnrollBegin, nil)
	cancelled()
	send(ctap2.EnrollBegin, nil)
	r, err := ctap2.ParseBioEnrollmentResponse(w.success(cid, slowest))
	if err != nil {
		c.Fatal(err)
	}
	if _, left := b.captured(r); left == 0 {
		return
	}
	c.Key.Sample(ctap2.SampleNoUserActivity)
	send(ctap2.EnrollCaptureNextSample, params{1: r.TemplateID})
	cancelled()
	send(ctap2.EnrollCaptureNextSample, params{1: r.TemplateID})
	if w.status(cid, slowest, ctap2.StatusInvalidOption, ctap2.StatusSuccess) == ctap2.StatusSuccess {
		if c.Key.Strict {
			c.Error("the enrolment survives CANCEL")
		}
		c.Observe("the enrolment survives CANCEL")
	}
	send(ctap2.CancelCurrentEnrollment, nil)
	w.status(cid, prompt, ctap2.StatusSuccess)
	send(ctap2.EnumerateEnrollments, nil)
	w.status(cid, prompt, ctap2.StatusInvalidOption)
}

func be12(c *C) {
	m := c.open()
	b := &biometrics{messages: m, command: m.bioPreview()}
	b.authorize(m.first())
	b.expects(false)
	id := b.enroll()
	b.expects(true)
	b.authorize(m.first())
	b.done(ctap2.SetFriendlyName, params{1: id, 2: "thumb"})
	b.authorize(m.first())
	b.enrolled(id)
	b.done(ctap2.RemoveEnrollment, params{1: id})
	b.authorize(m.first())
	b.enrolled()
	if s, r := b.sent(params{6: true}); s != ctap2.StatusSuccess || r.Modality != ctap2.ModalityFingerprint {
		c.Errorf("getModality: %s, %+v", s.Name(), r)
	}
	b.sensorInfo()
}

func be13(b *biometrics) {
	id, left := b.begin()
	if left == 0 {
		b.c.NotApplicable("the key needs no second sample")
	}
	b.messages = b.powerCycle()
	b.not(ctap2.EnrollCaptureNextSample, params{1: id}, ctap2.StatusPINAuthInvalid)
	b.authorize(b.first())
	b.not(ctap2.EnrollCaptureNextSample, params{1: id}, ctap2.StatusInvalidOption)
	b.enrolled()
	b.enrolled(b.enroll())
}
