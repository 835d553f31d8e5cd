package hidraw_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"time"

	"github.com/gofido/fido/ctaphid/hidraw"
)

// Every key that is plugged in, and why it can't be used if it can't.
func ExampleList() {
	keys, err := hidraw.List()
	if err != nil {
		log.Print(err)
	}
	for _, k := range keys {
		log.Print(k)
		if k.Access != nil {
			log.Print(k.Access)
		}
	}
	// Output:
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond) // a program waits for longer
	defer cancel()
	events, err := hidraw.Watch(ctx) // before List, to miss none
	if err != nil {
		log.Print(err)
		return
	}
	keys, err := hidraw.List()
	if err != nil {
		log.Print(err)
	}
	for _, k := range keys {
		log.Print("there: ", k)
	}
	for e, err := range events {
		if err != nil {
			log.Print(err)
			return
		}
		log.Print(e.Action, " ", e.Info)
	}
	// Output:
}
