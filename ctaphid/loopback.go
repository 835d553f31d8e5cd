package ctaphid

import "context"

// A LoopbackDevice is the host's end of a connection in memory to a [Server]:
// a key without a cable. It takes one goroutine, which Close and Unplug end.
type LoopbackDevice struct {
	Device // the host's end; Close is that of the LoopbackDevice

	server *Server
	unplug context.CancelFunc
	served chan struct{} // closed when Serve has returned
}

// Loopback plugs the handler into this program: Open(ctx, Loopback(key), nil)
// returns a connection to it. Reports have 64 bytes; [LoopbackServer] leaves
// the choice.
func Loopback(h Handler) *LoopbackDevice {
	return LoopbackServer(NewServer(h, nil), MaxReportSize, MaxReportSize)
}

// LoopbackServer has s serve a [Pipe] whose reports have hostToKey and
// keyToHost bytes, and returns the host's end. It panics with [ErrReportSize]
// for a size out of range. A Server that already serves a device leaves the
// LoopbackDevice unplugged.
func LoopbackServer(s *Server, hostToKey, keyToHost int) *LoopbackDevice {
	host, key := Pipe(hostToKey, keyToHost)
	ctx, cancel := context.WithCancel(context.Background())
	l := &LoopbackDevice{Device: host, server: s, unplug: cancel, served: make(chan struct{})}
	go func() {
		defer close(l.served)
		s.Serve(ctx, key) // it says what the host is told as well: ErrGone
	}()
	return l
}

// Server returns the Server at the other end.
func (l *LoopbackDevice) Server() *Server { return l.server }

// Unplug takes the key away: once the host's end has read what is queued, it
// gets [ErrGone]. Unplug returns when the Handler, whose context ends, has.
// The same Server can then be plugged in again with LoopbackServer.
func (l *LoopbackDevice) Unplug() {
	l.unplug()
	<-l.served
}

// Close closes the host's end and unplugs the key.
func (l *LoopbackDevice) Close() error {
	err := l.Device.Close()
	l.Unplug()
	return err
}
