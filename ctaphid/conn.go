package ctaphid

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// A Conn is the host's end: one channel on one device. Its methods may be
// called from any number of goroutines; each call takes its turn, and one that
// waits for its turn leaves when its context ends.
//
// No call blocks after its context has ended by more than [Config.Grace], plus
// the time that the operating system takes for the packets that tell the device.
//
// CTAPHID numbers neither requests nor replies: the first whole reply to a
// command on the Conn's channel counts as that to the request. Therefore each
// call first drops what has arrived before, if the [Device] has BeginCall, and
// one that follows a call that ended early resynchronises the channel with
// INIT, whose nonce tells old from new, before it sends its own request. What
// is left is a device that answers one request twice, the second time only
// after the next call has begun: its late reply passes for that of the next.
//
// All errors are *[OpError]. After the device is gone, or refuses to be read
// or written, every call fails with the error that was first met.
type Conn struct {
	dev     Device
	begin   func(context.Context) error // dev's BeginCall, nil if it has none
	end     func()                      // dev's EndCall, nil if it has none
	cfg     Config
	inSize  int
	outSize int
	wake    func() // ends a pending read; one value for all calls

	info    atomic.Pointer[InitInfo]
	turn    chan struct{} // holds one element while a call is under way
	closed  atomic.Bool
	closing chan struct{} // closed together with closed being set

	beginning atomic.Bool // whoever has the turn is in begin

	// What follows belongs to whoever has the turn.

	cid   CID
	dirty bool  // a reply may still be due, or the device is in the middle of something
	dead  error // why the device can no longer be used
	asm   Assembler
	in    [MaxReportSize]byte
	out   [MaxReportSize]byte
}

// longAgo as a deadline ends a read at once.
var longAgo = time.Unix(1, 0)

// Open allocates a channel on dev with INIT (CTAP 2.3 section 11.2.9.1.3) and
// returns a Conn that owns dev. If that fails, dev is closed. Replies that are
// meant for other programs, and whatever was queued before, are skipped. A
// device that says CHANNEL_BUSY is asked again until ctx or [Config.Overall]
// ends.
//
// The error is an *[OpError] or, for a device with impossible report sizes,
// wraps [ErrReportSize].
func Open(ctx context.Context, dev Device, c *Config) (*Conn, error) {
	in, out := dev.ReportSizes()
	conn := &Conn{
		dev:     dev,
		cfg:     c.withDefaults(),
		inSize:  in,
		outSize: out,
		wake:    func() { dev.SetReadDeadline(longAgo) },
		turn:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		cid:     BroadcastCID,
	}
	if d, ok := dev.(interface{ BeginCall(context.Context) error }); ok {
		conn.begin = d.BeginCall
	}
	if d, ok := dev.(interface{ EndCall() }); ok {
		conn.end = d.EndCall
	}
	conn.info.Store(new(InitInfo))
	var err error
	if MaxMessage(in) == 0 || MaxMessage(out) == 0 {
		err = &OpError{Op: CommandInit.String(), CID: BroadcastCID, Err: ErrReportSize}
	} else {
		err = conn.inTurn(ctx, CommandInit, func(x *call) error { return conn.initialize(x, BroadcastCID) })
	}
	if err != nil {
		dev.Close()
		return nil, err
	}
	return conn, nil
}

// Info returns what the device answered to the last INIT: the channel, the
// versions and the capabilities.
func (c *Conn) Info() InitInfo { return *c.info.Load() }

// Resync sends INIT on the Conn's own channel, which aborts whatever the
// device does for it. If the device has forgotten the channel, a new one is
// allocated. There is no need to call it after an error: requests do so on
// their own.
func (c *Conn) Resync(ctx context.Context) error {
	return c.inTurn(ctx, CommandInit, func(x *call) error { return c.initialize(x, c.cid) })
}

// Close closes the device. A call that is under way, or waits for its turn,
// fails with os.ErrClosed; a CBOR request that the device is working on is
// cancelled first, so that it does not wait for a touch for ever. Close waits
// for that no longer than [Config.Grace]. Calls of Close after the first return
// nil at once.
func (c *Conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	close(c.closing)
	if c.beginning.Load() { // it may wait for long, and has sent nothing that had to be cancelled
		return c.dev.Close()
	}
	c.wake()
	// Whoever has the turn is not waited for longer than it may take, because
	// it may hang in a write that only the device's Close ends.
	patience := time.NewTimer(c.cfg.Grace)
	defer patience.Stop()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-patience.C:
	}
	return c.dev.Close()
}

// acquire waits for the turn. On success, release must follow.
func (c *Conn) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return ContextError(ctx)
	}
	select {
	case c.turn <- struct{}{}:
	default:
		select {
		case c.turn <- struct{}{}:
		case <-ctx.Done():
			return ContextError(ctx)
		case <-c.closing:
			return os.ErrClosed
		}
	}
	if err := c.beginCall(ctx); err != nil {
		<-c.turn
		return err
	}
	return nil
}

// beginCall makes sure that there is a call to be made and tells the Device.
func (c *Conn) beginCall(ctx context.Context) error {
	switch {
	case c.closed.Load():
		return os.ErrClosed
	case ctx.Err() != nil:
		return ContextError(ctx)
	case c.dead != nil:
		return c.dead
	case c.begin == nil:
		return nil
	}
	// Each step before the look at closed; Close does it the other way round.
	c.beginning.Store(true)
	defer c.beginning.Store(false)
	if c.closed.Load() {
		return os.ErrClosed
	}
	err := c.begin(ctx)
	c.beginning.Store(false)
	if !c.closed.Load() {
		return err
	}
	if err == nil && c.end != nil {
		c.end()
	}
	return os.ErrClosed
}

// release ends a call that acquire has begun.
func (c *Conn) release() {
	c.asm.Reset(nil) // the memory belongs to the caller again
	if c.end != nil {
		c.end()
	}
	<-c.turn
}

// die marks the device as unusable because of err and returns what the call
// fails with.
func (c *Conn) die(err error) error {
	if c.closed.Load() {
		return os.ErrClosed
	}
	if c.dead == nil {
		c.dead = err
	}
	return err
}

// A call is the state of one call that has the turn.
type call struct {
	ctx     context.Context
	op      Command
	waiting func(status byte)

	status  int       // the last keepalive status, -1 for none
	limit   time.Time // when the call ends; zero if the context has a deadline
	due     time.Time // the read deadline
	ended   error     // why nobody waits for the reply any more
	told    bool      // the device was sent CANCEL
	partial bool      // a packet of the reply has come since the deadline was set
}

// inTurn runs f with the turn, woken when ctx ends, and makes an OpError of
// its error.
func (c *Conn) inTurn(ctx context.Context, op Command, f func(*call) error) error {
	err := c.acquire(ctx)
	if err == nil {
		defer c.release()
		if ctx.Done() != nil {
			defer context.AfterFunc(ctx, c.wake)()
		}
		err = f(&call{ctx: ctx, op: op, status: -1})
	}
	if err != nil {
		return c.opError(op, err)
	}
	return nil
}

func (c *Conn) opError(op Command, err error) error {
	cid := c.Info().CID
	if cid == ReservedCID {
		cid = BroadcastCID // the first INIT
	}
	return &OpError{Op: op.String(), CID: cid, Err: err}
}

// Why a read ended without a report.
var (
	errEnded   = errors.New("ctaphid: the context ended")   // call.ended says why
	errExpired = errors.New("ctaphid: the deadline passed") // call.due has passed
)

// arm sets the read deadline to d from now, or to the call's limit.
func (c *Conn) arm(x *call, d time.Duration) error {
	now := time.Now()
	if _, own := x.ctx.Deadline(); !own && x.limit.IsZero() {
		x.limit = now.Add(c.cfg.Overall)
	}
	x.due = now.Add(d)
	if x.ended == nil && !x.limit.IsZero() && x.limit.Before(x.due) {
		x.due = x.limit
	}
	return c.setDeadline(x)
}

// setDeadline makes reads end at x.due. It may have overwritten the deadline
// with which the end of the context, or Close, wanted to end them at once;
// hence the look at both afterwards. If they come later, so does their wake.
func (c *Conn) setDeadline(x *call) error {
	if err := c.dev.SetReadDeadline(x.due); err != nil {
		return c.die(err)
	}
	if c.closed.Load() || x.ended == nil && x.ctx.Err() != nil {
		c.wake()
	}
	return nil
}

// read returns the next report, of whatever channel and length. The error is
// errEnded, errExpired, os.ErrClosed or one that ends the connection.
func (c *Conn) read(x *call) ([]byte, error) {
	for {
		n, err := c.dev.ReadReport(c.in[:])
		if err == nil {
			report := c.in[:min(max(n, 0), len(c.in))]
			if c.cfg.Trace != nil {
				c.cfg.Trace(TraceEvent{Report: report})
			}
			return report, nil
		}
		switch {
		case c.closed.Load():
			return nil, os.ErrClosed
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, c.die(err)
		case x.ended == nil && x.ctx.Err() != nil:
			x.ended = ContextError(x.ctx)
			return nil, errEnded
		case !time.Now().Before(x.due):
			return nil, errExpired
		}
		// A wake of this call that came late, or one of the call before.
		if err := c.setDeadline(x); err != nil {
			return nil, err
		}
	}
}

// write sends packet i of m.
func (c *Conn) write(m Message, i int) error {
	report := AppendPacket(c.out[:0], c.outSize, m, i)
	if c.cfg.Trace != nil {
		c.cfg.Trace(TraceEvent{Sent: true, Report: report})
	}
	if err := c.dev.WriteReport(report); err != nil {
		return c.die(err)
	}
	return nil
}
