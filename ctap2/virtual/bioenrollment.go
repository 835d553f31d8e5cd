package virtual

import (
	"bytes"
	"time"

	"github.com/gofido/fido/ctap2"
)

// Members of a bioEnrollment request.
const (
	bioModality          = 0x01
	bioSubCommandMember  = 0x02
	bioPinUvAuthProtocol = 0x04
	bioPinUvAuthParam    = 0x05
)

// bioRequest is a bioEnrollment that runs.
type bioRequest struct {
	*operation
	*ctap2.BioEnrollmentRequest
	token *token // that authorised it, or nil
}

// bioSubCommand is a subcommand of bioEnrollment.
type bioSubCommand struct {
	protected      bool // needs a token with the permission be
	template, name bool // members that its subCommandParams must have
	run            func(*Key, *bioRequest) (*ctap2.BioEnrollmentResponse, error)
}

var bioSubCommands = map[ctap2.BioEnrollmentSubCommand]bioSubCommand{
	ctap2.EnrollBegin:              {true, false, false, (*Key).enrollBegin},
	ctap2.EnrollCaptureNextSample:  {true, true, false, (*Key).enrollCaptureNextSample},
	ctap2.CancelCurrentEnrollment:  {false, false, false, (*Key).cancelCurrentEnrollment},
	ctap2.EnumerateEnrollments:     {true, false, false, (*Key).enumerateEnrollments},
	ctap2.SetFriendlyName:          {true, true, true, (*Key).setFriendlyName},
	ctap2.RemoveEnrollment:         {true, true, false, (*Key).removeEnrollment},
	ctap2.GetFingerprintSensorInfo: {false, false, false, (*Key).getFingerprintSensorInfo},
}

// bioEnrollment is CTAP 2.3 section 6.7, and its preview.
func (k *Key) bioEnrollment(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseBioEnrollmentRequest(parameters)
	if err != nil {
		return nil, err
	}
	if r.GetModality {
		return (&ctap2.BioEnrollmentResponse{Modality: ctap2.ModalityFingerprint}).Append(dst)
	}
	if r.SubCommandParams == nil {
		r.SubCommandParams = new(ctap2.BioEnrollmentParams)
	}
	b := &bioRequest{operation: o, BioEnrollmentRequest: r}
	sub, err := k.authorizeBio(b)
	if err != nil {
		return nil, err
	}
	response, err := sub.run(k, b)
	if err != nil {
		return nil, err
	}
	return response.Append(dst)
}

// authorizeBio finds the subcommand and checks what must be right before it
// runs. A name that is too long is found out before the MAC is looked at (CTAP
// 2.3 section 6.7.7).
func (k *Key) authorizeBio(b *bioRequest) (sub bioSubCommand, err error) {
	sub, ok := bioSubCommands[b.SubCommand]
	name := b.SubCommandParams.TemplateFriendlyName
	switch {
	case !b.Has(bioSubCommandMember):
		return sub, ctap2.StatusMissingParameter
	case !ok:
		return sub, k.unknownSubCommand()
	case sub.protected && !b.Has(bioPinUvAuthParam):
		return sub, ctap2.StatusPUATRequired
	case !b.Has(bioModality), sub.template && b.SubCommandParams.TemplateID == nil, sub.name && name == nil:
		return sub, ctap2.StatusMissingParameter
	case b.Modality != ctap2.ModalityFingerprint:
		return sub, ctap2.StatusInvalidParameter
	case sub.name && len(*name) > k.config.Fingerprints.MaxNameLength:
		return sub, ctap2.StatusInvalidLength
	case !sub.protected:
		return sub, nil
	}
	message, err := b.Message()
	if err != nil {
		return sub, err
	}
	b.token, err = k.check(b.operation, authorization{
		Received: &b.Received, param: b.PinUvAuthParam, protocol: b.PinUvAuthProtocol,
		paramMember: bioPinUvAuthParam, protocolMember: bioPinUvAuthProtocol,
	}, message, ctap2.PermissionBE)
	return sub, err
}

// enrollment is a fingerprint that is being enrolled: the state between two
// samples. It is not stored before it is complete.
type enrollment struct {
	id        []byte
	remaining int // good samples that are still needed
}

func (k *Key) enrollBegin(b *bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	k.end()
	if k.fingersFull() {
		return nil, ctap2.StatusFPDatabaseFull
	}
	id, err := k.newTemplateID()
	if err != nil {
		return nil, err
	}
	r, err := k.capture(b, enrollment{id, k.config.Fingerprints.Samples})
	if err != nil {
		return nil, err
	}
	r.TemplateID = id
	return r, nil
}

func (k *Key) enrollCaptureNextSample(b *bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	e, ok := resume[enrollment](k, b.operation)
	if !ok || !bytes.Equal(e.id, b.SubCommandParams.TemplateID) {
		return nil, ctap2.StatusInvalidOption
	}
	return k.capture(b, e)
}

// capture captures one sample, which may turn out bad. The last good one stores
// the fingerprint; after any other the host may go on. What ends the command
// without a sample, such as CANCEL, ends the enrolment.
func (k *Key) capture(b *bioRequest, e enrollment) (*ctap2.BioEnrollmentResponse, error) {
	limit := touchTimeout
	if ms := b.SubCommandParams.TimeoutMilliseconds; ms > 0 && ms < uint(limit/time.Millisecond) {
		limit = time.Duration(ms) * time.Millisecond
	}
	status, out := k.sample(b.operation, limit)
	k.end()
	if out != agreed {
		return nil, k.status(out, ctap2.StatusOperationDenied, 0)
	}
	if status == ctap2.SampleGood {
		e.remaining--
	}
	if e.remaining > 0 {
		k.begin(b.operation, b.command, b.token, e)
	} else if err := k.storeFinger(&fingerprint{id: e.id}); err != nil {
		return nil, err
	}
	return &ctap2.BioEnrollmentResponse{LastEnrollSampleStatus: &status, RemainingSamples: new(uint(e.remaining))}, nil
}

// cancelCurrentEnrollment is fine with any state, and asks for no token: it
// takes nothing away that another command would not.
func (k *Key) cancelCurrentEnrollment(*bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	k.end()
	return new(ctap2.BioEnrollmentResponse), nil
}

func (k *Key) enumerateEnrollments(*bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	if len(k.state.fingers) == 0 {
		return nil, ctap2.StatusInvalidOption
	}
	r := new(ctap2.BioEnrollmentResponse)
	for _, f := range k.state.fingers {
		r.TemplateInfos = append(r.TemplateInfos, f.describe())
	}
	return r, nil
}

// setFriendlyName names a fingerprint; an empty name takes its name away.
func (k *Key) setFriendlyName(b *bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	f := k.finger(b.SubCommandParams.TemplateID)
	if f == nil {
		return nil, ctap2.StatusInvalidOption
	}
	renamed := *f
	renamed.name = *b.SubCommandParams.TemplateFriendlyName
	if err := k.commit(change{f.record(), renamed.encode()}); err != nil {
		return nil, err
	}
	*f = renamed
	return new(ctap2.BioEnrollmentResponse), nil
}

func (k *Key) removeEnrollment(b *bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	f := k.finger(b.SubCommandParams.TemplateID)
	if f == nil {
		return nil, ctap2.StatusInvalidOption
	}
	return new(ctap2.BioEnrollmentResponse), k.removeFinger(f)
}

func (k *Key) getFingerprintSensorInfo(*bioRequest) (*ctap2.BioEnrollmentResponse, error) {
	c := &k.config.Fingerprints
	return &ctap2.BioEnrollmentResponse{
		Modality:                           ctap2.ModalityFingerprint,
		FingerprintKind:                    c.Kind,
		MaxCaptureSamplesRequiredForEnroll: uint(c.Samples),
		MaxTemplateFriendlyName:            uint(c.MaxNameLength),
	}, nil
}
