//go:build linux && !(cgo && hidapi)

package fido

import (
	"context"
	"iter"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
)

func list() ([]hid.Info, error) { return hidraw.List() }

func watchHID(ctx context.Context) (iter.Seq2[hidraw.Event, error], error) { return hidraw.Watch(ctx) }

func openPath(ctx context.Context, path string, o *Options) (ctaphid.Device, error) {
	return hidraw.Open(ctx, path, &hidraw.Options{Lock: o.Lock})
}
