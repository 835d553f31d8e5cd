package ctaphid

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// ServerConfig says what the device of a [Server] is like. A nil ServerConfig,
// and the zero value of each field, mean the defaults.
//
// PING, INIT, CANCEL and LOCK always work. What the other fields switch off is
// answered with INVALID_CMD, and the capabilities in the INIT reply say so.
type ServerConfig struct {
	// Version is the device version of the INIT reply: major, minor and build.
	// Its meaning is the vendor's.
	Version [3]byte

	NoWink bool // the WINK command does not work
	NoCBOR bool // the CBOR command does not work: no CTAP2
	NoMSG  bool // the MSG command does not work: no CTAP1/U2F

	// Wink makes the device show itself. It is called while the Handler is not,
	// and the reply to WINK waits for it, as hosts do for a few seconds. It may
	// unplug or close the device. If nil, WINK succeeds without any effect.
	Wink func()

	// Vendor answers the commands from CommandVendorFirst to CommandVendorLast.
	// The reply is appended to dst and may be empty. An error that is an
	// [ErrorCode] goes to the host as such, every other as ERROR OTHER; it
	// returns when ctx ends, as a Handler does. If nil, these commands do not
	// work.
	Vendor func(ctx context.Context, session uint64, cmd Command, dst, data []byte) ([]byte, error)

	// MaxMessage is the most bytes of data that a request may claim; a longer
	// one is answered with INVALID_LEN when its first packet has come. Default,
	// and limit, is what the report size allows; see the function MaxMessage.
	MaxMessage int

	// PacketTimeout is how long the next packet of a request may take. Then
	// the request is dropped and MSG_TIMEOUT sent. Default 500 ms.
	PacketTimeout time.Duration

	// Keepalive is the time between two KEEPALIVE messages. Default 90 ms:
	// CTAP 2.3 section 11.2.9.1.7 permits 100 ms at most, and a timer may be late.
	Keepalive time.Duration

	// MaxChannels is how many channels the device remembers. When a client
	// asks for one more, the channel is forgotten that has gone unused for the
	// longest time, never one that is being served or has the lock. Default 256.
	MaxChannels int
}

func (c *ServerConfig) withDefaults() ServerConfig {
	if c == nil {
		c = new(ServerConfig)
	}
	d := *c
	d.PacketTimeout = cmp.Or(d.PacketTimeout, 500*time.Millisecond)
	d.Keepalive = cmp.Or(d.Keepalive, 90*time.Millisecond)
	d.MaxChannels = cmp.Or(d.MaxChannels, 256)
	return d
}

// A Server is the key's end of CTAPHID: it makes a HID device of a [Handler].
//
// It serves one request at a time. Where the specification leaves a choice, or
// devices differ, it does what most hosts expect:
//
//   - The first packet of a request takes the device, until the last packet of
//     the reply. Requests on other channels, INIT included, are answered with
//     CHANNEL_BUSY meanwhile, and so is a second request on the same channel
//     while the first is worked on; the first goes on undisturbed.
//   - INIT on the broadcast channel is answered even while the device is busy
//     or locked, so that programs can find it. (With reports of less than 15
//     bytes INIT takes several packets, and then it has to wait its turn like
//     anything else.)
//   - INIT on an allocated channel ends what that channel has under way. If
//     the Handler is at work, its context ends and its late reply is thrown
//     away. It does not release the channel's lock. An INIT of the wrong length
//     is no INIT: it is answered with INVALID_LEN and ends a request only that
//     has not come in whole yet.
//   - A request that cannot be right (unknown command, impossible length) is
//     refused when its first packet has come. The rest of its packets are
//     ignored, as every continuation packet is that nobody waits for.
//   - A first packet in the middle of the same channel's request is answered
//     with INVALID_SEQ and ends that request, unless it is INIT or CANCEL.
//   - CANCEL is never answered: it ends the context of the channel's CBOR
//     request, and without one it is ignored; so is one that carries data. WINK
//     with data is answered with INVALID_LEN.
//   - A reply of the Handler that is empty, or too long for the report size,
//     becomes ERROR OTHER.
//   - The first KEEPALIVE is sent after ServerConfig.Keepalive, or at once when
//     the Handler calls waiting with another status than StatusProcessing.
//     Every status that it reports reaches the host before the reply does. MSG
//     and vendor commands have no keepalives.
//
// The Handler is called from one goroutine at a time, also when the host has
// abandoned a request that is still being worked on; the next one waits for it.
// A Handler that panics ends the program.
//
// What the Server needs in memory is bounded by ServerConfig, whatever the
// host sends. While nothing is under way it has no goroutine but that of Serve
// and no timer.
type Server struct {
	handler      Handler
	config       ServerConfig
	capabilities Capabilities

	// mu guards the fields below and those of the link that say so. It is
	// never held while a report is read or written or the Handler is called.
	mu       sync.Mutex
	channels channels
	lock     lock
	link     *link // nil while no device is served
}

// NewServer returns a Server for the handler.
//
// A handler that speaks only one of CTAP1 and CTAP2 says so with a method
// Capabilities() byte that returns CapabilityCBOR if CBOR works and
// CapabilityNMSG if MSG does not; the other bits are ignored. NewServer calls
// it, once. Without the method both work.
func NewServer(h Handler, c *ServerConfig) *Server {
	s := &Server{handler: h, config: c.withDefaults(), capabilities: CapabilityCBOR}
	if h, ok := h.(interface{ Capabilities() byte }); ok {
		s.capabilities = Capabilities(h.Capabilities()) & (CapabilityCBOR | CapabilityNMSG)
	}
	if s.config.NoCBOR {
		s.capabilities &^= CapabilityCBOR
	}
	if s.config.NoMSG {
		s.capabilities |= CapabilityNMSG
	}
	if !s.config.NoWink {
		s.capabilities |= CapabilityWink
	}
	s.channels.max = s.config.MaxChannels
	s.channels.last = firstSession()
	return s
}

// PowerCycle makes the Server forget its channels, the lock and the request
// that is under way, as a key does that is pulled out and plugged in again; the
// device that is being served stays. The request gets no reply. The context of a
// Handler at work ends, but PowerCycle does not wait for it to return. Session
// numbers, and channels, are not used again.
func (s *Server) PowerCycle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

// forget is PowerCycle with s.mu held.
func (s *Server) forget() {
	s.channels.forget()
	s.lock = lock{}
	if s.link != nil {
		s.link.abort()
	}
}
