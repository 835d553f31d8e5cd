package ctaphid

import "time"

// keepalives are those of one CBOR request. server.mu guards them until the
// Handler has answered.
type keepalives struct {
	status  byte      // the last that the Handler reported
	due     time.Time // when the next has to be sent
	sending bool      // a goroutine is in tick

	// queue has the first n changes of status that have not been sent yet.
	// Of more than it holds, the last ones are left out but for the last.
	queue [8]byte
	n     int
}

// report notes a status and says whether it is a change.
func (k *keepalives) report(status byte) bool {
	if status == k.status {
		return false
	}
	k.status = status
	k.n = min(k.n+1, len(k.queue))
	k.queue[k.n-1] = status
	return true
}

// unsent returns the changes of status that have not been sent.
func (k *keepalives) unsent() []byte { return k.queue[:k.n] }

// next takes a status from the queue.
func (k *keepalives) next() (status byte, ok bool) {
	if k.n == 0 {
		return 0, false
	}
	status = k.queue[0]
	k.n = copy(k.queue[:], k.queue[1:k.n])
	return status, true
}

// waiting is what the Handler calls at each change. It does not wait for the
// host, because the Handler may hold locks of its own.
func (l *link) waiting(t *transaction, status byte) {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if l.current == t && !t.replying && t.keepalives.report(status) && !t.keepalives.sending {
		l.wait(t, time.Now())
	}
}

// tick sends the keepalives that are due. The ticker runs it in a goroutine of
// its own.
func (l *link) tick() {
	l.server.mu.Lock()
	t := l.current
	if t == nil || t.Command != CommandCBOR || t.replying || t.keepalives.sending {
		l.server.mu.Unlock()
		return
	}
	if left := time.Until(t.keepalives.due); left > 0 { // it ran for a request before
		l.ticker.Reset(left)
		l.server.mu.Unlock()
		return
	}
	t.keepalives.sending = true
	l.running.Add(1)
	defer l.running.Done()
	l.server.mu.Unlock()

	l.fail(l.sendKeepalives(t))
}

// sendKeepalives sends the changes of status, or the last status again if there
// are none, and has tick run again in time.
func (l *link) sendKeepalives(t *transaction) error {
	l.writing <- struct{}{}
	defer func() { <-l.writing }()
	for sent := false; ; sent = true {
		status, ok := l.nextKeepalive(t, sent)
		if !ok {
			return nil
		}
		if err := ignoreLate(l.writeKeepalive(t.CID, status)); err != nil {
			return err
		}
	}
}

// nextKeepalive returns the status to send. If nothing is left to send it ends
// the sending.
func (l *link) nextKeepalive(t *transaction, sent bool) (status byte, ok bool) {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	k := &t.keepalives
	if l.current != t {
		return 0, false
	}
	if status, ok = k.next(); ok {
		return status, true
	}
	if !sent {
		return k.status, true
	}
	k.sending = false
	// Counted from when this one was due: the time between two is not to grow
	// by what the timer and the carrier take. One that was held up for longer
	// makes none that follow at once.
	due, now := k.due.Add(l.server.config.Keepalive), time.Now()
	if due.Before(now) {
		due = now.Add(l.server.config.Keepalive)
	}
	l.wait(t, due)
	return 0, false
}

// writeKeepalive sends a KEEPALIVE (CTAP 2.3 section 11.2.9.1.7). The caller has
// the turn to write.
func (l *link) writeKeepalive(cid CID, status byte) error {
	data := [1]byte{status}
	m := Message{CID: cid, Command: CommandKeepalive, Data: data[:]}
	return l.dev.WriteReport(AppendPacket(l.out[:0], l.outSize, m, 0))
}
