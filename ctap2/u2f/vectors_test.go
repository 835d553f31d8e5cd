package u2f_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"testing"
)

// A vector is an exchange of testdata/vectors.json, which names the source of
// each. A member that the source does not have is empty.
type vector struct {
	Name, Source                             string
	ClientData, Application                  string // text
	ChallengeParameter, ApplicationParameter hexBytes
	Request                                  hexBytes // APDU
	Response                                 hexBytes // without the status word
	PublicKey, KeyHandle, Certificate        hexBytes
	Signature, Signed                        hexBytes
}

// hexBytes are hexadecimal digits in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

var vectors = sync.OnceValues(func() ([]vector, error) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		return nil, err
	}
	var list []vector
	return list, json.Unmarshal(b, &list)
})

// readVector returns the vector with this name.
func readVector(t testing.TB, name string) *vector {
	t.Helper()
	list, err := vectors()
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

var (
	registrations   = []string{"registration", "registration at acme.com"}
	authentications = []string{"authentication", "authentication at acme.com"}
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
