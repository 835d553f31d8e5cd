// Command login logs in to a web service with a security key, from the command
// line. It is a model for programs that do so: login.go has what every program
// needs, prompt.go what it asks its user, and this file the rest.
//
//	login -register -user ada   make an account for ada, with the key
//	login -user ada             log in with one of ada's keys
//	login                       log in with a passkey, without a user name
//
// The service is the one of ../site, unless -site names another that speaks as it
// does: WebAuthn says what the messages are, not where they are sent.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/gofido/fido"
)

func main() {
	log.SetFlags(0)
	site := flag.String("site", "http://localhost:8080", "the `ORIGIN` of the service")
	user := flag.String("user", "", "the `NAME` of the account; without it, whoever the passkey belongs to")
	register := flag.Bool("register", false, "make the account, with the key")
	device := flag.String("device", "", "the `KEY` to use, such as /dev/hidraw0 (default: the only one, or the one that you touch)")
	flag.Parse()

	// An interrupt cancels on the key too, which would go on blinking otherwise.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.TrimSuffix(*site, "/"), *user, *register, *device); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, site, user string, register bool, device string) error {
	key, err := open(ctx, device)
	if err != nil {
		return err
	}
	defer key.Close()
	jar, err := cookiejar.New(nil) // the service holds the two steps together with a cookie
	if err != nil {
		return err
	}
	h := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	// What the key signs is for -site: nobody may send us elsewhere.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := newService(site, h, key, &terminal{os.Stdin, os.Stderr})
	if register {
		name, err := s.register(ctx, user)
		if err != nil {
			return err
		}
		// What a service says may have what a terminal obeys; %q writes it out.
		fmt.Printf("The key is registered for %q.\n", name)
		return nil
	}
	name, err := s.login(ctx, user)
	if err != nil {
		return err
	}
	fmt.Printf("Logged in as %q.\n", name)
	return nil
}

// open opens the key with this name. Without one it takes the only key, or of
// several the one that the user touches.
func open(ctx context.Context, device string) (*fido.Key, error) {
	if device != "" {
		return fido.Open(ctx, device, nil)
	}
	return fido.OpenByTouch(ctx, nil, func([]fido.KeyInfo) {
		fmt.Fprintln(os.Stderr, "There are several keys: touch the one to use.")
	})
}
