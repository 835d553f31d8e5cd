package ctap2

import (
	"context"
	"fmt"

	"github.com/gofido/fido/cbor"
)

// nameOf returns the specification's name of a subcommand, or its number.
func nameOf[S ~uint](names map[S]string, s S) string {
	if name, ok := names[s]; ok {
		return name
	}
	return fmt.Sprintf("subcommand 0x%02x", uint(s))
}

// inTurnBy is inTurn for a command of which some keys have only the preview:
// choose tells which to send. It is asked once in a turn, since some commands
// have the client forget what it knows of the key.
func inTurnBy[R any](ctx context.Context, c *Client, o operation, choose func(context.Context) (Command, error),
	f func(context.Context, Command) (R, error),
) (R, error) {
	return inTurn(ctx, c, o, func(ctx context.Context) (R, error) {
		command, err := choose(ctx)
		if err != nil {
			var none R
			return none, err
		}
		return f(ctx, command)
	})
}

// asCommand returns an appender that writes another command byte: a preview
// command has the parameters of the one that it became.
func asCommand(command Command, request appender) appender {
	return func(dst []byte) ([]byte, error) {
		b, err := request(dst)
		if err == nil {
			b[len(dst)] = byte(command)
		}
		return b, err
	}
}

// appendParams appends the subCommandParams of a request as its PIN/UV auth
// parameter covers them: the bytes that came, of a parsed request, and those
// that Append will send, of any other. The encoding is canonical, so that both
// are the same bytes.
func appendParams[P any](dst []byte, r *Received, member byte, params *P) ([]byte, error) {
	if r.Raw != nil {
		return append(dst, rawMember(r.Raw, member)...), nil
	}
	if params == nil {
		return dst, nil
	}
	return cbor.Append(dst, params)
}

// rawMember returns the encoded value of the member with this number, below
// 24, of a canonical map; nil if it is not there.
func rawMember(b []byte, number byte) []byte {
	head, _, ok := mapHead(b)
	if !ok {
		return nil
	}
	for rest := b[head:]; len(rest) > 0 && rest[0] <= number; {
		key := rest[0]
		value, after, err := cbor.Split(rest[1:])
		if err != nil {
			return nil
		}
		if key == number {
			return value
		}
		rest = after
	}
	return nil
}
