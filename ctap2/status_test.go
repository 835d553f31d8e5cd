package ctap2_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
)

// The table of CTAP 2.3 section 8.2, with what CTAP 2.0 had besides.
var statusNames = map[byte]string{
	0x00: "SUCCESS", 0x01: "INVALID_COMMAND", 0x02: "INVALID_PARAMETER", 0x03: "INVALID_LENGTH", 0x04: "INVALID_SEQ",
	0x05: "TIMEOUT", 0x06: "CHANNEL_BUSY", 0x0a: "LOCK_REQUIRED", 0x0b: "INVALID_CHANNEL",
	0x11: "CBOR_UNEXPECTED_TYPE", 0x12: "INVALID_CBOR", 0x14: "MISSING_PARAMETER", 0x15: "LIMIT_EXCEEDED",
	0x16: "UNSUPPORTED_EXTENSION", 0x17: "FP_DATABASE_FULL", 0x18: "LARGE_BLOB_STORAGE_FULL", 0x19: "CREDENTIAL_EXCLUDED",
	0x21: "PROCESSING", 0x22: "INVALID_CREDENTIAL", 0x23: "USER_ACTION_PENDING", 0x24: "OPERATION_PENDING",
	0x25: "NO_OPERATIONS", 0x26: "UNSUPPORTED_ALGORITHM", 0x27: "OPERATION_DENIED", 0x28: "KEY_STORE_FULL",
	0x29: "NOT_BUSY", 0x2a: "NO_OPERATION_PENDING", 0x2b: "UNSUPPORTED_OPTION", 0x2c: "INVALID_OPTION",
	0x2d: "KEEPALIVE_CANCEL", 0x2e: "NO_CREDENTIALS", 0x2f: "USER_ACTION_TIMEOUT", 0x30: "NOT_ALLOWED",
	0x31: "PIN_INVALID", 0x32: "PIN_BLOCKED", 0x33: "PIN_AUTH_INVALID", 0x34: "PIN_AUTH_BLOCKED", 0x35: "PIN_NOT_SET",
	0x36: "PUAT_REQUIRED", 0x37: "PIN_POLICY_VIOLATION", 0x38: "PIN_TOKEN_EXPIRED", 0x39: "REQUEST_TOO_LARGE",
	0x3a: "ACTION_TIMEOUT", 0x3b: "UP_REQUIRED", 0x3c: "UV_BLOCKED", 0x3d: "INTEGRITY_FAILURE", 0x3e: "INVALID_SUBCOMMAND",
	0x3f: "UV_INVALID", 0x40: "UNAUTHORIZED_PERMISSION", 0x7f: "OTHER",
}

func TestStatusNames(t *testing.T) {
	for code := range 256 {
		s := ctap2.Status(code)
		want, known := statusNames[byte(code)]
		switch {
		case known && (code <= 0x0b || code == 0x7f):
			want = "CTAP1_ERR_" + want
		case known:
			want = "CTAP2_ERR_" + want
		case code >= 0xf0:
			want = fmt.Sprintf("vendor status 0x%02x", code)
		case code >= 0xe0:
			want = fmt.Sprintf("extension status 0x%02x", code)
		default:
			want = fmt.Sprintf("unknown status 0x%02x", code)
		}
		if s.Name() != want || s.String() != want {
			t.Errorf("0x%02x: %q, want %q", code, s.Name(), want)
		}
		if !strings.Contains(s.Error(), want) || known && len(s.Error()) < len(want)+6 {
			t.Errorf("0x%02x: %q does not say %s and what it means", code, s.Error(), want)
		}
	}
}

// Statuses that a person can't have caused say what to do, and StatusNotAllowed
// does not speak of a reset, which is one of many things not allowed.
func TestStatusHints(t *testing.T) {
	for _, test := range []struct {
		status ctap2.Status
		hint   string
	}{
		{ctap2.StatusInvalidParameter, "report this"},
		{ctap2.StatusInvalidLength, "report this"},
		{ctap2.StatusInvalidCBOR, "report this"},
		{ctap2.StatusMissingParameter, "report this"},
		{ctap2.StatusInvalidSeq, "try again"},
		{ctap2.StatusOther, "try again"},
		{ctap2.StatusInvalidCommand, "too old"},
		{ctap2.StatusNotAllowed, "the key does not allow this now (CTAP2_ERR_NOT_ALLOWED)"},
	} {
		if s := test.status.Error(); !strings.Contains(s, test.hint) || strings.Contains(s, "reset") {
			t.Errorf("%q, want %q in it", s, test.hint)
		}
	}
}

func TestStatusIsASentinel(t *testing.T) {
	err := error(&ctap2.PINError{Status: ctap2.StatusPINInvalid, Err: &ctap2.CommandError{
		Command: ctap2.CommandClientPIN, SubCommand: uint(ctap2.GetPINToken), Err: ctap2.StatusPINInvalid,
	}})
	err = fmt.Errorf("unlocking: %w", err)
	if !errors.Is(err, ctap2.StatusPINInvalid) || errors.Is(err, ctap2.StatusPINBlocked) {
		t.Error("errors.Is does not find the status, or another one")
	}
	if s, ok := errors.AsType[ctap2.Status](err); !ok || s != ctap2.StatusPINInvalid {
		t.Error("errors.AsType does not find the status")
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{ctap2.CommandGetInfo.String(), "authenticatorGetInfo"},
		{ctap2.Command(0x55).String(), "command 0x55"},
		{ctap2.SetPIN.String(), "setPIN"},
		{ctap2.ClientPINSubCommand(8).String(), "subcommand 0x08"},
		{(ctap2.PermissionMC | ctap2.PermissionGA).String(), "mc, ga"},
		{(ctap2.PermissionPCMR | 0x180).String(), "pcmr, 0x180"},
		{ctap2.Permissions(0).String(), "none"},
		{(ctap2.FlagUP | ctap2.FlagUV | ctap2.FlagAT).String(), "UP, UV, AT"},
		{ctap2.Flags(0x22).String(), "RFU1, RFU2"},
		{(&ctap2.CommandError{Command: ctap2.CommandGetInfo, Err: ctap2.StatusTimeout}).Error(),
			"ctap2: authenticatorGetInfo: the message timed out (CTAP1_ERR_TIMEOUT)"},
		{(&ctap2.CommandError{Command: ctap2.CommandClientPIN, SubCommand: 5, Err: ctap2.StatusOther}).Error(),
			"ctap2: authenticatorClientPIN getPinToken: the key failed and gives no reason: unplug it and plug it in, or take it off the reader, then try again (CTAP1_ERR_OTHER)"},
		{(&ctap2.CommandError{Command: 0x50, SubCommand: 5, Err: ctap2.Status(0xf3)}).Error(),
			"ctap2: command 0x50 subcommand 0x05: the key answered with vendor status 0xf3"},
		{(&ctap2.UnsupportedError{Feature: "a PIN"}).Error(), "ctap2: the key does not support a PIN"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
