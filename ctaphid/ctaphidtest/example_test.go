package ctaphidtest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// A device that knows one command.
func ExampleNewFunc() {
	dev := ctaphidtest.NewFunc(func(m ctaphid.Message, reply func(ctaphid.Message)) {
		if m.Command == ctaphid.CommandPing {
			reply(m)
			return
		}
		reply(ctaphid.Message{Command: ctaphid.CommandError, Data: []byte{byte(ctaphid.ErrInvalidCmd)}})
	})
	conn, err := ctaphid.Open(context.Background(), dev, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	echo, err := conn.Ping(context.Background(), nil, []byte("hello"))
	fmt.Printf("%s %v\n", echo, err)
	fmt.Println(conn.Wink(context.Background()))
	// Output:
	// hello <nil>
	// ctaphid: WINK failed: CTAPHID INVALID_CMD: the key does not know the command
}

// What becomes of a reply of which a packet is lost.
func ExampleFaulty() {
	echo := ctaphidtest.NewFunc(func(m ctaphid.Message, reply func(ctaphid.Message)) { reply(m) })
	dev := ctaphidtest.Faulty(echo, ctaphidtest.Drop(ctaphidtest.ToHost, 3)) // 1 is the INIT reply
	conn, err := ctaphid.Open(context.Background(), dev, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = conn.Ping(context.Background(), nil, make([]byte, 200))
	var broken *ctaphid.ProtocolError
	fmt.Println(errors.As(err, &broken), broken.Problem)
	_, err = conn.Ping(context.Background(), nil, make([]byte, 200))
	fmt.Println(err)
	// Output:
	// true wrong sequence number
	// <nil>
}
