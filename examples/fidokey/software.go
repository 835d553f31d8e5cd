package main

import (
	"context"
	"strings"

	"github.com/gofido/fido/ctap2/virtual"
)

// virtualDevice is the --device of the software key; after a colon follows the
// file that its state is kept in.
const virtualDevice = "virtual"

// softwarePath reports whether a --device is the software key, and the file of its
// state, "" if there is none.
func softwarePath(device string) (path string, ok bool) {
	if device == virtualDevice {
		return "", true
	}
	return strings.CutPrefix(device, virtualDevice+":")
}

// softwareKey makes the software key, with its state in a file unless path is "".
// It has a fingerprint sensor, and power until the program ends.
func (a *app) softwareKey(path string) (*virtual.Key, error) {
	if key := a.software[path]; key != nil {
		return key, nil
	}
	config := virtual.Config{User: willing{}, UV: virtual.FingerprintUV, Enterprise: new(virtual.Enterprise)}
	if path != "" {
		storage, err := openFileStorage(path)
		if err != nil {
			return nil, err
		}
		a.closers = append(a.closers, storage.Close)
		config.Storage = storage
	}
	key, err := virtual.New(config)
	if err == nil {
		a.software[path] = key
	}
	return key, err
}

// willing is the software key's user, who touches it at once, for as long as it
// takes: a reset may want five seconds.
type willing struct{}

func (willing) Touch(context.Context, virtual.Prompt) virtual.Decision { return virtual.LongTouch }

func (willing) Verify(context.Context, virtual.Prompt) virtual.Verification { return virtual.Verified }
