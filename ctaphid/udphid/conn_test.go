package udphid_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// echo answers a request with itself.
type echo struct{}

func (echo) CBOR(_ context.Context, _ uint64, dst, request []byte, _ func(byte)) []byte {
	return append(dst, request...)
}

func (echo) MSG(_ context.Context, _ uint64, dst, apdu []byte) []byte { return append(dst, apdu...) }

// A Conn and a Server talk over the wire, with a power cycle in between.
func TestConnAndServer(t *testing.T) {
	server := ctaphid.NewServer(echo{}, nil)
	cycled := make(chan struct{}, 1)
	key, err := udphid.Listen("127.0.0.1:0", &udphid.ListenOptions{PowerCycle: func() { server.PowerCycle(); cycled <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, key) }()
	t.Cleanup(func() { cancel(); <-served; key.Close() })

	host, err := udphid.Dial(t.Context(), key.Addr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ctaphid.Open(t.Context(), host, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, n := range []int{1, 57, 58, 1024, ctaphid.MaxMessageSize} {
		data := bytes.Repeat([]byte{0xa5, byte(n)}, n)[:n]
		if got, err := conn.Ping(t.Context(), nil, data); err != nil || !bytes.Equal(got, data) {
			t.Errorf("PING with %d bytes: %d bytes, %v", n, len(got), err)
		}
		if got, err := conn.CBOR(t.Context(), nil, data, nil); err != nil || !bytes.Equal(got, data) {
			t.Errorf("CBOR with %d bytes: %d bytes, %v", n, len(got), err)
		}
	}
	if err := host.PowerCycle(); err != nil {
		t.Fatal(err)
	}
	<-cycled
	if _, err := conn.Ping(t.Context(), nil, []byte("hello")); !errors.Is(err, ctaphid.ErrInvalidChannel) && err != nil {
		t.Errorf("on the channel of before: %v", err)
	}
	if err := conn.Resync(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := conn.Ping(t.Context(), nil, []byte("hello")); err != nil || string(got) != "hello" {
		t.Errorf("on a new channel: %q, %v", got, err)
	}
}

func TestConnWithoutSimulator(t *testing.T) {
	key := listen(t, nil)
	host := dial(t, key.Addr())
	key.Close()
	_, err := ctaphid.Open(t.Context(), host, nil)
	if _, ok := errors.AsType[*udphid.RefusedError](err); !ok || !errors.Is(err, ctaphid.ErrGone) {
		t.Errorf("error is %v", err)
	}
}
