package ctaphid

import "time"

// packet decides what to do with a report (CTAP 2.3 section 11.2.5) and returns
// the reader's reply to it, if there is one. server.mu is held, here and in all
// methods of this file.
func (l *link) packet(report []byte) (Message, bool) {
	p, err := ParsePacket(report)
	if err != nil {
		return Message{}, false
	}
	if !p.Init {
		if cid, assembling := l.assembler.Assembling(); assembling && cid == p.CID {
			return l.push(report)
		}
		return Message{}, false
	}

	if p.CID == BroadcastCID {
		if p.Command != CommandInit {
			return l.refuse(p.CID, ErrInvalidChannel), true
		}
	} else if _, ok := l.server.channels.use(p.CID); !ok {
		return l.refuse(p.CID, ErrInvalidChannel), true
	}

	if p.Command == CommandCancel {
		l.cancel(p)
		return Message{}, false
	}
	if p.CID != BroadcastCID && l.server.lock.refuses(p.CID) {
		return l.refuse(p.CID, ErrChannelBusy), true
	}
	if p.Command == CommandInit {
		return l.initialize(p, report)
	}
	switch owner, receiving := l.owner(); {
	case owner == p.CID && receiving:
		l.drop()
		return l.refuse(p.CID, ErrInvalidSeq), true
	case owner != ReservedCID:
		return l.refuse(p.CID, ErrChannelBusy), true
	}
	if code := l.check(p); code != 0 {
		return l.refuse(p.CID, code), true
	}
	return l.push(report)
}

// owner returns the channel whose request the device is receiving or working
// on, and ReservedCID if it is idle.
func (l *link) owner() (cid CID, receiving bool) {
	if cid, ok := l.assembler.Assembling(); ok {
		return cid, true
	}
	if l.current != nil {
		return l.current.CID, false
	}
	return ReservedCID, false
}

// initialize deals with the first packet of an INIT, in most cases the only one.
func (l *link) initialize(p Packet, report []byte) (Message, bool) {
	whole := len(p.Data) >= NonceSize
	switch owner, receiving := l.owner(); {
	case owner == p.CID && p.Length == NonceSize:
		l.abort()
	case owner == p.CID:
		if receiving {
			l.drop()
		}
	case owner != ReservedCID && !(whole && p.CID == BroadcastCID):
		return l.refuse(p.CID, ErrChannelBusy), true
	}
	if p.Length != NonceSize {
		return l.refuse(p.CID, ErrInvalidLen), true
	}
	if whole {
		return l.initReply(p.CID, [NonceSize]byte(p.Data)), true
	}
	return l.push(report)
}

// initReply answers INIT (CTAP 2.3 section 11.2.9.1.3).
func (l *link) initReply(cid CID, nonce [NonceSize]byte) Message {
	s := l.server
	info := InitInfo{
		Nonce:           nonce,
		CID:             cid,
		ProtocolVersion: 2,
		Major:           s.config.Version[0],
		Minor:           s.config.Version[1],
		Build:           s.config.Version[2],
		Capabilities:    s.capabilities,
	}
	if cid == BroadcastCID {
		owner, _ := l.owner()
		locker, _ := s.lock.holder()
		var ok bool
		if info.CID, ok = s.channels.allocate(owner, locker); !ok {
			return l.refuse(cid, ErrChannelBusy)
		}
	}
	return Message{CID: cid, Command: CommandInit, Data: info.Append(l.scratch[:0])}
}

// refuse returns an ERROR message. Its data is valid until the next.
func (l *link) refuse(cid CID, code ErrorCode) Message {
	l.scratch[0] = byte(code)
	return Message{CID: cid, Command: CommandError, Data: l.scratch[:1]}
}

// check returns why the request of a first packet cannot be served, or 0.
func (l *link) check(p Packet) ErrorCode {
	s := l.server
	least, most, works := 0, l.limit, true
	switch p.Command {
	case CommandPing:
		most = min(most, MaxMessage(l.outSize)) // what can be sent back
	case CommandMSG:
		works = s.capabilities&CapabilityNMSG == 0
		least = 4 // CLA, INS, P1, P2
	case CommandCBOR:
		works = s.capabilities&CapabilityCBOR != 0
		least = 1 // the CTAP2 command
	case CommandLock:
		least, most = 1, 1
	case CommandWink:
		works = s.capabilities&CapabilityWink != 0
		most = 0
	default:
		works = s.config.Vendor != nil && p.Command >= CommandVendorFirst && p.Command <= CommandVendorLast
	}
	switch {
	case !works:
		return ErrInvalidCmd
	case p.Length < least || p.Length > most:
		return ErrInvalidLen
	}
	return 0
}

// push adds a packet to the request and serves the request when it is whole.
func (l *link) push(report []byte) (Message, bool) {
	switch l.assembler.Push(report) {
	case Incomplete:
		l.arrived, l.looking = time.Now(), false
	case BadSequence:
		cid, _ := l.assembler.Assembling()
		return l.refuse(cid, ErrInvalidSeq), true
	case Complete:
		return l.request(l.assembler.Message())
	}
	return Message{}, false
}

// request answers a whole request or leaves it to the Handler.
func (l *link) request(m Message) (Message, bool) {
	switch m.Command {
	case CommandInit:
		return l.initReply(m.CID, [NonceSize]byte(m.Data)), true
	case CommandLock:
		d := time.Duration(m.Data[0]) * time.Second
		if d > maxLock {
			return l.refuse(m.CID, ErrInvalidPar), true
		}
		l.server.lock.hold(m.CID, d)
		return Message{CID: m.CID, Command: CommandLock}, true
	case CommandPing:
		return m, true
	case CommandWink:
		if l.server.config.Wink == nil {
			return m, true
		}
	}
	l.start(m)
	return Message{}, false
}
