package ctxerr_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gofido/fido/internal/ctxerr"
)

func TestOf(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ctxerr.Of(ctx); err != context.Canceled {
		t.Errorf("without a cause: %v", err)
	}
	why := errors.New("why")
	ctx, end := context.WithCancelCause(t.Context())
	end(why)
	if err := ctxerr.Of(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("with a cause: %v", err)
	}
}
