package ctap2

import (
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A BioEnrollmentSubCommand says what bioEnrollment shall do (CTAP 2.3 section
// 6.7).
type BioEnrollmentSubCommand uint

// The subcommands of bioEnrollment.
const (
	EnrollBegin              BioEnrollmentSubCommand = 0x01
	EnrollCaptureNextSample  BioEnrollmentSubCommand = 0x02
	CancelCurrentEnrollment  BioEnrollmentSubCommand = 0x03
	EnumerateEnrollments     BioEnrollmentSubCommand = 0x04
	SetFriendlyName          BioEnrollmentSubCommand = 0x05
	RemoveEnrollment         BioEnrollmentSubCommand = 0x06
	GetFingerprintSensorInfo BioEnrollmentSubCommand = 0x07
)

var bioEnrollmentNames = map[BioEnrollmentSubCommand]string{
	EnrollBegin:              "enrollBegin",
	EnrollCaptureNextSample:  "enrollCaptureNextSample",
	CancelCurrentEnrollment:  "cancelCurrentEnrollment",
	EnumerateEnrollments:     "enumerateEnrollments",
	SetFriendlyName:          "setFriendlyName",
	RemoveEnrollment:         "removeEnrollment",
	GetFingerprintSensorInfo: "getFingerprintSensorInfo",
}

// String returns the specification's name of the subcommand.
func (s BioEnrollmentSubCommand) String() string { return nameOf(bioEnrollmentNames, s) }

func (s BioEnrollmentSubCommand) operation() operation {
	return operation{CommandBioEnrollment, uint(s)}
}

// A Modality is a kind of biometric (CTAP 2.3 section 6.7.2).
type Modality uint

// ModalityFingerprint is the only modality there is.
const ModalityFingerprint Modality = 1

// A FingerprintKind is a kind of sensor (CTAP 2.3 section 6.7.3).
type FingerprintKind uint

// The kinds of sensor.
const (
	FingerprintTouch FingerprintKind = 1 // a finger is put on it
	FingerprintSwipe FingerprintKind = 2 // a finger is drawn over it
)

// String returns "touch" or "swipe".
func (k FingerprintKind) String() string {
	switch k {
	case FingerprintTouch:
		return "touch"
	case FingerprintSwipe:
		return "swipe"
	}
	return fmt.Sprintf("fingerprint kind %d", uint(k))
}

// A SampleStatus says how the capture of a fingerprint went (CTAP 2.3 section
// 6.7.1, lastEnrollSampleStatus). Only a good sample counts towards the
// enrolment.
type SampleStatus uint

// The sample statuses. The specification has no use for 0x0c any more; some keys
// send it when there is no room for another fingerprint.
const (
	SampleGood                     SampleStatus = 0x00
	SampleTooHigh                  SampleStatus = 0x01
	SampleTooLow                   SampleStatus = 0x02
	SampleTooLeft                  SampleStatus = 0x03
	SampleTooRight                 SampleStatus = 0x04
	SampleTooFast                  SampleStatus = 0x05
	SampleTooSlow                  SampleStatus = 0x06
	SamplePoorQuality              SampleStatus = 0x07
	SampleTooSkewed                SampleStatus = 0x08
	SampleTooShort                 SampleStatus = 0x09
	SampleMergeFailure             SampleStatus = 0x0a
	SampleExists                   SampleStatus = 0x0b
	SampleDatabaseFull             SampleStatus = 0x0c
	SampleNoUserActivity           SampleStatus = 0x0d
	SampleNoUserPresenceTransition SampleStatus = 0x0e
)

var sampleTexts = map[SampleStatus]string{
	SampleGood:                     "a good sample",
	SampleTooHigh:                  "the finger was too high",
	SampleTooLow:                   "the finger was too low",
	SampleTooLeft:                  "the finger was too far left",
	SampleTooRight:                 "the finger was too far right",
	SampleTooFast:                  "the finger moved too fast",
	SampleTooSlow:                  "the finger moved too slowly",
	SamplePoorQuality:              "the quality was poor",
	SampleTooSkewed:                "the finger was too skewed",
	SampleTooShort:                 "the touch was too short",
	SampleMergeFailure:             "the sample does not match the ones before",
	SampleExists:                   "the finger is enrolled already",
	SampleDatabaseFull:             "there is no room for another fingerprint",
	SampleNoUserActivity:           "no finger came in time",
	SampleNoUserPresenceTransition: "the finger was not lifted",
}

// String says what happened, in words for a person.
func (s SampleStatus) String() string {
	if text, ok := sampleTexts[s]; ok {
		return text
	}
	return fmt.Sprintf("sample status 0x%02x", uint(s))
}

// BioEnrollmentParams are the subCommandParams of bioEnrollment; which of them a
// subcommand has is said in CTAP 2.3 section 6.7.
type BioEnrollmentParams struct {
	TemplateID           []byte  `cbor:"1,keyasint,omitzero"`
	TemplateFriendlyName *string `cbor:"2,keyasint,omitzero"`
	TimeoutMilliseconds  uint    `cbor:"3,keyasint,omitzero"` // for one sample
}

// A BioEnrollmentRequest is about the fingerprints that a key knows (CTAP 2.3
// section 6.7). [Client] has methods that are easier to use.
//
// Append starts with [CommandBioEnrollment]; the preview differs in that byte
// alone.
type BioEnrollmentRequest struct {
	Modality          Modality                `cbor:"1,keyasint,omitzero"`
	SubCommand        BioEnrollmentSubCommand `cbor:"2,keyasint,omitzero"`
	SubCommandParams  *BioEnrollmentParams    `cbor:"3,keyasint,omitzero"`
	PinUvAuthProtocol pinuv.Protocol          `cbor:"4,keyasint,omitzero"`
	PinUvAuthParam    []byte                  `cbor:"5,keyasint,omitzero"`
	GetModality       bool                    `cbor:"6,keyasint,omitzero"` // alone

	Received `cbor:"-"`
}

// Message returns what PinUvAuthParam authenticates: the modality, the
// subcommand and the encoded SubCommandParams. Of a parsed request these are
// the bytes that came, unknown members included. It fails if the params can't
// be encoded.
func (r *BioEnrollmentRequest) Message() ([]byte, error) {
	return appendParams([]byte{byte(r.Modality), byte(r.SubCommand)}, &r.Received, 3, r.SubCommandParams)
}

// Authorize adds the proof that the user was verified: the MAC of Message under
// token, which needs the permission be.
func (r *BioEnrollmentRequest) Authorize(token *pinuv.Token) error {
	message, err := r.Message()
	if err != nil {
		return err
	}
	r.PinUvAuthProtocol, r.PinUvAuthParam = token.Protocol(), token.Authenticate(message)
	return nil
}

// Append appends the request, command byte first, to dst.
func (r *BioEnrollmentRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandBioEnrollment)), r)
}

// ParseBioEnrollmentRequest decodes the parameters of a request as an
// authenticator receives them; see [ParseMakeCredentialRequest]. Nothing is
// required here: either modality and subCommand are there, or getModality.
func ParseBioEnrollmentRequest(parameters []byte) (*BioEnrollmentRequest, error) {
	r := new(BioEnrollmentRequest)
	if err := parseRequest(parameters, r, &r.Received); err != nil {
		return nil, err
	}
	return r, nil
}

// TemplateInfo is an enrolled fingerprint (CTAP 2.3 section 6.7.6).
type TemplateInfo struct {
	TemplateID           []byte `cbor:"1,keyasint"`
	TemplateFriendlyName string `cbor:"2,keyasint,omitzero"` // empty if it has none
}

// A BioEnrollmentResponse answers bioEnrollment (CTAP 2.3 section 6.7.1); which
// members are there depends on the subcommand.
type BioEnrollmentResponse struct {
	Modality                           Modality        `cbor:"1,keyasint,omitzero"`
	FingerprintKind                    FingerprintKind `cbor:"2,keyasint,omitzero"`
	MaxCaptureSamplesRequiredForEnroll uint            `cbor:"3,keyasint,omitzero"`
	TemplateID                         []byte          `cbor:"4,keyasint,omitzero"` // enrollBegin only
	LastEnrollSampleStatus             *SampleStatus   `cbor:"5,keyasint,omitzero"`
	RemainingSamples                   *uint           `cbor:"6,keyasint,omitzero"` // zero: the fingerprint is enrolled
	TemplateInfos                      []TemplateInfo  `cbor:"7,keyasint,omitempty"`
	MaxTemplateFriendlyName            uint            `cbor:"8,keyasint,omitzero"` // bytes

	Reply `cbor:"-"`
}

// Append appends the response, without a status byte, to dst; nothing when no
// member is set, as after removeEnrollment.
func (r *BioEnrollmentResponse) Append(dst []byte) ([]byte, error) {
	if r.Modality == 0 && r.FingerprintKind == 0 && r.MaxCaptureSamplesRequiredForEnroll == 0 && r.TemplateID == nil &&
		r.LastEnrollSampleStatus == nil && r.RemainingSamples == nil && len(r.TemplateInfos) == 0 && r.MaxTemplateFriendlyName == 0 {
		return dst, nil
	}
	return cbor.Append(dst, r)
}

// ParseBioEnrollmentResponse decodes a response, what follows the status byte;
// it may be empty. It accepts what real keys send; Reply says what was forgiven.
func ParseBioEnrollmentResponse(b []byte) (*BioEnrollmentResponse, error) {
	r := new(BioEnrollmentResponse)
	if err := parseReply(CommandBioEnrollment, b, r, &r.Reply); err != nil {
		return nil, err
	}
	return r, nil
}
