package virtual_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelKeys are the keys that the model knows, and how many of all the commands
// each gets.
var modelKeys = []struct {
	name   string
	config virtual.Config
	share  int // of 100
}{
	{"CTAP 2.3", virtual.Config{Enterprise: &virtual.Enterprise{RPIDs: modelRPIDs[:1], Attestation: virtual.AttestNone}}, 15},
	{"with user verification", virtual.Config{UV: virtual.ConfiguredUV}, 15},
	{"with fingerprints", virtual.Config{UV: virtual.FingerprintUV, UVBioEnroll: true, Fingerprints: virtual.Fingerprints{Max: 3, Samples: 2}}, 15},
	{"with two attempts", virtual.Config{UV: virtual.ConfiguredUV, UVRetries: 5, UVAttempts: 2, UVForEverything: true, UVAcfg: true}, 10},
	{"always verifying", virtual.Config{AlwaysUV: true, UV: virtual.ConfiguredUV, UVRetries: 1, UVAttempts: 3}, 10},
	{"always verifying, which stays", virtual.Config{AlwaysUV: true, AlwaysUVStays: true}, 5},
	{"PIN for management alone", virtual.Config{UV: virtual.ConfiguredUV, NoPINForMcGa: true}, 5},
	{"CTAP 2.1", virtual.Config{Profile: virtual.FIDO21, Protocols: []pinuv.Protocol{pinuv.Two}}, 10},
	{"CTAP 2.0", virtual.Config{Profile: virtual.FIDO20, Protocols: []pinuv.Protocol{pinuv.One}}, 10},
	{"on a card reader", virtual.Config{Transport: "nfc"}, 5},
}

// modelSeeds is how many runs a key's commands are spread over.
const modelSeeds = 4

// Random commands, from two sessions, with users who touch, refuse and stay away,
// time that passes and power that goes, have the same outcomes on the key and on
// a small model of the specification.
func TestModel(t *testing.T) {
	total := 100_000
	if testing.Short() {
		total = 5_000
	}
	var mu sync.Mutex
	seen, commands := make(map[string]int), 0
	t.Run("keys", func(t *testing.T) {
		for _, key := range modelKeys {
			t.Run(key.name, func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(modelSeeds) {
					d := newModelDriver(t, key.config, seed)
					for d.commands <= total*key.share/100/modelSeeds {
						d.step()
					}
					mu.Lock()
					for outcome, n := range d.seen {
						seen[outcome] += n
					}
					commands += d.commands
					mu.Unlock()
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	for _, outcome := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[outcome], outcome)
	}
	if testing.Short() {
		return
	}
	if commands < total {
		t.Errorf("%d commands, want %d", commands, total)
	}
	for command, statuses := range modelOutcomes {
		for _, s := range statuses {
			outcome := command + " " + s.Name()
			if s == 0 {
				outcome = command + " done"
			}
			if seen[outcome] < modelLeast {
				t.Errorf("%s was seen %d times, want %d at least: the commands are drawn too one-sidedly", outcome, seen[outcome], modelLeast)
			}
		}
	}
}

func newModelDriver(t *testing.T, c virtual.Config, seed uint64) *modelDriver {
	begun := time.Unix(0, 0)
	d := &modelDriver{
		Rand:  rand.New(rand.NewPCG(seed, 0)),
		clock: virtual.NewClock(begun),
		begun: begun,
		seed:  seed,
		seen:  make(map[string]int),
	}
	c.Algorithms, c.Attestation = []cose.Algorithm{cose.EdDSA}, virtual.AttestNone
	c.MaxCredentials, c.MaxCredentialCountInList, c.History = 5, 3, -1
	c.MaxCredentialIDLength = 256 // so that credBlob fits in an ID
	c.LargeBlobCapacity, c.MaxRPIDsForSetMinPINLength = 1500, modelMaxRPIDs
	c.UVRetries, c.UVAttempts = max(c.UVRetries, 1), max(c.UVAttempts, 1)
	if c.UVRetries == 1 && c.UVAttempts == 1 {
		c.UVRetries = 3
	}
	if c.Protocols == nil {
		c.Protocols = []pinuv.Protocol{pinuv.Two, pinuv.One}
	}
	d.model = newModel(c, newHost(t, c).key.Info())
	c.Clock, c.User = d.clock, d
	c.Rand = rand.NewChaCha8([32]byte{byte(seed)})
	d.host = newHost(t, c)
	return d
}
