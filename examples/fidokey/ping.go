package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctaphid"
	"github.com/spf13/cobra"
)

func (a *app) pingCommand() *cobra.Command {
	var size, count int
	c := &cobra.Command{
		Use:   "ping",
		Short: "Send data to the key and check that it comes back",
		RunE: func(c *cobra.Command, _ []string) error {
			if size < 0 || size > ctaphid.MaxMessageSize {
				return badUse("--size %d is not between 0 and %d", size, ctaphid.MaxMessageSize)
			}
			if count < 1 {
				return badUse("--count %d is less than 1", count)
			}
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error { return a.ping(ctx, key, size, count) })
		},
	}
	c.Flags().IntVar(&size, "size", 64, "`BYTES` to send, at most 7609")
	c.Flags().IntVar(&count, "count", 4, "how many `TIMES`")
	return c
}

func (a *app) ping(ctx context.Context, key *fido.Key, size, count int) error {
	if key.HID() == nil {
		return cant("a key in a card reader does not echo: ping is for keys on USB")
	}
	data := make([]byte, size)
	times := make([]time.Duration, 0, min(count, 1000))
	for i := range count {
		rand.Read(data)
		start := time.Now()
		if err := a.timed(ctx, func(ctx context.Context) error {
			_, err := key.HID().Ping(ctx, nil, data)
			return err
		}); err != nil {
			return fmt.Errorf("ping %d of %d: %w", i+1, count, err)
		}
		d := time.Since(start)
		if len(times) < cap(times) {
			times = append(times, d)
		}
		a.tell("%d bytes there and back: %v", size, d.Round(10*time.Microsecond))
	}
	slices.Sort(times)
	p := pings{Size: size, Count: count, Median: times[len(times)/2], Slowest: times[len(times)-1]}
	return a.result(p, func() {
		fmt.Fprintf(a.out, "%d of %d came back unchanged; median %v, slowest %v\n", count, count,
			p.Median.Round(10*time.Microsecond), p.Slowest.Round(10*time.Microsecond))
	})
}

// pings is the JSON form of pings that all came back unchanged.
type pings struct {
	Size    int           `json:"size"` // bytes of each
	Count   int           `json:"count"`
	Median  time.Duration `json:"median"` // of the first 1000, in nanoseconds
	Slowest time.Duration `json:"slowest"`
}
