package main

import (
	"context"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctaphid"
	"github.com/spf13/cobra"
)

func (a *app) winkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "wink",
		Short: "Make the key show itself",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withKey(c.Context(), a.wink)
		},
	}
}

func (a *app) wink(ctx context.Context, key *fido.Key) error {
	if key.HID() == nil || key.HID().Info().Capabilities&ctaphid.CapabilityWink == 0 {
		return cant("this key can't wink")
	}
	if err := a.timed(ctx, key.HID().Wink); err != nil {
		return err
	}
	return a.result(winked{true}, func() { a.tell("The key was told to wink.") })
}

// winked is the JSON form of a wink.
type winked struct {
	Winked bool `json:"winked"` // the key has taken the command; nobody knows what its user has seen
}
