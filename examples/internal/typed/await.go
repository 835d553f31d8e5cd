package typed

import "context"

// Await calls read and waits for it no longer than ctx lasts. Then the read is left
// behind, as there is no way to end it, and a line that it reads is wiped. The error is
// then the cause of ctx if its time has passed, and otherwise [context.Canceled].
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		go func() {
			if line, ok := any((<-done).v).([]byte); ok {
				clear(line)
			}
		}()
		var none T
		return none, ended(ctx)
	}
}

// ended says why a wait for the user is over.
func ended(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return context.Cause(ctx)
	}
	return ctx.Err()
}
