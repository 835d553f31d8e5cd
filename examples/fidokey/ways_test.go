package main

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
)

// A way is how fidokey gets at the software key.
type way struct {
	name       string
	card       bool                    // the key is held to a reader
	hand       bool                    // only a person can take its power
	maxMsgSize int                     // of a key that can be used this way; 0: no limit
	socket     func(*testing.T) socket // a place for one key
}

// A socket is where a key can be plugged in, and pulled out again.
type socket interface {
	plug(*testing.T, *virtual.Key) (device string)
	unplug(*testing.T)
}

// ways are those that every scenario runs over. Files with build tags have others.
var ways = []way{
	{name: "hid", socket: func(*testing.T) socket { return &udpSocket{addr: "127.0.0.1:0"} }},
	{name: "nfc", card: true, socket: func(*testing.T) socket { return &cardSocket{addr: "127.0.0.1:0"} }},
}

// serverConfig has more patience with a host on a machine with much to do.
var serverConfig = ctaphid.ServerConfig{PacketTimeout: 10 * time.Second}

// A udpSocket is a simulator of a key: --device udp:.
type udpSocket struct {
	addr string
	stop func()
}

func (s *udpSocket) plug(t *testing.T, key *virtual.Key) string {
	t.Helper()
	config := serverConfig
	server := ctaphid.NewServer(key, &config)
	l, err := udphid.Listen(s.addr, &udphid.ListenOptions{PowerCycle: func() { server.PowerCycle(); key.PowerCycle() }})
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String() // the same one next time
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	s.stop = sync.OnceFunc(func() { cancel(); <-done; l.Close() })
	return "udp:" + s.addr + ":0"
}

func (s *udpSocket) unplug(*testing.T) { s.stop() }

// A cardSocket is a simulator of a card: --device vpcd:.
type cardSocket struct {
	addr string
	stop func()
}

func (s *cardSocket) plug(t *testing.T, key *virtual.Key) string {
	t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// One reader after the other: when one takes the power away it must not be
			// the next one's.
			vpcd.Serve(ctx, conn, nfc.NewApplet(key, nil))
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); l.Close(); served.Wait() })
	return "vpcd:" + s.addr
}

func (s *cardSocket) unplug(*testing.T) { s.stop() }

// An address that another program has is told as such, without the layer below.
func TestServeTakenAddress(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.LocalAddr().String()
	says(t, fidokey(t, t.Context(), "", "serve", "--udp", addr), exitNoKey, "", "fidokey: another program has the address "+addr+": end that program")
}
