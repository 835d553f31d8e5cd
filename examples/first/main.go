// Command first is the program of the README: it asks the key that is plugged in
// what it can do.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gofido/fido"
)

func main() {
	ctx := context.Background()
	key, err := fido.Open(ctx, "", nil) // the only key that is plugged in
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("It speaks", info.Versions, "and has the options", info.Options)
}
