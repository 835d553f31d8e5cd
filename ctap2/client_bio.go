package ctap2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofido/fido/ctap2/pinuv"
)

// MaxSamples is the most samples, good and bad, that [Client.EnrollFingerprint]
// captures. A finger needs five or so; a key that never has enough is given up.
const MaxSamples = 256

// enrollmentGrace bounds how long the end of a call that is given up may take.
const enrollmentGrace = 500 * time.Millisecond

// FingerprintSensorInfo says what a key's sensor is and can take (CTAP 2.3
// section 6.7.3). Zero is a member that the key does not send.
type FingerprintSensorInfo struct {
	Kind                    FingerprintKind
	MaxCaptureSamples       uint // good samples that an enrolment takes at most
	MaxTemplateFriendlyName uint // bytes of UTF-8 of a fingerprint's name
}

// A FriendlyNameError says that the name for a fingerprint is longer than the
// key takes.
type FriendlyNameError struct {
	Length, Limit uint  // in bytes of UTF-8; Limit is zero if the key does not tell
	Err           error // the *[CommandError]
}

// Error says what to do.
func (e *FriendlyNameError) Error() string {
	s := fmt.Sprintf("the name is too long: it takes %d bytes", e.Length)
	if e.Limit > 0 {
		s += fmt.Sprintf(" and the key keeps at most %d", e.Limit)
	}
	return s + "; choose a shorter one"
}

// Unwrap returns Err.
func (e *FriendlyNameError) Unwrap() error { return e.Err }

// BioModality asks which kind of biometric the key has. It needs no token.
//
// This and the other methods about fingerprints use the preview command of
// FIDO_2_1_PRE if the key has no other.
func (c *Client) BioModality(ctx context.Context) (Modality, error) {
	o := operation{command: CommandBioEnrollment}
	return inTurnBy(ctx, c, o, c.bioCommand, func(ctx context.Context, command Command) (Modality, error) {
		r, err := c.bio(ctx, command, nil, &BioEnrollmentRequest{GetModality: true})
		if err != nil {
			return 0, err
		}
		return r.Modality, nil
	})
}

// FingerprintSensorInfo asks what the sensor is and can take. It needs no token.
func (c *Client) FingerprintSensorInfo(ctx context.Context) (FingerprintSensorInfo, error) {
	return inTurnBy(ctx, c, GetFingerprintSensorInfo.operation(), c.bioCommand, c.sensorInfo)
}

func (c *Client) sensorInfo(ctx context.Context, command Command) (FingerprintSensorInfo, error) {
	r, err := c.bio(ctx, command, nil, fingerprint(GetFingerprintSensorInfo, nil))
	if err != nil {
		return FingerprintSensorInfo{}, err
	}
	return FingerprintSensorInfo{r.FingerprintKind, r.MaxCaptureSamplesRequiredForEnroll, r.MaxTemplateFriendlyName}, nil
}

// An EnrollmentSample is a sample that was captured.
type EnrollmentSample struct {
	Status    SampleStatus
	Remaining uint // good samples that are still needed
}

// Enrollment says how [Client.EnrollFingerprint] goes about it. The zero value,
// and nil, are good.
type Enrollment struct {
	// Timeout is how long the key waits for the finger each time; zero leaves it
	// to the key. It is rounded up to milliseconds.
	Timeout time.Duration

	// Progress is called after each sample, good or bad, the last one included;
	// how the finger was missed is for the user to know. It is called within
	// the call that enrols and must not use the Client. To give up, cancel the
	// context.
	Progress func(EnrollmentSample)
}

// EnrollFingerprint enrols a finger: it captures samples until the key has
// enough, and returns the template's ID, for which [Client.SetFingerprintName]
// sets a name. StatusFPDatabaseFull means that another must be removed first.
// The token needs the permission be.
//
// It is one turn of at least as many commands as samples, and takes as long as
// the user does: its context should have a deadline of its own. When the
// context ends, or the key fails, the key is told to forget the samples, which
// takes at most half a second.
func (c *Client) EnrollFingerprint(ctx context.Context, token *pinuv.Token, e *Enrollment) (templateID []byte, err error) {
	if e == nil {
		e = &Enrollment{}
	}
	return inTurnBy(ctx, c, EnrollBegin.operation(), c.bioCommand, func(ctx context.Context, command Command) ([]byte, error) {
		id, begun, err := c.enroll(ctx, command, token, e)
		if err == nil {
			return id, nil
		}
		if begun {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enrollmentGrace)
			defer cancel()
			_, _ = c.bio(ctx, command, nil, fingerprint(CancelCurrentEnrollment, nil)) // the first error is what matters
		}
		return nil, err
	})
}

// enroll captures samples until the key has enough. begun says whether the key
// is in the middle of it after an error, or may be.
func (c *Client) enroll(ctx context.Context, command Command, token *pinuv.Token, e *Enrollment) (id []byte, begun bool, err error) {
	r := fingerprint(EnrollBegin, nil)
	timeout := uint((max(e.Timeout, 0) + time.Millisecond - 1) / time.Millisecond)
	if timeout > 0 {
		r.SubCommandParams = &BioEnrollmentParams{TimeoutMilliseconds: timeout}
	}
	var response *BioEnrollmentResponse
	for range MaxSamples {
		if response, err = c.bio(ctx, command, token, r); err != nil {
			return nil, begun || ctx.Err() != nil, err
		}
		if begun = true; id == nil {
			if id = response.TemplateID; len(id) == 0 {
				return nil, begun, badBio(command, r, response, "templateId is missing")
			}
		}
		if response.RemainingSamples == nil {
			return nil, begun, badBio(command, r, response, "remainingSamples is missing")
		}
		sample := EnrollmentSample{Remaining: *response.RemainingSamples}
		if response.LastEnrollSampleStatus != nil {
			sample.Status = *response.LastEnrollSampleStatus
		}
		if e.Progress != nil {
			e.Progress(sample)
		}
		if sample.Remaining == 0 {
			return id, false, nil
		}
		r = fingerprint(EnrollCaptureNextSample, &BioEnrollmentParams{TemplateID: id, TimeoutMilliseconds: timeout})
	}
	return nil, begun, badBio(command, r, response, fmt.Sprintf("the fingerprint is not enrolled after %d samples", MaxSamples))
}

// Fingerprints lists the fingerprints that are enrolled, empty if there are
// none. The token needs the permission be.
func (c *Client) Fingerprints(ctx context.Context, token *pinuv.Token) ([]TemplateInfo, error) {
	return inTurnBy(ctx, c, EnumerateEnrollments.operation(), c.bioCommand, func(ctx context.Context, command Command) ([]TemplateInfo, error) {
		request := fingerprint(EnumerateEnrollments, nil)
		r, err := c.bio(ctx, command, token, request)
		if errors.Is(err, StatusInvalidOption) {
			return nil, nil // what the specification has a key say when there are none
		}
		if err != nil {
			return nil, err
		}
		for _, info := range r.TemplateInfos {
			if len(info.TemplateID) == 0 {
				return nil, badBio(command, request, r, "a templateId is missing")
			}
		}
		return r.TemplateInfos, nil
	})
}

// SetFingerprintName names a fingerprint. A name that is too long is a
// *[FriendlyNameError], and StatusInvalidOption means that there is no template
// with this ID. The token needs the permission be.
func (c *Client) SetFingerprintName(ctx context.Context, token *pinuv.Token, templateID []byte, name string) error {
	_, err := inTurnBy(ctx, c, SetFriendlyName.operation(), c.bioCommand, func(ctx context.Context, command Command) (*BioEnrollmentResponse, error) {
		r, err := c.bio(ctx, command, token, fingerprint(SetFriendlyName, &BioEnrollmentParams{TemplateID: templateID, TemplateFriendlyName: &name}))
		if !errors.Is(err, StatusInvalidLength) {
			return r, err
		}
		// The limit is asked for only now: most names fit.
		long := &FriendlyNameError{Length: uint(len(name)), Err: err}
		if info, err := c.sensorInfo(ctx, command); err == nil {
			long.Limit = info.MaxTemplateFriendlyName
		}
		return nil, long
	})
	return err
}

// RemoveFingerprint removes a fingerprint. StatusInvalidOption means that there
// is no template with this ID. The token needs the permission be.
func (c *Client) RemoveFingerprint(ctx context.Context, token *pinuv.Token, templateID []byte) error {
	_, err := inTurnBy(ctx, c, RemoveEnrollment.operation(), c.bioCommand, func(ctx context.Context, command Command) (*BioEnrollmentResponse, error) {
		return c.bio(ctx, command, token, fingerprint(RemoveEnrollment, &BioEnrollmentParams{TemplateID: templateID}))
	})
	return err
}

// BioEnrollment sends one subcommand of bioEnrollment as it is (CTAP 2.3 section
// 6.7), by the preview command if the key has no other. The methods about
// fingerprints do what most programs need.
func (c *Client) BioEnrollment(ctx context.Context, r *BioEnrollmentRequest) (*BioEnrollmentResponse, error) {
	return inTurnBy(ctx, c, r.SubCommand.operation(), c.bioCommand, func(ctx context.Context, command Command) (*BioEnrollmentResponse, error) {
		return c.bio(ctx, command, nil, r)
	})
}

func fingerprint(sub BioEnrollmentSubCommand, params *BioEnrollmentParams) *BioEnrollmentRequest {
	return &BioEnrollmentRequest{Modality: ModalityFingerprint, SubCommand: sub, SubCommandParams: params}
}

// bioCommand returns the command that the key has.
func (c *Client) bioCommand(ctx context.Context) (Command, error) {
	info, err := c.remembered(ctx)
	if err != nil {
		return 0, err
	}
	if _, ok := info.Options[OptionBioEnroll]; ok {
		return CommandBioEnrollment, nil
	}
	if _, ok := info.Options[OptionUserVerificationMgmtPreview]; ok {
		return CommandBioEnrollmentPreview, nil
	}
	return 0, &UnsupportedError{"fingerprints"}
}

// bio authorises the request if there is a token, and sends it.
func (c *Client) bio(ctx context.Context, command Command, token *pinuv.Token, r *BioEnrollmentRequest) (*BioEnrollmentResponse, error) {
	o := operation{command, uint(r.SubCommand)}
	if token != nil {
		if err := r.Authorize(token); err != nil {
			return nil, o.fails(err)
		}
	}
	return send(ctx, c, o, asCommand(command, r.Append), ParseBioEnrollmentResponse)
}

func badBio(command Command, r *BioEnrollmentRequest, response *BioEnrollmentResponse, problem string) error {
	return operation{command, uint(r.SubCommand)}.fails(badReply(command, response.Raw, problem))
}
