package webauthn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
)

// unsuitable is ErrUnsuitable in other words.
func unsuitable(text string, from ...error) error { return explained(ErrUnsuitable, text, from...) }

// What the statuses of a key mean for a ceremony.
var meanings = []struct {
	what     error
	text     string
	statuses []ctap2.Status
}{
	{ErrNoPasskey, "", []ctap2.Status{ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential}},
	{ErrAlreadyRegistered, "", []ctap2.Status{ctap2.StatusCredentialExcluded}},
	{ErrCancelled, "", []ctap2.Status{ctap2.StatusKeepaliveCancel}},
	{ErrCancelled, "it was refused at the key: try again if you want it", []ctap2.Status{ctap2.StatusOperationDenied}},
	{ErrTimeout, "", []ctap2.Status{ctap2.StatusUserActionTimeout, ctap2.StatusActionTimeout}},
	{ErrTimeout, "the key lay on the reader for too long, or was used there before: take it off, hold it there again, and try again",
		[]ctap2.Status{ctap2.StatusUPRequired}},
	{ErrUnsuitable, "too many fingerprints were not recognised: the key takes no more until its PIN was entered",
		[]ctap2.Status{ctap2.StatusUVBlocked}},
	{ErrUnsuitable, "the key has no room for another passkey: delete one that is not needed any more",
		[]ctap2.Status{ctap2.StatusKeyStoreFull}},
	{ErrUnsuitable, "the site asks for more than fits into a message to this key: use another", []ctap2.Status{ctap2.StatusRequestTooLarge}},
	{ErrUnsuitable, "this key knows none of the site's signature algorithms: use another",
		[]ctap2.Status{ctap2.StatusUnsupportedAlgorithm}},
}

// explain puts what became of the ceremony in front of an error from below.
func (c *ceremony) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrNoPasskey), errors.Is(err, ErrAlreadyRegistered), errors.Is(err, ErrCancelled),
		errors.Is(err, ErrTimeout), errors.Is(err, ErrUnsuitable):
		return err
	case errors.Is(err, context.Canceled):
		return explained(ErrCancelled, "", err)
	case errors.Is(err, context.DeadlineExceeded):
		return explained(ErrTimeout, "", err)
	case errors.Is(err, ctap2.ErrUsePIN):
		return unsuitable("no PIN is set on the key, or it takes none for this: use your finger", err)
	}
	if pin, ok := errors.AsType[*ctap2.PINError](err); ok {
		if pin.Status == ctap2.StatusPINNotSet {
			return unsuitable(pin.Error(), err)
		}
		return err // its message tells more than any of ours
	}
	if feature, ok := errors.AsType[*ctap2.UnsupportedError](err); ok {
		return unsuitable("this key does not support "+feature.Feature+": use another", err)
	}
	status, ok := errors.AsType[ctap2.Status](err)
	if !ok {
		return err
	}
	// Many keys have one status for both. Nobody declines on a key without buttons,
	// and none gives up so soon.
	if status == ctap2.StatusOperationDenied && !c.asked.IsZero() && time.Since(c.asked) >= ctap2.LeastTouchTime {
		status = ctap2.StatusUserActionTimeout
	}
	for _, m := range meanings {
		if slices.Contains(m.statuses, status) {
			return explained(m.what, m.text, err)
		}
	}
	return err
}
