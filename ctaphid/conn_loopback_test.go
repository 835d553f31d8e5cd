package ctaphid_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// slowEcho answers a CBOR request with itself after as many milliseconds as
// its second and third byte say, unless it is cancelled.
type slowEcho struct{}

func (slowEcho) CBOR(ctx context.Context, _ uint64, dst, request []byte, waiting func(byte)) []byte {
	waiting(ctaphid.StatusUPNeeded)
	select {
	case <-ctx.Done():
		return append(dst, 0x2d)
	case <-time.After(time.Duration(int(request[1])<<8|int(request[2])) * time.Millisecond):
		return append(dst, request...)
	}
}

func (slowEcho) MSG(_ context.Context, _ uint64, dst, apdu []byte) []byte {
	return append(dst, apdu...)
}

// TestConnNeverMixesReplies has many callers whose contexts end at any moment,
// on a wire that loses and delays reports. Each call ends in time, with its
// own reply or an error, and afterwards the key is free.
func TestConnNeverMixesReplies(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			var (
				mu  sync.Mutex
				rng = rand.New(rand.NewPCG(seed, 0))
			)
			chance := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
			calm := true // while the channel is opened
			unreliable := func(f ctaphidtest.Frame) []ctaphidtest.Frame {
				mu.Lock()
				quiet := calm
				mu.Unlock()
				switch {
				case quiet || seed == 0:
				case chance(200) == 0:
					return nil
				case chance(200) == 0:
					f.Delay = time.Duration(chance(1000)) * time.Millisecond
				}
				return []ctaphidtest.Frame{f}
			}
			conn := openDevice(t, ctaphidtest.Faulty(ctaphid.Loopback(slowEcho{}), unreliable), nil)
			mu.Lock()
			calm = false
			mu.Unlock()
			var all sync.WaitGroup
			for caller := range 4 {
				all.Go(func() {
					for i := range 25 {
						request := bytes.Repeat([]byte{byte(caller), byte(i)}, 2+chance(150))
						delay := chance(1500)
						request[1], request[2] = byte(delay>>8), byte(delay)
						limit := time.Duration(chance(5000)) * time.Millisecond
						ctx, cancel := context.WithTimeout(t.Context(), limit)
						start := time.Now()
						reply, err := conn.CBOR(ctx, nil, request, nil)
						// The wire holds up a write for up to a second now and then.
						if d := time.Since(start); d > limit+500*time.Millisecond+2*time.Second || seed == 0 && d > limit+500*time.Millisecond {
							t.Errorf("seed %d: a call took %v of %v", seed, d, limit)
						}
						cancel()
						var op *ctaphid.OpError
						if err != nil && !errors.As(err, &op) || err == nil && !bytes.Equal(reply, request) {
							t.Errorf("seed %d: request %x gets %x, %v", seed, request[:4], reply, err)
						}
					}
				})
			}
			all.Wait()
			mu.Lock()
			calm = true
			mu.Unlock()
			if _, err := conn.MSG(t.Context(), nil, make([]byte, 7)); err != nil {
				t.Errorf("seed %d: afterwards: %v", seed, err)
			}
		})
	}
}
