package ctaphid

// A TraceEvent is one report on its way, as an end sees it.
type TraceEvent struct {
	// Sent is true for a report that this end sends, false for one that it
	// received.
	Sent bool

	// Report is the whole report, padding included. It is valid during the
	// call only. It is not redacted: it carries whatever the messages carry.
	Report []byte
}

// String gives the direction (> sent, < received) and the meaning of the
// report, as in "< 00220002 KEEPALIVE, waiting for the user", without the
// message's data.
func (e TraceEvent) String() string {
	s := "< "
	if e.Sent {
		s = "> "
	}
	p, err := ParsePacket(e.Report)
	if err != nil {
		return s + "malformed report"
	}
	return s + p.String()
}
