package ctap2_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"testing"
)

// vectors are the messages in testdata/vectors.json, which names the source of
// each. Requests start with the command byte, replies with the status byte.
var vectors = sync.OnceValues(func() (map[string][]byte, error) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		return nil, err
	}
	var list []struct{ Name, Source, Hex string }
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	m := map[string][]byte{}
	for _, v := range list {
		if m[v.Name], err = hex.DecodeString(v.Hex); err != nil {
			return nil, err
		}
	}
	return m, nil
})

func vector(t testing.TB, name string) []byte {
	t.Helper()
	m, err := vectors()
	if err != nil {
		t.Fatal(err)
	}
	v, ok := m[name]
	if !ok {
		t.Fatalf("no vector %q", name)
	}
	return v[:len(v):len(v)]
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
