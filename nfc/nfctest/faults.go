package nfctest

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
)

// parse is iso7816.ParseLenient for faults: what is no command has no
// instruction that a fault looks for.
func parse(apdu []byte) iso7816.Command {
	cmd, _, err := iso7816.ParseLenient(apdu)
	if err != nil {
		return iso7816.Command{CLA: 0xff, INS: 0xff}
	}
	return cmd
}

func isGetResponse(cmd iso7816.Command) bool {
	return cmd.CLA&^0x80 == 0 && cmd.INS == iso7816.INSGetResponse
}

func isSelect(cmd iso7816.Command) bool { return cmd.CLA == 0 && cmd.INS == iso7816.INSSelect }

// ShortOnly is a card that answers APDUs of the extended form with 6700.
func ShortOnly() Fault { return answerIf(isExtended, iso7816.SWWrongLength) }

func isExtended(cmd iso7816.Command) bool { return cmd.Form == iso7816.Extended }

// answerIf answers commands with a status word that the card does not get to see.
func answerIf(which func(iso7816.Command) bool, sw iso7816.StatusWord) Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if which(parse(apdu)) {
				return sw.Append(nil), nil
			}
			return next(ctx, apdu)
		}
	}
}

// MaxTransceive is a reader that takes APDUs of at most n bytes: longer commands
// are not sent, [nfc.ErrNotSent], and longer responses are lost with the card.
func MaxTransceive(n int) Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if len(apdu) > n {
				return nil, nfc.ErrNotSent
			}
			response, err := next(ctx, apdu)
			if len(response) > n {
				return nil, fmt.Errorf("nfctest: a response of %d bytes: %w", len(response), nfc.ErrGone)
			}
			return response, err
		}
	}
}

// BreaksAt256 is a reader that loses the card over a response with exactly 256
// bytes of data.
func BreaksAt256() Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			response, err := next(ctx, apdu)
			if len(response) == 256+2 {
				return nil, fmt.Errorf("nfctest: a response of 256 bytes: %w", nfc.ErrGone)
			}
			return response, err
		}
	}
}

// A held response waits for GET RESPONSE.
type held struct {
	data []byte
	sw   iso7816.StatusWord
}

// give returns n bytes of it.
func (h *held) give(n int) []byte {
	n = min(n, len(h.data))
	out := bytes.Clone(h.data[:n])
	if h.data = h.data[n:]; len(h.data) > 0 {
		return iso7816.BytesRemaining(len(h.data)).Append(out)
	}
	return h.sw.Append(out)
}

// whole gets a whole response: what is announced with 61xx is fetched.
func whole(ctx context.Context, next Transmit, apdu []byte) (*held, error) {
	h := new(held)
	for {
		b, err := next(ctx, apdu)
		if err != nil {
			return nil, err
		}
		r, err := iso7816.ParseResponse(b)
		if err != nil {
			return nil, err
		}
		h.data, h.sw = append(h.data, r.Data...), r.SW
		if _, more := r.SW.Remaining(); !more {
			return h, nil
		}
		apdu = []byte{apdu[0], iso7816.INSGetResponse, 0, 0, 0}
	}
}

// RemainingOnSelect is a card that answers SELECT with 61xx, and what it has to
// say to GET RESPONSE alone.
func RemainingOnSelect() Fault { return holding(isSelect) }

// T0 is a card at a reader that speaks T=0: a command has data or an Le, not
// both, so what it answers to the former has to be fetched; of the latter's Le
// it wants the right one, or says it, 6Cxx; and APDUs of the extended form are
// not sent.
func T0() Fault {
	hasData := func(cmd iso7816.Command) bool { return len(cmd.Data) > 0 }
	hold, exact := holding(hasData), ExactLe()
	return func(next Transmit) Transmit {
		t0 := exact(hold(func(ctx context.Context, apdu []byte) ([]byte, error) {
			if cmd := parse(apdu); hasData(cmd) && cmd.Ne > 0 {
				apdu = apdu[:len(apdu)-1]
			}
			return next(ctx, apdu)
		}))
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if isExtended(parse(apdu)) {
				return nil, nfc.ErrNotSent
			}
			return t0(ctx, apdu)
		}
	}
}

// holding is a card that gives the response to some commands to GET RESPONSE alone.
func holding(which func(iso7816.Command) bool) Fault {
	return func(next Transmit) Transmit {
		var h *held
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			cmd := parse(apdu)
			if h != nil && isGetResponse(cmd) {
				out := h.give(cmd.Ne)
				if len(h.data) == 0 {
					h = nil
				}
				return out, nil
			}
			h = nil
			if !which(cmd) {
				return next(ctx, apdu)
			}
			r, err := whole(ctx, next, apdu)
			if err != nil {
				return nil, err
			}
			if len(r.data) == 0 {
				return r.give(0), nil
			}
			h = r
			return iso7816.BytesRemaining(len(h.data)).Append(nil), nil
		}
	}
}

// ExactLe is a card that answers 6Cxx to a command of the short form whose Le is
// more than what it has to say, and expects the command again.
func ExactLe() Fault {
	return func(next Transmit) Transmit {
		var h *held
		var asked []byte // what h is the response to, without Le
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			cmd := parse(apdu)
			if cmd.Ne == 0 || isExtended(cmd) {
				h = nil
				return next(ctx, apdu)
			}
			withoutLe := apdu[:len(apdu)-1]
			if h == nil || !bytes.Equal(withoutLe, asked) {
				b, err := next(ctx, apdu)
				if err != nil {
					return nil, err
				}
				r, err := iso7816.ParseResponse(b)
				if err != nil || len(r.Data) == 0 || len(r.Data) >= cmd.Ne {
					h = nil
					return b, err
				}
				h, asked = &held{bytes.Clone(r.Data), r.SW}, bytes.Clone(withoutLe)
			}
			if cmd.Ne != len(h.data) {
				return iso7816.WrongLe(len(h.data)).Append(nil), nil
			}
			out := h.give(cmd.Ne)
			h = nil
			return out, nil
		}
	}
}

// NeverFinishes is a card that answers every CTAP2 request, and every question
// how far it is, with 9100 and this status, for ever. It is deaf to cancelling.
func NeverFinishes(status byte) Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			cmd := parse(apdu)
			if cmd.CLA == 0x80 && (cmd.INS == nfc.INSMessage || cmd.INS == nfc.INSGetResponse) {
				if ctx.Err() != nil {
					return nil, nfc.ContextError(ctx)
				}
				return nfc.SWWorking.Append([]byte{status}), nil
			}
			return next(ctx, apdu)
		}
	}
}

// ChainsForever is a card that announces n more bytes after every response, 1 to
// 256, and always has them.
func ChainsForever(n int) Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			cmd := parse(apdu)
			if isGetResponse(cmd) {
				if ctx.Err() != nil {
					return nil, nfc.ContextError(ctx)
				}
				return iso7816.BytesRemaining(n).Append(make([]byte, min(n, cmd.Ne))), nil
			}
			response, err := next(ctx, apdu)
			if err != nil || isSelect(cmd) || len(response) < 3 {
				return response, err
			}
			return iso7816.BytesRemaining(n).Append(response[:len(response)-2]), nil
		}
	}
}

// LosesField takes the card away after the n-th command APDU that it gets, from 1,
// whose answer arrives if answered is true, and does so once. It is there again
// when it is reset.
func LosesField(n int, answered bool) Fault { return leaves(n, answered, nfc.ErrGone) }

// Vanishes is LosesField for good.
func Vanishes(n int, answered bool) Fault { return leaves(n, answered, ErrVanished) }

func leaves(n int, answered bool, how error) Fault {
	return func(next Transmit) Transmit {
		count := 0
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			count++
			if answered && count == n+1 {
				return nil, how
			}
			response, err := next(ctx, apdu)
			if err == nil && !answered && count == n {
				return nil, how
			}
			return response, err
		}
	}
}

// ForgetsAfter is a card that loses power for a moment before the n-th command APDU,
// from 1: the host is told, [nfc.ErrReset], and has to reset it.
func ForgetsAfter(n int) Fault {
	return func(next Transmit) Transmit {
		count := 0
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if count++; count == n {
				return nil, nfc.ErrReset
			}
			return next(ctx, apdu)
		}
	}
}

// Slow is a card that takes d for each answer, or a key that makes a long key pair.
func Slow(d time.Duration) Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if err := sleep(ctx, d); err != nil {
				return nil, err
			}
			return next(ctx, apdu)
		}
	}
}

// WithoutChaining is a card that answers 6884 to a command in segments.
func WithoutChaining() Fault {
	return answerIf(func(cmd iso7816.Command) bool { return cmd.CLA&iso7816.CLAChain != 0 && cmd.CLA != 0xff }, iso7816.SWChainingNotSupported)
}

// GetResponseClass is a card that takes GET RESPONSE with this class alone and
// answers 6E00 to others.
func GetResponseClass(cla byte) Fault {
	return answerIf(func(cmd iso7816.Command) bool { return isGetResponse(cmd) && cmd.CLA != cla }, iso7816.SWClassNotSupported)
}

// WithoutGetResponse is a card that does not know NFCCTAP_GETRESPONSE, and answers
// 6A86 to a request that tells it.
func WithoutGetResponse() Fault {
	return answerIf(func(cmd iso7816.Command) bool {
		return cmd.CLA&^iso7816.CLAChain == 0x80 && cmd.INS == nfc.INSMessage && cmd.P1 != 0
	}, iso7816.SWIncorrectP1P2)
}

// AIDPrefix is a card that selects the FIDO application by an identifier that
// only begins with its own.
func AIDPrefix() Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if cmd := parse(apdu); isSelect(cmd) && bytes.HasPrefix(cmd.Data, []byte(nfc.AID)) {
				cmd.Data = cmd.Data[:len(nfc.AID)]
				apdu, _ = cmd.Append(nil)
			}
			return next(ctx, apdu)
		}
	}
}

// SelectAnswer is a card that says this to SELECT, whatever it is.
func SelectAnswer(version string) Fault {
	return func(next Transmit) Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			response, err := next(ctx, apdu)
			if cmd := parse(apdu); err == nil && isSelect(cmd) && bytes.HasSuffix(response, []byte{0x90, 0}) {
				response = iso7816.SWNoError.Append([]byte(version))
			}
			return response, err
		}
	}
}
