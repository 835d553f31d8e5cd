package virtual_test

import "github.com/gofido/fido/ctap2"

// modelLeast is how often each of modelOutcomes has to come up.
const modelLeast = 5

// modelOutcomes are the outcomes that matter of each command, so that a change of
// what is drawn can't make TestModel idle.
var modelOutcomes = map[string][]ctap2.Status{
	"makeCredential": {
		0, ctap2.StatusInvalidParameter, ctap2.StatusOther, ctap2.StatusCredentialExcluded, ctap2.StatusInvalidOption,
		ctap2.StatusKeepaliveCancel, ctap2.StatusKeyStoreFull, ctap2.StatusLimitExceeded, ctap2.StatusMissingParameter,
		ctap2.StatusOperationDenied, ctap2.StatusPINAuthInvalid, ctap2.StatusPINInvalid, ctap2.StatusPINNotSet,
		ctap2.StatusPUATRequired, ctap2.StatusUnsupportedAlgorithm, ctap2.StatusUPRequired, ctap2.StatusUserActionTimeout,
	},
	"getAssertion": {
		0, ctap2.StatusInvalidParameter, ctap2.StatusOther, ctap2.StatusInvalidOption, ctap2.StatusKeepaliveCancel,
		ctap2.StatusLimitExceeded, ctap2.StatusMissingParameter, ctap2.StatusNoCredentials, ctap2.StatusOperationDenied,
		ctap2.StatusPINAuthInvalid, ctap2.StatusPINBlocked, ctap2.StatusPINInvalid, ctap2.StatusPINNotSet,
		ctap2.StatusPUATRequired, ctap2.StatusUnsupportedOption, ctap2.StatusUPRequired, ctap2.StatusUserActionTimeout,
	},
	"getNextAssertion": {0, ctap2.StatusNotAllowed},
	"getInfo":          {0},
	"getKeyAgreement":  {0, ctap2.StatusInvalidParameter},
	"getPINRetries":    {0},
	"getUVRetries":     {0, ctap2.StatusInvalidSubcommand},
	"setPIN":           {0, ctap2.StatusPINAuthInvalid, ctap2.StatusPINPolicyViolation},
	"changePIN": {
		0, ctap2.StatusPINAuthBlocked, ctap2.StatusPINBlocked, ctap2.StatusPINAuthInvalid, ctap2.StatusPINInvalid,
		ctap2.StatusPINNotSet, ctap2.StatusPINPolicyViolation,
	},
	"getPinToken": {0, ctap2.StatusPINAuthBlocked, ctap2.StatusPINBlocked, ctap2.StatusPINInvalid, ctap2.StatusPINNotSet},
	"getPinUvAuthTokenUsingPinWithPermissions": {
		0, ctap2.StatusInvalidParameter, ctap2.StatusMissingParameter, ctap2.StatusPINAuthBlocked, ctap2.StatusPINBlocked,
		ctap2.StatusPINInvalid, ctap2.StatusPINNotSet, ctap2.StatusUnauthorizedPermission,
	},
	"getPinUvAuthTokenUsingUvWithPermissions": {
		0, ctap2.StatusInvalidParameter, ctap2.StatusKeepaliveCancel, ctap2.StatusMissingParameter, ctap2.StatusNotAllowed,
		ctap2.StatusOther, ctap2.StatusOperationDenied, ctap2.StatusUnauthorizedPermission, ctap2.StatusUserActionTimeout,
		ctap2.StatusUVBlocked, ctap2.StatusUVInvalid,
	},
	"getCredsMetadata":                      {0, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired, ctap2.StatusInvalidCommand},
	"enumerateRPsBegin":                     {0, ctap2.StatusNoCredentials, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired},
	"enumerateRPsGetNextRP":                 {0, ctap2.StatusNotAllowed},
	"enumerateCredentialsBegin":             {0, ctap2.StatusNoCredentials, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired, ctap2.StatusMissingParameter},
	"enumerateCredentialsGetNextCredential": {0, ctap2.StatusNotAllowed},
	"deleteCredential":                      {0, ctap2.StatusNoCredentials, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired, ctap2.StatusMissingParameter},
	"updateUserInformation":                 {0, ctap2.StatusNoCredentials, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired, ctap2.StatusInvalidParameter},
	"largeBlobs get":                        {0, ctap2.StatusInvalidParameter, ctap2.StatusInvalidLength},
	"largeBlobs set": {
		0, ctap2.StatusInvalidParameter, ctap2.StatusInvalidLength, ctap2.StatusInvalidSeq, ctap2.StatusIntegrityFailure,
		ctap2.StatusLargeBlobStorageFull, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired,
	},
	"enableEnterpriseAttestation": {0, ctap2.StatusInvalidSubcommand, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired},
	"toggleAlwaysUv":              {0, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired},
	"setMinPINLength": {
		0, ctap2.StatusKeyStoreFull, ctap2.StatusPINAuthInvalid, ctap2.StatusPINNotSet, ctap2.StatusPINPolicyViolation, ctap2.StatusPUATRequired,
	},
	"enableLongTouchForReset":  {0, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired},
	"enrollBegin":              {0, ctap2.StatusFPDatabaseFull, ctap2.StatusPINAuthInvalid, ctap2.StatusPUATRequired, ctap2.StatusInvalidCommand},
	"enrollCaptureNextSample":  {0, ctap2.StatusInvalidOption, ctap2.StatusPINAuthInvalid},
	"cancelCurrentEnrollment":  {0},
	"enumerateEnrollments":     {0, ctap2.StatusInvalidOption, ctap2.StatusPINAuthInvalid},
	"setFriendlyName":          {0, ctap2.StatusInvalidOption, ctap2.StatusInvalidLength},
	"removeEnrollment":         {0, ctap2.StatusInvalidOption},
	"getFingerprintSensorInfo": {0},
	"selection":                {0, ctap2.StatusInvalidCommand, ctap2.StatusKeepaliveCancel, ctap2.StatusOperationDenied, ctap2.StatusUPRequired, ctap2.StatusUserActionTimeout},
	"reset":                    {0, ctap2.StatusNotAllowed, ctap2.StatusKeepaliveCancel, ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout},
	"power cycle":              {0},
	"time":                     {0},
}
