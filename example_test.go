package fido_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// A key in a simulator, which is the software key here. With "" in place of its
// address it would be the only key that is plugged in, and "/dev/hidraw0" would
// be one on Linux.
func ExampleOpen() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	simulator, err := serve(ctx)
	if err != nil {
		log.Fatal(err)
	}

	key, err := fido.Open(ctx, simulator, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Versions)
	// Output: [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3]
}

// serve runs a software key until ctx ends and returns its address.
func serve(ctx context.Context) (string, error) {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		return "", err
	}
	l, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		return "", err
	}
	go ctaphid.NewServer(soft, nil).Serve(ctx, l)
	return "udp:" + l.Addr().String() + ":0", nil // 0: any local port
}

func ExampleOpenHID() {
	ctx := context.Background()
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := fido.OpenHID(ctx, ctaphid.Loopback(soft), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Versions)
	// Output: [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3]
}

func ExampleKey_HID() {
	ctx := context.Background()
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := fido.OpenHID(ctx, ctaphid.Loopback(soft), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	echo, err := key.HID().Ping(ctx, nil, []byte("hello"))
	fmt.Println(string(echo), err)
	// Output: hello <nil>
}

// A program remembers what it has opened, to open the same again.
func ExampleKey_Device() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	simulator, err := serve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	key, err := fido.Open(ctx, simulator, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	fmt.Println(key.Device() == simulator)
	// Output: true
}

func ExampleList() {
	keys, err := fido.List()
	if err != nil {
		log.Print(err) // this build can't look
	}
	for _, k := range keys {
		if k.Access != nil {
			log.Print(k.Access) // says what to do
			continue
		}
		log.Print(k)
	}
	// Output:
}

// Every key there is, and what is known of the card readers that have none.
func ExampleFind() {
	ctx := context.Background()
	found, err := fido.Find(ctx)
	if err != nil {
		log.Print(err) // this build can't look, or no card readers either
		return
	}
	for _, k := range found.Keys {
		if k.Access != nil {
			log.Print(k.Device, ": ", k.Access) // says what to do
			continue
		}
		log.Print(k.Device, ": ", k.Product)
	}
	for _, r := range found.Readers {
		log.Print(r.Reader.Name, ": ", r.Err)
	}
	// Output:
}

// A key that knows only U2F registers and logs in like any other. What it can't
// do is an *UnsupportedError of package ctap2.
func ExampleKey_U2F() {
	ctx := context.Background()
	old, err := virtual.New(virtual.Config{Profile: virtual.U2FOnly})
	if err != nil {
		log.Fatal(err)
	}
	key, err := fido.OpenHID(ctx, ctaphid.Loopback(old), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.U2F(), info.Versions)
	// Output: true [U2F_V2]
}

// Wait until a key is plugged in or held to a reader.
func ExampleWatch() {
	for e, err := range fido.Watch(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Action == fido.Added && e.Key.Access == nil {
			fmt.Println("there is", e.Key.Device)
			break
		}
	}
}
