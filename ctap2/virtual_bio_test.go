package ctap2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// withSensor returns a software key with a fingerprint sensor and the PIN 1234, a
// client for it, and a token for fingerprints.
func withSensor(t testing.TB, c virtual.Config) (*virtual.Key, *ctap2.Client, *pinuv.Token) {
	t.Helper()
	c.UV, c.History = virtual.FingerprintUV, 512
	key, client := connect(t, c, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	token, err := client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionBE, "")
	if err != nil {
		t.Fatal(err)
	}
	return key, client, token
}

// subcommandsSent returns the names of the commands that the key has got, subcommands for
// those that have them, from the n-th on.
func subcommandsSent(t testing.TB, key *virtual.Key, n int) (all []string) {
	t.Helper()
	for _, r := range key.Commands()[n:] {
		if sub := subCommandOf(r.Request); sub != nil {
			all = append(all, sub.String())
		} else {
			all = append(all, r.Command().String())
		}
	}
	return all
}

func sampleSteps(all ...virtual.Sample) virtual.User {
	var steps []virtual.Step
	for _, s := range all {
		steps = append(steps, virtual.Step{Sample: s})
	}
	return virtual.Script(steps...)
}

func TestFingerprintsOfSoftwareKey(t *testing.T) {
	const begin, next = "enrollBegin", "enrollCaptureNextSample"
	for name, c := range map[string]virtual.Config{
		"CTAP 2.3":              {},
		"CTAP 2.1":              {Profile: virtual.FIDO21},
		"CTAP 2.3 and preview":  {Previews: true},
		"CTAP 2.0, the preview": {Profile: virtual.FIDO20, Previews: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := c
				c.User = sampleSteps(virtual.GoodSample, virtual.BadSample(ctap2.SampleTooFast), virtual.GoodSample, virtual.NoSample, virtual.GoodSample)
				c.Fingerprints.Samples = 3
				key, client, token := withSensor(t, c)
				ctx := t.Context()
				if all, err := client.Fingerprints(ctx, token); err != nil || len(all) != 0 {
					t.Errorf("none yet: %v, %v", all, err)
				}
				if m, err := client.BioModality(ctx); err != nil || m != ctap2.ModalityFingerprint {
					t.Errorf("modality %v, %v", m, err)
				}
				want := ctap2.FingerprintSensorInfo{Kind: ctap2.FingerprintTouch, MaxCaptureSamples: 3, MaxTemplateFriendlyName: 15}
				if info, err := client.FingerprintSensorInfo(ctx); err != nil || info != want {
					t.Errorf("sensor %+v, %v", info, err)
				}
				if info, err := client.Info(ctx); err != nil || info.Options[ctap2.OptionUV] {
					t.Errorf("uv is true without fingerprints: %v", err)
				}
				before := len(key.Commands())
				start := time.Now()
				var seen []ctap2.EnrollmentSample
				id, err := client.EnrollFingerprint(ctx, token, &ctap2.Enrollment{
					Timeout: 2 * time.Second, Progress: func(s ctap2.EnrollmentSample) { seen = append(seen, s) },
				})
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != 2*time.Second {
					t.Errorf("took %v", took)
				}
				if want := []ctap2.EnrollmentSample{
					{Remaining: 2}, {Status: ctap2.SampleTooFast, Remaining: 2}, {Remaining: 1}, {Status: ctap2.SampleNoUserActivity, Remaining: 1}, {},
				}; !slices.Equal(seen, want) {
					t.Errorf("samples %v, want %v", seen, want)
				}
				// One command a sample is the least that the specification allows.
				if got := subcommandsSent(t, key, before); !slices.Equal(got, []string{begin, next, next, next, next}) {
					t.Errorf("sent %q", got)
				}
				if info, err := client.Info(ctx); err != nil || !info.Options[ctap2.OptionUV] {
					t.Errorf("uv is not true: %v", err)
				}
				if err := client.SetFingerprintName(ctx, token, id, "left thumb"); err != nil {
					t.Error(err)
				}
				long, ok := errors.AsType[*ctap2.FriendlyNameError](client.SetFingerprintName(ctx, token, id, "sixteen letters!"))
				if !ok || long.Length != 16 || long.Limit != 15 {
					t.Errorf("a long name: %v", long)
				}
				all, err := client.Fingerprints(ctx, token)
				if err != nil || len(all) != 1 || !bytes.Equal(all[0].TemplateID, id) || all[0].TemplateFriendlyName != "left thumb" {
					t.Errorf("fingerprints %v, %v", all, err)
				}
				other := []byte("another")
				if err := client.SetFingerprintName(ctx, token, other, "x"); !errors.Is(err, ctap2.StatusInvalidOption) {
					t.Error(err)
				}
				if err := client.RemoveFingerprint(ctx, token, other); !errors.Is(err, ctap2.StatusInvalidOption) {
					t.Error(err)
				}
				if err := client.RemoveFingerprint(ctx, token, id); err != nil || len(key.Fingerprints()) != 0 {
					t.Error(err)
				}
				if info, err := client.Info(ctx); err != nil || info.Options[ctap2.OptionUV] {
					t.Errorf("uv is true again without fingerprints: %v", err)
				}
			})
		})
	}
}

func TestFingerprintsFullOfSoftwareKey(t *testing.T) {
	key, client, token := withSensor(t, virtual.Config{Fingerprints: virtual.Fingerprints{Max: 1}})
	if _, err := key.AddFingerprint(""); err != nil {
		t.Fatal(err)
	}
	if id, err := client.EnrollFingerprint(t.Context(), token, nil); !errors.Is(err, ctap2.StatusFPDatabaseFull) {
		t.Errorf("%x, %v", id, err)
	}
	key, client, _ = withSensor(t, virtual.Config{})
	bad, err := client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.EnrollFingerprint(t.Context(), bad, nil); !errors.Is(err, ctap2.StatusPINAuthInvalid) || len(key.Fingerprints()) > 0 {
		t.Errorf("a token without the permission: %v", err)
	}
	_, plain := connect(t, virtual.Config{UV: virtual.ConfiguredUV}, nil)
	if _, err := plain.EnrollFingerprint(t.Context(), nil, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a key without a sensor: %v", err)
	}
}

// A host that gives up in the middle leaves nothing on the key, which is free at
// once.
func TestEnrollmentOfSoftwareKeyCancelled(t *testing.T) {
	for good := range 3 {
		t.Run(fmt.Sprintf("after %d samples", good), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key, client, token := withSensor(t, virtual.Config{User: sampleSteps(slices.Repeat([]virtual.Sample{virtual.GoodSample}, good)...)})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				id, err := client.EnrollFingerprint(ctx, token, nil)
				if id != nil || !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
					t.Errorf("%x, %v after %v", id, err, time.Since(start))
				}
				all := key.Commands()
				last, err := all[len(all)-1].Parse()
				if err != nil || last.(*ctap2.BioEnrollmentRequest).SubCommand != ctap2.CancelCurrentEnrollment {
					t.Errorf("the last command is %+v, %v", last, err)
				}
				key.SetUser(virtual.AlwaysTouch())
				if _, err := client.EnrollFingerprint(t.Context(), token, nil); err != nil || len(key.Fingerprints()) != 1 {
					t.Errorf("again: %v", err)
				}
			})
		})
	}
}

// A key that never has enough is given up, and so is one that counts upwards.
func TestEnrollmentNeverEnds(t *testing.T) {
	for name, c := range map[string]virtual.Config{
		"bad samples": {User: sampleSteps(slices.Repeat([]virtual.Sample{virtual.BadSample(ctap2.SamplePoorQuality)}, 1000)...)},
		"a lying key": {Faults: virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
			if r, err := ctap2.ParseBioEnrollmentResponse(reply[1:]); c == ctap2.CommandBioEnrollment && err == nil && r.RemainingSamples != nil {
				r.RemainingSamples = new(*r.RemainingSamples + 1<<40)
				if b, err := r.Append([]byte{0}); err == nil {
					return b
				}
			}
			return reply
		}}, Fingerprints: virtual.Fingerprints{Samples: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			key, client, token := withSensor(t, c)
			before := len(key.Commands())
			id, err := client.EnrollFingerprint(t.Context(), token, nil)
			if id != nil || err == nil {
				t.Errorf("%x, %v", id, err)
			}
			if n := len(key.Commands()) - before; n > ctap2.MaxSamples+1 {
				t.Errorf("%d commands", n)
			}
			all := subcommandsSent(t, key, before)
			if last := all[len(all)-1]; last != ctap2.CancelCurrentEnrollment.String() {
				t.Errorf("the last command is %s", last)
			}
		})
	}
}

// Keys exist whose token ends with an enrolment. The program gets another one.
func TestTokenEndsWithEnrollment(t *testing.T) {
	_, client, token := withSensor(t, virtual.Config{Faults: virtual.Faults{TokenOnce: true}})
	id, err := client.EnrollFingerprint(t.Context(), token, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetFingerprintName(t.Context(), token, id, "thumb"); !errors.Is(err, ctap2.StatusPINAuthInvalid) {
		t.Error(err)
	}
	token, err = client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionBE, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetFingerprintName(t.Context(), token, id, "thumb"); err != nil {
		t.Error(err)
	}
}

// The key's own user verification is tried first, until it is blocked or the user
// has had enough; then comes the PIN, which gives all tries back.
func TestTokenFallsBackToPIN(t *testing.T) {
	const wrong, right = virtual.NotVerified, virtual.Verified
	for _, test := range []struct {
		name    string
		fingers []virtual.Verification
		bored   int // the try at which the user asks for the PIN
		count   uint
		asked   []string
	}{
		{"recognised", []virtual.Verification{right}, 0, 1, []string{"uv 3"}},
		{"recognised at last", []virtual.Verification{wrong, wrong, right}, 0, 3, []string{"uv 3", "uv 2", "uv 1"}},
		{"blocked", []virtual.Verification{wrong, wrong, wrong}, 0, 0, []string{"uv 3", "uv 2", "uv 1", "pin 8"}},
		{"rather the PIN", []virtual.Verification{wrong}, 2, 0, []string{"uv 3", "uv 2", "pin 8"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var steps []virtual.Step
			for _, v := range test.fingers {
				steps = append(steps, virtual.Step{Verify: v})
			}
			key, _, _ := withSensor(t, virtual.Config{User: virtual.Script(steps...)})
			if _, err := key.AddFingerprint(""); err != nil {
				t.Fatal(err)
			}
			client := ctap2.NewClient(key.Direct(), nil) // the other one remembers a key without fingerprints
			var asked []string
			token, err := client.Token(t.Context(), ctap2.PermissionGA, "example.com", ctap2.TokenPrompt{
				UV: func(_ context.Context, retries uint, _ error) error {
					if asked = append(asked, fmt.Sprintf("uv %d", retries)); len(asked) == test.bored {
						return ctap2.ErrUsePIN
					}
					return nil
				},
				PIN: func(_ context.Context, left ctap2.PINRetries, _ error) ([]byte, error) {
					asked = append(asked, fmt.Sprintf("pin %d", left.Retries))
					return []byte("1234"), nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			token.Wipe()
			if !slices.Equal(asked, test.asked) {
				t.Errorf("asked %q, want %q", asked, test.asked)
			}
			if n := key.Info().UvCountSinceLastPinEntry; key.UVRetries() != 3 || *n != test.count {
				t.Errorf("%d tries are left, and the count is %d, want %d", key.UVRetries(), *n, test.count)
			}
		})
	}
}
