// Command fidokey shows what a FIDO2 security key is and does: it lists keys,
// tells what one can do, tests its connection, and runs through a registration
// and a login with every step explained. It has a security key of its own, in
// software, so that none of it needs hardware, and it can lend that key to other
// programs.
//
//	fidokey demo
//	fidokey list
//	fidokey info --device /dev/hidraw0
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
