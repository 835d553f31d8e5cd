package main

import (
	"context"
	"iter"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctaphid/hid"
)

// system is what is plugged in. A test has its own.
type system struct {
	list  func() ([]hid.Info, error)
	find  func(ctx context.Context) (*fido.Found, error)
	watch func(ctx context.Context) iter.Seq2[fido.Event, error]
	open  func(ctx context.Context, device string, o *fido.Options) (*fido.Key, error)
}

var thisSystem = system{fido.List, fido.Find, fido.Watch, fido.Open}

// hidInfo returns what is known of a key on HID without asking it, nil if device
// is none.
func (s *system) hidInfo(device string) *hid.Info {
	keys, _ := s.list() // what can't be known is not told
	for i := range keys {
		if keys[i].Path == device {
			return &keys[i]
		}
	}
	return nil
}
