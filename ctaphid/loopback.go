package ctaphid

import "context"

// A LoopbackDevice is the host's end of a connection in memory to a [Server]:
// a key without a cable. It takes one goroutine, which Close ends.
type LoopbackDevice struct {
	Device // the host's end; Close is that of the LoopbackDevice

	server *Server
	unplug func()
	served chan struct{} // closed when the Handler has returned
}

// Loopback plugs the handler into this program: Open(ctx, Loopback(key), nil)
// returns a connection to it. Reports have 64 bytes; [LoopbackServer] leaves
// the choice.
func Loopback(h Handler) *LoopbackDevice {
	return LoopbackServer(NewServer(h, nil), MaxReportSize, MaxReportSize)
}

// LoopbackServer has s serve a [Pipe] whose reports have hostToKey and
// keyToHost bytes, and returns the host's end. It panics with [ErrReportSize]
// for a size out of range. While s is serving another device, nothing answers.
func LoopbackServer(s *Server, hostToKey, keyToHost int) *LoopbackDevice {
	host, key := Pipe(hostToKey, keyToHost)
	ctx, cancel := context.WithCancel(context.Background())
	l := &LoopbackDevice{Device: host, server: s, served: make(chan struct{})}
	l.unplug = func() {
		cancel() // if it still waits for its turn to be served
		key.Close()
	}
	go func() {
		defer close(l.served)
		s.Serve(ctx, key) // the error says what the host is told as well: ErrGone
	}()
	return l
}

// BeginCall drops what the key has sent so far.
func (l *LoopbackDevice) BeginCall(ctx context.Context) error {
	if d, ok := l.Device.(interface{ BeginCall(context.Context) error }); ok {
		return d.BeginCall(ctx)
	}
	return nil
}

// Server returns the Server at the other end.
func (l *LoopbackDevice) Server() *Server { return l.server }

// Unplug takes the key away: once the host's end has read what is queued, it
// gets [ErrGone]. The Handler's context ends; Unplug waits for nothing, so that
// the Handler may call it. The same Server can be plugged in again with
// LoopbackServer.
func (l *LoopbackDevice) Unplug() { l.unplug() }

// Close closes the host's end, unplugs the key and waits for the Handler to
// return. The Handler can't call it, therefore; ServerConfig.Wink can.
func (l *LoopbackDevice) Close() error {
	err := l.Device.Close()
	l.Unplug()
	<-l.served
	return err
}
