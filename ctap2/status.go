package ctap2

import "fmt"

// A Status is the first byte of a CTAP2 reply (CTAP 2.3 section 8.2). It is an
// error, and a sentinel: errors.Is(err, ctap2.StatusPINInvalid) finds it in
// whatever wraps it.
type Status byte

// The status codes of CTAP 2.3 section 8.2, and those of earlier versions that
// keys still send.
const (
	StatusSuccess                Status = 0x00
	StatusInvalidCommand         Status = 0x01
	StatusInvalidParameter       Status = 0x02
	StatusInvalidLength          Status = 0x03
	StatusInvalidSeq             Status = 0x04
	StatusTimeout                Status = 0x05
	StatusChannelBusy            Status = 0x06
	StatusLockRequired           Status = 0x0a
	StatusInvalidChannel         Status = 0x0b
	StatusCBORUnexpectedType     Status = 0x11
	StatusInvalidCBOR            Status = 0x12
	StatusMissingParameter       Status = 0x14
	StatusLimitExceeded          Status = 0x15
	StatusUnsupportedExtension   Status = 0x16
	StatusFPDatabaseFull         Status = 0x17
	StatusLargeBlobStorageFull   Status = 0x18
	StatusCredentialExcluded     Status = 0x19
	StatusProcessing             Status = 0x21
	StatusInvalidCredential      Status = 0x22
	StatusUserActionPending      Status = 0x23
	StatusOperationPending       Status = 0x24
	StatusNoOperations           Status = 0x25
	StatusUnsupportedAlgorithm   Status = 0x26
	StatusOperationDenied        Status = 0x27
	StatusKeyStoreFull           Status = 0x28
	StatusNotBusy                Status = 0x29
	StatusNoOperationPending     Status = 0x2a
	StatusUnsupportedOption      Status = 0x2b
	StatusInvalidOption          Status = 0x2c
	StatusKeepaliveCancel        Status = 0x2d
	StatusNoCredentials          Status = 0x2e
	StatusUserActionTimeout      Status = 0x2f
	StatusNotAllowed             Status = 0x30
	StatusPINInvalid             Status = 0x31
	StatusPINBlocked             Status = 0x32
	StatusPINAuthInvalid         Status = 0x33
	StatusPINAuthBlocked         Status = 0x34
	StatusPINNotSet              Status = 0x35
	StatusPUATRequired           Status = 0x36
	StatusPINPolicyViolation     Status = 0x37
	StatusPINTokenExpired        Status = 0x38
	StatusRequestTooLarge        Status = 0x39
	StatusActionTimeout          Status = 0x3a
	StatusUPRequired             Status = 0x3b
	StatusUVBlocked              Status = 0x3c
	StatusIntegrityFailure       Status = 0x3d
	StatusInvalidSubcommand      Status = 0x3e
	StatusUVInvalid              Status = 0x3f
	StatusUnauthorizedPermission Status = 0x40
	StatusOther                  Status = 0x7f

	StatusSpecLast       Status = 0xdf // the last code of the specification's range
	StatusExtensionFirst Status = 0xe0 // codes of extensions
	StatusExtensionLast  Status = 0xef
	StatusVendorFirst    Status = 0xf0 // codes of vendors
	StatusVendorLast     Status = 0xff
)

var statusTexts = map[Status]struct{ name, text string }{
	StatusSuccess:                {"CTAP1_ERR_SUCCESS", "done"},
	StatusInvalidCommand:         {"CTAP1_ERR_INVALID_COMMAND", "the key does not know the command: it is too old for this, or can't do it"},
	StatusInvalidParameter:       {"CTAP1_ERR_INVALID_PARAMETER", "the key refuses a parameter: report this together with the name of the key"},
	StatusInvalidLength:          {"CTAP1_ERR_INVALID_LENGTH", "the key refuses the length of a parameter: report this together with the name of the key"},
	StatusInvalidSeq:             {"CTAP1_ERR_INVALID_SEQ", "a message came out of sequence: unplug the key and plug it in, or take it off the reader, then try again"},
	StatusTimeout:                {"CTAP1_ERR_TIMEOUT", "the message timed out"},
	StatusChannelBusy:            {"CTAP1_ERR_CHANNEL_BUSY", "the key is busy with another program"},
	StatusLockRequired:           {"CTAP1_ERR_LOCK_REQUIRED", "the command needs the channel lock"},
	StatusInvalidChannel:         {"CTAP1_ERR_INVALID_CHANNEL", "the command is not allowed on this channel"},
	StatusCBORUnexpectedType:     {"CTAP2_ERR_CBOR_UNEXPECTED_TYPE", "a parameter has the wrong type"},
	StatusInvalidCBOR:            {"CTAP2_ERR_INVALID_CBOR", "the key can't decode the request: report this together with the name of the key"},
	StatusMissingParameter:       {"CTAP2_ERR_MISSING_PARAMETER", "the key misses a parameter: report this together with the name of the key"},
	StatusLimitExceeded:          {"CTAP2_ERR_LIMIT_EXCEEDED", "a list or value exceeds the key's limit"},
	StatusUnsupportedExtension:   {"CTAP2_ERR_UNSUPPORTED_EXTENSION", "the key does not support an extension (CTAP 2.0)"},
	StatusFPDatabaseFull:         {"CTAP2_ERR_FP_DATABASE_FULL", "no room for another fingerprint; remove one first"},
	StatusLargeBlobStorageFull:   {"CTAP2_ERR_LARGE_BLOB_STORAGE_FULL", "no room for the large blobs; delete some first"},
	StatusCredentialExcluded:     {"CTAP2_ERR_CREDENTIAL_EXCLUDED", "the key is already registered there"},
	StatusProcessing:             {"CTAP2_ERR_PROCESSING", "the key is still working"},
	StatusInvalidCredential:      {"CTAP2_ERR_INVALID_CREDENTIAL", "the credential is not valid on this key"},
	StatusUserActionPending:      {"CTAP2_ERR_USER_ACTION_PENDING", "the key waits for the user"},
	StatusOperationPending:       {"CTAP2_ERR_OPERATION_PENDING", "the key is busy with another operation"},
	StatusNoOperations:           {"CTAP2_ERR_NO_OPERATIONS", "no request is pending"},
	StatusUnsupportedAlgorithm:   {"CTAP2_ERR_UNSUPPORTED_ALGORITHM", "the key supports none of the algorithms asked for"},
	StatusOperationDenied:        {"CTAP2_ERR_OPERATION_DENIED", "the user declined, did not touch the key in time, or the key does not allow it"},
	StatusKeyStoreFull:           {"CTAP2_ERR_KEY_STORE_FULL", "no room for another passkey; delete one first"},
	StatusNotBusy:                {"CTAP2_ERR_NOT_BUSY", "no request is pending (CTAP 2.0)"},
	StatusNoOperationPending:     {"CTAP2_ERR_NO_OPERATION_PENDING", "no request is pending (CTAP 2.0)"},
	StatusUnsupportedOption:      {"CTAP2_ERR_UNSUPPORTED_OPTION", "the key does not support an option"},
	StatusInvalidOption:          {"CTAP2_ERR_INVALID_OPTION", "an option is not valid here"},
	StatusKeepaliveCancel:        {"CTAP2_ERR_KEEPALIVE_CANCEL", "cancelled"},
	StatusNoCredentials:          {"CTAP2_ERR_NO_CREDENTIALS", "the key has no matching credential"},
	StatusUserActionTimeout:      {"CTAP2_ERR_USER_ACTION_TIMEOUT", "the key was not touched in time"},
	StatusNotAllowed:             {"CTAP2_ERR_NOT_ALLOWED", "the key does not allow this now"},
	StatusPINInvalid:             {"CTAP2_ERR_PIN_INVALID", "the PIN is wrong"},
	StatusPINBlocked:             {"CTAP2_ERR_PIN_BLOCKED", "the PIN is blocked after too many wrong tries; only a reset, which erases the key, helps"},
	StatusPINAuthInvalid:         {"CTAP2_ERR_PIN_AUTH_INVALID", "the key refuses the PIN or user verification token"},
	StatusPINAuthBlocked:         {"CTAP2_ERR_PIN_AUTH_BLOCKED", "too many wrong PINs in a row: unplug the key and plug it in, or take it off the reader, then try again"},
	StatusPINNotSet:              {"CTAP2_ERR_PIN_NOT_SET", "no PIN is set on the key; set one first"},
	StatusPUATRequired:           {"CTAP2_ERR_PUAT_REQUIRED", "the key wants the PIN or other user verification"},
	StatusPINPolicyViolation:     {"CTAP2_ERR_PIN_POLICY_VIOLATION", "the new PIN breaks the key's rules, or must be changed first"},
	StatusPINTokenExpired:        {"CTAP2_ERR_PIN_TOKEN_EXPIRED", "the PIN token has expired; enter the PIN again"},
	StatusRequestTooLarge:        {"CTAP2_ERR_REQUEST_TOO_LARGE", "the request is larger than the key takes"},
	StatusActionTimeout:          {"CTAP2_ERR_ACTION_TIMEOUT", "the operation timed out"},
	StatusUPRequired:             {"CTAP2_ERR_UP_REQUIRED", "the key needs to be touched, or taken off the reader and held to it again"},
	StatusUVBlocked:              {"CTAP2_ERR_UV_BLOCKED", "built-in user verification is blocked; use the PIN"},
	StatusIntegrityFailure:       {"CTAP2_ERR_INTEGRITY_FAILURE", "the large-blob array does not match its checksum"},
	StatusInvalidSubcommand:      {"CTAP2_ERR_INVALID_SUBCOMMAND", "the key does not know the subcommand"},
	StatusUVInvalid:              {"CTAP2_ERR_UV_INVALID", "user verification failed; try again"},
	StatusUnauthorizedPermission: {"CTAP2_ERR_UNAUTHORIZED_PERMISSION", "the key does not grant a permission that was asked for"},
	StatusOther:                  {"CTAP1_ERR_OTHER", "the key failed and gives no reason: unplug it and plug it in, or take it off the reader, then try again"},
}

// Name returns the specification's name, as in "CTAP2_ERR_PIN_INVALID", or the
// code in hexadecimal with the range it is in.
func (s Status) Name() string {
	if t, ok := statusTexts[s]; ok {
		return t.name
	}
	switch {
	case s >= StatusVendorFirst:
		return fmt.Sprintf("vendor status 0x%02x", byte(s))
	case s >= StatusExtensionFirst:
		return fmt.Sprintf("extension status 0x%02x", byte(s))
	}
	return fmt.Sprintf("unknown status 0x%02x", byte(s))
}

// String returns Name.
func (s Status) String() string { return s.Name() }

// Error says what the status means to a person, with the specification's name.
func (s Status) Error() string {
	if t, ok := statusTexts[s]; ok {
		return t.text + " (" + t.name + ")"
	}
	return "the key answered with " + s.Name()
}
