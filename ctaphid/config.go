package ctaphid

import (
	"cmp"
	"crypto/rand"
	"io"
	"time"
)

// Config sets the limits and hooks of a [Conn]. A nil Config, and the zero
// value of each field, mean the defaults.
type Config struct {
	// Trace is called for every report that is sent or received, with the turn
	// of the call held: it must not call the Conn. nil costs nothing.
	Trace func(TraceEvent)

	// Grace is how long a call may go on after its context has ended, for the
	// final reply to arrive that a cancelled request still gets. Default 500 ms.
	Grace time.Duration

	// Silence is how long the device may send nothing while a reply is due.
	// Each keepalive starts it anew; reports for other programs do not. While
	// the packets of a reply come in, it may take up to twice as long to notice.
	// Default 3 s.
	Silence time.Duration

	// Overall is how long a call may take when its context has no deadline,
	// keepalives or not. Default 2 min.
	Overall time.Duration

	// BusyRetry is the pause before a request is sent again that the device
	// answered with CHANNEL_BUSY. Default 100 ms.
	BusyRetry time.Duration

	// Rand is where nonces are read from. Default crypto/rand.Reader.
	Rand io.Reader
}

func (c *Config) withDefaults() Config {
	if c == nil {
		c = new(Config)
	}
	d := *c
	d.Grace = cmp.Or(d.Grace, 500*time.Millisecond)
	d.Silence = cmp.Or(d.Silence, 3*time.Second)
	d.Overall = cmp.Or(d.Overall, 2*time.Minute)
	d.BusyRetry = cmp.Or(d.BusyRetry, 100*time.Millisecond)
	if d.Rand == nil {
		d.Rand = rand.Reader
	}
	return d
}
