// Command fidokey looks after FIDO2 security keys: it lists keys and what is on
// them, sets PINs and settings, enrols fingerprints, and tries a key at a site that
// it plays itself, with what happens explained. It has a security key of its own, in
// software, so that none of it needs hardware, and it can lend that key to other
// programs.
//
//	fidokey demo
//	fidokey list
//	fidokey info --device /dev/hidraw0
//	fidokey pin set
//	fidokey passkeys list
//	fidokey serve --uhid
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first interrupt cancels, on the key too; a second one ends the
	// program at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
