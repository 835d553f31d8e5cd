package main

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
)

// The flags of all commands.
func TestScreenFlags(t *testing.T) {
	scenario{not: cardReaders("a card has nothing to wink with")}.play(t, func(s *stage) {
		s.Varies(`\b[0-9a-f]{8}([0-9a-f]{2})*\b`, "BYTES")
		s.setPIN()
		s.Run("wink --trace --color always --lock call")
		s.Run("pin retries --json")
		s.Run("pin verify --json --pin-stdin")
		s.Answer("PIN of the key: ", "1234") // a terminal does not show it even so
		s.Exit(exitOK)
		s.Run("pin verify --json")
		s.Answer("left): ", "4321")
		s.Expect("left): ")
		s.Send("\x04")
		s.Exit(exitPIN)
		s.Run("wink --color sometimes")
		s.Exit(exitUsage)
		s.Run("wink --lock always")
		s.Exit(exitUsage)
		s.Run("wink --timeout 0s --json")
		s.Exit(exitUsage)
	})
}

// Who agrees beforehand is told the same, and not asked.
func TestScreenYes(t *testing.T) {
	scenario{key: virtual.Config{Enterprise: &virtual.Enterprise{}}}.play(t, func(s *stage) {
		ada, _, _ := s.passkeys()
		data, newer := s.file("DATA", []byte("data")), s.file("NEWER", []byte("a newer one"))
		s.Run("blobs set %s --in %s", ada, data)
		s.askedPIN()
		s.Run("blobs set %s --in %s --yes", ada, newer)
		s.askedPIN()
		s.Run("blobs delete %s --dry-run", ada)
		s.askedPIN()
		s.Run("blobs delete %s --yes", ada)
		s.askedPIN()
		s.Run("config enterprise on --yes")
		s.askedPIN()
		s.Run("pin min-length 6 --yes")
		s.askedPIN()
		s.Run("pin force-change --yes")
	})
}

// A site of one's own, which is remembered in a file, and the algorithm that it wants.
func TestScreenSiteFile(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.trySite()
		file := filepath.Join(s.TempDir(), "site.json")
		s.names = append(s.names, file, "FILE")
		s.Run("register --rp example.org --site-file %s --algorithm -8 --resident discouraged", file)
		s.held()
		s.touchHeld()
		s.Run("login --rp example.org --site-file %s --user me", file)
		s.held()
		s.touchHeld()
		s.Run("login --user me") // at the site of another file
		s.Exit(exitFailed)
		s.Run("register --algorithm -99999")
		s.Exit(exitUsage)
	})
}

// The software key is lent until Ctrl-C.
func TestScreenServe(t *testing.T) {
	scenario{not: map[string]string{"uhid": "the machine has no network"}}.play(t, func(s *stage) {
		s.Varies(`127\.0\.0\.1:\d+`, "ADDR")
		s.Alone("serve --udp 127.0.0.1:0 --profile fido21 --power-cycle=false --reply-port 8112")
		s.Expect("Ctrl-C ends it.")
		s.Interrupt()
		s.Exit(exitOK)
		nobody, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Fatal(err)
		}
		nobody.Close()
		s.Alone("serve --vpcd=%s", nobody.Addr())
		s.Exit(exitFailed)
		s.Alone("serve --uhid --vpcd")
		s.Exit(exitUsage)
		s.Alone("serve --udp 127.0.0.1:0 --profile fido1 --state STATE")
		s.Exit(exitUsage)
	})
}

// The completion tells which shells it knows.
func TestScreenCompletion(t *testing.T) {
	scenario{columns: 80, not: cardReaders("it is not about the key")}.play(t, func(s *stage) {
		s.Alone("completion")
		s.Alone("completion tcsh")
		s.Exit(exitUsage)
		s.Alone("completion bash --help")
	})
}
