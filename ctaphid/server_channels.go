package ctaphid

import (
	"math/rand/v2"
	"slices"
)

// A channel is what the Server remembers of a client.
type channel struct {
	cid     CID
	session uint64
}

// channels are the allocated ones, at most max of them, the one that was used
// last at the end.
type channels struct {
	max  int
	last uint64 // the session that was allocated last
	open []channel
}

// firstSession returns where a Server begins to count sessions: channels from 1,
// and above them a number that another Server in front of the same Handler will
// hardly have. The highest bit is left to Handlers for sessions of their own.
func firstSession() uint64 { return uint64(rand.Uint32()>>1) << 32 }

// allocate opens a channel. If there are too many, the one unused for the
// longest time is forgotten that is none of keep; if there is none, allocate
// fails.
func (c *channels) allocate(keep ...CID) (CID, bool) {
	if len(c.open) >= c.max {
		i := slices.IndexFunc(c.open, func(ch channel) bool { return !slices.Contains(keep, ch.cid) })
		if i < 0 {
			return 0, false
		}
		c.open = slices.Delete(c.open, i, i+1)
	}
	for {
		c.last++
		// The lower half of the session is the number of the channel.
		cid := CID(c.last)
		if cid == ReservedCID || cid == BroadcastCID || slices.ContainsFunc(c.open, func(ch channel) bool { return ch.cid == cid }) {
			continue
		}
		c.open = append(c.open, channel{cid: cid, session: c.last})
		return cid, true
	}
}

// use notes that the channel is in use and returns its session. It fails for
// one that is not allocated.
func (c *channels) use(cid CID) (session uint64, ok bool) {
	// From the end, because most packets belong to the channel before.
	for i := len(c.open) - 1; i >= 0; i-- {
		if ch := c.open[i]; ch.cid == cid {
			copy(c.open[i:], c.open[i+1:])
			c.open[len(c.open)-1] = ch
			return ch.session, true
		}
	}
	return 0, false
}

// forget closes all channels. Their numbers are not used again.
func (c *channels) forget() { c.open = c.open[:0] }
