//go:build guest

// Package client tests this library's client against this library's key, with
// the kernel between them.
package client

import (
	"os"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(play(os.Getenv(roleVariable), os.Args[1:]))
	}
	guest.Main(m)
}

// patient are options for the emulated processor, which may stand still for a
// while.
func patient() *fido.Options {
	return &fido.Options{HID: &ctaphid.Config{Silence: 20 * time.Second, Grace: 20 * time.Second}}
}

// each runs a test on every route.
func each(t *testing.T, f func(t *testing.T, r guest.Route)) {
	for _, r := range guest.Routes {
		t.Run(r.Name, func(t *testing.T) { f(t, r) })
	}
}
