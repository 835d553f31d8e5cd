package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/gofido/fido/examples/internal/shortid"
)

// addPasskey puts a passkey on a key. Its credential ID is a word that is written
// several times, so that its short ID is always the same.
func (s *stage) addPasskey(key *virtual.Key, word, rpID, name, displayName string, more ...func(*virtual.NewCredential)) virtual.Credential {
	s.Helper()
	n := virtual.NewCredential{
		ID:           bytes.Repeat([]byte(word), 16),
		RP:           ctap2.PublicKeyCredentialRPEntity{ID: rpID},
		User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte("user " + name), Name: name, DisplayName: displayName},
		Discoverable: true,
	}
	for _, f := range more {
		f(&n)
	}
	c, err := key.AddCredential(n)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func withBlob(n *virtual.NewCredential) { n.LargeBlob = true }

// variedPasskeys gives the stage's key the PIN 1234 and passkeys of all kinds, and
// returns the short ID of one of them.
func (s *stage) variedPasskeys() string {
	s.Helper()
	s.setPIN()
	s.addPasskey(s.key, "one", "example.com", "ada@example.com", "Ada Lovelace", withBlob, func(n *virtual.NewCredential) {
		n.RP.Name = "Example Inc."
		n.CredProtect = ctap2.CredProtectUVRequired
	})
	s.addPasskey(s.key, "two", "example.com", "bob", "", func(n *virtual.NewCredential) {
		n.Algorithm = cose.EdDSA
		n.PrivateKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
		n.ThirdPartyPayment = true
	})
	s.addPasskey(s.key, "three", "bank.example", "", "", func(n *virtual.NewCredential) {
		n.CredProtect = ctap2.CredProtectUVOptionalWithCredentialIDList
	})
	return shortID("one")
}

// shortID is that of a passkey which addPasskey has made.
func shortID(word string) string { return shortid.Long(bytes.Repeat([]byte(word), 16))[:shortid.Least] }

func TestScreenPasskeysList(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.variedPasskeys()
		s.Run("passkeys list")
		s.askedPIN()
		s.Exit(exitOK)
		// To list, the key is asked for a permission that changes nothing.
		if granted := permissionsAskedFor(s); granted != ctap2.PermissionPCMR {
			s.Errorf("asked for %v", granted)
		}
	})
}

// permissionsAskedFor are those of all tokens that the stage's key was asked for.
func permissionsAskedFor(s *stage) (all ctap2.Permissions) {
	s.Helper()
	for _, c := range s.key.Commands() {
		if r, err := c.Parse(); err == nil {
			if r, ok := r.(*ctap2.ClientPINRequest); ok {
				all |= r.Permissions
			}
		}
	}
	return all
}

func TestScreenPasskeysListEmpty(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.setPIN()
		s.Run("passkeys list")
		s.askedPIN()
	})
}

// Keys shorten a long RP ID, and may keep none at all. The site is known by its hash
// all the same.
func TestScreenPasskeysShortenedSites(t *testing.T) {
	scenario{key: virtual.Config{Faults: virtual.Faults{Mutate: shortenedRPs}}}.play(t, func(s *stage) {
		s.setPIN()
		s.addPasskey(s.key, "one", "a-long-name.accounts.example.com", "ada", "")
		s.addPasskey(s.key, "two", "gone.example", "bob", "")
		s.Run("passkeys list")
		s.askedPIN()
		s.Run("passkeys delete --site gone.example")
		s.askedPIN()
		s.Answer("[y/N] ", "y")
		s.Run("passkeys delete --site a-long-name.accounts.example.com --dry-run")
		s.askedPIN()
		// What is shown serves as well as what it is short for.
		s.Run("passkeys delete --site …accounts.example.com --dry-run")
		s.askedPIN()
	})
}

// shortenedRPs has a key keep at most the last 20 bytes of an RP ID, and nothing of
// gone.example.
func shortenedRPs(c ctap2.Command, reply []byte) []byte {
	if c != ctap2.CommandCredentialManagement || reply[0] != 0 {
		return reply
	}
	r, err := ctap2.ParseCredentialManagementResponse(reply[1:])
	if err != nil || r.RP == nil {
		return reply
	}
	if r.RP.ID == "gone.example" {
		r.RP = nil
	} else {
		r.RP.ID = "…" + r.RP.ID[len(r.RP.ID)-20:]
	}
	short, err := r.Append(reply[:1])
	if err != nil {
		return reply
	}
	return short
}

// A fingerprint serves as well as the PIN.
func TestScreenPasskeysListByFingerprint(t *testing.T) {
	scenario{key: sensor}.play(t, func(s *stage) {
		s.variedPasskeys()
		s.fingers(thumb)
		s.Run("passkeys list")
		s.Finger(virtual.NotVerified)
		s.Finger(virtual.Verified)
	})
}

// Keys that can't list, each with what to do.
func TestScreenPasskeysOfKeysThatCant(t *testing.T) {
	for _, test := range []struct {
		name string
		key  virtual.Config
		code int
	}{
		{"without a PIN", virtual.Config{}, exitPIN},
		{"without management", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}}, exitRefused},
		{"without passkeys", virtual.Config{WithoutRK: true}, exitRefused},
		{"of U2F", virtual.Config{Profile: virtual.U2FOnly}, exitRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			scenario{key: test.key}.play(t, func(s *stage) {
				s.Run("passkeys list")
				s.Exit(test.code)
			})
		})
	}
}

// A key of FIDO_2_1_PRE lists and deletes, but renames nothing.
func TestScreenPasskeysPreview(t *testing.T) {
	scenario{key: virtual.Config{Profile: virtual.FIDO20, Previews: true}}.play(t, func(s *stage) {
		s.setPIN()
		s.addPasskey(s.key, "one", "example.com", "ada", "")
		s.Run("passkeys list")
		s.askedPIN()
		s.Run("passkeys edit %s --name eve", shortID("one"))
		s.Exit(exitRefused)
		s.Run("passkeys delete %s --yes", shortID("one"))
		s.askedPIN()
	})
}

func TestScreenPasskeysShow(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		id := s.variedPasskeys()
		if err := s.key.SetLargeBlob(bytes.Repeat([]byte("one"), 16), []byte("hello")); err != nil {
			s.Fatal(err)
		}
		s.Run("passkeys show %s", strings.ToUpper(id))
		s.askedPIN()
		s.Run("passkeys show %s", shortID("three"))
		s.askedPIN()
		s.Run("passkeys show zzzz")
		s.askedPIN()
		s.Exit(exitFailed)
	})
}

func TestScreenPasskeysDelete(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		id := s.variedPasskeys()
		other := s.addPasskey(s.key, "four", "example.org", "cyd", "", withBlob)
		for _, word := range []string{"one", "four"} {
			if err := s.key.SetLargeBlob(bytes.Repeat([]byte(word), 16), []byte("hello")); err != nil {
				s.Fatal(err)
			}
		}
		s.Run("passkeys delete %s %s --dry-run", id, shortID("two"))
		s.askedPIN()
		s.Run("passkeys delete %s", id)
		s.askedPIN()
		s.Answer("[y/N]", "")
		s.Exit(exitFailed)
		if n := len(s.key.Credentials()); n != 4 {
			s.Fatalf("%d passkeys are left", n)
		}
		s.Run("passkeys delete %s", id)
		s.askedPIN()
		s.Answer("Delete it for good? [y/N]", "y")
		s.Exit(exitOK)
		if a, err := ctap2.ParseLargeBlobArray(s.key.LargeBlobArray()); err != nil || len(a) != 1 {
			s.Errorf("%d large blobs are left, %v", len(a), err)
		}
		s.Run("passkeys delete %s %s", shortID("two"), shortID("three"))
		s.askedPIN()
		s.Answer("Delete these 2 for good? [y/N]", "yes")
		s.Exit(exitOK)
		if left := s.key.Credentials(); len(left) != 1 || !bytes.Equal(left[0].ID, other.ID) {
			s.Errorf("left are %+v", left)
		}
	})
}

func TestScreenPasskeysDeleteSite(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.variedPasskeys()
		s.Run("passkeys delete --site example.net")
		s.askedPIN()
		s.Exit(exitFailed)
		s.Run("passkeys delete --site example.com --yes")
		s.askedPIN()
		s.Exit(exitOK)
		if left := s.key.Credentials(); len(left) != 1 {
			s.Errorf("%d passkeys are left", len(left))
		}
		s.Run("passkeys delete")
		s.Exit(exitUsage)
		s.Run("passkeys delete k3v9 --site example.com")
		s.Exit(exitUsage)
		s.Run("passkeys delete example.com")
		s.Exit(exitUsage)
	})
}

// Nothing is deleted when the person presses Ctrl-C at the question.
func TestScreenPasskeysDeleteInterrupted(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		id := s.variedPasskeys()
		s.Run("passkeys delete %s", id)
		s.askedPIN()
		s.Expect("[y/N]")
		s.Interrupt()
		s.Exit(exitInterrupt)
		if n := len(s.key.Credentials()); n != 3 {
			s.Errorf("%d passkeys are left", n)
		}
	})
}

// Damaged large blobs are left alone, and the passkey goes all the same.
func TestScreenPasskeysDeleteDamagedBlob(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		id := s.variedPasskeys()
		if err := s.key.SetLargeBlobArray([]byte("this is not what it should be")); err != nil {
			s.Fatal(err)
		}
		s.Run("passkeys show %s", id)
		s.askedPIN()
		s.Run("passkeys delete %s --yes", id)
		s.askedPIN()
	})
}

// A key that forgets its token asks for the PIN again.
func TestScreenPasskeysTokenOnce(t *testing.T) {
	scenario{key: virtual.Config{Profile: virtual.FIDO21, Faults: virtual.Faults{TokenOnce: true}}}.play(t, func(s *stage) {
		s.setPIN()
		s.addPasskey(s.key, "one", "example.com", "ada", "")
		s.Run("passkeys list")
		s.askedPIN() // counts the passkeys
		s.askedPIN() // lists them
	})
}

func TestScreenPasskeysEdit(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		id := s.variedPasskeys()
		s.Run("passkeys edit %s --display-name 'Countess Lovelace'", id)
		s.askedPIN()
		s.Run("passkeys edit %s --name ada --display-name ''", id)
		s.askedPIN()
		s.Run("passkeys edit %s", id)
		s.Exit(exitUsage)
		s.Run("passkeys edit %s --name %s", id, strings.Repeat("é", 33))
		s.Exit(exitUsage)
		for _, c := range s.key.Credentials() {
			if c.RP.Name != "" && (c.User.Name != "ada" || c.User.DisplayName != "") {
				s.Errorf("the key has %+v", c.User)
			}
		}
	})
}

func TestScreenPasskeysExport(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.variedPasskeys()
		s.addPasskey(s.key, "ssh", "ssh:laptop", "openssh", "", func(n *virtual.NewCredential) {
			n.Algorithm = cose.EdDSA
			n.PrivateKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
		})
		for _, format := range []string{"", "--format jwk", "--format cose", "--format ssh"} {
			s.Run("passkeys export-public %s %s", shortID("two"), format)
			s.askedPIN()
			if format == "--format ssh" {
				s.Exit(exitFailed)
			}
		}
		s.Run("passkeys export-public %s --format ssh", shortID("ssh"))
		s.askedPIN()
		s.Run("passkeys export-public %s --format gpg", shortID("ssh"))
		s.Exit(exitUsage)
	})
}

// runCompare compares keys and files, which are in args with what else there is to
// say.
func (s *stage) runCompare(args ...string) {
	s.Helper()
	line := "passkeys compare"
	for _, arg := range args {
		line += " " + quoted(arg)
	}
	s.start(line, append([]string{"passkeys", "compare"}, args...))
}

// twoKeys makes a second key beside the stage's, with a PIN of its own. Both have
// passkeys.
func (s *stage) twoKeys() (other *virtual.Key, device string) {
	s.Helper()
	s.setPIN()
	other, device = s.Plug(virtual.Config{})
	if err := other.SetPIN([]byte("5678")); err != nil {
		s.Fatal(err)
	}
	handle := func(n *virtual.NewCredential) { n.User.ID = []byte("of another passkey") }
	s.addPasskey(s.key, "a1", "example.com", "ada@example.com", "Ada Lovelace")
	s.addPasskey(s.key, "a2", "example.com", "bob", "")
	s.addPasskey(s.key, "a3", "bank.example", "ada", "")
	s.addPasskey(s.key, "a4", "shop.example", "ada", "")
	s.addPasskey(other, "b1", "example.com", "ada@example.com", "Ada Lovelace")
	s.addPasskey(other, "b2", "shop.example", "ada", "", handle)
	s.addPasskey(other, "b3", "only-b.example", "ada", "")
	return other, device
}

func TestScreenPasskeysCompare(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		_, device := s.twoKeys()
		s.runCompare(s.device, device)
		s.Answer("PIN of key A, ", "1234")
		s.Answer("PIN of key B, ", "5678")
		s.Exit(exitNoBackup)
	})
}

// A wrong PIN is asked for again, and said to be that of which key; Ctrl-C ends it.
func TestScreenPasskeysCompareWrongPIN(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		other, device := s.twoKeys()
		s.runCompare(s.device, device)
		s.Answer("PIN of key A, ", "1234")
		s.Answer("PIN of key B, ", "1234")
		s.Expect("PIN of key B, ")
		s.Send("\x03")
		s.Exit(exitInterrupt)
		if n := other.PINRetries(); n != 7 {
			s.Errorf("%d tries are left", n)
		}
	})
}

func TestScreenPasskeysCompareAllBackedUp(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		s.setPIN()
		other, device := s.Plug(virtual.Config{})
		if err := other.SetPIN([]byte("5678")); err != nil {
			s.Fatal(err)
		}
		s.addPasskey(s.key, "a1", "example.com", "ada", "")
		s.addPasskey(other, "b1", "example.com", "ada", "")
		s.runCompare(s.device, device)
		s.Answer("PIN of key A, ", "1234")
		s.Answer("PIN of key B, ", "5678")
	})
}

// What is done on the day when the key is gone and the list of it is there.
func TestScreenPasskeysLost(t *testing.T) {
	scenario{}.play(t, func(s *stage) {
		_, device := s.twoKeys()
		file := s.savedList("my-key.json", "1234\n")
		s.runCompare(file, device, "--lost", "a")
		s.Answer("PIN of key B, ", "5678")
		s.Exit(exitNoBackup)
		s.runCompare(file, device, "--lost", "B")
		s.Answer("PIN of key B, ", "5678")
		s.Exit(exitNoBackup)
		// A list of the key is no backup of it.
		s.runCompare(file, s.device)
		s.Answer("PIN of key B, ", "1234")
		s.Exit(exitFailed)
		s.runCompare(file, file)
		s.Exit(exitUsage)
	})
}

// savedList keeps the list of the stage's key in a file, and returns its path,
// which the screen's file says as name.
func (s *stage) savedList(name, pin string) string {
	s.Helper()
	r := s.Piped(pin, "passkeys list --json --pin-stdin")
	var l passkeys.Listing
	if err := json.Unmarshal([]byte(r.out), &l); r.code != exitOK || err != nil {
		s.Fatalf("%+v, %v", r, err)
	}
	l.Created = time.Date(2025, time.May, 3, 12, 0, 0, 0, time.UTC)
	l.Key.Product, l.Key.Serial = "Example Key", "12345"
	b, err := json.Marshal(l)
	if err != nil {
		s.Fatal(err)
	}
	file := filepath.Join(s.TempDir(), name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		s.Fatal(err)
	}
	s.names = append(s.names, file, name)
	return file
}
