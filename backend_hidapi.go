//go:build !linux || (cgo && hidapi)

package fido

import (
	"context"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidapi"
)

func list() ([]hid.Info, error) { return hidapi.List() }

func openPath(ctx context.Context, path string, _ *Options) (ctaphid.Device, error) {
	return hidapi.Open(ctx, path)
}
