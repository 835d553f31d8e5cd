package main

import (
	"context"
	"fmt"

	"github.com/gofido/fido/ctaphid"
	"github.com/spf13/cobra"
)

func (a *app) winkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "wink",
		Short: "Make the key show itself",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			key, err := a.openTimed(ctx, "")
			if err != nil {
				return err
			}
			defer key.Close()
			if key.HID() == nil || key.HID().Info().Capabilities&ctaphid.CapabilityWink == 0 {
				return fmt.Errorf("this key can't wink: %w", ctaphid.ErrInvalidCmd)
			}
			if err := a.timed(ctx, key.HID().Wink); err != nil {
				return err
			}
			fmt.Fprintln(a.out, "The key was told to wink.")
			return nil
		},
	}
}

// timed calls f with a context that ends after --timeout.
func (a *app) timed(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return f(ctx)
}
