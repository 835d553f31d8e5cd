package uhid

import "time"

const (
	// burst is how many reports may follow one another closely: half of what
	// the kernel keeps for a program that reads the node.
	burst = 32
	// rest is how long the host is given to read them.
	rest = 5 * time.Millisecond
)

// A pace spreads reports so that a host that reads can keep up.
type pace struct {
	n    int       // reports since the last rest
	last time.Time // when the last one was sent
}

// next counts a report that is due now and says how long to wait before it is
// sent.
func (p *pace) next(now time.Time) (wait time.Duration) {
	switch {
	case now.Sub(p.last) >= rest: // it rested by itself
		p.n = 0
	case p.n == burst:
		p.n, wait = 0, rest
	}
	p.n++
	p.last = now.Add(wait)
	return wait
}
