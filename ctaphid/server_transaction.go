package ctaphid

import (
	"context"
	"errors"
	"time"
)

// A transaction is a request for the Handler, from its last packet to the last
// packet of the reply. It is the link's current one until the reply is about
// to end or the host aborts it. server.mu guards the fields from replying on.
type transaction struct {
	Message
	session uint64
	ctx     context.Context
	end     context.CancelFunc

	replying   bool // the Handler has answered
	keepalives keepalives
}

// replyCapacity is the room, in bytes, that the Handler gets for a reply: more
// than most replies need. Longer ones are allocated each time.
const replyCapacity = 2048

// start hands a request to the Handler. server.mu is held.
func (l *link) start(m Message) {
	session, _ := l.server.channels.use(m.CID)
	t := &transaction{Message: m, session: session}
	t.ctx, t.end = context.WithCancel(l.ctx)
	l.current = t
	if m.Command == CommandCBOR {
		t.keepalives.status = StatusProcessing
		l.wait(t, time.Now().Add(l.server.config.Keepalive))
	}
	// After an abort the Handler may be busy with what nobody waits for any
	// more; then its goroutine goes on with this request afterwards.
	if !l.handling {
		l.handling = true
		l.running.Go(l.handle)
	}
}

// cancel ends the context of the channel's CBOR request. The Handler answers.
// server.mu is held.
func (l *link) cancel(p Packet) {
	if t := l.current; t != nil && p.Length == 0 && t.CID == p.CID && t.Command == CommandCBOR {
		t.end()
	}
}

// abort drops what is being received or worked on. server.mu is held.
func (l *link) abort() {
	l.drop()
	if t := l.current; t != nil {
		l.current = nil
		t.end()
		l.ticker.Stop()
		// The Handler may still read the request; the next needs other memory.
		l.assembler.Reset(nil)
	}
}

// handle has the Handler answer requests until none is left.
func (l *link) handle() {
	for {
		l.server.mu.Lock()
		t := l.current // never the one before: reply has seen to that
		l.handling = t != nil
		l.server.mu.Unlock()
		if t == nil {
			return
		}

		if l.dst == nil {
			l.dst = make([]byte, 0, replyCapacity)
		}
		l.fail(ignoreLate(l.reply(t, l.answer(t))))
		t.end()
	}
}

// answer has the request answered.
func (l *link) answer(t *transaction) Message {
	h := l.server.handler
	m := Message{CID: t.CID, Command: t.Command}
	var err error
	least := 1
	switch t.Command {
	case CommandCBOR:
		m.Data = h.CBOR(t.ctx, t.session, l.dst, t.Data, func(status byte) { l.waiting(t, status) })
	case CommandMSG:
		m.Data = h.MSG(t.ctx, t.session, l.dst, t.Data)
	case CommandWink:
		l.wink()
		least = 0
	default:
		m.Data, err = l.server.config.Vendor(t.ctx, t.session, t.Command, l.dst, t.Data)
		least = 0
	}
	if err == nil && (len(m.Data) < least || len(m.Data) > MaxMessage(l.outSize)) {
		err = ErrOther
	}
	if err != nil {
		code, ok := errors.AsType[ErrorCode](err)
		if !ok {
			code = ErrOther
		}
		m.Command, m.Data = CommandError, append(l.dst, byte(code))
	}
	return m
}

// wink calls ServerConfig.Wink and waits for it, unless the device is gone: Wink
// may be waiting for that itself.
func (l *link) wink() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.server.config.Wink()
	}()
	select {
	case <-done:
	case <-l.over:
	}
}

// reply sends the reply and what is left of the keepalives, unless the request
// has been aborted; then it stops, at the latest after the packet that is on
// its way.
func (l *link) reply(t *transaction, m Message) error {
	l.writing <- struct{}{}
	defer func() { <-l.writing }()
	if !l.finish(t) {
		return nil
	}
	defer l.goesOn(t, true)
	for _, status := range t.keepalives.unsent() {
		if !l.goesOn(t, false) {
			return nil
		}
		if err := l.writeKeepalive(t.CID, status); err != nil {
			return err
		}
	}
	packets, err := PacketCount(l.outSize, len(m.Data))
	if err != nil {
		return err
	}
	for i := range packets {
		report := AppendPacket(l.out[:0], l.outSize, m, i)
		// The host may send the next request as soon as it has the last
		// packet, so the device is free before that is sent. What is answered
		// to the next waits for it: this goroutine has the turn to write.
		if !l.goesOn(t, i == packets-1) {
			return nil
		}
		if err := l.dev.WriteReport(report); err != nil {
			return err
		}
	}
	return nil
}

// finish notes that the Handler has answered and ends the keepalives. It
// reports whether the request has not been aborted.
func (l *link) finish(t *transaction) bool {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if l.current != t {
		return false
	}
	t.replying = true
	l.ticker.Stop()
	return true
}

// goesOn reports whether the request has not been aborted; if this is the last
// time, the device is then free.
func (l *link) goesOn(t *transaction, last bool) bool {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if l.current != t {
		return false
	}
	if last {
		l.current = nil
	}
	return true
}

// wait makes tick run at due for the keepalives of t. server.mu is held.
func (l *link) wait(t *transaction, due time.Time) {
	t.keepalives.due = due
	l.ticker.Reset(max(0, time.Until(due)))
}
