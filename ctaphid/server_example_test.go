package ctaphid_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido/ctaphid"
)

// A button is a key that knows one CTAP2 command, selection, and waits for its
// button to be pressed.
type button struct{ pressed chan struct{} }

func (b button) CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(status byte)) []byte {
	if request[0] != 0x0b { // authenticatorSelection
		return append(dst, 0x01) // CTAP1_ERR_INVALID_COMMAND
	}
	waiting(ctaphid.StatusUPNeeded)
	select {
	case <-b.pressed:
		return append(dst, 0x00) // CTAP2_OK
	case <-ctx.Done():
		return append(dst, 0x2d) // CTAP2_ERR_KEEPALIVE_CANCEL
	}
}

func (b button) MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte {
	return append(dst, 0x6d, 0x00) // SW_INS_NOT_SUPPORTED
}

// The button does not speak U2F.
func (b button) Capabilities() byte {
	return byte(ctaphid.CapabilityCBOR | ctaphid.CapabilityNMSG)
}

// A key in memory, used by a client that waits for a touch.
func ExampleLoopback() {
	key := button{pressed: make(chan struct{}, 1)}
	ctx := context.Background()

	conn, err := ctaphid.Open(ctx, ctaphid.Loopback(key), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println("capabilities:", conn.Info().Capabilities)

	reply, err := conn.CBOR(ctx, nil, []byte{0x0b}, func(status byte) {
		if status == ctaphid.StatusUPNeeded {
			fmt.Println("press the button")
			key.pressed <- struct{}{}
		}
	})
	fmt.Printf("status %x, error %v\n", reply, err)
	// Output:
	// capabilities: WINK, CBOR, NMSG
	// press the button
	// status 00, error <nil>
}

// A key that is pulled out while a client waits for it.
func ExampleLoopbackDevice_Unplug() {
	key := ctaphid.Loopback(button{})
	conn, err := ctaphid.Open(context.Background(), key, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	_, err = conn.CBOR(context.Background(), nil, []byte{0x0b}, func(byte) { go key.Unplug() })
	fmt.Println(errors.Is(err, ctaphid.ErrGone))
	// Output: true
}

// The key's end of a device. With package uhid it is one of the kernel's, which
// any program can use; here it is the end of a pipe.
func ExampleServer() {
	server := ctaphid.NewServer(button{}, &ctaphid.ServerConfig{
		Version: [3]byte{1, 0, 7},
		Wink:    func() { fmt.Println("blink, blink") },
	})
	host, key := ctaphid.Pipe(64, 64)
	served := make(chan error)
	go func() { served <- server.Serve(context.Background(), key) }()

	conn, err := ctaphid.Open(context.Background(), host, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	info := conn.Info()
	fmt.Printf("version %d.%d.%d on channel %v\n", info.Major, info.Minor, info.Build, info.CID)
	if err := conn.Wink(context.Background()); err != nil {
		fmt.Println(err)
	}
	conn.Close()
	fmt.Println("the host is gone:", errors.Is(<-served, ctaphid.ErrGone))
	// Output:
	// version 1.0.7 on channel 00000001
	// blink, blink
	// the host is gone: true
}

// The same Server, with a key that loses power while a client has a channel.
func ExampleServer_PowerCycle() {
	key := ctaphid.Loopback(button{})
	conn, err := ctaphid.Open(context.Background(), key, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println("channel", conn.Info().CID)

	key.Server().PowerCycle()
	reply, err := conn.Ping(context.Background(), nil, []byte("still there?"))
	fmt.Printf("%s, error %v\n", reply, err)
	fmt.Println("channel", conn.Info().CID)
	// Output:
	// channel 00000001
	// still there?, error <nil>
	// channel 00000002
}
