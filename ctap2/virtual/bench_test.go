package virtual_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// BenchmarkSignature is what a login can't do without: one P-256 signature.
func BenchmarkSignature(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256(nil)
	for b.Loop() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogin is a getAssertion with an allowList and a token, on a key
// called directly. A token is good for one login, so that getting one is part
// of what a host does, but not of what is measured.
func BenchmarkLogin(b *testing.B) {
	for _, bench := range []struct {
		name  string
		token bool
	}{{"touch", false}, {"token", true}} {
		b.Run(bench.name, func(b *testing.B) {
			h := newHost(b, virtual.Config{})
			made := h.create(&ctap2.MakeCredentialRequest{RP: rp, User: ada})
			request := &ctap2.GetAssertionRequest{
				RPID:           rp.ID,
				ClientDataHash: hash[:],
				AllowList:      []ctap2.PublicKeyCredentialDescriptor{{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey}},
			}
			if bench.token {
				h.setPIN("1234")
			}
			buffer := make([]byte, 0, 1024)
			plain := encode(b, request)
			b.ReportAllocs()
			for b.Loop() {
				encoded := plain
				if bench.token {
					b.StopTimer()
					request.Authorize(h.token(ctap2.PermissionGA, rp.ID))
					encoded = encode(b, request)
					b.StartTimer()
				}
				if reply := h.key.CBOR(b.Context(), 1, buffer, encoded, nil); reply[0] != 0 {
					b.Fatal(ctap2.Status(reply[0]))
				}
			}
		})
	}
}

// BenchmarkRegister is a makeCredential of each kind.
func BenchmarkRegister(b *testing.B) {
	for _, bench := range []struct {
		name string
		rk   *bool
	}{{"plain", nil}, {"discoverable", new(true)}} {
		b.Run(bench.name, func(b *testing.B) {
			h := newHost(b, virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}})
			request := encode(b, h.complete(&ctap2.MakeCredentialRequest{RP: rp, User: ada, Options: ctap2.Options{RK: bench.rk}}))
			buffer := make([]byte, 0, 2048)
			b.ReportAllocs()
			for b.Loop() {
				if reply := h.key.CBOR(b.Context(), 1, buffer, request, nil); reply[0] != 0 {
					b.Fatal(ctap2.Status(reply[0]))
				}
			}
		})
	}
}

// idle are what a key may have done before it is left alone.
var idle = []struct {
	name string
	use  func(h *host)
}{
	{"new", func(*host) {}},
	{"used", func(h *host) {
		h.discoverable(rp, ada)
		h.assert(&ctap2.GetAssertionRequest{})
		h.key.PowerCycle()
	}},
}

// BenchmarkIdle reports the bytes that a key holds, with its Storage: one that
// has done nothing yet, and one with a passkey that has made a login and lost
// power since.
func BenchmarkIdle(b *testing.B) {
	for _, bench := range idle {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(held(b, bench.use), "B/key")
			}
		})
	}
}

// An idle key is small, so that a program can have thousands.
func TestIdleKeyIsSmall(t *testing.T) {
	const most = 4096
	for _, test := range idle {
		// What the runtime does meanwhile can only add.
		if size := min(held(t, test.use), held(t, test.use)); size > most {
			t.Errorf("a %s key holds %.0f bytes, more than %d", test.name, size, most)
		}
	}
}

// held returns how many bytes a key holds, in the mean over many.
func held(t testing.TB, use func(h *host)) float64 {
	keys := make([]*virtual.Key, 200)
	before := live()
	for i := range keys {
		h := newHost(t, virtual.Config{})
		use(h)
		keys[i] = h.key
	}
	size := float64(live()-before) / float64(len(keys))
	runtime.KeepAlive(keys)
	return size
}

func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
