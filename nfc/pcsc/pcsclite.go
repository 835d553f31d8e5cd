//go:build (linux || freebsd) && !(scard && cgo)

package pcsc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/gofido/fido/nfc"
)

// The messages of pcscd's protocol, of which this file speaks the versions 4.2 to
// 4.5. A request is a header and a structure, in the machine's byte order; the
// answer is the structure with the results filled in.
const (
	cmdEstablishContext = 0x01
	cmdConnect          = 0x04
	cmdReconnect        = 0x05
	cmdDisconnect       = 0x06
	cmdBegin            = 0x07
	cmdEnd              = 0x08
	cmdTransmit         = 0x09
	cmdControl          = 0x0a
	cmdGetAttribute     = 0x0f
	cmdVersion          = 0x11
	cmdReadersState     = 0x12
	cmdWaitChange       = 0x13
)

const (
	protocolMajor    = 4
	protocolMinor    = 4 // spoken first
	protocolMinorMin = 2
	protocolMinorMax = 5

	maxReaders      = 16
	readerNameSize  = 128
	maxATRSize      = 33
	readerStateSize = readerNameSize + 4 + 4 + 4 + maxATRSize + 3 + 4 + 4

	// maxAnswer is the most bytes that a card answers: data and a status word.
	maxAnswer = 1<<16 + 2
	maxSend   = 4 + 3 + 1<<16 + 3

	scopeSystem    = 2
	shareExclusive = 1
	shareShared    = 2
	protocolT0     = 1
	protocolT1     = 2
	leaveCard      = 0
	resetCard      = 1

	statePresent = 0x0004
	sharedAlone  = 0xffffffff // a reader's sharing: one program has it for itself

	// ioRequestSize is the size that C programs on 64-bit machines state for the
	// structure that names the protocol.
	ioRequestSize = 16
)

// socketPath is where pcscd listens. Programs in containers are given another by
// the variable.
func socketPath() string {
	if path := os.Getenv("PCSCLITE_CSOCK_NAME"); path != "" {
		return path
	}
	return defaultSocket
}

// daemon is a connection to pcscd, which serves one request at a time on it.
type daemon struct {
	conn   net.Conn
	turn   chan struct{} // holds one element while a request is under way
	stale  bool          // an answer was not read to its end, or not understood: no other can be
	minor  int32
	handle uint32 // the context
	out    []byte
	in     []byte
}

// connect connects to pcscd. The daemon says which version it speaks if it does
// not speak ours.
func connect(ctx context.Context) (service, error) {
	d, err := dial(ctx, protocolMinor)
	if wrong, ok := errors.AsType[*versionError](err); ok &&
		wrong.major == protocolMajor && wrong.minor >= protocolMinorMin && wrong.minor <= protocolMinorMax {
		d, err = dial(ctx, wrong.minor)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// versionError is pcscd's refusal of a version.
type versionError struct{ major, minor int32 }

func (e *versionError) Error() string {
	return fmt.Sprintf("the smart-card service speaks version %d.%d of its protocol, which is not known here", e.major, e.minor)
}

func dial(ctx context.Context, minor int32) (*daemon, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socketPath())
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: %w", NoService, err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%w: %w", SecurityViolation, err)
	case err != nil:
		return nil, err
	}
	d := &daemon{conn: conn, turn: make(chan struct{}, 1), minor: minor}
	if err := d.establish(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return d, nil
}

func (d *daemon) establish(ctx context.Context) error {
	a, err := d.ask(ctx, cmdVersion, 3, protocolMajor, uint32(d.minor), 0)
	if err != nil {
		return err
	}
	if got := (versionError{int32(a[0]), int32(a[1])}); a[2] != 0 || got.major != protocolMajor {
		return &got
	}
	if a, err = d.ask(ctx, cmdEstablishContext, 3, scopeSystem, 0, 0); err != nil {
		return err
	}
	d.handle = a[1]
	return code(a[2])
}

// code returns the error that a result stands for.
func code(rv uint32) error {
	if rv == 0 {
		return nil
	}
	return Code(rv)
}

// ask sends a request whose structure is numbers alone, and returns those of the
// answer.
func (d *daemon) ask(ctx context.Context, command uint32, results int, numbers ...uint32) ([]uint32, error) {
	d.begin(command, 4*len(numbers))
	for _, n := range numbers {
		d.out = binary.NativeEndian.AppendUint32(d.out, n)
	}
	if err := d.exchange(ctx, 4*results); err != nil {
		return nil, err
	}
	return d.numbers(0, results), nil
}

// begin begins a request whose structure has size bytes.
func (d *daemon) begin(command uint32, size int) {
	d.out = binary.NativeEndian.AppendUint32(d.out[:0], uint32(size))
	d.out = binary.NativeEndian.AppendUint32(d.out, command)
}

// numbers returns n numbers of the answer, from the byte at on.
func (d *daemon) numbers(at, n int) []uint32 {
	all := make([]uint32, n)
	for i := range all {
		all[i] = binary.NativeEndian.Uint32(d.in[at+4*i:])
	}
	return all
}

// exchange sends the request that has been put together, and reads an answer of
// size bytes into d.in.
func (d *daemon) exchange(ctx context.Context, size int) error {
	defer d.use(ctx)()
	if err := d.send(ctx); err != nil {
		return err
	}
	return d.read(ctx, 0, size)
}

// send sends the request that has been put together, unless what comes next from
// pcscd could be the rest of an answer to another: a connection of which that is
// so has to be made again, as by Card.Reset.
func (d *daemon) send(ctx context.Context) error {
	if d.stale {
		return nfc.ErrReset
	}
	if _, err := d.conn.Write(d.out); err != nil {
		return d.failed(ctx, err)
	}
	return nil
}

// read makes d.in hold size bytes more after the first have.
func (d *daemon) read(ctx context.Context, have, size int) error {
	d.in = slices.Grow(d.in[:have], size)[:have+size]
	if _, err := io.ReadFull(d.conn, d.in[have:]); err != nil {
		return d.failed(ctx, err)
	}
	return nil
}

// use marks that a request is under way, and has the socket fail when ctx ends.
// The function that it returns ends both.
func (d *daemon) use(ctx context.Context) func() {
	d.turn <- struct{}{}
	release := func() { <-d.turn }
	if ctx.Done() == nil {
		return release
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		d.conn.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	return func() {
		if !stop() {
			<-done // so that the deadline does not come late
			d.conn.SetDeadline(time.Time{})
		}
		release()
	}
}

func (d *daemon) failed(ctx context.Context, err error) error {
	d.stale = true
	switch {
	case ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded):
		return nfc.ContextError(ctx)
	case errors.Is(err, net.ErrClosed):
		return os.ErrClosed
	}
	return fmt.Errorf("%w: %w", ServiceStopped, err)
}

// broke returns the error of an answer that pcscd must not give. How much of it is
// still to come can't be known.
func (d *daemon) broke(format string, a ...any) error {
	d.stale = true
	return &ProtocolError{fmt.Sprintf(format, a...)}
}

func (d *daemon) close() error { return d.conn.Close() }

func (d *daemon) readers(ctx context.Context) ([]Reader, error) {
	if d.stale {
		if err := d.renew(ctx); err != nil {
			return nil, err
		}
	}
	d.begin(cmdReadersState, 0)
	if err := d.exchange(ctx, maxReaders*readerStateSize); err != nil {
		return nil, err
	}
	return parseReaders(d.in), nil
}

// parseReaders decodes the states of all places for readers that pcscd has.
func parseReaders(b []byte) (all []Reader) {
	for ; len(b) >= readerStateSize; b = b[readerStateSize:] {
		name, _, _ := bytes.Cut(b[:readerNameSize], []byte{0})
		if len(name) == 0 {
			continue
		}
		rest := b[readerNameSize:]
		r := Reader{
			Name:      string(name),
			events:    binary.NativeEndian.Uint32(rest),
			Card:      binary.NativeEndian.Uint32(rest[4:])&statePresent != 0,
			Exclusive: binary.NativeEndian.Uint32(rest[8:]) == sharedAlone,
		}
		size := binary.NativeEndian.Uint32(rest[12+maxATRSize+3:])
		if r.Card && size > 0 && size <= maxATRSize {
			r.ATR = bytes.Clone(rest[12 : 12+size])
		}
		all = append(all, r)
	}
	return all
}

// wait waits for pcscd to say that something has happened. Up to version 4.3
// something may have happened before it was asked; from 4.4 on it answers with the
// states first, so that nothing is missed.
func (d *daemon) wait(ctx context.Context, known []Reader) error {
	if d.stale { // an earlier wait ended with its context
		return d.renew(ctx)
	}
	changed, err := d.waitUnless(ctx, known)
	if err != nil || !changed {
		return err
	}
	return d.renew(ctx)
}

// renew connects again. pcscd can be told to stop waiting, but when it reports an
// event at the same time it answers twice. A new connection has nothing pending.
func (d *daemon) renew(ctx context.Context) error {
	fresh, err := dial(ctx, d.minor)
	if err != nil {
		return err
	}
	d.conn.Close()
	d.conn, d.handle, d.stale = fresh.conn, fresh.handle, false
	return nil
}

// waitUnless waits unless something has happened already.
func (d *daemon) waitUnless(ctx context.Context, known []Reader) (happened bool, err error) {
	defer d.use(ctx)()
	const answer = 8 // a time-out, which nobody needs, and a result
	if d.minor >= 4 {
		d.begin(cmdWaitChange, 0)
	} else {
		d.begin(cmdWaitChange, answer)
		d.out = append(d.out, make([]byte, answer)...)
	}
	if err := d.send(ctx); err != nil {
		return false, err
	}
	if d.minor >= 4 {
		if err := d.read(ctx, 0, maxReaders*readerStateSize); err != nil {
			return false, err
		}
		same := slices.EqualFunc(parseReaders(d.in), known, func(a, b Reader) bool {
			return a.Name == b.Name && a.events == b.events && a.Card == b.Card
		})
		if !same {
			return true, nil
		}
	}
	return false, d.read(ctx, 0, answer)
}

func (d *daemon) open(ctx context.Context, reader string, exclusive bool) (handle, error) {
	if len(reader) >= readerNameSize {
		return nil, UnknownReader
	}
	mode := uint32(shareShared)
	if exclusive {
		mode = shareExclusive
	}
	const size = 4 + readerNameSize + 5*4
	d.begin(cmdConnect, size)
	d.out = binary.NativeEndian.AppendUint32(d.out, d.handle)
	d.out = append(d.out, reader...)
	d.out = append(d.out, make([]byte, readerNameSize-len(reader))...)
	for _, n := range []uint32{mode, protocolT0 | protocolT1, 0, 0, 0} {
		d.out = binary.NativeEndian.AppendUint32(d.out, n)
	}
	if err := d.exchange(ctx, size); err != nil {
		return nil, err
	}
	a := d.numbers(4+readerNameSize+8, 3)
	if err := code(a[2]); err != nil {
		return nil, err
	}
	return &daemonCard{d, a[0], a[1], mode, reader}, nil
}

// daemonCard is a connection to a card.
type daemonCard struct {
	*daemon
	card     uint32
	protocol uint32
	mode     uint32
	reader   string
}

func (c *daemonCard) t0() bool { return c.protocol == protocolT0 }

func (c *daemonCard) transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if len(apdu) > maxSend {
		return nil, nfc.ErrNotSent
	}
	const size = 8 * 4
	c.daemon.begin(cmdTransmit, size)
	for _, n := range [...]uint32{c.card, c.protocol, ioRequestSize, uint32(len(apdu)), c.protocol, ioRequestSize, maxAnswer, 0} {
		c.out = binary.NativeEndian.AppendUint32(c.out, n)
	}
	c.out = append(c.out, apdu...)
	defer clear(c.out)
	defer c.use(ctx)()
	if err := c.send(ctx); err != nil {
		return nil, err
	}
	if err := c.read(ctx, 0, size); err != nil {
		return nil, err
	}
	n, rv := binary.NativeEndian.Uint32(c.in[24:]), binary.NativeEndian.Uint32(c.in[28:])
	if err := code(rv); err != nil {
		return nil, err
	}
	if n > maxAnswer {
		return nil, c.broke("an answer of %d bytes", n)
	}
	start := len(dst)
	dst = append(dst, make([]byte, n)...)
	if _, err := io.ReadFull(c.conn, dst[start:]); err != nil {
		return nil, c.failed(ctx, err)
	}
	return dst, nil
}

func (c *daemonCard) begin(ctx context.Context) error {
	return whenFree(ctx, func() error {
		a, err := c.ask(ctx, cmdBegin, 2, c.card, 0)
		if err != nil {
			return err
		}
		return code(a[1])
	})
}

func (c *daemonCard) end(ctx context.Context) error {
	a, err := c.ask(ctx, cmdEnd, 3, c.card, leaveCard, 0)
	if err != nil {
		return err
	}
	return code(a[2])
}

func (c *daemonCard) reconnect(ctx context.Context, reset bool) error {
	how := uint32(leaveCard)
	if reset {
		how = resetCard
	}
	return whenFree(ctx, func() error {
		a, err := c.ask(ctx, cmdReconnect, 6, c.card, c.mode, protocolT0|protocolT1, how, 0, 0)
		if err != nil {
			return err
		}
		if err := code(a[5]); err != nil {
			return err
		}
		c.protocol = a[4]
		return nil
	})
}

func (c *daemonCard) control(ctx context.Context, function uint32, in []byte) ([]byte, error) {
	const size = 6 * 4
	const most = 264
	c.daemon.begin(cmdControl, size)
	for _, n := range [...]uint32{c.card, function, uint32(len(in)), most, 0, 0} {
		c.out = binary.NativeEndian.AppendUint32(c.out, n)
	}
	c.out = append(c.out, in...)
	defer c.use(ctx)()
	if err := c.send(ctx); err != nil {
		return nil, err
	}
	if err := c.read(ctx, 0, size); err != nil {
		return nil, err
	}
	a := c.numbers(16, 2)
	if err := code(a[1]); err != nil {
		return nil, err
	}
	if a[0] > most {
		return nil, c.broke("an answer of %d bytes", a[0])
	}
	if err := c.read(ctx, size, int(a[0])); err != nil {
		return nil, err
	}
	return bytes.Clone(c.in[size:]), nil
}

func (c *daemonCard) attribute(ctx context.Context, id uint32) ([]byte, error) {
	const most = 264
	const size = 4 + 4 + most + 4 + 4
	c.daemon.begin(cmdGetAttribute, size)
	c.out = binary.NativeEndian.AppendUint32(c.out, c.card)
	c.out = binary.NativeEndian.AppendUint32(c.out, id)
	c.out = append(c.out, make([]byte, most)...)
	c.out = binary.NativeEndian.AppendUint32(c.out, most)
	c.out = binary.NativeEndian.AppendUint32(c.out, 0)
	if err := c.exchange(ctx, size); err != nil {
		return nil, err
	}
	a := c.numbers(8+most, 2)
	if err := code(a[1]); err != nil {
		return nil, err
	}
	if a[0] > most {
		return nil, c.broke("an attribute of %d bytes", a[0])
	}
	return bytes.Clone(c.in[8 : 8+a[0]]), nil
}

func (c *daemonCard) atr(ctx context.Context) ([]byte, error) {
	all, err := c.readers(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Name == c.reader {
			return r.ATR, nil
		}
	}
	return nil, ReaderUnavailable
}

// close leaves the card as it is, which pcscd would reset otherwise, unless a
// request is under way, or was left: that ends with the socket. It has memory of
// its own, since another goroutine may be putting a request together.
func (c *daemonCard) close() error {
	select {
	case c.turn <- struct{}{}:
		if !c.stale {
			c.conn.SetDeadline(time.Now().Add(time.Second))
			var b []byte
			for _, n := range [...]uint32{12, cmdDisconnect, c.card, leaveCard, 0} {
				b = binary.NativeEndian.AppendUint32(b, n)
			}
			if _, err := c.conn.Write(b); err == nil {
				io.ReadFull(c.conn, b[:12]) // if it fails there is nothing to be left
			}
		}
		err := c.daemon.close()
		<-c.turn
		return err
	default:
		return c.daemon.close()
	}
}
