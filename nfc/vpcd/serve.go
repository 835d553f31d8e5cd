package vpcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/gofido/fido/nfc"
)

// Serve lends a to the reader at the other end of conn until ctx ends or the
// reader hangs up, which is no error, and closes conn. To take the card out of
// the reader, end ctx; to put it in again, connect again.
func Serve(ctx context.Context, conn net.Conn, a *nfc.Applet) error {
	// The loss of power interrupts what the card does, so it must not wait behind
	// it. When Serve returns nobody is left who would take the power from the card
	// in its next reader.
	messages, hungUp := make(chan []byte, 16), make(chan error, 1)
	stop := make(chan struct{})
	var reading sync.WaitGroup
	defer reading.Wait()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer a.PowerOff()
	defer close(stop)
	reading.Go(func() {
		in := &link{conn: conn}
		for {
			m, err := in.receive(nil)
			if err != nil {
				a.PowerOff() // whatever it waits for
				hungUp <- err
				return
			}
			if len(m) == 1 && (m[0] == powerOff || m[0] == reset) {
				a.PowerOff()
			}
			select {
			case messages <- m:
			case <-stop:
				return
			}
		}
	})
	out := &link{conn: conn}
	var err error
	for err == nil {
		select {
		case m := <-messages:
			err = answer(ctx, out, a, m)
		case err = <-hungUp:
		}
	}
	switch {
	case ctx.Err() != nil:
		return nfc.ContextError(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return nil
	}
	return fmt.Errorf("vpcd: %w", err)
}

// answer does what one message of the reader's says.
func answer(ctx context.Context, out *link, a *nfc.Applet, message []byte) error {
	if len(message) != 1 {
		response := a.Transmit(ctx, nil, message)
		if ctx.Err() != nil {
			return nfc.ContextError(ctx) // the card is out of the reader
		}
		return out.send(response)
	}
	switch message[0] {
	case powerOff:
		a.PowerOff()
	case powerOn:
		a.PowerOn()
	case reset:
		a.Reset()
	case getATR:
		return out.send(a.ATR())
	}
	return nil
}

// Connect is Serve with the reader that waits for a card at addr, HOST:PORT. An
// empty addr, or an empty part of it, means this machine and [DefaultPort].
func Connect(ctx context.Context, addr string, a *nfc.Applet) error {
	addr, err := complete(addr)
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("vpcd: no virtual reader waits for a card at %s: %w", addr, err)
	}
	return Serve(ctx, conn, a)
}

// complete fills in what an address leaves out.
func complete(addr string) (string, error) {
	host, port := addr, ""
	if addr != "" {
		var err error
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return "", fmt.Errorf("vpcd: %w", err)
		}
	}
	return net.JoinHostPort(cmp.Or(host, "127.0.0.1"), cmp.Or(port, DefaultPort)), nil
}
