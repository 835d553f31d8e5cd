package virtual

import (
	"bytes"
	"testing"

	"github.com/gofido/fido/ctap2"
)

func zero(b []byte) bool { return len(b) > 0 && bytes.Count(b, []byte{0}) == len(b) }

// keepingStorage breaks its promise to keep none of the memory.
type keepingStorage struct {
	MemoryStorage
	seen [][]byte
}

func (s *keepingStorage) Commit(changes map[string][]byte) error {
	for _, b := range changes {
		if b != nil {
			s.seen = append(s.seen, b)
		}
	}
	return s.MemoryStorage.Commit(changes)
}

// What a key has replaced is wiped.
func TestSecretsAreWiped(t *testing.T) {
	store := new(keepingStorage)
	k, err := New(Config{Storage: store})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(k.SetPIN([]byte("1234")))
	first := k.state.pin.Hash
	must(k.SetPIN([]byte("4321")))
	if !zero(first) || zero(k.state.pin.Hash) {
		t.Errorf("the hash of the old PIN is %x, of the new one %x", first, k.state.pin.Hash)
	}
	if _, err := k.AddCredential(NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "a"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}, Discoverable: true}); err != nil {
		t.Fatal(err)
	}
	old := k.state
	k.PowerCycle()
	if !zero(old.pin.Hash) || !zero(old.device.Secret) || !zero(old.stored[0].private) {
		t.Errorf("after the power cycle the old state is %+v", old)
	}
	if zero(k.state.pin.Hash) || zero(k.state.device.Secret) || zero(k.state.stored[0].private) {
		t.Errorf("after the power cycle the state is %+v", k.state)
	}
	// A PIN that can't be stored.
	refused := makePINRecord([]byte("1111"))
	store.CutPowerAfter(0)
	if err := k.storePIN(refused); err == nil || !zero(refused.Hash) || zero(k.state.pin.Hash) {
		t.Errorf("%v, refused %x, kept %x", err, refused.Hash, k.state.pin.Hash)
	}
	if len(store.seen) < 5 {
		t.Errorf("%d records seen", len(store.seen))
	}
	for _, b := range store.seen {
		if !zero(b) {
			t.Errorf("a record that was committed is left in memory: %x", b)
		}
	}
}
