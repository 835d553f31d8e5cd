// Command site serves a web service on this computer that people log in to with
// security keys, for tries with the program in ../login:
//
//	go run ./site &
//	go run ./login -register -user ada
//	go run ./login
//
// It forgets everything when it ends.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/gofido/fido/examples/internal/site"
)

func main() {
	port := flag.String("port", "8080", "the `PORT` on localhost")
	flag.Parse()
	// Browsers and the webauthn package take http for localhost, and for nothing
	// else.
	origin := "http://localhost:" + *port
	s, err := site.New(site.Config{RPID: "localhost", Name: "A site on this computer", Origins: []string{origin}})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("The site is", origin)
	log.Fatal(http.ListenAndServe("localhost:"+*port, s.Handler()))
}
