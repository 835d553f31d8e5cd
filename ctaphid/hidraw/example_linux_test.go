package hidraw_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/gofido/fido/ctaphid/hidraw"
)

// Every key that is plugged in, and why it can't be used if it can't.
func ExampleList() {
	keys, err := hidraw.List()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, k := range keys {
		fmt.Println(k)
		if k.Access != nil {
			fmt.Println(k.Access)
		}
	}
}

func ExampleOpen() {
	_, err := hidraw.Open(context.Background(), "/dev/no-such-node", nil)
	fmt.Println(errors.Is(err, fs.ErrNotExist))

	_, err = hidraw.Open(context.Background(), "/dev/null", &hidraw.Options{Lock: hidraw.LockNone})
	fmt.Println(err)
	// Output:
	// true
	// open /dev/null: it is not a hidraw device; FIDO keys are at /dev/hidraw0, /dev/hidraw1 and so on
}

// Keys that come and go, beginning with those that are there.
func ExampleWatch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := hidraw.Watch(ctx) // before List, to miss none
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := hidraw.List()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, k := range keys {
		fmt.Println("there:", k)
	}
	for e, err := range events {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.Action, e.Info)
	}
}
