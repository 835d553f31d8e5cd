//go:build !linux || (cgo && hidapi)

package fido

import (
	"context"
	"errors"
	"iter"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidapi"
	"github.com/gofido/fido/ctaphid/hidraw"
)

func list() ([]hid.Info, error) { return hidapi.List() }

// watchHID fails: HIDAPI tells of no changes.
func watchHID(context.Context) (iter.Seq2[hidraw.Event, error], error) {
	return nil, errors.ErrUnsupported
}

func openPath(ctx context.Context, path string, _ *Options) (ctaphid.Device, error) {
	return hidapi.Open(ctx, path)
}
