package ctaphidtest

import (
	"context"

	"github.com/gofido/fido/ctaphid"
)

// beginCall tells a device that a call begins, if it wants to know.
func beginCall(ctx context.Context, dev ctaphid.Device) error {
	if d, ok := dev.(interface{ BeginCall(context.Context) error }); ok {
		return d.BeginCall(ctx)
	}
	return nil
}

// endCall tells a device that a call has ended, if it wants to know.
func endCall(dev ctaphid.Device) {
	if d, ok := dev.(interface{ EndCall() }); ok {
		d.EndCall()
	}
}
