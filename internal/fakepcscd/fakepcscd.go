// Package fakepcscd is a smart-card daemon for tests: it speaks pcscd's protocol at
// a socket of its own and says what a test wants. The numbers and structures are
// its own, not those of package pcsc, so that the two are compared.
package fakepcscd

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofido/fido/nfc"
)

// A Reader is what the daemon says of one reader.
type Reader struct {
	Name      string
	Events    uint32
	ATR       []byte // of the card; nil: there is no card; empty: a mute one
	Exclusive bool   // another program has the card for itself
	Sharing   uint32 // how many programs share it

	// Channel is the attribute SCARD_ATTR_CHANNEL_ID; 0: the driver does not know
	// it.
	Channel uint32

	// Applet answers commands, unless the daemon's Transmit does. It has power from
	// Set on.
	Applet *nfc.Applet
}

// A Daemon is a pcscd. Its fields are set before Start.
type Daemon struct {
	Minor uint32 // the version that it speaks, and no other; 0: 4

	// Transmit answers commands, and Begin says how a transaction begins. Either
	// may be nil, and may be called from several goroutines.
	Transmit func(apdu []byte) (response []byte, rv uint32)
	Begin    func() (rv uint32)

	// Reconnect says what comes of resetting a card, as Begin does.
	Reconnect func() (rv uint32)

	// Oversize has the daemon announce a response, or an attribute, of more bytes
	// than there can be, and send none of it.
	Oversize atomic.Bool

	mu       sync.Mutex
	readers  []Reader
	changed  chan struct{} // closed by the next change
	waiting  int           // requests that the next change answers
	commands int
	locks    int
	handles  atomic.Uint32 // no two are the same
	listener net.Listener
	conns    []net.Conn
}

const (
	maxReaders      = 16
	readerStateSize = 184
	present         = 0x04
	protocolT1      = 2

	noSmartCard      = 0x8010000c
	sharingViolation = 0x8010000b
	unknownReader    = 0x80100009
	invalidParameter = 0x80100004
	noService        = 0x8010001d
	unsupported      = 0x8010001f
	notTransacted    = 0x80100016

	channelID = 0x00020110
)

var n = binary.NativeEndian

// ContactlessATR is the answer to reset that readers make up for a card that is
// held to them (PC/SC part 3 section 3.1.3.2.3), ContactATR one of a card that
// is put into the reader.
var (
	ContactlessATR = []byte{0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0, 0, 0xc0, 0x37}
	ContactATR     = []byte{0x3b, 0x65, 0, 0, 1, 2, 3, 4, 5}
)

// State encodes a reader's state.
func (r *Reader) State() []byte {
	b := make([]byte, readerStateSize)
	copy(b, r.Name)
	n.PutUint32(b[128:], r.Events)
	n.PutUint32(b[136:], r.Sharing)
	if r.Exclusive {
		n.PutUint32(b[136:], 0xffffffff)
	}
	if r.ATR != nil {
		n.PutUint32(b[132:], present)
	}
	copy(b[140:], r.ATR)
	n.PutUint32(b[176:], uint32(len(r.ATR)))
	return b
}

// Set changes what is at the readers.
func (d *Daemon) Set(readers ...Reader) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers = readers
	for _, r := range readers {
		if r.Applet != nil {
			r.Applet.PowerOn()
		}
	}
	close(d.changed)
	d.changed = make(chan struct{})
	d.waiting = 0
}

// Waiting reports whether a program waits for a change.
func (d *Daemon) Waiting() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting > 0
}

// Commands returns how many commands the cards were sent.
func (d *Daemon) Commands() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.commands
}

// Transactions returns how many transactions were begun and not ended, however
// often by one program: it takes as many ends before another program can have
// the card.
func (d *Daemon) Transactions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.locks
}

func (d *Daemon) lock(by int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locks += by
}

// look returns the readers' states, and to one who waits what the next change
// closes.
func (d *Daemon) look(wait bool) (states []byte, changed chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if wait {
		d.waiting++
	}
	for _, r := range d.readers {
		states = append(states, r.State()...)
	}
	return append(states, make([]byte, (maxReaders-len(d.readers))*readerStateSize)...), d.changed
}

// Start serves until the test ends, at a socket that PCSCLITE_CSOCK_NAME names.
func (d *Daemon) Start(t testing.TB) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PCSCLITE_CSOCK_NAME", path)
	d.listener = l
	if d.Minor == 0 {
		d.Minor = 4
	}
	d.changed = make(chan struct{})
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.mu.Lock()
			d.conns = append(d.conns, c)
			d.mu.Unlock()
			all.Go(func() { d.serve(c) })
		}
	})
}

// Stop ends the daemon before the test does. Another can be started in its place.
func (d *Daemon) Stop() {
	d.listener.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close()
	}
}

// serve answers one program.
func (d *Daemon) serve(c net.Conn) {
	defer c.Close()
	var card Reader // that the program is connected to
	locks := 0
	var stop chan struct{} // of the wait for a change
	defer func() { d.lock(-locks) }()
	for {
		var head [8]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		b := make([]byte, n.Uint32(head[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var result []byte // its place
		if len(b) >= 4 {
			result = b[len(b)-4:]
		}
		switch n.Uint32(head[4:]) {
		case 0x11: // version
			if n.Uint32(b[4:]) != d.Minor {
				n.PutUint32(b[4:], d.Minor)
				n.PutUint32(result, noService)
			}
		case 0x01: // establish context
			n.PutUint32(b[4:], d.handles.Add(1))
		case 0x12: // readers' state
			b, _ = d.look(false)
		case 0x13: // wait for a change
			states, changed := d.look(true)
			if d.Minor >= 4 {
				c.Write(states)
			}
			stop = make(chan struct{})
			go func(stop chan struct{}) {
				select {
				case <-changed:
				case <-stop:
				}
				c.Write(make([]byte, 8))
			}(stop)
			continue
		case 0x14: // stop waiting
			if stop != nil {
				close(stop)
				stop = nil
			}
			continue
		case 0x04: // connect
			var rv uint32
			card, rv = d.connect(string(b[4 : 4+128]))
			n.PutUint32(b[140:], d.handles.Add(1))
			n.PutUint32(b[144:], protocolT1)
			n.PutUint32(result, rv)
		case 0x05: // connect again
			n.PutUint32(b[16:], protocolT1)
			if d.Reconnect != nil {
				n.PutUint32(result, d.Reconnect())
			}
		case 0x07: // begin a transaction
			if d.Begin != nil {
				n.PutUint32(result, d.Begin())
			}
			if n.Uint32(result) == 0 {
				locks++
				d.lock(1)
			}
		case 0x08: // end a transaction
			if locks == 0 {
				n.PutUint32(result, notTransacted)
				break
			}
			locks--
			d.lock(-1)
		case 0x09: // transmit
			apdu := make([]byte, n.Uint32(b[12:]))
			if _, err := io.ReadFull(c, apdu); err != nil {
				return
			}
			if d.Oversize.Load() {
				n.PutUint32(b[24:], 1<<30)
				n.PutUint32(b[28:], 0)
				break
			}
			response, rv := d.transmit(&card, apdu)
			n.PutUint32(b[24:], uint32(len(response)))
			n.PutUint32(b[28:], rv)
			if rv == 0 {
				b = append(b, response...)
			}
		case 0x0a: // control
			if _, err := io.CopyN(io.Discard, c, int64(n.Uint32(b[8:]))); err != nil {
				return
			}
			n.PutUint32(result, invalidParameter)
		case 0x0f: // get attribute: card, identifier, 264 bytes, length, result
			if len(b) != 4+4+264+4+4 || n.Uint32(b[272:]) > 264 {
				return // pcscd hangs up
			}
			if n.Uint32(b[4:]) != channelID || card.Channel == 0 {
				n.PutUint32(result, unsupported)
				break
			}
			n.PutUint32(b[8:], card.Channel)
			n.PutUint32(b[272:], 4)
			if d.Oversize.Load() {
				n.PutUint32(b[272:], 1<<30)
			}
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

func (d *Daemon) connect(name string) (Reader, uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.readers {
		switch {
		case string(append([]byte(r.Name), make([]byte, 128-len(r.Name))...)) != name:
		case r.Exclusive:
			return r, sharingViolation
		case r.ATR == nil:
			return r, noSmartCard
		default:
			return r, 0
		}
	}
	return Reader{}, unknownReader
}

func (d *Daemon) transmit(card *Reader, apdu []byte) (response []byte, rv uint32) {
	d.mu.Lock()
	d.commands++
	d.mu.Unlock()
	switch {
	case d.Transmit != nil:
		return d.Transmit(apdu)
	case card.Applet != nil:
		return card.Applet.Transmit(context.Background(), nil, apdu), 0
	}
	return []byte{0x6a, 0x82}, 0 // another card: no such application
}
