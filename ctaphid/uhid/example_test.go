package uhid_test

import (
	"context"
	"log"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/uhid"
)

// echo is a key that sends every message back.
type echo struct{}

func (echo) CBOR(_ context.Context, _ uint64, dst, request []byte, _ func(byte)) []byte {
	return append(dst, request...)
}

func (echo) MSG(_ context.Context, _ uint64, dst, apdu []byte) []byte { return append(dst, apdu...) }

// A key for every program on the machine. It takes root and the kernel module
// uhid; the error says so.
func ExampleCreate() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond) // a program serves for longer
	defer cancel()
	dev, err := uhid.Create(&uhid.Options{Name: "Echo"})
	if err != nil {
		log.Print(err)
		return
	}
	server := ctaphid.NewServer(echo{}, &ctaphid.ServerConfig{MaxMessage: uhid.MaxMessage})
	log.Print(server.Serve(ctx, dev))
	// Output:
}
