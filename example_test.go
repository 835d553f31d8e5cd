package fido_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

func ExampleOpen() {
	key, err := fido.Open(context.Background(), "/dev/hidraw-that-is-not-there", nil)
	if err != nil {
		fmt.Println("no key there")
		return
	}
	defer key.Close()
	// Output: no key there
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
	// Output: [FIDO_2_0 FIDO_2_1]
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
}
