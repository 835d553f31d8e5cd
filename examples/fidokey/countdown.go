package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// countdown says what the user has to do now, as urge does. On a terminal it shows
// how many seconds are left of limit until the function that it returns is called.
func (a *app) countdown(ctx context.Context, text string, limit time.Duration) (stop func()) {
	if !rewritable(a.err) {
		a.urge(text)
		return func() {}
	}
	ends := time.Now().Add(limit)
	ctx, cancel := context.WithCancel(ctx)
	show := func(left string) { fmt.Fprintf(a.err, "\r\x1b[K%s%s", a.paint(a.err, bold, text), left) }
	var shown sync.WaitGroup
	shown.Go(func() {
		for ctx.Err() == nil {
			left := time.Until(ends)
			if left <= 0 {
				show("") // there may be a little more
				return
			}
			show(fmt.Sprintf(" (%d s)", (left+time.Second-1)/time.Second))
			t := time.NewTimer((left-1)%time.Second + 1)
			select {
			case <-t.C:
			case <-ctx.Done():
			}
			t.Stop()
		}
	})
	return sync.OnceFunc(func() {
		cancel()
		shown.Wait()
		show("\n")
	})
}
