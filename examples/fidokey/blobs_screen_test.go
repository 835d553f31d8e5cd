package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// passkeys puts the PIN 1234 and three passkeys on the stage's key, of whom eve's
// can't have data, and returns the short IDs.
func (s *stage) passkeys() (ada, bob, eve string) {
	s.Helper()
	s.setPIN()
	return addPasskey(s.T, s.key, "ada", true), addPasskey(s.T, s.key, "bob", true), addPasskey(s.T, s.key, "eve", false)
}

// file writes a file, which the screen's file calls so.
func (s *stage) file(name string, data []byte) (path string) {
	s.Helper()
	path = writeFile(s.T, data)
	s.names = append(s.names, path, name)
	return path
}

// A certificate is stored, read, replaced and deleted.
func TestScreenBlobs(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		ada, _, _ := s.passkeys()
		certificate, newer := s.file("CERTIFICATE", []byte("a certificate\n")), s.file("NEWER", []byte("a newer one"))
		s.Run("blobs list")
		s.askedPIN()
		s.Run("blobs set %s --in %s", ada, certificate)
		s.askedPIN()
		s.Run("blobs get %s", ada)
		s.askedPIN()
		s.Run("blobs set %s --in %s", ada, newer)
		s.askedPIN()
		s.Answer("[y/N] ", "n")
		s.Exit(exitFailed)
		s.Run("blobs set %s --in %s", ada, newer)
		s.askedPIN()
		s.Answer("[y/N] ", "y")
		s.Run("blobs list")
		s.askedPIN()
		s.Run("blobs get %s", ada)
		s.askedPIN()
		s.Run("blobs delete %s", ada)
		s.askedPIN()
		s.Answer("[y/N] ", "yes")
		s.Run("blobs get %s", ada)
		s.askedPIN()
		s.Exit(exitFailed)
	})
}

// What is not text goes to a file and not to the terminal.
func TestScreenBlobsBinary(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		ada, _, _ := s.passkeys()
		if err := s.key.SetLargeBlob([]byte("the passkey of ada"), []byte("\x1b]0;title\x07")); err != nil {
			s.Fatal(err)
		}
		s.Run("blobs get %s", ada)
		s.askedPIN()
		s.Exit(exitUsage)
		out := filepath.Join(s.TempDir(), "out")
		s.names = append(s.names, out, "OUT")
		s.Run("blobs get %s --out %s", ada, out)
		s.askedPIN()
		s.Exit(exitOK)
		if got, err := os.ReadFile(out); err != nil || string(got) != "\x1b]0;title\x07" {
			s.Errorf("the file has %q, %v", got, err)
		}
	})
}

// What can be known is said before anybody has to enter a PIN, and always what to do.
func TestScreenBlobsRefused(t *testing.T) {
	scenario{key: virtual.Config{LargeBlobCapacity: 1024}}.play(t, func(s *stage) {
		ada, _, eve := s.passkeys()
		_, device := s.Plug(virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandLargeBlobs}})
		large, data := s.file("LARGE", random(1024)), s.file("DATA", []byte("data"))
		s.Run("blobs set %s", ada)
		s.Exit(exitUsage)
		s.Run("blobs set %s --in %s", ada, large)
		s.Exit(exitRefused)
		s.Run("blobs set %s --in %s", eve, data)
		s.askedPIN()
		s.Exit(exitFailed)
		s.Run("blobs list --device %s", quoted(device))
		s.Exit(exitRefused)
		if err := s.key.SetLargeBlobArray([]byte("what a broken key makes of it")); err != nil {
			s.Fatal(err)
		}
		s.Run("blobs set %s --in %s", ada, data)
		s.Exit(exitRefused)
		s.Run("blobs delete --all")
		s.Answer("[y/N] ", "y")
		s.askedPIN()
		s.Run("blobs set %s --in %s", ada, data)
		s.askedPIN()
	})
}

// With a finger it is one prompt for all.
func TestScreenBlobsByFinger(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		ada, _, _ := s.passkeys()
		s.fingers(thumb)
		data := s.file("DATA", []byte("data"))
		s.Run("blobs set %s --in %s", ada, data)
		s.Finger(virtual.Verified)
		s.Run("blobs list")
		s.Finger(virtual.Verified)
	})
}

// A key that keeps data with each passkey wants a touch each time.
func TestScreenBlobsWithPasskey(t *testing.T) {
	scenario{key: virtual.Config{LargeBlobExtension: true}}.play(t, func(s *stage) {
		ada, _, eve := s.passkeys()
		data := s.file("DATA", []byte("data"))
		s.Run("blobs list")
		s.askedPIN()
		s.Run("blobs set %s --in %s", ada, data)
		s.askedPIN()
		s.Answer("[y/N] ", "y")
		s.Touch()
		s.Run("blobs get %s", ada)
		s.askedPIN()
		s.Touch()
		s.Run("blobs delete %s", ada)
		s.askedPIN()
		s.Answer("[y/N] ", "y")
		s.Touch()
		s.Run("blobs set %s --in %s", eve, data)
		s.askedPIN()
		s.Answer("[y/N] ", "y")
		s.Touch()
		s.Exit(exitRefused)
	})
}
