package ctap2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A transportFunc is a Transport that is a function.
type transportFunc func(ctx context.Context, request []byte, waiting func(byte)) ([]byte, error)

func (f transportFunc) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	reply, err := f(ctx, request, waiting)
	return append(dst, reply...), err
}

// A script is a key that gives the same answers to the same number of requests,
// and notes the requests.
type script struct {
	replies  [][]byte
	requests [][]byte
}

func (s *script) CBOR(_ context.Context, dst, request []byte, _ func(byte)) ([]byte, error) {
	s.requests = append(s.requests, bytes.Clone(request))
	if len(s.replies) == 0 {
		return nil, errors.New("the script has ended")
	}
	reply := s.replies[0]
	s.replies = s.replies[1:]
	return append(dst, reply...), nil
}

// fakeKey is as much of a key as the PIN methods of Client need, and of
// statuses that only a test wants: it answers what its members say.
type fakeKey struct {
	t       testing.TB
	info    *ctap2.GetInfoResponse
	pin     string
	retries uint // of the PIN
	misses  int  // in a row

	answers map[ctap2.Command]func(request []byte) []byte // whole replies, before anything else
	pins    map[ctap2.ClientPINSubCommand][]byte          // the same by subcommand of clientPIN

	agreement *pinuv.KeyAgreement
	token     *pinuv.Token
	granted   ctap2.Permissions
	rpID      string
	sent      []string // the commands that came, by name
}

func newFakeKey(t testing.TB, pin string, protocols ...pinuv.Protocol) *fakeKey {
	t.Helper()
	agreement, err := pinuv.GenerateKeyAgreement(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeKey{
		t: t, pin: pin, retries: 8, agreement: agreement,
		info: &ctap2.GetInfoResponse{
			Versions:           []string{ctap2.VersionFIDO20, ctap2.VersionFIDO21},
			Options:            ctap2.InfoOptions{ctap2.OptionClientPIN: pin != "", ctap2.OptionPinUvAuthToken: true},
			PinUvAuthProtocols: protocols,
			MaxMsgSize:         2048,
		},
		answers: map[ctap2.Command]func([]byte) []byte{},
		pins:    map[ctap2.ClientPINSubCommand][]byte{},
	}
}

func (k *fakeKey) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	command := ctap2.Command(request[0])
	name := command.String()
	var pin *ctap2.ClientPINRequest
	if command == ctap2.CommandClientPIN {
		var err error
		if pin, err = ctap2.ParseClientPINRequest(request[1:]); err != nil {
			k.t.Errorf("clientPIN: %v", err)
			return append(dst, byte(ctap2.StatusInvalidCBOR)), nil
		}
		name = pin.SubCommand.String()
		if reply, ok := k.pins[pin.SubCommand]; ok {
			k.sent = append(k.sent, name)
			return append(dst, reply...), nil
		}
	}
	if sub := subCommandOf(request); sub != nil {
		name = sub.String()
		if command >= ctap2.CommandVendorFirst {
			name += " (preview)"
		}
	}
	k.sent = append(k.sent, name)
	if answer, ok := k.answers[command]; ok {
		return append(dst, answer(request)...), nil
	}
	switch command {
	case ctap2.CommandGetInfo:
		return k.success(dst, k.info), nil
	case ctap2.CommandClientPIN:
		r, status := k.clientPIN(pin)
		if status != ctap2.StatusSuccess {
			return append(dst, byte(status)), nil
		}
		return k.success(dst, r), nil
	case ctap2.CommandSelection, ctap2.CommandReset:
		if waiting != nil {
			waiting(ctap2.WaitingUPNeeded)
		}
		return append(dst, 0), nil
	}
	return append(dst, byte(ctap2.StatusInvalidCommand)), nil
}

// subCommandOf returns the subcommand of a management request, nil of another.
func subCommandOf(request []byte) fmt.Stringer {
	switch ctap2.Command(request[0]) {
	case ctap2.CommandCredentialManagement, ctap2.CommandCredentialManagementPreview:
		if r, err := ctap2.ParseCredentialManagementRequest(request[1:]); err == nil {
			return r.SubCommand
		}
	case ctap2.CommandBioEnrollment, ctap2.CommandBioEnrollmentPreview:
		if r, err := ctap2.ParseBioEnrollmentRequest(request[1:]); err == nil && !r.GetModality {
			return r.SubCommand
		}
	case ctap2.CommandConfig:
		if r, err := ctap2.ParseConfigRequest(request[1:]); err == nil {
			return r.SubCommand
		}
	}
	return nil
}

func (k *fakeKey) success(dst []byte, r interface{ Append([]byte) ([]byte, error) }) []byte {
	b, err := r.Append(append(dst, 0))
	if err != nil {
		k.t.Error(err)
	}
	return b
}

func (k *fakeKey) clientPIN(r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, ctap2.Status) {
	none := &ctap2.ClientPINResponse{}
	switch r.SubCommand {
	case ctap2.GetPINRetries:
		return &ctap2.ClientPINResponse{PINRetries: &k.retries, PowerCycleState: new(k.misses == 3)}, 0
	case ctap2.GetUVRetries:
		return &ctap2.ClientPINResponse{UVRetries: new(uint(5))}, 0
	case ctap2.GetKeyAgreement:
		if !slices.Contains(k.info.PinUvAuthProtocols, r.PinUvAuthProtocol) {
			return nil, ctap2.StatusInvalidParameter
		}
		return &ctap2.ClientPINResponse{KeyAgreement: k.agreement.PublicKey()}, 0
	}
	secret, err := k.agreement.Decapsulate(r.PinUvAuthProtocol, r.KeyAgreement)
	if err != nil {
		return nil, ctap2.StatusInvalidParameter
	}
	if r.PinHashEnc != nil {
		if status := k.checkPIN(secret, r.PinHashEnc); status != ctap2.StatusSuccess {
			return nil, status
		}
	}
	switch r.SubCommand {
	case ctap2.SetPIN, ctap2.ChangePIN:
		if r.SubCommand == ctap2.SetPIN && k.pin != "" || !secret.Verify(slices.Concat(r.NewPinEnc, r.PinHashEnc), r.PinUvAuthParam) {
			return nil, ctap2.StatusPINAuthInvalid
		}
		padded, err := secret.Decrypt(r.NewPinEnc)
		if err != nil {
			return nil, ctap2.StatusPINAuthInvalid
		}
		pin, err := pinuv.UnpadPIN(padded)
		if err != nil || pinuv.CheckPIN(pin, k.info.MinPINLength, 0) != nil {
			return nil, ctap2.StatusPINPolicyViolation
		}
		k.pin = string(pin)
		k.info.Options[ctap2.OptionClientPIN] = true
		k.info.ForcePINChange = false
		return none, 0
	}
	k.granted, k.rpID = r.Permissions, r.RPID
	if k.token, err = pinuv.NewToken(r.PinUvAuthProtocol, bytes.Repeat([]byte{7}, 32)); err != nil {
		k.t.Error(err)
	}
	enc, err := secret.Encrypt(nil, k.token.ExposeSecret())
	if err != nil {
		k.t.Error(err)
	}
	return &ctap2.ClientPINResponse{PinUvAuthToken: enc}, 0
}

func (k *fakeKey) checkPIN(secret *pinuv.SharedSecret, enc []byte) ctap2.Status {
	hash, err := secret.Decrypt(enc)
	want := pinuv.HashPIN([]byte(k.pin))
	switch {
	case k.pin == "":
		return ctap2.StatusPINNotSet
	case k.retries == 0:
		return ctap2.StatusPINBlocked
	case k.misses == 3:
		return ctap2.StatusPINAuthBlocked
	case err == nil && bytes.Equal(hash, want[:]):
		k.retries, k.misses = 8, 0
		return ctap2.StatusSuccess
	}
	k.retries--
	k.misses++
	switch {
	case k.retries == 0:
		return ctap2.StatusPINBlocked
	case k.misses == 3:
		return ctap2.StatusPINAuthBlocked
	}
	return ctap2.StatusPINInvalid
}

// took returns the commands since the last call.
func (k *fakeKey) took() []string {
	sent := k.sent
	k.sent = nil
	return sent
}

// reply encodes a successful reply from members.
func reply(t testing.TB, members map[uint64]any) []byte {
	t.Helper()
	b, err := cbor.Append([]byte{0}, members)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func status(s ctap2.Status) func([]byte) []byte {
	return func([]byte) []byte { return []byte{byte(s)} }
}
